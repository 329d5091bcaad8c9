//! The public half of a party's root, as it lies in `parties/<party>.pem`.

use openssl::error::ErrorStack;
use openssl::x509::{X509, X509KeyUsage, X509Ref};
use sumac_policy::Sha256;

use crate::draft::is_p256;

/// A root certificate, checked: a self-signed authority with a P-256 key. Whether it is anyone's root is
/// for [`Trust`](crate::Trust) to say, and its dates are judged when a chain is verified.
#[derive(Clone)]
pub struct RootCertificate {
    certificate: X509,
    fingerprint: Sha256,
}

/// Why a file cannot be a party's root certificate.
#[derive(Debug, thiserror::Error)]
pub enum RootCertificateError {
    /// Not PEM, or no certificate in it, or more than one.
    #[error("the file holds {0} readable certificates: it must hold exactly one, as PEM")]
    NotOne(usize),
    /// Another kind of key.
    #[error("the key is not ECDSA P-256: make the root with `sumac init`")]
    NotP256,
    /// Signed by another key, or the signature does not verify.
    #[error("the certificate is not signed by its own key: a party's root is self-signed")]
    NotSelfSigned,
    /// Extensions that an authority needs are missing.
    #[error(
        "the certificate is not a certificate authority ({0}): make the root with `sumac init`"
    )]
    NotAnAuthority(&'static str),
    /// OpenSSL failed for a reason of its own.
    #[error("check the root certificate")]
    Openssl(#[from] ErrorStack),
}

impl RootCertificate {
    /// Reads and checks the PEM text of one certificate.
    pub fn read(pem: &[u8]) -> Result<Self, RootCertificateError> {
        let mut found = X509::stack_from_pem(pem).unwrap_or_default();
        match (found.pop(), found.len()) {
            (Some(certificate), 0) => Self::checked(certificate),
            (_, more) => Err(RootCertificateError::NotOne(if more == 0 { 0 } else { more + 1 })),
        }
    }

    pub(crate) fn checked(certificate: X509) -> Result<Self, RootCertificateError> {
        if !is_p256(&certificate) {
            return Err(RootCertificateError::NotP256);
        }
        let same_name = certificate.subject_name().try_cmp(certificate.issuer_name())?
            == std::cmp::Ordering::Equal;
        if !same_name || !certificate.verify(certificate.public_key()?.as_ref())? {
            return Err(RootCertificateError::NotSelfSigned);
        }
        check_authority(&certificate)?;
        let fingerprint = Sha256::of(&certificate.to_der()?);
        Ok(Self { certificate, fingerprint })
    }

    /// SHA-256 of the certificate's DER: what the MOU pins, and what people compare aloud.
    pub fn fingerprint(&self) -> Sha256 {
        self.fingerprint
    }

    pub(crate) fn x509(&self) -> &X509Ref {
        &self.certificate
    }
}

impl std::fmt::Debug for RootCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RootCertificate({})", self.fingerprint)
    }
}

/// A path length of nought: a root issues to nodes and people, never to another authority. OpenSSL would
/// refuse the rest of what an authority needs later, in every chain; here it is refused by name.
fn check_authority(certificate: &X509Ref) -> Result<(), RootCertificateError> {
    if !certificate.key_usage().is_some_and(|usage| usage.contains(X509KeyUsage::KEY_CERT_SIGN)) {
        return Err(RootCertificateError::NotAnAuthority("its key usage has no certificate sign"));
    }
    if certificate.pathlen() != Some(0) {
        return Err(RootCertificateError::NotAnAuthority(
            "its basic constraints have no path length of 0",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::{self, Forged, NOON};

    #[test]
    fn accepts_a_root_and_refuses_every_other_certificate() {
        let root = testing::root("lakeshore-cc");
        let pem = root.certificate_pem();
        assert_eq!(
            RootCertificate::read(pem.as_bytes()).unwrap().fingerprint(),
            root.fingerprint()
        );

        let leaf = root.issue(sumac_policy::PeerRole::Node, "main", *NOON).unwrap().certificate_pem;
        let twice = format!("{pem}{pem}");
        let bent = Forged { is_ca: false, ..Forged::root() }.self_signed();
        let open = Forged { limits_its_path: false, ..Forged::root() }.self_signed();
        let mute = Forged { signs_certificates: false, ..Forged::root() }.self_signed();
        for (what, text, expected) in [
            ("an empty file", "", "0 readable"),
            ("no PEM", "hello", "0 readable"),
            ("two certificates", &twice, "2 readable"),
            ("a node's certificate", &leaf, "its own key"),
            ("no CA bit", &bent, "not a certificate authority"),
            ("authorities below it", &open, "no path length"),
            ("no keyCertSign", &mute, "not a certificate authority"),
            ("RSA", &Forged { rsa: true, ..Forged::root() }.self_signed(), "P-256"),
        ] {
            let error = RootCertificate::read(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{what}: {error}");
        }
    }
}
