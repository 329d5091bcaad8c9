//! The dates in certificates, which count whole seconds of UTC.

use jiff::Timestamp;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;

pub(crate) const DAY: i64 = 86_400;

/// A certificate is valid from a little before it was made, for partners whose clocks run behind.
const CLOCK_TOLERANCE: i64 = 5 * 60;

/// When a certificate made `now` starts to be valid, in seconds since 1970.
pub(crate) fn just_before(now: Timestamp) -> i64 {
    now.as_second().saturating_sub(CLOCK_TOLERANCE)
}

pub(crate) fn to_asn1(second: i64) -> Result<Asn1Time, ErrorStack> {
    Asn1Time::from_unix(second)
}

/// `None` when the date is malformed or beyond the year 9999.
pub(crate) fn from_asn1(time: &Asn1TimeRef) -> Option<Timestamp> {
    let since = Asn1Time::from_unix(0).ok()?.diff(time).ok()?;
    Timestamp::from_second(i64::from(since.days) * DAY + i64::from(since.secs)).ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn reads_back_the_date_that_was_written() {
        for date in ["1970-01-01T00:00:00Z", "2026-11-24T13:30:22Z", "2051-02-28T23:59:59Z"] {
            let date: Timestamp = date.parse().unwrap();
            assert_eq!(from_asn1(&to_asn1(date.as_second()).unwrap()), Some(date));
        }
    }
}
