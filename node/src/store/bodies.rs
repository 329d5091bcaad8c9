//! The releases themselves, beside the log: they must be deleted one day, and nothing in the log can be.
//!
//! One file for each month in which they were made, so that most of what is old goes by whole files:
//!
//! ```text
//! bodies/<year>-<month>.bodies
//! file    "SUMACREL" | format version, u32 | 0, u32            16 bytes, then frames to the end
//! frame   length of body, u32 | crc32c, u32 | seq, u64 | body
//! ```
//!
//! Integers are little-endian. The checksum covers length, `seq` and body; `seq` is the place of the record that
//! names the body. A body is on disk before its record is written. So one without a record was never
//! acknowledged, and a record without its body is damage.

mod month;
mod shelf;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use self::month::Month;
use self::shelf::{Place, encode, header, read_body, read_file};
use super::log::{Media, MediaOf, create, sync_folder};

pub(super) use self::shelf::{Shelf, walk};

/// A sealed release of the largest table is a fifth of it; a longer body is a mistake.
pub(super) const MAX_BODY: usize = 1 << 19;

/// In the name of a file that is not whole yet.
const UNFINISHED: &str = "new";

/// The bodies on disk, and those of the batch that is being put together.
pub(super) struct Bodies {
    dir: PathBuf,
    media: MediaOf,
    /// Where each body lies, by the place of its record.
    places: BTreeMap<u64, Place>,
    /// The files that hold more than has a place.
    untidy: BTreeSet<Month>,
    /// The files that were written to since the store was opened.
    open: BTreeMap<Month, Writing>,
    batch: BTreeMap<Month, Vec<(u64, Vec<u8>)>>,
}

struct Writing {
    media: Box<dyn Media>,
    length: u64,
}

impl Bodies {
    /// Takes over a shelf, of which the bodies of these records are wanted. What else is on it is removed: bodies
    /// whose record was never acknowledged, and those whose deletion a crash interrupted.
    pub(super) fn open(shelf: Shelf, wanted: &BTreeSet<u64>, media: MediaOf) -> io::Result<Self> {
        let Shelf { dir, mut places, files, unfinished } = shelf;
        for path in unfinished {
            fs::remove_file(path)?;
        }
        places.retain(|seq, _| wanted.contains(seq));
        let mut bodies = Self {
            dir,
            media,
            places,
            untidy: BTreeSet::new(),
            open: BTreeMap::new(),
            batch: BTreeMap::new(),
        };
        let untidy = files
            .into_iter()
            .filter(|(month, file)| file.is_cut_short() || file.frames != bodies.in_month(*month));
        bodies.untidy = untidy.map(|(month, _)| month).collect();
        bodies.delete([])?;
        Ok(bodies)
    }

    /// The folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Adds the body that the record at place `seq` names, and that was made at this time.
    pub(super) fn push(&mut self, seq: u64, made: Timestamp, body: Vec<u8>) {
        self.batch.entry(Month::of(made)).or_default().push((seq, body));
    }

    /// Writes the batch, with one sync for each month in it: nearly always one. On error what reached the disk is
    /// unknown.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        for (month, batch) in std::mem::take(&mut self.batch) {
            let Writing { mut media, length } = match self.open.remove(&month) {
                Some(writing) => writing,
                None => self.start(month)?,
            };
            let (mut frames, mut places) = (Vec::new(), Vec::new());
            for (seq, body) in batch {
                places.push((seq, Place { month, offset: length + frames.len() as u64 }));
                encode(seq, &body, &mut frames);
            }
            media.append(&frames)?;
            media.sync()?;
            let length = length + frames.len() as u64;
            self.open.insert(month, Writing { media, length });
            self.places.extend(places);
        }
        Ok(())
    }

    /// The body that the record at place `seq` names; none if it is not there as it was written. Asked between
    /// batches.
    pub(super) fn read(&self, seq: u64) -> io::Result<Option<Vec<u8>>> {
        match self.places.get(&seq) {
            Some(place) => read_body(&place.month.path(&self.dir), seq, place.offset),
            None => Ok(None),
        }
    }

    /// Whether the body of the record at place `seq` was made before an instant; none if only the record can tell.
    pub(super) fn is_made_before(&self, seq: u64, before: Timestamp) -> Option<bool> {
        match self.places.get(&seq)?.month.cmp(&Month::of(before)) {
            Ordering::Less => Some(true),
            Ordering::Equal => None,
            Ordering::Greater => Some(false),
        }
    }

    /// Deletes the bodies of these records, those that are there. Asked between batches.
    pub(super) fn delete(&mut self, gone: impl IntoIterator<Item = u64>) -> io::Result<()> {
        let places = gone.into_iter().filter_map(|seq| self.places.remove(&seq));
        self.untidy.extend(places.map(|place| place.month));
        while let Some(month) = self.untidy.first().copied() {
            self.rewrite(month)?;
            self.untidy.remove(&month);
        }
        Ok(())
    }

    /// Opens a month's file for writing, and makes it if it is not there.
    fn start(&mut self, month: Month) -> io::Result<Writing> {
        let path = month.path(&self.dir);
        if !path.try_exists()? {
            create(&path, &header())?;
        }
        let mut file = OpenOptions::new().write(true).open(&path)?;
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Writing { media: (self.media)(file), length })
    }

    fn in_month(&self, month: Month) -> usize {
        self.places.values().filter(|place| place.month == month).count()
    }

    /// Leaves in a month's file only what has a place. The file is replaced in one step: a crash leaves the old one
    /// or the new one.
    fn rewrite(&mut self, month: Month) -> io::Result<()> {
        self.open.remove(&month);
        let path = month.path(&self.dir);
        if self.in_month(month) == 0 {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => return sync_folder(&path),
            }
        }
        let unfinished = path.with_extension(UNFINISHED);
        let mut output = BufWriter::new(File::create(&unfinished)?);
        output.write_all(&header())?;
        let mut offset = header().len() as u64;
        let (mut frame, mut places) = (Vec::new(), Vec::new());
        let mut written = Ok(());
        read_file(&path, |found| {
            if !self.places.contains_key(&found.seq) {
                return;
            }
            places.push((found.seq, Place { month, offset }));
            frame.clear();
            encode(found.seq, &found.body, &mut frame);
            offset += frame.len() as u64;
            if written.is_ok() {
                written = output.write_all(&frame);
            }
        })?;
        written?;
        output.into_inner()?.sync_all()?;
        fs::rename(&unfinished, &path)?;
        self.places.extend(places);
        sync_folder(&path)
    }
}
