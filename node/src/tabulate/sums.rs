//! What learners' rows add up to, a learner at a time.

use std::borrow::Cow;
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
    /// `room` is how much more may be added; `running`, all rows of a piece so far, from none on.
    Narrow { sums: Vec<i64>, room: i64, running: Vec<i64> },
    /// Not 2³² numbers of 64 bits fill it.
    Wide { sums: Vec<i128> },
}

/// Something to add up: a number for each row, and the rows that count and say it.
pub(super) struct Numbers<'a, T> {
    pub(super) numbers: &'a [T],
    pub(super) said: Mask,
}

impl Default for Sums {
    fn default() -> Self {
        Self::Narrow { sums: Vec::new(), room: 0, running: Vec::new() }
    }
}

impl Sums {
    /// Begins a block: each learner has this.
    pub(super) fn begin(&mut self, learners: usize, start: i64) {
        if let Self::Wide { .. } = self {
            *self = Self::default();
        }
        if let Self::Narrow { sums, room, .. } = self {
            sums.clear();
            sums.resize(learners, start);
            *room = i64::MAX - start;
        }
    }

    /// Adds each learner's numbers to their sum, and marks those of whom any was said.
    pub(super) fn add<T: Copy + Into<i64>>(
        &mut self,
        said: &mut [u8],
        mark: u8,
        piece: &Piece,
        numbers: &Numbers<'_, T>,
    ) {
        self.make_room(numbers);
        let learners = piece.learners.clone();
        match self {
            Self::Narrow { sums, running, .. } => {
                let sums = sums.get_mut(learners).unwrap_or_default();
                numbers.add_up(running);
                let until = |row: u32| running.get(row as usize).copied().unwrap_or(0);
                for ((sum, said), rows) in sums.iter_mut().zip(said).zip(piece.ranges()) {
                    // Both may have wrapped round; a learner's numbers do not.
                    let added = until(rows.end).wrapping_sub(until(rows.start));
                    *sum = sum.wrapping_add(added);
                    *said |= u8::from(numbers.said.any_in(rows)) * mark;
                }
            }
            Self::Wide { sums } => {
                let sums = sums.get_mut(learners).unwrap_or_default();
                numbers.each(piece, sums, said, mark, |sum, window| {
                    window.fold(sum, |sum, (number, all)| sum + i128::from((*number).into() & all))
                });
            }
        }
    }

    /// Keeps each learner's least number, and marks those of whom any was said. Nothing was added before.
    pub(super) fn least(&mut self, said: &mut [u8], piece: &Piece, numbers: &Numbers<'_, i64>) {
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

    /// What each learner's add up to, as far as 64 bits can say it.
    pub(super) fn saturated(&self) -> Cow<'_, [i64]> {
        match self {
            Self::Narrow { sums, .. } => Cow::Borrowed(sums),
            Self::Wide { sums } => Cow::Owned(sums.iter().copied().map(saturated).collect()),
        }
    }

    /// Widens the sums where these might not fit.
    fn make_room<T: Copy + Into<i64>>(&mut self, numbers: &Numbers<'_, T>) {
        let Self::Narrow { sums, room, .. } = self else { return };
        match numbers.most().and_then(|most| room.checked_sub(most)).filter(|room| *room >= 0) {
            Some(left) => *room = left,
            None => *self = Self::Wide { sums: sums.iter().copied().map(i128::from).collect() },
        }
    }
}

impl<T: Copy + Into<i64>> Numbers<'_, T> {
    /// As much as all of them can add up to, or a part of them; none where that does not fit in 64 bits.
    fn most(&self) -> Option<i64> {
        let rows = i64::try_from(self.numbers.len()).ok()?;
        let size = |number: i64| number ^ (number >> 63);
        let most = if size_of::<T>() < size_of::<i64>() {
            i64::from(i32::MAX)
        } else {
            // Of a negative number the bits of its complement, which is one less than its size.
            self.numbers.iter().fold(0, |bits, number| bits | size((*number).into()))
        };
        most.checked_add(1)?.checked_mul(rows)
    }

    /// What the rows that say something add up to, before the first row and after each.
    fn add_up(&self, sums: &mut Vec<i64>) {
        sums.resize(self.numbers.len() + 1, 0);
        let Some((first, after)) = sums.split_first_mut() else { return };
        *first = 0;
        let mut sum = 0_i64;
        let mut add = |number: T, all: i64| {
            sum = sum.wrapping_add(number.into() & all);
            sum
        };
        let mut saying = self.said.bytes().iter();
        let (windows, rest) = after.as_chunks_mut::<ROWS>();
        let (numbers, rest_of_numbers) = self.numbers.as_chunks::<ROWS>();
        for ((after, numbers), saying) in windows.iter_mut().zip(numbers).zip(&mut saying) {
            for ((after, number), all) in after.iter_mut().zip(numbers).zip(ALL.of(*saying)) {
                *after = add(*number, *all);
            }
        }
        let all = ALL.of(saying.next().copied().unwrap_or(0));
        for ((after, number), all) in rest.iter_mut().zip(rest_of_numbers).zip(all) {
            *after = add(*number, *all);
        }
    }

    /// Has what each learner has become what `take` makes of it and of a window of their rows, with all bits for each
    /// row that says something; and marks those of whom any was said.
    fn each<S: Copy>(
        &self,
        piece: &Piece,
        having: &mut [S],
        said: &mut [u8],
        mark: u8,
        take: impl Fn(S, Zip<Iter<'_, T>, Iter<'_, i64>>) -> S,
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
