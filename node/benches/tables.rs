//! How long an import and each table take: `bench/run` calls this and times DuckDB beside it.
//!
//! `tables import DIRECTORY ENROLMENTS HIRES` freezes two CSV files and prints what it took. `tables count DIRECTORY`
//! opens the snapshot; a line of its standard input is a table and a number of threads, and the answer is a line with
//! the seconds from the snapshot to the table with its noise in.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a benchmark may panic")]

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs, io};

use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::json;
use sumac_keys::NodeSecret;
use sumac_node::records::import::{Freezing, Source, import};
use sumac_node::records::mapping::Mapping;
use sumac_node::records::snapshot::{Data, Statement};
use sumac_node::tabulate::count_for_benchmark;
use sumac_policy::{Breakdown, Mou, Table, standard};
use sumac_privacy::Exact;

const PERIOD: &str = "2022-23/2025-26";

fn main() {
    // Cargo adds a flag of its own.
    let arguments = env::args().skip(1).filter(|argument| !argument.starts_with("--bench"));
    let arguments: Vec<_> = arguments.collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["import", directory, enrolments, hires] => {
            freeze(Path::new(directory), Path::new(enrolments), Path::new(hires));
        }
        ["count", directory] => count(Path::new(directory)),
        // As `cargo test --benches` calls it.
        _ => println!("see bench/run"),
    }
}

fn freeze(directory: &Path, enrolments: &Path, hires: &Path) {
    let (mou, snapshots) = (agreement(), directory.join("snapshots"));
    if snapshots.exists() {
        fs::remove_dir_all(&snapshots).unwrap();
    }
    let source = |path: &Path, mapping: &str| {
        let mapping = Mapping::open(&bench(mapping), mou.schema());
        let mapping = mapping.unwrap_or_else(|error| panic!("{error}"));
        Source { path: path.to_owned(), mapping, view: None }
    };
    let sources = [source(enrolments, "enrolment.toml"), source(hires, "hires.toml")];
    let covered = mou.calendar().covered(PERIOD.parse().unwrap());
    let statement =
        Statement { as_of: "2026-08-01".parse().unwrap(), covers: covered.into_iter().collect() };
    let freezing = Freezing {
        statement: &statement,
        schema: mou.schema(),
        withheld: &[],
        secret: &secret(),
        into: &snapshots,
        now: Timestamp::UNIX_EPOCH,
        id_seed: [0; 8],
    };
    let started = Instant::now();
    let summary = import(&sources, &[], &freezing, &mut |_| ());
    let seconds = started.elapsed().as_secs_f64();
    let summary = summary.unwrap_or_else(|error| panic!("{error}"));
    eprintln!("{}", summary.for_terminal());
    println!("{}", json!({ "seconds": seconds, "peak_mib": peak_kib() / 1024 }));
}

fn count(directory: &Path) {
    let mou = agreement();
    let snapshots = directory.join("snapshots");
    let data = Data::current(&snapshots, &secret(), mou.schema()).unwrap();
    let Some(Data::Frozen(snapshot)) = data else { panic!("no snapshot was frozen") };
    let learners = count_for_benchmark(&snapshot, &table(&mou, "learners"), NonZeroUsize::MIN);
    println!("{}", json!({ "learners": learners.unwrap() }));
    for line in io::stdin().lines() {
        let line = line.unwrap();
        let (name, threads) = line.split_once(' ').unwrap();
        let (table, threads) = (table(&mou, name), threads.parse().unwrap());
        let started = Instant::now();
        let cells = count_for_benchmark(&snapshot, &table, threads).unwrap();
        let exact = Exact::scaled(cells, &table.kpi().definition.scales()).unwrap();
        let mut rng = ChaCha20Rng::from_seed([7; 32]);
        sumac_privacy::release(exact, table.kpi().margin, &mut rng).unwrap();
        println!("{}", started.elapsed().as_secs_f64());
    }
}

fn table(mou: &Mou, name: &str) -> Table {
    let (kpi, by): (&str, &[&str]) = match name {
        "learners" => (name, &["race"]),
        "completion" => (name, &["race", "pell_then"]),
        "credits" => (name, &["programme"]),
        "pay" => (name, &["trained_in"]),
        "in_four_terms" | "in_all_terms" => (name, &["in_term"]),
        "crossed" => ("in_four_terms", &["in_term", "programme", "race"]),
        _ => panic!("no table `{name}`"),
    };
    let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
    Table::resolve(mou, &kpi.parse().unwrap(), PERIOD.parse().unwrap(), &by).unwrap()
}

fn agreement() -> Mou {
    let codes = |count: u32, of: &dyn Fn(u32) -> String| {
        let codes = (0..count).map(|n| format!("{0} = \"{0}\"", of(n)));
        codes.collect::<Vec<_>>().join(", ")
    };
    let text = fs::read_to_string(bench("mou.toml")).unwrap();
    let text = text
        .replace("CATALOGUE", &standard().hash.to_string())
        .replace("PROGRAMMES", &codes(50, &|n| format!("P{n:02}")))
        .replace("TERMS", &codes(12, &|n| format!("T{:02}", n + 1)));
    Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// A file of the benchmark's.
fn bench(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench").join(name)
}

fn secret() -> NodeSecret {
    NodeSecret::new([7; 32])
}

/// The most memory that this process has had.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
