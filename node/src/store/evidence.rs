//! What an asker is shown of the log: its head, that it continues what was shown before, and where each release
//! lies. All of one call is about one head.

use sumac_policy::Sha256;
use sumac_protocol::{Consistency, RecordedRelease, SignedHead};

use super::book::{Book, TableState};
use super::error::StoreError;
use super::ledger::Store;
use super::log::Log;
use super::record::ReleaseName;
use super::restoration::RestoredRecord;
use super::writer::Request;

/// A head that an asker kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The log had so many records then.
    Here(u64),
    /// It was a head of a history that was lost when the log was restored, as the record at this place says.
    Lost(u64),
}

/// What to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvidenceRequest {
    /// What the asker kept; none if it saw none.
    pub seen: Option<Seen>,
    /// The releases to show.
    pub releases: Vec<ReleaseName>,
}

/// What shows that a log holds releases, and that it has only grown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The log as it is now.
    pub head: SignedHead,
    /// Shows that `head` continues the head that the asker kept; none if it kept none.
    pub consistency: Option<Consistency>,
    /// Shows that the log was restored; none if the asker kept no head of what was lost.
    pub restored: Option<RestoredRecord>,
    /// Each release's record below `head`, in the order asked for; none where there is no such release.
    pub releases: Vec<Option<RecordedRelease>>,
}

impl Store {
    /// The root that the log had when it held `size` records; none if it holds fewer.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn root_at(&self, size: u64) -> Result<Option<Sha256>, StoreError> {
        self.ask(|reply| Request::Root(size, reply)).await
    }

    /// Shows the log and these releases in it.
    ///
    /// # Errors
    /// A log that is empty, or shorter than what was seen; a ledger that could not be written or read.
    pub async fn evidence(&self, request: EvidenceRequest) -> Result<Evidence, StoreError> {
        self.ask(|reply| Request::Evidence(request, reply)).await
    }
}

impl ReleaseName {
    /// Where in the log it lies.
    pub(super) fn offset(self, book: &Book) -> Option<u64> {
        let Self { table, revision, derived } = self;
        let TableState { paid, derived: added, .. } = book.table(&table)?;
        let place = usize::try_from(revision).ok()?;
        if derived {
            added.get(place).map(|derivation| derivation.release_at)
        } else {
            paid.get(place)?.release_at
        }
    }
}

impl Evidence {
    /// Asked between batches; `releases` are offsets.
    pub(super) fn of(
        log: &Log,
        seen: Option<Seen>,
        releases: Vec<Option<u64>>,
    ) -> Result<Self, StoreError> {
        let head = log.head().cloned().ok_or(StoreError::NoSuchRecord { asked: 0, size: 0 })?;
        let (mut consistency, mut restored) = (None, None);
        match seen {
            None => {}
            Some(Seen::Here(size)) => consistency = Some(log.consistency(size)?),
            Some(Seen::Lost(seq)) => {
                let (record, inclusion) = log.inclusion(seq)?;
                let consistency = log.consistency(seq)?;
                restored = Some(RestoredRecord { record, inclusion, consistency });
            }
        }
        let shown = |offset: Option<u64>| {
            let Some(seq) = offset.and_then(|offset| log.seq_at(offset)) else { return Ok(None) };
            let (record, inclusion) = log.inclusion(seq)?;
            Ok(Some(RecordedRelease { record, inclusion }))
        };
        let releases = releases.into_iter().map(shown).collect::<Result<_, StoreError>>()?;
        Ok(Self { head, consistency, restored, releases })
    }
}
