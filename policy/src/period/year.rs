//! Reporting years, and the day on which they start.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

use super::{PeriodError, Span, four_digits};

/// A month and day that come every year: any but 29 February.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DayOfYear {
    month: i8,
    day: i8,
}

impl DayOfYear {
    pub(super) fn in_year(self, year: i16) -> Date {
        Date::constant(year, self.month, self.day)
    }
}

impl FromStr for DayOfYear {
    type Err = DayOfYearError;
    fn from_str(text: &str) -> Result<Self, DayOfYearError> {
        let number = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse().ok())?
        };
        let read = |(month, day)| {
            let (month, day) = (number(month)?, number(day)?);
            // 2023 had no 29 February.
            Date::new(2023, month, day).ok().map(|_| Self { month, day })
        };
        text.split_once('-').and_then(read).ok_or_else(|| DayOfYearError(text.to_owned()))
    }
}

/// A text that is no day of every year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day that every year has: write month and day, such as 08-15")]
pub struct DayOfYearError(String);

impl fmt::Display for DayOfYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// A day and month on which reporting years start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct YearStart(DayOfYear);

impl YearStart {
    /// The day and month.
    pub fn day(self) -> DayOfYear {
        self.0
    }

    /// Whether reporting years are calendar years, and so are written `2025`.
    pub fn is_new_year(self) -> bool {
        self.0 == DayOfYear { month: 1, day: 1 }
    }

    /// The reporting year that holds this day.
    pub fn year_of(self, day: Date) -> Year {
        let begun = self.0.in_year(day.year()) <= day;
        let first = if begun { day.year() } else { day.year() - 1 };
        Year { first, split: !self.is_new_year() }
    }
}

impl FromStr for YearStart {
    type Err = YearStartError;
    fn from_str(text: &str) -> Result<Self, YearStartError> {
        text.parse().map(Self).map_err(|DayOfYearError(text)| YearStartError(text))
    }
}

/// A text that is no day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the start of a year: write month and day, such as 07-01")]
pub struct YearStartError(String);

impl fmt::Display for YearStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A reporting year: `2025-26`, or `2025` where years start on 1 January.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year {
    first: i16,
    split: bool,
}

impl Year {
    /// The calendar year in which this year begins.
    pub fn first(self) -> i16 {
        self.first
    }

    /// The year `years` earlier.
    pub fn minus(self, years: u8) -> Self {
        self.plus(-i16::from(years))
    }

    /// The year after this one.
    pub fn next(self) -> Self {
        self.plus(1)
    }

    pub(crate) fn plus(self, years: i16) -> Self {
        Self { first: self.first + years, ..self }
    }

    /// First and last day, where years start on `start`.
    pub fn span(self, start: YearStart) -> Span {
        Span::until(start.0.in_year(self.first), start.0.in_year(self.first + 1))
    }

    /// Whether it is written as years that start on `start` are: `2025` only with years from 1 January.
    pub fn fits(self, start: YearStart) -> bool {
        self.split != start.is_new_year()
    }

    /// Whether both are written alike.
    pub(super) fn is_like(self, other: Self) -> bool {
        self.split == other.split
    }
}

impl fmt::Display for Year {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.split {
            write!(f, "{:04}-{:02}", self.first, (self.first + 1).rem_euclid(100))
        } else {
            write!(f, "{:04}", self.first)
        }
    }
}

impl FromStr for Year {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let year = match text.split_once('-') {
            None => four_digits(text).map(|first| Self { first, split: false }),
            Some((first, second)) => four_digits(first)
                .filter(|first| second == format!("{:02}", (first + 1).rem_euclid(100)))
                .map(|first| Self { first, split: true }),
        };
        year.ok_or_else(|| PeriodError::of(text))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn finds_the_year_of_a_day() {
        let july: YearStart = "07-01".parse().unwrap();
        for (day, year) in [("2026-06-30", "2025-26"), ("2026-07-01", "2026-27")] {
            assert_eq!(july.year_of(day.parse().unwrap()).to_string(), year);
        }
        let january: YearStart = "01-01".parse().unwrap();
        assert_eq!(january.year_of("2026-06-30".parse().unwrap()).to_string(), "2026");
    }

    #[test]
    fn a_day_that_does_not_come_every_year_starts_nothing() {
        for text in ["02-29", "02-30", "13-01", "00-10", "7-01", "07-1", "0701", "07-01-", ""] {
            assert!(text.parse::<DayOfYear>().is_err(), "{text}");
            assert!(text.parse::<YearStart>().is_err(), "{text}");
        }
        assert_eq!("02-28".parse::<DayOfYear>().unwrap().to_string(), "02-28");
    }
}
