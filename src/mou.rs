//! `sumac mou`: the agreement itself.

mod activate;
mod budget;
mod check;
mod diff;
mod explain;
mod new;
mod propose;
mod replaced;
mod sign;
mod sign_status;
mod sizes;
mod test;
mod verify;

use serde_json::{Value, json};
use sumac_keys::{By, SignatureState, Standing};
use sumac_policy::Mou;

use crate::outcome::Outcome;

/// The MOU: begin one, check it, explain it, compare it, test it, sign it, see who has signed; propose the next version, and go by it
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
    Propose(propose::Args),
    SignStatus(sign_status::Args),
    Activate(activate::Args),
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
        Verb::Propose(args) => propose::run(args),
        Verb::SignStatus(args) => sign_status::run(&args),
        Verb::Activate(args) => activate::run(&args),
    }
}

/// Which of a party's roots, for machines.
fn by_word(by: By) -> &'static str {
    match by {
        By::Root => "root",
        By::NewRoot => "new_root",
    }
}

/// A version and who has signed it, for machines.
fn standing_json(mou: &Mou, standing: &Standing) -> Value {
    let signatures = standing.signatures().iter().map(|needed| {
        let (state, why) = match &needed.state {
            SignatureState::Signed => ("signed", None),
            SignatureState::Missing => ("missing", None),
            SignatureState::Bad(why) => ("bad", Some(why)),
        };
        json!({
            "party": needed.party.to_string(),
            "by": by_word(needed.by),
            "file": needed.file(),
            "state": state,
            "why": why,
        })
    });
    let exits = standing.exits().iter().map(|exit| match &exit.notice {
        Ok(notice) => json!({
            "party": exit.party.to_string(),
            "on": notice.on().to_string(),
            "because": notice.because(),
        }),
        Err(why) => json!({ "party": exit.party.to_string(), "why": why }),
    });
    json!({
        "format": "sumac-signatures/1",
        "agreement": mou.id(),
        "version": mou.version(),
        "mou": mou.hash().to_string(),
        "replaces": mou.replaces().map(|hash| hash.to_string()),
        "effective": mou.effective().to_string(),
        "expires": mou.expires().to_string(),
        "complete": standing.is_complete(),
        "signatures": signatures.collect::<Vec<_>>(),
        "exits": exits.collect::<Vec<_>>(),
    })
}
