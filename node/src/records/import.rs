//! Import: partners' exports, through their mappings, into canonical rows, frozen. It completes and the
//! snapshot is there, or it leaves everything as it was.

mod draft;
mod header;
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
use sumac_policy::{ColumnRef, Kind, Schema, TableName};

use self::draft::Draft;
pub use self::problem::{FileProblem, FileProblems};
use self::reader::Reader;
use super::canonical::{Canonical, Values};
use super::mapping::{Mapping, Names};
use super::snapshot::{SnapshotError, Statement, freeze};
pub use super::source::Spot;
use super::summary::{ColumnSummary, Summary, TableSummary};

/// One file of a partner, and how to read it.
#[derive(Debug, Clone)]
pub struct Source {
    /// The file.
    pub path: PathBuf,
    /// Its mapping.
    pub mapping: Mapping,
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
    let Freezing { statement, schema, withheld, secret, into, now, id_seed } = *freezing;
    let (mut canonical, mut summary) = read(sources, only, schema, secret, progress)?;
    summary.withhold(leave_out(&mut canonical, withheld));
    let frozen = freeze(&canonical, statement, schema, secret, into, now, id_seed)?;
    summary.snapshot = Some(frozen);
    Ok(summary)
}

/// Takes columns out before anything is frozen, and says which there were.
fn leave_out(canonical: &mut Canonical, withheld: &[ColumnRef]) -> Vec<ColumnRef> {
    let left_out = withheld.iter().filter(|withheld| {
        let Some(rows) = canonical.tables.get_mut(&withheld.table) else { return false };
        let before = rows.columns.len();
        rows.columns.retain(|(name, _)| *name != withheld.column);
        rows.columns.len() < before
    });
    left_out.cloned().collect()
}

/// Reads files into canonical rows.
fn read(
    sources: &[Source],
    only: &[Only],
    schema: &Schema,
    secret: &NodeSecret,
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<(Canonical, Summary), ImportError> {
    let drafts = drafts(sources, schema)?;
    let mut reader = Reader {
        sources,
        only,
        secret,
        progress,
        drafts,
        problems: FileProblems::default(),
        others: BTreeMap::new(),
    };
    let mut files = Vec::new();
    for (position, source) in sources.iter().enumerate() {
        files.extend(reader.file(position, source));
    }
    reader.tell_empty_tables();
    let Reader { drafts, problems, mut others, .. } = reader;
    if !problems.is_empty() {
        return Err(ImportError::Files(problems));
    }
    let mut canonical = Canonical::default();
    let mut tables = Vec::new();
    for (table, draft) in drafts {
        let filled = draft.finish();
        let columns = filled.rows.columns.iter().map(|(name, values)| ColumnSummary {
            column: name.clone(),
            filled: covered(values, schema, table, name),
            others: others.remove(&(table, name.clone())).unwrap_or_default(),
        });
        tables.push(TableSummary {
            table,
            rows: filled.rows.person.len() as u64,
            learners: filled.learners,
            merged: filled.merged,
            columns: columns.collect(),
        });
        canonical.tables.insert(table, filled.rows);
    }
    Ok((canonical, Summary { files, tables, withheld: Vec::new(), snapshot: None }))
}

/// An empty table for each that the mappings fill. All mappings of a table fill the same columns, because
/// a value missing from half of the rows would pass for a fact about those learners.
fn drafts(sources: &[Source], schema: &Schema) -> Result<BTreeMap<TableName, Draft>, ImportError> {
    let mut drafts: BTreeMap<TableName, (Draft, &Path)> = BTreeMap::new();
    for Mapping { path, tables, .. } in sources.iter().map(|source| &source.mapping) {
        for mapping in tables {
            let table = mapping.table;
            let mut columns = Vec::new();
            for column in &mapping.columns {
                let name = column.column.clone();
                let Some(known) = schema.column(table, &name) else {
                    return Err(ImportError::NotInAgreement {
                        path: path.clone(),
                        table,
                        column: name,
                    });
                };
                columns.push((name, empty(&known.kind)));
            }
            let draft = Draft::new(table, columns);
            let Some((first, one)) = drafts.get(&table) else {
                drafts.insert(table, (draft, path));
                continue;
            };
            let lacks = |a: &Draft, b: &Draft| {
                a.columns().find(|name| b.columns().all(|other| other != *name)).map(str::to_owned)
            };
            if let Some(column) = lacks(first, &draft).or_else(|| lacks(&draft, first)) {
                let (one, other) = (one.to_path_buf(), path.clone());
                return Err(ImportError::Uneven { table, column, one, other });
            }
        }
    }
    Ok(drafts.into_iter().map(|(table, (draft, _))| (table, draft)).collect())
}

fn empty(kind: &Kind) -> Values {
    match kind {
        Kind::Code(_) => Values::Code(Vec::new()),
        Kind::Date => Values::Date(Vec::new()),
        Kind::Year => Values::Year(Vec::new()),
        Kind::Integer => Values::Integer(Vec::new()),
    }
}

/// Rows in which a column says something.
fn covered(values: &Values, schema: &Schema, table: TableName, name: &str) -> u64 {
    let codes = schema.column(table, name).and_then(|column| column.kind.codes());
    let unknown = codes.and_then(|codes| codes.iter().position(|code| code.id == "unknown"));
    let count = match values {
        Values::Code(values) => {
            values.iter().filter(|code| Some(usize::from(**code)) != unknown).count()
        }
        Values::Date(values) => values.iter().flatten().count(),
        Values::Year(values) => values.iter().flatten().count(),
        Values::Integer(values) => values.iter().flatten().count(),
    };
    count as u64
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
