//! One row of a source, and its fields.

use std::fmt;

use super::Spot;

/// A row and where it stands.
#[derive(Clone, Copy)]
pub(in crate::records) struct Row<'a> {
    /// Where it begins.
    pub(in crate::records) spot: Spot,
    fields: Fields<'a>,
}

/// A row's fields, as the source holds them.
#[derive(Clone, Copy)]
enum Fields<'a> {
    /// Pieces of one text.
    Pieces { text: &'a str, pieces: &'a [Piece] },
}

/// A field's place in its row's text: from, and up to.
pub(super) type Piece = (u32, u32);

/// What a row says in one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in crate::records) enum Field<'a> {
    /// A text without blanks around it; empty where the row says nothing.
    Text(&'a str),
}

impl<'a> Row<'a> {
    /// A row whose fields are pieces of a text.
    pub(super) fn of_pieces(spot: Spot, text: &'a str, pieces: &'a [Piece]) -> Self {
        Self { spot, fields: Fields::Pieces { text, pieces } }
    }

    /// How many fields it has.
    pub(in crate::records) fn len(&self) -> usize {
        match self.fields {
            Fields::Pieces { pieces, .. } => pieces.len(),
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
        }
    }

    /// Whether no field says anything.
    pub(in crate::records) fn is_blank(&self) -> bool {
        (0..self.len()).all(|at| self.get(at).is_blank())
    }

    /// Equal for rows that are the same throughout, but for blanks around their fields.
    pub(in crate::records) fn mark(&self) -> u64 {
        (0..self.len()).fold(0, |mark, at| match self.get(at) {
            Field::Text(text) => digest(mark, text.as_bytes()),
        })
    }
}

impl Field<'_> {
    /// Whether the row says nothing here.
    pub(in crate::records) fn is_blank(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
        }
    }
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Without blanks of any kind around it.
fn trimmed(text: &str) -> &str {
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
