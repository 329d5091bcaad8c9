//! Who asks: the MOU by which, the roots to trust, and a way to every node.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use sumac_keys::{Chain, Clock, TlsIdentity, Trust, Version, client_config};
use sumac_policy::{Mou, PartyId, Sha256};
use tokio::task::JoinSet;
use tokio_rustls::rustls::{self, ClientConfig};

use crate::absence::Absence;
use crate::connect::{Client, Unreachable, connect};
use crate::keep::{Keep, KeepError, PurgedReceipts};
use crate::notice::Notice;

/// Longer than any healthy network takes, short enough for a person to wait.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

/// For one call of up to 256 tables, each of which may take a node a second over millions of rows.
pub const CALL_DEADLINE: Duration = Duration::from_secs(300);

/// Asks nodes by one MOU, as one identity.
#[derive(Clone)]
pub struct Asker {
    mou: Arc<Mou>,
    trust: Arc<Trust>,
    nodes: Vec<Node>,
    call_deadline: Duration,
    keep: Option<Arc<Keep>>,
    notices: Arc<Mutex<Vec<Notice>>>,
    clock: Clock,
    /// Versions of the MOU before this one, newest first.
    earlier: Vec<Version>,
    /// Who has left, and since when.
    left: BTreeMap<PartyId, Date>,
}

/// The way to one party's node.
#[derive(Clone)]
struct Node {
    party: PartyId,
    address: String,
    config: Arc<ClientConfig>,
}

/// Why nobody can be asked.
#[derive(Debug, thiserror::Error)]
#[error("prepare to connect to the node of `{party}`")]
pub struct AskerError {
    /// Whose node.
    pub party: PartyId,
    source: rustls::Error,
}

impl Asker {
    /// Asks by this MOU, believing its roots, with this certificate. `clock` judges the nodes' certificates, and
    /// which receipts are too old to keep.
    ///
    /// # Errors
    /// Where the certificate and key are of no use for TLS.
    pub fn new(
        mou: Arc<Mou>,
        trust: Arc<Trust>,
        identity: &TlsIdentity,
        clock: &Clock,
    ) -> Result<Self, AskerError> {
        let mut nodes = Vec::new();
        for party in mou.parties() {
            let Some(address) = party.address.clone() else { continue };
            let party = party.id.clone();
            let config = client_config(identity, trust.clone(), party.clone(), clock.clone())
                .map_err(|source| AskerError { party: party.clone(), source })?;
            nodes.push(Node { party, address, config });
        }
        let clock = clock.clone();
        Ok(Self {
            mou,
            trust,
            nodes,
            call_deadline: CALL_DEADLINE,
            keep: None,
            notices: Arc::default(),
            clock,
            earlier: Vec::new(),
            left: BTreeMap::new(),
        })
    }

    /// Waits so long for one call instead of [`CALL_DEADLINE`].
    #[must_use]
    pub fn with_call_deadline(self, call_deadline: Duration) -> Self {
        Self { call_deadline, ..self }
    }

    /// Asks by the version in force of this chain. A release of an earlier version is as good, by that version's
    /// roots; who has left by `today` is not asked.
    ///
    /// # Errors
    /// As [`Asker::new`].
    pub fn by_chain(
        chain: &Chain,
        today: Date,
        identity: &TlsIdentity,
        clock: &Clock,
    ) -> Result<Self, AskerError> {
        let asker = Self::new(chain.mou().clone(), chain.trust().clone(), identity, clock)?;
        let left = chain.left(today).map(|exit| (exit.party().clone(), exit.on())).collect();
        Ok(Self { earlier: chain.versions().skip(1).cloned().collect(), left, ..asker })
    }

    /// Keeps heads and receipts, and holds what comes back against them. Without it nothing is kept.
    #[must_use]
    pub fn with_keep(self, keep: Keep) -> Self {
        Self { keep: Some(Arc::new(keep)), ..self }
    }

    /// The MOU by which it asks.
    pub fn mou(&self) -> &Mou {
        &self.mou
    }

    /// Deletes the receipts that are older than the MOU keeps releases; nothing where it keeps them for ever.
    ///
    /// # Errors
    /// Receipts that cannot be listed or deleted.
    pub fn purge_receipts(&self) -> Result<PurgedReceipts, KeepError> {
        let (Some(days), Some(keep)) = (self.mou.after().keep_releases_days, &self.keep) else {
            return Ok(PurgedReceipts::default());
        };
        let age = SignedDuration::from_hours(24 * i64::from(days));
        let before = (self.clock)().checked_sub(age).unwrap_or(Timestamp::MIN);
        keep.purge(self.mou.parties().iter().map(|party| &party.id), before)
    }

    pub(crate) fn trust(&self) -> &Trust {
        &self.trust
    }

    /// The version of the MOU with this hash, if it is this one or one before it.
    pub(crate) fn version(&self, mou: Sha256) -> Option<(&Mou, &Trust)> {
        if mou == self.mou.hash() {
            return Some((&self.mou, &self.trust));
        }
        let earlier = self.earlier.iter().find(|version| version.mou().hash() == mou);
        earlier.map(|version| (&**version.mou(), &**version.trust()))
    }

    pub(crate) fn keep(&self) -> Option<&Keep> {
        self.keep.as_deref()
    }

    /// What there is to tell of nodes that were restored, and takes it as told.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn notice(&self, notice: Notice) {
        self.notices.lock().unwrap_or_else(PoisonError::into_inner).push(notice);
    }

    pub(crate) fn call_deadline(&self) -> Duration {
        self.call_deadline
    }

    /// The parties that have a node with an address, in the MOU's order.
    pub(crate) fn reachable(&self) -> impl Iterator<Item = &PartyId> {
        self.nodes.iter().map(|node| &node.party)
    }

    /// Does the same with all these parties' nodes at once, each over a connection of its own.
    pub(crate) async fn of_each<T, Call, Done>(
        &self,
        parties: impl IntoIterator<Item = PartyId>,
        call: Call,
    ) -> BTreeMap<PartyId, Result<T, Absence>>
    where
        T: Send + 'static,
        Call: Fn(PartyId, Client) -> Done + Clone + Send + 'static,
        Done: Future<Output = Result<T, Absence>> + Send,
    {
        let mut outcomes = BTreeMap::new();
        let mut flights = JoinSet::new();
        for party in parties {
            if let Some(on) = self.left.get(&party) {
                outcomes.insert(party, Err(Absence::Left(*on)));
                continue;
            }
            let Some(node) = self.nodes.iter().find(|node| node.party == party).cloned() else {
                outcomes.insert(party, Err(Absence::Unreachable(Unreachable::NoAddress)));
                continue;
            };
            let call = call.clone();
            flights.spawn(async move {
                let outcome = match connect(&node.address, node.config, CONNECT_DEADLINE).await {
                    Ok(client) => call(party.clone(), client).await,
                    Err(unreachable) => Err(Absence::Unreachable(unreachable)),
                };
                (party, outcome)
            });
        }
        while let Some(landed) = flights.join_next().await {
            match landed.map_err(|error| error.try_into_panic()) {
                Ok((party, outcome)) => drop(outcomes.insert(party, outcome)),
                // A mistake of ours in a task is a mistake of ours here.
                Err(Ok(panic)) => std::panic::resume_unwind(panic),
                Err(Err(_cancelled)) => {}
            }
        }
        outcomes
    }
}
