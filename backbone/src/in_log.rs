//! What a node shows of its log: a head that it sealed, and a release's record below it.

use serde::Deserialize;
use sumac_keys::{Seal, Trust, seal};
use sumac_policy::{PartyId, Peer, TableKey};
use sumac_protocol::{
    LogHead, ProofError, RecordedRelease, SignedHead, SignedRelease, release_commitment,
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
    let (Event::Released(stated) | Event::Derived(stated)) = event;
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
}

#[derive(Deserialize)]
struct Stated {
    table: String,
    revision: u32,
    commitment: String,
}
