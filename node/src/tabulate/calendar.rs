//! Days as numbers, and what calendar arithmetic does to them.

use jiff::civil::Date;
use sumac_policy::Interval;

/// Days since 1970-01-01 of a day in the proleptic Gregorian calendar.
pub(super) fn days(date: Date) -> i32 {
    days_from_civil(date.year().into(), date.month().into(), date.day().into())
}

/// A day some months and then some days later, as PostgreSQL adds an interval to a date: where a month is
/// too short, its last day. Days beyond what a snapshot can hold become the first or last it can.
pub(super) fn plus(day: i32, interval: Interval) -> i32 {
    let moved = if interval.months == 0 { day } else { plus_months(day, interval.months) };
    moved.saturating_add(interval.days)
}

fn plus_months(day: i32, months: i32) -> i32 {
    let (year, month, day_of_month) = civil_from_days(day);
    let total = year * 12 + (month - 1) + i64::from(months);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    days_from_civil(year, month, day_of_month.min(days_in_month(year, month)))
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both ways as in Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, so
// that the leap day is the last of its year, and 400 years are an era of 146,097 days.

const ERA: i64 = 146_097;

/// 1970-01-01 in days since 0000-03-01.
const EPOCH: i64 = 719_468;

fn days_from_civil(year: i64, month: i64, day: i64) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    let days = era * ERA + day_of_era - EPOCH;
    i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX })
}

fn civil_from_days(days: i32) -> (i64, i64, i64) {
    let days = i64::from(days) + EPOCH;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use jiff::ToSpan;
    use proptest::prelude::*;

    use super::*;

    fn check(day: &str, months: i32, plus_days: i32, expected: &str) {
        let day = days(day.parse().unwrap());
        let moved = plus(day, Interval { months, days: plus_days });
        assert_eq!(moved, days(expected.parse().unwrap()), "{day} {months} {plus_days}");
    }

    #[test]
    fn a_month_after_the_end_of_january_is_the_end_of_february() {
        check("2023-01-31", 1, 0, "2023-02-28");
        check("2024-01-31", 1, 0, "2024-02-29");
        check("2024-02-29", 12, 0, "2025-02-28");
        check("2024-03-31", -1, 0, "2024-02-29");
        check("2023-01-31", 1, 1, "2023-03-01");
        check("2026-06-30", 12, 0, "2027-06-30");
        check("1970-01-01", 0, -1, "1969-12-31");
    }

    #[test]
    fn days_beyond_the_calendar_do_not_wrap() {
        assert_eq!(plus(i32::MAX, Interval { months: 1200, days: 1 }), i32::MAX);
        assert_eq!(plus(i32::MIN, Interval { months: -1200, days: -1 }), i32::MIN);
    }

    proptest! {
        #[test]
        fn agrees_with_another_calendar(
            day in -100_000..100_000_i32,
            months in -1200..=1200_i32,
            more in -36_500..=36_500_i32,
        ) {
            let epoch = Date::constant(1970, 1, 1);
            let date = epoch.checked_add(day.days()).unwrap();
            prop_assert_eq!(days(date), day);
            let moved = date.checked_add(months.months()).unwrap().checked_add(more.days()).unwrap();
            prop_assert_eq!(plus(day, Interval { months, days: more }), days(moved));
        }
    }
}
