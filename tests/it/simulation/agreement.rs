//! The MOU of the simulated coalition, and the data of its partners.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use sumac_backbone::Wanted;
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_policy::{Breakdown, Kind, Mou, Period, Table, TableName, needed};

use super::generate::Dice;
use super::operation::{Budget, By, Kpi, Q, year_label};
use crate::coalition::Parties;

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

/// When every case begins.
pub(super) const START: &str = "2026-08-01T12:00:00Z";

const MILL: &str = r#"[[party]]
id       = "mill-creek"
name     = "Mill Creek College"
kind     = "college"
root     = "sha256:7777777777777777777777777777777777777777777777777777777777777777"
address  = "node.mill.example:7443"
contacts = ["ir@mill.example", "it@mill.example"]

"#;

/// What may be asked. Each list holds every part of what it holds, so that nothing else follows from it.
const KPIS: &str = r#"[[kpi]]
id          = "enrolment"
uses        = "ipeds/enrolment_headcount"
answered_by = ["college"]
by          = [[], ["race_ethnicity"], ["sex"], ["sex", "race_ethnicity"]]
period      = "year"
margin      = 15

[[kpi]]
id          = "retention"
uses        = "ipeds/retention_fall"
answered_by = ["college"]
by          = [[], ["sex"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "completers"
uses        = "ipeds/completers"
answered_by = ["college"]
by          = [[]]
period      = "year"
margin      = 10

[[restrict]]
because   = "Pell status comes from FAFSA records"
dimension = "pell"
refuse    = true
"#;

/// All that the lists above leave out, for an asker who means to ask it all the same.
static WIDER: LazyLock<Mou> = LazyLock::new(|| {
    let every = r#"[[], ["sex"], ["sex", "race_ethnicity"], ["age_band"], ["pell"]]"#;
    let kpi = |id: &str, uses: &str| {
        format!(
            "[[kpi]]\nid = \"{id}\"\nuses = \"{uses}\"\nanswered_by = [\"college\"]\nby = {every}\n\
             period = \"year\"\nmargin = 15\n\n"
        )
    };
    let kpis = [
        kpi("enrolment", "ipeds/enrolment_headcount"),
        kpi("retention", "ipeds/retention_fall"),
        kpi("completers", "ipeds/completers"),
        kpi("unheard", "ipeds/graduation_150"),
    ];
    Mou::read(text(Budget::Ample, &kpis.concat()).as_bytes()).unwrap()
});

static PARTIES: LazyLock<Arc<Parties>> =
    LazyLock::new(|| Parties::of(&mou_text(Budget::Ample), START));

/// The roots of everyone here.
pub(super) fn parties() -> Arc<Parties> {
    PARTIES.clone()
}

/// The agreement, with placeholders for roots and addresses.
pub(super) fn mou_text(budget: Budget) -> String {
    text(budget, KPIS)
}

fn text(budget: Budget, kpis: &str) -> String {
    let (head, _) = LAKESHORE.split_once("[[kpi]]").unwrap();
    // The rival may propose, and neither ask nor read.
    let head = head.replace("\"read\", \"propose\"", "\"propose\"");
    let (before, after) = head.split_once("[[party]]\nid       = \"northside-health\"").unwrap();
    let with_mill = format!("{before}{MILL}[[party]]\nid       = \"northside-health\"{after}");
    let budget = format!("{:.9}", nano_rho(budget) as f64 / 1e9);
    let changed = [
        ("first_period = \"2025-26\"", "first_period = \"2021-22\""),
        ("expires   = 2028-06-30", "expires   = 2031-06-30"),
        ("{ rho = 0.5 }", &format!("{{ rho = {budget} }}")),
    ];
    changed.iter().fold(with_mill + kpis, |text, (old, new)| {
        assert!(text.contains(old), "the example has no `{old}` any more");
        text.replace(old, new)
    })
}

/// What the MOU lets each node spend in a year.
pub(super) fn nano_rho(budget: Budget) -> u64 {
    match budget {
        Budget::Tight => 60_000_000,
        Budget::Ample => 900_000_000,
    }
}

/// A question as an asker holds it.
pub(super) fn wanted(mou: &Mou, question: Q) -> Wanted {
    let Q(kpi, by, year, purpose) = question;
    let table = resolved(mou, kpi, by, year).or_else(|_| resolved(&WIDER, kpi, by, year));
    Wanted { table: table.unwrap(), purpose: purpose.word().parse().unwrap() }
}

fn resolved(mou: &Mou, kpi: Kpi, by: By, year: i16) -> Result<Table, sumac_policy::Refusal> {
    let by = Breakdown::by(by.words().iter().map(|id| id.parse().unwrap()));
    let period: Period = year_label(year).parse().unwrap();
    Table::resolve(mou, &kpi.word().parse().unwrap(), period, &by)
}

/// Rows that look random, in every column that enrolment and retention read.
pub(super) fn rows(mou: &Mou, number: u8) -> Canonical {
    let mut dice = Dice::new(u64::from(number));
    let mut columns: Vec<_> = [(Kpi::Enrolment, By::RaceSex), (Kpi::Retention, By::Sex)]
        .into_iter()
        .flat_map(|(kpi, by)| needed(&resolved(mou, kpi, by, 2025).unwrap()))
        .collect();
    columns.sort();
    columns.dedup();
    let learners = 20 + usize::from(number % 40);
    let key = |learner: usize| -> PersonKey { [u8::try_from(learner).unwrap(); 16] };
    let mut tables = BTreeMap::new();
    for (table, each) in [(TableName::Learner, 1), (TableName::Enrolment, 2)] {
        let person: Vec<_> = (0..learners * each).map(|row| key(row / each)).collect();
        let of_table = columns.iter().filter(|column| column.table == table);
        let columns = of_table.map(|column| {
            let kind = &mou.schema().column(table, &column.column).unwrap().kind;
            (column.column.clone(), values(kind, person.len(), &mut dice))
        });
        let columns = columns.collect();
        tables.insert(table, Rows { person, columns });
    }
    Canonical { tables }
}

fn values(kind: &Kind, rows: usize, dice: &mut Dice) -> Values {
    let number = |dice: &mut Dice, from: usize, count: usize| from + dice.below(count);
    match kind {
        Kind::Code(codes) => Values::Code(
            (0..rows).map(|_| u16::try_from(dice.below(codes.len())).unwrap()).collect(),
        ),
        // From July 2021 on, for seven years.
        Kind::Date => Values::Date(
            (0..rows)
                .map(|_| Some(i32::try_from(number(dice, 18_810, 7 * 365)).unwrap()))
                .collect(),
        ),
        Kind::Year => Values::Year(
            (0..rows).map(|_| Some(i16::try_from(number(dice, 2020, 8)).unwrap())).collect(),
        ),
        Kind::Integer => Values::Integer(vec![Some(1); rows]),
    }
}
