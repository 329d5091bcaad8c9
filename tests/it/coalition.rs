//! A coalition in this process: real roots, real mutual TLS on loopback ports, fixed time and chance.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use sumac_backbone::{Asker, Wanted};
use sumac_keys::{Chain, Clock, NodeSecret, Root, Shelf, TlsIdentity, Trust, Version};
use sumac_node::console::{Command, Console, Reply};
use sumac_node::records::canonical::Canonical;
use sumac_node::records::snapshot::{self, Statement};
use sumac_node::store::Store;
use sumac_node::tabulate::Engine;
use sumac_node::{Chance, Node, NodeError, NodeParts, World, day_of, serve, signer};
use sumac_policy::{Breakdown, Covered, Mou, PartyId, PeerRole, Table};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, UnixStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

/// The roots and certificates of a coalition's parties; they cost time to make, so tests share them.
pub(crate) struct Parties {
    now: Timestamp,
    roots: BTreeMap<PartyId, Root>,
}

/// A coalition whose nodes can be started and stopped.
pub(crate) struct Coalition {
    pub(crate) mou: Arc<Mou>,
    pub(crate) trust: Arc<Trust>,
    pub(crate) dir: tempfile::TempDir,
    /// The MOU's text.
    text: String,
    /// Versions before it, newest first.
    earlier: Vec<Version>,
    /// Seconds since 1970 by the clock of everyone here.
    second: Arc<AtomicI64>,
    parties: Arc<Parties>,
    addresses: BTreeMap<PartyId, SocketAddr>,
    /// Ports held for nodes that have not served yet, so that no other process takes them.
    held: Mutex<BTreeMap<PartyId, TcpListener>>,
    /// Ports at which nobody listens until their node serves again.
    reserved: Mutex<BTreeMap<PartyId, TcpSocket>>,
    /// What counts the tables of nodes that start from now on.
    pub(crate) engine: Engine,
}

/// A node that serves.
pub(crate) struct Serving {
    stop: oneshot::Sender<()>,
    done: JoinHandle<()>,
}

impl Parties {
    /// Every party of this agreement, with a root made for it.
    pub(crate) fn of(mou_text: &str, now: &str) -> Arc<Self> {
        let now: Timestamp = now.parse().unwrap();
        let mou = Mou::read(mou_text.as_bytes()).unwrap();
        let root = |id: &PartyId| (id.clone(), Root::create(id, id.as_str(), now).unwrap());
        Arc::new(Self { now, roots: mou.parties().iter().map(|party| root(&party.id)).collect() })
    }

    /// The same with another root for one party.
    pub(crate) fn replacing(mut self, party: &str, root: Root) -> Self {
        self.roots.insert(party.parse().unwrap(), root);
        self
    }

    /// Every root.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Root> {
        self.roots.values()
    }

    pub(crate) fn root(&self, party: &str) -> &Root {
        &self.roots[&party.parse::<PartyId>().unwrap()]
    }

    /// A fresh certificate of a party for this role.
    pub(crate) fn identity(&self, party: &str, role: PeerRole, name: &str) -> TlsIdentity {
        let issued = self.root(party).issue(role, name, self.now).unwrap();
        TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
    }
}

impl Coalition {
    /// Finds a port for every node and writes real fingerprints and addresses into the agreement. At the ports
    /// of parties that are not `serving`, nobody listens.
    pub(crate) async fn under(mou_text: &str, parties: Arc<Parties>, serving: &[&str]) -> Self {
        let placeholder = Mou::read(mou_text.as_bytes()).unwrap();
        let mut text = mou_text.to_owned();
        let mut addresses = BTreeMap::new();
        let mut held = BTreeMap::new();
        for party in placeholder.parties() {
            let root = parties.roots[&party.id].fingerprint();
            text = text.replace(&party.root.to_string(), &root.to_string());
            if let Some(address) = &party.address {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let here = listener.local_addr().unwrap();
                text = text.replace(&format!("\"{address}\""), &format!("\"{here}\""));
                addresses.insert(party.id.clone(), here);
                held.insert(party.id.clone(), listener);
            }
        }
        held.retain(|party, _| serving.contains(&party.as_str()));
        let mou = Arc::new(Mou::read(text.as_bytes()).unwrap());
        let roots = mou.parties().iter().map(|party| {
            let pem = parties.roots[&party.id].certificate_pem();
            (party.id.clone(), party.root, pem)
        });
        let trust = Arc::new(Trust::new(roots).unwrap());
        let dir = tempfile::tempdir().unwrap();
        let second = Arc::new(AtomicI64::new(parties.now.as_second()));
        Self {
            mou,
            trust,
            dir,
            text,
            earlier: Vec::new(),
            second,
            parties,
            addresses,
            held: Mutex::new(held),
            reserved: Mutex::default(),
            engine: Engine::default(),
        }
    }

    /// The MOU's text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Agrees on a next version of the MOU, by which whoever starts or asks from now on goes.
    pub(crate) fn amend(&mut self, from: &str, to: &str) {
        assert!(self.text.contains(from), "the MOU has no {from:?}");
        let text = self.text.replacen(from, to, 1);
        self.earlier.insert(0, Version::new(self.mou.clone(), self.trust.clone()));
        self.text = next_version(&text, &self.mou);
        self.mou = Arc::new(Mou::read(self.text.as_bytes()).unwrap());
    }

    /// These periods with their days by the version in force.
    pub(crate) fn covered(&self, covers: &[&str]) -> Vec<Covered> {
        let covered = |label: &&str| self.mou.calendar().covered(label.parse().unwrap()).unwrap();
        covers.iter().map(covered).collect()
    }

    /// The version in force and those before it.
    pub(crate) fn chain(&self) -> Chain {
        Chain::new(Version::new(self.mou.clone(), self.trust.clone()), self.earlier.clone())
    }

    /// Where a party keeps its agreement.
    pub(crate) fn shelf(&self, party: &str) -> Shelf {
        let home = self.home(party);
        Shelf::new(&home, &home.join("mou"))
    }

    pub(crate) fn clock(&self) -> Clock {
        let second = self.second.clone();
        Arc::new(move || Timestamp::from_second(second.load(Ordering::Relaxed)).unwrap())
    }

    /// Sets everyone's clock.
    pub(crate) fn step_to(&self, now: Timestamp) {
        self.second.store(now.as_second(), Ordering::Relaxed);
    }

    /// Where a party's node listens.
    pub(crate) fn address(&self, party: &str) -> SocketAddr {
        self.addresses[&party.parse::<PartyId>().unwrap()]
    }

    /// A fresh certificate of a party for this role.
    pub(crate) fn identity(&self, party: &str, role: PeerRole) -> TlsIdentity {
        self.parties.identity(party, role, "maria")
    }

    /// A fresh certificate of a party's node.
    pub(crate) fn identity_of_node(&self, party: &str) -> TlsIdentity {
        self.parties.identity(party, PeerRole::Node, "node")
    }

    /// Where a party keeps its node's files.
    pub(crate) fn home(&self, party: &str) -> PathBuf {
        self.dir.path().join(party)
    }

    /// A party's addendum.
    pub(crate) fn narrow(&self, party: &str) -> PathBuf {
        self.home(party).join("narrow.toml")
    }

    /// Writes a party's addendum, without its first line.
    pub(crate) fn write_narrow(&self, party: &str, text: &str) {
        let text = format!("format = \"sumac-narrow/1\"\n{text}\n");
        std::fs::write(self.narrow(party), text).unwrap();
    }

    pub(crate) fn secret() -> NodeSecret {
        NodeSecret::new([7; 32])
    }

    /// Where a party's node keeps the ledger that belongs to `seed`.
    pub(crate) fn ledger(&self, party: &str, seed: u64) -> PathBuf {
        self.home(party).join(format!("ledger-{seed}"))
    }

    /// Puts a node together whose chance is a function of `seed`.
    pub(crate) async fn node(&self, party: &str, seed: u64, snapshots: &Path) -> Arc<Node> {
        let identity = self.parties.identity(party, PeerRole::Node, "node");
        self.node_as(party, identity, seed, snapshots).await
    }

    /// A node that shows this certificate, right or wrong.
    pub(crate) async fn node_as(
        &self,
        party: &str,
        identity: TlsIdentity,
        seed: u64,
        snapshots: &Path,
    ) -> Arc<Node> {
        let identity = watch::channel(Arc::new(identity)).1;
        let ledger = self.ledger(party, seed);
        self.assemble(party, identity, chance(seed), &ledger, snapshots).await.unwrap()
    }

    /// Puts a node together from all that may differ between two nodes of one party.
    pub(crate) async fn assemble(
        &self,
        party: &str,
        identity: watch::Receiver<Arc<TlsIdentity>>,
        chance: Chance,
        ledger: &Path,
        snapshots: &Path,
    ) -> Result<Arc<Node>, NodeError> {
        let world = World::new(self.clock(), chance);
        let salts = world.chance();
        let signer = signer(identity.clone());
        let (store, _) = Store::open(ledger, Box::new(move || *salts()), signer)?;
        let parts = NodeParts {
            party: party.parse().unwrap(),
            chain: self.chain(),
            shelf: self.shelf(party),
            store,
            identity,
            snapshots: snapshots.to_owned(),
            narrow: self.narrow(party),
            secret: Self::secret(),
            world,
            engine: self.engine.clone(),
        };
        Node::start(parts).await
    }

    /// Says in a party's ledger that it comes from a backup, as `sumac restore` does.
    pub(crate) async fn restored(&self, party: &str, ledger: &Path) {
        let identity = self.parties.identity(party, PeerRole::Node, "node");
        let signer = signer(watch::channel(Arc::new(identity)).1);
        let (store, _) = Store::open(ledger, Box::new(|| [9; 32]), signer).unwrap();
        sumac_node::restored(&store, &self.mou, self.clock()()).await.unwrap().unwrap();
    }

    /// Serves a node on the port its party's address names.
    pub(crate) async fn serve(&self, party: &str, node: Arc<Node>) -> Serving {
        let party: PartyId = party.parse().unwrap();
        let held = self.held.lock().unwrap().remove(&party);
        let reserved = self.reserved.lock().unwrap().remove(&party);
        let listener = match (held, reserved) {
            (Some(listener), _) => listener,
            (None, Some(socket)) => socket.listen(1_024).unwrap(),
            (None, None) => TcpListener::bind(self.addresses[&party]).await.unwrap(),
        };
        let (stop, stopped) = oneshot::channel();
        let done = tokio::spawn(async move {
            let stopped = async {
                let _ = stopped.await;
            };
            serve(node, listener, Duration::ZERO, stopped).await.unwrap();
        });
        Serving { stop, done }
    }

    /// Keeps the port of a node that has stopped from everybody else. Connections to it are refused.
    pub(crate) fn reserve(&self, party: &str) {
        let party: PartyId = party.parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(self.addresses[&party]).unwrap();
        self.reserved.lock().unwrap().insert(party, socket);
    }

    /// Somebody who asks, with a certificate of this party and role.
    pub(crate) fn asker(&self, party: &str, role: PeerRole) -> Asker {
        let identity = self.identity(party, role);
        let today = day_of(self.clock()());
        Asker::by_chain(&self.chain(), today, &identity, &self.clock()).unwrap()
    }
}

impl Serving {
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(());
        self.done.await.unwrap();
    }
}

/// The text of a version that replaces `before`.
pub(crate) fn next_version(text: &str, before: &Mou) -> String {
    let (number, replaces) = (before.version(), before.hash());
    let lines = text.lines().filter(|line| !line.starts_with("replaces"));
    let mut next = String::new();
    for line in lines {
        if line.starts_with("version") {
            next += &format!("version = {}\nreplaces = \"{replaces}\"\n", number + 1);
        } else {
            next += line;
            next.push('\n');
        }
    }
    next
}

/// Fixed chance: the n-th call under a seed always gives the same bytes.
pub(crate) fn chance(seed: u64) -> Chance {
    let calls = AtomicU64::new(0);
    Arc::new(move || {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        let bytes = sumac_policy::Sha256::of(format!("{seed} {call}").as_bytes());
        (*bytes.as_bytes()).into()
    })
}

/// The tables of one KPI and period, one for each of these breakdowns.
pub(crate) fn wanted(mou: &Mou, kpi: &str, period: &str, breakdowns: &[&[&str]]) -> Vec<Wanted> {
    let purpose = mou.terms().purposes[0].clone();
    let table = |by: &&[&str]| {
        let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        Table::resolve(mou, &kpi.parse().unwrap(), period.parse().unwrap(), &by).unwrap()
    };
    breakdowns.iter().map(|by| Wanted { table: table(by), purpose: purpose.clone() }).collect()
}

/// Freezes rows as a party's data, taken long after `covers` closed, whose days are those of the version in force.
pub(crate) fn freeze(coalition: &Coalition, into: &Path, rows: &Canonical, covers: &[&str]) {
    let statement = Statement {
        as_of: coalition.clock()().strftime("%Y-%m-%d").to_string().parse().unwrap(),
        covers: coalition.covered(covers),
    };
    static FROZEN: AtomicU64 = AtomicU64::new(0);
    let seed = FROZEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let schema = coalition.mou.schema();
    snapshot::freeze(
        rows,
        &statement,
        schema,
        &Coalition::secret(),
        into,
        coalition.clock()(),
        seed,
    )
    .unwrap();
}

/// Makes the rows of a table of a snapshot unreadable, all but what says where they are, and returns the file as it
/// was.
pub(crate) fn damage(table: &Path) -> Vec<u8> {
    let kept = fs::read(table).unwrap();
    // Parquet ends with the length of its footer and four letters.
    let (rest, _) = kept.split_last_chunk::<4>().unwrap();
    let (_, length) = rest.split_last_chunk::<4>().unwrap();
    let rows = rest.len() - 4 - u32::from_le_bytes(*length) as usize;
    let mut damaged = kept.clone();
    damaged[4..rows].fill(0);
    fs::write(table, damaged).unwrap();
    kept
}

/// Says one thing at the console of a party's node, and hears the reply.
pub(crate) async fn say(
    coalition: &Coalition,
    party: &str,
    node: &Arc<Node>,
    command: &Command,
) -> Reply {
    let path = coalition.home(party).join("control.sock");
    let console = Console::open(&path).unwrap();
    let console = tokio::spawn(console.serve(node.clone()));
    let mut stream = BufReader::new(UnixStream::connect(&path).await.unwrap());
    let mut line = serde_json::to_vec(command).unwrap();
    line.push(b'\n');
    stream.write_all(&line).await.unwrap();
    let mut reply = String::new();
    stream.read_line(&mut reply).await.unwrap();
    console.abort();
    let _ = console.await;
    serde_json::from_str(&reply).unwrap()
}
