//! The bytes of some columns in one block, read at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::arrow::ProjectionMask;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{ChunkReader, Length};

/// What a file holds of some columns in one row group: a call of the system for each column, where a file by itself
/// takes several for each page, and reads what is beside it.
pub(super) struct Chunks {
    /// The length of the file.
    length: u64,
    /// Where each column's bytes begin in it, and the bytes.
    chunks: Vec<(u64, Bytes)>,
}

impl Chunks {
    /// Reads the columns that the mask lets through.
    pub(super) fn read(
        path: &Path,
        group: &RowGroupMetaData,
        mask: &ProjectionMask,
    ) -> io::Result<Self> {
        // Opened anew each time: threads that share one open file share its position too.
        let mut file = File::open(path)?;
        let total = file.metadata()?.len();
        let columns = group.columns().iter().enumerate();
        let chunks = columns.filter(|(at, _)| mask.leaf_included(*at)).map(|(_, column)| {
            let (start, length) = column.byte_range();
            let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
            file.seek(SeekFrom::Start(start))?;
            (&mut file).take(length).read_to_end(&mut bytes)?;
            Ok((start, bytes.into()))
        });
        Ok(Self { chunks: chunks.collect::<io::Result<_>>()?, length: total })
    }

    /// What was read from here on.
    fn from(&self, start: u64) -> Option<Bytes> {
        self.chunks.iter().find_map(|(begins, bytes)| {
            let skipped = usize::try_from(start.checked_sub(*begins)?).ok()?;
            (skipped < bytes.len()).then(|| bytes.slice(skipped..))
        })
    }
}

impl Length for Chunks {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Chunks {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start).unwrap_or_default().reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let bytes = self.from(start).filter(|bytes| length <= bytes.len());
        let bytes =
            bytes.ok_or_else(|| ParquetError::EOF("past the end of a column".to_owned()))?;
        Ok(bytes.slice(..length))
    }
}
