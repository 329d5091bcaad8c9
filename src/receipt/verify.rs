//! `sumac receipt verify`: what a receipt proves, and what it does not.

use std::fmt::Write;
use std::path::PathBuf;

use anyhow::Context;
use sumac_backbone::{Keep, Note, Proved, Receipt};
use sumac_policy::{Margin, Party};
use sumac_privacy::NanoRho;
use sumac_protocol::{Mechanism, ReleaseFacts};

use crate::agreement::Agreement;
use crate::outcome::{Hint, Outcome};
use crate::terminal::{answer, tell};

/// Verify a receipt, offline
///
/// Needs the receipt and the folder of the MOU by which the table was released, or of a later version that keeps it in
/// `earlier`; no home, no network. Holds the seal of the release, the table's meaning, noise and price, the record in the node's log, and
/// the sealed head of that log against each other, and says what was proved and what was not. The exit code is 0
/// only if all of it holds.
///
/// Example: sumac receipt verify receipt.json --mou ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The receipt
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The folder that holds mou.toml and the parties' roots
    #[arg(long, value_name = "DIR")]
    mou: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let receipt = Keep::read_receipt(&args.file)
        .hint("`sumac receipt list` shows the receipts that a home keeps")?;
    let Agreement { mou, chain, lacking, .. } = Agreement::read(&args.mou)?;
    match receipt.verify_in(&chain) {
        Ok(proved) => {
            let lacking: Vec<_> = lacking.iter().map(|needed| needed.party.as_str()).collect();
            let facts = proved.release().facts();
            let named = chain.version(facts.mou).map_or(&mou, |version| version.mou());
            let party = named.party(&facts.party).map_or(facts.party.as_str(), name);
            let scales = named.kpi(&facts.kpi).map(|kpi| kpi.definition.scales());
            let scales = scales.context("find the KPI of a release that was verified")?;
            answer(&words(party, &receipt, &proved, &scales, &lacking))?;
            Ok(Outcome::Done)
        }
        Err(error) => {
            tell!("error: the receipt `{}` does not hold: {error}", args.file.display());
            tell!(
                "\nhint: use the folder of the MOU by which the table was released, and the file as it was kept"
            );
            Ok(Outcome::Failed)
        }
    }
}

fn name(party: &Party) -> &str {
    &party.name
}

fn words(
    party: &str,
    receipt: &Receipt,
    proved: &Proved,
    scales: &[u64],
    lacking: &[&str],
) -> String {
    let facts = proved.release().facts();
    let head = receipt.head.head;
    let mut text = format!(
        "The receipt holds.\n\n{}, {}, by {}: released by {party}\n\n\
         Proved:\n\
         - {} sealed these numbers on {}, under the MOU {}\n\
         - they are the table that the MOU defines so, revision {}: {}\n\
         - {}\n\
         - {}\n\
         - the node's log holds them at position {} of {}; {} sealed that log's head on {}\n\
         - they were measured on one frozen snapshot; only the node can say which: {}\n\n",
        facts.kpi,
        facts.period,
        facts.breakdown,
        proved.sealed_by(),
        facts.measured_at,
        facts.mou,
        facts.revision,
        facts.definition,
        noise(facts, scales),
        price(facts),
        receipt.recorded.inclusion.seq,
        head.size,
        proved.head_sealed_by(),
        head.at,
        hex(&facts.snapshot_commitment),
    );
    text += "Not proved:\n\
             - that the counts behind the noise are right: only the node saw the records\n\
             - that the node shows everyone this log: compare the head with what others keep\n";
    match &receipt.note {
        Some(Note { asker, purpose, request_id }) => {
            let _ = writeln!(
                text,
                "- who asked and what for, which nobody signed: {asker:?}, {purpose:?}, request {request_id:?}"
            );
        }
        None => text += "- who asked and what for: the receipt does not say\n",
    }
    if !lacking.is_empty() {
        let lacking = lacking.join(", ");
        let _ =
            writeln!(text, "- that all parties agreed to the MOU: {lacking} did not sign it here");
    }
    let groups = proved.release().groups();
    let _ = writeln!(
        text,
        "\nCells ({groups} groups of {}): {}",
        facts.outcomes.join(", "),
        facts.cells.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    );
    text
}

/// The noise, with its deviation as a fraction.
fn noise(facts: &ReleaseFacts, scales: &[u64]) -> String {
    let Mechanism::DiscreteGaussian = facts.mechanism;
    let margin = facts.margin;
    match &facts.derived_from {
        None => format!(
            "each cell has discrete Gaussian noise with σ = {} learners: within {margin}, 95 % of the time{}",
            deviation(margin, 1),
            wider(margin, &facts.outcomes, scales)
        ),
        Some(from) => format!(
            "its cells were added up from table {} (revision {}): each within {margin}, 95 % of the time",
            from.table, from.revision
        ),
    }
}

/// The outcomes whose noise is not that of a count: a mean's sum.
fn wider(margin: Margin, outcomes: &[String], scales: &[u64]) -> String {
    let wider = outcomes.iter().zip(scales).filter(|(_, scale)| **scale != 1);
    let wider = wider.map(|(outcome, scale)| {
        let deviation = deviation(margin, *scale);
        format!("; but `{outcome}` has {scale} times as much, for the width of the clip: σ = {deviation}")
    });
    wider.collect()
}

/// σ = 25M/49 times the scale, in lowest terms: 49 is seven times seven.
fn deviation(margin: Margin, scale: u64) -> String {
    let (mut above, mut below) = (u128::from(margin.learners()) * 25 * u128::from(scale), 49);
    while above % 7 == 0 && below > 1 {
        (above, below) = (above / 7, below / 7);
    }
    if below == 1 { above.to_string() } else { format!("{above}/{below}") }
}

fn price(facts: &ReleaseFacts) -> String {
    if facts.derived_from.is_some() {
        return "it cost nothing: what was added up had been paid for".to_owned();
    }
    let left = facts.left_nano_rho.map_or_else(String::new, |left| {
        format!("; by what the node states, ρ {} were left then", NanoRho::new(left))
    });
    format!(
        "it cost ρ {} of the node's budget of {}, which is what that margin costs{left}",
        NanoRho::new(facts.price_nano_rho),
        facts.accounting_year
    )
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_deviation_is_a_fraction_in_lowest_terms() {
        for (learners, expected) in
            [(1, "25/49"), (10, "250/49"), (7, "25/7"), (14, "50/7"), (49, "25"), (98, "50")]
        {
            assert_eq!(deviation(Margin::new(learners).unwrap(), 1), expected);
        }
    }

    #[test]
    fn the_sum_of_a_mean_has_noise_of_its_own() {
        let margin = Margin::new(10).unwrap();
        let said =
            |outcomes: [&str; 2], scales| wider(margin, &outcomes.map(str::to_owned), scales);
        assert_eq!(said(["no", "yes"], &[1, 1]), "");
        assert_eq!(
            said(["learners", "sum"], &[1, 1700]),
            "; but `sum` has 1700 times as much, for the width of the clip: σ = 425000/49"
        );
        assert!(said(["learners", "sum"], &[1, 4900]).ends_with("σ = 25000"));
    }
}
