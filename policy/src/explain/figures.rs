//! The figures that an explanation needs and that policy does not work out: prices, shares, risks.

use crate::mou::PartyKind;
use crate::period::Year;

/// Every figure of one agreement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// Of each KPI, in the order of [`crate::Mou::kpis`].
    pub kpis: Vec<KpiFigures>,
    /// What the calendar costs one node of each kind in each accounting year.
    pub years: Vec<YearFigures>,
    /// Of a learner at one node that spends its whole year.
    pub year: Risk,
    /// Of a learner known to two parties that answer, each of which spends its whole year.
    pub two: Risk,
    /// Of a learner known to every party that answers.
    pub everywhere: Risk,
}

/// The figures of one KPI.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KpiFigures {
    /// What one table costs one node, in nano-ρ, and what it means for one learner.
    pub table: Risk,
    /// That price as a share of the yearly budget, in thousandths, rounded up; none without a budget.
    pub share_permille: Option<u64>,
    /// The margin of a group's size at one node: M·√outcomes. In learners, rounded up.
    pub group: u64,
    /// How many parties answer it.
    pub parties: u32,
    /// The margin of one count added up over all of them: M·√parties. In learners, rounded up.
    pub sum: u64,
    /// The margin of a group's size added up over all of them. In learners, rounded up.
    pub sum_of_group: u64,
    /// The smallest noisy size that is shown, where the floor is judged on the sum over all of them. In learners.
    pub shown_from: u64,
}

/// What the calendar costs one node of a kind in one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearFigures {
    /// The kind.
    pub kind: PartyKind,
    /// The accounting year.
    pub year: Year,
    /// Tables that become due.
    pub tables: usize,
    /// Their price as a share of the yearly budget, in thousandths, rounded up; none without a budget.
    pub share_permille: Option<u64>,
}

/// An amount of ρ, and what it means for one learner. All rounded up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Risk {
    /// The amount, in billionths of ρ.
    pub nano_rho: u64,
    /// How many times in a thousand an attacker who knows all else guesses right whether a learner is counted,
    /// from 500 without any answer.
    pub guess_permille: u32,
    /// ε, in thousandths.
    pub epsilon_thousandths: u64,
    /// The δ that ε is stated at, in billionths.
    pub delta_billionths: u32,
}
