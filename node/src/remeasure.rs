//! Correcting a released table: a new measurement, ordered by the operator, paid for at full price.
//!
//! The order is one record in the ledger. From then on the old revision answers nobody; the next ask measures anew
//! and pays. Both revisions stay in the ledger, and so does why.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_policy::{Breakdown, Mou, Refusal, Table};
use sumac_privacy::NanoRho;

use crate::release::price_of;
use crate::store::{Held, HeldState, Ordering, RemeasureOrder, Store, StoreError};
use crate::world::day_of;

/// Longest reason that is written down, in bytes.
const MAX_REASON: usize = 1_000;

/// A table to be measured anew, in the operator's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Correction {
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub by: Vec<String>,
    /// Why; kept in the ledger.
    pub because: String,
}

/// What a correction costs, and what is left for it. Made of the MOU and the ledger, never of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The revision to come; 0 was the first measurement.
    pub revision: u32,
    /// What it will cost, in nano-ρ.
    pub price_nano_rho: u64,
    /// The accounting year that would pay today.
    pub year: String,
    /// What may be spent in it, in nano-ρ.
    pub budget_nano_rho: u64,
    /// What was spent of it, in nano-ρ.
    pub spent_nano_rho: u64,
    /// The margin it will be measured at, in learners.
    pub margin: u32,
    /// The margin of the revision that stands, in learners.
    pub margin_before: u32,
}

/// Why a table is not measured anew. For its operator.
#[derive(Debug, thiserror::Error)]
pub enum RemeasureError {
    /// A word that is none.
    #[error("{0}")]
    Unreadable(String),
    /// The MOU lists no such table.
    #[error("{0}")]
    NotListed(Refusal),
    /// Nothing was said, or too much.
    #[error(
        "a correction needs its reason, of at most {MAX_REASON} bytes and without control characters"
    )]
    NoReason,
    /// There is nothing to correct.
    #[error("this table was never released, so there is nothing to correct")]
    NeverReleased,
    /// Twice.
    #[error("revision {} of this table is ordered already, and nobody has asked for it yet", .revision + 1)]
    AlreadyOrdered {
        /// The revision ordered.
        revision: u32,
    },
    /// The year's budget has no room for it.
    #[error(
        "of ρ {budget} for {year}, {spent} is spent, and measuring this table anew costs {price}"
    )]
    Spent {
        /// The accounting year.
        year: String,
        /// Its budget.
        budget: NanoRho,
        /// Spent of it.
        spent: NanoRho,
        /// The price.
        price: NanoRho,
    },
    /// The ledger.
    #[error("keep the ledger")]
    Store(#[from] StoreError),
}

impl RemeasureError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            Self::Unreadable(_) => "write KPI, period and dimensions as the MOU does".to_owned(),
            Self::NotListed(refusal) => refusal.hint.clone(),
            Self::NoReason => "say it with --because \"…\"".to_owned(),
            Self::NeverReleased => {
                "the next ask measures it on the data of that day: `sumac import` first".to_owned()
            }
            Self::AlreadyOrdered { .. } => "the next ask measures it".to_owned(),
            Self::Spent { .. } => "wait for the next accounting year".to_owned(),
            Self::Store(_) => "see the node's log".to_owned(),
        }
    }
}

/// Looks what a correction would cost. Changes nothing.
///
/// # Errors
/// Where it would not be taken.
pub async fn plan(
    store: &Store,
    mou: &Mou,
    correction: &Correction,
    now: Timestamp,
) -> Result<Plan, RemeasureError> {
    let table = table(mou, correction)?;
    let Some(held) = store.held(&table.key()).await? else {
        return Err(RemeasureError::NeverReleased);
    };
    let Held { revision, margin, state } = held;
    match state {
        HeldState::RemeasureOrdered => {
            return Err(RemeasureError::AlreadyOrdered { revision: revision + 1 });
        }
        // Paid for, and the next ask completes it; unless that would be less precise than the MOU asks now.
        HeldState::Charged if margin <= table.kpi().margin => {
            return Err(RemeasureError::NeverReleased);
        }
        HeldState::Charged | HeldState::Lost | HeldState::Purged | HeldState::Released(_) => {}
    }
    let calendar = mou.calendar();
    let year = calendar.year_starts.year_of(day_of(now));
    let balance = store.balance(year.span(calendar.year_starts)).await?;
    let price = price_of(&table);
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let spent = NanoRho::new(balance.spent_nano_rho);
    if spent.checked_add(price).is_none_or(|total| total > budget) {
        return Err(RemeasureError::Spent { year: year.to_string(), budget, spent, price });
    }
    Ok(Plan {
        revision: revision + 1,
        price_nano_rho: price.get(),
        year: year.to_string(),
        budget_nano_rho: budget.get(),
        spent_nano_rho: spent.get(),
        margin: table.kpi().margin.learners(),
        margin_before: margin.learners(),
    })
}

/// Orders a correction: on disk when this returns. Nothing is spent before the table is asked for; should the
/// budget be spent by then, that ask is refused.
///
/// # Errors
/// Where it is not taken.
pub async fn order(
    store: &Store,
    mou: &Mou,
    correction: &Correction,
    now: Timestamp,
) -> Result<Plan, RemeasureError> {
    let plan = plan(store, mou, correction, now).await?;
    let table = table(mou, correction)?;
    let order = RemeasureOrder {
        table: table.key(),
        margin: table.kpi().margin,
        kpi: table.kpi().id.to_string(),
        period: table.period().to_string(),
        breakdown: table.breakdown().dimensions().iter().map(ToString::to_string).collect(),
        because: correction.because.clone(),
        at: now,
    };
    match store.order_remeasure(order).await? {
        Ordering::Ordered { revision } => Ok(Plan { revision, ..plan }),
        Ordering::Already { revision } => Err(RemeasureError::AlreadyOrdered { revision }),
        Ordering::NeverReleased => Err(RemeasureError::NeverReleased),
    }
}

/// The listed table that a correction names.
fn table(mou: &Mou, correction: &Correction) -> Result<Table, RemeasureError> {
    let Correction { kpi, period, by, because } = correction;
    if because.trim().is_empty()
        || because.len() > MAX_REASON
        || because.chars().any(char::is_control)
    {
        return Err(RemeasureError::NoReason);
    }
    let unreadable = |error: &dyn std::fmt::Display| RemeasureError::Unreadable(error.to_string());
    let kpi = kpi.parse().map_err(|error| unreadable(&error))?;
    let period = period.parse().map_err(|error| unreadable(&error))?;
    let by = by.iter().map(|id| id.parse().map_err(|error| unreadable(&error)));
    let by = Breakdown::by(by.collect::<Result<Vec<_>, _>>()?);
    Table::resolve(mou, &kpi, period, &by).map_err(RemeasureError::NotListed)
}
