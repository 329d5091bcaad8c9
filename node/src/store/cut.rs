//! A cut through a log that may be copied while its node goes on: the log is only ever appended to, so that what
//! was acknowledged at one moment stays as it is.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::StoreError;
use super::index::Index;
use super::ledger::{INDEX, LOG, Lock, Store, lock};
use super::log::Log;
use super::record::Event;
use super::scan::{self, Acknowledged, Placed, Stretch};
use super::writer::Request;

/// The acknowledged part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Bytes of the log's file, from its beginning to the end of a head.
    pub length: u64,
    /// Records in them.
    pub records: u64,
}

/// A store that nobody can open while this lives.
#[derive(Debug)]
pub struct Closed {
    cut: Cut,
    _lock: Lock,
}

impl Store {
    /// What of the log is on disk now, and stays as it is.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn cut(&self) -> Result<Cut, StoreError> {
        self.ask(Request::Cut).await
    }
}

impl Cut {
    /// Asked between batches.
    pub(super) fn of(log: &Log, records: u64) -> Self {
        Self { length: log.acknowledged(records).length, records }
    }
}

impl Cut {
    /// Whether the bodies that it names may still be copied: nothing was purged behind it. Asked of a node that
    /// serves, once they were copied.
    ///
    /// # Errors
    /// A ledger that cannot be read.
    pub fn is_whole(&self, dir: &Path) -> Result<bool, StoreError> {
        let Self { length, records } = *self;
        // What was acknowledged is not judged anew; only what came after is read.
        let from = Acknowledged { length, records, last_crc: 0 };
        let mut whole = true;
        let behind = Stretch { from, to: None, known: true };
        scan::walk(&dir.join(LOG), &behind, |batch| {
            let purges = |placed: &Placed| matches!(placed.record.event, Event::Purged(_));
            whole &= !batch.records.iter().any(purges);
            Ok(())
        })?;
        Ok(whole)
    }
}

impl Cut {
    /// Copies this part of the log in `dir` into the folder `to`, which is made, and holds a log alone after that: no
    /// releases, no index. On disk when this returns.
    ///
    /// # Errors
    /// A log that cannot be read, or is shorter; a folder that is there already, or cannot be made or written.
    pub fn copy(&self, dir: &Path, to: &Path) -> Result<(), StoreError> {
        let from = dir.join(LOG);
        let reading = |source| scan::read_error(&from, source);
        let writing = |source| StoreError::Open { path: to.to_owned(), source };
        let log = File::open(&from).map_err(reading)?;
        fs::create_dir(to).map_err(writing)?;
        let mut copy = File::create_new(to.join(LOG)).map_err(writing)?;
        let copied = io::copy(&mut log.take(self.length), &mut copy).map_err(writing)?;
        if copied < self.length {
            return Err(StoreError::Shorter {
                path: from,
                length: copied,
                acknowledged: self.length,
            });
        }
        copy.sync_all().and_then(|()| File::open(to)?.sync_all()).map_err(writing)
    }
}

impl Closed {
    /// Keeps a store from being opened, and finds out how much of its log is whole. Changes nothing.
    ///
    /// # Errors
    /// No ledger there; a node that is running; a damaged log, or one shorter than its index remembers.
    pub fn keep(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join(LOG);
        scan::open_to_read(&path)?;
        let lock = lock(dir)?;
        let known = Index::load(&dir.join(INDEX)).map(|(_, _, acknowledged)| acknowledged);
        let whole = scan::scan(&path, known.as_ref())?.whole;
        let cut = Cut { length: whole.length, records: whole.records };
        Ok(Self { cut, _lock: lock })
    }

    /// The whole part of its log.
    pub fn cut(&self) -> Cut {
        self.cut
    }
}

/// The file of the log in a store's folder.
pub fn log_file(dir: &Path) -> PathBuf {
    dir.join(LOG)
}
