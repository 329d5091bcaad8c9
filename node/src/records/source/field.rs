//! One row of a source, and its fields.

use std::fmt;

use jiff::Span;
use jiff::civil::{Date, date};

use super::Spot;
use super::parquet::Column;

/// A row and where it stands.
#[derive(Clone, Copy)]
pub(in crate::records) struct Row<'a> {
    /// Where it begins.
    pub(in crate::records) spot: Spot,
    fields: Fields<'a>,
    /// [`Row::mark`], where it is known already.
    mark: Option<u64>,
}

/// A row's fields, as the source holds them.
#[derive(Clone, Copy)]
enum Fields<'a> {
    /// Pieces of one text.
    Pieces { text: &'a str, pieces: &'a [Piece] },
    /// A place in every one of these columns.
    Columns { columns: &'a [Column], row: usize },
}

/// A field's place in its row's text: from, and up to.
pub(super) type Piece = (u32, u32);

/// What a row says in one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::records) enum Field<'a> {
    /// A text without blanks around it; empty where the row says nothing.
    Text(&'a str),
    /// Days since 1970-01-01.
    Day(i32),
    /// So many tenths, hundredths, …: 1250 of scale 2 is 12.50.
    Number {
        /// All digits.
        digits: i128,
        /// How many of them stand behind the point.
        scale: u32,
    },
    /// Yes or no.
    Flag(bool),
}

impl<'a> Row<'a> {
    /// A row whose fields are pieces of a text.
    pub(super) fn of_pieces(spot: Spot, text: &'a str, pieces: &'a [Piece]) -> Self {
        Self { spot, fields: Fields::Pieces { text, pieces }, mark: None }
    }

    /// The same row, whose mark is this.
    pub(super) fn marked(self, mark: u64) -> Self {
        Self { mark: Some(mark), ..self }
    }

    /// The same row, at another spot.
    pub(super) fn at(self, spot: Spot) -> Self {
        Self { spot, ..self }
    }

    /// A row of decoded columns.
    pub(super) fn of_columns(spot: Spot, columns: &'a [Column], row: usize) -> Self {
        Self { spot, fields: Fields::Columns { columns, row }, mark: None }
    }

    /// Its text and its pieces; none of a row of decoded columns.
    pub(super) fn pieces(&self) -> (&'a str, &'a [Piece]) {
        match self.fields {
            Fields::Pieces { text, pieces } => (text, pieces),
            Fields::Columns { .. } => ("", &[]),
        }
    }

    /// How many fields it has.
    pub(in crate::records) fn len(&self) -> usize {
        match self.fields {
            Fields::Pieces { pieces, .. } => pieces.len(),
            Fields::Columns { columns, .. } => columns.len(),
        }
    }

    /// What it says in a column; nothing where it has no such column.
    pub(in crate::records) fn get(&self, at: usize) -> Field<'a> {
        match self.fields {
            Fields::Pieces { text, pieces } => {
                let Some((from, to)) = pieces.get(at) else { return Field::Text("") };
                let piece = text.get(*from as usize..*to as usize).unwrap_or_default();
                Field::Text(trimmed(piece))
            }
            Fields::Columns { columns, row } => {
                columns.get(at).map_or(Field::Text(""), |column| column.get(row))
            }
        }
    }

    /// Whether no field says anything.
    pub(in crate::records) fn is_blank(&self) -> bool {
        (0..self.len()).all(|at| self.get(at).is_blank())
    }

    /// Equal for rows that are the same throughout, but for blanks around their fields.
    pub(in crate::records) fn mark(&self) -> u64 {
        if let Some(mark) = self.mark {
            return mark;
        }
        (0..self.len()).fold(0, |mark, at| match self.get(at) {
            Field::Text(text) => digest(mark, text.as_bytes()),
            Field::Day(day) => digest(mark, &day.to_le_bytes()),
            Field::Number { digits, .. } => digest(mark, &digits.to_le_bytes()),
            Field::Flag(flag) => digest(mark, &[u8::from(flag)]),
        })
    }
}

impl Field<'_> {
    /// Whether the row says nothing here.
    pub(in crate::records) fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            _ => false,
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
            Self::Day(days) => match day(*days) {
                Some(day) => day.fmt(f),
                None => write!(f, "day {days}"),
            },
            Self::Number { digits, scale } => {
                let unit = 10_u128.checked_pow(*scale).unwrap_or(u128::MAX);
                let (whole, rest) = (digits.unsigned_abs() / unit, digits.unsigned_abs() % unit);
                let sign = if *digits < 0 { "-" } else { "" };
                match usize::try_from(*scale) {
                    Ok(width @ 1..) => write!(f, "{sign}{whole}.{rest:0width$}"),
                    _ => write!(f, "{sign}{whole}"),
                }
            }
            Self::Flag(flag) => flag.fmt(f),
        }
    }
}

/// The day so many days after 1970-01-01, if there is one.
pub(in crate::records) fn day(days: i32) -> Option<Date> {
    date(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

/// Without blanks of any kind around it.
pub(super) fn trimmed(text: &str) -> &str {
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(first), Some(last)) if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// Folds bytes into a number that differs where they do, but for chance. Fast, and nothing that an adversary
/// could not undo: it only ever compares rows of one party.
pub(in crate::records) fn digest(seed: u64, bytes: &[u8]) -> u64 {
    let mut state = mixed(seed ^ bytes.len() as u64);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = mixed(state ^ u64::from_le_bytes(*word));
    }
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    mixed(state ^ u64::from_le_bytes(last))
}

fn mixed(state: u64) -> u64 {
    // An odd number of well-spread bits (the golden ratio's), as multiplicative hashes use.
    let product = u128::from(state ^ 0x5851_f42d_4c95_7f2d) * 0x9e37_79b9_7f4a_7c15;
    let [low, high] = [product & u128::from(u64::MAX), product >> 64];
    u64::try_from(low ^ high).unwrap_or(0)
}
