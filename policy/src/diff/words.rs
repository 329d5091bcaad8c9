//! Lists as people write them.

use std::collections::BTreeSet;
use std::fmt::Display;

use crate::calendar::Calendar;
use crate::diff::view::{KpiView, View};
use crate::dimension::Breakdown;
use crate::mou::{Mou, PartyKind};
use crate::names::{KpiId, PartyId};
use crate::period::Period;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items: Vec<_> = items.into_iter().map(|item| item.to_string()).collect();
    let Some(last) = items.pop() else { return "nothing".to_owned() };
    if items.is_empty() { last } else { format!("{} and {last}", items.join(", ")) }
}

/// Names in backticks.
pub(super) fn named<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    listed(items.into_iter().map(|item| format!("`{item}`")))
}

/// Parties: "every party", "every college", or each by name.
pub(super) fn parties(mou: &Mou, ids: &BTreeSet<PartyId>) -> String {
    if mou.parties().len() > 1 && mou.parties().iter().all(|party| ids.contains(&party.id)) {
        return "every party".to_owned();
    }
    let mut words = Vec::new();
    for kind in PartyKind::ALL {
        let all: Vec<_> = mou.parties().iter().filter(|party| party.kind == *kind).collect();
        let named: Vec<_> = all.iter().filter(|party| ids.contains(&party.id)).collect();
        match (named.len(), all.len()) {
            (0, _) => {}
            (1, 1) if *kind == PartyKind::Backbone => {
                words.extend(named.iter().map(|party| format!("the backbone (`{}`)", party.id)));
            }
            (count, all) if count == all && count > 1 => words.push(format!("every {kind}")),
            (1, _) => words.extend(named.iter().map(|party| format!("`{}` ({kind})", party.id))),
            _ => {
                let ids = named.iter().map(|party| format!("`{}`", party.id));
                words.push(format!("the {}s {}", kind, listed(ids)));
            }
        }
    }
    listed(words)
}

/// KPIs: "every KPI", or each by name, in the agreement's order.
pub(super) fn kpis(mou: &Mou, ids: &BTreeSet<KpiId>) -> String {
    if mou.kpis().len() > 1 && mou.kpis().iter().all(|kpi| ids.contains(&kpi.id)) {
        return "every KPI".to_owned();
    }
    named(mou.kpis().iter().map(|kpi| &kpi.id).filter(|id| ids.contains(id)))
}

/// Who sees an answer of this version: those who have it measured, and those who may read it then.
pub(super) fn audience(view: &View<'_>) -> String {
    let by = |measures: bool| -> BTreeSet<PartyId> {
        let askers = view.askers.iter().filter(|(_, may)| **may == measures);
        askers.map(|(asker, _)| asker.party.clone()).collect()
    };
    let (askers, readers) = (by(true), by(false));
    let askers_named = parties(view.mou, &askers);
    if readers.is_empty() {
        return askers_named;
    }
    let rest = view.mou.parties().len() == askers.len() + readers.len();
    let readers_named = match rest && readers.len() > 1 {
        true => "every other party".to_owned(),
        false => parties(view.mou, &readers),
    };
    format!("{askers_named}, and once released {readers_named},")
}

/// Breakdowns: "in all", "by sex", "by age_band × sex".
pub(super) fn breakdowns<'a>(items: impl IntoIterator<Item = &'a Breakdown>) -> String {
    listed(items.into_iter().map(|breakdown| match breakdown.dimensions() {
        [] => "in all".to_owned(),
        _ => format!("by {breakdown}"),
    }))
}

/// Periods of one kind: runs of those that follow each other in a calendar as "from … to …".
pub(super) fn periods(calendar: &Calendar, items: &BTreeSet<Period>) -> String {
    let follows = |one, two| calendar.after(one) == Some(two);
    let mut items: Vec<Period> = items.iter().copied().collect();
    items.sort_by_key(|period| calendar.span(*period).map(|span| span.first));
    let mut runs: Vec<(Period, Period)> = Vec::new();
    for period in items {
        match runs.last_mut() {
            Some((_, last)) if follows(*last, period) => *last = period,
            _ => runs.push((period, period)),
        }
    }
    listed(runs.into_iter().flat_map(|(first, last)| match first == last {
        true => vec![first.to_string()],
        false if follows(first, last) => vec![first.to_string(), last.to_string()],
        false => vec![format!("{first} to {last}")],
    }))
}

/// `1 day`, `2 days`.
pub(super) fn days(count: impl Into<u64>) -> String {
    match count.into() {
        1 => "1 day".to_owned(),
        count => format!("{count} days"),
    }
}

/// "2 employers", "1 college".
pub(super) fn of_kind(count: u32, kind: PartyKind) -> String {
    format!("{count} {kind}{}", if count == 1 { "" } else { "s" })
}

/// ρ as authors write it, from nano-ρ.
pub(super) fn rho(nano: u64) -> String {
    let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
    format!("ρ = {}", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A KPI as it is introduced: its id and its title.
pub(super) fn introduced(kpi: &KpiView) -> String {
    format!("`{}` ({})", kpi.kpi.id, kpi.kpi.title)
}
