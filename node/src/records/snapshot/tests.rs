#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::UInt8Type;
use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::{Covered, Schema, Span, TableName, standard};

use super::manifest::{Manifest, Text};
use super::memory::aside_of;
use super::*;
use crate::records::canonical::{Canonical, Rows, Values};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn secret() -> NodeSecret {
    NodeSecret::new([7; 32])
}

fn schema() -> &'static Schema {
    &standard().schema
}

fn statement() -> Statement {
    let covered = |[period, first, last]: [&str; 3]| Covered {
        period: period.parse().unwrap(),
        days: Span { first: first.parse().unwrap(), last: last.parse().unwrap() },
    };
    let year = covered(["2025-26", "2025-07-01", "2026-06-30"]);
    let quarter = covered(["2026-Q1", "2026-01-01", "2026-03-31"]);
    Statement { as_of: "2026-07-05".parse().unwrap(), covers: vec![year, quarter] }
}

fn column(name: &str, values: Values) -> (String, Values) {
    (name.to_owned(), values)
}

/// Learners 3, 1 and 2; 1 has no row of their own, 2 has two, and 3 no enrolment.
fn records() -> Canonical {
    let learner = Rows {
        person: vec![[3; 16], [2; 16], [2; 16]],
        columns: vec![
            column("sex", Values::Code(vec![0, 1, 2])),
            column("birth_year", Values::Year(vec![Some(1990), Some(1991), None])),
        ],
    };
    let enrolment = Rows {
        person: vec![[2; 16], [1; 16], [2; 16]],
        columns: vec![column("term_start", Values::Date(vec![Some(20_000), None, Some(19_000)]))],
    };
    Canonical { tables: [(TableName::Learner, learner), (TableName::Enrolment, enrolment)].into() }
}

fn frozen(into: &Path, seed: u8) -> Frozen {
    let (secret, seed) = (secret(), [seed; 8]);
    freeze_in_blocks(&records(), &statement(), schema(), &secret, into, NOW, seed, 2).unwrap()
}

fn open(path: &Path) -> Result<Snapshot, SnapshotError> {
    Snapshot::open(path, &secret(), schema())
}

fn current(snapshots: &Path) -> Option<String> {
    let current = Data::current(snapshots, &secret(), schema()).unwrap();
    current.map(|snapshot| snapshot.id().to_owned())
}

#[test]
fn what_was_frozen_is_read_back_sorted_and_cut_into_blocks() {
    let home = tempfile::tempdir().unwrap();
    let frozen = frozen(home.path(), 1);
    let snapshot = open(&frozen.path).unwrap();
    snapshot.verify().unwrap();
    assert_eq!(snapshot.id(), "19700101T000000Z-0101010101010101");
    assert_eq!(snapshot.commitment(), frozen.commitment);
    assert_eq!(snapshot.holdings().as_of, statement().as_of);
    assert_eq!(snapshot.holdings().covers, statement().covers);
    let names: Vec<_> =
        snapshot.holdings().columns.iter().map(|c| format!("{}.{}", c.table, c.column)).collect();
    assert_eq!(names, ["enrolment.term_start", "learner.birth_year", "learner.sex"]);
    assert_eq!(snapshot.blocks(), 2);
    assert_eq!((snapshot.learners(0), snapshot.learners(1)), (0..2, 2..3));

    let first = snapshot.read(TableName::Learner, 0, &["sex", "birth_year"]).unwrap();
    // The learner without a row has sex `unknown`; the one with two, the latest.
    assert_eq!(first.column(0).as_primitive::<UInt8Type>().values(), &[3, 2]);
    assert_eq!(first.column(1).null_count(), 2);

    let enrolment = snapshot.read(TableName::Enrolment, 0, &["term_start"]).unwrap();
    let days: Vec<_> = Dates::of(enrolment.column(0)).unwrap().to_arrow().iter().collect();
    assert_eq!(days, [None, Some(20_000), Some(19_000)]);
    let none = snapshot.read(TableName::Enrolment, 1, &["term_start"]).unwrap();
    assert_eq!((none.num_rows(), none.num_columns()), (0, 1));
    let counts = |block| snapshot.row_counts(TableName::Enrolment, block).unwrap();
    assert_eq!((counts(0), counts(1)), (vec![1, 2], vec![0]));
}

#[test]
fn every_learner_has_a_tag_that_no_condition_can_read() {
    let home = tempfile::tempdir().unwrap();
    let snapshot = open(&frozen(home.path(), 1).path).unwrap();
    let tags = |block| snapshot.tags(block).unwrap();
    let expected = [[1; 16], [2; 16], [3; 16]].map(|key| secret().tag(&key));
    assert_eq!([tags(0), tags(1)].concat(), expected);
    let read = snapshot.read(TableName::Learner, 0, &[TAG]);
    assert!(matches!(read, Err(SnapshotError::NotHeld { .. })));
}

#[test]
fn a_crash_before_the_name_is_given_leaves_the_old_snapshot_current() {
    let home = tempfile::tempdir().unwrap();
    assert_eq!(current(home.path()), None);
    let old = frozen(home.path(), 1);
    let manifest = Manifest::new("next".into(), NOW.to_string(), &statement());
    let (aside, _) = aside_of(&records(), manifest, schema(), &secret(), home.path(), 2).unwrap();
    fs::rename(home.path().join(".next.partial"), home.path().join(".left.partial")).unwrap();
    drop(aside);
    assert_eq!(current(home.path()), Some(old.id.clone()));

    // A crash after the name was given and before `current` was replaced.
    let manifest = Manifest::new("named".into(), NOW.to_string(), &statement());
    let (aside, _) = aside_of(&records(), manifest, schema(), &secret(), home.path(), 2).unwrap();
    fs::rename(home.path().join(".named.partial"), home.path().join("named")).unwrap();
    drop(aside);
    assert_eq!(current(home.path()), Some(old.id));

    let new = frozen(home.path(), 2);
    assert_eq!(current(home.path()), Some(new.id));
    let partial = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().ends_with(".partial");
    let left = fs::read_dir(home.path()).unwrap().filter(|entry| partial(entry.as_ref().unwrap()));
    assert_eq!(left.count(), 0);
}

#[test]
fn two_imports_at_once_do_not_sweep_each_other_away() {
    let home = tempfile::tempdir().unwrap();
    let manifest = Manifest::new("first".into(), NOW.to_string(), &statement());
    let first = aside_of(&records(), manifest, schema(), &secret(), home.path(), 2).unwrap();
    let manifest = Manifest::new("second".into(), NOW.to_string(), &statement());
    let second = aside_of(&records(), manifest, schema(), &secret(), home.path(), 2);
    assert!(matches!(second, Err(SnapshotError::Busy(_))));
    assert!(home.path().join(".first.partial").is_dir());
    drop(first);
    frozen(home.path(), 1);
}

#[test]
fn a_manifest_that_was_changed_or_is_anothers_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let frozen = frozen(home.path(), 1);
    let path = frozen.path.join("manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let check = |change: &dyn Fn(&str) -> String, expected: &str| {
        fs::write(&path, change(&text)).unwrap();
        let error = open(&frozen.path).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{error:?}");
    };
    check(&|text| text.replace("2025-26", "2024-25"), "NotOurs");
    check(&|text| text.replace("2025-07-01", "2025-06-01"), "NotOurs");
    check(&|text| text.replace("\"learners\": 3", "\"learners\": 4"), "NotOurs");
    check(&|text| text.replace("sumac-snapshot/5", "sumac-snapshot/6"), "Newer");
    check(&|text| text.replace("sumac-snapshot/5", "sumac-snapshot/4"), "Older");
    check(&|text| text.replace("sumac-snapshot/5", "sumac-snapshot/1"), "Older");
    check(&|text| text[..text.len() / 2].to_owned(), "Damaged");
    check(&|_| String::new(), "Damaged");
    fs::write(&path, &text).unwrap();
    open(&frozen.path).unwrap();
    let other = NodeSecret::new([8; 32]);
    let error = Snapshot::open(&frozen.path, &other, schema()).unwrap_err();
    assert!(matches!(error, SnapshotError::NotOurs { .. }));
}

#[test]
fn a_file_that_was_changed_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let frozen = frozen(home.path(), 1);
    let path = frozen.path.join("enrolment.parquet");
    let whole = fs::read(&path).unwrap();

    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    assert!(matches!(open(&frozen.path), Err(SnapshotError::Damaged { .. })));
    let mut flipped = whole.clone();
    flipped[6] ^= 1;
    fs::write(&path, flipped).unwrap();
    let damaged = open(&frozen.path).and_then(|snapshot| snapshot.verify());
    assert!(matches!(damaged, Err(SnapshotError::Damaged { .. })));
    let mut no_footer = whole;
    let end = no_footer.len() - 5;
    no_footer[end] = 0xff;
    fs::write(&path, no_footer).unwrap();
    assert!(matches!(open(&frozen.path), Err(SnapshotError::ReadTable { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(open(&frozen.path), Err(SnapshotError::Read { .. })));
}

#[test]
fn a_damaged_name_of_the_current_snapshot_is_refused() {
    let home = tempfile::tempdir().unwrap();
    frozen(home.path(), 1);
    for text in ["", "../elsewhere\n", "a b"] {
        fs::write(home.path().join("current"), text).unwrap();
        let error = Data::current(home.path(), &secret(), schema()).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error:?}");
    }
}

#[test]
fn columns_that_do_not_fit_the_agreement_are_refused_before_anything_is_written() {
    let check = |name: &str, values: Values, expected: &str| {
        let home = tempfile::tempdir().unwrap();
        let mut records = records();
        records.tables.get_mut(&TableName::Learner).unwrap().columns.push(column(name, values));
        let (secret, statement) = (secret(), statement());
        let error = freeze(&records, &statement, schema(), &secret, home.path(), NOW, [1; 8]);
        assert!(format!("{:?}", error.unwrap_err()).contains(expected));
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    };
    check("shoe_size", Values::Integer(vec![None; 3]), "UnknownColumn");
    check("veteran", Values::Code(vec![0, 0, 9]), "outside its list");
    check("veteran", Values::Code(vec![0, 0]), "one value for each row");
    check("veteran", Values::Year(vec![None; 3]), "another kind");
    check("sex", Values::Code(vec![0, 0, 0]), "filled twice");
}

#[test]
fn a_date_that_cannot_be_stored_leaves_the_old_snapshot_current() {
    let home = tempfile::tempdir().unwrap();
    let old = frozen(home.path(), 1);
    let mut records = records();
    let enrolment = records.tables.get_mut(&TableName::Enrolment).unwrap();
    let in_1900 = Values::Date(vec![Some(-25_567), None, Some(19_000)]);
    enrolment.columns = vec![column("term_start", in_1900)];
    let (secret, statement) = (secret(), statement());
    let error = freeze(&records, &statement, schema(), &secret, home.path(), NOW, [2; 8]);
    assert!(format!("{:?}", error.unwrap_err()).contains("no import lets in"));
    assert_eq!(current(home.path()), Some(old.id));
}

#[test]
fn a_file_that_is_laid_out_otherwise_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let snapshot = open(&frozen(home.path(), 1).path).unwrap();
    let path = home.path().join(snapshot.id()).join("enrolment.parquet");
    let whole = fs::read(&path).unwrap();
    let read = || snapshot.read(TableName::Enrolment, 0, &["term_start"]);
    let mut refused = 0;
    for at in 4..whole.len() {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        fs::write(&path, flipped).unwrap();
        match read() {
            Ok(rows) => assert_eq!(rows.num_rows(), 3, "{at}"),
            Err(error) => {
                assert!(matches!(error, SnapshotError::ReadTable { .. }), "{at}: {error:?}");
                refused += 1;
            }
        }
    }
    assert!(refused > 3, "{refused}");
    fs::write(&path, &whole[..30]).unwrap();
    let error = read().unwrap_err();
    assert!(matches!(error, SnapshotError::ReadTable { .. }), "{error:?}");
}

#[test]
fn a_column_whose_code_list_is_not_the_agreements_is_not_held() {
    let home = tempfile::tempdir().unwrap();
    let frozen = frozen(home.path(), 1);
    let text = fs::read_to_string(frozen.path.join("manifest.json")).unwrap();
    assert!(text.contains("\"X\""));
    // Sealed again with another list, as an import under another agreement would have.
    let (mut manifest, _) = Manifest::open(&Text::read(&frozen.path).unwrap(), &secret()).unwrap();
    let learner = manifest.tables.get_mut("learner").unwrap();
    let codes = ["F", "M", "unknown", "X"].map(str::to_owned).to_vec();
    learner.columns.insert("sex".into(), manifest::ColumnEntry::Codes(codes));
    fs::write(frozen.path.join("manifest.json"), manifest::seal(manifest, &secret()).unwrap().0)
        .unwrap();
    let snapshot = open(&frozen.path).unwrap();
    assert!(snapshot.holdings().columns.iter().all(|column| column.column != "sex"));
    let read = snapshot.read(TableName::Learner, 0, &["sex"]);
    assert!(matches!(read, Err(SnapshotError::NotHeld { .. })));
}
