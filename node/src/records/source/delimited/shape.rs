//! How a text is laid out: what the mapping says of it, and what its first line shows.

use encoding_rs::Encoding;

use super::scan::Dialect;

/// What separates columns, most usual first; the one that occurs most in the header is it.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// How a mapping says a text is laid out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::records) struct Shape {
    /// What separates columns. Without it, the header shows.
    pub(in crate::records) delimiter: Option<u8>,
    /// What values that hold the delimiter stand in.
    pub(in crate::records) quote: Quote,
    /// What it is written in. Without it, UTF-8, or what a byte-order mark says.
    pub(in crate::records) encoding: Option<&'static Encoding>,
}

/// What values that hold the delimiter stand in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::records) enum Quote {
    /// `"`
    #[default]
    Double,
    /// `'`
    Single,
    /// Nothing: a quotation mark is like any other character.
    None,
}

impl Quote {
    fn byte(self) -> Option<u8> {
        match self {
            Self::Double => Some(b'"'),
            Self::Single => Some(b'\''),
            Self::None => None,
        }
    }
}

impl Shape {
    /// How to read a text that begins so.
    pub(super) fn dialect(&self, start: &[u8]) -> Dialect {
        let quote = self.quote.byte();
        let header = start.get(..header_end(start, quote).unwrap_or(start.len()));
        let header = header.unwrap_or_default();
        let after = start.get(header.len()..).unwrap_or_default();
        let returns = after.first() == Some(&b'\r') && after.get(1) != Some(&b'\n');
        let delimiter = self.delimiter.unwrap_or_else(|| delimiter_of(header, quote));
        Dialect { delimiter, quote, returns }
    }

    /// Whether a text that begins so shows the whole of its first line.
    pub(super) fn is_shown(&self, start: &[u8]) -> bool {
        // One byte more tells a carriage return alone from one with a line feed.
        header_end(start, self.quote.byte()).is_some_and(|end| end + 1 < start.len())
    }
}

/// Excel's own way of saying what separates columns: a first line `sep=;`.
pub(super) fn separator_line(start: &[u8]) -> Option<u8> {
    let line = start.get(..header_end(start, None)?)?.trim_ascii();
    match line {
        [s, e, p, b'=', delimiter] if [*s, *e, *p].eq_ignore_ascii_case(b"sep") => Some(*delimiter),
        _ => None,
    }
}

/// Where the first line ends that is not blank; quoted names may hold line ends.
fn header_end(start: &[u8], quote: Option<u8>) -> Option<usize> {
    let mut quoted = false;
    let mut begun = false;
    start.iter().position(|byte| {
        quoted ^= Some(*byte) == quote;
        begun |= !byte.is_ascii_whitespace();
        matches!(byte, b'\n' | b'\r') && !quoted && begun
    })
}

fn delimiter_of(header: &[u8], quote: Option<u8>) -> u8 {
    let mut quoted = false;
    let mut counts = [0_usize; DELIMITERS.len()];
    for byte in header {
        quoted ^= Some(*byte) == quote;
        for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
            *count += usize::from(!quoted && *byte == delimiter);
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    let found = counts.into_iter().zip(DELIMITERS).find(|(count, _)| *count == most);
    found.map_or(b',', |(_, delimiter)| delimiter)
}
