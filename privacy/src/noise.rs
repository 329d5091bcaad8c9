//! Exact cells in, noisy cells out. There is no other way from the one to the other.

use std::fmt;
use std::num::{NonZeroU64, NonZeroUsize};
use std::thread;

use prio::dp::Rational;
use prio::dp::distributions::DiscreteGaussian;
use rand::distr::Distribution;
use rand::{CryptoRng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sumac_policy::Margin;

#[cfg(test)]
mod trials;

/// Cells whose noise one generator draws: so many that a thread is worth its start.
const LOT: usize = 512;

/// A table's cells before the noise, in the order of its public code lists.
///
/// Cannot be printed, serialised, copied or read back: [`release`] is all that can be done with it.
pub struct Exact {
    cells: Vec<i64>,
    /// Of the cells in turn, over and over.
    scales: Vec<NonZeroU64>,
}

impl Exact {
    /// Cells as counted, every learner bounded before it was added.
    pub fn counted(cells: Vec<i64>) -> Self {
        Self { cells, scales: vec![NonZeroU64::MIN] }
    }

    /// Cells of groups in which the noise of each cell is so many times a count's: as much as one learner may change
    /// it, in a group of as many cells as there are scales. None where there is no scale, or one of zero, or where
    /// the last group is not whole.
    pub fn scaled(cells: Vec<i64>, scales: &[u64]) -> Option<Self> {
        let scales: Vec<_> =
            scales.iter().map(|scale| NonZeroU64::new(*scale)).collect::<Option<_>>()?;
        let whole = !scales.is_empty() && cells.len().is_multiple_of(scales.len());
        whole.then_some(Self { cells, scales })
    }
}

impl fmt::Debug for Exact {
    /// The number of cells, which the MOU makes public; never their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Exact({} cells)", self.cells.len())
    }
}

/// A table's cells with the noise in. Made only by [`release`].
///
/// Cells may be negative. They stay so on the wire and in sums; only print may clamp them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Noisy {
    cells: Vec<i64>,
    scales: Vec<NonZeroU64>,
    margin: Margin,
}

impl Noisy {
    /// The noisy cells, in the order of the exact ones.
    pub fn cells(&self) -> &[i64] {
        &self.cells
    }

    /// By how much the noise of each cell is wider than the margin says: one for each cell of a group, or a single
    /// one for all.
    pub fn scales(&self) -> &[NonZeroU64] {
        &self.scales
    }

    /// The margin that every cell was noised to, times its scale.
    pub fn margin(&self) -> Margin {
        self.margin
    }

    /// The noisy cells alone.
    pub fn into_cells(self) -> Vec<i64> {
        self.cells
    }
}

/// Why no noisy table could be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoiseError {
    /// A noisy cell is outside 64 bits. Whether it is depends on the noisy value alone, so saying
    /// so tells no more than the value would have.
    #[error("a cell with its noise does not fit in 64 bits; check the value bounds of the KPI")]
    Overflow,
}

/// Adds to every cell a draw of the discrete Gaussian with σ = 25M/49 times the cell's scale, which holds it within
/// as many times ±M of the exact one at least 95 % of the time.
///
/// There is one draw a cell, all of them made before the first cell is looked at, so nothing about
/// the cells but their number reaches `rng`. The caller seeds `rng` from the operating system for
/// each table and charges the table's price first.
///
/// # Errors
///
/// [`NoiseError::Overflow`] where a noisy cell does not fit.
pub fn release<R>(exact: Exact, margin: Margin, rng: &mut R) -> Result<Noisy, NoiseError>
where
    R: CryptoRng + ?Sized,
{
    let Exact { cells, scales } = exact;
    let sigmas = scales.iter().map(|scale| sigma(margin, *scale)).collect();
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let noise = draws(sigmas, cells.len(), threads, rng)?;
    let cells = cells
        .into_iter()
        .zip(noise)
        .map(|(cell, draw)| add(cell, draw))
        .collect::<Result<_, _>>()?;
    Ok(Noisy { cells, scales, margin })
}

fn sigma(margin: Margin, scale: NonZeroU64) -> Rational {
    // Below 2^5 · 2^32 · 2^64, so this fits.
    let numerator = 25 * u128::from(margin.learners()) * u128::from(scale.get());
    Rational::from_unsigned(numerator, 49_u128).expect("the denominator is 49")
}

/// One draw a cell; their deviations in turn, over and over.
///
/// Each lot of cells has a generator of its own, seeded from `rng`, so that lots are drawn in threads and come out the
/// same however many there are.
fn draws<R>(
    sigmas: Vec<Rational>,
    cells: usize,
    threads: NonZeroUsize,
    rng: &mut R,
) -> Result<Vec<i128>, NoiseError>
where
    R: CryptoRng + ?Sized,
{
    let gaussian =
        |sigma| DiscreteGaussian::new(sigma).expect("a Rational has no zero denominator");
    let gaussians: Vec<_> = sigmas.into_iter().map(gaussian).collect();
    let lots = (0..cells).step_by(LOT).map(|first| (first, ChaCha20Rng::from_rng(rng)));
    let mut lots: Vec<_> = lots.collect();
    let lot = |(first, rng): &mut (usize, ChaCha20Rng)| {
        let of_cells = gaussians.iter().cycle().skip(*first % gaussians.len());
        let of_cells = of_cells.take(LOT.min(cells - *first));
        of_cells
            .map(|gaussian| i128::try_from(gaussian.sample(rng)).map_err(|_| NoiseError::Overflow))
            .collect::<Vec<_>>()
    };
    let each = lots.len().div_ceil(threads.get()).max(1);
    thread::scope(|scope| {
        let mut parts = lots.chunks_mut(each);
        let first = parts.next().unwrap_or_default();
        let others: Vec<_> = parts
            .map(|lots| scope.spawn(|| lots.iter_mut().flat_map(lot).collect::<Vec<_>>()))
            .collect();
        let mut draws: Vec<_> = first.iter_mut().flat_map(lot).collect();
        for other in others {
            draws.extend(other.join().expect("drawing noise does not panic"));
        }
        draws.into_iter().collect()
    })
}

fn add(cell: i64, draw: i128) -> Result<i64, NoiseError> {
    i128::from(cell)
        .checked_add(draw)
        .and_then(|noisy| i64::try_from(noisy).ok())
        .ok_or(NoiseError::Overflow)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use rand::{TryCryptoRng, TryRng};
    use std::convert::Infallible;

    /// Writes down everything that the sampler was given.
    struct Recording {
        inner: ChaCha20Rng,
        given: Vec<u8>,
    }

    impl Recording {
        fn seeded(seed: u64) -> Self {
            Self { inner: ChaCha20Rng::seed_from_u64(seed), given: Vec::new() }
        }
    }

    impl TryRng for Recording {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            let word = self.inner.try_next_u32()?;
            self.given.extend(word.to_le_bytes());
            Ok(word)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            let word = self.inner.try_next_u64()?;
            self.given.extend(word.to_le_bytes());
            Ok(word)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            self.inner.try_fill_bytes(bytes)?;
            self.given.extend_from_slice(bytes);
            Ok(())
        }
    }

    impl TryCryptoRng for Recording {}

    fn margin(learners: u32) -> Margin {
        Margin::new(learners).unwrap()
    }

    fn differences(one: &Noisy, other: &Noisy) -> Vec<i64> {
        one.cells.iter().zip(&other.cells).map(|(a, b)| a - b).collect()
    }

    #[test]
    fn one_learner_more_changes_nothing_but_that_learners_cell() {
        let with = vec![41, 0, 7, 1_000_000, 3, 0];
        let without = vec![41, 0, 6, 1_000_000, 3, 0];
        for seed in 0..50 {
            let (mut first, mut second) = (Recording::seeded(seed), Recording::seeded(seed));
            let one = release(Exact::counted(with.clone()), margin(10), &mut first).unwrap();
            let other = release(Exact::counted(without.clone()), margin(10), &mut second).unwrap();
            assert_eq!(differences(&one, &other), [0, 0, 1, 0, 0, 0]);
            assert_eq!(first.given, second.given);
            assert!(!first.given.is_empty());
        }
    }

    #[test]
    fn the_generator_learns_only_the_number_of_cells() {
        let run = |cells: Vec<i64>| {
            let mut rng = Recording::seeded(1);
            let noisy = release(Exact::counted(cells), margin(5), &mut rng);
            (noisy.map(|noisy| noisy.cells.len()), rng.given)
        };
        let (zeros, given) = run(vec![0; 30]);
        assert_eq!(zeros, Ok(30));
        assert_eq!(run(vec![-1_000_000_007; 30]), (Ok(30), given.clone()));
        // Even a failing release has drawn as much as a succeeding one.
        assert_eq!(run(vec![i64::MAX; 30]), (Err(NoiseError::Overflow), given));
    }

    #[test]
    fn a_table_without_cells_draws_nothing() {
        let mut rng = Recording::seeded(1);
        let noisy = release(Exact::counted(Vec::new()), margin(10), &mut rng).unwrap();
        assert_eq!((noisy.cells(), noisy.margin()), (&[][..], margin(10)));
        assert_eq!(rng.given, []);
    }

    #[test]
    fn every_cell_has_noise_of_its_own() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let noisy = release(Exact::counted(vec![0; 64]), margin(1000), &mut rng).unwrap();
        let mut distinct = noisy.into_cells();
        distinct.sort_unstable();
        distinct.dedup();
        // With σ = 510 two of 64 draws may meet; a shared draw would leave far fewer.
        assert!(distinct.len() > 55, "{}", distinct.len());
    }

    #[test]
    fn noise_is_the_same_in_however_many_threads() {
        let cells = 3 * LOT + 7;
        let drawn = |threads| {
            let sigmas =
                [1, 3, 1000].map(|scale| sigma(margin(10), NonZeroU64::new(scale).unwrap()));
            let threads = NonZeroUsize::new(threads).unwrap();
            draws(sigmas.to_vec(), cells, threads, &mut ChaCha20Rng::seed_from_u64(5)).unwrap()
        };
        let alone = drawn(1);
        assert_eq!(alone.len(), cells);
        for threads in [2, 3, 4, 9] {
            assert_eq!(drawn(threads), alone, "{threads} threads");
        }
        // No lot begins as another does, and each cell keeps its scale: a lot is not a whole number of groups.
        let begins = |lot| alone.chunks(LOT).nth(lot).unwrap().iter().take(7).collect::<Vec<_>>();
        assert_ne!(begins(0), begins(3));
        let wide = alone.iter().skip(2).step_by(3).filter(|draw| draw.abs() > 100).count();
        assert!(wide > cells / 3 * 9 / 10, "{wide}");
        assert!(alone.iter().step_by(3).all(|draw| draw.abs() < 100));
    }

    #[test]
    fn each_cell_of_a_group_has_noise_of_its_own_scale() {
        let cells = vec![0; 2 * 4000];
        let mut rng = ChaCha20Rng::seed_from_u64(11);
        let exact = Exact::scaled(cells, &[1, 3000]).unwrap();
        let noisy = release(exact, margin(10), &mut rng).unwrap();
        assert_eq!(noisy.scales().iter().map(|scale| scale.get()).collect::<Vec<_>>(), [1, 3000]);
        // The deviation of 4000 draws is within 5 % of σ but once in a hundred thousand times.
        let deviation = |from: usize| {
            let draws = noisy.cells().iter().skip(from).step_by(2).map(|draw| *draw as f64);
            (draws.map(|draw| draw * draw).sum::<f64>() / 4000.0).sqrt()
        };
        let sigma = 250.0 / 49.0;
        for (found, expected) in [(deviation(0), sigma), (deviation(1), 3000.0 * sigma)] {
            assert!((found / expected - 1.0).abs() < 0.05, "{found} for {expected}");
        }
        // No draw of the wide cells may be a count's times the scale: that would leave gaps to be seen.
        let gaps = noisy.cells().iter().skip(1).step_by(2).all(|draw| draw % 3000 == 0);
        assert!(!gaps);
    }

    #[test]
    fn a_scale_of_one_is_the_noise_of_a_count() {
        let run = |exact: Exact| {
            let mut rng = Recording::seeded(3);
            (release(exact, margin(10), &mut rng).unwrap().into_cells(), rng.given)
        };
        let counted = run(Exact::counted(vec![5; 12]));
        assert_eq!(run(Exact::scaled(vec![5; 12], &[1, 1, 1]).unwrap()), counted);
        assert!(Exact::scaled(vec![5; 12], &[]).is_none());
        assert!(Exact::scaled(vec![5; 12], &[1, 0]).is_none());
        assert!(Exact::scaled(vec![5; 12], &[1; 5]).is_none());
    }

    #[test]
    fn adds_without_wrapping() {
        assert_eq!(add(i64::MAX, 0), Ok(i64::MAX));
        assert_eq!(add(i64::MAX, 1), Err(NoiseError::Overflow));
        assert_eq!(add(i64::MIN, -1), Err(NoiseError::Overflow));
        assert_eq!(add(i64::MIN, i128::MIN), Err(NoiseError::Overflow));
        assert_eq!(add(-5, i128::from(i64::MAX)), Ok(i64::MAX - 5));
    }

    #[test]
    fn debug_shows_no_exact_value() {
        let exact = Exact::counted(vec![987_654_321, 123]);
        assert_eq!(format!("{exact:?} {exact:#?}"), "Exact(2 cells) Exact(2 cells)");
    }
}
