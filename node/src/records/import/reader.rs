//! Files, row by row, into the tables that their mappings fill.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use sumac_keys::NodeSecret;
use sumac_policy::TableName;

use super::super::mapping::{OnConflict, Order};
use super::super::rows::{Draft, Head, Origin};
use super::super::source::{self, Row, digest};
use super::super::summary::FileSummary;
use super::plan::{From as FilledFrom, Plan};
use super::problem::{FileProblems, Place};
use super::{Only, Progress, Source};

/// Progress is told after so many bytes.
const TOLD_EVERY: u64 = 1 << 20;

/// Words that became `other`, by canonical column.
pub(super) type OthersByColumn = BTreeMap<(TableName, String), BTreeMap<String, u64>>;

/// Reads files, one after the other, into tables.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a [Source],
    pub(super) only: &'a [Only],
    pub(super) secret: &'a NodeSecret,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(super) drafts: BTreeMap<TableName, Draft>,
    pub(super) problems: FileProblems,
    pub(super) others: OthersByColumn,
    /// What the disk said when it took no more rows.
    pub(super) disk: Option<io::Error>,
}

impl<'a> Reader<'a> {
    /// Reads one file from beginning to end; what is wrong with it is noted.
    pub(super) fn file(&mut self, position: u32, source: &'a Source) -> Option<FileSummary> {
        let Source { path, mapping } = source;
        let opened = source::open(path, &mapping.shape);
        let mut export = opened.map_err(|fault| self.problems.fault(path, fault)).ok()?;
        let mut plan = Plan::new(path, mapping, self.only, export.as_ref(), &mut self.problems)?;
        for table in &mut plan.tables {
            table.places = self.drafts.get(&table.mapping.table).map_or_else(Vec::new, |draft| {
                draft.columns().filter_map(|column| table.place(column)).collect()
            });
        }
        let mut summary = FileSummary::new(path, mapping.title());
        let mut told = 0;
        while !self.problems.is_full() && self.disk.is_none() {
            match export.next() {
                Ok(Some(row)) => {
                    summary.rows += 1;
                    let origin = Origin { source: position, spot: row.spot };
                    summary.kept += u64::from(self.row(path, row, origin, &mut plan));
                }
                Ok(None) => break,
                Err(fault) => {
                    let can_go_on = fault.can_go_on;
                    self.problems.fault(path, fault);
                    if !can_go_on {
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
        export.is_unchanged().map_err(|fault| self.problems.fault(path, fault)).ok()?;
        summary.notes = export.notes();
        self.tell_if_nothing(path, &summary);
        self.gather_others(plan);
        Some(summary)
    }

    fn tell_if_nothing(&mut self, path: &Path, summary: &FileSummary) {
        let place = Place { path, spot: None, column: None };
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

    /// A table without a row would be answered with zeros.
    pub(super) fn tell_empty_tables(&mut self) {
        if !self.problems.is_empty() {
            return;
        }
        for (table, _) in self.drafts.iter().filter(|(_, draft)| draft.is_empty()) {
            let fills =
                |source: &&Source| source.mapping.tables.iter().any(|fills| fills.table == *table);
            let Some(source) = self.sources.iter().find(fills) else { continue };
            self.problems.note(
                Place { path: &source.path, spot: None, column: None },
                format_args!("no row is left for the table `{table}`"),
                "check that table's keep in the mapping: values are compared exactly",
            );
        }
    }

    /// Adds one row to every table that keeps it, and says whether any did.
    fn row(&mut self, path: &Path, row: Row<'_>, origin: Origin, plan: &mut Plan<'a>) -> bool {
        if !plan.only.iter().all(|filter| filter.keeps(row)) {
            return false;
        }
        // Spreadsheets leave rows of delimiters behind.
        if row.is_blank() {
            return false;
        }
        let mut kept = false;
        let mut cells = Vec::new();
        for (position, table) in plan.tables.iter_mut().enumerate() {
            if !table.keep.iter().all(|filter| filter.keeps(row)) {
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
            let strict = table.mapping.on_conflict == OnConflict::Refuse;
            let head = Head { order, origin, mark, strict };
            let cells = table.places.iter().filter_map(|place| cells.get(*place).copied());
            let Some(draft) = self.drafts.get_mut(&table.mapping.table) else { continue };
            if let Err(error) = draft.add(&person, head, cells) {
                self.disk = Some(error);
            }
        }
        kept
    }

    fn mapping_of(&self, origin: Origin) -> Option<&'a Path> {
        let source = self.sources.get(origin.source as usize);
        source.map(|source| source.mapping.path.as_path())
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
    let mapping = mapping.map_or(&[][..], |path| path.as_os_str().as_encoded_bytes());
    digest(row.mark() ^ table as u64, mapping)
}
