//! What the records say: what was spent, which tables are paid for or released, which data and MOU stand.
//!
//! Pure: the same records give the same book, whoever reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_policy::TableKey;

use super::record::{Charged, Event, Import, MouInForce, Record};

/// The value of the records read so far.
///
/// Invariant: the sums in `totals` are the sums over `tables`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Book {
    totals: Totals,
    tables: BTreeMap<TableKey, TableState>,
}

/// All of a book but its tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Totals {
    /// The place of the next record: how many there are.
    pub(super) next_seq: u64,
    /// Spent in each accounting year, in nano-ρ.
    pub(super) spent: BTreeMap<String, u64>,
    /// Spent in all years together, in nano-ρ.
    pub(super) lifetime_nano_rho: u64,
    pub(super) charged: u64,
    pub(super) released: u64,
    pub(super) snapshot: Option<Import>,
    pub(super) mou: Option<MouInForce>,
    /// The latest time of any record, in whole seconds.
    pub(super) latest_s: Option<i64>,
    /// Where in the log the last signer is named.
    pub(super) signer_at: Option<u64>,
}

/// A table that was paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableState {
    /// Its revision; 0 is the first measurement.
    pub(super) revision: u32,
    /// The accounting year that paid.
    pub(super) year: String,
    /// What it cost, in nano-ρ.
    pub(super) price_nano_rho: u64,
    /// Where in the log its release is, once there is one.
    pub(super) release_at: Option<u64>,
}

/// Why a record cannot follow the ones before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// A record is missing, or there twice.
    #[error("record {found} is where record {expected} belongs")]
    OutOfSequence {
        /// The place that comes next.
        expected: u64,
        /// The place that the record claims.
        found: u64,
    },
    /// One table is paid for once.
    #[error("table {0} is charged a second time")]
    ChargedTwice(TableKey),
    /// A price is never zero.
    #[error("table {0} is charged nothing")]
    ChargedNothing(TableKey),
    /// A year spends what the MOU gives it, and no more.
    #[error("table {table} is charged to {year}, whose budget does not hold it")]
    OverBudget {
        /// The table.
        table: TableKey,
        /// The accounting year.
        year: String,
    },
    /// The sum of all charges no longer fits its integer.
    #[error("the sum of all charges is out of range")]
    OutOfRange,
    /// An answer without a charge.
    #[error("table {0} is released without a charge")]
    NotCharged(TableKey),
    /// One table is released once.
    #[error("table {0} is released a second time")]
    ReleasedTwice(TableKey),
    /// Only the first measurement exists in this version.
    #[error("table {table} has revision {revision}, which this version of sumac does not know")]
    UnknownRevision {
        /// The table.
        table: TableKey,
        /// Its revision.
        revision: u32,
    },
}

impl Book {
    /// Takes in the record that lies at `offset` of the log, and returns the table that it changed. On error
    /// nothing has changed.
    pub(super) fn apply(
        &mut self,
        record: &Record,
        offset: u64,
    ) -> Result<Option<TableKey>, BookError> {
        let expected = self.totals.next_seq;
        if record.seq != expected {
            return Err(BookError::OutOfSequence { expected, found: record.seq });
        }
        let changed = match &record.event {
            Event::Started(_) | Event::Asked(_) => None,
            Event::Mou(mou) => {
                self.totals.mou = Some(mou.clone());
                None
            }
            Event::Import(import) => {
                self.totals.snapshot = Some(import.clone());
                None
            }
            Event::Charged(charged) => {
                first_revision(charged.table, charged.revision)?;
                self.within_budget(charged)?;
                self.charge(charged.table, &charged.year, charged.price_nano_rho)?;
                Some(charged.table)
            }
            Event::Released(released) => {
                first_revision(released.table, released.revision)?;
                self.release(released.table, offset)?;
                Some(released.table)
            }
            Event::Signer(_) => {
                self.totals.signer_at = Some(offset);
                None
            }
        };
        self.totals.latest_s = self.totals.latest_s.max(Some(record.at.as_second()));
        self.totals.next_seq += 1;
        Ok(changed)
    }

    /// The place of the next record.
    pub(super) fn next_seq(&self) -> u64 {
        self.totals.next_seq
    }

    /// Spent in an accounting year, in nano-ρ.
    pub(super) fn spent(&self, year: &str) -> u64 {
        self.totals.spent.get(year).copied().unwrap_or(0)
    }

    /// The latest time of any record, in whole seconds; none if there is none.
    pub(super) fn latest(&self) -> Option<Timestamp> {
        self.totals.latest_s.and_then(|second| Timestamp::from_second(second).ok())
    }

    /// What is known of a table; none if it was never paid for.
    pub(super) fn table(&self, table: &TableKey) -> Option<&TableState> {
        self.tables.get(table)
    }

    /// Every table that was paid for.
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
        for (table, state) in tables {
            book.charge(table, &state.year, state.price_nano_rho).ok()?;
            if let Some(offset) = state.release_at {
                book.release(table, offset).ok()?;
            }
            first_revision(table, state.revision).ok()?;
        }
        let Totals { spent, lifetime_nano_rho, charged, released, .. } = &book.totals;
        let same = *spent == totals.spent
            && *lifetime_nano_rho == totals.lifetime_nano_rho
            && *charged == totals.charged
            && *released == totals.released;
        same.then_some(Self { totals, ..book })
    }

    fn within_budget(&self, charged: &Charged) -> Result<(), BookError> {
        let Charged { table, year, price_nano_rho, budget_nano_rho, .. } = charged;
        let total = self.spent(year).checked_add(*price_nano_rho);
        match total.is_some_and(|total| total <= *budget_nano_rho) {
            true => Ok(()),
            false => Err(BookError::OverBudget { table: *table, year: year.clone() }),
        }
    }

    fn charge(&mut self, table: TableKey, year: &str, price: u64) -> Result<(), BookError> {
        if price == 0 {
            return Err(BookError::ChargedNothing(table));
        }
        if self.tables.contains_key(&table) {
            return Err(BookError::ChargedTwice(table));
        }
        // The lifetime's sum bounds each year's.
        let lifetime = self.totals.lifetime_nano_rho.checked_add(price);
        self.totals.lifetime_nano_rho = lifetime.ok_or(BookError::OutOfRange)?;
        *self.totals.spent.entry(year.to_owned()).or_default() += price;
        self.totals.charged += 1;
        let year = year.to_owned();
        let state = TableState { revision: 0, year, price_nano_rho: price, release_at: None };
        self.tables.insert(table, state);
        Ok(())
    }

    fn release(&mut self, table: TableKey, offset: u64) -> Result<(), BookError> {
        let state = self.tables.get_mut(&table).ok_or(BookError::NotCharged(table))?;
        if state.release_at.is_some() {
            return Err(BookError::ReleasedTwice(table));
        }
        state.release_at = Some(offset);
        self.totals.released += 1;
        Ok(())
    }
}

fn first_revision(table: TableKey, revision: u32) -> Result<(), BookError> {
    match revision {
        0 => Ok(()),
        _ => Err(BookError::UnknownRevision { table, revision }),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;
    use sumac_policy::Sha256;

    use super::*;
    use crate::store::record::Released;

    fn charged(table: u8, year: &str, price_nano_rho: u64) -> Event {
        Event::Charged(Charged {
            table: TableKey::from([table; 32]),
            revision: 0,
            year: year.into(),
            price_nano_rho,
            budget_nano_rho: u64::MAX,
            snapshot: "s".into(),
            mou: Sha256::from([0; 32]),
            kpi: "k".into(),
            period: "p".into(),
            breakdown: Vec::new(),
        })
    }

    fn released(table: u8) -> Event {
        Event::Released(Released { table: TableKey::from([table; 32]), revision: 0, body: vec![1] })
    }

    fn book(events: Vec<Event>) -> Result<Book, BookError> {
        let mut book = Book::default();
        for (seq, event) in (0..).zip(events) {
            let record = Record { seq, at: jiff::Timestamp::UNIX_EPOCH, salt: [0; 32], event };
            let before = book.clone();
            if let Err(error) = book.apply(&record, seq) {
                assert_eq!(book, before, "a refused record changes nothing");
                return Err(error);
            }
        }
        Ok(book)
    }

    #[test]
    fn a_year_is_spent_by_its_charges_alone() {
        let book = book(vec![charged(1, "2026", 5), charged(2, "2026", 7), charged(3, "2027", 1)]);
        let book = book.unwrap();
        assert_eq!((book.spent("2026"), book.spent("2027"), book.spent("2028")), (12, 1, 0));
        assert_eq!(book.totals().lifetime_nano_rho, 13);
    }

    #[test]
    fn refuses_a_history_that_breaks_a_promise() {
        let table = TableKey::from([1; 32]);
        let mut revised = charged(1, "2026", 5);
        if let Event::Charged(charged) = &mut revised {
            charged.revision = 1;
        }
        let cases = [
            (vec![charged(1, "2026", 5), charged(1, "2027", 5)], BookError::ChargedTwice(table)),
            (vec![charged(1, "2026", 0)], BookError::ChargedNothing(table)),
            (vec![released(1)], BookError::NotCharged(table)),
            (
                vec![charged(1, "2026", 5), released(1), released(1)],
                BookError::ReleasedTwice(table),
            ),
            (vec![charged(2, "2026", u64::MAX), charged(1, "2027", 1)], BookError::OutOfRange),
            (vec![revised], BookError::UnknownRevision { table, revision: 1 }),
        ];
        for (events, error) in cases {
            assert_eq!(book(events), Err(error));
        }
    }

    #[test]
    fn refuses_a_gap_in_the_sequence() {
        let record = Record {
            seq: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            salt: [0; 32],
            event: charged(1, "2026", 5),
        };
        let refused = Book::default().apply(&record, 0);
        assert_eq!(refused, Err(BookError::OutOfSequence { expected: 0, found: 1 }));
    }

    #[test]
    fn a_book_with_a_lost_table_is_not_restored() {
        let book = book(vec![charged(1, "2026", 5), released(1), charged(2, "2026", 7)]).unwrap();
        let tables = book.tables.clone();
        assert_eq!(Book::restore(book.totals.clone(), tables.clone()), Some(book.clone()));

        let mut lost = tables.clone();
        lost.remove(&TableKey::from([2; 32]));
        let mut unreleased = tables;
        unreleased.get_mut(&TableKey::from([1; 32])).unwrap().release_at = None;
        for tables in [lost, unreleased] {
            assert_eq!(Book::restore(book.totals.clone(), tables), None);
        }
    }

    proptest! {
        #[test]
        fn total_spend_is_independent_of_the_order_of_charges(
            (given, shuffled) in proptest::collection::vec((0..3_u8, 1..1_000_u64), 1..40)
                .prop_map(|charges| {
                    let event = |(table, (year, price))| charged(table, &format!("{year}"), price);
                    (0..).zip(charges).map(event).collect::<Vec<_>>()
                })
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            prop_assert_eq!(book(given).unwrap(), book(shuffled).unwrap());
        }
    }
}
