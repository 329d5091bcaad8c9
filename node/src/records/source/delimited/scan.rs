//! Finds rows and fields in text. A quotation mark that is never closed would swallow the rows after it
//! without a word: what makes no sense stops the scan, with the line on which it began.

use std::io;

use super::super::field::Piece;
use super::input::{CHUNK, Input};

/// A row longer than this is an unclosed quotation mark, or no table at all.
const MAX_ROW: usize = 1 << 20;

/// How fields and rows are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// What fields are quoted with, if with anything.
    pub(super) quote: Option<u8>,
    /// Whether a carriage return alone ends a line, as it did on old Macintoshes.
    pub(super) returns: bool,
}

/// Reads a text row by row.
pub(super) struct Scanner {
    input: Input,
    dialect: Dialect,
    buffer: Vec<u8>,
    /// Where in the buffer the row just read stands, without its line end.
    row: (usize, usize),
    /// Where the next one begins.
    next: usize,
    filled: usize,
    ended: bool,
    pieces: Vec<Piece>,
    /// Fields in which quotation marks are doubled.
    doubled: Vec<usize>,
    row_line: u64,
    next_line: u64,
    terminated: bool,
}

/// Why rows cannot be told apart.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unclear {
    #[error("cannot be read")]
    Read(#[from] io::Error),
    #[error("a quotation mark opens a value on this line and is never closed")]
    NeverClosed { line: u64 },
    #[error(
        "a quoted value that begins on this line goes on after its closing quotation mark: one inside it is not doubled, or one before it is never closed"
    )]
    GoesOn { line: u64 },
    #[error("this line is longer than 1 MiB")]
    TooLong { line: u64 },
}

/// What a look at the buffer found.
enum Found {
    Row {
        end: usize,
        next: usize,
        lines: u64,
        terminated: bool,
    },
    /// The row goes on beyond the buffer; inside a quoted field since this line.
    More {
        quoted_since: Option<u64>,
    },
}

impl Scanner {
    pub(super) fn new(input: Input) -> Self {
        Self {
            input,
            dialect: Dialect { delimiter: b',', quote: Some(b'"'), returns: false },
            buffer: Vec::new(),
            row: (0, 0),
            next: 0,
            filled: 0,
            ended: false,
            pieces: Vec::new(),
            doubled: Vec::new(),
            row_line: 1,
            next_line: 1,
            terminated: true,
        }
    }

    /// From here on, rows are read so.
    pub(super) fn speak(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// The text ahead, as far as it is in memory.
    pub(super) fn ahead(&self) -> &[u8] {
        self.buffer.get(self.next..self.filled).unwrap_or_default()
    }

    /// Takes more text into memory; false at its end.
    pub(super) fn look_further(&mut self) -> io::Result<bool> {
        self.buffer.copy_within(self.next..self.filled, 0);
        self.filled -= self.next;
        self.next = 0;
        if self.buffer.len() < self.filled + CHUNK {
            self.buffer.resize(self.filled + CHUNK, 0);
        }
        let count = self.input.fill(self.buffer.get_mut(self.filled..).unwrap_or_default())?;
        self.filled += count;
        self.ended = count == 0;
        Ok(!self.ended)
    }

    /// Goes to the next row, and says on which line it begins.
    pub(super) fn advance(&mut self) -> Result<Option<u64>, Unclear> {
        loop {
            match self.find()? {
                Found::Row { end, next, lines, terminated } => {
                    self.row = (self.next, self.next + end);
                    self.next += next;
                    self.row_line = self.next_line;
                    self.next_line += lines;
                    self.terminated = terminated;
                    self.undouble();
                    return Ok(Some(self.row_line));
                }
                Found::More { .. } if self.ended && self.ahead().is_empty() => return Ok(None),
                Found::More { quoted_since } => {
                    let long = self.ahead().len() > MAX_ROW;
                    match quoted_since {
                        Some(line) if long || self.ended => {
                            return Err(Unclear::NeverClosed { line });
                        }
                        None if long => return Err(Unclear::TooLong { line: self.next_line }),
                        _ => {}
                    }
                    self.look_further()?;
                }
            }
        }
    }

    /// The row's text, without its line end. Not yet known to be UTF-8.
    pub(super) fn row(&self) -> &[u8] {
        self.buffer.get(self.row.0..self.row.1).unwrap_or_default()
    }

    /// The row's fields in its text.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The line on which the row begins.
    pub(super) fn line(&self) -> u64 {
        self.row_line
    }

    /// Whether the row just read had a line end.
    pub(super) fn terminated(&self) -> bool {
        self.terminated
    }

    pub(super) fn input(&self) -> &Input {
        &self.input
    }

    fn find(&mut self) -> Result<Found, Unclear> {
        let Dialect { delimiter, quote, returns } = self.dialect;
        let text = self.buffer.get(self.next..self.filled).unwrap_or_default();
        let stops = |byte: &u8| *byte == delimiter || *byte == b'\n' || (returns && *byte == b'\r');
        let blank = |at: usize| {
            text.get(at).is_some_and(|byte| matches!(byte, b' ' | b'\t') && *byte != delimiter)
        };
        self.pieces.clear();
        self.doubled.clear();
        if text.is_empty() {
            return Ok(Found::More { quoted_since: None });
        }
        let (mut at, mut lines) = (0, 0);
        loop {
            let mut open = at;
            while blank(open) {
                open += 1;
            }
            if quote.is_some() && text.get(open).copied() == quote {
                let line = self.next_line + lines;
                let Some(quoted) = quoted(text, open + 1, text.get(open).copied(), self.ended)
                else {
                    return Ok(Found::More { quoted_since: Some(line) });
                };
                lines += line_ends(text.get(open..quoted.close).unwrap_or_default(), returns);
                if quoted.doubled {
                    self.doubled.push(self.pieces.len());
                }
                self.pieces.push(piece(open + 1, quoted.close));
                at = quoted.close + 1;
                // A carriage return here belongs to the line end.
                while blank(at) || (!returns && text.get(at) == Some(&b'\r')) {
                    at += 1;
                }
                if text.get(at).is_some_and(|byte| !stops(byte)) {
                    return Err(Unclear::GoesOn { line });
                }
            } else {
                let rest = text.get(at..).unwrap_or_default();
                let length = rest.iter().position(stops).unwrap_or(rest.len());
                self.pieces.push(piece(at, at + length));
                at += length;
            }
            let end = at;
            let next = match (text.get(at), text.get(at + 1)) {
                (None, _) if self.ended => at,
                (None, _) => return Ok(Found::More { quoted_since: None }),
                (Some(b'\r'), Some(b'\n')) if returns => at + 2,
                (Some(b'\r'), None) if returns && !self.ended => {
                    return Ok(Found::More { quoted_since: None });
                }
                (Some(b'\n' | b'\r'), _) => at + 1,
                (Some(_), _) => {
                    at += 1;
                    continue;
                }
            };
            let terminated = next > end;
            lines += u64::from(terminated);
            return Ok(Found::Row { end, next, lines, terminated });
        }
    }

    /// Makes one of two quotation marks. What is left over becomes blanks.
    fn undouble(&mut self) {
        let Some(quote) = self.dialect.quote else { return };
        for doubled in self.doubled.drain(..) {
            let Some((from, to)) = self.pieces.get_mut(doubled) else { continue };
            let (start, end) = (self.row.0 + *from as usize, self.row.0 + *to as usize);
            let Some(field) = self.buffer.get_mut(start..end) else { continue };
            let (mut kept, mut second) = (0, false);
            for at in 0..field.len() {
                let byte = field.get(at).copied().unwrap_or_default();
                second = byte == quote && !second;
                if byte == quote && !second {
                    continue;
                }
                if let Some(place) = field.get_mut(kept) {
                    *place = byte;
                    kept += 1;
                }
            }
            field.iter_mut().skip(kept).for_each(|byte| *byte = b' ');
            *to = piece(0, *from as usize + kept).1;
        }
    }
}

/// A quoted field's closing mark.
struct Quoted {
    close: usize,
    doubled: bool,
}

/// Where a quoted field ends. None where the text does not reach so far.
fn quoted(text: &[u8], from: usize, quote: Option<u8>, last: bool) -> Option<Quoted> {
    let mut at = from;
    let mut doubled = false;
    loop {
        let length = text.get(at..)?.iter().position(|byte| Some(*byte) == quote)?;
        let close = at + length;
        match text.get(close + 1) {
            after if after.is_some() && after.copied() == quote => {
                doubled = true;
                at = close + 2;
            }
            None if !last => return None,
            _ => return Some(Quoted { close, doubled }),
        }
    }
}

fn line_ends(text: &[u8], returns: bool) -> u64 {
    let feeds = text.iter().filter(|byte| **byte == b'\n').count();
    if !returns {
        return feeds as u64;
    }
    let returned = text.iter().filter(|byte| **byte == b'\r').count();
    let both = text.windows(2).filter(|pair| *pair == b"\r\n").count();
    (feeds + returned - both) as u64
}

/// Rows are short enough for this (see [`MAX_ROW`]).
fn piece(from: usize, to: usize) -> Piece {
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    (place(from), place(to))
}
