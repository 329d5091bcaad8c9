//! `sumac remeasure`: correct a released table.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use sumac_node::console::{Command, Reply};
use sumac_node::remeasure::{self, Correction, Plan, RemeasureError};
use sumac_node::signer;
use sumac_node::store::Store;
use sumac_policy::{DimensionId, KpiId, Mou, PeerRole, Period};
use sumac_privacy::NanoRho;
use tokio::sync::watch;

use crate::agreement::Agreement;
use crate::home::{Home, HomeArgs};
use crate::outcome::{Outcome, hinted};
use crate::terminal::{confirm, tell};
use crate::world;

/// A node answers its own operator at once.
const PATIENCE: Duration = Duration::from_secs(60);

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

    /// The period: 2025-26, or 2026-Q1
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
    let correction = Correction {
        kpi: args.kpi.to_string(),
        period: args.period.to_string(),
        by: args.by.iter().map(ToString::to_string).collect(),
        because: args.because,
    };
    let mut node = Counterpart::find(&home)?;
    let plan = match node.say(&correction, false)? {
        Reply::Planned(plan) | Reply::Ordered(plan) => plan,
        Reply::Refused { message, hint, spent } => return not_ordered(&message, &hint, spent),
    };
    tell!("{}", in_words(&correction, &plan));
    if !args.yes && !confirm("Measure this table anew?", "--yes")? {
        tell!("nothing was changed");
        return Ok(Outcome::Failed);
    }
    match node.say(&correction, true)? {
        Reply::Refused { message, hint, spent } => not_ordered(&message, &hint, spent),
        Reply::Ordered(plan) | Reply::Planned(plan) => {
            tell!("ordered: the next ask measures revision {}", u64::from(plan.revision) + 1);
            Ok(Outcome::Done)
        }
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

/// Whoever has the ledger: the node that serves, or nobody, and then this process.
enum Counterpart {
    Serving(BufReader<UnixStream>),
    Stopped { store: Store, mou: Box<Mou>, runtime: tokio::runtime::Runtime },
}

impl Counterpart {
    fn find(home: &Home) -> anyhow::Result<Self> {
        let path = home.control_socket();
        if let Some(stream) = connect(&path)? {
            return Ok(Self::Serving(BufReader::new(stream)));
        }
        let settings = home.settings()?;
        let Agreement { mou, .. } = Agreement::read(&settings.mou)?.in_force_when_signed()?;
        let identity = watch::channel(Arc::new(home.identity(PeerRole::Node, "node")?)).1;
        let ledger = home.ledger();
        let opened = Store::open(&ledger, Box::new(|| *world::random()), signer(identity));
        let (store, _) =
            opened.with_context(|| format!("open the ledger `{}`", ledger.display()))?;
        let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
        Ok(Self::Stopped { store, mou: Box::new(mou), runtime })
    }

    fn say(&mut self, correction: &Correction, order: bool) -> anyhow::Result<Reply> {
        match self {
            Self::Serving(stream) => {
                let correction = correction.clone();
                let command = Command::Remeasure { correction, order };
                let mut line = serde_json::to_vec(&command).context("write the command")?;
                line.push(b'\n');
                stream.get_mut().write_all(&line).context("tell the node")?;
                let mut reply = String::new();
                stream.read_line(&mut reply).context("hear the node")?;
                serde_json::from_str(&reply).context("read the node's reply")
            }
            Self::Stopped { store, mou, runtime } => {
                let now = world::now();
                let done = runtime.block_on(async {
                    if order {
                        remeasure::order(store, mou, correction, now).await.map(Reply::Ordered)
                    } else {
                        remeasure::plan(store, mou, correction, now).await.map(Reply::Planned)
                    }
                });
                match done {
                    Ok(reply) => Ok(reply),
                    Err(RemeasureError::Store(error)) => Err(error.into()),
                    Err(error) => Ok(Reply::Refused {
                        message: error.to_string(),
                        hint: error.hint(),
                        spent: matches!(error, RemeasureError::Spent { .. }),
                    }),
                }
            }
        }
    }
}

/// A connection to the node that serves; none if none does.
fn connect(path: &Path) -> anyhow::Result<Option<UnixStream>> {
    match UnixStream::connect(path) {
        Ok(stream) => {
            stream.set_read_timeout(Some(PATIENCE)).context("bound the wait for the node")?;
            Ok(Some(stream))
        }
        // A path too long for a socket is one at which no node listens.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).with_context(|| format!("open `{}`", path.display())),
    }
}
