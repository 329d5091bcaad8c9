//! Questions that wait for a person: put before the node's stewards, decided by them, and only then measured.

use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::{Approver, Clause, Kpi, Peer, Permit, Reason, Refusal};
use sumac_protocol::{Decision, HeldFacts};

use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::records::snapshot::Data;
use crate::release::{NotReleased, price_of};
use crate::store::{HoldRequest, Judged, Judgement, Judging, Leave, Verdict};

/// Proof that whoever has to approve a measurement was asked: nobody, or stewards who did. The ledger holds a charge
/// against it once more. Made only here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Approval(Leave);

impl Approval {
    /// What the charge rests on.
    pub(crate) fn leave(self) -> Leave {
        self.0
    }
}

impl Node {
    /// Leave to measure, if it is there; else the question waits from now on, and asking again puts it there no second
    /// time.
    pub(crate) async fn approval(
        &self,
        permit: &Permit,
        snapshot: &Data,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<Approval, NotReleased> {
        let Some(needed) = permit.needs()? else { return Ok(Approval(Leave::NotNeeded)) };
        let request = hold_request(permit, snapshot, needed.stewards(), peer, now);
        match self.store.hold(request).await.map_err(NodeError::from)? {
            Some(judged) => Ok(given(&judged, permit.table().kpi())?),
            // Released meanwhile: the charge finds the release, and charges nothing.
            None => Ok(Approval(Leave::Missing)),
        }
    }

    /// The same without putting anything there.
    pub(crate) async fn would_be_approved(
        &self,
        permit: &Permit,
        snapshot: &Data,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<(), NotReleased> {
        let Some(needed) = permit.needs()? else { return Ok(()) };
        let request = hold_request(permit, snapshot, needed.stewards(), peer, now);
        match self.store.find_held(request).await.map_err(NodeError::from)? {
            Some(judged) => Ok(given(&judged, permit.table().kpi()).map(drop)?),
            None => Ok(permit.measure()?),
        }
    }

    /// What waits, or was decided and not measured yet: as far as it is of the data and of the MOU in use.
    pub(crate) async fn queue(
        &self,
        agreement: &Agreement,
        snapshot: Option<&Arc<Data>>,
    ) -> Result<Vec<Judged>, NodeError> {
        let mut queue = self.store.queue().await?;
        queue.retain(|judged| stands(judged, agreement, snapshot));
        Ok(queue)
    }

    /// Writes down what a steward says of a question that waits.
    pub(crate) async fn decide_held(
        &self,
        agreement: &Agreement,
        approver: &Approver,
        (number, decision): (u64, Decision),
        snapshot: Option<&Arc<Data>>,
        now: Timestamp,
    ) -> Result<Judged, NotReleased> {
        let queue = self.queue(agreement, snapshot).await?;
        if !queue.iter().any(|judged| judged.question.number == number) {
            return Err(not_waiting(number).into());
        }
        let peer = approver.peer().to_string();
        let verdict = match decision {
            Decision::Approve => Verdict::Approve,
            Decision::Reject { because } => Verdict::Reject { because },
        };
        let said = self.store.judge(number, peer.clone(), verdict, now).await;
        match said.map_err(NodeError::from)? {
            Judging::Done(judged) => Ok(judged),
            Judging::NotWaiting => Err(not_waiting(number).into()),
            Judging::ApprovedBefore(judged) => Err(approved_before(&judged, &peer).into()),
        }
    }
}

/// As it goes to a steward.
pub(crate) fn facts(judged: Judged) -> HeldFacts {
    let Judged { question, at, approved_by, rejected } = judged;
    HeldFacts {
        number: question.number,
        kpi: question.kpi,
        period: question.period,
        breakdown: question.breakdown,
        purpose: question.purpose,
        asked_by: question.peer,
        asked_at: at,
        revision: question.revision,
        price_nano_rho: question.price_nano_rho,
        margin: question.margin,
        approvals_needed: question.approvals,
        approved_by,
        rejected: rejected.map(|rejected| (rejected.peer, rejected.because)),
    }
}

/// A question is decided for the data and the MOU that it was asked of, and for no other.
fn stands(judged: &Judged, agreement: &Agreement, snapshot: Option<&Arc<Data>>) -> bool {
    let commitment = snapshot.map(|snapshot| snapshot.commitment());
    judged.question.mou == agreement.mou().hash() && Some(judged.question.commitment) == commitment
}

fn hold_request(
    permit: &Permit,
    snapshot: &Data,
    approvals: u32,
    peer: &Peer,
    now: Timestamp,
) -> HoldRequest {
    let table = permit.table();
    HoldRequest {
        table: table.key(),
        commitment: snapshot.commitment(),
        mou: permit.mou(),
        margin: table.kpi().margin,
        price_nano_rho: price_of(table).get(),
        approvals,
        peer: peer.to_string(),
        purpose: permit.question().purpose.to_string(),
        kpi: table.kpi().id.to_string(),
        period: table.period().to_string(),
        breakdown: table.breakdown().dimensions().iter().map(ToString::to_string).collect(),
        at: now,
    }
}

/// The leave that a question has, or what its asker is told: no steward's name, and no value.
fn given(judged: &Judged, kpi: &Kpi) -> Result<Approval, Refusal> {
    let (number, needed) = (judged.question.number, judged.question.approvals);
    let refusal = |reason, message: String, hint: &str| Refusal {
        reason,
        clause: Clause::at(format!("kpi.{}.needs", kpi.id)),
        message,
        hint: hint.to_owned(),
    };
    let ask_again = "ask again once they have decided: asking puts it there no second time";
    match (judged.judgement(), &judged.rejected) {
        (Judgement::Approved, _) => Ok(Approval(Leave::OfHeld(number))),
        (_, Some(rejected)) => Err(refusal(
            Reason::Rejected,
            format!("question {number} was rejected by this node's steward: {}", rejected.because),
            "it is asked anew once the partner's data or the MOU has changed",
        )),
        _ if judged.approved_by.is_empty() => Err(refusal(
            Reason::Held,
            format!("question {number} waits for approval by {} of this node", stewards(needed)),
            ask_again,
        )),
        _ => Err(refusal(
            Reason::Held,
            format!(
                "question {number} is approved by one of two stewards, and waits for the other"
            ),
            ask_again,
        )),
    }
}

fn stewards(needed: u32) -> &'static str {
    if needed > 1 { "two stewards" } else { "a steward" }
}

fn not_waiting(number: u64) -> Refusal {
    Refusal {
        reason: Reason::NotWaiting,
        clause: Clause::at(""),
        message: format!("no question {number} waits at this node"),
        hint:
            "`sumac held` lists them; a new import or a new MOU version voids what was asked before"
                .to_owned(),
    }
}

fn approved_before(judged: &Judged, peer: &str) -> Refusal {
    Refusal {
        reason: Reason::NotWaiting,
        clause: Clause::at(format!("kpi.{}.needs", judged.question.kpi)),
        message: format!("{peer} approved question {} before", judged.question.number),
        hint: "another steward's certificate has to approve it, too".to_owned(),
    }
}

/// What an asker is told whose approval was taken back before the charge.
pub(crate) fn taken_back(kpi: &Kpi) -> Refusal {
    Refusal {
        reason: Reason::Held,
        clause: Clause::at(format!("kpi.{}.needs", kpi.id)),
        message: "this question is not approved any more".to_owned(),
        hint: "ask again: the answer tells why".to_owned(),
    }
}
