//! Changes as programs read them.

use serde_json::{Value, json};
use sumac_policy::Refusal;
use sumac_policy::diff::{ChangedClause, Diff, Keeper, Terms, Version, Witness};

use super::words::outcome;

/// The whole comparison.
pub(super) fn json(old: &Version, new: &Version, diff: &Diff<'_>) -> Value {
    let changes = diff.changes.iter().map(|found| {
        let change = &found.change;
        let terms = change.terms();
        let witness = |witness: &Witness| {
            let asked = &witness.asked;
            let question = &asked.question;
            let dimensions = question.breakdown.dimensions().iter();
            let says = |says: &Result<Terms, Refusal>| match says {
                Ok(_) => json!({ "answered": true, "words": outcome(says, &terms) }),
                Err(refusal) => json!({
                    "answered": false,
                    "reason": refusal.reason.code(),
                    "clause": refusal.clause.as_str(),
                    "words": refusal.message,
                }),
            };
            json!({
                "asker": { "party": asked.asker.party.as_str(), "root": asked.asker.root.to_string() },
                "node": asked.node.as_str(),
                "kpi": question.kpi.as_str(),
                "period": question.period.to_string(),
                "breakdown": dimensions.map(|id| id.as_str()).collect::<Vec<_>>(),
                "purpose": question.purpose.as_str(),
                "roster": asked.roster.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
                "day": asked.day.to_string(),
                "old": says(&witness.old),
                "new": says(&witness.new),
            })
        };
        json!({
            "direction": change.direction.as_str(),
            "topic": change.topic.as_str(),
            "sentence": change.sentence,
            "witnesses": change.witnesses.iter().map(witness).collect::<Vec<_>>(),
            "clauses": clauses(&found.clauses),
        })
    });
    let beside = diff.beside.iter().map(|aside| {
        json!({
            "kept_by": match aside.keeper { Keeper::Software => "software", Keeper::People => "people" },
            "direction": aside.direction.map(|direction| direction.as_str()),
            "sentence": aside.sentence,
            "clauses": clauses(&aside.clauses),
        })
    });
    let version = |version: &Version| {
        let mou = version.mou();
        json!({ "id": mou.id(), "version": mou.version(), "hash": mou.hash().to_string() })
    };
    json!({
        "old": version(old),
        "new": version(new),
        "one_agreement": diff.is_one_agreement(),
        "compared_from": diff.compared_from().map(|day| day.to_string()),
        "widens": diff.widens(),
        "same": diff.is_same(),
        "changes": changes.collect::<Vec<_>>(),
        "beside": beside.collect::<Vec<_>>(),
        "wording": clauses(&diff.wording),
    })
}

fn clauses(clauses: &[ChangedClause]) -> Value {
    let stated = clauses.iter().map(|clause| {
        json!({
            "reference": clause.reference,
            "old_line": clause.old_line,
            "new_line": clause.new_line,
            "original": clause.original,
            "replacement": clause.replacement,
        })
    });
    stated.collect()
}
