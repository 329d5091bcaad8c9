//! What the MOU's calendar costs a node of each kind in each accounting year, and whether that fits.

mod calendar;
mod drop;
mod fit;

use std::collections::{BTreeMap, BTreeSet};

use sumac_policy::{Due, Kpi, KpiId, Margin, Mou, PartyKind, Problem, Severity, TableKey, Year};

use crate::price::{Sensitivity, price};
use crate::rho::NanoRho;

pub use calendar::{DueTable, calendar, passes};
pub use drop::{DropCandidate, drop_first};
pub use fit::{equal_shares, least_relative};

/// What all tables that become due in one accounting year cost one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct YearPrice {
    /// The kind of party whose nodes pay it.
    pub kind: PartyKind,
    /// The accounting year.
    pub year: Year,
    /// The sum of the tables' prices at one node.
    pub price: NanoRho,
    /// How many tables it pays for.
    pub tables: usize,
}

/// The price of one table of this KPI at one node. One price for every period, breakdown and node: all of
/// it stands in the MOU.
pub fn kpi_price(kpi: &Kpi) -> NanoRho {
    price(kpi.margin, Sensitivity::of(&kpi.definition))
}

/// Year by year and kind by kind, the price of the calendar at one node, while the MOU is in force.
///
/// A table is counted in the year in which it becomes due, so the first year pays for every period that had
/// closed before the MOU took effect. A table asked in a later year is paid from that later year.
pub fn year_prices(mou: &Mou) -> Vec<YearPrice> {
    let due = mou.calendar_tables();
    let bought = purchases(mou, &due, as_written);
    let of = |kind, year| {
        let bought = of_year(&bought, kind, year);
        YearPrice { kind, year, price: sum(&bought), tables: bought.len() }
    };
    years(mou)
        .flat_map(|year| kinds(mou).into_iter().map(move |kind| (kind, year)))
        .map(|(kind, year)| of(kind, year))
        .collect()
}

/// An error for every year and kind of party whose calendar the yearly budget does not hold, with what
/// would fit.
pub fn lint(mou: &Mou) -> Vec<Problem> {
    let budget = yearly(mou);
    let due = mou.calendar_tables();
    let bought = purchases(mou, &due, as_written);
    let over = year_prices(mou).into_iter().filter(|year| year.price > budget);
    over.map(|YearPrice { kind, year, price, tables }| {
        let bought = of_year(&bought, kind, year);
        let (dearest, share) = dearest(&bought);
        let place = dearest.map_or_else(|| "kpi".to_owned(), |kpi| format!("kpi `{}`", kpi.id));
        let remedy = match margin_that_fits(&bought, budget) {
            Some(margin) => format!("with no margin under {margin}, the year fits"),
            None => "no margin makes it fit: list fewer tables".to_owned(),
        };
        Problem {
            line: dearest.map_or(1, |kpi| kpi.line),
            message: format!(
                "the {tables} tables due in {year} cost each {kind} ρ = {price}, and its yearly \
                 `privacy.budget` is ρ = {budget}"
            ),
            hint: format!("{place} is the dearest, with ρ = {share}; {remedy}"),
            place,
            severity: Severity::Error,
        }
    })
    .collect()
}

/// What a node may spend in an accounting year.
fn yearly(mou: &Mou) -> NanoRho {
    NanoRho::new(mou.privacy().budget_nano_rho)
}

/// The accounting years in which the MOU is in force.
fn years(mou: &Mou) -> impl Iterator<Item = Year> {
    let starts = mou.calendar().year_starts;
    let last = starts.year_of(mou.expires());
    std::iter::successors(Some(starts.year_of(mou.effective())), |year| Some(year.next()))
        .take_while(move |year| *year <= last)
}

/// The kinds of party whose nodes answer something.
fn kinds(mou: &Mou) -> BTreeSet<PartyKind> {
    mou.kpis().iter().flat_map(|kpi| mou.answering(kpi)).map(|party| party.kind).collect()
}

/// One table that a node of this kind pays for.
struct Purchase<'a> {
    kind: PartyKind,
    year: Year,
    due: &'a Due,
    /// The KPI that sets the price, and its margin.
    kpi: &'a Kpi,
    margin: Margin,
}

impl Purchase<'_> {
    fn price(&self) -> NanoRho {
        self.price_at_least(Margin::MIN)
    }

    /// What it costs if a margin narrower than `least` is widened to it.
    fn price_at_least(&self, least: Margin) -> NanoRho {
        price(self.margin.max(least), Sensitivity::of(&self.kpi.definition))
    }
}

/// The margins that the MOU states.
fn as_written(kpi: &Kpi) -> Option<Margin> {
    Some(kpi.margin)
}

/// Every table that a node of each kind pays for, once, if the KPIs had these margins; none: not listed. Where
/// two KPIs are one table, whoever is asked first sets the price, so the dearer one counts. In the order of
/// kinds, and then in that of the calendar.
fn purchases<'a>(
    mou: &Mou,
    due: &'a [Due],
    margin: impl Fn(&Kpi) -> Option<Margin>,
) -> Vec<Purchase<'a>> {
    let mut answering: BTreeMap<&KpiId, BTreeSet<PartyKind>> = BTreeMap::new();
    for kpi in mou.kpis() {
        answering.insert(&kpi.id, mou.answering(kpi).map(|party| party.kind).collect());
    }
    let mut places: BTreeMap<(PartyKind, TableKey), usize> = BTreeMap::new();
    let mut bought: Vec<Purchase<'a>> = Vec::new();
    for due in due {
        let kpi = due.table.kpi();
        let Some(margin) = margin(kpi) else { continue };
        let year = mou.calendar().year_starts.year_of(due.from);
        for kind in answering.get(&kpi.id).into_iter().flatten() {
            let purchase = Purchase { kind: *kind, year, due, kpi, margin };
            let place = *places.entry((*kind, due.table.key())).or_insert(bought.len());
            match bought.get_mut(place) {
                None => bought.push(purchase),
                // Paid when the first of the two becomes due.
                Some(known) if purchase.price() > known.price() => {
                    (known.kpi, known.margin) = (kpi, margin);
                }
                Some(_) => {}
            }
        }
    }
    bought.sort_by_key(|bought| bought.kind);
    bought
}

fn of_year<'a, 'b>(
    bought: &'b [Purchase<'a>],
    kind: PartyKind,
    year: Year,
) -> Vec<&'b Purchase<'a>> {
    bought.iter().filter(|bought| bought.kind == kind && bought.year == year).collect()
}

fn sum(bought: &[&Purchase<'_>]) -> NanoRho {
    sum_at_least(bought, Margin::MIN)
}

/// What these tables cost if every margin narrower than `least` is widened to it.
fn sum_at_least(bought: &[&Purchase<'_>], least: Margin) -> NanoRho {
    bought
        .iter()
        .map(|bought| bought.price_at_least(least))
        .try_fold(NanoRho::ZERO, NanoRho::checked_add)
        .unwrap_or(NanoRho::MAX)
}

/// The KPI whose tables cost most together, and what they cost.
fn dearest<'a>(bought: &[&Purchase<'a>]) -> (Option<&'a Kpi>, NanoRho) {
    let mut shares: BTreeMap<_, (&'a Kpi, Vec<&Purchase<'a>>)> = BTreeMap::new();
    for bought in bought {
        shares.entry(bought.kpi.id.as_str()).or_insert((bought.kpi, Vec::new())).1.push(bought);
    }
    shares
        .into_values()
        .map(|(kpi, bought)| (Some(kpi), sum(&bought)))
        .max_by_key(|(_, share)| *share)
        .unwrap_or((None, NanoRho::ZERO))
}

/// The narrowest margin that makes the year fit when no KPI has a narrower one.
fn margin_that_fits(bought: &[&Purchase<'_>], budget: NanoRho) -> Option<Margin> {
    narrowest(|margin| sum_at_least(bought, margin) <= budget)
}

/// The narrowest margin that fits, where every wider one fits, too. None if not even the widest does.
fn narrowest(fits: impl Fn(Margin) -> bool) -> Option<Margin> {
    let fits = |learners| Margin::new(learners).is_some_and(&fits);
    let (mut narrow, mut wide) = (0, Margin::MAX);
    fits(wide).then_some(())?;
    while wide - narrow > 1 {
        let middle = narrow + (wide - narrow) / 2;
        if fits(middle) { wide = middle } else { narrow = middle }
    }
    Margin::new(wide)
}

#[cfg(test)]
mod tests;
