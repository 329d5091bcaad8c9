//! The places of learners' rows as the bits of a word, where a table has 64 at most.

use std::iter;
use std::ops::Range;

use super::by_byte::ByByte;
use super::codes::Codes;
use super::learners::Piece;
use super::plan::Places;
use super::rows::Mask;
use super::several::Whose;
use super::word::{ROWS, WINDOW, Word};

/// As many places as a word has bits.
pub(super) const WORD: usize = 64;
/// As many as a short word has, which is quicker.
const SHORT: usize = 16;
/// Bytes whose bits are added up in one: no more than it can say, and a whole number of the processor's lanes.
const PART: usize = 240;

/// The place of a row that does not count.
const NOWHERE: u8 = u8::MAX;

/// For each way in which eight rows may count, nowhere for each that does not.
#[expect(clippy::indexing_slicing, reason = "it is filled when it is compiled")]
static HIDDEN: ByByte<u64> = {
    let mut hidden = [u64::MAX; 256];
    let mut counting = 0;
    while counting < 256 {
        let mut row = 0;
        while row < WINDOW {
            if counting >> row & 1 == 1 {
                hidden[counting] ^= (NOWHERE as u64) << (8 * row);
            }
            row += 1;
        }
        counting += 1;
    }
    ByByte(hidden)
};

/// The places of a block's learners. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Bits {
    /// Eight places are the bits of the byte that each learner has in a plane.
    planes: Vec<Vec<u8>>,
    /// The place of each of a piece's rows.
    places: Vec<u8>,
}

impl Bits {
    /// Begins a block.
    pub(super) fn begin(&mut self, learners: usize, places: &Places) {
        self.planes.resize_with(places.groups.len().div_ceil(8), Vec::new);
        for plane in &mut self.planes {
            plane.clear();
            plane.resize(learners, 0);
        }
    }

    /// Takes the rows of a piece.
    pub(super) fn note(
        &mut self,
        places: &Places,
        codes: &[Codes],
        counting: &Mask,
        piece: &Piece,
    ) {
        self.places.clear();
        for (codes, stride) in codes.iter().zip(&places.strides) {
            // There are 64 places at most, and every code is in its list, so a place is less.
            let [stride, ..] = stride.to_le_bytes();
            let moved = |code: u16| {
                let [code, _] = code.to_le_bytes();
                code.wrapping_mul(stride)
            };
            if self.places.is_empty() {
                codes.extend(&mut self.places, moved);
            } else {
                codes
                    .each(&mut self.places, |place, code| *place = place.wrapping_add(moved(code)));
            }
        }
        // Without an axis all rows are in one place.
        self.places.resize(counting.rows(), 0);
        let (eights, rest) = self.places.as_chunks_mut::<8>();
        let mut hidden = counting.bytes().iter().map(|byte| *HIDDEN.of(*byte));
        for (places, hidden) in eights.iter_mut().zip(&mut hidden) {
            *places = (u64::from_le_bytes(*places) | hidden).to_le_bytes();
        }
        let hidden = hidden.next().unwrap_or(0).to_le_bytes();
        rest.iter_mut().zip(hidden).for_each(|(place, hidden)| *place |= hidden);

        if places.groups.len() <= SHORT {
            self.see::<u16>(piece);
        } else {
            self.see::<u64>(piece);
        }
    }

    /// Gives each learner the places of their rows in a piece.
    fn see<W: Word>(&mut self, piece: &Piece) {
        let mut words = Vec::with_capacity(self.places.len() + ROWS);
        words.extend(self.places.iter().map(|place| W::of(*place)));
        // So that every row begins a window.
        words.extend([W::default(); ROWS]);
        let seen = |rows: Range<u32>| {
            let mut seen = bits_in(&words, rows.clone());
            // Few learners have more rows than a window.
            let mut start = rows.start.saturating_add(WINDOW);
            while start < rows.end {
                seen = seen | bits_in(&words, start..rows.end);
                start = start.saturating_add(WINDOW);
            }
            seen
        };
        let seen: Vec<W> = piece.ranges().map(seen).collect();
        for (plane, at) in self.planes.iter_mut().zip(0..) {
            let bytes = plane.get_mut(piece.learners.clone()).unwrap_or_default();
            bytes.iter_mut().zip(&seen).for_each(|(byte, seen)| *byte |= seen.byte(at));
        }
    }

    /// Adds one to each of a learner's groups, to `cap` of them at most.
    pub(super) fn count(
        &mut self,
        places: &Places,
        cap: usize,
        whose: Whose<'_>,
        cells: usize,
    ) -> Vec<i64> {
        let groups = &places.groups;
        if groups.len() > cap {
            let numbers = self.numbers();
            whose.circles.narrow(&mut self.planes, groups.len(), &numbers, cap);
        }
        let mut counts = vec![0; cells];
        let mut add = |group: u32, number: i64| {
            if let Some(count) = counts.get_mut(group as usize) {
                *count += number;
            }
        };
        let eights = groups.chunks(8).zip(&self.planes);
        let places =
            eights.flat_map(|(groups, plane)| groups.iter().zip(0_u32..).zip(iter::repeat(plane)));
        for ((group, bit), plane) in places {
            if groups.len() == cells {
                // Rows alone decide, so that a place is a cell.
                add(*group, having(plane, bit));
                continue;
            }
            for (byte, own) in plane.iter().zip(whose.own) {
                add(group + own, i64::from(byte >> bit & 1));
            }
        }
        counts
    }

    /// Learners whose rows are in more groups than `cap`.
    pub(super) fn over(&self, cap: usize) -> u64 {
        self.numbers().iter().filter(|number| usize::from(**number) > cap).count() as u64
    }

    /// How many places each learner has.
    fn numbers(&self) -> Vec<u8> {
        let mut numbers = vec![0_u8; self.planes.first().map_or(0, Vec::len)];
        for plane in &self.planes {
            let both = numbers.iter_mut().zip(plane);
            both.for_each(|(number, byte)| *number = (*number).wrapping_add(bits_of(*byte)));
        }
        numbers
    }
}

/// The bits of so many rows from the first on, or as many as a window holds.
fn bits_in<W: Word>(words: &[W], rows: Range<u32>) -> W {
    let window = words.get(rows.start as usize..).and_then(<[W]>::first_chunk::<ROWS>);
    let window = window.unwrap_or(W::first(0)).iter();
    let first = W::first(rows.end - rows.start).iter();
    window.zip(first).fold(W::default(), |bits, (word, first)| bits | *word & *first)
}

/// How many bits a byte has, so that the processor finds it for several at once.
fn bits_of(byte: u8) -> u8 {
    let pairs = byte.wrapping_sub(byte >> 1 & 0x55);
    let fours = (pairs & 0x33).wrapping_add(pairs >> 2 & 0x33);
    fours.wrapping_add(fours >> 4) & 0x0f
}

/// How many bytes have this bit.
fn having(bytes: &[u8], bit: u32) -> i64 {
    let parts = bytes.chunks(PART);
    let number =
        |part: &[u8]| part.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte >> bit & 1));
    parts.map(|part| i64::from(number(part))).sum()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use arrow::buffer::BooleanBuffer;
    use proptest::prelude::*;

    use super::super::rows::Starts;
    use super::*;

    proptest! {
        #[test]
        fn the_bits_of_a_learner_are_the_places_of_their_rows(
            rows in prop::collection::vec((0..60_u8, any::<bool>(), prop::bool::weighted(0.2)), 1..300),
            wide in any::<bool>(),
            cut in any::<prop::sample::Index>(),
        ) {
            // A row begins another learner where its flag says so.
            let mut counts = vec![0_u32];
            for (_, _, begins) in &rows {
                if *begins {
                    counts.push(0);
                }
                *counts.last_mut().unwrap() += 1;
            }
            let bits = if wide { 60 } else { 13 };
            let mut expected = vec![0_u64; counts.len()];
            let mut learner = 0;
            for (place, counts, begins) in &rows {
                learner += usize::from(*begins);
                *expected.get_mut(learner).unwrap() |= u64::from(*counts) << (place % bits);
            }

            let starts = Starts::of(&counts).unwrap();
            let places = Places { strides: vec![1], groups: (0..u32::from(bits)).collect() };
            let mut found = Bits::default();
            found.begin(counts.len(), &places);
            let cut = cut.index(rows.len());
            for range in [0..cut, cut..rows.len()] {
                let part = rows.get(range.clone()).unwrap();
                let codes = part.iter().map(|row| row.0 % bits).collect::<Vec<_>>();
                let counting = part.iter().map(|row| row.1).collect::<BooleanBuffer>();
                let rows = u32::try_from(range.start).unwrap()..u32::try_from(range.end).unwrap();
                let piece = starts.piece(0, rows);
                found.note(&places, &[Codes::Narrow(codes.into())], &Mask::of(&counting), &piece);
            }
            let of = |learner: usize| {
                let planes = found.planes.iter().rev();
                planes.fold(0, |word, plane| word << 8 | u64::from(*plane.get(learner).unwrap()))
            };
            let seen: Vec<u64> = (0..counts.len()).map(of).collect();
            let numbers: Vec<u32> = seen.iter().map(|seen| seen.count_ones()).collect();
            prop_assert_eq!(seen, expected);
            let told: Vec<u32> = found.numbers().into_iter().map(u32::from).collect();
            prop_assert_eq!(told, numbers);
        }

        #[test]
        fn bits_are_counted_as_one_by_one(
            bytes in prop::collection::vec(any::<u8>(), 0..900),
            bit in 0..8_u32,
        ) {
            let expected = bytes.iter().filter(|byte| *byte >> bit & 1 == 1).count();
            prop_assert_eq!(having(&bytes, bit), i64::try_from(expected).unwrap());
        }
    }
}
