//! What is known of each learner of a block, and what becomes of it: one added to one cell.

use std::hint::select_unpredictable;
use std::ops::Range;

use super::codes::Codes;
use super::rows::Mask;

/// Sums side by side for each cell, so that a learner need not wait for the one before, who is often in the
/// same cell.
const LANES: usize = 4;

/// Each learner's last row that counts, their group and their outcome. A thread has one and uses it for block
/// after block.
#[derive(Default)]
pub(super) struct Learners {
    /// One past the last row that counts; 0 for none yet.
    last: Vec<u32>,
    /// Place among the combinations of dimension codes.
    groups: Vec<u32>,
    /// Number of the first outcome found to hold.
    outcomes: Vec<u32>,
}

/// An axis's code in each row, and how far one code moves a learner among the groups.
pub(super) struct Along<'a> {
    pub(super) codes: &'a Codes,
    pub(super) stride: u32,
}

/// Rows of a table that follow each other, and whose they are.
pub(super) struct Piece {
    /// The rows' numbers in the block; bits and codes are numbered from the first of them.
    pub(super) rows: Range<u32>,
    /// Where the learners of these rows are in the block.
    pub(super) learners: Range<usize>,
    /// Where each learner's rows begin in the piece, and, after the last learner, where they end.
    pub(super) bounds: Vec<u32>,
}

impl Learners {
    /// Begins a block: nobody has a row that counts, and everybody this outcome.
    pub(super) fn begin(&mut self, learners: usize, outcome: u32) {
        for (values, value) in
            [(&mut self.last, 0), (&mut self.groups, 0), (&mut self.outcomes, outcome)]
        {
            values.clear();
            values.resize(learners, value);
        }
    }

    /// Begins a block of which learners' rows are noted elsewhere: nothing but their own codes is noted here.
    pub(super) fn begin_groups(&mut self, learners: usize) {
        self.begin(0, 0);
        self.groups.resize(learners, 0);
    }

    /// Remembers the last row that counts, and the group it puts its learner in. Later pieces overrule.
    pub(super) fn latest(&mut self, piece: &Piece, counting: &Mask, axes: &[Along<'_>]) {
        let ends: Vec<u32> = piece.ranges().map(|rows| counting.end_in(rows)).collect();
        let mut found = vec![0; ends.len()];
        for axis in axes {
            axis.step(&ends, &mut found);
        }
        let last = self.last.get_mut(piece.learners.clone()).unwrap_or_default();
        let groups = self.groups.get_mut(piece.learners.clone()).unwrap_or_default();
        for ((last, group), (end, found)) in last.iter_mut().zip(groups).zip(ends.iter().zip(found))
        {
            let counts = *end > 0;
            *last = if counts { piece.rows.start.wrapping_add(*end) } else { *last };
            *group = if counts { found } else { *group };
        }
    }

    /// Moves every learner along an axis that is read in their own row.
    pub(super) fn shift(&mut self, axis: &Along<'_>) {
        axis.codes.each(&mut self.groups, |group, code| *group += u32::from(code) * axis.stride);
    }

    /// Gives an outcome to each learner with such a row, unless an earlier outcome has them.
    pub(super) fn claim(&mut self, piece: &Piece, outcome: u32, fulfil: &Mask) {
        let outcomes = self.outcomes.get_mut(piece.learners.clone()).unwrap_or_default();
        for (found, rows) in outcomes.iter_mut().zip(piece.ranges()) {
            let number = select_unpredictable(fulfil.any_in(rows), outcome, u32::MAX);
            *found = number.min(*found);
        }
    }

    /// Gives each learner in turn an outcome.
    pub(super) fn assign(&mut self, outcomes: &[u32]) {
        for (known, outcome) in self.outcomes.iter_mut().zip(outcomes) {
            *known = *outcome;
        }
    }

    /// Each learner's group: that of their last row that counts, as far as axes were read.
    pub(super) fn groups(&self) -> &[u32] {
        &self.groups
    }

    /// Each learner's last row that counts.
    pub(super) fn last_rows(&self) -> impl Iterator<Item = Option<u32>> {
        self.last.iter().map(|end| end.checked_sub(1))
    }

    /// Adds one to one cell for each learner who is in one.
    pub(super) fn count(&self, outcomes: u32, cells: usize) -> Vec<i64> {
        // One cell more, for learners who are nowhere: it is added to like the others, and dropped.
        let mut counts = vec![[0_u32; LANES]; cells + 1];
        let learners = self.last.iter().zip(&self.groups).zip(&self.outcomes);
        for (lane, ((last, group), outcome)) in learners.enumerate() {
            let somewhere = (*last > 0) & (*outcome < outcomes);
            let cell = (*group * outcomes + *outcome) as usize;
            let lanes = counts.get_mut(select_unpredictable(somewhere, cell, cells));
            if let Some(count) = lanes.and_then(|lanes| lanes.get_mut(lane % LANES)) {
                *count += 1;
            }
        }
        counts.truncate(cells);
        counts.iter().map(|lanes| lanes.iter().map(|count| i64::from(*count)).sum()).collect()
    }
}

impl Along<'_> {
    /// Moves each learner's group by the code of the row before an end; by any where there is none.
    fn step(&self, ends: &[u32], groups: &mut [u32]) {
        fn along<T: Copy + Into<u32>>(codes: &[T], stride: u32, ends: &[u32], groups: &mut [u32]) {
            for (group, end) in groups.iter_mut().zip(ends) {
                let code = codes.get(end.saturating_sub(1) as usize).copied();
                *group += code.map_or(0, Into::into).wrapping_mul(stride);
            }
        }
        match self.codes {
            Codes::Narrow(codes) => along(codes, self.stride, ends, groups),
            Codes::Wide(codes) => along(codes, self.stride, ends, groups),
        }
    }
}

impl Piece {
    /// The rows of each learner in turn, numbered from the piece's first.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u32>> {
        let ends = self.bounds.get(1..).unwrap_or_default();
        self.bounds.iter().zip(ends).map(|(start, end)| *start..*end)
    }
}
