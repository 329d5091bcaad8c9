//! A node's own secret, which hides learners' identifiers and the hash of a snapshot.

use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;
use zeroize::Zeroizing;

/// Come before the text, so that a person's key and a commitment to the same bytes have nothing in common.
const PERSON_KEY: &[u8] = b"sumac person key v1\0";
const COMMITMENT: &[u8] = b"sumac commitment v1\0";

/// 32 secret bytes that never leave the node. Wiped when dropped; it cannot be printed.
pub struct NodeSecret {
    key: PKey<Private>,
}

impl NodeSecret {
    /// Takes over 32 bytes that the caller drew at random when the node was made, and keeps in a file.
    pub fn new(bytes: &Zeroizing<[u8; 32]>) -> Result<Self, ErrorStack> {
        Ok(Self { key: PKey::hmac(bytes.as_slice())? })
    }

    /// The key under which a learner's rows meet inside this node: HMAC-SHA-256 of the identifier, cut to
    /// 16 bytes. Another node's key for the same learner is unrelated.
    pub fn person_key(&self, text: &str) -> [u8; 16] {
        let code = self.authenticate(PERSON_KEY, text.as_bytes());
        *code.first_chunk().expect("32 bytes hold 16")
    }

    /// A commitment to bytes that hold records, such as a snapshot: HMAC-SHA-256, because a plain hash
    /// would let a stranger confirm a guess.
    pub fn commit(&self, bytes: &[u8]) -> [u8; 32] {
        self.authenticate(COMMITMENT, bytes)
    }

    fn authenticate(&self, label: &[u8], bytes: &[u8]) -> [u8; 32] {
        let mut code = [0; 32];
        Signer::new(MessageDigest::sha256(), &self.key)
            .and_then(|mut signer| {
                signer.update(label)?;
                signer.update(bytes)?;
                signer.sign(&mut code)
            })
            .expect("HMAC of bytes in memory fails only when memory is exhausted");
        code
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn secret(byte: u8) -> NodeSecret {
        NodeSecret::new(&Zeroizing::new([byte; 32])).unwrap()
    }

    /// Computed with Python's `hmac`, so that an upgrade cannot change whose rows belong together.
    #[test]
    fn agrees_with_another_implementation_of_hmac() {
        assert_eq!(secret(7).person_key("A-1042"), PERSON);
        assert_eq!(secret(7).commit(b"A-1042"), COMMIT);
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
