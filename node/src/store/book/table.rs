//! What a book knows of one table.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, TableKey};

use crate::store::held::Judged;
use crate::store::text;

/// What is known of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct TableState {
    /// Each measurement that was paid for, from revision 0; only the last one is answered with.
    pub(in crate::store) paid: Vec<Paid>,
    /// Whether the operator ordered the next one, which is not paid for yet.
    pub(in crate::store) remeasure: bool,
    /// Each time it was added up from another table, from 0; only the last one is answered with.
    pub(in crate::store) derived: Vec<Derivation>,
    /// Each time that it was put before the stewards; only the last one counts.
    pub(in crate::store) held: Vec<Judged>,
}

/// A measurement that was paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Paid {
    /// The accounting year that paid.
    pub(in crate::store) year: String,
    #[serde(with = "text::printed")]
    pub(in crate::store) year_first: Date,
    #[serde(with = "text::printed")]
    pub(in crate::store) year_last: Date,
    /// The margin paid for.
    #[serde(with = "text::margin")]
    pub(in crate::store) margin: Margin,
    /// What it cost, in nano-ρ.
    pub(in crate::store) price_nano_rho: u64,
    /// What was left of the year's budget after it, in nano-ρ.
    pub(in crate::store) left_nano_rho: u64,
    /// Where in the log its release is, once there is one.
    pub(in crate::store) release_at: Option<u64>,
    /// Whether its answer was lost with a disk. The price is 0 where nobody knows whether it was paid for.
    pub(in crate::store) lost: bool,
    /// Whether that release was deleted.
    pub(in crate::store) purged: bool,
}

/// A table added up from another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Derivation {
    /// The table whose cells were added.
    #[serde(with = "text::table")]
    pub(in crate::store) from: TableKey,
    /// That table's revision.
    pub(in crate::store) from_revision: u32,
    /// Where in the log its release is.
    pub(in crate::store) release_at: u64,
    /// Whether it came back from a receipt; then its source may be lost.
    pub(in crate::store) recovered: bool,
    /// Whether that release was deleted.
    pub(in crate::store) purged: bool,
}

impl TableState {
    /// The last measurement that was paid for, and its revision.
    pub(in crate::store) fn last(&self) -> Option<(u32, &Paid)> {
        let revision = number(self.paid.len()).checked_sub(1)?;
        self.paid.last().map(|paid| (revision, paid))
    }

    /// The measurement that answers: the last, unless a new one is ordered.
    pub(in crate::store) fn standing(&self) -> Option<(u32, &Paid)> {
        if self.remeasure { None } else { self.last() }
    }

    /// The last time it was added up, and how often it had been before.
    pub(in crate::store) fn last_derived(&self) -> Option<(u32, &Derivation)> {
        let revision = number(self.derived.len()).checked_sub(1)?;
        self.derived.last().map(|derivation| (revision, derivation))
    }
}

/// More measurements than fit are beyond any budget.
pub(super) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
