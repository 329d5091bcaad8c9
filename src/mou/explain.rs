//! `sumac mou explain`: the agreement in words, or what it says to one question.

mod question;
mod words;

use std::path::PathBuf;

use anyhow::Context;
use jiff::civil::Date;
use sumac_policy::explain::{Paper, explain};
use sumac_policy::{DimensionId, KpiId, PartyId, Period, Purpose};
use sumac_privacy::figures;

use crate::agreement::MouFolder;
use crate::outcome::{Hint, Outcome};
use crate::terminal::{Format, answer};

/// Say an MOU in plain words, each sentence with its clause; or what it says to a question
///
/// Without a question: numbered paragraphs to sign beside. Each sentence ends
/// with the clauses of mou.toml that it restates, and who keeps them: the
/// node, the backbone, the reading of the file, or nobody but people.
///
/// With a question: what each party's node would answer or refuse, under which
/// clause, how precisely and at what price. Nobody is asked and nothing is
/// spent, so what a node holds, has spent or has released is not looked at.
///
/// The exit code is 3 if every node would refuse the question.
///
/// Examples:
///   sumac mou explain ./mou
///   sumac mou explain ./mou retention --period 2025-26 --by race_ethnicity
///   sumac mou explain ./mou retention --as lakeshore-cc --on 2026-08-01
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    question: Question,

    /// text for people; json for programs
    #[arg(long, default_value = "text", value_name = "FORMAT")]
    format: Format,
}

/// A question, as `sumac ask` takes it, and who asks it when.
#[derive(Debug, clap::Args)]
struct Question {
    /// The KPI, as the MOU names it
    kpi: Option<KpiId>,

    /// The period: 2025-26, 2025-FALL, or 2026-Q1 [default: the latest that may be asked]
    #[arg(long, requires = "kpi", value_name = "PERIOD")]
    period: Option<Period>,

    /// Break down by these dimensions; without it, the total
    #[arg(long, requires = "kpi", value_delimiter = ',', value_name = "DIMENSION")]
    by: Vec<DimensionId>,

    /// What for: one of the MOU's purposes [default: the first]
    #[arg(long, requires = "kpi", value_name = "PURPOSE")]
    purpose: Option<Purpose>,

    /// Which party asks [default: the first that may]
    #[arg(long = "as", requires = "kpi", value_name = "PARTY")]
    asker: Option<PartyId>,

    /// On which day it is asked [default: today]
    #[arg(long, requires = "kpi", value_name = "DATE")]
    on: Option<Date>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let mou = folder.mou()?;
    if let Some(kpi) = &args.question.kpi {
        return question::run(&mou, kpi, &args.question, args.format);
    }
    let paper = Paper::read(folder.bytes()).context("read the MOU's clauses")?;
    let figures = figures(&mou)
        .context("say what a learner risks")
        .hint("a budget that large protects nobody: see `privacy.budget`")?;
    let paragraphs = explain(&mou, &paper, &figures);
    answer(&match args.format {
        Format::Text => words::text(&mou, &paragraphs),
        Format::Json => words::json(&paragraphs)?,
    })?;
    Ok(Outcome::Done)
}
