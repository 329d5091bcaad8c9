//! What a node shows of its log: a head that it sealed, and a release's record below it.

use jiff::Timestamp;
use serde::Deserialize;
use sumac_keys::{Seal, Trust, seal};
use sumac_policy::{PartyId, Peer, TableKey};
use sumac_protocol::{
    LogHead, ProofError, RecordedRelease, RestoredLog, SignedHead, SignedRelease,
    release_commitment,
};

use crate::verify::in_words;

/// Why what a node shows of its log shows nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotShown {
    /// The head's seal does not hold.
    #[error("the head of the log is not sealed by the node: {0}")]
    Head(String),
    /// Another party sealed the head.
    #[error("the head of the log is sealed by `{found}`, not by `{ours}`")]
    HeadOfAnother {
        /// Who sealed it.
        found: PartyId,
        /// Whose release it is.
        ours: PartyId,
    },
    /// The bytes are no record of a release.
    #[error("what is shown of the log is not the record of a release: {0}")]
    NotARecord(String),
    /// A record of something else.
    #[error("the record shown is not of this release: it has another {0}")]
    OtherRecord(&'static str),
    /// The proof does not lead from the record to the head.
    #[error("the log does not hold the record: {0}")]
    NotHeld(ProofError),
}

/// Who sealed a head; the certificate is judged as of the head's own time.
pub(crate) fn judge_head(
    trust: &Trust,
    party: &PartyId,
    signed: &SignedHead,
) -> Result<Peer, NotShown> {
    let SignedHead { head, signature, chain } = signed;
    let seal = Seal { signature: signature.clone(), chain: chain.clone() };
    let node = seal::verify_head(&seal, &head.canonical_bytes(), trust, head.at)
        .map_err(|error| NotShown::Head(in_words(&error)))?;
    if node.party() != party {
        return Err(NotShown::HeadOfAnother { found: node.party().clone(), ours: party.clone() });
    }
    Ok(node)
}

/// Holds a release against the record of it, and the record against the head.
pub(crate) fn judge_record(
    table: &TableKey,
    revision: u32,
    release: &SignedRelease,
    recorded: &RecordedRelease,
    head: &LogHead,
) -> Result<(), NotShown> {
    let Record { seq, salt, event } = serde_json::from_slice(&recorded.record)
        .map_err(|error| NotShown::NotARecord(error.to_string()))?;
    let (Event::Released(stated)
    | Event::Derived(stated)
    | Event::Recovered(stated)
    | Event::RecoveredDerived(stated)) = event;
    let salt = hex::decode(&salt).ok().and_then(|salt| <[u8; 32]>::try_from(salt).ok());
    let commitment = salt.map(|salt| release_commitment(&salt, &release.to_bytes()).to_string());
    for (what, same) in [
        ("position", seq == recorded.inclusion.seq),
        ("table", stated.table == table.to_string()),
        ("revision", stated.revision == revision),
        ("content", commitment.as_ref() == Some(&stated.commitment)),
    ] {
        if !same {
            return Err(NotShown::OtherRecord(what));
        }
    }
    recorded.inclusion.verify(&recorded.record, head).map_err(NotShown::NotHeld)
}

/// A node's restore from a backup, as its log records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restore {
    /// Records in the backup.
    pub(crate) size: u64,
    /// When it was restored, as the node says.
    pub(crate) at: Timestamp,
}

/// What a node shows of its restore, if that explains why its log, as shown now, does not continue the head that was
/// kept: its sealed head is over the record of it, and over the backup that this names, which is shorter than what
/// was kept, or says of itself that it parts from that.
pub(crate) fn judge_restored(
    log: &RestoredLog,
    kept: &SignedHead,
    shown: &SignedHead,
) -> Option<Restore> {
    let RestoredLog { record, inclusion, consistency } = log;
    let RestoreRecord { seq, at, event } = serde_json::from_slice(record).ok()?;
    let RestoreEvent::Restored(Backup { size, root, forked }) = event;
    let root = root.parse().ok()?;
    let backup = LogHead { size, root, at: shown.head.at, spent_nano_rho: 0 };
    let holds = seq == size
        && inclusion.seq == size
        && (forked || size < kept.head.size)
        && inclusion.verify(record, &shown.head).is_ok()
        && consistency.verify(&backup, &shown.head).is_ok();
    holds.then_some(Restore { size, at: at.parse().ok()? })
}

#[derive(Deserialize)]
struct RestoreRecord {
    seq: u64,
    at: String,
    event: RestoreEvent,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RestoreEvent {
    Restored(Backup),
}

#[derive(Deserialize)]
struct Backup {
    size: u64,
    root: String,
    forked: bool,
}

/// What an asker reads of a record; `docs/ledger.md` has all of it.
#[derive(Deserialize)]
struct Record {
    seq: u64,
    salt: String,
    event: Event,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Event {
    Released(Stated),
    Derived(Stated),
    /// Lost in a restore, and given back by an asker.
    Recovered(Stated),
    RecoveredDerived(Stated),
}

#[derive(Deserialize)]
struct Stated {
    table: String,
    revision: u32,
    commitment: String,
}
