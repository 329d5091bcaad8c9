//! What the agreement says about the data that parties of a kind hold.

use crate::mou::PartyKind;
use crate::predicate::ColumnRef;

/// Rules for the data of one kind of party.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataRules {
    /// Whose.
    pub kind: PartyKind,
    /// Older data answers nothing: at most this many days between its as-of date and the question.
    pub freshness_days: Option<u32>,
    /// Columns that no KPI may read at these parties, and that their nodes do not take in.
    pub withheld: Vec<ColumnRef>,
}
