//! Restrictions: they only narrow what the KPIs allow, and need no order.

use crate::dimension::Breakdown;
use crate::margin::Margin;
use crate::mou::{Kpi, Mou};
use crate::names::{DimensionId, KpiId};

/// One restriction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restriction {
    /// Why, in the words of who wrote it.
    pub because: String,
    /// The KPI that it narrows; none: every one.
    pub kpi: Option<KpiId>,
    /// What it does.
    pub limit: Limit,
}

/// What a restriction does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Limit {
    /// A column is refused wherever it is used: as a breakdown, in a condition, as a value.
    Column {
        /// The dimension by which it was named, if it was.
        dimension: Option<DimensionId>,
        /// The column, in any canonical table.
        column: String,
    },
    /// The KPI is refused whole.
    Kpi,
    /// The margin is at least this wide.
    Margin(Margin),
    /// Groups smaller than this many learners are withheld.
    Floor(u32),
}

impl Restriction {
    /// Whether it speaks of this KPI.
    pub fn covers(&self, kpi: &Kpi) -> bool {
        self.kpi.as_ref().is_none_or(|id| *id == kpi.id)
    }

    /// What of this table it refuses, as it was named: a dimension, a column, the KPI. None if nothing.
    pub(crate) fn refuses(&self, mou: &Mou, kpi: &Kpi, breakdown: &Breakdown) -> Option<String> {
        if !self.covers(kpi) {
            return None;
        }
        match &self.limit {
            Limit::Kpi => Some(kpi.id.to_string()),
            Limit::Margin(_) | Limit::Floor(_) => None,
            Limit::Column { dimension, column } => {
                let named =
                    || dimension.as_ref().map_or_else(|| column.clone(), ToString::to_string);
                let reads_it = |id: &DimensionId| {
                    let source = mou.dimension(id).map(|dimension| dimension.source.column());
                    source == Some(column.as_str())
                };
                let broken_down = breakdown.dimensions().iter().any(reads_it);
                let read = kpi.definition.columns().iter().any(|read| read.column == *column);
                (broken_down || read).then(named)
            }
        }
    }
}
