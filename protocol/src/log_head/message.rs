//! Heads and proofs on the wire.

use jiff::Timestamp;

use super::{Consistency, HASH, Inclusion, LogHead, MAX_SIZE, SignedHead};
use crate::field::{WireError, at_most, bytes32, digest};
use crate::limits::{MAX_CERTIFICATE, MAX_CHAIN, MAX_SIGNATURE};
use crate::wire;

/// Hashes of a proof: one for each level of the largest tree, and one to start from.
const MAX_PATH: usize = 1 + MAX_SIZE.ilog2() as usize;

impl From<SignedHead> for wire::SignedLogHead {
    fn from(signed: SignedHead) -> Self {
        let SignedHead { head, signature, chain } = signed;
        let LogHead { size, root, at, spent_nano_rho } = head;
        let at = prost_types::Timestamp { seconds: at.as_second(), nanos: 0 };
        let root = root.as_bytes().to_vec();
        Self { size, root, at: Some(at), signature, chain, spent_nano_rho }
    }
}

impl TryFrom<wire::SignedLogHead> for SignedHead {
    type Error = WireError;
    fn try_from(message: wire::SignedLogHead) -> Result<Self, WireError> {
        let wire::SignedLogHead { size, root, at, signature, chain, spent_nano_rho } = message;
        if size == 0 {
            return Err(WireError::Missing("size"));
        }
        if size > MAX_SIZE {
            return Err(WireError::unsound("size", format_args!("{size} records are too many")));
        }
        let root = digest("root", &root)?;
        let prost_types::Timestamp { seconds, nanos } = at.ok_or(WireError::Missing("at"))?;
        if nanos != 0 {
            return Err(WireError::unsound("at", "not a whole second"));
        }
        let at =
            Timestamp::from_second(seconds).map_err(|error| WireError::unsound("at", error))?;
        if signature.is_empty() {
            return Err(WireError::Missing("signature"));
        }
        at_most("signature", signature.len(), MAX_SIGNATURE)?;
        if chain.is_empty() {
            return Err(WireError::Missing("chain"));
        }
        at_most("chain", chain.len(), MAX_CHAIN)?;
        for certificate in &chain {
            at_most("chain", certificate.len(), MAX_CERTIFICATE)?;
        }
        Ok(Self { head: LogHead { size, root, at, spent_nano_rho }, signature, chain })
    }
}

impl From<Inclusion> for wire::InclusionProof {
    fn from(proof: Inclusion) -> Self {
        let Inclusion { seq, path } = proof;
        Self { seq, path: path.iter().map(|hash| hash.to_vec()).collect() }
    }
}

impl TryFrom<wire::InclusionProof> for Inclusion {
    type Error = WireError;
    fn try_from(message: wire::InclusionProof) -> Result<Self, WireError> {
        let wire::InclusionProof { seq, path } = message;
        Ok(Self { seq, path: read_path(&path)? })
    }
}

impl From<Consistency> for wire::ConsistencyProof {
    fn from(proof: Consistency) -> Self {
        let Consistency { from_size, path } = proof;
        Self { from_size, path: path.iter().map(|hash| hash.to_vec()).collect() }
    }
}

impl TryFrom<wire::ConsistencyProof> for Consistency {
    type Error = WireError;
    fn try_from(message: wire::ConsistencyProof) -> Result<Self, WireError> {
        let wire::ConsistencyProof { from_size, path } = message;
        Ok(Self { from_size, path: read_path(&path)? })
    }
}

fn read_path(path: &[Vec<u8>]) -> Result<Vec<[u8; HASH]>, WireError> {
    at_most("path", path.len(), MAX_PATH)?;
    path.iter().map(|hash| bytes32("path", hash)).collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn signed() -> SignedHead {
        let (root, at) = ([1; HASH].into(), Timestamp::UNIX_EPOCH);
        let head = LogHead { size: 7, root, at, spent_nano_rho: 384_160 };
        SignedHead { head, signature: vec![1, 2], chain: vec![vec![3], vec![4]] }
    }

    #[test]
    fn heads_and_proofs_survive_the_wire() {
        let message = wire::SignedLogHead::from(signed());
        assert_eq!(SignedHead::try_from(message).unwrap(), signed());
        let inclusion = Inclusion { seq: 3, path: vec![[2; HASH], [3; HASH]] };
        let message = wire::InclusionProof::from(inclusion.clone());
        assert_eq!(Inclusion::try_from(message).unwrap(), inclusion);
        let consistency = Consistency { from_size: 3, path: vec![[4; HASH]] };
        let message = wire::ConsistencyProof::from(consistency.clone());
        assert_eq!(Consistency::try_from(message).unwrap(), consistency);
    }

    #[test]
    fn refuses_a_head_that_says_too_little_or_too_much() {
        let good = || wire::SignedLogHead::from(signed());
        let half = prost_types::Timestamp { seconds: 0, nanos: 500_000_000 };
        let far = prost_types::Timestamp { seconds: i64::MAX, nanos: 0 };
        for (field, message) in [
            ("size", wire::SignedLogHead { size: 0, ..good() }),
            ("size", wire::SignedLogHead { size: u64::MAX, ..good() }),
            ("root", wire::SignedLogHead { root: vec![1; 31], ..good() }),
            ("at", wire::SignedLogHead { at: None, ..good() }),
            ("at", wire::SignedLogHead { at: Some(half), ..good() }),
            ("at", wire::SignedLogHead { at: Some(far), ..good() }),
            ("signature", wire::SignedLogHead { signature: vec![], ..good() }),
            ("signature", wire::SignedLogHead { signature: vec![0; 5_000], ..good() }),
            ("chain", wire::SignedLogHead { chain: vec![], ..good() }),
            ("chain", wire::SignedLogHead { chain: vec![vec![1]; 9], ..good() }),
        ] {
            let said = SignedHead::try_from(message).unwrap_err().to_string();
            assert!(said.contains(&format!("`{field}`")), "{said}");
        }
    }

    #[test]
    fn refuses_a_path_that_no_tree_has() {
        for path in [vec![vec![0; 31]], vec![vec![0; HASH]; MAX_PATH + 1]] {
            let message = wire::InclusionProof { seq: 0, path: path.clone() };
            assert!(Inclusion::try_from(message).is_err());
            let message = wire::ConsistencyProof { from_size: 1, path };
            assert!(Consistency::try_from(message).is_err());
        }
    }
}
