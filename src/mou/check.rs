//! `sumac mou check`: everything there is to say about an agreement before anyone signs it.

use std::fmt::Write;
use std::path::PathBuf;

use sumac_policy::{Mou, Problem, Problems, Severity};
use sumac_privacy::budget::{YearPrice, kpi_price, lint, year_prices};
use sumac_privacy::{Exposure, NanoRho};

use crate::agreement::{MouFolder, in_file};
use crate::outcome::Outcome;
use crate::terminal::{answer, plain_table};

/// The δ at which ε is stated: less than one in a million.
const DELTA: f64 = 1e-6;

/// Check an MOU: its words, its dates, its budget
///
/// Names every error with its line and what to do, then says what the calendar costs each kind of party in
/// each year, and what that means for one learner. Asks nobody and spends nothing; works before there are
/// roots or signatures. The exit code is 1 if there is an error.
///
/// Example: sumac mou check ./mou
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder that holds mou.toml
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<Outcome> {
    let folder = MouFolder::read(&args.dir)?;
    let Examined { mou, problems } = examine(&folder);
    let (errors, warnings): (Vec<_>, Vec<_>) =
        problems.iter().partition(|problem| problem.severity == Severity::Error);
    let mut text = String::new();
    for (word, found) in [("error", &errors), ("warning", &warnings)] {
        for problem in found {
            let _ = writeln!(text, "{word}: {}", in_file(&folder.file(), problem));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    if let Some(mou) = &mou {
        text.push_str(&about(mou)?);
    }
    let _ = match errors.len() {
        0 => writeln!(text, "No errors: every clause is one that this version enforces."),
        1 => writeln!(text, "1 error: no node would act on this MOU."),
        count => writeln!(text, "{count} errors: no node would act on this MOU."),
    };
    answer(&text)?;
    Ok(if errors.is_empty() { Outcome::Done } else { Outcome::Failed })
}

/// An agreement as far as it could be read, and everything found.
pub(super) struct Examined {
    pub(super) mou: Option<Mou>,
    pub(super) problems: Vec<Problem>,
}

/// Reads an agreement and looks at its budget, too.
pub(super) fn examine(folder: &MouFolder) -> Examined {
    let (mou, mut problems) = match Mou::examine(folder.bytes()) {
        Ok(examined) => examined,
        Err(Problems(problems)) => (None, problems),
    };
    if let Some(mou) = &mou {
        problems.extend(lint(mou));
    }
    problems.sort_by_key(|problem| problem.line);
    Examined { mou, problems }
}

fn about(mou: &Mou) -> anyhow::Result<String> {
    let mut text = String::new();
    let (title, version, hash) = (mou.title(), mou.version(), mou.hash());
    let _ = writeln!(text, "{title}, version {version}\n{hash}");
    let _ = writeln!(text, "In force from {} to {}.\n", mou.effective(), mou.expires());
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let _ = writeln!(text, "{}", prices(mou, budget));
    let _ = writeln!(text, "Yearly budget of each node: ρ = {budget}.\n");
    let _ = writeln!(text, "{}", years(mou, budget));
    let exposure = Exposure::of(budget, DELTA)?;
    let _ = writeln!(text, "If a node's whole year is spent, {exposure}.");
    let answering = mou
        .parties()
        .iter()
        .filter(|party| mou.kpis().iter().any(|kpi| mou.is_answered_by(kpi, &party.id)));
    let answering = u32::try_from(answering.count()).unwrap_or(u32::MAX);
    let everywhere = Exposure::across(answering, budget, DELTA)?;
    let _ = writeln!(
        text,
        "For a learner known to all {answering} parties that answer, {everywhere}.\n"
    );
    Ok(text)
}

/// What one table of each KPI costs.
fn prices(mou: &Mou, budget: NanoRho) -> String {
    let header = ["KPI", "ANSWERED BY", "EVERY", "MARGIN", "TABLES", "PRICE OF ONE", "OF A YEAR"];
    let rows = mou.kpis().iter().map(|kpi| {
        let price = kpi_price(kpi);
        let kinds: Vec<_> = kpi.answered_by.iter().map(|kind| kind.as_str()).collect();
        [
            kpi.id.to_string(),
            kinds.join(", "),
            kpi.period.to_string(),
            kpi.margin.to_string(),
            kpi.by.len().to_string(),
            format!("ρ = {price}"),
            share(price, budget),
        ]
    });
    plain_table(header, rows, &[3, 4, 6])
}

/// What the calendar costs one node of each kind, year by year.
fn years(mou: &Mou, budget: NanoRho) -> String {
    let header = ["YEAR", "A NODE OF", "TABLES DUE", "PRICE", "OF THE BUDGET"];
    let rows = year_prices(mou).into_iter().map(|YearPrice { kind, year, price, tables }| {
        [
            year.to_string(),
            kind.to_string(),
            tables.to_string(),
            format!("ρ = {price}"),
            share(price, budget),
        ]
    });
    plain_table(header, rows, &[2, 4])
}

/// A share in per cent, rounded up to a tenth.
fn share(price: NanoRho, budget: NanoRho) -> String {
    price
        .share_of(budget)
        .map_or_else(|| "–".to_owned(), |permille| format!("{}.{} %", permille / 10, permille % 10))
}
