//! A question: one table, for a purpose.

use crate::dimension::Breakdown;
use crate::names::{KpiId, Purpose};
use crate::period::Period;

/// One table asked for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Which KPI.
    pub kpi: KpiId,
    /// For which period.
    pub period: Period,
    /// Broken down how; the order does not matter.
    pub breakdown: Breakdown,
    /// What for.
    pub purpose: Purpose,
}
