//! Files that are whole or absent, and seen by the node's own user alone.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

/// How a directory that is still being written ends.
pub(super) const PARTIAL: &str = ".partial";

/// A file that is hashed as it is written.
pub(super) struct Hashed {
    file: File,
    bytes: u64,
    sha256: Sha256,
}

impl Hashed {
    pub(super) fn new(file: File) -> Self {
        Self { file, bytes: 0, sha256: Sha256::new() }
    }

    pub(super) fn finish(self) -> io::Result<(u64, String)> {
        self.file.sync_all()?;
        Ok((self.bytes, hex::encode(self.sha256.finalize())))
    }
}

impl Write for Hashed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.sha256.update(buffer.get(..written).unwrap_or_default());
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes the directory's entries durable, which syncing a file does not do.
pub(super) fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// A directory that only the node's own user may look into.
pub(in crate::records) fn make_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The directory of snapshots for one writer alone, until the file is dropped; none while another has it.
pub(super) fn lock(snapshots: &Path) -> io::Result<Option<File>> {
    let path = snapshots.join("lock");
    let file = File::options().write(true).create(true).truncate(false).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Deletes what a crash left half written. Only under the [`lock`].
pub(super) fn sweep(snapshots: &Path) -> io::Result<()> {
    for entry in fs::read_dir(snapshots)? {
        let entry = entry?;
        let name = entry.file_name();
        let partial =
            name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(PARTIAL));
        if partial && entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}
