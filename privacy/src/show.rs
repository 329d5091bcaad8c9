//! What an amount of ρ means: to a lawyer as (ε, δ), to everyone else as an attacker's best guess.

use std::fmt;

use opendp::combinators::ConcentratedMeasure;
use opendp::measures::ZeroConcentratedDivergence;

use crate::rho::NanoRho;

/// Why an amount of ρ could not be stated as (ε, δ).
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// δ is a probability, and neither of its ends says anything.
    #[error("δ is `{0}`; it must lie between 0 and 1, for example 0.000001")]
    Delta(f64),
    /// OpenDP gave up: its floats overflow for a ρ of tens of thousands.
    #[error("convert ρ = {rho} to ε at δ = {delta}")]
    Conversion {
        /// The amount to convert.
        rho: NanoRho,
        /// The δ it was wanted at.
        delta: f64,
        /// OpenDP's own reason.
        source: opendp::error::Error,
    },
}

/// The smallest ε for which ρ-zCDP implies (ε, `delta`)-differential privacy, rounded up.
///
/// Canonne, Kamath and Steinke's conversion as OpenDP computes it, with outward rounding.
///
/// # Errors
///
/// Where `delta` is not strictly between 0 and 1, or OpenDP cannot convert.
pub fn epsilon_at(rho: NanoRho, delta: f64) -> Result<f64, ShowError> {
    if !(delta > 0.0 && delta < 1.0) {
        return Err(ShowError::Delta(delta));
    }
    ZeroConcentratedDivergence::convert(rounded_up(rho))
        .and_then(|profile| profile.epsilon(delta))
        .map_err(|source| ShowError::Conversion { rho, delta, source })
}

/// How often an attacker who knows everything but whether a learner is present guesses right, from
/// an even chance: Φ(√(2ρ)/2). For Gaussian noise only.
pub fn best_guess(rho: NanoRho) -> f64 {
    // Φ(x) = erfc(−x/√2)/2, and √(2ρ)/2/√2 = √ρ/2.
    libm::erfc(-rounded_up(rho).sqrt() / 2.0) / 2.0
}

/// What a learner is exposed to by an amount of ρ. Its text is for people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exposure {
    rho: NanoRho,
    epsilon: f64,
    delta: f64,
    best_guess: f64,
}

impl Exposure {
    /// What spending `rho` at one node exposes a learner to.
    ///
    /// # Errors
    ///
    /// As [`epsilon_at`].
    pub fn of(rho: NanoRho, delta: f64) -> Result<Self, ShowError> {
        Ok(Self { rho, epsilon: epsilon_at(rho, delta)?, delta, best_guess: best_guess(rho) })
    }

    /// The same for a learner known to `partners`, each of which spends `rho`: at most their sum.
    ///
    /// # Errors
    ///
    /// As [`epsilon_at`].
    pub fn across(partners: u32, rho: NanoRho, delta: f64) -> Result<Self, ShowError> {
        Self::of(NanoRho::new(rho.get().saturating_mul(u64::from(partners))), delta)
    }

    /// The amount of ρ.
    pub fn rho(&self) -> NanoRho {
        self.rho
    }

    /// ε at [`Exposure::delta`].
    pub fn epsilon(&self) -> f64 {
        self.epsilon
    }

    /// The δ that ε is stated at.
    pub fn delta(&self) -> f64 {
        self.delta
    }

    /// The probability of [`best_guess`], from one half up.
    pub fn best_guess(&self) -> f64 {
        self.best_guess
    }
}

impl fmt::Display for Exposure {
    /// The guess in words, then ε at its δ; both rounded up.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let times = (self.best_guess * 100.0).ceil();
        let epsilon = (self.epsilon * 1000.0).ceil() / 1000.0;
        write!(
            f,
            "an attacker who knows all else could guess a learner's presence {times} times in 100 \
             instead of 50 (ε = {epsilon:.3} at δ = {})",
            self.delta
        )
    }
}

/// ρ as a float, never less than the integer says.
fn rounded_up(rho: NanoRho) -> f64 {
    if rho == NanoRho::ZERO { 0.0 } else { (rho.get() as f64).next_up() / 1e9 }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::price::{Sensitivity, price};
    use sumac_policy::Margin;

    fn rho(text: &str) -> NanoRho {
        text.parse().unwrap()
    }

    fn close(found: f64, expected: f64, tolerance: f64) -> bool {
        (found - expected).abs() <= tolerance
    }

    #[test]
    fn epsilon_agrees_with_an_independent_computation() {
        // The conversion of the privacy reference, section 5, minimised over α in Python: ρ, then ε
        // at δ of 10⁻⁶, 10⁻⁷ and 10⁻⁹.
        for (text, at_6, at_7, at_9) in [
            ("0.005", 0.42994, 0.47888, 0.56489),
            ("0.02", 0.89994, 0.99508, 1.16329),
            ("0.05", 1.47159, 1.61941, 1.88166),
            ("0.1", 2.14194, 2.34835, 2.71548),
            ("0.5", 5.22153, 5.67086, 6.47407),
            ("1", 7.76622, 8.39514, 9.52146),
        ] {
            for (delta, expected) in [(1e-6, at_6), (1e-7, at_7), (1e-9, at_9)] {
                let found = epsilon_at(rho(text), delta).unwrap();
                assert!(close(found, expected, 1e-5), "ρ = {text}, δ = {delta}: {found}");
            }
        }
        assert!(close(epsilon_at(rho("2.56"), 1e-10).unwrap(), 17.15831, 1e-5));
    }

    #[test]
    fn a_budget_can_be_found_from_epsilon() {
        // privacy reference, section 5: the ρ of ε = 1, 3 and 5 at δ = 10⁻⁶, to three digits
        for (text, epsilon) in [("0.0244", 1.0), ("0.185", 3.0), ("0.463", 5.0)] {
            let found = epsilon_at(rho(text), 1e-6).unwrap();
            assert!(close(found / epsilon, 1.0, 0.003), "ρ = {text}: {found}");
        }
    }

    #[test]
    fn one_tables_exposure_agrees_with_the_reference_table() {
        // privacy reference, section 4: margin, ε at δ = 10⁻⁶, best guess in percent
        for (learners, epsilon, percent) in [
            (5, 1.856, 57.8),
            (10, 0.881, 53.9),
            (15, 0.571, 52.6),
            (20, 0.421, 52.0),
            (30, 0.274, 51.3),
        ] {
            let priced = price(Margin::new(learners).unwrap(), Sensitivity::ONE);
            let exposure = Exposure::of(priced, 1e-6).unwrap();
            assert!(close(exposure.epsilon(), epsilon, 0.0005), "±{learners}: {exposure:?}");
            assert!(
                close(exposure.best_guess() * 100.0, percent, 0.05),
                "±{learners}: {exposure:?}"
            );
        }
    }

    #[test]
    fn the_best_guess_agrees_with_an_independent_computation() {
        for (text, percent) in [
            ("0.005", 51.99388),
            ("0.02", 53.98278),
            ("0.05", 56.28165),
            ("0.1", 58.84684),
            ("0.5", 69.14625),
            ("1", 76.02499),
        ] {
            assert!(close(best_guess(rho(text)) * 100.0, percent, 1e-5), "ρ = {text}");
        }
    }

    #[test]
    fn nothing_spent_is_an_even_chance() {
        let nothing = Exposure::of(NanoRho::ZERO, 1e-6).unwrap();
        assert!(nothing.best_guess() <= 0.5 && nothing.best_guess() >= 0.5);
        assert!(nothing.epsilon() < 1e-9, "{nothing:?}");
    }

    #[test]
    fn refuses_a_delta_that_says_nothing() {
        for delta in [0.0, -0.0, 1.0, -1e-6, f64::NAN, f64::INFINITY] {
            assert!(matches!(epsilon_at(rho("0.5"), delta), Err(ShowError::Delta(_))), "{delta}");
        }
    }

    #[test]
    fn partners_add_up() {
        let three = Exposure::across(3, rho("0.02"), 1e-6).unwrap();
        assert_eq!(three, Exposure::of(rho("0.06"), 1e-6).unwrap());
        assert_eq!(three.rho(), rho("0.06"));
        // Saturates instead of wrapping to something harmless, and says that it cannot convert that.
        let beyond = Exposure::across(2, NanoRho::new(1 << 63), 1e-6);
        assert!(matches!(beyond, Err(ShowError::Conversion { rho: NanoRho::MAX, .. })));
    }

    #[test]
    fn speaks_plainly() {
        let table = Exposure::of(rho("0.019208"), 1e-6).unwrap();
        assert_eq!(
            table.to_string(),
            "an attacker who knows all else could guess a learner's presence 54 times in 100 \
             instead of 50 (ε = 0.881 at δ = 0.000001)"
        );
    }
}
