//! `sumac mou verify`: who has signed.

use std::path::PathBuf;

use sumac_policy::Party;

use crate::agreement::{MouFolder, SignatureState};
use crate::outcome::Outcome;
use crate::terminal::{answer, plain_table, tell};

/// See whether every party has signed an MOU
///
/// Holds each party's root certificate against the fingerprint in mou.toml, and each signature against that
/// root and these exact bytes. The exit code is 0 only if every party has signed: until then, every node
/// refuses every question.
///
/// Example: sumac mou verify ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let mou = folder.mou()?;
    let found: Vec<_> = mou.parties().iter().map(|party| look_at(&folder, party)).collect();
    let rows = mou.parties().iter().zip(&found).map(|(party, Found { root, signature, .. })| {
        [party.id.to_string(), (*root).to_owned(), (*signature).to_owned()]
    });
    let (title, version, hash) = (mou.title(), mou.version(), mou.hash());
    let table = plain_table(["PARTY", "ROOT", "SIGNATURE"], rows, &[]);
    answer(&format!("{title}, version {version}\n{hash}\n\n{table}"))?;

    for (party, why) in mou
        .parties()
        .iter()
        .zip(&found)
        .filter_map(|(party, found)| Some((party, found.why.as_ref()?)))
    {
        tell!("\n{}: {why}", party.id);
    }
    let (signed, parties) =
        (found.iter().filter(|found| found.signature == OK).count(), found.len());
    if signed == parties {
        tell!("\nAll {parties} parties have signed.");
        return Ok(Outcome::Done);
    }
    tell!("\n{signed} of {parties} parties have signed: no node acts on this MOU yet.");
    Ok(Outcome::Failed)
}

const OK: &str = "ok";

/// What was found of one party, each in a word, and why where it is bad.
struct Found {
    root: &'static str,
    signature: &'static str,
    why: Option<String>,
}

fn look_at(folder: &MouFolder, party: &Party) -> Found {
    let root = match folder.root(party) {
        Ok(root) => root,
        Err(error) => {
            let root = if folder.root_file(&party.id).exists() { "bad" } else { "missing" };
            return Found { root, signature: "not looked at", why: Some(format!("{error:#}")) };
        }
    };
    let (signature, why) = match folder.signature(&party.id, &root) {
        SignatureState::Signed => (OK, None),
        SignatureState::Missing => ("missing", None),
        SignatureState::Bad(why) => ("bad", Some(why)),
    };
    Found { root: OK, signature, why }
}
