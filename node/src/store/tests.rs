//! What the ledger promises, tried on real files.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;

use jiff::Timestamp;
use jiff::civil::date;
use proptest::prelude::*;
use sumac_policy::{Margin, Sha256, Span, TableKey};
use tempfile::TempDir;

mod bodies;
mod check;
mod clock;
mod crashes;
mod damage;
mod evidence;
mod example;
mod formats;
mod held;
mod index;
mod proofs;
mod reordering;
mod restores;
mod retention;
mod revisions;
mod spending;

use super::book::Book;
use super::check::check;
use super::error::{Damage, StoreError};
use super::faults::{FailingSync, Full, Gated, forgetful};
use super::frame::HEADER_BYTES;
use super::head::{Signed, Signer};
use super::held::Leave;
use super::ledger::{Opening, Rebuilt, Salts, Store, Summary, read_only};
use super::log::{Disk, Media, MediaOf};
use super::pause::{PauseEnded, Paused};
use super::record::{Asked, Import, MouInForce, Note, Started};
use super::scan::{self, Acknowledged};
use super::{Charge, ChargeRequest, Charging};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const YEAR: &str = "2026-27";
/// That year's days.
const SPAN: Span = Span { first: date(2026, 7, 1), last: date(2027, 6, 30) };
const BUDGET: u64 = 1_000;
const PRICE: u64 = 100;

#[tokio::test]
async fn the_first_charge_is_new_and_spends_its_price() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let charge = charged(store.charge(request(1)).await);
    assert_eq!((charge.table(), charge.revision()), (table(1), 0));
    assert_eq!((charge.year(), charge.price_nano_rho()), (YEAR, PRICE));
    let balance = store.balance(SPAN).await.unwrap();
    assert_eq!((balance.spent_nano_rho, balance.lifetime_nano_rho), (PRICE, PRICE));
    assert_eq!(
        store
            .balance(Span { first: date(2027, 7, 1), last: date(2028, 6, 30) })
            .await
            .unwrap()
            .spent_nano_rho,
        0
    );
}

#[tokio::test]
async fn a_charge_without_an_answer_is_completed_by_the_next_ask_with_the_same_charge() {
    let dir = TempDir::new().unwrap();
    let first = charged(open(dir.path()).charge(request(1)).await);
    let store = open(dir.path());
    let dearer = ChargeRequest { price_nano_rho: 7 * PRICE, ..request(1) };
    let Charging::Resumed(second) = store.charge(dearer).await.unwrap() else { panic!("resumed") };
    assert_eq!(second, first);
    assert_eq!(second.left_nano_rho(), BUDGET - PRICE);
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, PRICE);
}

#[tokio::test]
async fn a_released_table_gives_the_same_bytes_for_ever() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let charge = charged(store.charge(request(1)).await);
    assert_eq!(store.released(&table(1)).await.unwrap(), None);
    assert_eq!(store.settle(charge, b"answer".to_vec(), NOW).await.unwrap(), b"answer");
    let mut store = Some(store);
    for _ in 0..2 {
        let store = store.take().unwrap_or_else(|| open(dir.path()));
        let again = store.charge(request(1)).await.unwrap();
        assert_eq!(again, Charging::Released(b"answer".to_vec()));
        assert_eq!(store.released(&table(1)).await.unwrap(), Some(b"answer".to_vec()));
        assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, PRICE);
    }
}

#[tokio::test]
async fn the_first_settled_wins() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let first = charged(store.charge(request(1)).await);
    let Charging::Resumed(second) = store.charge(request(1)).await.unwrap() else {
        panic!("resumed")
    };
    let (one, other) = tokio::join!(
        store.settle(first, b"one".to_vec(), NOW),
        store.settle(second, b"other".to_vec(), NOW)
    );
    assert_eq!((one.unwrap(), other.unwrap()), (b"one".to_vec(), b"one".to_vec()));
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_askers_at_once_never_overspend() {
    let dir = TempDir::new().unwrap();
    let store = Arc::new(open(dir.path()));
    let askers: Vec<_> = (0..64).map(|n| spawn_charge(&store, request(n))).collect();
    let mut paid = 0;
    for asker in askers {
        match asker.await.unwrap().unwrap() {
            Charging::New(_) => paid += 1,
            Charging::Spent { spent_nano_rho, .. } => assert_eq!(spent_nano_rho, BUDGET),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(paid, 10);
    assert_eq!(store.balance(SPAN).await.unwrap().spent_nano_rho, BUDGET);
    drop(store);
    assert_eq!(read_only(dir.path()).unwrap().charged_tables, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_askers_of_one_table_at_once_pay_once() {
    let dir = TempDir::new().unwrap();
    let store = Arc::new(open(dir.path()));
    let askers: Vec<_> = (0..16).map(|_| spawn_charge(&store, request(1))).collect();
    let mut new = 0;
    for asker in askers {
        match asker.await.unwrap().unwrap() {
            Charging::New(_) => new += 1,
            Charging::Resumed(_) => {}
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((new, store.balance(SPAN).await.unwrap().spent_nano_rho), (1, PRICE));
}

#[tokio::test]
async fn over_budget_nothing_is_written() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let too_dear = ChargeRequest { price_nano_rho: u64::MAX, ..request(1) };
    charged(store.charge(request(2)).await);
    let before = fs::read(log_path(dir.path())).unwrap();
    let spent = Charging::Spent {
        budget_nano_rho: BUDGET,
        spent_nano_rho: PRICE,
        price_nano_rho: u64::MAX,
    };
    assert_eq!(store.charge(too_dear).await.unwrap(), spent);
    assert_eq!(fs::read(log_path(dir.path())).unwrap(), before);
}

#[tokio::test]
async fn what_the_ledger_forbids_is_refused_and_the_next_question_is_not() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    let free = store.charge(ChargeRequest { price_nano_rho: 0, ..request(1) }).await;
    assert!(matches!(free, Err(StoreError::Forbidden { .. })));
    let long = Note::Started(Started { software: "x".repeat(2 << 20) });
    assert!(matches!(store.note(long, NOW).await, Err(StoreError::TooLong { .. })));
    charged(store.charge(request(1)).await);
}

#[tokio::test]
async fn the_last_import_and_mou_stand_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let store = open(dir.path());
    assert_eq!((store.snapshot().await.unwrap(), store.mou().await.unwrap()), (None, None));
    for name in ["first", "second"] {
        store.note(Note::Import(import(name)), NOW).await.unwrap();
    }
    let mou = MouInForce { mou: Sha256::of(b"mou"), agreement: "mou".into(), version: 1 };
    store.note(Note::Mou(mou.clone()), NOW).await.unwrap();
    drop(store);
    let store = open(dir.path());
    assert_eq!(store.snapshot().await.unwrap(), Some(import("second")));
    assert_eq!(store.mou().await.unwrap(), Some(mou));
}

#[tokio::test]
async fn an_auditor_reads_the_log_while_the_node_serves() {
    let dir = TempDir::new().unwrap();
    let store = history(dir.path()).await;
    let Summary { records, unfinished_bytes, lifetime_nano_rho, released_tables, .. } =
        read_only(dir.path()).unwrap();
    assert_eq!((records, unfinished_bytes, lifetime_nano_rho, released_tables), (7, 0, 200, 1));
    // A frame half-way to the disk.
    let log = fs::read(log_path(dir.path())).unwrap();
    append(dir.path(), &log[16..40]);
    assert_eq!(read_only(dir.path()).unwrap().unfinished_bytes, 24);
    drop(store);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_total_spent_is_independent_of_the_order_of_asking(
        (given, shuffled) in proptest::collection::vec(0..8_u8, 1..12)
            .prop_flat_map(|asked| (Just(asked.clone()), Just(asked).prop_shuffle()))
    ) {
        // Each table has its own price, and the budget holds them all.
        let spend = |asked: Vec<u8>| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let dir = TempDir::new().unwrap();
                let store = open(dir.path());
                for n in asked {
                    let price_nano_rho = 10 + u64::from(n);
                    store.charge(ChargeRequest { price_nano_rho, ..request(n) }).await.unwrap();
                }
                store.balance(SPAN).await.unwrap()
            })
        };
        prop_assert_eq!(spend(given), spend(shuffled));
    }
}

fn salts() -> Salts {
    let mut next = 0_u8;
    Box::new(move || {
        next = next.wrapping_add(1);
        [next; 32]
    })
}

/// Not a signature, but it stands for one: another head has another.
fn signer() -> Signer {
    Box::new(|bytes| {
        let signature = Sha256::of(bytes).as_bytes().to_vec();
        Ok(Signed { signature, chain: vec![b"certificate".to_vec()], since: Timestamp::UNIX_EPOCH })
    })
}

fn table(n: u8) -> TableKey {
    TableKey::from([n; 32])
}

fn request(n: u8) -> ChargeRequest {
    ChargeRequest {
        leave: Leave::NotNeeded,
        table: table(n),
        year: YEAR.into(),
        span: SPAN,
        margin: Margin::new(10).unwrap(),
        budget_nano_rho: BUDGET,
        price_nano_rho: PRICE,
        snapshot: "s".into(),
        mou: Sha256::from([0; 32]),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        at: NOW,
    }
}

fn import(name: &str) -> Import {
    Import {
        snapshot: name.into(),
        commitment: [3; 32],
        as_of: "2026-08-01".into(),
        covers: vec!["2025-26".into()],
    }
}

/// The file of the bodies of 1970-01, when it is [`NOW`].
fn bodies_path(dir: &Path) -> PathBuf {
    dir.join("bodies/1970-01.bodies")
}

fn log_path(dir: &Path) -> PathBuf {
    dir.join("ledger.log")
}

fn open(dir: &Path) -> Store {
    Store::open(dir, salts(), signer()).unwrap().0
}

fn open_on(dir: &Path, media: MediaOf) -> Store {
    Store::open_on(dir, salts(), signer(), media).unwrap().0
}

/// The `number`th file that is written to lies on this disk, all others on one that works. The log is the first.
fn file_on(number: usize, disk: impl FnOnce(File) -> Box<dyn Media> + Send + 'static) -> MediaOf {
    let (mut disk, mut before) = (Some(disk), number);
    Box::new(move |file| {
        let its_turn = before == 0;
        before = before.saturating_sub(1);
        match disk.take_if(|_| its_turn) {
            Some(disk) => disk(file),
            None => Box::new(Disk(file)),
        }
    })
}

fn log_on(disk: impl FnOnce(File) -> Box<dyn Media> + Send + 'static) -> MediaOf {
    file_on(0, disk)
}

fn opened(dir: &Path) -> Option<Rebuilt> {
    let (_, Opening { cut_bytes, rebuilt, .. }) = Store::open(dir, salts(), signer()).unwrap();
    assert_eq!(cut_bytes, 0);
    rebuilt
}

fn refused(dir: &Path) -> StoreError {
    match Store::open(dir, salts(), signer()) {
        Err(error) => error,
        Ok((_, opening)) => panic!("opened: {opening:?}"),
    }
}

fn charged(charging: Result<Charging, StoreError>) -> Charge {
    match charging.unwrap() {
        Charging::New(charge) => charge,
        other => panic!("{other:?}"),
    }
}

fn unwritten<T: std::fmt::Debug>(answer: Result<T, StoreError>) {
    assert!(matches!(answer, Err(StoreError::Unwritten { .. })), "{answer:?}");
}

fn spawn_charge(
    store: &Arc<Store>,
    request: ChargeRequest,
) -> tokio::task::JoinHandle<Result<Charging, StoreError>> {
    let store = Arc::clone(store);
    tokio::spawn(async move { store.charge(request).await })
}

/// Seven records: an import, its signer, two charges, a release, and two questions; each its own batch, but
/// that the signer is in the first.
async fn history(dir: &Path) -> Store {
    let store = open(dir);
    store.note(Note::Import(import("s")), NOW).await.unwrap();
    let first = charged(store.charge(request(1)).await);
    charged(store.charge(request(2)).await);
    store.settle(first, b"answer".to_vec(), NOW).await.unwrap();
    for outcome in ["RELEASED", "REPEATED"] {
        let asked = Asked {
            request_id: "r".into(),
            peer: "sumac://chamber/analyst/mira".into(),
            table: Some(table(1)),
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
            purpose: "annual-report".into(),
            outcome: outcome.into(),
        };
        store.note(Note::Asked(asked), NOW).await.unwrap();
    }
    store
}

fn acknowledged(dir: &Path) -> Acknowledged {
    scan::scan(&log_path(dir), None).unwrap().whole
}

/// What is acknowledged after the first `records` records.
fn walk(dir: &Path, records: u64) -> Acknowledged {
    let log = fs::read(log_path(dir)).unwrap();
    let path = dir.join("part.log");
    (16..=log.len())
        .find_map(|length| {
            fs::write(&path, &log[..length]).unwrap();
            let scan = scan::scan(&path, None).unwrap();
            (scan.whole.records == records).then_some(scan.whole)
        })
        .unwrap()
}

fn replayed(dir: &Path) -> Book {
    let mut book = Book::default();
    scan::replay(&log_path(dir), &Acknowledged::NOTHING, acknowledged(dir).length, &mut book)
        .unwrap();
    book
}

fn append(dir: &Path, bytes: &[u8]) {
    use std::io::Write;
    let mut file = OpenOptions::new().append(true).open(log_path(dir)).unwrap();
    file.write_all(bytes).unwrap();
}

fn files(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}
