//! `sumac ledger show`: what was asked, by whom, what it cost, and how long the budget will last.

mod facts;
mod words;

use anyhow::Context;
use sumac_node::{day_of, store};

use self::facts::Facts;
use super::LedgerArgs;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer, tell};
use crate::world;

/// Show what was asked, by whom, what it cost, and what is left
///
/// One line for each table that was paid for, and a bar for this accounting year: what is spent of its budget,
/// when it would run out at this pace, and whether it holds the tables that the MOU's calendar still brings. Works
/// while the node serves, and spends nothing.
///
/// Example: sumac ledger show --home /srv/sumac
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    of: LedgerArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let ledger = args.of.find()?;
    let history = store::history(&ledger.dir).context("read the ledger")?;
    let mou = match ledger.mou() {
        Ok(mou) => Some(mou),
        Err(error) => {
            tell!("note: without an MOU there is no calendar and no pace: {error:#}\n");
            None
        }
    };
    let party = ledger.settings.as_ref().map(|settings| &settings.party);
    let mut facts = Facts::gather(&history, mou.as_ref(), party, day_of(world::now()));
    facts.standing = Some(store::read_only(&ledger.dir).context("read the ledger")?.standing);
    let text = match args.format {
        Format::Text => words::table(&facts),
        Format::Json => serde_json::to_string_pretty(&words::json(&facts))
            .map(|text| text + "\n")
            .context("write the ledger as JSON")?,
    };
    answer(&text)?;
    Ok(Outcome::Done)
}
