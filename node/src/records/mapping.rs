//! Mappings: how a partner's own export becomes canonical rows. The format is told in `docs/mapping.md`.

mod built_in;
mod condition;
mod propose;
mod read;
mod reading;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};
use std::{fs, io};

use sumac_policy::section::Sheet;
use sumac_policy::{Problem, Problems, Schema, Severity, TableName};

use super::credentials::Form;
use super::source::{Shape, squeezed};

pub use built_in::{BUILT_IN, BuiltIn};
pub(super) use condition::{Condition, Test, number};
pub use propose::{ProposeError, propose};
pub(super) use reading::{Cell, Reading, Seen};
pub(super) use text::{Misread, day_cell, days_of, year as year_of_text};

/// A mapping, read and found to fit the agreement's tables and code lists.
#[derive(Debug, Clone)]
pub struct Mapping {
    pub(super) path: PathBuf,
    pub(super) title: String,
    pub(super) shape: Shape,
    /// Columns that this kind of export has and that are not read: any other column is told to the operator.
    pub(super) passed_over: Option<Vec<Names>>,
    pub(super) tables: Vec<TableMapping>,
    /// For credentials: they have no columns, and the one table says what stands where they are silent.
    pub(super) credentials: Option<Form>,
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
    /// Only rows for which this holds.
    pub(super) when: Condition,
    /// Only files with all of these columns, and with none of those.
    pub(super) header_has: Vec<Names>,
    pub(super) header_lacks: Vec<Names>,
    /// Source columns that say the same in all rows of a person.
    pub(super) same: Vec<Names>,
    /// Whether no row at all is a fact, not a mistake.
    pub(super) may_be_empty: bool,
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
    /// Whether files may lack what fills it: then the column is not held.
    pub(super) optional: bool,
}

/// What fills a canonical column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fill {
    /// The same value in every row.
    Constant(Cell),
    /// A source column.
    Source(Names, Reading),
    /// The first of these that applies, or else this.
    Cases(Vec<Case>, Cell),
    /// A day of a year that the source names.
    Day(YearDay),
}

/// What fills a column in some rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) when: Condition,
    pub(super) fill: Fill,
    /// Whether files may lack its columns: then it never applies.
    pub(super) optional: bool,
}

/// A day of the calendar year in which a reporting year begins, or of one that comes so many years later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct YearDay {
    pub(super) year: Names,
    pub(super) plus: Plus,
    pub(super) month: i8,
    pub(super) day: i8,
}

/// Years to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Plus {
    Years(i64),
    Source(Names),
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
        let undecided = undecided(bytes);
        if !undecided.is_empty() {
            return Err(unsound(Problems(undecided)));
        }
        let mapping = read::mapping(&sheet, path, schema);
        let mut problems = sheet.problems();
        problems.retain(|problem| problem.severity == Severity::Error);
        match mapping {
            Some(mapping) if problems.is_empty() => Ok(mapping),
            _ => Err(unsound(Problems(problems))),
        }
    }

    /// Every source column that it names, whatever a file has.
    pub(super) fn every_source(&self) -> Vec<&Names> {
        let everything = |_: &Names| true;
        let sources = self.tables.iter().flat_map(|table| table.sources(&everything));
        sources.collect()
    }

    /// Whether it is for credentials, and so reads a folder or an archive as a whole.
    pub fn is_for_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }
}

/// In small letters, as texts are compared without regard to capitals.
fn in_small_letters(words: Vec<String>) -> Vec<String> {
    words.into_iter().map(|word| word.to_lowercase()).collect()
}

/// Lines of a proposed mapping that nobody has decided yet.
fn undecided(bytes: &[u8]) -> Vec<Problem> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text
        .lines()
        .zip(1..)
        .filter(|(line, _)| !line.trim_start().starts_with('#') && line.contains("\"TODO\""));
    let problem = |(_, line)| Problem {
        line,
        place: "file".to_owned(),
        message: "`TODO` stands here".to_owned(),
        hint: "say what it is, or take the line out if you do not need the column".to_owned(),
        severity: Severity::Error,
    };
    lines.map(problem).collect()
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
    /// Whether it is for files with such a header.
    pub(super) fn is_for(&self, has: &impl Fn(&Names) -> bool) -> bool {
        self.header_has.iter().all(has) && !self.header_lacks.iter().any(has)
    }

    /// Every source column it reads of a file with such a header: those it cannot do without, and what is there
    /// of the others.
    pub(super) fn sources<'m>(&'m self, has: &impl Fn(&Names) -> bool) -> Vec<&'m Names> {
        let mut sources: Vec<&Names> = self.person.iter().collect();
        sources.extend(self.keep.iter().map(|(source, _)| source));
        self.when.sources(&mut sources);
        sources.extend(&self.same);
        if let Order::Source(source, _) = &self.order {
            sources.push(source);
        }
        for column in self.columns.iter().filter(|column| column.is_there(has)) {
            column.fill.sources(has, &mut sources);
        }
        sources
    }
}

impl ColumnMapping {
    /// Whether a file with such a header fills it.
    pub(super) fn is_there(&self, has: &impl Fn(&Names) -> bool) -> bool {
        !self.optional || self.fill.is_there(has)
    }
}

impl Case {
    pub(super) fn is_there(&self, has: &impl Fn(&Names) -> bool) -> bool {
        let mut sources = Vec::new();
        self.when.sources(&mut sources);
        !self.optional || (sources.into_iter().all(has) && self.fill.is_there(has))
    }
}

impl Fill {
    /// Whether it is made of cases of which every one may lack its columns.
    fn is_optional(&self) -> bool {
        matches!(self, Self::Cases(cases, _)
            if !cases.is_empty() && cases.iter().all(|case| case.optional))
    }

    fn is_there(&self, has: &impl Fn(&Names) -> bool) -> bool {
        match self {
            Self::Cases(cases, _) => cases.iter().any(|case| case.is_there(has)),
            _ => {
                let mut sources = Vec::new();
                self.sources(has, &mut sources);
                sources.into_iter().all(has)
            }
        }
    }

    fn sources<'m>(&'m self, has: &impl Fn(&Names) -> bool, into: &mut Vec<&'m Names>) {
        match self {
            Self::Constant(_) => {}
            Self::Source(source, _) => into.push(source),
            Self::Cases(cases, _) => {
                for case in cases.iter().filter(|case| case.is_there(has)) {
                    case.when.sources(into);
                    case.fill.sources(has, into);
                }
            }
            Self::Day(YearDay { year, plus, .. }) => {
                into.push(year);
                if let Plus::Source(source) = plus {
                    into.push(source);
                }
            }
        }
    }
}
