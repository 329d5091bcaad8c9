//! A node's seal on a release or on the head of its log, so that an asker can show later who said what.

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::sign::{Signer, Verifier};
use openssl::x509::X509;
use rustls::pki_types::CertificateDer;
use sumac_policy::Peer;

use crate::peer::{Usage, identify};
use crate::stranger::Stranger;
use crate::tls_identity::TlsIdentity;
use crate::trust::Trust;

/// Comes before the sealed bytes, so that a seal can never pass for another signature by the same key
/// (TLS 1.3 does the same).
const RELEASE: &[u8] = b"sumac release v1\0";

/// The same for the head of a node's log.
const HEAD: &[u8] = b"sumac log head v1\0";

/// ECDSA P-256 with SHA-256 by a node's key, and the chain that says whose key it is. Plain data:
/// [`verify`] decides what it is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// The signature, in DER.
    pub signature: Vec<u8>,
    /// The certificates, in DER, the node's own first.
    pub chain: Vec<Vec<u8>>,
}

/// Why a seal does not hold.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The chain is not a node of a party the MOU lists.
    #[error("it was not sealed by a node of the MOU")]
    Stranger(#[from] Stranger),
    /// The signature is not over these bytes, or not by this node.
    #[error("the seal of `{0}` does not fit: the bytes were changed after they were sealed")]
    BytesChanged(Peer),
    /// OpenSSL failed for a reason of its own.
    #[error("seal, or check a seal")]
    Openssl(#[from] ErrorStack),
}

/// Seals a release with the node's own key.
pub fn seal(identity: &TlsIdentity, bytes: &[u8]) -> Result<Seal, SealError> {
    seal_as(RELEASE, identity, bytes)
}

/// Seals the head of the node's log with the node's own key.
pub fn seal_head(identity: &TlsIdentity, bytes: &[u8]) -> Result<Seal, SealError> {
    seal_as(HEAD, identity, bytes)
}

/// Says which node sealed this release. Its certificate is judged as of `at`, the moment of the release:
/// a release outlives the certificate that sealed it.
pub fn verify(seal: &Seal, bytes: &[u8], trust: &Trust, at: Timestamp) -> Result<Peer, SealError> {
    verify_as(RELEASE, seal, bytes, trust, at)
}

/// Says which node sealed this head of a log. Its certificate is judged as of `at`, the moment of the head. A head
/// that was sealed under an earlier version of the MOU is held against that version's roots.
pub fn verify_head(
    seal: &Seal,
    bytes: &[u8],
    trust: &Trust,
    at: Timestamp,
) -> Result<Peer, SealError> {
    let now = verify_as(HEAD, seal, bytes, trust, at);
    let Err(SealError::Stranger(_)) = &now else { return now };
    let before = trust.earlier().iter();
    let mut before = before.map(|trust| verify_as(HEAD, seal, bytes, trust, at));
    before.find_map(Result::ok).map_or(now, Ok)
}

fn seal_as(domain: &[u8], identity: &TlsIdentity, bytes: &[u8]) -> Result<Seal, SealError> {
    let mut signer = Signer::new(MessageDigest::sha256(), identity.key())?;
    signer.update(domain)?;
    signer.update(bytes)?;
    let chain = identity.chain().iter().map(|certificate| certificate.to_vec()).collect();
    Ok(Seal { signature: signer.sign_to_vec()?, chain })
}

fn verify_as(
    domain: &[u8],
    seal: &Seal,
    bytes: &[u8],
    trust: &Trust,
    at: Timestamp,
) -> Result<Peer, SealError> {
    let chain: Vec<_> = seal.chain.iter().map(|der| CertificateDer::from(der.as_slice())).collect();
    let node = identify(&chain, trust, at, Usage::Server)?;
    let certificate = X509::from_der(chain.first().ok_or(Stranger::NoCertificate)?)?;
    let key = certificate.public_key()?;
    let mut verifier = Verifier::new(MessageDigest::sha256(), &key)?;
    verifier.update(domain)?;
    verifier.update(bytes)?;
    // Malformed signature bytes are an error to OpenSSL; to us they are one more wrong signature.
    match verifier.verify(&seal.signature) {
        Ok(true) => Ok(node),
        Ok(false) | Err(_) => Err(SealError::BytesChanged(node)),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sumac_policy::PeerRole;

    use super::*;
    use crate::testing::{self, NOON, days_later};

    #[test]
    fn holds_for_the_sealed_bytes_by_a_listed_node_only() {
        let (lakeshore, trust) = testing::coalition();
        let by = |root: &crate::Root, role| {
            let identity = testing::identity(&root.issue(role, "main", *NOON).unwrap());
            seal(&identity, b"release").unwrap()
        };
        let good = by(&lakeshore, PeerRole::Node);
        let borrowed = Seal { chain: good.chain.clone(), ..by(&lakeshore, PeerRole::Node) };
        let unsealed = Seal { signature: vec![], ..good.clone() };
        let unnamed = Seal { chain: vec![], ..good.clone() };

        let node = verify(&good, b"release", &trust, *NOON).unwrap();
        assert_eq!(node.to_string(), "sumac://lakeshore-cc/node/main");
        for (what, seal, bytes, day, expected) in [
            ("other bytes", &good, b"Release".as_slice(), 0, "bytes were changed"),
            ("more bytes", &good, b"release ", 0, "bytes were changed"),
            ("another node's chain", &borrowed, b"release", 0, "bytes were changed"),
            ("no signature", &unsealed, b"release", 0, "bytes were changed"),
            ("no chain", &unnamed, b"release", 0, "not sealed by a node"),
            ("a later date", &good, b"release", 91, "not sealed by a node"),
            (
                "an analyst",
                &by(&lakeshore, PeerRole::Analyst),
                b"release",
                0,
                "not sealed by a node",
            ),
            (
                "an outsider",
                &by(&testing::root("bay"), PeerRole::Node),
                b"release",
                0,
                "not sealed by a node",
            ),
        ] {
            let said = verify(seal, bytes, &trust, days_later(day)).unwrap_err().to_string();
            assert!(said.contains(expected), "{what}: {said}");
        }
    }

    #[test]
    fn a_seal_on_a_head_is_none_on_a_release() {
        let (lakeshore, trust) = testing::coalition();
        let identity = testing::identity(&lakeshore.issue(PeerRole::Node, "main", *NOON).unwrap());
        let (head, release) =
            (seal_head(&identity, b"same").unwrap(), seal(&identity, b"same").unwrap());
        verify_head(&head, b"same", &trust, *NOON).unwrap();
        for crossed in
            [verify(&head, b"same", &trust, *NOON), verify_head(&release, b"same", &trust, *NOON)]
        {
            assert!(matches!(crossed, Err(SealError::BytesChanged(_))));
        }
    }

    #[test]
    fn a_plain_signature_by_the_same_key_is_no_seal() {
        let (lakeshore, trust) = testing::coalition();
        let identity = testing::identity(&lakeshore.issue(PeerRole::Node, "main", *NOON).unwrap());
        let mut signer = Signer::new(MessageDigest::sha256(), identity.key()).unwrap();
        signer.update(b"release").unwrap();
        let plain =
            Seal { signature: signer.sign_to_vec().unwrap(), ..seal(&identity, b"").unwrap() };
        let refused = verify(&plain, b"release", &trust, *NOON);
        assert!(matches!(refused, Err(SealError::BytesChanged(_))));
    }
}
