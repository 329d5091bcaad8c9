//! A block's rows of the table that is counted, read in pieces that stay near the processor.

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use sumac_policy::{Predicate, When};

use super::TabulateError;
use super::block::Block;
use super::condition::{Frame, between};
use super::rows::{Mask, MaskBuilder, Starts, StartsBuilder, truth};

/// What is kept of the rows.
pub(super) struct Own {
    pub(super) starts: Starts,
    /// Which rows count.
    pub(super) counting: Mask,
    /// For each outcome that asks for any row: the rows that count and fulfil it.
    pub(super) fulfil: Vec<Option<Mask>>,
    /// For each axis that is read here: the code in each row.
    pub(super) codes: Vec<Vec<u16>>,
    /// The rows themselves, if another table's are read beside them; else none.
    pub(super) kept: RecordBatch,
}

impl Own {
    pub(super) fn read(block: &Block<'_>) -> Result<Self, TabulateError> {
        let Block { plan, snapshot, number, .. } = block;
        let definition = plan.definition;
        let of = definition.of;
        let columns = plan.columns.get(&of).map_or(&[][..], Vec::as_slice);
        let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
        let (anchor, first, last) = &plan.anchor;

        let mut starts = StartsBuilder::new(snapshot.learners(*number));
        let mut counting = MaskBuilder::new();
        let any_row = |when: &When| matches!(when, When::AnyRow(_)).then(MaskBuilder::new);
        let outcomes = definition.outcomes.iter();
        let mut fulfil: Vec<_> = outcomes.map(|outcome| any_row(&outcome.when)).collect();
        let mut codes = vec![Vec::new(); plan.axes.len()];
        let mut kept = Vec::new();

        let pieces = snapshot.pieces(of, *number, &columns)?;
        let schema = pieces.schema();
        for piece in pieces {
            let piece = piece?;
            starts.push(of, &piece)?;
            let mut counts = truth(&between(anchor, first, last, &Frame::new(of, &piece))?);
            if definition.population != Predicate::True {
                counts = &counts & &block.fulfil(of, &piece, &definition.population)?;
            }
            for (outcome, fulfil) in definition.outcomes.iter().zip(&mut fulfil) {
                if let (When::AnyRow(when), Some(fulfil)) = (&outcome.when, fulfil) {
                    fulfil.push(&(&counts & &block.fulfil(of, &piece, when)?));
                }
            }
            counting.push(&counts);
            for (axis, codes) in plan.axes.iter().zip(&mut codes) {
                if axis.column().table == of {
                    axis.read(&piece, codes)?;
                }
            }
            if plan.keeps_rows {
                kept.push(piece);
            }
        }
        let kept = concat_batches(&schema, &kept)
            .map_err(|source| TabulateError::Condition { table: of, source })?;
        let fulfil = fulfil.into_iter().map(|mask| mask.map(MaskBuilder::finish)).collect();
        Ok(Self { starts: starts.finish(), counting: counting.finish(), fulfil, codes, kept })
    }
}
