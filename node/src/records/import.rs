//! Import: partners' exports, through their mappings, into canonical rows, frozen. It completes and the
//! snapshot is there, or it leaves everything as it was.

mod credentials;
mod header;
mod in_place;
mod memo;
mod plan;
mod problem;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::{ColumnRef, Schema, Table, TableName};

pub use self::in_place::{import_in_place, rehearse_in_place};
use self::plan::Given;
pub(super) use self::plan::Unlikely;
use self::problem::Place;
pub use self::problem::{FileProblem, FileProblems};
use self::reader::{OthersByColumn, Reader, UnlikelyByColumn};
use super::mapping::{Mapping, Names, TableMapping};
use super::plausible::Bounds;
use super::rows::{Column, Conflict, Differs, Draft, Origin, SORT_BYTES};
use super::snapshot::{
    Aside, NotWritten, Snapshot, SnapshotError, Statement, TableCounts, make_private, write_aside,
};
use super::source::{self, Export, Fault, View};
pub use super::source::{EXTENSIONS, Folder, Spot};
use super::summary::{ColumnSummary, FileSummary, Summary, TableSummary};
use crate::tabulate::TabulateError;
use crate::warehouse::{Session, ViewName, WarehouseError};

/// One file of a partner, or one view of their database, and how to read it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file; of a view, what messages call it.
    pub path: PathBuf,
    /// Its mapping.
    pub mapping: Mapping,
    /// Where it is a view: its name, and the session that all views of an import are read in, so that they are of
    /// one moment.
    pub view: Option<(ViewName, Session)>,
}

/// `--only COLUMN=VALUE`: rows of every file whose source column has this value. Several of one column are
/// alternatives; those of several columns must all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Only {
    /// A source column.
    pub(super) column: Names,
    /// The value to keep.
    pub(super) value: String,
}

/// How far an import has come, in bytes of a file; nothing here is derived from its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The file being read.
    pub path: &'a Path,
    /// Bytes read.
    pub bytes: u64,
    /// Bytes in all; 0 where the file does not know.
    pub of: u64,
}

/// What is frozen beside the rows, how and where. All of it is the caller's to choose.
pub struct Freezing<'a> {
    /// What the operator states.
    pub statement: &'a Statement,
    /// The agreement's tables.
    pub schema: &'a Schema,
    /// The columns that the agreement keeps out of this party's snapshots, whatever a mapping fills.
    pub withheld: &'a [ColumnRef],
    /// Turns a source's identifiers into keys.
    pub secret: &'a NodeSecret,
    /// The node's directory of snapshots.
    pub into: &'a Path,
    /// The time of the import.
    pub now: Timestamp,
    /// Random bytes for the snapshot's id.
    pub id_seed: [u8; 8],
}

/// Why nothing was imported. For the operator's own terminal: it may show values of the files.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// Something is wrong with the files.
    #[error("nothing was imported:\n{0}")]
    Files(FileProblems),
    /// Two mappings fill one table with different columns.
    #[error(
        "table `{table}` is filled with `{column}` by one of mappings `{one}` and `{other}` and not by the other: fill the same columns in both"
    )]
    Uneven {
        /// The table.
        table: TableName,
        /// The column.
        column: String,
        /// A mapping.
        one: PathBuf,
        /// The other.
        other: PathBuf,
    },
    /// A mapping was read for another agreement.
    #[error("mapping `{path}` fills `{table}.{column}`, which the agreement does not have")]
    NotInAgreement {
        /// The mapping.
        path: PathBuf,
        /// The table.
        table: TableName,
        /// The column.
        column: String,
    },
    /// The rows could not be frozen.
    #[error("freeze the imported rows")]
    Freeze(#[from] SnapshotError),
    /// The warehouse did not answer.
    #[error(transparent)]
    Warehouse(#[from] WarehouseError),
    /// The bounds of the agreement's tables could not be held against them.
    #[error("hold the tables' bounds against the imported rows")]
    Bounds(#[from] TabulateError),
}

/// Imports files into a new snapshot and makes it current.
///
/// # Errors
/// Where anything is wrong with a file, with up to 20 problems at once, or where the snapshot cannot be
/// written. The snapshot in use stays in use.
pub fn import(
    sources: &[Source],
    only: &[Only],
    freezing: &Freezing<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, ImportError> {
    let read = read(sources, only, freezing, progress)?;
    let (aside, mut summary) = read.write(sources, freezing)?;
    summary.snapshot = Some(aside.publish()?);
    Ok(summary)
}

/// Reads files as [`import`] does and keeps nothing: what they would come to, and whom these tables would cut.
///
/// # Errors
/// As [`import`].
pub fn rehearse(
    sources: &[Source],
    only: &[Only],
    freezing: &Freezing<'_>,
    tables: &[Table],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Summary, ImportError> {
    let read = read(sources, only, freezing, progress)?;
    // Sorting finds rows that contradict each other. What is written aside is deleted again.
    let (aside, mut summary) = read.write(sources, freezing)?;
    let snapshot = Snapshot::open(aside.directory(), freezing.secret, freezing.schema)?;
    summary.hold_against(tables, &snapshot)?;
    Ok(summary)
}

/// Files, read and found to be sound, their rows packed and waiting to be sorted.
struct Read {
    drafts: BTreeMap<TableName, Draft>,
    files: Vec<FileSummary>,
    others: OthersByColumn,
    unlikely: UnlikelyByColumn,
    withheld: Vec<ColumnRef>,
    missing: Vec<ColumnRef>,
}

/// Reads files into drafts.
fn read(
    sources: &[Source],
    only: &[Only],
    freezing: &Freezing<'_>,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<Read, ImportError> {
    let Freezing { secret, into, schema, statement, now, .. } = *freezing;
    make_private(into).map_err(|source| SnapshotError::Write { path: into.to_owned(), source })?;
    let missing = missing(sources)?;
    let (drafts, withheld) = drafts(sources, &missing, freezing)?;
    let mut reader = Reader {
        sources,
        given: Given { only, schema, as_of: statement.as_of },
        secret,
        now,
        progress,
        drafts,
        problems: FileProblems::default(),
        others: BTreeMap::new(),
        unlikely: BTreeMap::new(),
        disk: None,
    };
    let mut files = Vec::new();
    for (position, source) in (0..).zip(sources) {
        files.extend(reader.file(position, source));
    }
    reader.tell_empty_tables();
    let Reader { drafts, problems, others, unlikely, disk, .. } = reader;
    if let Some(source) = disk {
        return Err(SnapshotError::Write { path: into.to_owned(), source }.into());
    }
    if !problems.is_empty() {
        return Err(ImportError::Files(problems));
    }
    Ok(Read { drafts, files, others, unlikely, withheld, missing })
}

impl Source {
    /// A file with its mapping.
    pub fn file(path: PathBuf, mapping: Mapping) -> Self {
        Self { path, mapping, view: None }
    }

    /// A view with its mapping.
    pub fn view(name: ViewName, session: Session, mapping: Mapping) -> Self {
        Self { path: format!("postgres:{name}").into(), mapping, view: Some((name, session)) }
    }

    /// The names of its columns.
    fn header(&self) -> Result<Vec<String>, Fault> {
        let Some((name, session)) = &self.view else {
            return Ok(source::open(&self.path, &self.mapping.shape)?.header().to_vec());
        };
        let columns = session.columns(name)?.into_iter();
        Ok(columns.map(|(column, _)| source::squeezed(&column)).collect())
    }

    /// Opens it. Of a view, no column is read but those that the mapping or `only` names.
    fn open(&self, only: &[Only]) -> Result<Box<dyn Export>, Fault> {
        let Some((name, session)) = &self.view else {
            return source::open(&self.path, &self.mapping.shape);
        };
        let header = self.header()?;
        let has = |names: &Names| header::has(names, &header);
        let tables = self.mapping.tables.iter().filter(|table| table.is_for(&has));
        let mut names: Vec<&Names> = tables.flat_map(|table| table.sources(&has)).collect();
        names.extend(only.iter().map(|only| &only.column));
        let wanted = |column: &str| {
            let column = [source::squeezed(column)];
            names.iter().any(|names| header::has(names, &column))
        };
        Ok(Box::new(View::open(session, name, wanted)?))
    }
}

impl Read {
    /// Sorts the rows into a snapshot beside the one in use.
    fn write(
        self,
        sources: &[Source],
        freezing: &Freezing<'_>,
    ) -> Result<(Aside, Summary), ImportError> {
        let Self { drafts, files, mut others, mut unlikely, withheld, missing } = self;
        let filled: Vec<TableName> = drafts.keys().copied().collect();
        let Freezing { statement, secret, into, now, id_seed, .. } = *freezing;
        let written = write_aside(drafts, statement, secret, into, now, id_seed);
        let (aside, counts) = written.map_err(|error| match error {
            NotWritten::Snapshot(error) => ImportError::Freeze(error),
            NotWritten::Conflicts(conflicts) => {
                ImportError::Files(contradictions(sources, &conflicts))
            }
        })?;
        let counts = counts.into_iter().filter(|counts| filled.contains(&counts.table));
        let tables = counts.map(|TableCounts { table, tally, filled }| TableSummary {
            table,
            rows: tally.rows,
            learners: tally.learners,
            merged: tally.merged,
            columns: filled
                .into_iter()
                .map(|(column, filled)| ColumnSummary {
                    others: others.remove(&(table, column.clone())).unwrap_or_default(),
                    unlikely: unlikely.remove(&(table, column.clone())),
                    filled,
                    ..ColumnSummary::new(&column)
                })
                .collect(),
        });
        let tables = tables.collect();
        let summary = Summary {
            in_place: None,
            files,
            tables,
            withheld,
            missing,
            ignored: Vec::new(),
            snapshot: None,
            cut: Vec::new(),
        };
        Ok((aside, summary))
    }
}

/// What an operator is told of rows that contradict each other.
fn contradictions(sources: &[Source], conflicts: &[Conflict]) -> FileProblems {
    let mut problems = FileProblems::default();
    for Conflict { table, with, at, differs } in conflicts {
        let source = |origin: &Origin| sources.get(origin.source as usize);
        let (Some(source), Some(first)) = (source(at), source(with)) else { continue };
        let elsewhere = match with.source == at.source {
            true => String::new(),
            false => format!(" of `{}`", first.path.display()),
        };
        let (path, spot) = (source.path.as_path(), Some(at.spot));
        match differs {
            Differs::Column(column) => problems.note(
                Place { path, spot, column: None },
                format_args!(
                    "says another `{column}` of the same learner than {}{elsewhere}",
                    with.spot
                ),
                "correct the file, or let the latest row win: on_conflict = \"latest\"",
            ),
            Differs::Agreed(number) => {
                let column = agreed(source, *table, *number);
                problems.note(
                    Place { path, spot, column: column.as_deref() },
                    format_args!(
                        "is another one than in {}{elsewhere}, of the same learner",
                        with.spot
                    ),
                    "the column cannot change between a learner's rows: correct the file",
                );
            }
        }
    }
    problems
}

/// What a source calls one of the columns in which all rows of a learner must agree.
fn agreed(source: &Source, table: TableName, number: usize) -> Option<String> {
    let mut tables = source.mapping.tables.iter().filter(|fills| fills.table == table);
    let names = tables.find_map(|fills| fills.same.get(number))?;
    let header = source.header().unwrap_or_default();
    let there = |name: &&str| Names::new([*name]).is_some_and(|name| header::has(&name, &header));
    Some(names.iter().find(there).unwrap_or(names.first()).to_owned())
}

/// Canonical columns whose mapping lets files lack what fills them, and whose files do. A column that some files
/// have and others lack would be unknown for the learners of those: that is an error.
fn missing(sources: &[Source]) -> Result<Vec<ColumnRef>, ImportError> {
    let mut seen: BTreeMap<ColumnRef, [Option<&Path>; 2]> = BTreeMap::new();
    let mut problems = FileProblems::default();
    for source in sources {
        let Source { path, mapping, .. } = source;
        let optional = |table: &TableMapping| table.columns.iter().any(|column| column.optional);
        if !mapping.tables.iter().any(optional) {
            continue;
        }
        // What cannot be opened is told when it is read.
        let Ok(header) = source.header() else { continue };
        let has = |names: &Names| header::has(names, &header);
        for table in mapping.tables.iter().filter(|table| table.is_for(&has)) {
            for column in table.columns.iter().filter(|column| column.optional) {
                let name = ColumnRef { table: table.table, column: column.column.clone() };
                let there = usize::from(column.is_there(&has));
                if let Some(place) = seen.entry(name).or_default().get_mut(there) {
                    place.get_or_insert(path);
                }
            }
        }
    }
    let mut missing = Vec::new();
    for (column, [lacks, has]) in seen {
        match (lacks, has) {
            (Some(path), Some(other)) => problems.note(
                Place { path, spot: None, column: None },
                format_args!("lacks what fills `{column}`, and `{}` has it", other.display()),
                "give files of one kind, or a mapping without the column",
            ),
            (Some(_), None) => missing.push(column),
            (None, _) => {}
        }
    }
    if problems.is_empty() { Ok(missing) } else { Err(ImportError::Files(problems)) }
}

/// An empty table for each that the mappings fill, and the columns that the agreement keeps out of it. All
/// mappings of a table fill the same columns, because a value missing from half of the rows would pass for a fact
/// about those learners.
fn drafts(
    sources: &[Source],
    missing: &[ColumnRef],
    freezing: &Freezing<'_>,
) -> Result<(BTreeMap<TableName, Draft>, Vec<ColumnRef>), ImportError> {
    let mut tables: BTreeMap<TableName, (Vec<Column>, &Path)> = BTreeMap::new();
    for Mapping { path, tables: mappings, .. } in sources.iter().map(|source| &source.mapping) {
        for mapping in mappings {
            let table = mapping.table;
            let mut columns = Vec::new();
            for column in &mapping.columns {
                let name = column.column.clone();
                if missing.contains(&ColumnRef { table, column: name.clone() }) {
                    continue;
                }
                let Some(known) = freezing.schema.column(table, &name) else {
                    return Err(ImportError::NotInAgreement {
                        path: path.clone(),
                        table,
                        column: name,
                    });
                };
                let wide =
                    Bounds::of(known, freezing.statement.as_of).is_some_and(|of| of.is_wide());
                columns.push(Column { name, kind: known.kind.clone(), wide });
            }
            let Some((first, one)) = tables.get(&table) else {
                tables.insert(table, (columns, path));
                continue;
            };
            let lacks = |a: &[Column], b: &[Column]| {
                a.iter().find(|column| !b.contains(column)).map(|column| column.name.clone())
            };
            if let Some(column) = lacks(first, &columns).or_else(|| lacks(&columns, first)) {
                let (one, other) = (one.to_path_buf(), path.clone());
                return Err(ImportError::Uneven { table, column, one, other });
            }
        }
    }
    let share = SORT_BYTES / tables.len().max(1);
    let mut left_out = Vec::new();
    let drafts = tables.into_iter().map(|(table, (mut columns, _))| {
        let withheld = |column: &Column| {
            let column = ColumnRef { table, column: column.name.clone() };
            freezing.withheld.contains(&column).then_some(column)
        };
        left_out.extend(columns.iter().filter_map(withheld));
        columns.retain(|column| withheld(column).is_none());
        // In the schema's order, whatever the mapping's.
        let known = freezing.schema.table(table).map_or(&[][..], |table| &table.columns);
        columns.sort_by_key(|column| known.iter().position(|known| known.name == column.name));
        let tables = sources.iter().flat_map(|source| &source.mapping.tables);
        let same = tables.filter(|fills| fills.table == table).map(|fills| fills.same.len());
        let (agreeing, keys) = (same.max().unwrap_or(0), freezing.secret.person_keys());
        (table, Draft::new(columns, agreeing, share, freezing.into, keys))
    });
    Ok((drafts.collect(), left_out))
}

impl FromStr for Only {
    type Err = OnlyError;
    fn from_str(text: &str) -> Result<Self, OnlyError> {
        let (column, value) = text.split_once('=').ok_or_else(|| OnlyError(text.to_owned()))?;
        let column = Names::new([column]).ok_or_else(|| OnlyError(text.to_owned()))?;
        Ok(Self { column, value: value.trim().to_owned() })
    }
}

/// A text that says neither column nor value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say which rows to keep: write COLUMN=VALUE")]
pub struct OnlyError(String);
