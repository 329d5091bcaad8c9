//! What a node answers from: a frozen snapshot, or views of its party's warehouse.

use std::fs;
use std::io;
use std::path::Path;

use sumac_keys::NodeSecret;
use sumac_policy::{Holdings, Schema};

use super::error::SnapshotError;
use super::in_place::{self, InPlace};
use super::manifest::Text;
use super::read::Snapshot;
use super::write::CURRENT;

/// Ids are short; a longer `current` was not written by us.
const MAX_ID_BYTES: u64 = 128;

/// What a node answers from, as its last import made it. Either way it has an id, the node's commitment, and what the
/// operator stated; and it is this node's own.
#[derive(Debug)]
pub enum Data {
    /// Records that lie in the node.
    Frozen(Snapshot),
    /// Records that lie in the warehouse.
    InPlace(InPlace),
}

impl Data {
    /// What is in use under a node's directory of snapshots, for an agreement with this schema; nothing before the
    /// first import.
    ///
    /// # Errors
    /// Where it is missing, damaged, someone else's or newer than this version.
    pub fn current(
        snapshots: &Path,
        secret: &NodeSecret,
        schema: &Schema,
    ) -> Result<Option<Self>, SnapshotError> {
        let path = snapshots.join(CURRENT);
        let text = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Ok(facts) if facts.len() > MAX_ID_BYTES => String::new(),
            Ok(_) | Err(_) => fs::read_to_string(&path)
                .map_err(|source| SnapshotError::Read { path: path.clone(), source })?,
        };
        let id = text.trim_end();
        let sound = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if id.is_empty() || !id.chars().all(sound) {
            return Err(SnapshotError::Damaged { path, what: "it names no snapshot" });
        }
        let directory = snapshots.join(id);
        let text = Text::read(&directory)?;
        Ok(Some(if text.format == in_place::FORMAT {
            Self::InPlace(InPlace::open(&text, secret, schema)?)
        } else {
            Self::Frozen(Snapshot::read_in(&directory, &text, secret, schema)?)
        }))
    }

    /// Reads every file whole and compares it with the manifest. Of records that lie elsewhere there is none.
    ///
    /// # Errors
    /// Where a file cannot be read, or is not the one that was frozen.
    pub fn verify(&self) -> Result<(), SnapshotError> {
        match self {
            Self::Frozen(snapshot) => snapshot.verify(),
            Self::InPlace(_) => Ok(()),
        }
    }

    /// Its id: the directory's name.
    pub fn id(&self) -> &str {
        match self {
            Self::Frozen(snapshot) => snapshot.id(),
            Self::InPlace(views) => views.id(),
        }
    }

    /// The node's commitment to it.
    pub fn commitment(&self) -> [u8; 32] {
        match self {
            Self::Frozen(snapshot) => snapshot.commitment(),
            Self::InPlace(views) => views.commitment(),
        }
    }

    /// What the operator stated, and the columns held as the agreement defines them.
    pub fn holdings(&self) -> &Holdings {
        match self {
            Self::Frozen(snapshot) => snapshot.holdings(),
            Self::InPlace(views) => views.holdings(),
        }
    }

    /// The schema of the database whose views it is, where the records lie in the warehouse.
    pub fn schema_in_place(&self) -> Option<&str> {
        match self {
            Self::Frozen(_) => None,
            Self::InPlace(views) => Some(views.schema()),
        }
    }
}
