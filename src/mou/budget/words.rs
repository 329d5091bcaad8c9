//! A budget for people.

use std::fmt::Write;
use std::path::Path;

use sumac_policy::{MarginEdit, Mou};
use sumac_privacy::budget::{DropCandidate, DueTable, YearPrice};
use sumac_privacy::forecast::{GroupForecast, TableForecast, Width};
use sumac_privacy::{NanoRho, kpi_price};

use crate::mou::budget::Facts;
use crate::mou::budget::fit::Proposal;
use crate::terminal::plain_table;

pub(super) fn words(facts: &Facts, file: &Path, groups: bool) -> String {
    let Facts { mou, budget, .. } = facts;
    let mut text = String::new();
    let (title, version) = (mou.title(), mou.version());
    let _ = writeln!(text, "{title}, version {version}\n{}", mou.hash());
    let _ = writeln!(text, "In force from {} to {}.\n", mou.effective(), mou.expires());
    text.push_str(&prices(mou, *budget));
    let _ = writeln!(text, "\nYearly budget of each node: ρ = {budget}.\n");
    text.push_str(&years(mou, &facts.years));
    text.push('\n');
    text.push_str(&calendar(&facts.calendar, *budget));
    text.push_str(&passed(facts));
    for (year, order) in &facts.drops {
        text.push_str(&drops(year, order, *budget));
    }
    let (node, answering, everywhere) = &facts.exposure;
    let _ = writeln!(text, "\nIf a node's whole year is spent, {node}.");
    let _ =
        writeln!(text, "For a learner known to all {answering} parties that answer, {everywhere}.");
    text.push_str(&accuracy(facts, groups));
    if let Some(proposal) = &facts.fit {
        text.push_str(&fit(proposal, file));
    }
    text
}

/// What one table of each KPI costs.
fn prices(mou: &Mou, budget: NanoRho) -> String {
    let header = ["KPI", "ANSWERED BY", "EVERY", "MARGIN", "TABLES", "PRICE OF ONE", "OF A YEAR"];
    let rows = mou.kpis().iter().map(|kpi| {
        let price = kpi_price(kpi);
        let kinds: Vec<_> = kpi.answered_by.iter().map(|kind| kind.as_str()).collect();
        [
            kpi.id.to_string(),
            kinds.join(", "),
            kpi.period.to_string(),
            kpi.margin.to_string(),
            kpi.by.len().to_string(),
            format!("ρ = {price}"),
            share(price, budget),
        ]
    });
    plain_table(header, rows, &[3, 4, 6])
}

/// What the calendar costs one node of each kind, year by year.
pub(crate) fn years(mou: &Mou, years: &[YearPrice]) -> String {
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let header = ["YEAR", "A NODE OF", "TABLES DUE", "PRICE", "OF THE BUDGET"];
    let rows = years.iter().map(|YearPrice { kind, year, price, tables }| {
        [
            year.to_string(),
            kind.to_string(),
            tables.to_string(),
            format!("ρ = {price}"),
            share(*price, budget),
        ]
    });
    plain_table(header, rows, &[2, 4])
}

/// Each table on the day on which it falls due.
fn calendar(calendar: &[DueTable], budget: NanoRho) -> String {
    let header =
        ["DUE", "A NODE OF", "KPI", "BY", "PERIOD", "MARGIN", "PRICE", "SPENT", "OF THE YEAR"];
    let rows = calendar.iter().map(|due| {
        [
            due.from.to_string(),
            due.kind.to_string(),
            due.table.kpi().id.to_string(),
            due.table.breakdown().to_string(),
            due.table.period().to_string(),
            due.margin.to_string(),
            due.price.to_string(),
            due.spent.to_string(),
            share(due.spent, budget),
        ]
    });
    plain_table(header, rows, &[5, 6, 7, 8])
}

/// Where the budget does not hold.
fn passed(facts: &Facts) -> String {
    if facts.passed.is_empty() {
        return "\nEvery year fits its budget.\n".to_owned();
    }
    let mut text = String::new();
    for due in &facts.passed {
        let (kind, year, day, spent) = (due.kind, due.year, due.from, due.spent);
        let (kpi, by, period) = (&due.table.kpi().id, due.table.breakdown(), due.table.period());
        let _ = writeln!(
            text,
            "\n{year}: each {kind}'s budget is passed on {day}, by `{kpi}` by {by}, {period}: ρ = {spent} \
             of {}.",
            facts.budget
        );
    }
    text
}

fn drops(year: &YearPrice, order: &[DropCandidate], budget: NanoRho) -> String {
    let YearPrice { kind, year, price, .. } = year;
    let mut text = format!("\nTo drop first at each {kind} in {year}, ");
    text.push_str(if *price > budget { "which does not fit" } else { "if something had to go" });
    text.push_str(" (what frees most for each breakdown lost):\n");
    for DropCandidate { kpi, frees, breakdowns, left } in order {
        let plural = if *breakdowns == 1 { "" } else { "s" };
        let _ = writeln!(
            text,
            "  `{kpi}` frees ρ = {frees} for {breakdowns} breakdown{plural}; the year then costs {}",
            share(*left, budget)
        );
    }
    if order.last().is_some_and(|last| last.left > budget) {
        text.push_str("  and even then it does not fit\n");
    }
    text
}

/// What will be withheld, and how wide the margins are.
fn accuracy(facts: &Facts, groups: bool) -> String {
    let Some(forecast) = &facts.forecast else {
        return "\nNot looked at: what will be withheld, and how wide rates will be. Say how large the coalition is \
                with --learners N or --sizes FILE.\n"
            .to_owned();
    };
    let header = ["KPI", "BY", "NODES", "GROUPS", "WITHHELD", "TYPICAL MARGIN"];
    let rows = forecast.iter().map(|table| {
        [
            table.kpi.id.to_string(),
            table.breakdown.to_string(),
            table.nodes.to_string(),
            table.groups.len().to_string(),
            format!("{:.1}", table.expected_withheld()),
            table
                .groups
                .get(middle(table))
                .map_or_else(|| "–".to_owned(), |group| width(group.width)),
        ]
    });
    let mut text = format!("\n{}", plain_table(header, rows, &[2, 3, 4, 5]));
    text.push_str(
        "\nWithheld: groups expected to lie under the floor and the guard of their noise.\n",
    );
    let listed: Vec<_> = forecast
        .iter()
        .flat_map(|table| table.groups.iter().map(move |group| (table, group)))
        .filter(|(_, group)| groups || group.withheld >= 0.05)
        .collect();
    if listed.is_empty() {
        text.push_str("Every group is shown, at least 19 times in 20.\n");
        return text;
    }
    let header = ["KPI", "BY", "GROUP", "LEARNERS", "WITHHELD", "MARGIN"];
    let rows = listed.iter().map(|(table, group)| {
        [
            table.kpi.id.to_string(),
            table.breakdown.to_string(),
            name(group),
            format!("{:.0}", group.size.learners),
            format!("{:.0} %", group.withheld * 100.0),
            width(group.width),
        ]
    });
    text.push('\n');
    text.push_str(&plain_table(header, rows, &[3, 4, 5]));
    text
}

/// The place of the group of median size.
fn middle(table: &TableForecast) -> usize {
    let mut places: Vec<_> =
        table.groups.iter().map(|group| group.size.learners).enumerate().collect();
    places.sort_by(|a, b| a.1.total_cmp(&b.1));
    places.get(places.len() / 2).map_or(0, |(place, _)| *place)
}

/// The codes of a group, as the MOU writes them.
pub(super) fn name(group: &GroupForecast) -> String {
    let codes: Vec<_> = group.codes.iter().map(|code| code.id.as_str()).collect();
    if codes.is_empty() { "total".to_owned() } else { codes.join(" × ") }
}

fn width(width: Width) -> String {
    match width {
        Width::Learners(learners) => format!("±{learners}"),
        Width::Points(points) => format!("±{points:.1} points"),
        Width::Units(units) => format!("±{units:.2} in its unit"),
        Width::TooNoisy => "says nothing".to_owned(),
    }
}

fn fit(proposal: &Proposal, file: &Path) -> String {
    let mut text = String::new();
    let Some(edits) = &proposal.edits else {
        return "\nNo margin makes the calendar fit: list fewer tables.\n".to_owned();
    };
    if edits.is_empty() {
        let _ = writeln!(text, "\nThe margins are those that fit. {}", proposal.how.explained());
        return text;
    }
    let _ = writeln!(text, "\nMargins that fit, in whole learners. {}\n", proposal.how.explained());
    for MarginEdit { kpi, line, from, to } in edits {
        let to = to.learners();
        let _ = writeln!(text, "{}:{line}: margin = {to}    # `{kpi}`, was {from}", file.display());
    }
    text.push_str("\nWith these lines, `sumac mou check` finds no error.\n");
    text
}

/// A share in per cent, rounded up to a tenth.
fn share(price: NanoRho, budget: NanoRho) -> String {
    price
        .share_of(budget)
        .map_or_else(|| "–".to_owned(), |permille| format!("{}.{} %", permille / 10, permille % 10))
}
