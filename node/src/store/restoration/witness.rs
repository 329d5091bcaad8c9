//! What a record of the lost history says of a release.

use sumac_policy::TableKey;
use sumac_protocol::{RecordedRelease, release_commitment};

use crate::store::record::{Event, Record};

/// A release as a record of the lost history names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Witnessed {
    /// The record's place.
    pub position: u64,
    /// The table, whatever its revision.
    pub table: TableKey,
    /// Its revision.
    pub revision: u32,
    /// The table whose cells were added, and its revision; none if it was measured.
    pub from: Option<(TableKey, u32)>,
}

/// Reads what a record says of the release with these bytes; none if it is no record of that one.
pub fn witnessed(recorded: &RecordedRelease, release: &[u8]) -> Option<Witnessed> {
    let Record { seq, salt, event, at: _ } = Record::decode(&recorded.record).ok()?;
    let (table, revision, commitment, from) = match event {
        Event::Released(released) => (released.table, released.revision, released.commitment, None),
        Event::Derived(derived) => {
            let from = Some((derived.from, derived.from_revision));
            (derived.table, derived.revision, derived.commitment, from)
        }
        Event::Recovered(recovered) => {
            (recovered.table, recovered.revision, recovered.commitment, None)
        }
        Event::RecoveredDerived(recovered) => {
            let from = Some((recovered.from, recovered.from_revision));
            (recovered.table, recovered.revision, recovered.commitment, from)
        }
        _ => return None,
    };
    let bound = seq == recorded.inclusion.seq && release_commitment(&salt, release) == commitment;
    bound.then_some(Witnessed { position: seq, table, revision, from })
}
