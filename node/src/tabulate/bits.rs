//! The places of learners' rows as the bits of a word, where a table has 64 at most.

use std::iter;
use std::ops::Range;

use super::by_byte::ByByte;
use super::codes::Codes;
use super::plan::Places;
use super::rows::{Mask, Starts};
use super::several::Whose;

/// As many places as a word has bits.
pub(super) const WORD: usize = 64;
/// Rows whose places are looked at at once.
const WINDOW: u32 = 8;
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

/// Each place's bit, and none of nowhere.
#[expect(clippy::indexing_slicing, reason = "it is filled when it is compiled")]
static BITS: ByByte<u64> = {
    let mut bits = [0; 256];
    let mut place = 0;
    while place < WORD {
        bits[place] = 1 << place;
        place += 1;
    }
    ByByte(bits)
};

/// The places of a block's rows. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Bits {
    places: Vec<u8>,
}

impl Bits {
    /// Begins a block.
    pub(super) fn begin(&mut self) {
        self.places.clear();
    }

    /// Takes the rows of a piece.
    pub(super) fn note(&mut self, places: &Places, codes: &[Codes], counting: &Mask) {
        let noted = self.places.len();
        self.places.resize(noted + counting.rows(), 0);
        let rows = self.places.get_mut(noted..).unwrap_or_default();
        for (codes, stride) in codes.iter().zip(&places.strides) {
            // There are 64 places at most, and every code is in its list, so a place is less.
            let [stride, ..] = stride.to_le_bytes();
            codes.each(rows, |place, code| {
                let [code, _] = code.to_le_bytes();
                *place = place.wrapping_add(code.wrapping_mul(stride));
            });
        }
        let (eights, rest) = rows.as_chunks_mut::<8>();
        let mut hidden = counting.bytes().iter().map(|byte| *HIDDEN.of(*byte));
        for (places, hidden) in eights.iter_mut().zip(&mut hidden) {
            *places = (u64::from_le_bytes(*places) | hidden).to_le_bytes();
        }
        let hidden = hidden.next().unwrap_or(0).to_le_bytes();
        rest.iter_mut().zip(hidden).for_each(|(place, hidden)| *place |= hidden);
    }

    /// The places of each learner's rows that count, as bits.
    fn seen(&mut self, starts: &Starts) -> Vec<u64> {
        // So that every row begins a window.
        self.places.extend([NOWHERE; WINDOW as usize]);
        let learner = |rows: Range<u32>| {
            let (mut start, mut seen) = (rows.start, 0);
            // Once for nearly everybody: few learners have more rows than a window.
            while start < rows.end {
                seen |= bits_in(&self.places, start, rows.end - start);
                start = start.saturating_add(WINDOW);
            }
            seen
        };
        starts.all().map(learner).collect()
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
        let seen = self.seen(whose.starts);
        let mut planes = planes(&seen, groups.len());
        if groups.len() > cap {
            whose.circles.narrow(&mut planes, &numbers(&seen), cap);
        }
        let mut counts = vec![0; cells];
        let mut add = |group: u32, number: i64| {
            if let Some(count) = counts.get_mut(group as usize) {
                *count += number;
            }
        };
        let eights = groups.chunks(8).zip(&planes);
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
    pub(super) fn over(&mut self, starts: &Starts, cap: usize) -> u64 {
        let seen = self.seen(starts);
        seen.iter().filter(|seen| seen.count_ones() as usize > cap).count() as u64
    }
}

/// The bits of the places of so many rows from `start` on, or as many as a window holds.
fn bits_in(places: &[u8], start: u32, rows: u32) -> u64 {
    let places = places.get(start as usize..).and_then(<[u8]>::first_chunk);
    let places = places.map_or(u64::MAX, |places| u64::from_le_bytes(*places));
    // What is no more the learner's is nowhere.
    let past = u64::MAX.checked_shl(rows.saturating_mul(8)).unwrap_or(0);
    let places = (places | past).to_le_bytes();
    places.iter().fold(0, |bits, place| bits | BITS.of(*place))
}

/// Each learner's bits, eight of them a plane.
fn planes(seen: &[u64], places: usize) -> Vec<Vec<u8>> {
    let byte = |seen: &u64, at: usize| seen.to_le_bytes().get(at).copied().unwrap_or(0);
    let planes = 0..places.div_ceil(8);
    planes.map(|at| seen.iter().map(|seen| byte(seen, at)).collect()).collect()
}

/// How many places each learner has.
fn numbers(seen: &[u64]) -> Vec<u8> {
    seen.iter().map(|seen| low(u64::from(seen.count_ones()))).collect()
}

/// How many bytes have this bit.
fn having(bytes: &[u8], bit: u32) -> i64 {
    let parts = bytes.chunks(PART);
    let number =
        |part: &[u8]| part.iter().fold(0_u8, |sum, byte| sum.wrapping_add(byte >> bit & 1));
    parts.map(|part| i64::from(number(part))).sum()
}

fn low(word: u64) -> u8 {
    let [low, ..] = word.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use arrow::buffer::BooleanBuffer;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_bits_of_a_learner_are_the_places_of_their_rows(
            rows in prop::collection::vec((0..13_u8, any::<bool>(), prop::bool::weighted(0.2)), 1..300),
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
            let mut expected = vec![0_u64; counts.len()];
            let mut learner = 0;
            for (place, counts, begins) in &rows {
                learner += usize::from(*begins);
                *expected.get_mut(learner).unwrap() |= u64::from(*counts) << place;
            }

            let starts = Starts::of(&counts).unwrap();
            let places = Places { strides: vec![1], groups: (0..13).collect() };
            let mut bits = Bits::default();
            bits.begin();
            let cut = cut.index(rows.len());
            for range in [0..cut, cut..rows.len()] {
                let part = rows.get(range.clone()).unwrap();
                let codes = Codes::Narrow(part.iter().map(|row| row.0).collect::<Vec<_>>().into());
                let counting = part.iter().map(|row| row.1).collect::<BooleanBuffer>();
                bits.note(&places, &[codes], &Mask::of(&counting));
            }
            prop_assert_eq!(bits.seen(&starts), expected);
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
