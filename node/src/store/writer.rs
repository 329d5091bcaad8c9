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
use sumac_protocol::{LogHead, SignedHead};
use tokio::sync::{mpsc, oneshot};

use super::book::{Book, Totals};
use super::charge::{Charge, ChargeRequest, Charging};
use super::error::StoreError;
use super::frame::MAX_RECORD;
use super::head::{Signed, Signer};
use super::index::Index;
use super::ledger::{Consistent, Included, Salts};
use super::log::Log;
use super::record::{self, Charged, Event, Note, Record, Released};
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
    Head(Reply<Option<SignedHead>>),
    Inclusion(u64, Reply<Included>),
    Consistency(u64, Reply<Consistent>),
    Position(TableKey, Reply<Option<u64>>),
}

/// The ledger's owner.
pub(super) struct Writer {
    log: Log,
    /// Ahead of the disk while a batch is put together; of no use once a write has failed.
    book: Book,
    index: Index,
    salts: Salts,
    signer: Signer,
    /// The tables that the batch changes.
    changed: Vec<TableKey>,
    /// The time of the batch's last record.
    at: Timestamp,
    /// The certificates last written down.
    chain: Option<Vec<Vec<u8>>>,
    /// Why the ledger can no longer be written.
    broken: Option<Arc<io::Error>>,
    /// Held for as long as the log may be written.
    lock: File,
}

/// A charge may be dated this much before the latest record: a clock that was corrected is not set back.
const CLOCK_TOLERANCE_S: i64 = 24 * 60 * 60;

/// A certificate renewed between two signatures makes the first useless; twice in a row is a fault.
const SIGNATURES: usize = 3;

/// Gives an answer, once the batch is on disk or has failed.
type Answer = Box<dyn FnOnce(Result<&Log, StoreError>)>;

/// What will be answered once the batch is on disk.
enum Decision {
    Ready(Charging),
    /// The table was released before, at this place of the log.
    Released(u64),
}

impl Writer {
    pub(super) fn new(
        log: Log,
        book: Book,
        index: Index,
        salts: Salts,
        signer: Signer,
        lock: File,
    ) -> Self {
        let chain = log.head().map(|head| head.chain.clone());
        let (changed, at, broken) = (Vec::new(), Timestamp::UNIX_EPOCH, None);
        Self { log, book, index, salts, signer, changed, at, chain, broken, lock }
    }

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
            Request::Head(reply) => answer(reply, |log| Ok(log.head().cloned())),
            Request::Inclusion(seq, reply) => answer(reply, move |log| {
                let (record, proof) = log.inclusion(seq)?;
                let head = head_of(log, seq)?;
                Ok(Included { record, proof, head })
            }),
            Request::Consistency(from_size, reply) => answer(reply, move |log| {
                let proof = log.consistency(from_size)?;
                let head = head_of(log, from_size)?;
                Ok(Consistent { proof, head })
            }),
            Request::Position(table, reply) => {
                let offset = self.book.table(&table).and_then(|state| state.release_at);
                answer(reply, move |log| Ok(offset.and_then(|offset| log.seq_at(offset))))
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
        self.in_time(request.at)?;
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
            budget_nano_rho,
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
        self.at = at;
        Ok(offset)
    }

    /// Which year pays is a matter of the clock. One that was set back could spend a year's rest that is past.
    fn in_time(&self, at: Timestamp) -> Result<(), StoreError> {
        match self.book.latest() {
            Some(latest) if at.as_second() < latest.as_second() - CLOCK_TOLERANCE_S => {
                Err(StoreError::ClockBehind { at, latest })
            }
            _ => Ok(()),
        }
    }

    /// Signs the log as the batch leaves it. Another certificate than the last time is written down first.
    fn sign(&mut self) -> io::Result<(LogHead, Signed)> {
        for _ in 0..SIGNATURES {
            let (size, root) = self.log.size_and_root();
            // Not the last record's time: heads do not go back with a clock that does.
            let head = LogHead { size, root, at: self.book.latest().unwrap_or(self.at) };
            let signed = (self.signer)(&head.canonical_bytes()).map_err(io::Error::other)?;
            if self.chain.as_deref() == Some(&signed.chain) {
                return Ok((head, signed));
            }
            let signer = Event::Signer(record::Signer { chain: signed.chain.clone() });
            self.record(signer, self.at).map_err(io::Error::other)?;
            self.chain = Some(signed.chain);
        }
        Err(io::Error::other("the node's certificate changes with every signature"))
    }

    fn commit(&mut self) {
        if self.broken.is_some() || self.log.is_settled() {
            return;
        }
        match self.sign().and_then(|(head, signed)| self.log.commit(head, signed)) {
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

/// The log on disk, signed. Whatever can be shown of a log has been signed.
fn head_of(log: &Log, asked: u64) -> Result<SignedHead, StoreError> {
    log.head().cloned().ok_or(StoreError::NoSuchRecord { asked, size: 0 })
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
