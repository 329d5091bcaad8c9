//! `sumac mapping`: the mappings that come with Sumac, and a first one for any export.

mod list;
mod new;
mod show;

use crate::outcome::Outcome;

/// How exports are read: mappings that come with Sumac, and a first one for yours
///
/// A mapping is a short text file that says which columns of an export Sumac uses and what its codes mean;
/// docs/mapping.md tells how to write one.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    New(new::Args),
    List(list::Args),
    Show(show::Args),
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::New(args) => new::run(&args),
        Verb::List(args) => list::run(&args),
        Verb::Show(args) => show::run(&args),
    }
}
