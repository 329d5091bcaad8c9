//! The log file: append and sync, and read one record again, with the body that it names.
//!
//! Opening looks before it touches: `scan` only reads, and [`Log::open`] cuts an unfinished write off after
//! all was found to be content.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sumac_policy::{Sha256, TableKey};
use sumac_protocol::{Consistency, Inclusion, LogHead, SignedHead, release_commitment};

use super::bodies::{Bodies, Shelf};
use super::error::{Damage, StoreError};
use super::frame::{self, Frames, Step};
use super::head::{Head, Signed};
use super::record::{Event, Record};
use super::scan::{Acknowledged, Fault, Scan, damaged, read_error};
use super::tree::{self, Tree};

/// A log open for writing, with the batch that is being put together.
pub(super) struct Log {
    path: PathBuf,
    media: Box<dyn Media>,
    reader: File,
    /// All below is on disk.
    length: u64,
    batch: Vec<u8>,
    last_crc: u32,
    /// Over all records, those of the batch too.
    tree: Tree,
    /// Where each record lies.
    places: Vec<u64>,
    /// What is on disk, signed.
    head: Option<SignedHead>,
    /// What the records of releases name.
    bodies: Bodies,
}

/// What a log needs of a disk.
pub(super) trait Media: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Returns once all that was appended is on disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// Makes a disk of each file that is written to: of the log first, then of files of bodies.
pub(super) type MediaOf = Box<dyn FnMut(File) -> Box<dyn Media> + Send>;

/// The disk itself.
pub(super) struct Disk(pub(super) File);

/// Makes a file that begins like this: whole from the moment that it has its name.
pub(super) fn create(path: &Path, header: &[u8]) -> io::Result<()> {
    let unnamed = path.with_extension("new");
    let mut file = File::create(&unnamed)?;
    file.write_all(header)?;
    file.sync_all()?;
    fs::rename(&unnamed, path)?;
    sync_folder(path)
}

/// Makes what a file's folder says of it durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

impl Log {
    /// Opens a scanned log for writing: cuts an unfinished write off, removes bodies that no record of a release
    /// `wanted` names, and syncs what no one knows to be on disk.
    pub(super) fn open(
        path: &Path,
        scan: Scan,
        acknowledged: u64,
        (shelf, wanted): (Shelf, &BTreeSet<u64>),
        mut media: MediaOf,
    ) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let Scan { whole, unfinished_bytes, last_batch, tree, places, .. } = scan;
        let Acknowledged { length, last_crc, .. } = whole;
        if unfinished_bytes > 0 {
            file.set_len(length)?;
            file.sync_all()?;
        }
        if acknowledged < length {
            // After a failed sync the kernel may hold pages that it calls clean and that are not on disk: only
            // writing them again makes the next sync mean anything.
            let from = acknowledged.max(last_batch);
            let mut again = Vec::new();
            file.seek(SeekFrom::Start(from))?;
            (&mut file).take(length - from).read_to_end(&mut again)?;
            file.seek(SeekFrom::Start(from))?;
            file.write_all(&again)?;
            file.sync_all()?;
        }
        file.seek(SeekFrom::Start(length))?;
        Ok(Self {
            path: path.to_owned(),
            media: media(file),
            bodies: Bodies::open(shelf, wanted, media)?,
            reader: File::open(path)?,
            length,
            batch: Vec::new(),
            last_crc,
            tree,
            places,
            head: None,
        })
    }

    /// Takes up the head found at opening, whose signer is named by the record at `signer_at`.
    pub(super) fn resume(&mut self, head: Head, signer_at: Option<u64>) -> Result<(), StoreError> {
        let at = |offset| Fault { record: head.size, offset, damage: Damage::OtherRecord };
        let offset = signer_at.ok_or_else(|| damaged(&self.path, at(self.length)))?;
        let record =
            self.read(offset)?.and_then(|payload| Record::decode(&payload).map_err(Damage::Text));
        let Ok(Record { event: Event::Signer(signer), .. }) = record else {
            return Err(damaged(&self.path, at(offset)));
        };
        let (head, signature) = (head.log_head(), head.signature);
        self.head = Some(SignedHead { head, signature, chain: signer.chain });
        Ok(())
    }

    /// Where the log is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record will be.
    pub(super) fn next_offset(&self) -> u64 {
        self.length + self.batch.len() as u64
    }

    /// The root when there were `size` records; none if there are fewer on disk.
    pub(super) fn root_at(&self, size: u64) -> Option<Sha256> {
        let on_disk = self.head.as_ref().map_or(0, |signed| signed.head.size);
        (size <= on_disk).then(|| self.tree.root(size))
    }

    /// Adds a record to the batch.
    pub(super) fn push(&mut self, payload: &[u8]) {
        self.places.push(self.next_offset());
        self.tree.push(tree::leaf(payload));
        self.last_crc = frame::encode(payload, self.length, &mut self.batch);
    }

    /// Adds the body that the record at place `seq` of the batch names, and that was made at this time.
    pub(super) fn push_body(&mut self, seq: u64, made: Timestamp, body: Vec<u8>) {
        self.bodies.push(seq, made, body);
    }

    /// How many records there are, and the root over them, those of the batch too.
    pub(super) fn size_and_root(&self) -> (u64, Sha256) {
        (self.tree.size(), self.tree.root(self.tree.size()))
    }

    /// Closes the batch with a head and writes it with one sync, once the bodies that it names are on disk. On error what reached the disk is unknown,
    /// and the log must not be written again before it is opened again.
    pub(super) fn commit(&mut self, head: LogHead, signed: Signed) -> io::Result<()> {
        let Signed { signature, chain, since: _ } = signed;
        let payload = Head::new(head, signature.clone()).encode();
        self.last_crc = frame::encode(&payload, self.length, &mut self.batch);
        // A record is never on disk without its body.
        self.bodies.commit()?;
        self.media.append(&self.batch)?;
        self.media.sync()?;
        self.length = self.next_offset();
        self.batch.clear();
        self.head = Some(SignedHead { head, signature, chain });
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

    /// What is on disk, signed; none if nothing is.
    pub(super) fn head(&self) -> Option<&SignedHead> {
        self.head.as_ref()
    }

    /// The place of the record at this offset.
    pub(super) fn seq_at(&self, offset: u64) -> Option<u64> {
        self.places.binary_search(&offset).ok().map(|seq| seq as u64)
    }

    /// The bytes of a record, and the proof that the head is over them. Asked between batches.
    pub(super) fn inclusion(&self, seq: u64) -> Result<(Vec<u8>, Inclusion), StoreError> {
        let place = usize::try_from(seq).ok().and_then(|seq| self.places.get(seq));
        let proof = place.and_then(|place| Some((place, self.tree.inclusion(seq)?)));
        let (place, proof) = proof.ok_or_else(|| self.no_record(seq))?;
        let payload = self
            .read(*place)?
            .map_err(|damage| damaged(&self.path, Fault { record: seq, offset: *place, damage }))?;
        Ok((payload, proof))
    }

    /// The proof that the head is over a continuation of the first `from_size` records. Asked between batches.
    pub(super) fn consistency(&self, from_size: u64) -> Result<Consistency, StoreError> {
        self.tree.consistency(from_size).ok_or_else(|| self.no_record(from_size))
    }

    /// The body of the release whose record is on disk at `offset`.
    pub(super) fn release(&self, table: TableKey, offset: u64) -> Result<Vec<u8>, StoreError> {
        let record =
            self.read(offset)?.and_then(|payload| Record::decode(&payload).map_err(Damage::Text));
        let fault = |damage| {
            let record = self.seq_at(offset).unwrap_or_else(|| self.tree.size());
            damaged(&self.path, Fault { record, offset, damage })
        };
        let Record { seq, salt, event, .. } = record.map_err(fault)?;
        let (named, commitment) = match event {
            Event::Released(released) => (released.table, released.commitment),
            Event::Derived(derived) => (derived.table, derived.commitment),
            Event::Recovered(recovered) => (recovered.table, recovered.commitment),
            Event::RecoveredDerived(recovered) => (recovered.table, recovered.commitment),
            _ => return Err(fault(Damage::OtherRecord)),
        };
        if named != table {
            return Err(fault(Damage::OtherRecord));
        }
        let dir = self.bodies.dir();
        let body = self.bodies.read(seq).map_err(|source| read_error(dir, source))?;
        body.filter(|body| release_commitment(&salt, body) == commitment)
            .ok_or_else(|| StoreError::ReleaseDamaged { path: dir.to_owned(), table, record: seq })
    }

    /// Whether the record of a release at `offset` is on disk and names one that was made before an instant.
    pub(super) fn is_made_before(
        &self,
        offset: u64,
        before: Timestamp,
    ) -> Result<bool, StoreError> {
        if offset >= self.length {
            // Of this very batch: the next time is soon enough.
            return Ok(false);
        }
        let seq = self.seq_at(offset).unwrap_or_else(|| self.tree.size());
        if let Some(told_by_its_file) = self.bodies.is_made_before(seq, before) {
            return Ok(told_by_its_file);
        }
        let record =
            self.read(offset)?.and_then(|payload| Record::decode(&payload).map_err(Damage::Text));
        let fault = |damage| damaged(&self.path, Fault { record: seq, offset, damage });
        record.map(|record| record.made() < before).map_err(fault)
    }

    /// Deletes the bodies that the records at these offsets name, those that are there. Asked between batches.
    pub(super) fn delete_bodies(&mut self, offsets: &[u64]) -> Result<(), StoreError> {
        let gone: Vec<_> = offsets.iter().filter_map(|offset| self.seq_at(*offset)).collect();
        let path = self.bodies.dir().to_owned();
        self.bodies.delete(gone).map_err(|source| StoreError::Undeleted { path, source })
    }

    /// The payload on disk at `offset`.
    fn read(&self, offset: u64) -> Result<Result<Vec<u8>, Damage>, StoreError> {
        let failed = |source| read_error(&self.path, source);
        let mut input = &self.reader;
        input.seek(SeekFrom::Start(offset)).map_err(failed)?;
        Ok(match Frames::new(input, offset, self.length).step().map_err(failed)? {
            Step::End | Step::Bad { .. } => Err(Damage::Bytes),
            Step::Frame(frame) => Ok(frame.payload),
        })
    }

    fn no_record(&self, asked: u64) -> StoreError {
        StoreError::NoSuchRecord { asked, size: self.tree.size() }
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
