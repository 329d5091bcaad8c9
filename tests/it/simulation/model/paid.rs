//! What a ledger says of a table: paid for, released, lost, or to be measured anew.

use super::super::auditor::{Charge, Ledger, Lost};
use super::Table;

impl Ledger {
    /// The last revision of a table that was paid for or is lost.
    pub(super) fn last(&self, table: Table) -> Option<u64> {
        let charged = self.charges.iter().filter(|charge| charge.table == table.key());
        let lost = self.lost.iter().filter(|lost| lost.table == table.key());
        charged.map(|charge| charge.revision).chain(lost.map(|lost| lost.revision)).max()
    }

    /// The revision that the n-th charge had to be of: the one after all that its table had by then.
    pub(super) fn next_at(&self, n: usize) -> u64 {
        let Charge { seq, table, .. } = &self.charges[n];
        let charged = self.charges[..n].iter().filter(|charge| charge.table == *table);
        let resumed = self.resumed.iter().filter(|resumed| resumed.seq < *seq);
        let lost = resumed.flat_map(|resumed| &resumed.loss.tables);
        let lost = lost.filter(|lost| lost.table == *table).map(|lost| lost.revision);
        let last = charged.map(|charge| charge.revision).chain(lost).max();
        last.map_or(0, |last| last + 1)
    }

    /// The revision that was ordered, and nobody has asked for yet.
    pub(super) fn ordered(&self, table: Table) -> Option<u64> {
        let next = (table.key().to_owned(), self.last(table)? + 1);
        self.orders.contains(&next).then_some(next.1)
    }

    /// What the next ask is about: the last revision, if no other is ordered.
    fn standing(&self, table: Table) -> Option<(String, u64)> {
        let last = self.last(table).filter(|_| self.ordered(table).is_none())?;
        Some((table.key().to_owned(), last))
    }

    /// The bytes that a table is answered with; none while it is to be measured, or is lost.
    pub(super) fn released(&self, table: Table) -> Option<&Vec<u8>> {
        self.releases.get(&self.standing(table)?)
    }

    /// Whether a table is not answered before it is measured anew.
    pub(super) fn is_lost(&self, table: Table) -> bool {
        self.standing(table).is_some_and(|standing| {
            let is_it = |lost: &Lost| (&lost.table, lost.revision) == (&standing.0, standing.1);
            self.lost.iter().any(is_it) && !self.releases.contains_key(&standing)
        })
    }

    /// Whether the next ask is paid for.
    pub(super) fn is_charged(&self, table: Table) -> bool {
        self.standing(table).is_some() && !self.is_lost(table)
    }

    /// The charge by which the next ask is paid for.
    pub(super) fn stands(&self, table: Table) -> Option<&Charge> {
        let (key, last) = self.standing(table).filter(|_| !self.is_lost(table))?;
        self.charges.iter().find(|charge| charge.table == key && charge.revision == last)
    }
}
