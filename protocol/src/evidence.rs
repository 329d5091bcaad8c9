//! A release as its node's log records it, on the wire.

use sumac_policy::Sha256;

use crate::field::{WireError, at_most};
use crate::limits::MAX_RECORD_BYTES;
use crate::log_head::Inclusion;
use crate::wire;

/// A release as its node's log records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedRelease {
    /// The record's exact bytes.
    pub record: Vec<u8>,
    /// Shows that they are below the head that is sent with them.
    pub inclusion: Inclusion,
}

/// What the record of a release says of it: SHA-256 over the record's salt and the encoded `SignedRelease`. It binds
/// the release, and is of no use to find it out: the release carries a signature that nobody can guess.
pub fn release_commitment(salt: &[u8; 32], release: &[u8]) -> Sha256 {
    Sha256::of(&[salt, release].concat())
}

impl From<RecordedRelease> for wire::RecordedRelease {
    fn from(recorded: RecordedRelease) -> Self {
        let RecordedRelease { record, inclusion } = recorded;
        Self { record, proof: Some(inclusion.into()) }
    }
}

impl TryFrom<wire::RecordedRelease> for RecordedRelease {
    type Error = WireError;
    fn try_from(message: wire::RecordedRelease) -> Result<Self, WireError> {
        let wire::RecordedRelease { record, proof } = message;
        if record.is_empty() {
            return Err(WireError::Missing("recorded.record"));
        }
        at_most("recorded.record", record.len(), MAX_RECORD_BYTES)?;
        let inclusion = proof.ok_or(WireError::Missing("recorded.proof"))?.try_into()?;
        Ok(Self { record, inclusion })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use prost::Message;

    use super::*;

    fn recorded(bytes: usize) -> RecordedRelease {
        let inclusion = Inclusion { seq: 7, path: vec![[0xab; 32]] };
        RecordedRelease { record: vec![0x7b; bytes], inclusion }
    }

    #[test]
    fn a_record_of_version_1_is_still_these_bytes() {
        let golden = format!("0a027b7b122408071220{}", "ab".repeat(32));
        let message = wire::RecordedRelease::from(recorded(2));
        let hex: String =
            message.encode_to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, golden);
        assert_eq!(RecordedRelease::try_from(message), Ok(recorded(2)));
    }

    #[test]
    fn a_record_beyond_its_bounds_or_without_a_proof_is_none() {
        let read = |message: wire::RecordedRelease| RecordedRelease::try_from(message);
        assert!(read(recorded(MAX_RECORD_BYTES).into()).is_ok());
        for (field, message) in [
            ("recorded.record", recorded(0).into()),
            ("recorded.record", recorded(MAX_RECORD_BYTES + 1).into()),
            ("recorded.proof", wire::RecordedRelease { proof: None, ..recorded(1).into() }),
        ] {
            let refused = read(message).unwrap_err().to_string();
            assert!(refused.contains(field), "{refused}");
        }
    }
}
