//! How large the groups of a coalition are, roughly: what its authors know before anything is asked.
//!
//! A guess about the public, such as last year's published enrolment. It steers nothing but forecasts and
//! proposals: no price and no refusal depends on it.

use std::collections::BTreeMap;

use sumac_policy::{Code, DimensionId, Kpi, KpiId, Mou};

/// The share of the first outcome where nobody states one: the one at which a rate's margin is widest for two
/// outcomes of a known size.
const EVEN: f64 = 0.5;

/// What is known about sizes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sizes {
    rows: Vec<SizeRow>,
    learners: Option<u64>,
}

/// One line of a table of sizes, about one period at the whole coalition.
#[derive(Debug, Clone, PartialEq)]
pub struct SizeRow {
    /// Which KPI; none: every KPI about which no row of its own says it.
    pub kpi: Option<KpiId>,
    /// The dimension and the code; none: the total.
    pub group: Option<(DimensionId, String)>,
    /// How many.
    pub amount: Amount,
    /// The share of a rate's first outcome, from 0 to 1, if it is known.
    pub outcome_share: Option<f64>,
}

/// How many learners.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    /// So many.
    Learners(u64),
    /// This share of the total, from 0 to 1.
    Share(f64),
}

/// A group's size, and what its rate may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GroupSize {
    /// Learners at the coalition, in one period.
    pub learners: f64,
    /// The share of the first outcome.
    pub outcome_share: f64,
}

/// What a table of sizes names that the MOU does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizesError {
    /// A KPI.
    #[error("the MOU lists no KPI `{0}`")]
    Kpi(KpiId),
    /// A dimension.
    #[error("the MOU has no dimension `{0}`")]
    Dimension(DimensionId),
    /// A code.
    #[error("`{dimension}` has no code `{code}`: it has {known}")]
    Code {
        /// Of this dimension.
        dimension: DimensionId,
        /// As written.
        code: String,
        /// Those it has.
        known: String,
    },
    /// A share of nothing: the total cannot be a share of itself.
    #[error("a total is a number of learners, not a share")]
    ShareOfItself,
    /// A share that is none.
    #[error("a share lies between 0 and 1, or 0 % and 100 %")]
    Share,
}

impl SizeRow {
    /// Whether the MOU has what the row names, and its shares are shares.
    ///
    /// # Errors
    /// What it has not.
    pub fn fits(&self, mou: &Mou) -> Result<(), SizesError> {
        if let Some(id) = &self.kpi {
            mou.kpi(id).ok_or_else(|| SizesError::Kpi(id.clone()))?;
        }
        if let Some((id, code)) = &self.group {
            let dimension = mou.dimension(id).ok_or_else(|| SizesError::Dimension(id.clone()))?;
            if !dimension.codes.iter().any(|known| known.id == *code) {
                let known: Vec<_> = dimension.codes.iter().map(|code| code.id.as_str()).collect();
                return Err(SizesError::Code {
                    dimension: id.clone(),
                    code: code.clone(),
                    known: known.join(", "),
                });
            }
        }
        let is_share = |share: &f64| (0.0..=1.0).contains(share);
        match (self.amount, &self.group) {
            (Amount::Share(_), None) => return Err(SizesError::ShareOfItself),
            (Amount::Share(share), _) if !is_share(&share) => return Err(SizesError::Share),
            _ => {}
        }
        if self.outcome_share.is_some_and(|share| !is_share(&share)) {
            return Err(SizesError::Share);
        }
        Ok(())
    }
}

impl Sizes {
    /// What these rows say; and for KPIs about whose total they say nothing, this many learners.
    pub fn new(rows: Vec<SizeRow>, learners: Option<u64>) -> Self {
        Self { rows, learners }
    }

    /// The KPI's learners, in one period at the whole coalition; none if nothing says it.
    pub fn total(&self, kpi: &Kpi) -> Option<GroupSize> {
        let row = self.row(kpi, |row| row.group.is_none());
        let stated = row.and_then(|row| match row.amount {
            Amount::Learners(learners) => Some(learners as f64),
            Amount::Share(_) => None,
        });
        let learners = stated.or_else(|| self.summed(kpi)).or(self.learners.map(|n| n as f64))?;
        let outcome_share = row.and_then(|row| row.outcome_share).unwrap_or(EVEN);
        Some(GroupSize { learners, outcome_share })
    }

    /// The group of these dimensions' codes; none if nothing is said of one of them. Dimensions are taken as
    /// independent of each other, for nobody knows crossed sizes. One without a row is spread evenly over its
    /// codes but `unknown`.
    pub fn group(&self, kpi: &Kpi, codes: &[(&DimensionId, &Code, usize)]) -> Option<GroupSize> {
        let total = self.total(kpi)?;
        let mut size = GroupSize { learners: total.learners, ..total };
        let mut shares = Vec::new();
        for (dimension, code, count) in codes {
            let of = |row: &SizeRow| row.group.as_ref().is_some_and(|(id, _)| id == *dimension);
            if self.row(kpi, of).is_none() {
                let known = count.saturating_sub(1).max(1);
                (code.id != "unknown").then_some(())?;
                size.learners /= known as f64;
                continue;
            }
            let exact = |row: &SizeRow| {
                row.group.as_ref().is_some_and(|(id, other)| id == *dimension && *other == code.id)
            };
            let row = self.row(kpi, exact)?;
            let share = match row.amount {
                Amount::Share(share) => share,
                Amount::Learners(_) if total.learners <= 0.0 => 0.0,
                Amount::Learners(learners) => learners as f64 / total.learners,
            };
            size.learners *= share;
            shares.extend(row.outcome_share);
        }
        if !shares.is_empty() {
            size.outcome_share = shares.iter().sum::<f64>() / shares.len() as f64;
        }
        Some(size)
    }

    /// The row of the KPI's own, or else the one for every KPI.
    fn row(&self, kpi: &Kpi, is_it: impl Fn(&SizeRow) -> bool) -> Option<&SizeRow> {
        let of =
            |id: Option<&KpiId>| self.rows.iter().find(|row| row.kpi.as_ref() == id && is_it(row));
        of(Some(&kpi.id)).or_else(|| of(None))
    }

    /// The total as the sum over the codes of the dimension that accounts for most.
    fn summed(&self, kpi: &Kpi) -> Option<f64> {
        let mut sums: BTreeMap<&DimensionId, u64> = BTreeMap::new();
        let own = |row: &&SizeRow| row.kpi.as_ref() == Some(&kpi.id);
        let has_own = self.rows.iter().any(|row| own(&row) && row.group.is_some());
        let rows =
            self.rows.iter().filter(|row| if has_own { own(row) } else { row.kpi.is_none() });
        for row in rows {
            if let (Some((dimension, _)), Amount::Learners(learners)) = (&row.group, row.amount) {
                let sum = sums.entry(dimension).or_default();
                *sum = sum.saturating_add(learners);
            }
        }
        sums.into_values().max().map(|sum| sum as f64)
    }
}
