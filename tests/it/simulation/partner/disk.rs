//! What lies on a disk when a node is killed.

use std::fs;
use std::io;
use std::path::Path;

use super::super::operation::{IndexLeft, Left};

/// Copies the index first and the bodies last: all of it only grows, a record after its body and the index after the
/// record, so the copy is of a moment at which all were so.
pub(super) fn copy(from: &Path, into: &Path) -> io::Result<()> {
    copy_folder(&from.join("index"), &into.join("index"))?;
    fs::copy(from.join("ledger.log"), into.join("ledger.log"))?;
    copy_folder(&from.join("bodies"), &into.join("bodies"))
}

pub(in crate::simulation) fn copy_folder(from: &Path, into: &Path) -> io::Result<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = into.join(entry.file_name());
        let copied = match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &target),
            false => fs::copy(entry.path(), &target).map(drop),
        };
        match copied {
            // sled puts files away while we look.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => copied?,
        }
    }
    Ok(())
}

/// Makes of the copy what the kill leaves: `old` is the folder in which the node went on.
pub(super) fn leave(old: &Path, new: &Path, left: Left) -> io::Result<()> {
    let log = new.join("ledger.log");
    let mut bytes = fs::read(&log)?;
    let written = fs::read(old.join("ledger.log"))?;
    let more = &written[bytes.len()..];
    bytes.extend_from_slice(&more[..more.len() * usize::from(left.tail) / 255]);
    fs::write(&log, bytes)?;
    if left.tail > 0 {
        // They were synced before anything of the records that name them.
        copy_folder(&old.join("bodies"), &new.join("bodies"))?;
    }
    match left.index {
        IndexLeft::Whole => Ok(()),
        IndexLeft::Deleted => fs::remove_dir_all(new.join("index")),
        IndexLeft::Garbled(how) => garble(&new.join("index"), how),
    }
}

fn garble(folder: &Path, how: u8) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            garble(&path, how)?;
            continue;
        }
        let mut bytes = fs::read(&path)?;
        let every = 7 + usize::from(how);
        bytes.iter_mut().skip(usize::from(how)).step_by(every).for_each(|byte| *byte ^= how | 1);
        fs::write(&path, bytes)?;
    }
    Ok(())
}
