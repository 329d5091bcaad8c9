//! Later measurements of a table, and tables added up from a released one.

use jiff::Timestamp;
use sumac_policy::{Margin, TableKey};

use super::error::StoreError;
use super::ledger::Store;
use super::writer::Request;

/// What the ledger holds of a table that was paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The last measurement that was paid for; 0 is the first.
    pub revision: u32,
    /// The margin that was paid for.
    pub margin: Margin,
    /// How far it came.
    pub state: HeldState,
}

/// How far a measurement came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeldState {
    /// Paid for, and not released.
    Charged,
    /// It may have been released, and the release was lost with a disk: nobody is answered before a new measurement.
    Lost,
    /// Released: every ask gets these bytes.
    Released(Vec<u8>),
    /// Released, and the release was deleted since.
    Purged,
    /// The operator ordered the next one: the next ask pays for it.
    RemeasureOrdered,
}

/// A new measurement to be ordered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemeasureOrder {
    /// The table.
    pub table: TableKey,
    /// The margin that it will be measured at.
    pub margin: Margin,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
    /// Why, in the operator's words.
    pub because: String,
    /// The time now.
    pub at: Timestamp,
}

/// What came of ordering a new measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ordering {
    /// On disk; the next ask pays for this revision.
    Ordered {
        /// The revision.
        revision: u32,
    },
    /// Ordered before, and not asked for since.
    Already {
        /// The revision.
        revision: u32,
    },
    /// There is no release to correct.
    NeverReleased,
}

/// The last time that a table was added up from another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Derivation {
    /// How often it had been added up before.
    pub revision: u32,
    /// The table whose cells were added.
    pub from: TableKey,
    /// That table's revision.
    pub from_revision: u32,
    /// The signed release; none once it was deleted.
    pub body: Option<Vec<u8>>,
}

/// A table that was added up, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeriveRequest {
    /// The table.
    pub table: TableKey,
    /// How often it was added up before, as the release states.
    pub revision: u32,
    /// The table whose cells were added.
    pub from: TableKey,
    /// That table's revision.
    pub from_revision: u32,
    /// The signed release.
    pub body: Vec<u8>,
    /// The time now.
    pub at: Timestamp,
}

impl Store {
    /// What is held of a table; none if it was never paid for.
    ///
    /// # Errors
    /// A ledger that could not be written or read.
    pub async fn held(&self, table: &TableKey) -> Result<Option<Held>, StoreError> {
        self.ask(|reply| Request::Held(*table, reply)).await
    }

    /// Orders a new measurement. What comes back is on disk; nothing is spent before the table is asked for.
    ///
    /// # Errors
    /// Words that are too long; a ledger that could not be written.
    pub async fn order_remeasure(&self, order: RemeasureOrder) -> Result<Ordering, StoreError> {
        self.ask(|reply| Request::Remeasure(order, reply)).await
    }

    /// The last time that a table was added up.
    ///
    /// # Errors
    /// A ledger that could not be written or read.
    pub async fn derivation(&self, table: &TableKey) -> Result<Option<Derivation>, StoreError> {
        self.ask(|reply| Request::Derivation(*table, reply)).await
    }

    /// Keeps a table that was added up, and returns the bytes to send: those kept before, if it had been
    /// added up from the same release.
    ///
    /// # Errors
    /// A source that is not released; a body that is too long; a ledger that could not be written or read.
    pub async fn keep_derived(&self, request: DeriveRequest) -> Result<Vec<u8>, StoreError> {
        self.ask(|reply| Request::Derive(request, reply)).await
    }
}
