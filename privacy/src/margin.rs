//! How far off sums, groups and rates of noisy cells may be.
//!
//! Everything here works on public margins and noisy cells. It is post-processing, so floats are
//! harmless and nothing is spent. The intervals state the noise alone: neither sampling nor the
//! bounding of learners.

use sumac_policy::{Definition, Margin};

/// The normal quantile behind "95 % of the time".
const Z95: f64 = 1.96;

/// The normal quantile that keeps a group below the floor hidden 99 % of the time.
const Z99_ONE_SIDED: f64 = 2.326;

/// The margin of one cell added up over nodes: √ΣM², rounded up. Unit: learners.
pub fn margin_of_sum(margins: impl IntoIterator<Item = Margin>) -> u64 {
    margin_of_group(margins, 1)
}

/// The margin of a group's size over nodes, where the size is itself the sum of `cells` outcome
/// cells: √(cells · ΣM²), rounded up. Unit: learners.
pub fn margin_of_group(margins: impl IntoIterator<Item = Margin>, cells: u32) -> u64 {
    let squares: u128 = margins
        .into_iter()
        .map(|margin| u128::from(margin.learners()).pow(2))
        .fold(0, u128::saturating_add)
        .saturating_mul(u128::from(cells));
    let root = squares.isqrt();
    let rounded_up = if root * root == squares { root } else { root + 1 };
    u64::try_from(rounded_up).unwrap_or(u64::MAX)
}

/// The margin of the sum of `cells` cells of one table at one node: M·√cells, rounded up. None where it says
/// nothing any more, or there is nothing to add.
pub fn margin_of_cells(margin: Margin, cells: u32) -> Option<Margin> {
    Margin::new(u32::try_from(margin_of_group([margin], cells)).ok()?)
}

/// σ of one cell's noise: 25M/49. Unit: learners.
pub fn standard_deviation(margin: Margin) -> f64 {
    f64::from(margin.learners()) * 25.0 / 49.0
}

/// σ² of one cell's noise.
pub fn variance(margin: Margin) -> f64 {
    standard_deviation(margin).powi(2)
}

/// Σσ² of one cell added up over nodes.
pub fn variance_of_sum(margins: impl IntoIterator<Item = Margin>) -> f64 {
    margins.into_iter().map(variance).sum()
}

/// What the noisy cells say about a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum RateEstimate {
    /// The group is so small beside its noise that its rate may be anything.
    TooNoisy,
    /// A rate with the interval that holds the exact one 95 % of the time; all within 0 to 1.
    Rate {
        /// Successes over the group's size.
        rate: f64,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

/// The rate `success / total` and its 95 % interval by Fieller's theorem.
///
/// `total` is the sum of `cells` disjoint outcome cells of which `success` is one. Each of them
/// carries noise of `variance_per_cell`: σ² at one node, Σσ² over several. The interval holds the
/// rates r for which `success − r·total` is within 1.96 of its deviations from zero, its variance
/// being `variance_per_cell · (1 − 2r + cells·r²)`.
///
/// A total within 1.96 deviations of zero, and parameters that make no sense, give
/// [`RateEstimate::TooNoisy`].
pub fn rate_interval(success: i64, total: i64, variance_per_cell: f64, cells: u32) -> RateEstimate {
    if cells == 0 || !variance_per_cell.is_finite() || variance_per_cell < 0.0 {
        return RateEstimate::TooNoisy;
    }
    let (success, total) = (success as f64, total as f64);
    let slack = Z95 * Z95 * variance_per_cell;
    let square = total * total - f64::from(cells) * slack;
    if total <= 0.0 || square <= 0.0 {
        return RateEstimate::TooNoisy;
    }
    let middle = success * total - slack;
    let constant = success * success - slack;
    // At r = success / total the quadratic is at most zero.
    let (low, high) = roots(square, middle, constant);
    RateEstimate::Rate {
        rate: (success / total).clamp(0.0, 1.0),
        low: low.clamp(0.0, 1.0),
        high: high.clamp(0.0, 1.0),
    }
}

/// A ratio with the interval that holds the exact one 95 % of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The ratio.
    pub value: f64,
    /// The lower end; never negative.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The ratio of two counts whose noise has nothing in common, each with its margin, and its 95 % interval by Fieller's
/// theorem: the ratios r for which `above − r·below` is within 1.96 of its deviations from zero, its variance being
/// `(m² + r²·n²) / 1.96²` with the margins m of what is above and n of what is below.
///
/// None where `below` is within its margin of zero.
pub fn ratio_interval(above: (u64, u64), below: (u64, u64)) -> Option<Ratio> {
    let [(above, m), (below, n)] =
        [above, below].map(|(value, margin)| (value as f64, margin as f64));
    let square = below * below - n * n;
    if square <= 0.0 {
        return None;
    }
    let (low, high) = roots(square, above * below, above * above - m * m);
    Some(Ratio { value: above / below, low: low.max(0.0), high })
}

/// The roots of square·r² − 2·middle·r + constant, which has some.
fn roots(square: f64, middle: f64, constant: f64) -> (f64, f64) {
    // Never negative but for rounding.
    let reach = (middle * middle - square * constant).max(0.0).sqrt();
    ((middle - reach) / square, (middle + reach) / square)
}

/// What a group's noisy size must exceed the floor by, so that a group below the floor is shown at
/// most once in a hundred times: ⌈2.326·s⌉ learners, `variance_of_total` being s².
///
/// A variance that makes no sense gives a guard that nothing passes.
pub fn guard(variance_of_total: f64) -> u64 {
    if !variance_of_total.is_finite() || variance_of_total < 0.0 {
        return u64::MAX;
    }
    let learners = (Z99_ONE_SIDED * variance_of_total.sqrt()).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from zero up; the cast saturates"
    )]
    let learners = learners as u64;
    learners
}

/// The least noisy size with which a group is shown: the floor, and the guard of its noise. `variance_per_cell` is
/// that of a count, σ² at one node and Σσ² over several.
///
/// The floor counts learners. Where one of them may add several to the size, as with awards, so many are asked for
/// that the learners behind them cannot be fewer than the floor.
pub fn shown_from(definition: &Definition, floor: u32, variance_per_cell: f64) -> u64 {
    let (_, cells) = definition.size_of(&[]);
    definition.floor_of(floor).saturating_add(guard(variance_per_cell * f64::from(cells)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

    use super::*;
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use crate::noise::{Exact, release};

    fn margins(learners: &[u32]) -> Vec<Margin> {
        learners.iter().map(|&learners| Margin::new(learners).unwrap()).collect()
    }

    fn ends(estimate: RateEstimate) -> (f64, f64, f64) {
        match estimate {
            RateEstimate::Rate { rate, low, high } => (rate, low, high),
            RateEstimate::TooNoisy => panic!("too noisy"),
        }
    }

    #[test]
    fn margins_add_in_squares_and_round_up() {
        for (learners, cells, expected) in [
            (&[][..], 1, 0),
            (&[10], 1, 10),
            (&[3, 4], 1, 5),
            (&[10, 10], 1, 15),
            (&[10; 7], 1, 27),
            (&[10], 2, 15),
            (&[10; 7], 2, 38),
            (&[10], 4, 20),
            (&[1_000_000; 4], 1, 2_000_000),
        ] {
            assert_eq!(
                margin_of_group(margins(learners), cells),
                expected,
                "{learners:?} × {cells}"
            );
        }
        assert_eq!(margin_of_sum(margins(&[5, 12])), 13);
        for (learners, cells, expected) in [
            (10, 1, Some(10)),
            (10, 2, Some(15)),
            (10, 4, Some(20)),
            (10, 0, None),
            (600_000, 4, None),
        ] {
            let margin = margin_of_cells(Margin::new(learners).unwrap(), cells);
            assert_eq!(margin.map(Margin::learners), expected, "{learners} × {cells}");
        }
    }

    #[test]
    fn deviations_follow_the_margin() {
        for (learners, sigma) in [(5, 2.551), (10, 5.102), (15, 7.653), (20, 10.204), (30, 15.306)]
        {
            let found = standard_deviation(Margin::new(learners).unwrap());
            assert!((found - sigma).abs() < 0.0005, "±{learners}: {found}");
        }
        let two = variance_of_sum(margins(&[49, 98]));
        assert!((two - (625.0 + 2500.0)).abs() < 1e-9, "{two}");
    }

    #[test]
    fn the_guard_agrees_with_the_reference_table() {
        // domain reference, section 5: σ per cell, outcome cells, nodes, guard
        for (sigma, cells, nodes, expected) in
            [(5.0_f64, 2.0, 1.0, 17), (5.0, 2.0, 3.0, 29), (5.0, 2.0, 7.0, 44), (6.6, 2.0, 1.0, 22)]
        {
            assert_eq!(guard(sigma.powi(2) * cells * nodes), expected);
        }
        assert_eq!(guard(0.0), 0);
    }

    #[test]
    fn a_senseless_variance_opens_nothing() {
        for variance in [f64::NAN, f64::INFINITY, -1.0] {
            assert_eq!(guard(variance), u64::MAX);
            assert_eq!(rate_interval(50, 100, variance, 2), RateEstimate::TooNoisy);
        }
        assert_eq!(rate_interval(50, 100, 25.0, 0), RateEstimate::TooNoisy);
    }

    #[test]
    fn the_ends_solve_fiellers_equation() {
        for (success, total, variance, cells) in
            [(50_i32, 100_i32, 25.0, 2), (30, 400, 50.0, 3), (90, 200, 175.0, 4)]
        {
            let (a, d, m) = (f64::from(success), f64::from(total), f64::from(cells));
            let (rate, low, high) =
                ends(rate_interval(success.into(), total.into(), variance, cells));
            assert!(low < rate && rate < high);
            for r in [low, high] {
                let deviation = (variance * (1.0 - 2.0 * r + m * r * r)).sqrt();
                assert!(
                    ((a - r * d).abs() / deviation - 1.96).abs() < 1e-9,
                    "{success} of {total} at {r}"
                );
            }
        }
    }

    #[test]
    fn a_group_within_its_noise_has_no_rate() {
        // 1.96 · √2 · 5 = 13.86
        assert_eq!(rate_interval(7, 13, 25.0, 2), RateEstimate::TooNoisy);
        assert!(matches!(rate_interval(7, 14, 25.0, 2), RateEstimate::Rate { .. }));
        // Three outcome cells: 1.96 · √3 · 5 = 16.97
        assert_eq!(rate_interval(7, 16, 25.0, 3), RateEstimate::TooNoisy);
        assert!(matches!(rate_interval(7, 17, 25.0, 3), RateEstimate::Rate { .. }));
        assert_eq!(rate_interval(0, 0, 0.0, 2), RateEstimate::TooNoisy);
        assert_eq!(rate_interval(-3, -200, 25.0, 2), RateEstimate::TooNoisy);
    }

    #[test]
    fn without_noise_the_interval_is_the_rate() {
        let (rate, low, high) = ends(rate_interval(1, 4, 0.0, 2));
        assert!([rate, low, high].iter().all(|end| (end - 0.25).abs() < 1e-12));
    }

    #[test]
    fn the_interval_holds_the_exact_rate_about_95_percent_of_the_time() {
        const TRIALS: usize = 1500;
        let margin = Margin::new(10).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(81);
        // How often the exact rate lies in the interval, if the noise is taken to be `assumed`.
        let mut coverage = |cells: Vec<i64>, assumed: f64| {
            let exact = ends(rate_interval(*cells.first().unwrap(), cells.iter().sum(), 0.0, 2)).0;
            let held = (0..TRIALS)
                .filter(|_| {
                    let noisy = release(Exact::counted(cells.clone()), margin, &mut rng).unwrap();
                    let total = noisy.cells().iter().sum();
                    let outcomes = u32::try_from(cells.len()).unwrap();
                    let success = *noisy.cells().first().unwrap();
                    let (_, low, high) = ends(rate_interval(success, total, assumed, outcomes));
                    (low..=high).contains(&exact)
                })
                .count();
            held as f64 / TRIALS as f64
        };
        for cells in [vec![50, 50], vec![60, 120, 70], vec![25, 225]] {
            let held = coverage(cells.clone(), variance(margin));
            assert!((0.93..=0.97).contains(&held), "{cells:?}: {held}");
        }
        let blind = coverage(vec![50, 50], variance(margin) * 0.64);
        assert!(blind < 0.93, "an interval for 0.8 of the noise would pass: {blind}");
    }

    proptest! {
        #[test]
        fn a_rate_lies_within_its_interval(success in -1000_i64..5000, total in -1000_i64..5000, variance in 0.0..1e4_f64, cells in 1_u32..6) {
            if let RateEstimate::Rate { rate, low, high } = rate_interval(success, total, variance, cells) {
                prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
                prop_assert!(low <= rate + 1e-9 && rate <= high + 1e-9, "{low} {rate} {high}");
            }
        }

        #[test]
        fn a_sums_margin_does_not_depend_on_the_order(mut learners in prop::collection::vec(1..=Margin::MAX, 0..20)) {
            let forward = margin_of_sum(margins(&learners));
            learners.sort_unstable();
            prop_assert_eq!(forward, margin_of_sum(margins(&learners)));
            prop_assert!(learners.iter().all(|&one| forward >= u64::from(one)));
        }
    }

    #[test]
    fn a_ratio_is_as_open_as_its_counts() {
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}");
        let Ratio { value, low, high } = ratio_interval((100, 10), (200, 0)).unwrap();
        near(value, 0.5);
        near(low, 0.45);
        near(high, 0.55);
        // Both open: at either end, above − r·below is as far from zero as √(m² + r²·n²).
        let Ratio { low, high, .. } = ratio_interval((300, 20), (200, 30)).unwrap();
        for end in [low, high] {
            near((300.0 - end * 200.0).abs(), (400.0 + end * end * 900.0).sqrt());
        }
        assert!(low < 1.5 && 1.5 < high);
        assert_eq!(ratio_interval((300, 20), (30, 30)), None);
        near(ratio_interval((0, 20), (500, 30)).unwrap().low, 0.0);
    }
}
