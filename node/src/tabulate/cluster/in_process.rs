//! A cluster inside a test: Ballista's scheduler and an executor, which speak over this machine's network as those of
//! a real one do.

use ballista::prelude::SessionContextExt;
use datafusion::prelude::SessionContext;
use sumac_policy::Table;
use tokio::runtime::Runtime;

use super::{count_in, held};
use crate::records::snapshot::Snapshot;
use crate::tabulate::TabulateError;

/// A cluster, until it is dropped.
pub(in crate::tabulate) struct Cluster {
    runtime: Runtime,
    session: SessionContext,
}

impl Cluster {
    pub(in crate::tabulate) fn start() -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let session = runtime.block_on(SessionContext::standalone());
        Self { runtime, session: session.expect("a scheduler and an executor") }
    }

    /// Counts a table's cells.
    pub(in crate::tabulate) fn count(
        &self,
        snapshot: &Snapshot,
        table: &Table,
    ) -> Result<Vec<i64>, TabulateError> {
        let counted = self.runtime.block_on(count_in(&self.session, snapshot, table));
        for (name, _) in snapshot.files() {
            self.session.deregister_table(held(name)).expect("a table that was registered");
        }
        counted
    }
}
