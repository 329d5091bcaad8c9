//! Texts of an export as dates, years and whole numbers: exactly, or not at all.

use std::iter;

use jiff::civil::{Date, date};
use sumac_policy::YearStart;

use super::super::source;
use super::reading::Cell;

/// Days and years outside these are slips of the pen.
const FIRST_YEAR: i16 = 1900;
const LAST_YEAR: i16 = 2199;
const EPOCH: Date = date(1970, 1, 1);

/// Why a text is no value of its column. Names no value: the text may be a learner's own.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in crate::records) enum Misread {
    #[error("is blank")]
    Blank,
    #[error("is not in the mapping's codes")]
    Code,
    #[error("is not in the mapping's values")]
    Value,
    #[error("is not a date written as {0}")]
    Date(String),
    #[error("is not a year, such as 2025 or 2025-26")]
    Year,
    #[error("is outside the years {FIRST_YEAR} to {LAST_YEAR}")]
    OutsideYears,
    #[error("has a comma in a number")]
    Comma,
    #[error("is not a whole number")]
    Fraction,
    #[error("has more than two decimals")]
    Decimals,
    #[error("is not a number")]
    Number,
    #[error("is not from {low} to {high}")]
    OutsideRange { low: i64, high: i64 },
    #[error("has not {0} characters, so that zeros may be lost")]
    Length(usize),
    #[error("is not from {low} to {high}")]
    OutsideDays { low: Date, high: Date },
    #[error("is not a year from {low} to {high}")]
    OutsideLikelyYears { low: i64, high: i64 },
    #[error("is a number, which has lost the zeros that its code begins with")]
    LeadingZeros,
}

/// A day as days since 1970-01-01.
pub(in crate::records) fn days_of(day: Date) -> i32 {
    day.since(EPOCH).map_or(0, |span| span.get_days())
}

/// A day as a value, if it is one that people write.
pub(in crate::records) fn day_cell(day: Date) -> Option<Cell> {
    in_years(day.year()).ok().map(|_| Cell::Date(Some(days_of(day))))
}

/// A date, written as `format` says or else as 2025-09-01, as days since 1970-01-01.
pub(super) fn days(text: &str, format: Option<&str>) -> Result<i32, Misread> {
    day(text, format).map(days_of)
}

/// Whether a day, as days since 1970-01-01, is one that people write.
pub(super) fn within_years(days: i32) -> Result<(), Misread> {
    let year = source::day(days).ok_or(Misread::OutsideYears)?.year();
    in_years(year).map(|_| ())
}

/// The first calendar year of the reporting year that holds a day.
pub(super) fn year_with(days: i32, starts: YearStart) -> Result<i16, Misread> {
    let day = source::day(days).ok_or(Misread::OutsideYears)?;
    in_years(starts.year_of(day).first())
}

pub(super) fn day(text: &str, format: Option<&str>) -> Result<Date, Misread> {
    let read = match format {
        Some(format) => Date::strptime(format, text),
        None => text.parse(),
    };
    let day = read.map_err(|_| Misread::Date(format.unwrap_or("2025-09-01").to_owned()))?;
    if (FIRST_YEAR..=LAST_YEAR).contains(&day.year()) {
        Ok(day)
    } else {
        Err(Misread::OutsideYears)
    }
}

/// Whether a format reads back the day it writes, and so names day, month and year.
pub(super) fn reads_days(format: &str) -> bool {
    let noon = date(2025, 11, 24).at(12, 0, 0, 0);
    let written = jiff::fmt::strtime::format(format, noon);
    written.is_ok_and(|text| Date::strptime(format, text).ok() == Some(noon.date()))
}

/// `2025`, `2025-26`, `2025-2026` or `2025/26`: the first calendar year.
pub(in crate::records) fn year(text: &str) -> Result<i16, Misread> {
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (first, second) = match text.split_once(['-', '/']) {
        Some((first, second)) => (first, Some(second)),
        None => (text, None),
    };
    if first.len() != 4 || !digits(first) {
        return Err(Misread::Year);
    }
    let year: i16 = first.parse().map_err(|_| Misread::Year)?;
    let next = year + 1;
    let follows = |second: &str| {
        second == format!("{:02}", next.rem_euclid(100)) || second == next.to_string()
    };
    if !second.is_none_or(follows) {
        return Err(Misread::Year);
    }
    in_years(year)
}

/// The first calendar year of the reporting year that holds a date.
pub(super) fn year_of(text: &str, format: &str, starts: YearStart) -> Result<i16, Misread> {
    in_years(starts.year_of(day(text, Some(format))?).first())
}

fn in_years(year: i16) -> Result<i16, Misread> {
    if (FIRST_YEAR..=LAST_YEAR).contains(&year) { Ok(year) } else { Err(Misread::OutsideYears) }
}

/// A whole number; in hundredths, `12.5` is 1250. No float is involved, and nothing is rounded unless the mapping
/// says so: then half away from zero.
pub(super) fn integer(
    text: &str,
    hundredths: bool,
    rounded: bool,
    low: i64,
    high: i64,
) -> Result<i64, Misread> {
    if text.contains(',') {
        return Err(Misread::Comma);
    }
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let sound = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !sound(whole) || !sound(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(Misread::Number);
    }
    // 12.50000 and 12.5 are one number.
    let fraction = fraction.trim_end_matches('0');
    let kept = if hundredths { 2 } else { 0 };
    let up = match fraction.get(kept..).and_then(|rest| rest.bytes().next()) {
        Some(next) if rounded => next >= b'5',
        Some(_) if hundredths => return Err(Misread::Decimals),
        Some(_) => return Err(Misread::Fraction),
        None => false,
    };
    let fraction = fraction.get(..kept).unwrap_or(fraction);
    let outside = Misread::OutsideRange { low, high };
    let digits = whole.bytes().chain(fraction.bytes()).chain(iter::repeat(b'0'));
    let mut scaled =
        digits.take(whole.len() + kept).map(|digit| i64::from(digit.wrapping_sub(b'0')));
    let magnitude =
        scaled.try_fold(0_i64, |number, digit| number.checked_mul(10)?.checked_add(digit));
    let magnitude = magnitude.and_then(|number| number.checked_add(i64::from(up)));
    let magnitude = magnitude.ok_or(outside.clone())?;
    let number = if negative { -magnitude } else { magnitude };
    if (low..=high).contains(&number) { Ok(number) } else { Err(outside) }
}

/// A decimal as a whole number, or as whole hundredths, read as its text would be.
pub(super) fn scaled(
    digits: i128,
    scale: u32,
    hundredths: bool,
    rounded: bool,
    low: i64,
    high: i64,
) -> Result<i64, Misread> {
    let wanted = if hundredths { 2 } else { 0 };
    let outside = Misread::OutsideRange { low, high };
    let power = |by: u32| 10_i128.checked_pow(by).ok_or(outside.clone());
    let number = match scale.checked_sub(wanted) {
        None | Some(0) => digits.checked_mul(power(wanted - scale.min(wanted))?),
        Some(more) => {
            let unit = power(more)?;
            let (whole, rest) = (digits / unit, digits % unit);
            if rest != 0 && !rounded {
                return Err(if hundredths { Misread::Decimals } else { Misread::Fraction });
            }
            let up = rest.unsigned_abs() * 2 >= unit.unsigned_abs();
            Some(whole + if up { digits.signum() } else { 0 })
        }
    };
    let number = number.and_then(|number| i64::try_from(number).ok()).ok_or(outside.clone())?;
    if (low..=high).contains(&number) { Ok(number) } else { Err(outside) }
}

impl Misread {
    /// What the operator can do.
    pub(in crate::records) fn hint(&self) -> &'static str {
        match self {
            Self::Blank => {
                "correct the row, or say in the mapping what blank stands for: blank = \"…\""
            }
            Self::Code => {
                "add it to the mapping's codes, or say what all the rest become: other = \"…\""
            }
            Self::Value => {
                "add it to the mapping's values, or to absent where it stands for nothing"
            }
            Self::Date(_) => "say in the mapping how dates are written: date = \"%m/%d/%Y\"",
            Self::Year => "correct the row, or list the value in the mapping's absent",
            Self::OutsideYears => "correct the row, or list the value in the mapping's absent",
            Self::Comma => "export plain numbers, such as 12500.50",
            Self::Fraction => "if the column counts hundredths, say hundredths = true",
            Self::Decimals | Self::Number => {
                "correct the row, or list the value in the mapping's absent"
            }
            Self::Length(_) => "export the column as text, with the zeros it begins with",
            Self::OutsideDays { .. } | Self::OutsideLikelyYears { .. } => {
                "correct the row, or list the value in the mapping's absent"
            }
            Self::LeadingZeros => "export the column as text",
            Self::OutsideRange { .. } => "correct the row, or map another column",
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_dates_as_days() {
        for (text, format, days_since) in [
            ("1970-01-02", None, 1),
            ("1969-12-31", None, -1),
            ("2013-02-01", None, 15_737),
            ("2013-02-01 00:00:00.000", None, 15_737),
            ("02/01/2013", Some("%m/%d/%Y"), 15_737),
            ("2/1/2013", Some("%m/%d/%Y"), 15_737),
            ("01-FEB-2013", Some("%d-%b-%Y"), 15_737),
            ("01.02.13", Some("%d.%m.%y"), 15_737),
        ] {
            assert_eq!(days(text, format), Ok(days_since), "{text}");
        }
        for (text, format) in [
            ("2013-2-1", None),
            ("2013-02-30", None),
            ("13/01/2013", Some("%m/%d/%Y")),
            ("02/01/13", Some("%m/%d/%Y")),
            ("1899-12-31", None),
            ("9999-12-31", None),
        ] {
            assert!(days(text, format).is_err(), "{text}");
        }
    }

    #[test]
    fn knows_a_format_that_cannot_give_a_day() {
        for good in ["%m/%d/%Y", "%d-%b-%Y", "%Y%m%d", "%d.%m.%y", "%Y-%m-%d %H:%M:%S"] {
            assert!(reads_days(good), "{good}");
        }
        for bad in ["%Y-%m", "mm/dd/yyyy", "%Q", "%d/%Y", ""] {
            assert!(!reads_days(bad), "{bad}");
        }
    }

    #[test]
    fn reads_years_and_their_first_calendar_year() {
        for text in ["2025", "2025-26", "2025-2026", "2025/26"] {
            assert_eq!(year(text), Ok(2025), "{text}");
        }
        assert_eq!(year("1999-00"), Ok(1999));
        for text in ["25", "2025-27", "2025-", "FALL2025", "+2025", "1850", "2200"] {
            assert!(year(text).is_err(), "{text}");
        }
        let july = "07-01".parse().unwrap();
        assert_eq!(year_of("06/30/2026", "%m/%d/%Y", july), Ok(2025));
        assert_eq!(year_of("07/01/2026", "%m/%d/%Y", july), Ok(2026));
    }

    #[test]
    fn reads_numbers_exactly() {
        let read = |text, hundredths| integer(text, hundredths, false, 0, 1_000_000);
        for (text, hundredths, number) in [
            ("12", false, 12),
            ("12.00", false, 12),
            ("+0012", false, 12),
            ("12.5", true, 1250),
            ("12", true, 1200),
            (".25", true, 25),
            ("0.29", true, 29),
            ("12.500", true, 1250),
            ("-0", false, 0),
        ] {
            assert_eq!(read(text, hundredths), Ok(number), "{text}");
        }
        for (text, hundredths, fault) in [
            ("1,234", false, Misread::Comma),
            ("12,5", true, Misread::Comma),
            ("12.5", false, Misread::Fraction),
            ("12.505", true, Misread::Decimals),
            ("1e3", false, Misread::Number),
            ("$12", false, Misread::Number),
            (".", false, Misread::Number),
            ("--1", false, Misread::Number),
            ("-1", false, Misread::OutsideRange { low: 0, high: 1_000_000 }),
            ("99999999999999999999", false, Misread::OutsideRange { low: 0, high: 1_000_000 }),
        ] {
            assert_eq!(read(text, hundredths), Err(fault), "{text}");
        }
        // As a decimal, and rounded.
        for (text, digits, scale, number) in [
            ("2.335", 2_335, 3, 234),
            ("-2.335", -2_335, 3, -234),
            ("2.3349", 23_349, 4, 233),
            ("3", 3, 0, 300),
        ] {
            assert_eq!(integer(text, true, true, -1_000, 1_000), Ok(number), "{text}");
            assert_eq!(scaled(digits, scale, true, true, -1_000, 1_000), Ok(number), "{text}");
        }
        assert_eq!(scaled(2_335, 3, true, false, 0, 1_000), Err(Misread::Decimals));
        assert_eq!(scaled(25, 1, false, false, 0, 1_000), Err(Misread::Fraction));
        assert_eq!(scaled(250, 1, false, false, 0, 1_000), Ok(25));
    }
}
