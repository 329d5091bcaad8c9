//! `sumac ask`: ask every node, add up, print.

use std::collections::BTreeSet;

use anyhow::Context;
use sumac_backbone::report::{Format, report, report_over};
use sumac_backbone::{
    Absence, Asker, Combined, Keep, Over, PurgedReceipts, Verdict, Wanted, combine, verdict,
};
use sumac_keys::CertificateFacts;
use sumac_node::day_of;
use sumac_policy::{
    Breakdown, DimensionId, KpiId, Measure, Mou, PeerRole, Period, Purpose, Refusal, Resolved,
};
use sumac_privacy::{NanoRho, kpi_price};
use sumac_protocol::RequestId;

use crate::agreement::Agreement;
use crate::home::{Home, HomeArgs};
use crate::outcome::{Outcome, hinted};
use crate::terminal::{answer, tell};
use crate::world;

/// Ask every node for a table, and print the coalition's numbers
///
/// Each node decides for itself by the MOU, answers with noisy counts, and pays
/// for the table from its budget of the year. What was released before comes
/// back as it was, for nothing. A breakdown that the MOU does not list is
/// derived, for nothing too, from a released table that has more dimensions.
/// The nodes' counts are added up; groups whose noisy size is not clearly above
/// the floor are withheld. Who answered, and who did not and why, is always
/// said.
///
/// Every release is kept in the home as a receipt (`sumac receipt`), with the
/// head of the node's log. Each ask demands that the log continues the head
/// seen last: a node that shows another history is named first, and counts as
/// missing. Receipts older than the MOU's keep_releases_days are deleted.
///
/// Exit codes: 0 if any node answered; 3 if all refused, 4 if all had spent
/// their budgets, 1 otherwise.
///
/// Examples:
///   sumac ask completers --period 2025-26 --by race_ethnicity \
///     --purpose annual-report --format csv > completers.csv
///   sumac ask credential_attainment --by sex --preview
///   sumac ask hires_of_completers --over completers --by cip2
///   sumac ask --due     every table of the calendar that may be asked today
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    home: HomeArgs,

    /// The KPI, as the MOU names it
    #[arg(required_unless_present = "due", conflicts_with = "due")]
    kpi: Option<KpiId>,

    /// The period: 2025-26, 2025-FALL, or 2026-Q1 [default: the latest that may be asked]
    #[arg(long, conflicts_with = "due", value_name = "PERIOD")]
    period: Option<Period>,

    /// Break down by these dimensions; without it, the total
    #[arg(long, conflicts_with = "due", value_delimiter = ',', value_name = "DIMENSION")]
    by: Vec<DimensionId>,

    /// Ask another KPI of the same period and breakdown too, and divide the first's
    /// counts by its: hires over completers. Nobody is matched
    #[arg(long, conflicts_with = "due", value_name = "KPI")]
    over: Option<KpiId>,

    /// What for: one of the MOU's purposes [default: the first]
    #[arg(long, value_name = "PURPOSE")]
    purpose: Option<Purpose>,

    /// Ask every table of the calendar that may be asked today
    #[arg(long)]
    due: bool,

    /// Say what it would bring and cost, and ask nothing
    #[arg(long)]
    preview: bool,

    /// Whose analyst's certificate to use [default: the only one in the home]
    #[arg(long = "as", value_name = "NAME")]
    analyst: Option<String>,

    /// table for people; csv or json for programs
    #[arg(long, default_value = "table", value_name = "FORMAT")]
    format: Format,
}

pub(crate) fn run(args: Args) -> anyhow::Result<Outcome> {
    let home = args.home.open()?;
    let settings = home.settings()?;
    let Agreement { mou, chain, .. } = Agreement::of_home(&home, &settings)?;
    let wanted = match wanted(&args, &mou)? {
        Ok(wanted) => wanted,
        Err(refusal) => return Ok(refused_here(&refusal)),
    };
    let analyst = analyst(&home, args.analyst.as_deref())?;
    let identity = home.identity(PeerRole::Analyst, &analyst)?;
    let keep = Keep::new(
        home.dir().to_owned(),
        format!("sumac://{}/{}/{analyst}", settings.party, PeerRole::Analyst),
    );
    let asker =
        Asker::by_chain(&chain, day_of(world::now()), &identity, &world::clock())?.with_keep(keep);
    let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
    if args.preview {
        return runtime.block_on(preview(&asker, &wanted));
    }
    tell_of_old_receipts(asker.purge_receipts().context("delete old receipts")?, &mou);
    tell!("{}", announcement(&mou, &wanted));
    let answers = runtime.block_on(asker.ask(&request_id()?, &wanted));
    let combined: Vec<_> = answers.into_iter().map(|answers| combine(&mou, answers)).collect();
    tell_notices(&asker);
    tell_of_other_histories(&combined);
    let over = match (args.over.is_some(), combined.as_slice()) {
        (true, [above, below]) => Over::of(above, below),
        _ => None,
    };
    match over {
        Some(over) => answer(&report_over(args.format, &combined, &over))?,
        None => {
            if args.over.is_some() {
                tell!("no ratio: the two tables were not answered for the same groups\n");
            }
            answer(&report(args.format, &combined))?;
        }
    }
    Ok(outcome(&combined))
}

/// The tables asked for; or why our own copy of the MOU lists no such table, which no node would answer.
fn wanted(args: &Args, mou: &Mou) -> anyhow::Result<Result<Vec<Wanted>, Refusal>> {
    let listed = &mou.terms().purposes;
    let purpose = args.purpose.as_ref().or(listed.first()).context("read the MOU's purposes")?;
    let of = |table| Wanted { table, purpose: purpose.clone() };
    let today = day_of(world::now());
    let due = || mou.calendar_tables().into_iter().filter(move |due| due.from <= today);
    let Some(kpi) = &args.kpi else {
        let tables: Vec<_> = due().map(|due| of(due.table)).collect();
        if tables.is_empty() {
            return Err(hinted("no table of the calendar may be asked yet", "see `sumac status`"));
        }
        return Ok(Ok(tables));
    };
    let latest = || due().map(|due| due.table).filter(|table| table.kpi().id == *kpi).last();
    let period = match args.period {
        Some(period) => period,
        // Without a period an unknown KPI still gets its own refusal below.
        None => match latest() {
            Some(table) => table.period(),
            None => mou.calendar_tables().first().context("find a period")?.table.period(),
        },
    };
    let by = Breakdown::by(args.by.iter().cloned());
    let mut tables = Vec::new();
    for kpi in [Some(kpi), args.over.as_ref()].into_iter().flatten() {
        let table = match Resolved::of(mou, kpi, period, &by) {
            Ok(resolved) => resolved.table().clone(),
            Err(refusal) => return Ok(Err(refusal)),
        };
        let measure = &table.kpi().definition.measure;
        if args.over.is_some() && !matches!(measure, Measure::Count { .. } | Measure::Awards { .. })
        {
            return Err(hinted(
                format_args!("`{kpi}` is no count, and only counts are divided by each other"),
                "leave --over out; a rate is divided already",
            ));
        }
        tables.push(of(table));
    }
    Ok(Ok(tables))
}

fn refused_here(refusal: &Refusal) -> Outcome {
    tell!("error: refused by {} ({}): {}", refusal.clause, refusal.reason, refusal.message);
    tell!("\nhint: {}", refusal.hint);
    Outcome::Refused
}

fn analyst(home: &Home, named: Option<&str>) -> anyhow::Result<String> {
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    let mut names = Vec::new();
    for file in home.certificate_files()? {
        let pem = std::fs::read(&file).with_context(|| format!("read `{}`", file.display()))?;
        let facts = CertificateFacts::read(&pem)
            .with_context(|| format!("read the certificate `{}`", file.display()))?;
        if facts.role == PeerRole::Analyst {
            names.push(facts.name);
        }
    }
    match names.as_slice() {
        [name] => Ok(name.clone()),
        [] => Err(hinted(
            "this home has no analyst's certificate, and only analysts ask",
            "run `sumac certificate issue analyst --name YOU`",
        )),
        several => Err(hinted(
            format_args!("this home has certificates for {}", several.join(", ")),
            "choose one with --as NAME",
        )),
    }
}

fn request_id() -> anyhow::Result<RequestId> {
    let random = world::random();
    let digits: String = random.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    digits.parse().context("make a request id")
}

fn tell_of_old_receipts(PurgedReceipts { deleted, contradicting }: PurgedReceipts, mou: &Mou) {
    let days = mou.after().keep_releases_days.unwrap_or_default();
    if deleted > 0 {
        tell!("{deleted} receipts are deleted: the MOU keeps releases for {days} days");
    }
    if contradicting > 0 {
        tell!(
            "{contradicting} receipts are as old, but contradict each other and are evidence: see `sumac receipt list`"
        );
    }
}

/// What is asked, of whom, and what it costs at most: said before anything is spent.
fn announcement(mou: &Mou, wanted: &[Wanted]) -> String {
    let nodes: BTreeSet<_> = wanted
        .iter()
        .flat_map(|wanted| mou.answering(wanted.table.kpi()))
        .map(|party| party.id.as_str())
        .collect();
    let dearest = nodes.iter().map(|node| {
        let prices = wanted
            .iter()
            .filter(|wanted| {
                mou.answering(wanted.table.kpi()).any(|party| party.id.as_str() == *node)
            })
            // What the MOU does not list is added up from what is released, or refused.
            .filter(|wanted| wanted.table.is_listed())
            .map(|wanted| kpi_price(wanted.table.kpi()));
        prices.fold(NanoRho::ZERO, |sum, price| sum.checked_add(price).unwrap_or(NanoRho::MAX))
    });
    let dearest = dearest.max().unwrap_or(NanoRho::ZERO);
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let share = dearest.share_of(budget).map_or_else(String::new, |permille| {
        format!(", {}.{} % of its year", permille / 10, permille % 10)
    });
    format!(
        "asking {} of {}; what was not released before costs each node up to ρ {dearest}{share}",
        counted(wanted.len(), "table"),
        counted(nodes.len(), "node"),
    )
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

async fn preview(asker: &Asker, wanted: &[Wanted]) -> anyhow::Result<Outcome> {
    let previews = asker.preview(wanted).await;
    tell_notices(asker);
    let mut lines = String::new();
    let mut any = false;
    for previews in previews {
        let table = &previews.table;
        lines += &format!("{}, {}, by {}\n", table.kpi().title, table.period(), table.breakdown());
        for (party, preview) in previews.from {
            let words = match preview {
                Ok(sumac_protocol::Preview::WouldAnswer {
                    price_nano_rho,
                    already_released,
                    derived,
                    margin,
                    ..
                }) => {
                    any = true;
                    let cost = if already_released {
                        "released already: free".to_owned()
                    } else if derived {
                        "would be derived from a released table: free".to_owned()
                    } else {
                        format!("would cost ρ {}", NanoRho::new(price_nano_rho))
                    };
                    format!("{cost}; each count within {margin} learners, 95 % of the time")
                }
                Ok(sumac_protocol::Preview::Refused(refusal)) => {
                    format!("would refuse ({}): {}", refusal.reason, refusal.message)
                }
                Err(absence) => absence.to_string(),
            };
            lines += &format!("  {party}: {words}\n");
        }
    }
    answer(&lines)?;
    Ok(if any { Outcome::Done } else { Outcome::Refused })
}

/// Nodes that were restored from a backup: never taken as they are without a word.
fn tell_notices(asker: &Asker) {
    for notice in asker.take_notices() {
        tell!("note: {notice}\n");
    }
}

/// Before anything else: a node that shows two histories is worse than one that is away.
fn tell_of_other_histories(combined: &[Combined]) {
    let missing = combined.iter().flat_map(|table| &table.coverage.missing);
    let mut told = BTreeSet::new();
    for (party, absence) in missing {
        let Absence::HistoryDiffers(differs) = absence else { continue };
        if !told.insert((party, differs.to_string())) {
            continue;
        }
        tell!("error: THE HISTORY OF `{party}` DIFFERS: {differs}");
        if let Some(evidence) = differs.evidence() {
            tell!(
                "  what it shows now is kept in `{}`, beside what it showed before",
                evidence.display()
            );
        }
        tell!("\nhint: {}\n", absence.hint());
    }
}

fn outcome(combined: &[Combined]) -> Outcome {
    match verdict(combined) {
        Verdict::Answered => Outcome::Done,
        Verdict::Refused => Outcome::Refused,
        Verdict::Spent => Outcome::Spent,
        Verdict::Failed => Outcome::Failed,
    }
}
