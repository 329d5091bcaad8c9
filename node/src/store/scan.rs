//! Reading the log: verified frame by frame, then batch by batch. Nothing here writes.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use sumac_policy::TableKey;

use super::book::Book;
use super::error::{Damage, StoreError};
use super::frame::{self, Frames, HEADER_BYTES, HeaderError, Step};
use super::growing::Growing;
use super::head::{Head, is_head};
use super::record::Record;
use super::tail::{self, MAX_BATCH_BYTES, Tail};
use super::tree::Tree;

/// How far a log is known to be on disk: the end of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) length: u64,
    pub(super) records: u64,
    /// The checksum of the head that ends at `length`; 0 if there is none.
    pub(super) last_crc: u32,
}

/// What a log holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scan {
    /// The whole batches.
    pub(super) whole: Acknowledged,
    /// Bytes of an unfinished write at the end.
    pub(super) unfinished_bytes: u64,
    /// Whether the acknowledged length given is the end of the head given.
    pub(super) agrees: bool,
    /// Where the last batch begins.
    pub(super) last_batch: u64,
    /// The tree over the records.
    pub(super) tree: Tree,
    /// Where each record lies.
    pub(super) places: Vec<u64>,
    /// The last head.
    pub(super) head: Option<Head>,
}

/// Records that were written together, and the head that closes them.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) records: Vec<Placed>,
    pub(super) head: Head,
    /// Where the head lies.
    pub(super) head_at: u64,
    pub(super) end: Acknowledged,
}

/// A part of the log that begins and ends with a batch.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) from: Acknowledged,
    /// Its length, or all that is there.
    pub(super) to: Option<u64>,
    /// Whether something else says what was acknowledged, so that only the last write can be unfinished.
    pub(super) known: bool,
}

/// A record in its place.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) offset: u64,
    pub(super) payload: Vec<u8>,
    pub(super) record: Record,
}

/// What is wrong, and where.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) record: u64,
    pub(super) offset: u64,
    pub(super) damage: Damage,
}

impl Acknowledged {
    /// An empty log.
    pub(super) const NOTHING: Self = Self { length: HEADER_BYTES, records: 0, last_crc: 0 };
}

/// Opens a log for reading, if it is one that this version knows. The file stands at its first frame.
pub(super) fn open_to_read(path: &Path) -> Result<File, StoreError> {
    let mut file = File::open(path).map_err(|source| read_error(path, source))?;
    let mut header = Vec::new();
    let read = (&mut file).take(HEADER_BYTES).read_to_end(&mut header);
    read.map_err(|source| read_error(path, source))?;
    match frame::check_header(&header) {
        Ok(()) => Ok(file),
        Err(HeaderError::NotALog) => Err(StoreError::NotALog { path: path.to_owned() }),
        Err(HeaderError::NewerFormat(found)) => Err(StoreError::NewerFormat {
            path: path.to_owned(),
            found,
            known: frame::FORMAT_VERSION,
        }),
    }
}

/// Verifies every frame, and the root of every head that no index vouches for, and of the last one.
pub(super) fn scan(path: &Path, acknowledged: Option<&Acknowledged>) -> Result<Scan, StoreError> {
    let vouched = acknowledged.map_or(0, |acknowledged| acknowledged.length);
    let scan = scan_heads_from(vouched, path, acknowledged)?;
    match acknowledged {
        // The index is of another history, so nothing vouches for the heads.
        Some(_) if !scan.agrees => scan_heads_from(0, path, acknowledged),
        _ => Ok(scan),
    }
}

fn scan_heads_from(
    vouched: u64,
    path: &Path,
    acknowledged: Option<&Acknowledged>,
) -> Result<Scan, StoreError> {
    let failed = |source| read_error(path, source);
    let file = open_to_read(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let must_hold = acknowledged.map_or(HEADER_BYTES, |acknowledged| acknowledged.length);
    if length < must_hold {
        return Err(StoreError::Shorter { path: path.to_owned(), length, acknowledged: must_hold });
    }
    let mut whole = Acknowledged::NOTHING;
    let mut agrees = acknowledged == Some(&whole);
    let mut places = Vec::new();
    let mut grown = if vouched > HEADER_BYTES { Growing::aside() } else { Growing::default() };
    let mut last_batch = HEADER_BYTES;
    let mut last_head = None;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file), HEADER_BYTES, length);
    let bad = loop {
        let frame = match frames.step().map_err(failed)? {
            Step::End => break None,
            Step::Bad { offset } => break Some(offset),
            Step::Frame(frame) => frame,
        };
        let (record, offset) = (grown.size(), frame.offset);
        let here = |damage| damaged(path, Fault { record, offset, damage });
        if frame.synced != whole.length {
            return Err(here(Damage::Batch));
        }
        if !is_head(&frame.payload) {
            places.push(frame.offset);
            grown.push(frame.payload);
            continue;
        }
        if frame.next > vouched {
            read_head(&frame.payload, whole.records, grown.tree()).map_err(here)?;
        }
        last_batch = whole.length;
        whole = Acknowledged { length: frame.next, records: grown.size(), last_crc: frame.crc };
        agrees |= acknowledged == Some(&whole);
        last_head = Some(frame);
    };
    let known = agrees && acknowledged.is_some();
    if let Tail::Damaged = tail_of(path, &whole, bad, length, known).map_err(failed)? {
        let offset = bad.unwrap_or(whole.length);
        let fault = Fault { record: grown.size(), offset, damage: Damage::Bytes };
        return Err(damaged(path, fault));
    }
    if whole.length < must_hold {
        let offset = bad.unwrap_or(whole.length);
        let fault = Fault { record: grown.size(), offset, damage: Damage::Bytes };
        return Err(damaged(path, fault));
    }
    let mut tree = std::mem::take(grown.tree());
    tree.truncate(whole.records);
    places.truncate(usize::try_from(whole.records).unwrap_or(usize::MAX));
    let head = match last_head {
        None => None,
        Some(frame) => Some(read_head(&frame.payload, 0, &tree).map_err(|damage| {
            damaged(path, Fault { record: whole.records, offset: frame.offset, damage })
        })?),
    };
    let unfinished_bytes = length - whole.length;
    Ok(Scan { whole, unfinished_bytes, agrees, last_batch, tree, places, head })
}

/// Hands every batch of a stretch to `take`, each record read and each head held against its records,
/// but not the roots. Returns the bytes of an unfinished write at the end.
pub(super) fn walk(
    path: &Path,
    stretch: &Stretch,
    mut take: impl FnMut(Batch) -> Result<(), Fault>,
) -> Result<u64, StoreError> {
    let failed = |source| read_error(path, source);
    let Stretch { from, to, known } = stretch;
    let mut file = open_to_read(path)?;
    let length = match *to {
        Some(length) => length,
        None => file.metadata().map_err(failed)?.len(),
    };
    file.seek(SeekFrom::Start(from.length)).map_err(failed)?;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file), from.length, length);
    let mut whole = *from;
    let mut records: Vec<Placed> = Vec::new();
    let bad = loop {
        let frame = match frames.step().map_err(failed)? {
            Step::End => break None,
            Step::Bad { offset } => break Some(offset),
            Step::Frame(frame) => frame,
        };
        let next = whole.records + records.len() as u64;
        let here = |damage| damaged(path, Fault { record: next, offset: frame.offset, damage });
        if frame.synced != whole.length {
            return Err(here(Damage::Batch));
        }
        if !is_head(&frame.payload) {
            let record = Record::decode(&frame.payload).map_err(Damage::Text).map_err(here)?;
            records.push(Placed { offset: frame.offset, payload: frame.payload, record });
            continue;
        }
        let head = Head::decode(&frame.payload).map_err(Damage::Text).map_err(here)?;
        if head.size != next || records.is_empty() {
            return Err(here(Damage::Head));
        }
        whole = Acknowledged { length: frame.next, records: next, last_crc: frame.crc };
        let (head_at, end) = (frame.offset, whole);
        let batch = Batch { records: std::mem::take(&mut records), head, head_at, end };
        take(batch).map_err(|fault| damaged(path, fault))?;
    };
    if let Tail::Damaged = tail_of(path, &whole, bad, length, *known).map_err(failed)? {
        let record = whole.records + records.len() as u64;
        let offset = bad.unwrap_or(whole.length);
        return Err(damaged(path, Fault { record, offset, damage: Damage::Bytes }));
    }
    Ok(length - whole.length)
}

/// Brings `book` from the records below `from` to those below `to`, and returns the tables that they change.
pub(super) fn replay(
    path: &Path,
    from: &Acknowledged,
    to: u64,
    book: &mut Book,
) -> Result<Vec<TableKey>, StoreError> {
    let mut changed = Vec::new();
    let stretch = Stretch { from: *from, to: Some(to), known: true };
    let unfinished = walk(path, &stretch, |batch| {
        changed.extend(take_in(&batch, book)?);
        Ok(())
    })?;
    if unfinished > 0 {
        let offset = to - unfinished;
        let fault = Fault { record: book.next_seq(), offset, damage: Damage::Bytes };
        return Err(damaged(path, fault));
    }
    Ok(changed)
}

/// Reads a log that another process may be writing, up to its last whole batch. Returns the book and the
/// number of bytes not read.
pub(super) fn peek(path: &Path) -> Result<(Book, u64), StoreError> {
    let mut book = Book::default();
    // The last batch may be on its way to the disk in any order, as after a crash that an index saw.
    let all = Stretch { from: Acknowledged::NOTHING, to: None, known: true };
    let unfinished = walk(path, &all, |batch| take_in(&batch, &mut book).map(drop))?;
    Ok((book, unfinished))
}

/// Brings `book` forward by a batch, and returns the tables that it changes.
pub(super) fn take_in(batch: &Batch, book: &mut Book) -> Result<Vec<TableKey>, Fault> {
    let mut changed = Vec::new();
    for Placed { offset, record, .. } in &batch.records {
        let taken = book.apply(record, *offset).map_err(|refused| Fault {
            record: book.next_seq(),
            offset: *offset,
            damage: Damage::Place(refused),
        })?;
        changed.extend(taken);
    }
    let stated = (Some(batch.head.at), batch.head.spent_nano_rho);
    if stated != (book.latest(), book.totals().lifetime_nano_rho) {
        let (record, offset) = (batch.head.size, batch.head_at);
        return Err(Fault { record, offset, damage: Damage::Head });
    }
    Ok(changed)
}

pub(super) fn read_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Read { path: path.to_owned(), source }
}

pub(super) fn damaged(path: &Path, fault: Fault) -> StoreError {
    let Fault { record, offset, damage: source } = fault;
    StoreError::Damaged { path: path.to_owned(), record, offset, source }
}

/// A head that closes a batch begun after `before` records, and whose root is that of the tree.
fn read_head(payload: &[u8], before: u64, tree: &Tree) -> Result<Head, Damage> {
    let head = Head::decode(payload).map_err(Damage::Text)?;
    let size = tree.size();
    if head.size != size || size <= before || head.root != tree.root(size) {
        return Err(Damage::Head);
    }
    Ok(head)
}

/// What the bytes behind the last whole batch are, `bad` being where the first frame is that does not verify.
fn tail_of(
    path: &Path,
    whole: &Acknowledged,
    bad: Option<u64>,
    length: u64,
    known: bool,
) -> io::Result<Tail> {
    if length - whole.length > MAX_BATCH_BYTES {
        return Ok(Tail::Damaged);
    }
    // Whole frames without a head are a batch that was cut short between two of them.
    let Some(offset) = bad else { return Ok(Tail::Unfinished) };
    // What a node has written since the length was looked up is none of it.
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut rest = Vec::new();
    file.take(length - offset).read_to_end(&mut rest)?;
    Ok(tail::judge(&rest, offset, known.then_some(whole.length)))
}
