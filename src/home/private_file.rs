//! Files that hold keys: for their owner alone, and written whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use zeroize::Zeroizing;

/// For the owner alone.
const PRIVATE: u32 = 0o600;
/// For everyone to read.
const PUBLIC: u32 = 0o644;

/// Writes a file for its owner alone. One that is there stays, unless `replace` says otherwise.
pub(crate) fn write_private(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    write(path, bytes, PRIVATE, replace)
}

/// Writes a file that everyone may read. One that is there stays, unless `replace` says otherwise.
pub(crate) fn write_public(path: &Path, bytes: &[u8], replace: bool) -> io::Result<()> {
    write(path, bytes, PUBLIC, replace)
}

fn write(path: &Path, bytes: &[u8], mode: u32, replace: bool) -> io::Result<()> {
    if !replace && path.try_exists()? {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is already there"));
    }
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let aside = folder.join(format!(".{name}.{}.partial", std::process::id()));
    forget(&aside)?;
    let written = write_synced(&aside, bytes, mode).and_then(|()| fs::rename(&aside, path));
    if written.is_err() {
        // What went wrong is told; this only tidies up.
        let _ = fs::remove_file(&aside);
    }
    written?;
    // The name, too, is there after a power cut.
    File::open(folder)?.sync_all()
}

/// Removes what a process that was killed left aside. In a container the next one may well have its number.
pub(crate) fn forget(aside: &Path) -> io::Result<()> {
    match fs::remove_file(aside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn write_synced(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a folder for its owner alone, with those above it.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Reads a file of at most `most` bytes.
pub(crate) fn read_bounded(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    read_into(path, most, &mut bytes)?;
    Ok(bytes)
}

/// Reads a file of at most `most` bytes, which are wiped when dropped.
pub(crate) fn read_secret(path: &Path, most: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    // Room from the start: a vector that grows leaves copies behind.
    let room = fs::metadata(path)?.len().min(most).saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(room).unwrap_or_default()));
    read_into(path, most, &mut bytes)?;
    Ok(bytes)
}

fn read_into(path: &Path, most: u64, bytes: &mut Vec<u8>) -> io::Result<()> {
    let read = File::open(path)?.take(most.saturating_add(1)).read_to_end(bytes)?;
    if u64::try_from(read).unwrap_or(u64::MAX) > most {
        let message = format!("it is larger than {most} bytes, so it is not what belongs here");
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_for_its_owner_alone_and_is_replaced_only_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        write_private(&path, b"first", false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let refused = write_private(&path, b"second", false).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        write_private(&path, b"second", true).unwrap();
        assert_eq!(read_secret(&path, 6).unwrap().as_slice(), b"second");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left aside");
    }

    #[test]
    fn what_a_killed_process_of_the_same_number_left_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(format!(".node.key.{}.partial", std::process::id()));
        fs::write(&left, b"half").unwrap();
        let path = folder.path().join("node.key");
        write_private(&path, b"whole", false).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert!(!left.exists());
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read_bounded(&path, 4).unwrap(), b"four");
        assert_eq!(read_bounded(&path, 3).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
