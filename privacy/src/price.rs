//! From a margin to a price, in integers throughout.

use std::num::NonZeroU32;

use sumac_policy::{Definition, Margin};

use crate::rho::NanoRho;

/// What a margin of one learner costs at sensitivity one, in nano-ρ.
///
/// σ = 25M/49 (1.96 is 49/25), and ρ = L0·L∞²/(2σ²) = (2401/1250)·L0·L∞²/M².
const NANO_RHO_AT_MARGIN_ONE: u128 = 2401 * 1_000_000_000 / 1250;

/// The most that one learner may change a table at one node, after tabulation has bounded it: in each cell, in
/// multiples of the scale of its noise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sensitivity {
    cells: NonZeroU32,
    per_cell: NonZeroU32,
}

impl Sensitivity {
    /// One learner is in one cell, once: counts without a cap, rates as disjoint outcome cells, distributions.
    pub const ONE: Self = Self { cells: NonZeroU32::MIN, per_cell: NonZeroU32::MIN };

    /// At most `l0` cells a learner, each changed by at most `linf`. `None` where either is zero:
    /// a table that no learner can change is not a table about learners.
    pub fn new(l0: u32, linf: u32) -> Option<Self> {
        Some(Self { cells: NonZeroU32::new(l0)?, per_cell: NonZeroU32::new(linf)? })
    }

    /// What one learner may change in any table of this definition: the one place where that becomes a price.
    pub fn of(definition: &Definition) -> Self {
        let bound = definition.measure.bound();
        Self::new(bound.cells, bound.per_cell).expect("no measure has a cap of zero")
    }

    /// L0: how many cells one learner may touch.
    pub fn l0(self) -> u32 {
        self.cells.get()
    }

    /// L∞: how far one learner may move each of them.
    pub fn linf(self) -> u32 {
        self.per_cell.get()
    }
}

/// The price of one table at one node: ⌈1 920 800 000 · L0 · L∞² / M²⌉ nano-ρ.
///
/// Rounded up, never zero, and [`NanoRho::MAX`] where it would not fit. Depends on the MOU and the
/// question only, so that it can be told before anything is read.
pub fn price(margin: Margin, sensitivity: Sensitivity) -> NanoRho {
    let cells = u128::from(sensitivity.l0());
    let per_cell = u128::from(sensitivity.linf());
    let learners = u128::from(margin.learners());
    // Below 2^31 · 2^32 · 2^64, so this fits.
    let scaled = NANO_RHO_AT_MARGIN_ONE * cells * per_cell * per_cell;
    let nano_rho = scaled.div_ceil(learners * learners);
    u64::try_from(nano_rho).map_or(NanoRho::MAX, NanoRho::new)
}

/// How many tables at `price` fit in `budget`. None fit at a price of zero: that price is a mistake.
pub fn tables_within(budget: NanoRho, price: NanoRho) -> u64 {
    budget.get().checked_div(price.get()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;

    fn margin(learners: u32) -> Margin {
        Margin::new(learners).unwrap()
    }

    #[test]
    fn agrees_with_the_reference_table() {
        // privacy reference, section 4: margin, price, tables in a year of ρ = 0.5
        for (learners, nano_rho, tables) in [
            (5, 76_832_000, 6),
            (10, 19_208_000, 26),
            (15, 8_536_889, 58),
            (20, 4_802_000, 104),
            (30, 2_134_223, 234),
        ] {
            let priced = price(margin(learners), Sensitivity::ONE);
            assert_eq!(priced, NanoRho::new(nano_rho), "±{learners}");
            assert_eq!(tables_within(NanoRho::new(500_000_000), priced), tables, "±{learners}");
        }
    }

    #[test]
    fn is_exactly_the_rho_of_the_noise() {
        // 2σ²·ρ ≥ L0·L∞² with σ = 25M/49, and one nano-ρ less would be too little.
        let covers = |nano_rho: u64, learners: u32, l0: u32, linf: u32| {
            let (m, linf) = (u128::from(learners), u128::from(linf));
            2 * 625 * m * m * u128::from(nano_rho)
                >= 2401 * u128::from(l0) * linf * linf * 1_000_000_000
        };
        for (learners, l0, linf) in
            [(1, 1, 1), (7, 3, 1), (10, 1, 4), (999, 3, 1000), (1_000_000, 1, 1)]
        {
            let priced = price(margin(learners), Sensitivity::new(l0, linf).unwrap()).get();
            assert!(covers(priced, learners, l0, linf), "±{learners}");
            assert!(!covers(priced - 1, learners, l0, linf), "±{learners}");
        }
    }

    #[test]
    fn the_widest_margin_is_not_free() {
        assert_eq!(price(margin(Margin::MAX), Sensitivity::ONE), NanoRho::new(1));
    }

    #[test]
    fn a_price_that_does_not_fit_is_the_dearest() {
        let widest = Sensitivity::new(u32::MAX, u32::MAX).unwrap();
        assert_eq!(price(margin(1), widest), NanoRho::MAX);
        assert_eq!(tables_within(NanoRho::new(u64::MAX - 1), NanoRho::MAX), 0);
    }

    #[test]
    fn nothing_fits_at_a_price_of_zero() {
        assert_eq!(tables_within(NanoRho::MAX, NanoRho::ZERO), 0);
    }

    #[test]
    fn a_sensitivity_of_zero_does_not_exist() {
        assert_eq!(Sensitivity::new(0, 1), None);
        assert_eq!(Sensitivity::new(1, 0), None);
        assert_eq!(Sensitivity::new(1, 1), Some(Sensitivity::ONE));
    }

    proptest! {
        #[test]
        fn a_wider_margin_never_costs_more(a in 1..=Margin::MAX, b in 1..=Margin::MAX, l0 in 1_u32..50, linf in 1_u32..50) {
            let sensitivity = Sensitivity::new(l0, linf).unwrap();
            let (narrow, wide) = (margin(a.min(b)), margin(a.max(b)));
            prop_assert!(price(wide, sensitivity) <= price(narrow, sensitivity));
            prop_assert!(price(wide, sensitivity) > NanoRho::ZERO);
        }

        #[test]
        fn more_influence_never_costs_less(m in 1..=1000_u32, l0 in 1_u32..1000, linf in 1_u32..1000) {
            let at = |l0, linf| price(margin(m), Sensitivity::new(l0, linf).unwrap());
            prop_assert!(at(l0 + 1, linf) >= at(l0, linf));
            prop_assert!(at(l0, linf + 1) >= at(l0, linf));
        }

        #[test]
        fn two_tables_cost_at_least_their_union(m in 1..=1000_u32, a in 1_u32..1000, b in 1_u32..1000) {
            // A learner in `a` cells of one table and `b` of another is in `a + b` cells of both together.
            let at = |l0| price(margin(m), Sensitivity::new(l0, 1).unwrap());
            let apart = at(a).checked_add(at(b)).unwrap();
            prop_assert!(apart >= at(a + b));
            prop_assert!(apart.get() - at(a + b).get() <= 1, "rounding costs at most one nano-ρ");
        }

        #[test]
        fn influence_taken_together_is_never_cheaper_than_apart(
            m in 1..=1000_u32, l0 in 1_u32..50, a in 1_u32..1000, b in 1_u32..1000
        ) {
            // Whoever may move one cell by `a + b` can do all that two could who may move it by `a` and by `b`.
            let at = |linf| price(margin(m), Sensitivity::new(l0, linf).unwrap()).get();
            prop_assert!(at(a + b) + 1 >= at(a) + at(b), "but for rounding up twice instead of once");
        }
    }
}
