//! `sumac mou budget`: the year as a calendar, what it costs, how precise it will be, and what would fit.

mod fit;
mod machine;
mod words;

use std::path::PathBuf;

use anyhow::Context;
use sumac_policy::{Mou, Problem, Problems, Severity};
use sumac_privacy::budget::{DropCandidate, DueTable, YearPrice, calendar, drop_first, passes};
use sumac_privacy::forecast::{TableForecast, forecast};
use sumac_privacy::{Exposure, NanoRho, year_prices};

use crate::agreement::{MouFolder, in_file};
use crate::mou::sizes::SizesArgs;
use crate::outcome::{Outcome, hinted};
use crate::terminal::{Format, answer, answer_json};

pub(super) use words::years;

/// The δ at which ε is stated: less than one in a million.
const DELTA: f64 = 1e-6;

/// Show an MOU's year as a calendar: what falls due, what it costs, how precise it is
///
/// Lists every table with the day on which it falls due, its price at one node and what is spent of the year by
/// then; where the budget would be passed, the day, the table, and which KPI to drop first: the one that frees
/// most for each breakdown lost. Then what the whole year tells about one learner.
///
/// Say how large the coalition is, roughly, with --sizes or --learners, and it also says which groups will be
/// withheld, and how wide each margin will be. --fit proposes margins that fit the budget, as lines to change: of
/// equal shares, or, with sizes, narrower where groups are small. Asks nobody, spends nothing, changes no file. The exit code is 1 if a year does not fit.
///
/// Example: sumac mou budget ./mou --learners 3000 --fit
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,

    #[command(flatten)]
    sizes: SizesArgs,

    /// List every group, not only those that will be withheld
    #[arg(long)]
    groups: bool,

    /// Propose margins that fit the budget
    #[arg(long)]
    fit: bool,

    /// For people, or for machines
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Everything that there is to say about a budget.
struct Facts {
    mou: Mou,
    budget: NanoRho,
    years: Vec<YearPrice>,
    calendar: Vec<DueTable>,
    passed: Vec<DueTable>,
    /// Of each kind's fullest year, what to drop first.
    drops: Vec<(YearPrice, Vec<DropCandidate>)>,
    /// What a node's whole year tells about a learner, and what all that answer tell together.
    exposure: (Exposure, u32, Exposure),
    forecast: Option<Vec<TableForecast>>,
    fit: Option<fit::Proposal>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let mou = readable(&folder)?;
    let sizes = args.sizes.read(&mou)?;
    let forecast = sizes.map(|sizes| forecast(&mou, &sizes));
    let fit = args.fit.then(|| fit::propose(&folder, &mou, forecast.as_deref())).transpose()?;
    let facts = Facts::of(mou, forecast, fit)?;
    match args.format {
        Format::Text => answer(&words::words(&facts, &folder.file(), args.groups))?,
        Format::Json => answer_json(&machine::machine(&facts))?,
    }
    Ok(if facts.passed.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// The agreement, whatever it costs.
fn readable(folder: &MouFolder) -> anyhow::Result<Mou> {
    Mou::read(folder.bytes()).map_err(|Problems(problems)| {
        let lines: Vec<_> = problems.iter().map(|found| in_file(&folder.file(), found)).collect();
        hinted(
            format_args!("an MOU with errors has no calendar:\n{}", lines.join("\n")),
            "`sumac mou check` says all there is to say",
        )
    })
}

impl Facts {
    fn of(
        mou: Mou,
        forecast: Option<Vec<TableForecast>>,
        fit: Option<fit::Proposal>,
    ) -> anyhow::Result<Self> {
        let budget = NanoRho::new(mou.privacy().budget_nano_rho);
        let (years, calendar) = (year_prices(&mou), calendar(&mou));
        let passed = passes(&mou, &calendar);
        let mut fullest: Vec<YearPrice> = Vec::new();
        for year in &years {
            match fullest.iter_mut().find(|known| known.kind == year.kind) {
                Some(known) if known.price < year.price => *known = *year,
                Some(_) => {}
                None => fullest.push(*year),
            }
        }
        let drops = fullest.into_iter().map(|year| (year, drop_first(&mou, year.kind, year.year)));
        let drops = drops.filter(|(_, order)| !order.is_empty()).collect();
        let answering = mou
            .parties()
            .iter()
            .filter(|party| mou.kpis().iter().any(|kpi| mou.is_answered_by(kpi, &party.id)));
        let answering = u32::try_from(answering.count()).context("count the parties")?;
        let exposure =
            (Exposure::of(budget, DELTA)?, answering, Exposure::across(answering, budget, DELTA)?);
        Ok(Self { mou, budget, years, calendar, passed, drops, exposure, forecast, fit })
    }
}

/// Whether problems stop an agreement from being used.
fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.severity == Severity::Error)
}
