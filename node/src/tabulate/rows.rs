//! A block's rows of one table: whose they are, and which of them hold a condition.

use std::ops::Range;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, UInt32Array};
use arrow::datatypes::UInt32Type;
use sumac_policy::TableName;

use super::TabulateError;
use crate::records::snapshot::Snapshot;

/// A block's rows of one table, sorted by learner.
pub(super) struct Rows {
    pub(super) table: TableName,
    pub(super) batch: RecordBatch,
    /// Where each learner's rows begin, and, after the last, where they end.
    starts: Vec<u32>,
}

/// Which rows hold a condition, a bit for each.
pub(super) struct Mask(Vec<u64>);

impl Rows {
    pub(super) fn read(
        snapshot: &Snapshot,
        block: usize,
        table: TableName,
        columns: &[String],
    ) -> Result<Self, TabulateError> {
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let batch = snapshot.read(table, block, &columns)?;
        let starts = batch
            .columns()
            .first()
            .and_then(|person| person.as_primitive_opt::<UInt32Type>())
            .and_then(|person| starts(person.values(), &snapshot.learners(block)))
            .ok_or(TabulateError::Damaged(table))?;
        if table == TableName::Learner && batch.num_rows() + 1 != starts.len() {
            return Err(TabulateError::Damaged(table));
        }
        Ok(Self { table, batch, starts })
    }

    /// Each row's learner, counted from the block's first.
    pub(super) fn places(&self, first: u32) -> Result<UInt32Array, TabulateError> {
        let person = self.batch.columns().first();
        let person = person.and_then(|person| person.as_primitive_opt::<UInt32Type>());
        let person = person.ok_or(TabulateError::Damaged(self.table))?;
        Ok(person.unary(|ordinal| ordinal.wrapping_sub(first)))
    }

    /// Each learner's rows.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<u32>> {
        self.starts.iter().zip(self.starts.iter().skip(1)).map(|(start, end)| *start..*end)
    }
}

/// Where each learner's rows begin; none where rows are not sorted or are somebody else's.
fn starts(person: &[u32], learners: &Range<u32>) -> Option<Vec<u32>> {
    if !person.is_sorted() || u32::try_from(person.len()).is_err() {
        return None;
    }
    // A learner's last row leaves its number. Every row writes, so that nothing branches.
    let mut ends = vec![0_u32; learners.len() + 1];
    for (ordinal, row) in person.iter().zip(1..) {
        let place = ordinal.wrapping_sub(learners.start) as usize;
        *ends.get_mut(place.wrapping_add(1))? = row;
    }
    let mut end = 0;
    for place in &mut ends {
        end = end.max(*place);
        *place = end;
    }
    Some(ends)
}

impl Mask {
    /// The rows where a condition is true: neither false nor unknown.
    pub(super) fn of(condition: &BooleanArray) -> Self {
        let mut words: Vec<u64> = condition.values().bit_chunks().iter_padded().collect();
        if let Some(known) = condition.nulls() {
            let known = known.inner().bit_chunks();
            words.iter_mut().zip(known.iter_padded()).for_each(|(word, known)| *word &= known);
        }
        Self(words)
    }

    pub(super) fn and(mut self, other: &Self) -> Self {
        self.0.iter_mut().zip(&other.0).for_each(|(word, other)| *word &= other);
        self
    }

    /// The last of these rows that holds it. Looks at every row, wherever that one is.
    pub(super) fn last_in(&self, rows: Range<u32>) -> Option<u32> {
        let mut last = None;
        let (first_word, past_word) = (rows.start / 64, rows.end.div_ceil(64));
        for index in first_word..past_word {
            let word = self.0.get(index as usize).copied().unwrap_or(0);
            let begins = index * 64;
            let before = rows.start.saturating_sub(begins);
            let after = (begins + 64).saturating_sub(rows.end);
            let bits = word & (u64::MAX << before) & (u64::MAX >> after);
            if bits != 0 {
                last = Some(begins + bits.ilog2());
            }
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

    #[test]
    fn finds_where_each_learners_rows_begin() {
        assert_eq!(starts(&[5, 5, 7], &(5..9)).unwrap(), [0, 2, 2, 3, 3]);
        assert_eq!(starts(&[], &(0..2)).unwrap(), [0, 0, 0]);
        assert_eq!(starts(&[6, 5], &(5..9)), None);
        assert_eq!(starts(&[4], &(5..9)), None);
        assert_eq!(starts(&[9], &(5..9)), None);
    }

    proptest! {
        #[test]
        fn the_last_row_is_found_at_any_place(
            bits in prop::collection::vec(any::<Option<bool>>(), 0..200),
            ends in any::<(prop::sample::Index, prop::sample::Index)>(),
        ) {
            let array = BooleanArray::from(bits.clone()).slice(bits.len() / 3, bits.len() - bits.len() / 3);
            let bits = bits.get(bits.len() / 3..).unwrap();
            let (one, two) = (ends.0.index(bits.len() + 1), ends.1.index(bits.len() + 1));
            let (start, end) = (one.min(two), one.max(two));
            let expected = (start..end).rev().find(|row| bits.get(*row) == Some(&Some(true)));
            let range = u32::try_from(start).unwrap()..u32::try_from(end).unwrap();
            let found = Mask::of(&array).last_in(range).map(|row| row as usize);
            prop_assert_eq!(found, expected);
        }
    }
}
