//! Disks that fail, for tests.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::Receiver;

use super::log::{Disk, Media};

/// A disk that forgets at once whatever is not synced, and loses power at its `syncs_left`th sync from now:
/// the same as a process killed there and a page cache lost.
pub(super) struct Forgetful {
    pub(super) disk: Disk,
    pub(super) unsynced: Vec<u8>,
    pub(super) syncs_left: usize,
}

/// A full disk: it takes `room` bytes more, and then fails, having written a part.
pub(super) struct Full {
    pub(super) file: File,
    pub(super) room: usize,
}

/// A disk whose sync fails although every byte is in the kernel's hands.
pub(super) struct FailingSync(pub(super) Disk);

/// A disk that counts its syncs and waits for leave before each.
pub(super) struct Gated {
    pub(super) disk: Disk,
    pub(super) gate: Receiver<()>,
    pub(super) begun: tokio::sync::mpsc::UnboundedSender<()>,
}

impl Media for Forgetful {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsynced.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let Some(left) = self.syncs_left.checked_sub(1) else {
            return Err(io::Error::other("no power"));
        };
        self.syncs_left = left;
        self.disk.append(&self.unsynced)?;
        self.unsynced.clear();
        self.disk.sync()
    }
}

impl Media for Full {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let fits = bytes.len().min(self.room);
        self.file.write_all(bytes.get(..fits).unwrap_or(bytes))?;
        self.room -= fits;
        if fits < bytes.len() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Media for FailingSync {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        Err(io::Error::other("sync failed"))
    }
}

impl Media for Gated {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.disk.append(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.begun.send(()).map_err(io::Error::other)?;
        self.gate.recv().map_err(io::Error::other)?;
        self.disk.sync()
    }
}
