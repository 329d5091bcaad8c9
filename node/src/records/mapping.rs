//! Mappings: how a partner's own export becomes canonical rows. The format is told in `docs/mapping.md`.

mod read;
mod reading;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};
use std::{fs, io};

use sumac_policy::section::Sheet;
use sumac_policy::{Problems, Schema, Severity, TableName};

use super::source::{Shape, squeezed};

pub(super) use reading::{Cell, Reading, Seen};
pub(super) use text::Misread;

/// A mapping, read and found to fit the agreement's tables and code lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) path: PathBuf,
    pub(super) title: String,
    pub(super) shape: Shape,
    pub(super) tables: Vec<TableMapping>,
}

/// A source column, under whichever of these names a file gives it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Names(Vec<String>);

/// How rows of one canonical table are made of an export's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableMapping {
    pub(super) table: TableName,
    /// Source columns that together identify a person.
    pub(super) person: Vec<Names>,
    pub(super) order: Order,
    pub(super) on_conflict: OnConflict,
    /// Only rows whose source column has one of these values.
    pub(super) keep: Vec<(Names, Vec<String>)>,
    pub(super) columns: Vec<ColumnMapping>,
}

/// What puts the rows of one person in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// A source column, read as a date, a year or a number.
    Source(Names, Reading),
    /// The canonical column at this position, a date.
    Column(usize),
    /// The order of the file.
    File,
}

/// What to do where two rows of the learner table say different things of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnConflict {
    Refuse,
    Latest,
}

/// A canonical column and what fills it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ColumnMapping {
    pub(super) column: String,
    pub(super) fill: Fill,
}

/// What fills a canonical column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fill {
    /// The same value in every row.
    Constant(Cell),
    /// A source column.
    Source(Names, Reading),
}

/// Why a mapping cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum MappingError {
    /// The file cannot be read.
    #[error("read mapping `{path}`")]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// What it says makes no sense, or does not fit the agreement: everything at once.
    #[error("mapping `{path}` cannot be used:\n{problems}")]
    Unsound {
        /// Which file.
        path: PathBuf,
        /// What is wrong, by line.
        problems: Problems,
    },
}

impl Mapping {
    /// Reads a mapping file for an agreement's tables.
    ///
    /// # Errors
    /// Where it cannot be read, or with every problem in it.
    pub fn open(path: &Path, schema: &Schema) -> Result<Self, MappingError> {
        let bytes = fs::read(path)
            .map_err(|source| MappingError::Read { path: path.to_owned(), source })?;
        Self::read(&bytes, path, schema)
    }

    /// Reads a mapping. The path is only what messages call it.
    ///
    /// # Errors
    /// With every problem in it, each with its line.
    pub fn read(bytes: &[u8], path: &Path, schema: &Schema) -> Result<Self, MappingError> {
        let unsound = |problems| MappingError::Unsound { path: path.to_owned(), problems };
        let sheet = Sheet::parse(bytes).map_err(unsound)?;
        let mapping = read::mapping(&sheet, path, schema);
        let mut problems = sheet.problems();
        problems.retain(|problem| problem.severity == Severity::Error);
        match mapping {
            Some(mapping) if problems.is_empty() => Ok(mapping),
            _ => Err(unsound(Problems(problems))),
        }
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }
}

impl Names {
    /// None without a name, or with a blank one.
    pub(super) fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let names: Vec<_> = names.into_iter().map(squeezed).collect();
        let sound = !names.is_empty() && names.iter().all(|name| !name.is_empty());
        sound.then_some(Self(names))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The name for messages.
    pub(super) fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }
}

impl TableMapping {
    /// Every source column it reads.
    pub(super) fn sources(&self) -> impl Iterator<Item = &Names> {
        let order = match &self.order {
            Order::Source(source, _) => Some(source),
            Order::Column(_) | Order::File => None,
        };
        let fills = self.columns.iter().filter_map(|column| match &column.fill {
            Fill::Source(source, _) => Some(source),
            Fill::Constant(_) => None,
        });
        let keep = self.keep.iter().map(|(source, _)| source);
        self.person.iter().chain(keep).chain(order).chain(fills)
    }
}
