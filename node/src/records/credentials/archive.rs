//! A ZIP archive of credentials. Nothing is unpacked to disk, and nothing it declares is believed.

use std::fs::File;
use std::io::{self, Read, Seek};

use zip::ZipArchive;

use super::fault::Fault;
use super::folder::{FolderFault, Found, MAX_FILE, PassedOver, holds_credential, whole};

/// Entries of one archive; its list of contents is held in memory.
pub(super) const MAX_ENTRIES: usize = 200_000;

/// Bytes of one archive once unpacked.
pub(super) const MAX_UNPACKED: u64 = 8 << 30;

/// JSON packs to a twentieth, perhaps a fiftieth of its length; denser is made to explode.
pub(super) const MAX_RATIO: u64 = 200;

/// Entries shorter than this, in bytes, may be as dense as they like.
const SMALL: u64 = 64 << 10;

/// Whether a file begins like a ZIP archive; rewinds it.
pub(super) fn is_archive(file: &mut File) -> io::Result<bool> {
    let mut start = Vec::new();
    file.take(4).read_to_end(&mut start)?;
    file.rewind()?;
    Ok(start == b"PK\x03\x04" || start == b"PK\x05\x06")
}

/// Hands each credential in an archive to `each`, by name.
pub(super) fn walk(
    file: File,
    passed: &mut PassedOver,
    each: &mut dyn FnMut(Found),
) -> Result<(), FolderFault> {
    let mut archive = ZipArchive::new(file).map_err(|_| FolderFault::Archive)?;
    if archive.len() > MAX_ENTRIES {
        return Err(FolderFault::Entries);
    }
    let mut order = Vec::new();
    for at in 0..archive.len() {
        let entry = archive.by_index_raw(at).map_err(|_| FolderFault::Archive)?;
        let name = entry.name().map_err(|_| FolderFault::Archive)?;
        if entry.enclosed_name().is_none() || name.starts_with(['/', '\\']) {
            return Err(FolderFault::Escapes);
        }
        if entry.is_symlink() {
            passed.links += 1;
        } else if entry.is_file() && holds_credential(&name) {
            order.push((name.into_owned(), at));
        } else if entry.is_file() {
            passed.others += 1;
        }
    }
    order.sort_unstable();
    let mut unpacked = 0_u64;
    for (name, at) in order {
        let bytes = entry(&mut archive, at);
        unpacked += bytes.as_ref().map_or(MAX_FILE, Vec::len) as u64;
        if unpacked > MAX_UNPACKED {
            return Err(FolderFault::Unpacked);
        }
        each(Found { name, bytes });
    }
    Ok(())
}

fn entry(archive: &mut ZipArchive<File>, at: usize) -> Result<Vec<u8>, Fault> {
    let entry = archive.by_index(at).map_err(|_| Fault::Damaged)?;
    let packed = entry.compressed_size();
    let too_dense = |length: u64| length > SMALL && length / MAX_RATIO > packed;
    if entry.size() > MAX_FILE as u64 {
        return Err(Fault::TooLarge);
    }
    if too_dense(entry.size()) {
        return Err(Fault::TooDense);
    }
    // What it declares is one thing, what comes out another: both are bounded.
    let bytes = whole(entry).map_err(|_| Fault::Damaged)??;
    if too_dense(bytes.len() as u64) { Err(Fault::TooDense) } else { Ok(bytes) }
}
