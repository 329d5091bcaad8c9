//! `[pilot]`, `[amendment]`, `[after]`, `[audit]`: how the agreement begins, changes and ends, and who looks back.

use crate::mou::{After, Amendment, Audit, BreachNotice, Pilot};
use crate::names::{KpiId, PartyId};
use crate::section::{Found, Section};

/// Longest time that anything is kept, in days; a century.
const CENTURY: i64 = 36_525;

pub(super) fn pilot(section: Section<'_>) -> Option<Pilot> {
    let until = section.day("until");
    let parties = named::<PartyId>(&section, "parties", "nobody takes part");
    let kpis = named::<KpiId>(&section, "kpis", "nothing may be asked");
    section.end(&["synthetic_only"]);
    Some(Pilot { until: until?.value, parties: parties?, kpis: kpis? })
}

pub(super) fn audit(section: Section<'_>) -> Option<Audit> {
    let by = named::<PartyId>(&section, "by", "nobody may have a log");
    let within_days = section.number("within_days", 0..=3_650);
    section.end(&[]);
    Some(Audit { by: by?, within_days: u16::try_from(within_days?.value).ok()? })
}

/// A list that names something.
fn named<T>(section: &Section<'_>, key: &'static str, empty: &str) -> Option<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let words = section.words::<T>(key)?;
    if words.is_empty() {
        section.problem_at(key, empty, "name one at least");
        return None;
    }
    Some(words.into_iter().map(|found| found.value).collect())
}

pub(super) fn amendment(section: Section<'_>) -> Option<Amendment> {
    let rule = section.text("rule");
    if let Some(rule) = &rule
        && rule.value != "consensus"
    {
        section.problem_at(
            "rule",
            format_args!("`{}` is not a rule that nodes can keep", rule.value),
            "write \"consensus\": every party signs, or the version before stands",
        );
    }
    let comment_days = days(&section, "comment_days");
    let exit_notice_days = days(&section, "exit_notice_days");
    section.end(&[]);
    rule.filter(|rule| rule.value == "consensus")?;
    Some(Amendment { comment_days: comment_days?, exit_notice_days: exit_notice_days? })
}

/// A number of days; none where it is absent.
fn days(section: &Section<'_>, key: &'static str) -> Option<u16> {
    let Some(found) = section.number_if_any(key, 0..=3_650) else {
        return section.item(key).is_none().then_some(0);
    };
    u16::try_from(found.value).ok()
}

pub(super) fn after(section: Section<'_>) -> Option<After> {
    let keep = section.number_if_any("keep_releases_days", 1..=CENTURY);
    let on_exit = section.text_if_any("on_exit");
    let within = on_exit.as_ref().map(|found| delete_within(found.value));
    if within == Some(None) {
        section.problem_at(
            "on_exit",
            "not a duty that a node can keep",
            format_args!("write \"delete within 45 days\", with 0 to {CENTURY} days"),
        );
    }
    let notice = section.section_if_any("breach_notice").map(breach_notice);
    section.end(&[]);
    let readable = |key, read: bool| section.item(key).is_none() || read;
    (readable("keep_releases_days", keep.is_some()) && readable("on_exit", on_exit.is_some()))
        .then_some(())?;
    Some(After {
        keep_releases_days: keep.and_then(|found| u32::try_from(found.value).ok()),
        delete_within_days: within.map_or(Some(None), |days| days.map(Some))?,
        breach_notice: notice.map_or(Some(None), |notice| notice.map(Some))?,
    })
}

/// `delete within 45 days`
fn delete_within(text: &str) -> Option<u32> {
    let days = text.strip_prefix("delete within ")?;
    let days = days.strip_suffix(" days").or_else(|| days.strip_suffix(" day"))?;
    days.parse().ok().filter(|days| i64::from(*days) <= CENTURY)
}

fn breach_notice(section: Section<'_>) -> Option<BreachNotice> {
    let hours = section.number("hours", 1..=8_760);
    let to: Option<Vec<Found<PartyId>>> = section.words("to");
    section.end(&[]);
    let to = to?.into_iter().map(|found| found.value).collect();
    Some(BreachNotice { hours: u16::try_from(hours?.value).ok()?, to })
}
