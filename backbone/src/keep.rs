//! What an asker keeps of each node, as files of its own: the last head of its log, and a receipt of each release.
//!
//! ```text
//! heads/<party>.json                           the last head seen
//! receipts/<party>/<table>-r<revision>.json    the release as it first came
//! ```
//!
//! Where a node was restored from a backup, the last head of what it lost is kept as `<party>.lost-<hash>.json`.
//! What differs from a kept file never replaces it: it is kept beside it, with `.differs-` in its name.

mod purge;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sumac_policy::{PartyId, Sha256, TableKey};
use sumac_protocol::SignedHead;

use crate::receipt::{Receipt, ReceiptFileError, read_head, write_head};

pub use self::purge::PurgedReceipts;

/// Bytes of a file that is read: more than the receipt of the largest table has.
const MAX_FILE: u64 = 8 << 20;

/// In the name of every file that contradicts another.
const DIFFERS: &str = ".differs-";

/// In the name of every head of a history that its node lost.
const LOST: &str = ".lost-";

/// The folder where an asker keeps heads and receipts.
#[derive(Debug, Clone)]
pub struct Keep {
    dir: PathBuf,
    asker: String,
}

/// What became of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is kept from now on.
    New,
    /// One of the same release is there, and stays.
    Already,
    /// One of another release is there, and stays; this one is beside it.
    Differs { evidence: PathBuf },
}

/// A receipt that is kept.
#[derive(Debug)]
pub struct KeptReceipt {
    /// Where.
    pub path: PathBuf,
    /// Whether it contradicts another one.
    pub differs: bool,
    /// What the file holds.
    pub receipt: Result<Receipt, KeepError>,
}

/// Why a file cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// It cannot be written.
    #[error("keep `{path}`")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be read.
    #[error("read `{path}`")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It cannot be deleted.
    #[error("delete `{path}`, which is older than the MOU keeps releases")]
    Delete {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It does not hold what belongs there.
    #[error("`{path}` cannot be used: restore it, or move it away and keep it")]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ReceiptFileError,
    },
}

impl Keep {
    /// Keeps in this folder what comes back to `asker`, whose name goes into each receipt's unsigned note.
    pub fn new(dir: PathBuf, asker: String) -> Self {
        Self { dir, asker }
    }

    pub(crate) fn asker(&self) -> &str {
        &self.asker
    }

    /// The last head seen of a party's log.
    pub(crate) fn last_head(&self, party: &PartyId) -> Result<Option<SignedHead>, KeepError> {
        read_if_there(&self.head_file(party), read_head)
    }

    /// Keeps a head that continues the last one. Heads do not go back: another ask may have seen a later one.
    pub(crate) fn head(&self, party: &PartyId, head: &SignedHead) -> Result<(), KeepError> {
        match self.last_head(party)? {
            Some(last) if last.head.size >= head.head.size => Ok(()),
            _ => write(&self.head_file(party), &write_head(head)),
        }
    }

    /// Keeps a head that does not continue the last one, beside it.
    pub(crate) fn other_head(
        &self,
        party: &PartyId,
        head: &SignedHead,
    ) -> Result<PathBuf, KeepError> {
        write_beside(&self.head_file(party), DIFFERS, &write_head(head))
    }

    /// Keeps the head of a new history in place of the last one of a lost history, which stays beside it. Returns
    /// where.
    pub(crate) fn new_history(
        &self,
        party: &PartyId,
        lost: &SignedHead,
        head: &SignedHead,
    ) -> Result<PathBuf, KeepError> {
        let path = self.head_file(party);
        let evidence = write_beside(&path, LOST, &write_head(lost))?;
        write(&path, &write_head(head))?;
        Ok(evidence)
    }

    /// Keeps a receipt, unless there is one.
    pub(crate) fn receipt(
        &self,
        party: &PartyId,
        table: TableKey,
        revision: u32,
        receipt: &Receipt,
    ) -> Result<Kept, KeepError> {
        let folder = self.dir.join("receipts").join(party.as_str());
        let path = folder.join(format!("{table}-r{revision}.json"));
        match read_if_there(&path, Receipt::read)? {
            None => write(&path, &receipt.to_json()).map(|()| Kept::New),
            Some(kept) if kept.release == receipt.release => Ok(Kept::Already),
            Some(_) => {
                let evidence = write_beside(&path, DIFFERS, &receipt.to_json())?;
                Ok(Kept::Differs { evidence })
            }
        }
    }

    /// Every receipt kept in this folder, party by party, in the order of their names.
    ///
    /// # Errors
    /// Folders that cannot be listed. A receipt that cannot be read spoils no other.
    pub fn receipts(dir: &Path) -> Result<Vec<KeptReceipt>, KeepError> {
        let mut kept = Vec::new();
        for folder in entries(&dir.join("receipts"))? {
            kept.extend(receipts_in(&folder)?);
        }
        Ok(kept)
    }

    /// Every receipt kept of a party's releases.
    pub(crate) fn receipts_of(&self, party: &PartyId) -> Result<Vec<KeptReceipt>, KeepError> {
        receipts_in(&self.dir.join("receipts").join(party.as_str()))
    }

    /// Reads one receipt, wherever it lies.
    ///
    /// # Errors
    /// A file that is not there, or is no receipt.
    pub fn read_receipt(path: &Path) -> Result<Receipt, KeepError> {
        let read = read_if_there(path, Receipt::read)?;
        read.ok_or_else(|| KeepError::Read {
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })
    }

    fn head_file(&self, party: &PartyId) -> PathBuf {
        self.dir.join("heads").join(format!("{party}.json"))
    }
}

fn receipts_in(folder: &Path) -> Result<Vec<KeptReceipt>, KeepError> {
    let mut kept = Vec::new();
    for path in entries(folder)? {
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let receipt = Keep::read_receipt(&path);
        kept.push(KeptReceipt { path, differs: name.contains(DIFFERS), receipt });
    }
    Ok(kept)
}

fn read_if_there<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, ReceiptFileError>,
) -> Result<Option<T>, KeepError> {
    let failed = |source| KeepError::Read { path: path.to_owned(), source };
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let unusable = |source| KeepError::Unusable { path: path.to_owned(), source };
    read(&bytes).map(Some).map_err(unusable)
}

/// Writes a file that is whole from the moment that it has its name.
fn write(path: &Path, bytes: &[u8]) -> Result<(), KeepError> {
    let aside = path.with_extension(format!("{}.partial", std::process::id()));
    let written = || -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder)?;
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&aside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&aside, path)?;
        File::open(folder)?.sync_all()
    };
    written().map_err(|source| KeepError::Write { path: path.to_owned(), source })
}

/// Writes what belongs beside a kept file, for the reason in its name; the same twice is one file.
fn write_beside(path: &Path, reason: &str, bytes: &[u8]) -> Result<PathBuf, KeepError> {
    let name: String =
        Sha256::of(bytes).to_string().chars().skip("sha256:".len()).take(16).collect();
    let beside = path.with_extension(format!("{}{name}.json", reason.trim_start_matches('.')));
    write(&beside, bytes)?;
    Ok(beside)
}

/// The entries of a folder in the order of their names; none if there is no folder.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, KeepError> {
    let listed = || -> io::Result<Vec<PathBuf>> {
        let mut paths =
            fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
        paths.sort();
        Ok(paths)
    };
    match listed() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed.map_err(|source| KeepError::Read { path: dir.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests;
