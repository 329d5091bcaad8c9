//! Files, row by row, into the tables that their mappings fill.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::TableName;

use super::super::mapping::{Mapping, OnConflict};
use super::super::rows::{Digest, Draft, Head, Origin, Whose};
use super::super::source::{Export, Row, digest};
use super::super::summary::FileSummary;
use super::header::has;
use super::plan::{Given, Ordered, Plan, Unlikely};
use super::problem::{FileProblems, Place, shown};
use super::{Progress, Source};

/// Progress is told after so many bytes.
pub(super) const TOLD_EVERY: u64 = 1 << 20;

/// Words that became `other`, by canonical column.
pub(super) type OthersByColumn = BTreeMap<(TableName, String), BTreeMap<String, u64>>;

/// Values that hardly are, by canonical column.
pub(super) type UnlikelyByColumn = BTreeMap<(TableName, String), Unlikely>;

/// Reads files, one after the other, into tables.
pub(super) struct Reader<'a> {
    pub(super) sources: &'a [Source],
    pub(super) given: Given<'a>,
    pub(super) secret: &'a NodeSecret,
    pub(super) now: Timestamp,
    pub(super) progress: &'a mut dyn FnMut(Progress<'_>),
    pub(super) drafts: BTreeMap<TableName, Draft>,
    pub(super) problems: FileProblems,
    pub(super) others: OthersByColumn,
    pub(super) unlikely: UnlikelyByColumn,
    /// What the disk said when it took no more rows.
    pub(super) disk: Option<io::Error>,
}

impl<'a> Reader<'a> {
    /// Reads one file from beginning to end; what is wrong with it is noted.
    pub(super) fn file(&mut self, position: u32, source: &'a Source) -> Option<FileSummary> {
        let Source { path, mapping, .. } = source;
        if let Some(form) = &mapping.credentials {
            return self.credentials(position, source, form);
        }
        let opened = source.open(self.given.only);
        let mut export = opened.map_err(|fault| self.problems.fault(path, fault)).ok()?;
        let mut plan = Plan::new(path, mapping, self.given, export.as_ref(), &mut self.problems)?;
        for (table, position) in plan.tables.iter_mut().zip(0..) {
            table.seed = digest(position, mapping.path.as_os_str().as_encoded_bytes());
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
        summary.notes.extend(unknown_columns(mapping, export.as_ref()));
        self.tell_if_nothing(path, mapping, &summary);
        self.gather(plan);
        Some(summary)
    }

    fn tell_if_nothing(&mut self, path: &Path, mapping: &Mapping, summary: &FileSummary) {
        let place = Place { path, spot: None, column: None };
        if !self.problems.is_empty() || summary.kept > 0 {
            return;
        }
        if summary.rows == 0 {
            self.problems.note(place, "has a header and no rows", "export it again");
        } else if !mapping.tables.iter().all(|table| table.may_be_empty) {
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
            let fills = |source: &&Source| {
                let mut tables = source.mapping.tables.iter();
                tables.any(|fills| fills.table == *table && !fills.may_be_empty)
            };
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
        let (mut cells, mut digests) = (Vec::new(), Vec::new());
        // Where a row goes to several tables its person's key is made once, here, and else where rows are sorted.
        let several = plan.tables.len() > 1;
        for table in &mut plan.tables {
            if !table.takes(row) {
                continue;
            }
            kept = true;
            let Some(person) = plan.persons.get_mut(table.person) else { continue };
            let found = person.find(path, row, &mut self.problems);
            cells.clear();
            for filler in &mut table.fillers {
                cells.extend(filler.cell(path, row, &mut self.problems));
            }
            let order = match &mut table.order {
                Ordered::By(source) => source.order(path, row, &mut self.problems),
                // A row without its date comes first.
                Ordered::ByCell(at) => {
                    Some(cells.get(*at).and_then(|cell| cell.order()).unwrap_or(i64::MIN))
                }
                Ordered::AsTheyCome => Some(0),
            };
            let Some(order) = order.filter(|_| found && cells.len() == table.fillers.len()) else {
                continue;
            };
            let key = several.then(|| person.key(self.secret));
            let whose = key.as_ref().map_or(Whose::Named(person.name()), Whose::Key);
            let mark = digest(table.seed, &row.mark().to_le_bytes());
            let strict = table.mapping.on_conflict == OnConflict::Refuse;
            let head = Head { order, origin, mark, strict };
            let cells = table.places.iter().filter_map(|place| cells.get(*place).copied());
            let Some(draft) = self.drafts.get_mut(&table.mapping.table) else { continue };
            digests.clear();
            digests.extend(table.same.iter().map(|(at, _)| agreed(row, *at)));
            if let Err(error) = draft.add(whose, head, &digests, cells) {
                self.disk = Some(error);
            }
        }
        kept
    }

    fn gather(&mut self, plan: Plan<'_>) {
        for table in plan.tables {
            for filler in table.fillers {
                let column = (table.mapping.table, filler.column.to_owned());
                for source in filler.sources() {
                    let rest = ("all the rest".to_owned(), source.others.rest);
                    let words = source.others.words.into_iter().chain([rest]);
                    for (word, count) in words.filter(|(_, count)| *count > 0) {
                        let counts = self.others.entry(column.clone()).or_default();
                        *counts.entry(word).or_default() += count;
                    }
                    let Some(unlikely) = source.unlikely else { continue };
                    let count = unlikely.count;
                    let known = self.unlikely.entry(column.clone());
                    known.and_modify(|known| known.count += count).or_insert(unlikely);
                }
            }
        }
    }
}

/// Columns that a kind of export is not known to have. Their names may be new; what they hold is not looked at.
fn unknown_columns(mapping: &Mapping, export: &dyn Export) -> Option<String> {
    let passed_over = mapping.passed_over.as_ref()?;
    let named = mapping.every_source();
    let known = |name: &&String| {
        let name = std::slice::from_ref(*name);
        passed_over.iter().chain(named.iter().copied()).any(|known| has(known, name))
    };
    let unknown: Vec<_> = export.header().iter().filter(|name| !known(name)).collect();
    let listed: Vec<_> = unknown.iter().map(|name| shown(name)).collect();
    (!unknown.is_empty())
        .then(|| format!("columns that the mapping does not know, not read: {}", listed.join(", ")))
}

/// What a row says in a column that must say the same in all rows of a person, in whatever case.
fn agreed(row: Row<'_>, at: usize) -> Digest {
    let [a, b, c, d, ..] =
        digest(0, row.get(at).to_string().to_uppercase().as_bytes()).to_le_bytes();
    // Zero says nothing.
    Digest::from_le_bytes([a, b, c, d]).max(1)
}
