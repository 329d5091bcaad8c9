//! A column's values in one block: its bytes are read at once, and handed out as they lie in the pages.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};

/// A column's values in one block.
pub(super) struct Pages {
    reader: SerializedPageReader<Chunk>,
    /// Bytes of a value.
    width: usize,
    /// What has not been taken of the page at hand.
    rest: Bytes,
}

/// The bytes of a column in one block. A file by itself takes several calls of the system for each page, and reads what
/// is beside it.
struct Chunk {
    /// Where it begins in the file.
    start: u64,
    bytes: Bytes,
}

impl Pages {
    /// Reads a column of which each value takes so many bytes, and of which none is absent.
    pub(super) fn read(
        file: &mut File,
        column: &ColumnChunkMetaData,
        width: usize,
    ) -> Result<Self> {
        let chunk = Chunk::read(file, column)?;
        let rows = usize::try_from(column.num_values())?;
        let reader = SerializedPageReader::new(Arc::new(chunk), column, rows, None)?;
        Ok(Self { reader, width, rest: Bytes::new() })
    }

    /// How many values are at hand; zero after the last.
    pub(super) fn at_hand(&mut self) -> Result<usize> {
        while self.rest.is_empty() {
            match self.reader.get_next_page()? {
                Some(Page::DataPage { buf, num_values, encoding: Encoding::PLAIN, .. })
                    if buf.len() == num_values as usize * self.width =>
                {
                    self.rest = buf;
                }
                Some(_) => return Err(ParquetError::General("a page of another kind".to_owned())),
                None => return Ok(0),
            }
        }
        Ok(self.rest.len() / self.width)
    }

    /// The bytes of so many values, or of as many as are at hand.
    pub(super) fn take(&mut self, values: usize) -> Bytes {
        self.rest.split_to(self.rest.len().min(values * self.width))
    }
}

impl Chunk {
    fn read(file: &mut File, column: &ColumnChunkMetaData) -> io::Result<Self> {
        let (start, length) = column.byte_range();
        let mut bytes = Vec::with_capacity(usize::try_from(length).map_err(io::Error::other)?);
        file.seek(SeekFrom::Start(start))?;
        file.take(length).read_to_end(&mut bytes)?;
        Ok(Self { start, bytes: bytes.into() })
    }

    /// What there is from a place in the file on.
    fn from(&self, start: u64) -> Bytes {
        let skipped =
            start.checked_sub(self.start).and_then(|skipped| usize::try_from(skipped).ok());
        let skipped = skipped.filter(|skipped| *skipped <= self.bytes.len());
        skipped.map_or(Bytes::new(), |skipped| self.bytes.slice(skipped..))
    }
}

impl Length for Chunk {
    fn len(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

impl ChunkReader for Chunk {
    type T = Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        Ok(self.from(start).reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = self.from(start);
        if bytes.len() < length {
            return Err(ParquetError::EOF("a page is cut short".to_owned()));
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}
