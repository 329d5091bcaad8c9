//! Which of a learner's groups count, where they are in more than a table allows.
//!
//! By the least rank. A group's rank is `((t0 ^ w0) · (group + 1) + (t1 ^ w1)) mod (2³¹ − 1)`, where t is the
//! learner's tag and w the table's: two words each of 31 bits, both keyed with the node's secret. Equal ranks go by
//! the group's number. So what is kept depends on that learner, the table and the secret alone, and another engine
//! can say the same in 64-bit integers.

/// 2³¹ − 1, a prime.
pub(super) const MODULUS: u64 = (1 << 31) - 1;

/// The low word of a tag.
const LOW: i64 = (1 << 31) - 1;

/// One learner's ranking of a table's groups.
#[derive(Clone, Copy)]
pub(super) struct Rank {
    times: u64,
    plus: u64,
}

impl Rank {
    /// Of the learner with this tag, as the snapshot keeps it, in the table with these words.
    pub(super) fn of(tag: i64, [low, high]: [u32; 2]) -> Self {
        let word = |word: i64| u32::try_from(word & LOW).unwrap_or(0);
        Self { times: (word(tag) ^ low).into(), plus: (word(tag >> 31) ^ high).into() }
    }

    /// A group's rank, less than 2³¹ − 1.
    pub(super) fn at(self, group: u32) -> u32 {
        // Below 2³¹ · 2³² + 2³¹, so this fits.
        let number = self.times * (u64::from(group) + 1) + self.plus;
        // 2³¹ leaves 1, so the high bits may be added to the low: twice, and at most the modulus is left over.
        let once = (number & MODULUS) + (number >> 31);
        let twice = (once & MODULUS) + (once >> 31);
        let rank = twice.min(twice.wrapping_sub(MODULUS));
        u32::try_from(rank).unwrap_or(u32::MAX)
    }

    /// By how much, modulo 2³¹ − 1, the rank of a group exceeds that of the group so many before it, which is one at
    /// least.
    pub(super) fn step(self, groups: u32) -> u32 {
        Self { plus: 0, ..self }.at(groups.saturating_sub(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_the_formula_by_hand() {
        // t = (5, 9), w = (3, 1): (6 · (group + 1) + 8) mod (2³¹ − 1)
        let rank = Rank::of(5 | 9 << 31, [3, 1]);
        assert_eq!([0, 1, 9].map(|group| rank.at(group)), [14, 20, 68]);
        let rank = Rank::of(i64::MAX >> 1, [0, 0]);
        // Both words 2³¹ − 1: every rank is 0.
        assert_eq!([0, 7, 5_399].map(|group| rank.at(group)), [0, 0, 0]);
        // (123_456_789 · 1_001 + 987_654_321) mod (2³¹ − 1), by a calculator.
        let rank = Rank::of(123_456_789 | 987_654_321 << 31, [0, 0]);
        assert_eq!(rank.at(1_000), 13_848_584);
        for times in [0, 1, 2, MODULUS - 1, MODULUS] {
            for plus in [0, 1, MODULUS - 1, MODULUS] {
                for group in [0, 1, 999_999, u32::MAX] {
                    let expected = (times * (u64::from(group) + 1) + plus) % MODULUS;
                    assert_eq!(u64::from(Rank { times, plus }.at(group)), expected);
                }
            }
        }
    }
}
