//! The book's value in sled, so that a store opens quickly. The only file that names sled.
//!
//! No promise rests on it: it is checked against itself and against the log when it is opened, thrown away
//! when in doubt, and kept without a sync of its own.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sumac_policy::TableKey;

use super::book::{Book, TableState, Totals};
use super::scan::Acknowledged;

/// Changes when the index's own layout does; another one is rebuilt.
const LAYOUT: u32 = 6;

/// The entry beside the tables; its key is shorter than a table's.
const HEAD: &[u8] = b"head";

/// The book is in memory anyway; sled's own default is a gigabyte.
const CACHE_BYTES: u64 = 8 << 20;

/// How sled says that its files are locked.
const LOCKED: &str = "could not acquire lock";
/// Tries and pauses for that: two seconds in all.
const LOCK_TRIES: usize = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// The index of an open store.
pub(super) struct Index {
    path: PathBuf,
    /// None once a save has failed: the log goes on without it, and the next opening rebuilds it.
    db: Option<sled::Db>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    layout: u32,
    length: u64,
    last_crc: u32,
    totals: Totals,
}

impl Index {
    /// Opens an index and reads it; none if anything about it is odd.
    pub(super) fn load(path: &Path) -> Option<(Self, Book, Acknowledged)> {
        let db = open(path).ok()?;
        let mut head = None;
        let mut tables = BTreeMap::new();
        for entry in db.iter() {
            let (key, value) = entry.ok()?;
            if &*key == HEAD {
                head = Some(serde_json::from_slice::<Head>(&value).ok()?);
            } else {
                let table = <[u8; 32]>::try_from(&*key).ok()?;
                let state = serde_json::from_slice::<TableState>(&value).ok()?;
                tables.insert(TableKey::from(table), state);
            }
        }
        let Head { layout: LAYOUT, length, last_crc, totals } = head? else { return None };
        let acknowledged = Acknowledged { length, records: totals.next_seq, last_crc };
        let book = Book::restore(totals, tables)?;
        Some((Self { path: path.to_owned(), db: Some(db) }, book, acknowledged))
    }

    /// Makes an index of `book`, in place of what is there.
    pub(super) fn create(
        path: &Path,
        book: &Book,
        acknowledged: Acknowledged,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else if path.exists() {
            fs::remove_file(path)?;
        }
        let db = open(path)?;
        for (table, state) in book.tables() {
            db.insert(table.as_bytes(), serde_json::to_vec(state)?)?;
        }
        db.insert(HEAD, head(book, acknowledged)?)?;
        db.flush()?;
        Ok(Self { path: path.to_owned(), db: Some(db) })
    }

    /// Keeps the tables that a batch changed, and how far the log is now.
    pub(super) fn save(&mut self, book: &Book, changed: &[TableKey], acknowledged: Acknowledged) {
        let Some(db) = &self.db else { return };
        let saved = || -> Result<(), Box<dyn Error + Send + Sync>> {
            let mut batch = sled::Batch::default();
            for table in changed {
                if let Some(state) = book.table(table) {
                    batch.insert(table.as_bytes(), serde_json::to_vec(state)?);
                }
            }
            batch.insert(HEAD, head(book, acknowledged)?);
            Ok(db.apply_batch(batch)?)
        };
        if let Err(error) = saved() {
            self.give_up(&*error);
        }
    }

    /// Hands all that was saved to the operating system.
    pub(super) fn flush(&mut self) {
        if let Some(Err(error)) = self.db.as_ref().map(|db| db.flush()) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &(dyn Error + 'static)) {
        let path = self.path.display();
        tracing::warn!(%path, error, "the ledger's index cannot be written; it is rebuilt at the next start");
        self.db = None;
    }
}

fn head(book: &Book, acknowledged: Acknowledged) -> serde_json::Result<Vec<u8>> {
    let Acknowledged { length, last_crc, .. } = acknowledged;
    serde_json::to_vec(&Head { layout: LAYOUT, length, last_crc, totals: book.totals().clone() })
}

fn open(path: &Path) -> Result<sled::Db, Box<dyn Error + Send + Sync>> {
    let config = sled::Config::new().path(path).cache_capacity(CACHE_BYTES);
    // sled's own threads may keep its lock for a moment after a store was dropped. Nobody else can have it:
    // whoever opens an index holds the ledger's lock.
    for _ in 0..LOCK_TRIES {
        // sled asserts what it expects of its files; a damaged index must not stop a node.
        match panic::catch_unwind(AssertUnwindSafe(|| config.open())) {
            Ok(Err(sled::Error::Io(error))) if error.to_string().contains(LOCKED) => {
                thread::sleep(LOCK_PAUSE);
            }
            Ok(opened) => return Ok(opened?),
            Err(_) => return Err("sled cannot make sense of its files".into()),
        }
    }
    Err("sled does not let go of its files".into())
}
