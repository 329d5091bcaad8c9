//! The one thread that owns the ledger: decides, writes, syncs, and only then answers.
//!
//! All requests that wait are decided one after the other, each on the book as the ones before leave it,
//! written together and synced once. Nothing is answered, not even a reading, before that sync: so no answer
//! rests on a record that a power cut could take back.

mod held;

use std::io;
use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::{Sha256, TableKey};
use sumac_protocol::{LogHead, SignedHead, release_commitment};
use tokio::sync::{mpsc, oneshot};

use super::bodies::MAX_BODY;
use super::book::{Book, Totals};
use super::charge::{Charge, ChargeRequest, Charging};
use super::cut::Cut;
use super::error::StoreError;
use super::evidence::{Evidence, EvidenceRequest};
use super::frame::MAX_RECORD;
use super::head::{Signed, Signer};
use super::held::{HoldRequest, Judged, Judging, Verdict};
use super::index::Index;
use super::ledger::{Consistent, Included, Lock, Salts};
use super::log::Log;
use super::record::{self, Charged, Derived, Event, Note, Record, Released, Remeasure};
use super::restoration::{LostRelease, LostWhat, Recovery};
use super::retention::PurgeRequest;
use super::revisions::{Derivation, DeriveRequest, Held, HeldState, Ordering, RemeasureOrder};
use super::tail::MAX_BATCH;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writer is asked.
pub(super) enum Request {
    Charge(ChargeRequest, Reply<Charging>),
    Settle(Charge, Vec<u8>, Timestamp, Reply<Vec<u8>>),
    Note(Note, Timestamp, Reply<()>),
    Released(TableKey, Reply<Option<Vec<u8>>>),
    Held(TableKey, Reply<Option<Held>>),
    Remeasure(RemeasureOrder, Reply<Ordering>),
    Derivation(TableKey, Reply<Option<Derivation>>),
    Derive(DeriveRequest, Reply<Vec<u8>>),
    Totals(Reply<Totals>),
    Head(Reply<Option<SignedHead>>),
    Inclusion(u64, Reply<Included>),
    Consistency(u64, Reply<Consistent>),
    Position(TableKey, Reply<Option<u64>>),
    Root(u64, Reply<Option<Sha256>>),
    Evidence(EvidenceRequest, Reply<Evidence>),
    Recover(LostRelease, Timestamp, Reply<Recovery>),
    Cut(Reply<Cut>),
    Hold(HoldRequest, bool, Reply<Option<Judged>>),
    Queue(Reply<Vec<Judged>>),
    Judge(u64, String, Verdict, Timestamp, Reply<Judging>),
    Purge(PurgeRequest, Reply<u64>),
    Sweep(Reply<()>),
}

/// The ledger's owner.
pub(super) struct Writer {
    pub(super) log: Log,
    /// Ahead of the disk while a batch is put together; of no use once a write has failed.
    pub(super) book: Book,
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
    lock: Lock,
}

/// A charge may be dated this much before the latest record: a clock that was corrected is not set back.
const CLOCK_TOLERANCE_S: i64 = 24 * 60 * 60;

/// A certificate renewed between two signatures makes the first useless; twice in a row is a fault.
const SIGNATURES: usize = 3;

/// Gives an answer, once the batch is on disk or has failed.
type Answer = Box<dyn FnOnce(Result<&mut Log, StoreError>)>;

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
        lock: Lock,
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
                let standing = self.standing();
                answer(standing.map(|()| &mut self.log));
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
            Request::Held(table, reply) => {
                let held = self.held(table);
                answer(reply, move |log| {
                    let Some((mut held, offset)) = held else { return Ok(None) };
                    if let Some(offset) = offset {
                        held.state = HeldState::Released(log.release(table, offset)?);
                    }
                    Ok(Some(held))
                })
            }
            Request::Remeasure(order, reply) => {
                let ordered = self.order(order);
                answer(reply, move |_| ordered)
            }
            Request::Derivation(table, reply) => {
                let last = self.book.table(&table).and_then(|state| {
                    let (revision, last) = state.last_derived()?;
                    Some((revision, last.clone()))
                });
                answer(reply, move |log| {
                    let Some((revision, last)) = last else { return Ok(None) };
                    let body = (!last.purged).then(|| log.release(table, last.release_at));
                    let body = body.transpose()?;
                    let (from, from_revision) = (last.from, last.from_revision);
                    Ok(Some(Derivation { revision, from, from_revision, body }))
                })
            }
            Request::Derive(request, reply) => {
                let table = request.table;
                let offset = self.derive(request);
                answer(reply, move |log| log.release(table, offset?))
            }
            Request::Released(table, reply) => {
                let standing = self.book.table(&table).and_then(|state| state.standing());
                let kept = standing.filter(|(_, paid)| !paid.purged);
                let offset = kept.and_then(|(_, paid)| paid.release_at);
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
                let standing = self.book.table(&table).and_then(|state| state.standing());
                let offset = standing.and_then(|(_, paid)| paid.release_at);
                answer(reply, move |log| Ok(offset.and_then(|offset| log.seq_at(offset))))
            }
            Request::Root(size, reply) => answer(reply, move |log| Ok(log.root_at(size))),
            Request::Evidence(EvidenceRequest { seen, releases }, reply) => {
                let offsets = releases.iter().map(|name| name.offset(&self.book)).collect();
                answer(reply, move |log| Evidence::of(log, seen, offsets))
            }
            Request::Recover(lost, at, reply) => {
                let (table, body) = (lost.table, lost.body.clone());
                let purged = self.book.is_purged(lost.name()) == Some(true);
                let there = self.recover(lost, at);
                answer(reply, move |log| match there? {
                    None => Ok(Recovery::New),
                    // It was there, and the MOU keeps none so old.
                    Some(_) if purged => Ok(Recovery::Already),
                    Some(offset) if log.release(table, offset)? == body => Ok(Recovery::Already),
                    Some(_) => Ok(Recovery::Differs),
                })
            }
            Request::Cut(reply) => {
                let records = self.book.next_seq();
                answer(reply, move |log| Ok(Cut::of(log, records)))
            }
            Request::Purge(request, reply) => {
                let purged = self.purge(request);
                answer(reply, move |_| purged)
            }
            Request::Sweep(reply) => {
                let purged: Vec<_> = self.book.purged().map(|purged| purged.at).collect();
                answer(reply, move |log| log.delete_bodies(&purged))
            }
            Request::Hold(request, put, reply) => {
                let held = self.hold(request, put);
                answer(reply, move |_| held)
            }
            Request::Queue(reply) => {
                let mut queue: Vec<_> = self.book.held_questions().cloned().collect();
                queue.sort_by_key(|judged| judged.question.number);
                answer(reply, move |_| Ok(queue))
            }
            Request::Judge(number, peer, verdict, at, reply) => {
                let judged = self.judge(number, peer, verdict, at);
                answer(reply, move |_| judged)
            }
            Request::Totals(reply) => {
                let totals = self.book.totals().clone();
                answer(reply, move |_| Ok(totals))
            }
        }
    }

    fn charge(&mut self, request: ChargeRequest) -> Result<Decision, StoreError> {
        let ChargeRequest { table, span, margin, budget_nano_rho, price_nano_rho, .. } = request;
        let state = self.book.table(&table);
        if let Some((revision, paid)) = state.and_then(|state| state.standing()) {
            return Ok(match paid.release_at {
                _ if paid.lost => Decision::Ready(Charging::Lost),
                _ if margin < paid.margin => {
                    Decision::Ready(Charging::TooWide { margin: paid.margin })
                }
                Some(_) if paid.purged => Decision::Ready(Charging::Purged),
                Some(offset) => Decision::Released(offset),
                None => Decision::Ready(match self.has_leave(&request) {
                    Err(refused) => refused,
                    Ok(_) => Charging::Resumed(Charge::held(table, revision, paid)),
                }),
            });
        }
        let approved = match self.has_leave(&request) {
            Err(refused) => return Ok(Decision::Ready(refused)),
            Ok(approved) => approved,
        };
        let revision = state.and_then(|state| state.last()).map_or(0, |(last, _)| last + 1);
        self.in_time(request.at)?;
        let spent_nano_rho = self.book.spent(span);
        let fits = spent_nano_rho
            .checked_add(price_nano_rho)
            .is_some_and(|total| total <= budget_nano_rho);
        if !fits {
            let spent = Charging::Spent { budget_nano_rho, spent_nano_rho, price_nano_rho };
            return Ok(Decision::Ready(spent));
        }
        let ChargeRequest { year, snapshot, mou, kpi, period, breakdown, at, .. } = request;
        let charged = Charged {
            table,
            revision,
            year,
            year_first: span.first,
            year_last: span.last,
            margin,
            price_nano_rho,
            budget_nano_rho,
            snapshot,
            mou,
            kpi,
            period,
            breakdown,
            approved,
        };
        self.record(Event::Charged(charged), at)?;
        let paid = self.book.table(&table).and_then(|state| state.last());
        let (revision, paid) = paid.expect("the book has just taken the charge");
        Ok(Decision::Ready(Charging::New(Charge::held(table, revision, paid))))
    }

    /// What the book knows of a table, and where its release is if that is to be answered.
    fn held(&self, table: TableKey) -> Option<(Held, Option<u64>)> {
        let state = self.book.table(&table)?;
        let (revision, paid) = state.last()?;
        let (held, offset) = match paid.release_at {
            _ if state.remeasure => (HeldState::RemeasureOrdered, None),
            _ if paid.lost => (HeldState::Lost, None),
            None => (HeldState::Charged, None),
            Some(_) if paid.purged => (HeldState::Purged, None),
            // Read only after the sync.
            Some(offset) => (HeldState::Charged, Some(offset)),
        };
        Some((Held { revision, margin: paid.margin, state: held }, offset))
    }

    /// Orders a new measurement of what is released, or was paid for at a margin too wide.
    fn order(&mut self, order: RemeasureOrder) -> Result<Ordering, StoreError> {
        let RemeasureOrder { table, margin, kpi, period, breakdown, because, at } = order;
        let Some(state) = self.book.table(&table) else { return Ok(Ordering::NeverReleased) };
        let Some((revision, paid)) = state.last() else { return Ok(Ordering::NeverReleased) };
        if state.remeasure {
            return Ok(Ordering::Already { revision: revision + 1 });
        }
        if paid.release_at.is_none() && paid.margin <= margin && !paid.lost {
            return Ok(Ordering::NeverReleased);
        }
        let revision = revision + 1;
        let ordered = Remeasure { table, revision, because, kpi, period, breakdown };
        self.record(Event::Remeasure(ordered), at)?;
        Ok(Ordering::Ordered { revision })
    }

    /// Where the derived table's release is: the first one of the same source wins.
    fn derive(&mut self, request: DeriveRequest) -> Result<u64, StoreError> {
        let DeriveRequest { table, revision, from, from_revision, body, at } = request;
        let last = self.book.table(&table).and_then(|state| state.last_derived());
        if let Some((last_revision, last)) = last
            && (last_revision >= revision
                || (!last.purged && (last.from, last.from_revision) == (from, from_revision)))
        {
            return Ok(last.release_at);
        }
        self.release(body, at, |commitment| {
            Event::Derived(Derived { table, revision, from, from_revision, commitment })
        })
    }

    /// Where the table's release is: the first one settled wins.
    fn settle(&mut self, charge: &Charge, body: Vec<u8>, at: Timestamp) -> Result<u64, StoreError> {
        let (table, revision) = (charge.table(), charge.revision());
        let place = usize::try_from(revision).unwrap_or(usize::MAX);
        let paid = self.book.table(&table).and_then(|state| state.paid.get(place));
        if let Some(offset) = paid.and_then(|paid| paid.release_at) {
            return Ok(offset);
        }
        self.release(body, at, |commitment| {
            Event::Released(Released { table, revision, commitment })
        })
    }

    /// Adds a body to the batch and the record that names it, and returns where that will be.
    fn release(
        &mut self,
        body: Vec<u8>,
        at: Timestamp,
        event: impl FnOnce(Sha256) -> Event,
    ) -> Result<u64, StoreError> {
        if body.len() > MAX_BODY {
            return Err(StoreError::TooLong { bytes: body.len(), most: MAX_BODY });
        }
        let salt = (self.salts)();
        let commitment = release_commitment(&salt, &body);
        let record = Record { seq: self.book.next_seq(), at, salt, event: event(commitment) };
        let (seq, made) = (record.seq, record.made());
        let offset = self.write(&record)?;
        self.log.push_body(seq, made, body);
        Ok(offset)
    }

    /// Where the release is that has the lost one's place; none if the lost one takes it now.
    fn recover(&mut self, lost: LostRelease, at: Timestamp) -> Result<Option<u64>, StoreError> {
        let place = usize::try_from(lost.revision).unwrap_or(usize::MAX);
        let state = self.book.table(&lost.table);
        let there = match &lost.what {
            LostWhat::Measured(_) => state.and_then(|state| state.paid.get(place)?.release_at),
            LostWhat::Derived { .. } => {
                state.and_then(|state| state.derived.get(place)).map(|derived| derived.release_at)
            }
        };
        if there.is_some() {
            return Ok(there);
        }
        let mut lost = lost;
        let body = std::mem::take(&mut lost.body);
        self.release(body, at, |commitment| lost.event(commitment)).map(|_| None)
    }

    /// Adds a record to the batch, and returns where it will be.
    pub(super) fn record(&mut self, event: Event, at: Timestamp) -> Result<u64, StoreError> {
        let record = Record { seq: self.book.next_seq(), at, salt: (self.salts)(), event };
        self.write(&record)
    }

    fn write(&mut self, record: &Record) -> Result<u64, StoreError> {
        self.standing()?;
        let payload = record.encode();
        if payload.len() > MAX_RECORD {
            return Err(StoreError::TooLong { bytes: payload.len(), most: MAX_RECORD });
        }
        let offset = self.log.next_offset();
        let changed = self.book.apply(record, offset);
        self.changed.extend(changed.map_err(|source| StoreError::Forbidden { source })?);
        self.log.push(&payload);
        self.at = record.at;
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
            let at = self.book.latest().unwrap_or(self.at);
            let spent_nano_rho = self.book.totals().lifetime_nano_rho;
            let head = LogHead { size, root, at, spent_nano_rho };
            let signed = (self.signer)(&head.canonical_bytes()).map_err(io::Error::other)?;
            if self.chain.as_deref() == Some(&signed.chain) {
                return Ok((head, signed));
            }
            let signer = Event::Signer(record::Signer { chain: signed.chain.clone() });
            // A call may outlast a renewal: its head is dated no earlier than the new certificate. A clock that is
            // off by more is left to show.
            let renewed = signed.since.as_second() - self.at.as_second() <= CLOCK_TOLERANCE_S;
            let at = if renewed { self.at.max(signed.since) } else { self.at };
            self.record(signer, at).map_err(io::Error::other)?;
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
    make: impl FnOnce(&mut Log) -> Result<T, StoreError> + 'static,
) -> Answer {
    Box::new(move |on_disk| {
        // The asker may have gone; what was decided stands all the same.
        let _ = reply.send(on_disk.and_then(make));
    })
}
