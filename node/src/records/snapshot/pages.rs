//! A column's values in one block: written a page behind the other, read at once, and handed out as they lie there.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use bytes::buf::Reader;
use bytes::{Buf, Bytes};
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page, PageReader, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use parquet::file::writer::{SerializedPageWriter, SerializedRowGroupWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Rows in a page: so few that what is read of it is still near the processor when it is counted.
const PAGE_ROWS: usize = 1 << 15;

/// Writes a block's values of the row group's next column, so many bytes each.
pub(super) fn append<W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    column: ColumnDescPtr,
    values: Vec<u8>,
    width: usize,
) -> Result<()> {
    let rows = values.len() / width;
    let mut sink = TrackedWrite::new(Vec::with_capacity(values.len()));
    let mut pages = SerializedPageWriter::new(&mut sink);
    let mut rest = Bytes::from(values);
    while !rest.is_empty() {
        let buf = rest.split_to(rest.len().min(PAGE_ROWS * width));
        let length = buf.len();
        let page = Page::DataPage {
            buf,
            num_values: u32::try_from(length / width)?,
            encoding: Encoding::PLAIN,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        pages.write_page(CompressedPage::new(page, length))?;
    }
    pages.close()?;
    let bytes = Bytes::from(sink.into_inner()?);
    let length = i64::try_from(bytes.len())?;
    let metadata = ColumnChunkMetaData::builder(column)
        .set_encodings(vec![Encoding::PLAIN, Encoding::RLE])
        .set_num_values(i64::try_from(rows)?)
        .set_total_compressed_size(length)
        .set_total_uncompressed_size(length)
        .set_data_page_offset(0)
        .build()?;
    let written = ColumnCloseResult {
        bytes_written: bytes.len() as u64,
        rows_written: rows as u64,
        metadata,
        bloom_filter: None,
        column_index: None,
        offset_index: None,
    };
    group.append_column(&bytes, written)
}

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
