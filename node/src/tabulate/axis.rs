//! A dimension's code in each row of the table that has its column.

use arrow::array::{AsArray, RecordBatch};
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

    /// Adds the code in each row of the column's table.
    pub(super) fn read(
        &self,
        rows: &RecordBatch,
        codes: &mut Vec<u16>,
    ) -> Result<(), TabulateError> {
        let damaged = || TabulateError::Damaged(self.column().table);
        let values = rows.column_by_name(&self.column().column).ok_or_else(damaged)?;
        match self {
            Self::Codes { codes: list, .. } => {
                let values = values.as_primitive_opt::<UInt16Type>().ok_or_else(damaged)?.values();
                let largest = values.iter().fold(0, |largest, code| largest.max(*code));
                if usize::from(largest) >= *list {
                    return Err(damaged());
                }
                codes.extend_from_slice(values);
            }
            Self::Ages { codes: list, in_year, cuts, .. } => {
                let births = values.as_primitive_opt::<Int16Type>().ok_or_else(damaged)?;
                let unknown = u16::try_from(list.saturating_sub(1)).map_err(|_| damaged())?;
                codes.extend(births.iter().map(|birth| {
                    birth
                        .map_or(unknown, |birth| band(i32::from(*in_year) - i32::from(birth), cuts))
                }));
            }
        }
        Ok(())
    }
}

/// How many of the cuts an age has reached.
fn band(age: i32, cuts: &[i16]) -> u16 {
    cuts.iter().fold(0, |band, cut| band + u16::from(i32::from(*cut) <= age))
}
