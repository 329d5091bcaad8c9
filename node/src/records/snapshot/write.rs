//! Freezing: canonical rows in, a directory that never changes again out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, Date32Array, Int16Array, Int64Array, RecordBatch, UInt16Array, UInt32Array,
};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use jiff::Timestamp;
use jiff::civil::Date;
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use sumac_keys::NodeSecret;
use sumac_policy::{Column, Kind, Period, Schema, TableName};

use super::arrange::{Arranged, Learners};
use super::disk::{Hashed, PARTIAL, lock, make_private, sweep, sync_directory, write_synced};
use super::error::SnapshotError;
use super::manifest::{self, ColumnEntry, Manifest, TableEntry};
use super::{BLOCK, PERSON, TAG, rows_column};
use crate::records::canonical::{Canonical, Rows, Values};

/// The code that a learner without a row of their own has in every list.
const UNKNOWN: &str = "unknown";

/// Rows in a page. A block is read whole, so that smaller pages only cost calls.
const PAGE_ROWS: usize = 1 << 20;

/// The file beside the snapshots that names the one in use.
pub(super) const CURRENT: &str = "current";

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
    let id = format!("{}-{}", now.strftime("%Y%m%dT%H%M%SZ"), hex::encode(id_seed));
    let statement = Manifest::new(id, now.to_string(), statement.as_of, &statement.covers);
    write_aside(canonical, statement, schema, secret, into, block)?.publish()
}

/// A snapshot written and synced under a name that nothing looks for.
pub(super) struct Aside {
    snapshots: PathBuf,
    partial: PathBuf,
    id: String,
    commitment: [u8; 32],
    /// Held until it is published.
    _lock: File,
}

pub(super) fn write_aside(
    canonical: &Canonical,
    mut manifest: Manifest,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    block: u32,
) -> Result<Aside, SnapshotError> {
    check(canonical, schema)?;
    let learners = Learners::of(canonical)?;
    manifest.learners = learners.count();
    manifest.block = block;

    make_private(into).map_err(write_error(into))?;
    let lock = lock(into).map_err(write_error(into))?;
    let lock = lock.ok_or_else(|| SnapshotError::Busy(into.to_owned()))?;
    sweep(into).map_err(write_error(into))?;
    let partial = into.join(format!(".{}{PARTIAL}", manifest.id));
    make_private(&partial).map_err(write_error(&partial))?;

    let mut arranged = BTreeMap::new();
    for (table, rows) in canonical.tables.iter().filter(|(table, _)| **table != TableName::Learner)
    {
        arranged.insert(*table, learners.arrange(*table, rows)?);
    }
    let counts =
        arranged.iter().map(|(table, rows)| (rows_column(*table), rows.counts(manifest.learners)));
    let counts: Vec<_> = counts.collect();
    let tags: Vec<_> = learners.keys().iter().map(|key| tag(secret.tag(key))).collect();
    let own = learners.arrange_learners(canonical.tables.get(&TableName::Learner))?;
    arranged.insert(TableName::Learner, own);

    let nothing = Rows::default();
    for (table, arranged) in &arranged {
        let path = partial.join(format!("{table}.parquet"));
        let writer = TableWriter {
            table: *table,
            rows: canonical.tables.get(table).unwrap_or(&nothing),
            schema,
            counts: if *table == TableName::Learner { &counts } else { &[] },
            tags: (*table == TableName::Learner).then_some(tags.as_slice()),
            learners: manifest.learners,
            block,
        };
        manifest.tables.insert(table.to_string(), writer.write(arranged, &path)?);
    }

    let id = manifest.id.clone();
    let path = partial.join(manifest::FILE);
    let write = write_error(&path);
    let (bytes, commitment) = manifest.seal(secret).map_err(|error| write(error.into()))?;
    write_synced(&path, &bytes).map_err(write)?;
    sync_directory(&partial).map_err(write_error(&partial))?;
    Ok(Aside { snapshots: into.to_owned(), partial, id, commitment, _lock: lock })
}

impl Aside {
    /// Gives the snapshot its name, then makes it current; both are synced before this returns.
    fn publish(self) -> Result<Frozen, SnapshotError> {
        let Self { snapshots, partial, id, commitment, _lock } = self;
        let path = snapshots.join(&id);
        fs::rename(&partial, &path)
            .and_then(|()| sync_directory(&snapshots))
            .map_err(write_error(&path))?;

        let current = snapshots.join(CURRENT);
        let next = snapshots.join(format!(".{CURRENT}{PARTIAL}"));
        write_synced(&next, format!("{id}\n").as_bytes())
            .and_then(|()| fs::rename(&next, &current))
            .and_then(|()| sync_directory(&snapshots))
            .map_err(write_error(&current))?;
        Ok(Frozen { id, path, commitment })
    }
}

/// One table on its way to its file.
struct TableWriter<'a> {
    table: TableName,
    rows: &'a Rows,
    schema: &'a Schema,
    /// More columns, one value for each learner.
    counts: &'a [(String, Vec<u32>)],
    /// Each learner's tag, in the learner table.
    tags: Option<&'a [i64]>,
    learners: u32,
    block: u32,
}

impl TableWriter<'_> {
    fn write(&self, arranged: &Arranged, path: &Path) -> Result<TableEntry, SnapshotError> {
        let encode = |source| SnapshotError::WriteTable { path: path.to_owned(), source };
        let file = Hashed::new(File::create_new(path).map_err(write_error(path))?);
        let fields: Vec<_> = self.columns().map(|(column, _)| field(column)).collect();
        let counts = self.counts.iter().map(|(name, _)| Field::new(name, DataType::UInt32, false));
        let person = Field::new(PERSON, DataType::UInt32, false);
        let tag = self.tags.map(|_| Field::new(TAG, DataType::Int64, false));
        let fields = [person].into_iter().chain(fields).chain(counts).chain(tag);
        let fields = fields.collect::<Vec<_>>();
        let arrow_schema = Arc::new(ArrowSchema::new(fields));
        let mut writer =
            ArrowWriter::try_new(file, arrow_schema.clone(), Some(properties())).map_err(encode)?;

        let mut rows = Vec::new();
        for (from, ordinals) in arranged.blocks(self.learners, self.block) {
            rows.push(
                u32::try_from(from.len()).map_err(|_| SnapshotError::TooManyRows(self.table))?,
            );
            let person: ArrayRef = Arc::new(UInt32Array::from(ordinals.to_vec()));
            let values = self.columns().map(|(column, values)| gather(column, values, from));
            let counts = self.counts.iter().map(|(_, counts)| -> ArrayRef {
                let counts = ordinals.iter().map(|ordinal| counts.get(*ordinal as usize).copied());
                Arc::new(UInt32Array::from_iter_values(counts.map(Option::unwrap_or_default)))
            });
            let tags = self.tags.map(|tags| -> ArrayRef {
                let tags = ordinals.iter().map(|ordinal| tags.get(*ordinal as usize).copied());
                Arc::new(Int64Array::from_iter_values(tags.map(Option::unwrap_or_default)))
            });
            let columns = [person].into_iter().chain(values).chain(counts).chain(tags).collect();
            RecordBatch::try_new(arrow_schema.clone(), columns)
                .map_err(parquet::errors::ParquetError::from)
                .and_then(|batch| writer.write(&batch))
                .and_then(|()| writer.flush())
                .map_err(encode)?;
        }
        let (bytes, sha256) =
            writer.into_inner().map_err(encode)?.finish().map_err(write_error(path))?;
        let columns =
            self.columns().map(|(column, _)| (column.name.clone(), ColumnEntry::of(&column.kind)));
        Ok(TableEntry { bytes, sha256, rows, columns: columns.collect() })
    }

    /// The columns that the source fills, in the schema's order.
    fn columns(&self) -> impl Iterator<Item = (&Column, &Values)> {
        let known = self.schema.table(self.table).map_or(&[][..], |table| &table.columns);
        known.iter().filter_map(|column| {
            let (_, values) = self.rows.columns.iter().find(|(name, _)| *name == column.name)?;
            Some((column, values))
        })
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

fn unknown(kind: &Kind) -> Option<u16> {
    let position = kind.codes()?.iter().position(|code| code.id == UNKNOWN)?;
    u16::try_from(position).ok()
}

/// How a column is stored.
pub(super) fn field(column: &Column) -> Field {
    match column.kind {
        Kind::Code(_) => Field::new(&column.name, DataType::UInt16, false),
        Kind::Date => Field::new(&column.name, DataType::Date32, true),
        Kind::Year => Field::new(&column.name, DataType::Int16, true),
        Kind::Integer => Field::new(&column.name, DataType::Int64, true),
    }
}

/// A tag's two words as one number, the second above the first; never negative.
fn tag([low, high]: [u32; 2]) -> i64 {
    i64::from(low) | i64::from(high) << 31
}

/// The values of a block's rows; a learner without a row has code unknown, and nothing else.
fn gather(column: &Column, values: &Values, from: &[Option<u32>]) -> ArrayRef {
    fn at<T: Copy>(values: &[T], row: &Option<u32>) -> Option<T> {
        values.get((*row)? as usize).copied()
    }
    match values {
        Values::Code(codes) => {
            let unknown = unknown(&column.kind).unwrap_or(0);
            let codes = from.iter().map(|row| at(codes, row).unwrap_or(unknown));
            Arc::new(UInt16Array::from_iter_values(codes))
        }
        Values::Date(days) => {
            Arc::new(from.iter().map(|row| at(days, row).flatten()).collect::<Date32Array>())
        }
        Values::Year(years) => {
            Arc::new(from.iter().map(|row| at(years, row).flatten()).collect::<Int16Array>())
        }
        Values::Integer(numbers) => {
            Arc::new(from.iter().map(|row| at(numbers, row).flatten()).collect::<Int64Array>())
        }
    }
}

/// Row groups end where blocks end, and nothing about values is written beside them.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(concat!("sumac ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_column_dictionary_enabled(ColumnPath::from(PERSON), false)
        .set_column_encoding(ColumnPath::from(PERSON), Encoding::DELTA_BINARY_PACKED)
        // Random bits: neither repeats nor differences to save.
        .set_column_dictionary_enabled(ColumnPath::from(TAG), false)
        .build()
}

fn write_error(path: &Path) -> impl Fn(io::Error) -> SnapshotError + use<> {
    let path = path.to_owned();
    move |source| SnapshotError::Write { path: path.clone(), source }
}
