//! What the log says: one record for each thing that happened.
//!
//! A record is JSON with a fixed order of fields. It is canonical: decoding and encoding again gives the
//! same bytes, or the record is refused. No record holds a row count, a value or an unkeyed hash of data; what was
//! released lies beside the log, and its record binds it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::exported::Exported;
use super::held::{Approved, HeldQuestion, Rejected};
use super::pause::{PauseEnded, Paused};
use super::restoration::{Heard, Recovered, RecoveredDerived, Restored, Resumed, Stopped};
use super::text;

mod agreement;
mod table;
#[cfg(test)]
mod tests;

pub use agreement::{Exit, Left, MouInForce, NarrowInForce};
pub use table::{Asked, ReleaseName};
pub(super) use table::{Charged, Derived, Purged, Released, Remeasure};

/// One thing that happened, in its place in the one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    /// Its place: 0 for the first record, then one more each time.
    pub(super) seq: u64,
    /// When the node's clock said that it happened. The clock may be wrong; `seq` is the order.
    #[serde(with = "text::printed")]
    pub(super) at: Timestamp,
    /// 32 random bytes, so that a hash of the record gives nothing away about its text.
    #[serde(with = "text::hexadecimal")]
    pub(super) salt: [u8; 32],
    /// What happened.
    pub(super) event: Event,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// The node started.
    Started(Started),
    /// An MOU came into force.
    Mou(MouInForce),
    /// Data was imported and frozen.
    Import(Import),
    /// A question was asked, and this is what came of it.
    Asked(Asked),
    /// A table was paid for. On disk before a record is read.
    Charged(Charged),
    /// A table was released: from now on every ask of it gets these bytes.
    Released(Released),
    /// The operator ordered a new measurement of a table.
    Remeasure(Remeasure),
    /// A table that the MOU does not list was added up from a released one. Nothing was spent.
    Derived(Derived),
    /// Who signs the heads from here on.
    Signer(Signer),
    /// An asker showed a head that this log does not continue. From here on nothing is answered.
    Stopped(Stopped),
    /// The log up to here comes from a backup.
    Restored(Restored),
    /// A release that this log had lost came back from an asker's receipt.
    Recovered(Recovered),
    /// The same of a table that had been added up.
    RecoveredDerived(RecoveredDerived),
    /// A party that asks has shown what it holds of the history that was lost.
    Heard(Heard),
    /// What was lost is accounted for, and the node answers again.
    Resumed(Resumed),
    /// Releases older than the MOU keeps them are to be deleted. On disk before they are.
    Purged(Purged),
    /// Another addendum to the MOU holds at this node, or none any more.
    Narrow(NarrowInForce),
    /// Another party has left the agreement: it is no peer from its day on.
    Exit(Exit),
    /// This party has left: every question is refused from here on.
    Left(Left),
    /// The operator stopped the node for a while.
    Paused(Paused),
    /// The operator let it go on.
    PauseEnded(PauseEnded),
    /// A question was put before the node's stewards.
    Held(HeldQuestion),
    /// A steward approved it.
    Approved(Approved),
    /// A steward rejected it.
    Rejected(Rejected),
    /// A copy of the log up to here was made for a party that may audit. On disk before the copy is.
    Exported(Exported),
}

/// What may be noted without spending anything. Charges and releases have their own ways in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// The node started.
    Started(Started),
    /// An MOU came into force.
    Mou(MouInForce),
    /// Data was imported and frozen.
    Import(Import),
    /// A question was asked, and this is what came of it.
    Asked(Asked),
    /// An asker showed a head that this log does not continue.
    Stopped(Stopped),
    /// The log up to here comes from a backup.
    Restored(Restored),
    /// A party that asks has shown what it holds of the history that was lost.
    Heard(Heard),
    /// What was lost is accounted for, and the node answers again.
    Resumed(Resumed),
    /// Another addendum to the MOU holds at this node, or none any more.
    Narrow(NarrowInForce),
    /// Another party has left the agreement.
    Exit(Exit),
    /// This party has left the agreement.
    Left(Left),
    /// The operator stopped the node for a while.
    Paused(Paused),
    /// The operator let it go on.
    PauseEnded(PauseEnded),
    /// A copy of the log was made for a party that may audit.
    Exported(Exported),
}

/// The node started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Started {
    /// Name and version of the software.
    pub software: String,
}

/// A snapshot: data frozen by an import, as the operator stated it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Import {
    /// The snapshot's name.
    pub snapshot: String,
    /// Keyed hash of the data; without the node's secret it says nothing about the data.
    #[serde(with = "text::hexadecimal")]
    pub commitment: [u8; 32],
    /// The day the data was taken from its source, such as `2026-08-01`.
    pub as_of: String,
    /// The periods it covers, as they are written in an MOU.
    pub covers: Vec<String>,
}

/// The certificates of the key that signs the heads, from the head after this record on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Signer {
    /// In DER, the signer's own first.
    #[serde(with = "text::hexadecimals")]
    pub(super) chain: Vec<Vec<u8>>,
}

/// Bytes that are no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Not a record that this version knows.
    #[error("the record is not one that this version of sumac knows: {0}")]
    Malformed(String),
    /// It says what it says in another spelling than ours.
    #[error("the record is not in canonical form")]
    NotCanonical,
}

impl Record {
    /// The canonical bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self)
            .expect("a record holds only texts, whole numbers and lists of them")
    }

    /// When the release that the record names was made; of another record, when it happened.
    pub(super) fn made(&self) -> Timestamp {
        match &self.event {
            Event::Recovered(recovered) => recovered.made,
            Event::RecoveredDerived(recovered) => recovered.made,
            _ => self.at,
        }
    }

    /// Reads canonical bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let record: Self = serde_json::from_slice(bytes)
            .map_err(|error| RecordError::Malformed(error.to_string()))?;
        if record.encode() != bytes {
            return Err(RecordError::NotCanonical);
        }
        Ok(record)
    }
}

impl From<Note> for Event {
    fn from(note: Note) -> Self {
        match note {
            Note::Started(started) => Self::Started(started),
            Note::Mou(mou) => Self::Mou(mou),
            Note::Import(import) => Self::Import(import),
            Note::Asked(asked) => Self::Asked(asked),
            Note::Stopped(stopped) => Self::Stopped(stopped),
            Note::Restored(restored) => Self::Restored(restored),
            Note::Heard(heard) => Self::Heard(heard),
            Note::Resumed(resumed) => Self::Resumed(resumed),
            Note::Narrow(narrow) => Self::Narrow(narrow),
            Note::Exit(exit) => Self::Exit(exit),
            Note::Left(left) => Self::Left(left),
            Note::Paused(paused) => Self::Paused(paused),
            Note::PauseEnded(ended) => Self::PauseEnded(ended),
            Note::Exported(exported) => Self::Exported(exported),
        }
    }
}
