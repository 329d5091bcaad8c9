//! `sumac receipt`: what nodes released, kept so that it can be shown later.

mod list;
mod verify;

use crate::outcome::Outcome;

/// Receipts: show later what a node released
///
/// `sumac ask` keeps a receipt of every release in the home: the numbers as the node sealed them, the record in the
/// node's log that holds them, and the sealed head of that log. Anyone who has the MOU's folder can verify one,
/// years later and without a network.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Verify(verify::Args),
    List(list::Args),
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::Verify(args) => verify::run(&args),
        Verb::List(args) => list::run(&args),
    }
}
