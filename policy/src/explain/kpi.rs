//! Each KPI: what it means, who answers, broken down how, how precisely, how often, at what price.

use std::sync::Arc;

use super::calendar::cadence;
use super::meaning::{measure, population};
use super::words::{all_parties, and, capital, counted, decimal, one_line, percent, short_guess};
use super::writer::Writer;
use super::{Keeper, KpiFigures};
use crate::dimension::{Breakdown, Dimension, DimensionSource};
use crate::measure::Measure;
use crate::mou::{Approval, Kpi, Limit, Mou, Target};
use crate::predicate::ColumnRef;

/// A longer list of codes is counted, not read out.
const CODES_READ_OUT: usize = 12;
/// One, in millionths.
const MILLION: u64 = 1_000_000;

pub(super) fn kpi(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi, figures: &KpiFigures) {
    writer.about(format!("KPI `{}`: {}", kpi.id, one_line(&kpi.title)));
    let at = |key: &str| format!("kpi.{}.{key}", kpi.id);
    meaning(writer, mou, kpi);
    answered_by(writer, mou, kpi);
    breakdowns(writer, mou, kpi);
    cadence(writer, mou, kpi);
    precision(writer, mou, kpi, figures);
    if let Some(approval) = kpi.needs {
        let who = match approval {
            Approval::One => "a steward of that party approves it",
            Approval::Two => "two different stewards of that party approve it",
        };
        writer.say(
            [at("needs")],
            &[Keeper::Node],
            format!("A node measures such a table only after {who}; until then the question waits, and nothing is spent."),
        );
    }
    if let Some(target) = &kpi.target {
        writer.say([at("target")], &[Keeper::People], goal(kpi, target));
    }
}

fn meaning(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi) {
    let at = |key: &str| format!("kpi.{}.{key}", kpi.id);
    let defined = |writer: &Writer<'_>, keys: &[&str]| match &kpi.uses {
        Some(_) => vec![at("uses")],
        None => writer.those_said(keys.iter().map(|key| at(&format!("define.{key}")))),
    };
    let title = writer.where_said(at("title"), &at("uses"));
    let id = [title, at("id")];
    match standard_source(kpi) {
        Some((standard, source)) => {
            writer.say(
                id.into_iter().chain([at("uses"), "catalogue".to_owned()]),
                &[Keeper::Reading],
                format!(
                    "Questions call it `{}`; it is the standard KPI `{standard}`: {source}.",
                    kpi.id
                ),
            );
        }
        None => writer.say(
            id,
            &[Keeper::Reading],
            format!(
                "Questions call it `{}`; it is this agreement’s own, and is in no standard.",
                kpi.id
            ),
        ),
    }
    let who = defined(writer, &["of", "during", "cohort", "lag_years", "where"]);
    writer.say(who, &[Keeper::Node], population(mou, kpi));
    let what =
        defined(writer, &["measure", "outcomes", "cap", "value", "clip", "bins", "unit", "per"]);
    for sentence in measure(mou, &kpi.definition) {
        writer.say(&what, &[Keeper::Node], sentence);
    }
}

/// The catalogue's id and source line of a standard KPI.
fn standard_source(kpi: &Kpi) -> Option<(String, &'static str)> {
    let id = kpi.uses.as_ref()?;
    let standard = crate::read::standard().kpis.iter().find(|standard| standard.id == *id)?;
    Some((id.to_string(), standard.source.as_str()))
}

fn answered_by(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi) {
    let kinds: Vec<_> = kpi.answered_by.iter().map(|kind| format!("every {kind}")).collect();
    let parties: Vec<_> = mou.answering(kpi).map(|party| format!("`{}`", party.id)).collect();
    let once = match parties.len() {
        0 | 1 => "",
        _ => {
            "; a learner known to several of them is counted at each, since nobody compares their records"
        }
    };
    writer.say(
        [format!("kpi.{}.answered_by", kpi.id)],
        &[Keeper::Node],
        format!("It is answered by {}, that is {}{once}.", and(&kinds), and(&parties)),
    );
}

fn breakdowns(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi) {
    let clause = [format!("kpi.{}.by", kpi.id)];
    let shown = |by: &Breakdown| match by.dimensions() {
        [] => "for all learners together".to_owned(),
        some => {
            let titles = some.iter().map(|id| {
                mou.dimension(id)
                    .map_or_else(|| id.to_string(), |dimension| format!("“{}”", dimension.title))
            });
            format!("by {}", titles.collect::<Vec<_>>().join(" with "))
        }
    };
    let listed: Vec<_> = kpi.by.iter().map(shown).collect();
    writer.say(
        &clause,
        &[Keeper::Node],
        format!(
            "{} may be asked for each period: {}; any other breakdown is refused.",
            capital(&counted(count(kpi.by.len()), "table", "tables")),
            listed.join("; ")
        ),
    );
    if kpi
        .by
        .iter()
        .any(|by| by.dimensions().len() > 1 || !lists_total(kpi) && !by.dimensions().is_empty())
    {
        let only = match kpi.definition.measure {
            Measure::Count { cap: Some(_) } => {
                " Only what a learner’s own record says is added up over, since in the sum of other groups a learner \
                 would be counted several times."
            }
            _ => "",
        };
        writer.say(
            &clause,
            &[Keeper::Node],
            format!(
                "A coarser table that is not listed may still be added up from a listed one that is released already; \
                 that costs nothing, tells nothing new, and its margin is wider.{only}"
            ),
        );
    }
}

fn lists_total(kpi: &Kpi) -> bool {
    kpi.by.iter().any(|by| by.dimensions().is_empty())
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn precision(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi, figures: &KpiFigures) {
    let clause = format!("kpi.{}.margin", kpi.id);
    let margin = kpi.margin.learners();
    let narrowed: Vec<_> = mou
        .restrictions()
        .iter()
        .enumerate()
        .filter(|(_, restriction)| {
            restriction.covers(kpi) && restriction.limit == Limit::Margin(kpi.margin)
        })
        .map(|(n, _)| format!("restrict[{}]", n + 1))
        .collect();
    let clauses: Vec<_> = [clause.clone()].into_iter().chain(narrowed).collect();
    let definition = &kpi.definition;
    let (what, parts) = match definition.measure {
        Measure::Awards { .. } => ("records", "outcomes"),
        Measure::Distribution { .. } => ("learners", "bins"),
        _ => ("learners", "outcomes"),
    };
    writer.say(
        &clauses,
        &[Keeper::Node],
        format!(
            "Each count, in one cell at one node, lies within {margin} {what} of the exact one 95 % of the time, \
             because the node adds random noise of that size before the count leaves it."
        ),
    );
    let (_, outcomes) = definition.size_of(&[]);
    let parties = figures.parties;
    if let Measure::Mean { clip, unit, .. } = &definition.measure {
        // At worst all of a group are at one end: M · width / √2 / n.
        let worst = clip.width() as f64 * f64::from(margin) / 2.0_f64.sqrt() / 100.0;
        writer.say(
            &clauses,
            &[Keeper::Node],
            format!(
                "The noise in the sum is as many times that as the ends of the clip are apart, so at one node the mean \
                 of 100 learners lies within {} at worst, and that of more learners in proportion closer.",
                unit.shown(worst)
            ),
        );
    }
    if outcomes > 1 {
        writer.say(
            &clauses,
            &[Keeper::Node],
            format!(
                "The size of a group is the sum of its {outcomes} {parts}, so at one node it lies within {} \
                 learners ({margin} × √{outcomes}).",
                figures.group
            ),
        );
    }
    if parties > 1 {
        let size = match outcomes {
            1 => String::new(),
            _ => format!(", and the size of a group within {}", figures.sum_of_group),
        };
        writer.say(
            &clauses,
            &[Keeper::Backbone],
            format!(
                "Added up over {} that answer, a count lies within {} {what} ({margin} × \
                 √{parties}){size}.",
                all_parties(usize::try_from(parties).unwrap_or(usize::MAX)),
                figures.sum
            ),
        );
    }
    let printed = match definition.measure {
        Measure::Rate => Some("A rate is"),
        Measure::Mean { .. } => Some("A mean is"),
        Measure::Distribution { .. } => Some("A median or percentile is"),
        Measure::Count { .. } | Measure::Awards { .. } => None,
    };
    if let Some(printed) = printed {
        writer.say(
            [clause.clone()],
            &[Keeper::Backbone],
            format!(
                "{printed} printed with the interval that holds the exact one 95 % of the time, and not at all where \
                 the noise leaves it open."
            ),
        );
    }
    let share = figures.share_permille.map_or_else(String::new, |share| {
        format!("{} of a node’s budget of the year", percent(share))
    });
    writer.say(
        [clause, "privacy.budget".to_owned()],
        &[Keeper::Node],
        format!("One table costs {share}: from it alone, {}.", short_guess(&figures.table)),
    );
}

fn goal(kpi: &Kpi, target: &Target) -> String {
    let words = target.in_words(&kpi.definition.measure);
    format!(
        "The parties mean to bring it {words}; reports show this, and nothing is refused by it."
    )
}

impl Target {
    /// `from 34 % to 42 % by 2027-06-30`, of a KPI with this measure.
    pub fn in_words(&self, measure: &Measure) -> String {
        let number = |millionths: u64| match measure {
            Measure::Rate => format!("{} %", decimal(millionths.saturating_mul(100), MILLION, 6)),
            Measure::Count { .. } => format!("{} learners", decimal(millionths, MILLION, 6)),
            Measure::Awards { .. } => format!("{} records", decimal(millionths, MILLION, 6)),
            Measure::Mean { unit, .. } | Measure::Distribution { unit, .. } => {
                format!("{} {}", decimal(millionths, MILLION, 6), unit.name).trim_end().to_owned()
            }
        };
        let from = self.from_millionths.map(|from| format!("from {} ", number(from)));
        let gap = self.max_gap_points_millionths.map(|gap| {
            format!(", with no gap between groups wider than {} points", decimal(gap, MILLION, 6))
        });
        let (from, gap) = (from.unwrap_or_default(), gap.unwrap_or_default());
        format!("{from}to {} by {}{gap}", number(self.to_millionths), self.by)
    }
}

/// The groups of every breakdown in use.
pub(super) fn dimensions(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The groups");
    let used = |dimension: &Dimension| {
        let by = |kpi: &Kpi| kpi.by.iter().any(|by| by.dimensions().contains(&dimension.id));
        mou.kpis()
            .iter()
            .filter(|kpi| by(kpi))
            .map(|kpi| format!("kpi.{}.by", kpi.id))
            .collect::<Vec<_>>()
    };
    let standard = |dimension: &Dimension| {
        crate::read::standard().dimensions.iter().any(|known| known.id == dimension.id)
    };
    for dimension in mou.dimensions() {
        let used = used(dimension);
        let clauses: Vec<String> = if standard(dimension) {
            if used.is_empty() {
                continue;
            }
            used.into_iter().chain(["catalogue".to_owned()]).collect()
        } else {
            let at = |key: &str| format!("dimension.{}.{key}", dimension.id);
            [at("id"), at("title"), at("of"), at("codes")].into_iter().chain(used).collect()
        };
        writer.say(clauses, &[Keeper::Node], groups(mou, dimension, standard(dimension)));
    }
}

fn groups(mou: &Mou, dimension: &Dimension, standard: bool) -> String {
    let labels: Vec<_> = dimension.codes.iter().map(|code| code.label.clone()).collect();
    let labels = match labels.as_slice() {
        [first, .., last] if labels.len() > CODES_READ_OUT => {
            format!("{} groups of a closed list, from “{first}” to “{last}”", labels.len())
        }
        few => few.iter().map(|label| format!("“{label}”")).collect::<Vec<_>>().join(", "),
    };
    let own = if standard { "" } else { ", which this agreement declares," };
    let from = match &dimension.source {
        DimensionSource::Age(_) => {
            " (age is the calendar year in which the period begins, less the learner’s year of birth)"
        }
        DimensionSource::Years { .. } => {
            " (a year is named by the calendar year in which it begins, and any other is unknown)"
        }
        DimensionSource::Column(_) => "",
    };
    let declared_of = mou.schema().tables().iter().find(|table| {
        !standard && table.columns.iter().any(|column| column.name == dimension.source.column())
    });
    let of = declared_of
        .map_or_else(String::new, |table| format!(" It is read from {} records.", table.name));
    format!("“{}”{own} means{from}: {labels}.{of}", dimension.title)
}

/// The columns that the KPIs' conditions read, as the catalogue documents them.
pub(super) fn columns(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The words of the conditions");
    let read = |column: &ColumnRef| {
        let reads = |kpi: &&Arc<Kpi>| kpi.definition.columns().contains(column);
        let clauses = mou.kpis().iter().filter(reads).map(|kpi| match &kpi.uses {
            Some(_) => format!("kpi.{}.uses", kpi.id),
            None => format!("kpi.{}.define.of", kpi.id),
        });
        clauses.collect::<Vec<_>>()
    };
    let mut columns: Vec<_> = mou.kpis().iter().flat_map(|kpi| kpi.definition.columns()).collect();
    columns.sort();
    columns.dedup();
    for column in columns {
        let Some(known) = mou.schema().column(column.table, &column.column) else { continue };
        let name = column.column.replace('_', " ");
        writer.say(
            read(&column).into_iter().chain(["catalogue".to_owned()]),
            &[Keeper::People],
            format!(
                "“{}”, in {} records (`{column}`): {}.",
                capital(&name),
                column.table,
                one_line(known.doc.trim_end_matches('.'))
            ),
        );
    }
}
