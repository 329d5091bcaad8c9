//! One column of a Parquet file, decoded.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Decimal128Type, Int64Type, TimeUnit};

use super::super::field::{Field, trimmed};

/// A column's values in one of a few types: each is what the file says, in a wider form.
pub(in crate::records::source) enum Column {
    Text(StringArray),
    Day(Date32Array),
    Whole(Int64Array),
    Decimal(Decimal128Array, u32),
    Flag(BooleanArray),
    /// Nothing in any row.
    Blank,
}

/// The largest precision of a decimal of 128 bits.
const DIGITS: u8 = 38;

/// Why a column of this type cannot be read, if it cannot.
pub(super) fn unreadable(kind: &DataType) -> Option<String> {
    match kind {
        DataType::Dictionary(_, values) => unreadable(values),
        DataType::Timestamp(_, Some(zone)) if !is_utc(zone) => {
            Some(format!("holds times in the zone {zone}, and so does not say which day it was"))
        }
        DataType::Decimal128(_, scale) | DataType::Decimal256(_, scale) if *scale < 0 => {
            Some("holds decimals of a negative scale".to_owned())
        }
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float16
        | DataType::Float32
        | DataType::Float64
        | DataType::Timestamp(..)
        | DataType::Date32
        | DataType::Date64
        | DataType::Binary
        | DataType::LargeBinary
        | DataType::BinaryView
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..) => None,
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => {
            Some("holds lists, not values".to_owned())
        }
        DataType::Struct(_) | DataType::Map(..) => Some("holds records, not values".to_owned()),
        other => Some(format!("holds values of the type {other}, which has no meaning here")),
    }
}

fn is_utc(zone: &str) -> bool {
    zone.eq_ignore_ascii_case("utc") || ["+00:00", "+0000", "Z", "GMT"].contains(&zone)
}

impl Column {
    /// Takes over a decoded array, or says in which column what is wrong.
    pub(super) fn of(array: Option<&ArrayRef>, name: &str) -> Result<Self, (String, String)> {
        let wrong = |message: String| (name.to_owned(), message);
        let array = array.ok_or_else(|| wrong("was not decoded".to_owned()))?;
        let to = |kind: DataType| {
            cast(array, &kind).map_err(|source| wrong(format!("does not decode: {source}")))
        };
        Ok(match array.data_type() {
            DataType::Null => Self::Blank,
            DataType::Boolean => Self::Flag(array.as_boolean().clone()),
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => Self::Whole(to(DataType::Int64)?.as_primitive().clone()),
            DataType::UInt64 => decimal(&to(DataType::Decimal128(20, 0))?),
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => {
                let wide = to(DataType::Decimal128(DIGITS, *scale))?;
                // A value too large for the wide form would become blank.
                if wide.null_count() > array.null_count() {
                    return Err(wrong("holds decimals of more than 38 digits".to_owned()));
                }
                decimal(&wide)
            }
            // Never exact: read as the shortest decimal that stands for it, and from then on as text.
            DataType::Float16 | DataType::Float32 | DataType::Float64 => {
                let shortest = to(DataType::Utf8)?;
                let shortest = shortest.as_string::<i32>().iter();
                Self::Text(shortest.map(|text| text.map(plain)).collect())
            }
            DataType::Date32 => Self::Day(array.as_primitive::<Date32Type>().clone()),
            DataType::Date64 => Self::Day(
                days(to(DataType::Int64)?.as_primitive(), 86_400_000).ok_or_else(far(name))?,
            ),
            DataType::Timestamp(unit, _) => {
                let day = 86_400
                    * match unit {
                        TimeUnit::Second => 1,
                        TimeUnit::Millisecond => 1_000,
                        TimeUnit::Microsecond => 1_000_000,
                        TimeUnit::Nanosecond => 1_000_000_000,
                    };
                Self::Day(days(to(DataType::Int64)?.as_primitive(), day).ok_or_else(far(name))?)
            }
            _ => {
                let text = to(DataType::Utf8)?;
                if text.null_count() > array.null_count() {
                    return Err(wrong("holds bytes that are not UTF-8 text".to_owned()));
                }
                Self::Text(text.as_string().clone())
            }
        })
    }

    /// What it says in a row.
    pub(in crate::records::source) fn get(&self, row: usize) -> Field<'_> {
        fn at<A: Array>(array: &A, row: usize) -> bool {
            row < array.len() && array.is_valid(row)
        }
        match self {
            Self::Text(array) if at(array, row) => Field::Text(trimmed(array.value(row))),
            Self::Day(array) if at(array, row) => Field::Day(array.value(row)),
            Self::Whole(array) if at(array, row) => {
                Field::Number { digits: i128::from(array.value(row)), scale: 0 }
            }
            Self::Decimal(array, scale) if at(array, row) => {
                Field::Number { digits: array.value(row), scale: *scale }
            }
            Self::Flag(array) if at(array, row) => Field::Flag(array.value(row)),
            _ => Field::Text(""),
        }
    }
}

/// A number written with an exponent, or with nothing but zeros behind its point, as people write it. What is no
/// number is how data frames write absent ones.
fn plain(text: &str) -> String {
    let (sign, size) = text.strip_prefix('-').map_or(("", text), |size| ("-", size));
    let (size, exponent) = size.split_once(['e', 'E']).unwrap_or((size, "0"));
    let (whole, behind) = size.split_once('.').unwrap_or((size, ""));
    let Ok(exponent) = exponent.parse::<isize>() else { return text.to_owned() };
    if text == "NaN" {
        return String::new();
    }
    let digits = [whole, behind].concat();
    let Some(point) = whole.len().checked_add_signed(exponent) else {
        let zeros = exponent.unsigned_abs() - whole.len();
        return format!("{sign}0.{}{digits}", "0".repeat(zeros));
    };
    if digits.len() < point {
        return format!("{sign}{digits}{}", "0".repeat(point - digits.len()));
    }
    match digits.split_at_checked(point) {
        Some(("", behind)) => format!("{sign}0.{behind}"),
        Some((whole, behind)) if behind.bytes().all(|digit| digit == b'0') => {
            format!("{sign}{whole}")
        }
        Some((whole, behind)) => format!("{sign}{whole}.{behind}"),
        None => text.to_owned(),
    }
}

fn decimal(array: &Arc<dyn Array>) -> Column {
    let array = array.as_primitive::<Decimal128Type>().clone();
    let scale = u32::try_from(array.scale()).unwrap_or(0);
    Column::Decimal(array, scale)
}

/// The day of each instant; none where one lies further away than days are counted.
fn days(instants: &arrow::array::PrimitiveArray<Int64Type>, per_day: i64) -> Option<Date32Array> {
    let day = |instant: i64| i32::try_from(instant.div_euclid(per_day)).ok();
    instants.iter().map(|instant| instant.map_or(Some(None), |at| day(at).map(Some))).collect()
}

fn far(name: &str) -> impl Fn() -> (String, String) {
    move || (name.to_owned(), "holds a day that lies too far away".to_owned())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn writes_numbers_without_exponents() {
        for (text, expected) in [
            ("0.1", "0.1"),
            ("12345.0", "12345"),
            ("-12.5", "-12.5"),
            ("1.23456789e9", "1234567890"),
            ("1e16", "10000000000000000"),
            ("1.5e-7", "0.00000015"),
            ("-2.5e-1", "-0.25"),
            ("0.0", "0"),
            ("NaN", ""),
            ("inf", "inf"),
        ] {
            assert_eq!(plain(text), expected, "{text}");
        }
    }
}
