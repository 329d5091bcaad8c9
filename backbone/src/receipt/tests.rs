#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use sumac_keys::{Seal, seal};
use sumac_policy::{Margin, Table};
use sumac_protocol::{DerivedFrom, Inclusion, LogHead, ReleaseFacts};

use super::*;
use crate::testing::{Coalition, NOON, identity, logged, sealed};

const PARTY: &str = "lakeshore-cc";
const OTHER: &str = "harbor-tech";

/// A receipt of facts about this table, third of five in its node's log.
fn receipt_of(coalition: &Coalition, table: &Table, facts: ReleaseFacts) -> Receipt {
    let revision = facts.revision;
    let release = sealed(PARTY, facts);
    let other = coalition.table("attainment", &["sex"]);
    let others = coalition.facts(&other, PARTY, vec![40; other.cells()]);
    let mut releases = vec![(other.key(), 0, sealed(PARTY, others)); 5];
    releases[2] = (table.key(), revision, release.clone());
    let (head, mut recorded) = logged(PARTY, &releases, 7);
    let note = Note {
        asker: "sumac://chamber/analyst/maria".into(),
        purpose: "annual-report".into(),
        request_id: "a1".into(),
    };
    Receipt { release, recorded: recorded.swap_remove(2), head, note: Some(note) }
}

fn facts(coalition: &Coalition, table: &Table) -> ReleaseFacts {
    coalition.facts(table, PARTY, vec![5, -3, 0, 9])
}

fn good(coalition: &Coalition) -> Receipt {
    let table = coalition.table("completers", &["sex"]);
    receipt_of(coalition, &table, facts(coalition, &table))
}

fn verify(coalition: &Coalition, receipt: &Receipt) -> Result<Proved, ReceiptError> {
    receipt.verify(&coalition.mou, &coalition.trust)
}

#[test]
fn a_receipt_is_proved_from_the_mou_alone_and_says_what_was_released() {
    let coalition = Coalition::new("coalition");
    let receipt = good(&coalition);
    let proved = verify(&coalition, &receipt).unwrap();
    let table = coalition.table("completers", &["sex"]);
    assert_eq!(proved.release().facts(), &facts(&coalition, &table));
    assert_eq!(proved.sealed_by().to_string(), "sumac://lakeshore-cc/node/main");
    assert_eq!(proved.head_sealed_by(), proved.sealed_by());
}

#[test]
fn a_receipt_comes_back_from_its_file_as_it_was_kept() {
    let receipt = good(&Coalition::new("coalition"));
    assert_eq!(Receipt::read(&receipt.to_json()).unwrap(), receipt);
    let unnoted = Receipt { note: None, ..receipt };
    let text = String::from_utf8(unnoted.to_json()).unwrap();
    assert!(!text.contains("unsigned_note"), "{text}");
    assert_eq!(Receipt::read(text.as_bytes()).unwrap(), unnoted);
}

#[test]
fn a_file_of_another_form_is_no_receipt() {
    let text = String::from_utf8(good(&Coalition::new("coalition")).to_json()).unwrap();
    for (found, instead, expected) in [
        ("sumac-receipt/1", "sumac-receipt/2", "`sumac-receipt/2`"),
        ("\"position\"", "\"place\"", "form"),
        ("\"root\": \"sha256:", "\"root\": \"sha1:", "`head.root`"),
        ("\"signature\": \"", "\"signature\": \"zz", "`release.signature`"),
        ("\"at\": \"", "\"at\": \"noon ", "`head.at`"),
    ] {
        let changed = text.replacen(found, instead, 1);
        assert_ne!(changed, text);
        let refused = Receipt::read(changed.as_bytes()).unwrap_err().to_string();
        assert!(refused.contains(expected), "{found}: {refused}");
    }
    let short = text.replacen("\"path\": [\n      \"", "\"path\": [\n      \"00\",\n      \"", 1);
    assert!(Receipt::read(short.as_bytes()).unwrap_err().to_string().contains("`record.path`"));
}

#[test]
fn each_change_to_a_receipt_is_caught_with_its_own_reason() {
    let coalition = Coalition::new("coalition");
    type Change = fn(&Coalition, &mut Receipt);
    /// States something else under the old seal.
    fn restate(receipt: &mut Receipt, change: fn(&mut ReleaseFacts)) {
        let mut facts = Release::decode(&receipt.release.body).unwrap().facts().clone();
        change(&mut facts);
        receipt.release.body = Release::new(facts).unwrap().encode();
    }
    /// A text of the record in place of another.
    fn rewrite(receipt: &mut Receipt, found: &str, instead: &str) {
        let record = String::from_utf8(receipt.recorded.record.clone()).unwrap();
        assert!(record.contains(found), "{record}");
        receipt.recorded.record = record.replace(found, instead).into_bytes();
    }
    let cases: [(&str, Change, &str); 21] = [
        (
            "a cell",
            |_, receipt| restate(receipt, |facts| facts.cells[3] += 1),
            "not sealed by its node: the seal of `sumac://lakeshore-cc/node/main` does not fit",
        ),
        (
            "a narrower margin",
            |_, receipt| restate(receipt, |facts| facts.margin = Margin::new(9).unwrap()),
            "not sealed by its node",
        ),
        (
            "a price",
            |_, receipt| restate(receipt, |facts| facts.price_nano_rho -= 1),
            "not sealed by its node",
        ),
        (
            "the MOU",
            |_, receipt| restate(receipt, |facts| facts.mou = Sha256::from([1; 32])),
            "released under the MOU",
        ),
        (
            "the KPI",
            |_, receipt| restate(receipt, |facts| facts.kpi = "others".parse().unwrap()),
            "the MOU has no such table",
        ),
        ("the signature", |_, receipt| receipt.release.signature[8] ^= 1, "not sealed by its node"),
        (
            "another party's chain",
            |coalition, receipt| {
                let table = coalition.table("completers", &[]);
                let theirs = sealed(OTHER, coalition.facts(&table, OTHER, vec![1]));
                receipt.release.chain = theirs.chain;
            },
            "the seal of `sumac://harbor-tech/node/main` does not fit",
        ),
        (
            "another party's seal",
            |_, receipt| {
                let seal = seal::seal(identity(OTHER), &receipt.release.body).unwrap();
                (receipt.release.signature, receipt.release.chain) = (seal.signature, seal.chain);
            },
            "its release states the signer `harbor-tech`",
        ),
        (
            "a record that is no text",
            |_, receipt| receipt.recorded.record = vec![0xff],
            "not the record of a release",
        ),
        (
            "a record of a question",
            |_, receipt| rewrite(receipt, "\"released\"", "\"asked\""),
            "not the record of a release",
        ),
        (
            "the record's table",
            |_, receipt| {
                let table = "ab".repeat(32);
                let record = String::from_utf8(receipt.recorded.record.clone()).unwrap();
                let at = record.find("\"table\":\"").unwrap() + 9;
                rewrite(receipt, &record[at..at + 64], &table);
            },
            "another table",
        ),
        (
            "the record's revision",
            |_, receipt| rewrite(receipt, "\"revision\":0", "\"revision\":1"),
            "another revision",
        ),
        (
            "the record's release",
            |_, receipt| {
                let record = String::from_utf8(receipt.recorded.record.clone()).unwrap();
                let at = record.find("sha256:").unwrap() + 7;
                rewrite(receipt, &record[at..at + 64], &"ab".repeat(32));
            },
            "another content",
        ),
        (
            "the record's salt",
            |_, receipt| rewrite(receipt, "\"salt\":\"07", "\"salt\":\"08"),
            "another content",
        ),
        (
            "a salt that is too short",
            |_, receipt| rewrite(receipt, "\"salt\":\"0707", "\"salt\":\"07"),
            "another content",
        ),
        (
            "the record's time",
            |_, receipt| rewrite(receipt, "\"at\":\"2026", "\"at\":\"2025"),
            "not the one that the log holds at its place",
        ),
        ("the position", |_, receipt| receipt.recorded.inclusion.seq = 3, "another position"),
        (
            "a hash of the proof",
            |_, receipt| receipt.recorded.inclusion.path[1][0] ^= 1,
            "not the one that the log holds at its place",
        ),
        (
            "the head's root",
            |_, receipt| receipt.head.head.root = Sha256::from([1; 32]),
            "the head of the log is not sealed by the node: the seal",
        ),
        (
            "the head's signature",
            |_, receipt| receipt.head.signature[8] ^= 1,
            "the head of the log is not sealed by the node: the seal",
        ),
        (
            "another party's head",
            |_, receipt| {
                let bytes = receipt.head.head.canonical_bytes();
                let Seal { signature, chain } = seal::seal_head(identity(OTHER), &bytes).unwrap();
                (receipt.head.signature, receipt.head.chain) = (signature, chain);
            },
            "the head of the log is sealed by `harbor-tech`",
        ),
    ];
    for (what, change, expected) in cases {
        let mut receipt = good(&coalition);
        change(&coalition, &mut receipt);
        let caught = verify(&coalition, &receipt).unwrap_err().to_string();
        assert!(caught.contains(expected), "{what}: {caught}");
    }
}

#[test]
fn what_a_node_itself_sealed_wrongly_is_caught_by_recomputing_it() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    type Change = fn(&mut ReleaseFacts);
    let cases: [(&str, Change, &str); 4] = [
        (
            "a price that is not the margin's",
            |facts| facts.price_nano_rho -= 1,
            "states a price of ρ 0.019207999, and its margin costs ρ 0.019208",
        ),
        (
            "a wider margin at the price of a narrower one",
            |facts| facts.margin = Margin::new(11).unwrap(),
            "and its margin costs",
        ),
        (
            "another definition",
            |facts| facts.definition = Sha256::from([9; 32]),
            "states the definition",
        ),
        ("another table", |facts| facts.table = [9; 32].into(), "states the table"),
    ];
    for (what, change, expected) in cases {
        let mut wrong = facts(&coalition, &table);
        change(&mut wrong);
        let caught = verify(&coalition, &receipt_of(&coalition, &table, wrong)).unwrap_err();
        assert!(caught.to_string().contains(expected), "{what}: {caught}");
    }
}

#[test]
fn a_head_that_does_not_reach_the_record_shows_nothing() {
    let coalition = Coalition::new("coalition");
    let mut receipt = good(&coalition);
    let head = LogHead { size: 2, ..receipt.head.head };
    let seal = seal::seal_head(identity(PARTY), &head.canonical_bytes()).unwrap();
    receipt.head = SignedHead { head, signature: seal.signature, chain: seal.chain };
    let caught = verify(&coalition, &receipt).unwrap_err();
    assert!(matches!(caught, ReceiptError::Log(NotShown::NotHeld(_))), "{caught}");
}

#[test]
fn another_mou_of_the_same_parties_does_not_prove_a_receipt() {
    let receipt = good(&Coalition::new("coalition"));
    let other = Coalition::at("coalition", |party| format!("{party}.example:9999"));
    let caught = verify(&other, &receipt).unwrap_err();
    assert!(matches!(caught, ReceiptError::OtherMou { .. }), "{caught}");
}

#[test]
fn a_derived_table_has_a_receipt_too() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["age_band"]);
    let source = coalition.table("attainment", &["sex", "age_band"]).key();
    let facts = ReleaseFacts {
        price_nano_rho: 0,
        left_nano_rho: None,
        margin: Margin::new(20).unwrap(),
        derived_from: Some(DerivedFrom { table: source, revision: 0 }),
        ..coalition.facts(&table, PARTY, vec![1000; table.cells()])
    };
    let mut receipt = receipt_of(&coalition, &table, facts);
    let record = String::from_utf8(receipt.recorded.record).unwrap();
    // As the ledger spells it: with the table that it came from.
    let from = format!(r#""from":"{source}","from_revision":0,"commitment""#);
    let record = record.replace("\"released\"", "\"derived\"").replace("\"commitment\"", &from);
    receipt.recorded = RecordedRelease {
        record: record.into_bytes(),
        inclusion: Inclusion { seq: 0, path: vec![] },
    };
    let record = String::from_utf8(receipt.recorded.record.clone()).unwrap();
    receipt.recorded.record = record.replace("\"seq\":2", "\"seq\":0").into_bytes();
    let leaf = [&[0], receipt.recorded.record.as_slice()].concat();
    let head = LogHead { size: 1, root: Sha256::of(&leaf), at: *NOON, spent_nano_rho: 0 };
    let seal = seal::seal_head(identity(PARTY), &head.canonical_bytes()).unwrap();
    receipt.head = SignedHead { head, signature: seal.signature, chain: seal.chain };
    verify(&coalition, &receipt).unwrap();
}

#[test]
fn a_receipt_outlives_the_certificates_that_sealed_it() {
    // Nothing in verifying asks for today's date: its only times are those of the release and of the head.
    let coalition = Coalition::new("coalition");
    let receipt = good(&coalition);
    let mut later = receipt.clone();
    let days = jiff::SignedDuration::from_hours(24 * 400);
    later.head.head.at = NOON.checked_add(days).unwrap();
    let bytes = later.head.head.canonical_bytes();
    later.head.signature = seal::seal_head(identity(PARTY), &bytes).unwrap().signature;
    let caught = verify(&coalition, &later).unwrap_err().to_string();
    assert!(
        caught.contains("not sealed by the node"),
        "a head sealed after its certificate: {caught}"
    );
    verify(&coalition, &receipt).unwrap();
}
