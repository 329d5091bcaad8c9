//! What the log says of tables: asked for, paid for, released, to be measured anew, added up, deleted.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::{Margin, Sha256, TableKey};

use crate::store::text;

/// A question and its outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asked {
    /// The asker's own name for the call.
    pub request_id: String,
    /// Who asked, as the certificate says.
    pub peer: String,
    /// The table, or none where the question did not name one.
    #[serde(with = "text::table_or_none")]
    pub table: Option<TableKey>,
    /// The KPI asked for.
    pub kpi: String,
    /// The period asked for.
    pub period: String,
    /// The dimensions asked for; none is the total.
    pub breakdown: Vec<String>,
    /// The purpose given.
    pub purpose: String,
    /// `RELEASED`, `DERIVED`, `REPEATED`, or the code of the refusal.
    pub outcome: String,
}

/// A table paid for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Charged {
    /// The table.
    #[serde(with = "text::table")]
    pub(in crate::store) table: TableKey,
    /// The table's revision; 0 is the first measurement.
    pub(in crate::store) revision: u32,
    /// The accounting year whose budget pays, as the MOU writes it.
    pub(in crate::store) year: String,
    /// That year's first day.
    #[serde(with = "text::printed")]
    pub(in crate::store) year_first: Date,
    /// That year's last day.
    #[serde(with = "text::printed")]
    pub(in crate::store) year_last: Date,
    /// The margin paid for: the table is measured at it, whenever that is.
    #[serde(with = "text::margin")]
    pub(in crate::store) margin: Margin,
    /// The price in nano-ρ; never zero.
    pub(in crate::store) price_nano_rho: u64,
    /// What the year may spend, as the MOU says, in nano-ρ.
    pub(in crate::store) budget_nano_rho: u64,
    /// The snapshot it is measured on.
    pub(in crate::store) snapshot: String,
    /// The MOU that allows it.
    #[serde(with = "text::printed")]
    pub(in crate::store) mou: Sha256,
    /// The KPI.
    pub(in crate::store) kpi: String,
    /// The period.
    pub(in crate::store) period: String,
    /// The dimensions; none is the total.
    pub(in crate::store) breakdown: Vec<String>,
    /// The held question whose approval it has; not written where the KPI needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::store) approved: Option<u64>,
}

/// A table released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Released {
    /// The table.
    #[serde(with = "text::table")]
    pub(in crate::store) table: TableKey,
    /// The revision that this is the answer of.
    pub(in crate::store) revision: u32,
    /// Binds the signed release, which lies beside the log: SHA-256 over the record's salt and the release.
    #[serde(with = "text::printed")]
    pub(in crate::store) commitment: Sha256,
}

/// A new measurement ordered. The next ask of the table pays for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Remeasure {
    /// The table.
    #[serde(with = "text::table")]
    pub(in crate::store) table: TableKey,
    /// The revision ordered: one more than the last that was paid for.
    pub(in crate::store) revision: u32,
    /// Why, in the operator's words.
    pub(in crate::store) because: String,
    /// The KPI.
    pub(in crate::store) kpi: String,
    /// The period.
    pub(in crate::store) period: String,
    /// The dimensions; none is the total.
    pub(in crate::store) breakdown: Vec<String>,
}

/// A table added up from a released one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Derived {
    /// The table.
    #[serde(with = "text::table")]
    pub(in crate::store) table: TableKey,
    /// How often it was added up anew before.
    pub(in crate::store) revision: u32,
    /// The table whose cells were added.
    #[serde(with = "text::table")]
    pub(in crate::store) from: TableKey,
    /// That table's revision.
    pub(in crate::store) from_revision: u32,
    /// Binds the signed release, as in [`Released`].
    #[serde(with = "text::printed")]
    pub(in crate::store) commitment: Sha256,
}

/// Releases to be deleted: their tables stay paid for, and nobody is answered with them any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Purged {
    /// What was made before this was due.
    #[serde(with = "text::printed")]
    pub(in crate::store) before: Timestamp,
    /// The releases.
    pub(in crate::store) releases: Vec<ReleaseName>,
}

/// Names one release in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseName {
    /// The table, whatever its revision.
    #[serde(with = "text::table")]
    pub table: TableKey,
    /// How often it was measured or added up anew before.
    pub revision: u32,
    /// Whether it was added up from another table.
    pub derived: bool,
}
