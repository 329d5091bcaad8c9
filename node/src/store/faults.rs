//! Disks that fail, for tests.

use std::fs::File;
use std::io::{self, Write};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use super::log::{Disk, Media, MediaOf};

/// A machine whose disk forgets at once whatever is not synced, and loses power at its `syncs_left`th sync from now:
/// the same as a process killed there and a page cache lost.
pub(super) fn forgetful(syncs_left: usize) -> MediaOf {
    Machine::of_files(syncs_left, None)
}

/// A machine whose disk writes unsynced pages in any order, and loses power at its `syncs_left`th sync from now: then
/// some pages of every file are there, some are zeros, and a file may end before them.
pub(super) fn reordering(syncs_left: usize, seed: u64) -> MediaOf {
    Machine::of_files(syncs_left, Some(Dice::new(seed)))
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

/// All files of a machine whose power will be cut.
struct Machine {
    files: Vec<Unsynced>,
    syncs_left: usize,
    off: bool,
    /// Decides what a power cut leaves; without it, nothing.
    dice: Option<Dice>,
}

/// A file, and what was written to it since its last sync.
struct Unsynced {
    file: File,
    length: u64,
    bytes: Vec<u8>,
}

/// One file of a machine.
struct OfMachine {
    machine: Arc<Mutex<Machine>>,
    place: usize,
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

impl Machine {
    fn of_files(syncs_left: usize, dice: Option<Dice>) -> MediaOf {
        let machine = Self { files: Vec::new(), syncs_left, off: false, dice };
        let machine = Arc::new(Mutex::new(machine));
        Box::new(move |file| {
            let mut files = machine.lock().unwrap_or_else(PoisonError::into_inner);
            let length = file.metadata().map_or(0, |facts| facts.len());
            files.files.push(Unsynced { file, length, bytes: Vec::new() });
            let place = files.files.len() - 1;
            Box::new(OfMachine { machine: Arc::clone(&machine), place })
        })
    }

    fn sync(&mut self, place: usize) -> io::Result<()> {
        if self.off {
            return Err(no_power());
        }
        let Some(left) = self.syncs_left.checked_sub(1) else {
            self.off = true;
            if let Some(dice) = &mut self.dice {
                self.files.iter_mut().try_for_each(|file| file.cut_power(dice))?;
            }
            return Err(no_power());
        };
        self.syncs_left = left;
        self.files.get_mut(place).map_or(Ok(()), Unsynced::keep)
    }
}

impl Unsynced {
    fn keep(&mut self) -> io::Result<()> {
        self.file.write_all(&self.bytes)?;
        self.length += self.bytes.len() as u64;
        self.bytes.clear();
        Ok(())
    }

    /// Leaves of the unsynced bytes what a power cut may leave.
    fn cut_power(&mut self, dice: &mut Dice) -> io::Result<()> {
        let all = self.bytes.len();
        let kept = match dice.below(3) {
            0 => all,
            _ => dice.below(all + 1),
        };
        let everything = dice.below(4) == 0;
        let mut left = Vec::new();
        let mut page = None;
        let mut lost = false;
        for (at, byte) in (self.length..).zip(self.bytes.iter().take(kept)) {
            if page != Some(at / PAGE) {
                page = Some(at / PAGE);
                lost = !everything && dice.below(2) == 0;
            }
            left.push(if lost { 0 } else { *byte });
        }
        self.file.write_all(&left)
    }
}

fn no_power() -> io::Error {
    io::Error::other("no power")
}

impl Media for OfMachine {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let unsynced = machine.files.get_mut(self.place);
        unsynced.into_iter().for_each(|file| file.bytes.extend_from_slice(bytes));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.sync(self.place)
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
