//! `sumac mapping list`: what comes with Sumac.

use std::io::{self, Write};

use sumac_node::records::mapping::BUILT_IN;

use crate::outcome::Outcome;

/// List the mappings that come with Sumac
///
/// Each is named on the command line like a file of your own.
///
/// Example: sumac mapping list
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

pub(super) fn run(_: &Args) -> anyhow::Result<Outcome> {
    let mut out = io::stdout().lock();
    for mapping in BUILT_IN {
        writeln!(out, "{}  {}", mapping.name, mapping.about)?;
    }
    Ok(Outcome::Done)
}
