//! Finding a witness: a question that one version answers, or that both do.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::diff::meaning::{Asked, Asker, Route};
use crate::diff::view::{Days, KpiView, View};
use crate::dimension::Breakdown;
use crate::mou::PartyKind;
use crate::names::{KpiId, PartyId, Purpose};
use crate::period::Period;
use crate::question::Question;

/// What the question must name; whatever is left out is free.
#[derive(Clone, Copy, Default)]
pub(super) struct Within<'a> {
    pub(super) asker: Option<&'a Asker>,
    pub(super) purpose: Option<&'a Purpose>,
    pub(super) kpi: Option<&'a KpiId>,
    pub(super) breakdown: Option<&'a Breakdown>,
    pub(super) node: Option<&'a PartyId>,
    pub(super) period: Option<Period>,
    pub(super) days: Option<Days>,
    /// Whether every version must measure it, none add it up.
    pub(super) measured: bool,
}

/// A question that every one of these versions answers, if there is any. Everybody who
/// answers is asked together: a sound MOU accepts that, and no longer roster counts more.
pub(super) fn find(views: &[&View<'_>], within: Within<'_>, everyone: &[PartyId]) -> Option<Asked> {
    let (first, _) = views.split_first()?;
    let asker = asker(views, within)?;
    let purpose = first
        .purposes
        .iter()
        .filter(|purpose| within.purpose.is_none_or(|wanted| wanted == *purpose))
        .find(|purpose| views.iter().all(|view| view.purposes.contains(purpose)))?;
    for id in
        first.listed().map(|(id, _)| id).filter(|id| within.kpi.is_none_or(|wanted| wanted == *id))
    {
        let kpis: Option<Vec<_>> =
            views.iter().map(|view| Some((*view, view.kpis.get(id)?))).collect();
        let Some(kpis) = kpis else { continue };
        let Some(breakdown) = breakdown(&kpis, within) else { continue };
        let Some((node, period, day)) = when_and_where(&kpis, within) else { continue };
        return Some(Asked {
            asker: asker.clone(),
            node,
            question: Question {
                kpi: id.clone(),
                period,
                breakdown: breakdown.clone(),
                purpose: purpose.clone(),
            },
            roster: answering(everyone, kpis.iter().map(|(_, kpi)| *kpi)),
            day,
        });
    }
    None
}

/// Those of whom the KPI is asked in any of these versions: nobody else counts towards a roster.
fn answering<'a>(
    everyone: &[PartyId],
    kpis: impl IntoIterator<Item = &'a KpiView>,
) -> Vec<PartyId> {
    let nodes: BTreeSet<&PartyId> = kpis.into_iter().flat_map(|kpi| &kpi.nodes).collect();
    everyone.iter().filter(|id| nodes.contains(id)).cloned().collect()
}

/// Best one who has tables measured, and of those the backbone.
fn asker<'a>(views: &[&'a View<'_>], within: Within<'_>) -> Option<&'a Asker> {
    let (first, _) = views.split_first()?;
    let in_all = |asker: &&Asker| {
        within.asker.is_none_or(|wanted| wanted == *asker)
            && views.iter().all(|view| view.askers.contains_key(*asker))
    };
    first.askers.keys().filter(in_all).max_by_key(|asker| {
        let measures = views.iter().all(|view| view.askers.get(*asker) == Some(&true));
        let kind = first.mou.party(&asker.party).map(|party| party.kind);
        (measures, kind == Some(PartyKind::Backbone), std::cmp::Reverse(&asker.party))
    })
}

/// Best one that is measured, with the fewest dimensions.
fn breakdown<'a>(kpis: &[(&View<'_>, &'a KpiView)], within: Within<'_>) -> Option<&'a Breakdown> {
    let ((_, first), _) = kpis.split_first()?;
    let in_all = |breakdown: &&Breakdown| {
        within.breakdown.is_none_or(|wanted| wanted == *breakdown)
            && kpis.iter().all(|(_, kpi)| kpi.tables.contains_key(*breakdown))
    };
    let measured = |breakdown: &&Breakdown| {
        let listed = |kpi: &KpiView| {
            kpi.tables.get(*breakdown).is_some_and(|table| table.route == Route::Listed)
        };
        kpis.iter().all(|(_, kpi)| listed(kpi))
    };
    first
        .tables
        .keys()
        .filter(in_all)
        .filter(|breakdown| !within.measured || measured(breakdown))
        .min_by_key(|breakdown| (!measured(breakdown), breakdown.dimensions().len()))
}

/// The first period, at the first node that answers it in all versions, on the first day that it does.
fn when_and_where(
    kpis: &[(&View<'_>, &KpiView)],
    within: Within<'_>,
) -> Option<(PartyId, Period, Date)> {
    let ((_, first), _) = kpis.split_first()?;
    let periods =
        first.periods.keys().filter(|period| within.period.is_none_or(|wanted| wanted == **period));
    for period in periods {
        for node in
            first.nodes.iter().filter(|node| within.node.is_none_or(|wanted| wanted == *node))
        {
            let in_all =
                kpis.iter().try_fold(within.days.unwrap_or(Days::ALL), |days, (view, kpi)| {
                    let answers = kpi.nodes.contains(node);
                    answers.then(|| view.days(kpi, node, *period))?.map(|more| days.and(more))
                });
            if let Some(days) = in_all.filter(|days| !days.is_empty()) {
                return Some((node.clone(), *period, days.first));
            }
        }
    }
    None
}

/// The longest roster that `refuses` finds too short for a KPI and `answers` does not, if there is one.
pub(super) fn short_roster(
    answers: (&View<'_>, &KpiView),
    refuses: (&View<'_>, &KpiView),
    everyone: &[PartyId],
) -> Option<Vec<PartyId>> {
    let kind_in = |view: &View<'_>, id: &PartyId| view.mou.party(id).map(|party| party.kind);
    let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    for (kind, least) in &refuses.1.together {
        let mut roster = answering(everyone, [answers.1, refuses.1]);
        let count = |roster: &[PartyId], view: &View<'_>, kind: PartyKind| {
            roster.iter().filter(|id| kind_in(view, id) == Some(kind)).count()
        };
        // Leave out whom the answering version can spare, until too few of this kind are left.
        for id in everyone.iter().rev() {
            if count(&roster, refuses.0, *kind) < size(*least) {
                break;
            }
            let spared = answers.1.together.iter().all(|(needed, least)| {
                kind_in(answers.0, id) != Some(*needed)
                    || count(&roster, answers.0, *needed) > size(*least)
            });
            if kind_in(refuses.0, id) == Some(*kind) && spared {
                roster.retain(|kept| kept != id);
            }
        }
        if count(&roster, refuses.0, *kind) < size(*least) {
            return Some(roster);
        }
    }
    None
}
