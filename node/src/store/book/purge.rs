//! What a book knows of releases that were deleted.

use std::collections::BTreeSet;

use sumac_policy::TableKey;

use super::table::number;
use super::{Book, BookError, TableState};
use crate::store::record::ReleaseName;

/// A release in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) struct Logged {
    pub(in crate::store) name: ReleaseName,
    /// Where in the log its record is.
    pub(in crate::store) at: u64,
    purged: bool,
}

impl Book {
    /// Every release that was not deleted, later measurements and tables added up among them.
    pub(in crate::store) fn kept(&self) -> impl Iterator<Item = Logged> {
        self.logged().filter(|logged| !logged.purged)
    }

    /// Every release that was deleted.
    pub(in crate::store) fn purged(&self) -> impl Iterator<Item = Logged> {
        self.logged().filter(|logged| logged.purged)
    }

    fn logged(&self) -> impl Iterator<Item = Logged> {
        self.tables.iter().flat_map(|(table, state)| {
            let name = |revision, derived| ReleaseName { table: *table, revision, derived };
            let measured = (0..).zip(&state.paid).filter_map(move |(revision, paid)| {
                let (name, purged) = (name(revision, false), paid.purged);
                Some(Logged { name, at: paid.release_at?, purged })
            });
            // One that came back stands for those before it that nobody showed.
            let own = state.derived.chunk_by(|one, next| one.release_at == next.release_at);
            let own = own.scan(0, |before, same| {
                *before += same.len();
                same.last().map(|added| (number(*before).saturating_sub(1), added))
            });
            let added = own.map(move |(revision, added)| Logged {
                name: name(revision, true),
                at: added.release_at,
                purged: added.purged,
            });
            measured.chain(added)
        })
    }

    /// The measurement that a table was added up from.
    pub(in crate::store) fn source(&self, added: ReleaseName) -> Option<ReleaseName> {
        let derivation = self.tables.get(&added.table)?.derived.get(place(added.revision))?;
        let (table, revision) = (derivation.from, derivation.from_revision);
        Some(ReleaseName { table, revision, derived: false })
    }

    /// Whether a release was deleted; none if it is not there to be.
    pub(in crate::store) fn is_purged(&self, release: ReleaseName) -> Option<bool> {
        let state = self.tables.get(&release.table)?;
        if release.derived {
            return state.derived.get(place(release.revision)).map(|added| added.purged);
        }
        let paid = state.paid.get(place(release.revision))?;
        paid.release_at.is_some().then_some(paid.purged)
    }

    /// Marks releases as deleted, and returns their tables.
    pub(super) fn purge(&mut self, releases: &[ReleaseName]) -> Result<Vec<TableKey>, BookError> {
        let mut seen = BTreeSet::new();
        for release in releases {
            if self.is_purged(*release) != Some(false) || !seen.insert(release) {
                return Err(BookError::PurgedOutOfTurn(release.table));
            }
        }
        for release in releases {
            if let Some(state) = self.tables.get_mut(&release.table) {
                state.purge(*release);
            }
        }
        self.totals.purged += releases.len() as u64;
        let tables: BTreeSet<_> = releases.iter().map(|release| release.table).collect();
        Ok(tables.into_iter().collect())
    }
}

impl TableState {
    fn purge(&mut self, ReleaseName { revision, derived, .. }: ReleaseName) {
        if !derived {
            self.paid.get_mut(place(revision)).into_iter().for_each(|paid| paid.purged = true);
        } else if let Some(at) = self.derived.get(place(revision)).map(|added| added.release_at) {
            let same = self.derived.iter_mut().filter(|added| added.release_at == at);
            same.for_each(|added| added.purged = true);
        }
    }
}

/// More revisions than fit were never made.
fn place(revision: u32) -> usize {
    usize::try_from(revision).unwrap_or(usize::MAX)
}
