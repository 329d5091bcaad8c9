//! What asking would bring: spends nothing.

use sumac_policy::{Clause, Margin, PartyId, Question, Refusal, Sha256};

use crate::ask::{read_questions, read_roster};
use crate::field::{WireError, digest, margin, words};
use crate::status::CallError;
use crate::wire;

/// Tables looked at in one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviewAsk {
    /// The MOU version by which the asker asks.
    pub mou: Sha256,
    /// The parties asked together, each once.
    pub roster: Vec<PartyId>,
    /// In the order asked; see [`crate::Ask::questions`].
    pub questions: Vec<Result<Question, Refusal>>,
}

/// What asking one question would bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Preview {
    /// A release.
    WouldAnswer {
        /// What it would cost now, in nano-ρ; 0 if it is already released or derived.
        price_nano_rho: u64,
        /// Whether the table is already released.
        already_released: bool,
        /// Whether it would be, or was, added up from another released table.
        derived: bool,
        /// The margin it would have or has.
        margin: Margin,
        /// The clause that permits it.
        clause: Clause,
    },
    /// A refusal.
    Refused(Refusal),
}

/// What an asker sends.
pub fn preview_request(
    mou: Sha256,
    roster: &[PartyId],
    questions: &[Question],
) -> wire::PreviewRequest {
    wire::PreviewRequest {
        mou_sha256: mou.as_bytes().to_vec(),
        roster: roster.iter().map(ToString::to_string).collect(),
        questions: questions.iter().map(wire::Question::from).collect(),
    }
}

impl TryFrom<wire::PreviewRequest> for PreviewAsk {
    type Error = CallError;
    fn try_from(message: wire::PreviewRequest) -> Result<Self, CallError> {
        let wire::PreviewRequest { mou_sha256, roster, questions } = message;
        Ok(Self {
            mou: digest("mou_sha256", &mou_sha256)?,
            roster: read_roster(&roster)?,
            questions: read_questions(questions)?,
        })
    }
}

/// What a node sends back, in the order asked.
pub fn preview_response(previews: impl IntoIterator<Item = Preview>) -> wire::PreviewResponse {
    wire::PreviewResponse { previews: previews.into_iter().map(wire::Preview::from).collect() }
}

/// Reads a node's previews of `asked` questions, in the order asked.
///
/// # Errors
/// Where there are more or fewer, or one cannot be read.
pub fn read_preview_response(
    message: wire::PreviewResponse,
    asked: usize,
) -> Result<Vec<Preview>, WireError> {
    let wire::PreviewResponse { previews } = message;
    if previews.len() != asked {
        let what = format!("{} for {asked} questions", previews.len());
        return Err(WireError::unsound("previews", what));
    }
    previews.into_iter().map(Preview::try_from).collect()
}

impl From<Preview> for wire::Preview {
    fn from(preview: Preview) -> Self {
        use wire::preview::Outcome;
        let outcome = match preview {
            Preview::WouldAnswer { price_nano_rho, already_released, derived, margin, clause } => {
                Outcome::WouldAnswer(wire::WouldAnswer {
                    price_nano_rho,
                    already_released,
                    derived,
                    margin: margin.learners(),
                    clause: clause.as_str().to_owned(),
                })
            }
            Preview::Refused(refusal) => Outcome::Refused(refusal.into()),
        };
        Self { outcome: Some(outcome) }
    }
}

impl TryFrom<wire::Preview> for Preview {
    type Error = WireError;
    fn try_from(message: wire::Preview) -> Result<Self, WireError> {
        use wire::preview::Outcome;
        let wire::Preview { outcome } = message;
        match outcome.ok_or(WireError::Missing("preview.outcome"))? {
            Outcome::WouldAnswer(would) => {
                let wire::WouldAnswer {
                    price_nano_rho,
                    already_released,
                    derived,
                    margin: learners,
                    clause,
                } = would;
                Ok(Self::WouldAnswer {
                    price_nano_rho,
                    already_released,
                    derived,
                    margin: margin("preview.margin", learners)?,
                    clause: Clause::at(words(&clause)),
                })
            }
            Outcome::Refused(refusal) => Refusal::try_from(refusal).map(Self::Refused),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn previews_come_back_as_sent_and_in_number() {
        let would = Preview::WouldAnswer {
            price_nano_rho: 19_208_000,
            already_released: false,
            derived: true,
            margin: Margin::new(10).unwrap(),
            clause: Clause::at("kpi.completers.by"),
        };
        let sent = preview_response([would.clone()]);
        assert_eq!(read_preview_response(sent.clone(), 1), Ok(vec![would]));
        assert!(read_preview_response(sent, 2).is_err());
        let nothing = wire::PreviewResponse { previews: vec![wire::Preview { outcome: None }] };
        assert_eq!(read_preview_response(nothing, 1), Err(WireError::Missing("preview.outcome")));
    }
}
