//! Holding the bodies beside a log against the records that name them.

use std::collections::BTreeMap;
use std::path::Path;

use sumac_policy::{Sha256, TableKey};
use sumac_protocol::release_commitment;

use crate::store::bodies;
use crate::store::error::StoreError;
use crate::store::record::{Event, Record};

/// The bodies that records name, by the records' places.
#[derive(Default)]
pub(super) struct Named(BTreeMap<u64, Bound>);

struct Bound {
    table: TableKey,
    salt: [u8; 32],
    commitment: Sha256,
}

impl Named {
    /// Takes in the next record.
    pub(super) fn take(&mut self, record: &Record) {
        let (table, commitment) = match &record.event {
            Event::Released(released) => (released.table, released.commitment),
            Event::Derived(derived) => (derived.table, derived.commitment),
            Event::Recovered(recovered) => (recovered.table, recovered.commitment),
            Event::RecoveredDerived(recovered) => (recovered.table, recovered.commitment),
            _ => return,
        };
        self.0.insert(record.seq, Bound { table, salt: record.salt, commitment });
    }

    /// How many there are in `dir`; none if there is no such folder. What no record names yet is not looked at.
    pub(super) fn compare(mut self, dir: &Path) -> Result<Option<u64>, StoreError> {
        if !dir.exists() {
            return Ok(None);
        }
        let all = self.0.len() as u64;
        bodies::walk(dir, |found| {
            let bound =
                |named: &Bound| release_commitment(&named.salt, &found.body) == named.commitment;
            if self.0.get(&found.seq).is_some_and(bound) {
                self.0.remove(&found.seq);
            }
        })?;
        match self.0.pop_first() {
            None => Ok(Some(all)),
            Some((record, Bound { table, .. })) => {
                Err(StoreError::ReleaseDamaged { path: dir.to_owned(), table, record })
            }
        }
    }
}
