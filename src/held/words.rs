//! What waits, in words and as JSON.

use serde_json::{Value, json};
use sumac_node::day_of;
use sumac_privacy::NanoRho;
use sumac_protocol::HeldFacts;

use crate::terminal::plain_table;

/// The name of the JSON form. Fields may be added; none changes its meaning while this stays the same.
const FORMAT: &str = "sumac-held/1";

/// For people.
pub(super) fn table(questions: &[HeldFacts]) -> String {
    if questions.is_empty() {
        return "Nothing waits.\n".to_owned();
    }
    let rows = questions.iter().map(|question| {
        [
            question.number.to_string(),
            table_of(question),
            format!("{}, {}", question.asked_by, day_of(question.asked_at)),
            question.purpose.clone(),
            NanoRho::new(question.price_nano_rho).to_string(),
            question.margin.to_string(),
            state(question),
        ]
    });
    let header = ["NO.", "TABLE", "ASKED BY", "PURPOSE", "COST", "MARGIN", "STATE"];
    plain_table(header, rows, &[0, 4, 5])
}

/// `completers 2025-26 by sex`
pub(super) fn table_of(question: &HeldFacts) -> String {
    let by = match question.breakdown.as_slice() {
        [] => String::new(),
        dimensions => format!(" by {}", dimensions.join(", ")),
    };
    let again = match question.revision {
        0 => String::new(),
        revision => format!(" (revision {})", u64::from(revision) + 1),
    };
    format!("{} {}{by}{again}", question.kpi, question.period)
}

/// How far it has come.
pub(super) fn state(question: &HeldFacts) -> String {
    let (given, needed) = (question.approved_by.len(), question.approvals_needed);
    match &question.rejected {
        Some((by, because)) => format!("rejected by {by}: {because}"),
        None if given as u64 >= u64::from(needed) => {
            "approved: the next ask measures it".to_owned()
        }
        None if given == 0 && needed == 1 => "waits".to_owned(),
        None if given == 0 => format!("waits for {needed} stewards"),
        None => format!("approved by {} of {needed}: {}", given, question.approved_by.join(", ")),
    }
}

/// For machines.
pub(super) fn json(questions: &[HeldFacts]) -> Value {
    let questions = questions.iter().map(|question| {
        json!({
            "number": question.number,
            "kpi": question.kpi,
            "period": question.period,
            "breakdown": question.breakdown,
            "revision": question.revision,
            "purpose": question.purpose,
            "asked_by": question.asked_by,
            "asked_at": question.asked_at.to_string(),
            "price_nano_rho": question.price_nano_rho,
            "margin": question.margin.learners(),
            "approvals_needed": question.approvals_needed,
            "approved_by": question.approved_by,
            "rejected": question.rejected.as_ref().map(|(by, because)| json!({
                "by": by,
                "because": because,
            })),
        })
    });
    json!({ "format": FORMAT, "questions": questions.collect::<Vec<_>>() })
}
