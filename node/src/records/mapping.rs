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

pub(super) use reading::{Cell, Reading, Seen};
pub(super) use text::Misread;

/// A mapping, read and found to fit the agreement's tables and code lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    pub(super) path: PathBuf,
    pub(super) title: String,
    pub(super) delimiter: Option<u8>,
    pub(super) tables: Vec<TableMapping>,
}

/// How rows of one canonical table are made of an export's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableMapping {
    pub(super) table: TableName,
    /// Source columns that together identify a person.
    pub(super) person: Vec<String>,
    pub(super) order: Order,
    pub(super) on_conflict: OnConflict,
    /// Only rows whose source column has one of these values.
    pub(super) keep: Vec<(String, Vec<String>)>,
    pub(super) columns: Vec<ColumnMapping>,
}

/// What puts the rows of one person in order of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Order {
    /// A source column, read as a date, a year or a number.
    Source(String, Reading),
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
    Source(String, Reading),
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

impl TableMapping {
    /// Every source column it reads.
    pub(super) fn sources(&self) -> impl Iterator<Item = &str> {
        let order = match &self.order {
            Order::Source(source, _) => Some(source),
            Order::Column(_) | Order::File => None,
        };
        let fills = self.columns.iter().filter_map(|column| match &column.fill {
            Fill::Source(source, _) => Some(source),
            Fill::Constant(_) => None,
        });
        let keep = self.keep.iter().map(|(source, _)| source);
        self.person.iter().chain(keep).chain(order).chain(fills).map(String::as_str)
    }
}
