//! Who is which ordinal, and where each of their rows goes.

use sumac_policy::TableName;

use super::error::SnapshotError;
use crate::records::canonical::{Canonical, PersonKey, Rows};

/// Every learner of every table, in the order of their keyed hash; the position is the ordinal.
pub(super) struct Learners(Vec<PersonKey>);

/// A table's rows in the order in which they are written.
pub(super) struct Arranged {
    /// Where each row was; none for a learner without a row of their own.
    pub(super) from: Vec<Option<u32>>,
    /// Each row's learner.
    pub(super) ordinals: Vec<u32>,
}

impl Learners {
    pub(super) fn of(canonical: &Canonical) -> Result<Self, SnapshotError> {
        let mut keys: Vec<PersonKey> = Vec::new();
        for rows in canonical.tables.values() {
            keys.extend(&rows.person);
        }
        keys.sort_unstable();
        keys.dedup();
        match u32::try_from(keys.len()) {
            Ok(_) => Ok(Self(keys)),
            Err(_) => Err(SnapshotError::TooManyRows(TableName::Learner)),
        }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.0.len()).unwrap_or(u32::MAX)
    }

    /// Every learner's key, in the order of ordinals.
    pub(super) fn keys(&self) -> &[PersonKey] {
        &self.0
    }

    /// A table's rows by ordinal, each learner's in the order given.
    pub(super) fn arrange(&self, table: TableName, rows: &Rows) -> Result<Arranged, SnapshotError> {
        let count =
            u32::try_from(rows.person.len()).map_err(|_| SnapshotError::TooManyRows(table))?;
        let mut sorted: Vec<(PersonKey, u32)> = rows.person.iter().copied().zip(0..count).collect();
        sorted.sort_unstable();

        let mut arranged = Arranged {
            from: Vec::with_capacity(sorted.len()),
            ordinals: Vec::with_capacity(sorted.len()),
        };
        let mut learners = self.0.iter().zip(0..).peekable();
        for (key, row) in sorted {
            while learners.next_if(|(learner, _)| **learner < key).is_some() {}
            if let Some((_, ordinal)) = learners.peek() {
                arranged.from.push(Some(row));
                arranged.ordinals.push(*ordinal);
            }
        }
        Ok(arranged)
    }

    /// One row for each learner: their latest, or none of their own.
    pub(super) fn arrange_learners(&self, rows: Option<&Rows>) -> Result<Arranged, SnapshotError> {
        let mut from = vec![None; self.0.len()];
        if let Some(rows) = rows {
            let known = self.arrange(TableName::Learner, rows)?;
            for (row, ordinal) in known.from.into_iter().zip(known.ordinals) {
                if let Some(place) = from.get_mut(ordinal as usize) {
                    *place = row;
                }
            }
        }
        Ok(Arranged { from, ordinals: (0..self.count()).collect() })
    }
}

impl Arranged {
    /// How many rows each learner has.
    pub(super) fn counts(&self, learners: u32) -> Vec<u32> {
        let mut counts = vec![0; learners as usize];
        for ordinal in &self.ordinals {
            if let Some(count) = counts.get_mut(*ordinal as usize) {
                *count += 1;
            }
        }
        counts
    }

    /// The rows cut into blocks of this many learners: where each was, and whose it is.
    pub(super) fn blocks(
        &self,
        learners: u32,
        block: u32,
    ) -> impl Iterator<Item = (&[Option<u32>], &[u32])> {
        let mut from = self.from.as_slice();
        let mut ordinals = self.ordinals.as_slice();
        (1..=learners.div_ceil(block)).map(move |number| {
            let past = u64::from(number) * u64::from(block);
            let rows = ordinals.partition_point(|ordinal| u64::from(*ordinal) < past);
            let (these, rest) = from.split_at_checked(rows).unwrap_or((from, &[]));
            let (whose, others) = ordinals.split_at_checked(rows).unwrap_or((ordinals, &[]));
            (from, ordinals) = (rest, others);
            (these, whose)
        })
    }
}
