//! Answers: a signed release, a refusal, or a fault.

use std::fmt;
use std::str::FromStr;

use prost::Message;
use sumac_policy::Refusal;

use crate::evidence::RecordedRelease;
use crate::field::{WireError, at_most, parsed};
use crate::limits::{MAX_CERTIFICATE, MAX_CHAIN, MAX_SIGNATURE};
use crate::log_head::{Consistency, SignedHead};
use crate::recover::RestoredLog;
use crate::wire;

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The table.
    Released {
        /// The release.
        release: SignedRelease,
        /// The log's record of it.
        recorded: RecordedRelease,
    },
    /// Why not.
    Refused(Refusal),
    /// The node failed; its operator finds the cause by this id.
    Fault(SupportId),
}

/// All that a node sends back to one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answered {
    /// One for each question, in the order asked. One that cannot be read spoils no other.
    pub answers: Vec<Result<Answer, WireError>>,
    /// The node's log after these answers. None: then none of them is a release.
    pub head: Option<SignedHead>,
    /// Shows that `head` continues the head that the asker sent.
    pub consistency: Option<Consistency>,
    /// Shows that the node was restored, and lost the history that the asker's head is of.
    pub restored: Option<RestoredLog>,
}

/// A release as signed: bytes that nobody encodes again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedRelease {
    /// An encoded [`crate::Release`].
    pub body: Vec<u8>,
    /// By the node's key, over `body`.
    pub signature: Vec<u8>,
    /// The signer's certificates (DER), leaf first.
    pub chain: Vec<Vec<u8>>,
}

impl SignedRelease {
    /// The bytes that a ledger keeps: the message as it is sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        wire::SignedRelease::from(self.clone()).encode_to_vec()
    }

    /// Reads those bytes.
    ///
    /// # Errors
    /// Bytes that are no signed release.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let message = wire::SignedRelease::decode(bytes)
            .map_err(|source| WireError::Undecodable { message: "signed release", source })?;
        Self::try_from(message)
    }
}

impl From<SignedRelease> for wire::SignedRelease {
    fn from(release: SignedRelease) -> Self {
        let SignedRelease { body, signature, chain } = release;
        Self { body, signature, chain }
    }
}

/// What to quote to a node's operator: 1 to 64 letters, digits and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SupportId(String);

/// A text that cannot be a support id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a support id has 1 to 64 letters, digits and `-`")]
pub struct SupportIdError;

impl SupportId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SupportId {
    type Err = SupportIdError;
    fn from_str(text: &str) -> Result<Self, SupportIdError> {
        let sound = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if sound { Ok(Self(text.to_owned())) } else { Err(SupportIdError) }
    }
}

impl fmt::Display for SupportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a node sends back, its answers in the order asked.
pub fn ask_response(
    answers: impl IntoIterator<Item = Answer>,
    head: Option<SignedHead>,
    consistency: Option<Consistency>,
    restored: Option<RestoredLog>,
) -> wire::AskResponse {
    wire::AskResponse {
        answers: answers.into_iter().map(wire::Answer::from).collect(),
        head: head.map(Into::into),
        consistency: consistency.map(Into::into),
        restored: restored.map(Into::into),
    }
}

/// Reads a node's answers to `asked` questions, in the order asked.
///
/// # Errors
/// Where there are more or fewer, a head or proof that cannot be read, a release without a head.
pub fn read_ask_response(message: wire::AskResponse, asked: usize) -> Result<Answered, WireError> {
    let wire::AskResponse { answers, head, consistency, restored } = message;
    if answers.len() != asked {
        let what = format!("{} for {asked} questions", answers.len());
        return Err(WireError::unsound("answers", what));
    }
    let answers: Vec<_> = answers.into_iter().map(Answer::try_from).collect();
    let head = head.map(SignedHead::try_from).transpose()?;
    if head.is_none() && answers.iter().any(|answer| matches!(answer, Ok(Answer::Released { .. })))
    {
        return Err(WireError::Missing("head"));
    }
    let consistency = consistency.map(Consistency::try_from).transpose()?;
    let restored = restored.map(RestoredLog::try_from).transpose()?;
    Ok(Answered { answers, head, consistency, restored })
}

impl From<Answer> for wire::Answer {
    fn from(answer: Answer) -> Self {
        use wire::answer::Outcome;
        let mut recorded = None;
        let outcome = match answer {
            Answer::Released { release, recorded: in_log } => {
                recorded = Some(in_log.into());
                Outcome::Released(release.into())
            }
            Answer::Refused(refusal) => Outcome::Refused(refusal.into()),
            Answer::Fault(SupportId(support_id)) => Outcome::Fault(wire::Fault { support_id }),
        };
        Self { outcome: Some(outcome), recorded }
    }
}

impl TryFrom<wire::Answer> for Answer {
    type Error = WireError;
    fn try_from(message: wire::Answer) -> Result<Self, WireError> {
        use wire::answer::Outcome;
        let wire::Answer { outcome, recorded } = message;
        let outcome = outcome.ok_or(WireError::Missing("answer.outcome"))?;
        if recorded.is_some() && !matches!(outcome, Outcome::Released(_)) {
            return Err(WireError::unsound("answer.recorded", "a record of no release"));
        }
        match outcome {
            Outcome::Released(release) => {
                let recorded = recorded.ok_or(WireError::Missing("answer.recorded"))?;
                let recorded = RecordedRelease::try_from(recorded)?;
                Ok(Self::Released { release: release.try_into()?, recorded })
            }
            Outcome::Refused(refusal) => Refusal::try_from(refusal).map(Self::Refused),
            Outcome::Fault(wire::Fault { support_id }) => {
                parsed("fault.support_id", &support_id).map(Self::Fault)
            }
        }
    }
}

impl TryFrom<wire::SignedRelease> for SignedRelease {
    type Error = WireError;
    fn try_from(message: wire::SignedRelease) -> Result<Self, WireError> {
        let wire::SignedRelease { body, signature, chain } = message;
        for (field, empty) in [
            ("release.body", body.is_empty()),
            ("release.signature", signature.is_empty()),
            ("release.chain", chain.is_empty()),
        ] {
            if empty {
                return Err(WireError::Missing(field));
            }
        }
        at_most("release.signature", signature.len(), MAX_SIGNATURE)?;
        at_most("release.chain", chain.len(), MAX_CHAIN)?;
        for certificate in &chain {
            at_most("release.chain", certificate.len(), MAX_CERTIFICATE)?;
        }
        Ok(Self { body, signature, chain })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use jiff::Timestamp;
    use sumac_policy::{Clause, Reason, Sha256};

    use super::*;
    use crate::log_head::{Inclusion, LogHead};

    fn recorded() -> RecordedRelease {
        let inclusion = Inclusion { seq: 3, path: vec![[5; 32], [6; 32]] };
        RecordedRelease { record: b"{}".to_vec(), inclusion }
    }

    fn head() -> SignedHead {
        let (root, at) = (Sha256::from([7; 32]), Timestamp::UNIX_EPOCH);
        let head = LogHead { size: 4, root, at, spent_nano_rho: 1 };
        SignedHead { head, signature: vec![8], chain: vec![vec![9]] }
    }

    fn released() -> SignedRelease {
        SignedRelease { body: vec![1], signature: vec![2], chain: vec![vec![3], vec![4]] }
    }

    #[test]
    fn answers_come_back_as_sent_and_one_bad_one_spoils_no_other() {
        let answers = [
            Answer::Released { release: released(), recorded: recorded() },
            Answer::Refused(Refusal {
                reason: Reason::BudgetSpent,
                clause: Clause::at("privacy.budget"),
                message: "the year's budget does not hold the price".into(),
                hint: "ask again next year".into(),
            }),
            Answer::Fault("7f3a".parse().unwrap()),
        ];
        let consistency = Consistency { from_size: 2, path: vec![[1; 32]] };
        let mut sent = ask_response(answers.clone(), Some(head()), Some(consistency.clone()), None);
        sent.answers.push(wire::Answer { outcome: None, recorded: None });
        assert!(read_ask_response(sent.clone(), 3).is_err());
        let read = read_ask_response(sent, 4).unwrap();
        assert_eq!(read.answers[..3], answers.map(Ok));
        assert_eq!(read.answers[3], Err(WireError::Missing("answer.outcome")));
        assert_eq!((read.head, read.consistency), (Some(head()), Some(consistency)));
    }

    #[test]
    fn a_release_without_its_place_in_the_log_is_none() {
        let answer = || Answer::Released { release: released(), recorded: recorded() };
        let read = read_ask_response(ask_response([answer()], None, None, None), 1);
        assert_eq!(read, Err(WireError::Missing("head")));
        let fault = || Answer::Fault("7f3a".parse().unwrap());
        assert!(read_ask_response(ask_response([fault()], None, None, None), 1).is_ok());
        let unrecorded = wire::Answer { recorded: None, ..answer().into() };
        assert_eq!(Answer::try_from(unrecorded), Err(WireError::Missing("answer.recorded")));
        let of_nothing = wire::Answer { recorded: Some(recorded().into()), ..fault().into() };
        assert!(Answer::try_from(of_nothing).is_err());
    }

    #[test]
    fn an_unsigned_release_is_none() {
        type Change = fn(&mut SignedRelease);
        let cases: [(&str, Change); 5] = [
            ("`release.body`", |release| release.body.clear()),
            ("`release.signature`", |release| release.signature.clear()),
            ("`release.signature`", |release| release.signature = vec![0; MAX_SIGNATURE + 1]),
            ("`release.chain`", |release| release.chain.clear()),
            ("`release.chain`", |release| release.chain = vec![vec![0]; MAX_CHAIN + 1]),
        ];
        for (field, change) in cases {
            let mut release = released();
            change(&mut release);
            let read = SignedRelease::try_from(wire::SignedRelease::from(release));
            assert!(read.unwrap_err().to_string().starts_with(field), "{field}");
        }
    }
}
