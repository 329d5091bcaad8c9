//! What a column's values can be, and what they are likely to be. What cannot be is an error of the row; what is
//! unlikely is told to the operator, with the first row of its kind.

use jiff::civil::{Date, date};
use sumac_policy::{Column, Kind};

use super::mapping::{Cell, Misread, days_of};
use super::source::day;

/// Nothing that a node holds happened before, and registrars' systems write 1900-01-01 for a day they do not know.
pub(super) const FIRST_DAY: Date = date(1940, 1, 1);
/// Systems write 2999 or 9999 for a day that has not come.
pub(super) const LAST_DAY: Date = date(2099, 12, 31);
/// The earliest year of birth; 1900 stands for a year that is not known.
const FIRST_BIRTH: i64 = 1905;
/// Years in which memories, archives and file formats agree.
const LIKELY_YEARS: i16 = 60;
/// A credit in hundredths.
const CREDIT: i64 = 100;
/// A dollar in cents.
const DOLLAR: i64 = 100;

/// What a column's values can be, and are likely to be: days since 1970-01-01, years, or whole numbers in the
/// column's unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bounds {
    possible: (i64, i64),
    likely: (i64, i64),
    of: Of,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Days,
    Years,
    Numbers,
}

/// What is thought of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Likely,
    Unlikely,
    Impossible(Misread),
}

impl Bounds {
    /// A column's bounds for data taken on a day. None for codes: their list bounds them.
    pub(super) fn of(column: &Column, as_of: Date) -> Option<Self> {
        let name = column.name.as_str();
        Some(match &column.kind {
            Kind::Code(_) => return None,
            Kind::Date => Self::of_days(name, as_of),
            Kind::Year => Self::of_years(name, as_of),
            Kind::Integer => Self::of_numbers(name),
        })
    }

    fn of_days(name: &str, as_of: Date) -> Self {
        let year = as_of.year();
        let first = Date::new(year.saturating_sub(LIKELY_YEARS), 1, 1).unwrap_or(FIRST_DAY);
        // Terms and services are planned ahead; what has been done has been done.
        let last = match name {
            "term_start" | "started_on" | "ended_on" => {
                Date::new(year.saturating_add(2), 12, 31).unwrap_or(LAST_DAY)
            }
            _ => as_of,
        };
        let days = |day: Date| i64::from(days_of(day));
        Self {
            possible: (days(FIRST_DAY), days(LAST_DAY)),
            likely: (days(first), days(last)),
            of: Of::Days,
        }
    }

    fn of_years(name: &str, as_of: Date) -> Self {
        let now = i64::from(as_of.year());
        let (possible, likely) = match name {
            // Learners of five and of a hundred have been seen.
            "birth_year" => ((FIRST_BIRTH, now), (now - 100, now - 10)),
            _ => (
                (i64::from(FIRST_DAY.year()), i64::from(LAST_DAY.year())),
                (now - i64::from(LIKELY_YEARS), now + 1),
            ),
        };
        Self { possible, likely, of: Of::Years }
    }

    fn of_numbers(name: &str) -> Self {
        let (most, low, high) = match name {
            // Colleges that count clock hours write hundreds.
            "credits_attempted" | "credits_earned" | "credits_earned_term_1" => {
                (1_000 * CREDIT, 0, 60 * CREDIT)
            }
            _ if name.starts_with("credits_") => (1_000 * CREDIT, 0, 120 * CREDIT),
            "time_to_credential" => (100 * 100, 0, 20 * 100),
            "term_number" => (300, 1, 60),
            "q2_earnings" => (25_000_000 * DOLLAR, 0, 250_000 * DOLLAR),
            "start_pay_annual" => (100_000_000 * DOLLAR, 1_000 * DOLLAR, 1_000_000 * DOLLAR),
            _ if name.starts_with("earnings_") => (100_000_000 * DOLLAR, 0, 1_000_000 * DOLLAR),
            // A column that the agreement declares for itself.
            _ => (100_000_000_000, 0, 100_000_000_000),
        };
        Self { possible: (0, most), likely: (low, high), of: Of::Numbers }
    }

    /// The least and the greatest that can be.
    pub(super) fn possible(&self) -> (i64, i64) {
        self.possible
    }

    /// Whether a value may need more than four bytes.
    pub(super) fn is_wide(&self) -> bool {
        let (low, high) = self.possible;
        i32::try_from(low).and(i32::try_from(high)).is_err()
    }

    /// The least and the greatest that are likely.
    pub(super) fn likely(&self) -> (i64, i64) {
        self.likely
    }

    /// What is thought of a value; an absent one is likely.
    pub(super) fn judge(&self, cell: Cell) -> Verdict {
        let Some(value) = cell.order() else { return Verdict::Likely };
        let (low, high) = self.possible;
        if !(low..=high).contains(&value) {
            return Verdict::Impossible(match self.of {
                Of::Days => {
                    let named = |days: i64| i32::try_from(days).ok().and_then(day);
                    Misread::OutsideDays {
                        low: named(low).unwrap_or(FIRST_DAY),
                        high: named(high).unwrap_or(LAST_DAY),
                    }
                }
                Of::Years => Misread::OutsideLikelyYears { low, high },
                Of::Numbers => Misread::OutsideRange { low, high },
            });
        }
        let (low, high) = self.likely;
        if (low..=high).contains(&value) { Verdict::Likely } else { Verdict::Unlikely }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sumac_policy::{TableName, standard};

    use super::*;

    fn judge(column: (TableName, &str), cell: Cell) -> &'static str {
        let column = standard().schema.column(column.0, column.1).unwrap();
        match Bounds::of(column, date(2026, 10, 15)).unwrap().judge(cell) {
            Verdict::Likely => "likely",
            Verdict::Unlikely => "unlikely",
            Verdict::Impossible(_) => "impossible",
        }
    }

    #[test]
    fn tells_what_cannot_be_from_what_hardly_is() {
        use TableName::{Award, Employment, Enrolment, Learner};
        let on = |text: &str| Cell::Date(Some(days_of(text.parse().unwrap())));
        for (column, cell, expected) in [
            ((Award, "awarded_on"), on("1900-01-01"), "impossible"),
            ((Award, "awarded_on"), on("1950-06-01"), "unlikely"),
            ((Award, "awarded_on"), on("2026-06-01"), "likely"),
            ((Award, "awarded_on"), on("2026-10-16"), "unlikely"),
            ((Award, "awarded_on"), Cell::Date(None), "likely"),
            ((Employment, "ended_on"), on("2999-12-31"), "impossible"),
            ((Enrolment, "term_start"), on("2027-01-10"), "likely"),
            ((Learner, "birth_year"), Cell::Year(Some(1900)), "impossible"),
            ((Learner, "birth_year"), Cell::Year(Some(2020)), "unlikely"),
            ((Learner, "birth_year"), Cell::Year(Some(2027)), "impossible"),
            ((Enrolment, "cohort_year"), Cell::Year(Some(2025)), "likely"),
            ((Enrolment, "credits_attempted"), Cell::Integer(Some(100_000_000_000)), "impossible"),
            ((Enrolment, "credits_attempted"), Cell::Integer(Some(9_900)), "unlikely"),
            ((Employment, "start_pay_annual"), Cell::Integer(Some(-1)), "impossible"),
            ((Employment, "start_pay_annual"), Cell::Integer(Some(4_160_000)), "likely"),
            // Hourly pay in a column of yearly pay.
            ((Employment, "start_pay_annual"), Cell::Integer(Some(1_850)), "unlikely"),
        ] {
            assert_eq!(judge(column, cell), expected, "{column:?} {cell:?}");
        }
        let mut bounded = 0;
        for table in standard().schema.tables() {
            for column in &table.columns {
                bounded += u32::from(Bounds::of(column, date(2026, 10, 15)).is_some());
            }
        }
        assert!(bounded > 20, "{bounded}");
    }
}
