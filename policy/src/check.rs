//! What must hold between the clauses of an agreement that reads well clause by clause.

mod unwise;

use std::collections::BTreeSet;

use crate::dimension::{Breakdown, table_of};
use crate::mou::{Capability, Kpi, Limit, Mou};
use crate::period::PeriodKind;
use crate::predicate::ColumnRef;
use crate::read::USUAL_TERMS;
use crate::section::Sheet;

/// Notes every contradiction, and what is legal but unwise.
pub(crate) fn check(mou: &Mou, sheet: &Sheet) {
    dates_are_ordered(mou, sheet);
    names_are_single(mou, sheet);
    roles_are_held(mou, sheet);
    questions_can_be_answered(mou, sheet);
    terms_are_listed(mou, sheet);
    min_parties_is_reachable(mou, sheet);
    restrictions_leave_kpis_whole(mou, sheet);
    withheld_columns_are_not_read(mou, sheet);
    lifecycle_names_what_there_is(mou, sheet);
    unwise::unwise(mou, sheet);
}

/// The line of a top-level key, for problems found after reading; the first where it is absent.
fn line(sheet: &Sheet, key: &'static str) -> usize {
    sheet.root().item(key).map_or(1, |found| found.line)
}

/// The line of a key in a top-level section.
fn line_in(sheet: &Sheet, section: &'static str, key: &str) -> usize {
    let entries = sheet.root().section_if_any(section).map(|section| section.entries());
    let found = entries.into_iter().flatten().find(|(name, _)| *name == key);
    found.map_or_else(|| line(sheet, section), |(_, found)| found.line)
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
}

fn names_are_single(mou: &Mou, sheet: &Sheet) {
    let (mut ids, mut roots, mut addresses) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (party, section) in mou.parties.iter().zip(sheet.root().sections("party")) {
        let id = &party.id;
        if !ids.insert(id.as_str()) {
            section.problem_at("id", format_args!("`{id}` is listed twice"), "list it once");
        } else if !roots.insert(party.root) {
            section.problem_at(
                "root",
                format_args!("`{id}` has another party's root"),
                "each party has its own",
            );
        }
        if party.address.as_ref().is_some_and(|address| !addresses.insert(address.as_str())) {
            section.problem_at(
                "address",
                format_args!("`{id}` has another party's address"),
                "each node has its own",
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
                line_in(sheet, "roles", &role.name),
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
                "change `answered_by`, or list such a party",
            );
        }
    }
    for (party, section) in mou.parties.iter().zip(sheet.root().sections("party")) {
        let answers = mou.kpis.iter().find(|kpi| kpi.answered_by.contains(&party.kind));
        if let (None, Some(kpi)) = (&party.address, answers) {
            section.problem(
                format_args!("`{}` answers `{}`, and has no address", party.id, kpi.id),
                "add address = \"host:port\", where its node listens",
            );
        }
    }
    if mou.kpis.is_empty() {
        sheet.problem(line(sheet, "kpi"), "kpi", "no KPI is listed", "nothing could be asked");
    }
}

fn terms_are_listed(mou: &Mou, sheet: &Sheet) {
    if !mou.calendar.terms.is_empty() {
        return;
    }
    for (kpi, section) in mou.kpis.iter().zip(sheet.root().sections("kpi")) {
        if kpi.period == PeriodKind::Term {
            section.problem_at(
                "period",
                "the calendar lists no terms",
                format_args!("say in [calendar] when they begin, such as {USUAL_TERMS}"),
            );
        }
    }
}

fn min_parties_is_reachable(mou: &Mou, sheet: &Sheet) {
    for (kind, least) in &mou.privacy.min_parties {
        let there = mou.parties.iter().filter(|party| party.kind == *kind).count();
        if there < usize::try_from(*least).unwrap_or(usize::MAX) {
            sheet.problem(
                line_in(sheet, "privacy", "min_parties"),
                "privacy.min_parties",
                format_args!("{least} parties of kind {kind} are needed, and there are {there}"),
                "no number could ever be published: list more parties or lower it",
            );
        }
    }
}

fn restrictions_leave_kpis_whole(mou: &Mou, sheet: &Sheet) {
    for ((n, restriction), section) in
        mou.restrictions.iter().enumerate().zip(sheet.root().sections("restrict"))
    {
        if let Some(id) = restriction.kpi.as_ref().filter(|id| mou.kpi(id).is_none()) {
            let ids = mou.kpis.iter().map(|kpi| kpi.id.as_str());
            section.problem_at(
                "kpi",
                format_args!("the MOU lists no KPI `{id}`"),
                format_args!("it lists {}", ids.collect::<Vec<_>>().join(", ")),
            );
        }
        let hint = format!("restrict[{}] refuses it: {}", n + 1, restriction.because);
        for kpi in mou.kpis.iter().filter(|kpi| restriction.covers(kpi)) {
            let place = format!("kpi `{}`", kpi.id);
            if restriction.limit == Limit::Kpi {
                sheet.warning(kpi.line, &place, "is listed, and restricted whole", &hint);
            } else if let Some(what) = restriction.refuses(mou, kpi, &Breakdown::total()) {
                sheet.problem(
                    kpi.line,
                    &place,
                    format_args!("reads `{what}`, which is restricted"),
                    &hint,
                );
            } else if let Some(what) =
                kpi.by.iter().find_map(|by| restriction.refuses(mou, kpi, by))
            {
                sheet.warning(
                    kpi.line,
                    &place,
                    format_args!("lists `{what}`, which is restricted"),
                    &hint,
                );
            }
        }
    }
}

/// Columns that parties of a kind withhold are read by no KPI that they answer.
fn withheld_columns_are_not_read(mou: &Mou, sheet: &Sheet) {
    for rules in &mou.data {
        for kpi in mou.kpis.iter().filter(|kpi| kpi.answered_by.contains(&rules.kind)) {
            let read = columns_of(mou, kpi);
            if let Some(column) = rules.withheld.iter().find(|column| read.contains(column)) {
                sheet.problem(
                    kpi.line,
                    &format!("kpi `{}`", kpi.id),
                    format_args!("reads `{column}`, which data.{} withholds", rules.kind),
                    "leave it out of the KPI, or out of `withheld`",
                );
            }
        }
    }
}

/// The columns that any table of a KPI reads.
fn columns_of(mou: &Mou, kpi: &Kpi) -> Vec<ColumnRef> {
    let axes = kpi.by.iter().flat_map(|by| by.dimensions()).filter_map(|id| {
        let column = mou.dimension(id)?.source.column();
        let table = table_of(&mou.schema, kpi.definition.of, column)?;
        Some(ColumnRef { table, column: column.to_owned() })
    });
    kpi.definition.columns().into_iter().chain(axes).collect()
}

/// A pilot, notices of a breach, audits and approvals name what there is.
fn lifecycle_names_what_there_is(mou: &Mou, sheet: &Sheet) {
    if let Some(pilot) = &mou.pilot {
        for id in pilot.parties.iter().filter(|id| mou.party(id).is_none()) {
            sheet.problem(
                line_in(sheet, "pilot", "parties"),
                "pilot.parties",
                format_args!("`{id}` is not a party"),
                "name listed parties",
            );
        }
        for id in pilot.kpis.iter().filter(|id| mou.kpi(id).is_none()) {
            sheet.problem(
                line_in(sheet, "pilot", "kpis"),
                "pilot.kpis",
                format_args!("the MOU lists no KPI `{id}`"),
                "name listed KPIs",
            );
        }
        if pilot.until < mou.effective || mou.expires < pilot.until {
            sheet.problem(
                line_in(sheet, "pilot", "until"),
                "pilot.until",
                format_args!("{} is not between `effective` and `expires`", pilot.until),
                "a pilot is the first part of the agreement's time",
            );
        }
    }
    let told = mou.after.breach_notice.iter().flat_map(|notice| &notice.to);
    for id in told.filter(|id| mou.party(id).is_none()) {
        sheet.problem(
            line_in(sheet, "after", "breach_notice"),
            "after.breach_notice.to",
            format_args!("`{id}` is not a party"),
            "name listed parties",
        );
    }
    let auditors = mou.audit.iter().flat_map(|audit| &audit.by);
    for id in auditors.filter(|id| mou.party(id).is_none()) {
        sheet.problem(
            line_in(sheet, "audit", "by"),
            "audit.by",
            format_args!("`{id}` is not a party"),
            "name listed parties: a log is handed to one that has signed",
        );
    }
    for kpi in mou.kpis.iter().filter(|kpi| kpi.needs.is_some()) {
        let silent = mou.answering(kpi).find(|party| !mou.may(&party.id, Capability::Approve));
        if let Some(party) = silent {
            sheet.problem(
                kpi.line,
                &format!("kpi `{}`", kpi.id),
                format_args!("needs approval, and nobody at `{}` may approve", party.id),
                "give a role of that party `may = [\"approve\"]`",
            );
        }
    }
}
