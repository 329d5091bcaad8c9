//! What the log says of the agreement: the version in force, the party's addendum, who has left.

use serde::{Deserialize, Serialize};
use sumac_policy::Sha256;

use crate::store::text;

/// The MOU that the node follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MouInForce {
    /// Its identity.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
    /// The agreement's id, the same in every version.
    pub agreement: String,
    /// Its version, from 1.
    pub version: u32,
}

/// The party's own addendum to the MOU.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NarrowInForce {
    /// SHA-256 of the file; none if there is none.
    #[serde(with = "text::printed_or_none")]
    pub narrow: Option<Sha256>,
    /// What it takes away, in words.
    pub words: Vec<String>,
}

/// Another party's exit, as its own root signed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exit {
    /// Who has left.
    pub party: String,
    /// From which day on, such as `2026-11-24`.
    pub on: String,
    /// The MOU in force that day.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
}

/// This party's exit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The day, such as `2026-11-24`.
    pub on: String,
    /// Why, in the operator's words.
    pub because: String,
    /// The MOU that was left.
    #[serde(with = "text::printed")]
    pub mou: Sha256,
}
