//! Watches the bytes of a CSV file go by for what the reader behind it would let pass: a quotation mark
//! that is never closed swallows the rows after it without a word.

use std::io::{self, Read};

/// A row longer than this is an unclosed quotation mark, or no CSV at all.
const MAX_ROW: u64 = 1 << 20;

/// Passes bytes on, and stops at the first row whose quoting makes no sense.
pub(super) struct Watch<R> {
    inner: R,
    delimiter: u8,
    quoting: Quoting,
    line: u64,
    opened: u64,
    row: u64,
    bytes: u64,
    last: u8,
}

/// Where in a field the last byte was.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoting {
    Start,
    Plain,
    Quoted,
    /// After a quotation mark inside a quoted field: the end of the field, or half of a doubled one.
    Closed,
}

/// Why the bytes make no sense. Travels inside an [`io::Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::records) enum Misquoted {
    /// A quotation mark that opens a value is never closed.
    #[error("a quotation mark opens a value on this line and is never closed")]
    NeverClosed { line: u64 },
    /// A quoted value goes on after its closing quotation mark.
    #[error(
        "a quoted value that begins on this line goes on after its closing quotation mark: one inside it is not doubled, or one before it is never closed"
    )]
    GoesOn { line: u64 },
    /// A row without an end.
    #[error("this line is longer than 1 MiB")]
    TooLong { line: u64 },
}

impl<R> Watch<R> {
    pub(super) fn new(inner: R, delimiter: u8) -> Self {
        let (quoting, last) = (Quoting::Start, b'\n');
        Self { inner, delimiter, quoting, line: 1, opened: 1, row: 0, bytes: 0, last }
    }

    /// Bytes passed on so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The last byte passed on.
    pub(super) fn last(&self) -> u8 {
        self.last
    }

    fn see(&mut self, byte: u8) -> Result<(), Misquoted> {
        self.row += 1;
        self.quoting = match (self.quoting, byte) {
            (Quoting::Quoted, b'"') => Quoting::Closed,
            (Quoting::Quoted, _) => Quoting::Quoted,
            (Quoting::Start, b'"') => {
                self.opened = self.line;
                Quoting::Quoted
            }
            (Quoting::Closed, b'"') => Quoting::Quoted,
            (_, b'\n') => Quoting::Start,
            (_, byte) if byte == self.delimiter => Quoting::Start,
            (Quoting::Closed, b'\r' | b' ' | b'\t') => Quoting::Closed,
            (Quoting::Closed, _) => return Err(Misquoted::GoesOn { line: self.opened }),
            (Quoting::Start | Quoting::Plain, _) => Quoting::Plain,
        };
        if byte == b'\n' {
            self.line += 1;
            if self.quoting == Quoting::Start {
                self.row = 0;
            }
        }
        if self.row > MAX_ROW {
            return Err(match self.quoting {
                Quoting::Quoted => Misquoted::NeverClosed { line: self.opened },
                _ => Misquoted::TooLong { line: self.line },
            });
        }
        Ok(())
    }
}

impl<R: Read> Read for Watch<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        let passed = buffer.get(..count).unwrap_or_default();
        for byte in passed {
            self.see(*byte).map_err(io::Error::other)?;
        }
        if count == 0 && self.quoting == Quoting::Quoted && !buffer.is_empty() {
            return Err(io::Error::other(Misquoted::NeverClosed { line: self.opened }));
        }
        self.bytes += count as u64;
        self.last = passed.last().copied().unwrap_or(self.last);
        Ok(count)
    }
}
