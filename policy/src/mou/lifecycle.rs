//! How an agreement begins, changes and ends: its pilot, its amendments, what happens after.

use jiff::civil::Date;

use crate::names::{KpiId, PartyId};

/// A pilot: until it ends, fewer parties answer fewer KPIs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pilot {
    /// Its last day; from the next day on the whole agreement holds.
    pub until: Date,
    /// The parties whose nodes answer.
    pub parties: Vec<PartyId>,
    /// The KPIs that may be asked.
    pub kpis: Vec<KpiId>,
}

/// How the agreement is amended and left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amendment {
    /// Days for comment between a proposal and its effective date.
    pub comment_days: u16,
    /// Days that a party which leaves gives notice; its own node stops at once all the same.
    pub exit_notice_days: u16,
}

/// What happens to answers, and after the agreement.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct After {
    /// Days that releases are kept; none: for ever.
    pub keep_releases_days: Option<u32>,
    /// Days within which a party that leaves deletes what it holds; none: the agreement does not say.
    pub delete_within_days: Option<u32>,
    /// Who is told of a breach.
    pub breach_notice: Option<BreachNotice>,
}

/// Who may have a copy of each node's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audit {
    /// The parties that may.
    pub by: Vec<PartyId>,
    /// Days from being asked for it within which a party hands it over.
    pub within_days: u16,
}

/// Who is told of a breach, and how soon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreachNotice {
    /// Hours within which.
    pub hours: u16,
    /// The parties told.
    pub to: Vec<PartyId>,
}
