//! The MOU of the simulated coalition, and the data of its partners.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use jiff::civil::Date;
use sumac_backbone::Wanted;
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_policy::{Breakdown, Kind, Mou, Period, Table, TableName, needed};

use super::generate::Dice;
use super::model::Terms;
use super::operation::{Budget, By, Counted, Kpi, Q, year_label};
use crate::coalition::{Parties, next_version};

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

/// Listed by every version, and the restriction.
const ALWAYS: &str = r#"[[kpi]]
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

/// All that the versions leave out, for an asker who means to ask it all the same.
static WIDER: LazyLock<Mou> = LazyLock::new(|| {
    let every = r#"[[], ["sex"], ["sex", "race_ethnicity"], ["age_band"], ["pell"]]"#;
    let kpis = [
        kpi("enrolment", "ipeds/enrolment_headcount", every, 15),
        kpi("fall", "ipeds/enrolment_fall", every, 15),
        kpi("retention", "ipeds/retention_fall", every, 15),
        kpi("completers", "ipeds/completers", every, 15),
        kpi("unheard", "ipeds/graduation_150", every, 15),
    ];
    Mou::read(text(Budget::Ample, &kpis.concat()).as_bytes()).unwrap()
});

static PARTIES: LazyLock<Arc<Parties>> =
    LazyLock::new(|| Parties::of(&mou_text(Budget::Ample), START));

/// The roots of everyone here.
pub(super) fn parties() -> Arc<Parties> {
    PARTIES.clone()
}

/// The first version of the agreement, with placeholders for roots and addresses.
pub(super) fn mou_text(budget: Budget) -> String {
    text(budget, &kpis(&Terms::first(budget)))
}

/// The version that replaces `before`, with the roots and addresses of `text`.
pub(super) fn next_text(text: &str, before: &Mou, terms: &Terms, effective: Date) -> String {
    let (head, _) = text.split_once("[[kpi]]").unwrap();
    let head = head.lines().map(|line| match line.split_once('=') {
        Some((key, _)) if key.trim() == "budget" => budget_line(terms.budget),
        Some((key, _)) if key.trim() == "effective" => format!("effective = {effective}"),
        _ => line.to_owned(),
    });
    let text = head.map(|line| line + "\n").collect::<String>() + &kpis(terms);
    next_version(&text, before)
}

fn budget_line(budget: Budget) -> String {
    let nano_rho = Terms::first(budget).budget_nano_rho();
    format!("budget = {{ rho = {}.{:09} }}", nano_rho / 1_000_000_000, nano_rho % 1_000_000_000)
}

/// What may be asked. Each list holds every part of what it holds, so that nothing else follows from it.
fn kpis(terms: &Terms) -> String {
    let mut by = vec!["[]", r#"["race_ethnicity"]"#, r#"["sex"]"#];
    by.extend(terms.by_sex_and_race.then_some(r#"["sex", "race_ethnicity"]"#));
    by.extend(terms.by_age.then_some(r#"["age_band"]"#));
    let counted = match terms.counted {
        Counted::AllYear => "ipeds/enrolment_headcount",
        Counted::Fall => "ipeds/enrolment_fall",
    };
    let mut text = String::new();
    for (which, uses, by) in [
        (Kpi::Enrolment, counted, format!("[{}]", by.join(", "))),
        (Kpi::Retention, "ipeds/retention_fall", r#"[[], ["sex"]]"#.to_owned()),
    ] {
        if terms.has(which) {
            text += &kpi(which.word(), uses, &by, terms.margin(which));
        }
    }
    text + ALWAYS
}

fn kpi(id: &str, uses: &str, by: &str, margin: u32) -> String {
    format!(
        "[[kpi]]\nid = \"{id}\"\nuses = \"{uses}\"\nanswered_by = [\"college\"]\nby = {by}\n\
         period = \"year\"\nmargin = {margin}\n\n"
    )
}

fn text(budget: Budget, kpis: &str) -> String {
    let (head, _) = LAKESHORE.split_once("[[kpi]]").unwrap();
    // The rival may propose, and neither ask nor read.
    let head = head.replace("\"read\", \"propose\"", "\"propose\"");
    let (before, after) = head.split_once("[[party]]\nid       = \"northside-health\"").unwrap();
    let with_mill = format!("{before}{MILL}[[party]]\nid       = \"northside-health\"{after}");
    let budget = budget_line(budget);
    let changed = [
        ("first_period = \"2025-26\"", "first_period = \"2021-22\""),
        ("expires   = 2028-06-30", "expires   = 2031-06-30"),
        ("[privacy]", "transit = { party = \"county-transit\", may = [\"ask\"] }\n\n[privacy]"),
        ("budget      = { rho = 0.5 }", &budget),
    ];
    changed.iter().fold(with_mill + kpis, |text, (old, new)| {
        assert!(text.contains(old), "the example has no `{old}` any more");
        text.replace(old, new)
    })
}

/// What names the table of a question in every ledger, in hexadecimal, if enrolment counts these.
pub(super) fn key(question: Q, counted: Counted) -> String {
    static WIDEST: LazyLock<BTreeMap<Counted, Mou>> = LazyLock::new(|| {
        let of = |counted| {
            let changes = Terms::widest(counted).into_iter();
            let terms = changes.fold(Terms::first(Budget::Ample), Terms::changed);
            (counted, Mou::read(text(Budget::Ample, &kpis(&terms)).as_bytes()).unwrap())
        };
        [Counted::AllYear, Counted::Fall].map(of).into()
    });
    let Q(kpi, by, year, _) = question;
    resolved(&WIDEST[&counted], kpi.word(), by, year).unwrap().key().to_string()
}

/// A question as an asker holds it.
pub(super) fn wanted(mou: &Mou, question: Q) -> Wanted {
    let Q(kpi, by, year, purpose) = question;
    let table = resolved(mou, kpi.word(), by, year);
    let table = table.or_else(|_| resolved(&WIDER, kpi.word(), by, year));
    Wanted { table: table.unwrap(), purpose: purpose.word().parse().unwrap() }
}

fn resolved(mou: &Mou, kpi: &str, by: By, year: i16) -> Result<Table, sumac_policy::Refusal> {
    let by = Breakdown::by(by.words().iter().map(|id| id.parse().unwrap()));
    let period: Period = year_label(year).parse().unwrap();
    Table::resolve(mou, &kpi.parse().unwrap(), period, &by)
}

/// Rows that look random, in every column that enrolment and retention read by any version.
pub(super) fn rows(mou: &Mou, number: u8) -> Canonical {
    let mut dice = Dice::new(u64::from(number));
    let read = [
        ("enrolment", By::RaceSex),
        ("enrolment", By::Age),
        ("fall", By::Total),
        ("retention", By::Sex),
    ];
    let mut columns: Vec<_> = read
        .into_iter()
        .flat_map(|(kpi, by)| needed(&resolved(&WIDER, kpi, by, 2025).unwrap()))
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
