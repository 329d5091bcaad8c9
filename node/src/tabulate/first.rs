//! Which of 64 places at most count, of learners who are in more than a table allows: many learners side by side.
//!
//! What a rank is, [`super::rank`] says. Every step is the same for all learners, without a branch, and a number's
//! neighbours are the same number of other learners, so that the processor takes several at once.

use super::rank::{MODULUS, Rank};
use super::several::Ranks;

/// Learners side by side.
const LANES: usize = 32;
/// As many places as a learner's word has bits.
const WORD: usize = 64;
/// The largest cap up to which keeping the first in order is quicker than sorting.
const MOST: usize = 8;
/// Above every rank: of a place that a learner is not in.
const NONE: i32 = i32::MAX;

/// One number of each learner.
type Lanes<T> = [T; LANES];

/// Leaves of each learner's places, which are bits, the `cap` whose groups rank first.
pub(super) fn narrow(seen: &mut [u64], groups: &[u32], cap: usize, ranks: &Ranks<'_>, own: &[u32]) {
    let learners = ranks.tags.chunks(LANES).zip(own.chunks(LANES));
    let mut keys = [[NONE; LANES]; WORD];
    for (seen, (tags, own)) in seen.chunks_mut(LANES).zip(learners) {
        let rank = |tag: &i64| Rank::of(*tag, ranks.words);
        let last = if cap <= MOST {
            let ranks = filled(tags.iter().map(rank), Rank::of(0, ranks.words));
            side_by_side(seen, groups, cap, &ranks, own, &mut keys)
        } else {
            [true; LANES]
        };
        for (((seen, unsure), tag), own) in seen.iter_mut().zip(last).zip(tags).zip(own) {
            if unsure && seen.count_ones() as usize > cap {
                *seen = first(*seen, groups, cap, rank(tag), *own);
            }
        }
    }
}

/// As [`narrow`]; but where the ranks of the last place and of one left out are equal, all such places are left, and the
/// learner is said to be unsure.
fn side_by_side(
    seen: &mut [u64],
    groups: &[u32],
    cap: usize,
    ranks: &Lanes<Rank>,
    own: &[u32],
    keys: &mut [Lanes<i32>; WORD],
) -> Lanes<bool> {
    let own: Lanes<u32> = filled(own.iter().copied(), 0);
    let halves = |shift: u32| {
        let half = move |seen: &u64| u32::try_from(seen >> shift & u64::from(u32::MAX));
        filled(seen.iter().map(move |seen| half(seen).unwrap_or(0)), 0)
    };
    let mut words: [Lanes<u32>; 2] = [halves(0), halves(u32::BITS)];
    let (mut at, mut step) = ([0; LANES], [0; LANES]);
    let (mut before, mut stepped) = (None, 0);
    let mut least = [[NONE; LANES]; MOST];
    let least = least.get_mut(..cap).unwrap_or_default();
    for ((place, group), keys) in groups.iter().enumerate().zip(&mut *keys) {
        let by = before.map(|before| group - before);
        match by {
            None => {
                for ((at, rank), own) in at.iter_mut().zip(ranks).zip(own) {
                    *at = rank.at(group + own).cast_signed();
                }
            }
            Some(by) => {
                if by != stepped {
                    for (step, rank) in step.iter_mut().zip(ranks) {
                        *step = rank.step(by).cast_signed();
                    }
                    stepped = by;
                }
                for (at, step) in at.iter_mut().zip(step) {
                    *at = sum(*at, step);
                }
            }
        }
        before = Some(*group);
        let [low, high] = &mut words;
        let word = if place < 32 { low } else { high };
        for ((key, word), at) in keys.iter_mut().zip(word).zip(at) {
            let absent = (*word & 1).wrapping_sub(1).cast_signed() & NONE;
            *key = at | absent;
            *word >>= 1;
        }
        let mut next = *keys;
        for least in least.iter_mut() {
            for (least, next) in least.iter_mut().zip(&mut next) {
                let (less, more) = ((*least).min(*next), (*least).max(*next));
                (*least, *next) = (less, more);
            }
        }
    }

    let last = least.last().copied().unwrap_or([NONE; LANES]);
    let (mut kept, mut number) = ([[0_u32; LANES]; 2], [0_u32; LANES]);
    for (place, keys) in keys.iter().enumerate().take(groups.len()) {
        let [low, high] = &mut kept;
        let kept = if place < 32 { low } else { high };
        for (((kept, number), key), last) in kept.iter_mut().zip(&mut number).zip(keys).zip(last) {
            let stays = u32::from(*key <= last);
            *kept |= stays << (place % 32);
            *number = number.wrapping_add(stays);
        }
    }
    let [low, high] = kept;
    for ((seen, low), high) in seen.iter_mut().zip(low).zip(high) {
        *seen &= u64::from(low) | u64::from(high) << 32;
    }
    let mut unsure = [false; LANES];
    for ((unsure, number), last) in unsure.iter_mut().zip(number).zip(last) {
        *unsure = last != NONE && number as usize > cap;
    }
    unsure
}

/// Leaves of one learner's places those whose groups rank first.
fn first(seen: u64, groups: &[u32], cap: usize, rank: Rank, own: u32) -> u64 {
    let places = groups.iter().enumerate().filter(|(place, _)| seen >> place & 1 == 1);
    let mut ranked: Vec<_> = places.map(|(place, group)| (rank.at(group + own), place)).collect();
    ranked.sort_unstable();
    ranked.iter().take(cap).fold(0, |kept, (_, place)| kept | 1 << place)
}

/// The sum of two ranks, less the modulus if it has reached that.
fn sum(one: i32, other: i32) -> i32 {
    let modulus = NONE;
    debug_assert_eq!(i64::from(modulus).cast_unsigned(), MODULUS);
    let over = one.wrapping_add(other).wrapping_sub(modulus);
    over.wrapping_add(modulus & (over >> 31))
}

fn filled<T: Copy>(values: impl Iterator<Item = T>, rest: T) -> Lanes<T> {
    let mut lanes = [rest; LANES];
    lanes.iter_mut().zip(values).for_each(|(lane, value)| *lane = value);
    lanes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Tags by which all groups rank alike, besides any.
    fn tag() -> impl Strategy<Value = i64> {
        prop_oneof![4 => 0..1_i64 << 62, 1 => Just(0), 1 => Just((1 << 31) - 1)]
    }

    proptest! {
        #[test]
        fn side_by_side_as_one_by_one(
            learners in prop::collection::vec((any::<u64>(), tag(), 0..50_u32), 0..70),
            gaps in prop::collection::vec(prop_oneof![Just(1), Just(7), 1..40_u32], 1..=64),
            cap in 1..12_usize,
        ) {
            let end = |end: &mut u32, gap: u32| { *end += gap; Some(*end) };
            let groups: Vec<u32> = gaps.into_iter().scan(0, end).collect();
            let places = u64::MAX >> (WORD - groups.len());
            let mut seen: Vec<u64> = learners.iter().map(|learner| learner.0 & places).collect();
            let tags: Vec<i64> = learners.iter().map(|learner| learner.1).collect();
            let own: Vec<u32> = learners.iter().map(|learner| learner.2).collect();
            let one_by_one = seen.iter().zip(&tags).zip(&own);
            let expected: Vec<u64> = one_by_one
                .map(|((seen, tag), own)| first(*seen, &groups, cap, Rank::of(*tag, [0; 2]), *own))
                .collect();

            narrow(&mut seen, &groups, cap, &Ranks { tags: &tags, words: [0; 2] }, &own);
            prop_assert_eq!(seen, expected);
        }
    }
}
