//! One table of a snapshot on its way to its file, block by block.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Schema as ArrowSchema};
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use sumac_policy::{Kind, TableName};

use super::disk::Hashed;
use super::error::SnapshotError;
use super::manifest::{ColumnEntry, TableEntry};
use super::stored::{TooLarge, array, field};
use super::write::write_error;
use super::{PERSON, PLACE, TAG, rows_column, unknown};
use crate::records::canonical::Values;
use crate::records::rows::Column;

/// Rows in a page: so few that what is read of it is still near the processor when it is counted, and so many that
/// reading takes few calls.
const PAGE_ROWS: usize = 1 << 15;

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
        let schema = Arc::new(ArrowSchema::new(self.fields()));
        let mut writer =
            ArrowWriter::try_new(file, schema.clone(), Some(properties())).map_err(encode)?;
        let mut rows = Vec::new();
        let mut filled = vec![0; self.columns.len()];
        for block in blocks {
            let count = u32::try_from(block.person.len());
            rows.push(count.map_err(|_| SnapshotError::TooManyRows(self.table))?);
            for ((column, values), filled) in
                self.columns.iter().zip(&block.columns).zip(&mut filled)
            {
                *filled += says_something(&column.kind, values);
            }
            RecordBatch::try_new(schema.clone(), self.arrays(block)?)
                .map_err(ParquetError::from)
                .and_then(|batch| writer.write(&batch))
                .and_then(|()| writer.flush())
                .map_err(encode)?;
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

    /// A block's columns in the order of [`Shape::fields`].
    fn arrays(&self, block: Block) -> Result<Vec<ArrayRef>, SnapshotError> {
        let places = UInt32Array::from_iter_values((0..).take(block.person.len()));
        let mut arrays: Vec<ArrayRef> = vec![Arc::new(UInt32Array::from(block.person))];
        for (column, values) in self.columns.iter().zip(block.columns) {
            arrays.push(array(column, values).map_err(|TooLarge| SnapshotError::Unfit {
                table: self.table,
                column: column.name.clone(),
                what: "has a value that no import lets in",
            })?);
        }
        let counts = block.counts.into_iter();
        arrays.extend(counts.map(|counts| -> ArrayRef { Arc::new(UInt32Array::from(counts)) }));
        arrays.push(match self.table {
            TableName::Learner => Arc::new(UInt32Array::from(block.tags)),
            _ => Arc::new(places),
        });
        Ok(arrays)
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

/// Values lie in the file as they lie in memory, because decoding anything denser takes longer than counting
/// it. Row groups end where blocks end, and nothing about values is written beside them.
fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(concat!("sumac ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_dictionary_enabled(false)
        .set_encoding(Encoding::PLAIN)
        .build()
}
