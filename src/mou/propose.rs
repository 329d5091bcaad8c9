//! `sumac mou propose`: a next version, for everyone to sign.

use std::path::PathBuf;

use jiff::ToSpan;
use serde_json::json;
use sumac_keys::{Chain, NotNext, Papers, Standing, Version};
use sumac_node::day_of;
use sumac_policy::Capability;

use super::check::examine;
use crate::agreement::{Agreement, MouFolder, in_file};
use crate::envoy::{Envoy, tell_absences};
use crate::home::HomeArgs;
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json, tell};
use crate::world;

/// Propose a next version of the MOU to everyone
///
/// DIR holds the new mou.toml, which names the version in force in `replaces`,
/// and the root certificates of its parties in parties/. Checks it, keeps it in
/// the home under proposals/, and passes it to every node that can be reached;
/// signatures that they know come back. Nothing comes into force by it: that
/// takes every signature of the old and the new parties, and each operator's
/// `sumac mou activate`.
///
/// Works without a network, too: send the folder to the parties, and put the
/// signatures that come back into its signatures/. Run it again to pass on new
/// signatures.
///
/// Example: sumac mou propose ./next
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder that holds the new mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// Tell no node: the folder goes round by other ways
    #[arg(long)]
    by_file: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let chain = Agreement::of_home(&home, &settings)?.chain;
    sound(&args.dir)?;
    let mut papers = Papers::read(&args.dir)?;
    let version =
        Version::read(&papers).hint("parties/ holds the root.pem of every party, under its id")?;
    may_be_proposed(&chain, &version)?;
    let shelf = home.shelf(&settings);
    // Who has left signs nothing, if its notice goes with the papers.
    for (party, exit) in shelf.exits()? {
        if version.mou().party(&party).is_none() {
            papers.exits.entry(party).or_insert(exit);
        }
    }
    let (path, mut kept) = shelf.propose(&papers, &version, &chain)?;

    let mut told = Vec::new();
    if !args.by_file {
        if !chain.mou().may(&settings.party, Capability::Propose) {
            tell!(
                "note: the MOU gives `{}` no role that may propose, so no node is told: send the folder round",
                settings.party
            );
        } else if let Some(envoy) = Envoy::of(&home, &chain)? {
            for (party, outcome) in envoy.propose(&kept) {
                if let Ok(theirs) = &outcome {
                    kept = shelf.propose(theirs, &version, &chain)?.1;
                }
                told.push((party, outcome.map(|_| ())));
            }
        }
    }
    let replaced = (chain.mou().id() == version.mou().id()).then_some(chain.in_force());
    let standing = Standing::of(&kept, &version, replaced);
    match args.format {
        Format::Json => {
            let mut value = super::standing_json(version.mou(), &standing);
            if let Some(fields) = value.as_object_mut() {
                fields.insert("folder".to_owned(), json!(path.display().to_string()));
                let told = told.iter().map(|(party, told)| {
                    json!({ "party": party.to_string(), "why_not": told.as_ref().err().map(ToString::to_string) })
                });
                fields.insert("told".to_owned(), json!(told.collect::<Vec<_>>()));
            }
            answer_json(&value)?;
        }
        Format::Text => answer(&format!("{}\n", path.display()))?,
    }
    let reached = told.iter().filter(|(_, told)| told.is_ok()).count();
    if !told.is_empty() {
        tell!("\n{reached} of {} nodes know of it now.", told.len());
        tell_absences(&told);
    }
    tell!(
        "\nEach party signs the folder above with `sumac mou sign`; `sumac mou sign-status --ask` gathers what \
         was signed elsewhere."
    );
    Ok(Outcome::Done)
}

fn sound(dir: &std::path::Path) -> anyhow::Result<()> {
    let folder = MouFolder::read(dir)?;
    let examined = examine(&folder);
    let errors = examined
        .problems
        .iter()
        .filter(|found| found.severity == sumac_policy::Severity::Error)
        .map(|found| in_file(&folder.file(), found));
    let errors: Vec<_> = errors.collect();
    if errors.is_empty() {
        return Ok(());
    }
    Err(hinted(
        format_args!("an MOU with errors is not proposed:\n{}", errors.join("\n")),
        "correct it; `sumac mou check` says all there is to say",
    ))
}

fn may_be_proposed(chain: &Chain, version: &Version) -> anyhow::Result<()> {
    let mou = version.mou();
    let next = match chain.is_next(mou) {
        Err(NotNext::OtherAgreement { .. }) => {
            tell!(
                "note: `{}` is a new agreement: those it lists sign it, and each operator activates it with \
                 --new-agreement",
                mou.id()
            );
            chain.is_new_agreement(mou)
        }
        next => next,
    };
    if let Err(error) = next {
        return Err(hinted(format_args!("this cannot be proposed: {error}"), error.hint()));
    }
    let today = day_of(world::now());
    let comment = chain.mou().amendment().map_or(0, |amendment| amendment.comment_days);
    let first = today.checked_add(i64::from(comment).days()).unwrap_or(today);
    if comment > 0 && mou.effective() < first {
        return Err(hinted(
            format_args!(
                "it takes effect on {}, and the MOU in force gives {comment} days for comment: {first} at the \
                 earliest",
                mou.effective()
            ),
            "choose a later `effective`",
        ));
    }
    Ok(())
}
