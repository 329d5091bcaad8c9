//! Texts with a header: what spreadsheets, databases and registrars' systems call CSV, in any of its shapes.

mod input;
mod scan;
mod shape;
#[cfg(test)]
mod tests;

use std::fmt;
use std::fs::File;
use std::io::Read;

pub(in crate::records) use shape::{Quote, Shape};

use self::input::Input;
use self::scan::{Dialect, Scanner, Unclear};
use super::{Export, Fault, Row, Spot, Steady, squeezed};

/// A header longer than this is no header.
const MAX_HEADER: usize = 1 << 20;

/// A text being read, once, from its header on.
pub(in crate::records) struct Delimited {
    scanner: Scanner,
    header: Vec<String>,
    /// The header as it stands in the file: exports that were joined repeat it.
    header_row: Vec<u8>,
    /// Whether rows end in a delimiter that the header does not have, once the first row has shown it.
    trailing: Option<bool>,
    repeated: u64,
    steady: Option<Steady>,
}

impl Delimited {
    /// Takes over a file whose first bytes were read already, and reads its header.
    pub(super) fn open(
        start: Vec<u8>,
        file: File,
        steady: Steady,
        shape: &Shape,
    ) -> Result<Self, Fault> {
        let mut delimited = Self::over(start, Box::new(file), shape)?;
        delimited.steady = Some(steady);
        Ok(delimited)
    }

    /// Takes over a text that comes from anywhere.
    pub(super) fn over(
        start: Vec<u8>,
        file: Box<dyn Read + Send>,
        shape: &Shape,
    ) -> Result<Self, Fault> {
        let mut scanner = Scanner::new(Input::new(start, file, shape.encoding)?);
        while !shape.is_shown(scanner.ahead()) && scanner.look_further()? {
            if scanner.ahead().len() > MAX_HEADER {
                return Err(Fault::whole(
                    "has a first line longer than 1 MiB",
                    "check that it is a CSV file",
                ));
            }
        }
        if scanner.ahead().iter().take(256).any(|byte| *byte == 0) {
            return Err(Fault::whole(
                "holds zero bytes: it is UTF-16 without a byte-order mark, or no text",
                "say so in the mapping: encoding = \"utf-16le\" under [file]",
            ));
        }
        let mut dialect = shape.dialect(scanner.ahead());
        if let (None, Some(delimiter)) = (shape.delimiter, shape::separator_line(scanner.ahead())) {
            scanner.speak(Dialect { delimiter: b'\n', ..dialect });
            scanner.advance()?;
            dialect.delimiter = delimiter;
        }
        scanner.speak(dialect);
        let mut delimited = Self {
            scanner,
            header: Vec::new(),
            header_row: Vec::new(),
            trailing: None,
            repeated: 0,
            steady: None,
        };
        if !delimited.advance()? {
            return Err(Fault::whole("is empty", "export it again"));
        }
        let row = delimited.row(usize::MAX)?;
        let names = (0..row.len()).map(|at| squeezed(&row.get(at).to_string()));
        delimited.header = names.collect();
        delimited.header_row = delimited.scanner.row().trim_ascii().to_vec();
        Ok(delimited)
    }

    /// Goes to the next row that is not blank.
    fn advance(&mut self) -> Result<bool, Fault> {
        loop {
            if self.scanner.advance()?.is_none() {
                return Ok(false);
            }
            let blank = self.scanner.pieces().len() <= 1 && self.last_is_blank();
            if !blank {
                return Ok(true);
            }
        }
    }

    /// The row the scanner stands at, cut to so many fields.
    fn row(&self, fields: usize) -> Result<Row<'_>, Fault> {
        let spot = Spot::Line(self.scanner.line());
        let Ok(text) = std::str::from_utf8(self.scanner.row()) else {
            return Err(Fault::at(
                spot,
                "is not UTF-8 text",
                "save it as `CSV UTF-8`, or say in the mapping what it is written in: encoding = \"windows-1252\" under [file]",
            ));
        };
        let malformed = self.scanner.input().malformed();
        if let Some(encoding) = malformed.filter(|_| text.contains('\u{fffd}')) {
            return Err(Fault::at(
                spot,
                format_args!("is not {encoding} text"),
                "correct the mapping's encoding, or save the file as `CSV UTF-8`",
            ));
        }
        let pieces = self.scanner.pieces();
        Ok(Row::of_pieces(spot, text, pieces.get(..fields).unwrap_or(pieces)))
    }

    fn is_header(&self) -> bool {
        let row = self.scanner.row().trim_ascii();
        row.strip_prefix("\u{feff}".as_bytes()).unwrap_or(row) == self.header_row
    }

    fn last_is_blank(&self) -> bool {
        let (from, to) = *self.scanner.pieces().last().unwrap_or(&(0, 0));
        let last = self.scanner.row().get(from as usize..to as usize);
        last.unwrap_or_default().trim_ascii().is_empty()
    }

    /// Whether a row has as many fields as the header, or one blank more in every row.
    fn fits(&mut self) -> Result<(), Fault> {
        let (expected, found) = (self.header.len(), self.scanner.pieces().len());
        let last_is_blank = self.last_is_blank();
        let trailing = *self.trailing.get_or_insert_with(|| {
            let header_too = self.header.last().is_some_and(String::is_empty);
            (found == expected + 1 && last_is_blank) || (header_too && found + 1 == expected)
        });
        let header_too = trailing && self.header.last().is_some_and(String::is_empty);
        let wanted = match (trailing, header_too) {
            (true, true) => expected - 1,
            (true, false) => expected + 1,
            (false, _) => expected,
        };
        if found == wanted && (!trailing || header_too || last_is_blank) {
            return Ok(());
        }
        let spot = Spot::Line(self.scanner.line());
        if !self.scanner.terminated() && found < wanted {
            return Err(Fault::at(
                spot,
                format_args!(
                    "the file is cut short: its last row has {found} of {expected} values and no line end"
                ),
                "export or copy it again, whole",
            ));
        }
        let trailing = if trailing && !header_too { " and a delimiter at the end" } else { "" };
        let fault = Fault::at(
            spot,
            format_args!("this row has {found} values, and the header has {expected}{trailing}"),
            "a value that holds the delimiter must be in quotation marks; correct the row, or export the file again",
        );
        Err(Fault { can_go_on: true, ..fault })
    }
}

impl Export for Delimited {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        loop {
            if !self.advance()? {
                return Ok(None);
            }
            if self.is_header() {
                self.repeated += 1;
                continue;
            }
            self.fits()?;
            return self.row(self.header.len()).map(Some);
        }
    }

    fn progress(&self) -> (u64, u64) {
        let bytes = self.steady.as_ref().map_or(0, Steady::bytes);
        (self.scanner.input().bytes(), bytes)
    }

    fn notes(&self) -> Vec<String> {
        let abrupt = (!self.scanner.terminated()).then(|| {
            "the last line has no line end: usual, but check that the file was copied whole"
                .to_owned()
        });
        let repeated = (self.repeated > 0)
            .then(|| format!("the header stands {} times more among the rows", self.repeated));
        abrupt.into_iter().chain(repeated).collect()
    }

    fn is_unchanged(&self) -> Result<(), Fault> {
        self.steady.as_ref().map_or(Ok(()), Steady::check)
    }
}

impl From<Unclear> for Fault {
    fn from(unclear: Unclear) -> Self {
        let correct = "correct the quotation marks on that line, or export the file again";
        let at =
            |line, message: &dyn fmt::Display, hint| Fault::at(Spot::Line(line), message, hint);
        match unclear {
            Unclear::Read(source) => source.into(),
            Unclear::NeverClosed { line } | Unclear::GoesOn { line } => at(line, &unclear, correct),
            Unclear::TooLong { line } => at(line, &unclear, "check that it is a CSV file"),
        }
    }
}
