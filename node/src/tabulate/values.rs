//! What each learner has of something, from their rows that count, and what becomes of it.
//!
//! Rows are added up before anything is clipped, so that it is what the learner has that is bounded, not what a row
//! says.

use std::borrow::Cow;
use std::hint::select_unpredictable;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::{Int32Type, Int64Type};
use sumac_policy::{Bins, Clip, ColumnRef, Quantity, RATIO_PER};

use super::TabulateError;
use super::learners::{Learners, Piece};
use super::rows::Mask;
use super::sums::{Numbers, Sums, saturated};
use crate::records::snapshot::Dates;

/// Sums side by side for each cell, as in [`Learners`].
const LANES: usize = 4;

/// What the learners of a block have. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Values {
    /// The first sum of each learner; of dates, the least difference.
    first: Sums,
    /// The second: what the first is divided by.
    second: Sums,
    /// One if anything was said of the learner's first, two if of the second.
    said: Vec<u8>,
}

/// What each learner of a block has.
struct Having<'a> {
    /// Zero for those of whom nothing is said.
    said: Cow<'a, [u8]>,
    values: Cow<'a, [i64]>,
}

impl Having<'_> {
    /// Each learner's in turn; none of whom nothing is said.
    fn each(&self) -> impl Iterator<Item = Option<i64>> {
        self.said.iter().zip(&*self.values).map(|(said, value)| (*said != 0).then_some(*value))
    }
}

impl Values {
    /// Begins a block: nobody has anything.
    pub(super) fn begin(&mut self, learners: usize, value: &Quantity) {
        let nothing = if matches!(value, Quantity::Days { .. }) { i64::MAX } else { 0 };
        let second = if matches!(value, Quantity::Ratio { .. }) { learners } else { 0 };
        self.first.begin(learners, nothing);
        self.second.begin(second, 0);
        self.said.clear();
        self.said.resize(learners, 0);
    }

    /// Takes the rows of a piece that count.
    pub(super) fn note(
        &mut self,
        value: &Quantity,
        rows: &RecordBatch,
        piece: &Piece,
        counting: &BooleanBuffer,
    ) -> Result<(), TabulateError> {
        let Self { first, second, said } = self;
        let said = said.get_mut(piece.learners.clone()).unwrap_or_default();
        match value {
            Quantity::Sum(column) => {
                add(first, said, 1, piece, of(column, rows)?, counting)
                    .ok_or_else(|| unfit(column))?;
            }
            Quantity::Ratio { of: above, to: below } => {
                add(first, said, 1, piece, of(above, rows)?, counting)
                    .ok_or_else(|| unfit(above))?;
                add(second, said, 2, piece, of(below, rows)?, counting)
                    .ok_or_else(|| unfit(below))?;
            }
            Quantity::Days { until, from } => {
                let dates = |column| {
                    let dates = Dates::of(of(column, rows)?).ok_or_else(|| unfit(column))?;
                    Ok::<_, TabulateError>(dates.to_arrow())
                };
                let (until, from) = (&dates(until)?, &dates(from)?);
                let days = until.values().iter().zip(from.values());
                let days: Vec<i64> =
                    days.map(|(until, from)| i64::from(*until) - i64::from(*from)).collect();
                let known = &known(until, counting) & &known(from, counting);
                first.least(said, piece, &Numbers { numbers: &days, said: Mask::of(&known) });
            }
        }
        Ok(())
    }

    /// What each learner has, as far as 64 bits can say it.
    fn having(&self, value: &Quantity) -> Having<'_> {
        let ratio = matches!(value, Quantity::Ratio { .. });
        if !ratio {
            return Having { said: Cow::Borrowed(&self.said), values: self.first.saturated() };
        }
        let of = |(learner, said): (usize, &u8)| {
            let (above, below) = (self.first.of(learner), self.second.of(learner));
            let known = *said == 3 && below != 0;
            let value = if known { rounded(above * i128::from(RATIO_PER), below) } else { 0 };
            (u8::from(known), saturated(value))
        };
        let (said, values): (Vec<_>, Vec<_>) = self.said.iter().enumerate().map(of).unzip();
        Having { said: Cow::Owned(said), values: Cow::Owned(values) }
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
        let (lo, hi, ends) = (clip.lo(), clip.hi(), clip.ends());
        let having = self.having(value);
        let having = having.said.iter().zip(&*having.values).zip(learners.groups());
        for (lane, ((said, value), group)) in having.enumerate() {
            let place = select_unpredictable(*said != 0, *group as usize, groups);
            let lanes = sums.get_mut(place).and_then(|lanes| lanes.get_mut(lane % LANES));
            if let Some([number, sum]) = lanes {
                // At most the clip's width, and no block has so many learners that this would not fit.
                *number = number.wrapping_add(1);
                *sum = sum.wrapping_add(2 * *value.max(&lo).min(&hi) - ends);
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
        let outside = |value: &i64| !(clip.lo()..=clip.hi()).contains(value);
        self.having(value).each().flatten().filter(outside).count() as u64
    }

    /// The bin of each learner in turn: the number of inner edges that what they have reaches; of whom nothing is
    /// said, one past the last.
    pub(super) fn bins(&self, value: &Quantity, bins: &Bins) -> Vec<u32> {
        let unknown = bins.count();
        let inner = bins.edges().get(1..unknown).unwrap_or_default();
        let bin = move |value: Option<i64>| match value {
            Some(value) => inner.partition_point(|edge| *edge <= value),
            None => unknown,
        };
        let having = self.having(value);
        having.each().map(move |value| u32::try_from(bin(value)).unwrap_or(u32::MAX)).collect()
    }
}

fn of<'a>(column: &ColumnRef, rows: &'a RecordBatch) -> Result<&'a dyn Array, TabulateError> {
    let values = rows.column_by_name(&column.column);
    values.map(|values| &**values).ok_or_else(|| unfit(column))
}

fn unfit(column: &ColumnRef) -> TabulateError {
    TabulateError::Unfit { table: column.table, column: column.column.clone() }
}

/// Adds a column's numbers to learners' sums; none where it has none.
fn add(
    sums: &mut Sums,
    said: &mut [u8],
    mark: u8,
    piece: &Piece,
    values: &dyn Array,
    counting: &BooleanBuffer,
) -> Option<()> {
    let known = Mask::of(&known(values, counting));
    if let Some(narrow) = values.as_primitive_opt::<Int32Type>() {
        sums.add(said, mark, piece, &Numbers { numbers: narrow.values(), said: known });
        return Some(());
    }
    let wide = values.as_primitive_opt::<Int64Type>()?;
    sums.add(said, mark, piece, &Numbers { numbers: wide.values(), said: known });
    Some(())
}

/// The rows that count and say something.
fn known(values: &dyn Array, counting: &BooleanBuffer) -> BooleanBuffer {
    values.nulls().map_or_else(|| counting.clone(), |known| counting & known.inner())
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
    fn the_largest_ratio_does_not_overflow() {
        let sum = i128::from(i64::MIN) * i128::from(u32::MAX);
        assert_eq!(rounded(sum * i128::from(RATIO_PER), 1), sum * i128::from(RATIO_PER));
    }
}
