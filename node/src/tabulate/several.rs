//! Learners who count several times: once in each of some groups of their rows, or once for each of some rows.

use std::hint::select_unpredictable;
use std::ops::Range;

use super::circle::{Circle, Circles};
use super::learners::Piece;
use super::plan::Places;
use super::rows::Mask;

/// As many places as a word has bits: a learner's groups are then the bits of one word.
const WORD: usize = 64;

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
    /// No bits at a learner's first row, all at others.
    same: Vec<u64>,
    /// The places of the learner's rows up to each row, as bits.
    so_far: Vec<u64>,
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
        self.mark(piece, counting);
        let seen = self.seen.get_mut(piece.learners.clone()).unwrap_or_default();
        for (seen, rows) in seen.iter_mut().zip(piece.ranges()) {
            let last = self.so_far.get((rows.end as usize).wrapping_sub(1)).copied().unwrap_or(0);
            *seen |= select_unpredictable(rows.is_empty(), 0, last);
        }
    }

    /// Finds the places of each learner's rows up to each row: how many rows a learner has decides no branch.
    fn mark(&mut self, piece: &Piece<'_>, counting: &Mask) {
        self.same.clear();
        self.same.resize(self.places.len(), u64::MAX);
        for rows in piece.ranges() {
            if let Some(same) = self.same.get_mut(rows.start as usize) {
                *same = 0;
            }
        }
        self.so_far.clear();
        self.so_far.resize(self.places.len(), 0);
        // First each row's own place, then what its learner had before it: the first without waiting for another row.
        let eights = self.so_far.chunks_mut(8).zip(self.places.chunks(8)).zip(counting.bytes());
        for ((own, places), counting) in eights {
            for ((own, place), row) in own.iter_mut().zip(places).zip(0..) {
                *own = u64::from(counting >> row & 1) << (place % u64::BITS);
            }
        }
        let mut bits = 0;
        for (so_far, same) in self.so_far.iter_mut().zip(&self.same) {
            bits = (bits & same) | *so_far;
            *so_far = bits;
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
                // Less than the number of groups, since every code is in its list.
                *place = place.wrapping_add(u32::from(*code).wrapping_mul(*stride));
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

    /// Adds one to each of a learner's groups, to `cap` of them at most.
    pub(super) fn count_groups(
        &mut self,
        places: &Places,
        cap: usize,
        circles: &Circles<'_>,
        own: &[u32],
        cells: usize,
    ) -> Vec<i64> {
        if places.groups.len() <= WORD {
            if places.groups.len() > cap {
                circles.narrow(&mut self.seen, places.groups.len(), cap);
            }
            return self.count_all(places, own, cells);
        }
        let mut counts = vec![0; cells];
        self.each_learner(circles, own, |rows, circle, own| {
            rows.sort_unstable();
            let groups = distinct(rows);
            for row in circle.kept(groups, cap).into_iter().flatten() {
                add(&mut counts, group(places, *row, own), 1);
            }
        });
        counts
    }

    /// Adds one to each of a learner's groups.
    fn count_all(&self, places: &Places, own: &[u32], cells: usize) -> Vec<i64> {
        let mut counts = vec![0; cells];
        if places.groups.len() < cells {
            for (seen, own) in self.seen.iter().zip(own) {
                let mut bits = *seen;
                while bits != 0 {
                    let place = u64::from(bits.trailing_zeros());
                    add(&mut counts, group(places, place, *own), 1);
                    bits &= bits - 1;
                }
            }
            return counts;
        }
        // Rows alone decide, so learners are counted by their bits, eight places at a time.
        let mut alike = [[0_u32; 256]; WORD / 8];
        let bytes = places.groups.len().div_ceil(8);
        for seen in &self.seen {
            for (alike, byte) in alike.iter_mut().zip(seen.to_le_bytes()).take(bytes) {
                if let Some(number) = alike.get_mut(usize::from(byte)) {
                    *number += 1;
                }
            }
        }
        for (groups, alike) in places.groups.chunks(8).zip(&alike) {
            for (group, place) in groups.iter().zip(0..) {
                let with = (0_u32..).zip(alike).filter(|(byte, _)| byte >> place & 1 == 1);
                add(&mut counts, *group, with.map(|(_, number)| i64::from(*number)).sum());
            }
        }
        counts
    }

    /// Adds one to the group of each of a learner's rows, for `cap` of them at most: those of the highest level, and as
    /// many as are left of the next.
    pub(super) fn count_rows(
        &mut self,
        places: &Places,
        cap: usize,
        circles: &Circles<'_>,
        own: &[u32],
        cells: usize,
    ) -> Vec<i64> {
        let mut counts = vec![0; cells];
        self.each_learner(circles, own, |rows, circle, own| {
            rows.sort_unstable();
            let mut left = cap;
            for level in rows.chunk_by(|one, other| one >> 32 == other >> 32) {
                for row in circle.kept(level, left).into_iter().flatten() {
                    add(&mut counts, group(places, *row, own), 1);
                }
                left = left.saturating_sub(level.len());
            }
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

    /// Each learner's kept rows, with their circle and how far their own codes move their groups.
    fn each_learner(
        &mut self,
        circles: &Circles<'_>,
        own: &[u32],
        mut take: impl FnMut(&mut [u64], Circle, u32),
    ) {
        let mut start = 0;
        for ((end, own), circle) in self.ends.iter().zip(own).zip(circles.each()) {
            // A learner without a row in any piece was given no end.
            let end = (*end).max(start);
            if let Some(rows) = self.rows.get_mut(start..end) {
                take(rows, circle, *own);
            }
            start = end;
        }
    }
}

fn add(counts: &mut [i64], group: u32, number: i64) {
    if let Some(count) = counts.get_mut(group as usize) {
        *count += number;
    }
}

/// The group of a kept row, given how far the learner's own codes move it.
fn group(places: &Places, row: u64, own: u32) -> u32 {
    let place = usize::try_from(row & u64::from(u32::MAX)).unwrap_or(usize::MAX);
    places.groups.get(place).map_or(u32::MAX, |group| group + own)
}

/// Sorted rows without those that are as the one before, moved to the front.
fn distinct(rows: &mut [u64]) -> &[u64] {
    let (mut last, mut length) = (None, 0);
    for at in 0..rows.len() {
        let row = rows.get(at).copied();
        if let (Some(row), Some(place)) = (row, rows.get_mut(length)) {
            *place = row;
        }
        length += usize::from(row != last);
        last = row;
    }
    rows.get(..length).unwrap_or_default()
}

fn span(rows: &Range<u32>) -> Range<usize> {
    rows.start as usize..rows.end as usize
}
