//! What each party would say to one question, by the agreement alone.

use anyhow::Context;
use jiff::civil::Date;
use serde_json::{Value, json};
use sumac_node::day_of;
use sumac_policy::explain::{Foreseen, foresee};
use sumac_policy::{
    Breakdown, Capability, KpiId, Margin, Mou, PartyId, Period, Question as Asked, Refusal,
};
use sumac_privacy::{NanoRho, kpi_price, margin_of_cells};

use super::Question;
use super::words::wrapped;
use crate::outcome::{Outcome, hinted};
use crate::terminal::Format;
use crate::terminal::answer;
use crate::world;

/// A question, who asks it and when.
struct Scene {
    asked: Asked,
    asker: PartyId,
    on: Date,
}

type Said = (PartyId, Result<Foreseen, Refusal>);

pub(super) fn run(
    mou: &Mou,
    kpi: &KpiId,
    question: &Question,
    format: Format,
) -> anyhow::Result<Outcome> {
    let scene = scene(mou, kpi, question)?;
    let Scene { asked, asker, on } = &scene;
    let roster: Vec<_> = mou
        .kpi(kpi)
        .into_iter()
        .flat_map(|kpi| mou.answering(kpi))
        .map(|party| party.id.clone())
        .collect();
    let said = foresee(mou, asker, asked, &roster, *on);
    answer(&match format {
        Format::Text => text(mou, &scene, &said),
        Format::Json => {
            serde_json::to_string_pretty(&as_json(mou, &scene, &said)).context("write JSON")? + "\n"
        }
    })?;
    let any = said.iter().any(|(_, foreseen)| foreseen.is_ok());
    Ok(if any { Outcome::Done } else { Outcome::Refused })
}

/// What was left out of the question, filled in as `sumac ask` does.
fn scene(mou: &Mou, kpi: &KpiId, question: &Question) -> anyhow::Result<Scene> {
    let on = question.on.unwrap_or_else(|| day_of(world::now()));
    let asker = match &question.asker {
        Some(party) => party.clone(),
        None => {
            let mut may = mou.parties().iter().filter(|party| mou.may(&party.id, Capability::Ask));
            may.next().context("find a party that may ask")?.id.clone()
        }
    };
    if mou.party(&asker).is_none() {
        let ids: Vec<_> = mou.parties().iter().map(|party| party.id.as_str()).collect();
        return Err(hinted(
            format_args!("the MOU lists no party `{asker}`"),
            format_args!("it lists {}", ids.join(", ")),
        ));
    }
    let purpose = question.purpose.clone().or_else(|| mou.terms().purposes.first().cloned());
    Ok(Scene {
        asked: Asked {
            kpi: kpi.clone(),
            period: question.period.unwrap_or_else(|| latest(mou, kpi, on)),
            breakdown: Breakdown::by(question.by.iter().cloned()),
            purpose: purpose.context("read the MOU's purposes")?,
        },
        asker,
        on,
    })
}

/// The latest period of a KPI that may be asked on a day; its first where none may.
fn latest(mou: &Mou, kpi: &KpiId, on: Date) -> Period {
    let calendar = mou.calendar();
    let Some(kpi) = mou.kpi(kpi) else { return Period::Year(calendar.first_period) };
    let open = |period: &Period| mou.asked_from(*period).is_some_and(|day| day <= on);
    let latest = calendar.periods(kpi.period).take_while(open).last();
    let first = || calendar.periods(kpi.period).next();
    latest.or_else(first).unwrap_or(Period::Year(calendar.first_period))
}

fn text(mou: &Mou, scene: &Scene, said: &[Said]) -> String {
    let Scene { asked: Asked { kpi, period, breakdown, purpose }, asker, on } = scene;
    let title = mou.kpi(kpi).map_or_else(|| kpi.to_string(), |kpi| kpi.title.clone());
    let total = breakdown.dimensions().is_empty();
    let by = if total { "the total".to_owned() } else { format!("by {breakdown}") };
    let mut text = wrapped(
        "",
        &format!("{title} (`{kpi}`), {period}, {by}, for `{purpose}`, asked by `{asker}` on {on}:"),
        0,
    );
    text.push('\n');
    for (party, foreseen) in said {
        text += &wrapped(&format!("{party}: "), &sentence(mou, kpi, foreseen), 4);
    }
    text.push('\n');
    text += &wrapped(
        "",
        "By the agreement alone: nobody was asked. A node may still refuse because its data does not \
         cover the period or is too old, because its budget of the year is spent, or because its \
         party has narrowed or paused it.",
        0,
    );
    text
}

fn sentence(mou: &Mou, kpi: &KpiId, foreseen: &Result<Foreseen, Refusal>) -> String {
    let within = |margin: Margin| {
        format!("each count within {} learners, 95 % of the time", margin.learners())
    };
    match foreseen {
        Ok(Foreseen::Measured { clause, margin, needs }) => {
            let verb = match needs {
                None => "would answer".to_owned(),
                Some(approval) => format!("would hold it for {approval}, and then answer"),
            };
            format!("{verb} [{clause}]: {}; {}.", within(*margin), price(mou, kpi))
        }
        Ok(Foreseen::Read { clause, margin }) => format!(
            "would answer if it has released this table already, free, and else refuse \
             (NOT_RELEASED_YET) [{clause}, roles]: {}.",
            within(*margin)
        ),
        Ok(Foreseen::Derived { clause, margin, from, cells_added }) => {
            let margin = margin_of_cells(*margin, *cells_added);
            let margin =
                margin.map_or_else(|| "with a margin that says nothing".to_owned(), within);
            format!(
                "would add it up, free, from its table by {from} if that is released already, and \
                 else refuse (BREAKDOWN_NOT_LISTED) [{clause}]: {margin}."
            )
        }
        Err(Refusal { reason, clause, message, hint }) => {
            format!("would refuse ({reason}) [{clause}]: {message}. Hint: {hint}.")
        }
    }
}

fn price(mou: &Mou, kpi: &KpiId) -> String {
    let Some(kpi) = mou.kpi(kpi) else { return String::new() };
    let price = kpi_price(kpi);
    let budget = NanoRho::new(mou.privacy().budget_nano_rho);
    let share = price.share_of(budget).map_or_else(String::new, |permille| {
        format!("{}.{} % of its budget of the year, ", permille / 10, permille % 10)
    });
    format!("costs {share}ρ = {price}, and nothing once it is released")
}

fn as_json(mou: &Mou, scene: &Scene, said: &[Said]) -> Value {
    let Scene { asked: Asked { kpi, period, breakdown, purpose }, asker, on } = scene;
    let price = mou.kpi(kpi).map(|kpi| kpi_price(kpi).get());
    let parties = said.iter().map(|(party, foreseen)| match foreseen {
        Ok(Foreseen::Measured { clause, margin, needs }) => json!({
            "party": party.as_str(), "would": if needs.is_some() { "hold" } else { "answer" },
            "clause": clause.as_str(), "margin": margin.learners(), "price_nano_rho": price,
        }),
        Ok(Foreseen::Read { clause, margin }) => json!({
            "party": party.as_str(), "would": "answer-if-released",
            "clause": clause.as_str(), "margin": margin.learners(), "price_nano_rho": 0,
        }),
        Ok(Foreseen::Derived { clause, margin, from, cells_added }) => json!({
            "party": party.as_str(), "would": "derive-if-released", "from": from,
            "clause": clause.as_str(), "price_nano_rho": 0,
            "margin": margin_of_cells(*margin, *cells_added).map(Margin::learners),
        }),
        Err(Refusal { reason, clause, message, hint }) => json!({
            "party": party.as_str(), "would": "refuse", "reason": reason.code(),
            "clause": clause.as_str(), "message": message, "hint": hint,
        }),
    });
    let by: Vec<_> = breakdown.dimensions().iter().map(|id| id.as_str()).collect();
    json!({
        "kpi": kpi.as_str(), "period": period.to_string(), "by": by, "purpose": purpose.as_str(),
        "as": asker.as_str(), "on": on.to_string(), "parties": parties.collect::<Vec<_>>(),
    })
}
