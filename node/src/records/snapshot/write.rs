//! Freezing: canonical rows in, a directory that never changes again out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_keys::NodeSecret;
use sumac_policy::{Kind, Period, Schema, TableName};

use super::disk::{PARTIAL, lock, make_private, sweep, sync_directory, write_synced};
use super::error::SnapshotError;
use super::manifest::{self, Manifest};
use super::table::{Block, Shape, Written};
use super::{BLOCK, unknown};
use crate::records::canonical::{Canonical, Values};
use crate::records::mapping::Cell;
use crate::records::rows::{
    self, Column, Conflict, Draft, Head, Layout, Learner, Merge, MergeError, Origin, SORT_BYTES,
    Tally,
};
use crate::records::source::Spot;

/// The file beside the snapshots that names the one in use.
pub(super) const CURRENT: &str = "current";

/// Blocks that wait for a table to be written: one, so that rows are merged while the last are encoded.
const WAITING: usize = 1;

/// What the operator states about the data; nothing of it is derived from rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The day the data was taken from its source.
    pub as_of: Date,
    /// The periods it covers.
    pub covers: Vec<Period>,
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

/// Freezes canonical rows under `into`, a node's directory of snapshots, and makes them current. A crash
/// at any moment leaves either the old snapshot current or the new one, whole and synced.
///
/// `id_seed` makes the id unique among snapshots frozen in the same second.
///
/// # Errors
/// Where a column does not fit the agreement's schema, or the disk refuses.
pub fn freeze(
    canonical: &Canonical,
    statement: &Statement,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
) -> Result<Frozen, SnapshotError> {
    freeze_in_blocks(canonical, statement, schema, secret, into, now, id_seed, BLOCK)
}

/// [`freeze`] with blocks of another size.
#[expect(clippy::too_many_arguments, reason = "all of them are the caller's to choose")]
pub(crate) fn freeze_in_blocks(
    canonical: &Canonical,
    statement: &Statement,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
    block: u32,
) -> Result<Frozen, SnapshotError> {
    let manifest = manifest_of(statement, now, id_seed);
    let (aside, _) = aside_of(canonical, manifest, schema, secret, into, block)?;
    aside.publish()
}

/// [`write_in_blocks`] of rows in memory, the last of each learner's own standing.
pub(super) fn aside_of(
    canonical: &Canonical,
    manifest: Manifest,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    block: u32,
) -> Result<(Aside, Vec<TableCounts>), SnapshotError> {
    check(canonical, schema)?;
    make_private(into).map_err(write_error(into))?;
    let mut drafts = BTreeMap::new();
    for (table, rows) in &canonical.tables {
        let columns = columns_of(&rows.columns, schema, *table);
        let mut draft = Draft::new(
            columns.iter().map(|(column, _)| column.clone()).collect(),
            SORT_BYTES,
            into,
        );
        for (at, person) in rows.person.iter().enumerate() {
            let place = at as u64;
            let order = i64::try_from(at).unwrap_or(i64::MAX);
            let origin = Origin { source: 0, spot: Spot::Line(place) };
            let head = Head { order, origin, mark: place, strict: false };
            let cells = columns.iter().filter_map(|(_, values)| cell(values, at));
            draft.add(person, head, cells).map_err(write_error(into))?;
        }
        drafts.insert(*table, draft);
    }
    write_in_blocks(drafts, manifest, secret, into, block).map_err(|error| match error {
        NotWritten::Snapshot(error) => error,
        NotWritten::Conflicts(_) => unreachable!("no row of these is strict"),
    })
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

fn manifest_of(statement: &Statement, now: Timestamp, id_seed: [u8; 8]) -> Manifest {
    let id = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), hex::encode(id_seed));
    Manifest::new(id, now.to_string(), statement.as_of, &statement.covers)
}

fn write_in_blocks(
    mut drafts: BTreeMap<TableName, Draft>,
    mut manifest: Manifest,
    secret: &NodeSecret,
    into: &Path,
    block: u32,
) -> Result<(Aside, Vec<TableCounts>), NotWritten> {
    make_private(into).map_err(write_error(into))?;
    let lock = lock(into).map_err(write_error(into))?;
    let lock = lock.ok_or_else(|| SnapshotError::Busy(into.to_owned()))?;
    sweep(into).map_err(write_error(into))?;
    let partial = into.join(format!(".{}{PARTIAL}", manifest.id));
    make_private(&partial).map_err(write_error(&partial))?;
    let mut aside = Aside {
        snapshots: into.to_owned(),
        partial,
        id: manifest.id.clone(),
        commitment: [0; 32],
        published: false,
        _lock: lock,
    };
    // Every learner has a row there, whether or not a source says anything of them.
    drafts.entry(TableName::Learner).or_insert_with(|| Draft::new(Vec::new(), 0, into));
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
    let path = aside.partial.join(manifest::FILE);
    let write = write_error(&path);
    let (bytes, commitment) = manifest.seal(secret).map_err(|error| write(error.into()))?;
    write_synced(&path, &bytes).map_err(write)?;
    sync_directory(&aside.partial).map_err(write_error(&aside.partial))?;
    aside.commitment = commitment;
    Ok((aside, counts))
}

/// Cuts merged learners into blocks and sends each table's share to whoever writes it.
struct Cutter<'a> {
    layouts: &'a [Layout],
    secret: &'a NodeSecret,
    block: u32,
    senders: Vec<SyncSender<Block>>,
    /// Where the learner table stands among the tables.
    own: usize,
    learners: u32,
    persons: Vec<Vec<u32>>,
    /// For each of the other tables, each learner's rows.
    counts: Vec<Vec<u32>>,
    tags: Vec<i64>,
}

impl<'a> Cutter<'a> {
    fn new(
        names: &[TableName],
        layouts: &'a [Layout],
        secret: &'a NodeSecret,
        block: u32,
        senders: Vec<SyncSender<Block>>,
    ) -> Self {
        let own = names.iter().position(|table| *table == TableName::Learner).unwrap_or(0);
        Self {
            layouts,
            secret,
            block,
            senders,
            own,
            learners: 0,
            persons: vec![Vec::new(); names.len()],
            counts: vec![Vec::new(); names.len().saturating_sub(1)],
            tags: Vec::new(),
        }
    }

    fn cut(&mut self, merge: Merge) -> Result<Vec<Tally>, MergeError<SnapshotError>> {
        let mut columns: Vec<_> = self.layouts.iter().map(Layout::empty).collect();
        let tallies = merge.each(&mut columns, |learner, columns| {
            self.learner(learner, columns)?;
            if self.learners.is_multiple_of(self.block) {
                self.send(columns);
            }
            Ok(())
        })?;
        if !self.tags.is_empty() {
            self.send(&mut columns);
        }
        Ok(tallies)
    }

    /// Notes whose the rows are that were just added.
    fn learner(
        &mut self,
        learner: Learner<'_>,
        columns: &mut [Vec<Values>],
    ) -> Result<(), SnapshotError> {
        let ordinal = self.learners;
        let next = self.learners.checked_add(1);
        self.learners = next.ok_or(SnapshotError::TooManyRows(TableName::Learner))?;
        self.tags.push(tag(self.secret.tag(&learner.person)));
        let mut counts = self.counts.iter_mut();
        for (at, (persons, rows)) in self.persons.iter_mut().zip(learner.rows).enumerate() {
            if at != self.own {
                persons.extend((0..*rows).map(|_| ordinal));
                counts.next().into_iter().for_each(|counts| counts.push(*rows));
                continue;
            }
            persons.push(ordinal);
            if *rows == 0
                && let (Some(layout), Some(own)) = (self.layouts.get(at), columns.get_mut(at))
            {
                absent(layout, own);
            }
        }
        Ok(())
    }

    /// Sends the block that is full. Where a writer has stopped, its error says why.
    fn send(&mut self, columns: &mut [Vec<Values>]) {
        let parts = self.senders.iter().zip(self.layouts).zip(&mut self.persons).zip(columns);
        for (at, (((sender, layout), persons), columns)) in parts.enumerate() {
            let own = at == self.own;
            let block = Block {
                person: std::mem::take(persons),
                columns: std::mem::replace(columns, layout.empty()),
                counts: if own {
                    self.counts.iter_mut().map(std::mem::take).collect()
                } else {
                    Vec::new()
                },
                tags: if own { std::mem::take(&mut self.tags) } else { Vec::new() },
            };
            let _ = sender.send(block);
        }
    }
}

/// Adds a learner of whom nothing is said: code unknown, and nothing else.
fn absent(layout: &Layout, columns: &mut [Values]) {
    for (column, values) in layout.columns().iter().zip(columns) {
        match values {
            Values::Code(values) => values.push(unknown(&column.kind).unwrap_or(0)),
            Values::Date(values) => values.push(None),
            Values::Year(values) => values.push(None),
            Values::Integer(values) => values.push(None),
        }
    }
}

/// The columns that the source fills, in the schema's order.
fn columns_of<'a>(
    filled: &'a [(String, Values)],
    schema: &Schema,
    table: TableName,
) -> Vec<(Column, &'a Values)> {
    let known = schema.table(table).map_or(&[][..], |table| &table.columns);
    let columns = known.iter().filter_map(|known| {
        let (name, values) = filled.iter().find(|(name, _)| *name == known.name)?;
        Some((Column { name: name.clone(), kind: known.kind.clone() }, values))
    });
    columns.collect()
}

fn cell(values: &Values, at: usize) -> Option<Cell> {
    match values {
        Values::Code(values) => values.get(at).copied().map(Cell::Code),
        Values::Date(values) => values.get(at).copied().map(Cell::Date),
        Values::Year(values) => values.get(at).copied().map(Cell::Year),
        Values::Integer(values) => values.get(at).copied().map(Cell::Integer),
    }
}

impl Aside {
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

/// Refuses what does not fit the schema, before anything is written.
fn check(canonical: &Canonical, schema: &Schema) -> Result<(), SnapshotError> {
    for (table, rows) in &canonical.tables {
        let mut seen = Vec::new();
        for (name, values) in &rows.columns {
            let unfit = |what| SnapshotError::Unfit { table: *table, column: name.clone(), what };
            let column = schema.column(*table, name).ok_or_else(|| {
                SnapshotError::UnknownColumn { table: *table, column: name.clone() }
            })?;
            if seen.contains(&name) {
                return Err(unfit("is filled twice"));
            }
            seen.push(name);
            if values.len() != rows.person.len() {
                return Err(unfit("has not one value for each row"));
            }
            match (&column.kind, values) {
                (Kind::Code(codes), Values::Code(values)) => {
                    if unknown(&column.kind).is_none() {
                        return Err(unfit("has a code list without `unknown`"));
                    }
                    if values.iter().any(|code| usize::from(*code) >= codes.len()) {
                        return Err(unfit("has a code outside its list"));
                    }
                }
                (Kind::Date, Values::Date(_))
                | (Kind::Year, Values::Year(_))
                | (Kind::Integer, Values::Integer(_)) => {}
                _ => return Err(unfit("has values of another kind")),
            }
        }
    }
    Ok(())
}

/// A tag's two words as one number, the second above the first; never negative.
fn tag([low, high]: [u32; 2]) -> i64 {
    i64::from(low) | i64::from(high) << 31
}

pub(super) fn write_error(path: &Path) -> impl Fn(io::Error) -> SnapshotError + use<> {
    let path = path.to_owned();
    move |source| SnapshotError::Write { path: path.clone(), source }
}
