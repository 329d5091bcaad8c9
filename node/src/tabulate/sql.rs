//! A table as one SQL statement, for engines that count where the rows are: each learner bounded, then cells.
//!
//! The statement answers rows of (cell, number), cells numbered as in [`Table::cells`]; a cell that is not among
//! them is zero. Every value is made a whole number first: codes their positions, days since 1970-01-01. What the
//! engines write differently is in [`dialect`]; from there on the text is the same for all, in the SQL that they
//! share. It means what the dense pass does, cell for cell: a learner's rows that count, the last of them, the first
//! outcome that holds, the groups and awards that a cap keeps.

mod condition;
mod dialect;
mod measure;
pub(super) mod postgres;

use std::collections::BTreeMap;
use std::fmt::Write;

use sumac_policy::{ColumnRef, Kind, Predicate, Table, TableName, Value, When};

pub(crate) use dialect::Dialect;

use super::TabulateError;
use super::calendar::days;
use super::plan::Plan;
use condition::printed;

/// Rows of the table that is counted, beside their learner's own: those that count.
const COUNTING: &str = "counting";
/// Each learner's last of them.
const LAST: &str = "latest";

/// The statement that counts a table. `kind` tells what a column holds; `word` is the table's, by which a cap chooses.
///
/// # Errors
/// Where the table has too many cells, or reads a column that `kind` does not know.
pub(crate) fn statement(
    table: &Table,
    word: u32,
    kind: &dyn Fn(&ColumnRef) -> Option<Kind>,
    dialect: &dyn Dialect,
) -> Result<String, TabulateError> {
    let plan = Plan::of(table)?;
    let mut statement = Statement::of(&plan, kind, dialect)?;
    let cells = statement.measured(word);
    Ok(statement.ending(&cells))
}

/// The statement that counts the learners who have more than the table's bound lets count; none where nobody can.
///
/// # Errors
/// As [`statement`].
pub(crate) fn over(
    table: &Table,
    kind: &dyn Fn(&ColumnRef) -> Option<Kind>,
    dialect: &dyn Dialect,
) -> Result<Option<String>, TabulateError> {
    let plan = Plan::of(table)?;
    let mut statement = Statement::of(&plan, kind, dialect)?;
    Ok(statement.over().map(|learners| statement.ending(&learners)))
}

/// A statement on its way: named parts, each of which may use those before it.
struct Statement<'a> {
    plan: &'a Plan<'a>,
    kind: &'a dyn Fn(&ColumnRef) -> Option<Kind>,
    dialect: &'a dyn Dialect,
    parts: Vec<(String, String)>,
}

impl<'a> Statement<'a> {
    /// The parts that every measure begins with.
    fn of(
        plan: &'a Plan<'a>,
        kind: &'a dyn Fn(&ColumnRef) -> Option<Kind>,
        dialect: &'a dyn Dialect,
    ) -> Result<Self, TabulateError> {
        let mut statement = Self { plan, kind, dialect, parts: Vec::new() };
        statement.tables()?;
        statement.counting();
        statement.last();
        Ok(statement)
    }

    /// The whole, with its last query.
    fn ending(&self, query: &str) -> String {
        let parts = self.parts.iter().fold(String::new(), |mut text, (name, part)| {
            let between = if text.is_empty() { "" } else { ",\n" };
            let _ = write!(text, "{between}{name} AS (\n  {part}\n)");
            text
        });
        format!("WITH {parts}\n{query}")
    }

    fn part(&mut self, name: impl Into<String>, text: String) {
        self.parts.push((name.into(), text));
    }

    /// Every table that is read, its columns as whole numbers.
    fn tables(&mut self) -> Result<(), TabulateError> {
        let tables: BTreeMap<TableName, Vec<String>> = self.plan.columns.clone();
        for (table, mut names) in tables {
            names.sort();
            names.dedup();
            let mut columns = Vec::new();
            for column in names {
                let column = ColumnRef { table, column };
                let unfit = || TabulateError::Unfit { table, column: column.column.clone() };
                let kind = (self.kind)(&column).ok_or_else(unfit)?;
                columns.push((self.dialect.number(&column, &kind), flat(&column)));
            }
            self.part(table.as_str(), self.dialect.rows(table, &columns));
        }
        Ok(())
    }

    /// The rows whose anchor lies in the period and whose population condition is true, with their learner's row.
    fn counting(&mut self) {
        let plan = self.plan;
        let of = plan.definition.of;
        let (anchor, first, last) = &plan.anchor;
        let anchor = flat(anchor);
        let mut wanted = format!("{anchor} BETWEEN {} AND {}", number(first), number(last));
        if plan.definition.population != Predicate::True {
            let population = printed(&plan.definition.population, self.dialect);
            let _ = write!(wanted, " AND {population}");
        }
        let beside = self.plan.columns.contains_key(&TableName::Learner);
        let text = if of == TableName::Learner || !beside {
            format!("SELECT * FROM {of} WHERE {wanted}")
        } else {
            // A learner without a row of their own has code unknown, and nothing else.
            let own = plan.columns.get(&TableName::Learner).into_iter().flatten();
            let own = own.fold(String::new(), |mut text, name| {
                let column = ColumnRef { table: TableName::Learner, column: name.clone() };
                let flat = flat(&column);
                let absent = (self.kind)(&column).and_then(|kind| unknown(&kind));
                let _ = match absent {
                    Some(code) => write!(text, ", COALESCE(learner.{flat}, {code}) AS {flat}"),
                    None => write!(text, ", learner.{flat} AS {flat}"),
                };
                text
            });
            format!(
                "SELECT * FROM (SELECT {of}.*{own} FROM {of} LEFT JOIN learner ON learner.person = {of}.person) AS beside WHERE {wanted}"
            )
        };
        self.part(COUNTING, text);
    }

    fn last(&mut self) {
        if self.plan.definition.of == TableName::Learner {
            // One row each: it is the last.
            return self.part(LAST, format!("SELECT * FROM {COUNTING}"));
        }
        self.part(
            LAST,
            format!(
                "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY person ORDER BY place DESC) AS back FROM {COUNTING}) AS ordered WHERE back = 1"
            ),
        );
    }

    /// The group of a row of [`COUNTING`] or [`LAST`]: its codes, each so many groups apart.
    fn group(&self) -> String {
        let parts = self.plan.axes.iter().map(|axis| {
            format!("({}) * {}", axis.code_in_sql(&flat(axis.column())), axis.stride())
        });
        let parts: Vec<_> = parts.collect();
        if parts.is_empty() { "0".to_owned() } else { parts.join(" + ") }
    }

    /// Whether each learner has an outcome, as a part for each; and the number of the first that holds.
    fn outcomes(&mut self) -> (String, String) {
        let plan = self.plan;
        let (mut joins, mut cases) = (String::new(), String::new());
        for (number, outcome) in plan.definition.outcomes.iter().enumerate() {
            let name = format!("outcome_{number}");
            let text = match &outcome.when {
                When::AnyRow(when) => {
                    let when = printed(when, self.dialect);
                    format!("SELECT DISTINCT person AS who FROM {COUNTING} WHERE {when}")
                }
                When::Exists { in_table, when } => {
                    let columns = plan.columns.get(in_table).into_iter().flatten();
                    let columns = columns.fold(String::new(), |mut text, name| {
                        let column = ColumnRef { table: *in_table, column: name.clone() };
                        let flat = flat(&column);
                        let _ = write!(text, ", {in_table}.{flat} AS {flat}");
                        text
                    });
                    let when = printed(when, self.dialect);
                    format!(
                        "SELECT DISTINCT person AS who FROM (SELECT {LAST}.*{columns} FROM {in_table} JOIN {LAST} ON {LAST}.person = {in_table}.person) AS beside WHERE {when}"
                    )
                }
                When::Otherwise | When::Measured => continue,
            };
            self.part(&name, text);
            let _ = write!(joins, " LEFT JOIN {name} ON {name}.who = {LAST}.person");
            let _ = write!(cases, " WHEN {name}.who IS NOT NULL THEN {number}");
        }
        let otherwise = plan.otherwise;
        let first = if cases.is_empty() {
            otherwise.to_string()
        } else {
            format!("CASE{cases} ELSE {otherwise} END")
        };
        (joins, first)
    }
}

/// Columns, each a value and its name, to follow others in a query.
pub(super) fn listed(columns: &[(String, String)]) -> String {
    columns.iter().fold(String::new(), |mut text, (value, name)| {
        let _ = write!(text, ", {value} AS {name}");
        text
    })
}

/// A column's name among those of all tables.
fn flat(column: &ColumnRef) -> String {
    format!("{}__{}", column.table, column.column)
}

/// A literal as a whole number.
fn number(value: &Value) -> i64 {
    match value {
        Value::Code { index, .. } => i64::from(*index),
        Value::Date(date) => i64::from(days(*date)),
        Value::Year(year) => i64::from(*year),
        Value::Integer(number) => *number,
    }
}

/// The code of a learner of whom nothing is said.
fn unknown(kind: &Kind) -> Option<usize> {
    kind.codes()?.iter().position(|code| code.id == "unknown")
}
