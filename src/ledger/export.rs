//! `sumac ledger export`: a copy of the log for a party that may audit.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::json;
use sumac_node::console::{Command, Reply};
use sumac_node::store::{self, Cut, log_file};
use sumac_policy::PartyId;

use crate::agreement::Agreement;
use crate::counterpart::Counterpart;
use crate::home::{Home, HomeArgs};
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer_json, tell};

/// Copy the ledger's log for a party that the MOU lets audit
///
/// The MOU's clause `[audit]` names who may have a copy of each node's log: who
/// asked what, what was refused, charged and released, what the operator
/// ordered. In the folder OUT are those records, under the node's signature,
/// and nothing else: no released number, no snapshot, no secret, no key. That
/// the copy was made, and for whom, is a record of the log and lies in the copy.
///
/// The auditor checks it offline, with an MOU folder of its own:
/// `sumac ledger check --ledger OUT --mou DIR`. Works while the node serves.
///
/// Exit codes: 0 if it is made, 3 if the MOU does not let that party have one,
/// 1 otherwise.
///
/// Example: sumac ledger export ./for-the-chamber --for lakeshore-chamber
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder to make
    #[arg(value_name = "OUT")]
    out: PathBuf,

    /// The party that gets it
    #[arg(long = "for", value_name = "PARTY")]
    party: PartyId,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let shown = args.out.display();
    if args.out.try_exists().with_context(|| format!("look at `{shown}`"))? {
        return Err(hinted(format_args!("`{shown}` is already there"), "name another folder"));
    }
    if !log_file(&home.ledger()).exists() {
        return Err(hinted(
            "this home has no ledger: no node of it has answered anything",
            "run it in the home of a party's node",
        ));
    }
    // Held until the copy is made: nobody else opens the ledger meanwhile.
    let mut node = Counterpart::find(&home)?;
    let cut = match node.say(&Command::Export { party: args.party.to_string() })? {
        Reply::Cut(cut) => cut,
        Reply::Refused { message, hint, by_mou: true, .. } => {
            tell!("error: {message}\n\nhint: {hint}");
            return Ok(Outcome::Refused);
        }
        Reply::Refused { message, hint, .. } => return Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    };
    write(&home, cut, &args.out)
        .with_context(|| format!("write the copy `{shown}`"))
        .hint("that it was ordered is in the log; run it again")?;
    if args.format == Format::Json {
        answer_json(&json!({
            "format": "sumac-export/1",
            "for": args.party.to_string(),
            "folder": shown.to_string(),
            "records": cut.records,
        }))?;
        return Ok(Outcome::Done);
    }
    tell!("{} records for `{}`, in {shown}", cut.records, args.party);
    tell!("Checked offline by `sumac ledger check --ledger {shown} --mou DIR`.");
    Ok(Outcome::Done)
}

/// Copies beside the place, checks what is there as the auditor will, and gives it its name.
fn write(home: &Home, cut: Cut, out: &Path) -> anyhow::Result<()> {
    let name = out.file_name().context("it needs a name")?.to_string_lossy();
    let aside = out.with_file_name(format!(".{name}.{}.partial", std::process::id()));
    let written = || -> anyhow::Result<()> {
        cut.copy(&home.ledger(), &aside)?;
        let trust = Agreement::of_home(home, &home.settings()?)?.trust;
        store::check(&aside, Some(&trust)).context("check it")?;
        Ok(fs::rename(&aside, out)?)
    };
    let written = written();
    if written.is_err() {
        // What went wrong is told; this only tidies up.
        let _ = fs::remove_dir_all(&aside);
    }
    written
}
