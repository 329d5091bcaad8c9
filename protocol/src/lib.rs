//! `sumac.v1` on the wire, and its conversions. Wire types stop here.
//!
//! Everything that arrives is parsed once, bounded, into a value of the domain: [`Ask`], [`PreviewAsk`],
//! [`Answered`], [`Release`], [`Description`]. Each conversion takes its message apart field by field, so that a
//! new field does not compile until somebody has decided what it means. What is absent means no.
//!
//! A [`Release`] is signed as encoded once by its node, and those bytes are carried on unchanged; nobody
//! encodes it a second time. [`status`] is the one place where a refusal becomes a gRPC status.

mod answer;
mod ask;
mod describe;
mod evidence;
mod field;
mod held;
mod limits;
mod log_head;
mod papers;
mod preview;
mod question;
mod recover;
mod refusal;
mod release;
pub mod status;

/// The generated messages, client and server of `sumac.v1`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub mod wire {
    tonic::include_proto!("sumac.v1");
}

pub use answer::{
    Answer, Answered, SignedRelease, SupportId, SupportIdError, ask_response, read_ask_response,
};
pub use ask::{Ask, RequestId, RequestIdError, ask_request};
pub use describe::{Description, SnapshotFacts};
pub use evidence::{RecordedRelease, release_commitment};
pub use field::WireError;
pub use held::{
    DecideHeld, Decision, HeldFacts, MAX_HELD, decide_held_request, decide_held_response,
    list_held_request, list_held_response, read_decide_held_response, read_list_held_request,
    read_list_held_response,
};
pub use limits::{
    MAX_ANSWER_BYTES, MAX_BREAKDOWN, MAX_CELLS, MAX_CHAIN, MAX_MESSAGE_BYTES, MAX_RECORD_BYTES,
    MAX_ROSTER, MAX_TABLES_PER_CALL, MAX_TEXT,
};
pub use log_head::{Consistency, Inclusion, LogHead, ProofError, SignedHead};
pub use papers::{Files, mou_papers, read_leave, read_mou_papers, read_proposal, read_proposals};
pub use preview::{Preview, PreviewAsk, preview_request, preview_response, read_preview_response};
pub use recover::{
    KeptRelease, Recover, Recovering, RecoveryOutcome, RestoredLog, read_recover_response,
    recover_greeting, recover_requests,
};
pub use release::{DerivedFrom, Mechanism, Release, ReleaseFacts, Withheld};
pub use status::CallError;
