//! Questions: what cannot be a name is not listed, so a badly written question is refused like any other.

use std::fmt::Display;

use sumac_policy::{Breakdown, Clause, Question, Reason, Refusal};

use crate::field::words;
use crate::limits::MAX_BREAKDOWN;
use crate::wire;

impl From<&Question> for wire::Question {
    fn from(question: &Question) -> Self {
        let Question { kpi, period, breakdown, purpose } = question;
        Self {
            kpi: kpi.to_string(),
            period: period.to_string(),
            breakdown: breakdown.dimensions().iter().map(ToString::to_string).collect(),
            purpose: purpose.to_string(),
        }
    }
}

/// Reads one question of a batch; its refusal touches no other question.
pub(crate) fn read_question(message: wire::Question) -> Result<Question, Refusal> {
    let wire::Question { kpi, period, breakdown, purpose } = message;
    let kpi = kpi.parse().map_err(|error| {
        refused(Reason::KpiNotListed, "kpi", error, "ask for a KPI that the MOU lists")
    })?;
    let period = period.parse().map_err(|error| {
        refused(Reason::PeriodNotOfKpi, "calendar", error, "write the period as the MOU does")
    })?;
    if breakdown.len() > MAX_BREAKDOWN {
        let many = format!(
            "a breakdown by {} dimensions: at most {MAX_BREAKDOWN} are allowed",
            breakdown.len()
        );
        return Err(refused(
            Reason::BreakdownNotListed,
            "kpi",
            many,
            "ask for a breakdown that the MOU lists",
        ));
    }
    let dimensions = breakdown
        .iter()
        .map(|dimension| dimension.parse())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| {
            refused(
                Reason::BreakdownNotListed,
                "kpi",
                error,
                "ask for a breakdown that the MOU lists",
            )
        })?;
    let purpose = purpose.parse().map_err(|error| {
        refused(
            Reason::PurposeNotListed,
            "agreement.purposes",
            error,
            "name one of the MOU's purposes",
        )
    })?;
    Ok(Question { kpi, period, breakdown: Breakdown::by(dimensions), purpose })
}

fn refused(reason: Reason, clause: &str, message: impl Display, hint: &str) -> Refusal {
    Refusal {
        reason,
        clause: Clause::at(clause),
        message: words(&message.to_string()),
        hint: hint.to_owned(),
    }
}
