//! The papers of one version of an MOU: the agreement, its parties' roots, their signatures, notices of exit.
//!
//! They are bytes until [`Version`](crate::Version) and [`Standing`](crate::Standing) say what they are worth, so
//! that they travel by file and by network alike. As a folder:
//!
//! ```text
//! mou.toml                    the agreement
//! parties/<party>.pem         its root certificate
//! signatures/<party>.p7s      its consent
//! signatures/<party>.new.p7s  by its new root, where this version changes it
//! exits/<party>.toml, .p7s    its notice of exit, and its root's signature on that
//! earlier/<version>-<hash>/   the same of each version that was in force before
//! ```

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use sumac_policy::{PartyId, Sha256};

/// Longest `mou.toml`, in bytes; an agreement of forty parties has a tenth of it.
pub const MAX_MOU: usize = 1 << 20;
/// Longest certificate, signature or notice, in bytes; a CMS signature with its certificate has two thousand.
pub const MAX_PAPER: usize = 64 << 10;
/// Most files of a kind; no coalition has so many parties.
pub const MAX_PAPERS: usize = 1_000;

/// The papers of one version, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Papers {
    /// `mou.toml`.
    pub mou: Vec<u8>,
    /// Root certificates, as PEM.
    pub roots: BTreeMap<PartyId, Vec<u8>>,
    /// Each party's consent, as CMS.
    pub signatures: BTreeMap<PartyId, Vec<u8>>,
    /// Signatures by roots that this version brings.
    pub new_root_signatures: BTreeMap<PartyId, Vec<u8>>,
    /// Notices of exit.
    pub exits: BTreeMap<PartyId, SignedExit>,
}

/// A notice of exit and its root's signature, as bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SignedExit {
    /// The notice, as TOML.
    pub notice: Vec<u8>,
    /// The signature on these exact bytes, as CMS.
    pub signature: Vec<u8>,
}

/// Why papers cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// The file system.
    #[error("read `{path}`")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file system.
    #[error("write `{path}`")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// More than belongs there.
    #[error("`{path}` holds more than {most} files: name an MOU's folder", most = MAX_PAPERS)]
    TooMany {
        /// The folder.
        path: PathBuf,
    },
}

impl Papers {
    /// The identity of the version that these are papers of.
    pub fn hash(&self) -> Sha256 {
        Sha256::of(&self.mou)
    }

    /// Reads a folder. Files whose names are none of ours are left alone.
    ///
    /// # Errors
    /// No `mou.toml`; a file that cannot be read, or is longer than such a paper is.
    pub fn read(dir: &Path) -> Result<Self, PapersError> {
        let mou = read_file(&dir.join("mou.toml"), MAX_MOU)?;
        let mut papers = Self {
            mou,
            roots: by_party(&dir.join("parties"), ".pem")?,
            signatures: by_party(&dir.join("signatures"), ".p7s")?,
            new_root_signatures: by_party(&dir.join("signatures"), ".new.p7s")?,
            exits: BTreeMap::new(),
        };
        let mut signatures = by_party(&dir.join("exits"), ".p7s")?;
        for (party, notice) in by_party(&dir.join("exits"), ".toml")? {
            let signature = signatures.remove(&party).unwrap_or_default();
            papers.exits.insert(party, SignedExit { notice, signature });
        }
        Ok(papers)
    }

    /// The papers by the names of their files, as they travel.
    pub fn files(&self) -> Vec<(String, &[u8])> {
        let mut files = vec![("mou.toml".to_owned(), self.mou.as_slice())];
        for (folder, end, papers) in [
            ("parties", ".pem", &self.roots),
            ("signatures", ".p7s", &self.signatures),
            ("signatures", ".new.p7s", &self.new_root_signatures),
        ] {
            let named = papers.iter();
            files.extend(named.map(|(id, bytes)| (format!("{folder}/{id}{end}"), &bytes[..])));
        }
        for (id, SignedExit { notice, signature }) in &self.exits {
            files.push((format!("exits/{id}.toml"), notice));
            files.push((format!("exits/{id}.p7s"), signature));
        }
        files
    }

    /// Puts papers together from files. A name that is none of ours, or a file that is too long, is left out.
    pub fn from_files(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut papers = Self::default();
        for (name, bytes) in files {
            if name == "mou.toml" && bytes.len() <= MAX_MOU {
                papers.mou = bytes;
                continue;
            }
            if bytes.len() > MAX_PAPER {
                continue;
            }
            let Some((folder, file)) = name.split_once('/') else { continue };
            let party = |end: &str| file.strip_suffix(end)?.parse::<PartyId>().ok();
            match folder {
                "parties" => drop(party(".pem").map(|id| papers.roots.insert(id, bytes))),
                "signatures" => match (party(".p7s"), party(".new.p7s")) {
                    (Some(id), _) => drop(papers.signatures.insert(id, bytes)),
                    (None, Some(id)) => drop(papers.new_root_signatures.insert(id, bytes)),
                    (None, None) => {}
                },
                "exits" => match (party(".toml"), party(".p7s")) {
                    (Some(id), _) => papers.exits.entry(id).or_default().notice = bytes,
                    (None, Some(id)) => papers.exits.entry(id).or_default().signature = bytes,
                    (None, None) => {}
                },
                _ => {}
            }
        }
        papers
    }

    /// Writes a folder that is whole from the moment that it has its name.
    ///
    /// # Errors
    /// A folder that is there already, or cannot be written.
    pub fn write_new(&self, dir: &Path) -> Result<(), PapersError> {
        let failed = |source| PapersError::Write { path: dir.to_owned(), source };
        let aside = aside(dir);
        remove_folder(&aside).map_err(failed)?;
        self.write_into(&aside)?;
        rename(&aside, dir).map_err(failed)
    }

    /// Writes these papers into a folder. What is there already stays, unless it is another paper of this name.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write_into(&self, dir: &Path) -> Result<(), PapersError> {
        for (name, bytes) in self.files() {
            let path = dir.join(name);
            write_file(&path, bytes).map_err(|source| PapersError::Write { path, source })?;
        }
        Ok(())
    }
}

/// A file of at most so many bytes.
fn read_file(path: &Path, most: usize) -> Result<Vec<u8>, PapersError> {
    let read = || {
        let mut bytes = Vec::new();
        let limit = u64::try_from(most).unwrap_or(u64::MAX);
        File::open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
        if bytes.len() > most {
            let message = format!("it is larger than {most} bytes, so it is not what belongs here");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    };
    read().map_err(|source| PapersError::Read { path: path.to_owned(), source })
}

/// The files `<party><end>` of a folder; none if there is no folder.
fn by_party(dir: &Path, end: &str) -> Result<BTreeMap<PartyId, Vec<u8>>, PapersError> {
    let failed = |source| PapersError::Read { path: dir.to_owned(), source };
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        entries => entries.map_err(failed)?,
    };
    let mut files = BTreeMap::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(Ok(party)) = name.strip_suffix(end).map(str::parse) else { continue };
        if files.len() == MAX_PAPERS {
            return Err(PapersError::TooMany { path: dir.to_owned() });
        }
        files.insert(party, read_file(&path, MAX_PAPER)?);
    }
    Ok(files)
}

/// Writes a file that is whole from the moment that it has its name; the same bytes are not written twice.
pub(crate) fn write_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let aside = aside(path);
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&aside, path)
}

/// Renames, and syncs the name.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    File::open(
        to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")),
    )?
    .sync_all()
}

/// Removes a folder and all in it, if it is there.
pub(crate) fn remove_folder(dir: &Path) -> io::Result<()> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Where something is written before it has its name; `mou.toml` and `earlier/…` never end like this.
pub(crate) fn aside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    path.with_file_name(name)
}
