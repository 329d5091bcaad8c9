//! A partner's export as it comes: its delimiter, its header, its rows with the line numbers an editor
//! shows, and what is wrong with it as a file.

mod watch;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::Path;

use csv::{ByteRecord, Reader, ReaderBuilder, Terminator};

pub(super) use watch::Misquoted;
use watch::Watch;

/// A header longer than this is no header.
const MAX_HEADER: usize = 1 << 20;

/// Bytes taken from the file at once.
const CHUNK: usize = 1 << 18;

/// What separates columns, most usual first; the one that occurs most in the header is it.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// A CSV file being read, once, from its header on.
pub(super) struct Export {
    reader: Reader<Watch<Box<dyn Read>>>,
    header: Vec<String>,
    row: ByteRecord,
    bytes: u64,
}

/// A row and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    /// The line on which it begins, from 1.
    pub(super) line: u64,
    /// Its fields, as many as the header has.
    pub(super) fields: &'a ByteRecord,
}

/// What is wrong with a file as a CSV file.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    #[error("cannot be read")]
    Read(#[from] io::Error),
    #[error("is empty")]
    Empty,
    #[error("is not UTF-8 text")]
    NotUtf8 { line: u64 },
    #[error("ends its lines in a way that no longer exists (a carriage return alone)")]
    OldLineEnds,
    #[error("has a first line longer than 1 MiB")]
    NoHeader,
    #[error(transparent)]
    Misquoted(Misquoted),
    #[error("this row has {found} values, and the header has {expected}")]
    Fields { line: u64, found: usize, expected: usize },
    #[error("the file is cut short: its last row has {found} of {expected} values and no line end")]
    CutShort { line: u64, found: usize, expected: usize },
}

impl Export {
    /// Opens a file and reads its header. Without a delimiter, the header shows which it is.
    pub(super) fn open(path: &Path, delimiter: Option<u8>) -> Result<Self, Fault> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        Self::over(file, bytes, delimiter)
    }

    fn over(
        mut file: impl Read + 'static,
        bytes: u64,
        delimiter: Option<u8>,
    ) -> Result<Self, Fault> {
        let start = beginning(&mut file)?;
        let delimiter = delimiter.unwrap_or_else(|| delimiter_of(&start));
        let rest: Box<dyn Read> = Box::new(Cursor::new(start).chain(file));
        // The reader's own idea of CRLF loses count of the lines: it is left on the last field, as a blank.
        let reader = ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .buffer_capacity(CHUNK)
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Watch::new(rest, delimiter));
        let mut export = Self { reader, header: Vec::new(), row: ByteRecord::new(), bytes };
        let header = export.read()?.ok_or(Fault::Empty)?;
        let names = header.fields.iter().map(|name| String::from_utf8_lossy(name));
        let names: Vec<_> = names.map(|name| name.trim().to_owned()).collect();
        if names.iter().any(|name| name.contains('\r')) {
            return Err(Fault::OldLineEnds);
        }
        export.header = names;
        Ok(export)
    }

    /// The names of the columns, trimmed.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// Bytes read so far, and how many there are; 0 where the file does not know its length.
    pub(super) fn progress(&self) -> (u64, u64) {
        (self.reader.get_ref().bytes(), self.bytes)
    }

    /// Whether the last line lacks its end: usual, and what a file cut short looks like too.
    pub(super) fn ends_abruptly(&self) -> bool {
        self.reader.get_ref().last() != b'\n'
    }

    /// The next row; blank lines are passed over.
    pub(super) fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        let expected = self.header.len();
        let Some(row) = self.read()? else { return Ok(None) };
        let (line, found) = (row.line, row.fields.len());
        if found == expected {
            return Ok(Some(Row { line, fields: &self.row }));
        }
        let ended = self.ended();
        Err(if ended || found > expected {
            Fault::Fields { line, found, expected }
        } else {
            Fault::CutShort { line, found, expected }
        })
    }

    /// Whether the row just read had a line end.
    fn ended(&self) -> bool {
        let watch = self.reader.get_ref();
        self.reader.position().byte() < watch.bytes() || watch.last() == b'\n'
    }

    fn read(&mut self) -> Result<Option<Row<'_>>, Fault> {
        loop {
            if !self.reader.read_byte_record(&mut self.row)? {
                return Ok(None);
            }
            let blank = self.row.len() <= 1 && self.row.as_slice().trim_ascii().is_empty();
            if !blank {
                break;
            }
        }
        // Counted back from where the row ends: blank lines before it are not part of it.
        let text = self.row.as_slice();
        let inside = text.iter().filter(|byte| **byte == b'\n').count() as u64;
        let after = self.reader.position().line();
        let line = after.saturating_sub(inside + u64::from(self.ended()));
        if std::str::from_utf8(text).is_err() {
            return Err(Fault::NotUtf8 { line });
        }
        Ok(Some(Row { line, fields: &self.row }))
    }
}

/// Enough of the file to hold its header, without a byte-order mark.
fn beginning(file: &mut impl Read) -> Result<Vec<u8>, Fault> {
    let mut start = Vec::new();
    loop {
        let before = start.len();
        file.by_ref().take(CHUNK as u64).read_to_end(&mut start)?;
        if start.len() == before || header_end(&start).is_some() {
            break;
        }
        if start.len() > MAX_HEADER {
            return Err(Fault::NoHeader);
        }
    }
    if start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]) {
        return Err(Fault::NotUtf8 { line: 1 });
    }
    if start.starts_with(b"\xEF\xBB\xBF") {
        start.drain(..3);
    }
    Ok(start)
}

/// Where the first line ends that is not blank; quoted names may hold line ends.
fn header_end(start: &[u8]) -> Option<usize> {
    let mut quoted = false;
    let mut begun = false;
    start.iter().position(|byte| {
        quoted ^= *byte == b'"';
        begun |= !byte.is_ascii_whitespace();
        *byte == b'\n' && !quoted && begun
    })
}

fn delimiter_of(start: &[u8]) -> u8 {
    let header = start.get(..header_end(start).unwrap_or(start.len())).unwrap_or_default();
    let mut quoted = false;
    let mut counts = [0_usize; DELIMITERS.len()];
    for byte in header {
        quoted ^= *byte == b'"';
        for (count, delimiter) in counts.iter_mut().zip(DELIMITERS) {
            *count += usize::from(!quoted && *byte == delimiter);
        }
    }
    let most = counts.into_iter().max().unwrap_or(0);
    let found = counts.into_iter().zip(DELIMITERS).find(|(count, _)| *count == most);
    found.map_or(b',', |(_, delimiter)| delimiter)
}

impl From<csv::Error> for Fault {
    fn from(error: csv::Error) -> Self {
        let source = match error.into_kind() {
            csv::ErrorKind::Io(source) => source,
            other => io::Error::other(format!("{other:?}")),
        };
        match source.get_ref().and_then(|cause| cause.downcast_ref::<Misquoted>()) {
            Some(misquoted) => Self::Misquoted(*misquoted),
            None => Self::Read(source),
        }
    }
}

impl Fault {
    /// Where it is, if it is on one line.
    pub(super) fn line(&self) -> Option<u64> {
        match self {
            Self::Read(_) | Self::Empty | Self::OldLineEnds | Self::NoHeader => None,
            Self::NotUtf8 { line }
            | Self::Fields { line, .. }
            | Self::CutShort { line, .. }
            | Self::Misquoted(
                Misquoted::NeverClosed { line }
                | Misquoted::GoesOn { line }
                | Misquoted::TooLong { line },
            ) => Some(*line),
        }
    }

    /// What the operator can do.
    pub(super) fn hint(&self) -> &'static str {
        match self {
            Self::Read(_) => "check its name and who may read it",
            Self::Empty => "export it again",
            Self::NotUtf8 { .. } => "save it as `CSV UTF-8` and import it again",
            Self::OldLineEnds => "save it as `CSV UTF-8` and import it again",
            Self::NoHeader | Self::Misquoted(Misquoted::TooLong { .. }) => {
                "check that it is a CSV file"
            }
            Self::Misquoted(_) => {
                "correct the quotation marks on that line, or export the file again"
            }
            Self::Fields { .. } => {
                "a value that holds the delimiter must be in quotation marks; correct the row, or export the file again"
            }
            Self::CutShort { .. } => "export or copy it again, whole",
        }
    }

    /// Whether the rows after it can still be read.
    pub(super) fn can_go_on(&self) -> bool {
        matches!(self, Self::Fields { .. })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use proptest::prelude::*;

    use super::*;

    fn open(text: &[u8], delimiter: Option<u8>) -> Result<Export, Fault> {
        Export::over(Cursor::new(text.to_vec()), text.len() as u64, delimiter)
    }

    type Rows = Vec<(u64, Vec<String>)>;

    fn rows(text: &[u8]) -> Result<Rows, Fault> {
        rows_of(open(text, None)?)
    }

    fn rows_of(mut export: Export) -> Result<Rows, Fault> {
        let mut rows = Vec::new();
        while let Some(row) = export.next()? {
            let fields = row.fields.iter();
            let text = |field: &[u8]| String::from_utf8_lossy(field.trim_ascii()).into_owned();
            rows.push((row.line, fields.map(text).collect()));
        }
        Ok(rows)
    }

    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let expected: Rows = expected
            .iter()
            .map(|(line, fields)| (*line, fields.iter().map(|&field| field.to_owned()).collect()))
            .collect();
        assert_eq!(rows(text.as_bytes()).unwrap(), expected, "{text:?}");
    }

    #[test]
    fn reads_what_partners_export() {
        check("A,B\n1,2\n", &[(2, &["1", "2"])]);
        check("\u{feff}A;B\r\n1;2\r\n3;4", &[(2, &["1", "2"]), (3, &["3", "4"])]);
        check("A\tB\n1\t2\n", &[(2, &["1", "2"])]);
        check("A|B\n1|2,3\n", &[(2, &["1", "2,3"])]);
        check("A\n1\n2\n", &[(2, &["1"]), (3, &["2"])]);
        check(
            "\"A\",\"B\"\r\n\"1\",\"x,\r\ny\"\r\n\"3\" ,\"4\"\r\n",
            &[(2, &["1", "x,\r\ny"]), (4, &["3", "4"])],
        );
        check(
            "A,B\r\n\r\n1,\"say \"\"x\"\"\"\r\n\r\n\r\n3,4\r\n",
            &[(3, &["1", "say \"x\""]), (6, &["3", "4"])],
        );
        check("\r\nA,B\r\n1,5\" pipe\r\n", &[(3, &["1", "5\" pipe"])]);
    }

    #[test]
    fn trims_the_names_of_columns() {
        let export = open("\u{feff} A ,\"B\t\",C\r\n".as_bytes(), None).unwrap();
        assert_eq!(export.header(), ["A", "B", "C"]);
    }

    fn refuses(text: &[u8], words: &str, line: Option<u64>) {
        let fault = rows(text).unwrap_err();
        assert!(fault.to_string().contains(words), "{fault}");
        assert_eq!(fault.line(), line, "{fault}");
    }

    #[test]
    fn says_what_is_wrong_and_on_which_line() {
        refuses(b"", "is empty", None);
        refuses(b"\r\n\r\n", "is empty", None);
        refuses(b"A,B\n1,2\n3\n", "has 1 values, and the header has 2", Some(3));
        refuses(b"A,B\n1,\"x\ny\"\n3,4,5\n", "has 3 values", Some(4));
        refuses(b"A,B\n1,2\n3", "cut short", Some(3));
        refuses(b"A,B\n1,2\n3,\"4\n5,6\n", "never closed", Some(3));
        refuses(b"\"A\",\"B\"\n\"1\",\"2\n\"3\",\"4\"\n", "goes on", Some(2));
        refuses(b"A,B\n1,caf\xe9\n", "not UTF-8", Some(2));
        refuses(b"\xff\xfeA\0,\0B\0\n\0", "not UTF-8", Some(1));
        refuses(b"A,B\r1,2\r3,4\r", "carriage return", None);
        let mut long = b"A,B\n1,\"2\n".to_vec();
        long.resize(3 << 20, b'x');
        refuses(&long, "never closed", Some(2));
        let mut long = b"A,B\n1,2\n".to_vec();
        long.resize(3 << 20, b'x');
        refuses(&long, "longer than 1 MiB", Some(3));
    }

    proptest! {
        #[test]
        fn reads_back_what_any_writer_wrote(
            table in (1_usize..5).prop_flat_map(|columns| {
                let field = "[a-z0-9 ,;\t|\"\r\n\u{e9}]{0,8}".prop_map(|text| text.trim().to_owned());
                prop::collection::vec(prop::collection::vec(field, columns), 1..20)
            }),
            delimiter in prop::sample::select(DELIMITERS.to_vec()),
            style in prop::sample::select(vec![csv::QuoteStyle::Always, csv::QuoteStyle::Necessary]),
            crlf: bool,
            bom: bool,
        ) {
            let mut text = if bom { "\u{feff}".as_bytes().to_vec() } else { Vec::new() };
            let terminator = if crlf { Terminator::CRLF } else { Terminator::Any(b'\n') };
            let mut writer = csv::WriterBuilder::new()
                .delimiter(delimiter)
                .quote_style(style)
                .terminator(terminator)
                .from_writer(&mut text);
            let columns = table.first().map_or(0, Vec::len);
            writer.write_record((0..columns).map(|n| format!("column_{n}"))).unwrap();
            for row in &table {
                writer.write_record(row).unwrap();
            }
            writer.flush().unwrap();
            drop(writer);

            let blank = |row: &[String]| row.len() == 1 && row.iter().all(String::is_empty);
            let expected: Vec<_> = table.into_iter().filter(|row| !blank(row)).collect();
            // One column shows no delimiter.
            let export = open(&text, (columns == 1).then_some(delimiter)).unwrap();
            let read: Vec<_> = rows_of(export).unwrap().into_iter().map(|(_, row)| row).collect();
            prop_assert_eq!(read, expected);
        }
    }
}
