//! A partner's export as it comes, whatever it is: named columns, and rows of fields with the place an editor
//! would show. Each kind of source is a module below; the import behind it knows none of them.

mod ahead;
mod delimited;
mod field;
mod folder;
mod parquet;
mod steady;
mod view;

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use ahead::Ahead;
use delimited::Delimited;
pub(super) use delimited::{Quote, Shape};
pub use folder::{EXTENSIONS, Folder};

pub(super) use field::{Field, Row, day, digest};
use parquet::Parquet;
use steady::Steady;
pub(super) use view::View;

use crate::warehouse::WarehouseError;

/// Rows with named columns, read once from the first to the last.
pub(super) trait Export {
    /// The names of the columns, each with single blanks inside and none around it.
    fn header(&self) -> &[String];

    /// Where the header stands.
    fn header_spot(&self) -> Option<Spot> {
        Some(Spot::Line(1))
    }

    /// What it is called where a problem is told.
    fn kind(&self) -> &'static str {
        "file"
    }

    /// Why the column at this place cannot be read, if it cannot.
    fn unreadable(&self, _at: usize) -> Option<String> {
        None
    }

    /// The next row.
    fn next(&mut self) -> Result<Option<Row<'_>>, Fault>;

    /// Bytes read so far, and how many there are; 0 where the source does not know its length.
    fn progress(&self) -> (u64, u64);

    /// What the operator should know of the source as a whole, once it is read.
    fn notes(&self) -> Vec<String>;

    /// Whether the source is still what it was when it was opened. Asked once, after the last row.
    fn is_unchanged(&self) -> Result<(), Fault>;
}

/// Where in a source something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spot {
    /// A line, from 1, as an editor counts them.
    Line(u64),
    /// A row, from 1, of a file that has no lines.
    Row(u64),
    /// A row group of a Parquet file, from 1.
    Group(usize),
}

/// Bits of a spot's number that say which kind of spot it is.
const KIND_BITS: u32 = 2;

/// What is wrong with a source, other than what it says.
#[derive(Debug)]
pub(super) struct Fault {
    /// Where it is, if it is in one place.
    pub(super) spot: Option<Spot>,
    /// In which column, if it is in one.
    pub(super) column: Option<String>,
    /// What is wrong.
    pub(super) message: String,
    /// What the operator can do.
    pub(super) hint: &'static str,
    /// Whether the rows after it can still be read.
    pub(super) can_go_on: bool,
}

/// Opens a file as what its first bytes say it is.
pub(super) fn open(path: &Path, shape: &Shape) -> Result<Box<dyn Export>, Fault> {
    let steady = Steady::of(path)?;
    let mut file = File::open(path)?;
    let mut start = Vec::new();
    file.by_ref().take(4).read_to_end(&mut start)?;
    match start.as_slice() {
        // A workbook is a zip archive too.
        [b'P', b'K', 3, 4] => Err(Fault::whole(
            "is a workbook or a zip archive, not a text",
            "unpack it, or save the sheet as `CSV UTF-8`",
        )),
        [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd] => {
            Err(Fault::whole("is compressed", "unpack it first"))
        }
        b"PAR1" => Ok(Box::new(Parquet::open(file, steady)?)),
        _ => Ok(Box::new(Ahead::of(Delimited::open(start, file, steady, shape)?))),
    }
}

/// A column's name with single blanks inside and none around it: some exports put tabs into their headers.
pub(super) fn squeezed(name: &str) -> String {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\0');
    name.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Fault {
    /// Of a source as a whole.
    pub(super) fn whole(message: impl fmt::Display, hint: &'static str) -> Self {
        let message = message.to_string();
        Self { spot: None, column: None, message, hint, can_go_on: false }
    }

    /// In one place of it.
    pub(super) fn at(spot: Spot, message: impl fmt::Display, hint: &'static str) -> Self {
        Self { spot: Some(spot), ..Self::whole(message, hint) }
    }
}

impl Spot {
    /// Spots of one source, which are of one kind, are numbered in their order.
    pub(super) fn number(self) -> u64 {
        let (kind, number) = match self {
            Self::Line(line) => (0, line),
            Self::Row(row) => (1, row),
            Self::Group(group) => (2, group as u64),
        };
        number << KIND_BITS | kind
    }

    /// The spot with this number.
    pub(super) fn numbered(number: u64) -> Self {
        let place = number >> KIND_BITS;
        match number & ((1 << KIND_BITS) - 1) {
            0 => Self::Line(place),
            1 => Self::Row(place),
            _ => Self::Group(usize::try_from(place).unwrap_or(usize::MAX)),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(source: io::Error) -> Self {
        let inner = source.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<WarehouseError>()) {
            return Self::whole(error, error.hint());
        }
        Self::whole(format_args!("cannot be read: {source}"), "check its name and who may read it")
    }
}

impl From<WarehouseError> for Fault {
    fn from(error: WarehouseError) -> Self {
        Self::whole(&error, error.hint())
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Row(row) => write!(f, "row {row}"),
            Self::Group(group) => write!(f, "row group {group}"),
        }
    }
}
