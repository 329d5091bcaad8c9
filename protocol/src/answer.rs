//! Answers: a signed release, a refusal, or a fault.

use std::fmt;
use std::str::FromStr;

use prost::Message;
use sumac_policy::Refusal;

use crate::field::{WireError, at_most, parsed};
use crate::limits::{MAX_CERTIFICATE, MAX_CHAIN, MAX_SIGNATURE};
use crate::wire;

/// The answer to one question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The table.
    Released(SignedRelease),
    /// Why not.
    Refused(Refusal),
    /// The node failed; its operator finds the cause by this id.
    Fault(SupportId),
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

/// What a node sends back, in the order asked.
pub fn ask_response(answers: impl IntoIterator<Item = Answer>) -> wire::AskResponse {
    wire::AskResponse { answers: answers.into_iter().map(wire::Answer::from).collect() }
}

/// Reads a node's answers to `asked` questions, in the order asked. One that cannot be read spoils no other.
///
/// # Errors
/// Where there are more or fewer.
pub fn read_ask_response(
    message: wire::AskResponse,
    asked: usize,
) -> Result<Vec<Result<Answer, WireError>>, WireError> {
    let wire::AskResponse { answers } = message;
    if answers.len() != asked {
        let what = format!("{} for {asked} questions", answers.len());
        return Err(WireError::unsound("answers", what));
    }
    Ok(answers.into_iter().map(Answer::try_from).collect())
}

impl From<Answer> for wire::Answer {
    fn from(answer: Answer) -> Self {
        use wire::answer::Outcome;
        let outcome = match answer {
            Answer::Released(release) => Outcome::Released(release.into()),
            Answer::Refused(refusal) => Outcome::Refused(refusal.into()),
            Answer::Fault(SupportId(support_id)) => Outcome::Fault(wire::Fault { support_id }),
        };
        Self { outcome: Some(outcome) }
    }
}

impl TryFrom<wire::Answer> for Answer {
    type Error = WireError;
    fn try_from(message: wire::Answer) -> Result<Self, WireError> {
        use wire::answer::Outcome;
        let wire::Answer { outcome } = message;
        match outcome.ok_or(WireError::Missing("answer.outcome"))? {
            Outcome::Released(release) => SignedRelease::try_from(release).map(Self::Released),
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
    use super::*;
    use sumac_policy::{Clause, Reason};

    fn released() -> SignedRelease {
        SignedRelease { body: vec![1], signature: vec![2], chain: vec![vec![3], vec![4]] }
    }

    #[test]
    fn answers_come_back_as_sent_and_one_bad_one_spoils_no_other() {
        let answers = [
            Answer::Released(released()),
            Answer::Refused(Refusal {
                reason: Reason::BudgetSpent,
                clause: Clause::at("privacy.budget"),
                message: "the year's budget does not hold the price".into(),
                hint: "ask again next year".into(),
            }),
            Answer::Fault("7f3a".parse().unwrap()),
        ];
        let mut sent = ask_response(answers.clone());
        sent.answers.push(wire::Answer { outcome: None });
        assert!(read_ask_response(sent.clone(), 3).is_err());
        let read = read_ask_response(sent, 4).unwrap();
        assert_eq!(read[..3], answers.map(Ok));
        assert_eq!(read[3], Err(WireError::Missing("answer.outcome")));
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
            let read = Answer::try_from(wire::Answer::from(Answer::Released(release)));
            assert!(read.unwrap_err().to_string().starts_with(field), "{field}");
        }
    }
}
