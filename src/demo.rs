//! `sumac demo`.

use crate::outcome::Outcome;

/// Run a whole coalition on this machine
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(_args: Args) -> anyhow::Result<Outcome> {
    Err(anyhow::anyhow!("not built yet"))
}
