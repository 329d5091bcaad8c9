//! One version taken apart: for each thing that a question names, what the version makes of it. A question
//! is answered if every part allows it, and the days on which it is are one unbroken stretch.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::civil::Date;

use crate::diff::meaning::{Asker, Route, together};
use crate::digest::Sha256;
use crate::dimension::Breakdown;
use crate::mou::{Capability, Kpi, Mou, PartyKind};
use crate::names::{KpiId, PartyId, Purpose};
use crate::period::Period;
use crate::resolve::{Resolved, aligned};

/// A version, taken apart.
pub(super) struct View<'a> {
    pub(super) mou: &'a Mou,
    /// First and last day on which it answers, among the days compared.
    pub(super) force: Days,
    /// Who may ask or read; true: have tables measured.
    pub(super) askers: BTreeMap<Asker, bool>,
    pub(super) purposes: BTreeSet<Purpose>,
    pub(super) kpis: BTreeMap<KpiId, KpiView>,
}

/// A KPI that the version lists.
pub(super) struct KpiView {
    pub(super) kpi: Arc<Kpi>,
    /// Every table that may be asked, its dimensions in alphabetical order.
    pub(super) tables: BTreeMap<Breakdown, TableView>,
    pub(super) nodes: BTreeSet<PartyId>,
    /// Every period that may be asked before the version expires, and from which day.
    pub(super) periods: BTreeMap<Period, Date>,
    pub(super) together: Vec<(PartyKind, u32)>,
}

/// A table, whatever the period.
pub(super) struct TableView {
    pub(super) definition: Sha256,
    pub(super) route: Route,
}

/// From one day to another, both included; none where the first is after the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Days {
    pub(super) first: Date,
    pub(super) last: Date,
}

impl Days {
    pub(super) const ALL: Self = Self { first: Date::MIN, last: Date::MAX };

    pub(super) fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    pub(super) fn is_empty(self) -> bool {
        self.last < self.first
    }

    pub(super) fn hold(self, day: Date) -> bool {
        self.first <= day && day <= self.last
    }

    pub(super) fn from(first: Date) -> Self {
        Self { first, last: Date::MAX }
    }

    pub(super) fn until(last: Date) -> Self {
        Self { first: Date::MIN, last }
    }

    /// The days before `day`; none before the first day there is.
    pub(super) fn before(day: Date) -> Self {
        day.yesterday().map_or(Self { first: Date::MAX, last: Date::MIN }, Self::until)
    }

    /// The days after `day`.
    pub(super) fn after(day: Date) -> Self {
        day.tomorrow().map_or(Self { first: Date::MAX, last: Date::MIN }, Self::from)
    }
}

impl<'a> View<'a> {
    /// Takes a version apart; `compared` are the days compared.
    pub(super) fn of(mou: &'a Mou, compared: Days) -> Self {
        let askers = mou.parties().iter().filter_map(|party| {
            let measures = mou.may(&party.id, Capability::Ask);
            let asker = Asker { party: party.id.clone(), root: party.root };
            (measures || mou.may(&party.id, Capability::Read)).then_some((asker, measures))
        });
        Self {
            mou,
            force: Days { first: mou.effective(), last: mou.expires() }.and(compared),
            askers: askers.collect(),
            purposes: mou.terms().purposes.iter().cloned().collect(),
            kpis: mou.kpis().iter().map(|kpi| (kpi.id.clone(), KpiView::of(mou, kpi))).collect(),
        }
    }

    /// Its KPIs in the order of the agreement.
    pub(super) fn listed(&self) -> impl Iterator<Item = (&KpiId, &KpiView)> {
        self.mou.kpis().iter().filter_map(|kpi| self.kpis.get_key_value(&kpi.id))
    }

    /// The days on which this node answers this KPI for this period.
    pub(super) fn days(&self, kpi: &KpiView, node: &PartyId, period: Period) -> Option<Days> {
        let from = kpi.periods.get(&period)?;
        let mut days = self.force.and(Days::from(*from));
        if let Some(until) = self.held_back_until(&kpi.kpi, node) {
            days = days.and(Days::after(until));
        }
        (!days.is_empty()).then_some(days)
    }

    /// The last day of a pilot that leaves this KPI or this node out.
    pub(super) fn held_back_until(&self, kpi: &Kpi, node: &PartyId) -> Option<Date> {
        let pilot = self.mou.pilot()?;
        let included = pilot.kpis.contains(&kpi.id) && pilot.parties.contains(node);
        (!included).then_some(pilot.until)
    }

    /// Whether this period is one of the KPI's, and none too early, however long it waits.
    pub(super) fn reports(&self, kpi: &Kpi, period: Period) -> bool {
        let calendar = self.mou.calendar();
        let first = calendar.first_period.span(calendar.year_starts).first;
        aligned(self.mou, kpi, period).is_ok_and(|span| first <= span.first)
    }
}

impl KpiView {
    fn of(mou: &Mou, kpi: &Arc<Kpi>) -> Self {
        let reported = || mou.calendar().periods(kpi.period);
        let first = reported().next();
        let mut tables = BTreeMap::new();
        for breakdown in kpi.by.iter().flat_map(subsets) {
            if tables.contains_key(&breakdown) {
                continue;
            }
            let resolved = first.map(|first| Resolved::of(mou, &kpi.id, first, &breakdown));
            if let Some(Ok(resolved)) = resolved {
                let definition = resolved.table().definition_hash();
                let route = match &resolved {
                    Resolved::Listed(_) => Route::Listed,
                    Resolved::RollUp(roll_up) => Route::added_up(roll_up),
                };
                tables.insert(breakdown, TableView { definition, route });
            }
        }
        let from = |period| mou.asked_from(period).map(|day| (period, day));
        let periods = reported().map_while(from).take_while(|(_, day)| *day <= mou.expires());
        Self {
            kpi: kpi.clone(),
            tables,
            nodes: mou.answering(kpi).map(|party| party.id.clone()).collect(),
            periods: periods.collect(),
            together: together(mou, kpi),
        }
    }
}

/// Every breakdown made of some of these dimensions, in alphabetical order; a listed one has three at most.
fn subsets(listed: &Breakdown) -> Vec<Breakdown> {
    let mut sorted = listed.dimensions().to_vec();
    sorted.sort();
    let mut subsets = vec![Vec::new()];
    for id in sorted {
        let with: Vec<Vec<_>> = subsets
            .iter()
            .map(|subset| [subset.as_slice(), std::slice::from_ref(&id)].concat())
            .collect();
        subsets.extend(with);
    }
    subsets.into_iter().map(Breakdown::by).collect()
}
