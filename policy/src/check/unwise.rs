//! What is legal, and unwise: warnings, each with what to do instead.

mod measures;

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;

use crate::check::{columns_of, line, line_in};
use crate::mou::{Capability, Kpi, Limit, Mou, Party, PartyKind, Restriction};
use crate::period::PeriodKind;
use crate::section::Sheet;

/// Most states' floor (NCES 2011-603).
const USUAL_FLOOR: u32 = 10;
/// With fewer parties behind a number, one of them learns another's by taking its own away.
const ENOUGH_PARTIES: u32 = 3;
/// Who signs for longer signs for people who have long left.
const LONG_YEARS: i64 = 5;
/// Words in the name of a column that say that it comes from a FAFSA.
const FAFSA_WORDS: [&str; 4] = ["pell", "fafsa", "efc", "sai"];

pub(super) fn unwise(mou: &Mou, sheet: &Sheet) {
    low_floor(mou, sheet);
    nobody_is_the_backbone(mou, sheet);
    lasts_long(mou, sheet);
    fafsa_is_spoken_of(mou, sheet);
    few_parties(mou, sheet);
    one_subtracts_itself(mou, sheet);
    pilot_can_be_answered(mou, sheet);
    terms_report_nothing(mou, sheet);
    measures::unwise(mou, sheet);
    // An end before the beginning is an error of its own.
    if mou.effective <= mou.expires {
        never_asked(mou, sheet);
        promises_beyond_the_end(mou, sheet);
    }
}

fn low_floor(mou: &Mou, sheet: &Sheet) {
    // A floor under five is an error of its own.
    if (5..USUAL_FLOOR).contains(&mou.privacy.floor) {
        sheet.warning(
            line_in(sheet, "privacy", "floor"),
            "privacy.floor",
            format_args!(
                "a floor of {} is lower than most states' {USUAL_FLOOR}",
                mou.privacy.floor
            ),
            "NCES 2011-603 found 10 in 39 states",
        );
    }
}

fn nobody_is_the_backbone(mou: &Mou, sheet: &Sheet) {
    if !mou.parties.iter().any(|party| party.kind == PartyKind::Backbone) {
        sheet.warning(
            line(sheet, "party"),
            "party",
            "no party is the backbone",
            "somebody asks and reports",
        );
    }
}

fn lasts_long(mou: &Mou, sheet: &Sheet) {
    let long = mou.effective.checked_add(LONG_YEARS.years()).is_ok_and(|day| day <= mou.expires);
    if long {
        sheet.warning(
            line(sheet, "expires"),
            "expires",
            format_args!("{} is more than {LONG_YEARS} years after `effective`", mou.expires),
            "shorten it: those who signed will have left, and an amendment can prolong it",
        );
    }
}

/// FAFSA records have rules of their own, so an agreement says what it thought of them.
fn fafsa_is_spoken_of(mou: &Mou, sheet: &Sheet) {
    let is_fafsa = |text: &str| {
        let text = text.to_lowercase();
        let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
        words.any(|word| FAFSA_WORDS.contains(&word))
    };
    for kpi in &mou.kpis {
        let columns = columns_of(mou, kpi);
        let Some(read) = columns.iter().find(|read| is_fafsa(&read.column)) else { continue };
        let speaks = |restriction: &&Restriction| match &restriction.limit {
            Limit::Column { column, .. } => *column == read.column,
            Limit::Kpi => true,
            Limit::Margin(_) | Limit::Floor(_) => is_fafsa(&restriction.because),
        };
        if mou.restrictions.iter().filter(|found| found.covers(kpi)).any(|found| speaks(&found)) {
            continue;
        }
        sheet.warning(
            kpi.line,
            &format!("kpi `{}`", kpi.id),
            format_args!("reads `{read}`, which comes from FAFSA records, and no restriction speaks of it"),
            "have counsel look at it: refuse it, or add a [[restrict]] whose `because` says why FAFSA data may \
             be used here, such as a wider margin for this KPI",
        );
    }
}

/// Parties whose nodes answer a KPI, and the KPIs that the same parties answer.
fn by_parties(mou: &Mou) -> Vec<(Vec<&Party>, Vec<&Kpi>)> {
    let mut found: Vec<(Vec<&Party>, Vec<&Kpi>)> = Vec::new();
    for kpi in &mou.kpis {
        let parties: Vec<_> = mou.answering(kpi).collect();
        match found.iter_mut().find(|(known, _)| *known == parties) {
            Some((_, kpis)) => kpis.push(kpi),
            None => found.push((parties, vec![kpi])),
        }
    }
    found
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn few_parties(mou: &Mou, sheet: &Sheet) {
    for (kind, least) in &mou.privacy.min_parties {
        // More than there are cannot be asked for; what two see of each other is looked at below.
        let there = mou.parties.iter().filter(|party| party.kind == *kind).count();
        let enough = u32::try_from(there).unwrap_or(u32::MAX).min(ENOUGH_PARTIES);
        if *least < enough && mou.kpis.iter().any(|kpi| kpi.answered_by.contains(kind)) {
            sheet.warning(
                line_in(sheet, "privacy", "min_parties"),
                "privacy.min_parties",
                format_args!(
                    "with {least} parties of kind {kind} behind a number, one may learn another's by \
                     taking its own away"
                ),
                format_args!("write {kind} = {enough}"),
            );
        }
    }
    // What a college counts, it publishes every year; what an employer counts, it does not.
    let of_employers = mou.kpis.iter().find(|kpi| kpi.answered_by.contains(&PartyKind::Employer));
    let stated = mou.privacy.min_parties.iter().any(|(kind, _)| *kind == PartyKind::Employer);
    if let (Some(kpi), false) = (of_employers, stated) {
        sheet.warning(
            line(sheet, "privacy"),
            "privacy.min_parties",
            format_args!("employers answer `{}`, and one of them alone may be published", kpi.id),
            format_args!("add min_parties = {{ employer = {ENOUGH_PARTIES} }}"),
        );
    }
}

/// A party that answers together with one other, and may see the sum, sees the other's part.
fn one_subtracts_itself(mou: &Mou, sheet: &Sheet) {
    for (parties, kpis) in by_parties(mou) {
        let sees = |party: &&&Party| {
            mou.may(&party.id, Capability::Ask) || mou.may(&party.id, Capability::Read)
        };
        let Some(first) = kpis.first() else { continue };
        let kpis = listed(kpis.iter().map(|kpi| kpi.id.as_str()));
        let (message, hint) = match parties.as_slice() {
            [only] if mou.privacy.min_parties.contains(&(only.kind, 1)) => continue,
            [only] => (
                format!("`{}` alone answers {kpis}: its number is the coalition's", only.id),
                format!(
                    "list more parties that answer; or write min_parties = {{ {} = 1 }}, by which it says that \
                     it is content",
                    only.kind
                ),
            ),
            [_, _] => {
                let Some(one) = parties.iter().find(sees) else { continue };
                // A party listed twice is an error of its own.
                let Some(other) = parties.iter().find(|other| other.id != one.id) else { continue };
                (
                    format!(
                        "two parties answer {kpis}, and `{}` may see the sum: it takes its own number away \
                         and sees that of `{}`, but for the noise",
                        one.id, other.id
                    ),
                    "list a third party that answers, or let neither of the two ask or read"
                        .to_owned(),
                )
            }
            _ => continue,
        };
        sheet.warning(first.line, &format!("kpi `{}`", first.id), message, hint);
    }
}

/// During a pilot fewer parties answer: too few, and every question is refused or every number withheld.
fn pilot_can_be_answered(mou: &Mou, sheet: &Sheet) {
    let Some(pilot) = &mou.pilot else { return };
    for kpi in mou.kpis.iter().filter(|kpi| pilot.kpis.contains(&kpi.id)) {
        let there = |kind: PartyKind| {
            mou.answering(kpi)
                .filter(|party| party.kind == kind && pilot.parties.contains(&party.id))
                .count()
        };
        let mut kinds: BTreeMap<PartyKind, u32> =
            kpi.answered_by.iter().map(|kind| (*kind, 0)).collect();
        for (kind, least) in &mou.privacy.min_parties {
            kinds.entry(*kind).and_modify(|known| *known = *least);
        }
        let at = line_in(sheet, "pilot", "parties");
        if kinds.keys().all(|kind| there(*kind) == 0) {
            sheet.warning(
                at,
                "pilot.parties",
                format_args!("nobody in the pilot answers `{}`", kpi.id),
                "add parties that do, or leave the KPI out of the pilot",
            );
            continue;
        }
        for (kind, least) in kinds {
            let there = there(kind);
            if there < usize::try_from(least).unwrap_or(usize::MAX) {
                sheet.warning(
                    at,
                    "pilot.parties",
                    format_args!(
                        "of kind {kind}, {there} in the pilot answer `{}`, and `privacy.min_parties` wants \
                         {least}: none of it could be published",
                        kpi.id
                    ),
                    "add parties to the pilot, or leave the KPI out of it",
                );
            }
        }
    }
}

fn terms_report_nothing(mou: &Mou, sheet: &Sheet) {
    let by_term = mou.kpis.iter().any(|kpi| kpi.period == PeriodKind::Term);
    if !by_term && !mou.calendar.terms.is_empty() {
        sheet.warning(
            line_in(sheet, "calendar", "terms"),
            "calendar.terms",
            "terms are listed, and no KPI is reported by term",
            "leave them out, or write period = \"term\" in a KPI",
        );
    }
}

fn never_asked(mou: &Mou, sheet: &Sheet) {
    for kpi in &mou.kpis {
        // One that no term of the calendar brings in is an error of its own.
        let Some(first) = mou.calendar.periods(kpi.period).next() else { continue };
        if mou.asked_from(first).is_none_or(|day| day > mou.expires) {
            sheet.warning(
                kpi.line,
                &format!("kpi `{}`", kpi.id),
                format_args!("its first period, {first}, cannot be asked before {}", mou.expires),
                "let `expires` be later, or `first_period` earlier",
            );
        }
    }
}

fn promises_beyond_the_end(mou: &Mou, sheet: &Sheet) {
    let days = days_between(mou.effective, mou.expires);
    if let Some(amendment) = &mou.amendment {
        for (key, found) in [
            ("exit_notice_days", amendment.exit_notice_days),
            ("comment_days", amendment.comment_days),
        ] {
            if i64::from(found) > days {
                sheet.warning(
                    line_in(sheet, "amendment", key),
                    &format!("amendment.{key}"),
                    format_args!("{found} days are longer than the agreement, which lasts {days}"),
                    "shorten it, or let `expires` be later",
                );
            }
        }
    }
    for kpi in &mou.kpis {
        let Some(target) = &kpi.target else { continue };
        if target.by < mou.effective || mou.expires < target.by {
            sheet.warning(
                kpi.line,
                &format!("kpi `{}`", kpi.id),
                format_args!("its target is for {}, when the agreement is not in force", target.by),
                "name a day between `effective` and `expires`",
            );
        }
    }
}

fn days_between(first: Date, last: Date) -> i64 {
    first.until(last).map_or(0, |span| i64::from(span.get_days())) + 1
}
