//! A block's rows of one table: whose they are, and which of them hold a condition.

use std::iter;
use std::ops::Range;

use arrow::array::{Array, BooleanArray, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use sumac_policy::TableName;

use super::TabulateError;
use super::learners::Piece;
use crate::records::snapshot::Snapshot;

/// Rows whose bits are looked at at once: eight bytes hold so many, wherever in a byte they begin.
const WINDOW: u32 = 56;

/// A block's rows of one table, read whole.
pub(super) struct Rows {
    pub(super) table: TableName,
    pub(super) batch: RecordBatch,
    pub(super) starts: Starts,
}

/// Where each learner's rows begin, and, after the last learner, where they end. Rows are sorted by learner.
pub(super) struct Starts(Vec<u32>);

/// Which rows hold a condition, a bit for each, and eight bytes more, so that every row begins a window.
pub(super) struct Mask {
    bytes: Vec<u8>,
    rows: usize,
}

impl Rows {
    pub(super) fn read(
        snapshot: &Snapshot,
        block: usize,
        table: TableName,
        columns: &[String],
    ) -> Result<Self, TabulateError> {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batch = snapshot.read(table, block, &columns)?;
        let starts = Starts::read(snapshot, block, table)?;
        if starts.end() as usize != batch.num_rows() {
            return Err(TabulateError::Damaged(table));
        }
        Ok(Self { table, batch, starts })
    }

    /// All of them as one piece.
    pub(super) fn piece(&self) -> Piece {
        self.starts.piece(0, 0..self.starts.end())
    }
}

impl Starts {
    pub(super) fn read(
        snapshot: &Snapshot,
        block: usize,
        table: TableName,
    ) -> Result<Self, TabulateError> {
        let learners = snapshot.learners(block);
        if table == TableName::Learner {
            return Ok(Self((0..=learners.end - learners.start).collect()));
        }
        let damaged = || TabulateError::Damaged(table);
        let counts = snapshot.row_counts(table, block)?;
        if counts.len() != learners.len() {
            return Err(damaged());
        }
        Self::of(&counts).ok_or_else(damaged)
    }

    /// None where there are more rows than numbers.
    pub(super) fn of(counts: &[u32]) -> Option<Self> {
        let rows: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        u32::try_from(rows).ok()?;
        let mut end = 0_u32;
        let ends = counts.iter().map(|count| {
            end = end.wrapping_add(*count);
            end
        });
        Some(Self(iter::once(0).chain(ends).collect()))
    }

    /// How many rows there are.
    pub(super) fn end(&self) -> u32 {
        self.0.last().copied().unwrap_or(0)
    }

    /// Rows that follow each other, given a learner who is not after the first of them.
    pub(super) fn piece(&self, from: usize, rows: Range<u32>) -> Piece {
        let begun =
            self.0.get(from..).unwrap_or_default().partition_point(|start| *start < rows.end);
        // After the last learner there is one more start.
        let past = (from + begun).min(self.0.len().saturating_sub(1));
        // Learners may have rows before these, or behind them.
        let within = |start: &u32| (*start).clamp(rows.start, rows.end).wrapping_sub(rows.start);
        let bounds = self.0.get(from..=past).unwrap_or_default().iter().map(within).collect();
        Piece { rows, learners: from..past, bounds }
    }

    /// The rows of all learners in turn.
    pub(super) fn all(&self) -> impl Iterator<Item = Range<u32>> {
        self.0.iter().zip(self.0.iter().skip(1)).map(|(start, end)| *start..*end)
    }

    /// The learner of each row in turn, counted from the block's first.
    pub(super) fn learners(&self) -> UInt32Array {
        let learners = (0..).zip(self.all());
        let learners = learners.flat_map(|(learner, rows)| rows.map(move |_| learner));
        UInt32Array::from_iter_values(learners)
    }
}

/// The rows where a condition is true: neither false nor unknown.
pub(super) fn truth(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls() {
        Some(known) => condition.values() & known.inner(),
        None => condition.values().clone(),
    }
}

impl Mask {
    pub(super) fn of(rows: &BooleanBuffer) -> Self {
        let bits = rows.sliced();
        let mut bytes = Vec::with_capacity(bits.len() + size_of::<u64>());
        bytes.extend_from_slice(&bits);
        bytes.extend([0; size_of::<u64>()]);
        Self { bytes, rows: rows.len() }
    }

    /// One past the last of these rows that holds the condition; 0 if none does. Looks at every row, wherever
    /// that one is.
    pub(super) fn end_in(&self, rows: Range<u32>) -> u32 {
        let mut end = self.end_of_window(rows.start, rows.end);
        // Few learners have more rows than a window.
        let mut start = rows.start.saturating_add(WINDOW);
        while start < rows.end {
            end = end.max(self.end_of_window(start, rows.end));
            start = start.saturating_add(WINDOW);
        }
        end
    }

    fn end_of_window(&self, start: u32, end: u32) -> u32 {
        let bits = self.window(start, end);
        let found = start.wrapping_add(u64::BITS - bits.leading_zeros());
        if bits == 0 { 0 } else { found }
    }

    /// How many rows there are.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Eight rows a byte, the first the lowest bit.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether any of these rows holds it.
    pub(super) fn any_in(&self, rows: Range<u32>) -> bool {
        let mut any = self.window(rows.start, rows.end);
        let mut start = rows.start.saturating_add(WINDOW);
        while start < rows.end {
            any |= self.window(start, rows.end);
            start = start.saturating_add(WINDOW);
        }
        any != 0
    }

    /// The bits of rows from `start` on, as many as fit, none from `end` on.
    pub(super) fn window(&self, start: u32, end: u32) -> u64 {
        let bytes = self.bytes.get((start / 8) as usize..).and_then(<[u8]>::first_chunk);
        let bits = bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes)) >> (start % 8);
        bits & !(u64::MAX << (end - start).min(WINDOW))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_where_each_learners_rows_begin() {
        let starts = Starts::of(&[2, 0, 1, 0]).unwrap();
        assert_eq!(starts.0, [0, 2, 2, 3, 3]);
        assert_eq!(starts.end(), 3);
        assert_eq!(starts.learners().values(), &[0, 0, 2]);
        assert_eq!(Starts::of(&[]).unwrap().0, [0]);
        assert!(Starts::of(&[u32::MAX, 1]).is_none());
    }

    #[test]
    fn finds_whose_the_rows_of_a_piece_are() {
        let starts = Starts::of(&[2, 0, 3, 1, 0]).unwrap();
        let learners = |from, rows| starts.piece(from, rows).learners;
        assert_eq!(learners(0, 0..6), 0..4);
        assert_eq!(learners(0, 0..2), 0..1);
        assert_eq!(learners(0, 2..4), 0..3);
        assert_eq!(learners(2, 4..6), 2..4);
        assert_eq!(Starts::of(&[]).unwrap().piece(0, 0..0).learners, 0..0);
    }

    proptest! {
        #[test]
        fn the_last_row_is_found_at_any_place(
            bits in prop::collection::vec(any::<Option<bool>>(), 0..300),
            ends in any::<[prop::sample::Index; 2]>(),
            skipped in 0..9_usize,
        ) {
            let skipped = skipped.min(bits.len());
            let rows = BooleanArray::from(bits.clone()).slice(skipped, bits.len() - skipped);
            let bits = bits.get(skipped..).unwrap();
            let [one, two] = ends.map(|end| end.index(bits.len() + 1));
            let (start, end) = (one.min(two), one.max(two));
            let expected = (start..end).rev().find(|row| bits.get(*row) == Some(&Some(true)));
            let range = u32::try_from(start).unwrap()..u32::try_from(end).unwrap();

            let mask = Mask::of(&truth(&rows));
            let end = expected.map_or(0, |row| u32::try_from(row + 1).unwrap());
            prop_assert_eq!(mask.end_in(range.clone()), end);
            prop_assert_eq!(mask.any_in(range), expected.is_some());
        }
    }
}
