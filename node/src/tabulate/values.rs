//! What each learner has of something, from their rows that count, and what becomes of it.
//!
//! Rows are added up before anything is clipped, so that it is what the learner has that is bounded, not what a row
//! says.

use std::hint::select_unpredictable;

use arrow::array::{Array, AsArray, PrimitiveArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{ArrowPrimitiveType, Date32Type, Int64Type};
use sumac_policy::{Bins, Clip, ColumnRef, Quantity, RATIO_PER};

use super::TabulateError;
use super::learners::{Learners, Piece};
use super::rows::Mask;

/// Sums side by side for each cell, as in [`Learners`].
const LANES: usize = 4;

/// What the learners of a block have. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Values {
    /// The first sum of each learner; of dates, the least difference.
    first: Vec<i128>,
    /// The second: what the first is divided by.
    second: Vec<i128>,
    /// One if anything was said of the learner's first, two if of the second.
    said: Vec<u8>,
    /// The sum of the rows of a piece that stand before each, and of all of them.
    before: Vec<i64>,
}

/// Something to add up: a number for each row, and the rows that count and say it.
struct Numbers<'a> {
    numbers: &'a [i64],
    said: Mask,
}

impl Values {
    /// Begins a block: nobody has anything.
    pub(super) fn begin(&mut self, learners: usize, value: &Quantity) {
        let nothing = if matches!(value, Quantity::Days { .. }) { i128::MAX } else { 0 };
        let second = if matches!(value, Quantity::Ratio { .. }) { learners } else { 0 };
        for (values, length, start) in
            [(&mut self.first, learners, nothing), (&mut self.second, second, 0)]
        {
            values.clear();
            values.resize(length, start);
        }
        self.said.clear();
        self.said.resize(learners, 0);
    }

    /// Takes the rows of a piece that count.
    pub(super) fn note(
        &mut self,
        value: &Quantity,
        rows: &RecordBatch,
        piece: &Piece<'_>,
        counting: &BooleanBuffer,
    ) -> Result<(), TabulateError> {
        let Self { first, second, said, before } = self;
        let learners = piece.learners.clone();
        let said = said.get_mut(learners.clone()).unwrap_or_default();
        let first = first.get_mut(learners.clone()).unwrap_or_default();
        match value {
            Quantity::Sum(column) => {
                let numbers = of::<Int64Type>(column, rows)?;
                add_up(first, said, 1, piece, &numbers_of(numbers, counting), before);
            }
            Quantity::Ratio { of: above, to } => {
                let second = second.get_mut(learners).unwrap_or_default();
                let above = of::<Int64Type>(above, rows)?;
                add_up(first, said, 1, piece, &numbers_of(above, counting), before);
                let below = of::<Int64Type>(to, rows)?;
                add_up(second, said, 2, piece, &numbers_of(below, counting), before);
            }
            Quantity::Days { until, from } => {
                let (until, from) = (of::<Date32Type>(until, rows)?, of::<Date32Type>(from, rows)?);
                let days = until.values().iter().zip(from.values());
                let days: Vec<i64> =
                    days.map(|(until, from)| i64::from(*until) - i64::from(*from)).collect();
                let known = &known(until, counting) & &known(from, counting);
                least(first, said, piece, &Numbers { numbers: &days, said: Mask::of(&known) });
            }
        }
        Ok(())
    }

    /// What each learner in turn has; none of whom nothing is said.
    fn values<'a>(&'a self, value: &Quantity) -> impl Iterator<Item = Option<i128>> + use<'a> {
        let ratio = matches!(value, Quantity::Ratio { .. });
        let all = if ratio { 3 } else { 1 };
        let below = self.second.iter().copied().chain(std::iter::repeat(1));
        let learners = self.first.iter().zip(below).zip(&self.said);
        learners.map(move |((first, below), said)| {
            if *said != all || below == 0 {
                None
            } else if ratio {
                Some(rounded(*first * i128::from(RATIO_PER), below))
            } else {
                Some(*first)
            }
        })
    }

    /// The two cells of each group: its learners, and the sum of twice what each has less the ends of the clip.
    pub(super) fn mean(
        &self,
        value: &Quantity,
        clip: Clip,
        learners: &Learners,
        cells: usize,
    ) -> Vec<i64> {
        // One group more, for learners who have nothing: it is added to like the others, and dropped.
        let groups = cells / 2;
        let mut sums = vec![[[0_i64; 2]; LANES]; groups + 1];
        let (lo, hi) = (i128::from(clip.lo()), i128::from(clip.hi()));
        let having = learners.groups().iter().zip(self.values(value));
        for (lane, (group, value)) in having.enumerate() {
            let clipped = i64::try_from(value.unwrap_or(lo).clamp(lo, hi)).unwrap_or(clip.lo());
            let place = select_unpredictable(value.is_some(), *group as usize, groups);
            let lanes = sums.get_mut(place).and_then(|lanes| lanes.get_mut(lane % LANES));
            if let Some([number, sum]) = lanes {
                *number += 1;
                // At most the clip's width, and no block has so many learners that this would not fit.
                *sum += 2 * clipped - clip.ends();
            }
        }
        sums.truncate(groups);
        let of = |lanes: &[[i64; 2]; LANES]| {
            lanes.iter().fold([0, 0], |[number, sum], lane| [number + lane[0], sum + lane[1]])
        };
        sums.iter().flat_map(of).collect()
    }

    /// Learners who have less or more than the clip lets count.
    pub(super) fn over(&self, value: &Quantity, clip: Clip) -> u64 {
        let (lo, hi) = (i128::from(clip.lo()), i128::from(clip.hi()));
        let outside = |value: &i128| !(lo..=hi).contains(value);
        self.values(value).flatten().filter(outside).count() as u64
    }

    /// The bin of each learner in turn: the number of inner edges that what they have reaches; of whom nothing is
    /// said, one past the last.
    pub(super) fn bins(&self, value: &Quantity, bins: &Bins) -> impl Iterator<Item = u32> {
        let unknown = bins.count();
        let inner = bins.edges().get(1..unknown).unwrap_or_default();
        let bin = move |value: Option<i128>| match value {
            Some(value) => inner.partition_point(|edge| i128::from(*edge) <= value),
            None => unknown,
        };
        self.values(value).map(move |value| u32::try_from(bin(value)).unwrap_or(u32::MAX))
    }
}

fn of<'a, T: ArrowPrimitiveType>(
    column: &ColumnRef,
    rows: &'a RecordBatch,
) -> Result<&'a PrimitiveArray<T>, TabulateError> {
    let values = rows.column_by_name(&column.column);
    values
        .and_then(|values| values.as_primitive_opt())
        .ok_or_else(|| TabulateError::Unfit { table: column.table, column: column.column.clone() })
}

fn numbers_of<'a>(numbers: &'a PrimitiveArray<Int64Type>, counting: &BooleanBuffer) -> Numbers<'a> {
    Numbers { numbers: numbers.values(), said: Mask::of(&known(numbers, counting)) }
}

/// The rows that count and say something.
fn known(values: &dyn Array, counting: &BooleanBuffer) -> BooleanBuffer {
    values.nulls().map_or_else(|| counting.clone(), |known| counting & known.inner())
}

/// Adds each learner's numbers to their sum, and marks those of whom any was said.
fn add_up(
    sums: &mut [i128],
    said: &mut [u8],
    mark: u8,
    piece: &Piece<'_>,
    numbers: &Numbers<'_>,
    before: &mut Vec<i64>,
) {
    let small = numbers.add_before(before);
    for ((sum, said), rows) in sums.iter_mut().zip(said).zip(piece.ranges()) {
        *said |= u8::from(numbers.said.any_in(rows.clone())) * mark;
        // Not 2³² numbers of 64 bits fill it.
        *sum += if small {
            let until = |row: u32| before.get(row as usize).copied().unwrap_or(0);
            i128::from(until(rows.end).wrapping_sub(until(rows.start)))
        } else {
            let values = numbers.numbers.get(rows.start as usize..rows.end as usize);
            let said = rows.zip(values.unwrap_or_default());
            said.map(|(row, value)| i128::from(*value) * i128::from(numbers.said.bit(row))).sum()
        };
    }
}

impl Numbers<'_> {
    /// Adds up what stands before each row and, last, all of them. False where that might not fit in 64 bits.
    fn add_before(&self, before: &mut Vec<i64>) -> bool {
        // Of a negative number the bits of its complement, which is one less than its size.
        let bits = self.numbers.iter().fold(0, |bits, number| bits | (number ^ (number >> 63)));
        let most = bits.checked_add(1).zip(i64::try_from(self.numbers.len()).ok());
        if most.and_then(|(most, rows)| most.checked_mul(rows)).is_none() {
            return false;
        }
        before.clear();
        before.resize(self.numbers.len() + 1, 0);
        let mut sum = 0_i64;
        let sums = before.get_mut(1..).unwrap_or_default().chunks_mut(8);
        for ((sums, numbers), said) in sums.zip(self.numbers.chunks(8)).zip(self.said.bytes()) {
            for ((until, number), place) in sums.iter_mut().zip(numbers).zip(0..) {
                let all = 0_i64.wrapping_sub(i64::from(said >> place & 1));
                sum = sum.wrapping_add(number & all);
                *until = sum;
            }
        }
        true
    }
}

/// Keeps each learner's least number.
fn least(least: &mut [i128], said: &mut [u8], piece: &Piece<'_>, numbers: &Numbers<'_>) {
    for ((least, said), rows) in least.iter_mut().zip(said).zip(piece.ranges()) {
        *said |= u8::from(numbers.said.any_in(rows.clone()));
        let values =
            numbers.numbers.get(rows.start as usize..rows.end as usize).unwrap_or_default();
        for (row, value) in rows.zip(values) {
            let value =
                select_unpredictable(numbers.said.bit(row) == 1, i128::from(*value), i128::MAX);
            *least = value.min(*least);
        }
    }
}

/// A quotient, rounded half away from zero. `below` is not zero.
fn rounded(above: i128, below: i128) -> i128 {
    let (size, by) = (above.unsigned_abs(), below.unsigned_abs());
    let quotient = (2 * size + by) / (2 * by);
    let quotient = i128::try_from(quotient).unwrap_or(i128::MAX);
    if (above < 0) == (below < 0) { quotient } else { -quotient }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::super::rows::Starts;
    use super::*;

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (above, below, expected) in [
            (1, 2, 1),
            (-1, 2, -1),
            (1, -2, -1),
            (-1, -2, 1),
            (3, 2, 2),
            (5, 4, 1),
            (7, 4, 2),
            (0, 9, 0),
        ] {
            assert_eq!(rounded(above, below), expected, "{above}/{below}");
        }
    }

    #[test]
    fn numbers_too_large_for_64_bits_are_added_all_the_same() {
        for (number, small) in [
            (1 << 59, true),
            (-(1 << 59), true),
            (1 << 60, false),
            (-(1 << 60) - 1, false),
            (i64::MAX, false),
            (i64::MIN, false),
        ] {
            let (starts, numbers) = (Starts::of(&[0, 7, 1]).unwrap(), [number; 8]);
            let said = BooleanBuffer::collect_bool(8, |row| row != 2);
            let numbers = Numbers { numbers: &numbers, said: Mask::of(&said) };
            let (mut sums, mut said, mut before) = ([1; 3], [0; 3], Vec::new());
            assert_eq!(numbers.add_before(&mut before), small, "{number}");
            add_up(&mut sums, &mut said, 2, &starts.piece(0, 0..8), &numbers, &mut before);
            assert_eq!(sums, [1, 1 + 6 * i128::from(number), 1 + i128::from(number)]);
            assert_eq!(said, [0, 2, 2]);
        }
    }

    #[test]
    fn the_largest_ratio_does_not_overflow() {
        let sum = i128::from(i64::MIN) * i128::from(u32::MAX);
        assert_eq!(rounded(sum * i128::from(RATIO_PER), 1), sum * i128::from(RATIO_PER));
    }
}
