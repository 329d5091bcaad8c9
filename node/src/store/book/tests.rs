#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
use proptest::prelude::*;
use sumac_policy::{Margin, Sha256};

use super::*;
use crate::store::held::{Approved, HeldQuestion, Rejected};
use crate::store::record::{Purged, ReleaseName, Released, Remeasure};
use crate::store::restoration::testing::{
    heard, recovered, recovered_derived, restored, resumed, stopped,
};
use crate::store::restoration::{Restored, Standing};

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
        approved: None,
    })
}

fn held(number: u64, table: u8, revision: u32) -> Event {
    Event::Held(HeldQuestion {
        number,
        table: TableKey::from([table; 32]),
        revision,
        commitment: [3; 32],
        mou: Sha256::from([0; 32]),
        margin: Margin::new(10).unwrap(),
        price_nano_rho: 5,
        approvals: 1,
        peer: "p".into(),
        purpose: "p".into(),
        kpi: "k".into(),
        period: "p".into(),
        breakdown: Vec::new(),
    })
}

fn approved(number: u64, peer: &str) -> Event {
    Event::Approved(Approved { number, peer: peer.into() })
}

fn rejected(number: u64) -> Event {
    Event::Rejected(Rejected { number, peer: "p".into(), because: "no".into() })
}

/// A charge of revision 0 that names an approval.
fn with_leave(table: u8, number: u64) -> Event {
    let Event::Charged(charge) = charged(table, "2026", 5) else { unreachable!("a charge") };
    Event::Charged(Charged { approved: Some(number), ..charge })
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
        (vec![held(2, 1, 0)], BookError::HeldOutOfTurn(2)),
        (vec![held(1, 1, 1)], BookError::HeldOutOfTurn(1)),
        (vec![held(1, 1, 0), held(2, 1, 0)], BookError::HeldOutOfTurn(2)),
        (vec![charged(1, "2026", 5), released(1), held(1, 1, 0)], BookError::HeldOutOfTurn(1)),
        (vec![approved(1, "ana")], BookError::JudgedOutOfTurn(1)),
        (vec![held(1, 1, 0), approved(1, "ana"), approved(1, "bo")], BookError::JudgedOutOfTurn(1)),
        (vec![held(1, 1, 0), rejected(1), approved(1, "ana")], BookError::JudgedOutOfTurn(1)),
        (vec![held(1, 1, 0), rejected(1), rejected(1)], BookError::JudgedOutOfTurn(1)),
        (vec![held(1, 1, 0), with_leave(1, 1)], BookError::NotApproved(table)),
        (
            vec![held(1, 1, 0), approved(1, "ana"), rejected(1), with_leave(1, 1)],
            BookError::NotApproved(table),
        ),
        (vec![held(1, 2, 0), approved(1, "ana"), with_leave(1, 1)], BookError::NotApproved(table)),
    ];
    for (events, error) in cases {
        assert_eq!(book(events), Err(error));
    }
}

fn purged(releases: &[(u8, u32, bool)]) -> Event {
    let name = |(table, revision, derived): &(u8, u32, bool)| {
        let (table, revision, derived) = (TableKey::from([*table; 32]), *revision, *derived);
        ReleaseName { table, revision, derived }
    };
    let releases = releases.iter().map(name).collect();
    Event::Purged(Purged { before: jiff::Timestamp::UNIX_EPOCH, releases })
}

#[test]
fn what_is_purged_stays_paid_for_and_goes_once() {
    let there = || vec![charged(1, "2026", 5), released(1), derived(0, 2, 1, 0)];
    let both = [(1, 0, false), (2, 0, true)];
    let events = there().into_iter().chain([purged(&both)]).collect();
    let book = book(events).unwrap();
    assert_eq!((book.spent(calendar_year(2026)), book.totals().released), (5, 1));
    assert_eq!((book.totals().purged, book.kept().count(), book.purged().count()), (2, 0, 2));
    assert_eq!(Book::restore(book.totals.clone(), book.tables.clone()), Some(book.clone()));
    let mut forgotten = book.tables.clone();
    forgotten.get_mut(&TableKey::from([2; 32])).unwrap().derived.first_mut().unwrap().purged =
        false;
    assert_eq!(Book::restore(book.totals.clone(), forgotten), None);

    let wrong: [&[_]; 6] = [
        &[(1, 0, false), (1, 0, false)],
        &[(1, 1, false)],
        &[(1, 0, true)],
        &[(2, 0, false)],
        &[(3, 0, false)],
        &[(1, 0, false), (4, 0, true)],
    ];
    for releases in wrong {
        let events = there().into_iter().chain([purged(releases)]).collect();
        let refused = super::tests::book(events);
        assert!(matches!(refused, Err(BookError::PurgedOutOfTurn(_))), "{releases:?}");
    }
    let events = there().into_iter().chain([purged(&both), purged(&both)]).collect();
    assert!(matches!(super::tests::book(events), Err(BookError::PurgedOutOfTurn(_))));
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

/// A backup of one charge of 5, restored.
fn after_a_restore(then: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let restored = Event::Restored(restored(1, 5, &["chamber", "county"]));
    [charged(1, "2026", 5), restored].into_iter().chain(then).collect()
}

#[test]
fn what_comes_back_is_a_charge_and_a_release_and_only_a_release_where_the_charge_was_kept() {
    let back = [Event::Recovered(recovered(2, 0, 7)), Event::Recovered(recovered(1, 0, 5))];
    let book = book(after_a_restore(back)).unwrap();
    let totals = book.totals();
    assert_eq!((totals.lifetime_nano_rho, totals.charged, totals.released), (12, 2, 2));
    assert_eq!(book.spent(calendar_year(2026)), 12);
    assert_eq!(totals.restores[0].accounted_nano_rho, 12);
    for number in [1, 2] {
        let state = book.table(&TableKey::from([number; 32])).unwrap();
        assert!(state.standing().unwrap().1.release_at.is_some(), "table {number}");
    }
}

#[test]
fn revisions_may_come_back_in_any_order() {
    let back = |order: [u32; 2]| {
        let back = order.map(|revision| Event::Recovered(recovered(2, revision, 7)));
        let book = book(after_a_restore(back)).unwrap();
        let state = book.table(&TableKey::from([2; 32])).unwrap().clone();
        let (revision, paid) = state.standing().unwrap();
        assert_eq!((revision, paid.lost), (1, false));
        assert_eq!(book.totals().lifetime_nano_rho, 5 + 14);
        state.paid.len()
    };
    assert_eq!((back([0, 1]), back([1, 0])), (2, 2));
    // One that nobody shows was never paid for as far as the book knows, and is not answered.
    let book = book(after_a_restore([Event::Recovered(recovered(2, 1, 7))])).unwrap();
    let first = &book.table(&TableKey::from([2; 32])).unwrap().paid[0];
    assert!(first.lost && first.price_nano_rho == 0);
    assert_eq!(book.totals().charged, 2);
}

#[test]
fn what_was_added_up_comes_back_even_if_its_source_does_not() {
    let back = Event::RecoveredDerived(recovered_derived(3, 0, 2));
    let book = book(after_a_restore([back])).unwrap();
    let state = book.table(&TableKey::from([3; 32])).unwrap();
    assert_eq!(state.last_derived().unwrap().1.release_at, 2);
    assert_eq!(book.totals().lifetime_nano_rho, 5);
}

#[test]
fn what_is_lost_counts_in_each_of_its_years_and_is_not_answered() {
    let heard = ["chamber", "county"].map(|party| Event::Heard(heard(party, 9, 105)));
    let lost = Event::Resumed(resumed(100, &[(1, 0), (2, 0)]));
    let events = after_a_restore(heard.into_iter().chain([lost]));
    let given_up = book(events.clone()).unwrap();
    assert_eq!(Standing::of(given_up.totals()), Standing::Itself);
    assert_eq!(given_up.spent(calendar_year(2026)), 105);
    assert_eq!(given_up.totals().lifetime_nano_rho, 105);
    for number in [1, 2] {
        let state = given_up.table(&TableKey::from([number; 32])).unwrap();
        assert!(state.standing().unwrap().1.lost, "table {number}");
    }
    // A new measurement is ordered and paid for like any other.
    let anew = [ordered(1, 2), charged_at(1, 2, "2026", 7), released_at(1, 2)];
    let book = book(events.into_iter().chain(anew).collect()).unwrap();
    let (revision, paid) = book.table(&TableKey::from([2; 32])).unwrap().standing().unwrap();
    assert_eq!((revision, paid.lost, book.totals().lifetime_nano_rho), (1, false, 112));
}

#[test]
fn a_log_answers_only_once_everybody_was_heard_and_the_account_is_closed() {
    let standing = |events| Standing::of(book(events).unwrap().totals());
    let stop = Event::Stopped(stopped());
    assert!(matches!(standing(vec![charged(1, "2026", 5), stop]), Standing::Stopped(_)));
    let awaited = |events| match standing(events) {
        Standing::Restored(waiting) => waiting.awaited,
        other => panic!("{other:?}"),
    };
    assert_eq!(awaited(after_a_restore([])), ["chamber", "county"]);
    let one = Event::Heard(heard("chamber", 9, 5));
    assert_eq!(awaited(after_a_restore([one.clone()])), ["county"]);
    let both = [one, Event::Heard(heard("county", 0, 0))];
    assert_eq!(awaited(after_a_restore(both.clone())), Vec::<String>::new());
    let closed = both.into_iter().chain([Event::Resumed(resumed(0, &[]))]);
    assert_eq!(standing(after_a_restore(closed)), Standing::Itself);
    // A restore takes the place of a stop.
    let stop = Event::Stopped(stopped());
    let again = Event::Restored(Restored { forked: true, ..restored(2, 5, &["chamber"]) });
    assert_eq!(awaited(vec![charged(1, "2026", 5), stop, again]), ["chamber"]);
}

#[test]
fn refuses_a_restore_that_breaks_a_promise() {
    let (one, two) = (TableKey::from([1; 32]), TableKey::from([2; 32]));
    let awaited = |party: &str| BookError::StillAwaited(party.into());
    let without = |parties: &[&str], lost, tables: &[(u8, u32)]| {
        let without = parties.iter().map(|party| (*party).to_owned()).collect();
        Event::Resumed(crate::store::restoration::Resumed { without, ..resumed(lost, tables) })
    };
    let nobody = |lost, tables: &[(u8, u32)]| without(&["chamber", "county"], lost, tables);
    let back = |number, revision, price| Event::Recovered(recovered(number, revision, price));
    let in_no_year = Event::Resumed(crate::store::restoration::Resumed {
        without: vec!["chamber".into(), "county".into()],
        years: Vec::new(),
        ..resumed(1, &[])
    });
    let other = |restored: Restored| vec![charged(1, "2026", 5), Event::Restored(restored)];
    let cases = [
        (vec![charged(1, "2026", 5), back(1, 0, 5)], BookError::NeverRestored),
        (vec![Event::RecoveredDerived(recovered_derived(3, 0, 2))], BookError::NeverRestored),
        (vec![Event::Heard(heard("chamber", 0, 0))], BookError::NeverRestored),
        (vec![Event::Resumed(resumed(0, &[]))], BookError::NeverRestored),
        (other(restored(2, 5, &[])), BookError::RestoredOther),
        (other(restored(1, 6, &[])), BookError::RestoredOther),
        (other(Restored { forked: true, ..restored(1, 5, &[]) }), BookError::RestoredOther),
        (after_a_restore([back(1, 0, 6)]), BookError::OtherCharge(one)),
        (after_a_restore([back(2, 0, 0)]), BookError::ChargedNothing(two)),
        (after_a_restore([back(2, 0, 7), back(2, 0, 7)]), BookError::ReleasedTwice(two)),
        (after_a_restore([back(2, 0, u64::MAX)]), BookError::OutOfRange),
        (
            after_a_restore([back(2, 20_000, 7)]),
            BookError::WrongRevision { table: two, expected: 10_000, revision: 20_000 },
        ),
        (
            after_a_restore([(); 2].map(|()| Event::Heard(heard("chamber", 0, 0)))),
            BookError::HeardTwice("chamber".into()),
        ),
        (after_a_restore([without(&["chamber"], 0, &[])]), awaited("county")),
        (after_a_restore([nobody(0, &[(2, 0), (2, 0)])]), BookError::LostTwice(two)),
        (after_a_restore([back(2, 0, 7), nobody(0, &[(2, 0)])]), BookError::LostTwice(two)),
        (
            after_a_restore([nobody(0, &[(2, 1)])]),
            BookError::WrongRevision { table: two, expected: 0, revision: 1 },
        ),
        (after_a_restore([in_no_year]), BookError::LostInNoYear),
        (after_a_restore([nobody(u64::MAX, &[])]), BookError::OutOfRange),
        (
            after_a_restore([nobody(0, &[(1, 0)]), charged(1, "2026", 5)]),
            BookError::ChargedTwice(one),
        ),
    ];
    for (events, error) in cases {
        assert_eq!(book(events), Err(error));
    }
}
