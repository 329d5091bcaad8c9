//! Whether this node's log is still the one that it showed its askers, and what to show them now.

use jiff::{SignedDuration, Timestamp};
use sumac_keys::{Seal, seal};
use sumac_policy::{Clause, Peer, Reason, Refusal, TableKey};
use sumac_protocol::status::CallError;
use sumac_protocol::{LogHead, Release, SignedHead, SignedRelease, WireError};

use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::store::{
    Evidence, EvidenceRequest, Note, ReleaseName, RestoreFacts, Seen, Standing, Stopped, Waiting,
};

/// A head that was lost in a restore is no later than that; clocks may differ by as much.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_hours(24);

/// A head that an asker kept, which this log continues, or lost in a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted(Seen);

/// A release on its way out, and where the log has it.
pub(crate) struct InLog {
    pub(crate) release: SignedRelease,
    pub(crate) name: ReleaseName,
}

impl InLog {
    /// The release of this table, as the ledger gave it back.
    pub(crate) fn of(table: TableKey, bytes: &[u8]) -> Result<Self, WireError> {
        let release = SignedRelease::from_bytes(bytes)?;
        let stated = Release::decode(&release.body)?;
        let derived = stated.facts().derived_from.is_some();
        let name = ReleaseName { table, revision: stated.facts().revision, derived };
        Ok(Self { release, name })
    }
}

impl Node {
    /// Whether the node may answer. It does not once it knows that its log is not the one it showed: what was spent
    /// and released since is not in it. Nor while a restored log waits for those who know what it lost.
    pub(crate) async fn may_answer(&self) -> Result<Result<(), CallError>, NodeError> {
        Ok(match self.store.standing().await? {
            Standing::Itself => Ok(()),
            Standing::Stopped(_) => Err(CallError::LogDiffers),
            Standing::Restored(waiting) => Err(CallError::Refused(restored(&waiting))),
        })
    }

    /// Says in the node's log why it does not answer, if it does not.
    pub(crate) async fn tell_standing(&self) -> Result<(), NodeError> {
        match self.store.standing().await? {
            Standing::Itself => {}
            Standing::Stopped(stopped) => tell_stopped(&stopped),
            Standing::Restored(Waiting { size, awaited, heard }) => tracing::warn!(
                records = size,
                waits_for = awaited.join(", "),
                heard = heard.join(", "),
                "this ledger was restored from a backup. Nothing is answered before each party that asks has shown \
                 what it holds: it does so with its next `sumac ask`. `sumac resume` goes on without one"
            ),
        }
        Ok(())
    }

    /// Holds a head that an asker kept against the log. If this node signed it, and no restore explains that the log
    /// does not continue it, the node answers nothing from then on. What others made up stops nobody.
    pub(crate) async fn continues(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        seen: &SignedHead,
        now: Timestamp,
    ) -> Result<Result<Accepted, CallError>, NodeError> {
        let head = &seen.head;
        if self.store.root_at(head.size).await? == Some(head.root) {
            return Ok(Ok(Accepted(Seen::Here(head.size))));
        }
        let held = self.store.head().await?.map_or(0, |held| held.head.size);
        if !self.signed(agreement, seen) {
            let seen = head.size;
            tracing::warn!(seen, held, "an asker sent a head that this node did not sign");
            return Ok(Err(CallError::LogDiffers));
        }
        let restores = self.store.restoration().await?.restores;
        let Some(restore) = restores.iter().find(|restore| restore.lost(head)) else {
            let stopped = Stopped { peer: peer.to_string(), size: head.size, root: head.root };
            tell_stopped(&stopped);
            self.store.note(Note::Stopped(stopped), now).await?;
            return Ok(Err(CallError::LogDiffers));
        };
        // It holds what was lost and was not heard, or more was charged than anybody had shown when the node went on.
        let party = peer.party().as_str();
        let unheard = restores.last().is_some_and(|last| {
            head.spent_nano_rho > last.accounted_nano_rho
                || !last.heard.iter().any(|heard| heard == party)
        });
        if unheard {
            let waiting = Waiting {
                size: restore.size,
                awaited: vec![peer.party().to_string()],
                heard: Vec::new(),
            };
            return Ok(Err(CallError::Refused(restored(&waiting))));
        }
        Ok(Ok(Accepted(Seen::Lost(restore.size))))
    }

    /// Whether this party's node signed a head.
    pub(crate) fn signed(&self, agreement: &Agreement, seen: &SignedHead) -> bool {
        let SignedHead { head, signature, chain } = seen;
        let seal = Seal { signature: signature.clone(), chain: chain.clone() };
        seal::verify_head(&seal, &head.canonical_bytes(), agreement.trust(), head.at)
            .is_ok_and(|node| *node.party() == self.party)
    }

    /// What shows these releases, and that the log continues what the asker saw, or was restored.
    pub(crate) async fn evidence<'a>(
        &self,
        seen: Option<Accepted>,
        releases: impl Iterator<Item = &'a InLog>,
    ) -> Result<Evidence, NodeError> {
        let seen = seen.map(|Accepted(seen)| seen);
        let releases = releases.map(|in_log| in_log.name).collect();
        Ok(self.store.evidence(EvidenceRequest { seen, releases }).await?)
    }
}

impl RestoreFacts {
    /// Whether a head that this node signed is of the history that this restore lost.
    pub(crate) fn lost(&self, head: &LogHead) -> bool {
        let in_time = self.at.checked_add(CLOCK_TOLERANCE).is_ok_and(|until| head.at <= until);
        // Where a forked log parts from what was lost, nobody knows.
        (self.forked || self.size < head.size) && (in_time || !self.resumed)
    }
}

impl RestoreFacts {
    /// Records before this one are surely in the log.
    pub(crate) fn lost_from(&self) -> u64 {
        if self.forked { 0 } else { self.size }
    }
}

/// The refusal of everything while a restored log waits.
pub(crate) fn restored(waiting: &Waiting) -> Refusal {
    let awaited: Vec<_> = waiting.awaited.iter().map(|party| format!("`{party}`")).collect();
    Refusal {
        reason: Reason::Restored,
        clause: Clause::at(""),
        message: format!(
            "this node was restored from a backup of {} records, and waits to be shown what {} of what it lost",
            waiting.size,
            match awaited.as_slice() {
                [] => "its askers hold".to_owned(),
                [one] => format!("{one} holds"),
                several => format!("{} hold", several.join(", ")),
            }
        ),
        hint: "each of them runs `sumac ask` from the home that asked last; the node's operator goes on without one \
               by `sumac resume`"
            .to_owned(),
    }
}

fn tell_stopped(stopped: &Stopped) {
    let Stopped { peer, size, root } = stopped;
    tracing::error!(
        %peer,
        seen = size,
        %root,
        "this ledger is not the one that this node showed before: a head that it signed is not in it, so it is an old \
         copy, or was changed. Nothing is answered any more. Stop the node, keep this home aside, and restore the \
         newest backup with `sumac restore`"
    );
}
