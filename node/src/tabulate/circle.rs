//! Which of a learner's groups count, where they are in more than a table allows.
//!
//! A learner's *n* groups stand in a circle in the order of their numbers, and as many as the cap follow each other
//! from a start: the one `⌊(t ^ w) · n / 2³¹⌋` after the least, where t is the learner's tag and w the table's word,
//! each 31 bits keyed with the node's secret. So each of them counts with the same chance, cap / *n*; what counts
//! depends on that learner, the table and the secret alone; and another engine can say the same in 64-bit integers.

/// The bits of a tag and of a word.
const BITS: u32 = 31;
/// As many places as a learner's bits have.
const WORD: usize = 64;
/// Learners side by side.
const LANES: usize = 16;

/// The circles of a block's learners in a table.
pub(super) struct Circles<'a> {
    /// The learners' tags.
    pub(super) tags: &'a [u32],
    /// The table's word.
    pub(super) word: u32,
}

/// One learner's circles in a table.
#[derive(Clone, Copy)]
pub(super) struct Circle(u32);

impl Circles<'_> {
    /// Each learner's in turn.
    pub(super) fn each(&self) -> impl Iterator<Item = Circle> {
        self.tags.iter().map(|tag| Circle(tag ^ self.word))
    }

    /// Leaves of each learner's places, which are bits, those that count: `cap` at most. Every step is the same for
    /// all learners, without a branch, and is taken for several at once.
    pub(super) fn narrow(&self, seen: &mut [u64], places: usize, cap: usize) {
        // No learner has more places than bits.
        let cap = u8::try_from(cap.min(WORD)).unwrap_or(u8::MAX);
        for (seen, tags) in seen.chunks_mut(LANES).zip(self.tags.chunks(LANES)) {
            let mut bits = [0_u64; LANES];
            bits.iter_mut().zip(&*seen).for_each(|(bits, seen)| *bits = *seen);
            let mut starts = [0_u8; LANES];
            let numbers = bits.map(|bits| low_byte(bits.count_ones().into()));
            for ((start, tag), number) in starts.iter_mut().zip(tags).zip(numbers) {
                *start = low_byte(Circle(tag ^ self.word).start(number.into()).into());
            }
            let kept = kept(&bits, &numbers, &starts, places, cap);
            seen.iter_mut().zip(kept).for_each(|(seen, kept)| *seen = kept);
        }
    }
}

impl Circle {
    /// Those of a learner's things that count, `cap` at most: from the start on, and from the first on.
    pub(super) fn kept<T>(self, things: &[T], cap: usize) -> [&[T]; 2] {
        let number = u32::try_from(things.len()).unwrap_or(u32::MAX);
        let (before, after) = things.split_at(self.start(number) as usize);
        let after = after.get(..cap).unwrap_or(after);
        [after, before.get(..cap - after.len()).unwrap_or(before)]
    }

    /// How many of so many things stand before the start; fewer than all, but of none.
    fn start(self, number: u32) -> u32 {
        let start = (u64::from(self.0) * u64::from(number)) >> BITS;
        u32::try_from(start).unwrap_or(0)
    }
}

/// The bits that count, of learners with so many bits and such starts.
fn kept(
    bits: &[u64; LANES],
    numbers: &[u8; LANES],
    starts: &[u8; LANES],
    places: usize,
    cap: u8,
) -> [u64; LANES] {
    let mut all = [0; LANES];
    // How many of the learner's things stand between the start and the next of them, round the circle.
    let mut turns = [0; LANES];
    for ((turn, number), start) in turns.iter_mut().zip(numbers).zip(starts) {
        *turn = if *start == 0 { 0 } else { number.wrapping_sub(*start) };
    }
    for shift in (0..WORD).step_by(8).take(places.div_ceil(8)) {
        let bytes = bits.map(|bits| low_byte(bits >> shift));
        let mut kept = [0; LANES];
        for bit in (0..8).map(|bit| 1_u8 << bit) {
            for (((kept, byte), turn), number) in
                kept.iter_mut().zip(bytes).zip(&mut turns).zip(numbers)
            {
                let there = if byte & bit == 0 { 0 } else { u8::MAX };
                let counts = if *turn < cap { u8::MAX } else { 0 };
                *kept |= there & counts & bit;
                // All bits are one less than none.
                let next = turn.wrapping_sub(there);
                *turn = if next == *number { 0 } else { next };
            }
        }
        for (all, kept) in all.iter_mut().zip(kept) {
            *all |= u64::from(kept) << shift;
        }
    }
    all
}

fn low_byte(number: u64) -> u8 {
    let [low, ..] = number.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    /// Any tag or word; and those that begin and end the circle.
    fn word() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0..1_u32 << BITS, 1 => Just(0), 1 => Just((1 << BITS) - 1)]
    }

    fn kept(circle: Circle, things: &[u32], cap: usize) -> Vec<u32> {
        circle.kept(things, cap).concat()
    }

    #[test]
    fn agrees_with_the_formula_by_hand() {
        // (5 ^ 3) · 7 / 2³¹ is less than one, and (2³¹ − 1) · 7 / 2³¹ than seven.
        let first = Circles { tags: &[5], word: 3 }.each().next().unwrap();
        let last = Circle((1 << BITS) - 1);
        let things = [10, 11, 12, 13, 14, 15, 16];
        assert_eq!(kept(first, &things, 3), [10, 11, 12]);
        assert_eq!(kept(last, &things, 3), [16, 10, 11]);
        // 1,500,000,000 · 7 / 2³¹ is 4.89.
        assert_eq!(kept(Circle(1_500_000_000), &things, 4), [14, 15, 16, 10]);
        assert_eq!(kept(Circle(1_500_000_000), &things, 7), [14, 15, 16, 10, 11, 12, 13]);
        assert_eq!(kept(last, &[8], 2), [8]);
        assert!(kept(last, &[], 2).is_empty());
    }

    #[test]
    fn each_thing_is_kept_as_often_as_any_other() {
        let starts = (0..1_u32 << BITS).step_by(1 << 17);
        for number in 1..=12_u32 {
            let things: Vec<u32> = (0..number).collect();
            for cap in 1..=number {
                let mut times = vec![0_u32; number as usize];
                let circles = starts.clone().map(Circle);
                let kept = circles.flat_map(|circle| kept(circle, &things, cap as usize));
                kept.for_each(|thing| *times.get_mut(thing as usize).unwrap() += 1);
                let expected = (1 << 14) * cap / number;
                assert!(times.iter().all(|found| found.abs_diff(expected) <= cap), "{times:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn side_by_side_as_one_by_one(
            learners in prop::collection::vec((any::<u64>(), word()), 0..40),
            word in word(),
            places in 1..=WORD,
            cap in 1..70_usize,
        ) {
            let all = u64::MAX >> (WORD - places);
            let mut seen: Vec<u64> = learners.iter().map(|(seen, _)| seen & all).collect();
            let tags: Vec<u32> = learners.iter().map(|(_, tag)| *tag).collect();
            let circles = Circles { tags: &tags, word };
            let one_by_one = seen.iter().zip(circles.each()).map(|(seen, circle)| {
                let bits: Vec<u32> = (0..64).filter(|bit| seen >> bit & 1 == 1).collect();
                kept(circle, &bits, cap).into_iter().fold(0, |kept, bit| kept | 1_u64 << bit)
            });
            let expected: Vec<u64> = one_by_one.collect();
            circles.narrow(&mut seen, places, cap);
            prop_assert_eq!(seen, expected);
        }
    }
}
