//! `sumac mou verify`: who has signed.

use std::path::PathBuf;

use serde_json::json;
use sumac_keys::{Needed, Papers, SignatureState, Standing, Version};
use sumac_policy::Mou;

use super::replaced::replaced;
use crate::agreement::MouFolder;
use crate::home::HomeArgs;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer, answer_json, plain_table, tell};

/// See whether everyone has signed an MOU who has to
///
/// Holds each party's root certificate against the fingerprint in mou.toml, and each signature against that root and
/// these exact bytes. A version that replaces another is signed by the parties of both, with the roots that the others
/// know: those of the version replaced, which is looked for in DIR/earlier and in the home. A party that left signs
/// nothing if its notice lies in exits/. The exit code is 0 only if everyone has signed: until then, every node refuses
/// every question by it.
///
/// Example: sumac mou verify ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let mou = folder.mou()?;
    let Some(roots) = roots(&folder, &mou, args.format)? else { return Ok(Outcome::Failed) };
    let papers = Papers::read(&args.dir)?;
    let version = Version::read(&papers)?;
    let before = replaced(&args.dir, &mou, &args.home)?;
    let standing = Standing::of(&papers, &version, before.as_ref());
    let (signed, all) = counts(&standing);
    match args.format {
        Format::Json => answer_json(&super::standing_json(&mou, &standing))?,
        Format::Text => answer(&table(&mou, &roots, &standing))?,
    }
    tell_what_is_wrong(&standing);
    if mou.replaces().is_some() && before.is_none() {
        tell!(
            "\nnote: the version that it replaces is not at hand, so only its own parties were looked at: put that \
             version into `earlier`, or name a home with --home"
        );
    }
    if standing.is_complete() {
        tell!("\nAll {all} parties have signed.");
        return Ok(Outcome::Done);
    }
    tell!("\n{signed} of {all} parties have signed: no node acts on this MOU yet.");
    Ok(Outcome::Failed)
}

/// How many of the parties that have to have signed, by all of their roots that have to.
pub(super) fn counts(standing: &Standing) -> (usize, usize) {
    let mut parties: Vec<_> = standing.signatures().iter().map(|needed| &needed.party).collect();
    parties.dedup();
    let all = parties.len();
    parties.retain(|party| !standing.lacking().any(|needed| needed.party == **party));
    (parties.len(), all)
}

/// Each party's root in a word. None if one is missing or wrong, which was told.
fn roots(
    folder: &MouFolder,
    mou: &Mou,
    format: Format,
) -> anyhow::Result<Option<Vec<&'static str>>> {
    let mut wrong = Vec::new();
    let mut roots = Vec::new();
    for party in mou.parties() {
        roots.push(match folder.root(party) {
            Ok(_) => OK,
            Err(error) => {
                wrong.push((party.id.clone(), format!("{error:#}")));
                if folder.root_file(&party.id).exists() { "bad" } else { "missing" }
            }
        });
    }
    if wrong.is_empty() {
        return Ok(Some(roots));
    }
    if format == Format::Text {
        let rows = mou.parties().iter().zip(&roots).map(|(party, root)| {
            let signature = match (folder.root(party), *root) {
                (Ok(root), OK) => word(&folder.signature(&party.id, &root)),
                _ => "not looked at",
            };
            [party.id.to_string(), (*root).to_owned(), signature.to_owned()]
        });
        answer(&headed(mou, &plain_table(["PARTY", "ROOT", "SIGNATURE"], rows, &[])))?;
    }
    if format == Format::Json {
        let roots = mou.parties().iter().zip(&roots).map(|(party, root)| {
            let why = wrong.iter().find(|(id, _)| *id == party.id).map(|(_, why)| why);
            json!({ "party": party.id.to_string(), "root": root, "why": why })
        });
        answer_json(&json!({
            "format": "sumac-roots/1",
            "agreement": mou.id(),
            "version": mou.version(),
            "mou": mou.hash().to_string(),
            "complete": false,
            "roots": roots.collect::<Vec<_>>(),
        }))?;
    }
    for (party, why) in &wrong {
        tell!("\n{party}: {why}");
    }
    let (sound, all) = (mou.parties().len() - wrong.len(), mou.parties().len());
    tell!("\n{sound} of {all} roots are as pinned: no node acts on this MOU yet.");
    Ok(None)
}

fn headed(mou: &Mou, table: &str) -> String {
    let (title, version, hash) = (mou.title(), mou.version(), mou.hash());
    format!("{title}, version {version}\n{hash}\n\n{table}")
}

fn table(mou: &Mou, roots: &[&str], standing: &Standing) -> String {
    let rows = standing.signatures().iter().map(|needed| {
        let place = mou.parties().iter().position(|party| party.id == needed.party);
        let root = place.and_then(|place| roots.get(place)).copied().unwrap_or("leaves");
        [named(needed), root.to_owned(), word(&needed.state).to_owned()]
    });
    let mut text = headed(mou, &plain_table(["PARTY", "ROOT", "SIGNATURE"], rows, &[]));
    for exit in standing.exits() {
        text += &match &exit.notice {
            Ok(notice) => format!("{} left on {}: it signs nothing\n", exit.party, notice.on()),
            Err(why) => format!("the notice of exit of {} does not stand: {why}\n", exit.party),
        };
    }
    text
}

/// A party, and which of its roots where it has two.
pub(super) fn named(needed: &Needed) -> String {
    match needed.by {
        sumac_keys::By::Root => needed.party.to_string(),
        sumac_keys::By::NewRoot => format!("{} (new root)", needed.party),
    }
}

/// How a signature stands, in a word.
pub(super) fn word(state: &SignatureState) -> &'static str {
    match state {
        SignatureState::Signed => OK,
        SignatureState::Missing => "missing",
        SignatureState::Bad(_) => "bad",
    }
}

/// Says why each signature that does not stand does not.
pub(super) fn tell_what_is_wrong(standing: &Standing) {
    for needed in standing.lacking() {
        if let SignatureState::Bad(why) = &needed.state {
            tell!("\n{}: {why}", needed.party);
        }
    }
}

const OK: &str = "ok";
