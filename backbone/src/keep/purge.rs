//! Deleting receipts that are older than the MOU keeps releases. Heads are kept: they hold no release.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sumac_policy::PartyId;
use sumac_protocol::Release;

use super::{DIFFERS, Keep, KeepError, KeptReceipt};

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgedReceipts {
    /// Receipts deleted.
    pub deleted: usize,
    /// Receipts just as old that contradict each other: they are the evidence, and stay until a person moves them.
    pub contradicting: usize,
}

impl Keep {
    /// Deletes the receipts of these parties' releases that were made before an instant. One that cannot be read stays.
    pub(crate) fn purge<'a>(
        &self,
        parties: impl IntoIterator<Item = &'a PartyId>,
        before: Timestamp,
    ) -> Result<PurgedReceipts, KeepError> {
        let parties: BTreeSet<_> = parties.into_iter().map(PartyId::as_str).collect();
        let kept = Self::receipts(&self.dir)?;
        let contradicted: BTreeSet<_> =
            kept.iter().filter(|kept| kept.differs).map(|kept| contradicts(&kept.path)).collect();
        let mut purged = PurgedReceipts::default();
        let mut folders = BTreeSet::new();
        for kept in &kept {
            let of_party = is_of(&parties, &kept.path);
            if !of_party || made(kept).is_none_or(|made| made >= before) {
                continue;
            }
            if kept.differs || contradicted.contains(&kept.path) {
                purged.contradicting += 1;
                continue;
            }
            delete(&kept.path)?;
            purged.deleted += 1;
            folders.extend(kept.path.parent());
        }
        for folder in folders {
            let synced = File::open(folder).and_then(|folder| folder.sync_all());
            synced.map_err(|source| KeepError::Delete { path: folder.to_owned(), source })?;
        }
        Ok(purged)
    }
}

/// When the release of a receipt was made, as its node states.
fn made(kept: &KeptReceipt) -> Option<Timestamp> {
    let receipt = kept.receipt.as_ref().ok()?;
    Some(Release::decode(&receipt.release.body).ok()?.facts().measured_at)
}

/// Whether a receipt lies in the folder of one of these parties.
fn is_of(parties: &BTreeSet<&str>, path: &Path) -> bool {
    let party = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
    party.is_some_and(|party| parties.contains(party))
}

/// The receipt that one with `.differs-` in its name lies beside.
fn contradicts(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let first = name.split(DIFFERS).next().unwrap_or_default();
    path.with_file_name(format!("{first}.json"))
}

/// Another ask may have deleted it in the same moment.
fn delete(path: &Path) -> Result<(), KeepError> {
    match fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(KeepError::Delete { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}
