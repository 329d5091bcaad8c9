//! Import: partners' exports, through their mappings, into canonical rows, frozen. It completes and the
//! snapshot is there, or it leaves everything as it was.

mod draft;
mod plan;
mod problem;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::str::FromStr;

use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::{Kind, Schema, TableName};

use self::draft::{Draft, NewRow, Origin};
use self::plan::{From as FilledFrom, Plan, TablePlan};
use self::problem::Place;
pub use self::problem::{FileProblem, FileProblems};
use super::canonical::{Canonical, Values};
use super::mapping::{Mapping, Order};
use super::snapshot::{SnapshotError, Statement, freeze};
use super::source::{Export, Row};
use super::summary::{ColumnSummary, FileSummary, Summary, TableSummary};

/// Progress is told after so many bytes.
const TOLD_EVERY: u64 = 1 << 20;

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
    pub column: String,
    /// The value to keep.
    pub value: String,
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
    let Freezing { statement, schema, secret, into, now, id_seed } = *freezing;
    let (canonical, mut summary) = read(sources, only, schema, secret, progress)?;
    let frozen = freeze(&canonical, statement, schema, secret, into, now, id_seed)?;
    summary.snapshot = Some(frozen);
    Ok(summary)
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
    Ok((canonical, Summary { files, tables, snapshot: None }))
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

/// Words that became `other`, by canonical column.
type OthersByColumn = BTreeMap<(TableName, String), BTreeMap<String, u64>>;

struct Reader<'a> {
    sources: &'a [Source],
    only: &'a [Only],
    secret: &'a NodeSecret,
    progress: &'a mut dyn FnMut(Progress<'_>),
    drafts: BTreeMap<TableName, Draft>,
    problems: FileProblems,
    others: OthersByColumn,
}

impl<'a> Reader<'a> {
    /// Reads one file from beginning to end; what is wrong with it is noted.
    fn file(&mut self, position: usize, source: &'a Source) -> Option<FileSummary> {
        let Source { path, mapping } = source;
        let opened = Export::open(path, mapping.delimiter);
        let mut export = opened.map_err(|fault| self.problems.fault(path, &fault)).ok()?;
        let header = export.header();
        let mut plan = Plan::new(path, mapping, self.only, header, &mut self.problems)?;
        let mut summary = FileSummary::new(path, mapping.title());
        let mut told = 0;
        while !self.problems.is_full() {
            match export.next() {
                Ok(Some(row)) => {
                    summary.rows += 1;
                    let origin = Origin { source: position, line: row.line };
                    summary.kept += u64::from(self.row(path, row, origin, &mut plan));
                }
                Ok(None) => break,
                Err(fault) => {
                    self.problems.fault(path, &fault);
                    if !fault.can_go_on() {
                        return None;
                    }
                }
            }
            let (bytes, of) = export.progress();
            if bytes >= told + TOLD_EVERY {
                told = bytes;
                (self.progress)(Progress { path, bytes, of });
            }
        }
        let (bytes, of) = export.progress();
        (self.progress)(Progress { path, bytes, of });
        summary.ends_abruptly = export.ends_abruptly();
        self.tell_if_nothing(path, &summary);
        self.gather_others(plan);
        Some(summary)
    }

    fn tell_if_nothing(&mut self, path: &Path, summary: &FileSummary) {
        let place = Place { path, line: None, column: None };
        if !self.problems.is_empty() || summary.kept > 0 {
            return;
        }
        if summary.rows == 0 {
            self.problems.note(place, "has a header and no rows", "export it again");
        } else {
            let hint = "check the mapping's keep and --only: values are compared exactly";
            self.problems.note(place, "no row is left after filtering", hint);
        }
    }

    /// Adds one row to every table that keeps it, and says whether any did.
    fn row(&mut self, path: &Path, row: Row<'_>, origin: Origin, plan: &mut Plan<'a>) -> bool {
        if !plan.only.iter().all(|filter| filter.keeps(row.fields)) {
            return false;
        }
        // Spreadsheets leave rows of delimiters behind.
        if row.fields.as_slice().trim_ascii().is_empty() {
            return false;
        }
        let mut kept = false;
        let mut cells = Vec::new();
        for (position, table) in plan.tables.iter_mut().enumerate() {
            if !table.keep.iter().all(|filter| filter.keeps(row.fields)) {
                continue;
            }
            kept = true;
            let Some(person) = plan.persons.get_mut(table.person) else { continue };
            let person = person.key(path, row, self.secret, &mut self.problems);
            cells.clear();
            for filler in &mut table.fillers {
                cells.extend(filler.cell(path, row, &mut self.problems));
            }
            let order = match (&table.mapping.order, &mut table.order) {
                (_, Some(source)) => source.order(path, row, &mut self.problems),
                (Order::Column(column), None) => {
                    // A row without its date comes first.
                    Some(cells.get(*column).and_then(|cell| cell.order()).unwrap_or(i64::MIN))
                }
                (_, None) => Some(0),
            };
            let (Some(person), Some(order)) = (person, order) else { continue };
            if cells.len() < table.fillers.len() {
                continue;
            }
            let mark = mark(row, self.mapping_of(origin), position);
            self.add(path, table, &NewRow { person, order, mark, origin, cells: &cells });
        }
        kept
    }

    fn mapping_of(&self, origin: Origin) -> Option<&'a Path> {
        self.sources.get(origin.source).map(|source| source.mapping.path.as_path())
    }

    fn add(&mut self, path: &Path, table: &TablePlan<'_>, row: &NewRow<'_>) {
        let Some(draft) = self.drafts.get_mut(&table.mapping.table) else { return };
        let Err(conflict) = draft.add(row, table.mapping.on_conflict) else { return };
        let first = self.sources.get(conflict.with.source);
        let elsewhere = match first {
            Some(source) if conflict.with.source != row.origin.source => {
                format!(" of `{}`", source.path.display())
            }
            _ => String::new(),
        };
        let line = conflict.with.line;
        self.problems.note(
            Place { path, line: Some(row.origin.line), column: None },
            format_args!(
                "says another `{}` of the same learner than line {line}{elsewhere}",
                conflict.column
            ),
            "correct the file, or let the latest row win: on_conflict = \"latest\"",
        );
    }

    fn gather_others(&mut self, plan: Plan<'_>) {
        for table in plan.tables {
            for filler in table.fillers {
                let FilledFrom::Source(source) = filler.from else { continue };
                let column = (table.mapping.table, filler.column.to_owned());
                let rest = ("all the rest".to_owned(), source.others.rest);
                let words = source.others.words.into_iter().chain([rest]);
                for (word, count) in words.filter(|(_, count)| *count > 0) {
                    let counts = self.others.entry(column.clone()).or_default();
                    *counts.entry(word).or_default() += count;
                }
            }
        }
    }
}

/// Equal for rows that are equal throughout and become rows of the same table in the same way.
fn mark(row: Row<'_>, mapping: Option<&Path>, table: usize) -> u64 {
    let mut hasher = DefaultHasher::new();
    for field in row.fields {
        field.trim_ascii().hash(&mut hasher);
    }
    (mapping, table).hash(&mut hasher);
    hasher.finish()
}

impl FromStr for Only {
    type Err = OnlyError;
    fn from_str(text: &str) -> Result<Self, OnlyError> {
        let (column, value) = text.split_once('=').ok_or_else(|| OnlyError(text.to_owned()))?;
        let (column, value) = (column.trim().to_owned(), value.trim().to_owned());
        if column.is_empty() { Err(OnlyError(text.to_owned())) } else { Ok(Self { column, value }) }
    }
}

/// A text that says neither column nor value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not say which rows to keep: write COLUMN=VALUE")]
pub struct OnlyError(String);
