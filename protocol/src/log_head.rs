//! The head of a node's log, and the proofs that hang on it.
//!
//! A node hashes its records into a Merkle tree as RFC 6962 describes and signs the tree's head. Whoever keeps a
//! head can later be shown that a record lies below it ([`Inclusion`]) and that the log has only grown since
//! ([`Consistency`]). All here is arithmetic on what is handed in; who signed a head is for `keys` to say.

mod message;

use ct_merkle::{ConsistencyProof, InclusionProof, RootHash};
use jiff::Timestamp;
use sha2::Digest;
use sumac_policy::Sha256;

/// More records than any log holds. Keeps the arithmetic of proofs far from its limits.
const MAX_SIZE: u64 = 1 << 48;

/// Bytes of a hash.
const HASH: usize = 32;

/// What a log held at a moment: so many records, with this root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogHead {
    /// Records below it.
    pub size: u64,
    /// The root of their tree, as RFC 6962 defines it.
    pub root: Sha256,
    /// The latest time that any of them bears, in whole seconds.
    pub at: Timestamp,
    /// The sum of all that they charge, in nano-ρ: of every year, and never less than in an earlier head.
    pub spent_nano_rho: u64,
}

/// A head, and what a node's key made of it. Plain data: [`LogHead::canonical_bytes`] is what was signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedHead {
    /// The head.
    pub head: LogHead,
    /// ECDSA P-256 with SHA-256, in DER.
    pub signature: Vec<u8>,
    /// The signer's certificates, in DER, its own first.
    pub chain: Vec<Vec<u8>>,
}

/// Shows that a record lies in a log, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inclusion {
    /// The record's place, from 0.
    pub seq: u64,
    /// The audit path of RFC 6962 §2.1.1, from the leaf up.
    pub path: Vec<[u8; HASH]>,
}

/// Shows that a log still begins with all that it held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consistency {
    /// Records in the earlier log.
    pub from_size: u64,
    /// The proof of RFC 6962 §2.1.2.
    pub path: Vec<[u8; HASH]>,
}

/// Why a proof shows nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// It is about another size, or no proof at all.
    #[error("the proof does not belong to these heads")]
    OtherHeads,
    /// The record is not the one that the log holds there.
    #[error("the record is not the one that the log holds at its place")]
    NotIncluded,
    /// The log is not a continuation of what it was: it was changed, or there are two.
    #[error(
        "the log does not continue the one seen before: it was changed, or there are two of it"
    )]
    NotConsistent,
}

impl LogHead {
    /// The bytes that a node signs: JSON without white space, the fields in this order.
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let Self { size, root, at, spent_nano_rho } = self;
        format!(
            r#"{{"size":{size},"root":"{root}","at":"{at}","spent_nano_rho":{spent_nano_rho}}}"#
        )
        .into_bytes()
    }

    fn root_hash(&self) -> Result<RootHash<sha2::Sha256>, ProofError> {
        let Self { size, root, .. } = self;
        if *size > MAX_SIZE {
            return Err(ProofError::OtherHeads);
        }
        Ok(RootHash::new((*root.as_bytes()).into(), *size))
    }
}

impl Inclusion {
    /// Holds the proof against a record's exact bytes and a head.
    ///
    /// # Errors
    /// A record, place or head that the proof is not about.
    pub fn verify(&self, record: &[u8], head: &LogHead) -> Result<(), ProofError> {
        let root = head.root_hash()?;
        if self.seq >= head.size {
            return Err(ProofError::OtherHeads);
        }
        let proof = InclusionProof::try_from_bytes(self.path.concat())
            .map_err(|_| ProofError::OtherHeads)?;
        root.verify_inclusion(&record, self.seq, &proof).map_err(|_| ProofError::NotIncluded)
    }
}

impl Consistency {
    /// Holds the proof against an earlier head and a later one.
    ///
    /// # Errors
    /// Heads that the proof is not about; a log that does not continue what it was.
    pub fn verify(&self, earlier: &LogHead, later: &LogHead) -> Result<(), ProofError> {
        let (old, new) = (earlier.root_hash()?, later.root_hash()?);
        if self.from_size != earlier.size || earlier.size > later.size {
            return Err(ProofError::OtherHeads);
        }
        if earlier.size == 0 {
            // Every log continues the empty one, whose root is known.
            let empty = Sha256::from(<[u8; HASH]>::from(sha2::Sha256::digest(b"")));
            let holds = earlier.root == empty && self.path.is_empty();
            return if holds { Ok(()) } else { Err(ProofError::NotConsistent) };
        }
        let proof = ConsistencyProof::try_from_bytes(self.path.concat())
            .map_err(|_| ProofError::OtherHeads)?;
        new.verify_consistency(&old, &proof).map_err(|_| ProofError::NotConsistent)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    use super::*;

    fn tree(records: &[String]) -> MemoryBackedTree<sha2::Sha256, String> {
        let mut tree = MemoryBackedTree::new();
        records.iter().for_each(|record| tree.push(record.clone()));
        tree
    }

    fn head(tree: &MemoryBackedTree<sha2::Sha256, String>) -> LogHead {
        let root = <[u8; HASH]>::from(*tree.root().as_bytes());
        LogHead {
            size: tree.len(),
            root: root.into(),
            at: Timestamp::UNIX_EPOCH,
            spent_nano_rho: 0,
        }
    }

    fn path(bytes: &[u8]) -> Vec<[u8; HASH]> {
        bytes.chunks(HASH).map(|hash| hash.try_into().unwrap()).collect()
    }

    fn records(count: usize) -> Vec<String> {
        (0..count).map(|n| format!("record {n}")).collect()
    }

    #[test]
    fn the_signed_bytes_are_spelled_like_this() {
        let (root, at) = (Sha256::from([0xab; 32]), Timestamp::UNIX_EPOCH);
        let head = LogHead { size: 7, root, at, spent_nano_rho: 384_160 };
        let expected = format!(
            r#"{{"size":7,"root":"sha256:{}","at":"1970-01-01T00:00:00Z","spent_nano_rho":384160}}"#,
            "ab".repeat(32)
        );
        assert_eq!(String::from_utf8(head.canonical_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_record_is_shown_at_its_place_and_no_other() {
        let records = records(11);
        let tree = tree(&records);
        let head = head(&tree);
        for (place, (seq, record)) in (0..).zip(&records).enumerate() {
            let proof = Inclusion { seq, path: path(tree.prove_inclusion(place).as_bytes()) };
            proof.verify(record.as_bytes(), &head).unwrap();
            assert_eq!(proof.verify(b"another", &head), Err(ProofError::NotIncluded));
            let elsewhere = Inclusion { seq: (seq + 1) % 11, ..proof.clone() };
            assert!(elsewhere.verify(record.as_bytes(), &head).is_err());
            for size in [0, seq, 1 << 60, u64::MAX] {
                let other = LogHead { size, ..head };
                assert!(proof.verify(record.as_bytes(), &other).is_err(), "size {size}");
            }
        }
    }

    #[test]
    fn a_log_that_only_grew_is_told_from_one_that_was_changed() {
        let records = records(13);
        let late = tree(&records);
        for (from_size, known) in (1..=13).zip(1..=13) {
            let early = head(&tree(&records[..known]));
            let added = 13 - known;
            let proof =
                Consistency { from_size, path: path(late.prove_consistency(added).as_bytes()) };
            proof.verify(&early, &head(&late)).unwrap();
            let mut other = records.clone();
            other[0] = "changed".into();
            let changed = head(&tree(&other));
            assert_eq!(proof.verify(&early, &changed), Err(ProofError::NotConsistent));
            let later = LogHead { size: 14, ..early };
            assert_eq!(proof.verify(&later, &head(&late)), Err(ProofError::OtherHeads));
        }
        let root = Sha256::from(<[u8; HASH]>::from(sha2::Sha256::digest(b"")));
        let empty = LogHead { size: 0, root, at: Timestamp::UNIX_EPOCH, spent_nano_rho: 0 };
        let from_nothing = Consistency { from_size: 0, path: Vec::new() };
        from_nothing.verify(&empty, &head(&late)).unwrap();
        let not_empty = LogHead { root: Sha256::from([1; 32]), ..empty };
        assert_eq!(from_nothing.verify(&not_empty, &head(&late)), Err(ProofError::NotConsistent));
    }
}
