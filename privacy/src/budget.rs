//! What the MOU's calendar costs a node of each kind in each accounting year, and whether that fits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sumac_policy::{Kpi, Margin, Measure, Mou, PartyKind, Problem, Severity, TableKey, Year};

use crate::price::{Sensitivity, price};
use crate::rho::NanoRho;

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
    price(kpi.margin, sensitivity(kpi))
}

/// Year by year and kind by kind, the price of the calendar at one node, while the MOU is in force.
///
/// A table is counted in the year in which it becomes due, so the first year pays for every period that had
/// closed before the MOU took effect. A table asked in a later year is paid from that later year.
pub fn year_prices(mou: &Mou) -> Vec<YearPrice> {
    let purchases = purchases(mou);
    let starts = mou.calendar().year_starts;
    let last = starts.year_of(mou.expires());
    let years =
        std::iter::successors(Some(starts.year_of(mou.effective())), |year| Some(year.next()))
            .take_while(|year| *year <= last);
    let kinds: BTreeSet<_> =
        mou.kpis().iter().flat_map(|kpi| mou.answering(kpi)).map(|party| party.kind).collect();
    let of = |kind, year| {
        let bought: Vec<_> = purchases.iter().filter(|bought| bought.is(kind, year)).collect();
        YearPrice { kind, year, price: sum(&bought, Margin::MIN), tables: bought.len() }
    };
    years
        .flat_map(|year| kinds.iter().map(move |kind| (*kind, year)))
        .map(|(kind, year)| of(kind, year))
        .collect()
}

/// An error for every year and kind of party whose calendar the yearly budget does not hold, with what
/// would fit.
pub fn lint(mou: &Mou) -> Vec<Problem> {
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let purchases = purchases(mou);
    let over = year_prices(mou).into_iter().filter(|year| year.price > budget);
    over.map(|YearPrice { kind, year, price, tables }| {
        let bought: Vec<_> = purchases.iter().filter(|bought| bought.is(kind, year)).collect();
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

/// The most that one learner may change a table of this KPI.
fn sensitivity(kpi: &Kpi) -> Sensitivity {
    match kpi.definition.measure {
        Measure::Count | Measure::Rate => Sensitivity::ONE,
    }
}

/// One table that a node of this kind pays for.
struct Purchase {
    kind: PartyKind,
    year: Year,
    kpi: Arc<Kpi>,
}

impl Purchase {
    fn is(&self, kind: PartyKind, year: Year) -> bool {
        self.kind == kind && self.year == year
    }
}

/// Every table that a node of each kind pays for, once. Where two KPIs are one table, whoever is asked first
/// sets the price, so the dearer one counts.
fn purchases(mou: &Mou) -> Vec<Purchase> {
    let mut bought: BTreeMap<(PartyKind, TableKey), Purchase> = BTreeMap::new();
    for due in mou.calendar_tables() {
        let kpi = due.table.kpi();
        let kinds: BTreeSet<_> = mou.answering(kpi).map(|party| party.kind).collect();
        let year = mou.calendar().year_starts.year_of(due.from);
        for kind in kinds {
            let known = bought.entry((kind, due.table.key())).or_insert_with(|| Purchase {
                kind,
                year,
                kpi: kpi.clone(),
            });
            if kpi_price(kpi) > kpi_price(&known.kpi) {
                known.kpi = kpi.clone();
            }
        }
    }
    bought.into_values().collect()
}

/// What these tables cost if every margin narrower than `least` is widened to it.
fn sum(bought: &[&Purchase], least: Margin) -> NanoRho {
    bought
        .iter()
        .map(|bought| price(bought.kpi.margin.max(least), sensitivity(&bought.kpi)))
        .try_fold(NanoRho::ZERO, NanoRho::checked_add)
        .unwrap_or(NanoRho::MAX)
}

/// The KPI whose tables cost most together, and what they cost.
fn dearest<'a>(bought: &[&'a Purchase]) -> (Option<&'a Kpi>, NanoRho) {
    let mut shares: BTreeMap<_, (&Kpi, Vec<&Purchase>)> = BTreeMap::new();
    for bought in bought {
        let kpi = bought.kpi.as_ref();
        shares.entry(kpi.id.as_str()).or_insert((kpi, Vec::new())).1.push(bought);
    }
    shares
        .into_values()
        .map(|(kpi, bought)| (Some(kpi), sum(&bought, Margin::MIN)))
        .max_by_key(|(_, share)| *share)
        .unwrap_or((None, NanoRho::ZERO))
}

/// The narrowest margin that makes the year fit when no KPI has a narrower one.
fn margin_that_fits(bought: &[&Purchase], budget: NanoRho) -> Option<Margin> {
    // A wider margin never costs more, so halving the range finds the exact one.
    let fits = |margin: &Margin| sum(bought, *margin) <= budget;
    let (mut narrow, mut wide) = (0, Margin::MAX);
    Margin::new(wide).filter(fits)?;
    while wide - narrow > 1 {
        let middle = narrow + (wide - narrow) / 2;
        if Margin::new(middle).is_some_and(|margin| fits(&margin)) {
            wide = middle;
        } else {
            narrow = middle;
        }
    }
    Margin::new(wide)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    fn read(text: &str) -> Mou {
        Mou::read(text.as_bytes()).unwrap()
    }

    /// The example with one replacement, which must change it.
    fn with(from: &str, to: &str) -> Mou {
        assert!(LAKESHORE.contains(from), "{from}");
        read(&LAKESHORE.replace(from, to))
    }

    fn shown(mou: &Mou) -> Vec<String> {
        year_prices(mou)
            .into_iter()
            .map(|YearPrice { kind, year, price, tables }| {
                format!("{year} {kind}: {tables} tables, {price}")
            })
            .collect()
    }

    #[test]
    fn every_shipped_agreement_fits_its_budget() {
        for text in [LAKESHORE, include_str!("../../examples/mou/oulad/mou.toml")] {
            assert_eq!(lint(&read(text)), []);
        }
    }

    #[test]
    fn every_year_and_kind_is_priced_with_the_backlog_in_the_first() {
        // Colleges: 4 tables at ±15 and 11 at ±10. Employers: the quarters 2025-Q3 to 2027-Q1 in the first
        // year and 2027-Q2 to 2028-Q1 in the second, two tables each at ±15.
        assert_eq!(
            shown(&read(LAKESHORE)),
            [
                "2026-27 college: 15 tables, 0.245435556",
                "2026-27 employer: 14 tables, 0.119516446",
                "2027-28 college: 15 tables, 0.245435556",
                "2027-28 employer: 8 tables, 0.068295112",
            ]
        );
    }

    #[test]
    fn a_year_in_which_nothing_is_due_costs_nothing() {
        let mou = with("first_period = \"2025-26\"", "first_period = \"2026-27\"");
        assert_eq!(
            shown(&mou),
            [
                "2026-27 college: 0 tables, 0",
                "2026-27 employer: 6 tables, 0.051221334",
                "2027-28 college: 15 tables, 0.245435556",
                "2027-28 employer: 8 tables, 0.068295112",
            ]
        );
    }

    #[test]
    fn one_table_under_two_names_is_paid_once_at_the_dearer_margin() {
        let twin = |margin: u32| {
            read(&LAKESHORE.replace(
                "[[restrict]]",
                &format!(
                    "[[kpi]]\nid = \"again\"\nuses = \"ipeds/retention_fall\"\nanswered_by = [\"college\"]\n\
                     by = [[]]\nperiod = \"year\"\nmargin = {margin}\n[[restrict]]"
                ),
            ))
        };
        let first = |mou: &Mou| shown(mou).first().unwrap().clone();
        assert_eq!(first(&twin(20)), "2026-27 college: 15 tables, 0.245435556");
        // 76 832 000 − 19 208 000 nano-ρ more.
        assert_eq!(first(&twin(5)), "2026-27 college: 15 tables, 0.303059556");
    }

    #[test]
    fn a_budget_passed_by_one_billionth_is_an_error_with_what_would_fit() {
        let budget = |rho: &str| with("{ rho = 0.5 }", &format!("{{ rho = {rho} }}"));
        assert_eq!(lint(&budget("0.245435556")), []);
        let problems = lint(&budget("0.245435555"));
        let kpi = "kpi `credential_attainment`";
        let years: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
        assert!(years.len() == 2, "{years:?}");
        for (problem, year) in problems.iter().zip(["2026-27", "2027-28"]) {
            let line = problem.line.checked_sub(1).and_then(|line| LAKESHORE.lines().nth(line));
            assert_eq!(line, Some("[[kpi]]"));
            assert_eq!((problem.place.as_str(), problem.severity), (kpi, Severity::Error));
            for part in ["college", year, "0.245435556", "0.245435555"] {
                assert!(problem.message.contains(part), "{problem}");
            }
            // 4 × 0.019208; and at ±11, 4 × 0.008536889 + 11 × 0.015874381 = 0.208765747.
            assert!(problem.hint.contains("0.076832"), "{problem}");
            assert!(problem.hint.contains("±11"), "{problem}");
        }
    }

    #[test]
    fn the_margin_that_fits_is_the_narrowest_one() {
        let mou = with("{ rho = 0.5 }", "{ rho = 0.1 }");
        let purchases = purchases(&mou);
        let (mut tried, budget) = (0, NanoRho::new(mou.privacy().budget_nano_rho));
        for year in year_prices(&mou).into_iter().filter(|year| year.price > budget) {
            let bought: Vec<_> =
                purchases.iter().filter(|bought| bought.is(year.kind, year.year)).collect();
            let margin = margin_that_fits(&bought, budget).unwrap();
            let narrower = Margin::new(margin.learners() - 1).unwrap();
            assert!(sum(&bought, margin) <= budget && sum(&bought, narrower) > budget);
            tried += 1;
        }
        assert_eq!(tried, 3);
    }

    #[test]
    fn a_budget_smaller_than_its_tables_fits_at_no_margin() {
        let problems = lint(&with("{ rho = 0.5 }", "{ rho = 0.000000014 }"));
        let hopeless = problems.iter().filter(|problem| problem.hint.contains("fewer tables"));
        // Fifteen tables cost fifteen billionths at least.
        assert_eq!((problems.len(), hopeless.count()), (4, 2));
    }

    #[test]
    fn promise_3_the_price_depends_on_public_parameters_only() {
        // No snapshot, node, balance or day can be handed in: the MOU's clause is all there is.
        let of_the_kpi: fn(&Kpi) -> NanoRho = kpi_price;
        let of_a_table: fn(Margin, Sensitivity) -> NanoRho = price;
        let mou = read(LAKESHORE);
        for due in mou.calendar_tables() {
            let kpi = due.table.kpi();
            assert_eq!(of_the_kpi(kpi), of_a_table(kpi.margin, Sensitivity::ONE));
        }
    }
}
