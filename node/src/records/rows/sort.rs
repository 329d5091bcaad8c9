//! Rows of one width, sorted in a bounded share of memory. What does not fit lies in unnamed files, which the
//! system forgets with the process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::layout::KEY;

/// Bytes read and written at once, for each run.
const CHUNK: usize = 1 << 18;

/// Rows in the order in which they come.
pub(in crate::records) struct Sorter {
    width: usize,
    /// Rows that memory holds before they are written out.
    most: usize,
    rows: Vec<u8>,
    /// Each row's person and time, and which it is.
    keys: Vec<(u128, u64, u32)>,
    runs: Vec<File>,
    into: PathBuf,
}

/// The same rows in order of their keys.
pub(super) struct Sorted {
    runs: Vec<Run>,
    /// The next row's key in each run that has one.
    next: BinaryHeap<Reverse<([u8; KEY], usize)>>,
}

/// A sorted part of the rows.
struct Run {
    from: From,
    row: Vec<u8>,
}

enum From {
    Memory { rows: Vec<u8>, keys: std::vec::IntoIter<(u128, u64, u32)> },
    File(BufReader<File>),
}

impl Sorter {
    /// For rows of this width, held in so many bytes of memory, with files in `into` for the rest.
    pub(super) fn new(width: usize, bytes: usize, into: &Path) -> Self {
        let each = width + size_of::<(u128, u64, u32)>();
        let most = (bytes / each).clamp(1, u32::MAX as usize);
        let (rows, keys, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { width, most, rows, keys, runs, into: into.to_owned() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.runs.is_empty()
    }

    pub(super) fn push(&mut self, row: &[u8]) -> io::Result<()> {
        if self.keys.len() == self.most {
            self.write_out()?;
        }
        let (person, rest) = row.split_first_chunk().unwrap_or((&[0; 16], &[]));
        let order = rest.first_chunk().unwrap_or(&[0; 8]);
        let at = u32::try_from(self.keys.len()).unwrap_or(u32::MAX);
        self.keys.push((u128::from_be_bytes(*person), u64::from_be_bytes(*order), at));
        self.rows.extend_from_slice(row);
        Ok(())
    }

    pub(super) fn finish(mut self) -> io::Result<Sorted> {
        // Rows came in order of their origin, which is the rest of the key.
        self.keys.sort_unstable();
        let mut runs = Vec::new();
        for mut file in self.runs {
            file.rewind()?;
            runs.push(From::File(BufReader::with_capacity(CHUNK, file)));
        }
        runs.push(From::Memory { rows: self.rows, keys: self.keys.into_iter() });
        let width = self.width;
        let mut sorted = Sorted { runs: Vec::new(), next: BinaryHeap::new() };
        for from in runs {
            sorted.runs.push(Run { from, row: vec![0; width] });
            sorted.advance(sorted.runs.len() - 1)?;
        }
        Ok(sorted)
    }

    fn write_out(&mut self) -> io::Result<()> {
        self.keys.sort_unstable();
        let mut file = BufWriter::with_capacity(CHUNK, tempfile::tempfile_in(&self.into)?);
        for (_, _, at) in self.keys.drain(..) {
            let start = at as usize * self.width;
            file.write_all(self.rows.get(start..start + self.width).unwrap_or_default())?;
        }
        self.rows.clear();
        self.runs.push(file.into_inner().map_err(io::IntoInnerError::into_error)?);
        Ok(())
    }
}

impl Sorted {
    /// The next row, if there is one.
    pub(super) fn peek(&self) -> Option<&[u8]> {
        let Reverse((_, run)) = self.next.peek()?;
        self.runs.get(*run).map(|run| run.row.as_slice())
    }

    /// Goes on to the row after it.
    pub(super) fn pass(&mut self) -> io::Result<()> {
        match self.next.pop() {
            Some(Reverse((_, run))) => self.advance(run),
            None => Ok(()),
        }
    }

    fn advance(&mut self, at: usize) -> io::Result<()> {
        let Some(run) = self.runs.get_mut(at) else { return Ok(()) };
        if run.read()? {
            let key = run.row.first_chunk().copied().unwrap_or([0; KEY]);
            self.next.push(Reverse((key, at)));
        }
        Ok(())
    }
}

impl Run {
    /// Reads the next row; `false` after the last.
    fn read(&mut self) -> io::Result<bool> {
        let width = self.row.len();
        match &mut self.from {
            From::Memory { rows, keys } => {
                let Some((_, _, at)) = keys.next() else { return Ok(false) };
                let start = at as usize * width;
                self.row.clear();
                self.row.extend_from_slice(rows.get(start..start + width).unwrap_or_default());
                Ok(true)
            }
            From::File(file) => match file.read_exact(&mut self.row) {
                Ok(()) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
                Err(error) => Err(error),
            },
        }
    }
}
