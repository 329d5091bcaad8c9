//! Packed rows on their way to be sorted, on a thread of its own: there each gets its person's key, which takes as long
//! as the rest of making sense of a row.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::{io, mem};

use sumac_keys::PersonKeys;

use super::sort::Sorter;
use crate::records::canonical::PersonKey;

/// Bytes of rows that are handed over at once.
const BATCH: usize = 1 << 18;

/// Batches that may wait.
const WAITING: usize = 2;

/// Whose a row is.
#[derive(Debug, Clone, Copy)]
pub(in crate::records) enum Whose<'a> {
    /// The person with this key.
    Key(&'a PersonKey),
    /// The person whom the source calls so: their key is still to be made. Never empty.
    Named(&'a str),
}

/// Rows that follow each other.
#[derive(Default)]
struct Batch {
    /// Each begins with its person's key, or with room for it.
    rows: Vec<u8>,
    /// What the source calls each row's person, one after the other; nothing where the key is there.
    names: String,
    /// Where each name ends.
    ends: Vec<usize>,
}

impl Batch {
    /// An empty one, with room for as much as there is in this.
    fn of_like_size(&self) -> Self {
        Self {
            rows: Vec::with_capacity(self.rows.len()),
            names: String::with_capacity(self.names.len()),
            ends: Vec::with_capacity(self.ends.len()),
        }
    }
}

/// Rows being packed, and the thread that sorts those before them.
pub(super) struct Packing {
    batch: Batch,
    any: bool,
    /// None once the disk has refused, and the error was told.
    sorting: Option<(SyncSender<Batch>, JoinHandle<io::Result<Sorter>>)>,
}

impl Packing {
    /// For rows of this width.
    pub(super) fn new(width: usize, sorter: Sorter, keys: PersonKeys) -> Self {
        let (sender, batches) = sync_channel(WAITING);
        let thread = thread::spawn(move || sort_all(&batches, width, &keys, sorter));
        Self { batch: Batch::default(), any: false, sorting: Some((sender, thread)) }
    }

    pub(super) fn is_empty(&self) -> bool {
        !self.any
    }

    /// Adds a row, of which `pack` writes all that follows the person's key.
    ///
    /// # Errors
    /// Where the disk refused one of the rows before.
    pub(super) fn add(
        &mut self,
        whose: Whose<'_>,
        pack: impl FnOnce(&mut Vec<u8>),
    ) -> io::Result<()> {
        let Batch { rows, names, ends } = &mut self.batch;
        match whose {
            Whose::Key(key) => rows.extend_from_slice(key),
            Whose::Named(name) => {
                rows.extend(PersonKey::default());
                names.push_str(name);
            }
        }
        ends.push(names.len());
        pack(rows);
        self.any = true;
        if rows.len() >= BATCH { self.hand_over() } else { Ok(()) }
    }

    /// All rows, once they are sorted or on their way.
    ///
    /// # Errors
    /// Where the disk refused.
    pub(super) fn finish(mut self) -> io::Result<Sorter> {
        self.hand_over()?;
        let (sender, thread) = self.sorting.ok_or_else(stopped)?;
        drop(sender);
        thread.join().unwrap_or_else(|_| Err(stopped()))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let (sender, thread) = self.sorting.take().ok_or_else(stopped)?;
        let next = self.batch.of_like_size();
        if sender.send(mem::replace(&mut self.batch, next)).is_ok() {
            self.sorting = Some((sender, thread));
            return Ok(());
        }
        // Nobody listens: its error says why.
        let error = thread.join().map(Result::err);
        Err(error.ok().flatten().unwrap_or_else(stopped))
    }
}

fn sort_all(
    batches: &Receiver<Batch>,
    width: usize,
    keys: &PersonKeys,
    mut sorter: Sorter,
) -> io::Result<Sorter> {
    for batch in batches {
        sort(batch, width, keys, &mut sorter)?;
    }
    Ok(sorter)
}

fn sort(batch: Batch, width: usize, keys: &PersonKeys, sorter: &mut Sorter) -> io::Result<()> {
    let Batch { mut rows, names, ends } = batch;
    let mut begins = 0;
    // Many sources put a person's rows together.
    let mut last: (&str, PersonKey) = ("", PersonKey::default());
    for (row, end) in rows.chunks_exact_mut(width).zip(ends) {
        let name = names.get(begins..end).unwrap_or_default();
        begins = end;
        if !name.is_empty() {
            if name != last.0 {
                last = (name, keys.of(name));
            }
            if let Some(key) = row.first_chunk_mut() {
                *key = last.1;
            }
        }
        sorter.push(row)?;
    }
    Ok(())
}

fn stopped() -> io::Error {
    io::Error::other("sorting stopped half way")
}
