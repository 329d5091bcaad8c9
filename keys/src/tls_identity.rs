//! One's own certificate and key, as read from their files.

use openssl::error::ErrorStack;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::x509::X509;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::certificate::{CertificateFacts, FactsError};

/// What a node or a person proves itself with: a chain, and the key of its first certificate.
pub struct TlsIdentity {
    facts: CertificateFacts,
    chain: Vec<CertificateDer<'static>>,
    key: PKey<Private>,
}

/// Why a certificate and a key cannot be used together.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate file is not one of ours.
    #[error("read the certificate")]
    Certificate(#[source] FactsError),
    /// The key file holds no private key, or an encrypted one.
    #[error("not a private key: give the PEM file that `sumac certificate issue` made")]
    NotAKey,
    /// The files belong to different certificates.
    #[error("the key does not belong to the certificate: give the pair that was issued together")]
    KeyMismatch,
    /// OpenSSL failed for a reason of its own.
    #[error("read the certificate and its key")]
    Openssl(#[from] ErrorStack),
}

impl TlsIdentity {
    /// Reads a certificate, with any others of its chain after it, and its key; both PEM.
    pub fn read(certificate_pem: &[u8], key_pem: &[u8]) -> Result<Self, IdentityError> {
        let not_one = || IdentityError::Certificate(FactsError::NotACertificate);
        let certificates = X509::stack_from_pem(certificate_pem).map_err(|_| not_one())?;
        let leaf = certificates.first().ok_or_else(not_one)?;
        let facts = CertificateFacts::of(leaf).map_err(IdentityError::Certificate)?;
        // The callback stands in for OpenSSL's own, which would ask the terminal for a passphrase.
        let key = PKey::private_key_from_pem_callback(key_pem, |_| Ok(0))
            .map_err(|_| IdentityError::NotAKey)?;
        if !leaf.public_key()?.public_eq(&key) {
            return Err(IdentityError::KeyMismatch);
        }
        let chain = certificates
            .iter()
            .map(|certificate| Ok(CertificateDer::from(certificate.to_der()?)))
            .collect::<Result<_, ErrorStack>>()?;
        Ok(Self { facts, chain, key })
    }

    /// What the certificate says, for warnings and lists.
    pub fn facts(&self) -> &CertificateFacts {
        &self.facts
    }

    /// The chain as it is shown to peers, one's own certificate first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(crate) fn key(&self) -> &PKeyRef<Private> {
        &self.key
    }

    /// The key in the form that rustls takes.
    pub(crate) fn key_for_tls(&self) -> Result<PrivateKeyDer<'static>, ErrorStack> {
        Ok(PrivatePkcs8KeyDer::from(self.key.private_key_to_pkcs8()?).into())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use sumac_policy::PeerRole;

    use super::*;
    use crate::testing::{self, NOON};

    #[test]
    fn takes_a_pair_that_was_issued_together_and_no_other() {
        let root = testing::root("lakeshore-cc");
        let issue = |name| root.issue(PeerRole::Node, name, *NOON).unwrap();
        let (one, other) = (issue("one"), issue("other"));
        let locked = PKey::private_key_from_pem(one.key_pem.as_bytes())
            .unwrap()
            .private_key_to_pem_pkcs8_passphrase(openssl::symm::Cipher::aes_256_cbc(), b"elf grape")
            .unwrap();

        let pair =
            TlsIdentity::read(one.certificate_pem.as_bytes(), one.key_pem.as_bytes()).unwrap();
        assert_eq!((pair.facts().name.as_str(), pair.chain().len()), ("one", 1));
        for (what, certificate, key, expected) in [
            (
                "another key",
                one.certificate_pem.as_bytes(),
                other.key_pem.as_bytes(),
                "does not belong",
            ),
            ("no key", one.certificate_pem.as_bytes(), b"".as_slice(), "not a private key"),
            ("a locked key", one.certificate_pem.as_bytes(), &locked, "not a private key"),
            ("no certificate", b"", one.key_pem.as_bytes(), "read the certificate"),
            (
                "the root",
                root.certificate_pem().as_bytes(),
                one.key_pem.as_bytes(),
                "read the certificate",
            ),
        ] {
            let error = TlsIdentity::read(certificate, key).err().unwrap().to_string();
            assert!(error.contains(expected), "{what}: {error}");
        }
    }
}
