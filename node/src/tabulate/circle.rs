//! Which of a learner's groups count, where they are in more than a table allows.
//!
//! A learner's *n* groups stand in a circle in the order of their numbers, and as many as the cap follow each other
//! from a start: the one `⌊(t ^ w) · n / 2³¹⌋` after the least, where t is the learner's tag and w the table's word,
//! each 31 bits keyed with the node's secret. So each of them counts with the same chance, cap / *n*; what counts
//! depends on that learner, the table and the secret alone; and another engine can say the same in 64-bit integers.

/// The bits of a tag and of a word.
const BITS: u32 = 31;

/// Learners of whom places are chosen at once.
const SOME: usize = 4_096;

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

    /// Leaves of each learner's places those that count: `cap` at most. So many places are bits, eight in the byte that
    /// each learner has in a plane, and `numbers` says how many a learner has. Every step is the same for all learners,
    /// without a branch, so that the processor takes several at once.
    pub(super) fn narrow(&self, planes: &mut [Vec<u8>], places: usize, numbers: &[u8], cap: usize) {
        // Nobody has so many places that a larger cap would be another.
        let cap = u8::try_from(cap).unwrap_or(u8::MAX);
        // How many of the learner's things stand between the start and the next of them, round the circle.
        let turn = |(circle, number): (Circle, &u8)| {
            let [start, ..] = circle.start(u32::from(*number)).to_le_bytes();
            if start == 0 { 0 } else { number.wrapping_sub(start) }
        };
        let mut turns: Vec<u8> = self.each().zip(numbers).map(turn).collect();
        // Some learners at a time, so that what is known of them stays near the processor.
        let some = turns.chunks_mut(SOME).zip(numbers.chunks(SOME));
        for ((turns, numbers), from) in some.zip((0..).step_by(SOME)) {
            for (at, plane) in planes.iter_mut().enumerate() {
                let bytes = plane.get_mut(from..from + numbers.len()).unwrap_or_default();
                for bit in (0..8).take(places.saturating_sub(8 * at)).map(|bit| 1_u8 << bit) {
                    for ((byte, turn), number) in bytes.iter_mut().zip(&mut *turns).zip(numbers) {
                        // All bits are one less than none.
                        let next = turn.wrapping_sub(if *byte & bit == 0 { 0 } else { u8::MAX });
                        *byte &= if *turn < cap { u8::MAX } else { !bit };
                        *turn = if next == *number { 0 } else { next };
                    }
                }
            }
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

#[cfg(test)]
mod tests {
    #![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test may panic")]
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
        fn all_learners_at_once_as_one_by_one(
            learners in prop::collection::vec((any::<[u8; 3]>(), word()), 0..40),
            word in word(),
            cap in 1..30_usize,
        ) {
            let tags: Vec<u32> = learners.iter().map(|(_, tag)| *tag).collect();
            let bits = |bytes: &[u8; 3]| -> Vec<u32> {
                let word = bytes.iter().rev().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
                (0..24).filter(|bit| word >> bit & 1 == 1).collect()
            };
            let circles = Circles { tags: &tags, word };
            let one_by_one = learners.iter().zip(circles.each());
            let expected: Vec<u32> = one_by_one
                .map(|((bytes, _), circle)| {
                    kept(circle, &bits(bytes), cap).into_iter().fold(0, |word, bit| word | 1 << bit)
                })
                .collect();

            let plane = |at: usize| learners.iter().map(|(bytes, _)| bytes[at]).collect();
            let mut planes = [plane(0), plane(1), plane(2)];
            let numbers: Vec<u8> =
                learners.iter().map(|(bytes, _)| u8::try_from(bits(bytes).len()).unwrap()).collect();
            circles.narrow(&mut planes, 24, &numbers, cap);
            let narrowed: Vec<u32> = (0..learners.len())
                .map(|at| u32::from_le_bytes([planes[0][at], planes[1][at], planes[2][at], 0]))
                .collect();
            prop_assert_eq!(narrowed, expected);
        }
    }
}
