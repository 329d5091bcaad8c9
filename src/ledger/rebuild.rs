//! `sumac ledger rebuild`: throw the index away and make another.

use anyhow::Context;
use sumac_node::store;

use crate::home::HomeArgs;
use crate::outcome::Outcome;
use crate::terminal::tell;

/// Make the ledger's index anew from its log
///
/// The index only makes a node start quickly. It is rebuilt by itself when it is missing or odd; this does it on
/// request. The log is not changed and nothing is spent. Stop the node first.
///
/// Example: sumac ledger rebuild --home /srv/sumac
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let dir = args.home.open()?.ledger();
    let records = store::rebuild(&dir).context("rebuild the ledger's index")?;
    tell!("the index of {records} records was made anew");
    Ok(Outcome::Done)
}
