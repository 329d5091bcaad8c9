//! When periods start, when they may be asked about, and how often.

use super::Keeper;
use super::words::{and, counted, day_of_year};
use super::writer::Writer;
use crate::mou::{Kpi, Mou};
use crate::period::PeriodKind;

/// When periods start and when they may be asked.
pub(super) fn calendar(writer: &mut Writer<'_>, mou: &Mou) {
    let calendar = mou.calendar();
    writer.about("When, and how often");
    writer.say(
        ["calendar.year_starts"],
        &[Keeper::Node],
        format!(
            "Reporting years, and the years for which a node’s budget holds, start on {}.",
            day_of_year(calendar.year_starts.day())
        ),
    );
    if let Some(first) = calendar.periods(PeriodKind::Term).next() {
        let terms: Vec<_> = calendar
            .terms
            .iter()
            .map(|(name, begins)| format!("{} ({name})", day_of_year(begins)))
            .collect();
        writer.say(
            ["calendar.terms"],
            &[Keeper::Node],
            format!(
                "Academic terms begin on {}, and each lasts until the day before the next begins; a term is named by \
                 the calendar year of its first day, such as {first}.",
                and(&terms)
            ),
        );
    }
    writer.say(
        ["calendar.first_period"],
        &[Keeper::Node],
        format!("Nothing may be asked about the time before {} begins.", calendar.first_period),
    );
    writer.say(
        ["calendar.wait_days"],
        &[Keeper::Node],
        match calendar.wait_days {
            0 => "A period may be asked about from the day after it ends.".to_owned(),
            days => format!(
                "A period may be asked about when it is over and {} more have passed.",
                counted(u64::from(days), "day", "days")
            ),
        },
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "A table is measured once: whoever asks for it again, however often, gets the same bytes and nothing is spent, \
         so that asking again never makes the noise average out.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "Only a node’s own operator can have a table measured anew, to correct it, at its full price; the report then \
         says so.",
    );
}

/// How often a KPI is measured, and from when.
pub(super) fn cadence(writer: &mut Writer<'_>, mou: &Mou, kpi: &Kpi) {
    let calendar = mou.calendar();
    let each = match kpi.period {
        PeriodKind::Year => "once for each reporting year".to_owned(),
        PeriodKind::Term => "once for each term".to_owned(),
        PeriodKind::Quarter => "once for each calendar quarter".to_owned(),
        PeriodKind::Years(years) => {
            format!(
                "once for each {years} reporting years taken together, a learner counting once in them"
            )
        }
    };
    let first = calendar.periods(kpi.period).next();
    let first = first.and_then(|first| Some((first, mou.asked_from(first)?.max(mou.effective()))));
    let from = first.map_or_else(String::new, |(first, day)| {
        format!("; the first is {first}, which may be asked from {day} on")
    });
    let mut clauses = vec![format!("kpi.{}.period", kpi.id), "calendar.first_period".to_owned()];
    if kpi.period == PeriodKind::Term {
        clauses.push("calendar.terms".to_owned());
    }
    clauses.push("calendar.wait_days".to_owned());
    writer.say(
        clauses,
        &[Keeper::Node],
        format!("Each table is measured {each}{from}{}.", after_a_pilot(mou, kpi)),
    );
}

fn after_a_pilot(mou: &Mou, kpi: &Kpi) -> String {
    match mou.pilot().filter(|pilot| !pilot.kpis.contains(&kpi.id)) {
        Some(pilot) => format!(", but not before the pilot is over, after {}", pilot.until),
        None => String::new(),
    }
}
