//! Parquet files: columns by name, and values as what they are, without a detour through text.

mod column;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt;
use std::fs::File;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use arrow::datatypes::Schema;
use arrow::error::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;

use self::column::unreadable;
use super::{Export, Fault, Row, Spot, Steady, squeezed};

pub(super) use self::column::Column;

/// Rows decoded at once.
const BATCH: usize = 8_192;

/// What to do about a file that does not decode.
const AGAIN: &str = "export or copy it again, whole";

static HOOK: Once = Once::new();

thread_local! {
    /// Whether this thread is decoding, so that a panic is an error of the file.
    static DECODING: Cell<bool> = const { Cell::new(false) };
}

/// A Parquet file being read, one row group after the other.
pub(super) struct Parquet {
    file: File,
    metadata: ArrowReaderMetadata,
    header: Vec<String>,
    /// The row group being read, from 1.
    group: usize,
    batches: Option<ParquetRecordBatchReader>,
    /// Every column of the batch being read; those that cannot be read are blank.
    columns: Vec<Column>,
    rows: usize,
    at: usize,
    /// Rows given so far.
    given: u64,
    steady: Steady,
}

impl Parquet {
    pub(super) fn open(file: File, steady: Steady) -> Result<Self, Fault> {
        let loaded = caught(|| ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()));
        let metadata = loaded.map_err(|source| {
            Fault::whole(format_args!("is not a whole Parquet file: {source}"), AGAIN)
        })?;
        let fields = metadata.schema().fields();
        let header = fields.iter().map(|field| squeezed(field.name())).collect();
        Ok(Self {
            file,
            metadata,
            header,
            group: 0,
            batches: None,
            columns: Vec::new(),
            rows: 0,
            at: 0,
            given: 0,
            steady,
        })
    }

    fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    fn groups(&self) -> usize {
        self.metadata.metadata().num_row_groups()
    }

    /// Decodes the next rows; false at the end.
    fn advance(&mut self) -> Result<bool, Fault> {
        loop {
            let batch = match &mut self.batches {
                Some(batches) => caught(|| batches.next().transpose()).transpose(),
                None => None,
            };
            match batch {
                Some(Ok(batch)) => {
                    let schema = self.metadata.schema();
                    let mut arrays = batch.columns().iter();
                    let columns =
                        schema.fields().iter().map(|field| match unreadable(field.data_type()) {
                            Some(_) => Ok(Column::Blank),
                            None => Column::of(arrays.next(), field.name()),
                        });
                    let columns = columns.collect::<Result<_, _>>();
                    self.columns = columns.map_err(|(column, message)| Fault {
                        spot: Some(Spot::Group(self.group)),
                        column: Some(column),
                        ..Fault::whole(message, AGAIN)
                    })?;
                    (self.rows, self.at) = (batch.num_rows(), 0);
                    if self.rows > 0 {
                        return Ok(true);
                    }
                }
                Some(Err(source)) => return Err(self.corrupt(&source)),
                None if self.group < self.groups() => {
                    self.group += 1;
                    let opened = caught(|| self.decoder(self.group, None));
                    self.batches = Some(opened.map_err(|source| self.corrupt(&source))?);
                }
                None => return Ok(false),
            }
        }
    }

    /// Decodes a row group: one column, or all that can be read.
    fn decoder(
        &self,
        group: usize,
        column: Option<usize>,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let readable = self.schema().fields().iter().zip(0..);
        let readable = readable.filter(|(field, _)| unreadable(field.data_type()).is_none());
        let roots = readable.map(|(_, at)| at).filter(|at| column.is_none_or(|one| one == *at));
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.try_clone()?,
            self.metadata.clone(),
        );
        let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
        builder
            .with_projection(mask)
            .with_row_groups(vec![group.saturating_sub(1)])
            .with_batch_size(BATCH)
            .build()
    }

    /// Names the column that does not decode: found by reading each alone.
    fn corrupt(&self, source: &str) -> Fault {
        let decodes = |at: &usize| {
            let whole = caught(|| {
                self.decoder(self.group, Some(*at))?.try_for_each(|batch| batch.map(|_| ()))?;
                Ok::<_, ArrowError>(())
            });
            whole.is_ok()
        };
        let bad = (0..self.header.len()).find(|at| !decodes(at));
        Fault {
            spot: Some(Spot::Group(self.group)),
            column: bad.and_then(|at| self.header.get(at).cloned()),
            ..Fault::whole(format_args!("does not decode: {source}"), AGAIN)
        }
    }
}

impl Export for Parquet {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn header_spot(&self) -> Option<Spot> {
        None
    }

    fn unreadable(&self, at: usize) -> Option<String> {
        unreadable(self.schema().fields().get(at)?.data_type())
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        if self.at >= self.rows && !self.advance()? {
            return Ok(None);
        }
        let at = self.at;
        self.at += 1;
        self.given += 1;
        Ok(Some(Row::of_columns(Spot::Row(self.given), &self.columns, at)))
    }

    fn progress(&self) -> (u64, u64) {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        let rows = u128::from(u64::try_from(rows).unwrap_or(0).max(1));
        let bytes = self.steady.bytes();
        let read = u128::from(bytes) * u128::from(self.given) / rows;
        (u64::try_from(read).unwrap_or(bytes), bytes)
    }

    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    fn is_unchanged(&self) -> Result<(), Fault> {
        self.steady.check()
    }
}

/// Does a piece of decoding. The library takes some corrupt bytes for a mistake of its own and panics: that is
/// an error of the file like any other. What was being decoded is not used again after one.
fn caught<T, E: fmt::Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    // The panic is told as an error, and not once more in the words of the library.
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !DECODING.get() {
                usual(info);
            }
        }));
    });
    DECODING.set(true);
    let decoded = panic::catch_unwind(AssertUnwindSafe(decode));
    DECODING.set(false);
    // Some of its errors go on for pages.
    let line = |text: String| text.lines().next().unwrap_or_default().to_owned();
    match decoded {
        Ok(decoded) => decoded.map_err(|source| line(source.to_string())),
        Err(_) => Err("its bytes make no sense".to_owned()),
    }
}
