//! A row in so many bytes: what it is sorted by, then its cells.

use std::iter;

use sumac_policy::Kind;

use crate::records::canonical::{PersonKey, Values};
use crate::records::mapping::Cell;
use crate::records::source::Spot;

/// Leading bytes by which rows are sorted: person, order, origin.
const KEY: usize = PERSON + 8 + 8;
const PERSON: usize = size_of::<PersonKey>();
/// After the key: the mark, and what conflicts mean.
const HEAD: usize = KEY + 8 + 1;
/// A file and a place in it share eight bytes: sixteen million files, and a million million places in each.
const SPOT_BITS: u32 = 40;
const LAST_SPOT: u64 = (1 << SPOT_BITS) - 1;

/// A column that a source fills.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) struct Column {
    pub(in crate::records) name: String,
    pub(in crate::records) kind: Kind,
    /// Whether a whole number in it may need more than four bytes.
    pub(in crate::records) wide: bool,
}

/// A row of one of the files, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::records) struct Origin {
    /// Position in the list of files.
    pub(in crate::records) source: u32,
    /// Where in it.
    pub(in crate::records) spot: Spot,
}

/// What is known of a row besides whose it is and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::records) struct Head {
    /// Later rows have larger numbers.
    pub(in crate::records) order: i64,
    pub(in crate::records) origin: Origin,
    /// Equal for rows of the source that are the same throughout.
    pub(in crate::records) mark: u64,
    /// Whether another row of the same learner must say the same: of the learner table alone.
    pub(in crate::records) strict: bool,
}

/// Where each column's value lies in a packed row.
#[derive(Debug, Clone)]
pub(in crate::records) struct Layout {
    columns: Vec<Column>,
    /// How many things each learner's rows must agree in.
    agreeing: usize,
    width: usize,
}

/// What a row says of something that all rows of its learner must say alike; zero where it says nothing.
pub(in crate::records) type Digest = u32;

/// A packed row.
#[derive(Clone, Copy)]
pub(super) struct Row<'a>(pub(super) &'a [u8]);

impl Layout {
    pub(super) fn new(columns: Vec<Column>, agreeing: usize) -> Self {
        let cells: usize = columns.iter().map(|column| bytes(&column.kind)).sum();
        Self { columns, agreeing, width: HEAD + agreeing * size_of::<Digest>() + cells }
    }

    pub(in crate::records) fn columns(&self) -> &[Column] {
        &self.columns
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Packs a row behind its person's key, which ends `row`.
    pub(super) fn pack(
        &self,
        head: Head,
        digests: &[Digest],
        cells: impl IntoIterator<Item = Cell>,
        row: &mut Vec<u8>,
    ) {
        let Head { order, origin, mark, strict } = head;
        let ends = row.len() - PERSON + self.width;
        // With its sign turned, a number's bytes sort as it does.
        row.extend((order ^ i64::MIN).to_be_bytes());
        let source = u64::from(origin.source) << SPOT_BITS;
        row.extend((source | origin.spot.number().min(LAST_SPOT)).to_be_bytes());
        row.extend(mark.to_le_bytes());
        row.push(u8::from(strict));
        let silent = iter::repeat(&0);
        for digest in digests.iter().chain(silent).take(self.agreeing) {
            row.extend(digest.to_le_bytes());
        }
        for cell in cells {
            pack(cell, row);
        }
        row.resize(ends, 0);
    }

    /// Columns without a row.
    pub(in crate::records) fn empty(&self) -> Vec<Values> {
        self.columns.iter().map(|column| Values::empty(&column.kind)).collect()
    }

    /// Adds a row's cells to columns begun by [`Layout::empty`].
    pub(super) fn unpack(&self, row: Row<'_>, into: &mut [Values]) {
        let mut rest = self.cells(row);
        for values in into {
            match values {
                Values::Code(values) => values.push(u16::from_le_bytes(next(&mut rest))),
                Values::Date(values) => {
                    let [there] = next(&mut rest);
                    let days = i32::from_le_bytes(next(&mut rest));
                    values.push((there != 0).then_some(days));
                }
                Values::Year(values) => {
                    let [there] = next(&mut rest);
                    let year = i16::from_le_bytes(next(&mut rest));
                    values.push((there != 0).then_some(year));
                }
                Values::Integer(values) => {
                    let [there] = next(&mut rest);
                    let number = i64::from_le_bytes(next(&mut rest));
                    values.push((there != 0).then_some(number));
                }
            }
        }
    }

    /// The first column in which two rows differ.
    pub(super) fn difference(&self, one: Row<'_>, other: Row<'_>) -> Option<&str> {
        let (mut one, mut other) = (self.cells(one), self.cells(other));
        let mut split = |width| {
            let (cell, rest) = one.split_at_checked(width)?;
            let (beside, others) = other.split_at_checked(width)?;
            (one, other) = (rest, others);
            Some(cell != beside)
        };
        let differs = |column: &&Column| split(bytes(&column.kind)).unwrap_or(false);
        self.columns.iter().find(differs).map(|column| column.name.as_str())
    }

    /// What a row says of each thing in which its learner's rows must agree.
    pub(super) fn digests(&self, row: Row<'_>) -> impl Iterator<Item = Digest> {
        let digests = row.after_head().as_chunks().0.iter().take(self.agreeing);
        digests.map(|bytes| Digest::from_le_bytes(*bytes))
    }

    fn cells<'a>(&self, row: Row<'a>) -> &'a [u8] {
        row.after_head().get(self.agreeing * size_of::<Digest>()..).unwrap_or_default()
    }
}

impl<'a> Row<'a> {
    /// What it is sorted by.
    pub(super) fn key(self) -> (u128, u64, u64) {
        let person = u128::from_be_bytes(self.person());
        (person, self.order(), self.number(PERSON + 8, u64::from_be_bytes))
    }

    pub(super) fn person(self) -> PersonKey {
        self.0.first_chunk().copied().unwrap_or_default()
    }

    /// The order and, by sorting, everything else that two rows of one person differ in.
    pub(super) fn order(self) -> u64 {
        self.number(PERSON, u64::from_be_bytes)
    }

    pub(super) fn origin(self) -> Origin {
        let both = self.number(PERSON + 8, u64::from_be_bytes);
        let source = u32::try_from(both >> SPOT_BITS).unwrap_or(u32::MAX);
        Origin { source, spot: Spot::numbered(both & LAST_SPOT) }
    }

    pub(super) fn mark(self) -> u64 {
        self.number(KEY, u64::from_le_bytes)
    }

    pub(super) fn strict(self) -> bool {
        self.0.get(HEAD - 1).is_some_and(|strict| *strict != 0)
    }

    fn after_head(self) -> &'a [u8] {
        self.0.get(HEAD..).unwrap_or_default()
    }

    fn number(self, at: usize, read: fn([u8; 8]) -> u64) -> u64 {
        self.0.get(at..).and_then(|rest| rest.first_chunk()).map_or(0, |bytes| read(*bytes))
    }
}

/// Bytes that a value takes: a code never absent, the others with a byte that says whether they are there.
fn bytes(kind: &Kind) -> usize {
    match kind {
        Kind::Code(_) => 2,
        Kind::Date => 1 + 4,
        Kind::Year => 1 + 2,
        Kind::Integer => 1 + 8,
    }
}

fn pack(cell: Cell, row: &mut Vec<u8>) {
    match cell {
        Cell::Code(code) => row.extend(code.to_le_bytes()),
        Cell::Date(days) => {
            row.push(u8::from(days.is_some()));
            row.extend(days.unwrap_or(0).to_le_bytes());
        }
        Cell::Year(year) => {
            row.push(u8::from(year.is_some()));
            row.extend(year.unwrap_or(0).to_le_bytes());
        }
        Cell::Integer(number) => {
            row.push(u8::from(number.is_some()));
            row.extend(number.unwrap_or(0).to_le_bytes());
        }
    }
}

fn next<const N: usize>(rest: &mut &[u8]) -> [u8; N] {
    match rest.split_first_chunk() {
        Some((chunk, after)) => {
            *rest = after;
            *chunk
        }
        None => [0; N],
    }
}
