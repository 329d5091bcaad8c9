//! `sumac serve`: answer questions.

use crate::home::HomeArgs;
use crate::outcome::Outcome;

/// Answer the coalition's questions from this party's data
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let _ = args.home;
    Err(anyhow::anyhow!("not built yet"))
}
