//! The sums in words: a table for people, CSV and JSON for machines. Nothing here decides anything.
//!
//! Every form says who answered, who did not and why; shows no number that [`crate::combine`] withheld; and
//! says that sums over several nodes are not deduplicated.

mod csv;
mod json;
mod over;
mod table;

use std::fmt;
use std::str::FromStr;

use sumac_policy::Measure;

use crate::combine::{Combined, Withholding};
use crate::over::Over;

/// How to write a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people, readable at 100 columns.
    #[default]
    Table,
    /// One row per number.
    Csv,
    /// Documented in `report/json.rs`, and stable.
    Json,
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a format: use table, csv or json")]
pub struct FormatError(String);

/// Writes a report. It ends with a line break.
pub fn report(format: Format, tables: &[Combined]) -> String {
    written(format, tables, None)
}

/// The same, with one table over another after them.
pub fn report_over(format: Format, tables: &[Combined], over: &Over<'_>) -> String {
    written(format, tables, Some(over))
}

fn written(format: Format, tables: &[Combined], over: Option<&Over<'_>>) -> String {
    match format {
        Format::Table => table::write(tables, over),
        Format::Csv => csv::write(tables, over),
        Format::Json => json::write(tables, over),
    }
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Table, Self::Csv, Self::Json];

    /// The word on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Format {
    type Err = FormatError;
    fn from_str(text: &str) -> Result<Self, FormatError> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or_else(|| FormatError(text.to_owned()))
    }
}

impl Withholding {
    /// The word for machines.
    fn word(self) -> &'static str {
        match self {
            Self::BelowFloor => "below_floor",
            Self::TooFewParties => "too_few_parties",
            Self::TooNoisy => "too_noisy",
        }
    }
}

/// A mean or percentile as machines get it: in what people read it in, to four decimals.
fn in_unit(measure: &Measure, value: f64) -> f64 {
    match measure {
        Measure::Mean { unit, .. } | Measure::Distribution { unit, .. } => {
            rounded(value / f64::from(unit.per))
        }
        Measure::Count { .. } | Measure::Rate | Measure::Awards { .. } => value,
    }
}

/// A rate as machines get it: to a hundredth of a percent, finer than any noise leaves it.
fn rounded(rate: f64) -> f64 {
    (rate * 1e4).round() / 1e4
}

#[cfg(test)]
mod tests;
