//! Releases that are deleted: the log says so first, and their tables stay paid for.

use jiff::SignedDuration;

use super::*;
use crate::store::faults::{Dice, reordering};
use crate::store::record::{Event, Purged, ReleaseName};
use crate::store::restoration::testing::{charge, resumed};
use crate::store::{
    DeriveRequest, HeldState, LostRelease, LostWhat, Ordering, Recovery, RemeasureOrder, Restored,
};

/// So many days after [`NOW`].
fn day(days: i64) -> Timestamp {
    NOW + SignedDuration::from_hours(24 * days)
}

fn body(n: u8) -> Vec<u8> {
    vec![n; 60]
}

fn on(n: u8, days: i64) -> ChargeRequest {
    ChargeRequest { at: day(days), budget_nano_rho: u64::MAX, ..request(n) }
}

async fn released(store: &Store, n: u8, days: i64) {
    let charge = charged(store.charge(on(n, days)).await);
    store.settle(charge, body(n), day(days)).await.unwrap();
}

async fn added_up(store: &Store, n: u8, from: u8, days: i64) {
    let (table, from, at) = (table(n), table(from), day(days));
    let derive = DeriveRequest { table, revision: 0, from, from_revision: 0, body: body(n), at };
    store.keep_derived(derive).await.unwrap();
}

/// Releases of days 0, 3, 14 and 40, and one added up on day 50 from the first.
async fn some_released(dir: &Path) -> Store {
    let store = open(dir);
    for (n, days) in [(1, 0), (2, 3), (3, 14), (4, 40)] {
        released(&store, n, days).await;
    }
    added_up(&store, 9, 1, 50).await;
    store
}

/// Whether a body is in any file of the store.
fn is_on_disk(dir: &Path, n: u8) -> bool {
    let (plain, spelled) = (body(n), hex::encode(body(n)).into_bytes());
    let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|found| found == part);
    files(dir).iter().any(|(_, bytes)| holds(bytes, &plain) || holds(bytes, &spelled))
}

async fn is_purged(store: &Store, n: u8) -> bool {
    let purged = store.charge(on(n, 60)).await.unwrap() == Charging::Purged;
    assert_eq!(purged, store.released(&table(n)).await.unwrap().is_none(), "table {n}");
    purged
}

#[tokio::test]
async fn what_is_too_old_leaves_the_disk_and_stays_paid_for() {
    let dir = TempDir::new().unwrap();
    let store = some_released(dir.path()).await;
    let log = fs::read(log_path(dir.path())).unwrap();
    let before = store.balance(SPAN).await.unwrap();
    // Within the month of the third: its file is written anew.
    assert_eq!(store.purge(day(14), day(60)).await.unwrap(), 3);
    assert_eq!(store.purge(day(14), day(60)).await.unwrap(), 0);
    let mut store = Some(store);
    for _ in 0..2 {
        let store = store.take().unwrap_or_else(|| open(dir.path()));
        for n in [1, 2] {
            assert!(is_purged(&store, n).await && !is_on_disk(dir.path(), n), "table {n}");
        }
        for n in [3, 4] {
            assert!(!is_purged(&store, n).await && is_on_disk(dir.path(), n), "table {n}");
            assert_eq!(store.released(&table(n)).await.unwrap(), Some(body(n)));
        }
        let added = store.derivation(&table(9)).await.unwrap().unwrap();
        assert_eq!((added.body, is_on_disk(dir.path(), 9)), (None, false), "its source is gone");
        assert_eq!(store.balance(SPAN).await.unwrap(), before);
        let held = store.held(&table(1)).await.unwrap().unwrap();
        assert_eq!((held.revision, held.state), (0, HeldState::Purged));
    }
    let after = fs::read(log_path(dir.path())).unwrap();
    assert!(after.starts_with(&log), "the log only grows");
    let checked = check(dir.path(), None).unwrap();
    assert_eq!((checked.charges, checked.releases), (4, 4));
    assert_eq!((checked.purged, checked.undeleted, checked.bodies), (3, 0, Some(2)));
    assert_eq!(read_only(dir.path()).unwrap().purged_releases, 3);
}

#[tokio::test]
async fn months_that_are_over_go_as_whole_files() {
    let dir = TempDir::new().unwrap();
    let store = some_released(dir.path()).await;
    assert_eq!(store.purge(day(31), day(60)).await.unwrap(), 4);
    let left: Vec<_> = fs::read_dir(dir.path().join("bodies")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert!(!is_purged(&store, 4).await);
    assert_eq!(store.purge(day(59), day(60)).await.unwrap(), 1);
    assert_eq!(fs::read_dir(dir.path().join("bodies")).unwrap().count(), 0);
    // The next release begins a file anew.
    released(&store, 5, 60).await;
    drop(store);
    assert_eq!(open(dir.path()).released(&table(5)).await.unwrap(), Some(body(5)));
}

#[tokio::test]
async fn a_purged_table_is_measured_anew_only_on_order() {
    let dir = TempDir::new().unwrap();
    let store = some_released(dir.path()).await;
    store.purge(day(14), day(60)).await.unwrap();
    let order = RemeasureOrder {
        table: table(1),
        margin: Margin::new(10).unwrap(),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        because: "the board asks again".into(),
        at: day(60),
    };
    let ordered = store.order_remeasure(order).await.unwrap();
    assert_eq!(ordered, Ordering::Ordered { revision: 1 });
    let charge = charged(store.charge(on(1, 60)).await);
    assert_eq!(charge.revision(), 1);
    store.settle(charge, b"anew".to_vec(), day(60)).await.unwrap();
    assert_eq!(store.released(&table(1)).await.unwrap(), Some(b"anew".to_vec()));
    // And is added up anew.
    let derive = DeriveRequest {
        table: table(9),
        revision: 1,
        from: table(1),
        from_revision: 1,
        body: b"added anew".to_vec(),
        at: day(60),
    };
    assert_eq!(store.keep_derived(derive).await.unwrap(), b"added anew");
    // The old revisions are not deleted a second time.
    assert_eq!(store.purge(day(14), day(61)).await.unwrap(), 0);
    drop(store);
    check(dir.path(), None).unwrap();
}

#[tokio::test]
async fn a_crash_between_the_record_and_the_deletion_is_finished_at_the_next_start() {
    let dir = TempDir::new().unwrap();
    drop(some_released(dir.path()).await);
    let bodies: Vec<_> = files(&dir.path().join("bodies"));
    open(dir.path()).purge(day(31), day(60)).await.unwrap();
    // What a machine leaves that went down in between.
    for (path, bytes) in &bodies {
        fs::write(path, bytes).unwrap();
    }
    let checked = check(dir.path(), None).unwrap();
    assert_eq!((checked.purged, checked.undeleted, checked.bodies), (4, 4, Some(1)));
    assert!(is_on_disk(dir.path(), 1));
    let store = open(dir.path());
    for n in [1, 2, 3, 9] {
        assert!(!is_on_disk(dir.path(), n), "table {n}");
    }
    assert_eq!(store.released(&table(4)).await.unwrap(), Some(body(4)));
    assert_eq!(check(dir.path(), None).unwrap().undeleted, 0);
}

#[tokio::test]
async fn without_its_record_on_disk_nothing_is_deleted() {
    let dir = TempDir::new().unwrap();
    drop(some_released(dir.path()).await);
    let before = files(&dir.path().join("bodies"));
    let store = open_on(dir.path(), log_on(|file| Box::new(FailingSync(Disk(file)))));
    unwritten(store.purge(day(31), day(60)).await);
    drop(store);
    assert_eq!(files(&dir.path().join("bodies")), before);
}

#[tokio::test]
async fn what_is_released_while_others_are_deleted_stays() {
    let dir = TempDir::new().unwrap();
    let store = some_released(dir.path()).await;
    let mut charges = Vec::new();
    for n in 20..40 {
        charges.push((n, charged(store.charge(on(n, 55)).await)));
    }
    let store = Arc::new(store);
    let mut settling = Vec::new();
    for (n, charge) in charges {
        let (settler, purger) = (Arc::clone(&store), Arc::clone(&store));
        settling.push(tokio::spawn(async move {
            // Into the file that is written anew at the same time.
            settler.settle(charge, body(n), day(14)).await.unwrap();
        }));
        settling.push(tokio::spawn(async move {
            purger.purge(day(14), day(60)).await.unwrap();
        }));
    }
    for task in settling {
        task.await.unwrap();
    }
    for n in (20..40).chain([3, 4]) {
        assert_eq!(store.released(&table(n)).await.unwrap(), Some(body(n)), "table {n}");
    }
    drop(store);
    assert_eq!(check(dir.path(), None).unwrap().bodies, Some(22));
}

#[tokio::test]
async fn a_power_cut_at_any_moment_deletes_nothing_that_the_log_does_not_say() {
    for seed in 0..24 {
        let dir = TempDir::new().unwrap();
        drop(some_released(dir.path()).await);
        let mut dice = Dice::new(seed);
        let machine = reordering(dice.below(5), dice.next());
        let store = open_on(dir.path(), machine);
        for n in 10..13 {
            // The power may be gone.
            if let Ok(Charging::New(charge)) = store.charge(on(n, 55)).await {
                let _ = store.settle(charge, body(n), day(55)).await;
            }
            let _ = store.purge(day(5 * i64::from(n)), day(60)).await;
        }
        drop(store);
        let store = open(dir.path());
        for n in [1, 2, 3, 4] {
            assert_eq!(is_purged(&store, n).await, !is_on_disk(dir.path(), n), "seed {seed}");
        }
        drop(store);
        let checked = check(dir.path(), None).unwrap();
        let left = checked.releases + 1 - checked.purged;
        assert_eq!((checked.bodies, checked.undeleted), (Some(left), 0), "seed {seed}");
    }
}

#[tokio::test]
async fn more_than_one_record_names_are_deleted_in_several() {
    let dir = TempDir::new().unwrap();
    let store = Arc::new(open(dir.path()));
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..1_100_u16 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let table = TableKey::from(*Sha256::of(&n.to_le_bytes()).as_bytes());
            let charge = charged(store.charge(ChargeRequest { table, ..on(0, 0) }).await);
            store.settle(charge, vec![1], NOW).await.unwrap();
        });
    }
    tasks.join_all().await;
    assert_eq!(store.purge(day(1), day(60)).await.unwrap(), 1_100);
    drop(store);
    assert_eq!(check(dir.path(), None).unwrap().purged, 1_100);
    drop(open(dir.path()));
}

#[test]
fn format_1_spells_a_purge_like_this() {
    let event = Event::Purged(Purged {
        before: "2025-08-01T00:00:00Z".parse().unwrap(),
        releases: vec![ReleaseName { table: table(7), revision: 0, derived: false }],
    });
    let expected = format!(
        r#"{{"purged":{{"before":"2025-08-01T00:00:00Z","releases":[{{"table":"{}","revision":0,"derived":false}}]}}}}"#,
        "07".repeat(32)
    );
    assert_eq!(serde_json::to_string(&event).unwrap(), expected);
}

/// A log that says it comes from a backup, with two askers' receipts of what it lost: one made long before the other.
async fn recovered_long_after(store: &Store) {
    released(store, 1, 0).await;
    let head = store.head().await.unwrap().unwrap().head;
    let restored = Restored {
        size: head.size,
        root: head.root,
        backed_up: head.at,
        spent_nano_rho: head.spent_nano_rho,
        forked: false,
        awaited: Vec::new(),
    };
    store.note(Note::Restored(restored), day(50)).await.unwrap();
    let of = |n, revision, made, what| LostRelease {
        table: table(n),
        revision,
        position: 40,
        peer: "sumac://chamber/analyst/mira".into(),
        made: day(made),
        what,
        body: body(n),
    };
    let measured = || LostWhat::Measured(charge(PRICE));
    // The third time that table 9 was added up; nobody shows the first two.
    let derived = LostWhat::Derived { from: table(2), from_revision: 0 };
    for lost in [of(2, 0, 5, measured()), of(3, 0, 49, measured()), of(9, 2, 5, derived)] {
        assert_eq!(store.recover(lost, day(50)).await.unwrap(), Recovery::New);
    }
    store.note(Note::Resumed(resumed(0, &[])), day(50)).await.unwrap();
}

#[tokio::test]
async fn what_came_back_after_a_restore_is_as_old_as_when_it_was_made() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    recovered_long_after(&store).await;
    assert_eq!(store.purge(day(6), day(60)).await.unwrap(), 3);
    for n in [1, 2, 9] {
        assert!(!is_on_disk(dir.path(), n), "table {n}");
    }
    assert_eq!(store.released(&table(3)).await.unwrap(), Some(body(3)));
    assert_eq!(store.derivation(&table(9)).await.unwrap().unwrap().body, None);
    // An asker whose clock is behind shows it once more.
    let again = LostRelease {
        table: table(2),
        revision: 0,
        position: 40,
        peer: "sumac://chamber/analyst/mira".into(),
        made: day(5),
        what: LostWhat::Measured(charge(PRICE)),
        body: body(2),
    };
    assert_eq!(store.recover(again, day(61)).await.unwrap(), Recovery::Already);
    assert!(!is_on_disk(dir.path(), 2));
    drop(store);
    let checked = check(dir.path(), None).unwrap();
    assert_eq!((checked.purged, checked.bodies, checked.undeleted), (3, Some(1), 0));
    // The index says the same, and so does the log alone.
    assert_eq!(opened(dir.path()), None);
    fs::remove_dir_all(dir.path().join("index")).unwrap();
    assert_eq!(opened(dir.path()), Some(Rebuilt::Missing));
}

#[tokio::test]
async fn a_copy_that_was_made_while_releases_were_deleted_is_not_whole() {
    let dir = TempDir::new().unwrap();
    let store = some_released(dir.path()).await;
    let before = store.cut().await.unwrap();
    released(&store, 5, 60).await;
    assert!(before.is_whole(dir.path()).unwrap());
    store.purge(day(14), day(60)).await.unwrap();
    assert!(!before.is_whole(dir.path()).unwrap());
    assert!(store.cut().await.unwrap().is_whole(dir.path()).unwrap());
}
