//! A head in the log: what closes a batch. Only what lies below a whole head was ever acknowledged.

use std::error::Error;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_policy::Sha256;
use sumac_protocol::LogHead;

use super::record::RecordError;
use super::text;

/// Signs the canonical bytes of a head with the node's present key.
pub type Signer = Box<dyn Fn(&[u8]) -> Result<Signed, Box<dyn Error + Send + Sync>> + Send>;

/// A signature, and the certificates that say whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// The signature.
    pub signature: Vec<u8>,
    /// The certificates, in DER, the signer's own first.
    pub chain: Vec<Vec<u8>>,
    /// When the signer's certificate starts to be valid.
    pub since: Timestamp,
}

/// How every head's payload begins, and no record's.
const BEGINS: &[u8] = br#"{"size":"#;

/// A head as the log spells it. The certificates are those of the last `signer` record below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    /// Records below it.
    pub(super) size: u64,
    /// The root of their tree.
    #[serde(with = "text::printed")]
    pub(super) root: Sha256,
    /// The latest `at` of any of them, in whole seconds.
    #[serde(with = "text::printed")]
    pub(super) at: Timestamp,
    /// The sum of all that they charge, in nano-ρ.
    pub(super) spent_nano_rho: u64,
    /// Over `{"size":…,"root":…,"at":…,"spent_nano_rho":…}`, that is [`LogHead::canonical_bytes`].
    #[serde(with = "text::hexadecimal")]
    pub(super) signature: Vec<u8>,
}

/// Whether a frame's payload claims to be a head.
pub(super) fn is_head(payload: &[u8]) -> bool {
    payload.starts_with(BEGINS)
}

impl Head {
    pub(super) fn new(head: LogHead, signature: Vec<u8>) -> Self {
        let LogHead { size, root, at, spent_nano_rho } = head;
        Self { size, root, at, spent_nano_rho, signature }
    }

    /// What was signed.
    pub(super) fn log_head(&self) -> LogHead {
        let Self { size, root, at, spent_nano_rho, signature: _ } = self;
        LogHead { size: *size, root: *root, at: *at, spent_nano_rho: *spent_nano_rho }
    }

    /// The canonical bytes.
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a head holds only texts and whole numbers")
    }

    /// Reads canonical bytes.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let head: Self = serde_json::from_slice(bytes)
            .map_err(|error| RecordError::Malformed(error.to_string()))?;
        if head.encode() != bytes {
            return Err(RecordError::NotCanonical);
        }
        Ok(head)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn format_1_spells_a_head_like_this_and_knows_it_from_a_record() {
        let (root, at) = (Sha256::from([1; 32]), Timestamp::UNIX_EPOCH);
        let log_head = LogHead { size: 7, root, at, spent_nano_rho: 384_160 };
        let head = Head::new(log_head, vec![0xde, 0xad]);
        let expected = format!(
            r#"{{"size":7,"root":"sha256:{}","at":"1970-01-01T00:00:00Z","spent_nano_rho":384160,"signature":"dead"}}"#,
            "01".repeat(32)
        );
        assert_eq!(String::from_utf8(head.encode()).unwrap(), expected);
        assert!(is_head(expected.as_bytes()) && !is_head(br#"{"seq":7,"at":"#));
        assert_eq!(Head::decode(expected.as_bytes()).unwrap(), head);
        let respelled = expected.replace("dead", "DEAD");
        assert_eq!(Head::decode(respelled.as_bytes()), Err(RecordError::NotCanonical));
        let signed = String::from_utf8(log_head.canonical_bytes()).unwrap();
        assert_eq!(expected.replace(r#","signature":"dead""#, ""), signed);
    }
}
