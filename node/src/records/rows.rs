//! Canonical rows on their way into a snapshot: packed, sorted by learner in a bounded share of memory, and
//! merged learner by learner over all tables.

mod layout;
mod merge;
mod packing;
mod sort;
#[cfg(test)]
mod tests;

pub(super) use layout::{Column, Digest, Head, Layout, Origin};
pub(super) use merge::{Conflict, Differs, Learner, Merge, MergeError, Tally};
use packing::Packing;
pub(super) use packing::Whose;
use sort::Sorter;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use sumac_keys::PersonKeys;
use sumac_policy::TableName;

use super::mapping::Cell;

/// What sorting may hold in memory, over all tables of an import, in bytes.
pub(super) const SORT_BYTES: usize = 256 << 20;

/// A table being filled, in the order in which rows come.
pub(super) struct Draft {
    layout: Layout,
    packing: Packing,
}

impl Draft {
    /// An empty table of these columns, which sorts in so many bytes of memory and in unnamed files in `into`. All rows
    /// of a learner must agree in so many things.
    pub(super) fn new(
        columns: Vec<Column>,
        agreeing: usize,
        bytes: usize,
        into: &Path,
        keys: PersonKeys,
    ) -> Self {
        let layout = Layout::new(columns, agreeing);
        let sorter = Sorter::new(layout.width(), bytes, into);
        let packing = Packing::new(layout.width(), sorter, keys);
        Self { layout, packing }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.layout.columns().iter().map(|column| column.name.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.packing.is_empty()
    }

    /// Adds a row. The cells stand in the order of the columns; the digests say what must agree.
    ///
    /// # Errors
    /// Where the disk refuses what does not fit in memory.
    pub(super) fn add(
        &mut self,
        whose: Whose<'_>,
        head: Head,
        digests: &[Digest],
        cells: impl IntoIterator<Item = Cell>,
    ) -> io::Result<()> {
        let Self { layout, packing } = self;
        packing.add(whose, |rows| layout.pack(head, digests, cells, rows))
    }
}

/// All tables' rows, learner by learner.
///
/// # Errors
/// Where the disk refuses.
pub(super) fn merge(drafts: BTreeMap<TableName, Draft>) -> io::Result<Merge> {
    let sorted = drafts
        .into_iter()
        .map(|(table, draft)| Ok((table, draft.layout, draft.packing.finish()?.finish()?)));
    Merge::new(sorted.collect::<io::Result<Vec<_>>>()?)
}
