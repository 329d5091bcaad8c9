//! `sumac restore`: a home from a backup.

mod pending;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context;
use sumac_node::signer;
use sumac_node::store::{self, Store, log_file};
use sumac_policy::PeerRole;
use tokio::sync::watch;

use crate::agreement::Agreement;
use crate::backup::archive::{self, About};
use crate::home::{Home, HomeArgs, make_folder, make_home, refuse_what_is_there};
use crate::outcome::{Hint, Outcome, hinted};
use crate::passphrase::BackupPassphraseArgs;
use crate::terminal::tell;
use crate::world;

pub(crate) use pending::{finish, is_pending};

/// What to do where a home is already.
const INSTEAD: &str =
    "restore into a new folder with --home DIR, and keep the old one until all is well";

/// Make a home from a backup
///
/// Decrypts the file into a new home, and checks all of it first: every record
/// of the ledger, every signature, every release. A wrong passphrase, a file
/// that was cut short or changed, or a ledger that does not add up leaves
/// nothing behind. A home that is there is never written over.
///
/// Then import again: no records about learners are in a backup. When the
/// restored node serves, it answers nobody until every party that may ask has
/// shown what it holds of the time since the backup, which its next `sumac ask`
/// does by itself: so nothing that was spent is forgotten, and what was
/// released comes back to the byte. `sumac status` tells who is waited for,
/// and `sumac resume` goes on without a party that is gone.
///
/// Never run the old home and the restored one at the same time.
///
/// Example: sumac restore /mnt/safe/lakeshore-2026-08-01.age --home /srv/sumac
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    passphrase: BackupPassphraseArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.unopened();
    refuse_what_is_there(home.dir(), INSTEAD)?;
    let passphrase = args.passphrase.existing(&args.file)?;
    let (about, restored) = make_home(home.dir(), |aside| {
        make_folder(aside.dir())
            .with_context(|| format!("make the folder `{}`", aside.dir().display()))
            .hint("choose a place that you may write to, with --home DIR")?;
        let about = archive::unpack(&args.file, &passphrase, aside.dir())?;
        let restored = check(aside, &about).context("check what was restored")?;
        Ok((about, restored))
    })?;
    tell_next_steps(&home, &about, &restored);
    Ok(Outcome::Done)
}

/// What was found in a backup.
struct Restored {
    /// Records of the ledger that was checked; none if there is none.
    records: Option<u64>,
    /// Whom the node will wait for.
    awaited: Vec<String>,
    /// Whether its certificate has to be renewed first.
    renew: bool,
    /// Where its settings look for the MOU, if that is not there.
    mou: Option<PathBuf>,
}

/// Holds everything against itself, and says in the ledger that it comes from a backup.
fn check(home: &Home, about: &About) -> anyhow::Result<Restored> {
    let settings = home.settings()?;
    anyhow::ensure!(
        settings.party.as_str() == about.party,
        "it is a backup of `{}`, and its settings are those of `{}`",
        about.party,
        settings.party
    );
    let mut restored = Restored { records: None, awaited: Vec::new(), renew: false, mou: None };
    if !settings.mou.exists() {
        restored.mou = Some(settings.mou.clone());
    }
    let Some(cut) = about.ledger else { return Ok(restored) };
    let ledger = home.ledger();
    let folder = if settings.mou.exists() { settings.mou } else { home.dir().join("mou") };
    let agreement = Agreement::read(&folder)?;
    anyhow::ensure!(log_file(&ledger).exists(), "the ledger is missing");
    let checked = store::check(&ledger, Some(&agreement.trust)).context("check the ledger")?;
    anyhow::ensure!(
        checked.records == cut.records && checked.unfinished_bytes == 0,
        "the ledger has {} records, and {} were backed up",
        checked.records,
        cut.records
    );
    if let Some(other) = checked.signers.iter().flatten().find(|by| *by.party() != settings.party) {
        anyhow::bail!("the ledger is signed by `{other}`");
    }
    if let Some(left) = store::read_only(&ledger).context("read the ledger")?.left {
        return Err(hinted(
            format_args!(
                "`{}` left the agreement on {}: no node of it answers again, so none is restored",
                settings.party, left.on
            ),
            "the ledger in it is evidence: `age --decrypt` and tar take it out, and `sumac ledger check --ledger DIR --mou DIR` checks it",
        ));
    }
    home.node_secret()?;
    let identity = home.identity(PeerRole::Node, "node")?;
    let (facts, now) = (identity.facts(), world::now());
    restored.records = Some(checked.records);
    pending::begin(home).context("note that it comes from a backup")?;
    if facts.not_after <= now || facts.not_before > now {
        restored.renew = true;
        return Ok(restored);
    }
    let signer = signer(watch::channel(Arc::new(identity)).1);
    let opened = Store::open(&ledger, Box::new(|| *world::random()), signer);
    let (store, _) = opened.context("open the ledger")?;
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    restored.awaited = runtime.block_on(finish(home, &store, &agreement.mou))?;
    drop(store);
    Ok(restored)
}

fn tell_next_steps(home: &Home, about: &About, restored: &Restored) {
    let Restored { records, awaited, renew, mou } = restored;
    let dir = home.dir().display();
    tell!("The home of `{}`, as it was at {}, is at {dir}.", about.party, about.made_at);
    let Some(records) = records else { return };
    tell!("Its ledger of {records} records holds, each release and each signature.\n");
    let mut step = 1;
    let mut tell_step = |words: String| {
        tell!("{step}. {words}");
        step += 1;
    };
    if let Some(mou) = mou {
        let mou = mou.display();
        tell_step(format!(
            "The settings look for the MOU at {mou}, which is not here; it is at {dir}/mou: change `mou` in sumac.toml"
        ));
    }
    if *renew {
        tell_step(
            "The node's certificate is not valid today: sumac certificate renew node".to_owned(),
        );
    }
    tell_step("No records about learners were in the backup: sumac import".to_owned());
    tell_step("Start the node: sumac serve".to_owned());
    let whom = match awaited.as_slice() {
        [] => "each party that asks".to_owned(),
        some => some.join(", "),
    };
    tell_step(format!(
        "It answers once {whom} ran `sumac ask`, which gives back what was lost since the backup"
    ));
    tell!("\nNever start the old home again: two nodes with one ledger show two histories.");
}
