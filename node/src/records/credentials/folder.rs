//! The files that credentials come in: one file, a folder with folders in it, or a ZIP archive. Each is read
//! whole, one after the other, in the order of their names.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::archive;
use super::fault::Fault;

/// A badge is a picture of at most a few MB. One of 10 MB as text in base 64 in JSON still fits.
pub(super) const MAX_FILE: usize = 16 << 20;

/// Folders within folders. Nobody sorts badges so finely.
const MAX_DEPTH: usize = 16;

/// Names of files that hold credentials end so; others are passed over.
const ENDINGS: [&str; 6] = ["json", "jsonld", "1ob", "jwt", "png", "svg"];

/// One file, or what is wrong with it.
pub(super) struct Found {
    /// Its name within the folder or archive, for the operator.
    pub(super) name: String,
    /// Its bytes.
    pub(super) bytes: Result<Vec<u8>, Fault>,
}

/// How many entries were no credential.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct PassedOver {
    pub(super) others: u64,
    /// Links are never followed: they may lead anywhere.
    pub(super) links: u64,
}

/// Why a folder or an archive cannot be read as a whole.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderFault {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error("has folders more than {MAX_DEPTH} deep")]
    Depth,
    #[error("is no ZIP archive, or a damaged one")]
    Archive,
    #[error("holds more than {} files", archive::MAX_ENTRIES)]
    Entries,
    #[error("unpacks to more than {} GiB", archive::MAX_UNPACKED >> 30)]
    Unpacked,
    #[error("holds a file whose name leads out of the archive")]
    Escapes,
}

/// Hands each file to `each`.
pub(super) fn walk(path: &Path, each: &mut dyn FnMut(Found)) -> Result<PassedOver, FolderFault> {
    let mut passed = PassedOver::default();
    if fs::metadata(path)?.is_dir() {
        folder(path, path, 0, &mut passed, each)?;
        return Ok(passed);
    }
    let mut file = File::open(path)?;
    if archive::is_archive(&mut file)? {
        archive::walk(file, &mut passed, each)?;
    } else {
        let bytes = whole(file)?;
        each(Found { name: name_of(path), bytes });
    }
    Ok(passed)
}

fn folder(
    root: &Path,
    at: &Path,
    depth: usize,
    passed: &mut PassedOver,
    each: &mut dyn FnMut(Found),
) -> Result<(), FolderFault> {
    if depth > MAX_DEPTH {
        return Err(FolderFault::Depth);
    }
    let paths = fs::read_dir(at)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<Result<_, _>>()?;
    paths.sort_unstable();
    for path in paths {
        let kind = fs::symlink_metadata(&path)?.file_type();
        if kind.is_symlink() {
            passed.links += 1;
        } else if kind.is_dir() {
            folder(root, &path, depth + 1, passed, each)?;
        } else if !kind.is_file() || !holds_credential(&name_of(&path)) {
            // Anything but a plain file might never end.
            passed.others += 1;
        } else {
            let bytes = whole(File::open(&path)?)?;
            let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
            each(Found { name, bytes });
        }
    }
    Ok(())
}

/// Whether a file of this name may hold a credential.
pub(super) fn holds_credential(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    let hidden = name.rsplit('/').next().is_some_and(|name| name.starts_with('.'));
    !hidden && ending.is_some_and(|ending| ENDINGS.contains(&ending.as_str()))
}

/// All of a source that says it is a credential, or that it is too large to be one.
pub(super) fn whole(source: impl Read) -> io::Result<Result<Vec<u8>, Fault>> {
    let mut bytes = Vec::new();
    source.take(MAX_FILE as u64 + 1).read_to_end(&mut bytes)?;
    Ok(if bytes.len() > MAX_FILE { Err(Fault::TooLarge) } else { Ok(bytes) })
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
