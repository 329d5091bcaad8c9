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
    let mut rows = Vec::new();
    let mut signed = 0;
    for party in mou.parties() {
        let found = look_at(&folder, party);
        signed += usize::from(found.signed);
        rows.push([party.id.to_string(), found.root, found.signature]);
    }
    let (title, version, hash) = (mou.title(), mou.version(), mou.hash());
    let table = plain_table(["PARTY", "ROOT", "SIGNATURE"], rows, &[]);
    answer(&format!("{title}, version {version}\n{hash}\n\n{table}"))?;
    let parties = mou.parties().len();
    if signed == parties {
        tell!("\nAll {parties} parties have signed.");
        return Ok(Outcome::Done);
    }
    tell!("\n{signed} of {parties} parties have signed: no node acts on this MOU yet.");
    Ok(Outcome::Failed)
}

/// What was found of one party.
struct Found {
    root: String,
    signature: String,
    signed: bool,
}

fn look_at(folder: &MouFolder, party: &Party) -> Found {
    let root = match folder.root(party) {
        Ok(root) => root,
        Err(error) if !folder.root_file(&party.id).exists() => {
            tracing::debug!("{error:#}");
            let signature = "not looked at".to_owned();
            return Found { root: "missing".to_owned(), signature, signed: false };
        }
        Err(error) => {
            let signature = "not looked at".to_owned();
            return Found { root: format!("{error:#}"), signature, signed: false };
        }
    };
    let (signature, signed) = match folder.signature(&party.id, &root) {
        SignatureState::Signed => ("ok".to_owned(), true),
        SignatureState::Missing => ("missing".to_owned(), false),
        SignatureState::Bad(why) => (why, false),
    };
    Found { root: "ok".to_owned(), signature, signed }
}
