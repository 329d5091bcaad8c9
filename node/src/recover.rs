//! After a restore: what askers give back of what was lost.
//!
//! A head that this node signed says how much it had charged; a receipt gives a release back, to the byte. Each is
//! believed because the node sealed it itself. When every party that asks was heard, the account is closed
//! (`resume`) and the node answers again.

use jiff::Timestamp;
use sumac_keys::{Seal, seal};
use sumac_policy::{Capability, Mou, PartyId, Peer, PeerRole, Reason, Refusal};
use sumac_protocol::status::CallError;
use sumac_protocol::{KeptRelease, Recover, Recovering, RecoveryOutcome, Release, SignedHead};

use crate::agreement::Agreement;
use crate::history::restored;
use crate::node::{Node, NodeError};
use crate::resume;
use crate::store::{
    Heard, LostCharge, LostRelease, LostWhat, Note, Recovery, RestoreFacts, Standing, StoreError,
    Waiting, witnessed,
};

impl Node {
    /// Takes what an asker shows of the history that was lost.
    pub(crate) async fn recover(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        shown: Recover,
        now: Timestamp,
    ) -> Result<Result<Recovering, CallError>, NodeError> {
        let _turn = self.recovering.lock().await;
        if let Err(refusal) = Self::may_give_back(agreement.mou(), peer) {
            return Ok(Err(CallError::Refused(refusal)));
        }
        if let Standing::Stopped(_) = self.store.standing().await? {
            return Ok(Err(CallError::LogDiffers));
        }
        let restores = self.store.restoration().await?.restores;
        // A receipt may be of a history that an earlier restore lost.
        let Some(lost_from) = restores.iter().map(RestoreFacts::lost_from).min() else {
            let what = "this node was not restored from a backup".to_owned();
            return Ok(Err(CallError::Malformed(what)));
        };
        let Recover { mou: _, last_head, receipts, done } = shown;
        if let Some(head) = &last_head
            && let Err(refused) = self.believed(agreement, peer, head, now).await?
        {
            return Ok(Err(refused));
        }
        let mut outcomes = Vec::with_capacity(receipts.len());
        for receipt in receipts {
            outcomes.push(self.give_back(agreement, peer, receipt, now).await?);
        }
        if done && let Err(refused) = self.hear(agreement, peer, last_head.as_ref(), now).await? {
            return Ok(Err(refused));
        }
        let awaiting = match self.store.standing().await? {
            Standing::Restored(Waiting { awaited, .. }) => awaited,
            Standing::Itself | Standing::Stopped(_) => Vec::new(),
        };
        let awaiting = awaiting.iter().filter_map(|party| party.parse().ok()).collect();
        Ok(Ok(Recovering { lost_from, awaiting, outcomes }))
    }

    /// Analysts of parties that may ask, or read what is released, hold receipts.
    fn may_give_back(mou: &Mou, peer: &Peer) -> Result<(), Refusal> {
        let may = |capability| mou.may(peer.party(), capability);
        if peer.role() == PeerRole::Analyst && (may(Capability::Ask) || may(Capability::Read)) {
            return Ok(());
        }
        Err(Refusal {
            reason: Reason::PartyMayNotAsk,
            clause: sumac_policy::Clause::at("roles"),
            message: format!("`{peer}` holds no role that may ask"),
            hint: "see the MOU's [roles]".to_owned(),
        })
    }

    /// A head that a peer shows is either in the log, or lost. One that this node signed and that is neither stops it.
    async fn believed(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        head: &SignedHead,
        now: Timestamp,
    ) -> Result<Result<(), CallError>, NodeError> {
        match self.continues(agreement, peer, head, now).await? {
            // It says that more was lost than is known yet: that is what it is shown for.
            Ok(_) | Err(CallError::Refused(_)) => Ok(Ok(())),
            Err(refused) => Ok(Err(refused)),
        }
    }

    async fn give_back(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        kept: KeptRelease,
        now: Timestamp,
    ) -> Result<RecoveryOutcome, NodeError> {
        let Some(lost) = self.proved(agreement, peer, &kept) else {
            let position = kept.recorded.inclusion.seq;
            tracing::warn!(%peer, position, "refused a receipt: this node did not release it so");
            return Ok(RecoveryOutcome::NotProved);
        };
        let (table, revision, position) = (lost.table, lost.revision, lost.position);
        Ok(match self.store.recover(lost, now).await {
            Ok(Recovery::New) => {
                tracing::info!(%peer, %table, revision, position, "took a lost release back");
                RecoveryOutcome::Recovered
            }
            Ok(Recovery::Already) => RecoveryOutcome::Held,
            Ok(Recovery::Differs) => RecoveryOutcome::Differs,
            Err(StoreError::Forbidden { source }) => {
                tracing::warn!(%peer, %table, revision, %source, "a lost release has no place");
                RecoveryOutcome::Differs
            }
            Err(error) => return Err(error.into()),
        })
    }

    /// What a receipt gives back, if this node sealed the release, and a head over the record that names it.
    fn proved(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        kept: &KeptRelease,
    ) -> Option<LostRelease> {
        let KeptRelease { release: signed, recorded, head } = kept;
        let stated = Release::decode(&signed.body).ok()?;
        let facts = stated.facts();
        let seal = Seal { signature: signed.signature.clone(), chain: signed.chain.clone() };
        // The version that it was released under, which need not be in force any more.
        let version = agreement.chain().version(facts.mou)?;
        let by = seal::verify(&seal, &signed.body, version.trust(), facts.measured_at).ok()?;
        if *by.party() != self.party || facts.party != self.party || !self.signed(agreement, head) {
            return None;
        }
        recorded.inclusion.verify(&recorded.record, &head.head).ok()?;
        let body = signed.to_bytes();
        let named = witnessed(recorded, &body)?;
        let same = named.revision == facts.revision
            && named.table.at(named.revision) == facts.table
            && named.from.is_some() == facts.derived_from.is_some();
        if !same {
            return None;
        }
        let what = match named.from {
            Some((from, from_revision)) => LostWhat::Derived { from, from_revision },
            None => {
                let year = facts.accounting_year;
                let span = year.span(version.mou().calendar().year_starts);
                LostWhat::Measured(LostCharge {
                    year: year.to_string(),
                    year_first: span.first,
                    year_last: span.last,
                    margin: facts.margin,
                    price_nano_rho: facts.price_nano_rho,
                    left_nano_rho: facts.left_nano_rho.unwrap_or(0),
                    mou: facts.mou,
                    kpi: facts.kpi.to_string(),
                    period: facts.period.to_string(),
                    breakdown: facts
                        .breakdown
                        .dimensions()
                        .iter()
                        .map(ToString::to_string)
                        .collect(),
                })
            }
        };
        Some(LostRelease {
            table: named.table,
            revision: named.revision,
            position: named.position,
            peer: peer.to_string(),
            made: facts.measured_at,
            what,
            body,
        })
    }

    /// Takes a party as heard, and closes the account if it was the last. One that shows less than the backup knows
    /// of it was not heard: another of its homes asked last.
    async fn hear(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        head: Option<&SignedHead>,
        now: Timestamp,
    ) -> Result<Result<(), CallError>, NodeError> {
        let mut restoration = self.store.restoration().await?;
        let Some(restore) = restoration.restores.pop() else { return Ok(Ok(())) };
        let party = peer.party().as_str();
        let (size, spent_nano_rho) =
            head.map_or((0, 0), |head| (head.head.size, head.head.spent_nano_rho));
        let awaited = restore.awaited.iter().any(|awaited| awaited == party);
        if awaited && restoration.asked.get(party).is_some_and(|asked| *asked >= size) {
            return Ok(Err(CallError::Refused(shows_too_little(&restore, peer.party()))));
        }
        if awaited || (size > 0 && !restore.heard.iter().any(|heard| heard == party)) {
            let heard =
                Heard { party: party.to_owned(), peer: peer.to_string(), size, spent_nano_rho };
            self.store.note(Note::Heard(heard), now).await?;
            tracing::info!(%peer, size, "was heard after the restore");
        }
        if restore.resumed {
            if spent_nano_rho > restore.accounted_nano_rho {
                tracing::warn!(%peer, "more was charged before the restore than anybody had shown");
                let shown = resume::Shown { size, spent_nano_rho };
                resume::close(&self.store, agreement.chain(), &self.party, shown, now).await?;
            }
            return Ok(Ok(()));
        }
        let restoration = self.store.restoration().await?;
        if let Some(restore) = restoration.restores.last()
            && restore.awaited.is_empty()
            && !restore.resumed
        {
            let shown =
                resume::Shown { size: restore.shown_size, spent_nano_rho: restore.shown_nano_rho };
            resume::close(&self.store, agreement.chain(), &self.party, shown, now).await?;
        }
        Ok(Ok(()))
    }
}

fn shows_too_little(restore: &RestoreFacts, party: &PartyId) -> Refusal {
    let waiting =
        Waiting { size: restore.size, awaited: vec![party.to_string()], heard: Vec::new() };
    Refusal {
        message: format!(
            "this node was restored from a backup in which `{party}` asks later than what is kept of that here"
        ),
        ..restored(&waiting)
    }
}
