//! Opening a snapshot and reading a block of one of its tables.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::compute::concat_batches;
#[cfg(feature = "cluster")]
use arrow::datatypes::DataType;
use arrow::datatypes::{Field, Schema as ArrowSchema, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::ParquetError;
use parquet::file::metadata::RowGroupMetaData;
use sha2::{Digest, Sha256};
use sumac_keys::{Circles, NodeSecret};
use sumac_policy::{ColumnRef, Holdings, Schema, TableName};

use super::error::SnapshotError;
use super::manifest::{self, ColumnEntry, Manifest, Text, holdings};
use super::pages::Pages;
use super::stored::{as_read, field, values, width};
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
    columns: Vec<Pages>,
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
    ) -> Result<Vec<u32>, SnapshotError> {
        self.table(table)?;
        self.table(TableName::Learner)?.words(block, &rows_column(table))
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

    /// The least number of as many bytes as a column's values take.
    #[cfg(feature = "cluster")]
    pub(crate) fn least(&self, column: &ColumnRef) -> i64 {
        let table = self.tables.get(&column.table);
        let schema = table.map(|table| table.metadata.schema());
        match schema
            .and_then(|schema| schema.field_with_name(&column.column).ok())
            .map(Field::data_type)
        {
            Some(DataType::Int16) => i16::MIN.into(),
            Some(DataType::Int32) => i32::MIN.into(),
            _ => i64::MIN,
        }
    }

    /// What decides in each table, with learners' tags, where their groups are begun with.
    pub(crate) fn circles(&self) -> &Circles {
        &self.circles
    }

    /// The tag of each of a block's learners, in the order of their ordinals.
    pub(crate) fn tags(&self, block: usize) -> Result<Vec<u32>, SnapshotError> {
        self.table(TableName::Learner)?.words(block, TAG)
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
        let places = columns.iter().map(|name| Ok((stored.index_of(name)?, *name)));
        let places = places.collect::<Result<Vec<_>, ArrowError>>();
        let places = places.map_err(|error| self.undecodable(error.into()))?;
        let fields =
            places.iter().map(|(at, name)| as_read(stored.field(*at), self.columns.get(*name)));
        let schema = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        let mut pieces = Pieces { table: self, columns: Vec::new(), schema, rows: 0 };
        let Some(group) = self.group(block) else { return Ok(pieces) };
        pieces.rows = usize::try_from(group.num_rows()).map_err(|_| self.damaged())?;
        let mut file = self.file()?;
        for (at, _) in places {
            let pages = Pages::read(&mut file, group.column(at), width(stored.field(at)));
            pieces.columns.push(pages.map_err(|error| self.undecodable(error))?);
        }
        Ok(pieces)
    }

    /// A block's values of a column of four bytes each, none of which is absent.
    fn words(&self, block: usize, column: &str) -> Result<Vec<u32>, SnapshotError> {
        let Some(group) = self.group(block) else { return Ok(Vec::new()) };
        let undecodable = |error| self.undecodable(error);
        let at =
            self.metadata.schema().index_of(column).map_err(|error| undecodable(error.into()))?;
        let pages = Pages::read(&mut self.file()?, group.column(at), size_of::<u32>());
        let (mut pages, mut words) = (pages.map_err(undecodable)?, Vec::new());
        loop {
            let values = pages.at_hand().map_err(undecodable)?;
            if values == 0 {
                return Ok(words);
            }
            let bytes = pages.take(values);
            words.extend(bytes.as_chunks().0.iter().map(|word| u32::from_le_bytes(*word)));
        }
    }

    /// A block's row group; none where it has no rows here.
    fn group(&self, block: usize) -> Option<&RowGroupMetaData> {
        let group = self.groups.get(block).copied().flatten()?;
        self.metadata.metadata().row_groups().get(group)
    }

    /// Opened anew each time: threads that share one open file share its position too.
    fn file(&self) -> Result<File, SnapshotError> {
        File::open(&self.path)
            .map_err(|source| SnapshotError::Read { path: self.path.clone(), source })
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

    /// The next rows, as many as every column has at hand.
    fn piece(&mut self) -> Result<RecordBatch, SnapshotError> {
        let table = self.table;
        let mut rows = self.rows.min(PIECE);
        for column in &mut self.columns {
            rows = rows.min(column.at_hand().map_err(|error| table.undecodable(error))?);
        }
        if rows == 0 {
            return Err(table.damaged());
        }
        self.rows -= rows;
        let columns = self.columns.iter_mut().zip(self.schema.fields());
        let columns = columns.map(|(column, field)| values(field, column.take(rows)));
        let columns = columns.collect::<Option<_>>().ok_or_else(|| table.damaged())?;
        // The number of rows is said, because there may be no column to tell.
        let rows = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(self.schema.clone(), columns, &rows)
            .map_err(|error| table.undecodable(error.into()))
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<RecordBatch, SnapshotError>;

    fn next(&mut self) -> Option<Self::Item> {
        let piece = (self.rows > 0).then(|| self.piece())?;
        if piece.is_err() {
            self.rows = 0;
        }
        Some(piece)
    }
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
