//! `manifest.json`: what a snapshot holds, and the node's commitment to it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sumac_keys::NodeSecret;
use sumac_policy::{Covered, Holdings, Kind, Span};

use super::error::SnapshotError;
use super::write::Statement;

/// The format that this version writes and reads.
const FORMAT: &str = "sumac-snapshot/5";

/// The first's codes took two bytes each, compressed; the second's periods had no days; the third's tags had two words;
/// the fourth's dates took four bytes and its numbers eight.
const OLDER: [&str; 4] =
    ["sumac-snapshot/1", "sumac-snapshot/2", "sumac-snapshot/3", "sumac-snapshot/4"];

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
    pub(super) covers: Vec<CoveredEntry>,
    pub(super) learners: u32,
    /// Learners in a block.
    pub(super) block: u32,
    pub(super) tables: BTreeMap<String, TableEntry>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
}

/// A period that the data covers, with the days that the agreement's calendar gave it at the import.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CoveredEntry {
    period: String,
    first: String,
    last: String,
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

/// A manifest's text and what it says that it is.
pub(super) struct Text {
    path: PathBuf,
    bytes: Vec<u8>,
    pub(super) format: String,
}

/// A manifest whose last member is the node's commitment to the rest of it.
pub(super) trait Committed: Serialize + DeserializeOwned {
    /// The commitment; none while it is worked out.
    fn commitment(&mut self) -> &mut Option<String>;
}

impl Committed for Manifest {
    fn commitment(&mut self) -> &mut Option<String> {
        &mut self.commitment
    }
}

/// The one member that every version's manifest has.
#[derive(Deserialize)]
struct AnyVersion {
    format: String,
}

/// A manifest's bytes with the node's commitment in them, and the commitment.
pub(super) fn seal<M: Committed>(
    mut manifest: M,
    secret: &NodeSecret,
) -> Result<(Vec<u8>, [u8; 32]), serde_json::Error> {
    *manifest.commitment() = None;
    let commitment = secret.commit(&serde_json::to_vec(&manifest)?);
    *manifest.commitment() = Some(hex::encode(commitment));
    Ok((serde_json::to_vec_pretty(&manifest)?, commitment))
}

impl Text {
    /// Reads the manifest in a snapshot's directory.
    pub(super) fn read(directory: &Path) -> Result<Self, SnapshotError> {
        let path = directory.join(FILE);
        let read = |source| SnapshotError::Read { path: path.clone(), source };
        let damaged = |what| SnapshotError::Damaged { path: path.clone(), what };
        if fs::metadata(&path).map_err(read)?.len() > MAX_BYTES {
            return Err(damaged("too large"));
        }
        let bytes = fs::read(&path).map_err(read)?;
        let AnyVersion { format } =
            serde_json::from_slice(&bytes).map_err(|_| damaged("not a snapshot's manifest"))?;
        Ok(Self { path, bytes, format })
    }

    /// What it says, if this node sealed it.
    pub(super) fn open<M: Committed>(
        &self,
        secret: &NodeSecret,
    ) -> Result<(M, [u8; 32]), SnapshotError> {
        let damaged = || self.damaged("not a snapshot's manifest");
        let mut manifest: M = serde_json::from_slice(&self.bytes).map_err(|_| damaged())?;
        let stated = manifest.commitment().take();
        let bytes = serde_json::to_vec(&manifest).map_err(|_| damaged())?;
        let commitment = secret.commit(&bytes);
        if stated != Some(hex::encode(commitment)) {
            return Err(SnapshotError::NotOurs { path: self.path.clone() });
        }
        Ok((manifest, commitment))
    }

    pub(super) fn damaged(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Damaged { path: self.path.clone(), what }
    }
}

/// What an operator stated, as manifests write it down.
pub(super) fn holdings(
    as_of: &str,
    covers: &[CoveredEntry],
    text: &Text,
) -> Result<Holdings, SnapshotError> {
    let covers = covers.iter().map(CoveredEntry::read).collect::<Option<_>>();
    Ok(Holdings {
        as_of: as_of.parse().map_err(|_| text.damaged("unreadable as-of date"))?,
        covers: covers.ok_or_else(|| text.damaged("unreadable period"))?,
        columns: Vec::new(),
    })
}

impl CoveredEntry {
    pub(super) fn of(Covered { period, days }: &Covered) -> Self {
        let [period, first, last] =
            [period.to_string(), days.first.to_string(), days.last.to_string()];
        Self { period, first, last }
    }

    fn read(&self) -> Option<Covered> {
        let days = Span { first: self.first.parse().ok()?, last: self.last.parse().ok()? };
        Some(Covered { period: self.period.parse().ok()?, days })
    }
}

impl Manifest {
    pub(super) fn new(id: String, frozen: String, statement: &Statement) -> Self {
        Self {
            format: FORMAT.to_owned(),
            id,
            frozen,
            as_of: statement.as_of.to_string(),
            covers: statement.covers.iter().map(CoveredEntry::of).collect(),
            learners: 0,
            block: 0,
            tables: BTreeMap::new(),
            commitment: None,
        }
    }

    /// Reads a manifest that this node sealed.
    pub(super) fn open(
        text: &Text,
        secret: &NodeSecret,
    ) -> Result<(Self, [u8; 32]), SnapshotError> {
        let path = || text.path.clone();
        match text.format.as_str() {
            FORMAT => text.open(secret),
            older if OLDER.contains(&older) => Err(SnapshotError::Older { path: path() }),
            format => Err(SnapshotError::Newer { path: path(), format: format.to_owned() }),
        }
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
