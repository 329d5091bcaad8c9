//! Why a party's numbers are missing from a table. Always stated, never papered over.

use jiff::civil::Date;
use sumac_policy::{Reason, Refusal};
use sumac_protocol::SupportId;

use crate::connect::Unreachable;
use crate::history::HistoryDiffers;
use crate::verify::Unsound;

/// Why a party did not contribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// Its node refused.
    #[error("refused ({code}): {0}", code = .0.reason)]
    Refused(Refusal),
    /// It has left the agreement.
    #[error("left the agreement on {0}")]
    Left(Date),
    /// Its node could not be asked, or did not answer in time.
    #[error("not reached: {0}")]
    Unreachable(Unreachable),
    /// Its node failed.
    #[error("its node failed")]
    Fault(SupportId),
    /// It answered something that must not be added up.
    #[error("not counted: {0}")]
    Unsound(Unsound),
    /// It shows another history than before. Nothing that it says now counts.
    #[error("its history differs: {0}")]
    HistoryDiffers(HistoryDiffers),
    /// It answered, and the answer cannot be kept here. What is not kept is not used.
    #[error("its answer cannot be kept here: {0}")]
    NotKept(String),
}

impl Absence {
    /// Whether the node was restored from a backup, and waits to be shown what is kept of it.
    pub(crate) fn is_restored(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.reason == Reason::Restored)
    }

    /// One word for machines: `refused`, `left`, `unreachable`, `fault`, `unsound`, `history_differs`, `not_kept`.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Refused(_) => "refused",
            Self::Left(_) => "left",
            Self::Unreachable(_) => "unreachable",
            Self::Fault(_) => "fault",
            Self::Unsound(_) => "unsound",
            Self::HistoryDiffers(_) => "history_differs",
            Self::NotKept(_) => "not_kept",
        }
    }

    /// What to do about it; empty if there is nothing to say.
    pub fn hint(&self) -> String {
        match self {
            Self::Refused(refusal) => refusal.hint.clone(),
            Self::Left(_) => {
                "the next version of the MOU leaves it out, with its notice of exit attached".to_owned()
            }
            Self::Unreachable(unreachable) => unreachable.hint().to_owned(),
            Self::Fault(id) => {
                format!("quote {id} to its operator, who finds the cause in the log")
            }
            Self::Unsound(unsound) => unsound.hint().to_owned(),
            Self::HistoryDiffers(_) => {
                "keep the files in `heads` and `receipts`, use none of its new answers, and ask its operator \
                 whether an old backup was put back"
                    .to_owned()
            }
            Self::NotKept(_) => {
                "make room, or mend the file; then ask again, which is free".to_owned()
            }
        }
    }
}
