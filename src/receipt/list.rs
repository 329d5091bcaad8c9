//! `sumac receipt list`: what this home keeps.

use anyhow::Context;
use sumac_backbone::Keep;
use sumac_protocol::Release;

use crate::home::HomeArgs;
use crate::outcome::Outcome;
use crate::terminal::{answer, plain_table, tell};

/// Show the receipts that this home keeps
///
/// One line for each release, as it first came. What is listed is read, not verified; `sumac receipt verify` does
/// that. A receipt that contradicts another one is marked, and makes the exit code 1.
///
/// Example: sumac receipt list
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let kept = Keep::receipts(home.dir()).context("list the receipts")?;
    let mut outcome = Outcome::Done;
    let mut rows = Vec::new();
    for found in kept {
        let path = found.path.strip_prefix(home.dir()).unwrap_or(&found.path).display().to_string();
        if found.differs {
            tell!(
                "error: `{path}` contradicts the receipt beside it: its node showed two releases of one table"
            );
            outcome = Outcome::Failed;
        }
        let release = found.receipt.map_err(anyhow::Error::from).and_then(|receipt| {
            Release::decode(&receipt.release.body).with_context(|| format!("read `{path}`"))
        });
        match release {
            Ok(release) => {
                let facts = release.facts();
                rows.push([
                    facts.party.to_string(),
                    facts.kpi.to_string(),
                    facts.period.to_string(),
                    facts.breakdown.to_string(),
                    facts.revision.to_string(),
                    facts.measured_at.strftime("%Y-%m-%d").to_string(),
                    path,
                ]);
            }
            Err(error) => {
                tell!("error: {error:#}");
                outcome = Outcome::Failed;
            }
        }
    }
    rows.sort();
    let header = ["PARTY", "KPI", "PERIOD", "BY", "REVISION", "MEASURED", "FILE"];
    answer(&plain_table(header, rows, &[]))?;
    Ok(outcome)
}
