//! What counts a snapshot's tables. All engines agree cell for cell.

use sumac_policy::Permit;
use sumac_privacy::Exact;

#[cfg(feature = "cluster")]
use super::cluster::{self, Scheduler};
#[cfg(feature = "cluster")]
use super::exact;
use super::{TabulateError, tabulate};
use crate::records::snapshot::Snapshot;
use crate::store::Charge;

/// What counts.
#[derive(Debug, Clone, Default)]
pub enum Engine {
    /// This process: one pass over the snapshot.
    #[default]
    Here,
    /// A DataFusion cluster, whose executors read the snapshot's files.
    #[cfg(feature = "cluster")]
    Cluster(Scheduler),
}

impl Engine {
    /// As [`tabulate`]. Blocks; to be called where the runtime expects that.
    ///
    /// # Errors
    /// As [`tabulate`], and where the cluster does not count.
    pub(crate) fn tabulate(
        &self,
        snapshot: &Snapshot,
        permit: &Permit,
        charge: &Charge,
    ) -> Result<Exact, TabulateError> {
        match self {
            Self::Here => tabulate(snapshot, permit, charge),
            #[cfg(feature = "cluster")]
            Self::Cluster(scheduler) => {
                if charge.table() != permit.table().key() {
                    return Err(TabulateError::NotPaid);
                }
                let counted = cluster::count(scheduler, snapshot, permit.table());
                Ok(exact(tokio::runtime::Handle::current().block_on(counted)?, permit.table()))
            }
        }
    }
}
