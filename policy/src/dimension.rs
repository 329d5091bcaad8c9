//! What a table may be broken down by: a closed, public list of codes.

use crate::names::DimensionId;
use crate::schema::{Code, TableName};

/// A dimension, resolved: its codes are the cells of its axis, in order, `unknown` among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dimension {
    /// As the MOU names it.
    pub id: DimensionId,
    /// For people.
    pub title: String,
    /// Where a learner's code comes from.
    pub source: DimensionSource,
    /// The axis.
    pub codes: Vec<Code>,
}

/// Where a learner's code comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DimensionSource {
    /// The column of this name: of the KPI's own table if it has one, else of the learner table. The
    /// dimension's codes are the column's codes, in the same order.
    Column(String),
    /// Whole years from the learner's `birth_year` to the calendar year in which the period begins, cut
    /// at these ages: `[18, 25, 40]` gives under 18, 18–24, 25–39, 40 and over, and the last code is
    /// unknown.
    Age(Vec<i16>),
    /// The year column of this name, read where a code's would be. The dimension's codes are these years, both
    /// included, and the last code is unknown: for the years outside, too.
    Years {
        /// The column.
        column: String,
        /// The first year.
        first: i16,
        /// The last year.
        last: i16,
    },
}

impl DimensionSource {
    /// The column it reads.
    pub fn column(&self) -> &str {
        match self {
            Self::Column(column) | Self::Years { column, .. } => column,
            Self::Age(_) => "birth_year",
        }
    }
}

/// The dimensions of a table, in the order in which the MOU lists them; empty for the total.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Breakdown(Vec<DimensionId>);

impl Breakdown {
    /// A breakdown by these dimensions.
    pub fn by(dimensions: impl IntoIterator<Item = DimensionId>) -> Self {
        Self(dimensions.into_iter().collect())
    }

    /// No breakdown at all: one cell for everybody.
    pub fn total() -> Self {
        Self(Vec::new())
    }

    /// The dimensions, in order.
    pub fn dimensions(&self) -> &[DimensionId] {
        &self.0
    }

    /// Whether both name the same dimensions, in whatever order.
    pub fn is_same(&self, other: &Self) -> bool {
        let sorted = |breakdown: &Self| {
            let mut dimensions = breakdown.0.clone();
            dimensions.sort();
            dimensions
        };
        sorted(self) == sorted(other)
    }
}

impl std::fmt::Display for Breakdown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.pad("total");
        }
        let names: Vec<_> = self.0.iter().map(DimensionId::as_str).collect();
        f.pad(&names.join(" × "))
    }
}

/// Where a KPI's dimension is read: in its own table if the column is there, else in the learner table.
pub(crate) fn table_of(
    schema: &crate::schema::Schema,
    of: TableName,
    column: &str,
) -> Option<TableName> {
    [of, TableName::Learner].into_iter().find(|table| schema.column(*table, column).is_some())
}
