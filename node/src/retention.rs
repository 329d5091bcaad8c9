//! Deleting what is older than the MOU keeps releases: at every start, and once on every day after.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use crate::node::{Node, NodeError};
use crate::world::day_of;

impl Node {
    /// Deletes what is due, unless that was done today. A clock that goes back makes nothing due.
    ///
    /// # Errors
    /// A ledger that cannot be written, or bodies that cannot be deleted; it is tried again at the next call.
    pub async fn purge(&self) -> Result<(), NodeError> {
        let now = self.world.now();
        let Some(days) = self.agreement().mou().after().keep_releases_days else { return Ok(()) };
        let purged_on = || self.purged_on.lock().unwrap_or_else(PoisonError::into_inner);
        // What a restored log lost is not known yet.
        if *purged_on() == Some(day_of(now)) || self.may_answer().await?.is_err() {
            return Ok(());
        }
        let purged = self.store.purge(kept_since(now, days), now).await?;
        if purged > 0 {
            tracing::info!(
                purged,
                days,
                "releases older than the MOU keeps them were deleted; they stay paid for"
            );
        }
        *purged_on() = Some(day_of(now));
        Ok(())
    }
}

/// What is dated before this is not kept any more.
fn kept_since(now: Timestamp, days: u32) -> Timestamp {
    let age = SignedDuration::from_hours(24 * i64::from(days));
    now.checked_sub(age).unwrap_or(Timestamp::MIN)
}
