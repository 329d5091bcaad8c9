//! `sumac status`: where a party stands.

mod facts;
mod nodes;
mod words;

pub(crate) use words::{bar, percent, standing};

use anyhow::Context;

use crate::agreement::{Agreement, MouFolder};
use crate::home::HomeArgs;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer, tell};
use crate::world;

/// Show where this party stands: MOU, certificates, data, budget
///
/// At a node: the MOU and until when it is in force, how long the certificates live, which periods the data
/// covers, what this accounting year's budget has left, and what comes due next. Works while the node is
/// serving, and spends nothing. At the backbone it also asks every node to describe itself.
///
/// Example: sumac status --home /srv/sumac
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let now = world::now();
    let mou = match MouFolder::read(&settings.mou).and_then(|folder| folder.mou()) {
        Ok(mou) => Some(mou),
        Err(error) => {
            tell!("note: no MOU can be used yet: {error:#}\n");
            None
        }
    };
    let mut facts = facts::gather(&home, &settings, mou.as_ref(), now)?;
    if facts.asks_only {
        match Agreement::of_home(&home, &settings) {
            Ok(agreement) => facts.nodes = nodes::describe(&home, &agreement)?,
            Err(error) => tell!("note: the nodes were not asked: {error:#}\n"),
        }
    }
    let text = match args.format {
        Format::Text => words::table(&facts, now),
        Format::Json => serde_json::to_string_pretty(&words::json(&facts, now))
            .map(|text| text + "\n")
            .context("write the status as JSON")?,
    };
    answer(&text)?;
    Ok(Outcome::Done)
}
