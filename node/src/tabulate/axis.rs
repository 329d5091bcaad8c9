//! A dimension's code for each learner of a block.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int16Type, UInt16Type};
use sumac_policy::ColumnRef;

use super::TabulateError;

/// One axis of a table.
pub(super) enum Axis {
    /// A column's codes.
    Codes { column: ColumnRef, codes: usize },
    /// Ages reached in a calendar year, cut.
    Ages { column: ColumnRef, codes: usize, in_year: i16, cuts: Vec<i16> },
}

impl Axis {
    pub(super) fn column(&self) -> &ColumnRef {
        match self {
            Self::Codes { column, .. } | Self::Ages { column, .. } => column,
        }
    }

    /// How many codes.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Codes { codes, .. } | Self::Ages { codes, .. } => *codes,
        }
    }

    /// Moves each learner's cell along this axis by the code in their row of `batch`, the column's table.
    /// A learner without a row stays at the axis's start.
    pub(super) fn step(
        &self,
        cells: &mut [usize],
        batch: &RecordBatch,
        rows: impl Iterator<Item = Option<u32>>,
    ) -> Result<(), TabulateError> {
        let damaged = || TabulateError::Damaged(self.column().table);
        let values = batch.column_by_name(&self.column().column).ok_or_else(damaged)?;
        let code: Box<dyn Fn(usize) -> Option<usize>> = match self {
            Self::Codes { .. } => {
                let codes = values.as_primitive_opt::<UInt16Type>().ok_or_else(damaged)?.values();
                Box::new(|row| codes.get(row).copied().map(usize::from))
            }
            Self::Ages { codes, in_year, cuts, .. } => {
                let births = values.as_primitive_opt::<Int16Type>().ok_or_else(damaged)?;
                let unknown = codes.saturating_sub(1);
                Box::new(move |row| {
                    let birth = births.values().get(row)?;
                    let age = i32::from(*in_year) - i32::from(*birth);
                    let band = cuts.iter().filter(|cut| i32::from(**cut) <= age).count();
                    Some(if births.is_null(row) { unknown } else { band })
                })
            }
        };
        let len = self.len();
        for (cell, row) in cells.iter_mut().zip(rows) {
            let code = match row {
                Some(row) => code(row as usize).filter(|code| *code < len).ok_or_else(damaged)?,
                None => 0,
            };
            *cell = *cell * len + code;
        }
        Ok(())
    }
}
