//! Learners who count several times: once in each of some groups of their rows, or once for each of some rows.

use super::circle::{Circle, Circles};
use super::codes::Codes;
use super::plan::Places;
use super::rows::{Mask, Starts};

/// The place of a row that does not count: after every other.
const NOWHERE: u32 = u32::MAX;

/// The places of a block's rows. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Several {
    places: Vec<u32>,
    /// How far each row's level is below the highest, where rows have levels.
    below: Vec<u16>,
}

/// The learners of a block, in turn.
#[derive(Clone, Copy)]
pub(super) struct Whose<'a> {
    /// Where their rows begin.
    pub(super) starts: &'a Starts,
    /// Which of their groups or rows count.
    pub(super) circles: &'a Circles<'a>,
    /// How far their own codes move their groups.
    pub(super) own: &'a [u32],
}

impl Several {
    /// Begins a block.
    pub(super) fn begin(&mut self) {
        self.places.clear();
        self.below.clear();
    }

    /// Takes the rows of a piece, and how far each is below the highest level where rows have levels.
    pub(super) fn note(
        &mut self,
        places: &Places,
        codes: &[Codes],
        counting: &Mask,
        below: Option<&[u16]>,
    ) {
        let noted = self.places.len();
        self.places.resize(noted + counting.rows(), 0);
        let rows = self.places.get_mut(noted..).unwrap_or_default();
        for (codes, stride) in codes.iter().zip(&places.strides) {
            // Less than the number of groups, since every code is in its list.
            codes.each(rows, |place, code| {
                *place = place.wrapping_add(u32::from(code).wrapping_mul(*stride));
            });
        }
        for (places, counting) in rows.chunks_mut(8).zip(counting.bytes()) {
            for (place, bit) in places.iter_mut().zip([1, 2, 4, 8, 16, 32, 64, 128]) {
                *place |= if counting & bit == 0 { NOWHERE } else { 0 };
            }
        }
        self.below.extend_from_slice(below.unwrap_or_default());
    }

    /// Adds one to each of a learner's groups, to `cap` of them at most.
    pub(super) fn count_groups(
        &mut self,
        places: &Places,
        cap: usize,
        whose: Whose<'_>,
        cells: usize,
    ) -> Vec<i64> {
        // No block has so many learners that a cell would not fit.
        let mut counts = vec![0_u32; cells];
        // Where rows alone decide, a place is a cell.
        let alone = places.groups.len() == cells;
        let group = |place: u32, own: u32| {
            let group = places.groups.get(place as usize).map(|group| group + own);
            if alone { place } else { group.unwrap_or(NOWHERE) }
        };
        let learners = whose.starts.all().zip(whose.circles.each()).zip(whose.own);
        for ((rows, circle), own) in learners {
            let rows = self.places.get_mut(rows.start as usize..rows.end as usize);
            let groups = distinct(rows.unwrap_or_default());
            for kept in circle.kept(groups, cap) {
                for place in kept {
                    if let Some(count) = counts.get_mut(group(*place, *own) as usize) {
                        *count += 1;
                    }
                }
            }
        }
        counts.into_iter().map(i64::from).collect()
    }

    /// Adds one to the group of each of a learner's rows, for `cap` of them at most: those of the highest level, and as
    /// many as are left of the next.
    pub(super) fn count_rows(
        &self,
        places: &Places,
        cap: usize,
        whose: Whose<'_>,
        cells: usize,
    ) -> Vec<i64> {
        let mut counts = vec![0; cells];
        let mut add = |place: u32, own: u32| {
            let group = places.groups.get(place as usize).map(|group| group + own);
            if let Some(count) = group.and_then(|group| counts.get_mut(group as usize)) {
                *count += 1;
            }
        };
        let mut found: Vec<(u16, u32)> = Vec::new();
        let learners = whose.starts.all().zip(whose.circles.each()).zip(whose.own);
        for ((rows, circle), own) in learners {
            found.clear();
            found.extend(rows.filter_map(|row| self.row(row as usize)));
            found.sort_unstable();
            kept_by_level(&found, circle, cap, |place| add(place, *own));
        }
        counts
    }

    /// How far a row that counts is below the highest level, and its place.
    fn row(&self, row: usize) -> Option<(u16, u32)> {
        let place = self.places.get(row).copied().filter(|place| *place != NOWHERE)?;
        Some((self.below.get(row).copied().unwrap_or(0), place))
    }

    /// Learners whose rows are in more groups than `cap`.
    pub(super) fn over_groups(&mut self, starts: &Starts, cap: usize) -> u64 {
        let over = starts.all().filter(|rows| {
            let rows = self.places.get_mut(rows.start as usize..rows.end as usize);
            distinct(rows.unwrap_or_default()).len() > cap
        });
        over.count() as u64
    }

    /// Learners with more rows than `cap`.
    pub(super) fn over_rows(&self, starts: &Starts, cap: usize) -> u64 {
        let rows = |row: u32| self.row(row as usize);
        starts.all().filter(|theirs| theirs.clone().filter_map(rows).count() > cap).count() as u64
    }
}

/// Takes of sorted rows those of the highest level, and as many as are left of the next.
fn kept_by_level(rows: &[(u16, u32)], circle: Circle, cap: usize, mut take: impl FnMut(u32)) {
    let mut left = cap;
    for level in rows.chunk_by(|one, other| one.0 == other.0) {
        let kept = circle.kept(level, left).into_iter().flatten();
        kept.for_each(|(_, place)| take(*place));
        left = left.saturating_sub(level.len());
    }
}

/// A learner's places, each once and in order, without nowhere. They are moved to the front of the rows.
fn distinct(rows: &mut [u32]) -> &[u32] {
    rows.sort_unstable();
    let (mut last, mut length) = (NOWHERE, 0);
    for at in 0..rows.len() {
        let row = rows.get(at).copied().unwrap_or(NOWHERE);
        if let Some(place) = rows.get_mut(length) {
            *place = row;
        }
        length += usize::from(row != last && row != NOWHERE);
        last = row;
    }
    rows.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_each_kept_once_and_in_order() {
        for (rows, expected) in [
            (vec![], vec![]),
            (vec![NOWHERE], vec![]),
            (vec![7, NOWHERE, 3, 7, 0, 3, NOWHERE], vec![0, 3, 7]),
            (vec![5, 5, 5], vec![5]),
        ] {
            assert_eq!(distinct(&mut rows.clone()), expected, "{rows:?}");
        }
    }
}
