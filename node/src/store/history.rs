//! The log's records, one after the other, for whoever tells people about them.

use std::path::Path;

use jiff::Timestamp;
use sumac_policy::TableKey;

use super::error::StoreError;
use super::exported::Exported;
use super::held::{Approved, HeldQuestion, Rejected};
use super::ledger::LOG;
use super::pause::{PauseEnded, Paused};
use super::record::{
    Asked, Charged, Event, Import, Left, MouInForce, NarrowInForce, Record, ReleaseName, Started,
};
use super::restoration::{LostCharge, Recovered, Restored, Resumed, Stopped};
use super::scan::{self, Acknowledged, Stretch};

/// A record, as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub seq: u64,
    /// When the node's clock said that it happened.
    pub at: Timestamp,
    /// What happened.
    pub what: What,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// The node started.
    Started(Started),
    /// An MOU came into force.
    Mou(MouInForce),
    /// Another addendum holds, or none any more.
    Narrow(NarrowInForce),
    /// Data was imported.
    Import(Import),
    /// A question was asked.
    Asked(Asked),
    /// A table was paid for.
    Charged(Payment),
    /// A table was released.
    Released {
        /// The table.
        table: TableKey,
        /// Its revision.
        revision: u32,
    },
    /// A lost release came back from a receipt: it is paid for and released.
    Recovered(Payment),
    /// An asker showed that this is not the log that it saw.
    Stopped(Stopped),
    /// The log up to here comes from a backup.
    Restored(Restored),
    /// What was lost is accounted for.
    Resumed(Resumed),
    /// Releases were deleted.
    Purged(Vec<ReleaseName>),
    /// The operator stopped the node for a while.
    Paused(Paused),
    /// The operator let it go on.
    PauseEnded,
    /// A question was put before the stewards.
    Held(HeldQuestion),
    /// A steward approved one.
    Approved(Approved),
    /// A steward rejected one.
    Rejected(Rejected),
    /// A copy of the log was made for a party that may audit.
    Exported(Exported),
    /// This party has left.
    Left(Left),
    /// Something that costs nothing and releases nothing.
    Other,
}

/// A charge, as it is told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The table.
    pub table: TableKey,
    /// Its revision; 0 is the first measurement.
    pub revision: u32,
    /// The accounting year that paid.
    pub year: String,
    /// The price in nano-ρ.
    pub price_nano_rho: u64,
    /// What the year might spend, in nano-ρ; 0 where that was lost.
    pub budget_nano_rho: u64,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
}

/// Reads the ledger in `dir` up to its last whole batch, while a node may be serving from it. Changes nothing.
///
/// # Errors
/// No ledger there, a newer format, a damaged record.
pub fn history(dir: &Path) -> Result<Vec<Entry>, StoreError> {
    let mut entries = Vec::new();
    let all = Stretch { from: Acknowledged::NOTHING, to: None, known: true };
    scan::walk(&dir.join(LOG), &all, |batch| {
        entries.extend(batch.records.into_iter().map(|placed| Entry::from(placed.record)));
        Ok(())
    })?;
    Ok(entries)
}

impl From<Record> for Entry {
    fn from(record: Record) -> Self {
        let Record { seq, at, salt: _, event } = record;
        let what = match event {
            Event::Started(started) => What::Started(started),
            Event::Mou(mou) => What::Mou(mou),
            Event::Narrow(narrow) => What::Narrow(narrow),
            Event::Paused(paused) => What::Paused(paused),
            Event::PauseEnded(PauseEnded {}) => What::PauseEnded,
            Event::Held(held) => What::Held(held),
            Event::Approved(approved) => What::Approved(approved),
            Event::Rejected(rejected) => What::Rejected(rejected),
            Event::Exported(exported) => What::Exported(exported),
            Event::Left(left) => What::Left(left),
            Event::Import(import) => What::Import(import),
            Event::Asked(asked) => What::Asked(asked),
            Event::Charged(charged) => What::Charged(charged.into()),
            Event::Released(released) => {
                What::Released { table: released.table, revision: released.revision }
            }
            Event::Recovered(recovered) => What::Recovered(recovered.into()),
            Event::Stopped(stopped) => What::Stopped(stopped),
            Event::Restored(restored) => What::Restored(restored),
            Event::Resumed(resumed) => What::Resumed(resumed),
            Event::Purged(purged) => What::Purged(purged.releases),
            _ => What::Other,
        };
        Self { seq, at, what }
    }
}

impl From<Recovered> for Payment {
    fn from(recovered: Recovered) -> Self {
        let Recovered { table, revision, charge, .. } = recovered;
        let LostCharge { year, price_nano_rho, left_nano_rho: _, kpi, period, breakdown, .. } =
            charge;
        // What the year might spend then is not known any more.
        let budget_nano_rho = 0;
        Self { table, revision, year, price_nano_rho, budget_nano_rho, kpi, period, breakdown }
    }
}

impl From<Charged> for Payment {
    fn from(charged: Charged) -> Self {
        let Charged { table, revision, year, price_nano_rho, budget_nano_rho, .. } = charged;
        let Charged { kpi, period, breakdown, .. } = charged;
        Self { table, revision, year, price_nano_rho, budget_nano_rho, kpi, period, breakdown }
    }
}
