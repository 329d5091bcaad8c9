//! Statistical trials of the sampler, each with a mutant that it must reject.
//!
//! Seeds are fixed. Limits lie at least four standard deviations from what is expected, and the
//! mutants (σ × 0.8, σ × 1.25) many times as far, so neither verdict hangs on the seed.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and its bins are small whole numbers"
)]

use super::*;
use opendp::traits::samplers::sample_discrete_gaussian;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

const DRAWS: usize = 5000;

/// A deviation as a fraction, so that mutants can be written down.
#[derive(Debug, Clone, Copy)]
struct Sigma {
    numerator: u32,
    denominator: u32,
}

impl Sigma {
    fn of(learners: u32) -> Self {
        Self { numerator: 25 * learners, denominator: 49 }
    }

    /// The same deviation times `numerator / denominator`.
    fn times(self, numerator: u32, denominator: u32) -> Self {
        Self { numerator: self.numerator * numerator, denominator: self.denominator * denominator }
    }

    fn value(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }

    fn sample(self, seed: u64) -> Vec<i64> {
        let sigma = Rational::from_unsigned(self.numerator, self.denominator).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        narrow(draws(vec![sigma], DRAWS, NonZeroUsize::MIN, &mut rng).unwrap())
    }

    /// P(X = x) from −`reach` to +`reach` by the definition, normalised over all that floats can see.
    fn probabilities(self, reach: i64) -> Vec<f64> {
        let weight = |x: i64| (-(x as f64).powi(2) / (2.0 * self.value().powi(2))).exp();
        let all: f64 = (-2000..=2000).map(weight).sum();
        (-reach..=reach).map(|x| weight(x) / all).collect()
    }
}

fn narrow(draws: Vec<i128>) -> Vec<i64> {
    draws.into_iter().map(|draw| i64::try_from(draw).unwrap()).collect()
}

/// The released noise itself: cells of zero through the public function.
fn released(learners: u32, seed: u64) -> Vec<i64> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let zeros = Exact::counted(vec![0; DRAWS]);
    release(zeros, Margin::new(learners).unwrap(), &mut rng).unwrap().into_cells()
}

fn share_within(draws: &[i64], learners: u32) -> f64 {
    let within = draws.iter().filter(|draw| draw.unsigned_abs() <= u64::from(learners)).count();
    within as f64 / draws.len() as f64
}

/// Whether the share within ±M is the one that the discrete Gaussian promises.
fn covers_as_promised(draws: &[i64], learners: u32) -> bool {
    let promised: f64 = Sigma::of(learners).probabilities(i64::from(learners)).iter().sum();
    let spread = (promised * (1.0 - promised) / draws.len() as f64).sqrt();
    (share_within(draws, learners) - promised).abs() <= 4.0 * spread
}

/// Pearson's χ² against `expected`, cells of few expected draws pooled from either end.
fn fits(draws: &[i64], expected: Sigma) -> bool {
    let reach = (3.0 * expected.value()).ceil().max(1.0) as i64;
    let probabilities = expected.probabilities(reach);
    let inside: f64 = probabilities.iter().sum();
    let mut bins: Vec<(f64, f64)> = vec![((1.0 - inside) * DRAWS as f64, 0.0)];
    bins.extend(probabilities.iter().map(|p| (p * DRAWS as f64, 0.0)));
    for &draw in draws {
        let bin = if draw.abs() > reach { 0 } else { usize::try_from(draw + reach).unwrap() + 1 };
        bins[bin].1 += 1.0;
    }
    let (rare, common): (Vec<_>, Vec<_>) =
        bins.into_iter().partition(|(expected, _)| *expected < 5.0);
    let pooled = rare.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
    let statistic: f64 = common
        .iter()
        .chain((pooled.0 > 1.0).then_some(&pooled))
        .map(|(expected, seen)| (seen - expected).powi(2) / expected)
        .sum();
    let freedom = common.len() as f64;
    statistic < freedom + 4.0 * (2.0 * freedom).sqrt()
}

/// Whether two samples look like one distribution: χ² over twenty equal slices of ±2σ and the tails.
fn alike(one: &[i64], other: &[i64], sigma: Sigma) -> bool {
    const SLICES: usize = 20;
    let mut seen = [[0.0_f64; SLICES + 2]; 2];
    for (counts, draws) in seen.iter_mut().zip([one, other]) {
        for &draw in draws {
            let place = (draw as f64 / sigma.value() + 2.0) / 4.0 * SLICES as f64;
            let slice = (place.floor() + 1.0).clamp(0.0, SLICES as f64 + 1.0);
            counts[slice as usize] += 1.0;
        }
    }
    let statistic: f64 = seen[0]
        .iter()
        .zip(seen[1])
        .filter(|(a, b)| **a + *b > 0.0)
        .map(|(a, b)| (a - b).powi(2) / (a + b))
        .sum();
    // 21 degrees of freedom: an honest pair passes this once in 10¹⁰ runs, which matters because
    // OpenDP's generator cannot be seeded.
    statistic < 95.0
}

#[test]
fn the_margin_holds_as_often_as_it_says() {
    for (learners, seed) in [(5, 11), (10, 12), (50, 13)] {
        assert!(covers_as_promised(&released(learners, seed), learners), "±{learners}");
    }
    assert!(share_within(&released(10, 14), 10) >= 0.95);
    let promised: f64 = Sigma::of(10).probabilities(10).iter().sum();
    assert!((promised - 0.961).abs() < 0.0005, "{promised}");
}

#[test]
fn the_coverage_trial_rejects_too_little_and_too_much_noise() {
    for (numerator, denominator) in [(4, 5), (5, 4)] {
        let mutant = Sigma::of(10).times(numerator, denominator).sample(12);
        assert!(!covers_as_promised(&mutant, 10), "σ · {numerator}/{denominator}");
    }
}

#[test]
fn every_margin_promises_at_least_95_percent() {
    for learners in 1..=300 {
        let promised: f64 = Sigma::of(learners).probabilities(i64::from(learners)).iter().sum();
        assert!(promised >= 0.95, "±{learners}: {promised}");
    }
}

#[test]
fn the_noise_is_the_discrete_gaussian() {
    for (learners, seed) in [(1, 31), (5, 32), (50, 33)] {
        assert!(fits(&released(learners, seed), Sigma::of(learners)), "±{learners}");
    }
}

#[test]
fn the_shape_trial_rejects_another_deviation() {
    for (learners, seed) in [(1, 31), (5, 32), (50, 33)] {
        let sigma = Sigma::of(learners);
        assert!(!fits(&sigma.times(4, 5).sample(seed), sigma), "±{learners}");
    }
    assert!(!fits(&Sigma::of(5).times(5, 4).sample(32), Sigma::of(5)));
}

#[test]
fn the_shape_trial_rejects_a_shifted_centre() {
    let shifted: Vec<i64> = Sigma::of(5).sample(32).iter().map(|draw| draw + 1).collect();
    assert!(!fits(&shifted, Sigma::of(5)));
}

#[test]
fn agrees_with_opendps_sampler() {
    let sigma = Sigma::of(10);
    let oracle: Vec<i64> = (0..DRAWS)
        .map(|_| {
            let scale = "250/49".parse().unwrap();
            i64::try_from(sample_discrete_gaussian(scale).unwrap()).unwrap()
        })
        .collect();
    assert!(alike(&released(10, 51), &oracle, sigma));
    assert!(!alike(&sigma.times(4, 5).sample(51), &oracle, sigma));
}

#[test]
fn the_lowest_bit_is_a_fair_coin() {
    let odd = |draws: &[i64]| draws.iter().filter(|draw| *draw % 2 != 0).count() as f64;
    let fair = DRAWS as f64 / 2.0;
    let limit = 4.0 * (DRAWS as f64 / 4.0).sqrt();
    let draws = released(10, 61);
    assert!((odd(&draws) - fair).abs() <= limit);
    // Noise scaled up from a coarser lattice, as rounded floats may be, shows at once.
    let coarse: Vec<i64> = draws.iter().map(|draw| draw * 2).collect();
    assert!((odd(&coarse) - fair).abs() > limit);
}
