//! What learners' rows add up to, a learner at a time.

use std::iter::Zip;
use std::slice::Iter;

use super::by_byte::ByByte;
use super::learners::Piece;
use super::rows::Mask;

/// Rows that are added up at once.
const WINDOW: u32 = 8;
const ROWS: usize = WINDOW as usize;

/// For each way in which a window's rows may say something, all bits for each that does.
#[expect(clippy::indexing_slicing, reason = "it is filled when it is compiled")]
static ALL: ByByte<[i64; ROWS]> = {
    let mut all = [[0; ROWS]; 256];
    let mut saying = 0;
    while saying < 256 {
        let mut row = 0;
        while row < ROWS {
            all[saying][row] = if saying >> row & 1 == 1 { -1 } else { 0 };
            row += 1;
        }
        saying += 1;
    }
    ByByte(all)
};

/// A number of each learner of a block, in 64 bits as long as that is enough for sure.
pub(super) enum Sums {
    /// `room` is how much more may be added.
    Narrow { sums: Vec<i64>, room: i64 },
    /// Not 2³² numbers of 64 bits fill it.
    Wide { sums: Vec<i128> },
}

/// Something to add up: a number for each row, and the rows that count and say it.
pub(super) struct Numbers<'a> {
    pub(super) numbers: &'a [i64],
    pub(super) said: Mask,
}

impl Default for Sums {
    fn default() -> Self {
        Self::Narrow { sums: Vec::new(), room: 0 }
    }
}

impl Sums {
    /// Begins a block: each learner has this.
    pub(super) fn begin(&mut self, learners: usize, start: i64) {
        if let Self::Wide { .. } = self {
            *self = Self::default();
        }
        if let Self::Narrow { sums, room } = self {
            sums.clear();
            sums.resize(learners, start);
            *room = i64::MAX - start;
        }
    }

    /// Adds each learner's numbers to their sum, and marks those of whom any was said.
    pub(super) fn add(
        &mut self,
        said: &mut [u8],
        mark: u8,
        piece: &Piece<'_>,
        numbers: &Numbers<'_>,
    ) {
        self.make_room(numbers);
        let learners = piece.learners.clone();
        match self {
            Self::Narrow { sums, .. } => {
                let sums = sums.get_mut(learners).unwrap_or_default();
                numbers.each(piece, sums, said, mark, |sum, window| {
                    window.fold(sum, |sum, (number, all)| sum.wrapping_add(number & all))
                });
            }
            Self::Wide { sums } => {
                let sums = sums.get_mut(learners).unwrap_or_default();
                numbers.each(piece, sums, said, mark, |sum, window| {
                    window.fold(sum, |sum, (number, all)| sum + i128::from(number & all))
                });
            }
        }
    }

    /// Keeps each learner's least number, and marks those of whom any was said. Nothing was added before.
    pub(super) fn least(&mut self, said: &mut [u8], piece: &Piece<'_>, numbers: &Numbers<'_>) {
        if let Self::Narrow { sums, .. } = self {
            let sums = sums.get_mut(piece.learners.clone()).unwrap_or_default();
            numbers.each(piece, sums, said, 1, |least, window| {
                window.fold(least, |least, (number, all)| {
                    least.min((number & all) | (i64::MAX & !all))
                })
            });
        }
    }

    /// What a learner's numbers add up to.
    pub(super) fn of(&self, learner: usize) -> i128 {
        match self {
            Self::Narrow { sums, .. } => sums.get(learner).copied().map_or(0, i128::from),
            Self::Wide { sums } => sums.get(learner).copied().unwrap_or(0),
        }
    }

    /// The same, as far as 64 bits can say it.
    pub(super) fn saturated(&self, learner: usize) -> i64 {
        match self {
            Self::Narrow { sums, .. } => sums.get(learner).copied().unwrap_or(0),
            Self::Wide { .. } => saturated(self.of(learner)),
        }
    }

    /// Widens the sums where these might not fit.
    fn make_room(&mut self, numbers: &Numbers<'_>) {
        let Self::Narrow { sums, room } = self else { return };
        match numbers.most().and_then(|most| room.checked_sub(most)).filter(|room| *room >= 0) {
            Some(left) => *room = left,
            None => *self = Self::Wide { sums: sums.iter().copied().map(i128::from).collect() },
        }
    }
}

impl Numbers<'_> {
    /// As much as all of them can add up to, or a part of them; none where that does not fit in 64 bits.
    fn most(&self) -> Option<i64> {
        // Of a negative number the bits of its complement, which is one less than its size.
        let bits = self.numbers.iter().fold(0, |bits, number| bits | (number ^ (number >> 63)));
        let rows = i64::try_from(self.numbers.len()).ok()?;
        bits.checked_add(1)?.checked_mul(rows)
    }

    /// Has what each learner has become what `take` makes of it and of a window of their rows, with all bits for each
    /// row that says something; and marks those of whom any was said.
    fn each<T: Copy>(
        &self,
        piece: &Piece<'_>,
        having: &mut [T],
        said: &mut [u8],
        mark: u8,
        take: impl Fn(T, Zip<Iter<'_, i64>, Iter<'_, i64>>) -> T,
    ) {
        for ((having, said), rows) in having.iter_mut().zip(said).zip(piece.ranges()) {
            let mut start = rows.start;
            // Once for nearly everybody: few learners have more rows than a window.
            while start < rows.end {
                let [saying, ..] = self.said.window(start, rows.end).to_le_bytes();
                *said |= u8::from(saying != 0) * mark;
                let all = ALL.of(saying).iter();
                let numbers = self.numbers.get(start as usize..).unwrap_or_default();
                *having = match numbers.first_chunk::<ROWS>() {
                    Some(window) => take(*having, window.iter().zip(all)),
                    None => take(*having, numbers.iter().zip(all)),
                };
                start = start.saturating_add(WINDOW);
            }
        }
    }
}

pub(super) fn saturated(number: i128) -> i64 {
    i64::try_from(number).unwrap_or(if number < 0 { i64::MIN } else { i64::MAX })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use arrow::buffer::BooleanBuffer;

    use super::super::rows::Starts;
    use super::*;

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
            let mut sums = Sums::default();
            sums.begin(3, 1);
            let mut said = [0; 3];
            sums.add(&mut said, 2, &starts.piece(0, 0..8), &numbers);
            assert_eq!(matches!(sums, Sums::Narrow { .. }), small, "{number}");
            let number = i128::from(number);
            assert_eq!([0, 1, 2].map(|learner| sums.of(learner)), [1, 1 + 6 * number, 1 + number]);
            assert_eq!(said, [0, 2, 2]);
        }
    }
}
