//! `sumac narrow`: what this party's own node leaves out of the MOU.

mod check;

use crate::outcome::Outcome;

/// What this party's own node leaves out of the MOU
///
/// The file narrow.toml in the home restricts this party's node further than the MOU does: it can refuse a
/// dimension, a column or a KPI, widen a margin, raise the floor, lower the yearly budget, or suspend the node.
/// Nobody else has to agree, and nothing in it can allow what the MOU refuses. A node that serves takes it up
/// with the next question; one that cannot be read makes it refuse everything.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    Check(check::Args),
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::Check(args) => check::run(&args),
    }
}
