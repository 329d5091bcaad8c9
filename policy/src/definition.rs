//! What a KPI means: which learners, which outcome, and when.

use crate::dimension::{Dimension, DimensionSource};
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
    /// holds: one for `Count`; two or more for `Rate`, which is about the first, and whose last takes
    /// everybody left.
    pub outcomes: Vec<Outcome>,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// Learners, each once.
    Count,
    /// Learners in two or more disjoint outcome cells: each learner in exactly one.
    Rate,
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
            Self::Otherwise => None,
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
            .cloned()
            .chain([anchor])
            .collect();
        columns.sort();
        columns.dedup();
        columns
    }

    /// The one canonical text of the definition broken down by these dimensions; its hash names the table.
    pub(crate) fn canonical(&self, axes: &[(&Dimension, TableName)]) -> String {
        use std::fmt::Write;
        let mut text = format!("sumac-definition/1\nmeasure {:?}\nof {}\n", self.measure, self.of);
        let mut line = |words: std::fmt::Arguments<'_>| {
            let _ = writeln!(text, "{words}");
        };
        let (how, column) = match &self.anchor {
            Anchor::Within { column, .. } => ("within", column),
            Anchor::Cohort { column, .. } => ("cohort", column),
        };
        line(format_args!("{how} {column} lag {}", self.anchor.lag_years()));
        line(format_args!("where {}", self.population));
        line(format_args!("bound cells 1 change 1"));
        for outcome in &self.outcomes {
            let id = &outcome.id;
            match &outcome.when {
                When::AnyRow(when) => line(format_args!("outcome {id:?} any {when}")),
                When::Exists { in_table, when } => {
                    line(format_args!("outcome {id:?} exists {in_table} {when}"));
                }
                When::Otherwise => line(format_args!("outcome {id:?} otherwise")),
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
