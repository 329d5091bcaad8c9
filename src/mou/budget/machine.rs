//! A budget for machines. Prices are integers, in billionths of ρ; probabilities and shares lie between 0 and 1.

use serde_json::{Value, json};
use sumac_privacy::Exposure;
use sumac_privacy::budget::{DropCandidate, DueTable, YearPrice};
use sumac_privacy::forecast::{GroupForecast, TableForecast, Width};

use crate::mou::budget::Facts;
use crate::mou::budget::fit::Proposal;

pub(super) fn machine(facts: &Facts) -> Value {
    let (node, parties, everywhere) = &facts.exposure;
    json!({
        "mou": facts.mou.hash().to_string(),
        "budget_nano_rho": facts.budget.get(),
        "fits": facts.passed.is_empty(),
        "years": facts.years.iter().map(year).collect::<Vec<_>>(),
        "calendar": facts.calendar.iter().map(due).collect::<Vec<_>>(),
        "passed": facts.passed.iter().map(due).collect::<Vec<_>>(),
        "drop_first": facts.drops.iter().map(|(of, order)| json!({
            "kind": of.kind.as_str(),
            "year": of.year.to_string(),
            "order": order.iter().map(drop).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "exposure": { "node": exposure(node), "parties": parties, "all_parties": exposure(everywhere) },
        "forecast": facts.forecast.as_ref().map(|tables| tables.iter().map(table).collect::<Vec<_>>()),
        "fit": facts.fit.as_ref().map(fit),
    })
}

fn year(YearPrice { kind, year, price, tables }: &YearPrice) -> Value {
    json!({
        "kind": kind.as_str(), "year": year.to_string(),
        "price_nano_rho": price.get(), "tables": tables,
    })
}

fn due(due: &DueTable) -> Value {
    json!({
        "kind": due.kind.as_str(),
        "year": due.year.to_string(),
        "from": due.from.to_string(),
        "kpi": due.table.kpi().id.as_str(),
        "by": due.table.breakdown().dimensions().iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "period": due.table.period().to_string(),
        "margin": due.margin.learners(),
        "price_nano_rho": due.price.get(),
        "spent_nano_rho": due.spent.get(),
    })
}

fn drop(DropCandidate { kpi, frees, breakdowns, left }: &DropCandidate) -> Value {
    json!({
        "kpi": kpi.as_str(), "frees_nano_rho": frees.get(),
        "breakdowns": breakdowns, "left_nano_rho": left.get(),
    })
}

fn exposure(exposure: &Exposure) -> Value {
    json!({
        "rho_nano": exposure.rho().get(), "epsilon": exposure.epsilon(),
        "delta": exposure.delta(), "best_guess": exposure.best_guess(),
    })
}

fn table(table: &TableForecast) -> Value {
    json!({
        "kpi": table.kpi.id.as_str(),
        "by": table.breakdown.dimensions().iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "nodes": table.nodes,
        "expected_withheld": table.expected_withheld(),
        "groups": table.groups.iter().map(group).collect::<Vec<_>>(),
    })
}

fn group(group: &GroupForecast) -> Value {
    let (learners, points, units) = match group.width {
        Width::Learners(learners) => (Some(learners), None, None),
        Width::Points(points) => (None, Some(points), None),
        Width::Units(units) => (None, None, Some(units)),
        Width::TooNoisy => (None, None, None),
    };
    json!({
        "codes": group.codes.iter().map(|code| code.id.as_str()).collect::<Vec<_>>(),
        "learners": group.size.learners,
        "withheld": group.withheld,
        "margin_learners": learners,
        "margin_points": points,
        "margin_units": units,
    })
}

fn fit(proposal: &Proposal) -> Value {
    let edits = proposal.edits.as_ref().map(|edits| {
        let edits = edits.iter().map(|edit| json!({
            "line": edit.line, "kpi": edit.kpi.as_str(), "from": edit.from, "to": edit.to.learners(),
        }));
        edits.collect::<Vec<_>>()
    });
    json!({ "how": proposal.how.as_str(), "edits": edits })
}
