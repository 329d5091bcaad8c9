//! What the log says of a node that its operator stopped for a while.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::Suspension;

use super::text;

/// The operator stopped the node for a while: it answers nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paused {
    /// Why, in the operator's words; told to whoever asks.
    pub because: String,
    /// Its last day, in UTC; none: until the operator lets it go on.
    #[serde(with = "text::printed_or_none")]
    pub until: Option<Date>,
}

/// The operator let the node go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PauseEnded {}

impl From<Paused> for Suspension {
    fn from(Paused { because, until }: Paused) -> Self {
        Self { because, until }
    }
}
