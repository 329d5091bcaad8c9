//! JSON for machines. Stable: fields may be added, none changes its meaning while `format` stays the same.
//!
//! These are not the domain's types: they change only when the documented form does.

use std::collections::BTreeMap;

use serde::Serialize;
use sumac_policy::Measure;

use crate::absence::Absence;
use crate::combine::{Combined, Count, Group, Interval, Shown};
use crate::gap::{Gap, gaps};
use crate::over::Over;
use crate::report::over::{NOTE, numbers};
use crate::report::{in_unit, rounded};

/// The whole report.
#[derive(Serialize)]
struct Report<'a> {
    /// Always `sumac-report/1`.
    format: &'static str,
    tables: Vec<TableOf<'a>>,
    /// One of the tables over another; absent where none was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    over: Option<OverOf<'a>>,
}

/// One table's counts over another's. Nobody is matched, so that it may exceed 1.
#[derive(Serialize)]
struct OverOf<'a> {
    /// The KPI that is divided.
    above: &'a str,
    /// The KPI that it is divided by.
    below: &'a str,
    /// For people.
    note: &'static str,
    groups: Vec<RatioOf<'a>>,
}

#[derive(Serialize)]
struct RatioOf<'a> {
    /// Dimension id to code.
    codes: BTreeMap<&'a str, &'a str>,
    /// With its 95 % interval; absent where either count is withheld or too low, or the noise leaves it open.
    #[serde(skip_serializing_if = "Option::is_none")]
    ratio: Option<IntervalOf>,
}

/// One table.
#[derive(Serialize)]
struct TableOf<'a> {
    kpi: &'a str,
    title: &'a str,
    /// `count`, `rate`, `awards`, `mean` or `distribution`.
    measure: &'static str,
    period: String,
    /// Dimension ids; empty for the total.
    breakdown: Vec<&'a str>,
    /// The outcome that rates are about; absent for counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_of: Option<&'a str>,
    /// What means and percentiles are in; absent for the others, and for plain numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<&'a str>,
    /// The most groups, or awards, of one learner that count; absent where the measure has no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    cap: Option<u32>,
    coverage: CoverageOf<'a>,
    /// False where a learner known to several parties counts at each.
    deduplicated: bool,
    /// The dearest price that one node paid, in billionths of ρ.
    price_nano_rho: u64,
    /// Whether it was added up from a released table, for nothing, because the MOU does not list it.
    derived: bool,
    /// Nodes whose numbers replace what they had released before, with the number of the revision: 2 for the
    /// first correction.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    revised: BTreeMap<&'a str, u64>,
    /// Nodes that hold themselves to more than the MOU demands, which each party may.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    stricter: BTreeMap<&'a str, StricterOf>,
    /// Empty if nobody answered.
    groups: Vec<GroupOf<'a>>,
}

/// What a node holds itself to.
#[derive(Serialize)]
struct StricterOf {
    /// Its margin, in learners, if that is wider than the MOU's.
    #[serde(skip_serializing_if = "Option::is_none")]
    margin: Option<u32>,
    /// The floor by which it withheld its own small groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    floor: Option<u32>,
}

/// Who is behind the numbers.
#[derive(Serialize)]
struct CoverageOf<'a> {
    answered: Vec<&'a str>,
    missing: Vec<Missing<'a>>,
}

/// Who is not, and why.
#[derive(Serialize)]
struct Missing<'a> {
    party: &'a str,
    /// `refused`, `unreachable`, `fault` or `unsound`.
    status: &'static str,
    /// A refusal's stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    /// The clause a refusal rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    clause: Option<&'a str>,
    /// What to quote to the operator of a node that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    support_id: Option<&'a str>,
    /// For people.
    message: String,
    /// For people; perhaps empty.
    hint: String,
}

/// One combination of dimension codes.
#[derive(Serialize)]
struct GroupOf<'a> {
    /// Dimension id to code.
    codes: BTreeMap<&'a str, &'a str>,
    /// Dimension id to what the code means.
    labels: BTreeMap<&'a str, &'a str>,
    /// `shown`, `below_floor`, `too_few_parties` or `too_noisy`.
    status: &'static str,
    /// Of 1, with its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<IntervalOf>,
    /// Of what learners have, in `unit`, with its 95 % interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<IntervalOf>,
    /// `p25`, `median` and `p75` of what learners have, those that the noise leaves open excepted.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    percentiles: BTreeMap<&'static str, IntervalOf>,
    /// The rate less everyone else's; only for rates by one dimension.
    #[serde(skip_serializing_if = "Option::is_none")]
    gap: Option<GapOf>,
    /// Learners of the group; awards, where these are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<CountOf>,
    /// Learners in each outcome; only for rates and distributions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outcomes: Vec<OutcomeOf<'a>>,
    /// Nodes that withheld this group by their own floor, so that the numbers are too low.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    withheld_by: Vec<&'a str>,
}

#[derive(Serialize)]
struct IntervalOf {
    value: f64,
    low: f64,
    high: f64,
}

/// Of 1, negative where the group is behind. Flagged is what lies as far behind as `flagged_from`, or farther.
#[derive(Serialize)]
struct GapOf {
    value: f64,
    flagged_from: f64,
    flagged: bool,
}

/// Within `margin` learners of the truth, 95 % of the time.
#[derive(Serialize)]
struct CountOf {
    value: u64,
    margin: u64,
}

#[derive(Serialize)]
struct OutcomeOf<'a> {
    outcome: &'a str,
    /// What it means; only for distributions, whose bins it names.
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    value: u64,
    margin: u64,
}

pub(super) fn write(tables: &[Combined], over: Option<&Over<'_>>) -> String {
    let tables = tables.iter().map(table).collect();
    let report = Report { format: "sumac-report/1", tables, over: over.map(over_of) };
    // Text keys and finite numbers always have a JSON form.
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}

fn table(combined: &Combined) -> TableOf<'_> {
    let kpi = combined.table.kpi();
    let definition = &kpi.definition;
    let (measure, cap) = match &definition.measure {
        Measure::Count { cap } => ("count", *cap),
        Measure::Awards { cap, .. } => ("awards", Some(*cap)),
        other => (other.kind(), None),
    };
    let rate_of = match &definition.measure {
        Measure::Rate => definition.outcomes.first(),
        _ => None,
    };
    let unit = match &definition.measure {
        Measure::Mean { unit, .. } | Measure::Distribution { unit, .. } => Some(unit.name.as_str()),
        _ => None,
    };
    TableOf {
        kpi: kpi.id.as_str(),
        title: &kpi.title,
        measure,
        period: combined.table.period().to_string(),
        breakdown: combined.table.dimensions().iter().map(|d| d.id.as_str()).collect(),
        rate_of: rate_of.map(|outcome| outcome.id.as_str()),
        unit: unit.filter(|unit| !unit.is_empty()),
        cap,
        coverage: CoverageOf {
            answered: combined.coverage.answered.iter().map(|party| party.as_str()).collect(),
            missing: combined
                .coverage
                .missing
                .iter()
                .map(|(party, absence)| missing(party.as_str(), absence))
                .collect(),
        },
        deduplicated: !combined.may_count_twice(),
        price_nano_rho: combined.price.get(),
        derived: combined.derived,
        revised: combined
            .revised
            .iter()
            .map(|(party, revision)| (party.as_str(), u64::from(*revision) + 1))
            .collect(),
        stricter: combined
            .stricter
            .iter()
            .map(|(party, stricter)| {
                let margin = stricter.margin.map(sumac_policy::Margin::learners);
                (party.as_str(), StricterOf { margin, floor: stricter.floor })
            })
            .collect(),
        groups: combined
            .groups
            .iter()
            .zip(gaps(combined))
            .map(|(found, gap)| group(combined, found, gap))
            .collect(),
    }
}

fn over_of<'a>(over: &'a Over<'_>) -> OverOf<'a> {
    let dimensions = over.above.table.dimensions();
    let groups = over.above.groups.iter().zip(&over.ratios);
    OverOf {
        above: over.above.table.kpi().id.as_str(),
        below: over.below.table.kpi().id.as_str(),
        note: NOTE,
        groups: groups
            .map(|(group, ratio)| RatioOf {
                codes: dimensions
                    .iter()
                    .zip(&group.codes)
                    .map(|(dimension, code)| (dimension.id.as_str(), code.id.as_str()))
                    .collect(),
                ratio: ratio.map(|ratio| {
                    let [value, low, high] = numbers(ratio);
                    IntervalOf { value, low, high }
                }),
            })
            .collect(),
    }
}

fn missing<'a>(party: &'a str, absence: &'a Absence) -> Missing<'a> {
    let refusal = match absence {
        Absence::Refused(refusal) => Some(refusal),
        _ => None,
    };
    let support_id = match absence {
        Absence::Fault(id) => Some(id.as_str()),
        _ => None,
    };
    Missing {
        party,
        status: absence.word(),
        reason: refusal.map(|refusal| refusal.reason.code()),
        clause: refusal.map(|refusal| refusal.clause.as_str()),
        support_id,
        message: refusal.map_or_else(|| absence.to_string(), |refusal| refusal.message.clone()),
        hint: absence.hint(),
    }
}

fn group<'a>(combined: &'a Combined, group: &'a Group, gap: Option<Gap>) -> GroupOf<'a> {
    let dimensions = combined.table.dimensions();
    let coded = || dimensions.iter().map(|d| d.id.as_str()).zip(&group.codes);
    let count = |count: &Count| CountOf { value: count.value, margin: count.margin };
    let definition = &combined.table.kpi().definition;
    let in_unit = |Interval { value, low, high }: &Interval| {
        let [value, low, high] = [value, low, high].map(|end| in_unit(&definition.measure, *end));
        IntervalOf { value, low, high }
    };
    let (mut rate, mut mean, mut percentiles) = (None, None, BTreeMap::new());
    let (status, size, outcomes) = match &group.shown {
        Shown::Withheld(why) => (why.word(), None, &[][..]),
        Shown::Count(size) => ("shown", Some(size), &[][..]),
        Shown::Rate { rate: value, low, high, size, outcomes } => {
            let [value, low, high] = [value, low, high].map(|end| rounded(*end));
            rate = Some(IntervalOf { value, low, high });
            ("shown", Some(size), outcomes.as_slice())
        }
        Shown::Mean { mean: found, size } => {
            mean = Some(in_unit(found));
            ("shown", Some(size), &[][..])
        }
        Shown::Distribution { quartiles, size, outcomes } => {
            let found = ["p25", "median", "p75"].into_iter().zip(quartiles);
            percentiles =
                found.filter_map(|(name, found)| Some((name, in_unit(found.as_ref()?)))).collect();
            ("shown", Some(size), outcomes.as_slice())
        }
    };
    let binned = matches!(definition.measure, Measure::Distribution { .. });
    let defined = &definition.outcomes;
    GroupOf {
        codes: coded().map(|(id, code)| (id, code.id.as_str())).collect(),
        labels: coded().map(|(id, code)| (id, code.label.as_str())).collect(),
        status,
        rate,
        mean,
        percentiles,
        gap: gap.map(|gap| GapOf {
            value: rounded(gap.difference),
            flagged_from: rounded(gap.flagged_from),
            flagged: gap.is_flagged(),
        }),
        size: size.map(count),
        outcomes: defined
            .iter()
            .zip(outcomes)
            .map(|(outcome, count)| OutcomeOf {
                outcome: &outcome.id,
                title: binned.then_some(outcome.title.as_str()),
                value: count.value,
                margin: count.margin,
            })
            .collect(),
        withheld_by: group.withheld_by.iter().map(|party| party.as_str()).collect(),
    }
}
