//! `sumac mou`: the agreement itself.

mod budget;
mod check;
mod diff;
mod explain;
mod new;
mod sign;
mod sizes;
mod test;
mod verify;

use crate::outcome::Outcome;

/// The MOU: begin one, check it, explain it, test it, compare versions, sign it, see who has signed
///
/// An MOU is a folder: mou.toml is the agreement, parties/ holds each party's root certificate, signatures/
/// holds each party's signature. What is not in mou.toml is refused by every node.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Verb {
    New(new::Args),
    Check(check::Args),
    Budget(budget::Args),
    Explain(explain::Args),
    Test(test::Args),
    Diff(diff::Args),
    Sign(sign::Args),
    Verify(verify::Args),
}

pub(crate) fn run(verb: Verb) -> anyhow::Result<Outcome> {
    match verb {
        Verb::New(args) => new::run(args),
        Verb::Check(args) => check::run(&args),
        Verb::Budget(args) => budget::run(&args),
        Verb::Explain(args) => explain::run(&args),
        Verb::Test(args) => test::run(&args),
        Verb::Diff(args) => diff::run(&args),
        Verb::Sign(args) => sign::run(args),
        Verb::Verify(args) => verify::run(&args),
    }
}
