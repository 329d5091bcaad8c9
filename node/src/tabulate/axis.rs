//! A dimension's code in each row of the table that has its column.

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::Int16Type;
use sumac_policy::{ColumnRef, Dimension, DimensionSource};

use super::TabulateError;
use super::codes::Codes;

/// One axis of a table.
pub(super) struct Axis {
    column: ColumnRef,
    codes: usize,
    from: From,
    stride: u32,
}

/// What makes a code of the column's value.
enum From {
    /// It is one.
    Code,
    /// A year of birth: the ages to cut at, and the calendar year in which they are reached.
    Birth { cuts: Vec<i16>, begins: i16 },
    /// A year from the first code's to the last.
    Year { first: i16, last: i16 },
}

impl Axis {
    /// A dimension read in `column` by a table whose period begins in the calendar year `begins`. Learners
    /// one code apart are `stride` groups apart.
    pub(super) fn new(dimension: &Dimension, column: ColumnRef, begins: i16, stride: u32) -> Self {
        let from = match &dimension.source {
            DimensionSource::Column(_) => From::Code,
            DimensionSource::Age(cuts) => From::Birth { cuts: cuts.clone(), begins },
            DimensionSource::Years { first, last, .. } => From::Year { first: *first, last: *last },
        };
        Self { column, codes: dimension.codes.len(), from, stride }
    }

    pub(super) fn column(&self) -> &ColumnRef {
        &self.column
    }

    pub(super) fn stride(&self) -> u32 {
        self.stride
    }

    /// How many codes there are.
    pub(super) fn length(&self) -> usize {
        self.codes
    }

    /// The code, given the column's value as a whole number that SQL knows by this name.
    pub(super) fn code_in_sql(&self, value: &str) -> String {
        let unknown = self.codes.saturating_sub(1);
        match &self.from {
            From::Code => value.to_owned(),
            From::Birth { cuts, begins } => {
                let reached = cuts.iter().map(|cut| {
                    format!(" + CASE WHEN {begins} - {value} >= {cut} THEN 1 ELSE 0 END")
                });
                let band = reached.collect::<String>();
                format!("CASE WHEN {value} IS NULL THEN {unknown} ELSE 0{band} END")
            }
            From::Year { first, last } => format!(
                "CASE WHEN {value} BETWEEN {first} AND {last} THEN {value} - {first} ELSE {unknown} END"
            ),
        }
    }

    /// The code in each row of the column's table.
    pub(super) fn codes(&self, rows: &RecordBatch) -> Result<Codes, TabulateError> {
        let damaged = || TabulateError::Damaged(self.column.table);
        let values = rows.column_by_name(&self.column.column).ok_or_else(damaged)?;
        if matches!(self.from, From::Code) {
            let codes = Codes::of(values).ok_or_else(damaged)?;
            // Every row is looked at first, so that a code outside the list cannot be someone's cell.
            return if codes.are_below(self.codes) { Ok(codes) } else { Err(damaged()) };
        }
        let years = values.as_primitive_opt::<Int16Type>().ok_or_else(damaged)?;
        let unknown = u16::try_from(self.codes.saturating_sub(1)).map_err(|_| damaged())?;
        let code = |year: i16| match &self.from {
            From::Birth { cuts, begins } => band(i32::from(*begins) - i32::from(year), cuts),
            From::Year { first, last } if (*first..=*last).contains(&year) => {
                u16::try_from(i32::from(year) - i32::from(*first)).unwrap_or(unknown)
            }
            From::Year { .. } | From::Code => unknown,
        };
        let codes = years.iter().map(|year| year.map_or(unknown, code));
        Ok(Codes::Wide(codes.collect::<Vec<_>>().into()))
    }
}

/// How many of the cuts an age has reached.
fn band(age: i32, cuts: &[i16]) -> u16 {
    cuts.iter().fold(0, |band, cut| band + u16::from(i32::from(*cut) <= age))
}
