//! A ledger's history in words, and as JSON.

use std::fmt::Write;

use serde_json::{Value, json};
use sumac_node::day_of;
use sumac_node::store::{LostTable, Resumed};
use sumac_privacy::NanoRho;

use super::facts::{Ahead, Facts, Measured, ThisYear};
use crate::status::{bar, percent, standing};
use crate::terminal::plain_table;

/// The name of the JSON form. Fields may be added; none changes its meaning while this stays the same.
const FORMAT: &str = "sumac-ledger/1";

/// For people.
pub(super) fn table(facts: &Facts) -> String {
    let mut text = String::new();
    if let Some(words) = facts.standing.as_ref().and_then(standing) {
        let _ = writeln!(text, "{words}\n");
    }
    if let Some(year) = &facts.year {
        this_year(&mut text, year);
    }
    let others = facts
        .spent
        .iter()
        .filter(|(name, _)| facts.year.as_ref().is_none_or(|year| year.name != **name));
    for (name, spent) in others {
        let _ = writeln!(text, "{name:<14}ρ = {spent} spent");
    }
    if facts.tables.is_empty() {
        let _ = writeln!(text, "\nNothing was asked that cost anything.");
    } else {
        let rows = facts.tables.iter().map(|measured| row(measured, facts));
        let header = ["PAID ON", "TABLE", "ASKED BY", "COST", "OF YEAR", "REPEATS"];
        let _ = write!(text, "\n{}", plain_table(header, rows, &[3, 4, 5]));
    }
    for resumed in &facts.lost {
        let _ = write!(text, "\n{}", lost(resumed));
    }
    let purged = facts.tables.iter().filter(|measured| measured.purged).count();
    let added_up = facts.added_up_and_purged;
    if purged > 0 || added_up > 0 {
        let releases = match purged {
            1 => "1 release, which stays paid for".to_owned(),
            several => format!("{several} releases, which stay paid for"),
        };
        let tables = if added_up == 1 { "table" } else { "tables" };
        let _ = writeln!(
            text,
            "\nDeleted, because the MOU keeps no release longer: {releases}, and {added_up} {tables} added up"
        );
    }
    if let Some((since, paused)) = &facts.paused {
        let until = paused.until.map(|last| format!(" until {last}")).unwrap_or_default();
        let since = day_of(*since);
        let _ = writeln!(text, "\nPaused since {since}{until}: {}", paused.because);
    }
    if facts.held > 0 {
        let Facts { held, approved, rejected, .. } = facts;
        let _ = writeln!(
            text,
            "\nPut before the stewards: {held} questions; {approved} approvals, {rejected} rejections"
        );
    }
    if let Some(on) = &facts.has_left {
        let _ = writeln!(text, "\nThis party left the agreement on {on}: its node answers nobody");
    }
    for (at, party) in &facts.exported {
        let _ = writeln!(text, "\nA copy of this log was made for `{party}` on {}", day_of(*at));
    }
    for words in &facts.narrow {
        let _ = writeln!(text, "\nNarrowed by this party itself: {words}");
    }
    if !facts.refused.is_empty() {
        let reasons: Vec<_> =
            facts.refused.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
        let _ = writeln!(text, "\nRefused, for nothing: {}", reasons.join(", "));
    }
    text
}

fn this_year(text: &mut String, year: &ThisYear) {
    let ThisYear { name, last_day, budget, spent, left, runs_out, calendar } = year;
    let mut line = |label: &str, words: String| {
        let _ = writeln!(text, "{label:<14}{words}");
    };
    let share = percent(*spent, *budget);
    line("budget", format!("{}  {share} of {name} spent", bar(*spent, *budget)));
    line("", format!("ρ = {spent} of {budget}, {left} left until {last_day}"));
    let pace = match runs_out {
        Some(day) => format!("runs out on {day}"),
        None => "lasts until the year ends".to_owned(),
    };
    line("at this pace", pace);
    if let Some(ahead) = calendar {
        line("calendar", calendar_words(ahead));
    }
}

fn calendar_words(ahead: &Ahead) -> String {
    let Ahead { tables, price, runs_out } = ahead;
    match runs_out {
        _ if *tables == 0 => "brings no more tables this year".to_owned(),
        None => format!("{tables} tables still to come this year cost ρ = {price}: they fit"),
        Some(day) => format!(
            "{tables} tables still to come this year cost ρ = {price}: those of {day} no longer fit"
        ),
    }
}

/// What a restore lost.
fn lost(resumed: &Resumed) -> String {
    let Resumed { lost_nano_rho, years, tables, .. } = resumed;
    let years: Vec<_> = years.iter().map(|year| year.year.as_str()).collect();
    let mut text = format!(
        "Lost before a restore: ρ = {} counts as spent in {}\n",
        NanoRho::new(*lost_nano_rho),
        years.join(" and in ")
    );
    if !tables.is_empty() {
        let _ = writeln!(text, "Unanswered until `sumac remeasure`:");
    }
    for LostTable { kpi, period, breakdown, .. } in tables {
        let by = match breakdown.as_slice() {
            [] => String::new(),
            dimensions => format!(" by {}", dimensions.join(", ")),
        };
        let _ = writeln!(text, "  {kpi} {period}{by}");
    }
    text
}

fn row(measured: &Measured, facts: &Facts) -> [String; 6] {
    let Measured { at, payment, asked_by, repeats, released, recovered, purged } = measured;
    let price = NanoRho::new(payment.price_nano_rho);
    let by = match payment.breakdown.as_slice() {
        [] => String::new(),
        dimensions => format!(" by {}", dimensions.join(", ")),
    };
    let revision = match payment.revision {
        0 => String::new(),
        again => format!(" (revision {again})"),
    };
    let deleted = if *purged { " (deleted)" } else { "" };
    let asker = match (asked_by, released) {
        (Some(peer), _) => peer.clone(),
        (None, true) if *recovered => "given back after a restore".to_owned(),
        (None, true) => "answered, never fetched".to_owned(),
        (None, false) => "paid for, not answered yet".to_owned(),
    };
    let budget = match &facts.year {
        Some(year) if year.name == payment.year => year.budget,
        _ => NanoRho::new(payment.budget_nano_rho),
    };
    [
        day_of(*at).to_string(),
        format!("{} {}{by}{revision}{deleted}", payment.kpi, payment.period),
        asker,
        price.to_string(),
        percent(price, budget),
        repeats.to_string(),
    ]
}

/// For machines.
pub(super) fn json(facts: &Facts) -> Value {
    let tables = facts.tables.iter().map(|measured| {
        let Measured { at, payment, asked_by, repeats, released, recovered, purged } = measured;
        json!({
            "paid_at": at.to_string(),
            "table": payment.table.to_string(),
            "revision": payment.revision,
            "recovered": recovered,
            "kpi": payment.kpi,
            "period": payment.period,
            "breakdown": payment.breakdown,
            "accounting_year": payment.year,
            "price_nano_rho": payment.price_nano_rho,
            "asked_by": asked_by,
            "repeats": repeats,
            "released": released,
            "purged": purged,
        })
    });
    json!({
        "format": FORMAT,
        "year": facts.year.as_ref().map(|year| json!({
            "accounting_year": year.name,
            "last_day": year.last_day.to_string(),
            "budget_nano_rho": year.budget.get(),
            "spent_nano_rho": year.spent.get(),
            "left_nano_rho": year.left.get(),
            "runs_out_at_this_pace": year.runs_out.map(|day| day.to_string()),
            "calendar": year.calendar.as_ref().map(|ahead| json!({
                "tables": ahead.tables,
                "price_nano_rho": ahead.price.get(),
                "runs_out": ahead.runs_out.map(|day| day.to_string()),
            })),
        })),
        "spent_nano_rho": facts.spent.iter()
            .map(|(year, spent)| (year.clone(), json!(spent.get())))
            .collect::<serde_json::Map<_, _>>(),
        "tables": tables.collect::<Vec<_>>(),
        "refused": facts.refused,
        "narrow": facts.narrow,
        "paused": facts.paused.as_ref().map(|(since, paused)| json!({
            "since": since.to_string(),
            "because": paused.because,
            "until": paused.until.map(|last| last.to_string()),
        })),
        "held": { "questions": facts.held, "approvals": facts.approved, "rejections": facts.rejected },
    })
}
