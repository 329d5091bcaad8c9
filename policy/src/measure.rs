//! What is measured of the learners who count, how far one of them may move it, and in what it is shown.

use crate::definition::{Outcome, When};
use crate::predicate::ColumnRef;
use crate::quantity::{Quantity, RATIO_PER};

/// What is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Measure {
    /// Learners, each once: in the group of their last row that counts. With a cap, once in each group that a row
    /// of theirs is in, in so many of them at most.
    Count {
        /// Most groups of one learner.
        cap: Option<u32>,
    },
    /// Learners in two or more disjoint outcome cells: each learner in exactly one.
    Rate,
    /// Rows: awards.
    Awards {
        /// Most rows of one learner.
        cap: u32,
        /// By what the highest are kept. None where the table has no level.
        level: Option<Level>,
    },
    /// The mean of something over learners: their number, and the sum of what each has, clipped.
    Mean {
        /// What each has.
        value: Quantity,
        /// Where it is clipped.
        clip: Clip,
        /// What people read it in.
        unit: Unit,
    },
    /// Learners by how much each has of something.
    Distribution {
        /// What each has.
        value: Quantity,
        /// How much is one outcome.
        bins: Bins,
        /// What people read it in.
        unit: Unit,
    },
}

/// A column of codes that stand from low to high.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The column, of the KPI's own table.
    pub column: ColumnRef,
    /// Its codes, from low to high; `unknown` is below all of them, wherever it stands.
    pub codes: Vec<String>,
}

/// The least and the greatest that a value counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clip {
    lo: i64,
    hi: i64,
}

/// Public edges. What is under the first is in the first bin, what is over the last in the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bins {
    /// Ascending; a bin holds its lower edge, and the last one its upper edge too.
    edges: Vec<i64>,
    /// How learners are taken to lie within a bin.
    pub scale: Scale,
}

/// How learners are taken to lie within a bin, when a percentile is read off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// Evenly in the logarithm, as money does.
    Log,
}

/// What a value is shown in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its name or sign: `$`, `days`; empty for a plain number.
    pub name: String,
    /// How many of the value make one: 100 cents.
    pub per: u32,
}

/// The most that one learner may change a table at one node: a number of cells, each by so much at most, in units
/// of what the cell's noise is scaled by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// L0.
    pub cells: u32,
    /// L-infinity.
    pub per_cell: u32,
}

/// Beyond any wage in cents; with it, the sum over 4,294,967,295 learners fits in 64 bits.
pub(crate) const MAX_CLIP: i64 = 1_000_000_000;

impl Measure {
    /// The word by which the canonical text names it.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Count { .. } => "Count",
            Self::Rate => "Rate",
            Self::Awards { .. } => "Awards",
            Self::Mean { .. } => "Mean",
            Self::Distribution { .. } => "Distribution",
        }
    }

    /// The word for it in reports: a count with a cap is `capped count`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Count { cap: None } => "count",
            Self::Count { cap: Some(_) } => "capped count",
            Self::Rate => "rate",
            Self::Awards { .. } => "awards",
            Self::Mean { .. } => "mean",
            Self::Distribution { .. } => "distribution",
        }
    }

    /// What one learner may change at most.
    pub fn bound(&self) -> Bound {
        match self {
            Self::Count { cap: None } | Self::Rate | Self::Distribution { .. } => {
                Bound { cells: 1, per_cell: 1 }
            }
            Self::Count { cap: Some(cap) } => Bound { cells: *cap, per_cell: 1 },
            // All of them may be in one cell.
            Self::Awards { cap, .. } => Bound { cells: 1, per_cell: *cap },
            Self::Mean { .. } => Bound { cells: 2, per_cell: 1 },
        }
    }

    /// By how much the noise of each cell of a group is wider than a count's.
    pub fn scales(&self, outcomes: usize) -> Vec<u64> {
        let mut scales = vec![1; outcomes];
        if let (Self::Mean { clip, .. }, Some(sum)) = (self, scales.get_mut(1)) {
            *sum = clip.width();
        }
        scales
    }

    /// How many of a group's cells, from the first, add up to its size.
    pub fn cells_of_size(&self, outcomes: usize) -> usize {
        match self {
            Self::Count { .. } | Self::Rate | Self::Awards { .. } => outcomes,
            Self::Mean { .. } => 1,
            // Those of whom nothing is known are not among those whose median it is.
            Self::Distribution { .. } => outcomes.saturating_sub(1),
        }
    }

    /// What one learner may add to a group's size: a floor of so many people is this many times as high there.
    pub fn most_of_a_learner(&self) -> u32 {
        match self {
            Self::Awards { cap, .. } => *cap,
            _ => 1,
        }
    }

    /// What each learner's value is, where there is one.
    pub fn value(&self) -> Option<&Quantity> {
        match self {
            Self::Mean { value, .. } | Self::Distribution { value, .. } => Some(value),
            Self::Count { .. } | Self::Rate | Self::Awards { .. } => None,
        }
    }

    /// Columns that it reads beside those of conditions and dimensions.
    pub(crate) fn columns(&self) -> Vec<&ColumnRef> {
        match self {
            Self::Awards { level, .. } => level.iter().map(|level| &level.column).collect(),
            _ => self.value().map_or_else(Vec::new, Quantity::columns),
        }
    }

    /// The cells of a group, of those measures whose cells no condition tells apart.
    pub(crate) fn own_outcomes(&self) -> Option<Vec<Outcome>> {
        let outcome = |id: &str, title: &str, when| Outcome {
            id: id.to_owned(),
            title: title.to_owned(),
            when,
        };
        match self {
            Self::Count { .. } => Some(vec![outcome("count", "Learners", When::Otherwise)]),
            Self::Rate => None,
            Self::Awards { .. } => Some(vec![outcome("awards", "Awards", When::Otherwise)]),
            Self::Mean { .. } => Some(vec![
                outcome("learners", "Learners with a value", When::Measured),
                outcome("sum", "Sum about the middle", When::Measured),
            ]),
            Self::Distribution { bins, unit, .. } => {
                let bin = |(n, edges): (usize, &[i64])| {
                    let ends = [edges.first(), edges.last()]
                        .map(|edge| edge.map_or_else(String::new, |edge| unit.whole(*edge)));
                    outcome(
                        &format!("bin_{n}"),
                        &format!("{} to {}", ends[0], ends[1]),
                        When::Measured,
                    )
                };
                let bins = (1..).zip(bins.edges.windows(2)).map(bin);
                Some(bins.chain([outcome("unknown", "Unknown", When::Measured)]).collect())
            }
        }
    }
}

impl Level {
    /// How far below the highest each code stands, in the order of the list.
    pub fn below_highest(&self) -> Vec<u16> {
        let all = u16::try_from(self.codes.len()).unwrap_or(u16::MAX);
        let places = self.codes.iter().zip(1..);
        let places = places.map(|(id, place)| if id == "unknown" { all } else { all - place });
        places.collect()
    }
}

impl Clip {
    /// From `lo` to `hi`; none if that is nothing, or wider than any value.
    pub fn new(lo: i64, hi: i64) -> Option<Self> {
        let sound = |end: i64| (-MAX_CLIP..=MAX_CLIP).contains(&end);
        (lo < hi && sound(lo) && sound(hi)).then_some(Self { lo, hi })
    }

    /// The least.
    pub fn lo(self) -> i64 {
        self.lo
    }

    /// The greatest.
    pub fn hi(self) -> i64 {
        self.hi
    }

    /// From the one to the other.
    pub fn width(self) -> u64 {
        self.hi.abs_diff(self.lo)
    }

    /// Twice the middle, which is whole where the middle is not.
    pub fn ends(self) -> i64 {
        self.lo + self.hi
    }
}

impl Bins {
    /// Most bins of one list: a table of them is as large as so many tables of counts.
    pub const MAX: usize = 60;

    /// Bins between these edges; none if they do not ascend, or are too few or too many.
    pub fn new(edges: Vec<i64>, scale: Scale) -> Option<Self> {
        let ascending = edges.windows(2).all(|pair| pair.first() < pair.last());
        let few = (3..=Self::MAX + 1).contains(&edges.len());
        (ascending && few).then_some(Self { edges, scale })
    }

    /// The edges, ascending: one more than there are bins.
    pub fn edges(&self) -> &[i64] {
        &self.edges
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.edges.len().saturating_sub(1)
    }
}

impl Unit {
    /// What a value is shown in where nothing else is said.
    pub(crate) fn of(value: &Quantity) -> Self {
        match value {
            Quantity::Sum(_) => Self { name: String::new(), per: 1 },
            Quantity::Ratio { .. } => Self { name: String::new(), per: RATIO_PER },
            Quantity::Days { .. } => Self { name: "days".to_owned(), per: 1 },
        }
    }

    /// Decimals that a mean of it is worth showing with.
    pub fn places(&self) -> usize {
        match self.per {
            1 => 1,
            2..=100 => 2,
            _ => 4,
        }
    }

    /// A value as people read it: `$38,250.00`, `412.5 days`.
    pub fn shown(&self, value: f64) -> String {
        self.with_name(&grouped(value / f64::from(self.per), self.places()))
    }

    /// An edge as people read it: no more decimals than it has.
    pub fn whole(&self, value: i64) -> String {
        let per = i64::from(self.per);
        let places = if value % per == 0 { 0 } else { self.places().max(1) };
        self.with_name(&grouped(value as f64 / f64::from(self.per), places))
    }

    fn with_name(&self, number: &str) -> String {
        match (self.name.as_str(), number.strip_prefix('-')) {
            ("", _) => number.to_owned(),
            (sign @ ("$" | "€" | "£"), Some(number)) => format!("-{sign}{number}"),
            (sign @ ("$" | "€" | "£"), None) => format!("{sign}{number}"),
            (name, _) => format!("{number} {name}"),
        }
    }
}

/// With a comma between thousands.
fn grouped(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
    let (whole, decimals) = text.split_once('.').map_or((text, None), |(a, b)| (a, Some(b)));
    let mut grouped = String::from(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    decimals.map_or(grouped.clone(), |decimals| format!("{grouped}.{decimals}"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn clips_and_bins_that_say_nothing_do_not_exist() {
        assert_eq!(Clip::new(0, 0), None);
        assert_eq!(Clip::new(5, 4), None);
        assert_eq!(Clip::new(0, MAX_CLIP + 1), None);
        let clip = Clip::new(-MAX_CLIP, MAX_CLIP).unwrap();
        // The sum over as many learners as a snapshot holds fits, its noise aside.
        assert!(i64::try_from(u128::from(clip.width()) * u128::from(u32::MAX)).is_ok());
        assert_eq!((clip.width(), clip.ends()), (2_000_000_000, 0));
        assert_eq!(Bins::new(vec![0, 1], Scale::Linear), None);
        assert_eq!(Bins::new(vec![0, 2, 2], Scale::Linear), None);
        assert_eq!(Bins::new((0..=61).collect(), Scale::Linear), None);
        assert_eq!(Bins::new((0..=60).collect(), Scale::Linear).unwrap().count(), 60);
    }

    #[test]
    fn unknown_is_below_every_level() {
        let column = ColumnRef { table: crate::TableName::Award, column: "award_level".to_owned() };
        let codes = ["low", "unknown", "high"].map(str::to_owned).to_vec();
        assert_eq!(Level { column, codes }.below_highest(), [2, 3, 0]);
    }

    #[test]
    fn values_are_shown_in_their_unit() {
        let unit = |name: &str, per| Unit { name: name.to_owned(), per };
        assert_eq!(unit("$", 100).shown(3_825_000.0), "$38,250.00");
        assert_eq!(unit("$", 100).shown(-1_234.0), "-$12.34");
        assert_eq!(unit("$", 100).whole(3_825_000), "$38,250");
        assert_eq!(unit("days", 1).shown(412.46), "412.5 days");
        assert_eq!(unit("", RATIO_PER).shown(7_312.4), "0.7312");
        assert_eq!(unit("credits", 100).whole(150), "1.50 credits");
        assert_eq!(unit("", 1).whole(-1_000_000), "-1,000,000");
    }
}
