//! What an asker has to be told although it got its answers.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use sumac_policy::PartyId;

/// What happened at a node that was restored from a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was shown what is kept here of it.
    GaveBack {
        /// Whose node.
        party: PartyId,
        /// Releases that it had lost and took back.
        recovered: usize,
        /// Releases that it holds otherwise than they are kept here.
        differ: usize,
        /// Receipts that it did not believe.
        not_proved: usize,
        /// Whom it still waits for.
        awaiting: Vec<PartyId>,
    },
    /// Its log does not continue the one seen before: that was lost, as its signed record of the restore says.
    NewHistory {
        /// Whose node.
        party: PartyId,
        /// When it was restored, as it says.
        restored: Timestamp,
        /// Records in the backup.
        size: u64,
        /// Records below the head that was kept here.
        seen: u64,
        /// Where that head is kept as evidence.
        evidence: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GaveBack { party, recovered, differ, not_proved, awaiting } => {
                write!(
                    f,
                    "THE NODE OF `{party}` WAS RESTORED FROM A BACKUP; it took back {recovered} lost releases that \
                     were kept here"
                )?;
                if *differ > 0 {
                    write!(
                        f,
                        "; of {differ} it holds another release: ask them again to see both"
                    )?;
                }
                if *not_proved > 0 {
                    write!(f, "; it did not believe {not_proved} receipts")?;
                }
                if !awaiting.is_empty() {
                    let awaiting: Vec<_> = awaiting.iter().map(PartyId::as_str).collect();
                    write!(f, "; it answers once it has heard {}", awaiting.join(", "))?;
                }
                Ok(())
            }
            Self::NewHistory { party, restored, size, seen, evidence } => write!(
                f,
                "THE NODE OF `{party}` HAS A NEW HISTORY: it was restored on {restored} from a backup of {size} \
                 records, and lost what it had shown up to record {seen}. The head that proves that is kept in `{}`",
                evidence.display()
            ),
        }
    }
}
