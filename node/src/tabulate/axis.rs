//! A dimension's code in each row of the table that has its column.

use arrow::array::{AsArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{Int16Type, UInt16Type};
use sumac_policy::{ColumnRef, Dimension, DimensionSource};

use super::TabulateError;

/// One axis of a table.
pub(super) struct Axis {
    column: ColumnRef,
    codes: usize,
    /// The ages to cut at, and the calendar year in which they are reached; none where the column has codes.
    ages: Option<(Vec<i16>, i16)>,
    stride: u32,
}

impl Axis {
    /// A dimension read in `column` by a table whose period begins in the calendar year `begins`. Learners
    /// one code apart are `stride` groups apart.
    pub(super) fn new(dimension: &Dimension, column: ColumnRef, begins: i16, stride: u32) -> Self {
        let ages = match &dimension.source {
            DimensionSource::Column(_) => None,
            DimensionSource::Age(cuts) => Some((cuts.clone(), begins)),
        };
        Self { column, codes: dimension.codes.len(), ages, stride }
    }

    pub(super) fn column(&self) -> &ColumnRef {
        &self.column
    }

    pub(super) fn stride(&self) -> u32 {
        self.stride
    }

    /// The code in each row of the column's table.
    pub(super) fn codes(&self, rows: &RecordBatch) -> Result<ScalarBuffer<u16>, TabulateError> {
        let damaged = || TabulateError::Damaged(self.column.table);
        let values = rows.column_by_name(&self.column.column).ok_or_else(damaged)?;
        let Some((cuts, begins)) = &self.ages else {
            let codes = values.as_primitive_opt::<UInt16Type>().ok_or_else(damaged)?.values();
            let largest = codes.iter().fold(0, |largest, code| largest.max(*code));
            // Every row is looked at first, so that a code outside the list cannot be someone's cell.
            return if usize::from(largest) < self.codes || codes.is_empty() {
                Ok(codes.clone())
            } else {
                Err(damaged())
            };
        };
        let births = values.as_primitive_opt::<Int16Type>().ok_or_else(damaged)?;
        let unknown = u16::try_from(self.codes.saturating_sub(1)).map_err(|_| damaged())?;
        let age = |birth: i16| i32::from(*begins) - i32::from(birth);
        let codes =
            births.iter().map(|birth| birth.map_or(unknown, |birth| band(age(birth), cuts)));
        Ok(codes.collect::<Vec<_>>().into())
    }
}

/// How many of the cuts an age has reached.
fn band(age: i32, cuts: &[i16]) -> u16 {
    cuts.iter().fold(0, |band, cut| band + u16::from(i32::from(*cut) <= age))
}
