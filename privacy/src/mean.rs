//! What noisy cells say about a mean. Post-processing, as in [`mod@crate::margin`].

use sumac_policy::Clip;

/// The normal quantile behind "95 % of the time".
const Z95: f64 = 1.96;

/// What the noisy cells say about a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum MeanEstimate {
    /// The group is so small beside its noise that its mean may be anything.
    TooNoisy,
    /// A mean with the interval that holds the exact one of the clipped values 95 % of the time; all within the
    /// clip.
    Mean {
        /// The sum over the number of learners.
        mean: f64,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

/// The mean of `learners` values clipped to `clip`, and its 95 % interval by Fieller's theorem. `sum` is that of
/// 2x − (lo + hi).
///
/// The noise of `learners` has `variance_per_cell`, that of `sum` the clip's squared width times as much, and they
/// are independent. The interval holds the means m for which `sum − 2·learners·(m − middle)` is within 1.96 of its
/// deviations from zero.
///
/// A number of learners within 1.96 deviations of zero gives [`MeanEstimate::TooNoisy`].
pub fn mean_interval(learners: i64, sum: i64, clip: Clip, variance_per_cell: f64) -> MeanEstimate {
    if !variance_per_cell.is_finite() || variance_per_cell < 0.0 {
        return MeanEstimate::TooNoisy;
    }
    let (learners, sum) = (learners as f64, sum as f64);
    let (middle, width) = (clip.ends() as f64 / 2.0, clip.width() as f64);
    let slack = Z95 * Z95 * variance_per_cell;
    // With y = 2(m − middle): the roots of square·y² − 2·product·y + constant.
    let square = learners * learners - slack;
    if learners <= 0.0 || square <= 0.0 {
        return MeanEstimate::TooNoisy;
    }
    let product = sum * learners;
    let constant = sum * sum - slack * width * width;
    // Never negative but for rounding: at y = sum / learners the quadratic is at most zero.
    let reach = (product * product - square * constant).max(0.0).sqrt();
    let at = |twice: f64| (middle + twice / 2.0).clamp(clip.lo() as f64, clip.hi() as f64);
    MeanEstimate::Mean {
        mean: at(sum / learners),
        low: at((product - reach) / square),
        high: at((product + reach) / square),
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test may panic"
    )]
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use sumac_policy::Margin;

    use super::*;
    use crate::margin::variance;
    use crate::noise::{Exact, release};

    fn ends(estimate: MeanEstimate) -> (f64, f64, f64) {
        match estimate {
            MeanEstimate::Mean { mean, low, high } => (mean, low, high),
            MeanEstimate::TooNoisy => panic!("too noisy"),
        }
    }

    #[test]
    fn without_noise_the_interval_is_the_mean() {
        // 10, 20 and 40 of 0 to 50: 2x − 50 is −30, −10, 30.
        let clip = Clip::new(0, 50).unwrap();
        let (mean, low, high) = ends(mean_interval(3, -10, clip, 0.0));
        for end in [mean, low, high] {
            assert!((end - 70.0 / 3.0).abs() < 1e-9, "{end}");
        }
    }

    #[test]
    fn a_group_within_its_noise_has_no_mean() {
        let clip = Clip::new(0, 50).unwrap();
        // 1.96 · 5 = 9.8
        assert_eq!(mean_interval(9, 40, clip, 25.0), MeanEstimate::TooNoisy);
        assert!(matches!(mean_interval(10, 40, clip, 25.0), MeanEstimate::Mean { .. }));
        assert_eq!(mean_interval(-100, 40, clip, 25.0), MeanEstimate::TooNoisy);
        assert_eq!(mean_interval(100, 40, clip, f64::NAN), MeanEstimate::TooNoisy);
    }

    #[test]
    fn nothing_is_outside_the_clip() {
        let clip = Clip::new(-10, 30).unwrap();
        for sum in [-1_000_000, -4_000, 0, 4_000, 1_000_000] {
            let (mean, low, high) = ends(mean_interval(100, sum, clip, 25.0));
            assert!(-10.0 <= low && low <= mean && mean <= high && high <= 30.0, "{sum}");
        }
    }

    #[test]
    fn the_interval_holds_the_exact_mean_about_95_percent_of_the_time() {
        const TRIALS: usize = 1500;
        let margin = Margin::new(10).unwrap();
        let clip = Clip::new(0, 3000).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(82);
        let mut coverage = |learners: i64, mean: i64, assumed: f64| {
            let sum = learners * (2 * mean - clip.ends());
            let held = (0..TRIALS)
                .filter(|_| {
                    let exact = Exact::scaled(vec![learners, sum], &[1, clip.width()]).unwrap();
                    let noisy = release(exact, margin, &mut rng).unwrap();
                    let cells = noisy.cells();
                    let (_, low, high) = ends(mean_interval(cells[0], cells[1], clip, assumed));
                    (low..=high).contains(&(mean as f64))
                })
                .count();
            held as f64 / TRIALS as f64
        };
        for (learners, mean) in [(100, 1500), (80, 2800), (1000, 200)] {
            let held = coverage(learners, mean, variance(margin));
            assert!((0.93..=0.97).contains(&held), "{learners} at {mean}: {held}");
        }
        let blind = coverage(100, 1500, variance(margin) * 0.64);
        assert!(blind < 0.93, "an interval for 0.8 of the noise would pass: {blind}");
    }
}
