//! Counting one block: each learner's rows that count, their codes, their outcome, and one added to one cell.

use arrow::array::UInt32Array;
use sumac_policy::{Predicate, TableName, When};

use super::TabulateError;
use super::condition::{Frame, between, evaluate};
use super::plan::Plan;
use super::rows::{Mask, Rows};
use crate::records::snapshot::Snapshot;

/// The block's cells.
pub(super) fn count(
    plan: &Plan<'_>,
    snapshot: &Snapshot,
    block: usize,
) -> Result<Vec<u32>, TabulateError> {
    let block = Block::read(plan, snapshot, block)?;
    let counting = block.counting()?;
    let last: Vec<Option<u32>> = block.of.ranges().map(|rows| counting.last_in(rows)).collect();
    let groups = block.groups(&last)?;
    let outcomes = block.outcomes(&counting, &last)?;

    // One cell more than the table has, for learners who are nowhere: it is added to like the others, and
    // dropped.
    let (nowhere, per_group) = (plan.cells(), plan.definition.outcomes.len());
    let mut cells = vec![0_u32; nowhere + 1];
    for ((group, outcome), last) in groups.into_iter().zip(outcomes).zip(last) {
        let counts = last.is_some() && outcome < per_group;
        let cell = if counts { group * per_group + outcome } else { nowhere };
        if let Some(cell) = cells.get_mut(cell) {
            *cell += 1;
        }
    }
    cells.truncate(nowhere);
    Ok(cells)
}

/// A block's rows of every table that the plan reads.
struct Block<'a> {
    plan: &'a Plan<'a>,
    /// The first learner's ordinal.
    first: u32,
    of: Rows,
    others: Vec<Rows>,
}

impl<'a> Block<'a> {
    fn read(plan: &'a Plan<'a>, snapshot: &Snapshot, block: usize) -> Result<Self, TabulateError> {
        let mut tables = Vec::with_capacity(plan.columns.len());
        for (table, columns) in &plan.columns {
            tables.push(Rows::read(snapshot, block, *table, columns)?);
        }
        let of = plan.definition.of;
        let of =
            tables.iter().position(|rows| rows.table == of).ok_or(TabulateError::Damaged(of))?;
        let of = tables.swap_remove(of);
        Ok(Self { plan, first: snapshot.learners(block).start, of, others: tables })
    }

    fn rows(&self, table: TableName) -> Result<&Rows, TabulateError> {
        let mut all = [&self.of].into_iter().chain(&self.others);
        all.find(|rows| rows.table == table).ok_or(TabulateError::Damaged(table))
    }

    /// Which rows count.
    fn counting(&self) -> Result<Mask, TabulateError> {
        let (column, first, last) = &self.plan.anchor;
        let frame = self.frame(&self.of, &self.plan.definition.population)?;
        let in_period = Mask::of(&between(column, first, last, &frame)?);
        Ok(match &self.plan.definition.population {
            Predicate::True => in_period,
            population => Mask::of(&evaluate(population, &frame)?).and(&in_period),
        })
    }

    /// Each learner's combination of dimension codes.
    fn groups(&self, last: &[Option<u32>]) -> Result<Vec<usize>, TabulateError> {
        let mut groups = vec![0; last.len()];
        for axis in &self.plan.axes {
            let rows = self.rows(axis.column().table)?;
            if rows.table == self.of.table {
                axis.step(&mut groups, &rows.batch, last.iter().copied())?;
            } else {
                axis.step(&mut groups, &rows.batch, (0..).map(Some))?;
            }
        }
        Ok(groups)
    }

    /// Each learner's outcome: the first that holds, or one past the last.
    fn outcomes(&self, counting: &Mask, last: &[Option<u32>]) -> Result<Vec<usize>, TabulateError> {
        let outcomes = &self.plan.definition.outcomes;
        let mut found = vec![outcomes.len(); last.len()];
        // From the last to the first, each taking its learners from those after it.
        for (number, outcome) in outcomes.iter().enumerate().rev() {
            let mut claim = |rows: &Rows, holds: &Mask| {
                for (found, rows) in found.iter_mut().zip(rows.ranges()) {
                    *found = if holds.any_in(rows) { number } else { *found };
                }
            };
            match &outcome.when {
                When::Otherwise => found.fill(number),
                When::AnyRow(when) => {
                    let frame = self.frame(&self.of, when)?;
                    claim(&self.of, &Mask::of(&evaluate(when, &frame)?).and(counting));
                }
                When::Exists { in_table, when } => {
                    let rows = self.rows(*in_table)?;
                    let mut frame = self.frame(rows, when)?;
                    if rows.table != self.of.table && reads(when, self.of.table) {
                        let places = rows.places(self.first)?;
                        let places = places.values().iter();
                        let latest =
                            places.map(|place| last.get(*place as usize).copied().flatten());
                        frame = frame.beside(&self.of, latest.collect::<UInt32Array>());
                    }
                    claim(rows, &Mask::of(&evaluate(when, &frame)?));
                }
            }
        }
        Ok(found)
    }

    /// Rows with, where the condition reads it, their learner's own row beside them.
    fn frame<'r>(&'r self, rows: &'r Rows, when: &Predicate) -> Result<Frame<'r>, TabulateError> {
        let learner = TableName::Learner;
        let frame = Frame::new(rows);
        // Where learner is what is counted, its row beside another is the last that counts.
        if rows.table == learner || self.of.table == learner || !reads(when, learner) {
            return Ok(frame);
        }
        Ok(frame.beside(self.rows(learner)?, rows.places(self.first)?))
    }
}

fn reads(when: &Predicate, table: TableName) -> bool {
    when.columns().iter().any(|column| column.table == table)
}
