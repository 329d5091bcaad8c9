//! Learners who count several times: once in each of some groups of their rows, or once for each of some rows.

use std::ops::Range;

use super::learners::Piece;
use super::plan::Places;
use super::rank::Rank;
use super::rows::Mask;

/// As many places as a word has bits: a learner's groups are then the bits of one word.
const WORD: usize = 64;
/// Ranks compared all with all, without a branch.
const TOGETHER: usize = 16;

/// The places of each learner's rows that count. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Several {
    /// Each learner's places as bits, where there are few enough.
    seen: Vec<u64>,
    /// Else the places of the rows that count, learner by learner, each below how far its level is below the
    /// highest: level · 2³² + place.
    rows: Vec<u64>,
    /// One past each learner's last of these rows.
    ends: Vec<usize>,
    /// The place of each row of a piece.
    places: Vec<u32>,
}

/// How each learner of a block ranks a table's groups.
pub(super) struct Ranks<'a> {
    /// Their tags.
    pub(super) tags: &'a [i64],
    /// The table's words.
    pub(super) words: [u32; 2],
}

impl Several {
    /// Begins a block. Nobody has a row that counts.
    pub(super) fn begin(&mut self, learners: usize) {
        self.seen.clear();
        self.seen.resize(learners, 0);
        self.rows.clear();
        self.ends.clear();
        self.ends.resize(learners, 0);
    }

    /// Takes the groups of the rows of a piece that count.
    pub(super) fn note_groups(
        &mut self,
        places: &Places,
        codes: &[&[u16]],
        piece: &Piece<'_>,
        counting: &Mask,
    ) {
        self.place(places, codes, piece);
        if places.groups.len() > WORD {
            return self.keep(piece, counting, None);
        }
        let seen = self.seen.get_mut(piece.learners.clone()).unwrap_or_default();
        for (seen, rows) in seen.iter_mut().zip(piece.ranges()) {
            let places = self.places.get(span(&rows)).unwrap_or_default();
            for (row, place) in rows.zip(places) {
                *seen |= counting.bit(row) << (place % u64::BITS);
            }
        }
    }

    /// Takes the rows of a piece that count, and how far each is below the highest level.
    pub(super) fn note_rows(
        &mut self,
        places: &Places,
        codes: &[&[u16]],
        piece: &Piece<'_>,
        counting: &Mask,
        below: Option<&[u16]>,
    ) {
        self.place(places, codes, piece);
        self.keep(piece, counting, below);
    }

    /// Finds the place of each row, a column of codes at a time.
    fn place(&mut self, places: &Places, codes: &[&[u16]], piece: &Piece<'_>) {
        self.places.clear();
        self.places.resize(piece.rows.len(), 0);
        for (codes, stride) in codes.iter().zip(&places.strides) {
            for (place, code) in self.places.iter_mut().zip(*codes) {
                *place += u32::from(*code) * stride;
            }
        }
    }

    /// Keeps the places of the rows that count.
    fn keep(&mut self, piece: &Piece<'_>, counting: &Mask, below: Option<&[u16]>) {
        let ends = self.ends.get_mut(piece.learners.clone()).unwrap_or_default();
        for (end, rows) in ends.iter_mut().zip(piece.ranges()) {
            let places = self.places.get(span(&rows)).unwrap_or_default();
            for (row, place) in rows.zip(places) {
                let below = below.and_then(|below| below.get(row as usize)).copied().unwrap_or(0);
                if counting.bit(row) == 1 {
                    self.rows.push(u64::from(below) << 32 | u64::from(*place));
                }
            }
            *end = self.rows.len();
        }
    }

    /// Adds one to each of a learner's groups, to `cap` of them at most: those that rank first.
    pub(super) fn count_groups(
        &mut self,
        places: &Places,
        cap: usize,
        ranks: &Ranks<'_>,
        own: &[u32],
        cells: usize,
    ) -> Vec<i64> {
        let mut counts = vec![0; cells];
        if places.groups.len() > WORD {
            self.each_learner(ranks, own, |rows, rank, own| {
                rows.sort_unstable();
                let mut groups: Vec<_> = rows
                    .chunk_by(|a, b| a == b)
                    .filter_map(|same| group(places, *same.first()?, own))
                    .collect();
                if groups.len() > cap {
                    groups.sort_unstable_by_key(|group| (rank.at(*group), *group));
                }
                groups.iter().take(cap).for_each(|group| add(&mut counts, *group, 1));
            });
            return counts;
        }
        for ((seen, own), tag) in self.seen.iter().zip(own).zip(ranks.tags) {
            let mut found = [0; WORD];
            let mut number = 0;
            let mut bits = *seen;
            while bits != 0 {
                let group = places.groups.get(bits.trailing_zeros() as usize).copied().unwrap_or(0);
                if let Some(found) = found.get_mut(number) {
                    *found = group + own;
                }
                number += 1;
                bits &= bits - 1;
            }
            let found = found.get(..number).unwrap_or_default();
            if number <= cap {
                found.iter().for_each(|group| add(&mut counts, *group, 1));
            } else if number <= TOGETHER {
                first_of_few(found, cap, Rank::of(*tag, ranks.words), &mut counts);
            } else {
                let rank = Rank::of(*tag, ranks.words);
                let mut ranked: Vec<_> =
                    found.iter().map(|group| (rank.at(*group), *group)).collect();
                ranked.sort_unstable();
                ranked.iter().take(cap).for_each(|(_, group)| add(&mut counts, *group, 1));
            }
        }
        counts
    }

    /// Adds one to the group of each of a learner's rows, for `cap` of them at most: those of the highest level, and
    /// of one level those whose group ranks first.
    pub(super) fn count_rows(
        &mut self,
        places: &Places,
        cap: usize,
        ranks: &Ranks<'_>,
        own: &[u32],
        cells: usize,
    ) -> Vec<i64> {
        let mut counts = vec![0; cells];
        self.each_learner(ranks, own, |rows, rank, own| {
            let of = |row: &u64| group(places, *row, own).unwrap_or(0);
            if rows.len() > cap {
                rows.sort_unstable_by_key(|row| (row >> 32, rank.at(of(row)), of(row)));
            }
            rows.iter().take(cap).for_each(|row| add(&mut counts, of(row), 1));
        });
        counts
    }

    /// Learners whose rows are in more groups than `cap`.
    pub(super) fn over_groups(&mut self, places: &Places, cap: usize) -> u64 {
        if places.groups.len() <= WORD {
            let over = |seen: &&u64| seen.count_ones() as usize > cap;
            return self.seen.iter().filter(over).count() as u64;
        }
        self.over(|rows| {
            rows.sort_unstable();
            rows.chunk_by(|a, b| a == b).count() > cap
        })
    }

    /// Learners with more rows than `cap`.
    pub(super) fn over_rows(&mut self, cap: usize) -> u64 {
        self.over(|rows| rows.len() > cap)
    }

    fn over(&mut self, over: impl Fn(&mut [u64]) -> bool) -> u64 {
        let (mut start, mut number) = (0, 0);
        for end in &self.ends {
            let end = (*end).max(start);
            number += u64::from(self.rows.get_mut(start..end).is_some_and(&over));
            start = end;
        }
        number
    }

    /// Each learner's kept rows, with their ranking and how far their own codes move their groups.
    fn each_learner(
        &mut self,
        ranks: &Ranks<'_>,
        own: &[u32],
        mut take: impl FnMut(&mut [u64], Rank, u32),
    ) {
        let mut start = 0;
        for ((end, own), tag) in self.ends.iter().zip(own).zip(ranks.tags) {
            // A learner without a row in any piece was given no end.
            let end = (*end).max(start);
            if let Some(rows) = self.rows.get_mut(start..end) {
                take(rows, Rank::of(*tag, ranks.words), *own);
            }
            start = end;
        }
    }
}

/// Adds one to those groups that fewer than `cap` others precede. Compares all with all.
fn first_of_few(groups: &[u32], cap: usize, rank: Rank, counts: &mut [i64]) {
    let mut ranks = [u32::MAX; TOGETHER];
    for (rank_of, group) in ranks.iter_mut().zip(groups) {
        *rank_of = rank.at(*group);
    }
    let first = |place: usize, own: u32| {
        // Groups ascend, so that of equal ranks the one that stands before comes first.
        let before = (0..).zip(&ranks);
        let before =
            before.map(|(other, rank)| u32::from(*rank < own || (*rank == own && other < place)));
        before.sum::<u32>() as usize
    };
    for ((place, group), own) in groups.iter().enumerate().zip(&ranks) {
        add(counts, *group, i64::from(first(place, *own) < cap));
    }
}

fn add(counts: &mut [i64], group: u32, number: i64) {
    if let Some(count) = counts.get_mut(group as usize) {
        *count += number;
    }
}

/// The group of a kept row, given how far the learner's own codes move it.
fn group(places: &Places, row: u64, own: u32) -> Option<u32> {
    let place = usize::try_from(row & u64::from(u32::MAX)).ok()?;
    places.groups.get(place).map(|group| group + own)
}

fn span(rows: &Range<u32>) -> Range<usize> {
    rows.start as usize..rows.end as usize
}
