//! Counting one block: each learner's rows that count, their codes, their outcome, and one added to one cell.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use sumac_policy::{Predicate, TableName, When};

use super::TabulateError;
use super::condition::{Frame, between, evaluate, reads};
use super::learners::{Codes, Learners, Piece};
use super::plan::Plan;
use super::rows::{Mask, Rows, Starts, truth};
use crate::records::snapshot::Snapshot;

/// The block's cells. Whatever `learners` knows of another block is forgotten.
pub(super) fn count(
    plan: &Plan<'_>,
    snapshot: &Snapshot,
    number: usize,
    learners: &mut Learners,
) -> Result<Vec<u32>, TabulateError> {
    let block = Block::read(plan, snapshot, number)?;
    learners.begin(snapshot.learners(number).len(), plan.otherwise);
    let rows = block.walk(learners)?;
    for axis in plan.axes.iter().filter(|axis| axis.column().table != plan.definition.of) {
        let codes = axis.codes(&block.other(axis.column().table)?.batch)?;
        learners.shift(&Codes { codes: &codes, stride: axis.stride() });
    }
    for (outcome, number) in plan.definition.outcomes.iter().zip(0..) {
        if let When::Exists { in_table, when } = &outcome.when {
            let other = block.other(*in_table)?;
            let fulfil = block.exists(other, when, &rows, learners)?;
            learners.claim(&other.piece(), number, &fulfil);
        }
    }
    Ok(learners.count(plan.outcomes, plan.cells))
}

/// A block of a snapshot, with its rows of every table but the one that is counted.
struct Block<'a> {
    plan: &'a Plan<'a>,
    snapshot: &'a Snapshot,
    number: usize,
    others: Vec<Rows>,
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

    /// Reads the table that is counted, in pieces that stay near the processor, and notes for each learner
    /// their last row that counts and what the rows that count say. Returns the rows themselves if another
    /// table's will be read beside them; else none.
    fn walk(&self, learners: &mut Learners) -> Result<RecordBatch, TabulateError> {
        let Self { plan, snapshot, number, .. } = self;
        let of = plan.definition.of;
        let columns = plan.columns.get(&of).map_or(&[][..], Vec::as_slice);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let starts = Starts::read(snapshot, *number, of)?;
        let whose = plan.own_reads_learner.then(|| starts.learners());

        let pieces = snapshot.pieces(of, *number, &columns)?;
        let schema = pieces.schema();
        let mut kept = Vec::new();
        let (mut begins, mut learner) = (0_u32, 0);
        for batch in pieces {
            let batch = batch?;
            let ends =
                u32::try_from(batch.num_rows()).ok().and_then(|rows| begins.checked_add(rows));
            let ends = ends.filter(|ends| *ends <= starts.end());
            let rows = begins..ends.ok_or(TabulateError::Damaged(of))?;
            begins = rows.end;

            let whose = whose.as_ref().map(|whose| whose.slice(rows.start as usize, rows.len()));
            let frame = self.frame(of, &batch, whose)?;
            let piece = starts.piece(learner, rows);
            self.note(&frame, &batch, &piece, learners)?;
            // The last learner may have rows in the next piece.
            learner = piece.learners.end.saturating_sub(1);
            if plan.keeps_rows {
                kept.push(batch);
            }
        }
        if begins != starts.end() {
            return Err(TabulateError::Damaged(of));
        }
        concat_batches(&schema, &kept)
            .map_err(|source| TabulateError::Condition { table: of, source })
    }

    fn note(
        &self,
        frame: &Frame<'_>,
        rows: &RecordBatch,
        piece: &Piece<'_>,
        learners: &mut Learners,
    ) -> Result<(), TabulateError> {
        let Self { plan, .. } = self;
        let (anchor, first, last) = &plan.anchor;
        let mut counting = between(anchor, first, last, frame)?;
        if plan.definition.population != Predicate::True {
            counting = &counting & &truth(&evaluate(&plan.definition.population, frame)?);
        }
        for (outcome, number) in plan.definition.outcomes.iter().zip(0..) {
            if let When::AnyRow(when) = &outcome.when {
                let fulfil = &counting & &truth(&evaluate(when, frame)?);
                learners.claim(piece, number, &Mask::of(&fulfil));
            }
        }
        let own = plan.axes.iter().filter(|axis| axis.column().table == plan.definition.of);
        let buffers = own.clone().map(|axis| axis.codes(rows)).collect::<Result<Vec<_>, _>>()?;
        let codes = buffers.iter().zip(own);
        let codes = codes.map(|(codes, axis)| Codes { codes, stride: axis.stride() });
        learners.latest(piece, &Mask::of(&counting), &codes.collect::<Vec<_>>());
        Ok(())
    }

    /// Which rows of another table fulfil a condition beside their learner's last row that counts.
    fn exists(
        &self,
        other: &Rows,
        when: &Predicate,
        rows: &RecordBatch,
        learners: &Learners,
    ) -> Result<Mask, TabulateError> {
        let of = self.plan.definition.of;
        let whose = other.starts.learners();
        let beside = reads(when, TableName::Learner).then(|| whose.clone());
        let mut frame = self.frame(other.table, &other.batch, beside)?;
        if reads(when, of) {
            let last: UInt32Array = learners.last_rows().collect();
            let latest = take(&last, &whose, None)
                .map_err(|source| TabulateError::Condition { table: of, source })?;
            frame = frame.beside(of, rows, latest.as_primitive().clone());
        }
        Ok(Mask::of(&truth(&evaluate(when, &frame)?)))
    }

    /// Rows of a table and, given whose each is, the learner's own row beside it.
    fn frame<'r>(
        &'r self,
        table: TableName,
        rows: &'r RecordBatch,
        whose: Option<UInt32Array>,
    ) -> Result<Frame<'r>, TabulateError> {
        let (frame, learner) = (Frame::new(table, rows), TableName::Learner);
        Ok(match whose {
            // Where learners' own rows are what is counted, the last that counts stands beside another's.
            Some(whose) if table != learner && self.plan.definition.of != learner => {
                frame.beside(learner, &self.other(learner)?.batch, whose)
            }
            _ => frame,
        })
    }
}
