//! Whether a file stayed what it was while it was read: half of an old export and half of a new one is
//! neither.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::Fault;

/// What a file was when it was opened.
pub(super) struct Steady {
    path: PathBuf,
    seen: Option<Seen>,
}

#[derive(PartialEq, Eq)]
struct Seen {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
}

impl Steady {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        // A pipe has neither a length nor a past.
        let seen = metadata.is_file().then(|| Seen::of(&metadata));
        Ok(Self { path: path.to_owned(), seen })
    }

    /// How long it was; 0 where it does not know.
    pub(super) fn bytes(&self) -> u64 {
        self.seen.as_ref().map_or(0, |seen| seen.bytes)
    }

    /// Whether it still is what it was.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let Some(seen) = &self.seen else { return Ok(()) };
        let now = fs::metadata(&self.path).map(|metadata| Seen::of(&metadata));
        if now.is_ok_and(|now| now == *seen) {
            return Ok(());
        }
        Err(Fault::whole(
            "was changed or replaced while it was read",
            "wait until the export is finished, and import it again",
        ))
    }
}

impl Seen {
    fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
        }
    }
}
