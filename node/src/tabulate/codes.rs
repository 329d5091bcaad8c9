//! A column of codes, as wide as a snapshot has them.

use arrow::array::{Array, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{UInt8Type, UInt16Type};

/// The code of each row of a table.
pub(super) enum Codes {
    Narrow(ScalarBuffer<u8>),
    Wide(ScalarBuffer<u16>),
}

impl Codes {
    /// None where the column holds something else.
    pub(super) fn of(values: &dyn Array) -> Option<Self> {
        let narrow = values.as_primitive_opt::<UInt8Type>().map(|codes| codes.values().clone());
        let wide = values.as_primitive_opt::<UInt16Type>().map(|codes| codes.values().clone());
        narrow.map(Self::Narrow).or(wide.map(Self::Wide))
    }

    /// Adds what becomes of each row's behind what there is.
    pub(super) fn extend<T>(&self, onto: &mut Vec<T>, make: impl Fn(u16) -> T) {
        match self {
            Self::Narrow(codes) => onto.extend(codes.iter().map(|code| make(u16::from(*code)))),
            Self::Wide(codes) => onto.extend(codes.iter().map(|code| make(*code))),
        }
    }

    /// Hands each row's to what stands beside it.
    pub(super) fn each<T>(&self, beside: &mut [T], take: impl Fn(&mut T, u16)) {
        match self {
            Self::Narrow(codes) => {
                beside.iter_mut().zip(codes).for_each(|(to, code)| take(to, u16::from(*code)));
            }
            Self::Wide(codes) => {
                beside.iter_mut().zip(codes).for_each(|(to, code)| take(to, *code));
            }
        }
    }

    /// Whether all are below this, which is one at least. Every row is looked at.
    pub(super) fn are_below(&self, end: usize) -> bool {
        let largest = match self {
            Self::Narrow(codes) => codes.iter().fold(0, |one, other| one.max(*other)).into(),
            Self::Wide(codes) => codes.iter().fold(0, |one, other| one.max(*other)),
        };
        usize::from(largest) < end
    }
}
