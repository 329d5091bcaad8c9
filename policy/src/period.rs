//! Reporting periods: academic and calendar years, spans of years, quarters.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;

/// Longest span of years taken together; PSEO's longest cohort is five.
const MAX_YEARS: i16 = 10;

/// What a KPI is reported by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PeriodKind {
    /// One reporting year.
    Year,
    /// Several years taken together, each learner once: a PSEO-style pooled cohort.
    Years(i16),
    /// One calendar quarter.
    Quarter,
}

/// A day and month on which reporting years start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct YearStart {
    month: i8,
    day: i8,
}

/// A reporting year: `2025-26`, or `2025` where years start on 1 January.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Year {
    first: i16,
    split: bool,
}

/// The period of a table: `2025-26`, `2024-25/2025-26` (ISO 8601's slash), `2026-Q1`.
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
    "`{0}` is not a period: write 2025-26 (2025 where years start on 1 January), 2024-25/2025-26, or 2026-Q1"
)]
pub struct PeriodError(String);

impl YearStart {
    /// A start on this month and day. 29 February is refused: it does not come every year.
    pub fn new(month: i8, day: i8) -> Option<Self> {
        Date::new(2023, month, day).ok().map(|_| Self { month, day })
    }

    /// Whether reporting years are calendar years, and so are written `2025`.
    pub fn is_new_year(self) -> bool {
        self.month == 1 && self.day == 1
    }

    fn in_year(self, year: i16) -> Date {
        Date::constant(year, self.month, self.day)
    }

    /// The reporting year that holds this day.
    pub fn year_of(self, day: Date) -> Year {
        let first = if day < self.in_year(day.year()) { day.year() - 1 } else { day.year() };
        Year { first, split: !self.is_new_year() }
    }
}

impl FromStr for YearStart {
    type Err = YearStartError;
    fn from_str(text: &str) -> Result<Self, YearStartError> {
        let number = |part: &str| {
            (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()))
                .then(|| part.parse().ok())?
        };
        text.split_once('-')
            .and_then(|(month, day)| Self::new(number(month)?, number(day)?))
            .ok_or_else(|| YearStartError(text.to_owned()))
    }
}

/// A text that is no day of the year.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not the start of a year: write month and day, such as 07-01")]
pub struct YearStartError(String);

impl fmt::Display for YearStart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl Year {
    /// The calendar year in which this year begins.
    pub fn first(self) -> i16 {
        self.first
    }

    /// The year `years` earlier.
    pub fn minus(self, years: u8) -> Self {
        Self { first: self.first - i16::from(years), ..self }
    }

    /// The year after this one.
    pub fn next(self) -> Self {
        self.plus(1)
    }

    fn plus(self, years: i16) -> Self {
        Self { first: self.first + years, ..self }
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
        year(text).ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

impl Period {
    /// What kind of period this is.
    pub fn kind(self) -> PeriodKind {
        match self {
            Self::Year(_) => PeriodKind::Year,
            Self::Years { first, last } => PeriodKind::Years(last.first - first.first + 1),
            Self::Quarter { .. } => PeriodKind::Quarter,
        }
    }

    /// First and last day, for an agreement whose years start on `start`.
    pub fn span(self, start: YearStart) -> Span {
        let (first, next) = match self {
            Self::Year(year) => (start.in_year(year.first), start.in_year(year.first + 1)),
            Self::Years { first, last } => {
                (start.in_year(first.first), start.in_year(last.first + 1))
            }
            Self::Quarter { year, quarter } => {
                let first = Date::constant(year, quarter * 3 - 2, 1);
                let next = if quarter == 4 {
                    Date::constant(year + 1, 1, 1)
                } else {
                    Date::constant(year, quarter * 3 + 1, 1)
                };
                (first, next)
            }
        };
        Span { first, last: next.yesterday().unwrap_or(first) }
    }

    /// Whether the label is written as this agreement writes years: `2025` only with years from 1 January.
    pub fn fits(self, start: YearStart) -> bool {
        match self {
            Self::Year(year) | Self::Years { first: year, .. } => year.split != start.is_new_year(),
            Self::Quarter { .. } => true,
        }
    }

    /// The first period of a kind that starts on or after the first day of `year`.
    pub fn first_of(kind: PeriodKind, year: Year, start: YearStart) -> Self {
        match kind {
            PeriodKind::Year => Self::Year(year),
            PeriodKind::Years(count) => Self::Years { first: year, last: year.plus(count - 1) },
            PeriodKind::Quarter => {
                let day = start.in_year(year.first);
                let quarter = (day.month() - 1) / 3 + 1;
                let this = Self::Quarter { year: day.year(), quarter };
                if this.span(start).first < day { this.next() } else { this }
            }
        }
    }

    /// The period after this one. Spans of years do not overlap.
    pub fn next(self) -> Self {
        match self {
            Self::Year(year) => Self::Year(year.plus(1)),
            Self::Years { first, last } => {
                let count = last.first - first.first + 1;
                Self::Years { first: first.plus(count), last: last.plus(count) }
            }
            Self::Quarter { year, quarter: 4 } => Self::Quarter { year: year + 1, quarter: 1 },
            Self::Quarter { year, quarter } => Self::Quarter { year, quarter: quarter + 1 },
        }
    }
}

impl Span {
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
            Self::Quarter { year, quarter } => format!("{year:04}-Q{quarter}"),
        };
        f.pad(&label)
    }
}

impl FromStr for Period {
    type Err = PeriodError;
    fn from_str(text: &str) -> Result<Self, PeriodError> {
        let parsed = if let Some((first, last)) = text.split_once('/') {
            year(first).zip(year(last)).and_then(|(first, last)| {
                let sound = first.split == last.split
                    && first < last
                    && last.first - first.first < MAX_YEARS;
                sound.then_some(Self::Years { first, last })
            })
        } else if let Some((text_year, quarter)) = text.split_once("-Q") {
            four_digits(text_year).zip(quarter.parse().ok()).and_then(|(year, quarter)| {
                (quarter_text_is_sound(text) && (1..=4).contains(&quarter))
                    .then_some(Self::Quarter { year, quarter })
            })
        } else {
            year(text).map(Self::Year)
        };
        parsed.ok_or_else(|| PeriodError(text.chars().take(40).collect()))
    }
}

fn quarter_text_is_sound(text: &str) -> bool {
    text.len() == "2026-Q1".len()
}

/// Years from 1900 to 2199: wide enough for any cohort, narrow enough that dates cannot overflow.
fn four_digits(text: &str) -> Option<i16> {
    let digits = text.len() == 4 && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|year| digits && (1900..2200).contains(year))
}

fn year(text: &str) -> Option<Year> {
    match text.split_once('-') {
        None => Some(Year { first: four_digits(text)?, split: false }),
        Some((first, second)) => {
            let first = four_digits(first)?;
            let next = (first + 1).rem_euclid(100);
            (second == format!("{next:02}")).then_some(Year { first, split: true })
        }
    }
}

impl fmt::Display for PeriodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Year => f.write_str("year"),
            Self::Years(count) => write!(f, "{count} years"),
            Self::Quarter => f.write_str("quarter"),
        }
    }
}

impl FromStr for PeriodKind {
    type Err = PeriodKindError;
    fn from_str(text: &str) -> Result<Self, PeriodKindError> {
        match text {
            "year" => Ok(Self::Year),
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
    "this version cannot report by `{0}`: use \"year\", \"quarter\", or \"2 years\" to \"10 years\""
)]
pub struct PeriodKindError(String);

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const JULY: YearStart = YearStart { month: 7, day: 1 };
    const JANUARY: YearStart = YearStart { month: 1, day: 1 };

    #[test]
    fn reads_what_it_prints() {
        for text in ["2025-26", "1999-00", "2025", "2013/2014", "2024-25/2025-26", "2026-Q1"] {
            assert_eq!(text.parse::<Period>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "2025-27",
            "25-26",
            "2026-Q5",
            "2026-Q01",
            "2014/2013",
            "2013/2014-15",
            "2026-FALL",
            "9999",
        ] {
            assert!(bad.parse::<Period>().is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_first_to_last_day() {
        for (text, start, first, last) in [
            ("2025-26", JULY, "2025-07-01", "2026-06-30"),
            ("2024", JANUARY, "2024-01-01", "2024-12-31"),
            ("2013/2014", JANUARY, "2013-01-01", "2014-12-31"),
            ("2026-Q1", JULY, "2026-01-01", "2026-03-31"),
            ("2026-Q4", JULY, "2026-10-01", "2026-12-31"),
        ] {
            let span = text.parse::<Period>().unwrap().span(start);
            assert_eq!(
                (span.first.to_string(), span.last.to_string()),
                (first.into(), last.into())
            );
        }
    }

    #[test]
    fn walks_the_calendar_without_overlap() {
        let year = "2025-26".parse().unwrap();
        for (kind, labels) in [
            (PeriodKind::Year, ["2025-26", "2026-27"]),
            (PeriodKind::Years(2), ["2025-26/2026-27", "2027-28/2028-29"]),
            (PeriodKind::Quarter, ["2025-Q3", "2025-Q4"]),
        ] {
            let first = Period::first_of(kind, year, JULY);
            assert_eq!([first.to_string(), first.next().to_string()], labels);
            assert_eq!(first.kind(), kind);
            let (one, two) = (first.span(JULY), first.next().span(JULY));
            assert_eq!(one.last.tomorrow().unwrap(), two.first);
        }
    }

    #[test]
    fn finds_the_year_of_a_day() {
        for (day, year) in [("2026-06-30", "2025-26"), ("2026-07-01", "2026-27")] {
            assert_eq!(JULY.year_of(day.parse().unwrap()).to_string(), year);
        }
        assert_eq!(JANUARY.year_of("2026-06-30".parse().unwrap()).to_string(), "2026");
    }
}
