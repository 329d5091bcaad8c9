//! `sumac ask`: ask every node.

use crate::home::HomeArgs;
use crate::outcome::Outcome;

/// Ask every node for a table, and print the coalition's numbers
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let _ = args.home;
    Err(anyhow::anyhow!("not built yet"))
}
