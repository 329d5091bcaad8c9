//! What counts a node's tables. All engines agree cell for cell.

use std::sync::Arc;

use sumac_policy::{Measure, Permit, Table};
use sumac_privacy::Exact;

#[cfg(feature = "cluster")]
use super::cluster::{self, Scheduler};
use super::{TabulateError, exact, tabulate, warehouse};
use crate::records::snapshot::Data;
use crate::store::Charge;
use crate::warehouse::Warehouse;

/// What counts.
#[derive(Debug, Clone, Default)]
pub enum Engine {
    /// This process: one pass over the snapshot.
    #[default]
    Here,
    /// The warehouse, where the records lie in it; a snapshot is counted by this process.
    Warehouse(Arc<Warehouse>),
    /// A DataFusion cluster, whose executors read the snapshot's files.
    #[cfg(feature = "cluster")]
    Cluster(Scheduler),
}

impl Engine {
    /// As [`tabulate`]. Blocks; to be called where the runtime expects that.
    ///
    /// # Errors
    /// As [`tabulate`], and where the cluster or the warehouse does not count.
    pub(crate) fn tabulate(
        &self,
        data: &Data,
        permit: &Permit,
        charge: &Charge,
    ) -> Result<Exact, TabulateError> {
        if charge.table() != permit.table().key() {
            return Err(TabulateError::NotPaid);
        }
        let table = permit.table();
        match data {
            Data::InPlace(views) => {
                Ok(exact(warehouse::count(self.warehouse()?, views, table)?, table))
            }
            Data::Frozen(snapshot) => match self {
                Self::Here | Self::Warehouse(_) => tabulate(snapshot, permit, charge),
                #[cfg(feature = "cluster")]
                Self::Cluster(scheduler) => {
                    let counted = cluster::count(scheduler, snapshot, table);
                    Ok(exact(tokio::runtime::Handle::current().block_on(counted)?, table))
                }
            },
        }
    }

    /// Whether it counts this data at all: asked before an import is taken up.
    ///
    /// # Errors
    /// Where the records lie in a warehouse that it does not know.
    pub(crate) fn counts(&self, data: &Data) -> Result<(), TabulateError> {
        match data {
            Data::Frozen(_) => Ok(()),
            Data::InPlace(_) => self.warehouse().map(drop),
        }
    }

    /// Whether what counts can be reached, and is as it was imported: asked before a table is charged, because a
    /// charge is for ever. Reads no record. Blocks.
    ///
    /// # Errors
    /// Where the warehouse does not answer, or its views have changed.
    pub(crate) fn is_within_reach(&self, data: &Data, table: &Table) -> Result<(), TabulateError> {
        match data {
            Data::Frozen(_) => Ok(()),
            Data::InPlace(views) => warehouse::check(self.warehouse()?, views, table),
        }
    }

    fn warehouse(&self) -> Result<&Warehouse, TabulateError> {
        match self {
            Self::Warehouse(warehouse) => Ok(warehouse),
            _ => Err(TabulateError::NoWarehouse),
        }
    }
}

/// The cells that an engine elsewhere answered, held against what a table's cells can be: a wrong number is worse than
/// none.
pub(super) fn gathered(table: &Table, found: Vec<(i64, i64)>) -> Result<Vec<i64>, TabulateError> {
    let mut cells = vec![None; table.cells()];
    for (cell, number) in found {
        let cell = usize::try_from(cell).ok().and_then(|cell| cells.get_mut(cell));
        let cell = cell.ok_or(TabulateError::Engine("a cell that is not in the table"))?;
        if cell.replace(number).is_some() {
            return Err(TabulateError::Engine("one cell twice"));
        }
    }
    let cells: Vec<i64> = cells.into_iter().map(Option::unwrap_or_default).collect();
    if !can_be(&cells, &table.kpi().definition.measure) {
        return Err(TabulateError::Engine("a number that cannot be"));
    }
    Ok(cells)
}

/// Whether there are no fewer than none of anybody, and every sum is one that so many learners can come to.
fn can_be(cells: &[i64], measure: &Measure) -> bool {
    let Measure::Mean { clip, .. } = measure else { return cells.iter().all(|cell| *cell >= 0) };
    let width = i128::from(clip.hi()) - i128::from(clip.lo());
    let (groups, rest) = cells.as_chunks();
    rest.is_empty()
        && groups.iter().all(|[learners, sum]| {
            *learners >= 0 && i128::from(*sum).abs() <= i128::from(*learners) * width
        })
}
