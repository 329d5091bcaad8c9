//! Questions that wait for a person.

use super::*;
use crate::store::{HoldRequest, Judged, Judgement, Judging, Leave, RemeasureOrder, Verdict};

const ANA: &str = "sumac://lakeshore-cc/steward/ana";
const BO: &str = "sumac://lakeshore-cc/steward/bo";

fn hold(n: u8, approvals: u32) -> HoldRequest {
    let ChargeRequest { table, margin, price_nano_rho, mou, kpi, period, breakdown, at, .. } =
        request(n);
    HoldRequest {
        table,
        commitment: [3; 32],
        mou,
        margin,
        price_nano_rho,
        approvals,
        peer: "sumac://chamber/analyst/mira".into(),
        purpose: "annual-report".into(),
        kpi,
        period,
        breakdown,
        at,
    }
}

async fn held(store: &Store, request: HoldRequest) -> Judged {
    store.hold(request).await.unwrap().unwrap()
}

async fn approve(store: &Store, number: u64, peer: &str) -> Judging {
    store.judge(number, peer.into(), Verdict::Approve, NOW).await.unwrap()
}

async fn reject(store: &Store, number: u64, peer: &str) -> Judging {
    let because = "not this year".to_owned();
    store.judge(number, peer.into(), Verdict::Reject { because }, NOW).await.unwrap()
}

fn with_leave(n: u8, number: u64) -> ChargeRequest {
    ChargeRequest { leave: Leave::OfHeld(number), ..request(n) }
}

#[tokio::test]
async fn asking_again_puts_a_question_there_no_second_time_and_anything_else_is_another_one() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    assert_eq!(store.find_held(hold(1, 1)).await.unwrap(), None);
    let first = held(&store, hold(1, 1)).await;
    assert_eq!((first.question.number, first.judgement()), (1, Judgement::Waiting));
    let other_asker = HoldRequest { peer: "sumac://x/analyst/y".into(), ..hold(1, 1) };
    assert_eq!(held(&store, other_asker).await, first);
    assert_eq!(store.find_held(hold(1, 1)).await.unwrap(), Some(first));
    // Other data, another version of the MOU, another margin: the approval of before says nothing about them.
    assert!(matches!(approve(&store, 1, ANA).await, Judging::Done(_)));
    let changes: [fn(HoldRequest) -> HoldRequest; 3] = [
        |hold| HoldRequest { commitment: [4; 32], ..hold },
        |hold| HoldRequest { mou: Sha256::from([9; 32]), ..hold },
        |hold| HoldRequest { margin: Margin::new(11).unwrap(), ..hold },
    ];
    for (number, change) in (2..).zip(changes) {
        let anew = held(&store, change(hold(1, 1))).await;
        assert_eq!((anew.question.number, anew.judgement()), (number, Judgement::Waiting));
    }
    assert_eq!(store.queue().await.unwrap().len(), 1, "the last one took the others' place");
    assert_eq!(approve(&store, 1, ANA).await, Judging::NotWaiting);
}

#[tokio::test]
async fn a_charge_that_needs_leave_is_made_with_it_and_with_none_other() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    held(&store, hold(1, 1)).await;
    held(&store, hold(2, 1)).await;
    let missing = ChargeRequest { leave: Leave::Missing, ..request(1) };
    assert_eq!(store.charge(missing).await.unwrap(), Charging::NotApproved);
    assert_eq!(store.charge(with_leave(1, 1)).await.unwrap(), Charging::NotApproved);
    approve(&store, 1, ANA).await;
    let dearer = ChargeRequest { price_nano_rho: PRICE + 1, ..with_leave(1, 1) };
    for other in [with_leave(2, 1), with_leave(2, 2), with_leave(1, 7), dearer] {
        assert_eq!(store.charge(other).await.unwrap(), Charging::NotApproved);
    }
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, 0);
    let charge = charged(store.charge(with_leave(1, 1)).await);
    store.settle(charge, b"answer".to_vec(), NOW).await.unwrap();
    // What is released is no question any more.
    assert_eq!(store.hold(hold(1, 1)).await.unwrap(), None);
    assert_eq!(approve(&store, 1, BO).await, Judging::NotWaiting);
    let queue: Vec<_> = store.queue().await.unwrap();
    assert_eq!(queue.iter().map(|judged| judged.question.number).collect::<Vec<_>>(), [2]);
    let released = store.charge(ChargeRequest { leave: Leave::Missing, ..request(1) }).await;
    assert_eq!(released.unwrap(), Charging::Released(b"answer".to_vec()));
}

#[tokio::test]
async fn two_approvals_come_from_two_stewards() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    held(&store, hold(1, 2)).await;
    let Judging::Done(one) = approve(&store, 1, ANA).await else { panic!("approved") };
    assert_eq!(
        (one.judgement(), one.approved_by.as_slice()),
        (Judgement::Waiting, &[ANA.to_owned()][..])
    );
    assert_eq!(approve(&store, 1, ANA).await, Judging::ApprovedBefore(one));
    assert_eq!(store.charge(with_leave(1, 1)).await.unwrap(), Charging::NotApproved);
    let Judging::Done(two) = approve(&store, 1, BO).await else { panic!("approved") };
    assert_eq!(two.judgement(), Judgement::Approved);
    charged(store.charge(with_leave(1, 1)).await);
}

#[tokio::test]
async fn a_rejection_stands_and_takes_an_approval_back() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    held(&store, hold(1, 1)).await;
    approve(&store, 1, ANA).await;
    let Judging::Done(rejected) = reject(&store, 1, BO).await else { panic!("rejected") };
    assert_eq!(rejected.judgement(), Judgement::Rejected);
    for again in [approve(&store, 1, ANA).await, reject(&store, 1, ANA).await] {
        assert_eq!(again, Judging::NotWaiting);
    }
    assert_eq!(held(&store, hold(1, 1)).await, rejected);
    assert_eq!(store.charge(with_leave(1, 1)).await.unwrap(), Charging::NotApproved);
}

#[tokio::test]
async fn an_order_to_measure_anew_is_no_approval() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    held(&store, hold(1, 1)).await;
    approve(&store, 1, ANA).await;
    let charge = charged(store.charge(with_leave(1, 1)).await);
    store.settle(charge, b"old".to_vec(), NOW).await.unwrap();
    let HoldRequest { table, margin, kpi, period, breakdown, at, .. } = hold(1, 1);
    let because = "a file was missing".to_owned();
    let order = RemeasureOrder { table, margin, kpi, period, breakdown, because, at };
    store.order_remeasure(order).await.unwrap();
    assert_eq!(store.charge(with_leave(1, 1)).await.unwrap(), Charging::NotApproved);
    let anew = held(&store, hold(1, 1)).await;
    assert_eq!((anew.question.number, anew.question.revision), (2, 1));
    approve(&store, 2, ANA).await;
    assert_eq!(charged(store.charge(with_leave(1, 2)).await).revision(), 1);
}

#[tokio::test]
async fn the_queue_is_the_logs_own_whatever_becomes_of_the_index() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    held(&store, hold(1, 2)).await;
    held(&store, hold(2, 1)).await;
    approve(&store, 1, ANA).await;
    reject(&store, 2, BO).await;
    let paused = Paused { because: "an audit".into(), until: None };
    store.note(Note::Paused(paused.clone()), NOW).await.unwrap();
    let queue = store.queue().await.unwrap();
    drop(store);
    for lose_index in [false, true] {
        if lose_index {
            fs::remove_dir_all(dir.path().join("index")).unwrap();
        }
        let store = open(dir.path());
        assert_eq!(store.queue().await.unwrap(), queue);
        assert_eq!(store.paused().await.unwrap(), Some(paused.clone()));
    }
    let summary = read_only(dir.path()).unwrap();
    assert_eq!((summary.held, summary.paused), (queue, Some(paused)));
    let store = open(dir.path());
    store.note(Note::PauseEnded(PauseEnded {}), NOW).await.unwrap();
    assert_eq!(store.paused().await.unwrap(), None);
    approve(&store, 1, BO).await;
    charged(store.charge(with_leave(1, 1)).await);
    drop(store);
    check(dir.path(), None).unwrap();
}
