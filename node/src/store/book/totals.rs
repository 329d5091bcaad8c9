//! A book's sums.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sumac_policy::Span;

use super::restores::{Lost, Restore};
use super::table::Paid;
use crate::store::pause::Paused;
use crate::store::record::{Import, Left, MouInForce, NarrowInForce};
use crate::store::restoration::Stopped;
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
    /// Releases that were deleted, and tables added up that were.
    pub(in crate::store) purged: u64,
    pub(in crate::store) snapshot: Option<Import>,
    pub(in crate::store) mou: Option<MouInForce>,
    pub(in crate::store) narrow: Option<NarrowInForce>,
    /// That this party has left the agreement.
    pub(in crate::store) left: Option<Left>,
    /// None while nobody has stopped the node; a last day may be over.
    pub(in crate::store) paused: Option<Paused>,
    /// Questions put before the stewards so far.
    pub(in crate::store) held: u64,
    /// The latest time of any record, in whole seconds.
    pub(in crate::store) latest_s: Option<i64>,
    /// Where in the log the last signer is named.
    pub(in crate::store) signer_at: Option<u64>,
    /// The place of the last question of each party's analysts.
    pub(in crate::store) asked: BTreeMap<String, u64>,
    /// What showed that this is not the log that its askers saw; none if nothing did.
    pub(in crate::store) stopped: Option<Stopped>,
    /// Each time that the log came from a backup.
    pub(in crate::store) restores: Vec<Restore>,
    /// What counts as spent although nobody knows for which table.
    pub(in crate::store) lost: Vec<Lost>,
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
        // What was lost counts against several years, so that their sum may be more than was ever spent.
        self.years.iter().filter(common).fold(0, |sum, year| sum.saturating_add(year.nano_rho))
    }

    /// Adds a price to its year; none if the lifetime's sum, which bounds each year's, does not fit.
    pub(super) fn spend(&mut self, paid: &Paid) -> Option<()> {
        let Paid { year, year_first, year_last, price_nano_rho, .. } = paid;
        if *price_nano_rho == 0 {
            return Some(());
        }
        self.lifetime_nano_rho = self.lifetime_nano_rho.checked_add(*price_nano_rho)?;
        self.count(year, Span { first: *year_first, last: *year_last }, *price_nano_rho);
        Some(())
    }

    /// Adds what was lost to each of its years, and once to the lifetime's sum; none if that does not fit.
    pub(super) fn lose(&mut self, lost: Lost) -> Option<()> {
        if lost.nano_rho > 0 {
            self.lifetime_nano_rho = self.lifetime_nano_rho.checked_add(lost.nano_rho)?;
            for year in &lost.years {
                let span = Span { first: year.year_first, last: year.year_last };
                self.count(&year.year, span, lost.nano_rho);
            }
            self.lost.push(lost);
        }
        Some(())
    }

    /// Adds to a year what the lifetime's sum was found to hold.
    fn count(&mut self, year: &str, Span { first, last }: Span, nano_rho: u64) {
        *self.spent.entry(year.to_owned()).or_default() += nano_rho;
        let days = |year: &SpentIn| (year.first, year.last);
        match self.years.binary_search_by_key(&(first, last), days) {
            Ok(place) => {
                if let Some(year) = self.years.get_mut(place) {
                    year.nano_rho += nano_rho;
                }
            }
            Err(place) => self.years.insert(place, SpentIn { first, last, nano_rho }),
        }
    }
}
