//! `sumac mou activate`: go by the next version.

use std::path::PathBuf;

use serde_json::json;
use sumac_keys::{Accepted, NotAccepted, Papers};
use sumac_node::console::{Activated, Command, Reply};
use sumac_node::day_of;

use crate::agreement::Agreement;
use crate::counterpart::Counterpart;
use crate::home::{Home, HomeArgs, Settings};
use crate::outcome::{Hint, Outcome, hinted};
use crate::terminal::{Format, answer, answer_json, tell};
use crate::world;

/// Go by the next version of the MOU
///
/// Holds DIR against the version in force in this home: everyone who has to must
/// have signed. If its first day has come, it is in force at once; else it is
/// accepted, and taken up by itself on that day. A node that serves goes on
/// serving: no question is cut in two. The version before is kept in
/// mou/earlier, because what was released under it stays released.
///
/// --new-agreement accepts version 1 of another agreement, by which the rest go
/// on without a party that signs no more. What was spent stays spent.
///
/// Every party does this for itself; until a node has, it refuses questions
/// asked by the new version as MOU_DIFFERS.
///
/// Example: sumac mou activate ./sumac-home/proposals/2-1f0c9a3e
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder that holds mou.toml and every signature
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    /// It begins a new agreement, without those who sign no more
    #[arg(long)]
    new_agreement: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let activated = if home.ledger().exists() {
        at_a_node(&home, args)?
    } else {
        here(&home, &settings, args)?
    };
    let Activated { version, mou, effective, in_force } = &activated;
    match args.format {
        Format::Json => answer_json(&json!({
            "format": "sumac-activated/1",
            "version": version,
            "mou": mou,
            "effective": effective,
            "in_force": in_force,
        }))?,
        Format::Text if *in_force => answer(&format!("version {version} is in force\n"))?,
        Format::Text => {
            answer(&format!("version {version} is accepted, and in force from {effective} on\n"))?;
        }
    }
    tell!("{mou}");
    Ok(Outcome::Done)
}

/// The node writes it into its log first.
fn at_a_node(home: &Home, args: &Args) -> anyhow::Result<Activated> {
    let folder = args.dir.canonicalize().unwrap_or_else(|_| args.dir.clone());
    let command = Command::Activate { folder, new_agreement: args.new_agreement };
    match Counterpart::find(home)?.say(&command)? {
        Reply::Activated(activated) => Ok(activated),
        Reply::Refused { message, hint, .. } => {
            Err(hinted(format_args!("the version before stands: {message}"), hint))
        }
        _ => anyhow::bail!("the node replied to another command"),
    }
}

/// A party that only asks has no log.
fn here(home: &Home, settings: &Settings, args: &Args) -> anyhow::Result<Activated> {
    let chain = Agreement::of_home(home, settings)?.chain;
    let papers = Papers::read(&args.dir).hint("name the folder that holds mou.toml")?;
    let today = day_of(world::now());
    let accepted = match Accepted::judge(papers, &chain, args.new_agreement, today) {
        Ok(accepted) => accepted,
        Err(error) => {
            let hint = hint(&error);
            return Err(hinted(format_args!("the version before stands: {error}"), hint));
        }
    };
    let mou = accepted.version().mou().clone();
    if mou.party(&settings.party).is_none() {
        return Err(hinted(
            format_args!("`{}` is not a party to it", settings.party),
            "a party that leaves runs `sumac leave`",
        ));
    }
    let shelf = home.shelf(settings);
    shelf.accept(&accepted)?;
    let in_force = mou.effective() <= today;
    if in_force {
        shelf.take_up()?;
    }
    Ok(Activated {
        version: mou.version(),
        mou: mou.hash().to_string(),
        effective: mou.effective().to_string(),
        in_force,
    })
}

fn hint(error: &NotAccepted) -> String {
    match error {
        NotAccepted::NotNext(error) => error.hint().to_owned(),
        NotAccepted::NotSigned { lacking, .. } => {
            let files: Vec<_> = lacking.iter().map(|needed| needed.file()).collect();
            format!("still needed: {}", files.join(", "))
        }
        NotAccepted::Version(_) | NotAccepted::Expired(_) => {
            "`sumac mou verify` looks at every party".to_owned()
        }
    }
}
