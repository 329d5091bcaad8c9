//! What the records say: what was spent, which tables are paid for or released, which data and MOU stand.
//!
//! Pure: the same records give the same book, whoever reads them.

mod error;
mod held;
mod purge;
mod restores;
mod table;
mod totals;

use std::collections::BTreeMap;

use jiff::Timestamp;
use sumac_policy::{Span, TableKey};

use self::table::number;
use super::record::{Charged, Derived, Event, Record};

pub use self::error::BookError;
pub(super) use self::purge::Logged;
pub(super) use self::restores::Restore;
pub(super) use self::table::{Derivation, Paid, TableState};
pub(super) use self::totals::{SpentIn, Totals};

/// The value of the records read so far.
///
/// Invariant: the sums in `totals` are the sums over `tables`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Book {
    totals: Totals,
    tables: BTreeMap<TableKey, TableState>,
}

impl Book {
    /// Takes in the record that lies at `offset` of the log, and returns the tables that it changed. On error
    /// nothing has changed.
    pub(super) fn apply(
        &mut self,
        record: &Record,
        offset: u64,
    ) -> Result<Vec<TableKey>, BookError> {
        let expected = self.totals.next_seq;
        if record.seq != expected {
            return Err(BookError::OutOfSequence { expected, found: record.seq });
        }
        let changed = match &record.event {
            Event::Started(_) | Event::Exit(_) | Event::Exported(_) => Vec::new(),
            Event::Asked(asked) => {
                self.asked(&asked.peer, record.seq);
                Vec::new()
            }
            Event::Mou(mou) => {
                self.totals.mou = Some(mou.clone());
                // Who goes by a version anew has come back under it.
                self.totals.left = None;
                Vec::new()
            }
            Event::Left(left) => {
                self.totals.left = Some(left.clone());
                Vec::new()
            }
            Event::Narrow(narrow) => {
                self.totals.narrow = Some(narrow.clone());
                Vec::new()
            }
            Event::Paused(paused) => {
                self.totals.paused = Some(paused.clone());
                Vec::new()
            }
            Event::PauseEnded(_) => {
                self.totals.paused = None;
                Vec::new()
            }
            Event::Held(held) => vec![self.hold(held, record)?],
            Event::Approved(approved) => vec![self.approve(approved)?],
            Event::Rejected(rejected) => vec![self.reject(rejected)?],
            Event::Import(import) => {
                self.totals.snapshot = Some(import.clone());
                Vec::new()
            }
            Event::Charged(charged) => {
                self.is_approved(charged)?;
                let left_nano_rho = self.left_after(charged)?;
                self.charge(charged, left_nano_rho)?;
                vec![charged.table]
            }
            Event::Released(released) => {
                self.release(released.table, released.revision, offset)?;
                vec![released.table]
            }
            Event::Remeasure(ordered) => {
                self.order(ordered.table, ordered.revision)?;
                vec![ordered.table]
            }
            Event::Derived(derived) => {
                self.derive(derived, offset)?;
                vec![derived.table]
            }
            Event::Signer(_) => {
                self.totals.signer_at = Some(offset);
                Vec::new()
            }
            Event::Stopped(stopped) => {
                self.totals.stopped = Some(stopped.clone());
                Vec::new()
            }
            Event::Restored(restored) => {
                self.restored(restored, record)?;
                Vec::new()
            }
            Event::Recovered(recovered) => {
                self.recover(recovered, offset)?;
                vec![recovered.table]
            }
            Event::RecoveredDerived(recovered) => {
                self.recover_derived(recovered, offset)?;
                vec![recovered.table]
            }
            Event::Heard(heard) => {
                self.hear(heard)?;
                Vec::new()
            }
            Event::Resumed(resumed) => self.resume(resumed)?,
            Event::Purged(purged) => self.purge(&purged.releases)?,
        };
        self.totals.latest_s = self.totals.latest_s.max(Some(record.at.as_second()));
        self.totals.next_seq += 1;
        Ok(changed)
    }

    /// The place of the next record.
    pub(super) fn next_seq(&self) -> u64 {
        self.totals.next_seq
    }

    /// Spent in every accounting year that has a day in common with these, in nano-ρ.
    pub(super) fn spent(&self, span: Span) -> u64 {
        self.totals.spent(span)
    }

    /// The latest time of any record, in whole seconds; none if there is none.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.totals.latest_s.and_then(|second| Timestamp::from_second(second).ok())
    }

    /// What is known of a table; none if it was never paid for or added up.
    pub(super) fn table(&self, table: &TableKey) -> Option<&TableState> {
        self.tables.get(table)
    }

    /// Every table that was paid for or added up.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&TableKey, &TableState)> {
        self.tables.iter()
    }

    /// All but the tables.
    pub(super) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Puts a book together again; none if the totals are not those of the tables.
    pub(super) fn restore(totals: Totals, tables: BTreeMap<TableKey, TableState>) -> Option<Self> {
        let mut book = Self::default();
        for (table, state) in &tables {
            for paid in &state.paid {
                book.totals.spend(paid)?;
                book.totals.charged += u64::from(paid.price_nano_rho > 0);
                book.totals.released += u64::from(paid.release_at.is_some());
            }
            book.totals.held += state.held.len() as u64;
            let from = |derivation: &Derivation| {
                let source = tables.get(&derivation.from)?;
                source.paid.get(usize::try_from(derivation.from_revision).ok()?)?.release_at
            };
            let sound = (!state.remeasure || !state.paid.is_empty())
                && state
                    .derived
                    .iter()
                    .all(|derivation| derivation.recovered || from(derivation).is_some());
            if !sound {
                return None;
            }
            book.tables.insert(*table, state.clone());
        }
        book.totals.purged = book.purged().count() as u64;
        for lost in &totals.lost {
            book.totals.lose(lost.clone())?;
        }
        let Totals { spent, years, lifetime_nano_rho, charged, released, purged, .. } =
            &book.totals;
        let same = *spent == totals.spent
            && *years == totals.years
            && *lifetime_nano_rho == totals.lifetime_nano_rho
            && *charged == totals.charged
            && *released == totals.released
            && *purged == totals.purged
            && book.totals.held == totals.held;
        same.then_some(Self { totals, ..book })
    }

    /// What the year's budget has left after this charge, in nano-ρ.
    fn left_after(&self, charged: &Charged) -> Result<u64, BookError> {
        let Charged { table, year, year_first, year_last, .. } = charged;
        let span = Span { first: *year_first, last: *year_last };
        let total = self.spent(span).checked_add(charged.price_nano_rho);
        total
            .and_then(|total| charged.budget_nano_rho.checked_sub(total))
            .ok_or_else(|| BookError::OverBudget { table: *table, year: year.clone() })
    }

    fn charge(&mut self, charged: &Charged, left_nano_rho: u64) -> Result<(), BookError> {
        let Charged { table, revision, price_nano_rho, .. } = charged;
        if *price_nano_rho == 0 {
            return Err(BookError::ChargedNothing(*table));
        }
        let state = self.tables.get(table);
        if state.is_some_and(|state| !state.paid.is_empty() && !state.remeasure) {
            return Err(BookError::ChargedTwice(*table));
        }
        let expected = state.map_or(0, |state| number(state.paid.len()));
        in_turn(*table, *revision, expected)?;
        let paid = Paid {
            year: charged.year.clone(),
            year_first: charged.year_first,
            year_last: charged.year_last,
            margin: charged.margin,
            price_nano_rho: *price_nano_rho,
            left_nano_rho,
            release_at: None,
            lost: false,
            purged: false,
        };
        self.totals.spend(&paid).ok_or(BookError::OutOfRange)?;
        self.totals.charged += 1;
        let state = self.tables.entry(*table).or_default();
        state.paid.push(paid);
        state.remeasure = false;
        Ok(())
    }

    fn release(&mut self, table: TableKey, revision: u32, offset: u64) -> Result<(), BookError> {
        let state = self.tables.get_mut(&table).ok_or(BookError::NotCharged(table))?;
        let place = usize::try_from(revision).unwrap_or(usize::MAX);
        let paid = state.paid.get_mut(place).ok_or(BookError::NotCharged(table))?;
        if paid.release_at.is_some() {
            return Err(BookError::ReleasedTwice(table));
        }
        paid.release_at = Some(offset);
        self.totals.released += 1;
        Ok(())
    }

    fn order(&mut self, table: TableKey, revision: u32) -> Result<(), BookError> {
        let out_of_turn = BookError::OrderedOutOfTurn(table);
        let Some(state) = self.tables.get_mut(&table) else { return Err(out_of_turn) };
        if state.remeasure || state.paid.is_empty() {
            return Err(out_of_turn);
        }
        in_turn(table, revision, number(state.paid.len()))?;
        state.remeasure = true;
        Ok(())
    }

    fn derive(&mut self, derived: &Derived, offset: u64) -> Result<(), BookError> {
        let Derived { table, revision, from, from_revision, .. } = derived;
        let place = usize::try_from(*from_revision).unwrap_or(usize::MAX);
        let source = self.tables.get(from).and_then(|source| source.paid.get(place));
        if from == table || source.is_none_or(|source| source.release_at.is_none()) {
            return Err(BookError::DerivedFromNothing(*table));
        }
        let expected = self.tables.get(table).map_or(0, |state| number(state.derived.len()));
        in_turn(*table, *revision, expected)?;
        let derivation = Derivation {
            from: *from,
            from_revision: *from_revision,
            release_at: offset,
            recovered: false,
            purged: false,
        };
        self.tables.entry(*table).or_default().derived.push(derivation);
        Ok(())
    }
}

fn in_turn(table: TableKey, revision: u32, expected: u32) -> Result<(), BookError> {
    if revision == expected {
        return Ok(());
    }
    Err(BookError::WrongRevision { table, expected, revision })
}

#[cfg(test)]
mod tests;
