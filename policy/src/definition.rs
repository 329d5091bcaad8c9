//! What a KPI means: which learners, which outcome, and when.

use crate::dimension::{Dimension, DimensionSource};
use crate::measure::{Bound, Level, Measure};
use crate::predicate::{ColumnRef, Predicate};
use crate::schema::TableName;

/// The resolved meaning of a KPI. Two KPIs with equal definitions are the same KPI, whatever their ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// What is measured.
    pub measure: Measure,
    /// The table whose rows bring learners in.
    pub of: TableName,
    /// How the period picks rows of `of`.
    pub anchor: Anchor,
    /// Which of those rows count: columns of `of` and of learner.
    pub population: Predicate,
    /// The measure's cells, per combination of dimension codes. A learner is in the first whose condition
    /// holds: one for counts; two or more for `Rate`, which is about the first, and whose last takes
    /// everybody left. A mean has two, a distribution one for each bin and one for no value.
    pub outcomes: Vec<Outcome>,
}

/// How a period picks rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// The row's date lies in the period, or in the period `lag_years` earlier.
    Within {
        /// A date column of `of`.
        column: String,
        /// Years by which rows precede the period that reports them.
        lag_years: u8,
    },
    /// The row's cohort year is the period's year, or `lag_years` earlier.
    Cohort {
        /// A year column of `of`.
        column: String,
        /// Years by which the cohort precedes the period that reports it.
        lag_years: u8,
    },
}

/// One outcome cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// As released: `attained`.
    pub id: String,
    /// For people.
    pub title: String,
    /// When a learner is in it.
    pub when: When,
}

/// When a learner is in an outcome cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Any of the learner's rows that count fulfils this.
    AnyRow(Predicate),
    /// Any of the learner's rows of another table fulfils this, read beside the learner's last row that
    /// counts: columns of `in_table`, of `of` and of learner.
    Exists {
        /// The other table.
        in_table: TableName,
        /// The condition.
        when: Predicate,
    },
    /// Everybody who is in no cell before.
    Otherwise,
    /// No condition says: the measure itself fills the cell from the learner's value.
    Measured,
}

impl Anchor {
    /// The column it reads.
    pub fn column(&self) -> &str {
        match self {
            Self::Within { column, .. } | Self::Cohort { column, .. } => column,
        }
    }

    /// Years by which rows precede the period that reports them.
    pub fn lag_years(&self) -> u8 {
        match self {
            Self::Within { lag_years, .. } | Self::Cohort { lag_years, .. } => *lag_years,
        }
    }
}

impl When {
    /// The condition, where there is one.
    pub fn predicate(&self) -> Option<&Predicate> {
        match self {
            Self::AnyRow(when) | Self::Exists { when, .. } => Some(when),
            Self::Otherwise | Self::Measured => None,
        }
    }
}

impl Definition {
    /// Every column the definition reads, each once, with its table.
    pub fn columns(&self) -> Vec<ColumnRef> {
        let anchor = ColumnRef { table: self.of, column: self.anchor.column().to_owned() };
        let mut columns: Vec<_> = self
            .outcomes
            .iter()
            .filter_map(|outcome| outcome.when.predicate())
            .chain([&self.population])
            .flat_map(Predicate::columns)
            .chain(self.measure.columns())
            .cloned()
            .chain([anchor])
            .collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// By how much the noise of each cell of a group is wider than a count's.
    pub fn scales(&self) -> Vec<u64> {
        self.measure.scales(self.outcomes.len())
    }

    /// The size of a group with these cells, and how many of them were added up for it.
    pub fn size_of(&self, cells: &[i64]) -> (i64, u32) {
        let counted = self.measure.cells_of_size(self.outcomes.len());
        let size = cells.iter().take(counted).fold(0_i64, |sum, cell| sum.saturating_add(*cell));
        (size, u32::try_from(counted).unwrap_or(u32::MAX))
    }

    /// The floor of a group's size, where a group has to have so many learners.
    pub fn floor_of(&self, learners: u32) -> u64 {
        u64::from(learners).saturating_mul(u64::from(self.measure.most_of_a_learner()))
    }

    /// The one canonical text of the definition broken down by these dimensions; its hash names the table.
    pub(crate) fn canonical(&self, axes: &[(&Dimension, TableName)]) -> String {
        use std::fmt::Write;
        let mut text =
            format!("sumac-definition/1\nmeasure {}\nof {}\n", self.measure.word(), self.of);
        let mut line = |words: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{words}");
        };
        let (how, column) = match &self.anchor {
            Anchor::Within { column, .. } => ("within", column),
            Anchor::Cohort { column, .. } => ("cohort", column),
        };
        line(format_args!("{how} {column} lag {}", self.anchor.lag_years()));
        line(format_args!("where {}", self.population));
        match &self.measure {
            Measure::Count { cap: None } | Measure::Rate => {}
            // With a cap of one, too, it is another group than that of the last row.
            Measure::Count { cap: Some(_) } => line(format_args!("any group")),
            Measure::Awards { level, .. } => match level {
                Some(Level { column, codes }) => {
                    line(format_args!("highest {column} {codes:?}"));
                }
                None => line(format_args!("any row")),
            },
            Measure::Mean { value, clip, .. } => {
                line(format_args!("value {value}"));
                line(format_args!("clip {} {}", clip.lo(), clip.hi()));
            }
            Measure::Distribution { value, bins, .. } => {
                line(format_args!("value {value}"));
                line(format_args!("bins {:?}", bins.edges()));
            }
        }
        let Bound { cells, per_cell } = self.measure.bound();
        line(format_args!("bound cells {cells} change {per_cell}"));
        for outcome in &self.outcomes {
            let id = &outcome.id;
            match &outcome.when {
                When::AnyRow(when) => line(format_args!("outcome {id:?} any {when}")),
                When::Exists { in_table, when } => {
                    line(format_args!("outcome {id:?} exists {in_table} {when}"));
                }
                When::Otherwise => line(format_args!("outcome {id:?} otherwise")),
                When::Measured => line(format_args!("outcome {id:?} measured")),
            }
        }
        for (dimension, table) in axes {
            let codes: Vec<_> = dimension.codes.iter().map(|code| code.id.as_str()).collect();
            match &dimension.source {
                DimensionSource::Column(column) => {
                    line(format_args!("by {table}.{column} {codes:?}"));
                }
                DimensionSource::Age(cuts) => {
                    line(format_args!("by {table} age {cuts:?} {codes:?}"))
                }
                DimensionSource::Years { column, first, last } => {
                    line(format_args!("by {table}.{column} years {first} {last} {codes:?}"));
                }
            }
        }
        text
    }
}
