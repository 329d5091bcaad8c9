//! Reporting periods and their labels: academic and calendar years, spans of years, terms, quarters. Which days a
//! label means, the agreement's [`crate::Calendar`] says.

mod kind;
mod term;
mod year;

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

pub use kind::PeriodKind;
pub use term::{Term, TermName, TermStarts};
pub use year::{DayOfYear, Year, YearStart};

/// Longest span of years taken together; PSEO's longest cohort is five.
const MAX_YEARS: i16 = 10;

/// The period of a table: `2025-26`, `2024-25/2025-26` (ISO 8601's slash), `2025-FALL`, `2026-Q1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Period {
    /// One reporting year.
    Year(Year),
    /// From one year to another, both included, taken together.
    Years {
        /// The first year.
        first: Year,
        /// The last year.
        last: Year,
    },
    /// An academic term.
    Term(Term),
    /// A calendar quarter, 1 to 4.
    Quarter {
        /// Calendar year.
        year: i16,
        /// 1 is January to March.
        quarter: i8,
    },
}

/// First and last day, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    /// First day.
    pub first: Date,
    /// Last day.
    pub last: Date,
}

/// A text that is no period.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a period: write 2025-26 (2025 where years start on 1 January), 2024-25/2025-26, 2025-FALL, or 2026-Q1"
)]
pub struct PeriodError(String);

impl PeriodError {
    fn of(text: &str) -> Self {
        Self(text.chars().take(40).collect())
    }
}

impl Period {
    /// What kind of period this is.
    pub fn kind(self) -> PeriodKind {
        match self {
            Self::Year(_) => PeriodKind::Year,
            Self::Years { first, last } => PeriodKind::Years(last.first() - first.first() + 1),
            Self::Term(_) => PeriodKind::Term,
            Self::Quarter { .. } => PeriodKind::Quarter,
        }
    }

    /// The same period of an earlier year.
    pub(crate) fn earlier(self, years: u8) -> Self {
        match self {
            Self::Year(year) => Self::Year(year.minus(years)),
            Self::Years { first, last } => {
                Self::Years { first: first.minus(years), last: last.minus(years) }
            }
            Self::Term(Term { year, name }) => {
                Self::Term(Term { year: year - i16::from(years), name })
            }
            Self::Quarter { year, quarter } => {
                Self::Quarter { year: year - i16::from(years), quarter }
            }
        }
    }
}

impl Span {
    /// From `first` to the day before `next`.
    pub(crate) fn until(first: Date, next: Date) -> Self {
        Self { first, last: next.yesterday().unwrap_or(first) }
    }

    /// Whether every day of `other` lies in this span.
    pub fn holds(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let label = match self {
            Self::Year(year) => year.to_string(),
            Self::Years { first, last } => format!("{first}/{last}"),
            Self::Term(term) => term.to_string(),
            Self::Quarter { year, quarter } => format!("{year:04}-Q{quarter}"),
        };
        f.pad(&label)
    }
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let year = |text: &str| text.parse::<Year>().ok();
        let parsed = if let Some((first, last)) = text.split_once('/') {
            year(first).zip(year(last)).and_then(|(first, last)| {
                let sound =
                    first.is_like(last) && first < last && last.first() - first.first() < MAX_YEARS;
                sound.then_some(Self::Years { first, last })
            })
        } else {
            let term = || text.parse().ok().map(Self::Term);
            year(text).map(Self::Year).or_else(|| quarter(text)).or_else(term)
        };
        parsed.ok_or_else(|| PeriodError::of(text))
    }
}

fn quarter(text: &str) -> Option<Period> {
    let (year, quarter) = text.split_once("-Q")?;
    let quarter = match quarter {
        "1" => 1,
        "2" => 2,
        "3" => 3,
        "4" => 4,
        _ => return None,
    };
    Some(Period::Quarter { year: four_digits(year)?, quarter })
}

/// Years from 1900 to 2199: wide enough for any cohort, narrow enough that dates cannot overflow.
fn four_digits(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|year| digits && (1900..2200).contains(year))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_what_it_prints() {
        for text in [
            "2025-26",
            "1999-00",
            "2025",
            "2013/2014",
            "2024-25/2025-26",
            "2025-FALL",
            "2026-WINTER",
            "2026-SPRING",
            "2026-SUMMER",
            "2026-Q1",
        ] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "2025-27",
            "25-26",
            "2026-Q5",
            "2026-Q01",
            "2026-Q+1",
            "2014/2013",
            "2013/2014-15",
            "2026-fall",
            "2026-AUTUMN",
            "2025-26-FALL",
            "FALL-2026",
            "FALL",
            "2026-FALL ",
            "1899-FALL",
            "2025-FALL/2026-SPRING",
            "9999",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_same_period_of_an_earlier_year_keeps_its_name() {
        for (text, earlier) in [
            ("2025-26", "2023-24"),
            ("2024-25/2025-26", "2022-23/2023-24"),
            ("2025-FALL", "2023-FALL"),
            ("2026-Q1", "2024-Q1"),
        ] {
            assert_eq!(text.parse::<Period>().unwrap().earlier(2).to_string(), earlier);
        }
    }
}
