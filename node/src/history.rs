//! Whether this node's log is still the one that it showed its askers, and what to show them now.

use std::sync::atomic::Ordering;

use sumac_keys::{Seal, seal};
use sumac_policy::TableKey;
use sumac_protocol::status::CallError;
use sumac_protocol::{Release, SignedHead, SignedRelease, WireError};

use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::store::{Evidence, EvidenceRequest, ReleaseName};

/// A head that an asker kept, which this log continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continued {
    size: u64,
}

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
    /// Whether the node may answer. Once it knows that its log is not the one it showed, it answers nothing: what
    /// was spent and released since is not in it.
    pub(crate) fn is_itself(&self) -> Result<(), CallError> {
        if self.log_differs.load(Ordering::Acquire) { Err(CallError::LogDiffers) } else { Ok(()) }
    }

    /// Holds a head that an asker kept against the log; none if the log does not continue it. If this node signed
    /// it, the node answers nothing from then on. What others made up stops nobody.
    pub(crate) async fn continues(
        &self,
        agreement: &Agreement,
        seen: &SignedHead,
    ) -> Result<Option<Continued>, NodeError> {
        let head = &seen.head;
        if self.store.root_at(head.size).await? == Some(head.root) {
            return Ok(Some(Continued { size: head.size }));
        }
        let held = self.store.head().await?.map_or(0, |held| held.head.size);
        if self.signed(agreement, seen) {
            self.log_differs.store(true, Ordering::Release);
            tracing::error!(
                seen = head.size,
                held,
                root = %head.root,
                "this ledger is not the one that this node showed before: a head that it signed is not in it, so it \
                 is an old copy, or was changed. Nothing is answered any more. Stop the node, keep this ledger \
                 aside, put the newest one back, and start again"
            );
        } else {
            tracing::warn!(
                seen = head.size,
                held,
                "an asker sent a head that this node did not sign"
            );
        }
        Ok(None)
    }

    /// Whether this party's node signed a head.
    fn signed(&self, agreement: &Agreement, seen: &SignedHead) -> bool {
        let SignedHead { head, signature, chain } = seen;
        let seal = Seal { signature: signature.clone(), chain: chain.clone() };
        seal::verify_head(&seal, &head.canonical_bytes(), agreement.trust(), head.at)
            .is_ok_and(|node| *node.party() == self.party)
    }

    /// What shows these releases, and that the log continues what the asker saw.
    pub(crate) async fn evidence<'a>(
        &self,
        seen: Option<Continued>,
        releases: impl Iterator<Item = &'a InLog>,
    ) -> Result<Evidence, NodeError> {
        let seen = seen.map(|Continued { size }| size);
        let releases = releases.map(|in_log| in_log.name).collect();
        Ok(self.store.evidence(EvidenceRequest { seen, releases }).await?)
    }
}
