//! Holding the bodies beside a log against the records that name them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sumac_policy::Sha256;
use sumac_protocol::release_commitment;

use crate::store::bodies;
use crate::store::book::BookError;
use crate::store::error::StoreError;
use crate::store::record::{Event, Record, ReleaseName};
use crate::store::scan::{self, Acknowledged, Stretch};

/// The bodies that records name, by the records' places.
#[derive(Default)]
pub(super) struct Named {
    bound: BTreeMap<u64, Bound>,
    places: BTreeMap<ReleaseName, u64>,
    /// Those that were deleted.
    purged: BTreeSet<u64>,
}

struct Bound {
    name: ReleaseName,
    salt: [u8; 32],
    commitment: Sha256,
}

/// What lies beside a log.
pub(super) struct Compared {
    /// Bodies, each as its record binds it.
    pub(super) bodies: u64,
    /// Bodies that are to be deleted and still there.
    pub(super) undeleted: u64,
}

impl Named {
    /// Takes in the next record.
    pub(super) fn take(&mut self, record: &Record) -> Result<(), BookError> {
        let (name, commitment) = match &record.event {
            Event::Released(released) => {
                let (table, revision) = (released.table, released.revision);
                (ReleaseName { table, revision, derived: false }, released.commitment)
            }
            Event::Derived(derived) => {
                let (table, revision) = (derived.table, derived.revision);
                (ReleaseName { table, revision, derived: true }, derived.commitment)
            }
            Event::Recovered(recovered) => {
                let (table, revision) = (recovered.table, recovered.revision);
                (ReleaseName { table, revision, derived: false }, recovered.commitment)
            }
            Event::RecoveredDerived(recovered) => {
                let (table, revision) = (recovered.table, recovered.revision);
                (ReleaseName { table, revision, derived: true }, recovered.commitment)
            }
            Event::Purged(purged) => {
                return purged.releases.iter().try_for_each(|name| self.purge(*name));
            }
            _ => return Ok(()),
        };
        self.places.insert(name, record.seq);
        self.bound.insert(record.seq, Bound { name, salt: record.salt, commitment });
        Ok(())
    }

    /// Releases that were deleted.
    pub(super) fn purged(&self) -> u64 {
        self.purged.len() as u64
    }

    /// Holds the folder beside the log at `path` against the records; none if there is no such folder. What no record
    /// names yet is not looked at.
    pub(super) fn compare(
        mut self,
        dir: &Path,
        path: &Path,
    ) -> Result<Option<Compared>, StoreError> {
        if !dir.exists() {
            return Ok(None);
        }
        let (mut bodies, mut undeleted) = (0, 0);
        bodies::walk(dir, |found| {
            let binds =
                |bound: &Bound| release_commitment(&bound.salt, &found.body) == bound.commitment;
            if self.bound.get(&found.seq).is_some_and(binds) {
                self.bound.remove(&found.seq);
                bodies += 1;
            }
            undeleted += u64::from(self.purged.contains(&found.seq));
        })?;
        if !self.bound.is_empty() {
            // A node that serves may have deleted some since the log was read.
            let since = purged_by_now(path)?;
            self.bound.retain(|_, bound| !since.contains(&bound.name));
        }
        match self.bound.pop_first() {
            None => Ok(Some(Compared { bodies, undeleted })),
            Some((record, Bound { name: ReleaseName { table, .. }, .. })) => {
                Err(StoreError::ReleaseDamaged { path: dir.to_owned(), table, record })
            }
        }
    }

    fn purge(&mut self, name: ReleaseName) -> Result<(), BookError> {
        let place = self.places.remove(&name).ok_or(BookError::PurgedOutOfTurn(name.table))?;
        self.bound.remove(&place);
        self.purged.insert(place);
        Ok(())
    }
}

/// Every release that the log says was deleted.
fn purged_by_now(path: &Path) -> Result<BTreeSet<ReleaseName>, StoreError> {
    let mut purged = BTreeSet::new();
    let all = Stretch { from: Acknowledged::NOTHING, to: None, known: true };
    scan::walk(path, &all, |batch| {
        for placed in batch.records {
            if let Event::Purged(found) = placed.record.event {
                purged.extend(found.releases);
            }
        }
        Ok(())
    })?;
    Ok(purged)
}
