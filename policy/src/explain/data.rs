//! What is never shared, what is restricted, and what data a node may answer from.

use super::Keeper;
use super::words::{and, capital, counted, one_line};
use super::writer::Writer;
use crate::mou::{Limit, Mou, PartyKind, Restriction};

pub(super) fn never_shared(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("What is never shared");
    writer.say(
        ["format"],
        &[Keeper::Node],
        "No record about a learner leaves a node, and no name, number or key of a learner: there is no question that \
         asks for one, and nothing but counts with noise in them has a form in which it could be sent.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "Exact counts never leave it either, not in an error, a log or a status page.",
    );
    let by = mou.kpis().iter().map(|kpi| format!("kpi.{}.by", kpi.id));
    writer.say(
        by,
        &[Keeper::Node],
        "There are no free questions: a KPI, a breakdown or a period that is not listed here is refused.",
    );
    writer.say(
        ["format"],
        &[Keeper::Node],
        "Every group of a table is measured, empty ones included, and what is withheld depends on noisy numbers alone: \
         neither a missing group nor a zero says anything about the records.",
    );
}

pub(super) fn restrictions(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("Restrictions");
    for (n, restriction) in mou.restrictions().iter().enumerate() {
        let keeper: &[Keeper] = match restriction.limit {
            Limit::Floor(_) => &[super::groups::who_judges(mou)],
            _ => &[Keeper::Node],
        };
        writer.say([format!("restrict[{}]", n + 1)], keeper, restricted(mou, restriction));
    }
    if !mou.restrictions().is_empty() {
        let all = (1..=mou.restrictions().len()).map(|n| format!("restrict[{n}]"));
        writer.say(
            all,
            &[Keeper::Reading],
            "Restrictions only take away from what the KPIs list; where two of them meet, the strictest holds.",
        );
    }
}

fn restricted(mou: &Mou, restriction: &Restriction) -> String {
    let scope = match &restriction.kpi {
        Some(kpi) => format!(" in `{kpi}`"),
        None => String::new(),
    };
    let because = one_line(&restriction.because);
    let what = match &restriction.limit {
        Limit::Column { dimension, column } => {
            let named = dimension.as_ref().and_then(|id| mou.dimension(id));
            let named = match (named, dimension) {
                (Some(dimension), _) => format!("“{}” (`{}`)", dimension.title, dimension.id),
                (None, Some(id)) => format!("`{id}`"),
                (None, None) => format!("The column `{column}`"),
            };
            format!(
                "{named} is refused{scope} wherever it is used, as a breakdown, in a condition or as a value"
            )
        }
        Limit::Kpi => format!("Questions{scope} are refused"),
        Limit::Margin(margin) => {
            format!(
                "The margin{scope} is {} at least",
                counted(u64::from(margin.learners()), "learner", "learners")
            )
        }
        Limit::Floor(floor) => format!("Groups of fewer than {floor} learners are withheld"),
    };
    format!("{}; the parties’ reason: “{because}”.", capital(&what))
}

pub(super) fn data(writer: &mut Writer<'_>, mou: &Mou) {
    writer.about("The data");
    writer.say(
        ["format"],
        &[Keeper::Node],
        "A node answers from a frozen copy of its party’s records, of which the party states the day it was taken and \
         the periods it covers; a period that it does not cover is refused before anything is spent, and never \
         answered as zero.",
    );
    writer.say(
        ["format"],
        &[Keeper::People],
        "That the records are right, and are the ones meant, is kept by the party that holds them: no other party can \
         see them.",
    );
    for kind in PartyKind::ALL {
        let Some(rules) = mou.data(*kind) else { continue };
        let at = |key: &str| format!("data.{kind}.{key}");
        if let Some(days) = rules.freshness_days {
            writer.say(
                [at("freshness_days")],
                &[Keeper::Node],
                format!(
                    "At each {kind}, data that was taken more than {} before the question answers nothing new.",
                    counted(u64::from(days), "day", "days")
                ),
            );
        }
        let columns: Vec<_> = rules.withheld.iter().map(|column| format!("`{column}`")).collect();
        if !columns.is_empty() {
            writer.say(
                [at("withheld")],
                &[Keeper::Reading],
                format!("No KPI that any {kind} answers may read {}; an agreement with one that does is refused.", and(&columns)),
            );
            writer.say(
                [at("withheld")],
                &[Keeper::Node],
                format!(
                    "An import at any {kind} leaves {} out, whatever its files hold.",
                    and(&columns)
                ),
            );
        } else if writer.has(&at("withheld")) {
            writer.say(
                [at("withheld")],
                &[Keeper::Reading],
                format!("No column is withheld at any {kind}."),
            );
        }
    }
}
