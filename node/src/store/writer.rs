//! The one thread that owns the ledger: decides, writes, syncs, and only then answers.
//!
//! All requests that wait are decided one after the other, each on the book as the ones before leave it,
//! written together and synced once. Nothing is answered, not even a reading, before that sync: so no answer
//! rests on a record that a power cut could take back.

use std::fs::File;
use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::TableKey;
use tokio::sync::{mpsc, oneshot};

use super::book::{Book, Totals};
use super::charge::{Charge, ChargeRequest, Charging};
use super::error::StoreError;
use super::frame::MAX_RECORD;
use super::index::Index;
use super::ledger::Salts;
use super::log::Log;
use super::record::{Charged, Event, Note, Record, Released};
use super::tail::MAX_BATCH;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked.
pub(super) enum Request {
    Charge(ChargeRequest, Reply<Charging>),
    Settle(Charge, Vec<u8>, Timestamp, Reply<Vec<u8>>),
    Note(Note, Timestamp, Reply<()>),
    Released(TableKey, Reply<Option<Vec<u8>>>),
    Totals(Reply<Totals>),
}

/// The ledger's owner.
pub(super) struct Writer {
    pub(super) log: Log,
    /// Ahead of the disk while a batch is put together; of no use once a write has failed.
    pub(super) book: Book,
    pub(super) index: Index,
    pub(super) salts: Salts,
    /// The tables that the batch changes.
    pub(super) changed: Vec<TableKey>,
    /// Why the ledger can no longer be written.
    pub(super) broken: Option<Arc<io::Error>>,
    /// Held for as long as the log may be written.
    pub(super) lock: File,
}

/// Gives an answer, once the batch is on disk or has failed.
type Answer = Box<dyn FnOnce(Result<&Log, StoreError>)>;

/// What will be answered once the batch is on disk.
enum Decision {
    Ready(Charging),
    /// The table was released before, at this place of the log.
    Released(u64),
}

impl Writer {
    /// Serves until no one is left to ask.
    pub(super) fn run(mut self, mut requests: mpsc::Receiver<Request>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH);
        while requests.blocking_recv_many(&mut waiting, MAX_BATCH) > 0 {
            let answers: Vec<Answer> =
                waiting.drain(..).map(|request| self.decide(request)).collect();
            self.commit();
            for answer in answers {
                answer(self.standing().map(|()| &self.log));
            }
        }
        self.index.flush();
        drop(self.lock);
    }

    fn decide(&mut self, request: Request) -> Answer {
        match request {
            Request::Charge(request, reply) => {
                let table = request.table;
                let decision = self.charge(request);
                answer(reply, move |log| match decision? {
                    Decision::Ready(charging) => Ok(charging),
                    Decision::Released(offset) => {
                        log.release(table, offset).map(Charging::Released)
                    }
                })
            }
            Request::Settle(charge, body, at, reply) => {
                let offset = self.settle(&charge, body, at);
                answer(reply, move |log| log.release(charge.table(), offset?))
            }
            Request::Note(note, at, reply) => {
                let noted = self.record(note.into(), at);
                answer(reply, move |_| noted.map(drop))
            }
            Request::Released(table, reply) => {
                let offset = self.book.table(&table).and_then(|state| state.release_at);
                answer(reply, move |log| {
                    offset.map(|offset| log.release(table, offset)).transpose()
                })
            }
            Request::Totals(reply) => {
                let totals = self.book.totals().clone();
                answer(reply, move |_| Ok(totals))
            }
        }
    }

    fn charge(&mut self, request: ChargeRequest) -> Result<Decision, StoreError> {
        let ChargeRequest { table, year, budget_nano_rho, price_nano_rho, .. } = request;
        if let Some(state) = self.book.table(&table) {
            return Ok(match state.release_at {
                Some(offset) => Decision::Released(offset),
                None => Decision::Ready(Charging::Resumed(Charge::held(table, state))),
            });
        }
        let spent_nano_rho = self.book.spent(&year);
        let fits = spent_nano_rho
            .checked_add(price_nano_rho)
            .is_some_and(|total| total <= budget_nano_rho);
        if !fits {
            let spent = Charging::Spent { budget_nano_rho, spent_nano_rho, price_nano_rho };
            return Ok(Decision::Ready(spent));
        }
        let ChargeRequest { snapshot, mou, kpi, period, breakdown, at, .. } = request;
        let charged = Charged {
            table,
            revision: 0,
            year,
            price_nano_rho,
            snapshot,
            mou,
            kpi,
            period,
            breakdown,
        };
        self.record(Event::Charged(charged), at)?;
        let state = self.book.table(&table).expect("the book has just taken the charge");
        Ok(Decision::Ready(Charging::New(Charge::held(table, state))))
    }

    /// Where the table's release is: the first one settled wins.
    fn settle(&mut self, charge: &Charge, body: Vec<u8>, at: Timestamp) -> Result<u64, StoreError> {
        let table = charge.table();
        if let Some(offset) = self.book.table(&table).and_then(|state| state.release_at) {
            return Ok(offset);
        }
        self.record(Event::Released(Released { table, revision: charge.revision(), body }), at)
    }

    /// Adds a record to the batch, and returns where it will be.
    fn record(&mut self, event: Event, at: Timestamp) -> Result<u64, StoreError> {
        self.standing()?;
        let record = Record { seq: self.book.next_seq(), at, salt: (self.salts)(), event };
        let payload = record.encode();
        if payload.len() > MAX_RECORD {
            return Err(StoreError::TooLong { bytes: payload.len(), most: MAX_RECORD });
        }
        let offset = self.log.next_offset();
        let changed = self.book.apply(&record, offset);
        self.changed.extend(changed.map_err(|source| StoreError::Forbidden { source })?);
        self.log.push(&payload);
        Ok(offset)
    }

    fn commit(&mut self) {
        if self.broken.is_some() || self.log.is_settled() {
            return;
        }
        match self.log.commit() {
            Ok(()) => {
                let acknowledged = self.log.acknowledged(self.book.next_seq());
                self.index.save(&self.book, &self.changed, acknowledged);
                self.changed.clear();
            }
            Err(error) => self.broken = Some(Arc::new(error)),
        }
    }

    fn standing(&self) -> Result<(), StoreError> {
        self.broken.as_ref().map_or(Ok(()), |cause| {
            let path = self.log.path().to_owned();
            Err(StoreError::Unwritten { path, source: Arc::clone(cause) })
        })
    }
}

fn answer<T: 'static>(
    reply: Reply<T>,
    make: impl FnOnce(&Log) -> Result<T, StoreError> + 'static,
) -> Answer {
    Box::new(move |on_disk| {
        // The asker may have gone; what was decided stands all the same.
        let _ = reply.send(on_disk.and_then(make));
    })
}
