//! Questions that wait for a person at a node, and what its stewards say of them.

use jiff::Timestamp;
use sumac_policy::{Margin, Sha256};

use crate::field::{WireError, at_most, digest, margin, parsed, words};
use crate::limits::{MAX_BREAKDOWN, MAX_TEXT};
use crate::wire;

/// More approvals no MOU asks for.
const MAX_APPROVALS: usize = 2;
/// More questions than a person decides; the rest is listed once these are.
pub const MAX_HELD: usize = 1_000;

/// A question that waits for a person. Plain data; its texts are for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldFacts {
    /// Names it at its node.
    pub number: u64,
    /// The KPI.
    pub kpi: String,
    /// The period.
    pub period: String,
    /// The dimensions; none is the total.
    pub breakdown: Vec<String>,
    /// What for.
    pub purpose: String,
    /// Who asked first.
    pub asked_by: String,
    /// When, by the node's clock.
    pub asked_at: Timestamp,
    /// How often the table was measured before.
    pub revision: u32,
    /// What it would cost, in nano-ρ.
    pub price_nano_rho: u64,
    /// The margin of the noisy answer.
    pub margin: Margin,
    /// How many different stewards have to approve.
    pub approvals_needed: u32,
    /// Those who did.
    pub approved_by: Vec<String>,
    /// Who rejected it, and why.
    pub rejected: Option<(String, String)>,
}

/// What a steward says of a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// It may be measured.
    Approve,
    /// It may not, and why.
    Reject {
        /// Told to whoever asks.
        because: String,
    },
}

/// A steward's decision, as it arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecideHeld {
    /// The MOU version by which the steward decides.
    pub mou: Sha256,
    /// The question's number.
    pub number: u64,
    /// What of it.
    pub decision: Decision,
}

/// What a steward sends to see what waits.
pub fn list_held_request(mou: Sha256) -> wire::ListHeldRequest {
    wire::ListHeldRequest { mou_sha256: mou.as_bytes().to_vec() }
}

/// The MOU version by which a steward asks what waits.
///
/// # Errors
/// No digest.
pub fn read_list_held_request(message: &wire::ListHeldRequest) -> Result<Sha256, WireError> {
    let wire::ListHeldRequest { mou_sha256 } = message;
    digest("mou_sha256", mou_sha256)
}

/// What a node sends back.
pub fn list_held_response(
    questions: impl IntoIterator<Item = HeldFacts>,
) -> wire::ListHeldResponse {
    let questions = questions.into_iter().take(MAX_HELD).map(Into::into).collect();
    wire::ListHeldResponse { questions }
}

/// Reads what waits at a node.
///
/// # Errors
/// Too many, or one that cannot be read.
pub fn read_list_held_response(
    message: wire::ListHeldResponse,
) -> Result<Vec<HeldFacts>, WireError> {
    let wire::ListHeldResponse { questions } = message;
    at_most("questions", questions.len(), MAX_HELD)?;
    questions.into_iter().map(HeldFacts::try_from).collect()
}

/// What a steward sends to decide.
pub fn decide_held_request(
    mou: Sha256,
    number: u64,
    decision: Decision,
) -> wire::DecideHeldRequest {
    use wire::decide_held_request::Decision as Wire;
    let decision = match decision {
        Decision::Approve => Wire::Approve(wire::Approve {}),
        Decision::Reject { because } => Wire::Reject(wire::Reject { because }),
    };
    wire::DecideHeldRequest {
        mou_sha256: mou.as_bytes().to_vec(),
        number,
        decision: Some(decision),
    }
}

impl TryFrom<wire::DecideHeldRequest> for DecideHeld {
    type Error = WireError;
    fn try_from(message: wire::DecideHeldRequest) -> Result<Self, WireError> {
        use wire::decide_held_request::Decision as Wire;
        let wire::DecideHeldRequest { mou_sha256, number, decision } = message;
        let decision = match decision.ok_or(WireError::Missing("decision"))? {
            Wire::Approve(wire::Approve {}) => Decision::Approve,
            Wire::Reject(wire::Reject { because }) => {
                Decision::Reject { because: reason(because)? }
            }
        };
        Ok(Self { mou: digest("mou_sha256", &mou_sha256)?, number, decision })
    }
}

/// A reason is kept in the ledger and told to askers: it says something, within bounds.
fn reason(because: String) -> Result<String, WireError> {
    if because.trim().is_empty() {
        return Err(WireError::Missing("reject.because"));
    }
    at_most("reject.because", because.chars().count(), MAX_TEXT)?;
    if because.chars().any(char::is_control) {
        return Err(WireError::unsound("reject.because", "holds a control character"));
    }
    Ok(because)
}

/// What a node sends back.
pub fn decide_held_response(question: HeldFacts) -> wire::DecideHeldResponse {
    wire::DecideHeldResponse { question: Some(question.into()) }
}

/// Reads where a question stands.
///
/// # Errors
/// None, or one that cannot be read.
pub fn read_decide_held_response(
    message: wire::DecideHeldResponse,
) -> Result<HeldFacts, WireError> {
    let wire::DecideHeldResponse { question } = message;
    question.ok_or(WireError::Missing("question"))?.try_into()
}

impl From<HeldFacts> for wire::HeldQuestion {
    fn from(facts: HeldFacts) -> Self {
        let HeldFacts { number, kpi, period, breakdown, purpose, asked_by, asked_at, .. } = facts;
        let HeldFacts { revision, price_nano_rho, margin, approvals_needed, .. } = facts;
        Self {
            number,
            kpi,
            period,
            breakdown,
            purpose,
            asked_by,
            asked_at: asked_at.to_string(),
            revision,
            price_nano_rho,
            margin: margin.learners(),
            approvals_needed,
            approved_by: facts.approved_by,
            rejected: facts.rejected.map(|(by, because)| wire::Rejection { by, because }),
        }
    }
}

impl TryFrom<wire::HeldQuestion> for HeldFacts {
    type Error = WireError;
    fn try_from(message: wire::HeldQuestion) -> Result<Self, WireError> {
        let wire::HeldQuestion {
            number,
            kpi,
            period,
            breakdown,
            purpose,
            asked_by,
            asked_at,
            revision,
            price_nano_rho,
            margin: learners,
            approvals_needed,
            approved_by,
            rejected,
        } = message;
        at_most("breakdown", breakdown.len(), MAX_BREAKDOWN)?;
        at_most("approved_by", approved_by.len(), MAX_APPROVALS)?;
        let all = |texts: Vec<String>| texts.iter().map(|text| words(text)).collect();
        for (field, value) in
            [("number", number), ("price", price_nano_rho), ("approvals", approvals_needed.into())]
        {
            if value == 0 {
                return Err(WireError::Missing(field));
            }
        }
        Ok(Self {
            number,
            kpi: words(&kpi),
            period: words(&period),
            breakdown: all(breakdown),
            purpose: words(&purpose),
            asked_by: words(&asked_by),
            asked_at: parsed("asked_at", &asked_at)?,
            revision,
            price_nano_rho,
            margin: margin("margin", learners)?,
            approvals_needed,
            approved_by: all(approved_by),
            rejected: rejected.map(|wire::Rejection { by, because }| (words(&by), words(&because))),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn facts() -> HeldFacts {
        HeldFacts {
            number: 3,
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
            purpose: "annual-report".into(),
            asked_by: "sumac://chamber/analyst/maria".into(),
            asked_at: "2026-08-01T12:00:00Z".parse().unwrap(),
            revision: 0,
            price_nano_rho: 19_208_000,
            margin: Margin::new(10).unwrap(),
            approvals_needed: 2,
            approved_by: vec!["sumac://cc/steward/ana".into()],
            rejected: Some(("sumac://cc/steward/bo".into(), "not this year".into())),
        }
    }

    #[test]
    fn what_waits_travels_there_and_back() {
        let sent = list_held_response([facts()]);
        assert_eq!(read_list_held_response(sent), Ok(vec![facts()]));
        assert_eq!(read_decide_held_response(decide_held_response(facts())), Ok(facts()));
        let mou = Sha256::from([7; 32]);
        assert_eq!(read_list_held_request(&list_held_request(mou)), Ok(mou));
        for decision in [Decision::Approve, Decision::Reject { because: "no".into() }] {
            let sent = decide_held_request(mou, 3, decision.clone());
            assert_eq!(DecideHeld::try_from(sent), Ok(DecideHeld { mou, number: 3, decision }));
        }
    }

    #[test]
    fn what_is_absent_decides_nothing() {
        let mou = Sha256::from([7; 32]);
        let mut silent = decide_held_request(mou, 3, Decision::Approve);
        silent.decision = None;
        assert_eq!(DecideHeld::try_from(silent), Err(WireError::Missing("decision")));
        for because in ["", "  ", "a\u{1b}[2J"] {
            let rejected = Decision::Reject { because: because.into() };
            assert!(DecideHeld::try_from(decide_held_request(mou, 3, rejected)).is_err());
        }
        let mut nothing = wire::HeldQuestion::from(facts());
        nothing.approvals_needed = 0;
        assert_eq!(HeldFacts::try_from(nothing), Err(WireError::Missing("approvals")));
    }
}
