//! A store that comes from a backup, opened again and again.

use super::*;
use crate::store::restoration::testing::{charge, heard, resumed};
use crate::store::{
    Closed, HeldState, LostRelease, LostWhat, Recovery, Restored, Standing, rebuild,
};

/// Tables 1 and 2 are charged and 1 is released; then the log is said to come from a backup.
async fn restored(dir: &Path) -> Store {
    let store = history(dir).await;
    say_restored(&store).await;
    store
}

/// Says that all of the log comes from a backup.
async fn say_restored(store: &Store) {
    let head = store.head().await.unwrap().unwrap().head;
    let restored = Restored {
        size: head.size,
        root: head.root,
        backed_up: head.at,
        spent_nano_rho: head.spent_nano_rho,
        forked: false,
        awaited: vec!["chamber".into()],
    };
    store.note(Note::Restored(restored), NOW).await.unwrap();
}

fn lost(n: u8, body: &[u8]) -> LostRelease {
    LostRelease {
        table: table(n),
        revision: 0,
        position: 40,
        peer: "sumac://chamber/analyst/mira".into(),
        made: NOW,
        what: LostWhat::Measured(charge(PRICE)),
        body: body.to_vec(),
    }
}

#[tokio::test]
async fn what_others_of_a_party_ask_does_not_say_what_its_analysts_hold() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let asked = store.restoration().await.unwrap().asked;
    assert!(asked.contains_key("chamber"));
    for peer in ["sumac://chamber/steward/sam", "sumac://transit/steward/tom", "somebody"] {
        let refused = Asked {
            request_id: "r".into(),
            peer: peer.into(),
            table: None,
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: Vec::new(),
            purpose: "annual-report".into(),
            outcome: "ROLE_MAY_NOT_ASK".into(),
        };
        store.note(Note::Asked(refused), NOW).await.unwrap();
    }
    assert_eq!(store.restoration().await.unwrap().asked, asked);
}

#[tokio::test]
async fn a_log_restored_while_it_waits_accounts_for_all_that_it_lost() {
    let dir = TempDir::new().unwrap();
    let store = restored(dir.path()).await;
    let first = store.restoration().await.unwrap().unaccounted().unwrap();
    say_restored(&store).await;
    let restoration = store.restoration().await.unwrap();
    assert!(restoration.restores[1].size > first.size);
    let both = restoration.unaccounted().unwrap();
    assert_eq!((both.size, both.backed_up), (first.size, first.backed_up));

    // Once the node has answered, what it lost before is over.
    store.note(Note::Heard(heard("chamber", 41, 300)), NOW).await.unwrap();
    store.note(Note::Resumed(resumed(50, &[])), NOW).await.unwrap();
    let restoration = store.restoration().await.unwrap();
    let last = restoration.restores[1].size;
    assert_eq!(restoration.unaccounted().unwrap().size, first.size, "a head may come late");
    say_restored(&store).await;
    assert!(store.restoration().await.unwrap().unaccounted().unwrap().size > last);
}

#[tokio::test]
async fn what_comes_back_is_there_to_the_byte_whenever_the_store_is_opened() {
    let dir = TempDir::new().unwrap();
    let store = restored(dir.path()).await;
    assert_eq!(store.recover(lost(7, b"seven"), NOW).await.unwrap(), Recovery::New);
    assert_eq!(store.recover(lost(7, b"seven"), NOW).await.unwrap(), Recovery::Already);
    assert_eq!(store.recover(lost(7, b"other"), NOW).await.unwrap(), Recovery::Differs);
    assert_eq!(store.recover(lost(1, b"answer"), NOW).await.unwrap(), Recovery::Already);
    store.note(Note::Heard(heard("chamber", 41, 300)), NOW).await.unwrap();
    store.note(Note::Resumed(resumed(50, &[(9, 0)])), NOW).await.unwrap();
    drop(store);
    for round in 0..3 {
        match round {
            1 => drop(rebuild(dir.path()).unwrap()),
            2 => fs::remove_dir_all(dir.path().join("index")).unwrap(),
            _ => {}
        }
        let store = open(dir.path());
        assert_eq!(store.standing().await.unwrap(), Standing::Itself);
        let back = store.charge(request(7)).await.unwrap();
        assert_eq!(back, Charging::Released(b"seven".to_vec()), "round {round}");
        assert_eq!(store.charge(request(9)).await.unwrap(), Charging::Lost);
        let held = store.held(&table(9)).await.unwrap().unwrap();
        assert_eq!(held.state, HeldState::Lost);
        drop(store);
        let checked = check(dir.path(), None).unwrap();
        assert_eq!((checked.charges, checked.releases, checked.bodies), (3, 2, Some(2)));
        assert_eq!((checked.lifetime_nano_rho, checked.lost_nano_rho), (3 * PRICE + 50, 50));
    }
}

#[tokio::test]
async fn what_is_waited_for_and_what_stopped_it_outlive_the_process() {
    let dir = TempDir::new().unwrap();
    drop(restored(dir.path()).await);
    let waits = |standing: Standing| match standing {
        Standing::Restored(waiting) => waiting.awaited,
        other => panic!("{other:?}"),
    };
    let store = open(dir.path());
    assert_eq!(waits(store.standing().await.unwrap()), ["chamber"]);
    assert_eq!(waits(read_only(dir.path()).unwrap().standing), ["chamber"]);
    let stopped = crate::store::restoration::testing::stopped();
    store.note(Note::Stopped(stopped.clone()), NOW).await.unwrap();
    drop(store);
    let standing = open(dir.path()).standing().await.unwrap();
    assert_eq!(standing, Standing::Stopped(stopped));
}

#[tokio::test]
async fn a_copy_of_the_acknowledged_part_is_a_whole_log_whatever_is_written_meanwhile() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let cut = store.cut().await.unwrap();
    assert!(matches!(Closed::keep(dir.path()), Err(StoreError::Locked { .. })));
    charged(store.charge(request(5)).await);
    let copy = TempDir::new().unwrap();
    let length = usize::try_from(cut.length).unwrap();
    fs::write(log_path(copy.path()), &fs::read(log_path(dir.path())).unwrap()[..length]).unwrap();
    let checked = check(copy.path(), None).unwrap();
    assert_eq!((checked.records, checked.charges), (cut.records, 2));
    drop(store);
    let closed = Closed::keep(dir.path()).unwrap();
    assert_eq!(closed.cut().records, check(dir.path(), None).unwrap().records);
    let locked = Store::open(dir.path(), salts(), signer());
    assert!(matches!(locked, Err(StoreError::Locked { .. })));
}
