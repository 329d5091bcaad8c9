//! One look through all rows of a view: what a snapshot never holds, and what its summary tells.

use std::collections::BTreeMap;
use std::fmt::Display;

use jiff::civil::Date;
use sumac_policy::{Column, Kind, TableName};
use tokio_postgres::Row;

use super::super::problem::{FileProblems, Place, shown};
use super::{View, ids, path};
use crate::records::import::Unlikely;
use crate::records::plausible::Bounds;
use crate::records::source::day;
use crate::records::summary::{ColumnSummary, TableSummary};
use crate::warehouse::{Session, WarehouseError, fit, quoted};

/// Words that are in no list, as many as anybody looks through.
const MAX_WORDS: usize = 1_000;

/// The code of whom nothing is known: it fills nothing.
const UNKNOWN: &str = "unknown";

/// What is looked at.
pub(super) struct Look<'a> {
    pub(super) schema: &'a str,
    pub(super) view: &'a View<'a>,
    pub(super) session: &'a Session,
    pub(super) as_of: Date,
}

/// The numbers of one row of an answer, taken from the left.
struct Numbers<'a> {
    session: &'a Session,
    row: &'a Row,
    at: usize,
}

impl Look<'_> {
    /// Looks through it, and notes what is wrong with it.
    pub(super) fn through(
        &self,
        problems: &mut FileProblems,
    ) -> Result<TableSummary, WarehouseError> {
        let view = self.view;
        let path = path(self.schema, view.table);
        let mut note = |column: &str, what: String, hint: &str| {
            problems.note(Place { path: &path, spot: None, column: Some(column) }, what, hint);
        };
        let answer = self.session.query(&self.statement(), &[])?;
        let Some(row) = answer.first() else { return Err(self.session.unclear()) };
        let mut numbers = Numbers { session: self.session, row, at: 0 };
        let (rows, learners) = (numbers.next()?, numbers.next()?);
        let (nobodys, unplaced, twice) = (numbers.next()?, numbers.next()?, numbers.next()?);
        if nobodys > 0 {
            note(
                fit::PERSON,
                format!("rows without one: {nobodys}"),
                "leave rows of nobody out of the view",
            );
        }
        if unplaced > 0 {
            let hint = "row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it";
            note(fit::ROW_ORDER, format!("rows without one: {unplaced}"), hint);
        }
        match view.table {
            _ if twice == 0 => {}
            TableName::Learner => note(
                fit::PERSON,
                format!("learners with more than one row: {twice}"),
                "one row for each learner: SELECT DISTINCT ON (person) … ORDER BY person, …",
            ),
            _ => note(
                fit::ROW_ORDER,
                format!("the same in several rows of one learner: {twice} times"),
                "row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it",
            ),
        }
        let mut columns = Vec::new();
        for column in &view.columns {
            let filled = numbers.next()?;
            let mut told = ColumnSummary { filled, ..ColumnSummary::new(&column.name) };
            match Bounds::of(column, self.as_of) {
                None => told.unlisted = self.unlisted(column)?,
                Some(bounds) => {
                    let (impossible, count) = (numbers.next()?, numbers.next()?);
                    let least: Option<String> = numbers.value()?;
                    if impossible > 0 {
                        let (low, high) = bounds.possible();
                        let (low, high) = (shown_bound(column, low), shown_bound(column, high));
                        let what =
                            format!("rows in which it is not from {low} to {high}: {impossible}");
                        note(
                            &column.name,
                            what,
                            "correct the view: such a value would count as absent",
                        );
                    }
                    told.unlikely = least.map(|value| Unlikely { count, first: None, value });
                }
            }
            columns.push(told);
        }
        Ok(TableSummary { table: view.table, rows, learners, merged: 0, columns })
    }

    /// One row of numbers: rows, learners, rows of nobody, rows without a place, places that are taken twice, and of
    /// each column what [`Look::through`] takes.
    fn statement(&self) -> String {
        let from = fit::view(self.schema, self.view.table).quoted();
        let (unplaced, by) = match self.view.table {
            TableName::Learner => ("0::bigint", "person"),
            _ => ("count(*) FILTER (WHERE row_order IS NULL)", "person, row_order"),
        };
        let mut wanted = format!(
            "count(*), count(DISTINCT person), count(*) FILTER (WHERE person IS NULL OR person = ''), {unplaced}, \
             (SELECT count(*) FROM (SELECT 1 FROM {from} GROUP BY {by} HAVING count(*) > 1) AS taken)"
        );
        for column in &self.view.columns {
            let name = quoted(&column.name);
            wanted += &match Bounds::of(column, self.as_of) {
                None => {
                    let known = ids(&column.kind).into_iter().filter(|id| *id != UNKNOWN);
                    let known: Vec<_> = known.map(text).collect();
                    format!(
                        ", count(*) FILTER (WHERE {name} = ANY (ARRAY[{}]::text[]))",
                        known.join(", ")
                    )
                }
                Some(bounds) => {
                    let possible = between(column, bounds.possible());
                    let likely = between(column, bounds.likely());
                    let unlikely = format!("FILTER (WHERE {possible} AND NOT {likely})");
                    format!(
                        ", count({name}), count(*) FILTER (WHERE NOT {possible}), count(*) {unlikely}, (min({name}) {unlikely})::text"
                    )
                }
            };
        }
        format!("SELECT {wanted} FROM {from}")
    }

    /// Words that are not in a column's list: they count as unknown.
    fn unlisted(&self, column: &Column) -> Result<BTreeMap<String, u64>, WarehouseError> {
        let (name, from) = (quoted(&column.name), fit::view(self.schema, self.view.table).quoted());
        let statement = format!(
            "SELECT {name}::text, count(*) FROM {from} WHERE {name} IS NOT NULL AND {name} <> ALL ($1::text[]) \
             GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {MAX_WORDS}"
        );
        let rows = self.session.query(&statement, &[&ids(&column.kind)])?;
        let words = rows.iter().map(|row| {
            let mut numbers = Numbers { session: self.session, row, at: 1 };
            let word: String = self.session.get(row, 0)?;
            Ok((shown(&word), numbers.next()?))
        });
        words.collect()
    }
}

impl Numbers<'_> {
    fn value<T: for<'r> tokio_postgres::types::FromSql<'r>>(
        &mut self,
    ) -> Result<T, WarehouseError> {
        let value = self.session.get(self.row, self.at)?;
        self.at += 1;
        Ok(value)
    }

    /// A number of rows or of learners.
    fn next(&mut self) -> Result<u64, WarehouseError> {
        u64::try_from(self.value::<i64>()?).map_err(|_| self.session.unclear())
    }
}

/// Whether a column is within bounds, for a statement.
fn between(column: &Column, (low, high): (i64, i64)) -> String {
    let literal = |bound| match column.kind {
        Kind::Date => format!("DATE '{}'", shown_bound(column, bound)),
        _ => shown_bound(column, bound),
    };
    format!("{} BETWEEN {} AND {}", quoted(&column.name), literal(low), literal(high))
}

/// A bound as people write it: days as dates.
fn shown_bound(column: &Column, bound: i64) -> String {
    let day = || i32::try_from(bound).ok().and_then(day);
    match column.kind {
        Kind::Date => day().map_or_else(|| bound.to_string(), |day| day.to_string()),
        _ => bound.to_string(),
    }
}

fn text(text: impl Display) -> String {
    format!("'{}'", text.to_string().replace('\'', "''"))
}
