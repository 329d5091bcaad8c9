//! Opening a snapshot and reading a block of one of its tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt8Array, UInt16Array};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use sha2::{Digest, Sha256};
use sumac_keys::{Circles, NodeSecret};
use sumac_policy::{ColumnRef, Holdings, Schema, TableName};

use super::chunks::Chunks;
use super::error::SnapshotError;
use super::manifest::{self, ColumnEntry, Manifest, Text, holdings};
use super::stored::field;
use super::{TAG, rows_column};
use crate::records::rows::Column;

/// Rows in a piece: a column of it stays in the processor's nearest cache. Tests have learners whose rows lie
/// in several.
const PIECE: usize = if cfg!(test) { 7 } else { 16_384 };

/// A frozen snapshot, found to be this node's own. Cheap to share between threads; never changes.
#[derive(Debug)]
pub struct Snapshot {
    id: String,
    commitment: [u8; 32],
    holdings: Holdings,
    learners: u32,
    block: u32,
    tables: BTreeMap<TableName, Table>,
    /// What the columns hold.
    #[cfg(feature = "cluster")]
    kinds: BTreeMap<ColumnRef, sumac_policy::Kind>,
    circles: Circles,
}

/// A block's rows of a table, a piece at a time.
pub(crate) struct Pieces<'a> {
    table: &'a Table,
    reader: Option<ParquetRecordBatchReader>,
    schema: SchemaRef,
    /// Rows still to come.
    rows: usize,
}

#[derive(Debug)]
struct Table {
    path: PathBuf,
    sha256: String,
    metadata: ArrowReaderMetadata,
    /// For each block its row group, if it has rows here.
    groups: Vec<Option<usize>>,
    columns: BTreeMap<String, ColumnEntry>,
}

impl Snapshot {
    /// Opens the snapshot in `directory` for an agreement with this schema: checks that the node itself
    /// wrote the manifest and that every file is as long as it was. [`Snapshot::verify`] reads them whole.
    ///
    /// A column whose code list is not the schema's is not among the holdings, so that a table needing it
    /// is refused before anything is charged.
    ///
    /// # Errors
    /// Where a file is missing, damaged, someone else's or newer than this version.
    pub fn open(
        directory: &Path,
        secret: &NodeSecret,
        schema: &Schema,
    ) -> Result<Self, SnapshotError> {
        Self::read_in(directory, &Text::read(directory)?, secret, schema)
    }

    /// [`Snapshot::open`] by a manifest that is read already.
    pub(super) fn read_in(
        directory: &Path,
        text: &Text,
        secret: &NodeSecret,
        schema: &Schema,
    ) -> Result<Self, SnapshotError> {
        let damaged = |what| text.damaged(what);
        let (manifest, commitment) = Manifest::open(text, secret)?;
        let mut holdings = holdings(&manifest.as_of, &manifest.covers, text)?;
        if manifest.block == 0 {
            return Err(damaged("no block size"));
        }

        let mut tables = BTreeMap::new();
        #[cfg(feature = "cluster")]
        let mut kinds = BTreeMap::new();
        for (name, entry) in &manifest.tables {
            let table: TableName = name.parse().map_err(|_| damaged("unknown table"))?;
            let opened = Table::open(directory.join(format!("{name}.parquet")), entry)?;
            if opened.groups.len() != manifest.blocks() {
                return Err(damaged("wrong number of blocks"));
            }
            for (column, held) in &entry.columns {
                let agreed = schema.column(table, column);
                let Some(_agreed) = agreed.filter(|agreed| opened.holds(agreed, held)) else {
                    continue;
                };
                let column = ColumnRef { table, column: column.clone() };
                #[cfg(feature = "cluster")]
                kinds.insert(column.clone(), _agreed.kind.clone());
                holdings.columns.push(column);
            }
            tables.insert(table, opened);
        }
        let Manifest { id, learners, block, .. } = manifest;
        let circles = secret.circles();
        Ok(Self {
            id,
            commitment,
            holdings,
            learners,
            block,
            tables,
            #[cfg(feature = "cluster")]
            kinds,
            circles,
        })
    }

    /// Reads every file whole and compares it with the manifest.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not the one that was frozen.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        for Table { path, sha256, .. } in self.tables.values() {
            let found =
                hash(path).map_err(|source| SnapshotError::Read { path: path.clone(), source })?;
            if found != *sha256 {
                let what = "its hash differs from the manifest's";
                return Err(SnapshotError::Damaged { path: path.clone(), what });
            }
        }
        Ok(())
    }

    /// What the operator stated, and the columns held as the agreement defines them.
    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// Its id: the directory's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The node's commitment to it.
    pub fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// In how many blocks its learners are kept.
    pub(crate) fn blocks(&self) -> usize {
        self.learners.div_ceil(self.block) as usize
    }

    /// The ordinals of a block's learners.
    pub(crate) fn learners(&self, block: usize) -> std::ops::Range<u32> {
        let block = u32::try_from(block).unwrap_or(u32::MAX);
        let first = block.saturating_mul(self.block).min(self.learners);
        first..first.saturating_add(self.block).min(self.learners)
    }

    /// These columns of a block's rows of a table, a piece at a time.
    pub(crate) fn pieces(
        &self,
        table: TableName,
        block: usize,
        columns: &[&str],
    ) -> Result<Pieces<'_>, SnapshotError> {
        for column in columns {
            let column = ColumnRef { table, column: (*column).to_owned() };
            if !self.holdings.columns.contains(&column) {
                return Err(SnapshotError::NotHeld { table, column: column.column });
            }
        }
        self.table(table)?.pieces(block, columns)
    }

    /// How many rows of a table each of a block's learners has, in the order of their ordinals.
    pub(crate) fn row_counts(
        &self,
        table: TableName,
        block: usize,
    ) -> Result<RecordBatch, SnapshotError> {
        self.table(table)?;
        self.table(TableName::Learner)?.pieces(block, &[&rows_column(table)])?.whole()
    }

    /// Its tables and their files.
    #[cfg(feature = "cluster")]
    pub(crate) fn files(&self) -> impl Iterator<Item = (TableName, &Path)> {
        self.tables.iter().map(|(name, table)| (*name, table.path.as_path()))
    }

    /// What a column that is held holds.
    #[cfg(feature = "cluster")]
    pub(crate) fn kind(&self, column: &ColumnRef) -> Option<sumac_policy::Kind> {
        self.kinds.get(column).cloned()
    }

    /// What decides in each table, with learners' tags, where their groups are begun with.
    pub(crate) fn circles(&self) -> &Circles {
        &self.circles
    }

    /// The tag of each of a block's learners, in the order of their ordinals.
    pub(crate) fn tags(&self, block: usize) -> Result<RecordBatch, SnapshotError> {
        self.table(TableName::Learner)?.pieces(block, &[TAG])?.whole()
    }

    /// All of [`Snapshot::pieces`] in one.
    pub(crate) fn read(
        &self,
        table: TableName,
        block: usize,
        columns: &[&str],
    ) -> Result<RecordBatch, SnapshotError> {
        self.pieces(table, block, columns)?.whole()
    }

    fn table(&self, table: TableName) -> Result<&Table, SnapshotError> {
        self.tables.get(&table).ok_or(SnapshotError::NoTable(table))
    }
}

impl Table {
    fn open(path: PathBuf, entry: &manifest::TableEntry) -> Result<Self, SnapshotError> {
        let read = |source| SnapshotError::Read { path: path.clone(), source };
        let damaged = |what| SnapshotError::Damaged { path: path.clone(), what };
        let file = File::open(&path).map_err(read)?;
        if file.metadata().map_err(read)?.len() != entry.bytes {
            return Err(damaged("its length differs from the manifest's"));
        }
        let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())
            .map_err(|source| SnapshotError::ReadTable { path: path.clone(), source })?;

        let written = metadata.metadata().row_groups().iter().map(|group| group.num_rows());
        let stated = entry.rows.iter().filter(|rows| **rows > 0).map(|rows| i64::from(*rows));
        if !written.eq(stated) {
            return Err(damaged("its row groups differ from the manifest's"));
        }
        let mut next = 0..;
        let groups = entry.rows.iter().map(|rows| if *rows > 0 { next.next() } else { None });
        let groups = groups.collect();
        let columns = entry.columns.clone();
        Ok(Self { sha256: entry.sha256.clone(), metadata, groups, columns, path })
    }

    /// Whether a column is there, of the kind and with the codes that the agreement gives it.
    fn holds(&self, agreed: &sumac_policy::Column, held: &ColumnEntry) -> bool {
        let stored = self.metadata.schema().field_with_name(&agreed.name);
        let as_stored = |stored: &Field| {
            [false, true].into_iter().any(|wide| {
                let kind = agreed.kind.clone();
                let wanted = field(&Column { name: agreed.name.clone(), kind, wide });
                stored.data_type() == wanted.data_type()
                    && stored.is_nullable() == wanted.is_nullable()
            })
        };
        ColumnEntry::of(&agreed.kind) == *held && stored.is_ok_and(as_stored)
    }

    fn pieces(&self, block: usize, columns: &[&str]) -> Result<Pieces<'_>, SnapshotError> {
        let stored = self.metadata.schema();
        let fields = columns.iter().map(|name| {
            let stored = stored.field_with_name(name)?;
            let codes = matches!(self.columns.get(*name), Some(ColumnEntry::Codes(_)));
            Ok(if codes { as_read(stored) } else { stored.clone() })
        });
        let fields = fields
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error: ArrowError| self.undecodable(error.into()))?;
        let mut pieces = Pieces {
            table: self,
            reader: None,
            schema: Arc::new(ArrowSchema::new(fields)),
            rows: 0,
        };
        let Some(Some(group)) = self.groups.get(block).copied() else { return Ok(pieces) };

        let rows =
            self.metadata.metadata().row_groups().get(group).map_or(0, |group| group.num_rows());
        pieces.rows = usize::try_from(rows).map_err(|_| self.damaged())?;
        let mask = ProjectionMask::columns(self.metadata.parquet_schema(), columns.iter().copied());
        let group_metadata = self.metadata.metadata().row_group(group);
        let chunks = Chunks::read(&self.path, group_metadata, &mask)
            .map_err(|source| SnapshotError::Read { path: self.path.clone(), source })?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(chunks, self.metadata.clone())
                .with_projection(mask)
                .with_row_groups(vec![group])
                .with_batch_size(PIECE)
                .build();
        pieces.reader = Some(reader.map_err(|error| self.undecodable(error))?);
        Ok(pieces)
    }

    fn undecodable(&self, source: ParquetError) -> SnapshotError {
        SnapshotError::ReadTable { path: self.path.clone(), source }
    }

    fn damaged(&self) -> SnapshotError {
        SnapshotError::Damaged {
            path: self.path.clone(),
            what: "a block is not as the manifest says",
        }
    }
}

impl Pieces<'_> {
    pub(crate) fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    /// All pieces in one.
    fn whole(self) -> Result<RecordBatch, SnapshotError> {
        let (table, schema) = (self.table, self.schema());
        let pieces = self.collect::<Result<Vec<_>, _>>()?;
        concat_batches(&schema, &pieces).map_err(|error| table.undecodable(error.into()))
    }

    /// A piece with its columns in the order asked for.
    fn arranged(&mut self, piece: &RecordBatch) -> Result<RecordBatch, SnapshotError> {
        self.rows = self.rows.checked_sub(piece.num_rows()).ok_or_else(|| self.table.damaged())?;
        let columns = self.schema.fields().iter();
        let columns = columns.filter_map(|field| {
            let stored = piece.column_by_name(field.name())?;
            let codes = stored.data_type() != field.data_type();
            Some(if codes { read_as_numbers(stored) } else { stored.clone() })
        });
        // The number of rows is said, because there may be no column to tell.
        let rows = RecordBatchOptions::new().with_row_count(Some(piece.num_rows()));
        RecordBatch::try_new_with_options(self.schema.clone(), columns.collect(), &rows)
            .map_err(|error| self.table.undecodable(error.into()))
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.as_mut()?.next() {
            Some(Ok(piece)) => Some(self.arranged(&piece)),
            Some(Err(error)) => {
                self.reader = None;
                Some(Err(self.table.undecodable(error.into())))
            }
            None => {
                self.reader = None;
                (self.rows > 0).then(|| Err(self.table.damaged()))
            }
        }
    }
}

/// A column of codes as it is read: whole numbers, of as many bytes as they take in the file.
fn as_read(stored: &Field) -> Field {
    match stored.data_type() {
        DataType::FixedSizeBinary(1) => Field::new(stored.name(), DataType::UInt8, false),
        DataType::FixedSizeBinary(_) => Field::new(stored.name(), DataType::UInt16, false),
        _ => stored.clone(),
    }
}

fn read_as_numbers(stored: &ArrayRef) -> ArrayRef {
    let Some(bytes) = stored.as_fixed_size_binary_opt() else { return stored.clone() };
    if bytes.value_length() == 1 {
        return Arc::new(UInt8Array::new(bytes.values().clone().into(), None));
    }
    let codes = bytes.value_data().as_chunks().0.iter().map(|code| u16::from_le_bytes(*code));
    Arc::new(UInt16Array::from_iter_values(codes))
}

/// SHA-256 of a file, in hexadecimal.
fn hash(path: &Path) -> io::Result<String> {
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    let mut hash = Sha256::new();
    loop {
        let bytes = file.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hex::encode(hash.finalize()));
        }
        hash.update(bytes);
        let read = bytes.len();
        file.consume(read);
    }
}
