//! Why a record cannot follow the ones before it.

use sumac_policy::TableKey;

/// Why a record cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// A record is missing, or there twice.
    #[error("record {found} is where record {expected} belongs")]
    OutOfSequence {
        /// The place that comes next.
        expected: u64,
        /// The place that the record claims.
        found: u64,
    },
    /// One table is paid for once.
    #[error("table {0} is charged a second time")]
    ChargedTwice(TableKey),
    /// A price is never zero.
    #[error("table {0} is charged nothing")]
    ChargedNothing(TableKey),
    /// A year spends what the MOU gives it, and no more.
    #[error("table {table} is charged to {year}, whose budget does not hold it")]
    OverBudget {
        /// The table.
        table: TableKey,
        /// The accounting year.
        year: String,
    },
    /// The sum of all charges no longer fits its integer.
    #[error("the sum of all charges is out of range")]
    OutOfRange,
    /// An answer without a charge.
    #[error("table {0} is released without a charge")]
    NotCharged(TableKey),
    /// One table is released once.
    #[error("table {0} is released a second time")]
    ReleasedTwice(TableKey),
    /// Measurements are numbered without a gap.
    #[error("table {table} has revision {revision} where revision {expected} belongs")]
    WrongRevision {
        /// The table.
        table: TableKey,
        /// The revision that comes next.
        expected: u32,
        /// The revision that the record claims.
        revision: u32,
    },
    /// There is nothing to measure anew, or it is ordered already.
    #[error("a new measurement of table {0} is ordered out of turn")]
    OrderedOutOfTurn(TableKey),
    /// Only what was released can be added up.
    #[error("table {0} is added up from a table that is not released")]
    DerivedFromNothing(TableKey),
    /// Only a log that comes from a backup has lost anything.
    #[error("something that was lost comes back to a log that was never restored")]
    NeverRestored,
    /// It is the backup of another log.
    #[error("what is said to be restored is not the log up to here")]
    RestoredOther,
    /// Each party is heard once.
    #[error("`{0}` is heard a second time")]
    HeardTwice(String),
    /// It was paid for at another price or margin.
    #[error("what came back of table {0} is not what was paid for")]
    OtherCharge(TableKey),
    /// The node answers again only once it knows what its askers hold.
    #[error("`{0}` was not heard, and nobody said to go on without it")]
    StillAwaited(String),
    /// What is lost counts against the years in which it may have been spent.
    #[error("what was lost counts against no year")]
    LostInNoYear,
    /// Only what has no answer can be given up.
    #[error("table {0} is given up although it has an answer")]
    LostTwice(TableKey),
    /// Held questions are numbered without a gap, and each is held once.
    #[error("question {0} is held out of turn")]
    HeldOutOfTurn(u64),
    /// Only a question that waits can be approved or rejected, and by each steward once.
    #[error("question {0} is decided out of turn")]
    JudgedOutOfTurn(u64),
    /// The charge names an approval that it does not have.
    #[error("table {0} is charged without the approval that the charge names")]
    NotApproved(TableKey),
    /// Only what was released can be deleted, and once.
    #[error("a release of table {0} is deleted that is not there")]
    PurgedOutOfTurn(TableKey),
}
