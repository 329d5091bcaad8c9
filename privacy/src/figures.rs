//! The figures of an agreement's explanation: what each KPI costs, how precise it is, what a learner risks.

use sumac_policy::explain::{Figures, KpiFigures, Risk, YearFigures};
use sumac_policy::{Kpi, Mou};

use crate::budget::{kpi_price, year_prices};
use crate::margin::{margin_of_group, margin_of_sum, shown_from, variance_of_sum};
use crate::rho::NanoRho;
use crate::show::{Exposure, ShowError};

/// The δ at which ε is stated, in billionths: one in a million.
const DELTA_BILLIONTHS: u32 = 1_000;

/// Works out every figure of an agreement.
///
/// # Errors
/// Where a budget is so large that OpenDP cannot state it as ε.
pub fn figures(mou: &Mou) -> Result<Figures, ShowError> {
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let answers = |party: &&sumac_policy::Party| {
        mou.kpis().iter().any(|kpi| mou.is_answered_by(kpi, &party.id))
    };
    let answering = mou.parties().iter().filter(answers).count();
    let kpis: Result<Vec<_>, _> = mou.kpis().iter().map(|kpi| of_kpi(mou, kpi, budget)).collect();
    let years = year_prices(mou).into_iter().map(|year| YearFigures {
        kind: year.kind,
        year: year.year,
        tables: year.tables,
        share_permille: year.price.share_of(budget),
    });
    Ok(Figures {
        kpis: kpis?,
        years: years.collect(),
        year: risk(budget)?,
        two: across(2, budget)?,
        everywhere: across(u32::try_from(answering).unwrap_or(u32::MAX), budget)?,
    })
}

fn of_kpi(mou: &Mou, kpi: &Kpi, budget: NanoRho) -> Result<KpiFigures, ShowError> {
    let (_, outcomes) = kpi.definition.size_of(&[]);
    let parties = mou.answering(kpi).count();
    let all = || std::iter::repeat_n(kpi.margin, parties);
    let price = kpi_price(kpi);
    let shown_from = shown_from(&kpi.definition, mou.privacy().floor, variance_of_sum(all()));
    Ok(KpiFigures {
        table: risk(price)?,
        share_permille: price.share_of(budget),
        group: margin_of_group([kpi.margin], outcomes),
        parties: u32::try_from(parties).unwrap_or(u32::MAX),
        sum: margin_of_sum(all()),
        sum_of_group: margin_of_group(all(), outcomes),
        shown_from,
    })
}

fn across(partners: u32, rho: NanoRho) -> Result<Risk, ShowError> {
    risk(NanoRho::new(rho.get().saturating_mul(u64::from(partners))))
}

/// What an amount means for one learner, every part of it rounded up.
///
/// # Errors
/// Where the amount is so large that OpenDP cannot state it as ε.
pub fn risk(rho: NanoRho) -> Result<Risk, ShowError> {
    let exposure = Exposure::of(rho, f64::from(DELTA_BILLIONTHS) / 1e9)?;
    Ok(Risk {
        nano_rho: rho.get(),
        guess_permille: u32::try_from(up(exposure.best_guess())).unwrap_or(u32::MAX),
        epsilon_thousandths: up(exposure.epsilon()),
        delta_billionths: DELTA_BILLIONTHS,
    })
}

/// Thousandths, rounded up.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "not negative, and a cast saturates"
)]
fn up(number: f64) -> u64 {
    (number * 1000.0).ceil() as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    fn lakeshore() -> Figures {
        figures(&Mou::read(LAKESHORE.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn agree_with_the_documented_tables() {
        let figures = lakeshore();
        // ±15 and ±10: price, guess, ε, share of ρ = 0.5.
        for (place, nano_rho, guess, epsilon, share) in
            [(0, 8_536_889, 527, 572, 18), (1, 19_208_000, 540, 881, 39)]
        {
            let kpi = figures.kpis.get(place).unwrap();
            assert_eq!((kpi.table.nano_rho, kpi.table.guess_permille), (nano_rho, guess));
            assert_eq!((kpi.table.epsilon_thousandths, kpi.share_permille), (epsilon, Some(share)));
        }
        assert_eq!((figures.year.nano_rho, figures.year.guess_permille), (500_000_000, 692));
        assert_eq!(figures.year.epsilon_thousandths, 5_222);
        assert_eq!(figures.two.nano_rho, 1_000_000_000);
        assert_eq!(figures.everywhere.nano_rho, 2_500_000_000);
    }

    #[test]
    fn margins_widen_by_the_square_roots_of_outcomes_and_parties() {
        let figures = lakeshore();
        let of = |place: usize| {
            let kpi = figures.kpis.get(place).unwrap();
            (kpi.parties, kpi.group, kpi.sum, kpi.sum_of_group)
        };
        assert_eq!(of(0), (2, 15, 22, 22), "a count of two colleges at ±15");
        assert_eq!(of(1), (2, 15, 15, 20), "a rate of two outcomes at ±10");
        assert_eq!(of(2), (2, 20, 15, 29), "a rate of four outcomes at ±10");
        assert_eq!(of(5), (3, 15, 26, 26), "a count of three employers at ±15");
    }

    #[test]
    fn a_group_is_shown_from_the_floor_and_its_guard_on() {
        let figures = lakeshore();
        // σ = 25·10/49; 2.326·σ·√(2·2) = 23.7.
        assert_eq!(figures.kpis.get(1).unwrap().shown_from, 10 + 24);
    }
}
