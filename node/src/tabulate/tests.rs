//! Counting, against rows that are counted one at a time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod agreement;
mod catalogue;
mod in_place;
mod random;
mod reference;
#[cfg(feature = "cluster")]
mod spread;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::{Breakdown, Measure, Mou, Period, PeriodKind, Table, TableName, standard};
use tempfile::TempDir;

use super::{TabulateError, count};
use crate::records::canonical::{Canonical, PersonKey, Rows, Values};
use crate::records::snapshot::{Snapshot, SnapshotError, Statement, freeze_in_blocks};
use random::Dice;

/// An agreement with these KPIs and dimensions, whose years start on `year_starts`.
fn agreement(year_starts: &str, first_period: &str, rest: &str) -> Mou {
    agreement_with_terms(year_starts, first_period, "FALL = \"08-15\", SPRING = \"01-10\"", rest)
}

/// The same, with these terms.
fn agreement_with_terms(year_starts: &str, first_period: &str, terms: &str, rest: &str) -> Mou {
    let catalogue = standard().hash;
    let root = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let (college, backbone) = (root("1"), root("2"));
    let text = format!(
        r#"
format    = "sumac-mou/1"
id        = "lakeshore"
title     = "Lakeshore"
version   = 1
catalogue = "{catalogue}"
effective = 2026-01-15
expires   = 2030-06-30
agreement = {{ purposes = ["annual-report"] }}
calendar  = {{ year_starts = "{year_starts}", first_period = "{first_period}", terms = {{ {terms} }}, wait_days = 21 }}
roles     = {{ backbone = {{ party = "chamber", may = ["ask"] }} }}
privacy   = {{ budget = {{ rho = 5.0 }}, floor = 10, floor_at = "coalition" }}

[[party]]
id       = "lakeshore-cc"
name     = "Lakeshore"
kind     = "college"
root     = "{college}"
address  = "node.lakeshore.example:7443"
contacts = ["registrar@lakeshore.example", "it@lakeshore.example"]

[[party]]
id       = "chamber"
name     = "Chamber"
kind     = "backbone"
root     = "{backbone}"
contacts = ["data@chamber.example", "director@chamber.example"]
{rest}
"#
    );
    Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

/// `[[kpi]]` of this id, definition, breakdown and kind of period.
fn kpi(id: &str, define: &str, by: &str, period: &str) -> String {
    format!(
        r#"
[[kpi]]
id          = "{id}"
title       = "A KPI"
answered_by = ["college"]
define      = {{ {define} }}
by          = [{by}]
period      = "{period}"
margin      = 10
"#
    )
}

/// The only table of a KPI in a period.
fn table(mou: &Mou, kpi: &str, period: Period) -> Table {
    let kpi = mou.kpi(&kpi.parse().unwrap()).unwrap();
    Table::resolve(mou, &kpi.id, period, &kpi.by[0]).unwrap()
}

fn frozen(canonical: &Canonical, mou: &Mou, block: u32) -> (TempDir, Snapshot) {
    let home = tempfile::tempdir().unwrap();
    let secret = secret();
    let statement = Statement { as_of: "2026-08-01".parse().unwrap(), covers: Vec::new() };
    let now = Timestamp::UNIX_EPOCH;
    let into = home.path();
    let schema = mou.schema();
    let frozen = freeze_in_blocks(canonical, &statement, schema, &secret, into, now, [1; 8], block);
    let snapshot = Snapshot::open(&frozen.unwrap().path, &secret, schema).unwrap();
    snapshot.verify().unwrap();
    (home, snapshot)
}

fn secret() -> NodeSecret {
    NodeSecret::new([7; 32])
}

fn threads(count: usize) -> NonZeroUsize {
    NonZeroUsize::new(count).unwrap()
}

const SEX: &str = r#"measure = "count", of = "enrolment", during = "term_start""#;

/// Enrolments as (learner, day, sex as position in F, M, X, unknown).
fn enrolments(rows: &[(u8, &str, u16)]) -> Canonical {
    let day = |text: &str| Some(super::calendar::days(text.parse().unwrap()));
    let person: Vec<PersonKey> = rows.iter().map(|row| [row.0; 16]).collect();
    let days = Values::Date(rows.iter().map(|row| day(row.1)).collect());
    let bands = Values::Code(rows.iter().map(|row| row.2).collect());
    let columns = vec![("term_start".to_owned(), days), ("band".to_owned(), bands)];
    Canonical { tables: BTreeMap::from([(TableName::Enrolment, Rows { person, columns })]) }
}

/// An agreement whose KPI counts enrolled learners by a dimension of the enrolment table.
fn headcount_by_band() -> Mou {
    let dimension = r#"
[[dimension]]
id    = "band"
title = "Band"
of    = "enrolment"
codes = { low = "Low", high = "High", unknown = "Unknown" }
"#;
    agreement(
        "07-01",
        "2020-21",
        &(dimension.to_owned() + &kpi("headcount", SEX, r#"["band"]"#, "year")),
    )
}

fn check_headcount(rows: &[(u8, &str, u16)], expected: [i64; 3]) {
    let mou = headcount_by_band();
    let (_home, snapshot) = frozen(&enrolments(rows), &mou, 2);
    let table = table(&mou, "headcount", "2025-26".parse().unwrap());
    assert_eq!(count(&snapshot, &table, threads(2)).unwrap(), expected, "{rows:?}");
}

#[test]
fn ten_rows_of_one_learner_count_once() {
    check_headcount(&[(1, "2025-09-01", 0); 10], [1, 0, 0]);
}

#[test]
fn a_learner_whose_code_changes_is_in_the_latest_that_counts() {
    let (fall, spring) = ("2025-09-01", "2026-01-15");
    check_headcount(&[(1, fall, 0), (1, spring, 1)], [0, 1, 0]);
    check_headcount(&[(1, fall, 1), (2, fall, 0), (1, spring, 0)], [2, 0, 0]);
    // What comes after the period does not reach back into it.
    check_headcount(&[(1, fall, 0), (1, "2026-09-01", 1)], [1, 0, 0]);
}

#[test]
fn both_ends_of_the_period_are_in_it() {
    check_headcount(&[(1, "2025-07-01", 0), (2, "2026-06-30", 1)], [1, 1, 0]);
    check_headcount(&[(1, "2025-06-30", 0), (2, "2026-07-01", 1)], [0, 0, 0]);
}

#[test]
fn every_cell_is_answered_by_a_node_without_learners() {
    check_headcount(&[], [0, 0, 0]);
}

#[test]
fn agrees_with_counting_row_by_row() {
    let (mut tables, mut outcomes, mut of_terms) = (0, 0, 0);
    let mut kinds: BTreeMap<_, usize> = BTreeMap::new();
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let mou = random::agreement(&mut dice);
        let canonical = random::canonical(&mut dice, mou.schema());
        let block = 1 + u32::try_from(dice.below(12)).unwrap();
        let (_home, snapshot) = frozen(&canonical, &mou, block);
        for kpi in mou.kpis() {
            let period = random::period(&mut dice, &mou, kpi.period);
            let table = table(&mou, kpi.id.as_str(), period);
            let expected = reference::count(&canonical, mou.schema(), &table, &secret());
            let counted = count(&snapshot, &table, threads(1 + dice.below(3))).unwrap();
            let definition = &kpi.definition;
            assert_eq!(counted, expected, "seed {seed}, {period}: {definition:?}");
            #[cfg(feature = "cluster")]
            {
                let counted = super::cluster::count_here(&snapshot, &table).unwrap();
                assert_eq!(counted, expected, "by SQL: seed {seed}, {period}: {definition:?}");
            }

            tables += 1;
            if kpi.period == PeriodKind::Term {
                of_terms += counted.iter().filter(|cell| **cell != 0).count();
            }
            *kinds.entry(definition.measure.kind()).or_insert(0) +=
                counted.iter().filter(|cell| **cell != 0).count();
            if definition.measure == Measure::Rate {
                let per_group = definition.outcomes.len();
                let by_outcome = |n| counted.iter().skip(n).step_by(per_group).sum::<i64>();
                outcomes +=
                    (0..per_group - 1).map(by_outcome).filter(|learners| *learners > 0).count();
            }
        }
    }
    // The dice must not have rolled only empty tables.
    assert!(tables == 8 * SEEDS && outcomes > 40, "{tables} {outcomes}");
    assert!(kinds.len() == 6 && kinds.values().all(|cells| *cells > 60), "{kinds:?}");
    assert!(of_terms > 60, "{of_terms}");
}

/// Seeds of random agreements and records.
const SEEDS: u64 = 60;

#[test]
fn one_learner_less_moves_the_cells_by_the_bound_at_most() {
    let mut moved: BTreeMap<_, i64> = BTreeMap::new();
    for seed in 100..106 {
        let mut dice = Dice::new(seed);
        let mou = random::agreement(&mut dice);
        let canonical = random::canonical(&mut dice, mou.schema());
        let tables: Vec<_> = mou
            .kpis()
            .iter()
            .map(|kpi| table(&mou, kpi.id.as_str(), random::period(&mut dice, &mou, kpi.period)))
            .collect();
        let counted = |canonical: &Canonical| -> Vec<Vec<i64>> {
            let (_home, snapshot) = frozen(canonical, &mou, 3);
            tables.iter().map(|table| count(&snapshot, table, threads(2)).unwrap()).collect()
        };
        let with = counted(&canonical);
        for learner in random::LEARNERS.step_by(3) {
            let without = counted(&random::without(&canonical, [learner; 16]));
            for ((with, without), table) in with.iter().zip(&without).zip(&tables) {
                let definition = &table.kpi().definition;
                let bound = definition.measure.bound();
                // Each cell in multiples of what its noise is scaled by: all of them over the product of the scales.
                let scales = definition.scales();
                let all: i64 = scales.iter().map(|scale| i64::try_from(*scale).unwrap()).product();
                let differences = with.iter().zip(without).map(|(a, b)| a - b);
                let scaled = differences.zip(scales.iter().cycle()).map(|(difference, scale)| {
                    let times = all / i64::try_from(*scale).unwrap();
                    difference * times
                });
                let squares: i64 = scaled.map(|part| part * part).sum();
                let most = i64::from(bound.cells) * i64::from(bound.per_cell).pow(2) * all * all;
                let kind = definition.measure.kind();
                assert!(
                    squares <= most,
                    "seed {seed}, learner {learner}, {kind}: {with:?} {without:?}"
                );
                *moved.entry(kind).or_insert(0) += i64::from(squares > 0);
            }
        }
    }
    assert!(moved.len() == 6 && moved.values().all(|times| *times > 5), "{moved:?}");
}

#[test]
fn a_column_that_is_not_held_is_named() {
    let mou = headcount_by_band();
    let mut canonical = enrolments(&[(1, "2025-09-01", 0)]);
    canonical.tables.get_mut(&TableName::Enrolment).unwrap().columns.pop();
    let (_home, snapshot) = frozen(&canonical, &mou, 2);
    let table = table(&mou, "headcount", "2025-26".parse().unwrap());
    assert!(snapshot.holdings().hold(&table).is_err());
    match count(&snapshot, &table, threads(1)) {
        Err(TabulateError::Snapshot(SnapshotError::NotHeld { column, .. })) => {
            assert_eq!(column, "band");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_damaged_table_is_an_error_and_not_a_count() {
    let mou = headcount_by_band();
    let rows: Vec<_> = (0..200).map(|learner| (learner, "2025-09-01", 1)).collect();
    let table = table(&mou, "headcount", "2025-26".parse().unwrap());
    let (home, snapshot) = frozen(&enrolments(&rows), &mou, 1000);
    let path = home.path().join(snapshot.id()).join("enrolment.parquet");
    let whole = std::fs::read(&path).unwrap();
    let sound = count(&snapshot, &table, threads(2)).unwrap();
    let (mut noticed, mut tried) = (0, 0);
    for place in (4..whole.len() / 2).step_by(3) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        std::fs::write(&path, bytes).unwrap();
        assert!(snapshot.verify().is_err());
        let counted = count(&snapshot, &table, threads(1));
        tried += 1;
        noticed += usize::from(counted.map_or(true, |cells| cells != sound));
    }
    assert!(tried > 20 && noticed > 0, "{tried} {noticed}");
}

#[test]
fn a_term_counts_who_enrols_in_its_days() {
    let kpis = kpi("headcount", SEX, "[]", "term")
        + &kpi("before", &format!("{SEX}, lag_years = 1"), "[]", "term")
        + &kpi("by_age", SEX, "[\"age_band\"]", "term");
    let terms = "FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\"";
    let mou = agreement_with_terms("07-01", "2024-25", terms, &kpis);
    let rows = [
        (1, "2025-08-14", 0),
        (2, "2025-08-15", 0),
        (2, "2025-10-01", 0),
        (3, "2026-01-09", 0),
        (3, "2026-01-10", 0),
        (4, "2026-05-19", 0),
        (5, "2026-05-20", 0),
        (6, "2026-07-01", 0),
    ];
    let mut canonical = enrolments(&rows);
    canonical.tables.get_mut(&TableName::Enrolment).unwrap().columns.pop();
    let person: Vec<PersonKey> = (1..=6).map(|learner| [learner; 16]).collect();
    let born = Values::Year(vec![Some(2000), Some(2008), Some(2001), None, None, None]);
    let columns = vec![("birth_year".to_owned(), born)];
    canonical.tables.insert(TableName::Learner, Rows { person, columns });
    let (_home, snapshot) = frozen(&canonical, &mou, 2);
    let counted = |kpi: &str, period: &str| {
        count(&snapshot, &table(&mou, kpi, period.parse().unwrap()), threads(1)).unwrap()
    };
    // Learner 2 once, and learner 3 in both terms.
    for (period, learners) in [
        ("2025-SUMMER", 1),
        ("2025-FALL", 2),
        ("2026-SPRING", 2),
        ("2026-SUMMER", 2),
        ("2026-FALL", 0),
    ] {
        assert_eq!(counted("headcount", period), [learners], "{period}");
    }
    assert_eq!(counted("before", "2026-FALL"), [2]);
    assert_eq!(counted("before", "2027-SPRING"), [2]);
    // Of fall, in 2025: learner 2 is 17, learner 3 is 24. Of spring, in 2026: learner 3 is 25, learner 4 unknown.
    assert_eq!(counted("by_age", "2025-FALL")[..3], [1, 1, 0]);
    assert_eq!(counted("by_age", "2026-SPRING")[..3], [0, 0, 1]);
}

#[test]
fn the_total_is_a_table_of_one_group() {
    let mou = agreement("07-01", "2020-21", &kpi("headcount", SEX, "[]", "year"));
    let rows = [(1, "2025-09-01", 0), (2, "2025-09-01", 1), (2, "2026-01-01", 1)];
    let canonical = enrolments(&rows);
    let mut canonical = canonical;
    canonical.tables.get_mut(&TableName::Enrolment).unwrap().columns.pop();
    let (_home, snapshot) = frozen(&canonical, &mou, 1);
    let table = Table::resolve(
        &mou,
        &"headcount".parse().unwrap(),
        "2025-26".parse().unwrap(),
        &Breakdown::total(),
    )
    .unwrap();
    assert_eq!(count(&snapshot, &table, threads(1)).unwrap(), [2]);
}
