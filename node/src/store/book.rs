//! What the records say: what was spent, which tables are paid for or released, which data and MOU stand.
//!
//! Pure: the same records give the same book, whoever reads them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, Span, TableKey};

use super::record::{Charged, Derived, Event, Import, MouInForce, Record};
use super::text;

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
    /// Spent in each accounting year as the MOU of the day wrote it, in nano-ρ.
    pub(super) spent: BTreeMap<String, u64>,
    /// The same by each year's days, in their order: a year's name does not say when it began.
    pub(super) years: Vec<SpentIn>,
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

/// What was spent in one accounting year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SpentIn {
    #[serde(with = "text::printed")]
    pub(super) first: Date,
    #[serde(with = "text::printed")]
    pub(super) last: Date,
    pub(super) nano_rho: u64,
}

/// What is known of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableState {
    /// Each measurement that was paid for, from revision 0; only the last one is answered with.
    pub(super) paid: Vec<Paid>,
    /// Whether the operator ordered the next one, which is not paid for yet.
    pub(super) remeasure: bool,
    /// Each time it was added up from another table, from 0; only the last one is answered with.
    pub(super) derived: Vec<Derivation>,
}

/// A measurement that was paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Paid {
    /// The accounting year that paid.
    pub(super) year: String,
    #[serde(with = "text::printed")]
    pub(super) year_first: Date,
    #[serde(with = "text::printed")]
    pub(super) year_last: Date,
    /// The margin paid for.
    #[serde(with = "text::margin")]
    pub(super) margin: Margin,
    /// What it cost, in nano-ρ.
    pub(super) price_nano_rho: u64,
    /// What was left of the year's budget after it, in nano-ρ.
    pub(super) left_nano_rho: u64,
    /// Where in the log its release is, once there is one.
    pub(super) release_at: Option<u64>,
}

/// A table added up from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Derivation {
    /// The table whose cells were added.
    #[serde(with = "text::table")]
    pub(super) from: TableKey,
    /// That table's revision.
    pub(super) from_revision: u32,
    /// Where in the log its release is.
    pub(super) release_at: u64,
}

impl TableState {
    /// The last measurement that was paid for, and its revision.
    pub(super) fn last(&self) -> Option<(u32, &Paid)> {
        let revision = number(self.paid.len()).checked_sub(1)?;
        self.paid.last().map(|paid| (revision, paid))
    }

    /// The measurement that answers: the last, unless a new one is ordered.
    pub(super) fn standing(&self) -> Option<(u32, &Paid)> {
        if self.remeasure { None } else { self.last() }
    }

    /// The last time it was added up, and how often it had been before.
    pub(super) fn last_derived(&self) -> Option<(u32, &Derivation)> {
        let revision = number(self.derived.len()).checked_sub(1)?;
        self.derived.last().map(|derivation| (revision, derivation))
    }
}

/// More measurements than fit are beyond any budget.
fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
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
    /// Measurements are numbered without a gap.
    #[error("table {table} has revision {revision} where revision {expected} belongs")]
    WrongRevision {
        /// The table.
        table: TableKey,
        /// The revision that comes next.
        expected: u32,
        /// The revision that the record claims.
        revision: u32,
    },
    /// There is nothing to measure anew, or it is ordered already.
    #[error("a new measurement of table {0} is ordered out of turn")]
    OrderedOutOfTurn(TableKey),
    /// Only what was released can be added up.
    #[error("table {0} is added up from a table that is not released")]
    DerivedFromNothing(TableKey),
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
                let left_nano_rho = self.left_after(charged)?;
                self.charge(charged, left_nano_rho)?;
                Some(charged.table)
            }
            Event::Released(released) => {
                self.release(released.table, released.revision, offset)?;
                Some(released.table)
            }
            Event::Remeasure(ordered) => {
                self.order(ordered.table, ordered.revision)?;
                Some(ordered.table)
            }
            Event::Derived(derived) => {
                self.derive(derived, offset)?;
                Some(derived.table)
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
                book.totals.charged += 1;
                book.totals.released += u64::from(paid.release_at.is_some());
            }
            let from = |derivation: &Derivation| {
                let source = tables.get(&derivation.from)?;
                source.paid.get(usize::try_from(derivation.from_revision).ok()?)?.release_at
            };
            let sound = (!state.remeasure || !state.paid.is_empty())
                && state.derived.iter().all(|derivation| from(derivation).is_some());
            if !sound {
                return None;
            }
            book.tables.insert(*table, state.clone());
        }
        let Totals { spent, years, lifetime_nano_rho, charged, released, .. } = &book.totals;
        let same = *spent == totals.spent
            && *years == totals.years
            && *lifetime_nano_rho == totals.lifetime_nano_rho
            && *charged == totals.charged
            && *released == totals.released;
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
        let derivation =
            Derivation { from: *from, from_revision: *from_revision, release_at: offset };
        self.tables.entry(*table).or_default().derived.push(derivation);
        Ok(())
    }
}

impl Totals {
    /// Spent in every accounting year that has a day in common with these, in nano-ρ. A year that begins on
    /// another day than it used to takes in all that was spent in the years it is made of.
    pub(super) fn spent(&self, span: Span) -> u64 {
        let common = |year: &&SpentIn| year.first <= span.last && span.first <= year.last;
        // Never more than the lifetime's sum, which fits.
        self.years.iter().filter(common).map(|year| year.nano_rho).sum()
    }

    /// Adds a price to its year; none if the lifetime's sum, which bounds each year's, does not fit.
    fn spend(&mut self, paid: &Paid) -> Option<()> {
        let Paid { year, year_first: first, year_last: last, price_nano_rho, .. } = paid;
        self.lifetime_nano_rho = self.lifetime_nano_rho.checked_add(*price_nano_rho)?;
        *self.spent.entry(year.clone()).or_default() += price_nano_rho;
        let days = |year: &SpentIn| (year.first, year.last);
        match self.years.binary_search_by_key(&(*first, *last), days) {
            Ok(place) => {
                let year = self.years.get_mut(place)?;
                year.nano_rho += price_nano_rho;
            }
            Err(place) => {
                let (first, last, nano_rho) = (*first, *last, *price_nano_rho);
                self.years.insert(place, SpentIn { first, last, nano_rho });
            }
        }
        Some(())
    }
}

fn in_turn(table: TableKey, revision: u32, expected: u32) -> Result<(), BookError> {
    if revision == expected {
        return Ok(());
    }
    Err(BookError::WrongRevision { table, expected, revision })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;
    use sumac_policy::Sha256;

    use super::*;
    use crate::store::record::{Released, Remeasure};

    fn charged(table: u8, year: &str, price_nano_rho: u64) -> Event {
        charged_at(0, table, year, price_nano_rho)
    }

    /// A charge in a calendar year.
    fn charged_at(revision: u32, table: u8, year: &str, price_nano_rho: u64) -> Event {
        Event::Charged(Charged {
            table: TableKey::from([table; 32]),
            revision,
            year: year.into(),
            year_first: format!("{year:0>4}-01-01").parse().unwrap(),
            year_last: format!("{year:0>4}-12-31").parse().unwrap(),
            margin: Margin::new(10).unwrap(),
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
        released_at(0, table)
    }

    fn released_at(revision: u32, table: u8) -> Event {
        Event::Released(Released { table: TableKey::from([table; 32]), revision, body: vec![1] })
    }

    fn ordered(revision: u32, table: u8) -> Event {
        Event::Remeasure(Remeasure {
            table: TableKey::from([table; 32]),
            revision,
            because: "a file was missing".into(),
            kpi: "k".into(),
            period: "p".into(),
            breakdown: Vec::new(),
        })
    }

    fn derived(revision: u32, table: u8, from: u8, from_revision: u32) -> Event {
        Event::Derived(Derived {
            table: TableKey::from([table; 32]),
            revision,
            from: TableKey::from([from; 32]),
            from_revision,
            body: vec![2],
        })
    }

    fn days(first: &str, last: &str) -> Span {
        Span { first: first.parse().unwrap(), last: last.parse().unwrap() }
    }

    fn calendar_year(year: u16) -> Span {
        days(&format!("{year}-01-01"), &format!("{year}-12-31"))
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
        let spent = [2026, 2027, 2028].map(|year| book.spent(calendar_year(year)));
        assert_eq!(spent, [12, 1, 0]);
        assert_eq!(book.totals().lifetime_nano_rho, 13);
    }

    #[test]
    fn years_that_begin_on_another_day_open_no_budget_anew() {
        let book = book(vec![charged(1, "2026", 5), charged(2, "2027", 7)]).unwrap();
        for (first, last, spent) in [
            ("2026-01-01", "2026-12-31", 5),
            ("2026-07-01", "2027-06-30", 12),
            ("2025-07-01", "2026-06-30", 5),
            ("2026-12-31", "2027-12-30", 12),
            ("2028-01-01", "2028-12-31", 0),
            ("2024-12-31", "2025-12-31", 0),
        ] {
            assert_eq!(book.spent(days(first, last)), spent, "{first}");
        }
    }

    #[test]
    fn a_new_measurement_is_paid_for_again_and_both_are_kept() {
        let book = book(vec![
            charged(1, "2026", 5),
            released(1),
            ordered(1, 1),
            charged_at(1, 1, "2026", 9),
            released_at(1, 1),
        ]);
        let book = book.unwrap();
        assert_eq!(book.spent(calendar_year(2026)), 14);
        let state = book.table(&TableKey::from([1; 32])).unwrap();
        let offsets: Vec<_> = state.paid.iter().map(|paid| paid.release_at).collect();
        assert_eq!(offsets, [Some(1), Some(4)]);
        assert_eq!(state.standing().unwrap().0, 1);
    }

    #[test]
    fn an_ordered_table_has_no_answer_that_stands() {
        let book = book(vec![charged(1, "2026", 5), released(1), ordered(1, 1)]).unwrap();
        let state = book.table(&TableKey::from([1; 32])).unwrap();
        assert_eq!((state.standing(), state.last().unwrap().0), (None, 0));
    }

    #[test]
    fn adding_up_spends_nothing() {
        let events = vec![charged(1, "2026", 5), released(1), derived(0, 2, 1, 0)];
        let book = book(events).unwrap();
        assert_eq!((book.totals().lifetime_nano_rho, book.totals().charged), (5, 1));
        let state = book.table(&TableKey::from([2; 32])).unwrap();
        assert_eq!(state.last_derived().unwrap().1.release_at, 2);
        assert_eq!(state.last(), None);
    }

    #[test]
    fn refuses_a_history_that_breaks_a_promise() {
        let table = TableKey::from([1; 32]);
        let wrong = |revision, expected| BookError::WrongRevision { table, expected, revision };
        let cases = [
            (vec![charged(1, "2026", 5), charged(1, "2027", 5)], BookError::ChargedTwice(table)),
            (vec![charged(1, "2026", 0)], BookError::ChargedNothing(table)),
            (vec![released(1)], BookError::NotCharged(table)),
            (
                vec![charged(1, "2026", 5), released(1), released(1)],
                BookError::ReleasedTwice(table),
            ),
            (vec![charged(2, "2026", u64::MAX), charged(1, "2027", 1)], BookError::OutOfRange),
            (vec![charged_at(1, 1, "2026", 5)], wrong(1, 0)),
            (vec![charged(1, "2026", 5), ordered(1, 1), charged_at(2, 1, "2026", 5)], wrong(2, 1)),
            (vec![charged(1, "2026", 5), released_at(1, 1)], BookError::NotCharged(table)),
            (vec![ordered(1, 1)], BookError::OrderedOutOfTurn(table)),
            (
                vec![charged(1, "2026", 5), ordered(1, 1), ordered(1, 1)],
                BookError::OrderedOutOfTurn(table),
            ),
            (
                vec![charged(2, "2026", 5), derived(0, 1, 2, 0)],
                BookError::DerivedFromNothing(table),
            ),
            (
                vec![charged(2, "2026", 5), released(2), derived(0, 1, 2, 1)],
                BookError::DerivedFromNothing(table),
            ),
            (vec![charged(2, "2026", 5), released(2), derived(1, 1, 2, 0)], wrong(1, 0)),
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
        let events = vec![
            charged(1, "2026", 5),
            released(1),
            charged(2, "2026", 7),
            ordered(1, 2),
            charged_at(1, 2, "2027", 8),
            derived(0, 3, 1, 0),
        ];
        let book = book(events).unwrap();
        let tables = book.tables.clone();
        assert_eq!(Book::restore(book.totals.clone(), tables.clone()), Some(book.clone()));

        let mut lost = tables.clone();
        lost.remove(&TableKey::from([2; 32]));
        let mut unreleased = tables;
        unreleased
            .get_mut(&TableKey::from([1; 32]))
            .unwrap()
            .paid
            .first_mut()
            .unwrap()
            .release_at = None;
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
            // What was left after each charge is a matter of their order; nothing else is.
            let but_left = |mut book: Book| {
                for paid in book.tables.values_mut().flat_map(|state| &mut state.paid) {
                    paid.left_nano_rho = 0;
                }
                book
            };
            prop_assert_eq!(but_left(book(given).unwrap()), but_left(book(shuffled).unwrap()));
        }
    }
}
