//! The currency of privacy: ρ of zero-concentrated differential privacy, counted in billionths.

use std::fmt;
use std::str::FromStr;

/// One ρ in [`NanoRho`].
const NANO: u64 = 1_000_000_000;

/// Decimals of ρ that a [`NanoRho`] can hold.
const DECIMALS: usize = 9;

/// An amount of ρ in units of 10⁻⁹: a price, a spending or a budget.
///
/// An integer, so that sums do not depend on their order and a cap is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NanoRho(u64);

impl NanoRho {
    /// Nothing spent.
    pub const ZERO: Self = Self(0);

    /// The dearest amount there is; no budget worth the name pays it.
    pub const MAX: Self = Self(u64::MAX);

    /// An amount of `nano_rho` billionths of ρ.
    pub const fn new(nano_rho: u64) -> Self {
        Self(nano_rho)
    }

    /// The amount in billionths of ρ.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The sum, or `None` where it does not fit.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// What remains after taking `other` away, or `None` where `other` is more.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// This amount as a share of `whole` in thousandths, so 38 stands for 3.8 %.
    ///
    /// Rounded up: a spending never looks smaller than it is. `None` where `whole` is zero.
    pub fn share_of(self, whole: Self) -> Option<u64> {
        if whole == Self::ZERO {
            return None;
        }
        let permille = (u128::from(self.0) * 1000).div_ceil(u128::from(whole.0));
        Some(u64::try_from(permille).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for NanoRho {
    /// Decimal ρ without trailing zeros, for example `0.019208`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:09}", self.0 / NANO, self.0 % NANO);
        f.pad(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Why a text is not an amount of ρ.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseRhoError {
    /// Something other than digits with at most one point between them.
    #[error("`{0}` is not a decimal number; write ρ like `0.5`")]
    NotDecimal(String),
    /// More decimals than a billionth of ρ.
    #[error("`{0}` has more than nine decimals; round it to a billionth of ρ")]
    TooFine(String),
    /// Beyond [`NanoRho::MAX`].
    #[error("`{0}` is larger than any budget; the largest ρ is {max}", max = NanoRho::MAX)]
    TooLarge(String),
}

impl FromStr for NanoRho {
    type Err = ParseRhoError;

    /// Reads decimal ρ exactly: digits, and at most nine more after a point.
    fn from_str(text: &str) -> Result<Self, ParseRhoError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        if !is_digits(whole) || !is_digits(fraction) {
            return Err(ParseRhoError::NotDecimal(text.to_owned()));
        }
        if fraction.len() > DECIMALS {
            return Err(ParseRhoError::TooFine(text.to_owned()));
        }
        // Only the length can be wrong by now.
        format!("{whole}{fraction:0<DECIMALS$}")
            .parse()
            .map(Self)
            .map_err(|_| ParseRhoError::TooLarge(text.to_owned()))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    fn rho(text: &str) -> NanoRho {
        text.parse().unwrap()
    }

    #[test]
    fn shows_the_shortest_decimal() {
        for (nano_rho, shown) in [
            (0, "0"),
            (1, "0.000000001"),
            (19_208_000, "0.019208"),
            (500_000_000, "0.5"),
            (NANO, "1"),
            (10 * NANO, "10"),
            (u64::MAX, "18446744073.709551615"),
        ] {
            assert_eq!(NanoRho::new(nano_rho).to_string(), shown);
        }
    }

    #[test]
    fn reads_decimals_exactly() {
        for (text, nano_rho) in [
            ("0", 0),
            ("0.5", 500_000_000),
            ("0.500000000", 500_000_000),
            ("0.1", 100_000_000),
            ("007.000000001", 7 * NANO + 1),
            ("18446744073.709551615", u64::MAX),
        ] {
            assert_eq!(text.parse(), Ok(NanoRho::new(nano_rho)), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_plain_decimal() {
        for text in
            ["", ".", ".5", "5.", "-1", "+1", "1e-3", "1_0", "0,5", " 1", "1.2.3", "inf", "٣"]
        {
            assert_eq!(text.parse::<NanoRho>(), Err(ParseRhoError::NotDecimal(text.to_owned())));
        }
    }

    #[test]
    fn refuses_what_it_would_have_to_round() {
        // Ten decimals are refused even where the tenth is zero: no reader has to count.
        for text in ["0.0192080001", "0.5000000000"] {
            assert_eq!(text.parse::<NanoRho>(), Err(ParseRhoError::TooFine(text.to_owned())));
        }
        for text in ["18446744073.709551616", "99999999999999999999999999"] {
            assert_eq!(text.parse::<NanoRho>(), Err(ParseRhoError::TooLarge(text.to_owned())));
        }
    }

    #[test]
    fn a_share_is_rounded_up() {
        for (part, whole, permille) in [
            ("0.019208", "0.5", Some(39)),
            ("0.000000001", "0.5", Some(1)),
            ("0", "0.5", Some(0)),
            ("0.5", "0.5", Some(1000)),
            ("1", "0.5", Some(2000)),
            ("1", "0", None),
        ] {
            assert_eq!(rho(part).share_of(rho(whole)), permille, "{part} of {whole}");
        }
        assert_eq!(NanoRho::MAX.share_of(NanoRho::new(1)), Some(u64::MAX));
    }

    #[test]
    fn never_wraps() {
        assert_eq!(NanoRho::MAX.checked_add(NanoRho::new(1)), None);
        assert_eq!(NanoRho::ZERO.checked_sub(NanoRho::new(1)), None);
    }

    proptest! {
        #[test]
        fn text_and_amount_are_one(nano_rho: u64) {
            let amount = NanoRho::new(nano_rho);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn a_sum_does_not_depend_on_its_order(mut amounts in prop::collection::vec(any::<u64>(), 0..20)) {
            let total = |amounts: &[u64]| {
                amounts
                    .iter()
                    .try_fold(NanoRho::ZERO, |sum, &next| sum.checked_add(NanoRho::new(next)))
            };
            let forward = total(&amounts);
            amounts.reverse();
            let backward = total(&amounts);
            amounts.sort_unstable();
            prop_assert_eq!(forward, backward);
            prop_assert_eq!(forward, total(&amounts));
        }
    }
}
