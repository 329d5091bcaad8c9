//! A partner's node: what it holds while it serves.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use jiff::civil::Date;
use sumac_keys::{Chain, NodeSecret, Shelf, ShelfError, TlsIdentity, Version};
use sumac_policy::{PartyId, Sha256, TableKey};
use tokio::sync::{OwnedMutexGuard, Semaphore, watch};

use crate::agreement::Agreement;
use crate::amend::{AmendError, follows, leave, record_of};
use crate::records::snapshot::{Data, SnapshotError};
use crate::store::{Import, Note, Started, Store, StoreError};
use crate::tabulate::Engine;
use crate::world::{World, day_of};

/// Tables counted at the same time; each uses every core, and its memory is bounded by a block.
const COUNTED_TOGETHER: usize = 2;

/// A node, ready to answer.
pub struct Node {
    pub(crate) party: PartyId,
    pub(crate) store: Store,
    pub(crate) identity: watch::Receiver<Arc<TlsIdentity>>,
    pub(crate) world: World,
    pub(crate) engine: Engine,
    pub(crate) counting: Arc<Semaphore>,
    /// What askers give back after a restore is taken one at a time.
    pub(crate) recovering: Arc<tokio::sync::Mutex<()>>,
    /// The day on which what is older than the MOU keeps releases was deleted last, in this process.
    pub(crate) purged_on: Mutex<Option<Date>>,
    pub(crate) agreement: watch::Sender<Arc<Agreement>>,
    /// A version that was accepted and waits for its first day.
    pub(crate) next: Mutex<Option<Version>>,
    /// One change of the agreement at a time.
    pub(crate) changing: tokio::sync::Mutex<()>,
    pub(crate) shelf: Shelf,
    /// Set once this party has left: it answers nothing more.
    pub(crate) left: AtomicBool,
    snapshots: PathBuf,
    /// The party's addendum.
    pub(crate) narrow: PathBuf,
    /// The MOU and the addendum that were last taken up together.
    pub(crate) narrowing: tokio::sync::Mutex<Option<(Sha256, Option<Sha256>)>>,
    secret: NodeSecret,
    /// The snapshot whose files were read whole and compared with its manifest.
    adopted: tokio::sync::Mutex<Option<String>>,
    /// The identity that sealed last.
    sealing: Mutex<Arc<TlsIdentity>>,
    flights: Mutex<HashMap<TableKey, Arc<tokio::sync::Mutex<()>>>>,
}

/// What a node is made of.
pub struct NodeParts {
    /// The party that runs it.
    pub party: PartyId,
    /// The agreement in force and the versions before it, signed by everyone who had to.
    pub chain: Chain,
    /// Where they lie, and what is proposed.
    pub shelf: Shelf,
    /// The open ledger.
    pub store: Store,
    /// The node's certificate and key, replaced when they are renewed.
    pub identity: watch::Receiver<Arc<TlsIdentity>>,
    /// Directory of frozen snapshots.
    pub snapshots: PathBuf,
    /// The party's addendum; need not be there.
    pub narrow: PathBuf,
    /// The node's own secret.
    pub secret: NodeSecret,
    /// Time and chance.
    pub world: World,
    /// What counts its tables.
    pub engine: Engine,
}

/// Why a node could not do its part. For its operator's log; a peer sees a support id.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
    /// The data.
    #[error("open the snapshot")]
    Snapshot(#[from] SnapshotError),
    /// Counting.
    #[error("count the table")]
    Tabulate(#[from] crate::tabulate::TabulateError),
    /// Noise.
    #[error("draw the noise")]
    Noise(#[from] sumac_privacy::NoiseError),
    /// The release does not fit the wire.
    #[error("write the release")]
    Release(#[from] sumac_protocol::WireError),
    /// The seal.
    #[error("seal the release")]
    Seal(#[from] sumac_keys::SealError),
    /// The ledger gave a release back, and has no record of it.
    #[error("the ledger does not show the release that it gave back")]
    NotShown,
    /// The ledger names a year that is none.
    #[error("read the year of a charge")]
    Year(#[from] sumac_policy::PeriodError),
    /// The folders of the agreement.
    #[error("read the agreement")]
    Shelf(#[from] ShelfError),
    /// The agreement is not one that may follow.
    #[error(transparent)]
    Amend(#[from] Box<AmendError>),
    /// A task stopped without a result.
    #[error("a task stopped half way: see the log above")]
    Stopped,
    /// This party is not in the agreement.
    #[error("`{0}` is not a party to the MOU in force")]
    NotAParty(PartyId),
}

impl Node {
    /// Puts a node together and writes down that it starts, and under which MOU.
    ///
    /// # Errors
    /// A party the MOU does not list; a ledger that cannot be written.
    pub async fn start(parts: NodeParts) -> Result<Arc<Self>, NodeError> {
        let NodeParts {
            party,
            chain,
            shelf,
            store,
            identity,
            snapshots,
            narrow,
            secret,
            world,
            engine,
        } = parts;
        let mou = chain.mou().clone();
        if mou.party(&party).is_none() {
            return Err(NodeError::NotAParty(party));
        }
        let now = world.now();
        let software = env!("CARGO_PKG_VERSION").to_owned();
        store.note(Note::Started(Started { software }), now).await?;
        let today = day_of(now);
        let last = store.mou().await?;
        if let Some(last) = &last {
            follows(&chain, last, today).map_err(Box::new)?;
        }
        let in_force = record_of(&mou);
        if last.as_ref() != Some(&in_force) {
            store.note(Note::Mou(in_force), now).await?;
        }
        let next = shelf.next(&chain, today)?.map(|next| next.version().clone());
        if let Some(next) = &next {
            let (version, from) = (next.mou().version(), next.mou().effective());
            tracing::info!(version, %from, "a version of the MOU waits for its first day");
        }
        let left = has_left(&store, &chain, &party, now).await?;
        let sealing = Mutex::new(identity.borrow().clone());
        let node = Arc::new(Self {
            party,
            store,
            identity,
            world,
            engine,
            counting: Arc::new(Semaphore::new(COUNTED_TOGETHER)),
            recovering: Arc::default(),
            purged_on: Mutex::default(),
            agreement: watch::Sender::new(Arc::new(Agreement::new(chain, today))),
            next: Mutex::new(next),
            changing: tokio::sync::Mutex::default(),
            shelf,
            left: AtomicBool::new(left),
            snapshots,
            narrow,
            narrowing: tokio::sync::Mutex::default(),
            secret,
            adopted: tokio::sync::Mutex::default(),
            sealing,
            flights: Mutex::default(),
        });
        let agreement = node.goes_by(now).await?;
        node.snapshot(&agreement, now).await?;
        node.tell_standing().await?;
        node.purge().await?;
        Ok(node)
    }

    /// What the node goes by now. A call takes it once.
    pub fn agreement(&self) -> Arc<Agreement> {
        self.agreement.borrow().clone()
    }

    /// The snapshot in use. A new import is taken up here, between questions: read whole, compared with its
    /// manifest, and written down.
    pub(crate) async fn snapshot(
        self: &Arc<Self>,
        agreement: &Arc<Agreement>,
        now: Timestamp,
    ) -> Result<Option<Arc<Data>>, NodeError> {
        let (node, agreement) = (self.clone(), agreement.clone());
        let open = move || Data::current(&node.snapshots, &node.secret, agreement.mou().schema());
        let opened = tokio::task::spawn_blocking(open).await.map_err(|_| NodeError::Stopped)??;
        let Some(snapshot) = opened.map(Arc::new) else { return Ok(None) };
        let mut adopted = self.adopted.lock().await;
        if adopted.as_deref() == Some(snapshot.id()) {
            return Ok(Some(snapshot));
        }
        self.engine.counts(&snapshot)?;
        let whole = snapshot.clone();
        let verified = tokio::task::spawn_blocking(move || whole.verify());
        verified.await.map_err(|_| NodeError::Stopped)??;
        let known = self.store.snapshot().await?;
        if known.is_none_or(|known| known.snapshot != snapshot.id()) {
            let holdings = snapshot.holdings();
            let import = Import {
                snapshot: snapshot.id().to_owned(),
                commitment: snapshot.commitment(),
                as_of: holdings.as_of.to_string(),
                covers: holdings.covers.iter().map(|it| it.period.to_string()).collect(),
            };
            self.store.note(Note::Import(import), now).await?;
        }
        *adopted = Some(snapshot.id().to_owned());
        Ok(Some(snapshot))
    }

    /// The identity to seal with what is dated `now`: one that was valid then, even if it was renewed since.
    pub(crate) fn identity_at(&self, now: Timestamp) -> Arc<TlsIdentity> {
        let current = self.identity.borrow().clone();
        let mut sealing = self.sealing.lock().unwrap_or_else(PoisonError::into_inner);
        if current.facts().not_before <= now {
            *sealing = current;
        }
        sealing.clone()
    }

    /// Waits until nobody else measures this table, and keeps others from it until the guard is dropped.
    pub(crate) async fn flight(&self, table: TableKey) -> OwnedMutexGuard<()> {
        let flight = {
            let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.retain(|_, flight| Arc::strong_count(flight) > 1);
            flights.entry(table).or_default().clone()
        };
        flight.lock_owned().await
    }

    /// Waits for measurements under way, so that what was charged is settled before the node stops.
    pub async fn finish(&self) {
        let flights: Vec<_> = {
            let flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
            flights.values().cloned().collect()
        };
        for flight in flights {
            drop(flight.lock().await);
        }
    }
}

/// Whether this party has left. Its notice beside the MOU is enough: a `sumac leave` that was cut off is taken further.
async fn has_left(
    store: &Store,
    chain: &Chain,
    party: &PartyId,
    now: Timestamp,
) -> Result<bool, NodeError> {
    if store.left().await?.is_some() {
        return Ok(true);
    }
    let Some(notice) = chain.left(day_of(now)).find(|notice| notice.party() == party) else {
        return Ok(false);
    };
    leave(store, chain.mou(), notice, now).await?;
    Ok(true)
}
