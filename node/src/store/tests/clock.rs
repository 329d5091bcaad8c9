//! A clock that goes back.

use jiff::{SignedDuration, ToSpan};

use super::*;

fn later(hours: i64) -> Timestamp {
    NOW + SignedDuration::from_hours(hours)
}

#[tokio::test]
async fn a_clock_set_back_charges_nothing_new_and_answers_what_was_released() {
    let dir = TempDir::new().unwrap();
    let today = later(365 * 24);
    let store = open(dir.path());
    for n in [1, 2] {
        charged(store.charge(ChargeRequest { at: today, ..request(n) }).await);
    }
    let Charging::Resumed(charge) = store.charge(request(1)).await.unwrap() else {
        panic!("a charge that is there is completed at any time")
    };
    store.settle(charge, b"answer".to_vec(), today).await.unwrap();
    drop(store);

    // A year back: the node starts and says so, and that makes the clock no better.
    let store = open(dir.path());
    let started = Note::Started(Started { software: "sumac".into() });
    store.note(started, NOW).await.unwrap();
    let before = fs::read(log_path(dir.path())).unwrap();
    let refused = store.charge(request(3)).await.unwrap_err();
    let StoreError::ClockBehind { at, latest } = refused else { panic!("{refused:?}") };
    assert_eq!((at, latest), (NOW, today));
    assert_eq!(fs::read(log_path(dir.path())).unwrap(), before);
    assert_eq!(store.released(&table(1)).await.unwrap(), Some(b"answer".to_vec()));
    let again = store.charge(request(1)).await.unwrap();
    assert_eq!(again, Charging::Released(b"answer".to_vec()));
    drop(store);
    check(dir.path(), None).unwrap();
}

#[tokio::test]
async fn a_clock_that_was_corrected_by_less_than_a_day_goes_on() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    charged(store.charge(ChargeRequest { at: later(48), ..request(1) }).await);
    charged(store.charge(ChargeRequest { at: later(24), ..request(2) }).await);
    let a_second_more = later(24) - 1.second();
    let refused = store.charge(ChargeRequest { at: a_second_more, ..request(3) }).await;
    assert!(matches!(refused, Err(StoreError::ClockBehind { .. })), "{refused:?}");
}
