//! The ledger's verbs, and what an outsider can make of the log.

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;
use sumac_keys::{Root, TlsIdentity};
use sumac_node::signer;
use sumac_node::store::{self, Note, Started, Store};
use sumac_policy::PeerRole;
use sumac_protocol::{Release, SignedRelease};
use tokio::sync::watch;

use crate::bodies::bodies;
use crate::coalition::{Coalition, Parties, freeze, wanted};
use crate::command::{CHAMBER, COLLEGE, Site};
use crate::promises::{LAKESHORE, NOW, enrolled};

/// A site whose node released two tables, one of them twice, and refused a third.
fn asked() -> Site {
    let site = Site::new();
    let serving = site.serve();
    for by in [&["--by", "sex"][..], &[], &[]] {
        let words = [&["ask", "enrolment", "--period", "2025"], by].concat();
        site.run(CHAMBER, &words).well();
    }
    let running = site.run(COLLEGE, &["ledger", "check"]).well();
    assert!(running.out.contains("in use by a running node"), "{}", running.out);
    site.run(COLLEGE, &["ledger", "rebuild"]).badly(1, &["is open in another process"]);
    serving.stop();
    site
}

#[test]
fn a_good_ledger_is_checked_at_home_and_as_a_copy() {
    let site = asked();
    let said = site.run(COLLEGE, &["ledger", "check"]).well();
    for words in [
        "each whole, in order",
        "every head, by sumac://lakeshore-cc/node/node",
        "charges     2:",
        "releases    2:",
        "bodies      2: each as its record binds it",
        "ρ = 0.00038416",
        "says the same",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let copy = site.dir().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(site.ledger().join("ledger.log"), copy.join("ledger.log")).unwrap();
    let (copy, mou) = (copy.to_str().unwrap(), site.home(COLLEGE).join("mou"));
    let words = ["ledger", "check", "--ledger", copy, "--mou", mou.to_str().unwrap()];
    let said = site.run(CHAMBER, &words).well();
    assert!(said.out.contains("every head, by") && said.out.contains("index       not there"));
    assert!(said.out.contains("bodies      not compared"), "{}", said.out);
    let said = site.run(CHAMBER, &["ledger", "check", "--ledger", copy]).well();
    assert!(said.out.contains("not judged") && said.err.contains("add --mou"), "{}", said.err);
}

#[test]
fn a_ledger_that_is_off_is_told_by_the_record_with_what_to_do() {
    let site = asked();
    let log = site.ledger().join("ledger.log");
    let good = fs::read(&log).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    fs::write(&log, &flipped).unwrap();
    let said = site.run(COLLEGE, &["ledger", "check"]);
    said.badly(1, &["check the ledger: record ", "is damaged", "restore the ledger from a backup"]);
    fs::write(&log, &good[..good.len() - 10]).unwrap();
    site.run(COLLEGE, &["ledger", "check"]).badly(1, &["had been written", "from a backup"]);
    fs::write(&log, &good).unwrap();
    let (bodies, aside) = (site.ledger().join("bodies"), site.dir().join("bodies"));
    fs::rename(&bodies, &aside).unwrap();
    let gone = site.run(COLLEGE, &["ledger", "check"]);
    gone.badly(1, &["the folder `bodies` is gone", "from a backup"]);
    let lost = site.run(COLLEGE, &["serve"]);
    lost.badly(1, &["the release of table", "not in", "from a backup"]);
    fs::rename(&aside, &bodies).unwrap();

    // The index of another node, which has written less, and another party's ledger.
    let other = Site::new();
    other.serve().stop();
    fs::remove_dir_all(site.ledger().join("index")).unwrap();
    fs::rename(other.ledger().join("index"), site.ledger().join("index")).unwrap();
    site.run(COLLEGE, &["ledger", "check"]).badly(1, &["says otherwise", "sumac ledger rebuild"]);
    site.run(COLLEGE, &["ledger", "rebuild"]).well();
    site.run(COLLEGE, &["ledger", "check"]).well();
    fs::create_dir_all(site.home(CHAMBER).join("ledger")).unwrap();
    fs::copy(&log, site.home(CHAMBER).join("ledger/ledger.log")).unwrap();
    let said = site.run(CHAMBER, &["ledger", "check"]);
    said.badly(1, &["signed by `sumac://lakeshore-cc/node/node`", "not the ledger of `chamber`"]);
}

/// A ledger of one record that a node of this root signed.
async fn ledger_signed_by(root: &Root, dir: &Path) {
    let now = Timestamp::now();
    let issued = root.issue(PeerRole::Node, "node", now).unwrap();
    let identity =
        TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap();
    let signer = signer(watch::channel(Arc::new(identity)).1);
    let (store, _) = Store::open(dir, Box::new(|| [7; 32]), signer).unwrap();
    let started = Started { software: "another".into() };
    store.note(Note::Started(started), now).await.unwrap();
}

#[tokio::test]
async fn a_node_does_not_continue_a_ledger_that_others_signed() {
    let lakeshore = COLLEGE.parse().unwrap();
    let stranger = Root::create(&lakeshore, "Lakeshore", Timestamp::now()).unwrap();
    for (root, words) in [
        (Site::root(CHAMBER), "signed by `sumac://chamber/node/node`"),
        (&stranger, "check the signature over 2 records of the ledger"),
    ] {
        let site = Site::new();
        ledger_signed_by(root, &site.ledger()).await;
        let log = fs::read(site.ledger().join("ledger.log")).unwrap();
        site.run(COLLEGE, &["serve"]).badly(1, &[words, "restore the ledger from a backup"]);
        assert_eq!(fs::read(site.ledger().join("ledger.log")).unwrap(), log);
    }
}

#[test]
fn a_registrar_reads_what_was_asked_by_whom_and_what_is_left() {
    let site = asked();
    let said = site.run(COLLEGE, &["ledger", "show"]).well();
    for words in [
        "[#...................]",
        "ρ = 0.00038416 of 0.5",
        "lasts until the year ends",
        "tables still to come this year",
        "enrolment 2025 by sex",
        "sumac://chamber/analyst/",
    ] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let said = site.run(COLLEGE, &["ledger", "show", "--format", "json"]).well();
    let shown: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(shown["format"], "sumac-ledger/1");
    assert_eq!(shown["year"]["spent_nano_rho"], 384_160);
    assert_eq!(shown["tables"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&shown["tables"][1]["repeats"], &shown["tables"][1]["released"]),
        (&1.into(), &true.into())
    );
}

/// What a college's log says after the same questions over this data, by the same chance; without its cells.
async fn log_over(coalition: &Coalition, learners: Range<u8>, rows: usize) -> Vec<Value> {
    let snapshots = coalition.home(COLLEGE).join(format!("snapshots-{rows}"));
    freeze(coalition, &snapshots, &enrolled(learners, rows), &["2025-26"]);
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    let serving = coalition.serve(COLLEGE, node).await;
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    for (id, by) in [("a.1", &["sex"][..]), ("a.2", &[]), ("a.3", &["sex"])] {
        let tables = wanted(&coalition.mou, "enrolment", "2025-26", &[by]);
        asker.ask(&id.parse().unwrap(), &tables).await;
    }
    serving.stop().await;
    let dir = coalition.ledger(COLLEGE, 1);
    store::check(&dir, Some(&coalition.trust)).unwrap();
    let log = fs::read(dir.join("ledger.log")).unwrap();
    let bodies = bodies(&dir).unwrap();
    fs::remove_dir_all(dir).unwrap();
    let text = String::from_utf8_lossy(&log);
    let records = text.split("{\"seq\":").skip(1).map(|tail| {
        let text = format!("{{\"seq\":{tail}");
        let record = serde_json::Deserializer::from_str(&text).into_iter().next();
        without_cells(record.unwrap().unwrap(), &bodies)
    });
    records.collect()
}

/// Takes out the cells with their commitment, and what differs between two runs over one data set: the
/// snapshot's random name, the node's certificate, what it signed.
fn without_cells(mut record: Value, bodies: &BTreeMap<u64, Vec<u8>>) -> Value {
    let seq = record["seq"].as_u64().unwrap();
    let event = record["event"].as_object_mut().unwrap();
    for (name, facts) in event.iter_mut() {
        let facts = facts.as_object_mut().unwrap();
        match name.as_str() {
            "import" => {
                assert_eq!(facts["commitment"].as_str().unwrap().len(), 64);
                facts["commitment"] = "a keyed hash".into();
                facts["snapshot"] = "a name by chance".into();
            }
            "charged" => facts["snapshot"] = "a name by chance".into(),
            "released" => {
                let signed = SignedRelease::from_bytes(&bodies[&seq]).unwrap();
                let mut said = Release::decode(&signed.body).unwrap().facts().clone();
                said.cells.fill(0);
                said.snapshot_commitment = [0; 32];
                said.withheld = None;
                assert_eq!(facts["commitment"].as_str().unwrap().len(), "sha256:".len() + 64);
                facts["commitment"] = format!("{said:?}").into();
            }
            "signer" => facts["chain"] = "made for the run".into(),
            _ => {}
        }
    }
    let text = record.to_string();
    assert!(!text.contains("signature"), "{text}");
    record
}

#[tokio::test]
async fn over_other_data_the_log_differs_in_cells_and_their_commitment_alone() {
    let parties = Parties::of(LAKESHORE, NOW);
    let coalition = Coalition::under(LAKESHORE, parties, &[COLLEGE]).await;
    let few = log_over(&coalition, 0..20, 1).await;
    let many = log_over(&coalition, 0..200, 3).await;
    assert!(few.len() >= 8, "{few:?}");
    assert_eq!(few, many);
}
