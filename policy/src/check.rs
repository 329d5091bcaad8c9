//! What must hold between the clauses of an agreement that reads well clause by clause.

use std::collections::BTreeSet;

use crate::mou::{Capability, Mou, PartyKind};
use crate::section::Sheet;

/// Notes every contradiction, and what is legal but unwise.
pub(crate) fn check(mou: &Mou, sheet: &Sheet) {
    dates_are_ordered(mou, sheet);
    names_are_single(mou, sheet);
    roles_are_held(mou, sheet);
    questions_can_be_answered(mou, sheet);
    min_parties_is_reachable(mou, sheet);
    restrictions_leave_kpis_whole(mou, sheet);
    unwise(mou, sheet);
}

/// The line of a top-level key, for problems found after reading.
fn line(sheet: &Sheet, key: &'static str) -> usize {
    sheet.root().item(key).map_or(1, |found| found.line)
}

fn dates_are_ordered(mou: &Mou, sheet: &Sheet) {
    if mou.expires < mou.effective {
        sheet.problem(
            line(sheet, "expires"),
            "expires",
            format_args!("{} is before `effective`, {}", mou.expires, mou.effective),
            "an agreement ends after it begins",
        );
    }
    // Periods are dates; these keep every date of the calendar far from the end of the calendar itself.
    for (key, day) in [("effective", mou.effective), ("expires", mou.expires)] {
        if !(2000..2150).contains(&day.year()) {
            sheet.problem(
                line(sheet, key),
                key,
                format_args!("{day} is not between 2000 and 2149"),
                "",
            );
        }
    }
}

fn names_are_single(mou: &Mou, sheet: &Sheet) {
    let mut seen = BTreeSet::new();
    for party in &mou.parties {
        if !seen.insert(party.id.as_str()) {
            sheet.problem(
                line(sheet, "party"),
                "party",
                format_args!("`{}` is listed twice", party.id),
                "",
            );
        }
    }
    let mut roots = BTreeSet::new();
    for party in &mou.parties {
        if !roots.insert(party.root) {
            let id = &party.id;
            sheet.problem(
                line(sheet, "party"),
                "party",
                format_args!("`{id}` has another party's root"),
                "each party has its own",
            );
        }
    }
    let mut seen = BTreeSet::new();
    for kpi in &mou.kpis {
        if !seen.insert(kpi.id.as_str()) {
            sheet.problem(
                kpi.line,
                "kpi",
                format_args!("`{}` is listed twice", kpi.id),
                "give each its own id",
            );
        }
    }
}

fn roles_are_held(mou: &Mou, sheet: &Sheet) {
    for role in &mou.roles {
        if let Some(holder) = &role.party
            && mou.party(holder).is_none()
        {
            sheet.problem(
                line(sheet, "roles"),
                &format!("roles.{}", role.name),
                format_args!("`{holder}` is not a party"),
                "name a listed party, or \"every-party\"",
            );
        }
    }
    if !mou.parties.iter().any(|party| mou.may(&party.id, Capability::Ask)) {
        sheet.problem(
            line(sheet, "roles"),
            "roles",
            "nobody may ask",
            "give a role `may = [\"ask\"]`",
        );
    }
}

fn questions_can_be_answered(mou: &Mou, sheet: &Sheet) {
    for kpi in &mou.kpis {
        if mou.answering(kpi).next().is_none() {
            sheet.problem(
                kpi.line,
                &format!("kpi `{}`", kpi.id),
                "no party is of a kind that answers it",
                "see `answered_by`",
            );
        }
        for party in mou.answering(kpi).filter(|party| party.address.is_none()) {
            sheet.problem(
                kpi.line,
                &format!("kpi `{}`", kpi.id),
                format_args!("`{}` answers it, and has no address", party.id),
                "give the party an `address`",
            );
        }
    }
    if mou.kpis.is_empty() {
        sheet.problem(line(sheet, "kpi"), "kpi", "no KPI is listed", "nothing could be asked");
    }
}

fn min_parties_is_reachable(mou: &Mou, sheet: &Sheet) {
    for (kind, least) in &mou.privacy.min_parties {
        let there = mou.parties.iter().filter(|party| party.kind == *kind).count();
        if there < usize::try_from(*least).unwrap_or(usize::MAX) {
            sheet.problem(
                line(sheet, "privacy"),
                "privacy.min_parties",
                format_args!("{least} parties of kind {kind} are needed, and there are {there}"),
                "no number could ever be published",
            );
        }
    }
}

fn restrictions_leave_kpis_whole(mou: &Mou, sheet: &Sheet) {
    for (n, restriction) in mou.restrictions.iter().enumerate() {
        for kpi in &mou.kpis {
            let place = format!("kpi `{}`", kpi.id);
            let hint = format!("restrict[{}] refuses it: {}", n + 1, restriction.because);
            let reads = |column: &crate::predicate::ColumnRef| column.column == restriction.column;
            if kpi.definition.columns().iter().any(reads) {
                let column = &restriction.column;
                sheet.problem(
                    kpi.line,
                    &place,
                    format_args!("reads `{column}`, which is restricted"),
                    &hint,
                );
            }
            let broken_down = kpi.by.iter().flat_map(|by| by.dimensions());
            if broken_down.clone().any(|dimension| *dimension == restriction.dimension) {
                let dimension = &restriction.dimension;
                sheet.warning(
                    kpi.line,
                    &place,
                    format_args!("lists `{dimension}`, which is restricted"),
                    &hint,
                );
            }
        }
    }
}

fn unwise(mou: &Mou, sheet: &Sheet) {
    if mou.privacy.floor < 10 {
        sheet.warning(
            line(sheet, "privacy"),
            "privacy.floor",
            format_args!("a floor of {} is lower than most states' 10", mou.privacy.floor),
            "NCES 2011-603",
        );
    }
    if !mou.parties.iter().any(|party| party.kind == PartyKind::Backbone) {
        sheet.warning(
            line(sheet, "party"),
            "party",
            "no party is the backbone",
            "somebody asks and reports",
        );
    }
}
