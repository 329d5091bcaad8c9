//! `sumac mou sign-status`: where each proposal stands.

use std::fmt::Write;
use std::path::PathBuf;

use jiff::civil::Date;
use serde_json::{Value, json};
use sumac_keys::{Chain, Papers, Shelf, Standing, Version};
use sumac_node::day_of;
use sumac_policy::{Capability, Mou};

use super::verify::{counts, named, tell_what_is_wrong, word};
use crate::agreement::Agreement;
use crate::envoy::{Envoy, tell_absences};
use crate::home::HomeArgs;
use crate::outcome::{Hint, Outcome};
use crate::terminal::{Format, answer, answer_json, plain_table, tell};
use crate::world;

/// See where each proposed version of the MOU stands
///
/// Names each proposal in this home, who has signed it, who is missing, which
/// parties have left, and how many days there are until it takes effect. With
/// --ask it first asks every node which proposals and signatures it knows, and
/// passes on what is known here.
///
/// The exit code is 0 if every proposal that has not lapsed is signed by
/// everyone who has to.
///
/// Example: sumac mou sign-status --ask
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// One folder only, wherever it lies
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,

    /// Ask the nodes, too
    #[arg(long)]
    ask: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Proposed,
    Signed,
    InForce,
    Lapsed,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let chain = Agreement::of_home(&home, &settings)?.chain;
    let shelf = home.shelf(&settings);
    let today = day_of(world::now());
    if args.ask
        && let Some(envoy) = Envoy::of(&home, &chain)?
    {
        gather(&envoy, &shelf, &chain)?;
        if chain.mou().may(&settings.party, Capability::Propose) {
            pass_on(&envoy, &shelf, &chain, today)?;
        }
    }
    let proposals = match &args.dir {
        Some(dir) => {
            let papers = Papers::read(dir).hint("name the folder that holds mou.toml")?;
            let version = Version::read(&papers)?;
            vec![(dir.clone(), papers, version)]
        }
        None => shelf.proposals()?,
    };
    let mut done = true;
    let (mut text, mut values) = (String::new(), Vec::new());
    for (path, papers, version) in &proposals {
        let mou = version.mou();
        let replaced = mou.replaces().and_then(|replaced| chain.version(replaced));
        let standing = Standing::of(papers, version, replaced);
        let state = state(&chain, mou, &standing, today);
        done &= state != State::Proposed;
        let _ = writeln!(text, "{}", words(mou, &standing, state, today));
        let _ = writeln!(text, "{}\n", path.display());
        values.push(value(mou, &standing, state, path.display().to_string()));
        if args.format == Format::Text {
            tell_what_is_wrong(&standing);
        }
    }
    match args.format {
        Format::Json => answer_json(&Value::Array(values))?,
        Format::Text if proposals.is_empty() => tell!("Nothing is proposed."),
        Format::Text => answer(&text)?,
    }
    Ok(if done { Outcome::Done } else { Outcome::Failed })
}

/// Takes in what the nodes know, as far as it stands.
fn gather(envoy: &Envoy, shelf: &Shelf, chain: &Chain) -> anyhow::Result<()> {
    let mut told = Vec::new();
    for (party, outcome) in envoy.proposals() {
        if let Ok(proposed) = &outcome {
            for papers in &proposed.proposals {
                let Ok(version) = Version::read(papers) else { continue };
                if chain.is_new_agreement(version.mou()).is_ok() {
                    shelf.propose(papers, &version, chain)?;
                }
            }
            for signed in proposed.exits.exits.values() {
                if let Ok(notice) = chain.exit(signed) {
                    shelf.keep_exit(&notice, signed)?;
                }
            }
        }
        told.push((party, outcome.map(|_| ())));
    }
    tell_absences(&told);
    Ok(())
}

/// Lets the nodes know what is known here.
fn pass_on(envoy: &Envoy, shelf: &Shelf, chain: &Chain, today: Date) -> anyhow::Result<()> {
    for (_, papers, version) in shelf.proposals()? {
        if chain.is_new_agreement(version.mou()).is_ok() && today <= version.mou().expires() {
            for (_, kept) in envoy.propose(&papers) {
                if let Ok(theirs) = kept {
                    shelf.propose(&theirs, &version, chain)?;
                }
            }
        }
    }
    Ok(())
}

fn state(chain: &Chain, mou: &Mou, standing: &Standing, today: Date) -> State {
    if chain.version(mou.hash()).is_some() {
        return State::InForce;
    }
    // What it replaces is not in force any more, or its own time is over.
    if chain.is_new_agreement(mou).is_err() || today > mou.expires() {
        return State::Lapsed;
    }
    if standing.is_complete() { State::Signed } else { State::Proposed }
}

fn words(mou: &Mou, standing: &Standing, state: State, today: Date) -> String {
    let (signed, all) = counts(standing);
    let days = today.until(mou.effective()).map_or(0, |span| span.get_days());
    let when = match days {
        days if days > 0 => format!("takes effect in {days} days, on {}", mou.effective()),
        0 => format!("its first day is today, {}", mou.effective()),
        _ => format!("its first day was {}", mou.effective()),
    };
    let stands = match state {
        State::Proposed => format!("signed by {signed} of {all}; {when}"),
        State::Signed => {
            format!("signed by all {all}; {when}: each operator runs `sumac mou activate`")
        }
        State::InForce => "in force here, or before".to_owned(),
        State::Lapsed => "lapsed: the version before stands".to_owned(),
    };
    let mut text =
        format!("{}, version {}: {stands}\n{}\n", mou.title(), mou.version(), mou.hash());
    let rows = standing
        .signatures()
        .iter()
        .map(|needed| [named(needed), word(&needed.state).to_owned(), needed.file()]);
    text += &plain_table(["PARTY", "SIGNATURE", "FILE"], rows, &[]);
    for exit in standing.exits() {
        let _ = match &exit.notice {
            Ok(notice) => {
                writeln!(text, "{} left on {}: {}", exit.party, notice.on(), notice.because())
            }
            Err(why) => writeln!(text, "the notice of {} does not stand: {why}", exit.party),
        };
    }
    text
}

fn value(mou: &Mou, standing: &Standing, state: State, folder: String) -> Value {
    let mut value = super::standing_json(mou, standing);
    if let Some(fields) = value.as_object_mut() {
        let state = match state {
            State::Proposed => "proposed",
            State::Signed => "signed",
            State::InForce => "in_force",
            State::Lapsed => "lapsed",
        };
        fields.insert("state".to_owned(), json!(state));
        fields.insert("folder".to_owned(), json!(folder));
    }
    value
}
