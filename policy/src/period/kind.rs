//! What a KPI is reported by.

use std::fmt;
use std::str::FromStr;

use super::MAX_YEARS;

/// What a KPI is reported by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodKind {
    /// One reporting year.
    Year,
    /// Several years taken together, each learner once: a PSEO-style pooled cohort.
    Years(i16),
    /// One academic term of the agreement's calendar.
    Term,
    /// One calendar quarter.
    Quarter,
}

impl fmt::Display for PeriodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year => f.write_str("year"),
            Self::Years(count) => write!(f, "{count} years"),
            Self::Term => f.write_str("term"),
            Self::Quarter => f.write_str("quarter"),
        }
    }
}

impl FromStr for PeriodKind {
    type Err = PeriodKindError;
    fn from_str(text: &str) -> Result<Self, PeriodKindError> {
        match text {
            "year" => Ok(Self::Year),
            "term" => Ok(Self::Term),
            "quarter" => Ok(Self::Quarter),
            _ => text
                .strip_suffix(" years")
                .and_then(|count| count.parse().ok())
                .filter(|count| (2..=MAX_YEARS).contains(count))
                .map(Self::Years)
                .ok_or_else(|| PeriodKindError(text.to_owned())),
        }
    }
}

/// A word that names no kind of period this version can enforce.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this version cannot report by `{0}`: use \"year\", \"term\", \"quarter\", or \"2 years\" to \"10 years\""
)]
pub struct PeriodKindError(String);
