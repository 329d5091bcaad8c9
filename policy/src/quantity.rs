//! What a mean or a distribution takes of each learner: a column, a ratio of two, or the days between two dates.
//!
//! The grammar is closed, and this is all of it: `column`, `column / column`, `date - date`. Columns are those of
//! the KPI's own table.

use std::fmt;

use crate::nearest::nearest;
use crate::predicate::ColumnRef;
use crate::schema::{Kind, Schema, TableName};

/// A ratio is in ten-thousandths: the decimals that a credit completion ratio is reported with.
pub const RATIO_PER: u32 = 10_000;

/// What is taken of a learner, from their rows that count. Absent where the rows say nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Quantity {
    /// The sum of a whole-number column, in its unit.
    Sum(ColumnRef),
    /// The sum of one column over the sum of another, in ten-thousandths, rounded half away from zero. Absent
    /// where the second sum is zero.
    Ratio {
        /// Above the line.
        of: ColumnRef,
        /// Below it.
        to: ColumnRef,
    },
    /// The fewest days from one date to another in one row: the first credential's, where rows are credentials.
    Days {
        /// The later date, if the days are to be positive.
        until: ColumnRef,
        /// The earlier.
        from: ColumnRef,
    },
}

/// Why a text is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuantityError {
    #[error("`{0}` is no value: write a column, `column / column`, or `date - date`")]
    Syntax(String),
    #[error("`{of}` has no column `{name}`{}", nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    UnknownColumn { of: TableName, name: String, nearest: Option<String> },
    #[error("`{column}` holds no {wanted}")]
    Kind { column: String, wanted: &'static str },
}

impl Quantity {
    /// Reads a value of rows of this table.
    pub(crate) fn read(text: &str, schema: &Schema, of: TableName) -> Result<Self, QuantityError> {
        let column = |name: &str, date: bool| column(name.trim(), text, schema, of, date);
        if let Some((above, below)) = text.split_once('/') {
            return Ok(Self::Ratio { of: column(above, false)?, to: column(below, false)? });
        }
        if let Some((until, from)) = text.split_once('-') {
            return Ok(Self::Days { until: column(until, true)?, from: column(from, true)? });
        }
        Ok(Self::Sum(column(text, false)?))
    }

    /// The columns that it reads.
    pub fn columns(&self) -> Vec<&ColumnRef> {
        match self {
            Self::Sum(column) => vec![column],
            Self::Ratio { of: one, to: other } | Self::Days { until: one, from: other } => {
                vec![one, other]
            }
        }
    }
}

fn column(
    name: &str,
    text: &str,
    schema: &Schema,
    of: TableName,
    date: bool,
) -> Result<ColumnRef, QuantityError> {
    let name =
        name.strip_prefix(of.as_str()).and_then(|rest| rest.strip_prefix('.')).unwrap_or(name);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_word) {
        return Err(QuantityError::Syntax(text.trim().to_owned()));
    }
    let Some(known) = schema.column(of, name) else {
        let columns = schema.table(of).into_iter().flat_map(|table| &table.columns);
        let nearest = nearest(name, columns.map(|column| column.name.as_str())).map(str::to_owned);
        return Err(QuantityError::UnknownColumn { of, name: name.to_owned(), nearest });
    };
    let (fits, wanted) = match date {
        true => (known.kind == Kind::Date, "dates"),
        false => (known.kind == Kind::Integer, "whole numbers"),
    };
    if !fits {
        return Err(QuantityError::Kind { column: name.to_owned(), wanted });
    }
    Ok(ColumnRef { table: of, column: name.to_owned() })
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum(column) => column.fmt(f),
            Self::Ratio { of, to } => write!(f, "{of} / {to}"),
            Self::Days { until, from } => write!(f, "{until} - {from}"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::read::standard;

    fn read(text: &str, of: TableName) -> Result<String, String> {
        let quantity = Quantity::read(text, &standard().schema, of);
        quantity.map(|found| found.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn reads_the_three_forms_and_prints_each_in_one_way() {
        for (text, of, printed) in [
            ("start_pay_annual", TableName::Employment, "employment.start_pay_annual"),
            (" employment.start_pay_annual ", TableName::Employment, "employment.start_pay_annual"),
            (
                "credits_earned/credits_attempted",
                TableName::Enrolment,
                "enrolment.credits_earned / enrolment.credits_attempted",
            ),
            (
                "awarded_on - program_start_on",
                TableName::Award,
                "award.awarded_on - award.program_start_on",
            ),
        ] {
            assert_eq!(read(text, of).unwrap(), printed);
            assert_eq!(read(printed, of).unwrap(), printed);
        }
    }

    #[test]
    fn refuses_everything_else() {
        for (text, part) in [
            ("", "write a column"),
            ("credits_earned * 2", "write a column"),
            ("credits_earned / credits_attempted / 2", "write a column"),
            ("sum(credits_earned)", "write a column"),
            ("credits_earnd", "did you mean `credits_earned`?"),
            ("award.awarded_on", "write a column"),
            ("term_start", "holds no whole numbers"),
            ("intensity", "holds no whole numbers"),
            ("credits_earned - credits_attempted", "holds no dates"),
            ("term_start / credits_earned", "holds no whole numbers"),
        ] {
            let error = read(text, TableName::Enrolment).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
