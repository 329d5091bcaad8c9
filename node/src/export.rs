//! Copies of the log for a party that the MOU lets audit. That one is made is a record of the log, before the copy is.

use jiff::Timestamp;
use sumac_policy::{Mou, PartyId};

use crate::store::{Cut, Exported, Note, Store, StoreError};

/// Why no copy is made. For the node's operator.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The MOU has no such clause.
    #[error("the MOU lets no party have a copy of this log: it has no `[audit]`")]
    Nobody,
    /// It has one, and it names others.
    #[error("the MOU does not let `{party}` have a copy of this log: `audit.by` names {named}")]
    NotNamed {
        /// For whom it was to be.
        party: String,
        /// Who may have one.
        named: String,
    },
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
}

impl ExportError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Nobody | Self::NotNamed { .. } => {
                "agree on it first: an amendment that every party signs adds a party to `audit.by`"
            }
            Self::Store(_) => "see the node's log",
        }
    }

    /// Whether it is the MOU that forbids it.
    pub fn is_refusal(&self) -> bool {
        !matches!(self, Self::Store(_))
    }
}

/// Writes down that `party` gets a copy, and says how much of the log it may have: all that is acknowledged, that
/// record included.
///
/// # Errors
/// A party that the MOU in force does not name; a ledger that cannot be written.
pub async fn export(
    store: &Store,
    mou: &Mou,
    party: &str,
    now: Timestamp,
) -> Result<Cut, ExportError> {
    let audit = mou.audit().ok_or(ExportError::Nobody)?;
    let named: Option<&PartyId> = audit.by.iter().find(|named| named.as_str() == party);
    let Some(named) = named else {
        let named: Vec<_> = audit.by.iter().map(|id| format!("`{id}`")).collect();
        return Err(ExportError::NotNamed { party: party.to_owned(), named: named.join(", ") });
    };
    let exported = Exported { party: named.to_string(), mou: mou.hash() };
    store.note(Note::Exported(exported), now).await?;
    Ok(store.cut().await?)
}
