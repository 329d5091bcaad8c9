//! How the agreement changes, and who hears of it.

use super::{Budget, By, Kpi, Left, Place};

/// What is different in the next version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulation) enum Change {
    /// A KPI's margin, in learners.
    Margin(Kpi, u32),
    /// What each node may spend in a year.
    Budget(Budget),
    /// A KPI is left out.
    Without(Kpi),
    /// It is there again.
    With(Kpi),
    /// A breakdown of enrolment is left out.
    NotBy(By),
    /// It is listed.
    AlsoBy(By),
    /// Whom enrolment counts.
    Counts(Counted),
}

/// Whom enrolment counts: what its tables mean, and so what names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) enum Counted {
    /// Whoever is enrolled in the year.
    AllYear,
    /// Whoever is enrolled in a fall term.
    Fall,
}

/// Who accepts a new version as soon as it is signed. A node that is down does so when it is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulation) enum To {
    All,
    /// All but the operator of this node, who does so when the node starts or the clock has gone on.
    AllBut(Place),
    /// All, and this node is killed while it accepts it and takes it up: how far its folders were changed, and what
    /// is left of its ledger.
    Killed(Place, Folders, Left),
}

/// How far the folders of an agreement were changed, if its log was already written or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulation) struct Folders(pub(in crate::simulation) u8);
