//! `manifest.json`: what a snapshot holds, and the node's commitment to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_keys::NodeSecret;
use sumac_policy::{Kind, Period};

use super::error::SnapshotError;

/// The format that this version writes and reads.
const FORMAT: &str = "sumac-snapshot/2";

/// Its codes took two bytes each, compressed.
const OLDER: &str = "sumac-snapshot/1";

/// The file's name in a snapshot's directory.
pub(super) const FILE: &str = "manifest.json";

/// A manifest lists code ids and row counts per block; a larger one is a mistake.
const MAX_BYTES: u64 = 64 << 20;

/// What a snapshot holds. Written as JSON with the commitment as its last member.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: String,
    pub(super) id: String,
    /// When it was frozen, in UTC.
    pub(super) frozen: String,
    /// The day the data was taken from its source, as the operator stated it.
    pub(super) as_of: String,
    /// The periods it covers, as the operator stated them.
    pub(super) covers: Vec<String>,
    pub(super) learners: u32,
    /// Learners in a block.
    pub(super) block: u32,
    pub(super) tables: BTreeMap<String, TableEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
}

/// One table's file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableEntry {
    pub(super) bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub(super) sha256: String,
    /// Rows in each block.
    pub(super) rows: Vec<u32>,
    pub(super) columns: BTreeMap<String, ColumnEntry>,
}

/// What a column holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub(super) enum ColumnEntry {
    /// Positions in this list of code ids.
    Codes(Vec<String>),
    Date,
    Year,
    Integer,
}

/// The one member that every version's manifest has.
#[derive(Deserialize)]
struct AnyVersion {
    format: String,
}

impl Manifest {
    pub(super) fn new(id: String, frozen: String, as_of: Date, covers: &[Period]) -> Self {
        Self {
            format: FORMAT.to_owned(),
            id,
            frozen,
            as_of: as_of.to_string(),
            covers: covers.iter().map(Period::to_string).collect(),
            learners: 0,
            block: 0,
            tables: BTreeMap::new(),
            commitment: None,
        }
    }

    /// The manifest's bytes with the node's commitment in them, and the commitment.
    pub(super) fn seal(
        mut self,
        secret: &NodeSecret,
    ) -> Result<(Vec<u8>, [u8; 32]), serde_json::Error> {
        self.commitment = None;
        let commitment = secret.commit(&serde_json::to_vec(&self)?);
        self.commitment = Some(hex::encode(commitment));
        Ok((serde_json::to_vec_pretty(&self)?, commitment))
    }

    /// Reads a manifest that this node sealed.
    pub(super) fn open(
        path: &Path,
        secret: &NodeSecret,
    ) -> Result<(Self, [u8; 32]), SnapshotError> {
        let read = |source| SnapshotError::Read { path: path.to_owned(), source };
        let damaged = |what| SnapshotError::Damaged { path: path.to_owned(), what };
        if fs::metadata(path).map_err(read)?.len() > MAX_BYTES {
            return Err(damaged("too large"));
        }
        let text = fs::read(path).map_err(read)?;
        let AnyVersion { format } =
            serde_json::from_slice(&text).map_err(|_| damaged("not a snapshot's manifest"))?;
        if format == OLDER {
            return Err(SnapshotError::Older { path: path.to_owned() });
        }
        if format != FORMAT {
            return Err(SnapshotError::Newer { path: path.to_owned(), format });
        }
        let mut manifest: Self =
            serde_json::from_slice(&text).map_err(|_| damaged("not a snapshot's manifest"))?;
        let stated = manifest.commitment.take();
        let bytes =
            serde_json::to_vec(&manifest).map_err(|_| damaged("not a snapshot's manifest"))?;
        let commitment = secret.commit(&bytes);
        if stated != Some(hex::encode(commitment)) {
            return Err(SnapshotError::NotOurs { path: path.to_owned() });
        }
        Ok((manifest, commitment))
    }

    pub(super) fn blocks(&self) -> usize {
        self.learners.div_ceil(self.block.max(1)) as usize
    }
}

impl ColumnEntry {
    pub(super) fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Code(codes) => Self::Codes(codes.iter().map(|code| code.id.clone()).collect()),
            Kind::Date => Self::Date,
            Kind::Year => Self::Year,
            Kind::Integer => Self::Integer,
        }
    }
}
