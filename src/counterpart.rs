//! Whoever has a home's ledger: the node that serves, or nobody, and then this process.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sumac_keys::{Chain, Shelf};
use sumac_node::console::{Command, Reply, carry_out};
use sumac_node::signer;
use sumac_node::store::Store;
use sumac_policy::{Narrow, PartyId, PeerRole};
use tokio::sync::watch;

use crate::agreement::Agreement;
use crate::home::Home;
use crate::restore;
use crate::world;

/// A node answers its own operator at once.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who carries an operator's commands out.
pub(crate) enum Counterpart {
    /// The node that serves.
    Serving(Serving),
    /// Nobody else: the ledger is open here.
    Stopped(Box<Stopped>),
}

/// A node that serves, and takes commands.
pub(crate) struct Serving(BufReader<UnixStream>);

/// The ledger of a node that does not serve.
pub(crate) struct Stopped {
    store: Store,
    shelf: Shelf,
    chain: Chain,
    narrow: Narrow,
    party: PartyId,
    runtime: tokio::runtime::Runtime,
}

impl Counterpart {
    /// The node of a home, or its ledger.
    pub(crate) fn find(home: &Home) -> anyhow::Result<Self> {
        if let Some(serving) = Serving::find(home)? {
            return Ok(Self::Serving(serving));
        }
        let settings = home.settings()?;
        let shelf = home.shelf(&settings);
        let Agreement { mou, chain, .. } = Agreement::of_home(home, &settings)?;
        let identity = watch::channel(Arc::new(home.identity(PeerRole::Node, "node")?)).1;
        let ledger = home.ledger();
        let opened = Store::open(&ledger, Box::new(|| *world::random()), signer(identity));
        let (store, _) =
            opened.with_context(|| format!("open the ledger `{}`", ledger.display()))?;
        let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
        if restore::is_pending(home) {
            runtime.block_on(restore::finish(home, &store, &mou))?;
        }
        // One that cannot be used refuses every question; it stops no command.
        let narrow = sumac_node::narrow::read(&home.narrow(), &mou).narrow;
        let party = settings.party;
        Ok(Self::Stopped(Box::new(Stopped { store, shelf, chain, narrow, party, runtime })))
    }

    /// Gives a command, and hears what came of it.
    pub(crate) fn say(&mut self, command: &Command) -> anyhow::Result<Reply> {
        match self {
            Self::Serving(serving) => serving.say(command),
            Self::Stopped(stopped) => {
                let Stopped { store, shelf, chain, narrow, party, runtime } = stopped.as_ref();
                let (command, now) = (command.clone(), world::now());
                Ok(runtime.block_on(carry_out(store, shelf, chain, narrow, party, command, now)))
            }
        }
    }
}

impl Serving {
    /// The node that serves from a home; none if none does.
    pub(crate) fn find(home: &Home) -> anyhow::Result<Option<Self>> {
        Ok(connect(&home.control_socket())?.map(|stream| Self(BufReader::new(stream))))
    }

    /// Gives a command, and hears what came of it.
    pub(crate) fn say(&mut self, command: &Command) -> anyhow::Result<Reply> {
        let Self(stream) = self;
        let mut line = serde_json::to_vec(command).context("write the command")?;
        line.push(b'\n');
        stream.get_mut().write_all(&line).context("tell the node")?;
        let mut reply = String::new();
        stream.read_line(&mut reply).context("hear the node")?;
        serde_json::from_str(&reply).context("read the node's reply")
    }
}

fn connect(path: &Path) -> anyhow::Result<Option<UnixStream>> {
    match UnixStream::connect(path) {
        Ok(stream) => {
            stream.set_read_timeout(Some(PATIENCE)).context("bound the wait for the node")?;
            Ok(Some(stream))
        }
        // A path too long for a socket is one at which no node listens.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("open `{}`", path.display())),
    }
}
