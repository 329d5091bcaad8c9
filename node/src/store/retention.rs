//! Deleting releases that are older than the MOU keeps them. The log says so first; what a crash leaves undone, the
//! next start finishes.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::book::Logged;
use super::error::StoreError;
use super::ledger::Store;
use super::record::{Event, Purged, ReleaseName};
use super::writer::{Request, Writer};

/// Releases named in one record, so that it stays a tenth of the longest.
const PURGED_TOGETHER: usize = 1_000;

/// What to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PurgeRequest {
    /// Releases that were made before this, and what was added up from them.
    before: Timestamp,
    at: Timestamp,
}

impl Store {
    /// Deletes the releases that were made before an instant, with the tables that were added up from them,
    /// and returns how many. Their tables stay paid for. `at` is the time now.
    ///
    /// # Errors
    /// A ledger that could not be written; bodies that could not be deleted, which nobody is answered with all the
    /// same.
    pub async fn purge(&self, before: Timestamp, at: Timestamp) -> Result<u64, StoreError> {
        let mut purged = 0;
        loop {
            let request = PurgeRequest { before, at };
            match self.ask(|reply| Request::Purge(request, reply)).await? {
                0 => break,
                some => purged += some,
            }
        }
        // Also where nothing was due: an earlier deletion may have failed.
        self.ask(Request::Sweep).await?;
        Ok(purged)
    }
}

impl Writer {
    /// Writes down that some of what is due is deleted, and returns how much of it.
    pub(super) fn purge(&mut self, request: PurgeRequest) -> Result<u64, StoreError> {
        let PurgeRequest { before, at } = request;
        let releases = self.due(before)?;
        let purged = releases.len() as u64;
        if purged > 0 {
            self.record(Event::Purged(Purged { before, releases }), at)?;
        }
        Ok(purged)
    }

    /// Some of the releases that are due, what was measured before what was added up.
    fn due(&self, before: Timestamp) -> Result<Vec<ReleaseName>, StoreError> {
        let (added, measured): (Vec<_>, Vec<_>) =
            self.book.kept().partition(|kept| kept.name.derived);
        let mut due = BTreeSet::new();
        for Logged { name, at, .. } in measured.into_iter().chain(added) {
            // The same numbers are in both, so the one is no older than the other.
            let source = self.book.source(name).filter(|_| name.derived);
            let gone = |source| due.contains(&source) || self.book.is_purged(source) == Some(true);
            if source.is_some_and(gone) || self.log.is_made_before(at, before)? {
                due.insert(name);
            }
            if due.len() == PURGED_TOGETHER {
                break;
            }
        }
        Ok(due.into_iter().collect())
    }
}
