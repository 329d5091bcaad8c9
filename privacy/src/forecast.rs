//! Accuracy before anything is asked: which groups will be withheld, and how wide each margin will be.
//!
//! From public margins and guessed sizes alone. The rules are those by which nodes and backbone act: a group is
//! shown if its noisy size is at least the floor and the guard of its noise ([`crate::guard`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use sumac_policy::{
    Breakdown, Code, FloorAt, Kpi, KpiId, Measure, Mou, PartyKind, Problem, Severity, Table,
};

use crate::margin::{
    RateEstimate, margin_of_group, margin_of_sum, rate_interval, shown_from, variance,
    variance_of_sum,
};
use crate::mean::{MeanEstimate, mean_interval};
use crate::sizes::{GroupSize, Sizes};

/// What will come of one table of a KPI.
#[derive(Debug, Clone)]
pub struct TableForecast {
    /// The KPI.
    pub kpi: Arc<Kpi>,
    /// The breakdown.
    pub breakdown: Breakdown,
    /// How many nodes answer.
    pub nodes: usize,
    /// The groups about whose size something is known, in the order of the table.
    pub groups: Vec<GroupForecast>,
}

/// What will come of one group.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupForecast {
    /// One code per dimension.
    pub codes: Vec<Code>,
    /// How large it is, roughly.
    pub size: GroupSize,
    /// How probably it is withheld, from 0 to 1.
    pub withheld: f64,
    /// How wide its number's margin is, 95 % of the time, where it is shown.
    pub width: Width,
}

/// How wide a margin is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Width {
    /// A count's, in learners.
    Learners(u64),
    /// A rate's, in percentage points: the longer arm of its interval.
    Points(f64),
    /// A mean's, in what it is shown in: half of its interval.
    Units(f64),
    /// A rate or mean that says nothing.
    TooNoisy,
}

/// A group that stands for a KPI: the median, by size, of the groups that reach the floor, in the table where it
/// is smallest. Smaller ones are withheld at any margin, and must not take the budget from those that are shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Typical {
    /// Learners at the coalition.
    pub learners: f64,
    /// By what a node's margin widens: √(nodes · (1 − 2r + outcomes · r²)) of a rate r, √nodes of a count.
    pub spread: f64,
}

impl Typical {
    /// The margin of one node, in learners, at which the coalition's is as wide as the group itself.
    pub fn reach(&self) -> f64 {
        self.learners / self.spread
    }
}

impl TableForecast {
    /// How many groups will be withheld, on average.
    pub fn expected_withheld(&self) -> f64 {
        self.groups.iter().map(|group| group.withheld).sum()
    }

    /// Whether more than half of its groups will be.
    pub fn is_mostly_withheld(&self) -> bool {
        self.expected_withheld() > self.groups.len() as f64 / 2.0
    }
}

/// What will come of every table that the MOU lists and no restriction refuses, in its order. Tables about which
/// the sizes say nothing have no groups.
pub fn forecast(mou: &Mou, sizes: &Sizes) -> Vec<TableForecast> {
    let tables = mou.kpis().iter().flat_map(|kpi| {
        let first = mou.calendar().periods(kpi.period).next();
        let table = move |by| Table::resolve(mou, &kpi.id, first?, by).ok();
        kpi.by.iter().filter_map(table)
    });
    tables.map(|table| of_table(mou, sizes, &table)).collect()
}

/// A warning for every breakdown most of whose groups will be withheld at these sizes.
pub fn mostly_withheld(forecasts: &[TableForecast]) -> Vec<Problem> {
    let mostly = forecasts.iter().filter(|table| table.is_mostly_withheld());
    mostly
        .map(|table| {
            let (all, kpi) = (table.groups.len(), &table.kpi);
            let shown = (all as f64 - table.expected_withheld()).max(0.0);
            Problem {
                line: kpi.line,
                place: format!("kpi `{}`", kpi.id),
                message: format!(
                    "at these sizes, about {shown:.0} of its {all} groups by {} will be shown",
                    table.breakdown
                ),
                hint:
                    "leave the breakdown out, or take years together; a narrower margin lowers the \
                       guard, not the floor"
                        .to_owned(),
                severity: Severity::Warning,
            }
        })
        .collect()
}

/// The group that stands for each KPI which has a group that reaches the floor.
pub fn typical(mou: &Mou, forecasts: &[TableForecast]) -> BTreeMap<KpiId, Typical> {
    let mut found: BTreeMap<KpiId, Typical> = BTreeMap::new();
    let floor = f64::from(mou.privacy().floor);
    for table in forecasts {
        let mut sizes: Vec<_> = table
            .groups
            .iter()
            .map(|group| group.size)
            .filter(|size| size.learners >= floor)
            .collect();
        sizes.sort_by(|a, b| a.learners.total_cmp(&b.learners));
        let Some(size) = sizes.get(sizes.len() / 2) else { continue };
        let (rate, outcomes) = match &table.kpi.definition.measure {
            Measure::Count { .. }
            | Measure::Awards { .. }
            | Measure::Mean { .. }
            | Measure::Distribution { .. } => (0.0, 1.0),
            Measure::Rate => (size.outcome_share, table.kpi.definition.outcomes.len() as f64),
        };
        let spread = (table.nodes as f64 * (1.0 - 2.0 * rate + outcomes * rate * rate)).sqrt();
        let typical = Typical { learners: size.learners, spread };
        found
            .entry(table.kpi.id.clone())
            .and_modify(|known| {
                if typical.reach() < known.reach() {
                    *known = typical;
                }
            })
            .or_insert(typical);
    }
    found
}

fn of_table(mou: &Mou, sizes: &Sizes, table: &Table) -> TableForecast {
    let kpi = table.kpi();
    let rule = Rule::of(mou, kpi);
    let groups: usize = table.dimensions().iter().map(|axis| axis.codes.len().max(1)).product();
    let of_group = |place| {
        let codes = table.codes_at(place);
        let named = table.dimensions().iter().zip(&codes);
        let named: Vec<_> = named.map(|(axis, code)| (&axis.id, code, axis.codes.len())).collect();
        let size = if named.is_empty() { sizes.total(kpi)? } else { sizes.group(kpi, &named)? };
        let (withheld, width) = (rule.withheld(size.learners), rule.width(size));
        Some(GroupForecast { codes, size, withheld, width })
    };
    TableForecast {
        kpi: kpi.clone(),
        breakdown: table.breakdown().clone(),
        nodes: rule.nodes(),
        groups: (0..groups).filter_map(of_group).collect(),
    }
}

/// By what a KPI's groups are shown or withheld.
struct Rule<'a> {
    mou: &'a Mou,
    kpi: &'a Kpi,
    /// How many nodes of each kind answer.
    kinds: BTreeMap<PartyKind, usize>,
}

impl<'a> Rule<'a> {
    fn of(mou: &'a Mou, kpi: &'a Kpi) -> Self {
        let mut kinds = BTreeMap::new();
        for party in mou.answering(kpi) {
            *kinds.entry(party.kind).or_insert(0) += 1;
        }
        Self { mou, kpi, kinds }
    }

    fn nodes(&self) -> usize {
        self.kinds.values().sum()
    }

    /// How many cells add up to a group's size.
    fn cells(&self) -> u32 {
        self.kpi.definition.size_of(&[]).1
    }

    fn margins(&self) -> impl Iterator<Item = sumac_policy::Margin> {
        std::iter::repeat_n(self.kpi.margin, self.nodes())
    }

    /// How probably a group of this many learners is withheld. The learners are spread evenly over the nodes,
    /// which matters only where each node judges the floor for itself.
    fn withheld(&self, learners: f64) -> f64 {
        let floor = self.mou.privacy().floor;
        let (definition, cells) = (&self.kpi.definition, f64::from(self.cells()));
        match self.mou.privacy().floor_at {
            FloorAt::Coalition => {
                let enough = self.shown_with(1.0);
                let variance = variance_of_sum(self.margins());
                let least = shown_from(definition, floor, variance);
                1.0 - enough * (1.0 - below(least, variance * cells, learners))
            }
            FloorAt::Node => {
                let variance = variance(self.kpi.margin);
                let least = shown_from(definition, floor, variance);
                let there = learners / self.nodes().max(1) as f64;
                1.0 - self.shown_with(1.0 - below(least, variance * cells, there))
            }
        }
    }

    /// How probably enough nodes show a group, if each does with this probability: as many of each kind as the
    /// MOU wants behind one number, and one at least.
    fn shown_with(&self, each: f64) -> f64 {
        let fewest = |kind| {
            let least = self.mou.privacy().min_parties.iter().find(|(of, _)| *of == kind);
            least.map_or(0, |(_, least)| usize::try_from(*least).unwrap_or(usize::MAX))
        };
        let enough: f64 =
            self.kinds.iter().map(|(kind, nodes)| at_least(fewest(*kind), *nodes, each)).product();
        if self.kinds.keys().any(|kind| fewest(*kind) > 0) {
            return enough;
        }
        at_least(1, self.nodes(), each)
    }

    fn width(&self, size: GroupSize) -> Width {
        match &self.kpi.definition.measure {
            Measure::Count { .. } | Measure::Awards { .. } => {
                Width::Learners(margin_of_sum(self.margins()))
            }
            Measure::Mean { clip, unit, .. } => {
                // As if all had the middle: what they have is not guessed at.
                match mean_interval(whole(size.learners), 0, *clip, variance_of_sum(self.margins()))
                {
                    MeanEstimate::TooNoisy => Width::TooNoisy,
                    MeanEstimate::Mean { low, high, .. } => {
                        Width::Units((high - low) / 2.0 / f64::from(unit.per))
                    }
                }
            }
            // How wide a percentile is depends on how learners lie about it, which is not guessed at: on their
            // number within its two ends.
            Measure::Distribution { bins, .. } => {
                let bins = u32::try_from(bins.count()).unwrap_or(u32::MAX);
                Width::Learners(margin_of_group(self.margins(), bins))
            }
            Measure::Rate => {
                let (total, success) =
                    (whole(size.learners), whole(size.learners * size.outcome_share));
                match rate_interval(success, total, variance_of_sum(self.margins()), self.cells()) {
                    RateEstimate::TooNoisy => Width::TooNoisy,
                    RateEstimate::Rate { rate, low, high } => {
                        Width::Points((high - rate).max(rate - low) * 100.0)
                    }
                }
            }
        }
    }
}

/// How probably the noisy size of a group lies below the least that is shown.
fn below(shown_from: u64, variance: f64, learners: f64) -> f64 {
    // Noisy sizes are whole: the largest that is withheld is one less.
    let deviations = (shown_from as f64 - 0.5 - learners) / variance.sqrt();
    libm::erfc(-deviations / std::f64::consts::SQRT_2) / 2.0
}

/// The probability of at least `least` successes in `trials`, each with probability `each`.
fn at_least(least: usize, trials: usize, each: f64) -> f64 {
    if least == 0 {
        return 1.0;
    }
    if least > trials {
        return 0.0;
    }
    // How probable each number of successes is, trial by trial; those from `least` on are one state.
    let mut reached = vec![0.0; least + 1];
    if let Some(none) = reached.first_mut() {
        *none = 1.0;
    }
    for _ in 0..trials {
        let mut next: Vec<f64> = reached.iter().map(|now| now * (1.0 - each)).collect();
        for (to, now) in next.iter_mut().skip(1).zip(&reached) {
            *to += now * each;
        }
        if let (Some(last), Some(now)) = (next.last_mut(), reached.last()) {
            *last += now * each;
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(0.0)
}

/// Whole learners.
fn whole(learners: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "rounded; the cast saturates")]
    let learners = learners.round() as i64;
    learners
}

#[cfg(test)]
mod tests;
