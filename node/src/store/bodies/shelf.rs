//! Reading the files of bodies, frame by frame. Nothing here writes.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::month::Month;
use super::{MAX_BODY, UNFINISHED};
use crate::store::error::StoreError;
use crate::store::scan::read_error;

/// Bytes before the first frame.
const HEADER_BYTES: u64 = 16;

/// Bytes before a body.
const FRAME_BYTES: u64 = 16;

/// The version of the format that this software writes, and the newest that it reads.
const FORMAT_VERSION: u32 = 1;

const MAGIC: [u8; 8] = *b"SUMACREL";

/// What a folder of bodies holds.
#[derive(Debug)]
pub(in crate::store) struct Shelf {
    pub(super) dir: PathBuf,
    /// Where each body lies, by the place of its record.
    pub(super) places: BTreeMap<u64, Place>,
    pub(super) files: BTreeMap<Month, Extent>,
    /// Files that never got their name.
    pub(super) unfinished: Vec<PathBuf>,
}

/// Where a body lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) month: Month,
    pub(super) offset: u64,
}

/// How much of a file verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// Whole frames.
    pub(super) frames: usize,
    whole: u64,
    length: u64,
}

/// A body, and the place of the record that names it.
#[derive(Debug)]
pub(in crate::store) struct Found {
    pub(in crate::store) seq: u64,
    pub(in crate::store) body: Vec<u8>,
    offset: u64,
}

impl Extent {
    /// Whether something lies behind the whole frames.
    pub(super) fn is_cut_short(&self) -> bool {
        self.whole < self.length
    }
}

impl Shelf {
    /// Reads all that is in a folder, up to where each file stops to verify. A folder that is not there is empty.
    ///
    /// # Errors
    /// A file that cannot be read, or has a newer format.
    pub(in crate::store) fn of(dir: &Path) -> Result<Self, StoreError> {
        let mut shelf = Self {
            dir: dir.to_owned(),
            places: BTreeMap::new(),
            files: BTreeMap::new(),
            unfinished: Vec::new(),
        };
        for path in entries(dir)? {
            if path.extension().is_some_and(|extension| extension == UNFINISHED) {
                shelf.unfinished.push(path);
                continue;
            }
            let Some(month) = Month::of_file(&path) else { continue };
            let take = |found: Found| {
                shelf.places.insert(found.seq, Place { month, offset: found.offset });
            };
            shelf.files.insert(month, read_known(&path, take)?);
        }
        Ok(shelf)
    }

    /// Whether nothing was ever kept there.
    pub(in crate::store) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Whether it holds the body of the record at place `seq`.
    pub(in crate::store) fn holds(&self, seq: u64) -> bool {
        self.places.contains_key(&seq)
    }
}

/// Hands every body in a folder to `take`, up to where each file stops to verify. A file that goes while we look is
/// passed over.
///
/// # Errors
/// As [`Shelf::of`].
pub(in crate::store) fn walk(dir: &Path, mut take: impl FnMut(Found)) -> Result<(), StoreError> {
    for path in entries(dir)? {
        if Month::of_file(&path).is_none() {
            continue;
        }
        match read_known(&path, &mut take) {
            Err(StoreError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {}
            read => drop(read?),
        }
    }
    Ok(())
}

/// The first bytes of a file.
pub(super) fn header() -> [u8; 16] {
    let mut header = [0; 16];
    let (magic, rest) = header.split_at_mut(MAGIC.len());
    magic.copy_from_slice(&MAGIC);
    let version = FORMAT_VERSION.to_le_bytes();
    rest.iter_mut().zip(version).for_each(|(byte, version)| *byte = version);
    header
}

/// Appends a frame. The body is at most [`MAX_BODY`] bytes.
pub(super) fn encode(seq: u64, body: &[u8], frames: &mut Vec<u8>) {
    let length = u32::try_from(body.len()).expect("the writer checks the length");
    frames.extend_from_slice(&length.to_le_bytes());
    frames.extend_from_slice(&checksum(length, seq, body).to_le_bytes());
    frames.extend_from_slice(&seq.to_le_bytes());
    frames.extend_from_slice(body);
}

/// Hands every body in a file to `take`, up to where it stops to verify.
pub(super) fn read_file(path: &Path, mut take: impl FnMut(Found)) -> io::Result<Extent> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut extent = Extent { frames: 0, whole: 0, length };
    let mut first = Vec::new();
    (&mut file).take(HEADER_BYTES).read_to_end(&mut first)?;
    if first != header() {
        return Ok(extent);
    }
    extent.whole = HEADER_BYTES;
    let mut input = BufReader::with_capacity(1 << 16, file);
    while let Some((seq, body)) = frame(&mut input, length - extent.whole)? {
        let offset = extent.whole;
        extent.whole += FRAME_BYTES + body.len() as u64;
        extent.frames += 1;
        take(Found { seq, body, offset });
    }
    Ok(extent)
}

/// The body of the frame at `offset`; none if that is no whole frame of `seq`.
pub(super) fn read_body(path: &Path, seq: u64, offset: u64) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let room = file.metadata()?.len().saturating_sub(offset);
    file.seek(SeekFrom::Start(offset))?;
    let found = frame(&mut file, room)?;
    Ok(found.filter(|(found, _)| *found == seq).map(|(_, body)| body))
}

/// The next frame within `room` bytes; none if what is there is no whole, valid frame.
fn frame(input: &mut impl Read, room: u64) -> io::Result<Option<(u64, Vec<u8>)>> {
    let Some(room) = room.checked_sub(FRAME_BYTES) else { return Ok(None) };
    let mut head = [0; 16];
    input.read_exact(&mut head)?;
    let [a, b, c, d, e, f, g, h, seq @ ..] = head;
    let (length, crc) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
    let seq = u64::from_le_bytes(seq);
    let Some(bytes) = usize::try_from(length).ok().filter(|bytes| *bytes <= MAX_BODY) else {
        return Ok(None);
    };
    if u64::from(length) > room {
        return Ok(None);
    }
    let mut body = vec![0; bytes];
    input.read_exact(&mut body)?;
    Ok((checksum(length, seq, &body) == crc).then_some((seq, body)))
}

fn checksum(length: u32, seq: u64, body: &[u8]) -> u32 {
    let crc = crc32c::crc32c(&length.to_le_bytes());
    let crc = crc32c::crc32c_append(crc, &seq.to_le_bytes());
    crc32c::crc32c_append(crc, body)
}

/// Reads a file whose format this version knows.
fn read_known(path: &Path, take: impl FnMut(Found)) -> Result<Extent, StoreError> {
    let failed = |source| read_error(path, source);
    let mut first = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(HEADER_BYTES).read_to_end(&mut first).map_err(failed)?;
    let version = first.strip_prefix(&MAGIC).and_then(<[u8]>::first_chunk);
    let version = version.map_or(0, |version| u32::from_le_bytes(*version));
    if version > FORMAT_VERSION {
        let (path, found, known) = (path.to_owned(), version, FORMAT_VERSION);
        return Err(StoreError::NewerFormat { path, found, known });
    }
    read_file(path, take).map_err(failed)
}

/// What is in a folder, in the order of names; nothing if there is no folder.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| read_error(dir, source);
    let listed = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    let mut paths = listed
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(failed)?;
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use super::*;

    fn three() -> Vec<u8> {
        let mut bytes = header().to_vec();
        for (seq, body) in [(3, &b"one"[..]), (5, b""), (900, b"three")] {
            encode(seq, body, &mut bytes);
        }
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<(u64, Vec<u8>)>, bool) {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("2026-08.bodies");
        fs::write(&path, bytes).unwrap();
        let mut found = Vec::new();
        let extent = read_file(&path, |body| found.push((body.seq, body.body))).unwrap();
        assert_eq!(extent.frames, found.len());
        (found, extent.is_cut_short())
    }

    #[test]
    fn format_1_spells_a_body_like_this() {
        let mut bytes = header().to_vec();
        encode(3, b"one", &mut bytes);
        let expected = "53554d414352454c01000000000000000300000032ac130d03000000000000006f6e65";
        assert_eq!(hex::encode(bytes), expected);
        assert!(include_str!("../../../../docs/ledger.md").contains(expected));
    }

    #[test]
    fn reads_back_what_was_written() {
        let all = vec![(3, b"one".to_vec()), (5, vec![]), (900, b"three".to_vec())];
        assert_eq!(read(&three()), (all, false));
    }

    #[test]
    fn no_flipped_bit_verifies() {
        let bytes = three();
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let (found, cut_short) = read(&flipped);
            assert!(cut_short && found.len() < 3, "bit {bit}");
        }
    }

    #[test]
    fn a_newer_format_is_told_from_a_file_that_is_none() {
        let dir = tempfile::TempDir::new().unwrap();
        let mut newer = three();
        newer[8] = 2;
        fs::write(dir.path().join("2026-08.bodies"), newer).unwrap();
        let refused = Shelf::of(dir.path()).unwrap_err();
        assert!(matches!(refused, StoreError::NewerFormat { found: 2, known: 1, .. }));
        fs::write(dir.path().join("2026-08.bodies"), "something else").unwrap();
        assert!(Shelf::of(dir.path()).unwrap().files.values().all(Extent::is_cut_short));
    }
}
