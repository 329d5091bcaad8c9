//! What a table reads and how, worked out once for all blocks.

use std::collections::BTreeMap;

use sumac_policy::{
    Anchor, ColumnRef, Definition, Dimension, DimensionSource, Period, Table, TableName, Value,
    When, needed,
};

use super::axis::Axis;
use super::condition::reads;
use super::{MAX_CELLS, TabulateError};

/// A table, ready to be counted.
pub(super) struct Plan<'a> {
    pub(super) definition: &'a Definition,
    /// The anchor's column, and the first and last of its values that lie in the period.
    pub(super) anchor: (ColumnRef, Value, Value),
    pub(super) axes: Vec<Axis>,
    /// The columns to read of each table.
    pub(super) columns: BTreeMap<TableName, Vec<String>>,
    /// Whether an outcome is found in another table's rows beside those that are counted.
    pub(super) keeps_rows: bool,
    groups: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn of(table: &'a Table) -> Result<Self, TabulateError> {
        if table.cells() > MAX_CELLS {
            return Err(TabulateError::TooManyCells);
        }
        let definition = &table.kpi().definition;
        let mut columns: BTreeMap<TableName, Vec<String>> = BTreeMap::new();
        columns.entry(definition.of).or_default();
        let mut keeps_rows = false;
        for outcome in &definition.outcomes {
            if let When::Exists { in_table, when } = &outcome.when {
                columns.entry(*in_table).or_default();
                keeps_rows |= reads(when, definition.of);
            }
        }
        for ColumnRef { table, column } in needed(table) {
            columns.entry(table).or_default().push(column);
        }
        let axes: Vec<_> =
            table.axes().map(|(dimension, column)| axis(table, dimension, column)).collect();
        let groups = axes.iter().map(Axis::len).product();
        Ok(Self { definition, anchor: anchor(table), axes, columns, keeps_rows, groups })
    }

    pub(super) fn cells(&self) -> usize {
        self.groups * self.definition.outcomes.len()
    }
}

fn axis(table: &Table, dimension: &Dimension, column: ColumnRef) -> Axis {
    let codes = dimension.codes.len();
    match &dimension.source {
        DimensionSource::Column(_) => Axis::Codes { column, codes },
        DimensionSource::Age(cuts) => {
            Axis::Ages { column, codes, in_year: table.span().first.year(), cuts: cuts.clone() }
        }
    }
}

fn anchor(table: &Table) -> (ColumnRef, Value, Value) {
    let definition = &table.kpi().definition;
    let anchor = &definition.anchor;
    let column = ColumnRef { table: definition.of, column: anchor.column().to_owned() };
    let period = earlier(table.period(), anchor.lag_years());
    let span = period.span(table.year_starts());
    match anchor {
        Anchor::Within { .. } => (column, Value::Date(span.first), Value::Date(span.last)),
        Anchor::Cohort { .. } => {
            let (first, last) = match period {
                Period::Year(year) => (year, year),
                Period::Years { first, last } => (first, last),
                // A quarter reports the cohort of the reporting year in which it begins.
                Period::Quarter { .. } => {
                    let year = table.year_starts().year_of(span.first);
                    (year, year)
                }
            };
            (column, Value::Year(first.first()), Value::Year(last.first()))
        }
    }
}

/// The same period of an earlier year.
fn earlier(period: Period, years: u8) -> Period {
    match period {
        Period::Year(year) => Period::Year(year.minus(years)),
        Period::Years { first, last } => {
            Period::Years { first: first.minus(years), last: last.minus(years) }
        }
        Period::Quarter { year, quarter } => {
            Period::Quarter { year: year - i16::from(years), quarter }
        }
    }
}
