//! Why the ledger cannot be opened, read or written. For the operator; nothing here comes from records of
//! learners.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::TableKey;

use super::book::BookError;
use super::record::RecordError;

/// Why the ledger cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder, the lock or the log cannot be made or opened for writing.
    #[error(
        "open `{path}` for writing: the node's user must be able to write there, and the disk must have room"
    )]
    Open {
        /// What was opened.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process holds the store.
    #[error(
        "the store `{dir}` is open in another process: stop that one, or give each node a store of its own"
    )]
    Locked {
        /// The store's folder.
        dir: PathBuf,
    },
    /// The log cannot be read.
    #[error("read ledger `{path}`")]
    Read {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A newer version wrote the log.
    #[error(
        "ledger `{path}` was written by a newer version of sumac (format {found}; this version knows {known}); nothing was changed: install the newer version"
    )]
    NewerFormat {
        /// The log.
        path: PathBuf,
        /// Its format version.
        found: u32,
        /// The newest that this version reads.
        known: u32,
    },
    /// The file does not begin like a log.
    #[error(
        "`{path}` is not a ledger, or its first bytes are damaged; nothing was changed: restore it from a backup"
    )]
    NotALog {
        /// The file.
        path: PathBuf,
    },
    /// There is an index but no log.
    #[error(
        "ledger `{path}` is gone although its index is there; nothing was changed: put the ledger back, or restore it from a backup"
    )]
    Gone {
        /// Where the log should be.
        path: PathBuf,
    },
    /// The log lost bytes that had been acknowledged.
    #[error(
        "ledger `{path}` has {length} bytes, but {acknowledged} had been written; nothing was changed: keep the file, and restore the ledger from a backup"
    )]
    Shorter {
        /// The log.
        path: PathBuf,
        /// Its length, in bytes.
        length: u64,
        /// The length that its index vouches for, in bytes.
        acknowledged: u64,
    },
    /// The log holds something that was never written so.
    #[error(
        "record {record} of ledger `{path}` (byte {offset}) is damaged; nothing was changed: keep the file, and restore the ledger from a backup"
    )]
    Damaged {
        /// The log.
        path: PathBuf,
        /// The record's place, from 0.
        record: u64,
        /// Where it begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        source: Damage,
    },
    /// A release that was written is not there any more as it was.
    #[error(
        "the release of table {table}, which record {record} of the ledger names, is not in `{path}` as it was written; nothing was changed or answered: keep the folder, and restore the ledger from a backup"
    )]
    ReleaseDamaged {
        /// The folder of bodies.
        path: PathBuf,
        /// The table.
        table: TableKey,
        /// The place of the record that names it.
        record: u64,
    },
    /// What was purged could not be deleted.
    #[error(
        "delete purged releases in `{path}`: nobody is answered with them any more, and the next start deletes them"
    )]
    Undeleted {
        /// The folder of bodies.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The index cannot be made.
    #[error("write index `{path}`: the disk must have room; the ledger itself is untouched")]
    Index {
        /// The index's folder.
        path: PathBuf,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The thread that writes the ledger cannot be started.
    #[error("start the ledger's thread")]
    Thread {
        /// Why not.
        source: io::Error,
    },
    /// A record or a release is larger than any that is meant.
    #[error(
        "{bytes} bytes at once are too long for the ledger, which takes {most}; nothing was written"
    )]
    TooLong {
        /// Its length.
        bytes: usize,
        /// The most that is taken.
        most: usize,
    },
    /// A proof was asked for that this log cannot give.
    #[error("the ledger has {size} records: there is nothing to show of {asked}")]
    NoSuchRecord {
        /// The record, or the size of an earlier log.
        asked: u64,
        /// How many records there are.
        size: u64,
    },
    /// A charge dated before what is written would let a year be spent twice.
    #[error(
        "the clock says {at}, but the ledger has a record of {latest}; nothing was charged: set this machine's clock right"
    )]
    ClockBehind {
        /// What the clock says.
        at: Timestamp,
        /// The latest record's time.
        latest: Timestamp,
    },
    /// The ledger's own rules forbid it; nothing was written.
    #[error("the ledger does not take this; nothing was written")]
    Forbidden {
        /// The rule.
        source: BookError,
    },
    /// A write or a sync failed. What reached the disk is unknown until the store is opened again, so from
    /// then on nothing is answered.
    #[error(
        "ledger `{path}` could not be written; nothing was answered: free space or repair the disk, then restart the node"
    )]
    Unwritten {
        /// The log.
        path: PathBuf,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The thread that writes the ledger has ended.
    #[error("the ledger has stopped; nothing was answered: restart the node")]
    Stopped,
}

/// What is wrong with a damaged record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Its checksum, or its frame.
    #[error("its bytes are not those that were written")]
    Bytes,
    /// Its text.
    #[error(transparent)]
    Text(RecordError),
    /// It cannot follow the records before it.
    #[error(transparent)]
    Place(BookError),
    /// It says of another length of the log that it was begun there.
    #[error("its batch did not begin where it says")]
    Batch,
    /// The head's size, time, root or sum.
    #[error("the head after it is not over the records that are there")]
    Head,
    /// The head's signature.
    #[error("the head after it does not carry a good signature: {0}")]
    Signature(String),
    /// What a check added up is not what the book says.
    #[error("what was charged and released up to it does not add up to the ledger's balances")]
    Sums,
    /// The index points to it for a release that it is not.
    #[error("it is not the record that was looked for")]
    OtherRecord,
}
