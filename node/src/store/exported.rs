//! What the log says of a copy of itself that was made for an auditor.

use serde::{Deserialize, Serialize};
use sumac_policy::Sha256;

use super::text;

/// A copy of the log, this record included, was made for a party that the MOU lets have one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// The party.
    pub party: String,
    /// The MOU that says so.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
}
