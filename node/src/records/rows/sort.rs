//! Rows of one width, sorted in a bounded share of memory. What does not fit lies in unnamed files, which the
//! system forgets with the process.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::mem;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use super::layout::Row;

/// Bytes read and written at once, for each run.
const CHUNK: usize = 1 << 18;

/// Rows in the order in which they come.
pub(in crate::records) struct Sorter {
    width: usize,
    /// Rows that memory holds before they are written out.
    most: usize,
    rows: Vec<u8>,
    keys: Vec<Place>,
    /// The rows before them, being sorted and written.
    writing: Option<JoinHandle<io::Result<File>>>,
    runs: Vec<File>,
    into: PathBuf,
}

/// A row's person, time and origin.
type Key = (u128, u64, u64);

/// A row's person and time, and which of the rows in memory it is.
type Place = (u128, u64, u32);

/// The same rows in order of their keys.
pub(super) struct Sorted {
    runs: Vec<Run>,
    /// The next row's key in each run that has one.
    next: BinaryHeap<Reverse<(Key, usize)>>,
}

/// A sorted part of the rows.
struct Run {
    from: From,
    row: Vec<u8>,
}

enum From {
    Memory { rows: Vec<u8>, keys: std::vec::IntoIter<Place> },
    File(BufReader<File>),
}

impl Sorter {
    /// For rows of this width, held in so many bytes of memory, with files in `into` for the rest. Half of the
    /// bytes are filled while the other half is written.
    pub(super) fn new(width: usize, bytes: usize, into: &Path) -> Self {
        let most = (bytes / 2 / (width + size_of::<Place>())).clamp(1, u32::MAX as usize);
        let (rows, keys, runs) = (Vec::new(), Vec::new(), Vec::new());
        Self { width, most, rows, keys, writing: None, runs, into: into.to_owned() }
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
        self.wait()?;
        let mut runs = Vec::new();
        for mut file in self.runs {
            file.rewind()?;
            runs.push(From::File(BufReader::with_capacity(CHUNK, file)));
        }
        runs.push(From::Memory { rows: self.rows, keys: self.keys.into_iter() });
        let width = self.width;
        let mut sorted = Sorted { runs: Vec::new(), next: BinaryHeap::new() };
        for (at, from) in runs.into_iter().enumerate() {
            let mut run = Run { from, row: vec![0; width] };
            if run.read()? {
                sorted.next.push(Reverse((Row(&run.row).key(), at)));
            }
            sorted.runs.push(run);
        }
        Ok(sorted)
    }

    /// Has the rows in memory sorted and written, once those before are.
    fn write_out(&mut self) -> io::Result<()> {
        self.wait()?;
        let capacity = (self.rows.len(), self.keys.len());
        let rows = mem::replace(&mut self.rows, Vec::with_capacity(capacity.0));
        let keys = mem::replace(&mut self.keys, Vec::with_capacity(capacity.1));
        let (width, file) = (self.width, tempfile::tempfile_in(&self.into)?);
        self.writing = Some(thread::spawn(move || write(&rows, keys, width, file)));
        Ok(())
    }

    fn wait(&mut self) -> io::Result<()> {
        if let Some(writing) = self.writing.take() {
            let stopped = |_| io::Error::other("sorting stopped half way");
            self.runs.push(writing.join().map_err(stopped)??);
        }
        Ok(())
    }
}

fn write(rows: &[u8], mut keys: Vec<Place>, width: usize, file: File) -> io::Result<File> {
    keys.sort_unstable();
    let mut file = BufWriter::with_capacity(CHUNK, file);
    for (_, _, at) in keys {
        let start = at as usize * width;
        file.write_all(rows.get(start..start + width).unwrap_or_default())?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)
}

impl Sorted {
    /// The next row, if there is one.
    pub(super) fn peek(&self) -> Option<&[u8]> {
        let Reverse((_, run)) = self.next.peek()?;
        self.runs.get(*run).map(|run| run.row.as_slice())
    }

    /// Goes on to the row after it.
    pub(super) fn pass(&mut self) -> io::Result<()> {
        let Some(mut first) = self.next.peek_mut() else { return Ok(()) };
        let Reverse((key, at)) = &mut *first;
        if let Some(run) = self.runs.get_mut(*at)
            && run.read()?
        {
            *key = Row(&run.row).key();
        } else {
            PeekMut::pop(first);
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
