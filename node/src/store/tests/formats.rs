//! A store of every format version, checked in under `node/tests/stores`, opened by today's code.
//!
//! `cargo test -p sumac-node --lib -- --ignored make_the_store_of_this_format` makes the one of the version that is
//! written today, unless it is there: what a released version wrote is never made anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sumac_keys::Trust;
use sumac_policy::PartyId;

use super::check::Party;
use super::*;
use crate::store::restoration::testing::{charge, heard, resumed, stopped};
use crate::store::{
    DeriveRequest, Exit, Held, HeldState, Left, LostRelease, LostWhat, NarrowInForce,
    RemeasureOrder, Restored, Standing, frame::FORMAT_VERSION,
};

/// Every event that a log of format 1 may hold.
const EVENTS_OF_1: [&str; 19] = [
    "started",
    "mou",
    "import",
    "asked",
    "charged",
    "released",
    "remeasure",
    "derived",
    "signer",
    "stopped",
    "restored",
    "recovered",
    "recovered_derived",
    "heard",
    "resumed",
    "purged",
    "narrow",
    "exit",
    "left",
];

/// What a store says, written down when it was made.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    party: String,
    root: String,
    records: u64,
    head_size: u64,
    head_root: String,
    head_spent_nano_rho: u64,
    signers: Vec<String>,
    spent_nano_rho: BTreeMap<String, u64>,
    lifetime_nano_rho: u64,
    lost_nano_rho: u64,
    charges: u64,
    releases: u64,
    bodies: u64,
    purged: u64,
    snapshot: String,
    mou: String,
    /// What is held of each table that was paid for, by the number that its key is made of.
    tables: BTreeMap<u8, Table>,
    /// The last answer of each table that was added up; none where it was deleted.
    added_up: BTreeMap<u8, Option<String>>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    revision: u32,
    margin: u32,
    /// The answer in words, or `lost`, `purged`, `charged`.
    state: String,
    answer: Option<String>,
}

fn stores(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/stores/format-{version}"))
}

/// So many days after the party's certificate was made.
fn on(party: &Party, day: i64) -> Timestamp {
    party.now + jiff::SignedDuration::from_hours(24 * day)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

async fn settled(store: &Store, n: u8, at: Timestamp, answer: &str) {
    let charge = charged(store.charge(ChargeRequest { at, ..request(n) }).await);
    store.settle(charge, answer.as_bytes().to_vec(), at).await.unwrap();
}

async fn added_up(store: &Store, n: u8, from: u8, at: Timestamp, answer: &str) {
    let derive = DeriveRequest {
        table: table(n),
        revision: 0,
        from: table(from),
        from_revision: 0,
        body: answer.as_bytes().to_vec(),
        at,
    };
    store.keep_derived(derive).await.unwrap();
}

/// A history that holds every event.
async fn make(dir: &Path, party: &Party) {
    let day = |day| on(party, day);
    let (store, _) = Store::open(dir, salts(), party.signer()).unwrap();
    for note in [
        Note::Started(Started { software: "0.1.0".into() }),
        Note::Mou(MouInForce {
            mou: Sha256::from([5; 32]),
            agreement: "lakeshore".into(),
            version: 1,
        }),
        Note::Import(import("of-august")),
    ] {
        store.note(note, day(0)).await.unwrap();
    }
    settled(&store, 1, day(1), "one").await;
    added_up(&store, 4, 1, day(2), "added up from one").await;
    settled(&store, 2, day(3), "two").await;
    charged(store.charge(ChargeRequest { at: day(4), ..request(3) }).await);
    added_up(&store, 8, 2, day(5), "added up from two").await;
    let asked = Asked {
        request_id: "r".into(),
        peer: "sumac://chamber/analyst/mira".into(),
        table: Some(table(1)),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        purpose: "annual-report".into(),
        outcome: "RELEASED".into(),
    };
    store.note(Note::Asked(asked), day(6)).await.unwrap();
    drop(store);

    // With a renewed certificate, and in another month.
    let (store, _) = Store::open(dir, salts(), party.signer()).unwrap();
    let order = RemeasureOrder {
        table: table(2),
        margin: Margin::new(10).unwrap(),
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        because: "a file was missing".into(),
        at: day(40),
    };
    store.order_remeasure(order).await.unwrap();
    settled(&store, 2, day(41), "two, anew").await;
    assert_eq!(store.purge(day(2), day(42)).await.unwrap(), 2);
    store.note(Note::Stopped(stopped()), day(43)).await.unwrap();
    let head = store.head().await.unwrap().unwrap().head;
    let restored = Restored {
        size: head.size,
        root: head.root,
        backed_up: head.at,
        spent_nano_rho: head.spent_nano_rho,
        forked: true,
        awaited: vec!["chamber".into()],
    };
    store.note(Note::Restored(restored), day(44)).await.unwrap();
    let lost = |n, what, answer: &str| LostRelease {
        table: table(n),
        revision: 0,
        position: 40,
        peer: "sumac://chamber/analyst/mira".into(),
        made: day(20),
        what,
        body: answer.as_bytes().to_vec(),
    };
    let measured = lost(5, LostWhat::Measured(charge(PRICE)), "five, given back");
    let derived = LostWhat::Derived { from: table(5), from_revision: 0 };
    for lost in [measured, lost(6, derived, "added up from five")] {
        store.recover(lost, day(45)).await.unwrap();
    }
    store.note(Note::Heard(heard("chamber", 60, 550)), day(46)).await.unwrap();
    store.note(Note::Resumed(resumed(50, &[(7, 0)])), day(47)).await.unwrap();
    let words = vec!["no pell".into()];
    let narrow = NarrowInForce { narrow: Some(Sha256::from([6; 32])), words };
    let (on, mou) = ("2026-09-18".to_owned(), Sha256::from([5; 32]));
    let exit = Exit { party: "harbor-tech".into(), on: on.clone(), mou };
    let left = Left { on, because: "a merger".into(), mou };
    for (note, at) in [(Note::Narrow(narrow), 48), (Note::Exit(exit), 49), (Note::Left(left), 50)] {
        store.note(note, day(at)).await.unwrap();
    }
}

/// What a store says to today's code.
async fn said(dir: &Path, party: &str, root: &str, trust: &Trust) -> Expected {
    let checked = check(dir, Some(trust)).unwrap();
    assert_eq!((checked.unfinished_bytes, checked.undeleted), (0, 0));
    let summary = read_only(dir).unwrap();
    let (store, _) = Store::open(dir, salts(), signer()).unwrap();
    assert_eq!(store.standing().await.unwrap(), Standing::Itself);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let (mut tables, mut sums) = (BTreeMap::new(), BTreeMap::new());
    for n in 0..=u8::MAX {
        if let Some(added) = store.derivation(&table(n)).await.unwrap() {
            sums.insert(n, added.body.map(text));
        }
        let Some(Held { revision, margin, state }) = store.held(&table(n)).await.unwrap() else {
            continue;
        };
        let (state, answer) = match state {
            HeldState::Released(body) => ("released", Some(text(body))),
            HeldState::Charged => ("charged", None),
            HeldState::Lost => ("lost", None),
            HeldState::Purged => ("purged", None),
            HeldState::RemeasureOrdered => ("remeasure ordered", None),
        };
        let margin = margin.learners();
        tables.insert(n, Table { revision, margin, state: state.to_owned(), answer });
    }
    let head = store.head().await.unwrap().unwrap().head;
    assert_eq!(checked.head.unwrap().head, head);
    assert_eq!(summary.spent_nano_rho, checked.spent_nano_rho);
    Expected {
        party: party.to_owned(),
        root: root.to_owned(),
        records: checked.records,
        head_size: head.size,
        head_root: head.root.to_string(),
        head_spent_nano_rho: head.spent_nano_rho,
        signers: checked.signers.unwrap().iter().map(ToString::to_string).collect(),
        spent_nano_rho: checked.spent_nano_rho,
        lifetime_nano_rho: checked.lifetime_nano_rho,
        lost_nano_rho: checked.lost_nano_rho,
        charges: checked.charges,
        releases: checked.releases,
        bodies: checked.bodies.unwrap(),
        purged: checked.purged,
        snapshot: summary.snapshot.unwrap().snapshot,
        mou: summary.mou.unwrap().mou.to_string(),
        tables,
        added_up: sums,
    }
}

#[tokio::test]
#[ignore = "makes the checked-in store of the format version that is written today, once"]
async fn make_the_store_of_this_format() {
    let made = stores(FORMAT_VERSION);
    assert!(!made.exists(), "{} is there, and is never made anew", made.display());
    let (dir, party) = (TempDir::new().unwrap(), Party::new("lakeshore-cc"));
    make(dir.path(), &party).await;
    let root = party.root.fingerprint().to_string();
    let expected = said(dir.path(), "lakeshore-cc", &root, &party.trust()).await;
    copy(&dir.path().join("bodies"), &made.join("bodies"));
    fs::copy(log_path(dir.path()), log_path(&made)).unwrap();
    fs::write(made.join("root.pem"), party.root.certificate_pem()).unwrap();
    let json = serde_json::to_string_pretty(&expected).unwrap() + "\n";
    fs::write(made.join("expected.json"), json).unwrap();
}

#[tokio::test]
async fn a_store_of_every_format_says_what_it_said_when_it_was_made_and_goes_on() {
    for version in 1..=FORMAT_VERSION {
        let made = stores(version);
        let expected = fs::read(made.join("expected.json")).unwrap();
        let expected: Expected = serde_json::from_slice(&expected).unwrap();
        let pem = fs::read_to_string(made.join("root.pem")).unwrap();
        let party: PartyId = expected.party.parse().unwrap();
        let root = expected.root.parse().unwrap();
        let trust = Trust::new([(party, root, pem.as_str())]).unwrap();
        let dir = TempDir::new().unwrap();
        copy(&made.join("bodies"), &dir.path().join("bodies"));
        fs::copy(log_path(&made), log_path(dir.path())).unwrap();
        let log = fs::read(log_path(dir.path())).unwrap();
        // First without an index, then with the one made of it.
        for _ in 0..2 {
            let found = said(dir.path(), &expected.party, &expected.root, &trust).await;
            assert_eq!(found, expected, "format {version}");
        }
        assert_eq!(fs::read(log_path(dir.path())).unwrap(), log, "opening writes nothing");

        // What was left to do is done, at the price of then.
        let store = open(dir.path());
        let at = "2026-10-01T00:00:00Z".parse().unwrap();
        let resumed = store.charge(ChargeRequest { at, ..request(3) }).await.unwrap();
        let Charging::Resumed(charge) = resumed else { panic!("{resumed:?}") };
        store.settle(charge, b"three".to_vec(), at).await.unwrap();
        drop(store);
        let after = check(dir.path(), None).unwrap();
        assert_eq!(after.lifetime_nano_rho, expected.lifetime_nano_rho);
        assert_eq!((after.releases, after.charges), (expected.releases + 1, expected.charges));
        assert!(fs::read(log_path(dir.path())).unwrap().starts_with(&log));
    }
}

#[test]
fn the_store_of_format_1_holds_every_event() {
    let log = fs::read(log_path(&stores(1))).unwrap();
    for event in EVENTS_OF_1 {
        let spelled = format!("\"event\":{{\"{event}\":{{");
        assert!(log.windows(spelled.len()).any(|part| part == spelled.as_bytes()), "{event}");
    }
}
