//! Later measurements, other margins, other years, and tables added up.

use super::*;
use crate::store::{DeriveRequest, Held, HeldState, Ordering, RemeasureOrder};

fn margin(learners: u32) -> Margin {
    Margin::new(learners).unwrap()
}

fn at_margin(n: u8, learners: u32) -> ChargeRequest {
    ChargeRequest { margin: margin(learners), ..request(n) }
}

fn order(n: u8) -> RemeasureOrder {
    RemeasureOrder {
        table: table(n),
        margin: margin(10),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        because: "a file was missing".into(),
        at: NOW,
    }
}

async fn released(store: &Store, n: u8, body: &[u8]) {
    let charge = charged(store.charge(request(n)).await);
    store.settle(charge, body.to_vec(), NOW).await.unwrap();
}

#[tokio::test]
async fn a_tighter_margin_gets_no_old_answer_and_a_looser_one_does() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let charge = charged(store.charge(request(1)).await);
    let too_wide = Charging::TooWide { margin: margin(10) };
    // Paid for and not released: a looser margin completes it at the margin that was paid for.
    assert_eq!(store.charge(at_margin(1, 9)).await.unwrap(), too_wide);
    let resumed = store.charge(at_margin(1, 11)).await.unwrap();
    assert!(matches!(resumed, Charging::Resumed(charge) if charge.margin() == margin(10)));
    store.settle(charge, b"old".to_vec(), NOW).await.unwrap();
    assert_eq!(store.charge(at_margin(1, 9)).await.unwrap(), too_wide);
    let old = Charging::Released(b"old".to_vec());
    assert_eq!(store.charge(at_margin(1, 11)).await.unwrap(), old);
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, PRICE);
}

#[tokio::test]
async fn a_remeasured_table_is_paid_for_again_at_the_next_ask() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    assert_eq!(store.order_remeasure(order(1)).await.unwrap(), Ordering::NeverReleased);
    let charge = charged(store.charge(request(1)).await);
    assert_eq!(store.order_remeasure(order(1)).await.unwrap(), Ordering::NeverReleased);
    store.settle(charge, b"old".to_vec(), NOW).await.unwrap();
    let ordered = Ordering::Ordered { revision: 1 };
    assert_eq!(store.order_remeasure(order(1)).await.unwrap(), ordered);
    let already = Ordering::Already { revision: 1 };
    assert_eq!(store.order_remeasure(order(1)).await.unwrap(), already);
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, PRICE);
    // Durable: a restart forgets nothing.
    drop(store);
    let store = open(dir.path());
    let held = store.held(&table(1)).await.unwrap();
    let state = HeldState::RemeasureOrdered;
    assert_eq!(held, Some(Held { revision: 0, margin: margin(10), state }));
    assert_eq!(store.released(&table(1)).await.unwrap(), None);
    let tighter = ChargeRequest { price_nano_rho: 3 * PRICE, ..at_margin(1, 5) };
    let charge = charged(store.charge(tighter).await);
    assert_eq!((charge.revision(), charge.margin()), (1, margin(5)));
    store.settle(charge, b"new".to_vec(), NOW).await.unwrap();
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, 4 * PRICE);
    for _ in 0..2 {
        let again = store.charge(request(1)).await.unwrap();
        assert_eq!(again, Charging::Released(b"new".to_vec()));
    }
    drop(store);
    // Both are kept.
    let bodies = fs::read(bodies_path(dir.path())).unwrap();
    for body in ["old", "new"] {
        assert!(bodies.windows(3).any(|part| part == body.as_bytes()), "{body}");
    }
}

#[tokio::test]
async fn a_charge_at_a_margin_now_too_wide_may_be_remeasured() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    charged(store.charge(request(1)).await);
    let tighter = RemeasureOrder { margin: margin(5), ..order(1) };
    let ordered = Ordering::Ordered { revision: 1 };
    assert_eq!(store.order_remeasure(tighter).await.unwrap(), ordered);
    assert_eq!(charged(store.charge(at_margin(1, 5)).await).revision(), 1);
}

#[tokio::test]
async fn a_spent_budget_stays_spent_however_the_mou_cuts_its_years() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let whole = ChargeRequest { price_nano_rho: BUDGET, ..request(1) };
    charged(store.charge(whole).await);
    let in_year = |n, first, last| ChargeRequest {
        year: "another".into(),
        span: Span { first, last },
        ..request(n)
    };
    for (first, last) in [
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2027, 1, 1), date(2027, 12, 31)),
        (date(2026, 9, 1), date(2027, 8, 31)),
    ] {
        let refused = store.charge(in_year(2, first, last)).await.unwrap();
        assert!(matches!(refused, Charging::Spent { .. }), "{first}: {refused:?}");
    }
    charged(store.charge(in_year(3, date(2027, 7, 1), date(2028, 6, 30))).await);
}

#[tokio::test]
async fn a_lower_budget_refuses_at_once() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    charged(store.charge(request(1)).await);
    let lower = ChargeRequest { budget_nano_rho: PRICE, ..request(2) };
    let refused = store.charge(lower).await.unwrap();
    assert!(matches!(refused, Charging::Spent { spent_nano_rho: PRICE, .. }), "{refused:?}");
}

#[tokio::test]
async fn a_table_added_up_costs_nothing_and_gives_the_same_bytes() {
    let dir = TempDir::new().unwrap();
    let mut store = open(dir.path());
    let derive = |revision, from_revision, body: &[u8]| DeriveRequest {
        table: table(2),
        revision,
        from: table(1),
        from_revision,
        body: body.to_vec(),
        at: NOW,
    };
    let unreleased = store.keep_derived(derive(0, 0, b"sum")).await;
    assert!(matches!(unreleased, Err(StoreError::Forbidden { .. })));
    released(&store, 1, b"source").await;
    assert_eq!(store.keep_derived(derive(0, 0, b"sum")).await.unwrap(), b"sum");
    assert_eq!(store.keep_derived(derive(0, 0, b"other")).await.unwrap(), b"sum");
    assert_eq!(store.keep_derived(derive(1, 0, b"other")).await.unwrap(), b"sum");
    drop(store);
    store = open(dir.path());
    let kept = store.derivation(&table(2)).await.unwrap().unwrap();
    assert_eq!((kept.revision, kept.from, kept.body.as_deref()), (0, table(1), Some(&b"sum"[..])));
    assert_eq!(store.balance(SPAN).await.unwrap().lifetime_nano_rho, PRICE);
    assert_eq!(store.held(&table(2)).await.unwrap(), None);
    // Once it is listed, it is measured like any other.
    assert_eq!(charged(store.charge(request(2)).await).revision(), 0);
    // From a later measurement of its source it is added up anew.
    store.order_remeasure(order(1)).await.unwrap();
    released(&store, 1, b"corrected").await;
    assert_eq!(store.keep_derived(derive(1, 1, b"new sum")).await.unwrap(), b"new sum");
    assert_eq!(store.derivation(&table(2)).await.unwrap().unwrap().revision, 1);
}
