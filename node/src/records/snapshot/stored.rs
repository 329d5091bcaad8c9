//! How the values of a column lie in a table's file: one behind the other, each in as few whole bytes as any value that
//! the column may have can need.

use std::ops::RangeInclusive;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Date32Array, FixedSizeBinaryArray, PrimitiveArray, UInt8Array,
    UInt16Array, UInt32Array,
};
use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Int16Type, Int32Type, Int64Type};
use bytes::Bytes;
use sumac_policy::Kind;

use super::manifest::ColumnEntry;
use crate::records::canonical::Values;
use crate::records::rows::Column;

/// Dates as they are stored: days since 1940-01-01 in two bytes, the smaller first. Nothing that a node holds is
/// earlier, or so late that it would not fit.
pub(crate) struct Dates<'a>(&'a FixedSizeBinaryArray);

/// A date that the source did not say.
const ABSENT: u16 = u16::MAX;
/// Bytes of a date.
const WIDTH: i32 = 2;

/// A value that cannot be stored in its column.
pub(super) struct TooLarge;

/// Bytes that a code of a list of so many takes: one while they all fit in it, else two, the smaller first.
pub(crate) fn code_bytes(codes: usize) -> i32 {
    if codes <= 1 << 8 { 1 } else { 2 }
}

/// How a column is stored.
pub(super) fn field(column: &Column) -> Field {
    let name = &column.name;
    match &column.kind {
        Kind::Code(codes) => {
            Field::new(name, DataType::FixedSizeBinary(code_bytes(codes.len())), false)
        }
        Kind::Date => Field::new(name, DataType::FixedSizeBinary(WIDTH), false),
        Kind::Year => Field::new(name, DataType::Int16, false),
        Kind::Integer if column.wide => Field::new(name, DataType::Int64, false),
        Kind::Integer => Field::new(name, DataType::Int32, false),
    }
}

/// The bytes of a column's values, one value behind the other.
pub(super) fn bytes(column: &Column, values: &Values) -> Result<Vec<u8>, TooLarge> {
    match values {
        Values::Code(values) if code_bytes(column.kind.codes().map_or(0, <[_]>::len)) == 1 => {
            Ok(values.iter().map(|code| code.to_le_bytes()[0]).collect())
        }
        Values::Code(values) => Ok(packed(values, |code| code.to_le_bytes())),
        Values::Date(values) => said(values, ABSENT, Dates::stored, u16::to_le_bytes),
        Values::Year(values) => said(values, i16::MIN, Some, |year| i32::from(year).to_le_bytes()),
        Values::Integer(values) if column.wide => said(values, i64::MIN, Some, i64::to_le_bytes),
        Values::Integer(values) => {
            said(values, i32::MIN, |number| i32::try_from(number).ok(), i32::to_le_bytes)
        }
    }
}

/// Values, each in so many bytes.
pub(super) fn packed<T: Copy, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
) -> Vec<u8> {
    let mut packed = vec![0; values.len() * N];
    let chunks = packed.as_chunks_mut().0.iter_mut();
    chunks.zip(values).for_each(|(chunk, value)| *chunk = bytes(*value));
    packed
}

/// Values as they are stored, with one in place of those that the source did not say.
fn said<T: Copy, S: Copy + PartialEq, const N: usize>(
    values: &[Option<T>],
    absent: S,
    stored: impl Fn(T) -> Option<S>,
    bytes: impl Fn(S) -> [u8; N],
) -> Result<Vec<u8>, TooLarge> {
    let fits = |value: T| stored(value).is_some_and(|stored| stored != absent);
    if !values.iter().flatten().all(|value| fits(*value)) {
        return Err(TooLarge);
    }
    Ok(packed(values, |value| bytes(value.and_then(&stored).unwrap_or(absent))))
}

/// Bytes that a value takes in the file.
pub(super) fn width(stored: &Field) -> usize {
    match stored.data_type() {
        DataType::FixedSizeBinary(width) => usize::try_from(*width).unwrap_or(1).max(1),
        // Parquet has no whole numbers of two bytes.
        DataType::Int16 | DataType::Int32 | DataType::UInt32 => size_of::<u32>(),
        _ => size_of::<i64>(),
    }
}

/// A column as it is read: codes are whole numbers, of as many bytes as they take in the file; dates are as they are.
pub(super) fn as_read(stored: &Field, held: Option<&ColumnEntry>) -> Field {
    let kind = match (held, stored.data_type()) {
        (Some(ColumnEntry::Codes(_)), DataType::FixedSizeBinary(1)) => DataType::UInt8,
        (Some(ColumnEntry::Codes(_)), _) => DataType::UInt16,
        (_, kind) => kind.clone(),
    };
    let numbers = matches!(kind, DataType::Int16 | DataType::Int32 | DataType::Int64);
    Field::new(stored.name(), kind, numbers)
}

/// The values of a column that is read as this field says, from their bytes in the file; none where there is no such
/// column.
pub(super) fn values(read: &Field, bytes: Bytes) -> Option<ArrayRef> {
    Some(match read.data_type() {
        DataType::UInt8 => Arc::new(UInt8Array::new(Buffer::from(bytes).into(), None)),
        DataType::UInt16 => Arc::new(UInt16Array::from(numbers(&bytes, u16::from_le_bytes))),
        DataType::FixedSizeBinary(width) => {
            Arc::new(FixedSizeBinaryArray::new(*width, Buffer::from(bytes), None))
        }
        DataType::UInt32 => Arc::new(UInt32Array::from(numbers(&bytes, u32::from_le_bytes))),
        DataType::Int16 => {
            let years = numbers(&bytes, |[low, high, ..]: [u8; 4]| i16::from_le_bytes([low, high]));
            known::<Int16Type>(years, i16::MIN)
        }
        DataType::Int32 => known::<Int32Type>(numbers(&bytes, i32::from_le_bytes), i32::MIN),
        DataType::Int64 => known::<Int64Type>(numbers(&bytes, i64::from_le_bytes), i64::MIN),
        _ => return None,
    })
}

fn numbers<const N: usize, T>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|bytes| read(*bytes)).collect()
}

/// Numbers, of which this one says that the source did not.
fn known<T: ArrowPrimitiveType>(mut numbers: Vec<T::Native>, absent: T::Native) -> ArrayRef {
    // Every row is looked at, so that the processor takes several at once.
    let any = numbers.iter().fold(false, |any, number| any | (*number == absent));
    let said = any.then(|| {
        let said: BooleanBuffer = numbers.iter().map(|number| *number != absent).collect();
        for number in numbers.iter_mut().filter(|number| **number == absent) {
            *number = T::Native::default();
        }
        NullBuffer::new(said)
    });
    Arc::new(PrimitiveArray::<T>::new(numbers.into(), said))
}

impl<'a> Dates<'a> {
    /// None where the column holds something else.
    pub(crate) fn of(values: &'a dyn Array) -> Option<Self> {
        let dates = values.as_fixed_size_binary_opt();
        dates.filter(|dates| dates.value_length() == WIDTH).map(Self)
    }

    /// The first day that can be stored, 1940-01-01, in days since 1970-01-01.
    pub(crate) const FIRST: i32 = -10_958;

    /// How a day is stored, given in days since 1970-01-01; none where it cannot be.
    fn stored(day: i32) -> Option<u16> {
        let stored = day.checked_sub(Self::FIRST)?;
        u16::try_from(stored).ok().filter(|stored| *stored != ABSENT)
    }

    /// From the first to the last of these days, given in days since 1970-01-01, as they are stored: of which an absent
    /// one is none.
    pub(crate) fn span(days: &RangeInclusive<i32>) -> RangeInclusive<u16> {
        let of = |day: i32| i64::from(day) - i64::from(Self::FIRST);
        let (first, last) = (of(*days.start()).max(0), of(*days.end()).min(i64::from(ABSENT) - 1));
        match (u16::try_from(first), u16::try_from(last)) {
            (Ok(first), Ok(last)) => first..=last,
            // It ends before the first day, or begins after the last.
            _ => RangeInclusive::new(1, 0),
        }
    }

    /// Each row's, as it is stored.
    pub(crate) fn each(&self) -> impl ExactSizeIterator<Item = u16> {
        self.0.value_data().as_chunks().0.iter().map(|day| u16::from_le_bytes(*day))
    }

    /// In days since 1970-01-01.
    pub(crate) fn to_arrow(&self) -> Date32Array {
        let first = Self::FIRST;
        let days: Vec<i32> = self.each().map(|day| first + i32::from(day)).collect();
        let said: BooleanBuffer = self.each().map(|day| day != ABSENT).collect();
        Date32Array::new(days.into(), Some(NullBuffer::new(said)))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use arrow::array::RecordBatch;

    use super::*;
    use crate::records::mapping::days_of;
    use crate::records::plausible::{FIRST_DAY, LAST_DAY};

    fn column(kind: Kind, wide: bool) -> Column {
        Column { name: "column".to_owned(), kind, wide }
    }

    /// What is read of a column that holds these.
    fn read_back(column: &Column, values: Values) -> Option<ArrayRef> {
        let (rows, stored) = (values.len(), field(column));
        let bytes = bytes(column, &values).ok()?;
        assert_eq!(bytes.len(), rows * width(&stored));
        let read = as_read(&stored, Some(&ColumnEntry::of(&column.kind)));
        let read_back = super::values(&read, bytes.into()).unwrap();
        let schema = arrow::datatypes::Schema::new(vec![read]);
        RecordBatch::try_new(schema.into(), vec![read_back.clone()]).unwrap();
        Some(read_back)
    }

    #[test]
    fn dates_are_read_back_from_the_first_to_the_last() {
        let dates = column(Kind::Date, false);
        let (first, last) = (Dates::FIRST, Dates::FIRST + 65_534);
        assert_eq!(first, days_of(FIRST_DAY));
        assert!(last >= days_of(LAST_DAY));
        let values = vec![Some(first), None, Some(0), Some(last)];
        let read = read_back(&dates, Values::Date(values.clone())).unwrap();
        let read = Dates::of(&read).unwrap();
        assert_eq!(read.to_arrow().iter().collect::<Vec<_>>(), values);
        for day in [first - 1, last + 1, i32::MIN, i32::MAX] {
            assert!(read_back(&dates, Values::Date(vec![Some(day)])).is_none(), "{day}");
        }
        for (span, inside) in [
            (first..=last, [true, false, true, true]),
            (i32::MIN..=i32::MAX, [true, false, true, true]),
            (0..=0, [false, false, true, false]),
            (i32::MIN..=first - 1, [false; 4]),
            (last + 1..=i32::MAX, [false; 4]),
            (first + 1..=last - 1, [false, false, true, false]),
        ] {
            let stored = Dates::span(&span);
            assert!(read.each().map(|day| stored.contains(&day)).eq(inside), "{span:?}");
        }
    }

    #[test]
    fn numbers_are_read_back_in_either_width() {
        let numbers =
            |wide, values| read_back(&column(Kind::Integer, wide), Values::Integer(values));
        let small = vec![Some(i64::from(i32::MAX)), None, Some(-7), Some(0)];
        let read = numbers(false, small.clone()).unwrap();
        let read: Vec<_> = read.as_primitive::<Int32Type>().iter().collect();
        assert_eq!(read.iter().map(|number| number.map(i64::from)).collect::<Vec<_>>(), small);
        let large = vec![Some(i64::MAX), None, Some(i64::from(i32::MIN))];
        let read = numbers(true, large.clone()).unwrap();
        assert_eq!(read.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), large);
        for (wide, number) in [(false, 1 << 31), (false, i64::from(i32::MIN)), (true, i64::MIN)] {
            assert!(numbers(wide, vec![Some(number)]).is_none(), "{number}");
        }
    }

    #[test]
    fn years_are_read_back() {
        let years = column(Kind::Year, false);
        let values = vec![Some(2026), None, Some(-1)];
        let read = read_back(&years, Values::Year(values.clone())).unwrap();
        assert_eq!(read.as_primitive::<Int16Type>().iter().collect::<Vec<_>>(), values);
        assert!(read_back(&years, Values::Year(vec![Some(i16::MIN)])).is_none());
    }
}
