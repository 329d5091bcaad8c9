#![expect(clippy::unwrap_used, reason = "a test may panic")]
use proptest::prelude::*;
use sumac_policy::{Margin, Sha256};

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
    Event::Released(Released {
        table: TableKey::from([table; 32]),
        revision,
        commitment: Sha256::from([1; 32]),
    })
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
        commitment: Sha256::from([2; 32]),
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
        (vec![charged(1, "2026", 5), released(1), released(1)], BookError::ReleasedTwice(table)),
        (vec![charged(2, "2026", u64::MAX), charged(1, "2027", 1)], BookError::OutOfRange),
        (vec![charged_at(1, 1, "2026", 5)], wrong(1, 0)),
        (vec![charged(1, "2026", 5), ordered(1, 1), charged_at(2, 1, "2026", 5)], wrong(2, 1)),
        (vec![charged(1, "2026", 5), released_at(1, 1)], BookError::NotCharged(table)),
        (vec![ordered(1, 1)], BookError::OrderedOutOfTurn(table)),
        (
            vec![charged(1, "2026", 5), ordered(1, 1), ordered(1, 1)],
            BookError::OrderedOutOfTurn(table),
        ),
        (vec![charged(2, "2026", 5), derived(0, 1, 2, 0)], BookError::DerivedFromNothing(table)),
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
    unreleased.get_mut(&TableKey::from([1; 32])).unwrap().paid.first_mut().unwrap().release_at =
        None;
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
