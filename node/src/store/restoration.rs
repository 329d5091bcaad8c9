//! What the log says of a stop, of a restore, and of what came back after one.
//!
//! A log that comes from a backup has lost what was charged and released since. Its askers have not: they keep the
//! node's signed heads, which say how much was charged, and receipts of what was released. `docs/backup.md` tells
//! how the node uses them before it answers again.

mod calls;
#[cfg(test)]
pub(super) mod testing;
mod witness;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, Sha256, TableKey};

use super::text;

pub use calls::{LostRelease, LostWhat, Recovery, Restoration, RestoreFacts, RestoredRecord};
pub use witness::{Witnessed, witnessed};

/// An asker showed a head that this node signed and that its log does not continue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stopped {
    /// Who showed it, as the certificate says.
    pub peer: String,
    /// Records below that head.
    pub size: u64,
    /// Its root.
    #[serde(with = "text::printed")]
    pub root: Sha256,
}

/// The log up to here comes from a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restored {
    /// Records in the backup: the place of this record.
    pub size: u64,
    /// The root of their tree.
    #[serde(with = "text::printed")]
    pub root: Sha256,
    /// The latest time of any of them, in whole seconds.
    #[serde(with = "text::printed")]
    pub backed_up: Timestamp,
    /// All that they charge, in nano-ρ.
    pub spent_nano_rho: u64,
    /// Whether the backup was found out before to be another log than its askers saw: then nobody knows where the two
    /// part.
    pub forked: bool,
    /// The parties that may ask: the node answers nothing before each of them was heard.
    pub awaited: Vec<String>,
}

/// A release that was lost, and came back from an asker's receipt. It counts as a charge and a release; only as a
/// release where the charge was not lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Recovered {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// The revision that this is the answer of.
    pub(super) revision: u32,
    /// What binds the release: `release_commitment` of the record's salt and the release.
    #[serde(with = "text::printed")]
    pub(super) commitment: Sha256,
    /// Its record's place in the history that was lost.
    pub(super) position: u64,
    /// Who showed the receipt.
    pub(super) peer: String,
    /// When the release was made, as it states.
    #[serde(with = "text::printed")]
    pub(super) made: Timestamp,
    /// What was paid, as the release states.
    pub(super) charge: LostCharge,
}

/// A charge that was lost, as the release that it paid for states it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostCharge {
    /// The accounting year that paid.
    pub year: String,
    /// That year's first day.
    #[serde(with = "text::printed")]
    pub year_first: Date,
    /// That year's last day.
    #[serde(with = "text::printed")]
    pub year_last: Date,
    /// The margin paid for.
    #[serde(with = "text::margin")]
    pub margin: Margin,
    /// The price in nano-ρ; never zero.
    pub price_nano_rho: u64,
    /// What was left of the year's budget after it, in nano-ρ.
    pub left_nano_rho: u64,
    /// The MOU that allowed it.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
}

/// A table that was added up from another one, was lost, and came back from an asker's receipt. Nothing was spent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecoveredDerived {
    /// The table.
    #[serde(with = "text::table")]
    pub(super) table: TableKey,
    /// How often it was added up anew before.
    pub(super) revision: u32,
    /// The table whose cells were added; it may be lost itself.
    #[serde(with = "text::table")]
    pub(super) from: TableKey,
    /// That table's revision.
    pub(super) from_revision: u32,
    /// As of a release that was measured.
    #[serde(with = "text::printed")]
    pub(super) commitment: Sha256,
    /// Its record's place in the history that was lost.
    pub(super) position: u64,
    /// Who showed the receipt.
    pub(super) peer: String,
    /// When the table was added up, as the release states.
    #[serde(with = "text::printed")]
    pub(super) made: Timestamp,
}

/// A party that asks has shown the last head and every receipt that it keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Heard {
    /// The party.
    pub party: String,
    /// Who spoke for it, as the certificate says.
    pub peer: String,
    /// Records below the head that it keeps; 0 if it keeps none.
    pub size: u64,
    /// All that this head says was charged, in nano-ρ.
    pub spent_nano_rho: u64,
}

/// What was lost is accounted for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resumed {
    /// The parties that were not heard.
    pub without: Vec<String>,
    /// Why not, in the operator's words; empty if all were heard.
    pub because: String,
    /// What counts as spent although no release of it came back, in nano-ρ.
    pub lost_nano_rho: u64,
    /// The years that it counts against: all of it against each, since nobody knows which of them paid.
    pub years: Vec<LostYear>,
    /// The tables that may have been measured, and whose answer is not known.
    pub tables: Vec<LostTable>,
}

/// An accounting year with a day between the backup and the restore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostYear {
    /// As the MOU writes it.
    pub year: String,
    /// Its first day.
    #[serde(with = "text::printed")]
    pub year_first: Date,
    /// Its last day.
    #[serde(with = "text::printed")]
    pub year_last: Date,
}

/// A table that is not answered before it is measured anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostTable {
    /// The table.
    #[serde(with = "text::table")]
    pub table: TableKey,
    /// The revision whose answer is not known.
    pub revision: u32,
    /// The margin that the MOU asks for.
    #[serde(with = "text::margin")]
    pub margin: Margin,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
}

/// Whether a log may be answered from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the one that its askers saw.
    Itself,
    /// It is not, and nothing is answered.
    Stopped(Stopped),
    /// It comes from a backup, and these parties are still to be heard.
    Restored(Waiting),
}

/// A restored log that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Records in the backup.
    pub size: u64,
    /// The parties still to be heard, in the order of the MOU. None: the account is about to be closed.
    pub awaited: Vec<String>,
    /// Those that were heard.
    pub heard: Vec<String>,
}
