//! Stopping a node for a while, and letting it go on. Both are records in the ledger, and hold after a restart.

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_policy::{Clause, Suspension};

use crate::node::{Node, NodeError};
use crate::release::NotReleased;
use crate::store::{Note, PauseEnded, Paused, Store, StoreError};
use crate::world::day_of;

/// Longest reason that is written down, in bytes; askers are told all of it.
const MAX_REASON: usize = 1_000;

/// Why a node is not stopped, or does not go on. For its operator.
#[derive(Debug, thiserror::Error)]
pub enum PauseError {
    /// Nothing was said, or too much.
    #[error(
        "a pause needs its reason, of at most {MAX_REASON} bytes and without control characters"
    )]
    NoReason,
    /// It would be over before it began.
    #[error("{0} is past: today is {1} in UTC")]
    Past(Date, Date),
    /// It answers already.
    #[error("this node is not paused")]
    NotPaused,
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
}

impl PauseError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoReason => "say it with --because \"…\": askers are told",
            Self::Past(..) => "name the last day of the pause, or leave --until out",
            Self::NotPaused => "`sumac status` tells where it stands",
            Self::Store(_) => "see the node's log",
        }
    }
}

/// Stops the node, or gives a pause another reason or end. On disk when this returns.
///
/// # Errors
/// Where it is not done.
pub async fn pause(store: &Store, paused: Paused, now: Timestamp) -> Result<(), PauseError> {
    let (because, today) = (&paused.because, day_of(now));
    if because.trim().is_empty()
        || because.len() > MAX_REASON
        || because.chars().any(char::is_control)
    {
        return Err(PauseError::NoReason);
    }
    if let Some(until) = paused.until.filter(|until| *until < today) {
        return Err(PauseError::Past(until, today));
    }
    Ok(store.note(Note::Paused(paused), now).await?)
}

/// Lets the node go on. On disk when this returns.
///
/// # Errors
/// Where it is not paused.
pub async fn end_pause(store: &Store, now: Timestamp) -> Result<(), PauseError> {
    in_pause(store, now).await?.ok_or(PauseError::NotPaused)?;
    Ok(store.note(Note::PauseEnded(PauseEnded {}), now).await?)
}

/// The pause that holds now.
async fn in_pause(store: &Store, now: Timestamp) -> Result<Option<Suspension>, StoreError> {
    let paused = store.paused().await?.map(Suspension::from);
    Ok(paused.filter(|paused| paused.holds_on(day_of(now))))
}

impl Node {
    /// Whether the node's operator lets it answer: even what is released is not answered in a pause.
    pub(crate) async fn is_not_paused(&self, now: Timestamp) -> Result<(), NotReleased> {
        match in_pause(&self.store, now).await.map_err(NodeError::from)? {
            None => Ok(()),
            Some(paused) => Err(paused.refusal(Clause::at("")).into()),
        }
    }
}
