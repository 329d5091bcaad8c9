//! Questions that wait for a person, as the ledger's owner decides them.

use jiff::Timestamp;

use super::Writer;
use crate::store::book::TableState;
use crate::store::charge::{ChargeRequest, Charging};
use crate::store::error::StoreError;
use crate::store::held::{
    Approved, HoldRequest, Judged, Judgement, Judging, Leave, Rejected, Verdict,
};
use crate::store::record::Event;

impl Writer {
    /// The held question that a charge rests on, if it needs one; the refusal, if that one is not approved.
    pub(super) fn has_leave(&self, request: &ChargeRequest) -> Result<Option<u64>, Charging> {
        let number = match request.leave {
            Leave::NotNeeded => return Ok(None),
            Leave::Missing => return Err(Charging::NotApproved),
            Leave::OfHeld(number) => number,
        };
        let approved = self.book.held_question(number).is_some_and(|judged| {
            let question = &judged.question;
            judged.judgement() == Judgement::Approved
                && question.table == request.table
                && (question.mou, question.margin) == (request.mou, request.margin)
                && question.price_nano_rho == request.price_nano_rho
        });
        if approved { Ok(Some(number)) } else { Err(Charging::NotApproved) }
    }

    /// Finds a question where the stewards see it, or puts it there. None if its table is released, or is not there
    /// and shall not be put.
    pub(super) fn hold(
        &mut self,
        request: HoldRequest,
        put: bool,
    ) -> Result<Option<Judged>, StoreError> {
        let state = self.book.table(&request.table);
        let Some(revision) = state.map_or(Some(0), TableState::next_measured) else {
            return Ok(None);
        };
        let there = state.and_then(TableState::held_question);
        if let Some(judged) = there.filter(|judged| request.is(&judged.question, revision)) {
            return Ok(Some(judged.clone()));
        }
        if !put {
            return Ok(None);
        }
        let (number, at) = (self.book.next_held(), request.at);
        self.record(Event::Held(request.numbered(number, revision)), at)?;
        Ok(self.book.held_question(number).cloned())
    }

    pub(super) fn judge(
        &mut self,
        number: u64,
        peer: String,
        verdict: Verdict,
        at: Timestamp,
    ) -> Result<Judging, StoreError> {
        let Some(judged) = self.book.held_question(number) else { return Ok(Judging::NotWaiting) };
        let event = match (verdict, judged.judgement()) {
            (_, Judgement::Rejected) => return Ok(Judging::NotWaiting),
            (Verdict::Approve, _) if judged.approved_by.contains(&peer) => {
                return Ok(Judging::ApprovedBefore(judged.clone()));
            }
            (Verdict::Approve, Judgement::Approved) => return Ok(Judging::NotWaiting),
            (Verdict::Approve, Judgement::Waiting) => Event::Approved(Approved { number, peer }),
            (Verdict::Reject { because }, _) => Event::Rejected(Rejected { number, peer, because }),
        };
        self.record(event, at)?;
        let judged = self.book.held_question(number);
        Ok(judged.map_or(Judging::NotWaiting, |judged| Judging::Done(judged.clone())))
    }
}
