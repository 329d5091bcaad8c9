//! Counting one block: each learner's rows that count, their codes, their outcome, and one added to one cell.

use arrow::array::{RecordBatch, UInt32Array};
use arrow::buffer::BooleanBuffer;
use sumac_policy::{Predicate, TableName, When};

use super::TabulateError;
use super::condition::{Frame, evaluate, reads};
use super::own::Own;
use super::plan::Plan;
use super::rows::{Mask, MaskBuilder, Rows, Starts, person, truth};
use crate::records::snapshot::Snapshot;

/// The block's cells.
pub(super) fn count(
    plan: &Plan<'_>,
    snapshot: &Snapshot,
    block: usize,
) -> Result<Vec<u32>, TabulateError> {
    let block = Block::read(plan, snapshot, block)?;
    let mut own = Own::read(&block)?;
    let places = block.places(&mut own)?;
    let outcomes = block.outcomes(&own)?;

    // One cell more than the table has, for learners who are nowhere: it is added to like the others, and
    // dropped.
    let (nowhere, per_group) = (plan.cells(), plan.definition.outcomes.len());
    let mut cells = vec![0_u32; nowhere + 1];
    let mut elsewhere: Vec<_> = outcomes.iter().map(Holds::elsewhere).collect();
    for (learner, rows) in own.starts.ranges().enumerate() {
        let last = own.counting.last_in(rows.clone());
        let mut group = 0;
        for place in &places {
            group = group * place.len + place.code(learner, last);
        }
        // The first outcome that holds: each takes its learners from those after it.
        let mut outcome = per_group;
        for (number, (holds, elsewhere)) in outcomes.iter().zip(&mut elsewhere).enumerate().rev() {
            let holds = match holds {
                Holds::Everybody => true,
                Holds::AnyRow(mask) => mask.any_in(rows.clone()),
                Holds::Exists(_, mask) => elsewhere.next().is_some_and(|rows| mask.any_in(rows)),
            };
            outcome = if holds { number } else { outcome };
        }
        let counts = last.is_some() && outcome < per_group;
        let cell = if counts { group * per_group + outcome } else { nowhere };
        if let Some(cell) = cells.get_mut(cell) {
            *cell += 1;
        }
    }
    cells.truncate(nowhere);
    Ok(cells)
}

/// A block of a snapshot, with its rows of every table but the one that is counted.
pub(super) struct Block<'a> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) snapshot: &'a Snapshot,
    pub(super) number: usize,
    others: Vec<Rows>,
}

/// An axis, and where learners are on it.
struct Place {
    len: usize,
    /// The code in each row of the axis's table.
    codes: Vec<u16>,
    /// Whether a learner's code is in the last row that counts, or in their own row.
    in_last: bool,
}

/// For whom an outcome holds.
enum Holds<'a> {
    Everybody,
    /// Learners with such a row of the table that is counted.
    AnyRow(&'a Mask),
    /// Learners with such a row of another table.
    Exists(&'a Starts, Mask),
}

impl<'a> Block<'a> {
    fn read(
        plan: &'a Plan<'a>,
        snapshot: &'a Snapshot,
        number: usize,
    ) -> Result<Self, TabulateError> {
        let others = plan.columns.iter().filter(|(table, _)| **table != plan.definition.of);
        let others = others
            .map(|(table, columns)| Rows::read(snapshot, number, *table, columns))
            .collect::<Result<_, _>>()?;
        Ok(Self { plan, snapshot, number, others })
    }

    fn other(&self, table: TableName) -> Result<&Rows, TabulateError> {
        let other = self.others.iter().find(|other| other.table == table);
        other.ok_or(TabulateError::Damaged(table))
    }

    /// Every axis with its codes, taking those that were read with the table that is counted.
    fn places(&self, own: &mut Own) -> Result<Vec<Place>, TabulateError> {
        let axes = self.plan.axes.iter().zip(&mut own.codes);
        let places = axes.map(|(axis, codes)| {
            let mut codes = std::mem::take(codes);
            let in_last = axis.column().table == self.plan.definition.of;
            if !in_last {
                axis.read(&self.other(axis.column().table)?.batch, &mut codes)?;
            }
            Ok(Place { len: axis.len(), codes, in_last })
        });
        places.collect()
    }

    fn outcomes<'o>(&'o self, own: &'o Own) -> Result<Vec<Holds<'o>>, TabulateError> {
        let outcomes = self.plan.definition.outcomes.iter().zip(&own.fulfil);
        let outcomes = outcomes.map(|(outcome, fulfil)| {
            Ok(match (&outcome.when, fulfil) {
                (When::Otherwise, _) | (When::AnyRow(_), None) => Holds::Everybody,
                (When::AnyRow(_), Some(fulfil)) => Holds::AnyRow(fulfil),
                (When::Exists { in_table, when }, _) => {
                    let rows = self.other(*in_table)?;
                    Holds::Exists(&rows.starts, self.exists(rows, when, own)?)
                }
            })
        });
        outcomes.collect()
    }

    /// Which rows of another table fulfil a condition beside their learner's last row that counts.
    fn exists(&self, rows: &Rows, when: &Predicate, own: &Own) -> Result<Mask, TabulateError> {
        let of = self.plan.definition.of;
        let mut frame = self.frame(rows.table, &rows.batch, when)?;
        if reads(when, of) {
            let last: Vec<_> =
                own.starts.ranges().map(|own_rows| own.counting.last_in(own_rows)).collect();
            let learners = self.learners(rows.table, &rows.batch)?;
            let latest = learners.values().iter();
            let latest = latest.map(|learner| last.get(*learner as usize).copied().flatten());
            frame = frame.beside(of, &own.kept, latest.collect());
        }
        let mut mask = MaskBuilder::new();
        mask.push(&truth(&evaluate(when, &frame)?));
        Ok(mask.finish())
    }

    /// Which rows of a table fulfil a condition on them and on their learners.
    pub(super) fn fulfil(
        &self,
        table: TableName,
        rows: &RecordBatch,
        when: &Predicate,
    ) -> Result<BooleanBuffer, TabulateError> {
        Ok(truth(&evaluate(when, &self.frame(table, rows, when)?)?))
    }

    /// Rows with, where the condition reads it, their learner's own row beside them.
    fn frame<'r>(
        &'r self,
        table: TableName,
        rows: &'r RecordBatch,
        when: &Predicate,
    ) -> Result<Frame<'r>, TabulateError> {
        let (frame, learner) = (Frame::new(table, rows), TableName::Learner);
        // Where learners' own rows are what is counted, the last that counts stands beside another table's.
        if table == learner || self.plan.definition.of == learner || !reads(when, learner) {
            return Ok(frame);
        }
        Ok(frame.beside(learner, &self.other(learner)?.batch, self.learners(table, rows)?))
    }

    /// Each row's learner, counted from the block's first.
    fn learners(&self, table: TableName, rows: &RecordBatch) -> Result<UInt32Array, TabulateError> {
        let first = self.snapshot.learners(self.number).start;
        Ok(person(table, rows)?.unary(|ordinal| ordinal.wrapping_sub(first)))
    }
}

impl Place {
    /// A learner's code; of one without a row that counts, any.
    fn code(&self, learner: usize, last: Option<u32>) -> usize {
        let row = if self.in_last { last.unwrap_or(0) as usize } else { learner };
        self.codes.get(row).copied().unwrap_or(0).into()
    }
}

impl Holds<'_> {
    /// Each learner's rows in the other table, if that is where the outcome is found.
    fn elsewhere(&self) -> impl Iterator<Item = std::ops::Range<u32>> {
        let starts = match self {
            Self::Exists(starts, _) => Some(*starts),
            Self::Everybody | Self::AnyRow(_) => None,
        };
        starts.into_iter().flat_map(Starts::ranges)
    }
}
