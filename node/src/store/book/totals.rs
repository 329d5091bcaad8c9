//! A book's sums.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::Span;

use super::table::Paid;
use crate::store::record::{Import, MouInForce};
use crate::store::text;

/// All of a book but its tables.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct Totals {
    /// The place of the next record: how many there are.
    pub(in crate::store) next_seq: u64,
    /// Spent in each accounting year as the MOU of the day wrote it, in nano-ρ.
    pub(in crate::store) spent: BTreeMap<String, u64>,
    /// The same by each year's days, in their order: a year's name does not say when it began.
    pub(in crate::store) years: Vec<SpentIn>,
    /// Spent in all years together, in nano-ρ.
    pub(in crate::store) lifetime_nano_rho: u64,
    pub(in crate::store) charged: u64,
    pub(in crate::store) released: u64,
    pub(in crate::store) snapshot: Option<Import>,
    pub(in crate::store) mou: Option<MouInForce>,
    /// The latest time of any record, in whole seconds.
    pub(in crate::store) latest_s: Option<i64>,
    /// Where in the log the last signer is named.
    pub(in crate::store) signer_at: Option<u64>,
}

/// What was spent in one accounting year.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::store) struct SpentIn {
    #[serde(with = "text::printed")]
    pub(in crate::store) first: Date,
    #[serde(with = "text::printed")]
    pub(in crate::store) last: Date,
    pub(in crate::store) nano_rho: u64,
}

impl Totals {
    /// Spent in every accounting year that has a day in common with these, in nano-ρ. A year that begins on
    /// another day than it used to takes in all that was spent in the years it is made of.
    pub(in crate::store) fn spent(&self, span: Span) -> u64 {
        let common = |year: &&SpentIn| year.first <= span.last && span.first <= year.last;
        // Never more than the lifetime's sum, which fits.
        self.years.iter().filter(common).map(|year| year.nano_rho).sum()
    }

    /// Adds a price to its year; none if the lifetime's sum, which bounds each year's, does not fit.
    pub(super) fn spend(&mut self, paid: &Paid) -> Option<()> {
        let Paid { year, year_first: first, year_last: last, price_nano_rho, .. } = paid;
        self.lifetime_nano_rho = self.lifetime_nano_rho.checked_add(*price_nano_rho)?;
        *self.spent.entry(year.clone()).or_default() += price_nano_rho;
        let days = |year: &SpentIn| (year.first, year.last);
        match self.years.binary_search_by_key(&(*first, *last), days) {
            Ok(place) => {
                let year = self.years.get_mut(place)?;
                year.nano_rho += price_nano_rho;
            }
            Err(place) => {
                let (first, last, nano_rho) = (*first, *last, *price_nano_rho);
                self.years.insert(place, SpentIn { first, last, nano_rho });
            }
        }
        Some(())
    }
}
