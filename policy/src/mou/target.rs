//! What a KPI is meant to reach. Carried for the reports; nothing is refused by it.

use jiff::civil::Date;

/// A target. Its numbers are in millionths: of the whole for a rate, of a learner for a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Where the coalition began, if it says.
    pub from_millionths: Option<u64>,
    /// What it means to reach.
    pub to_millionths: u64,
    /// By which day.
    pub by: Date,
    /// The widest gap between groups that it accepts, in millionths of a percentage point; rates only.
    pub max_gap_points_millionths: Option<u64>,
}
