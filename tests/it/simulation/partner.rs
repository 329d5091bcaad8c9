//! A partner whose node can be killed: what a SIGKILL would leave behind is a copy of the ledger's files, taken
//! in the middle of whatever the node does.

mod backup;
mod console;
mod disk;
mod folders;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use sumac_keys::{Shelf, TlsIdentity};
use sumac_node::amend::settle;
use sumac_node::store::{Store, StoreError};
use sumac_node::tabulate::Engine;
use sumac_node::{Chance, Node, NodeError, NodeParts, World, day_of, signer};
use sumac_policy::{PeerRole, Sha256};
use tokio::sync::watch;

pub(super) use self::disk::copy_folder;
use self::disk::{copy, leave};
use super::agreement::parties;
use super::model::in_words;
use super::operation::{Left, Place};
use crate::coalition::{Coalition, Serving};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// A node's certificate is renewed after so many days; it is valid for 90.
const RENEWED_DAYS: i64 = 60;

/// A partner.
pub(super) struct Partner {
    pub(super) place: Place,
    /// Kills so far.
    lives: u32,
    starts: u32,
    backups: u32,
    pub(super) running: Option<Running>,
    /// For what is done while the node does not run.
    offline: Arc<Trap>,
}

/// A node that serves.
pub(super) struct Running {
    node: Weak<Node>,
    serving: Serving,
    identity: watch::Sender<Arc<TlsIdentity>>,
    issued: Timestamp,
    pub(super) trap: Arc<Trap>,
}

/// Does something when the node calls for chance for the n-th time from now.
#[derive(Default)]
pub(super) struct Trap(Mutex<Option<(u8, Spring)>>);

type Spring = Box<dyn FnOnce() + Send>;

impl Trap {
    /// `calls` is at least one.
    pub(super) fn set(&self, calls: u8, spring: Spring) {
        *self.0.lock().unwrap() = Some((calls.max(1), spring));
    }

    /// Takes the trap away: what it holds, if nothing stepped on it.
    pub(super) fn disarm(&self) -> Option<Spring> {
        self.0.lock().unwrap().take().map(|(_, spring)| spring)
    }

    fn step(&self) {
        let mut held = self.0.lock().unwrap();
        match held.take() {
            Some((1, spring)) => spring(),
            Some((calls, spring)) => *held = Some((calls - 1, spring)),
            None => {}
        }
    }
}

impl Partner {
    pub(super) fn new(place: Place) -> Self {
        Self { place, lives: 0, starts: 0, backups: 0, running: None, offline: Arc::default() }
    }

    /// Where the node keeps its ledger in this life.
    pub(super) fn ledger(&self, coalition: &Coalition) -> PathBuf {
        coalition.home(self.place.party()).join(format!("ledger-{}", self.lives))
    }

    /// Where the party keeps its agreement in this life.
    pub(super) fn shelf(&self, coalition: &Coalition) -> Shelf {
        shelf_in(&self.agreement(coalition, self.lives))
    }

    fn agreement(&self, coalition: &Coalition, life: u32) -> PathBuf {
        coalition.home(self.place.party()).join(format!("agreement-{life}"))
    }

    pub(super) fn snapshots(&self, coalition: &Coalition) -> PathBuf {
        coalition.home(self.place.party()).join("snapshots")
    }

    /// Starts the node on its ledger.
    pub(super) async fn start(&mut self, coalition: &Coalition) -> Result<(), String> {
        let party = self.place.party();
        let issued = coalition.clock()();
        let (identity, shown) = watch::channel(Arc::new(certificate(party, issued)));
        let trap = Arc::new(Trap::default());
        self.starts += 1;
        let begun = Instant::now();
        let node = loop {
            let chance = chance(self.place, self.starts, trap.clone());
            match self.assemble(coalition, shown.clone(), chance).await {
                Ok(node) => break node,
                // A task of the node before may be on its last instruction.
                Err(NodeError::Store(StoreError::Locked { .. })) if begun.elapsed() < PATIENCE => {
                    tokio::task::yield_now().await;
                }
                Err(error) => return Err(in_words(&error)),
            }
        };
        let weak = Arc::downgrade(&node);
        let serving = coalition.serve(party, node).await;
        self.running = Some(Running { node: weak, serving, identity, issued, trap });
        Ok(())
    }

    /// Puts the node together as `sumac serve` does.
    async fn assemble(
        &self,
        coalition: &Coalition,
        identity: watch::Receiver<Arc<TlsIdentity>>,
        chance: Chance,
    ) -> Result<Arc<Node>, NodeError> {
        let party = self.place.party();
        let world = World::new(coalition.clock(), chance);
        let salts = world.chance();
        let ledger = self.ledger(coalition);
        let (store, _) =
            Store::open(&ledger, Box::new(move || *salts()), signer(identity.clone()))?;
        let shelf = self.shelf(coalition);
        let today = day_of(coalition.clock()());
        let parts = NodeParts {
            party: party.parse().unwrap(),
            chain: settle(&store, &shelf, today).await.map_err(Box::new)?,
            shelf,
            store,
            identity,
            snapshots: self.snapshots(coalition),
            narrow: coalition.narrow(party),
            secret: Coalition::secret(),
            world,
            engine: Engine::default(),
        };
        Node::start(parts).await
    }

    /// The version that the node goes by, if it runs, as the ledger writes it.
    pub(super) fn goes_by(&self) -> Option<String> {
        let node = self.running.as_ref()?.node.upgrade()?;
        Some(node.agreement().mou().hash().to_string())
    }

    /// Stops the node as its operator does, if it runs.
    pub(super) async fn stop(&mut self, coalition: &Coalition) -> Result<(), String> {
        let Some(Running { node, serving, identity: _identity, issued: _, trap: _ }) =
            self.running.take()
        else {
            return Ok(());
        };
        serving.stop().await;
        let begun = Instant::now();
        while node.strong_count() > 0 {
            if begun.elapsed() > PATIENCE {
                return Err("a node that was stopped is still at work".to_owned());
            }
            tokio::task::yield_now().await;
        }
        // By now its listener is closed, too.
        coalition.reserve(self.place.party());
        Ok(())
    }

    /// Whether the node that runs will need another certificate by then.
    pub(super) fn is_due(&self, then: Timestamp) -> bool {
        let running = self.running.as_ref();
        running.is_some_and(|running| days_between(running.issued, then) > RENEWED_DAYS)
    }

    /// Gives the node a new certificate while it serves.
    pub(super) fn renew(&mut self, coalition: &Coalition) {
        let now = coalition.clock()();
        if let Some(running) = &mut self.running {
            running.issued = now;
            let _ = running.identity.send(Arc::new(certificate(self.place.party(), now)));
        }
    }

    /// Sets a trap that copies the agreement and the ledger as they lie on the disk. The node is killed there: whatever it does
    /// afterwards, it does in a folder that nobody looks at again, and whatever it answers is not heard.
    pub(super) fn kill_at(&self, coalition: &Coalition, call: u8) {
        let (from, into) = (self.ledger(coalition), self.next_life(coalition));
        let [old, new] = [self.lives, self.lives + 1].map(|life| self.agreement(coalition, life));
        let copy = move || {
            // A version is in the log before it is in the folders.
            folders::copy(&old, &new).and_then(|()| copy(&from, &into)).unwrap();
        };
        self.trap().set(call, Box::new(copy));
    }

    fn trap(&self) -> &Trap {
        self.running.as_ref().map_or(&self.offline, |running| &running.trap)
    }

    /// Lets the killed node be, and starts it again on what is left. Whether it was killed in the middle.
    pub(super) async fn revive(
        &mut self,
        coalition: &Coalition,
        left: Left,
    ) -> Result<bool, String> {
        let in_the_middle = self.fall(coalition, left).await?;
        self.start(coalition).await?;
        Ok(in_the_middle)
    }

    /// Lets the killed node be: from here on, what is left is its disk. Whether it was killed in the middle.
    pub(super) async fn fall(&mut self, coalition: &Coalition, left: Left) -> Result<bool, String> {
        let still_armed = self.trap().disarm();
        let in_the_middle = still_armed.is_none();
        if let Some(spring) = still_armed {
            spring();
        }
        // In one process there is no killing: it ends in its own time, and what it writes is lost.
        self.stop(coalition).await?;
        let (old, new) = (self.ledger(coalition), self.next_life(coalition));
        leave(&old, &new, left).map_err(|error| error.to_string())?;
        self.lives += 1;
        Ok(in_the_middle)
    }

    fn next_life(&self, coalition: &Coalition) -> PathBuf {
        coalition.home(self.place.party()).join(format!("ledger-{}", self.lives + 1))
    }
}

fn shelf_in(home: &Path) -> Shelf {
    Shelf::new(home, &home.join("mou"))
}

/// Fixed chance, and another after every start: noise drawn again is other noise.
fn chance(place: Place, start: u32, trap: Arc<Trap>) -> Chance {
    let calls = Mutex::new(0_u64);
    Arc::new(move || {
        trap.step();
        let mut calls = calls.lock().unwrap();
        *calls += 1;
        let bytes = Sha256::of(format!("{place:?} {start} {calls}").as_bytes());
        (*bytes.as_bytes()).into()
    })
}

fn certificate(party: &str, now: Timestamp) -> TlsIdentity {
    identity(party, PeerRole::Node, "node", now)
}

/// A certificate made today.
pub(super) fn identity(party: &str, role: PeerRole, name: &str, now: Timestamp) -> TlsIdentity {
    let issued = parties().root(party).issue(role, name, now).unwrap();
    TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

pub(super) fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_second() - from.as_second()) / 86_400
}
