//! Saying in a ledger that it comes from a backup.

use jiff::Timestamp;
use sumac_policy::{Capability, Mou};

use crate::store::{Note, Restored, Standing, Store, StoreError};

/// Writes down that the log up to here comes from a backup, and for whom the node has to wait: every party that may
/// ask under this MOU. On disk when this returns; none if the log is empty, which has lost nothing that anybody saw.
///
/// # Errors
/// A ledger that could not be written.
pub async fn restored(
    store: &Store,
    mou: &Mou,
    now: Timestamp,
) -> Result<Option<Restored>, StoreError> {
    let Some(signed) = store.head().await? else { return Ok(None) };
    let forked = matches!(store.standing().await?, Standing::Stopped(_));
    let asks = mou.parties().iter().filter(|party| mou.may(&party.id, Capability::Ask));
    let restored = Restored {
        size: signed.head.size,
        root: signed.head.root,
        backed_up: signed.head.at,
        spent_nano_rho: signed.head.spent_nano_rho,
        forked,
        awaited: asks.map(|party| party.id.to_string()).collect(),
    };
    store.note(Note::Restored(restored.clone()), now).await?;
    Ok(Some(restored))
}
