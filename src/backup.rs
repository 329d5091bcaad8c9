//! `sumac backup`: put a home aside, encrypted, while its node serves or not.

pub(crate) mod archive;
mod contents;

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sumac_keys::Passphrase;
use sumac_node::console::{Command, Reply};
use sumac_node::store::{Closed, Cut, log_file};

use self::archive::{About, FORMAT};
use self::contents::Contents;
use crate::counterpart::Serving;
use crate::home::{Home, HomeArgs, forget};
use crate::outcome::{Hint, Outcome, hinted};
use crate::passphrase::BackupPassphraseArgs;
use crate::terminal::tell;
use crate::world;

/// Back this home up, encrypted with a passphrase, while the node serves or not
///
/// In it: the ledger with its releases, the node's secret, settings, MOU, every
/// certificate and key, mapping files in the home, and what the home keeps of
/// other nodes (receipts, heads). Not in it: the snapshots, so no record about
/// a learner, and the party's root, which belongs offline.
///
/// The file is in the age format (age-encryption.org): `age --decrypt` and tar
/// open it where there is no Sumac. Whoever has it and the passphrase can be
/// this node: keep the two apart. docs/backup.md says how often, and what a
/// restore does.
///
/// Example: sumac backup /mnt/safe/lakeshore-2026-08-01.age --home /srv/sumac
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The file to write
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    force: bool,

    #[command(flatten)]
    home: HomeArgs,

    #[command(flatten)]
    passphrase: BackupPassphraseArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let shown = args.file.display();
    if !args.force && args.file.try_exists().with_context(|| format!("look at `{shown}`"))? {
        return Err(hinted(
            format_args!("`{shown}` is already there"),
            "name another file, or replace it with --force",
        ));
    }
    let passphrase = args.passphrase.new_one()?;
    let ledger = Ledger::hold(&home)?;
    let contents = Contents::of(&home, &settings, ledger.cut())?;
    let about = About {
        format: FORMAT.to_owned(),
        party: settings.party.to_string(),
        made_at: world::now().to_string(),
        software: env!("CARGO_PKG_VERSION").to_owned(),
        ledger: ledger.cut(),
    };
    tell!("{}", contents.words(ledger.cut()));
    let written =
        write(&args.file, args.force, &about, &contents, &passphrase, || ledger.is_whole(&home));
    written.with_context(|| format!("write the backup `{shown}`")).hint(
        "the disk must have room; nothing was changed, and a backup that was there before is still there",
    )?;
    tell!("backed up to {shown}, readable by its owner alone");
    tell!("Keep its passphrase elsewhere. `sumac restore {shown} --home NEW` brings it back.");
    Ok(Outcome::Done)
}

/// What may be copied of a ledger; held for as long as that takes.
enum Ledger {
    /// There is none: this home only asks.
    None,
    /// A node serves from it.
    Served(Cut),
    /// Nobody can open it meanwhile.
    Closed(Closed),
}

impl Ledger {
    fn hold(home: &Home) -> anyhow::Result<Self> {
        let dir = home.ledger();
        if !log_file(&dir).exists() {
            return Ok(Self::None);
        }
        let Some(mut serving) = Serving::find(home)? else {
            let closed = Closed::keep(&dir);
            return closed.map(Self::Closed).context("read the ledger");
        };
        match serving.say(&Command::Cut)? {
            Reply::Cut(cut) => Ok(Self::Served(cut)),
            Reply::Refused { message, hint, .. } => Err(hinted(message, hint)),
            _ => anyhow::bail!("the node replied to another command"),
        }
    }

    /// A node that serves may have deleted old releases while they were copied.
    fn is_whole(&self, home: &Home) -> anyhow::Result<()> {
        let Self::Served(cut) = self else { return Ok(()) };
        if cut.is_whole(&home.ledger()).context("read the ledger")? {
            return Ok(());
        }
        Err(hinted(
            "the node deleted releases older than the MOU keeps them while they were copied",
            "run it again: the node does so once a day",
        ))
    }

    fn cut(&self) -> Option<Cut> {
        match self {
            Self::None => None,
            Self::Served(cut) => Some(*cut),
            Self::Closed(closed) => Some(closed.cut()),
        }
    }
}

/// Writes the file beside its place, syncs it, and gives it its name if what was copied is whole.
fn write(
    path: &Path,
    replace: bool,
    about: &About,
    contents: &Contents,
    passphrase: &Passphrase,
    is_whole: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let name = path.file_name().context("it needs a name")?.to_string_lossy();
    let aside = folder.join(format!(".{name}.{}.partial", std::process::id()));
    let written = || -> anyhow::Result<()> {
        forget(&aside)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside)?;
        let output = archive::write(BufWriter::new(file), passphrase, about, contents.files())?;
        let mut output = output;
        output.flush()?;
        output.get_ref().sync_all()?;
        is_whole()?;
        if replace {
            fs::rename(&aside, path)?;
        } else {
            // Fails where a file has come meanwhile.
            fs::hard_link(&aside, path)?;
            fs::remove_file(&aside)?;
        }
        Ok(File::open(folder)?.sync_all()?)
    };
    let written = written();
    if written.is_err() {
        // What went wrong is told; this only tidies up.
        let _ = fs::remove_file(&aside);
    }
    written
}
