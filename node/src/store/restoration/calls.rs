//! What the rest of the node asks a store about a restore.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sumac_policy::{Sha256, TableKey};
use sumac_protocol::{Consistency, Inclusion};

use super::{LostCharge, Recovered, RecoveredDerived, Standing, Waiting};
use crate::store::book::{Restore, Totals};
use crate::store::error::StoreError;
use crate::store::ledger::Store;
use crate::store::record::{Event, ReleaseName};
use crate::store::writer::Request;

/// A release that was lost, as a receipt of it tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostRelease {
    /// The table.
    pub table: TableKey,
    /// The revision that this is the answer of.
    pub revision: u32,
    /// Its record's place in the history that was lost.
    pub position: u64,
    /// Who showed the receipt.
    pub peer: String,
    /// When it was made, as it states.
    pub made: Timestamp,
    /// How it came about.
    pub what: LostWhat,
    /// The signed release, opaque to the store.
    pub body: Vec<u8>,
}

/// How a lost release came about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LostWhat {
    /// It was measured, and paid for.
    Measured(LostCharge),
    /// It was added up from a table at a revision.
    Derived {
        /// The table whose cells were added; it may be lost itself.
        from: TableKey,
        /// That table's revision.
        from_revision: u32,
    },
}

/// What became of a release that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// It is in the log from now on.
    New,
    /// It was there: the same bytes.
    Already,
    /// The log has another release in its place, which stands.
    Differs,
}

/// What a log knows of its restores.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restoration {
    /// Each restore, the last one last.
    pub restores: Vec<RestoreFacts>,
    /// The place of the last question of each party's analysts.
    pub asked: BTreeMap<String, u64>,
}

/// One restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoreFacts {
    /// Records in the backup, which is also the place of the record of the restore.
    pub size: u64,
    /// The latest time of any record in the backup.
    pub backed_up: Timestamp,
    /// When it was restored.
    pub at: Timestamp,
    /// Whether the backup was another log than its askers saw.
    pub forked: bool,
    /// Parties still to be heard.
    pub awaited: Vec<String>,
    /// Parties that were heard.
    pub heard: Vec<String>,
    /// Records below the largest head that was shown; 0 if none was.
    pub shown_size: u64,
    /// The most that any head shown says was charged, in nano-ρ.
    pub shown_nano_rho: u64,
    /// What of that is accounted for, in nano-ρ.
    pub accounted_nano_rho: u64,
    /// Whether the node answers again.
    pub resumed: bool,
}

impl Restoration {
    /// The last restore, as to what it has to account for: all that was lost since the node last answered. A node that was
    /// restored again while it waited has lost what it lost then, too.
    pub fn unaccounted(mut self) -> Option<RestoreFacts> {
        let last = self.restores.pop()?;
        let waited = self.restores.iter().rev().take_while(|earlier| !earlier.resumed);
        let forked = last.forked || waited.clone().any(|earlier| earlier.forked);
        let first = waited.last().unwrap_or(&last);
        let (size, backed_up) = (first.size, first.backed_up);
        Some(RestoreFacts { size, backed_up, forked, ..last })
    }
}

/// What shows that a log was restored: its record of that, below the head that is shown with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestoredRecord {
    /// The record's exact bytes.
    pub record: Vec<u8>,
    /// Shows that the head is over them.
    pub inclusion: Inclusion,
    /// Shows that the log continues the backup.
    pub consistency: Consistency,
}

impl Store {
    /// Whether the log may be answered from.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn standing(&self) -> Result<Standing, StoreError> {
        Ok(Standing::of(&self.ask(Request::Totals).await?))
    }

    /// What the log knows of its restores.
    ///
    /// # Errors
    /// A ledger that could not be written.
    pub async fn restoration(&self) -> Result<Restoration, StoreError> {
        let Totals { restores, asked, .. } = self.ask(Request::Totals).await?;
        Ok(Restoration { restores: restores.into_iter().map(Into::into).collect(), asked })
    }

    /// Puts a lost release back in its place, if nothing else is there. On disk when this returns.
    ///
    /// # Errors
    /// A log that was never restored; a charge that the release does not fit; a ledger that could not be written
    /// or read.
    pub async fn recover(&self, lost: LostRelease, at: Timestamp) -> Result<Recovery, StoreError> {
        self.ask(|reply| Request::Recover(lost, at, reply)).await
    }
}

impl LostRelease {
    pub(in crate::store) fn name(&self) -> ReleaseName {
        let (table, revision) = (self.table, self.revision);
        ReleaseName { table, revision, derived: matches!(self.what, LostWhat::Derived { .. }) }
    }

    /// The record that takes it back.
    pub(in crate::store) fn event(self, commitment: Sha256) -> Event {
        let Self { table, revision, position, peer, made, what, body: _ } = self;
        match what {
            LostWhat::Measured(charge) => {
                let recovered =
                    Recovered { table, revision, commitment, position, peer, made, charge };
                Event::Recovered(recovered)
            }
            LostWhat::Derived { from, from_revision } => {
                let derived = RecoveredDerived {
                    table,
                    revision,
                    from,
                    from_revision,
                    commitment,
                    position,
                    peer,
                    made,
                };
                Event::RecoveredDerived(derived)
            }
        }
    }
}

impl Standing {
    pub(in crate::store) fn of(totals: &Totals) -> Self {
        if let Some(stopped) = &totals.stopped {
            return Self::Stopped(stopped.clone());
        }
        match totals.restores.last() {
            Some(restore) if !restore.resumed => Self::Restored(Waiting {
                size: restore.size,
                awaited: restore.awaited.clone(),
                heard: restore.heard.clone(),
            }),
            _ => Self::Itself,
        }
    }
}

impl From<Restore> for RestoreFacts {
    fn from(restore: Restore) -> Self {
        let Restore { size, backed_up_s, at_s, forked, awaited, heard, .. } = restore;
        let Restore { shown_size, shown_nano_rho, accounted_nano_rho, resumed, .. } = restore;
        let time = |second| Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            size,
            backed_up: time(backed_up_s),
            at: time(at_s),
            forked,
            awaited,
            heard,
            shown_size,
            shown_nano_rho,
            accounted_nano_rho,
            resumed,
        }
    }
}
