//! What an import read: for the operator's own terminal, and for nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use sumac_policy::{ColumnRef, Holdings, Measure, Table, TableName};

use super::credentials::Tally;
use super::import::Unlikely;
use super::snapshot::{Frozen, InPlace, Snapshot};
use crate::tabulate::{TabulateError, over_bound, over_bound_in_place};
use crate::warehouse::Session;

/// Words listed of those that a mapping does not know.
const MAX_WORDS: usize = 10;

/// What an import read. It counts true rows and learners: it has no wire form, and cannot be printed by
/// chance, only by [`Summary::for_terminal`].
pub struct Summary {
    /// The schema of the database whose views are counted in place.
    pub(super) in_place: Option<String>,
    pub(super) files: Vec<FileSummary>,
    pub(super) tables: Vec<TableSummary>,
    /// Columns that the files fill and the agreement keeps out.
    pub(super) withheld: Vec<ColumnRef>,
    /// Columns that a mapping would fill and that no file has what fills them.
    pub(super) missing: Vec<ColumnRef>,
    /// Columns of views that the agreement does not have.
    pub(super) ignored: Vec<ColumnRef>,
    pub(super) snapshot: Option<Frozen>,
    /// Learners of whom a table's bound would cut something.
    pub(super) cut: Vec<Cut>,
}

/// What a table's bound would cut.
pub(super) struct Cut {
    table: String,
    bound: String,
    learners: u64,
}

/// What was read of one file.
pub(super) struct FileSummary {
    path: PathBuf,
    title: String,
    pub(super) rows: u64,
    pub(super) kept: u64,
    /// What the operator should know of it as a whole.
    pub(super) notes: Vec<String>,
    /// What became of its credentials, if it holds any.
    pub(super) credentials: Option<Tally>,
}

/// What became of one canonical table.
pub(super) struct TableSummary {
    pub(super) table: TableName,
    pub(super) rows: u64,
    pub(super) learners: u64,
    pub(super) merged: u64,
    pub(super) columns: Vec<ColumnSummary>,
}

/// What became of one column.
pub(super) struct ColumnSummary {
    pub(super) column: String,
    /// Rows in which it says something.
    pub(super) filled: u64,
    /// Words of the source that became `other`.
    pub(super) others: BTreeMap<String, u64>,
    /// Words of a view that are in no list, and count as unknown.
    pub(super) unlisted: BTreeMap<String, u64>,
    /// Values that hardly are.
    pub(super) unlikely: Option<Unlikely>,
}

impl ColumnSummary {
    /// Of a column of which nothing is known yet.
    pub(super) fn new(column: &str) -> Self {
        Self {
            column: column.to_owned(),
            filled: 0,
            others: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            unlikely: None,
        }
    }
}

impl Summary {
    /// The summary as text, for the terminal of whoever may see the records themselves.
    pub fn for_terminal(&self) -> impl fmt::Display {
        ForTerminal(self)
    }

    /// Of views that stay where they are.
    pub(super) fn in_place(
        schema: &str,
        tables: Vec<TableSummary>,
        withheld: Vec<ColumnRef>,
        ignored: Vec<ColumnRef>,
    ) -> Self {
        Self {
            in_place: Some(schema.to_owned()),
            files: Vec::new(),
            tables,
            withheld,
            missing: Vec::new(),
            ignored,
            snapshot: None,
            cut: Vec::new(),
        }
    }

    /// Holds the tables that may be asked against the bounds that they put on each learner.
    ///
    /// # Errors
    /// Where the snapshot cannot be read.
    pub fn hold_against<'t>(
        &mut self,
        tables: impl IntoIterator<Item = &'t Table>,
        snapshot: &Snapshot,
    ) -> Result<(), TabulateError> {
        self.cut(tables, snapshot.holdings(), |table| over_bound(snapshot, table))
    }

    /// The same of views.
    pub(super) fn hold_in_place<'t>(
        &mut self,
        tables: impl IntoIterator<Item = &'t Table>,
        session: &Session,
        views: &InPlace,
    ) -> Result<(), TabulateError> {
        self.cut(tables, views.holdings(), |table| over_bound_in_place(session, views, table))
    }

    fn cut<'t>(
        &mut self,
        tables: impl IntoIterator<Item = &'t Table>,
        holdings: &Holdings,
        over_bound: impl Fn(&Table) -> Result<u64, TabulateError>,
    ) -> Result<(), TabulateError> {
        for table in tables {
            let Some(bound) = bound(table) else { continue };
            if holdings.hold(table).is_err() {
                continue;
            }
            let (kpi, period, by) = (&table.kpi().id, table.period(), table.breakdown());
            let learners = over_bound(table)?;
            self.cut.push(Cut { table: format!("{kpi} {period} by {by}"), bound, learners });
        }
        Ok(())
    }

    /// The columns that the files fill.
    pub fn columns(&self) -> Vec<ColumnRef> {
        let column = |table: &TableSummary, column: &ColumnSummary| ColumnRef {
            table: table.table,
            column: column.column.clone(),
        };
        let of = |table: &TableSummary| -> Vec<_> {
            table.columns.iter().map(|known| column(table, known)).collect()
        };
        self.tables.iter().flat_map(of).collect()
    }

    /// The snapshot that was frozen.
    pub fn snapshot(&self) -> Option<&Frozen> {
        self.snapshot.as_ref()
    }
}

/// What bounds a learner in a table, where they may have more.
fn bound(table: &Table) -> Option<String> {
    match &table.kpi().definition.measure {
        Measure::Count { cap: None } | Measure::Rate | Measure::Distribution { .. } => None,
        Measure::Count { cap: Some(cap) } => Some(format!("more than {cap} groups")),
        Measure::Awards { cap, .. } => Some(format!("more than {cap} awards")),
        Measure::Mean { clip, .. } => {
            Some(format!("a value outside {} to {}", clip.lo(), clip.hi()))
        }
    }
}

/// Says nothing: a summary in a log would be a leak.
impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary").finish_non_exhaustive()
    }
}

impl FileSummary {
    pub(super) fn new(path: &Path, title: &str) -> Self {
        let (path, title) = (path.to_owned(), title.to_owned());
        Self { path, title, rows: 0, kept: 0, notes: Vec::new(), credentials: None }
    }
}

struct ForTerminal<'a>(&'a Summary);

impl fmt::Display for ForTerminal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { in_place, files, tables, withheld, missing, ignored, snapshot, cut } = self.0;
        if let Some(schema) = in_place {
            writeln!(f, "schema `{schema}` of PostgreSQL, counted in place: no row was taken")?;
        }
        for file in files {
            write!(f, "{file}")?;
        }
        for table in tables {
            write!(f, "\n{table}")?;
        }
        if !withheld.is_empty() {
            let columns: Vec<_> = withheld.iter().map(ToString::to_string).collect();
            writeln!(f, "\nwithheld by the MOU, not taken in: {}", columns.join(", "))?;
        }
        if !missing.is_empty() {
            let columns: Vec<_> = missing.iter().map(ToString::to_string).collect();
            writeln!(f, "\nnot in the files, not held: {}", columns.join(", "))?;
        }
        if !ignored.is_empty() {
            let columns: Vec<_> = ignored.iter().map(ToString::to_string).collect();
            writeln!(f, "\nnot in the MOU, ignored: {}", columns.join(", "))?;
        }
        if !cut.is_empty() {
            writeln!(f, "\nlearners whom a table's bound would cut:")?;
        }
        for Cut { table, bound, learners } in cut {
            writeln!(f, "  {table}: {learners} with {bound}")?;
        }
        if let Some(snapshot) = snapshot {
            writeln!(f, "\nsnapshot {}", snapshot.id)?;
        }
        writeln!(
            f,
            "These are true numbers: they are shown here once, kept nowhere, and leave this machine only if you copy them."
        )
    }
}

impl fmt::Display for FileSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.path.display(), self.title)?;
        if let Some(tally) = &self.credentials {
            return write!(f, "{tally}");
        }
        let filtered = self.rows - self.kept;
        writeln!(
            f,
            "  {} rows read, {} kept, {filtered} filtered out or blank",
            self.rows, self.kept
        )?;
        for note in &self.notes {
            writeln!(f, "  {note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for TableSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table, rows, learners, merged, columns } = self;
        write!(f, "{table}: {rows} rows, {learners} learners")?;
        match (merged, table) {
            (0, _) => writeln!(f)?,
            (_, TableName::Learner) => {
                writeln!(f, "; {merged} more rows of the same learners merged")?
            }
            _ => writeln!(f, "; {merged} repeated rows merged")?,
        }
        let width = columns.iter().map(|column| column.column.len()).max().unwrap_or(0);
        for ColumnSummary { column, filled, others, unlisted, unlikely } in columns {
            writeln!(f, "  {column:width$}  {} filled", Share { part: *filled, of: *rows })?;
            if let Some(Unlikely { count, first, value }) = unlikely {
                let which = match first {
                    Some((path, spot)) => format!("first is {spot} of {}", path.display()),
                    None => "least is".to_owned(),
                };
                let between = if first.is_some() { ":" } else { "" };
                writeln!(
                    f,
                    "  {:width$}  unlikely in {count} rows; the {which}{between} {value}",
                    ""
                )?;
            }
            for (words, of) in [(others, "mapping"), (unlisted, "list")] {
                let mut words: Vec<_> = words.iter().collect();
                words.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
                for (word, count) in words.iter().take(MAX_WORDS) {
                    writeln!(f, "  {:width$}  not in the {of}: {word} in {count} rows", "")?;
                }
                if let Some(more) = words.len().checked_sub(MAX_WORDS).filter(|more| *more > 0) {
                    writeln!(f, "  {:width$}  and {more} words more", "")?;
                }
            }
        }
        Ok(())
    }
}

/// A share in per cent, rounded down, so that 100 means all.
struct Share {
    part: u64,
    of: u64,
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_mille = u128::from(self.part) * 1000 / u128::from(self.of.max(1));
        write!(f, "{:3}.{} %", per_mille / 10, per_mille % 10)
    }
}
