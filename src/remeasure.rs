//! `sumac remeasure`: correct a released table.

use sumac_node::console::{Command, Reply};
use sumac_node::remeasure::{Correction, Plan};
use sumac_policy::{DimensionId, KpiId, Period};
use sumac_privacy::NanoRho;

use crate::counterpart::Counterpart;
use crate::home::HomeArgs;
use crate::leave::refuse_who_left;
use crate::outcome::{Outcome, hinted};
use crate::terminal::{confirm, tell};

/// Order a new measurement of a released table, because its data was wrong
///
/// A table is released once, and everybody who asks again gets the same
/// numbers. When the data behind it was wrong, import the right data and order
/// the table anew. Before anything happens you see what it costs and what is
/// left of the year. The next ask measures the table on the data of that day,
/// at full price; until then nobody is answered with it. Nothing is erased:
/// both revisions and your reason stay in the ledger, and whoever asks is told
/// the revision. Works while `sumac serve` runs, and while it does not.
///
/// Exit codes: 0 if it is ordered, 4 if the year's budget has no room for it, 1
/// otherwise.
///
/// Example:
///   sumac remeasure completers --period 2025-26 --by sex \
///     --because "the March file was missing"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,

    /// The KPI, as the MOU names it
    kpi: KpiId,

    /// The period: 2025-26, 2025-FALL, or 2026-Q1
    #[arg(long, value_name = "PERIOD")]
    period: Period,

    /// The dimensions of the table; without it, the total
    #[arg(long, value_delimiter = ',', value_name = "DIMENSION")]
    by: Vec<DimensionId>,

    /// Why: kept in the ledger
    #[arg(long, value_name = "REASON")]
    because: String,

    /// Do not ask for a confirmation
    #[arg(long)]
    yes: bool,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    refuse_who_left(&home, &home.settings()?)?;
    let correction = Correction {
        kpi: args.kpi.to_string(),
        period: args.period.to_string(),
        by: args.by.iter().map(ToString::to_string).collect(),
        because: args.because,
    };
    let mut node = Counterpart::find(&home)?;
    let command = |order| Command::Remeasure { correction: correction.clone(), order };
    let plan = match node.say(&command(false))? {
        Reply::Refused { message, hint, spent, .. } => return not_ordered(&message, &hint, spent),
        Reply::Planned(plan) => plan,
        _ => anyhow::bail!("the node replied to another command"),
    };
    tell!("{}", in_words(&correction, &plan));
    if !args.yes && !confirm("Measure this table anew?", "--yes")? {
        tell!("nothing was changed");
        return Ok(Outcome::Failed);
    }
    match node.say(&command(true))? {
        Reply::Refused { message, hint, spent, .. } => not_ordered(&message, &hint, spent),
        Reply::Ordered(plan) => {
            tell!("ordered: the next ask measures revision {}", u64::from(plan.revision) + 1);
            Ok(Outcome::Done)
        }
        _ => anyhow::bail!("the node replied to another command"),
    }
}

fn not_ordered(message: &str, hint: &str, spent: bool) -> anyhow::Result<Outcome> {
    if !spent {
        return Err(hinted(message, hint));
    }
    tell!("error: {message}\n\nhint: {hint}");
    Ok(Outcome::Spent)
}

/// What it costs, what is left, what stays.
fn in_words(correction: &Correction, plan: &Plan) -> String {
    let Correction { kpi, period, by, .. } = correction;
    let by = if by.is_empty() { "everybody".to_owned() } else { format!("by {}", by.join(", ")) };
    let [price, budget, spent] =
        [plan.price_nano_rho, plan.budget_nano_rho, plan.spent_nano_rho].map(NanoRho::new);
    let left = budget.checked_sub(spent).unwrap_or(NanoRho::ZERO);
    let after = left.checked_sub(price).unwrap_or(NanoRho::ZERO);
    let (year, margin, before) = (&plan.year, plan.margin, plan.margin_before);
    let (new, old) = (u64::from(plan.revision) + 1, plan.revision);
    format!(
        "{kpi}, {period}, {by}: revision {new}\n\
         costs  ρ {price}, paid when it is next asked for; each count within {margin} learners (now {before})\n\
         leaves ρ {after} of {budget} for {year}; now ρ {left} is left\n\
         keeps  revision {old} in the ledger, and with everybody who has it"
    )
}
