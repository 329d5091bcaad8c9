//! From a snapshot to a table's exact cells: one pass over sorted, coded columns, into a dense array.
//!
//! *Each learner is bounded before anything is added up.* A learner's rows that count are those whose anchor lies in
//! the period and whose population condition is true; a learner with none is nowhere. Of the rest, each
//! gets one code per dimension, read in the last of those rows or in the learner's own, and the first
//! outcome that holds: one is added to one cell. A capped count takes the groups of all of a learner's rows that
//! count, and adds one to so many of them; awards, one for each of so many rows. A mean adds what the learner has, once
//! it is clipped; a distribution, one to the bin that it lies in. So whatever a learner's rows are, and however many,
//! one learner more or less changes the cells by no more than the definition's bound.
//!
//! *Blocks and pieces.* No learner is in two blocks of a snapshot, so blocks are counted apart, in threads, and
//! their cells added. A block's rows are walked once, a piece at a time: conditions are evaluated by Arrow's
//! kernels, a column at a time, into bit masks, and a learner's rows are a range of bits. All that stays of a
//! piece is what it says of its learners.
//!
//! Which rows and columns are read depends on the question alone, all values of a column take as many bytes, and nothing
//! stops early at one. How long a table takes does depend on how rows lie: on how many learners have, on how far from
//! sorted a learner's groups are, on whether a source was silent anywhere; the service must not let a reply's time show
//! it.

mod axis;
mod bits;
mod block;
mod by_byte;
mod calendar;
mod circle;
#[cfg(feature = "cluster")]
mod cluster;
mod codes;
mod condition;
mod engine;
mod learners;
mod plan;
mod rows;
mod several;
mod sql;
mod sums;
#[cfg(test)]
mod tests;
mod values;
mod warehouse;
mod word;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use arrow::error::ArrowError;
use sumac_policy::{Permit, Table, TableName};
use sumac_privacy::Exact;

use crate::records::snapshot::{Snapshot, SnapshotError};
use crate::store::Charge;
use crate::warehouse::WarehouseError;
use block::Known;
#[cfg(feature = "cluster")]
pub use cluster::{Scheduler, SchedulerError};
pub use engine::Engine;
use plan::Plan;
pub(crate) use warehouse::over_bound as over_bound_in_place;

/// A breakdown of three dimensions over the longest code lists stays under this; larger is a mistake.
const MAX_CELLS: usize = 1_000_000;

/// Why a table could not be counted. Holds no value of any record, and no count.
#[derive(Debug, thiserror::Error)]
pub enum TabulateError {
    /// The snapshot could not be read.
    #[error("read the snapshot")]
    Snapshot(#[from] SnapshotError),
    /// A condition could not be evaluated.
    #[error("evaluate a condition on `{table}`")]
    Condition {
        /// The table whose rows it is about.
        table: TableName,
        /// What the kernel said.
        source: ArrowError,
    },
    /// A condition reads a column that is not among what it may read, or as a kind that it is not.
    #[error("the condition does not fit column `{table}.{column}`")]
    Unfit {
        /// The column's table.
        table: TableName,
        /// Its name.
        column: String,
    },
    /// A table's rows are not as a snapshot's are.
    #[error("the snapshot's table `{0}` is damaged; import the data again")]
    Damaged(TableName),
    /// The charge is for another table.
    #[error("this table is not paid for: the charge is another table's")]
    NotPaid,
    /// More cells than any agreement needs.
    #[error("the table has more than 1,000,000 cells: break it down by fewer dimensions")]
    TooManyCells,
    /// A cell does not fit in 64 bits.
    #[error("a count does not fit in 64 bits")]
    Overflow,
    /// The engine that counts elsewhere did not.
    #[error("the engine did not count the table: {0}")]
    Engine(&'static str),
    /// The warehouse that holds the records did not answer.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// The records lie in a warehouse that this process does not know.
    #[error(
        "the data in use lies in PostgreSQL, and this node was started without a way into it: start it again"
    )]
    NoWarehouse,
    /// A thread stopped without a result.
    #[error("counting stopped half way; the snapshot may be damaged: import the data again")]
    Stopped,
}

/// Counts the permitted table's cells, in the order of [`Table::cells`]. The charge proves that it has been
/// paid for, durably.
///
/// # Errors
/// Where the charge is another table's, or the snapshot cannot be read or is damaged.
pub fn tabulate(
    snapshot: &Snapshot,
    permit: &Permit,
    charge: &Charge,
) -> Result<Exact, TabulateError> {
    if charge.table() != permit.table().key() {
        return Err(TabulateError::NotPaid);
    }
    let threads = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    Ok(exact(count(snapshot, permit.table(), threads)?, permit.table()))
}

/// A table's cells, each with the scale of its noise.
fn exact(cells: Vec<i64>, table: &Table) -> Exact {
    let scales = table.kpi().definition.scales();
    Exact::scaled(cells, &scales).expect("every group is whole, and a clip has a width")
}

/// How many learners have more than the table's bound lets count, and so would be cut. A true number of learners,
/// read without a charge: for the summary that an import shows its operator, which has no wire form.
pub(crate) fn over_bound(snapshot: &Snapshot, table: &Table) -> Result<u64, TabulateError> {
    let plan = Plan::of(table)?;
    let mut known = Known::default();
    let blocks = 0..snapshot.blocks();
    blocks.map(|block| block::over(&plan, snapshot, block, &mut known)).sum()
}

/// [`tabulate`] without its proof, for tests and benchmarks alone.
fn count(
    snapshot: &Snapshot,
    table: &Table,
    threads: NonZeroUsize,
) -> Result<Vec<i64>, TabulateError> {
    let plan = Plan::of(table)?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<i64>, TabulateError> {
        let mut known = Known::default();
        let mut cells = vec![0; plan.cells];
        loop {
            let block = next.fetch_add(1, Ordering::Relaxed);
            if block >= snapshot.blocks() {
                return Ok(cells);
            }
            add(&mut cells, &block::count(&plan, snapshot, block, &mut known)?)?;
        }
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.get()).map(|_| scope.spawn(work)).collect();
        let mut total = vec![0; plan.cells];
        for worker in workers {
            let cells = worker.join().map_err(|_| TabulateError::Stopped)??;
            add(&mut total, &cells)?;
        }
        Ok(total)
    })
}

/// The cells of a table, counted without a charge: what a benchmark times.
///
/// # Errors
/// As [`tabulate`].
#[cfg(feature = "bench")]
pub fn count_for_benchmark(
    snapshot: &Snapshot,
    table: &Table,
    threads: NonZeroUsize,
) -> Result<Vec<i64>, TabulateError> {
    count(snapshot, table, threads)
}

fn add(total: &mut [i64], cells: &[i64]) -> Result<(), TabulateError> {
    for (sum, cell) in total.iter_mut().zip(cells) {
        *sum = sum.checked_add(*cell).ok_or(TabulateError::Overflow)?;
    }
    Ok(())
}
