//! Percentiles of a noisy histogram over public bins, added up over nodes or of one. Post-processing, as in
//! [`mod@crate::margin`].
//!
//! The noisy counts are added up from the lowest bin, and the sums made monotone by isotonic regression; between two
//! edges learners are taken to lie as the bins' scale says. That a bin has a width is no noise: the interval is about
//! what the exact histogram would give.

use sumac_policy::{Bins, Scale};

/// The normal quantile behind "95 % of the time".
const Z95: f64 = 1.96;

/// What a noisy histogram says about a percentile.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PercentileEstimate {
    /// It may be nearly anything.
    TooNoisy,
    /// A value with the interval that holds the exact histogram's 95 % of the time.
    Value {
        /// The percentile.
        value: f64,
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
}

/// The value below which `share` of the learners in these bins lie. Each count carries noise of
/// `variance_per_cell`.
///
/// At an edge with `i` of the `n` bins below, the learners below it less their share of all have noise of variance
/// `variance_per_cell · (i·(1 − share)² + (n − i)·share²)`. The interval holds the values at which that difference
/// is within 1.96 of its deviations from zero.
///
/// Learners within 1.96 deviations of none, and an interval from the first edge to the last, give
/// [`PercentileEstimate::TooNoisy`].
pub fn percentile(
    counts: &[i64],
    bins: &Bins,
    share: f64,
    variance_per_cell: f64,
) -> PercentileEstimate {
    let bins_in_all = bins.count() as f64;
    let sound =
        variance_per_cell.is_finite() && variance_per_cell >= 0.0 && (0.0..=1.0).contains(&share);
    if !sound || counts.len() != bins.count() {
        return PercentileEstimate::TooNoisy;
    }
    let below = running(counts);
    let all = below.last().copied().unwrap_or(0.0);
    if all <= 0.0 || all <= Z95 * (bins_in_all * variance_per_cell).sqrt() {
        return PercentileEstimate::TooNoisy;
    }
    let deviation = |edge: usize| {
        let edge = edge as f64;
        let parts = edge * (1.0 - share).powi(2) + (bins_in_all - edge) * share.powi(2);
        Z95 * (variance_per_cell * parts).sqrt()
    };
    let surplus = |shift: f64| -> Vec<f64> {
        let surplus = |(edge, below): (usize, &f64)| below - share * all + shift * deviation(edge);
        below.iter().enumerate().map(surplus).collect()
    };
    // Noise may have taken so much, or added so much.
    let low = first_above(&surplus(1.0), bins);
    let high = last_below(&surplus(-1.0), bins);
    let value = first_above(&monotone(&surplus(0.0)), bins).max(low).min(high);
    if low <= edge(bins, 0) && edge(bins, bins.count()) <= high {
        return PercentileEstimate::TooNoisy;
    }
    PercentileEstimate::Value { value, low, high }
}

/// Learners below each edge.
fn running(counts: &[i64]) -> Vec<f64> {
    let mut below = vec![0.0];
    let mut sum = 0.0;
    for count in counts {
        sum += *count as f64;
        below.push(sum);
    }
    below
}

/// The nearest sequence that never falls, by least squares: the pool-adjacent-violators algorithm.
fn monotone(values: &[f64]) -> Vec<f64> {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(values.len());
    for value in values {
        let mut pool = (*value, 1);
        while let Some(last) = pools.pop_if(|last| last.0 > pool.0) {
            let length = last.1 + pool.1;
            pool = ((last.0 * last.1 as f64 + pool.0 * pool.1 as f64) / length as f64, length);
        }
        pools.push(pool);
    }
    pools.into_iter().flat_map(|(value, length)| std::iter::repeat_n(value, length)).collect()
}

/// The first value at which what is said at the edges is not below zero any more; the last edge if it always is.
fn first_above(at_edges: &[f64], bins: &Bins) -> f64 {
    if at_edges.first().is_some_and(|first| *first >= 0.0) {
        return edge(bins, 0);
    }
    crossings(at_edges, bins).next().unwrap_or_else(|| edge(bins, bins.count()))
}

/// The last value at which it is below zero; the first edge if it never is.
fn last_below(at_edges: &[f64], bins: &Bins) -> f64 {
    if at_edges.last().is_some_and(|last| *last < 0.0) {
        return edge(bins, bins.count());
    }
    crossings(at_edges, bins).last().unwrap_or_else(|| edge(bins, 0))
}

/// The values at which it comes up to zero.
fn crossings(at_edges: &[f64], bins: &Bins) -> impl Iterator<Item = f64> {
    let values = at_edges.iter().zip(at_edges.iter().skip(1)).enumerate();
    values.filter(|(_, (before, after))| **before < 0.0 && **after >= 0.0).map(
        |(place, (before, after))| {
            let along = before / (before - after);
            let (from, to) = (edge(bins, place), edge(bins, place + 1));
            match bins.scale {
                // There is no logarithm of zero.
                Scale::Log if from > 0.0 => from * (to / from).powf(along),
                Scale::Log | Scale::Linear => from + (to - from) * along,
            }
        },
    )
}

fn edge(bins: &Bins, place: usize) -> f64 {
    bins.edges().get(place).map_or(0.0, |edge| *edge as f64)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
    use proptest::prelude::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;
    use sumac_policy::Margin;

    use super::*;
    use crate::margin::variance;
    use crate::noise::{Exact, release};

    fn bins(edges: &[i64], scale: Scale) -> Bins {
        Bins::new(edges.to_vec(), scale).unwrap()
    }

    fn ends(estimate: PercentileEstimate) -> (f64, f64, f64) {
        match estimate {
            PercentileEstimate::Value { value, low, high } => (value, low, high),
            PercentileEstimate::TooNoisy => panic!("too noisy"),
        }
    }

    #[test]
    fn without_noise_it_is_read_off_the_bins() {
        let linear = bins(&[0, 10, 20, 40], Scale::Linear);
        // 5 below 10, 15 below 20, 20 in all.
        let at = |share| ends(percentile(&[5, 10, 5], &linear, share, 0.0));
        for (share, expected) in [(0.25, 10.0), (0.5, 15.0), (0.75, 20.0), (0.875, 30.0)] {
            let (value, low, high) = at(share);
            for found in [value, low, high] {
                assert!((found - expected).abs() < 1e-9, "{share}: {found}");
            }
        }
        let log = bins(&[0, 100, 400, 1600], Scale::Log);
        let (median, ..) = ends(percentile(&[0, 10, 0], &log, 0.5, 0.0));
        assert!((median - 200.0).abs() < 1e-9, "{median}");
        let (first, ..) = ends(percentile(&[10, 0, 0], &log, 0.5, 0.0));
        assert!((first - 50.0).abs() < 1e-9, "{first}");
    }

    #[test]
    fn sums_that_fall_are_pooled() {
        assert_eq!(monotone(&[1.0, 3.0, 2.0, 4.0]), [1.0, 2.5, 2.5, 4.0]);
        assert_eq!(monotone(&[3.0, 2.0, 1.0]), [2.0, 2.0, 2.0]);
        assert_eq!(monotone(&[]), Vec::<f64>::new());
    }

    #[test]
    fn a_group_within_its_noise_has_no_percentile() {
        let bins = bins(&[0, 10, 20, 40], Scale::Linear);
        // 1.96 · √3 · 5 = 16.97
        assert_eq!(percentile(&[5, 6, 5], &bins, 0.5, 25.0), PercentileEstimate::TooNoisy);
        assert_eq!(percentile(&[0, 0, 0], &bins, 0.5, 0.0), PercentileEstimate::TooNoisy);
        assert_eq!(percentile(&[9, 9], &bins, 0.5, 0.0), PercentileEstimate::TooNoisy);
        assert!(matches!(
            percentile(&[50, 60, 50], &bins, 0.5, 25.0),
            PercentileEstimate::Value { .. }
        ));
    }

    #[test]
    fn the_interval_holds_the_exact_percentile_about_95_percent_of_the_time() {
        const TRIALS: usize = 1000;
        let bins = bins(&[0, 1000, 1500, 2250, 3375, 5063, 7594, 11391], Scale::Log);
        let margin = Margin::new(10).unwrap();
        let counts = [40, 90, 160, 220, 150, 80, 30];
        let mut rng = ChaCha20Rng::seed_from_u64(83);
        for share in [0.25, 0.5, 0.75] {
            let (exact, ..) = ends(percentile(&counts, &bins, share, 0.0));
            let mut coverage = |assumed: f64| {
                let held = (0..TRIALS)
                    .filter(|_| {
                        let noisy =
                            release(Exact::counted(counts.to_vec()), margin, &mut rng).unwrap();
                        match percentile(noisy.cells(), &bins, share, assumed) {
                            PercentileEstimate::Value { low, high, .. } => {
                                (low..=high).contains(&exact)
                            }
                            PercentileEstimate::TooNoisy => true,
                        }
                    })
                    .count();
                held as f64 / TRIALS as f64
            };
            let held = coverage(variance(margin));
            assert!((0.93..=0.98).contains(&held), "{share}: {held}");
            let blind = coverage(variance(margin) * 0.5);
            assert!(blind < 0.93, "{share}: an interval for 0.7 of the noise would pass: {blind}");
        }
    }

    proptest! {
        #[test]
        fn a_percentile_lies_within_its_interval_and_the_edges(
            counts in prop::collection::vec(-40_i64..400, 6), share in 0.05..0.95_f64, variance in 0.0..900.0_f64,
        ) {
            let bins = bins(&[0, 5, 25, 125, 600, 3000, 9000], Scale::Log);
            if let PercentileEstimate::Value { value, low, high } = percentile(&counts, &bins, share, variance) {
                prop_assert!((0.0..=9000.0).contains(&low) && (0.0..=9000.0).contains(&high));
                prop_assert!(low <= value && value <= high, "{low} {value} {high}");
            }
        }
    }
}
