//! `sumac held`: what waits for a steward.

mod decide;
mod steward;
mod words;

pub(crate) use decide::{ApproveArgs, RejectArgs, approve, reject};

use anyhow::Context;

use self::steward::StewardArgs;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer};

/// List the questions that wait for a steward's approval
///
/// Where the MOU says `needs = "approval"` for a KPI, a question about it waits
/// at each node until one of the node's own stewards approves it, or two
/// different ones. Nothing is counted or spent before. The list says who asked
/// what and what for, what it would cost, and within which margin the noisy
/// answer would be; there is no value to show.
///
/// Needs a steward's certificate of this party (`sumac certificate issue
/// steward --name NAME`), the capability `approve` in the MOU, and the node to
/// serve.
///
/// Example: sumac held
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    steward: StewardArgs,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let questions = match args.steward.ask(|steward| async move { steward.list().await })? {
        Ok(questions) => questions,
        Err(outcome) => return Ok(outcome),
    };
    let text = match args.format {
        Format::Text => words::table(&questions),
        Format::Json => serde_json::to_string_pretty(&words::json(&questions))
            .map(|text| text + "\n")
            .context("write the list as JSON")?,
    };
    answer(&text)?;
    Ok(Outcome::Done)
}
