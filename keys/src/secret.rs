//! A node's own secret, which hides learners' identifiers and the hash of a snapshot.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

// Each purpose has a key of its own, so that a person's key and a commitment to the same bytes have nothing in common,
// and so that what is told of one purpose tells nothing of another.
const PERSON_KEY: &[u8] = b"sumac person key v1\0";
const COMMITMENT: &[u8] = b"sumac commitment v1\0";
const TAG: &[u8] = b"sumac tag v1\0";
const CIRCLE: &[u8] = b"sumac circle v1\0";

/// The bits that a word keeps of its four bytes.
const WORD: u32 = u32::MAX >> 1;

/// 32 secret bytes that never leave the node. Wiped when dropped; it cannot be printed.
pub struct NodeSecret {
    person_key: PurposeKey,
    commitment: Hmac<Sha256>,
    tag: PurposeKey,
    circles: Circles,
}

/// A key derived from the secret for one purpose alone: a warehouse that holds learners' records computes tags with
/// it beside them. Whoever has it can repeat that purpose's codes, and learns nothing else of the secret. Wiped when
/// dropped; it cannot be printed.
pub struct PurposeKey {
    bytes: Zeroizing<[u8; 32]>,
    // Holds the key already: an import calls it once a row.
    code: Hmac<Sha256>,
}

/// What turns a learner's identifier into the key under which their rows meet. Cannot be printed, and tells nothing
/// else of the secret.
#[derive(Clone)]
pub struct PersonKeys(Hmac<Sha256>);

/// What turns a table's name into the word by which learners' groups are taken in it. Cannot be printed, and tells
/// nothing else of the secret.
#[derive(Clone)]
pub struct Circles(Hmac<Sha256>);

impl NodeSecret {
    /// Takes over 32 bytes that the caller drew at random when the node was made, and keeps in a file.
    pub fn new(bytes: [u8; 32]) -> Self {
        let bytes = Zeroizing::new(bytes);
        let labelled = |label| hmac(bytes.as_slice()).chain_update(label);
        Self {
            person_key: PurposeKey::new(labelled(PERSON_KEY)),
            commitment: labelled(COMMITMENT),
            tag: PurposeKey::new(labelled(TAG)),
            circles: Circles(labelled(CIRCLE)),
        }
    }

    /// The key under which a learner's rows meet inside this node: HMAC-SHA-256 of the identifier, cut to
    /// 16 bytes. Another node's key for the same learner is unrelated.
    pub fn person_key(&self, text: &str) -> [u8; 16] {
        person_key(&self.person_key.code, text)
    }

    /// What computes [`NodeSecret::person_key`], for a thread of its own.
    pub fn person_keys(&self) -> PersonKeys {
        PersonKeys(self.person_key.code.clone())
    }

    /// A commitment to bytes that hold records, such as a snapshot: HMAC-SHA-256, because a plain hash
    /// would let a stranger confirm a guess.
    pub fn commit(&self, bytes: &[u8]) -> [u8; 32] {
        self.commitment.clone().chain_update(bytes).finalize().into_bytes().into()
    }

    /// A learner's tag: 31 bits of an HMAC-SHA-256 of their key. Which of a learner's groups count, where they are in
    /// more than a table allows, follows from it; nothing about the learner does.
    pub fn tag(&self, person_key: &[u8; 16]) -> u32 {
        word(self.tag.code.clone().chain_update(person_key))
    }

    /// The keys with which [`NodeSecret::person_key`] and [`NodeSecret::tag`] are computed elsewhere.
    pub fn purposes(&self) -> [&PurposeKey; 2] {
        [&self.person_key, &self.tag]
    }

    /// What decides in each table where a learner's groups are begun with.
    pub fn circles(&self) -> Circles {
        self.circles.clone()
    }
}

impl PurposeKey {
    fn new(derived: Hmac<Sha256>) -> Self {
        let bytes: [u8; 32] = derived.finalize().into_bytes().into();
        let bytes = Zeroizing::new(bytes);
        let code = hmac(bytes.as_slice());
        Self { bytes, code }
    }

    /// What comes before the message in the inner hash, and before the inner hash in the outer one: HMAC (RFC 2104)
    /// for an engine that has SHA-256 and no more.
    pub fn pads(&self) -> [Zeroizing<[u8; 64]>; 2] {
        [0x36, 0x5c].map(|pad| {
            let mut block = Zeroizing::new([pad; 64]);
            for (byte, key) in block.iter_mut().zip(self.bytes.iter()) {
                *byte ^= key;
            }
            block
        })
    }
}

impl PersonKeys {
    /// [`NodeSecret::person_key`].
    pub fn of(&self, text: &str) -> [u8; 16] {
        person_key(&self.0, text)
    }
}

impl fmt::Debug for PersonKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonKeys")
    }
}

impl Circles {
    /// A table's word of 31 bits, from the name that it has at every revision.
    pub fn word(&self, table: &[u8; 32]) -> u32 {
        word(self.0.clone().chain_update(table))
    }
}

impl fmt::Debug for Circles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Circles")
    }
}

impl fmt::Debug for PurposeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PurposeKey")
    }
}

fn person_key(code: &Hmac<Sha256>, text: &str) -> [u8; 16] {
    let code: [u8; 32] = code.clone().chain_update(text).finalize().into_bytes().into();
    *code.first_chunk().expect("32 bytes hold 16")
}

fn hmac(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes a key of any length")
}

/// The first word of a code, big-endian, without its highest bit.
fn word(code: Hmac<Sha256>) -> u32 {
    let code: [u8; 32] = code.finalize().into_bytes().into();
    u32::from_be_bytes(*code.first_chunk().expect("32 bytes hold 4")) & WORD
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sha2::Digest;

    use super::*;

    fn secret(byte: u8) -> NodeSecret {
        NodeSecret::new([byte; 32])
    }

    /// Computed with Python's `hmac`, so that an upgrade cannot change whose rows belong together.
    #[test]
    fn agrees_with_another_implementation_of_hmac() {
        assert_eq!(secret(7).person_key("A-1042"), PERSON);
        assert_eq!(secret(7).person_keys().of("A-1042"), PERSON);
        assert_eq!(secret(7).commit(b"A-1042"), COMMIT);
        assert_eq!(secret(7).tag(&[3; 16]), 1_940_329_779);
        assert_eq!(secret(7).circles().word(&[5; 32]), 2_043_109_373);
    }

    #[test]
    fn the_pads_make_the_same_codes_of_plain_sha_256() {
        let secret = secret(7);
        let code = |key: &PurposeKey, message: &[u8]| -> [u8; 32] {
            let [inner, outer] = key.pads();
            let inner = Sha256::new().chain_update(inner.as_slice()).chain_update(message);
            let outer = Sha256::new().chain_update(outer.as_slice());
            outer.chain_update(inner.finalize()).finalize().into()
        };
        let [person_key, tag] = secret.purposes();
        assert_eq!(code(person_key, b"A-1042")[..16], PERSON);
        let first = *code(tag, &[3; 16]).first_chunk().unwrap();
        assert_eq!(u32::from_be_bytes(first) & WORD, secret.tag(&[3; 16]));
        assert_eq!(format!("{tag:?}"), "PurposeKey");
    }

    #[test]
    fn gives_other_keys_to_other_learners_nodes_and_purposes() {
        let here = secret(7);
        assert_ne!(here.person_key("A-1042"), here.person_key("A-1043"));
        assert_ne!(here.person_key("A-1042"), secret(8).person_key("A-1042"));
        assert_ne!(here.person_key("A-1042")[..], here.commit(b"A-1042")[..16]);
    }

    const PERSON: [u8; 16] = [
        0x41, 0x62, 0xfb, 0x9f, 0xb5, 0xc8, 0xa9, 0x6c, 0x17, 0xc8, 0x96, 0xf9, 0x78, 0x7e, 0x52,
        0xbc,
    ];
    const COMMIT: [u8; 32] = [
        0x59, 0xdf, 0xb3, 0xd8, 0x7b, 0xcf, 0xcf, 0x94, 0x80, 0x9f, 0xaf, 0x26, 0xfe, 0x0d, 0xc6,
        0x52, 0x81, 0xca, 0x30, 0x5e, 0x63, 0x03, 0x51, 0x9d, 0xe6, 0xff, 0x50, 0x7d, 0xfa, 0x1b,
        0x92, 0x0b,
    ];
}
