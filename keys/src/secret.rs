//! A node's own secret, which hides learners' identifiers and the hash of a snapshot.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

// Come before the text, so that a person's key and a commitment to the same bytes have nothing in common.
const PERSON_KEY: &[u8] = b"sumac person key v1\0";
const COMMITMENT: &[u8] = b"sumac commitment v1\0";
const TAG: &[u8] = b"sumac tag v1\0";
const RANK: &[u8] = b"sumac rank v1\0";

/// The bits that each word of a tag or a ranking keeps of its four bytes.
const WORD: u32 = u32::MAX >> 1;

/// 32 secret bytes that never leave the node. Wiped when dropped; it cannot be printed.
pub struct NodeSecret {
    // Both hold the secret and their label already: an import calls them once a row.
    person_key: Hmac<Sha256>,
    commitment: Hmac<Sha256>,
    tag: Hmac<Sha256>,
    ranking: Ranking,
}

/// What turns a table's name into the two words that rank a learner's groups in it. Cannot be printed, and tells
/// nothing else of the secret.
#[derive(Clone)]
pub struct Ranking(Hmac<Sha256>);

impl NodeSecret {
    /// Takes over 32 bytes that the caller drew at random when the node was made, and keeps in a file.
    pub fn new(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let labelled = |label| {
            Hmac::new_from_slice(bytes.as_slice())
                .expect("HMAC takes a key of any length")
                .chain_update(label)
        };
        Self {
            person_key: labelled(PERSON_KEY),
            commitment: labelled(COMMITMENT),
            tag: labelled(TAG),
            ranking: Ranking(labelled(RANK)),
        }
    }

    /// The key under which a learner's rows meet inside this node: HMAC-SHA-256 of the identifier, cut to
    /// 16 bytes. Another node's key for the same learner is unrelated.
    pub fn person_key(&self, text: &str) -> [u8; 16] {
        let code: [u8; 32] =
            self.person_key.clone().chain_update(text).finalize().into_bytes().into();
        *code.first_chunk().expect("32 bytes hold 16")
    }

    /// A commitment to bytes that hold records, such as a snapshot: HMAC-SHA-256, because a plain hash
    /// would let a stranger confirm a guess.
    pub fn commit(&self, bytes: &[u8]) -> [u8; 32] {
        self.commitment.clone().chain_update(bytes).finalize().into_bytes().into()
    }

    /// A learner's tag: two words of 31 bits of an HMAC-SHA-256 of their key. Which of a learner's groups count,
    /// where they are in more than a table allows, follows from it; nothing about the learner does.
    pub fn tag(&self, person_key: &[u8; 16]) -> [u32; 2] {
        words(self.tag.clone().chain_update(person_key))
    }

    /// What ranks the groups of tables.
    pub fn ranking(&self) -> Ranking {
        self.ranking.clone()
    }
}

impl Ranking {
    /// A table's two words of 31 bits, from the name that it has at every revision.
    pub fn words(&self, table: &[u8; 32]) -> [u32; 2] {
        words(self.0.clone().chain_update(table))
    }
}

impl fmt::Debug for Ranking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ranking")
    }
}

/// The first two words of a code, big-endian, without their highest bits.
fn words(code: Hmac<Sha256>) -> [u32; 2] {
    let code: [u8; 32] = code.finalize().into_bytes().into();
    let (one, rest) = code.split_first_chunk().expect("32 bytes hold 4");
    let two = rest.first_chunk().expect("28 bytes hold 4");
    [*one, *two].map(|bytes| u32::from_be_bytes(bytes) & WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> NodeSecret {
        NodeSecret::new([byte; 32])
    }

    /// Computed with Python's `hmac`, so that an upgrade cannot change whose rows belong together.
    #[test]
    fn agrees_with_another_implementation_of_hmac() {
        assert_eq!(secret(7).person_key("A-1042"), PERSON);
        assert_eq!(secret(7).commit(b"A-1042"), COMMIT);
        assert_eq!(secret(7).tag(&[3; 16]), [1_506_931_397, 1_473_415_711]);
        assert_eq!(secret(7).ranking().words(&[5; 32]), [1_392_466_244, 1_793_854_891]);
    }

    #[test]
    fn gives_other_keys_to_other_learners_nodes_and_purposes() {
        let here = secret(7);
        assert_ne!(here.person_key("A-1042"), here.person_key("A-1043"));
        assert_ne!(here.person_key("A-1042"), secret(8).person_key("A-1042"));
        assert_ne!(here.person_key("A-1042")[..], here.commit(b"A-1042")[..16]);
    }

    const PERSON: [u8; 16] = [
        0x89, 0x88, 0x63, 0xc3, 0xd5, 0x6f, 0x41, 0x07, 0x06, 0x29, 0x77, 0x03, 0x68, 0xcc, 0x61,
        0x76,
    ];
    const COMMIT: [u8; 32] = [
        0x59, 0xdf, 0xb3, 0xd8, 0x7b, 0xcf, 0xcf, 0x94, 0x80, 0x9f, 0xaf, 0x26, 0xfe, 0x0d, 0xc6,
        0x52, 0x81, 0xca, 0x30, 0x5e, 0x63, 0x03, 0x51, 0x9d, 0xe6, 0xff, 0x50, 0x7d, 0xfa, 0x1b,
        0x92, 0x0b,
    ];
}
