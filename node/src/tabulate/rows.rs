//! A block's rows of one table: whose they are, and which of them hold a condition.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, BooleanBufferBuilder, RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::UInt32Type;
use sumac_policy::TableName;

use super::TabulateError;
use crate::records::snapshot::Snapshot;

/// A block's rows of one table, read whole.
pub(super) struct Rows {
    pub(super) table: TableName,
    pub(super) batch: RecordBatch,
    pub(super) starts: Starts,
}

/// Where each learner's rows begin, and, after the last learner, where they end. Rows are sorted by learner.
pub(super) struct Starts(Vec<u32>);

/// [`Starts`] in the making, a piece of the table at a time.
pub(super) struct StartsBuilder {
    first: u32,
    latest: u32,
    rows: u32,
    /// One more than the number of each learner's last row, a place further on; 0 if there is none.
    ends: Vec<u32>,
}

/// Which rows hold a condition, a bit for each.
pub(super) struct Mask(Vec<u64>);

/// [`Mask`] in the making, a piece of the table at a time.
pub(super) struct MaskBuilder(BooleanBufferBuilder);

impl Rows {
    pub(super) fn read(
        snapshot: &Snapshot,
        block: usize,
        table: TableName,
        columns: &[String],
    ) -> Result<Self, TabulateError> {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batch = snapshot.read(table, block, &columns)?;
        let mut starts = StartsBuilder::new(snapshot.learners(block));
        starts.push(table, &batch)?;
        let starts = starts.finish();
        // Row n of the learner table is learner n.
        if table == TableName::Learner && !starts.0.iter().copied().eq(0..=starts.learners()) {
            return Err(TabulateError::Damaged(table));
        }
        Ok(Self { table, batch, starts })
    }
}

/// Each row's learner, as an ordinal.
pub(super) fn person(table: TableName, batch: &RecordBatch) -> Result<&UInt32Array, TabulateError> {
    let person = batch.columns().first();
    let person = person.and_then(|person| person.as_primitive_opt::<UInt32Type>());
    person.ok_or(TabulateError::Damaged(table))
}

impl StartsBuilder {
    pub(super) fn new(learners: Range<u32>) -> Self {
        let ends = vec![0; learners.len() + 1];
        Self { first: learners.start, latest: learners.start, rows: 0, ends }
    }

    /// Adds a piece of the table.
    pub(super) fn push(
        &mut self,
        table: TableName,
        piece: &RecordBatch,
    ) -> Result<(), TabulateError> {
        let person = person(table, piece)?.values();
        self.add(person).ok_or(TabulateError::Damaged(table))
    }

    /// None where rows are not sorted, or are of a learner of another block.
    fn add(&mut self, person: &[u32]) -> Option<()> {
        let (Some(first), Some(last)) = (person.first(), person.last()) else { return Some(()) };
        let pairs = person.iter().zip(person.iter().skip(1));
        let sorted = pairs.fold(self.latest <= *first, |sorted, (one, two)| sorted & (one <= two));
        let rows = self.rows.checked_add(u32::try_from(person.len()).ok()?)?;
        if !sorted {
            return None;
        }
        // A learner's last row leaves its number. Every row writes, so that nothing branches.
        for (ordinal, row) in person.iter().zip(self.rows..rows) {
            let place = ordinal.wrapping_sub(self.first) as usize;
            *self.ends.get_mut(place.wrapping_add(1))? = row + 1;
        }
        (self.latest, self.rows) = (*last, rows);
        Some(())
    }

    pub(super) fn finish(mut self) -> Starts {
        let mut end = 0;
        for place in &mut self.ends {
            end = end.max(*place);
            *place = end;
        }
        Starts(self.ends)
    }
}

impl Starts {
    fn learners(&self) -> u32 {
        u32::try_from(self.0.len().saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The rows of each learner in turn.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u32>> {
        self.0.iter().zip(self.0.iter().skip(1)).map(|(start, end)| *start..*end)
    }
}

/// The rows where a condition is true: neither false nor unknown.
pub(super) fn truth(condition: &BooleanArray) -> BooleanBuffer {
    match condition.nulls() {
        Some(known) => condition.values() & known.inner(),
        None => condition.values().clone(),
    }
}

impl MaskBuilder {
    pub(super) fn new() -> Self {
        Self(BooleanBufferBuilder::new(0))
    }

    /// Adds a piece of the table.
    pub(super) fn push(&mut self, holds: &BooleanBuffer) {
        self.0.append_buffer(holds);
    }

    pub(super) fn finish(mut self) -> Mask {
        let bits = self.0.finish();
        let words = bits.bit_chunks();
        // One word more, so that any 64 bits lie in two words.
        Mask(words.iter_padded().chain([0]).collect())
    }
}

impl Mask {
    /// The last of these rows that holds the condition. Looks at every row, wherever that one is.
    pub(super) fn last_in(&self, rows: Range<u32>) -> Option<u32> {
        let mut last = None;
        let mut start = rows.start;
        // Once for nearly everybody: few learners have more than 64 rows.
        while start < rows.end {
            let (word, shift) = ((start / 64) as usize, start % 64);
            let low = self.0.get(word).map_or(0, |word| word >> shift);
            let high = self.0.get(word + 1).map_or(0, |word| word << 1 << (63 - shift));
            let count = (rows.end - start).min(64);
            let bits = (low | high) & (u64::MAX >> (64 - count));
            last = if bits == 0 { last } else { Some(start + bits.ilog2()) };
            start += count;
        }
        last
    }

    /// Whether any of these rows holds it.
    pub(super) fn any_in(&self, rows: Range<u32>) -> bool {
        self.last_in(rows).is_some()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn check(pieces: &[&[u32]], learners: Range<u32>, expected: Option<&[u32]>) {
        let mut starts = StartsBuilder::new(learners);
        let added: Option<Vec<()>> = pieces.iter().map(|piece| starts.add(piece)).collect();
        let found = added.map(|_| starts.finish().0);
        assert_eq!(found.as_deref(), expected, "{pieces:?}");
    }

    #[test]
    fn finds_where_each_learners_rows_begin() {
        check(&[&[5, 5, 7]], 5..9, Some(&[0, 2, 2, 3, 3]));
        check(&[&[5], &[5, 7]], 5..9, Some(&[0, 2, 2, 3, 3]));
        check(&[], 0..2, Some(&[0, 0, 0]));
        check(&[&[]], 0..2, Some(&[0, 0, 0]));
        check(&[&[6, 5]], 5..9, None);
        check(&[&[6], &[5]], 5..9, None);
        check(&[&[4]], 5..9, None);
        check(&[&[9]], 5..9, None);
    }

    proptest! {
        #[test]
        fn the_last_row_is_found_at_any_place(
            bits in prop::collection::vec(any::<Option<bool>>(), 0..300),
            ends in any::<[prop::sample::Index; 2]>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let [one, two] = ends.map(|end| end.index(bits.len() + 1));
            let (start, end) = (one.min(two), one.max(two));
            let expected = (start..end).rev().find(|row| bits.get(*row) == Some(&Some(true)));
            let range = u32::try_from(start).unwrap()..u32::try_from(end).unwrap();

            let (before, after) = bits.split_at(cut.index(bits.len() + 1));
            let mut mask = MaskBuilder::new();
            for piece in [before, after] {
                mask.push(&truth(&BooleanArray::from(piece.to_vec())));
            }
            let found = mask.finish().last_in(range).map(|row| row as usize);
            prop_assert_eq!(found, expected);
        }
    }
}
