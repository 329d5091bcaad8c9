//! How long one table takes: 10 million enrolment rows of 2 million learners into 9 × 2 cells.
//!
//! `bench/run` calls this through `bench/tabulate.py`, which times DuckDB on the Parquet file that is frozen
//! here, in turn with us so that both meet the same machine. A line of standard input is a number of threads;
//! the answer is a line with the seconds that one count took. Everything is drawn from a fixed seed; nobody
//! in it exists.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a benchmark may panic"
)]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs, io};

use jiff::Timestamp;
use serde_json::json;
use sumac_keys::NodeSecret;
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::records::snapshot::{Snapshot, Statement, freeze};
use sumac_node::tabulate::count_for_benchmark;
use sumac_policy::{Breakdown, Mou, Table, TableName, standard};

const LEARNERS: u32 = 2_000_000;

/// First days of the twelve terms of four years that start on 1 July.
const TERMS: [&str; 12] = [
    "2022-08-29",
    "2023-01-17",
    "2023-06-05",
    "2023-08-28",
    "2024-01-16",
    "2024-06-03",
    "2024-08-26",
    "2025-01-21",
    "2025-06-02",
    "2025-08-25",
    "2026-01-20",
    "2026-06-01",
];

fn main() {
    // Cargo adds a flag of its own.
    let mut arguments = env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let directory = PathBuf::from(arguments.next().unwrap_or("target/bench".to_owned()));
    let mou = agreement();
    let snapshot = snapshot(&directory.join("snapshots"), &mou);
    let table = Table::resolve(
        &mou,
        &"completion".parse().unwrap(),
        "2022-23/2025-26".parse().unwrap(),
        &Breakdown::by(["race".parse().unwrap()]),
    )
    .unwrap();
    let timed = |threads: NonZeroUsize| {
        let started = Instant::now();
        let cells = count_for_benchmark(&snapshot, &table, threads).unwrap();
        (started.elapsed().as_secs_f64(), cells)
    };

    let (_, cells) = timed(NonZeroUsize::MIN);
    let parquet = directory.join("snapshots").join(snapshot.id()).join("enrolment.parquet");
    println!("{}", json!({ "parquet": parquet, "cells": cells }));
    for threads in io::stdin().lines() {
        println!("{}", timed(threads.unwrap().parse().unwrap()).0);
    }
}

/// The snapshot to count on, frozen now: another version may have laid out the one before differently.
fn snapshot(snapshots: &Path, mou: &Mou) -> Snapshot {
    if snapshots.exists() {
        fs::remove_dir_all(snapshots).unwrap();
    }
    let secret = NodeSecret::new([7; 32]);
    let started = Instant::now();
    let statement = Statement {
        as_of: "2026-08-01".parse().unwrap(),
        covers: vec!["2022-23/2025-26".parse().unwrap()],
    };
    let canonical = enrolments(&secret);
    eprintln!("generated in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    let now = Timestamp::UNIX_EPOCH;
    freeze(&canonical, &statement, mou.schema(), &secret, snapshots, now, [0; 8]).unwrap();
    eprintln!("frozen in {:.1} s", started.elapsed().as_secs_f64());
    Snapshot::current(snapshots, &secret, mou.schema()).unwrap().unwrap()
}

/// Ten million rows, term by term, as an export has them: a learner comes for one to nine terms in a row,
/// has one race, and has completed by the last of them or not.
fn enrolments(secret: &NodeSecret) -> Canonical {
    let mut dice = Dice(2026);
    let stays: Vec<Stay> = (0..LEARNERS)
        .map(|learner| {
            // Stays of n and 10 − n terms in turn: five terms on average, exactly.
            let drawn = 1 + learner / 2 % 9;
            let terms = if learner % 2 == 0 { drawn } else { 10 - drawn };
            Stay {
                person: secret.person_key(&learner.to_string()),
                first: dice.below(13 - terms),
                terms,
                race: u16::try_from(dice.below(9)).unwrap(),
                completes: dice.below(3) == 0,
            }
        })
        .collect();
    let days: Vec<i32> = TERMS
        .map(|day| {
            let epoch = jiff::civil::Date::constant(1970, 1, 1);
            epoch.until(day.parse::<jiff::civil::Date>().unwrap()).unwrap().get_days()
        })
        .to_vec();

    let mut person: Vec<PersonKey> = Vec::new();
    let (mut term_start, mut race, mut completed) = (Vec::new(), Vec::new(), Vec::new());
    for term in 0..12 {
        for stay in
            stays.iter().filter(|stay| (stay.first..stay.first + stay.terms).contains(&term))
        {
            let last = term + 1 == stay.first + stay.terms;
            person.push(stay.person);
            term_start.push(Some(days[term as usize]));
            race.push(stay.race);
            completed.push(u16::from(!(last && stay.completes)));
        }
    }
    assert_eq!(person.len(), 10_000_000);
    let columns = vec![
        ("term_start".to_owned(), Values::Date(term_start)),
        ("race".to_owned(), Values::Code(race)),
        ("completed".to_owned(), Values::Code(completed)),
    ];
    Canonical { tables: BTreeMap::from([(TableName::Enrolment, Rows { person, columns })]) }
}

struct Stay {
    person: PersonKey,
    first: u32,
    terms: u32,
    race: u16,
    completes: bool,
}

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        u32::try_from((bits ^ (bits >> 31)) % u64::from(limit)).unwrap()
    }
}

fn agreement() -> Mou {
    let catalogue = standard().hash;
    let (college, backbone) = ("1".repeat(64), "2".repeat(64));
    let text = format!(
        r#"
format    = "sumac-mou/1"
id        = "bench"
title     = "Benchmark"
version   = 1
catalogue = "{catalogue}"
effective = 2026-01-15
expires   = 2027-06-30
agreement = {{ purposes = ["annual-report"] }}
calendar  = {{ year_starts = "07-01", first_period = "2022-23", wait_days = 0 }}
roles     = {{ backbone = {{ party = "chamber", may = ["ask"] }} }}
privacy   = {{ budget = {{ rho = 0.5 }}, floor = 10, floor_at = "coalition" }}

[[party]]
id       = "college"
name     = "College"
kind     = "college"
root     = "sha256:{college}"
address  = "node.example:7443"
contacts = ["one@example.org", "two@example.org"]

[[party]]
id       = "chamber"
name     = "Chamber"
kind     = "backbone"
root     = "sha256:{backbone}"
contacts = ["one@example.org", "two@example.org"]

[[dimension]]
id    = "race"
title = "Race and ethnicity, as enrolled"
of    = "enrolment"
codes = {{ 1 = "1", 2 = "2", 3 = "3", 4 = "4", 5 = "5", 6 = "6", 7 = "7", 8 = "8", unknown = "Unknown" }}

[[dimension]]
id    = "completed"
title = "Completed"
of    = "enrolment"
codes = {{ Y = "Yes", N = "No", unknown = "Unknown" }}

[[kpi]]
id          = "completion"
title       = "Completion over four years"
answered_by = ["college"]
by          = [["race"]]
period      = "4 years"
margin      = 10

[kpi.define]
measure  = "rate"
of       = "enrolment"
during   = "term_start"
outcomes = [
    {{ id = "completed", title = "Completed", when = "completed = 'Y'" }},
    {{ id = "not_completed", title = "Did not", otherwise = true }},
]
"#
    );
    Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}
