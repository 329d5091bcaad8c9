//! Whether a node still shows the history that it showed before.

use std::path::PathBuf;
use std::sync::Arc;

use sumac_policy::{PartyId, TableKey};
use sumac_protocol::{Answered, RecordedRelease, SignedHead};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::in_log::{Restore, judge_head, judge_restored};
use crate::keep::{Keep, KeepError, Kept};
use crate::notice::Notice;
use crate::receipt::{Note, Receipt};
use crate::verify::{Unsound, Verified};

/// How a node's history differs from what is kept here of it. What was kept stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryDiffers {
    /// The node found out itself, and answers nothing.
    #[error("its node says that its log does not continue the one seen before")]
    SaidByNode,
    /// It cannot show that its log continues the one seen before.
    #[error("its log of {shown} records does not continue the one of {seen} records seen before")]
    NotContinued {
        /// Records below the head that is kept.
        seen: u64,
        /// Records below the head that it shows now.
        shown: u64,
        /// Where that head is kept beside the other.
        evidence: PathBuf,
    },
    /// It released the same table twice, with unequal bytes.
    #[error("it released table {table}, revision {revision}, and shows another release of it now")]
    OtherRelease {
        /// The table, whatever its revision.
        table: TableKey,
        /// The revision.
        revision: u32,
        /// Where the new receipt is kept beside the other.
        evidence: PathBuf,
    },
}

impl HistoryDiffers {
    /// Where what was shown now is kept, beside what was kept before.
    pub fn evidence(&self) -> Option<&PathBuf> {
        match self {
            Self::SaidByNode => None,
            Self::NotContinued { evidence, .. } | Self::OtherRelease { evidence, .. } => {
                Some(evidence)
            }
        }
    }
}

impl Asker {
    /// The head that is kept of a party's log.
    pub(crate) fn last_head(&self, party: &PartyId) -> Result<Option<SignedHead>, Absence> {
        match self.keep() {
            Some(keep) => keep.last_head(party).map_err(not_kept),
            None => Ok(None),
        }
    }

    /// Takes up the head that came with answers, if it continues the one that was sent.
    pub(crate) fn continued(
        &self,
        party: &PartyId,
        last: Option<&SignedHead>,
        answered: &Answered,
    ) -> Result<Option<Arc<SignedHead>>, Absence> {
        let Some(shown) = &answered.head else { return Ok(None) };
        judge_head(self.trust(), party, shown).map_err(not_shown)?;
        let Some(keep) = self.keep() else { return Ok(Some(Arc::new(shown.clone()))) };
        if let Some(last) = last {
            let proof = answered.consistency.as_ref();
            if proof.is_none_or(|proof| proof.verify(&last.head, &shown.head).is_err()) {
                let restored = answered.restored.as_ref();
                if let Some(restore) = restored.and_then(|log| judge_restored(log, last, shown)) {
                    return self.new_history(keep, party, &restore, (last, shown)).map(Some);
                }
                let evidence = keep.other_head(party, shown).map_err(not_kept)?;
                let (seen, shown) = (last.head.size, shown.head.size);
                let differs = HistoryDiffers::NotContinued { seen, shown, evidence };
                return Err(Absence::HistoryDiffers(differs));
            }
        }
        keep.head(party, shown).map_err(not_kept)?;
        Ok(Some(Arc::new(shown.clone())))
    }

    /// Takes up the log of a node that was restored. What was kept of the lost one stays as evidence, and the asker
    /// is told. Receipts stay, and what comes back must be what they say.
    fn new_history(
        &self,
        keep: &Keep,
        party: &PartyId,
        restore: &Restore,
        (last, shown): (&SignedHead, &SignedHead),
    ) -> Result<Arc<SignedHead>, Absence> {
        let evidence = keep.new_history(party, last, shown).map_err(not_kept)?;
        self.notice(Notice::NewHistory {
            party: party.clone(),
            restored: restore.at,
            size: restore.size,
            seen: last.head.size,
            evidence,
        });
        Ok(Arc::new(shown.clone()))
    }

    /// Keeps the receipt of a release, unless one is kept already; that one must be of the same release.
    pub(crate) fn kept(
        &self,
        table: TableKey,
        verified: &Verified,
        recorded: RecordedRelease,
        head: &SignedHead,
        note: impl FnOnce(&Keep) -> Note,
    ) -> Result<(), Absence> {
        let Some(keep) = self.keep() else { return Ok(()) };
        let receipt = Receipt {
            release: verified.signed().clone(),
            recorded,
            head: head.clone(),
            note: Some(note(keep)),
        };
        let facts = verified.release().facts();
        match keep.receipt(&facts.party, table, facts.revision, &receipt).map_err(not_kept)? {
            Kept::New | Kept::Already => Ok(()),
            Kept::Differs { evidence } => {
                let revision = facts.revision;
                let differs = HistoryDiffers::OtherRelease { table, revision, evidence };
                Err(Absence::HistoryDiffers(differs))
            }
        }
    }
}

pub(crate) fn not_shown(not_shown: crate::in_log::NotShown) -> Absence {
    Absence::Unsound(Unsound::NotShown(not_shown))
}

pub(crate) fn not_kept(error: KeepError) -> Absence {
    Absence::NotKept(crate::verify::in_words(&error))
}

#[cfg(test)]
mod tests;
