//! `sumac resume`: go on after a pause, or after a restore without a party that is gone.

use serde_json::json;
use sumac_node::console::{Command, Reply};
use sumac_node::resume::{Plan, Without};
use sumac_policy::PartyId;
use sumac_privacy::NanoRho;

use crate::counterpart::Counterpart;
use crate::home::{Home, HomeArgs};
use crate::outcome::{Outcome, hinted};
use crate::terminal::{Format, answer_json, confirm, tell};

/// Tables named before the rest is only counted.
const NAMED: usize = 10;

/// Let a node go on: after a pause, or after a restore
///
/// Alone, it ends a pause (`sumac pause`). With --without it lets a restored node
/// go on without a party that it waits for.
///
/// After `sumac restore` a node answers nobody until every party that may ask
/// has shown what it holds of the time since the backup. If one is gone for
/// good, its heads and receipts cannot say what was spent. Then the most that
/// may have been spent counts: the price of every table that was due and did
/// not come back. Those tables stay unanswered until `sumac remeasure`. You see
/// all of that before anything happens, and your reason stays in the ledger.
///
/// Wait rather than use this: a party is heard with its next `sumac ask`.
///
/// First `sumac mou activate` each version of the MOU that was accepted since the
/// backup: the tables that it added may have been measured, too. --mou-version
/// says which version the others go by today; ask one of them. A node that goes
/// by another refuses.
///
/// Examples:
///   sumac resume
///   sumac resume --without county-transit --because "it has left" --mou-version 2
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,

    /// A party to go on without; once for each
    #[arg(long, requires_all = ["because", "mou_version"], value_name = "PARTY")]
    without: Vec<PartyId>,

    /// Why to go on without it: kept in the ledger
    #[arg(long, requires = "without", value_name = "REASON")]
    because: Option<String>,

    /// The version of the MOU that the others go by today, as one of them says
    #[arg(long, requires = "without", value_name = "N")]
    mou_version: Option<u32>,

    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let Some((because, mou_version)) = args.because.zip(args.mou_version) else {
        return end_pause(&home, args.format);
    };
    let parties = args.without.iter().map(ToString::to_string).collect();
    let without = Without { parties, because, mou_version };
    let mut node = Counterpart::find(&home)?;
    let command = |order| Command::Resume { without: without.clone(), order };
    match node.say(&command(false))? {
        Reply::WouldResume(plan) => tell!("{}", in_words(&without, &plan)),
        Reply::Refused { message, hint, .. } => return Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    }
    if !args.yes && !confirm("Go on without them?", "--yes")? {
        tell!("nothing was changed");
        return Ok(Outcome::Failed);
    }
    match node.say(&command(true))? {
        Reply::Resumed(plan) if args.format == Format::Json => {
            answer_json(&json!({
                "format": "sumac-resumed/1",
                "without": without.parties,
                "because": without.because,
                "lost_nano_rho": plan.lost_nano_rho,
                "years": plan.years,
                "unanswered": plan.tables,
            }))?;
            Ok(Outcome::Done)
        }
        Reply::Resumed(_) => {
            tell!("the node answers again");
            Ok(Outcome::Done)
        }
        Reply::Refused { message, hint, .. } => Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    }
}

fn end_pause(home: &Home, format: Format) -> anyhow::Result<Outcome> {
    match Counterpart::find(home)?.say(&Command::EndPause)? {
        Reply::PauseEnded if format == Format::Json => {
            answer_json(&json!({ "format": "sumac-pause/1", "paused": false }))?;
            Ok(Outcome::Done)
        }
        Reply::PauseEnded => {
            tell!("the pause is over: the node answers again");
            Ok(Outcome::Done)
        }
        Reply::Refused { message, hint, .. } => Err(hinted(message, hint)),
        _ => anyhow::bail!("the node replied to another command"),
    }
}

/// What it costs, and what stays unanswered.
fn in_words(without: &Without, plan: &Plan) -> String {
    let Plan { lost_nano_rho, years, tables, budget_nano_rho } = plan;
    let [lost, budget] = [*lost_nano_rho, *budget_nano_rho].map(NanoRho::new);
    let mut text = format!(
        "going on without {}\ncounts as spent: ρ {lost} in {}, of ρ {budget} a year\n\
         unanswered until `sumac remeasure`: {} tables",
        without.parties.join(", "),
        years.join(" and in "),
        tables.len()
    );
    for table in tables.iter().take(NAMED) {
        text += &format!("\n  {table}");
    }
    if tables.len() > NAMED {
        text += &format!("\n  and {} more", tables.len() - NAMED);
    }
    text
}
