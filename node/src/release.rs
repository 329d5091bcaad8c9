//! The life of a question, told once: decide, look up, price, charge, count, add noise, settle.

mod derive;
mod withhold;

use std::sync::Arc;

use jiff::Timestamp;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use sumac_policy::{
    Clause, Margin, PartyId, Peer, Permit, Permitted, Question, Reason, Refusal, Table, decide,
};
use sumac_privacy::{NanoRho, Noisy, kpi_price};
use sumac_protocol::{Mechanism, Release, ReleaseFacts, SignedRelease, Withheld};

use self::withhold::withhold;
use crate::agreement::Agreement;
use crate::approval::{Approval, taken_back};
use crate::node::{Node, NodeError};
use crate::records::snapshot::Data;
use crate::store::{Charge, ChargeRequest, Charging, HeldState};
use crate::world::day_of;

/// What may leave the node: bytes that the ledger holds, sealed, with their noise in. Made only here, from
/// what the ledger gave back.
pub(crate) struct Released {
    bytes: Vec<u8>,
    how: How,
}

/// How a release came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    Measured,
    Derived,
    Repeated,
}

/// Why a question brought no release.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotReleased {
    /// Refused: an answer, safe to send.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A fault, for the operator.
    #[error("answer the question")]
    Failed(#[from] NodeError),
}

impl Released {
    /// The sealed release, to be sent as it is.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The word for the ledger and the log: `REPEATED` where it had been released before, `DERIVED` where it was
    /// added up now; neither cost anything.
    pub(crate) fn outcome(&self) -> &'static str {
        match self.how {
            How::Measured => "RELEASED",
            How::Derived => "DERIVED",
            How::Repeated => "REPEATED",
        }
    }
}

impl Node {
    /// Answers one question.
    pub(crate) async fn answer(
        self: &Arc<Self>,
        agreement: &Arc<Agreement>,
        peer: &Peer,
        roster: &[PartyId],
        question: &Question,
        snapshot: Option<&Arc<Data>>,
        now: Timestamp,
    ) -> Result<Released, NotReleased> {
        let permitted = self.permit(agreement, peer, roster, question, now)?;
        self.is_not_paused(now).await?;
        let permit = match permitted {
            Permitted::Measure(permit) => permit,
            Permitted::Derive(permit) => return self.derive(agreement, &permit, now).await,
        };
        if let Some((bytes, _)) = self.released(permit.table()).await? {
            return Ok(Released { bytes, how: How::Repeated });
        }
        permit.needs()?;
        let snapshot = self.held(agreement, snapshot, permit.table(), now)?.clone();
        let approval = self.approval(&permit, &snapshot, peer, now).await?;
        // Spawned, because what is charged is finished even if the asker hangs up.
        let (node, agreement) = (self.clone(), agreement.clone());
        let measured =
            tokio::spawn(
                async move { node.measure(&agreement, permit, approval, snapshot, now).await },
            );
        measured.await.map_err(|_| NodeError::Stopped)?
    }

    /// Decides a question at this node.
    pub(crate) fn permit(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        roster: &[PartyId],
        question: &Question,
        now: Timestamp,
    ) -> Result<Permitted, Refusal> {
        let (mou, narrow) = (agreement.mou(), agreement.narrow());
        decide(mou, narrow, &self.party, peer, question, roster, day_of(now))
    }

    /// The release of a listed table and its margin, if there is one that is as precise as the MOU asks.
    pub(crate) async fn released(
        &self,
        table: &Table,
    ) -> Result<Option<(Vec<u8>, Margin)>, NotReleased> {
        let held = self.store.held(&table.key()).await.map_err(NodeError::from)?;
        let Some(held) = held else { return Ok(None) };
        match held.state {
            HeldState::RemeasureOrdered => Ok(None),
            HeldState::Lost => Err(release_lost().into()),
            _ if table.kpi().margin < held.margin => Err(margin_tighter(table, held.margin).into()),
            HeldState::Purged => Err(release_purged().into()),
            HeldState::Charged => Ok(None),
            HeldState::Released(bytes) => Ok(Some((bytes, held.margin))),
        }
    }

    /// The snapshot, if it can answer the table: asked before anything is charged.
    pub(crate) fn held<'a>(
        &self,
        agreement: &Agreement,
        snapshot: Option<&'a Arc<Data>>,
        table: &Table,
        now: Timestamp,
    ) -> Result<&'a Arc<Data>, Refusal> {
        let snapshot = snapshot.ok_or_else(|| Refusal {
            reason: Reason::NoSnapshot,
            clause: Clause::at("calendar"),
            message: "this node holds no data yet".to_owned(),
            hint: "ask the partner to import its data".to_owned(),
        })?;
        let mou = agreement.mou();
        let rules = mou.party(&self.party).and_then(|party| mou.data(party.kind));
        snapshot.holdings().fresh(rules, day_of(now))?;
        snapshot.holdings().hold(table)?;
        Ok(snapshot)
    }

    async fn measure(
        self: Arc<Self>,
        agreement: &Agreement,
        permit: Permit,
        approval: Approval,
        snapshot: Arc<Data>,
        now: Timestamp,
    ) -> Result<Released, NotReleased> {
        let _flight = self.flight(permit.table().key()).await;
        self.is_within_reach(&permit, &snapshot).await?;
        let price = price_of(permit.table());
        // On disk before a record is read: a crash may waste budget, never overspend it.
        let request = charge_request(&permit, approval, &snapshot, price, now);
        let charge = match self.store.charge(request).await.map_err(NodeError::from)? {
            Charging::New(charge) | Charging::Resumed(charge) => charge,
            Charging::Released(bytes) => return Ok(Released { bytes, how: How::Repeated }),
            Charging::Lost => return Err(release_lost().into()),
            Charging::TooWide { margin } => {
                return Err(margin_tighter(permit.table(), margin).into());
            }
            Charging::Purged => return Err(release_purged().into()),
            Charging::NotApproved => return Err(taken_back(permit.table().kpi()).into()),
            Charging::Spent { budget_nano_rho, spent_nano_rho, price_nano_rho } => {
                let [budget, spent, price] =
                    [budget_nano_rho, spent_nano_rho, price_nano_rho].map(NanoRho::new);
                return Err(budget_spent(&permit, budget, spent, price).into());
            }
        };
        let (noisy, charge) = self.count(permit.clone(), snapshot.clone(), charge).await?;
        let release = self.release(agreement, &permit, &snapshot, noisy, &charge, now)?;
        let bytes = self.store.settle(charge, release, now).await.map_err(NodeError::from)?;
        Ok(Released { bytes, how: How::Measured })
    }

    /// Whether what counts can be reached. Says nothing of the records, and reads none.
    async fn is_within_reach(
        &self,
        permit: &Permit,
        snapshot: &Arc<Data>,
    ) -> Result<(), NodeError> {
        if matches!(**snapshot, Data::Frozen(_)) {
            return Ok(());
        }
        let turn = self.counting.clone().acquire_owned().await.map_err(|_| NodeError::Stopped)?;
        let (engine, table) = (self.engine.clone(), permit.table().clone());
        let snapshot = snapshot.clone();
        let reached = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            engine.is_within_reach(&snapshot, &table)
        });
        Ok(reached.await.map_err(|_| NodeError::Stopped)??)
    }

    /// Exact cells are born and die in this one call, on a thread of its own.
    async fn count(
        &self,
        permit: Permit,
        snapshot: Arc<Data>,
        charge: Charge,
    ) -> Result<(Noisy, Charge), NodeError> {
        let seed = self.world.random();
        let turn = self.counting.clone().acquire_owned().await.map_err(|_| NodeError::Stopped)?;
        let engine = self.engine.clone();
        let counted = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            let mut rng = ChaCha20Rng::from_seed(*seed);
            let exact = engine.tabulate(&snapshot, &permit, &charge)?;
            let noisy = sumac_privacy::release(exact, charge.margin(), &mut rng)?;
            Ok((noisy, charge))
        });
        counted.await.map_err(|_| NodeError::Stopped)?
    }

    /// The sealed release of noisy cells.
    fn release(
        &self,
        agreement: &Agreement,
        permit: &Permit,
        snapshot: &Data,
        noisy: Noisy,
        charge: &Charge,
        now: Timestamp,
    ) -> Result<Vec<u8>, NodeError> {
        let table = permit.table();
        let outcomes = &table.kpi().definition.outcomes;
        let mut cells = noisy.into_cells();
        let withheld = self.withhold(agreement, &mut cells, table, charge.margin());
        let facts = ReleaseFacts {
            party: self.party.clone(),
            mou: permit.mou(),
            table: table.key().at(charge.revision()),
            definition: table.definition_hash(),
            revision: charge.revision(),
            kpi: table.kpi().id.clone(),
            period: table.period(),
            breakdown: table.breakdown().clone(),
            outcomes: outcomes.iter().map(|outcome| outcome.id.clone()).collect(),
            cells,
            margin: charge.margin(),
            mechanism: Mechanism::DiscreteGaussian,
            price_nano_rho: charge.price_nano_rho(),
            snapshot_commitment: snapshot.commitment(),
            // When it was asked, not when it was done: how long it took is nobody's business.
            measured_at: now,
            // The year that paid, which is not this one if a crash lay between.
            accounting_year: charge.year().parse()?,
            left_nano_rho: Some(charge.left_nano_rho()),
            withheld,
            derived_from: None,
        };
        self.seal(facts)
    }

    /// Withholds this node's own small groups where the MOU lets each node judge the floor, or this party's
    /// addendum does.
    pub(crate) fn withhold(
        &self,
        agreement: &Agreement,
        cells: &mut [i64],
        table: &Table,
        margin: Margin,
    ) -> Option<Withheld> {
        let floor = agreement.narrow().own_floor(agreement.mou())?;
        Some(withhold(cells, table, margin, floor))
    }

    /// A release as it is kept and sent.
    pub(crate) fn seal(&self, facts: ReleaseFacts) -> Result<Vec<u8>, NodeError> {
        let identity = self.identity_at(facts.measured_at);
        let body = Release::new(facts)?.encode();
        let seal = sumac_keys::seal::seal(&identity, &body)?;
        let signed = SignedRelease { body, signature: seal.signature, chain: seal.chain };
        Ok(signed.to_bytes())
    }
}

/// What a table costs. A function of the agreement alone.
pub(crate) fn price_of(table: &Table) -> NanoRho {
    kpi_price(table.kpi())
}

fn charge_request(
    permit: &Permit,
    approval: Approval,
    snapshot: &Data,
    price: NanoRho,
    now: Timestamp,
) -> ChargeRequest {
    let table = permit.table();
    ChargeRequest {
        table: table.key(),
        year: permit.accounting_year().to_string(),
        span: permit.accounting_span(),
        margin: table.kpi().margin,
        budget_nano_rho: permit.budget_nano_rho(),
        price_nano_rho: price.get(),
        snapshot: snapshot.id().to_owned(),
        mou: permit.mou(),
        kpi: table.kpi().id.to_string(),
        period: table.period().to_string(),
        breakdown: table.breakdown().dimensions().iter().map(ToString::to_string).collect(),
        leave: approval.leave(),
        at: now,
    }
}

/// What was paid for is not precise enough any more. The same table at another margin is the same table, so
/// fresh noise takes an order.
pub(crate) fn margin_tighter(table: &Table, held: Margin) -> Refusal {
    let kpi = &table.kpi().id;
    Refusal {
        reason: Reason::MarginTighter,
        clause: Clause::at(format!("kpi.{kpi}.margin")),
        message: format!(
            "the MOU asks for {}, and this table was paid for at {held}",
            table.kpi().margin
        ),
        hint: "the partner's operator may run `sumac remeasure`, at full price".to_owned(),
    }
}

/// It may have been released before the ledger was lost, and nobody gave it back: fresh noise takes an order.
fn release_lost() -> Refusal {
    Refusal {
        reason: Reason::ReleaseLost,
        clause: Clause::at("privacy.budget"),
        message: "this table may have been released before the node lost its ledger, and nobody gave it back; \
                  what it cost stays spent"
            .to_owned(),
        hint: "the partner's operator may run `sumac remeasure`, at full price".to_owned(),
    }
}

/// What was paid for is gone, and fresh noise for the same table takes an order.
fn release_purged() -> Refusal {
    Refusal {
        reason: Reason::ReleasePurged,
        clause: Clause::at("after.keep_releases_days"),
        message: "this table was released, and the release was deleted once it was older than the MOU keeps releases"
            .to_owned(),
        hint: "a receipt from the time may still hold it; the partner's operator may run `sumac remeasure`, at full \
               price"
            .to_owned(),
    }
}

fn budget_spent(permit: &Permit, budget: NanoRho, spent: NanoRho, price: NanoRho) -> Refusal {
    let year = permit.accounting_year();
    Refusal {
        reason: Reason::BudgetSpent,
        clause: Clause::at("privacy.budget"),
        message: format!(
            "of ρ {budget} for {year}, {spent} is spent, and this table costs {price}"
        ),
        hint: "tables already released stay free; ask this one in the next accounting year"
            .to_owned(),
    }
}
