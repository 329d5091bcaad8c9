//! The store: what the rest of the node calls.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use sumac_policy::{Span, TableKey};
use sumac_protocol::{Consistency, Inclusion, SignedHead};
use tokio::sync::{mpsc, oneshot};

use super::bodies::Shelf;
use super::book::{Book, Logged, SpentIn, Totals};
use super::charge::{Charge, ChargeRequest, Charging};
use super::error::StoreError;
use super::frame;
use super::head::Signer;
use super::held::Judged;
use super::index::Index;
use super::log::{self, Disk, Log, MediaOf};
use super::pause::Paused;
use super::record::{Import, Left, MouInForce, NarrowInForce, Note};
use super::restoration::Standing;
use super::scan::{self, Acknowledged, Scan};
use super::writer::{Reply, Request, Writer};

/// Where the random bytes in each record come from.
pub type Salts = Box<dyn FnMut() -> [u8; 32] + Send>;

/// Questions that may wait for the disk; further ones wait before they are taken in.
const QUEUE: usize = 256;

pub(super) const LOG: &str = "ledger.log";
pub(super) const BODIES: &str = "bodies";
pub(super) const INDEX: &str = "index";
pub(super) const LOCK: &str = "lock";

/// An open ledger. Dropping it waits for the writes under way and puts the index away.
///
/// A call that is given up half-way may still be carried out: a charge then waits for the next ask of its
/// table.
pub struct Store {
    requests: Option<mpsc::Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

/// What was found and done when a store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opening {
    /// Records in the log.
    pub records: u64,
    /// Bytes of an unfinished write that were cut off; they had never been acknowledged.
    pub cut_bytes: u64,
    /// Why the index was rebuilt from the log, if it was.
    pub rebuilt: Option<Rebuilt>,
}

/// Why an index was rebuilt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rebuilt {
    /// It was not there.
    Missing,
    /// It could not be read, or was not consistent in itself.
    Unreadable,
    /// It said otherwise than the log.
    Disagreed,
    /// It did not have the last records, and was brought forward.
    Behind {
        /// How many it did not have.
        records: u64,
    },
}

/// What was spent, in nano-ρ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Balance {
    /// In the accounting year asked for.
    pub spent_nano_rho: u64,
    /// In all years together.
    pub lifetime_nano_rho: u64,
}

/// A record, and what shows that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Included {
    /// The record's exact bytes.
    pub record: Vec<u8>,
    /// Shows that `head` is over them.
    pub proof: Inclusion,
    /// The log as it is now.
    pub head: SignedHead,
}

/// What shows that the log has only grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistent {
    /// Shows that `head` continues the log of the size asked about.
    pub proof: Consistency,
    /// The log as it is now.
    pub head: SignedHead,
}

/// What a ledger says, read from the log alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Records in the log.
    pub records: u64,
    /// Bytes at the end that are no whole record: a write under way, or one that a crash interrupted.
    pub unfinished_bytes: u64,
    /// Spent in each accounting year as the MOU of the day wrote it, in nano-ρ.
    pub spent_nano_rho: BTreeMap<String, u64>,
    /// The same by each year's days, in their order.
    pub spent_by_days: Vec<(Span, u64)>,
    /// Spent in all years together, in nano-ρ.
    pub lifetime_nano_rho: u64,
    /// Tables paid for.
    pub charged_tables: u64,
    /// Those of them that are released.
    pub released_tables: u64,
    /// Releases that were deleted by the MOU's `keep_releases_days`, tables added up among them.
    pub purged_releases: u64,
    /// The last import.
    pub snapshot: Option<Import>,
    /// The MOU in force.
    pub mou: Option<MouInForce>,
    /// Whether the log may be answered from.
    pub standing: Standing,
    /// Whether this party has left the agreement, and has not come back.
    pub left: Option<Left>,
    /// Whether the operator stopped the node; a last day may be over.
    pub paused: Option<Paused>,
    /// Questions that were put before the stewards and are not measured, in the order of their numbers.
    pub held: Vec<Judged>,
}

impl Summary {
    /// Spent in every accounting year that has a day in common with these, in nano-ρ: what counts against the
    /// budget of a year with these days.
    pub fn spent_in(&self, year: Span) -> u64 {
        let common =
            |(other, _): &&(Span, u64)| other.first <= year.last && year.first <= other.last;
        self.spent_by_days.iter().filter(common).map(|(_, nano_rho)| nano_rho).sum()
    }
}

impl Store {
    /// Opens the store in `dir`, or makes one there. `salts` gives each record its random bytes, and `signer`
    /// signs the log after each batch.
    ///
    /// # Errors
    /// A folder that cannot be written, another process in it, a newer format, a log that was damaged or cut.
    /// The log is changed only if none of these holds.
    pub fn open(dir: &Path, salts: Salts, signer: Signer) -> Result<(Self, Opening), StoreError> {
        Self::open_on(dir, salts, signer, Box::new(|file| Box::new(Disk(file))))
    }

    pub(super) fn open_on(
        dir: &Path,
        salts: Salts,
        signer: Signer,
        media: MediaOf,
    ) -> Result<(Self, Opening), StoreError> {
        let lock = lock(dir)?;
        let (path, index_path) = (dir.join(LOG), dir.join(INDEX));
        let open_error = |source| StoreError::Open { path: path.clone(), source };
        let was_there = path.try_exists().map_err(open_error)?;
        let bodies_path = dir.join(BODIES);
        let shelf = Shelf::of(&bodies_path)?;
        if !was_there {
            if index_path.exists() || !shelf.is_empty() {
                return Err(StoreError::Gone { path });
            }
            make_folder(&bodies_path).map_err(open_error)?;
            log::create(&path, &frame::header()).map_err(open_error)?;
        }
        scan::open_to_read(&path)?;

        let had_index = index_path.exists();
        let loaded = if had_index { Index::load(&index_path) } else { None };
        let known = loaded.as_ref().map(|(_, _, acknowledged)| *acknowledged);
        let scan = scan::scan(&path, known.as_ref())?;
        let (whole, cut_bytes) = (scan.whole, scan.unfinished_bytes);
        let (index, mut book, from, rebuilt) = match loaded {
            Some((index, book, from)) if scan.agrees => {
                let records = whole.records - from.records;
                let behind = (records > 0).then_some(Rebuilt::Behind { records });
                (Some(index), book, from, behind)
            }
            loaded => {
                let reason = match (had_index, &loaded) {
                    (false, _) => Rebuilt::Missing,
                    (true, None) => Rebuilt::Unreadable,
                    (true, Some(_)) => Rebuilt::Disagreed,
                };
                let rebuilt = was_there.then_some(reason);
                (None, Book::default(), Acknowledged::NOTHING, rebuilt)
            }
        };
        let changed = scan::replay(&path, &from, whole.length, &mut book)?;

        let wanted = releases(&book, &scan);
        if let Some((record, table)) = wanted.iter().find(|(seq, _)| !shelf.holds(**seq)) {
            let (path, record, table) = (bodies_path, *record, *table);
            return Err(StoreError::ReleaseDamaged { path, table, record });
        }
        make_folder(&bodies_path).map_err(open_error)?;
        let wanted: BTreeSet<_> = wanted.into_keys().collect();
        let head = scan.head.clone();
        let mut log =
            Log::open(&path, scan, from.length, (shelf, &wanted), media).map_err(open_error)?;
        if let Some(head) = head {
            log.resume(head, book.totals().signer_at)?;
        }
        let index = match index {
            Some(mut index) => {
                index.save(&book, &changed, whole);
                index
            }
            None => Index::create(&index_path, &book, whole)
                .map_err(|source| StoreError::Index { path: index_path.clone(), source })?,
        };
        let writer = Writer::new(log, book, index, salts, signer, lock);
        let (requests, waiting) = mpsc::channel(QUEUE);
        let writer = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(move || writer.run(waiting))
            .map_err(|source| StoreError::Thread { source })?;
        let opening = Opening { records: whole.records, cut_bytes, rebuilt };
        Ok((Self { requests: Some(requests), writer: Some(writer) }, opening))
    }

    /// The release of a table, if there is one: the same bytes for ever.
    ///
    /// # Errors
    /// A ledger that could not be written or read.
    pub async fn released(&self, table: &TableKey) -> Result<Option<Vec<u8>>, StoreError> {
        self.ask(|reply| Request::Released(*table, reply)).await
    }

    /// Pays for a table. What comes back is on disk.
    ///
    /// # Errors
    /// A price of zero; a ledger that could not be written or read.
    pub async fn charge(&self, request: ChargeRequest) -> Result<Charging, StoreError> {
        self.ask(|reply| Request::Charge(request, reply)).await
    }

    /// Releases a table that was paid for, and returns the bytes to send: those of the first release, if
    /// there was one. What comes back is on disk.
    ///
    /// # Errors
    /// A body that is too long; a ledger that could not be written or read.
    pub async fn settle(
        &self,
        charge: Charge,
        body: Vec<u8>,
        at: Timestamp,
    ) -> Result<Vec<u8>, StoreError> {
        self.ask(|reply| Request::Settle(charge, body, at, reply)).await
    }

    /// Writes down what happened. On disk when this returns.
    ///
    /// # Errors
    /// A note that is too long; a ledger that could not be written.
    pub async fn note(&self, note: Note, at: Timestamp) -> Result<(), StoreError> {
        self.ask(|reply| Request::Note(note, at, reply)).await
    }

    /// What was spent in an accounting year with these days, and in every other that has one of them.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn balance(&self, year: Span) -> Result<Balance, StoreError> {
        let totals = self.ask(Request::Totals).await?;
        Ok(Balance {
            spent_nano_rho: totals.spent(year),
            lifetime_nano_rho: totals.lifetime_nano_rho,
        })
    }

    /// The last import.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn snapshot(&self) -> Result<Option<Import>, StoreError> {
        Ok(self.ask(Request::Totals).await?.snapshot)
    }

    /// The MOU that was last noted as in force.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn mou(&self) -> Result<Option<MouInForce>, StoreError> {
        Ok(self.ask(Request::Totals).await?.mou)
    }

    /// The addendum that was last noted as in force.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn narrow(&self) -> Result<Option<NarrowInForce>, StoreError> {
        Ok(self.ask(Request::Totals).await?.narrow)
    }

    /// That this party has left the agreement, if it has.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn left(&self) -> Result<Option<Left>, StoreError> {
        Ok(self.ask(Request::Totals).await?.left)
    }

    /// Whether the operator stopped the node, until when and why. A last day may be over.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn paused(&self) -> Result<Option<Paused>, StoreError> {
        Ok(self.ask(Request::Totals).await?.paused)
    }

    /// The log as it is now, signed; none while it is empty.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn head(&self) -> Result<Option<SignedHead>, StoreError> {
        self.ask(Request::Head).await
    }

    /// A record, with the proof that the log holds it at its place.
    ///
    /// # Errors
    /// A record that is not there; a ledger that could not be written or read.
    pub async fn inclusion(&self, seq: u64) -> Result<Included, StoreError> {
        self.ask(|reply| Request::Inclusion(seq, reply)).await
    }

    /// The proof that the log still begins with the `from_size` records that somebody saw.
    ///
    /// # Errors
    /// A log that is shorter than that; a ledger that could not be written.
    pub async fn consistency(&self, from_size: u64) -> Result<Consistent, StoreError> {
        self.ask(|reply| Request::Consistency(from_size, reply)).await
    }

    /// The place in the log of a table's release, if it is released.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn release_position(&self, table: &TableKey) -> Result<Option<u64>, StoreError> {
        self.ask(|reply| Request::Position(*table, reply)).await
    }

    pub(super) async fn ask<T>(
        &self,
        request: impl FnOnce(Reply<T>) -> Request,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let requests = self.requests.as_ref().ok_or(StoreError::Stopped)?;
        requests.send(request(reply)).await.map_err(|_| StoreError::Stopped)?;
        answer.await.map_err(|_| StoreError::Stopped)?
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has answered nothing more; there is nothing to add here.
            let _ = writer.join();
        }
    }
}

/// Throws the index in `dir` away and makes it again from the log. Returns the number of records. The log is
/// not changed.
///
/// # Errors
/// As [`Store::open`]: a node that is running, a damaged log, a log shorter than the index remembers.
pub fn rebuild(dir: &Path) -> Result<u64, StoreError> {
    let (path, index_path) = (dir.join(LOG), dir.join(INDEX));
    scan::open_to_read(&path)?;
    let _lock = lock(dir)?;
    // The old one is still the witness of how far the log was acknowledged.
    let known = Index::load(&index_path).map(|(_, _, acknowledged)| acknowledged);
    let whole = scan::scan(&path, known.as_ref())?.whole;
    let mut book = Book::default();
    scan::replay(&path, &Acknowledged::NOTHING, whole.length, &mut book)?;
    Index::create(&index_path, &book, whole)
        .map_err(|source| StoreError::Index { path: index_path, source })?;
    Ok(whole.records)
}

/// Reads what the ledger in `dir` says, from the log alone, while a node may be serving from it. Changes
/// nothing.
///
/// # Errors
/// No ledger there, a newer format, a damaged record.
pub fn read_only(dir: &Path) -> Result<Summary, StoreError> {
    let (book, unfinished_bytes) = scan::peek(&dir.join(LOG))?;
    let Totals {
        next_seq,
        spent,
        years,
        lifetime_nano_rho,
        charged,
        released,
        purged,
        snapshot,
        mou,
        left,
        paused,
        ..
    } = book.totals().clone();
    let mut held: Vec<_> = book.held_questions().cloned().collect();
    held.sort_by_key(|judged| judged.question.number);
    let standing = Standing::of(book.totals());
    let days = |year: SpentIn| (Span { first: year.first, last: year.last }, year.nano_rho);
    Ok(Summary {
        records: next_seq,
        unfinished_bytes,
        spent_nano_rho: spent,
        spent_by_days: years.into_iter().map(days).collect(),
        lifetime_nano_rho,
        charged_tables: charged,
        released_tables: released,
        purged_releases: purged,
        snapshot,
        mou,
        standing,
        left,
        paused,
        held,
    })
}

/// The places of the records that name a body which must be there, and whose it is.
fn releases(book: &Book, scan: &Scan) -> BTreeMap<u64, TableKey> {
    let place =
        |kept: Logged| Some((scan.places.binary_search(&kept.at).ok()? as u64, kept.name.table));
    book.kept().filter_map(place).collect()
}

/// Keeps every other process out of a ledger's folder, until it is dropped.
#[derive(Debug)]
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file would not be enough: a process that another thread is just starting holds this one's files
        // until it runs its own program, and the lock with them. Where this fails, closing has to do.
        let _ = self.0.unlock();
    }
}

/// Makes sure that the folder is there and that no other process has it.
pub(super) fn lock(dir: &Path) -> Result<Lock, StoreError> {
    let open_error = |path: PathBuf| move |source: io::Error| StoreError::Open { path, source };
    make_folder(dir).map_err(open_error(dir.to_owned()))?;
    let path = dir.join(LOCK);
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = file.map_err(open_error(path.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { dir: dir.to_owned() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Open { path, source }),
    }
}

/// Makes a folder that is there after a power cut, too.
fn make_folder(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    make_folder(parent)?;
    fs::create_dir(dir)?;
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_lock_is_given_up_though_a_child_still_holds_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let held = lock(dir.path()).unwrap();
        // As a child does between its start and its own program.
        let inherited = held.0.try_clone().unwrap();
        assert!(matches!(lock(dir.path()), Err(StoreError::Locked { .. })));
        drop(held);
        lock(dir.path()).unwrap();
        drop(inherited);
    }
}
