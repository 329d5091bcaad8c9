//! Why a question is not answered: a closed list, safe to send, each with what to do.

use std::fmt;

use crate::clause::Clause;

/// The reasons, with their stable codes. The text of a refusal may change; the reason may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The asker holds another version of the MOU.
    MouDiffers,
    /// The MOU is not in force yet.
    MouNotYetEffective,
    /// The MOU has expired.
    MouExpired,
    /// The certificate's role does not ask.
    RoleMayNotAsk,
    /// The asker's party holds no role that may ask.
    PartyMayNotAsk,
    /// The MOU lists no such purpose.
    PurposeNotListed,
    /// The MOU lists no such KPI.
    KpiNotListed,
    /// This party's kind does not answer this KPI.
    KpiNotAnsweredHere,
    /// The MOU does not list this breakdown for the KPI.
    BreakdownNotListed,
    /// A restriction forbids a column that the table reads.
    Restricted,
    /// The KPI is not reported by such a period.
    PeriodNotOfKpi,
    /// The period begins before the first that may be asked.
    PeriodBeforeFirst,
    /// The period has not closed, or its waiting time has not passed.
    PeriodNotClosed,
    /// Too few parties of a kind are asked together.
    RosterTooSmall,
    /// One call asks for more tables than a node accepts.
    TooManyTables,
    /// The node holds no data yet.
    NoSnapshot,
    /// The node's data does not cover the period.
    PeriodNotHeld,
    /// The node's data was taken before the period closed.
    SnapshotTooEarly,
    /// The node's data lacks a column that the KPI reads.
    ColumnNotHeld,
    /// The year's budget does not hold the price.
    BudgetSpent,
    /// The MOU asks for a narrower margin than the table was released at.
    MarginTighter,
    /// The pilot does not include this KPI, or this node, until it ends.
    NotInPilot,
    /// The node's data is older than the MOU allows.
    SnapshotStale,
    /// The asker's party may read what is released, and this table is not.
    NotReleasedYet,
    /// The question waits for a person's approval at the node.
    Held,
    /// A person at the node rejected the question.
    Rejected,
    /// The node's operator stopped it for a while.
    Paused,
    /// The party has left the agreement.
    PartyLeft,
    /// The release is older than the MOU keeps releases, and was deleted; it stays paid for.
    ReleasePurged,
    /// The release was lost with the node's disk and nobody holds a receipt; it stays paid for.
    ReleaseLost,
    /// The node was restored from a backup, and has yet to compare its log with what its askers hold.
    Restored,
    /// The peer's party holds no role that may propose a version of the MOU.
    PartyMayNotPropose,
    /// The certificate does not approve questions that wait at this node.
    MayNotApprove,
    /// No such question waits at this node.
    NotWaiting,
}

/// A refused question: the reason, the clause it rests on, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// The clause of the MOU.
    pub clause: Clause,
    /// In words; made of the MOU and the question alone.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 34] = [
        Self::MouDiffers,
        Self::MouNotYetEffective,
        Self::MouExpired,
        Self::RoleMayNotAsk,
        Self::PartyMayNotAsk,
        Self::PurposeNotListed,
        Self::KpiNotListed,
        Self::KpiNotAnsweredHere,
        Self::BreakdownNotListed,
        Self::Restricted,
        Self::PeriodNotOfKpi,
        Self::PeriodBeforeFirst,
        Self::PeriodNotClosed,
        Self::RosterTooSmall,
        Self::TooManyTables,
        Self::NoSnapshot,
        Self::PeriodNotHeld,
        Self::SnapshotTooEarly,
        Self::ColumnNotHeld,
        Self::BudgetSpent,
        Self::MarginTighter,
        Self::NotInPilot,
        Self::SnapshotStale,
        Self::NotReleasedYet,
        Self::Held,
        Self::Rejected,
        Self::Paused,
        Self::PartyLeft,
        Self::ReleasePurged,
        Self::ReleaseLost,
        Self::Restored,
        Self::PartyMayNotPropose,
        Self::MayNotApprove,
        Self::NotWaiting,
    ];

    /// The stable code, on the wire and in logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::MouDiffers => "MOU_DIFFERS",
            Self::MouNotYetEffective => "MOU_NOT_YET_EFFECTIVE",
            Self::MouExpired => "MOU_EXPIRED",
            Self::RoleMayNotAsk => "ROLE_MAY_NOT_ASK",
            Self::PartyMayNotAsk => "PARTY_MAY_NOT_ASK",
            Self::PurposeNotListed => "PURPOSE_NOT_LISTED",
            Self::KpiNotListed => "KPI_NOT_LISTED",
            Self::KpiNotAnsweredHere => "KPI_NOT_ANSWERED_HERE",
            Self::BreakdownNotListed => "BREAKDOWN_NOT_LISTED",
            Self::Restricted => "RESTRICTED",
            Self::PeriodNotOfKpi => "PERIOD_NOT_OF_KPI",
            Self::PeriodBeforeFirst => "PERIOD_BEFORE_FIRST",
            Self::PeriodNotClosed => "PERIOD_NOT_CLOSED",
            Self::RosterTooSmall => "ROSTER_TOO_SMALL",
            Self::TooManyTables => "TOO_MANY_TABLES",
            Self::NoSnapshot => "NO_SNAPSHOT",
            Self::PeriodNotHeld => "PERIOD_NOT_HELD",
            Self::SnapshotTooEarly => "SNAPSHOT_TOO_EARLY",
            Self::ColumnNotHeld => "COLUMN_NOT_HELD",
            Self::BudgetSpent => "BUDGET_SPENT",
            Self::MarginTighter => "MARGIN_TIGHTER",
            Self::NotInPilot => "NOT_IN_PILOT",
            Self::SnapshotStale => "SNAPSHOT_STALE",
            Self::NotReleasedYet => "NOT_RELEASED_YET",
            Self::Held => "HELD",
            Self::Rejected => "REJECTED",
            Self::Paused => "PAUSED",
            Self::PartyLeft => "PARTY_LEFT",
            Self::ReleasePurged => "RELEASE_PURGED",
            Self::ReleaseLost => "RELEASE_LOST",
            Self::Restored => "RESTORED",
            Self::PartyMayNotPropose => "PARTY_MAY_NOT_PROPOSE",
            Self::MayNotApprove => "MAY_NOT_APPROVE",
            Self::NotWaiting => "NOT_WAITING",
        }
    }

    /// The reason of a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}
