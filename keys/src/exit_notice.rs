//! A party's notice that it leaves: a few lines of TOML, signed by its root over their exact bytes.

use jiff::civil::Date;
use sumac_policy::section::Sheet;
use sumac_policy::{PartyId, Severity};

use crate::mou_signature::{self, MouSignatureError};
use crate::papers::SignedExit;
use crate::root::Root;
use crate::trust::Trust;

const FORMAT: &str = "sumac-exit/1";
/// Longest reason, in bytes.
const MAX_REASON: usize = 1_000;

/// A notice of exit, signed by the party's root. Made only by [`ExitNotice::verify`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExitNotice {
    agreement: String,
    party: PartyId,
    on: Date,
    because: String,
}

/// Why a notice of exit does not stand.
#[derive(Debug, thiserror::Error)]
pub enum ExitNoticeError {
    /// The bytes are no notice.
    #[error("the notice of exit cannot be read: {0}")]
    Unreadable(String),
    /// Of another agreement.
    #[error("the notice of exit is from the agreement `{found}`, and this is `{ours}`")]
    OtherAgreement {
        /// What it names.
        found: String,
        /// What is at hand.
        ours: String,
    },
    /// The agreement has no such party.
    #[error("the notice of exit is of `{0}`, which the agreement does not list")]
    NotAParty(PartyId),
    /// Not signed by that party.
    #[error("the notice of exit of `{party}` is not signed by it")]
    Signature {
        /// Whose notice it says it is.
        party: PartyId,
        /// What is wrong.
        source: MouSignatureError,
    },
    /// Older than the version in force.
    #[error("the notice of exit is of {on}, before this version's first day, {first}")]
    Before {
        /// Its day.
        on: Date,
        /// The version's first day.
        first: Date,
    },
    /// A reason that cannot be written down.
    #[error(
        "a reason has 1 to {MAX_REASON} bytes and no control characters: say it with --because \"…\""
    )]
    Reason,
}

impl ExitNotice {
    /// Writes a notice and signs it.
    ///
    /// # Errors
    /// An empty or overlong reason.
    pub fn sign(
        root: &Root,
        agreement: &str,
        on: Date,
        because: &str,
    ) -> Result<SignedExit, ExitNoticeError> {
        let party = root.party();
        let sound = !because.trim().is_empty()
            && because.len() <= MAX_REASON
            && !because.chars().any(char::is_control);
        if !sound {
            return Err(ExitNoticeError::Reason);
        }
        let because = because.replace('\\', "\\\\").replace('"', "\\\"");
        let notice = format!(
            "format = \"{FORMAT}\"\nagreement = \"{agreement}\"\nparty = \"{party}\"\n\
             on = {on}\nbecause = \"{because}\"\n"
        );
        let notice = notice.into_bytes();
        let signature = mou_signature::sign(root, &notice)
            .map_err(|source| ExitNoticeError::Signature { party: party.clone(), source })?;
        Ok(SignedExit { notice, signature })
    }

    /// Reads a notice and holds it against an agreement and the roots of its parties.
    ///
    /// # Errors
    /// Where it is not that party's own word.
    pub fn verify(
        signed: &SignedExit,
        agreement: &str,
        trust: &Trust,
    ) -> Result<Self, ExitNoticeError> {
        let notice = read(&signed.notice)?;
        if notice.agreement != agreement {
            return Err(ExitNoticeError::OtherAgreement {
                found: notice.agreement,
                ours: agreement.to_owned(),
            });
        }
        let party = &notice.party;
        let root = trust.root(party).ok_or_else(|| ExitNoticeError::NotAParty(party.clone()))?;
        mou_signature::verify(&signed.signature, &signed.notice, root)
            .map_err(|source| ExitNoticeError::Signature { party: party.clone(), source })?;
        Ok(notice)
    }

    /// The id of the agreement that is left.
    pub fn agreement(&self) -> &str {
        &self.agreement
    }

    /// Who leaves.
    pub fn party(&self) -> &PartyId {
        &self.party
    }

    /// The day on which it leaves, in UTC.
    pub fn on(&self) -> Date {
        self.on
    }

    /// Why, in its own words.
    pub fn because(&self) -> &str {
        &self.because
    }
}

fn read(bytes: &[u8]) -> Result<ExitNotice, ExitNoticeError> {
    let unreadable = |what: String| ExitNoticeError::Unreadable(what);
    let sheet = Sheet::parse(bytes).map_err(|problems| unreadable(problems.to_string()))?;
    let root = sheet.root();
    let format = root.text("format").map(|found| found.value.to_owned());
    let agreement = root.text("agreement").map(|found| found.value.to_owned());
    let party = root.word::<PartyId>("party").map(|found| found.value);
    let on = root.day("on").map(|found| found.value);
    let because = root.text("because").map(|found| found.value.to_owned());
    root.end(&[]);
    let problems = sheet.problems();
    if let Some(problem) = problems.iter().find(|problem| problem.severity == Severity::Error) {
        return Err(unreadable(problem.to_string()));
    }
    match (format.as_deref(), agreement, party, on, because) {
        (Some(FORMAT), Some(agreement), Some(party), Some(on), Some(because)) => {
            Ok(ExitNotice { agreement, party, on, because })
        }
        _ => Err(unreadable(format!("its format is not `{FORMAT}`"))),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing;

    #[test]
    fn is_that_partys_own_word_about_this_agreement() {
        let (harbor, other) = (testing::root("harbor-tc"), testing::root("harbor-tc"));
        let trust = testing::trust([&harbor, &testing::root("lakeshore-cc")]);
        let on: Date = "2026-11-24".parse().unwrap();
        let signed = ExitNotice::sign(&harbor, "pilot", on, "a \"new\" \\ board").unwrap();
        let notice = ExitNotice::verify(&signed, "pilot", &trust).unwrap();
        assert_eq!((notice.party(), notice.on()), (harbor.party(), on));
        assert_eq!(notice.because(), "a \"new\" \\ board");

        let by_other = ExitNotice::sign(&other, "pilot", on, "stolen").unwrap();
        let stranger = ExitNotice::sign(&testing::root("bay"), "pilot", on, "hello").unwrap();
        let text = String::from_utf8(signed.notice.clone()).unwrap();
        let later = text.replace("2026-11-24", "2027-11-24").into_bytes();
        let changed = SignedExit { notice: later, ..signed.clone() };
        let unsigned = SignedExit { signature: vec![], ..signed.clone() };
        let odd = SignedExit { notice: b"format = \"sumac-mou/1\"".to_vec(), ..signed.clone() };
        for (what, signed, agreement, expected) in [
            ("another agreement", &signed, "state", "from the agreement `pilot`"),
            ("a root of the same name", &by_other, "pilot", "not signed by it"),
            ("a stranger", &stranger, "pilot", "does not list"),
            ("another day", &changed, "pilot", "not signed by it"),
            ("no signature", &unsigned, "pilot", "not signed by it"),
            ("no notice", &odd, "pilot", "cannot be read"),
        ] {
            let error = ExitNotice::verify(signed, agreement, &trust).unwrap_err().to_string();
            assert!(error.contains(expected), "{what}: {error}");
        }
        for reason in ["", " ", "two\nlines", &"x".repeat(1_001)] {
            let refused = ExitNotice::sign(&harbor, "pilot", on, reason);
            assert!(matches!(refused, Err(ExitNoticeError::Reason)), "{reason:?}");
        }
    }
}
