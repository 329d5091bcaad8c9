//! Credentials among the files of an import.

use sumac_policy::TableName;

use super::super::credentials::{Form, Harvest, HarvestFault, harvest};
use super::super::rows::{Head, Origin, Whose};
use super::super::summary::FileSummary;
use super::problem::Place;
use super::reader::{Reader, TOLD_EVERY};
use super::{Progress, Source, Spot};

impl<'a> Reader<'a> {
    /// Reads a folder of credentials; what is wrong with one of them is told, and the others count.
    pub(super) fn credentials(
        &mut self,
        position: u32,
        Source { path, mapping, .. }: &'a Source,
        form: &Form,
    ) -> Option<FileSummary> {
        let place = Place { path, spot: None, column: None };
        if !self.given.only.is_empty() {
            self.problems.note(
                place,
                "credentials have no columns that --only could look at",
                "import without --only, and put the credentials to keep in a folder of their own",
            );
            return None;
        }
        let progress = &mut *self.progress;
        let mut told = 0;
        let harvest = harvest(path, form, self.secret, self.now, &mut |bytes| {
            if bytes >= told + TOLD_EVERY {
                told = bytes;
                progress(Progress { path, bytes, of: 0 });
            }
        });
        let Harvest { rows, tally } = match harvest {
            Ok(harvest) => harvest,
            Err(HarvestFault { path, what }) => {
                let place = Place { path: &path, spot: None, column: None };
                self.problems.note(place, what, "docs/credentials.md tells what belongs there");
                return None;
            }
        };
        let table = mapping.tables.first()?;
        let draft = self.drafts.get_mut(&table.table)?;
        let columns: Vec<_> = draft.columns().map(str::to_owned).collect();
        for (row, at) in rows.iter().zip(1..) {
            let origin = Origin { source: position, spot: Spot::Row(at) };
            // Awards are kept one and all: only the learner table can be contradicted.
            let head = Head { order: row.order(), origin, mark: row.mark, strict: true };
            let cells = columns.iter().filter_map(|column| row.cell(form, table, column));
            if let Err(error) = draft.add(Whose::Key(&row.person), head, &[], cells) {
                self.disk = Some(error);
                return None;
            }
        }
        let mut summary = FileSummary::new(path, mapping.title());
        (summary.rows, summary.kept) = (tally.credentials(), tally.rows());
        if summary.kept == 0 && self.problems.is_empty() {
            self.problems.note(
                place,
                format_args!("no credential could be imported\n{}", tally.to_string().trim_end()),
                "docs/credentials.md tells what each reason means",
            );
        }
        let column = (TableName::Award, "credential_type".to_owned());
        for (word, count) in &tally.strange {
            let counts = self.others.entry(column.clone()).or_default();
            *counts.entry(word.clone()).or_default() += count;
        }
        summary.credentials = Some(tally);
        Some(summary)
    }
}
