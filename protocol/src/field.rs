//! Reading one field: bounded, or an error that names it.

use std::fmt::Display;
use std::str::FromStr;

use sumac_policy::{Margin, Sha256};

use crate::limits::MAX_TEXT;

/// Why a message cannot be read. Names the field; holds nothing derived from records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// A field without which the message says nothing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// Bytes of the wrong length.
    #[error("`{field}` has {found} bytes where {expected} are needed")]
    Length {
        /// The field.
        field: &'static str,
        /// Bytes needed.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// More than a bound allows.
    #[error("`{field}` holds {found}, more than the {most} allowed")]
    TooMany {
        /// The field.
        field: &'static str,
        /// The bound.
        most: usize,
        /// What was found.
        found: usize,
    },
    /// A number of an enumeration or format that this version does not know; 0 is none.
    #[error("`{field}` is {value}, which this version of the software does not know")]
    Unknown {
        /// The field.
        field: &'static str,
        /// The number.
        value: i64,
    },
    /// A value that cannot be one.
    #[error("`{field}`: {what}")]
    Unsound {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        what: String,
    },
    /// Bytes that are no such message at all.
    #[error("not an encoded {message}")]
    Undecodable {
        /// The message expected.
        message: &'static str,
        /// What the decoder says.
        source: prost::DecodeError,
    },
}

impl WireError {
    pub(crate) fn unsound(field: &'static str, what: impl Display) -> Self {
        Self::Unsound { field, what: words(&what.to_string()) }
    }
}

pub(crate) fn bytes32(field: &'static str, bytes: &[u8]) -> Result<[u8; 32], WireError> {
    bytes.try_into().map_err(|_| WireError::Length { field, expected: 32, found: bytes.len() })
}

pub(crate) fn digest(field: &'static str, bytes: &[u8]) -> Result<Sha256, WireError> {
    bytes32(field, bytes).map(Sha256::from)
}

pub(crate) fn parsed<T>(field: &'static str, text: &str) -> Result<T, WireError>
where
    T: FromStr<Err: Display>,
{
    text.parse().map_err(|error: T::Err| WireError::unsound(field, error))
}

pub(crate) fn all_parsed<T>(
    field: &'static str,
    texts: &[String],
    most: usize,
) -> Result<Vec<T>, WireError>
where
    T: FromStr<Err: Display>,
{
    at_most(field, texts.len(), most)?;
    texts.iter().map(|text| parsed(field, text)).collect()
}

pub(crate) fn at_most(field: &'static str, found: usize, most: usize) -> Result<(), WireError> {
    if found > most { Err(WireError::TooMany { field, most, found }) } else { Ok(()) }
}

pub(crate) fn margin(field: &'static str, learners: u32) -> Result<Margin, WireError> {
    Margin::new(learners).ok_or_else(|| {
        WireError::unsound(field, format_args!("{learners} is not between 1 and {}", Margin::MAX))
    })
}

/// A peer's words for people: cut at [`MAX_TEXT`] characters, and unable to steer a terminal or a log.
pub(crate) fn words(text: &str) -> String {
    let safe = |c: char| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c };
    text.chars().take(MAX_TEXT).map(safe).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peers_words_cannot_steer_a_terminal() {
        assert_eq!(words("a\u{1b}[2J\nb"), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(words(&"é".repeat(5000)).chars().count(), MAX_TEXT);
    }
}
