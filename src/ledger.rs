//! `sumac ledger`: what a node was asked, what it charged, what it released.

mod check;
mod export;
mod rebuild;
mod show;

use std::path::PathBuf;

use crate::agreement::{Agreement, MouFolder};
use crate::home::{HomeArgs, Settings};
use crate::outcome::Outcome;

/// The ledger: check it, read it, copy it for an auditor, make its index anew
///
/// The ledger is the log of everything that a node was asked, charged and released. Balances and answers follow
/// from it alone; docs/ledger.md says how, to the byte.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Check(check::Args),
    Show(show::Args),
    Export(export::Args),
    Rebuild(rebuild::Args),
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::Check(args) => check::run(&args),
        Verb::Show(args) => show::run(&args),
        Verb::Export(args) => export::run(&args),
        Verb::Rebuild(args) => rebuild::run(&args),
    }
}

/// Which ledger, and under which MOU it is read.
#[derive(Debug, clap::Args)]
struct LedgerArgs {
    #[command(flatten)]
    home: HomeArgs,

    /// A copy of a ledger's folder, instead of the home's own
    #[arg(long, value_name = "DIR")]
    ledger: Option<PathBuf>,

    /// The MOU's folder, instead of the home's own
    #[arg(long, value_name = "DIR")]
    mou: Option<PathBuf>,
}

/// A ledger's folder, and what is known around it.
struct Ledger {
    dir: PathBuf,
    /// None where a copy is read without a home.
    settings: Option<Settings>,
    mou: Option<PathBuf>,
}

impl LedgerArgs {
    fn find(&self) -> anyhow::Result<Ledger> {
        let Some(copy) = &self.ledger else {
            let home = self.home.open()?;
            let settings = home.settings()?;
            let mou = Some(self.mou.clone().unwrap_or_else(|| settings.mou.clone()));
            return Ok(Ledger { dir: home.ledger(), settings: Some(settings), mou });
        };
        Ok(Ledger { dir: copy.clone(), settings: None, mou: self.mou.clone() })
    }
}

impl Ledger {
    /// The MOU with every party's root, signed or not: who may sign a head is pinned either way.
    fn agreement(&self) -> anyhow::Result<Agreement> {
        Agreement::read(self.mou_folder()?)
    }

    /// The MOU alone.
    fn mou(&self) -> anyhow::Result<sumac_policy::Mou> {
        MouFolder::read(self.mou_folder()?)?.mou()
    }

    fn mou_folder(&self) -> anyhow::Result<&PathBuf> {
        self.mou.as_ref().ok_or_else(|| anyhow::anyhow!("no MOU was named: add --mou DIR"))
    }
}
