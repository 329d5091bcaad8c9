//! A text read ahead on a thread of its own: rows are told apart there while those before are made sense of.

use std::mem;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use super::delimited::Delimited;
use super::field::Piece;
use super::{Export, Fault, Row, Spot};

/// Bytes of rows that are handed over at once.
const BATCH: usize = 1 << 18;

/// Batches that may wait.
const WAITING: usize = 4;

/// A text whose rows come from another thread.
pub(super) struct Ahead {
    header: Vec<String>,
    /// None once the last row has come.
    batches: Option<Receiver<Batch>>,
    reader: Option<JoinHandle<Delimited>>,
    /// The text itself, once it has been read.
    read: Option<Delimited>,
    batch: Batch,
    /// The row of the batch that comes next.
    next: usize,
    progress: (u64, u64),
}

/// Rows that follow each other, and what was wrong after the last of them.
#[derive(Default)]
struct Batch {
    text: String,
    pieces: Vec<Piece>,
    rows: Vec<Place>,
    fault: Option<Fault>,
    progress: (u64, u64),
}

/// Where a row stands in its source, and where its text and its pieces end in its batch.
struct Place {
    spot: Spot,
    text: usize,
    pieces: usize,
    mark: u64,
}

impl Ahead {
    pub(super) fn of(mut text: Delimited) -> Self {
        let (header, progress) = (text.header().to_vec(), text.progress());
        let (sender, batches) = sync_channel(WAITING);
        let reader = thread::spawn(move || {
            read(&mut text, &sender);
            text
        });
        Self {
            header,
            batches: Some(batches),
            reader: Some(reader),
            read: None,
            batch: Batch::default(),
            next: 0,
            progress,
        }
    }

    /// Waits until the reader is done, and takes the text back.
    fn end(&mut self) -> Result<(), Fault> {
        self.batches = None;
        if let Some(reader) = self.reader.take() {
            let read = reader.join();
            let stopped = |_| Fault::whole("could not be read to its end", "import it again");
            self.read = Some(read.map_err(stopped)?);
        }
        Ok(())
    }
}

/// Sends all rows. Stops early where nobody listens any more.
fn read(text: &mut Delimited, sender: &SyncSender<Batch>) {
    let mut batch = Batch::default();
    loop {
        let last = match text.next() {
            Ok(Some(row)) => {
                batch.add(&row);
                false
            }
            Ok(None) => true,
            Err(fault) => {
                let last = !fault.can_go_on;
                batch.fault = Some(fault);
                last
            }
        };
        if last || batch.fault.is_some() || batch.text.len() >= BATCH {
            batch.progress = text.progress();
            if sender.send(mem::take(&mut batch)).is_err() {
                return;
            }
        }
        if last {
            return;
        }
    }
}

impl Batch {
    fn add(&mut self, row: &Row<'_>) {
        let (text, pieces) = row.pieces();
        self.text.push_str(text);
        self.pieces.extend_from_slice(pieces);
        let (text, pieces) = (self.text.len(), self.pieces.len());
        self.rows.push(Place { spot: row.spot, text, pieces, mark: row.mark() });
    }

    fn row(&self, at: usize) -> Option<Row<'_>> {
        let place = self.rows.get(at)?;
        let before = at.checked_sub(1).and_then(|before| self.rows.get(before));
        let (text, pieces) = before.map_or((0, 0), |before| (before.text, before.pieces));
        let text = self.text.get(text..place.text)?;
        let pieces = self.pieces.get(pieces..place.pieces)?;
        Some(Row::of_pieces(place.spot, text, pieces).marked(place.mark))
    }
}

impl Export for Ahead {
    fn header(&self) -> &[String] {
        &self.header
    }

    fn next(&mut self) -> Result<Option<Row<'_>>, Fault> {
        while self.next == self.batch.rows.len() {
            if let Some(fault) = self.batch.fault.take() {
                return Err(fault);
            }
            let batch = self.batches.as_ref().and_then(|batches| batches.recv().ok());
            let Some(batch) = batch else {
                self.end()?;
                return Ok(None);
            };
            self.progress = batch.progress;
            (self.batch, self.next) = (batch, 0);
        }
        self.next += 1;
        Ok(self.batch.row(self.next - 1))
    }

    fn progress(&self) -> (u64, u64) {
        self.progress
    }

    fn notes(&self) -> Vec<String> {
        self.read.as_ref().map_or_else(Vec::new, Export::notes)
    }

    fn is_unchanged(&self) -> Result<(), Fault> {
        self.read.as_ref().map_or(Ok(()), Export::is_unchanged)
    }
}
