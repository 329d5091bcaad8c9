//! Predicates on rows, a column at a time, in SQL's three-valued logic.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Datum, Int16Array, Int64Array,
    RecordBatch, Scalar, UInt8Array, UInt16Array, UInt32Array,
};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp;
use arrow::compute::{and_kleene, is_null, not, or_kleene, take};
use arrow::datatypes::{DataType, Date32Type, Int16Type, Int32Type, Int64Type};
use arrow::error::ArrowError;
use sumac_policy::{ColumnRef, Op, Predicate, TableName, Value};

use super::rows::truth;
use super::{TabulateError, calendar};
use crate::records::snapshot::Dates;

/// What a condition may read: rows of one table and, beside each of them, at most one row of others.
pub(super) struct Frame<'a> {
    table: TableName,
    rows: &'a RecordBatch,
    beside: Vec<(TableName, &'a RecordBatch, UInt32Array)>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(table: TableName, rows: &'a RecordBatch) -> Self {
        Self { table, rows, beside: Vec::new() }
    }

    /// Puts beside each row the row of another table at that place; nothing where there is none.
    pub(super) fn beside(
        mut self,
        table: TableName,
        rows: &'a RecordBatch,
        places: UInt32Array,
    ) -> Self {
        self.beside.push((table, rows, places));
        self
    }

    /// A column of the frame's own rows, as a snapshot has it.
    fn own(&self, column: &ColumnRef) -> Option<&ArrayRef> {
        let own = self.table == column.table;
        own.then(|| self.rows.column_by_name(&column.column)).flatten()
    }

    /// A column's value in each row, as Arrow's kernels take it.
    fn column(&self, column: &ColumnRef) -> Result<ArrayRef, TabulateError> {
        if let Some(values) = self.own(column) {
            return Ok(widened(values));
        }
        let found = |table: TableName, rows: &RecordBatch| {
            let there = table == column.table;
            there.then(|| rows.column_by_name(&column.column).map(widened)).flatten()
        };
        let mut beside = self.beside.iter();
        let values = beside.find_map(|(table, rows, places)| Some((found(*table, rows)?, places)));
        let (values, places) = values.ok_or_else(|| unfit(column))?;
        take(&values, places, None).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: ArrowError) -> TabulateError {
        TabulateError::Condition { table: self.table, source }
    }
}

/// Whether the predicate is true, false or unknown for each row.
pub(super) fn evaluate(
    predicate: &Predicate,
    frame: &Frame<'_>,
) -> Result<BooleanArray, TabulateError> {
    let failed = |source| frame.failed(source);
    match predicate {
        Predicate::True => Ok(all(true, frame)),
        Predicate::Compare { column, op, value } => {
            let values = frame.column(column)?;
            let constant = constant(value, &values).ok_or_else(|| unfit(column))?;
            compare(*op, &values, constant.as_ref()).map_err(failed)
        }
        Predicate::CompareDates { column, op, other, plus } => {
            let left = dates(frame, column)?;
            let right = dates(frame, other)?;
            let right: Date32Array = right.unary(|day| calendar::plus(day, *plus));
            compare(*op, &left, &right).map_err(failed)
        }
        Predicate::In { column, values } => {
            let found = frame.column(column)?;
            let equal = values.iter().map(|value| {
                let constant = constant(value, &found).ok_or_else(|| unfit(column))?;
                compare(Op::Equal, &found, constant.as_ref()).map_err(failed)
            });
            fold(equal, or_kleene, frame).unwrap_or_else(|| Ok(all(false, frame)))
        }
        Predicate::IsNull(column) => is_null(&frame.column(column)?).map_err(failed),
        Predicate::And(parts) => {
            let parts = parts.iter().map(|part| evaluate(part, frame));
            fold(parts, and_kleene, frame).unwrap_or_else(|| Ok(all(true, frame)))
        }
        Predicate::Or(parts) => {
            let parts = parts.iter().map(|part| evaluate(part, frame));
            fold(parts, or_kleene, frame).unwrap_or_else(|| Ok(all(false, frame)))
        }
        Predicate::Not(inner) => not(&evaluate(inner, frame)?).map_err(failed),
    }
}

/// Whether a condition reads a column of this table.
pub(super) fn reads(predicate: &Predicate, table: TableName) -> bool {
    predicate.columns().iter().any(|column| column.table == table)
}

/// Rows whose date or year lies between two constants, both included: every row of a table goes through
/// here, so it is one pass and not two comparisons.
pub(super) fn between(
    column: &ColumnRef,
    first: &Value,
    last: &Value,
    frame: &Frame<'_>,
) -> Result<BooleanBuffer, TabulateError> {
    let values = frame.own(column).ok_or_else(|| unfit(column))?;
    match (first, last) {
        (Value::Date(first), Value::Date(last)) => {
            let span = Dates::span(&(calendar::days(*first)..=calendar::days(*last)));
            Dates::of(values).map(|dates| inside(dates.each(), &span))
        }
        (Value::Year(first), Value::Year(last)) => {
            let years = values.as_primitive_opt::<Int16Type>();
            years.map(|years| {
                let inside = inside(years.values().iter().copied(), &(*first..=*last));
                truth(&BooleanArray::new(inside, years.nulls().cloned()))
            })
        }
        _ => None,
    }
    .ok_or_else(|| unfit(column))
}

fn inside<T: Copy + PartialOrd>(
    values: impl ExactSizeIterator<Item = T>,
    span: &RangeInclusive<T>,
) -> BooleanBuffer {
    let (first, last, rows) = (*span.start(), *span.end(), values.len());
    // First a byte for each, then their bits: the processor does either for several at once.
    let mut inside: Vec<u8> =
        values.map(|value| u8::from((first <= value) & (value <= last))).collect();
    inside.resize(rows.next_multiple_of(8), 0);
    let bytes: Vec<u8> = inside.as_chunks().0.iter().map(|bytes| gathered(*bytes)).collect();
    BooleanBuffer::new(bytes.into(), 0, rows)
}

/// A column as Arrow's kernels take it: dates and whole numbers all in one width.
fn widened(values: &ArrayRef) -> ArrayRef {
    if let Some(dates) = Dates::of(values) {
        return Arc::new(dates.to_arrow());
    }
    match values.as_primitive_opt::<Int32Type>() {
        Some(narrow) => Arc::new(narrow.unary::<_, Int64Type>(i64::from)),
        None => values.clone(),
    }
}

/// The lowest bits of eight bytes, the first the lowest.
fn gathered(bytes: [u8; 8]) -> u8 {
    // Bit 8i times the sum of 2^(7j) reaches bit 56 + i by j = 8 − i alone, and nothing carries into it.
    let [.., top] = u64::from_le_bytes(bytes).wrapping_mul(0x0102_0408_1020_4080).to_le_bytes();
    top
}

/// What an operator makes of all parts, from the first to the last; none of no parts.
fn fold(
    parts: impl Iterator<Item = Result<BooleanArray, TabulateError>>,
    operator: fn(&BooleanArray, &BooleanArray) -> Result<BooleanArray, ArrowError>,
    frame: &Frame<'_>,
) -> Option<Result<BooleanArray, TabulateError>> {
    let mut parts = parts;
    let first = parts.next()?;
    Some(first.and_then(|first| {
        parts.try_fold(first, |whole, part| {
            operator(&whole, &part?).map_err(|source| frame.failed(source))
        })
    }))
}

fn all(value: bool, frame: &Frame<'_>) -> BooleanArray {
    let rows = frame.rows.num_rows();
    let bits = if value { BooleanBuffer::new_set(rows) } else { BooleanBuffer::new_unset(rows) };
    BooleanArray::new(bits, None)
}

fn compare(op: Op, left: &dyn Datum, right: &dyn Datum) -> Result<BooleanArray, ArrowError> {
    match op {
        Op::Equal => cmp::eq(left, right),
        Op::NotEqual => cmp::neq(left, right),
        Op::Less => cmp::lt(left, right),
        Op::LessOrEqual => cmp::lt_eq(left, right),
        Op::Greater => cmp::gt(left, right),
        Op::GreaterOrEqual => cmp::gt_eq(left, right),
    }
}

/// A literal as these values are stored; none where it is of another kind.
fn constant(value: &Value, values: &ArrayRef) -> Option<Box<dyn Datum>> {
    fn scalar(array: impl Array + 'static) -> Option<Box<dyn Datum>> {
        Some(Box::new(Scalar::new(Arc::new(array) as ArrayRef)))
    }
    match (value, values.data_type()) {
        // In a list of codes of one byte every code is one.
        (Value::Code { index, .. }, DataType::UInt8) => {
            scalar(UInt8Array::from(vec![u8::try_from(*index).ok()?]))
        }
        (Value::Code { index, .. }, DataType::UInt16) => scalar(UInt16Array::from(vec![*index])),
        (Value::Date(date), DataType::Date32) => {
            scalar(Date32Array::from(vec![calendar::days(*date)]))
        }
        (Value::Year(year), DataType::Int16) => scalar(Int16Array::from(vec![*year])),
        (Value::Integer(number), DataType::Int64) => scalar(Int64Array::from(vec![*number])),
        _ => None,
    }
}

fn dates(frame: &Frame<'_>, column: &ColumnRef) -> Result<Date32Array, TabulateError> {
    let values = frame.column(column)?;
    values.as_primitive_opt::<Date32Type>().cloned().ok_or_else(|| unfit(column))
}

fn unfit(column: &ColumnRef) -> TabulateError {
    TabulateError::Unfit { table: column.table, column: column.column.clone() }
}
