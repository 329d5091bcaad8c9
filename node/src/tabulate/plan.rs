//! What a table reads and how, worked out once for all blocks.

use std::collections::BTreeMap;

use sumac_policy::{Anchor, ColumnRef, Definition, Period, Table, TableName, Value, When, needed};

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
    /// Whether conditions on the rows that are counted read their learner's own row too.
    pub(super) own_reads_learner: bool,
    pub(super) outcomes: u32,
    /// The outcome of everybody left; one past the last if there is none.
    pub(super) otherwise: u32,
    pub(super) cells: usize,
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
        let mut own_reads_learner = reads(&definition.population, TableName::Learner);
        for outcome in &definition.outcomes {
            match &outcome.when {
                When::AnyRow(when) => own_reads_learner |= reads(when, TableName::Learner),
                When::Exists { in_table, when } => {
                    columns.entry(*in_table).or_default();
                    keeps_rows |= reads(when, definition.of);
                }
                When::Otherwise => {}
            }
        }
        for ColumnRef { table, column } in needed(table) {
            columns.entry(table).or_default().push(column);
        }
        let number =
            |outcomes: usize| u32::try_from(outcomes).map_err(|_| TabulateError::TooManyCells);
        let outcomes = definition.outcomes.len();
        let otherwise =
            definition.outcomes.iter().position(|outcome| outcome.when == When::Otherwise);
        Ok(Self {
            definition,
            anchor: anchor(table),
            axes: axes(table)?,
            columns,
            keeps_rows,
            own_reads_learner,
            outcomes: number(outcomes)?,
            otherwise: number(otherwise.unwrap_or(outcomes))?,
            cells: table.cells(),
        })
    }
}

/// The axes, the last of which runs fastest.
fn axes(table: &Table) -> Result<Vec<Axis>, TabulateError> {
    let begins = table.span().first.year();
    let mut stride = 1;
    let mut axes = Vec::new();
    for (dimension, column) in table.axes().collect::<Vec<_>>().into_iter().rev() {
        axes.push(Axis::new(dimension, column, begins, stride));
        let codes = u32::try_from(dimension.codes.len()).ok();
        let next = codes.and_then(|codes| stride.checked_mul(codes));
        stride = next.ok_or(TabulateError::TooManyCells)?;
    }
    Ok(axes)
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
