//! Counting one block: each learner's rows that count, their codes, their outcome, and one added to one cell.

use arrow::array::{AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take};
use sumac_policy::{ColumnRef, Predicate, TableName, When};

use super::TabulateError;
use super::bits::Bits;
use super::circle::Circles;
use super::codes::Codes;
use super::condition::{Frame, between, evaluate, reads};
use super::learners::{Along, Learners, Piece};
use super::plan::{Plan, Work};
use super::rows::{Mask, Rows, Starts, truth};
use super::several::{Several, Whose};
use super::values::Values;
use crate::records::snapshot::Snapshot;

/// What is known of the learners of a block. A thread has one and uses it for block after block.
#[derive(Default)]
pub(super) struct Known {
    learners: Learners,
    bits: Bits,
    several: Several,
    values: Values,
}

/// The block's cells. Whatever `known` holds of another block is forgotten.
pub(super) fn count(
    plan: &Plan<'_>,
    snapshot: &Snapshot,
    number: usize,
    known: &mut Known,
) -> Result<Vec<i64>, TabulateError> {
    let block = gather(plan, snapshot, number, known)?;
    let count = snapshot.learners(number).len();
    let Known { learners, bits, several, values } = known;
    let cells = plan.cells;
    match &plan.work {
        Work::Once => Ok(learners.count(plan.outcomes, cells)),
        Work::Distribution { value, bins } => {
            learners.assign(&values.bins(value, bins));
            Ok(learners.count(plan.outcomes, cells))
        }
        Work::Mean { value, clip } => Ok(values.mean(value, *clip, learners, cells)),
        Work::Bits { cap, places } => {
            block.among(count, learners, |whose| bits.count(places, *cap, whose, cells))
        }
        Work::Groups { cap, places } => {
            block.among(count, learners, |whose| several.count_groups(places, *cap, whose, cells))
        }
        Work::Rows { cap, places, .. } => {
            block.among(count, learners, |whose| several.count_rows(places, *cap, whose, cells))
        }
    }
}

/// How many of the block's learners have more than the table's bound lets count: more groups or rows than its cap, or
/// a value outside its clip.
pub(super) fn over(
    plan: &Plan<'_>,
    snapshot: &Snapshot,
    number: usize,
    known: &mut Known,
) -> Result<u64, TabulateError> {
    let starts = gather(plan, snapshot, number, known)?.starts;
    let Known { bits, several, values, .. } = known;
    Ok(match &plan.work {
        Work::Once | Work::Distribution { .. } => 0,
        Work::Mean { value, clip } => values.over(value, *clip),
        Work::Bits { cap, .. } => bits.over(*cap),
        Work::Groups { cap, .. } => several.over_groups(&starts, *cap),
        Work::Rows { cap, .. } => several.over_rows(&starts, *cap),
    })
}

/// Notes of each learner of a block what their rows that count say.
fn gather<'a>(
    plan: &'a Plan<'a>,
    snapshot: &'a Snapshot,
    number: usize,
    known: &mut Known,
) -> Result<Block<'a>, TabulateError> {
    let block = Block::read(plan, snapshot, number)?;
    let count = snapshot.learners(number).len();
    let Known { learners, bits, several, values } = &mut *known;
    match &plan.work {
        Work::Once => learners.begin(count, plan.otherwise),
        Work::Bits { places, .. } => {
            learners.begin_groups(count);
            bits.begin(count, places);
        }
        Work::Groups { .. } | Work::Rows { .. } => {
            learners.begin_groups(count);
            several.begin();
        }
        Work::Mean { value, .. } | Work::Distribution { value, .. } => {
            learners.begin(count, plan.otherwise);
            values.begin(count, value);
        }
    }
    let rows = block.walk(known)?;
    let learners = &mut known.learners;
    for axis in plan.axes.iter().filter(|axis| axis.column().table != plan.definition.of) {
        let codes = axis.codes(&block.other(axis.column().table)?.batch)?;
        learners.shift(&Along { codes: &codes, stride: axis.stride() });
    }
    for (outcome, number) in plan.definition.outcomes.iter().zip(0..) {
        if let When::Exists { in_table, when } = &outcome.when {
            let other = block.other(*in_table)?;
            let fulfil = block.exists(other, when, &rows, learners)?;
            learners.claim(&other.piece(), number, &fulfil);
        }
    }
    Ok(block)
}

/// A block of a snapshot, with its rows of every table but the one that is counted.
struct Block<'a> {
    plan: &'a Plan<'a>,
    snapshot: &'a Snapshot,
    number: usize,
    /// Where learners' rows of the table that is counted begin.
    starts: Starts,
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
        let starts = Starts::read(snapshot, number, plan.definition.of)?;
        Ok(Self { plan, snapshot, number, starts, others })
    }

    /// Counts learners of whom groups or rows may be too many.
    fn among(
        &self,
        count: usize,
        learners: &Learners,
        cells: impl FnOnce(Whose<'_>) -> Vec<i64>,
    ) -> Result<Vec<i64>, TabulateError> {
        let tags = self.snapshot.tags(self.number)?;
        if tags.len() != count {
            return Err(TabulateError::Damaged(TableName::Learner));
        }
        let word = self.snapshot.circles().word(self.plan.key.as_bytes());
        let circles = Circles { tags: &tags, word };
        Ok(cells(Whose { starts: &self.starts, circles: &circles, own: learners.groups() }))
    }

    fn other(&self, table: TableName) -> Result<&Rows, TabulateError> {
        let other = self.others.iter().find(|other| other.table == table);
        other.ok_or(TabulateError::Damaged(table))
    }

    /// Reads the table that is counted, in pieces that stay near the processor, and notes for each learner
    /// their last row that counts and what the rows that count say. Returns the rows themselves if another
    /// table's will be read beside them; else none.
    fn walk(&self, known: &mut Known) -> Result<RecordBatch, TabulateError> {
        let Self { plan, snapshot, number, starts, .. } = self;
        let of = plan.definition.of;
        let columns = plan.columns.get(&of).map_or(&[][..], Vec::as_slice);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
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
            self.note(&frame, &batch, &piece, known)?;
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
        piece: &Piece,
        known: &mut Known,
    ) -> Result<(), TabulateError> {
        let Self { plan, .. } = self;
        let Known { learners, bits, several, values } = known;
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
        let codes = own.clone().map(|axis| axis.codes(rows)).collect::<Result<Vec<_>, _>>()?;
        let mask = Mask::of(&counting);
        match &plan.work {
            Work::Bits { places, .. } => {
                bits.note(places, &codes, &mask, piece);
                return Ok(());
            }
            Work::Groups { places, .. } => {
                several.note(places, &codes, &mask, None);
                return Ok(());
            }
            Work::Rows { places, level, .. } => {
                let below = level.as_ref().map(|(column, below)| levels(column, below, rows));
                several.note(places, &codes, &mask, below.transpose()?.as_deref());
                return Ok(());
            }
            Work::Mean { value, .. } | Work::Distribution { value, .. } => {
                values.note(value, rows, piece, &counting)?;
            }
            Work::Once => {}
        }
        let along = codes.iter().zip(own);
        let along = along.map(|(codes, axis)| Along { codes, stride: axis.stride() });
        learners.latest(piece, &mask, &along.collect::<Vec<_>>());
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

/// How far each row's code is below the highest level.
fn levels(
    column: &ColumnRef,
    below: &[u16],
    rows: &RecordBatch,
) -> Result<Vec<u16>, TabulateError> {
    let damaged = || TabulateError::Damaged(column.table);
    let codes = rows.column_by_name(&column.column).ok_or_else(damaged)?;
    let codes = Codes::of(codes).filter(|codes| codes.are_below(below.len()));
    let codes = codes.ok_or_else(damaged)?;
    let mut levels = vec![0; rows.num_rows()];
    codes.each(&mut levels, |level, code| {
        *level = below.get(usize::from(code)).copied().unwrap_or(0);
    });
    Ok(levels)
}
