//! The charge: proof that a table is paid for and that the payment is on disk.

use jiff::Timestamp;
use sumac_policy::{Margin, Sha256, Span, TableKey};

use super::book::Paid;
use super::held::Leave;

/// Proof that a table is paid for. Leaves the store only after the record of it has been synced, and is used
/// up by settling, so that nothing is counted or released without one.
#[derive(Debug, PartialEq, Eq)]
pub struct Charge {
    table: TableKey,
    revision: u32,
    year: String,
    margin: Margin,
    price_nano_rho: u64,
    left_nano_rho: u64,
}

/// A table to be paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChargeRequest {
    /// The table.
    pub table: TableKey,
    /// The accounting year whose budget pays, as the MOU writes it.
    pub year: String,
    /// That year's first and last day. What was spent in any year that has a day in common with it counts
    /// against its budget, so that years that begin on another day open no budget anew.
    pub span: Span,
    /// The margin to measure at. One that is wider than what was paid for before is as good.
    pub margin: Margin,
    /// What may be spent in that year, in nano-ρ.
    pub budget_nano_rho: u64,
    /// The price in nano-ρ; zero is refused.
    pub price_nano_rho: u64,
    /// The snapshot it will be measured on.
    pub snapshot: String,
    /// The MOU that allows it.
    pub mou: Sha256,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
    /// Whose leave it needs.
    pub leave: Leave,
    /// The time now.
    pub at: Timestamp,
}

/// What came of asking for a charge.
#[derive(Debug, PartialEq, Eq)]
pub enum Charging {
    /// Paid for just now.
    New(Charge),
    /// Paid for before and not released yet: the same charge, at its own price; nothing was spent again.
    Resumed(Charge),
    /// Released before: the same bytes, free.
    Released(Vec<u8>),
    /// Perhaps released before, and lost since: not until it is remeasured.
    Lost,
    /// Paid for before, at a margin wider than the one asked for: not until it is remeasured.
    TooWide {
        /// The margin that was paid for.
        margin: Margin,
    },
    /// Released before, and the release was deleted since: not until it is remeasured.
    Purged,
    /// It needs an approval that it does not have; nothing was written.
    NotApproved,
    /// The year's budget has no room for it; nothing was written.
    Spent {
        /// The year's budget, in nano-ρ.
        budget_nano_rho: u64,
        /// What was spent of it, in nano-ρ.
        spent_nano_rho: u64,
        /// What the table costs, in nano-ρ.
        price_nano_rho: u64,
    },
}

impl Charge {
    /// The charge that the book holds for a table's last measurement. The writer alone calls this, and lets
    /// go of it after the sync.
    pub(super) fn held(table: TableKey, revision: u32, paid: &Paid) -> Self {
        let Paid { year, margin, price_nano_rho, left_nano_rho, .. } = paid;
        Self {
            table,
            revision,
            year: year.clone(),
            margin: *margin,
            price_nano_rho: *price_nano_rho,
            left_nano_rho: *left_nano_rho,
        }
    }

    /// The table paid for.
    pub fn table(&self) -> TableKey {
        self.table
    }

    /// The table's revision; 0 is the first measurement.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// The accounting year that paid.
    pub fn year(&self) -> &str {
        &self.year
    }

    /// The margin that was paid for, at which the table is measured.
    pub fn margin(&self) -> Margin {
        self.margin
    }

    /// What was paid, in nano-ρ. A resumed charge keeps the price it was made at.
    pub fn price_nano_rho(&self) -> u64 {
        self.price_nano_rho
    }

    /// What was left of the year's budget once this was charged, in nano-ρ.
    pub fn left_nano_rho(&self) -> u64 {
        self.left_nano_rho
    }
}
