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

/// A disk that writes unsynced pages in any order, and loses power at its `syncs_left`th sync from now: then
/// some of them are there, some are zeros, and the file may end before them.
pub(super) struct Reordering {
    file: File,
    length: u64,
    unsynced: Vec<u8>,
    syncs_left: usize,
    dice: Dice,
}

/// A sequence that looks random and is the same for the same seed (SplitMix64).
pub(super) struct Dice(u64);

/// What a disk writes at once.
const PAGE: u64 = 512;

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }
}

impl Reordering {
    pub(super) fn new(file: File, syncs_left: usize, seed: u64) -> Self {
        let length = file.metadata().map_or(0, |facts| facts.len());
        Self { file, length, unsynced: Vec::new(), syncs_left, dice: Dice::new(seed) }
    }

    /// Leaves of the unsynced bytes what a power cut may leave.
    fn cut_power(&mut self) -> io::Result<()> {
        let all = self.unsynced.len();
        let kept = match self.dice.below(3) {
            0 => all,
            _ => self.dice.below(all + 1),
        };
        let everything = self.dice.below(4) == 0;
        let mut left = Vec::new();
        let mut page = None;
        let mut lost = false;
        for (at, byte) in (self.length..).zip(self.unsynced.iter().take(kept)) {
            if page != Some(at / PAGE) {
                page = Some(at / PAGE);
                lost = !everything && self.dice.below(2) == 0;
            }
            left.push(if lost { 0 } else { *byte });
        }
        self.file.write_all(&left)
    }
}

impl Media for Reordering {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.unsynced.extend_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let Some(left) = self.syncs_left.checked_sub(1) else {
            self.cut_power()?;
            return Err(io::Error::other("no power"));
        };
        self.syncs_left = left;
        self.file.write_all(&self.unsynced)?;
        self.length += self.unsynced.len() as u64;
        self.unsynced.clear();
        Ok(())
    }
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
