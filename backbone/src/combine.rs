//! Adds up what the nodes released, and shows a group only where its noisy size says that it may.
//!
//! Everything here works on noisy numbers, so it costs nothing and tells nothing new. The rules are those of
//! statistical disclosure practice (NCES 2011-603, SLDS Technical Brief 3), judged on noise:
//!
//! - *floor with guard*: a group is shown if its noisy size is at least floor + ⌈2.326·s⌉, s² being the variance
//!   of that size. A true group below the floor is then shown at most once in a hundred times;
//! - *parties*: a number in which fewer parties of a kind took part than the MOU wants is withheld;
//! - *too noisy*: a rate or mean whose denominator is within 1.96·s of zero says nothing, and is withheld; so is a
//!   distribution of which no quartile says anything.

use sumac_policy::{Code, FloorAt, Margin, Measure, Mou, PartyId, PartyKind, Table};
use sumac_privacy::{
    MeanEstimate, NanoRho, PercentileEstimate, RateEstimate, margin_of_group, margin_of_sum,
    mean_interval, percentile, rate_interval, shown_from, variance_of_sum,
};

use crate::absence::Absence;
use crate::ask::Answers;
use crate::verify::{Stricter, Verified};

/// The coalition's numbers for one table, with who is behind them.
#[derive(Debug, Clone)]
pub struct Combined {
    /// The table.
    pub table: Table,
    /// Who answered and who did not.
    pub coverage: Coverage,
    /// One for each combination of dimension codes, in row-major order. Empty if nobody answered.
    pub groups: Vec<Group>,
    /// The dearest price that any one node paid for this table, whenever it did. Zero if nobody answered, or if
    /// it is derived.
    pub price: NanoRho,
    /// Whether every node added it up from a released table, because the MOU does not list it.
    pub derived: bool,
    /// Nodes whose numbers are not those of their first release, each with how often it measured or added up
    /// anew.
    pub revised: Vec<(PartyId, u32)>,
    /// Nodes that hold themselves to more than the MOU demands, and to what.
    pub stricter: Vec<(PartyId, Stricter)>,
}

/// Who is behind the numbers of a table. In the MOU's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// Their numbers are in the sums.
    pub answered: Vec<PartyId>,
    /// Theirs are not, and why.
    pub missing: Vec<(PartyId, Absence)>,
}

/// The learners who share one combination of dimension codes.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// One code per dimension of the table.
    pub codes: Vec<Code>,
    /// Noisy sums per outcome, as they are: perhaps negative, and before anything is withheld. For tests of the
    /// noise and for further sums; what people see is `shown`.
    pub sums: Vec<i64>,
    /// Nodes that withheld this group by their own floor, so that the sums lack their learners.
    pub withheld_by: Vec<PartyId>,
    /// What may be shown.
    pub shown: Shown,
}

/// What may be shown of a group.
#[derive(Debug, Clone, PartialEq)]
pub enum Shown {
    /// Learners.
    Count(Count),
    /// A share of learners, with the 95 % interval that the noise leaves it.
    Rate {
        /// Of 1.
        rate: f64,
        /// The interval's lower end.
        low: f64,
        /// The interval's upper end.
        high: f64,
        /// The group's learners.
        size: Count,
        /// Those in each outcome, in the definition's order.
        outcomes: Vec<Count>,
    },
    /// What learners have on average, in the value's own unit, with the 95 % interval that the noise leaves it.
    Mean {
        /// The mean of the clipped values.
        mean: Interval,
        /// The learners who have something.
        size: Count,
    },
    /// How much learners have, read off the bins.
    Distribution {
        /// A quarter of them, half of them, three quarters of them have less; none where the noise leaves it open.
        quartiles: [Option<Interval>; 3],
        /// The learners who have something.
        size: Count,
        /// Those in each bin, and at last those of whom nothing is known.
        outcomes: Vec<Count>,
    },
    /// Nothing. An empty group looks like any other below the floor.
    Withheld(Withholding),
}

/// A value between two ends, 95 % of the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The value.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Learners, or awards, within a margin 95 % of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Never negative: noise below zero is shown as zero.
    pub value: u64,
    /// In learners.
    pub margin: u64,
}

/// Why a group is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Withholding {
    /// Its noisy size is not clearly above the floor.
    BelowFloor,
    /// Fewer parties of a kind are behind it than the MOU wants.
    TooFewParties,
    /// The noise leaves its rate, its mean or its quartiles open.
    TooNoisy,
}

impl Combined {
    /// Whether somebody may be counted more than once: sums over several nodes are not deduplicated.
    pub fn may_count_twice(&self) -> bool {
        self.coverage.answered.len() > 1
    }
}

/// Adds up the releases of one table.
pub fn combine(mou: &Mou, answers: Answers) -> Combined {
    let Answers { table, from } = answers;
    let mut releases = Vec::new();
    let mut missing = Vec::new();
    for (party, outcome) in from {
        match outcome {
            Ok(verified) => releases.push((party, verified)),
            Err(absence) => missing.push((party, absence)),
        }
    }
    let size = table.kpi().definition.outcomes.len();
    let groups = if releases.is_empty() || size == 0 { 0 } else { table.cells() / size };
    let groups = (0..groups).map(|place| group(mou, &table, &releases, place)).collect();
    let price =
        releases.iter().map(|(_, verified)| verified.release().facts().price_nano_rho).max();
    let derived = !releases.is_empty() && !table.is_listed();
    let revision = |(party, verified): &(PartyId, Verified)| {
        let revision = verified.release().facts().revision;
        (revision > 0).then(|| (party.clone(), revision))
    };
    let revised = releases.iter().filter_map(revision).collect();
    let stricter = releases.iter().map(|(party, verified)| (party.clone(), verified.stricter()));
    let stricter = stricter.filter(|(_, stricter)| *stricter != Stricter::default()).collect();
    let answered = releases.into_iter().map(|(party, _)| party).collect();
    Combined {
        table,
        coverage: Coverage { answered, missing },
        groups,
        price: price.map_or(NanoRho::ZERO, NanoRho::new),
        derived,
        revised,
        stricter,
    }
}

fn group(mou: &Mou, table: &Table, releases: &[(PartyId, Verified)], place: usize) -> Group {
    let outcomes = table.kpi().definition.outcomes.len();
    let mut sums = vec![0_i64; outcomes];
    let mut margins = Vec::new();
    let mut behind = Vec::new();
    let mut withheld_by = Vec::new();
    for (party, verified) in releases {
        let facts = verified.release().facts();
        let hidden = facts.withheld.as_ref().is_some_and(|withheld| {
            withheld.groups.iter().any(|group| usize::try_from(*group) == Ok(place))
        });
        if hidden {
            withheld_by.push(party.clone());
            continue;
        }
        let cells = facts.cells.iter().skip(place * outcomes);
        for (sum, cell) in sums.iter_mut().zip(cells) {
            // A verified cell is so bounded that this never saturates.
            *sum = sum.saturating_add(*cell);
        }
        margins.push(facts.margin);
        behind.push(party);
    }
    let shown = show(mou, table, &sums, &margins, &behind);
    Group { codes: table.codes_at(place), sums, withheld_by, shown }
}

fn show(mou: &Mou, table: &Table, sums: &[i64], margins: &[Margin], behind: &[&PartyId]) -> Shown {
    let privacy = mou.privacy();
    // Every node withheld the group by its own floor.
    if behind.is_empty() {
        return Shown::Withheld(Withholding::BelowFloor);
    }
    if !enough_parties(mou, table, behind) {
        return Shown::Withheld(Withholding::TooFewParties);
    }
    let definition = &table.kpi().definition;
    let (size, cells) = definition.size_of(sums);
    let variance = variance_of_sum(margins.iter().copied());
    let shown_from = shown_from(definition, privacy.floor, variance);
    let clearly_above = u64::try_from(size).is_ok_and(|size| size >= shown_from);
    // Where the nodes judge the floor, each has done so already, with a guard for its own noise.
    if privacy.floor_at == FloorAt::Coalition && !clearly_above {
        return Shown::Withheld(Withholding::BelowFloor);
    }
    let margin = margin_of_sum(margins.iter().copied());
    let count = |value, margin| Count { value: u64::try_from(value).unwrap_or(0), margin };
    let size_of_group = count(size, margin_of_group(margins.iter().copied(), cells));
    let outcomes = || sums.iter().map(|sum| count(*sum, margin)).collect();
    match &definition.measure {
        Measure::Count { .. } | Measure::Awards { .. } => Shown::Count(size_of_group),
        Measure::Rate => {
            // A rate is about its first outcome.
            let success = sums.first().copied().unwrap_or(0);
            match rate_interval(success, size, variance, cells) {
                RateEstimate::TooNoisy => Shown::Withheld(Withholding::TooNoisy),
                RateEstimate::Rate { rate, low, high } => {
                    Shown::Rate { rate, low, high, size: size_of_group, outcomes: outcomes() }
                }
            }
        }
        Measure::Mean { clip, .. } => {
            let sum = sums.get(1).copied().unwrap_or(0);
            match mean_interval(size, sum, *clip, variance) {
                MeanEstimate::TooNoisy => Shown::Withheld(Withholding::TooNoisy),
                MeanEstimate::Mean { mean, low, high } => {
                    Shown::Mean { mean: Interval { value: mean, low, high }, size: size_of_group }
                }
            }
        }
        Measure::Distribution { bins, .. } => {
            let counts = sums.get(..bins.count()).unwrap_or_default();
            let quartiles =
                [0.25, 0.5, 0.75].map(|share| match percentile(counts, bins, share, variance) {
                    PercentileEstimate::TooNoisy => None,
                    PercentileEstimate::Value { value, low, high } => {
                        Some(Interval { value, low, high })
                    }
                });
            if quartiles.iter().all(Option::is_none) {
                return Shown::Withheld(Withholding::TooNoisy);
            }
            Shown::Distribution { quartiles, size: size_of_group, outcomes: outcomes() }
        }
    }
}

/// Whether enough parties of every kind that answers this KPI are behind a number.
fn enough_parties(mou: &Mou, table: &Table, behind: &[&PartyId]) -> bool {
    let of_kind = |kind: PartyKind| {
        behind.iter().filter(|id| mou.party(id).is_some_and(|party| party.kind == kind)).count()
    };
    mou.privacy()
        .min_parties
        .iter()
        .filter(|(kind, _)| table.kpi().answered_by.contains(kind))
        .all(|(kind, fewest)| u32::try_from(of_kind(*kind)).is_ok_and(|count| count >= *fewest))
}

#[cfg(test)]
mod tests;
