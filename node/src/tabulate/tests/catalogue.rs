//! Every KPI of the standard catalogue, over a few learners whose cells were worked out by hand.

mod ccrc;
mod coalition;
mod ipeds;
mod nace;
mod pdp;
mod perkins;
mod pseo;
mod wioa;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use sumac_policy::{Kind, Measure, Mou, Period, Schema, TableName, standard};

use super::{agreement, count, frozen, table, threads};
use crate::records::canonical::{Canonical, Rows, Values};

/// Some learners, and what a KPI makes of them.
pub(super) struct Case {
    pub(super) kpi: &'static str,
    pub(super) period: &'static str,
    /// Each table as text. The first line names its columns, the first of which is `who`; then a row a line, in
    /// order of time: a learner's number, and values as Sumac writes them. `.` is a value that is absent. What
    /// follows `|` says why the row is there.
    pub(super) rows: &'static [(TableName, &'static str)],
    /// The cells of the whole: learners per outcome, awards, the two cells of a mean (learners; the sum over them of
    /// twice the value, less both ends of the clip), and of a distribution those bins that anybody is in.
    pub(super) cells: &'static [(&'static str, i64)],
}

pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    [
        ipeds::CASES,
        pdp::CASES,
        ccrc::CASES,
        wioa::CASES,
        perkins::CASES,
        nace::CASES,
        pseo::CASES,
        coalition::CASES,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn every_kpi_counts_as_its_standard_says() {
    for Case { kpi, period, rows, cells } in cases() {
        let period: Period = period.parse().unwrap();
        let mou = asking(kpi, period);
        let (_home, snapshot) = frozen(&canonical(rows, mou.schema()), &mou, 2);
        let table = table(&mou, "asked", period);
        let counted = count(&snapshot, &table, threads(1)).unwrap_or_else(|error| {
            panic!("{kpi}: {error}: {:?}", std::error::Error::source(&error))
        });
        let outcomes = table.kpi().definition.outcomes.iter().map(|outcome| outcome.id.as_str());
        let in_bins = matches!(table.kpi().definition.measure, Measure::Distribution { .. });
        let found: Vec<_> =
            outcomes.zip(counted).filter(|(_, cell)| !in_bins || *cell != 0).collect();
        assert_eq!(found, *cells, "{kpi}, {period}");
    }
}

/// An agreement whose one KPI, `asked`, is this one of the catalogue.
pub(super) fn asking(kpi: &str, period: Period) -> Mou {
    let clauses = format!(
        "[[kpi]]\nid = \"asked\"\nuses = \"{kpi}\"\nanswered_by = [\"college\", \"employer\"]\n\
         by = [[]]\nperiod = \"{}\"\nmargin = 10\n",
        period.kind()
    );
    agreement("07-01", "2005-06", &clauses)
}

#[test]
fn every_kpi_of_the_catalogue_has_such_a_case() {
    let tested: BTreeSet<_> = cases().map(|case| case.kpi).collect();
    let shipped: BTreeSet<_> = standard().kpis.iter().map(|kpi| kpi.id.as_str()).collect();
    assert_eq!(tested, shipped);
}

#[test]
fn every_outcome_of_a_rate_is_reached() {
    let mut reached: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for case in cases() {
        let there = case.cells.iter().filter(|(_, learners)| *learners > 0);
        reached.entry(case.kpi).or_default().extend(there.map(|(outcome, _)| *outcome));
    }
    for kpi in standard().kpis.iter().filter(|kpi| kpi.definition.measure == Measure::Rate) {
        let outcomes: BTreeSet<_> =
            kpi.definition.outcomes.iter().map(|outcome| outcome.id.as_str()).collect();
        assert_eq!(reached[kpi.id.as_str()], outcomes, "{}", kpi.id);
    }
}

pub(super) fn canonical(tables: &[(TableName, &str)], schema: &Schema) -> Canonical {
    let tables = tables.iter().map(|(name, text)| (*name, rows(*name, text, schema)));
    Canonical { tables: tables.collect() }
}

fn rows(name: TableName, text: &str, schema: &Schema) -> Rows {
    let lines = text.lines().map(|line| line.split('|').next().unwrap_or_default());
    let mut lines =
        lines.map(|line| line.split_whitespace().collect::<Vec<_>>()).filter(|row| !row.is_empty());
    let header = lines.next().unwrap();
    assert_eq!(header[0], "who");
    let body: Vec<_> = lines.collect();
    assert!(body.iter().all(|row| row.len() == header.len()), "{name}: {body:?}");
    let columns = header.iter().enumerate().skip(1).map(|(place, column)| {
        let kind = &schema.column(name, column).unwrap_or_else(|| panic!("{name}.{column}")).kind;
        let texts: Vec<_> = body.iter().map(|row| row[place]).collect();
        ((*column).to_owned(), values(&texts, kind))
    });
    Rows {
        columns: columns.collect(),
        person: body.iter().map(|row| [row[0].parse().unwrap(); 16]).collect(),
    }
}

fn values(texts: &[&str], kind: &Kind) -> Values {
    fn given<T>(texts: &[&str], read: impl Fn(&str) -> T) -> Vec<Option<T>> {
        texts.iter().map(|text| (*text != ".").then(|| read(text))).collect()
    }
    match kind {
        Kind::Code(codes) => {
            let place = |text: &&str| {
                let place = codes.iter().position(|code| code.id == *text);
                u16::try_from(place.unwrap_or_else(|| panic!("no code {text}"))).unwrap()
            };
            Values::Code(texts.iter().map(place).collect())
        }
        Kind::Date => {
            let day = |text: &str| super::super::calendar::days(text.parse::<Date>().unwrap());
            Values::Date(given(texts, day))
        }
        Kind::Year => Values::Year(given(texts, |text| text.parse().unwrap())),
        Kind::Integer => Values::Integer(given(texts, |text| text.parse().unwrap())),
    }
}
