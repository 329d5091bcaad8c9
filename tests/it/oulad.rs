//! Real data: seven modules of the Open University as seven colleges, over mutual TLS, against the truth.
//!
//! Kuzilek J., Hlosta M., Zdrahal Z., Open University Learning Analytics dataset, Scientific Data 4:170171
//! (2017), doi:10.1038/sdata.2017.171, CC BY 4.0.

use std::collections::BTreeMap;
use std::path::Path;

use sumac_backbone::{Absence, Answers, combine};
use sumac_node::records::import::{Freezing, Source, import};
use sumac_node::records::mapping::Mapping;
use sumac_node::records::snapshot::Statement;
use sumac_policy::{PeerRole, Reason, Table};
use sumac_privacy::{margin_of_sum, variance_of_sum};

use crate::coalition::{Coalition, Parties, Serving, wanted};
use crate::data;

const OULAD: &str = include_str!("../../examples/mou/oulad/mou.toml");
const NOW: &str = "2015-08-01T12:00:00Z";
const MODULES: [&str; 7] = ["AAA", "BBB", "CCC", "DDD", "EEE", "FFF", "GGG"];
const BREAKDOWNS: &[&[&str]] = &[&[], &["sex"], &["oulad_age"], &["disability"], &["imd_band"]];
const POOLED: &str = "2013/2014";
/// Independent repetitions of the whole coalition.
const SEEDS: u64 = 40;

/// Completed and all learners, by module (or `ALL`), year (or `ALL`), dimension and value.
type Truth = BTreeMap<(String, String, String, String), (i64, i64)>;

#[tokio::test(flavor = "multi_thread")]
async fn seven_colleges_answer_within_their_margins() {
    let Some(folder) = data::folder("oulad") else { return };
    let truth = truth(&folder);
    let ids: Vec<_> = MODULES.map(party).into();
    let serving: Vec<_> = ids.iter().map(String::as_str).collect();
    let coalition = Coalition::under(OULAD, Parties::of(OULAD, NOW), &serving).await;
    for module in MODULES {
        import_module(&coalition, &folder, module);
    }
    let mut tally = Tally::default();
    for seed in 0..SEEDS {
        let nodes = start(&coalition, seed).await;
        let asker = coalition.asker("open-university", PeerRole::Analyst);
        let mut tables = wanted(&coalition.mou, "completion_pooled", POOLED, BREAKDOWNS);
        for year in ["2013", "2014"] {
            tables.extend(wanted(&coalition.mou, "completion", year, BREAKDOWNS));
        }
        for answers in asker.ask(&"oulad.1".parse().unwrap(), &tables).await {
            tally.add(&coalition, &truth, answers);
        }
        for node in nodes {
            node.stop().await;
        }
    }
    // 40 seeds, 15 tables of 2, 8, 8, 6 and 22 cells, over seven nodes (six in 2013) and their sums.
    let cells_of_all_breakdowns = 2 + 8 + 8 + 6 + 22;
    let places = (7 + 1) + (6 + 1) + (7 + 1);
    assert_eq!(tally.cells, SEEDS * cells_of_all_breakdowns * places);
    let share = tally.within * 1000 / tally.cells;
    println!("{} cells, {share} ‰ within their margin", tally.cells);
    assert!((930..=970).contains(&share), "{share} ‰ of {} cells within their margin", tally.cells);
}

async fn start(coalition: &Coalition, seed: u64) -> Vec<Serving> {
    let mut serving = Vec::new();
    for (n, module) in (1..).zip(MODULES) {
        let id = party(module);
        let snapshots = coalition.home(&id).join("snapshots");
        // Noise of its own for every node and repetition.
        let node = coalition.node(&id, seed * 10 + n, &snapshots).await;
        serving.push(coalition.serve(&id, node).await);
    }
    serving
}

fn party(module: &str) -> String {
    format!("module-{}", module.to_lowercase())
}

fn import_module(coalition: &Coalition, folder: &Path, module: &str) {
    let schema = coalition.mou.schema();
    let mapping = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mappings/oulad.toml");
    let mapping = Mapping::open(&mapping, schema).unwrap();
    let covers: &[&str] = if module == "CCC" { &["2014", POOLED] } else { &["2013", "2014"] };
    let statement =
        Statement { as_of: "2015-07-15".parse().unwrap(), covers: coalition.covered(covers) };
    let freezing = Freezing {
        withheld: &[],
        statement: &statement,
        schema,
        secret: &Coalition::secret(),
        into: &coalition.home(&party(module)).join("snapshots"),
        now: NOW.parse().unwrap(),
        id_seed: [0; 8],
    };
    let only = format!("code_module={module}").parse().unwrap();
    let source = Source::file(folder.join("studentInfo.csv"), mapping);
    import(&[source], &[only], &freezing, &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
}

/// Cells looked at, and those within their margin.
#[derive(Default)]
struct Tally {
    cells: u64,
    within: u64,
}

impl Tally {
    fn add(&mut self, coalition: &Coalition, truth: &Truth, answers: Answers) {
        let table = answers.table.clone();
        let year = if table.period().to_string() == POOLED {
            "ALL".into()
        } else {
            table.period().to_string()
        };
        let mut margins = Vec::new();
        let mut missing = Vec::new();
        for (party, outcome) in &answers.from {
            let module = party.as_str().trim_start_matches("module-").to_uppercase();
            match outcome {
                Ok(verified) => {
                    let facts = verified.release().facts();
                    let margin = [facts.margin];
                    for (group, cells) in facts.cells.chunks(2).enumerate() {
                        self.judge(truth_of(truth, &module, &year, &table, group), cells, &margin);
                    }
                    margins.push(facts.margin);
                }
                Err(Absence::Refused(refusal)) => missing.push((module, refusal.reason)),
                Err(absence) => panic!("{party}: {absence}"),
            }
        }
        // An absent year is no zero: the one college that had no presentation says so.
        let absent =
            if year == "2013" { vec![("CCC".to_owned(), Reason::PeriodNotHeld)] } else { vec![] };
        assert_eq!(missing, absent, "{year}");
        let combined = combine(&coalition.mou, answers);
        for (group, found) in combined.groups.iter().enumerate() {
            self.judge(truth_of(truth, "ALL", &year, &table, group), &found.sums, &margins);
        }
    }

    fn judge(
        &mut self,
        (completed, all): (i64, i64),
        cells: &[i64],
        margins: &[sumac_policy::Margin],
    ) {
        let margin = i64::try_from(margin_of_sum(margins.iter().copied())).unwrap();
        let deviation = variance_of_sum(margins.iter().copied()).sqrt();
        for (exact, noisy) in [completed, all - completed].into_iter().zip(cells) {
            let off = (noisy - exact).abs();
            assert!((off as f64) <= 6.0 * deviation, "{noisy} for {exact} is more than 6σ off");
            self.cells += 1;
            self.within += u64::from(off <= margin);
        }
        assert_eq!(cells.len(), 2);
    }
}

/// The truth of one group; nobody where the file has no such line.
fn truth_of(truth: &Truth, module: &str, year: &str, table: &Table, group: usize) -> (i64, i64) {
    let (dimension, value) = match table.dimensions() {
        [] => ("total", "all".to_owned()),
        [dimension] => {
            let code = dimension.codes[group].id.as_str();
            match dimension.id.as_str() {
                "sex" => ("gender", code.to_owned()),
                "disability" => ("disability", code.to_owned()),
                "oulad_age" => ("age_band", code.replace("55+", "55<=")),
                "imd_band" => (
                    "imd_band",
                    match code {
                        "unknown" => String::new(),
                        // The one band that the source writes without its sign.
                        "10-20" => code.to_owned(),
                        code => format!("{code}%"),
                    },
                ),
                other => panic!("no truth by {other}"),
            }
        }
        several => panic!("no truth by {several:?}"),
    };
    let key = (module.to_owned(), year.to_owned(), dimension.to_owned(), value);
    truth.get(&key).copied().unwrap_or_default()
}

fn truth(folder: &Path) -> Truth {
    let mut reader = csv::Reader::from_path(folder.join("truth.csv")).unwrap();
    let mut truth = Truth::new();
    for row in reader.records() {
        let row = row.unwrap();
        if &row[0] == "learner_at_module" {
            let key = (row[1].to_owned(), row[2].to_owned(), row[3].to_owned(), row[4].to_owned());
            truth.insert(key, (row[5].parse().unwrap(), row[6].parse().unwrap()));
        }
    }
    let all = truth[&("ALL".into(), "ALL".into(), "total".into(), "all".into())];
    assert_eq!(all, (15_385, 31_284), "learners, each once at a module; not the 32,593 rows");
    truth
}
