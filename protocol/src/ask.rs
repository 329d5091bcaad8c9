//! The call that asks for tables.

use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

use sumac_policy::{Clause, PartyId, Question, Reason, Refusal, Sha256};

use crate::field::{WireError, all_parsed, digest, parsed};
use crate::limits::{MAX_ROSTER, MAX_TABLES_PER_CALL};
use crate::log_head::SignedHead;
use crate::question::read_question;
use crate::status::CallError;
use crate::wire;

/// Chosen by the asker and the same when it tries again: 1 to 64 letters, digits, `-`, `_`, `.`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RequestId(String);

/// A text that cannot be a request id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a request id has 1 to {} letters, digits, `-`, `_` and `.`", RequestId::MAX)]
pub struct RequestIdError;

/// Tables asked for in one call. The call is sound; each question may still be refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The asker's name for this call.
    pub request_id: RequestId,
    /// The MOU version by which the asker asks.
    pub mou: Sha256,
    /// The parties asked together, each once.
    pub roster: Vec<PartyId>,
    /// In the order asked. One that cannot be read is already refused, and touches no other.
    pub questions: Vec<Result<Question, Refusal>>,
    /// The last head of this node's log that the asker kept; none if it saw none.
    pub last_head: Option<SignedHead>,
}

impl RequestId {
    /// Characters at most.
    pub const MAX: usize = 64;

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of one of several calls that belong together, `<id>.<part>`; a long id is cut to make room.
    pub fn part(&self, part: usize) -> Self {
        Self(format!("{:.43}.{part}", self.0))
    }
}

impl FromStr for RequestId {
    type Err = RequestIdError;
    fn from_str(text: &str) -> Result<Self, RequestIdError> {
        let sound = (1..=Self::MAX).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
        if sound { Ok(Self(text.to_owned())) } else { Err(RequestIdError) }
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What an asker sends.
pub fn ask_request(
    request_id: &RequestId,
    mou: Sha256,
    roster: &[PartyId],
    questions: &[Question],
    last_head: Option<SignedHead>,
) -> wire::AskRequest {
    wire::AskRequest {
        request_id: request_id.to_string(),
        mou_sha256: mou.as_bytes().to_vec(),
        roster: roster.iter().map(ToString::to_string).collect(),
        questions: questions.iter().map(wire::Question::from).collect(),
        last_head: last_head.map(Into::into),
    }
}

impl TryFrom<wire::AskRequest> for Ask {
    type Error = CallError;
    fn try_from(message: wire::AskRequest) -> Result<Self, CallError> {
        let wire::AskRequest { request_id, mou_sha256, roster, questions, last_head } = message;
        Ok(Self {
            request_id: parsed("request_id", &request_id)?,
            mou: digest("mou_sha256", &mou_sha256)?,
            roster: read_roster(&roster)?,
            questions: read_questions(questions)?,
            last_head: last_head.map(SignedHead::try_from).transpose()?,
        })
    }
}

/// A party listed twice would make a roster look larger than it is.
pub(crate) fn read_roster(roster: &[String]) -> Result<Vec<PartyId>, WireError> {
    let roster: Vec<PartyId> = all_parsed("roster", roster, MAX_ROSTER)?;
    let mut seen = HashSet::new();
    if let Some(twice) = roster.iter().find(|party| !seen.insert(*party)) {
        return Err(WireError::unsound("roster", format_args!("`{twice}` is listed twice")));
    }
    Ok(roster)
}

pub(crate) fn read_questions(
    questions: Vec<wire::Question>,
) -> Result<Vec<Result<Question, Refusal>>, CallError> {
    if questions.is_empty() {
        return Err(WireError::Missing("questions").into());
    }
    if questions.len() > MAX_TABLES_PER_CALL {
        return Err(CallError::Refused(Refusal {
            reason: Reason::TooManyTables,
            clause: Clause::at(""),
            message: format!(
                "{} tables in one call: a node accepts at most {MAX_TABLES_PER_CALL}",
                questions.len()
            ),
            hint: format!("ask for {MAX_TABLES_PER_CALL} tables or fewer at a time"),
        }));
    }
    Ok(questions.into_iter().map(read_question).collect())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use prost::Message;

    use super::*;
    use crate::limits::MAX_BREAKDOWN;
    use crate::log_head::LogHead;

    fn question() -> Question {
        Question {
            kpi: "completers".parse().unwrap(),
            period: "2025-26".parse().unwrap(),
            breakdown: sumac_policy::Breakdown::by(["sex".parse().unwrap()]),
            purpose: "annual-report".parse().unwrap(),
        }
    }

    fn request(questions: usize) -> wire::AskRequest {
        let roster = ["lakeshore-cc".parse().unwrap(), "harbor-tech".parse().unwrap()];
        let id = "ask-1".parse().unwrap();
        ask_request(&id, Sha256::from([7; 32]), &roster, &vec![question(); questions], None)
    }

    #[test]
    fn an_ask_of_version_1_is_still_these_bytes() {
        let golden = "0a0561736b2d31\
            12200707070707070707070707070707070707070707070707070707070707070707\
            1a0c6c616b6573686f72652d6363\
            1a0b686172626f722d74656368\
            22290a0a636f6d706c65746572731207323032352d32361a03736578220d616e6e75616c2d7265706f7274";
        let encoded = request(1).encode_to_vec();
        let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden);
        let decoded = wire::AskRequest::decode(encoded.as_slice()).unwrap();
        assert_eq!(Ask::try_from(decoded).unwrap().questions, [Ok(question())]);
    }

    #[test]
    fn the_head_that_an_asker_kept_arrives_as_it_was_signed() {
        let at = "2026-08-01T12:00:00Z".parse().unwrap();
        let head = LogHead { size: 7, root: Sha256::from([0xab; 32]), at, spent_nano_rho: 1 };
        let signed = SignedHead { head, signature: vec![1], chain: vec![vec![2]] };
        let mut message = request(1);
        message.last_head = Some(signed.clone().into());
        assert_eq!(Ask::try_from(message.clone()).unwrap().last_head, Some(signed));
        message.last_head.as_mut().unwrap().signature.clear();
        let unsigned = Ask::try_from(message).unwrap_err();
        assert!(unsigned.to_string().contains("`signature`"), "{unsigned}");
    }

    #[test]
    fn parts_of_a_request_have_ids_of_their_own() {
        let long: RequestId = "x".repeat(RequestId::MAX).parse().unwrap();
        for part in [0, 1, usize::MAX] {
            let id = long.part(part);
            assert_eq!(id.as_str().parse(), Ok(id.clone()), "{id}");
            assert!(id.as_str().ends_with(&format!(".{part}")));
        }
        assert!("".parse::<RequestId>().is_err() && "a/b".parse::<RequestId>().is_err());
    }

    #[test]
    fn a_badly_written_question_is_refused_and_touches_no_other() {
        let mut message = request(6);
        message.questions[0].kpi = "DROP TABLE".into();
        message.questions[1].period = "next year".into();
        message.questions[2].breakdown = vec!["sex\n".into()];
        message.questions[3].breakdown = vec!["sex".into(); MAX_BREAKDOWN + 1];
        message.questions[4].purpose = String::new();
        let ask = Ask::try_from(message).unwrap();
        let reasons: Vec<_> = ask
            .questions
            .iter()
            .map(|question| question.as_ref().map(|_| ()).map_err(|refusal| refusal.reason))
            .collect();
        assert_eq!(
            reasons,
            [
                Err(Reason::KpiNotListed),
                Err(Reason::PeriodNotOfKpi),
                Err(Reason::BreakdownNotListed),
                Err(Reason::BreakdownNotListed),
                Err(Reason::PurposeNotListed),
                Ok(()),
            ]
        );
    }

    #[test]
    fn refuses_ten_thousand_tables_at_once_and_names_the_limit() {
        let Err(CallError::Refused(refusal)) = Ask::try_from(request(10_000)) else {
            unreachable!("accepted");
        };
        assert_eq!(refusal.reason, Reason::TooManyTables);
        assert!(refusal.message.contains("256"), "{refusal}");
        assert!(Ask::try_from(request(MAX_TABLES_PER_CALL)).is_ok());
    }

    #[test]
    fn refuses_a_call_that_cannot_be_read() {
        type Change = fn(&mut wire::AskRequest);
        let cases: [(&str, Change); 7] = [
            ("request_id", |ask| ask.request_id.clear()),
            ("request_id", |ask| ask.request_id = "a b".into()),
            ("mou_sha256", |ask| ask.mou_sha256.clear()),
            ("roster", |ask| ask.roster.push("No Party".into())),
            ("roster", |ask| ask.roster.push("harbor-tech".into())),
            ("roster", |ask| ask.roster = vec!["a".into(); MAX_ROSTER + 1]),
            ("questions", |ask| ask.questions.clear()),
        ];
        for (field, change) in cases {
            let mut message = request(1);
            change(&mut message);
            let refused = Ask::try_from(message);
            assert!(
                matches!(&refused, Err(CallError::Malformed(what)) if what.contains(field)),
                "{field}: {refused:?}"
            );
        }
    }
}
