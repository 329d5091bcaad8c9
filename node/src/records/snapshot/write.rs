//! Freezing: canonical rows in, a directory that never changes again out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_keys::NodeSecret;
use sumac_policy::{Covered, TableName};

use super::BLOCK;
use super::cut::Cutter;
use super::disk::{PARTIAL, lock, make_private, sweep, sync_directory, write_synced};
use super::error::SnapshotError;
use super::manifest::{self, Committed, Manifest};
use super::table::{Shape, Written};
use crate::records::rows::{self, Conflict, Draft, Layout, MergeError, Tally};

/// The file beside the snapshots that names the one in use.
pub(super) const CURRENT: &str = "current";

/// Blocks that wait for a table to be written: one, so that rows are merged while the last are encoded.
const WAITING: usize = 1;

/// What the operator states about the data; nothing of it is derived from rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The day the data was taken from its source.
    pub as_of: Date,
    /// The periods it covers, with the days that they have by the agreement now.
    pub covers: Vec<Covered>,
}

/// A snapshot just frozen and made current.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frozen {
    /// Its id: when it was frozen, and 16 hexadecimal digits.
    pub id: String,
    /// Its directory.
    pub path: PathBuf,
    /// The node's commitment to it.
    pub commitment: [u8; 32],
}

/// A snapshot written and synced under a name that nothing looks for. Dropped, it is deleted.
pub(crate) struct Aside {
    snapshots: PathBuf,
    partial: PathBuf,
    id: String,
    commitment: [u8; 32],
    published: bool,
    /// Held until it is published.
    _lock: File,
}

/// What one table of a snapshot came to: for the operator alone.
pub(crate) struct TableCounts {
    pub(crate) table: TableName,
    pub(crate) tally: Tally,
    /// For each column, in how many rows it says something.
    pub(crate) filled: Vec<(String, u64)>,
}

/// Why no snapshot was written.
#[derive(Debug)]
pub(crate) enum NotWritten {
    Snapshot(SnapshotError),
    /// Rows of one learner contradict each other.
    Conflicts(Vec<Conflict>),
}

/// Writes the drafts' rows aside, sorted by learner.
///
/// `id_seed` makes the id unique among snapshots frozen in the same second.
pub(crate) fn write_aside(
    drafts: BTreeMap<TableName, Draft>,
    statement: &Statement,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
) -> Result<(Aside, Vec<TableCounts>), NotWritten> {
    write_in_blocks(drafts, manifest_of(statement, now, id_seed), secret, into, BLOCK)
}

pub(super) fn manifest_of(statement: &Statement, now: Timestamp, id_seed: [u8; 8]) -> Manifest {
    Manifest::new(id_of(now, id_seed), now.to_string(), statement)
}

pub(super) fn id_of(now: Timestamp, seed: [u8; 8]) -> String {
    format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), hex::encode(seed))
}

pub(super) fn write_in_blocks(
    mut drafts: BTreeMap<TableName, Draft>,
    mut manifest: Manifest,
    secret: &NodeSecret,
    into: &Path,
    block: u32,
) -> Result<(Aside, Vec<TableCounts>), NotWritten> {
    let mut aside = Aside::begin(into, &manifest.id)?;
    // Every learner has a row there, whether or not a source says anything of them.
    drafts
        .entry(TableName::Learner)
        .or_insert_with(|| Draft::new(Vec::new(), 0, 0, into, secret.person_keys()));
    let merge = rows::merge(drafts).map_err(write_error(into))?;
    let names: Vec<TableName> = merge.tables().map(|(table, _)| table).collect();
    let layouts: Vec<Layout> = merge.tables().map(|(_, layout)| layout.clone()).collect();
    let others: Vec<_> =
        names.iter().copied().filter(|table| *table != TableName::Learner).collect();
    let shapes = names.iter().zip(&layouts).map(|(table, layout)| Shape {
        table: *table,
        columns: layout.columns(),
        others: if *table == TableName::Learner { &others } else { &[] },
    });
    let path = |table: &TableName| aside.partial.join(format!("{table}.parquet"));

    manifest.block = block;
    let (written, tallies) = thread::scope(|scope| {
        let (senders, writers): (Vec<_>, Vec<_>) = shapes
            .map(|shape| {
                let (sender, blocks) = sync_channel(WAITING);
                let path = path(&shape.table);
                (sender, scope.spawn(move || shape.write(&blocks, &path)))
            })
            .unzip();
        let mut cutter = Cutter::new(&names, &layouts, secret, block, senders);
        let merged = cutter.cut(merge);
        manifest.learners = cutter.learners;
        // Nothing more is sent, so that the writers finish; what went wrong with one of them comes first.
        drop(cutter);
        let written: Vec<_> = writers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        let written = written
            .into_iter()
            .map(|written| written.unwrap_or_else(|_| Err(SnapshotError::Stopped)))
            .collect::<Result<Vec<Written>, _>>()?;
        let tallies = merged.map_err(|error| match error {
            MergeError::Conflicts(conflicts) => NotWritten::Conflicts(conflicts),
            MergeError::Disk(source) => write_error(into)(source).into(),
            MergeError::Taker(error) => NotWritten::Snapshot(error),
        })?;
        Ok::<_, NotWritten>((written, tallies))
    })?;

    let mut counts = Vec::new();
    for (((table, layout), Written { entry, filled }), tally) in
        names.iter().zip(&layouts).zip(written).zip(tallies)
    {
        manifest.tables.insert(table.to_string(), entry);
        let filled = layout.columns().iter().map(|column| column.name.clone()).zip(filled);
        counts.push(TableCounts { table: *table, tally, filled: filled.collect() });
    }
    aside.seal(manifest, secret)?;
    Ok((aside, counts))
}

impl Aside {
    /// An empty snapshot, while no other import writes here.
    pub(super) fn begin(into: &Path, id: &str) -> Result<Self, SnapshotError> {
        make_private(into).map_err(write_error(into))?;
        let lock = lock(into).map_err(write_error(into))?;
        let lock = lock.ok_or_else(|| SnapshotError::Busy(into.to_owned()))?;
        sweep(into).map_err(write_error(into))?;
        let partial = into.join(format!(".{id}{PARTIAL}"));
        make_private(&partial).map_err(write_error(&partial))?;
        Ok(Self {
            snapshots: into.to_owned(),
            partial,
            id: id.to_owned(),
            commitment: [0; 32],
            published: false,
            _lock: lock,
        })
    }

    /// Writes the manifest, with the node's commitment to it: from now on it is whole.
    pub(super) fn seal<M: Committed>(
        &mut self,
        manifest: M,
        secret: &NodeSecret,
    ) -> Result<(), SnapshotError> {
        let path = self.partial.join(manifest::FILE);
        let write = write_error(&path);
        let (bytes, commitment) =
            manifest::seal(manifest, secret).map_err(|error| write(error.into()))?;
        write_synced(&path, &bytes).map_err(write)?;
        sync_directory(&self.partial).map_err(write_error(&self.partial))?;
        self.commitment = commitment;
        Ok(())
    }

    /// Where it lies until it is published.
    pub(crate) fn directory(&self) -> &Path {
        &self.partial
    }

    /// Gives the snapshot its name, then makes it current; both are synced before this returns.
    pub(crate) fn publish(mut self) -> Result<Frozen, SnapshotError> {
        let Self { snapshots, partial, id, commitment, .. } = &self;
        let path = snapshots.join(id);
        fs::rename(partial, &path)
            .and_then(|()| sync_directory(snapshots))
            .map_err(write_error(&path))?;

        let current = snapshots.join(CURRENT);
        let next = snapshots.join(format!(".{CURRENT}{PARTIAL}"));
        write_synced(&next, format!("{id}\n").as_bytes())
            .and_then(|()| fs::rename(&next, &current))
            .and_then(|()| sync_directory(snapshots))
            .map_err(write_error(&current))?;
        let frozen = Frozen { id: id.clone(), path, commitment: *commitment };
        self.published = true;
        Ok(frozen)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        if !self.published {
            // If this fails, the next import sweeps it away.
            let _ = fs::remove_dir_all(&self.partial);
        }
    }
}

impl From<SnapshotError> for NotWritten {
    fn from(error: SnapshotError) -> Self {
        Self::Snapshot(error)
    }
}

pub(super) fn write_error(path: &Path) -> impl Fn(io::Error) -> SnapshotError + use<> {
    let path = path.to_owned();
    move |source| SnapshotError::Write { path: path.clone(), source }
}
