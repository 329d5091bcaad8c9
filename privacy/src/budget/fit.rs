//! Margins that fit the yearly budget, in whole learners.
//!
//! *Equal shares*: every table of a kind's fullest year gets an equal part of its budget, so all its KPIs get one
//! margin, the narrowest that fits.
//!
//! *Least relative margins*: where group sizes are known, more is spent where groups are small. The margin of a
//! KPI's typical group is stated as a share of that group, and the sum of the squares of these shares over a kind's
//! tables is made as small as its budget allows. As a price falls with the square of its margin, that is so when
//! margins go with the square roots of what they are compared with. To make the *widest* share as small as can be
//! would give every number the precision of the worst one, and one small table the whole budget.
//!
//! A KPI that several kinds answer gets the widest of what fits at each. No proposal is narrower than a
//! restriction's margin.

use std::collections::BTreeMap;

use sumac_policy::{Due, Kpi, KpiId, Limit, Margin, Mou, PartyKind};

use crate::budget::{kinds, narrowest, of_year, purchases, sum, yearly, years};
use crate::forecast::Typical;

/// One margin for all KPIs of a kind, the narrowest that fits each of its years. None if no margin fits.
pub fn equal_shares(mou: &Mou) -> Option<Vec<(KpiId, Margin)>> {
    let due = mou.calendar_tables();
    widest_of_kinds(mou, |kind| {
        let margin =
            narrowest(|margin| fits(mou, &due, kind, |kpi| Some(margin_of(mou, kpi, margin))))?;
        Some(of_kind(mou, kind).map(|kpi| (kpi.id.clone(), margin_of(mou, kpi, margin))).collect())
    })
}

/// The margins that make the relative margins of the KPIs' typical groups, by the sum of their squares, as small
/// as each kind's budget allows. A KPI without a typical group gets the widest margin of its kind. None if no
/// margin fits, or if no KPI has a typical group.
pub fn least_relative(
    mou: &Mou,
    typical: &BTreeMap<KpiId, Typical>,
) -> Option<Vec<(KpiId, Margin)>> {
    let due = mou.calendar_tables();
    // A margin of M learners at each node is M / reach of the typical group.
    let weight = |kpi: &Kpi| typical.get(&kpi.id).map(|typical| typical.reach().sqrt());
    mou.kpis().iter().find_map(|kpi| weight(kpi))?;
    widest_of_kinds(mou, |kind| {
        let at = |scale: f64| -> BTreeMap<KpiId, Margin> {
            let known = of_kind(mou, kind).filter_map(|kpi| {
                let margin = whole(weight(kpi)? * scale);
                Some((kpi.id.clone(), margin_of(mou, kpi, margin)))
            });
            let mut margins: BTreeMap<_, _> = known.collect();
            let widest = margins.values().max().copied().unwrap_or(whole(scale));
            for kpi in of_kind(mou, kind) {
                margins.entry(kpi.id.clone()).or_insert(margin_of(mou, kpi, widest));
            }
            margins
        };
        let fits = |scale| {
            let margins = at(scale);
            fits(mou, &due, kind, |kpi| margins.get(&kpi.id).copied())
        };
        let smallest = of_kind(mou, kind).filter_map(weight).min_by(f64::total_cmp).unwrap_or(1.0);
        // At this scale even the smallest weight has the widest margin there is.
        let (mut narrow, mut wide) = (0.0, f64::from(Margin::MAX) / smallest + 1.0);
        fits(wide).then_some(())?;
        // A larger scale never costs more; a hundred halvings leave nothing between two floats.
        for _ in 0..100 {
            let middle = (narrow + wide) / 2.0;
            if fits(middle) { wide = middle } else { narrow = middle }
        }
        Some(at(wide))
    })
}

/// Solves for each kind that answers something, and gives each KPI the widest margin of its kinds.
fn widest_of_kinds(
    mou: &Mou,
    solve: impl Fn(PartyKind) -> Option<BTreeMap<KpiId, Margin>>,
) -> Option<Vec<(KpiId, Margin)>> {
    let mut widest: BTreeMap<KpiId, Margin> = BTreeMap::new();
    for kind in kinds(mou) {
        for (id, margin) in solve(kind)? {
            let known = widest.entry(id).or_insert(margin);
            *known = margin.max(*known);
        }
    }
    let in_order = mou.kpis().iter().filter_map(|kpi| widest.get_key_value(&kpi.id));
    Some(in_order.map(|(id, margin)| (id.clone(), *margin)).collect())
}

/// The KPIs that nodes of a kind answer.
fn of_kind(mou: &Mou, kind: PartyKind) -> impl Iterator<Item = &Kpi> {
    mou.kpis().iter().map(AsRef::as_ref).filter(move |kpi| kpi.answered_by.contains(&kind))
}

/// Whether every year of a kind fits at these margins.
fn fits(mou: &Mou, due: &[Due], kind: PartyKind, margin: impl Fn(&Kpi) -> Option<Margin>) -> bool {
    let bought = purchases(mou, due, margin);
    years(mou).all(|year| sum(&of_year(&bought, kind, year)) <= yearly(mou))
}

/// This margin, or the one that a restriction demands if that is wider.
fn margin_of(mou: &Mou, kpi: &Kpi, margin: Margin) -> Margin {
    let demanded = mou.restrictions().iter().filter(|restriction| restriction.covers(kpi));
    demanded.fold(margin, |widest, restriction| match restriction.limit {
        Limit::Margin(margin) => widest.max(margin),
        Limit::Column { .. } | Limit::Kpi | Limit::Floor(_) => widest,
    })
}

/// Whole learners, rounded down; one at least.
fn whole(learners: f64) -> Margin {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the widest margin"
    )]
    let learners = learners.floor().clamp(1.0, f64::from(Margin::MAX)) as u32;
    Margin::new(learners).unwrap_or(Margin::MIN)
}
