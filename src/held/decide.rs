//! `sumac approve`, `sumac reject`: a steward decides a question that waits.

use sumac_protocol::Decision;

use super::steward::StewardArgs;
use super::words;
use crate::outcome::Outcome;
use crate::terminal::{Format, answer_json, tell};

/// Approve a question that waits, as a steward
///
/// The next ask of the table is then measured and paid for. The approval is for
/// this table, on the data and under the MOU version of today: a new import or
/// version voids it. Where the MOU wants two approvals, a second steward with
/// another certificate approves as well. Your name goes into the ledger.
///
/// `sumac held` lists the numbers. The exit code is 3 if you may not approve.
///
/// Example: sumac approve 3
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ApproveArgs {
    /// The question's number
    number: u64,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    steward: StewardArgs,
}

/// Reject a question that waits, as a steward
///
/// Whoever asks is told your reason. The question can be asked anew once the
/// data or the MOU has changed. An approval that was given can be taken back
/// so, until the table is measured. Your name goes into the ledger.
///
/// Example: sumac reject 3 --because "this cohort is under investigation"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct RejectArgs {
    /// The question's number
    number: u64,

    /// Why: told to whoever asks, and kept in the ledger
    #[arg(long, value_name = "REASON")]
    because: String,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,

    #[command(flatten)]
    steward: StewardArgs,
}

pub(crate) fn approve(args: &ApproveArgs) -> anyhow::Result<Outcome> {
    decide(&args.steward, args.number, Decision::Approve, args.format)
}

pub(crate) fn reject(args: RejectArgs) -> anyhow::Result<Outcome> {
    decide(&args.steward, args.number, Decision::Reject { because: args.because }, args.format)
}

fn decide(
    steward: &StewardArgs,
    number: u64,
    decision: Decision,
    format: Format,
) -> anyhow::Result<Outcome> {
    match steward.ask(|steward| async move { steward.decide(number, decision).await })? {
        Ok(question) if format == Format::Json => {
            answer_json(&words::json(&[question]))?;
            Ok(Outcome::Done)
        }
        Ok(question) => {
            tell!("question {number}, {}: {}", words::table_of(&question), words::state(&question));
            Ok(Outcome::Done)
        }
        Err(outcome) => Ok(outcome),
    }
}
