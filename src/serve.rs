//! `sumac serve`: answer questions.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::Context;
use sumac_keys::seal::verify_head;
use sumac_keys::{Seal, TlsIdentity};
use sumac_node::amend::settle;
use sumac_node::console::Console;
use sumac_node::records::snapshot::Data;
use sumac_node::store::{Opening, Signer, Store};
use sumac_node::tabulate::Engine;
use sumac_node::{Node, NodeParts, day_of, serve, signer};
use sumac_policy::PeerRole;
use sumac_protocol::SignedHead;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::agreement::Agreement;
use crate::home::{EngineChoice, Home, HomeArgs, Settings};
use crate::import::in_place_is_counted_there;
use crate::leave::refuse_who_left;
use crate::outcome::{Hint, Outcome, hinted};
use crate::restore;
use crate::terminal::tell;
use crate::warehouse::warehouse;
use crate::world;

/// A renewed certificate is in use at most this long after it was written.
const LOOK_FOR_RENEWAL: Duration = Duration::from_secs(30);

/// Answer the coalition's questions from this party's data
///
/// Runs until it is told to stop (Ctrl-C, or SIGTERM), then finishes what is
/// under way. Before it listens it checks everything: the settings, the MOU and
/// every party's signature, the node's certificate, the ledger and the data.
/// What it answers is decided by the MOU; what it spends is in the ledger; a
/// table released once is answered again for nothing. A new `sumac import` and
/// a renewed certificate are taken up while it runs.
///
/// Example: sumac serve --home /var/lib/sumac
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let agreement = Agreement::of_home(&home, &settings)?;
    refuse_to_serve_nothing(&agreement, &settings)?;
    refuse_who_left(&home, &settings)?;
    let identity = home.identity(PeerRole::Node, "node")?;
    look_at_validity(&identity)?;
    let engine = engine(&home, &settings, &agreement)?;
    let (renewed, identity) = watch::channel(Arc::new(identity));
    let (store, opening) = open_ledger(&home.ledger(), signer(identity.clone()))?;
    tell_opening(&opening);
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    runtime.block_on(answer(&home, &settings, agreement, (renewed, identity), (store, engine)))?;
    Ok(Outcome::Done)
}

/// What counts the node's tables: where the records stay in PostgreSQL, it does. A server that is down now may be up
/// when somebody asks; one that does not let us in will not.
fn engine(home: &Home, settings: &Settings, agreement: &Agreement) -> anyhow::Result<Engine> {
    let data = Data::current(&home.snapshots(), &home.node_secret()?, agreement.mou.schema());
    let data = data.context("open the snapshot in use")?;
    let in_place = data.as_ref().and_then(Data::schema_in_place);
    if in_place.is_none() {
        let later = settings.postgres.is_some() && settings.engine == EngineChoice::Snapshot;
        // For an import that leaves the records there while this node serves.
        let known = later.then(|| warehouse(settings).ok()).flatten();
        return known.map_or_else(
            || settings.engine.node(),
            |known| Ok(Engine::Warehouse(Arc::new(known))),
        );
    }
    in_place_is_counted_there(&settings.engine)?;
    let warehouse = warehouse(settings).context("the data in use lies in PostgreSQL")?;
    match warehouse.connect() {
        Ok(_) => {}
        Err(error) if error.may_pass() => {
            tell!("note: {error}; until it answers, the node gives released tables alone");
        }
        Err(error) => {
            let hint = error.hint();
            return Err(error).context("the data in use lies in PostgreSQL").hint(hint);
        }
    }
    Ok(Engine::Warehouse(Arc::new(warehouse)))
}

/// A node of a party that nobody asks, or under an MOU that is over, would only puzzle its operator.
fn refuse_to_serve_nothing(agreement: &Agreement, settings: &Settings) -> anyhow::Result<()> {
    let mou = &agreement.mou;
    let Some(party) = mou.party(&settings.party) else {
        return Err(hinted(
            format_args!("`{}` is not a party to this MOU", settings.party),
            "see `party` and `mou` in sumac.toml",
        ));
    };
    if !mou.kpis().iter().any(|kpi| kpi.answered_by.contains(&party.kind)) {
        return Err(hinted(
            format_args!("the MOU asks nothing of a {}: there is nothing to serve", party.kind),
            "a backbone asks: see `sumac ask --help`",
        ));
    }
    let today = day_of(world::now());
    if today > mou.expires() {
        return Err(hinted(
            format_args!("the MOU expired on {}", mou.expires()),
            "the parties have to sign a new version",
        ));
    }
    if today < mou.effective() {
        tell!(
            "note: the MOU takes effect on {}; until then every question is refused",
            mou.effective()
        );
    }
    Ok(())
}

fn look_at_validity(identity: &TlsIdentity) -> anyhow::Result<()> {
    let (facts, now) = (identity.facts(), world::now());
    if facts.not_after <= now {
        return Err(hinted(
            format_args!("the node's certificate expired on {}", facts.not_after),
            "run `sumac certificate renew node`",
        ));
    }
    if facts.not_before > now {
        return Err(hinted(
            format_args!("the node's certificate is valid from {} only", facts.not_before),
            "check this machine's clock",
        ));
    }
    if facts.expires_soon(now) {
        tell!(
            "note: the node's certificate expires on {}: run `sumac certificate renew node`",
            facts.not_after
        );
    }
    Ok(())
}

fn open_ledger(dir: &Path, signer: Signer) -> anyhow::Result<(Store, Opening)> {
    Store::open(dir, Box::new(|| *world::random()), signer)
        .with_context(|| format!("open the ledger `{}`", dir.display()))
}

fn tell_opening(opening: &Opening) {
    if opening.cut_bytes > 0 {
        tell!(
            "note: {} bytes of an unfinished write were cut from the ledger; nothing had depended on them",
            opening.cut_bytes
        );
    }
    if let Some(reason) = opening.rebuilt {
        tell!("note: the ledger's index was rebuilt from its log ({reason:?})");
    }
}

async fn answer(
    home: &Home,
    settings: &Settings,
    agreement: Agreement,
    (renewed, identity): (watch::Sender<Arc<TlsIdentity>>, watch::Receiver<Arc<TlsIdentity>>),
    (store, engine): (Store, Engine),
) -> anyhow::Result<()> {
    signed_by_us(&store, settings, &agreement).await?;
    let shelf = home.shelf(settings);
    let chain = settle(&store, &shelf, day_of(world::now())).await;
    let chain = match chain {
        Ok(chain) => chain,
        Err(error) => {
            let hint = error.hint();
            return Err(error).context("hold the MOU against the ledger").hint(hint);
        }
    };
    if restore::is_pending(home) {
        restore::finish(home, &store, &agreement.mou).await?;
    }
    let parts = NodeParts {
        party: settings.party.clone(),
        chain,
        shelf,
        store,
        identity,
        snapshots: home.snapshots(),
        narrow: home.narrow(),
        secret: home.node_secret()?,
        world: world::world(),
        engine,
    };
    let node = Node::start(parts).await.context("start the node")?;
    let listen = settings.listen.to_string();
    let listener = TcpListener::bind(&listen)
        .await
        .with_context(|| format!("listen on {listen}"))
        .hint("another program may have the port: stop it, or change `listen` in sumac.toml")?;
    let address = listener.local_addr().context("read the address listened on")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for Ctrl-C")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let stop = async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    };
    let console = Console::open(&home.control_socket());
    let console = console.map(|console| tokio::spawn(console.serve(node.clone())));
    if let Err(error) = &console {
        tell!("note: no commands are taken while this node serves: open `control.sock`: {error}");
    }
    tokio::spawn(follow_renewals(home.clone(), renewed));
    tell!("{} listening on {address}", settings.party);
    serve(node, listener, Duration::from_millis(settings.reply_tick_ms), stop).await?;
    if let Ok(console) = console {
        console.abort();
        // Cancelled, as it should be; what matters is that its socket is gone.
        let _ = console.await;
    }
    tell!("{} stopped", settings.party);
    Ok(())
}

/// A ledger that somebody else signed, or nobody, is not continued: the next head would vouch for it.
async fn signed_by_us(
    store: &Store,
    settings: &Settings,
    agreement: &Agreement,
) -> anyhow::Result<()> {
    let Some(SignedHead { head, signature, chain }) = store.head().await? else { return Ok(()) };
    let seal = Seal { signature, chain };
    let signer = verify_head(&seal, &head.canonical_bytes(), &agreement.trust, head.at);
    let advice =
        "keep the file, and restore the ledger from a backup; `sumac ledger check` says more";
    let signer = signer
        .with_context(|| format!("check the signature over {} records of the ledger", head.size))
        .hint(advice)?;
    if *signer.party() != settings.party {
        return Err(hinted(format_args!("the ledger is signed by `{signer}`"), advice));
    }
    Ok(())
}

/// Takes up a certificate that was renewed while the node serves. One that cannot be read changes nothing.
async fn follow_renewals(home: Home, renewed: watch::Sender<Arc<TlsIdentity>>) {
    let file = home.certificate_file(PeerRole::Node, "node");
    let written =
        || -> Option<SystemTime> { file.metadata().and_then(|facts| facts.modified()).ok() };
    let mut known = written();
    loop {
        tokio::time::sleep(LOOK_FOR_RENEWAL).await;
        let found = written();
        if found == known {
            continue;
        }
        match home.identity(PeerRole::Node, "node") {
            Ok(identity) => {
                tracing::info!(not_after = %identity.facts().not_after, "took up a renewed certificate");
                // The node has stopped if nobody holds it.
                let _ = renewed.send(Arc::new(identity));
                known = found;
            }
            Err(error) => tracing::warn!(
                error = format!("{error:#}"),
                "the renewed certificate cannot be read yet"
            ),
        }
    }
}
