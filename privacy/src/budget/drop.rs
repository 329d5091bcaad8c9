//! Which KPI to drop first, where a year does not fit.
//!
//! What dropping a KPI frees are the prices of all its tables of the year. What it loses are breakdowns: each is
//! a line of the report that somebody wanted, however many quarters it has. So the first to go is the KPI that
//! frees most for each breakdown lost. Of equals, the one that frees more in all; and then the one listed last,
//! for authors put first what matters.

use std::collections::BTreeSet;

use sumac_policy::{KpiId, Mou, PartyKind, Year};

use crate::budget::{of_year, purchases, sum, yearly};
use crate::rho::NanoRho;

/// A KPI that might go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DropCandidate {
    /// Which.
    pub kpi: KpiId,
    /// What the year costs less without it.
    pub frees: NanoRho,
    /// The breakdowns that are lost with it.
    pub breakdowns: usize,
    /// What the year costs without it, and without those dropped before it.
    pub left: NanoRho,
}

/// What to drop from a kind's accounting year, the first thing first, until it fits: the last one makes it fit,
/// or nothing is left to drop. At least one, even where it fits already; none where nothing is due.
pub fn drop_first(mou: &Mou, kind: PartyKind, year: Year) -> Vec<DropCandidate> {
    let due = mou.calendar_tables();
    let price = |dropped: &BTreeSet<&KpiId>| {
        let kept = |kpi: &sumac_policy::Kpi| (!dropped.contains(&kpi.id)).then_some(kpi.margin);
        sum(&of_year(&purchases(mou, &due, kept), kind, year))
    };
    let mut dropped = BTreeSet::new();
    let mut order = Vec::new();
    let mut cost = price(&dropped);
    loop {
        let without = |id| {
            let mut dropped = dropped.clone();
            dropped.insert(id);
            price(&dropped)
        };
        let candidates = mou.kpis().iter().filter(|kpi| !dropped.contains(&kpi.id)).map(|kpi| {
            let left = without(&kpi.id);
            let frees = cost.checked_sub(left).unwrap_or(NanoRho::ZERO);
            (kpi, DropCandidate { kpi: kpi.id.clone(), frees, breakdowns: kpi.by.len(), left })
        });
        let frees_something = candidates.filter(|(_, found)| found.frees > NanoRho::ZERO);
        // Of equals, the last.
        let best = frees_something.max_by(|(_, a), (_, b)| {
            per_breakdown(a, b).cmp(&per_breakdown(b, a)).then(a.frees.cmp(&b.frees))
        });
        let Some((kpi, best)) = best else { return order };
        dropped.insert(&kpi.id);
        cost = best.left;
        order.push(best);
        if cost <= yearly(mou) {
            return order;
        }
    }
}

/// One side of comparing `a.frees / a.breakdowns` with `b.frees / b.breakdowns`, without division.
fn per_breakdown(a: &DropCandidate, b: &DropCandidate) -> u128 {
    u128::from(a.frees.get()) * u128::try_from(b.breakdowns).unwrap_or(u128::MAX >> 64)
}
