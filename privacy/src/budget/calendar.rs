//! The year as a calendar: which table falls due on which day, and what is spent by then.

use jiff::civil::Date;
use sumac_policy::{Margin, Mou, PartyKind, Table, Year};

use crate::budget::{as_written, purchases};
use crate::rho::NanoRho;

/// A table that a node of one kind pays for, on the first day on which it may be asked.
#[derive(Debug, Clone)]
pub struct DueTable {
    /// The kind of party whose nodes pay.
    pub kind: PartyKind,
    /// The accounting year of the day.
    pub year: Year,
    /// The first day.
    pub from: Date,
    /// The table.
    pub table: Table,
    /// Each count's margin.
    pub margin: Margin,
    /// What it costs one node.
    pub price: NanoRho,
    /// What that node has spent in the year, this table included, if it answers each on its first day.
    pub spent: NanoRho,
}

/// Every table of the MOU's calendar, kind by kind in the order of the days; on one day in the order of the
/// MOU. Each accounting year starts with nothing spent.
pub fn calendar(mou: &Mou) -> Vec<DueTable> {
    let due = mou.calendar_tables();
    let mut bought = purchases(mou, &due, as_written);
    // A stable sort: the MOU's order stays within a day.
    bought.sort_by_key(|bought| (bought.kind, bought.due.from));
    let mut spent = NanoRho::ZERO;
    let mut last = None;
    bought
        .into_iter()
        .map(|bought| {
            let (kind, year, price) = (bought.kind, bought.year, bought.price());
            if last.replace((kind, year)) != Some((kind, year)) {
                spent = NanoRho::ZERO;
            }
            spent = spent.checked_add(price).unwrap_or(NanoRho::MAX);
            DueTable {
                kind,
                year,
                from: bought.due.from,
                table: bought.due.table.clone(),
                margin: bought.margin,
                price,
                spent,
            }
        })
        .collect()
}

/// The first table of each kind and year that the yearly budget does not hold any more.
pub fn passes(mou: &Mou, calendar: &[DueTable]) -> Vec<DueTable> {
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let mut passed: Vec<DueTable> = Vec::new();
    for due in calendar.iter().filter(|due| due.spent > budget) {
        if passed.last().is_none_or(|last| (last.kind, last.year) != (due.kind, due.year)) {
            passed.push(due.clone());
        }
    }
    passed
}
