//! The log file: append and sync, open, read.
//!
//! Opening looks before it touches: [`scan`] and [`replay`] only read, and [`Log::open`] cuts an unfinished
//! write off after both were content.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use sumac_policy::TableKey;

use super::book::Book;
use super::error::{Damage, StoreError};
use super::frame::{self, Frame, Frames, HEADER_BYTES, HeaderError, Step};
use super::record::{Event, Record};
use super::tail::{self, MAX_BATCH_BYTES, Tail};

/// A log open for writing, with the batch that is being put together.
pub(super) struct Log {
    path: PathBuf,
    media: Box<dyn Media>,
    reader: File,
    /// All below is on disk.
    length: u64,
    batch: Vec<u8>,
    last_crc: u32,
}

/// What a log needs of a disk.
pub(super) trait Media: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once all that was appended is on disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// The disk itself.
pub(super) struct Disk(pub(super) File);

/// How far a log is known to be on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acknowledged {
    pub(super) length: u64,
    pub(super) records: u64,
    /// The checksum of the last record below `length`; 0 if there is none.
    pub(super) last_crc: u32,
}

/// What a log holds, frame by frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scan {
    /// The frames that verify, up to the end or to an unfinished write.
    pub(super) whole: Acknowledged,
    /// Bytes of an unfinished write at the end.
    pub(super) unfinished_bytes: u64,
    /// Whether the acknowledged length given is the end of the record given.
    pub(super) agrees: bool,
    /// The last frame vouches for all below.
    synced: u64,
}

/// Makes an empty log: whole from the moment that it has its name.
pub(super) fn create(path: &Path) -> io::Result<()> {
    let unnamed = path.with_extension("new");
    let mut file = File::create(&unnamed)?;
    file.write_all(&frame::header())?;
    file.sync_all()?;
    fs::rename(&unnamed, path)?;
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir)?.sync_all()
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

/// Verifies every frame; changes nothing.
pub(super) fn scan(path: &Path, acknowledged: Option<&Acknowledged>) -> Result<Scan, StoreError> {
    let failed = |source| read_error(path, source);
    let file = open_to_read(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let must_hold = acknowledged.map_or(HEADER_BYTES, |acknowledged| acknowledged.length);
    if length < must_hold {
        return Err(StoreError::Shorter { path: path.to_owned(), length, acknowledged: must_hold });
    }
    let mut whole = Acknowledged::NOTHING;
    let mut agrees = acknowledged == Some(&whole);
    let mut synced = HEADER_BYTES;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file), HEADER_BYTES, length);
    let bad = loop {
        match frames.step().map_err(failed)? {
            Step::End => break None,
            Step::Bad { offset } => break Some(offset),
            Step::Frame(frame) => {
                let records = whole.records + 1;
                whole = Acknowledged { length: frame.next, records, last_crc: frame.crc };
                synced = frame.synced;
                agrees |= acknowledged == Some(&whole);
            }
        }
    };
    if let Some(offset) = bad {
        let known = acknowledged.filter(|_| agrees).map(|acknowledged| acknowledged.length);
        let rest = rest(path, offset, length).map_err(failed)?;
        if offset < must_hold || tail::judge(&rest, offset, known) == Tail::Damaged {
            return Err(damaged(path, whole.records, offset, Damage::Bytes));
        }
    }
    Ok(Scan { whole, unfinished_bytes: length - whole.length, agrees, synced })
}

/// Brings `book` from the records below `from` to those below `to`; changes nothing on disk.
/// Returns the tables that they change.
pub(super) fn replay(
    path: &Path,
    from: u64,
    to: u64,
    book: &mut Book,
) -> Result<Vec<TableKey>, StoreError> {
    let failed = |source| read_error(path, source);
    let mut file = open_to_read(path)?;
    file.seek(SeekFrom::Start(from)).map_err(failed)?;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file), from, to);
    let mut changed = Vec::new();
    loop {
        match frames.step().map_err(failed)? {
            Step::End => return Ok(changed),
            Step::Bad { offset } => {
                return Err(damaged(path, book.next_seq(), offset, Damage::Bytes));
            }
            Step::Frame(frame) => changed.extend(take_in(path, &frame, book)?),
        }
    }
}

/// Reads a log that another process may be writing: stops at the first frame that is not whole yet. Returns
/// the book and the number of bytes not read.
pub(super) fn peek(path: &Path) -> Result<(Book, u64), StoreError> {
    let failed = |source| read_error(path, source);
    let file = open_to_read(path)?;
    let length = file.metadata().map_err(failed)?.len();
    let mut book = Book::default();
    let mut frames = Frames::new(BufReader::with_capacity(1 << 16, file), HEADER_BYTES, length);
    loop {
        match frames.step().map_err(failed)? {
            Step::End => return Ok((book, 0)),
            Step::Frame(frame) => {
                take_in(path, &frame, &mut book)?;
            }
            Step::Bad { offset } => {
                let rest = rest(path, offset, length).map_err(failed)?;
                // The batch may be on its way to the disk in any order, as after a crash that an index saw.
                return match tail::judge(&rest, offset, Some(offset)) {
                    Tail::Unfinished => Ok((book, length - offset)),
                    Tail::Damaged => Err(damaged(path, book.next_seq(), offset, Damage::Bytes)),
                };
            }
        }
    }
}

impl Acknowledged {
    /// An empty log.
    pub(super) const NOTHING: Self = Self { length: HEADER_BYTES, records: 0, last_crc: 0 };
}

impl Log {
    /// Opens a scanned log for writing: cuts an unfinished write off, and syncs what no one knows to be on
    /// disk.
    pub(super) fn open(
        path: &Path,
        scan: &Scan,
        acknowledged: u64,
        media: impl FnOnce(File) -> Box<dyn Media>,
    ) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let Acknowledged { length, last_crc, .. } = scan.whole;
        if scan.unfinished_bytes > 0 {
            file.set_len(length)?;
            file.sync_all()?;
        }
        if acknowledged < length {
            // After a failed sync the kernel may hold pages that it calls clean and that are not on disk: only
            // writing them again makes the next sync mean anything.
            let from = acknowledged.max(scan.synced);
            let mut last_batch = Vec::new();
            file.seek(SeekFrom::Start(from))?;
            (&mut file).take(length - from).read_to_end(&mut last_batch)?;
            file.seek(SeekFrom::Start(from))?;
            file.write_all(&last_batch)?;
            file.sync_all()?;
        }
        file.seek(SeekFrom::Start(length))?;
        let reader = File::open(path)?;
        Ok(Self {
            path: path.to_owned(),
            media: media(file),
            reader,
            length,
            batch: Vec::new(),
            last_crc,
        })
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record will be.
    pub(super) fn next_offset(&self) -> u64 {
        self.length + self.batch.len() as u64
    }

    /// Adds a record to the batch.
    pub(super) fn push(&mut self, payload: &[u8]) {
        self.last_crc = frame::encode(payload, self.length, &mut self.batch);
    }

    /// Writes the batch with one sync. On error what reached the disk is unknown, and the log must not be
    /// written again before it is opened again.
    pub(super) fn commit(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.media.append(&self.batch)?;
        self.media.sync()?;
        self.length = self.next_offset();
        self.batch.clear();
        Ok(())
    }

    /// How far the log is on disk, `records` being the number of records there. Asked between batches.
    pub(super) fn acknowledged(&self, records: u64) -> Acknowledged {
        Acknowledged { length: self.length, records, last_crc: self.last_crc }
    }

    /// Whether the batch is empty.
    pub(super) fn is_settled(&self) -> bool {
        self.batch.is_empty()
    }

    /// The body of the release that is on disk at `offset`.
    pub(super) fn release(&self, table: TableKey, offset: u64) -> Result<Vec<u8>, StoreError> {
        let failed = |source| read_error(&self.path, source);
        let mut input = &self.reader;
        input.seek(SeekFrom::Start(offset)).map_err(failed)?;
        let damage = match Frames::new(input, offset, self.length).step().map_err(failed)? {
            Step::End | Step::Bad { .. } => Damage::Bytes,
            Step::Frame(frame) => match Record::decode(&frame.payload) {
                Ok(Record { event: Event::Released(released), .. }) if released.table == table => {
                    return Ok(released.body);
                }
                Ok(_) => Damage::OtherRecord,
                Err(error) => Damage::Text(error),
            },
        };
        Err(StoreError::ReleaseDamaged { path: self.path.clone(), table, offset, source: damage })
    }
}

impl Media for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

fn take_in(path: &Path, frame: &Frame, book: &mut Book) -> Result<Option<TableKey>, StoreError> {
    let taken = match Record::decode(&frame.payload) {
        Ok(record) => book.apply(&record, frame.offset).map_err(Damage::Place),
        Err(error) => Err(Damage::Text(error)),
    };
    taken.map_err(|damage| damaged(path, book.next_seq(), frame.offset, damage))
}

/// What lies from `offset` to `end`, but no more than shows that it is too much for one batch. What a node
/// has written since `end` was looked up is none of it.
fn rest(path: &Path, offset: u64, end: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut rest = Vec::new();
    file.take((end - offset).min(MAX_BATCH_BYTES + 1)).read_to_end(&mut rest)?;
    Ok(rest)
}

fn read_error(path: &Path, source: io::Error) -> StoreError {
    StoreError::Read { path: path.to_owned(), source }
}

fn damaged(path: &Path, record: u64, offset: u64, source: Damage) -> StoreError {
    StoreError::Damaged { path: path.to_owned(), record, offset, source }
}
