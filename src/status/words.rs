//! A party's standing in words, and as JSON.

use std::fmt::Write;

use jiff::Timestamp;
use serde_json::{Value, json};
use sumac_node::day_of;
use sumac_node::store::{Standing, Stopped, Waiting};
use sumac_policy::{PartyId, Period};
use sumac_privacy::NanoRho;
use sumac_protocol::Description;

use super::facts::{Budget, Facts, MouFacts};
use crate::certificate::list::{days_left, expiry};
use crate::terminal::plain_table;

/// The name of the JSON form. Fields may be added; none changes its meaning while this stays the same.
const FORMAT: &str = "sumac-status/1";
/// Characters in the bar of what is spent.
const BAR: u64 = 20;

/// For people.
pub(super) fn table(facts: &Facts, now: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |label: &str, words: String| {
        let _ = writeln!(text, "{label:<14}{words}");
    };
    line("party", facts.party.to_string());
    match &facts.mou {
        Some(mou) => {
            line("MOU", format!("{}, version {}", mou.title, mou.version));
            line("", mou.hash.to_string());
            line("", in_force(mou, now));
        }
        None => line("MOU", "none in use yet".to_owned()),
    }
    for certificate in &facts.certificates {
        let warning = if certificate.expires_soon(now) { ": renew it" } else { "" };
        let who = format!("{} {}", certificate.role, certificate.name);
        line("certificate", format!("{who}, expires {}{warning}", expiry(certificate, now)));
    }
    if !facts.asks_only {
        match &facts.data {
            Some(data) => {
                line("data", format!("as of {}, covers {}", data.as_of, list(&data.covers)));
                if let Some(schema) = &data.in_place {
                    line("", format!("in place: views of schema `{schema}` in PostgreSQL"));
                }
            }
            None if facts.has_left.is_some() => {}
            None => line("data", "none yet: `sumac import`".to_owned()),
        }
    }
    if let Some(words) = facts.standing.as_ref().and_then(standing) {
        line("ledger", words);
    }
    if let Some(on) = &facts.has_left {
        line("left", format!("this party left the agreement on {on}: its node answers nobody"));
    }
    if let Some(paused) = &facts.paused {
        let until = paused.until.map(|last| format!(" until {last}")).unwrap_or_default();
        line("paused", format!("every question is refused{until}: {}", paused.because));
    }
    if facts.waiting > 0 {
        line("held", format!("{} questions wait for a steward: `sumac held`", facts.waiting));
    }
    for (place, words) in facts.narrow.iter().enumerate() {
        line(if place == 0 { "narrow.toml" } else { "" }, words.clone());
    }
    if let Some(budget) = &facts.budget {
        line("budget", format!("{}  {}", bar(budget.spent, budget.budget), spent(budget)));
        line("released", format!("{} tables; a repeat is free", budget.released));
    }
    if let (Some((day, tables)), None) = (facts.next_due, &facts.has_left) {
        line("next due", format!("{tables} tables on {day}"));
    }
    if !facts.nodes.is_empty() {
        let _ = writeln!(text, "\n{}", nodes(&facts.nodes).trim_end());
        text += &targets(facts);
    }
    text
}

/// Why a node does not answer, and what to do; none if it does.
pub(crate) fn standing(standing: &Standing) -> Option<String> {
    match standing {
        Standing::Itself => None,
        Standing::Stopped(Stopped { peer, size, .. }) => Some(format!(
            "STOPPED: {peer} showed a head of {size} records that this node signed and that is not in this ledger. \
             Keep this home aside, and restore the newest backup: `sumac restore`"
        )),
        Standing::Restored(Waiting { awaited, heard, .. }) => Some(format!(
            "RESTORED: nothing is answered before {} ran `sumac ask`{}. `sumac resume` goes on without one",
            awaited.join(", "),
            match heard.as_slice() {
                [] => String::new(),
                heard => format!("; {} did", heard.join(", ")),
            }
        )),
    }
}

fn in_force(mou: &MouFacts, now: Timestamp) -> String {
    let (today, MouFacts { effective, expires, .. }) = (day_of(now), mou);
    if !mou.unsigned.is_empty() {
        return format!("not in force: not signed by {}", list(&mou.unsigned));
    }
    if today < *effective {
        return format!("signed by all, in force from {effective} to {expires}");
    }
    if today > *expires {
        return format!("expired on {expires}: nothing may be asked");
    }
    format!("signed by all, in force until {expires}")
}

fn spent(budget: &Budget) -> String {
    let Budget { year, budget: whole, spent, .. } = budget;
    format!(
        "{} of {year} spent: ρ = {spent} of {whole}, {} left",
        percent(*spent, *whole),
        budget.left()
    )
}

fn nodes(nodes: &[(PartyId, Result<Description, String>)]) -> String {
    let rows = nodes.iter().map(|(party, said)| match said {
        Ok(node) => {
            let (spent, whole) = amounts(node);
            let data = node.snapshot.as_ref().map_or("none".to_owned(), |data| {
                format!("{}, as of {}", list(&data.covers), data.as_of)
            });
            [party.to_string(), bar(spent, whole), percent(spent, whole), data]
        }
        Err(why) => [party.to_string(), String::new(), String::new(), why.clone()],
    });
    plain_table(["NODE", "", "SPENT", "DATA"], rows, &[2])
}

/// What the nodes say that their MOU means to reach, each target once.
fn targets(facts: &Facts) -> String {
    let mut rows = Vec::new();
    for (kpi, target) in
        facts.nodes.iter().flat_map(|(_, said)| said).flat_map(|node| &node.targets)
    {
        // A KPI that the MOU here does not list is another version's.
        let Some(measure) = facts.measures.get(kpi) else { continue };
        let row = [kpi.to_string(), target.in_words(measure)];
        if !rows.contains(&row) {
            rows.push(row);
        }
    }
    if rows.is_empty() {
        return String::new();
    }
    format!("\n{}", plain_table(["KPI", "TARGET"], rows, &[]))
}

fn amounts(node: &Description) -> (NanoRho, NanoRho) {
    (NanoRho::new(node.spent_nano_rho), NanoRho::new(node.budget_nano_rho))
}

/// What is spent, as a bar of text.
pub(crate) fn bar(spent: NanoRho, whole: NanoRho) -> String {
    let permille = spent.share_of(whole).unwrap_or(0).min(1000);
    // Rounded up: something spent is seen.
    let full = (permille * BAR).div_ceil(1000);
    let cells = (0..BAR).map(|cell| if cell < full { '#' } else { '.' });
    format!("[{}]", cells.collect::<String>())
}

/// A share in per cent, rounded up.
pub(crate) fn percent(spent: NanoRho, whole: NanoRho) -> String {
    let permille = spent.share_of(whole).unwrap_or(0);
    format!("{}.{} %", permille / 10, permille % 10)
}

fn list<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// For machines.
pub(super) fn json(facts: &Facts, now: Timestamp) -> Value {
    let periods = |covers: &[Period]| covers.iter().map(Period::to_string).collect::<Vec<_>>();
    let nodes = facts.nodes.iter().map(|(party, said)| match said {
        Ok(node) => json!({
            "party": party.as_str(),
            "reached": true,
            "software_version": node.software_version,
            "mou": node.mou.to_string(),
            "as_of": node.snapshot.as_ref().map(|data| data.as_of.to_string()),
            "covers": node.snapshot.as_ref().map(|data| periods(&data.covers)),
            "accounting_year": node.accounting_year.to_string(),
            "budget_nano_rho": node.budget_nano_rho,
            "spent_nano_rho": node.spent_nano_rho,
            "targets": node.targets.iter().map(|(kpi, target)| json!({
                "kpi": kpi.as_str(),
                "from_millionths": target.from_millionths,
                "to_millionths": target.to_millionths,
                "by": target.by.to_string(),
                "max_gap_points_millionths": target.max_gap_points_millionths,
            })).collect::<Vec<_>>(),
        }),
        Err(why) => json!({ "party": party.as_str(), "reached": false, "why": why }),
    });
    json!({
        "format": FORMAT,
        "party": facts.party.as_str(),
        "mou": facts.mou.as_ref().map(|mou| json!({
            "title": mou.title,
            "version": mou.version,
            "hash": mou.hash.to_string(),
            "effective": mou.effective.to_string(),
            "expires": mou.expires.to_string(),
            "unsigned": mou.unsigned.iter().map(|party| party.as_str()).collect::<Vec<_>>(),
        })),
        "certificates": facts.certificates.iter().map(|certificate| json!({
            "role": certificate.role.as_str(),
            "name": certificate.name,
            "expires": certificate.not_after.to_string(),
            "days_left": days_left(certificate, now),
            "renew": certificate.expires_soon(now),
            "fingerprint": certificate.fingerprint.to_string(),
        })).collect::<Vec<_>>(),
        "data": facts.data.as_ref().map(|data| json!({
            "snapshot": data.snapshot,
        "in_place": data.in_place,
            "as_of": data.as_of.to_string(),
            "covers": periods(&data.covers),
        })),
        "budget": facts.budget.as_ref().map(|budget| json!({
            "accounting_year": budget.year.to_string(),
            "budget_nano_rho": budget.budget.get(),
            "spent_nano_rho": budget.spent.get(),
            "left_nano_rho": budget.left().get(),
            "released_tables": budget.released,
        })),
        "standing": facts.standing.as_ref().map(|standing| match standing {
            Standing::Itself => json!({ "state": "itself" }),
            Standing::Stopped(stopped) => json!({ "state": "stopped", "shown_by": stopped.peer }),
            Standing::Restored(waiting) => json!({
                "state": "restored",
                "awaited": waiting.awaited,
                "heard": waiting.heard,
            }),
        }),
        "left_on": facts.has_left,
        "paused": facts.paused.as_ref().map(|paused| json!({
            "because": paused.because,
            "until": paused.until.map(|last| last.to_string()),
        })),
        "held_waiting": facts.waiting,
        "narrow": facts.narrow,
        "next_due": facts.next_due.map(|(day, tables)| json!({
            "day": day.to_string(),
            "tables": tables,
        })),
        "nodes": nodes.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_shows_the_least_spending_and_never_overflows() {
        let whole = NanoRho::new(1_000);
        let full = |spent| bar(NanoRho::new(spent), whole).matches('#').count();
        let shown: Vec<_> = [0, 1, 50, 51, 999, 1_000, 5_000].into_iter().map(full).collect();
        assert_eq!(shown, [0, 1, 1, 2, 20, 20, 20]);
    }
}
