//! A KPI's condition in words: nothing of it left out, brackets where words alone could be read two ways.

use crate::predicate::{ColumnRef, Interval, Op, Predicate, Value};
use crate::schema::{Column, Kind, Schema, TableName};

/// What it takes to name a column: the tables, and the KPI's own.
#[derive(Clone, Copy)]
pub(super) struct Names<'a> {
    pub(super) schema: &'a Schema,
    pub(super) of: TableName,
}

impl Names<'_> {
    /// A condition, as what a row fulfils: `entry status is “First-time”`.
    pub(super) fn condition(&self, condition: &Predicate) -> String {
        match condition {
            Predicate::And(parts) => self.joined(parts, " and "),
            Predicate::Or(parts) => format!("either {}", self.joined(parts, " or ")),
            one => self.part(one),
        }
    }

    fn joined(&self, parts: &[Predicate], word: &str) -> String {
        let parts: Vec<_> = parts.iter().map(|part| self.part(part)).collect();
        parts.join(word)
    }

    fn part(&self, condition: &Predicate) -> String {
        match condition {
            Predicate::True => "every row".to_owned(),
            Predicate::Compare { column, op, value } => {
                format!(
                    "{} {} {}",
                    self.column(column),
                    comparison(*op, value),
                    self.value(column, value)
                )
            }
            Predicate::CompareDates { column, op, other, plus } => {
                let (on, other) = (order(*op), self.column(other));
                let (length, side) = interval(plus);
                match side {
                    Side::Same => format!("the {} is {on} the {other}", self.column(column)),
                    Side::After => {
                        format!(
                            "the {} is {on} the day {length} after the {other}",
                            self.column(column)
                        )
                    }
                    Side::Before => {
                        format!(
                            "the {} is {on} the day {length} before the {other}",
                            self.column(column)
                        )
                    }
                    Side::Mixed => {
                        format!("the {} is {on} the {other} {length}", self.column(column))
                    }
                }
            }
            Predicate::In { column, values } => {
                let values: Vec<_> = values.iter().map(|value| self.value(column, value)).collect();
                format!("{} is {}", self.column(column), super::words::or(&values))
            }
            Predicate::IsNull(column) => format!("no {} is on record", self.column(column)),
            Predicate::Not(inner) => match inner.as_ref() {
                Predicate::IsNull(column) => format!("a {} is on record", self.column(column)),
                inner => format!("it is not so that ({})", self.condition(inner)),
            },
            Predicate::And(_) | Predicate::Or(_) => format!("({})", self.condition(condition)),
        }
    }

    /// A column as people say it. A column of another table than the KPI's says which.
    pub(super) fn column(&self, column: &ColumnRef) -> String {
        let known = self.schema.column(column.table, &column.column);
        let name = match known {
            Some(Column { kind: Kind::Date, doc, .. }) => lower_first(first_part(doc)),
            _ => column.column.replace('_', " "),
        };
        if column.table == self.of || column.table == TableName::Learner {
            return name;
        }
        format!("{}’s {name}", column.table)
    }

    fn value(&self, column: &ColumnRef, value: &Value) -> String {
        match value {
            Value::Code { id, .. } => {
                let known = self.schema.column(column.table, &column.column);
                let codes = known.and_then(|known| known.kind.codes()).unwrap_or_default();
                let label =
                    codes.iter().find(|code| code.id == *id).map(|code| code.label.as_str());
                format!("“{}”", label.unwrap_or(id))
            }
            Value::Date(day) => day.to_string(),
            Value::Year(year) => year.to_string(),
            Value::Integer(number) => number.to_string(),
        }
    }
}

/// The start of a column's documentation, up to where its unit or its standard follows.
fn first_part(doc: &str) -> &str {
    doc.split(['.', ';']).next().unwrap_or(doc)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

fn comparison(op: Op, value: &Value) -> &'static str {
    match (op, value) {
        (Op::Equal, _) => "is",
        (Op::NotEqual, _) => "is on record and is not",
        (op, Value::Date(_)) => match op {
            Op::Less => "is before",
            Op::LessOrEqual => "is on or before",
            Op::Greater => "is after",
            _ => "is on or after",
        },
        (Op::Less, _) => "is less than",
        (Op::LessOrEqual, _) => "is at most",
        (Op::Greater, _) => "is more than",
        (Op::GreaterOrEqual, _) => "is at least",
    }
}

fn order(op: Op) -> &'static str {
    match op {
        Op::Equal => "on",
        Op::NotEqual => "on another day than",
        Op::Less => "before",
        Op::LessOrEqual => "on or before",
        Op::Greater => "after",
        Op::GreaterOrEqual => "on or after",
    }
}

enum Side {
    Same,
    After,
    Before,
    Mixed,
}

/// A length of time without its sign, and on which side of a day it leads.
fn interval(plus: &Interval) -> (String, Side) {
    let unit = |number: i32, one: &str, more: &str| {
        let number = number.unsigned_abs();
        (number > 0).then(|| super::words::counted(u64::from(number), one, more))
    };
    let months = match plus.months % 12 {
        0 => unit(plus.months / 12, "year", "years"),
        _ => unit(plus.months, "month", "months"),
    };
    let days = unit(plus.days, "day", "days");
    let parts: Vec<_> = months.into_iter().chain(days).collect();
    let side = match (plus.months.signum(), plus.days.signum()) {
        (0, 0) => Side::Same,
        (months, days) if months >= 0 && days >= 0 => Side::After,
        (months, days) if months <= 0 && days <= 0 => Side::Before,
        _ => return (plus.to_string().trim().to_owned(), Side::Mixed),
    };
    (super::words::and(&parts), side)
}
