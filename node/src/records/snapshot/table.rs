//! One table of a snapshot on its way to its file, block by block.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use sumac_policy::{Kind, TableName};

use super::disk::Hashed;
use super::error::SnapshotError;
use super::manifest::{ColumnEntry, TableEntry};
use super::pages::append;
use super::stored::{TooLarge, bytes, field, packed, width};
use super::write::write_error;
use super::{PERSON, PLACE, TAG, rows_column, unknown};
use crate::records::canonical::Values;
use crate::records::rows::Column;

/// A block's rows of one table.
pub(super) struct Block {
    /// Each row's learner.
    pub(super) person: Vec<u32>,
    /// The columns, in the layout's order.
    pub(super) columns: Vec<Values>,
    /// In the learner table: how many rows each learner has in every other table.
    pub(super) counts: Vec<Vec<u32>>,
    /// In the learner table: each learner's tag.
    pub(super) tags: Vec<u32>,
}

/// What a table's file is.
pub(super) struct Shape<'a> {
    pub(super) table: TableName,
    pub(super) columns: &'a [Column],
    /// In the learner table: the other tables, in the order of [`Block::counts`].
    pub(super) others: &'a [TableName],
}

/// A table written, and in how many rows each column says something.
pub(super) struct Written {
    pub(super) entry: TableEntry,
    pub(super) filled: Vec<u64>,
}

impl Shape<'_> {
    /// Writes every block that comes, then the file's end, and syncs it.
    pub(super) fn write(
        &self,
        blocks: &Receiver<Block>,
        path: &Path,
    ) -> Result<Written, SnapshotError> {
        let encode = |source| SnapshotError::WriteTable { path: path.to_owned(), source };
        let file = Hashed::new(File::create_new(path).map_err(write_error(path))?);
        let schema = ArrowSchema::new(self.fields());
        let widths: Vec<usize> = schema.fields().iter().map(|field| width(field)).collect();
        let stored = ArrowSchemaConverter::new().convert(&schema).map_err(encode)?;
        let properties = Arc::new(properties(&schema));
        let mut writer = SerializedFileWriter::new(file, stored.root_schema_ptr(), properties)
            .map_err(encode)?;
        let mut rows = Vec::new();
        let mut filled = vec![0; self.columns.len()];
        for block in blocks {
            let count = u32::try_from(block.person.len());
            rows.push(count.map_err(|_| SnapshotError::TooManyRows(self.table))?);
            if block.person.is_empty() {
                continue;
            }
            for ((column, values), filled) in
                self.columns.iter().zip(&block.columns).zip(&mut filled)
            {
                *filled += says_something(&column.kind, values);
            }
            let columns = self.bytes(&block)?.into_iter().zip(stored.columns()).zip(&widths);
            let mut group = writer.next_row_group().map_err(encode)?;
            for ((values, column), width) in columns {
                append(&mut group, column.clone(), values, *width).map_err(encode)?;
            }
            group.close().map_err(encode)?;
        }
        let (bytes, sha256) =
            writer.into_inner().map_err(encode)?.finish().map_err(write_error(path))?;
        let columns = self.columns.iter();
        let columns =
            columns.map(|column| (column.name.clone(), ColumnEntry::of(&column.kind))).collect();
        Ok(Written { entry: TableEntry { bytes, sha256, rows, columns }, filled })
    }

    fn fields(&self) -> Vec<Field> {
        let person = Field::new(PERSON, DataType::UInt32, false);
        let columns = self.columns.iter().map(field);
        let counts = self.others.iter();
        let counts = counts.map(|other| Field::new(rows_column(*other), DataType::UInt32, false));
        let last = match self.table {
            TableName::Learner => Field::new(TAG, DataType::UInt32, false),
            _ => Field::new(PLACE, DataType::UInt32, false),
        };
        [person].into_iter().chain(columns).chain(counts).chain([last]).collect()
    }

    /// The bytes of a block's columns, in the order of [`Shape::fields`].
    fn bytes(&self, block: &Block) -> Result<Vec<Vec<u8>>, SnapshotError> {
        let words = |words: &[u32]| packed(words, u32::to_le_bytes);
        let mut columns = vec![words(&block.person)];
        for (column, values) in self.columns.iter().zip(&block.columns) {
            columns.push(bytes(column, values).map_err(|TooLarge| SnapshotError::Unfit {
                table: self.table,
                column: column.name.clone(),
                what: "has a value that no import lets in",
            })?);
        }
        columns.extend(block.counts.iter().map(|counts| words(counts)));
        columns.push(match self.table {
            TableName::Learner => words(&block.tags),
            _ => words(&(0..).take(block.person.len()).collect::<Vec<_>>()),
        });
        Ok(columns)
    }
}

/// Rows in which a column says something.
fn says_something(kind: &Kind, values: &Values) -> u64 {
    let count = match values {
        Values::Code(values) => {
            let unknown = unknown(kind);
            values.iter().filter(|code| Some(**code) != unknown).count()
        }
        Values::Date(values) => values.iter().flatten().count(),
        Values::Year(values) => values.iter().flatten().count(),
        Values::Integer(values) => values.iter().flatten().count(),
    };
    count as u64
}

/// Row groups end where blocks end, and nothing about values is written beside them.
fn properties(schema: &ArrowSchema) -> WriterProperties {
    let created_by = concat!("sumac ", env!("CARGO_PKG_VERSION")).to_owned();
    let mut properties = WriterProperties::builder().set_created_by(created_by).build();
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    properties
}
