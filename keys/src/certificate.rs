//! Short-lived certificates for a party's node and people: issuing them, and reading what they say.

use std::time::Duration;

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Extension, X509Ref};
use sumac_policy::{PartyId, PeerRole, Sha256};
use zeroize::Zeroizing;

use crate::certificate_name::{CertificateName, CertificateNameError};
use crate::dates::{self, DAY, just_before};
use crate::draft::{draft, new_key, subject};
use crate::root::Root;

/// A node is a server that someone tends: three months, and a warning in the last.
const NODE_LIFE: i64 = 90 * DAY;
/// A person's certificate lives on a laptop.
const PERSON_LIFE: i64 = 30 * DAY;

/// A new certificate and its key.
pub struct Issued {
    /// The certificate, as PEM.
    pub certificate_pem: String,
    /// The private key, as PEM (PKCS#8, not encrypted): write it for its owner alone, mode 0600.
    pub key_pem: Zeroizing<String>,
}

/// Why a root did not issue a certificate.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The name would not be safe in certificates and logs.
    #[error(transparent)]
    Name(#[from] CertificateNameError),
    /// The root is no longer, or not yet, valid.
    #[error(
        "the root of `{party}` is valid from {from} to {until} only: check this machine's clock, or make a new root and sign a new MOU"
    )]
    RootNotValid {
        /// Whose root.
        party: PartyId,
        /// Its first moment.
        from: Timestamp,
        /// Its last moment.
        until: Timestamp,
    },
    /// OpenSSL failed for a reason of its own.
    #[error("issue the certificate")]
    Openssl(#[from] ErrorStack),
}

impl Root {
    /// Issues a certificate for a new key, valid from `now`: 90 days for a node, 30 for an analyst or a
    /// steward, and never beyond the root's own end. Renewing is issuing again under the same name.
    pub fn issue(&self, role: PeerRole, name: &str, now: Timestamp) -> Result<Issued, IssueError> {
        let name = CertificateName::new(self.party().clone(), role, name)?;
        let not_after = self.end_of_life(role, now)?;
        let key = new_key()?;
        let subject = subject(&self.organisation(), name.name())?;
        let issuer = self.certificate().x509();
        let mut builder =
            draft(&subject, issuer.subject_name(), &key, just_before(now), not_after.as_second())?;
        for extension in extensions(&builder, issuer, &name)? {
            builder.append_extension(extension)?;
        }
        builder.sign(self.key(), MessageDigest::sha256())?;
        Ok(Issued {
            certificate_pem: text(builder.build().to_pem()?),
            key_pem: Zeroizing::new(text(key.private_key_to_pem_pkcs8()?)),
        })
    }

    fn end_of_life(&self, role: PeerRole, now: Timestamp) -> Result<Timestamp, IssueError> {
        let root = self.certificate().x509();
        let from = dates::from_asn1(root.not_before()).unwrap_or(Timestamp::MAX);
        let until = dates::from_asn1(root.not_after()).unwrap_or(Timestamp::MIN);
        let life = match role {
            PeerRole::Node => NODE_LIFE,
            PeerRole::Analyst | PeerRole::Steward => PERSON_LIFE,
        };
        if now < from || until <= now {
            return Err(IssueError::RootNotValid { party: self.party().clone(), from, until });
        }
        Ok(Timestamp::from_second(now.as_second() + life).map_or(until, |end| end.min(until)))
    }
}

fn extensions(
    builder: &X509Builder,
    issuer: &X509Ref,
    name: &CertificateName,
) -> Result<Vec<X509Extension>, ErrorStack> {
    let context = builder.x509v3_context(Some(issuer), None);
    let mut usage = ExtendedKeyUsage::new();
    usage.client_auth();
    // A node also asks: it dials out, and compares its log's head with its peers'.
    if name.role() == PeerRole::Node {
        usage.server_auth();
    }
    Ok(vec![
        BasicConstraints::new().critical().build()?,
        KeyUsage::new().critical().digital_signature().build()?,
        usage.build()?,
        SubjectAlternativeName::new().uri(&name.to_string()).build(&context)?,
        SubjectKeyIdentifier::new().build(&context)?,
        AuthorityKeyIdentifier::new().keyid(true).build(&context)?,
    ])
}

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).expect("PEM is ASCII")
}

/// What a certificate says about itself, for lists and warnings. It proves nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The party it claims to come from.
    pub party: PartyId,
    /// What it is for.
    pub role: PeerRole,
    /// The node's or the person's name.
    pub name: String,
    /// Its first moment.
    pub not_before: Timestamp,
    /// Its last moment.
    pub not_after: Timestamp,
    /// The serial number, in hexadecimal.
    pub serial: String,
    /// SHA-256 of the DER.
    pub fingerprint: Sha256,
}

/// Why a certificate could not be read.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Not the PEM of a certificate.
    #[error("not a certificate: give the PEM file that `sumac certificate issue` made")]
    NotACertificate,
    /// No name of ours.
    #[error(transparent)]
    Name(#[from] CertificateNameError),
}

impl CertificateFacts {
    /// Reads the first certificate of a PEM text.
    pub fn read(pem: &[u8]) -> Result<Self, FactsError> {
        let certificate = X509::from_pem(pem).map_err(|_| FactsError::NotACertificate)?;
        Self::of(&certificate)
    }

    pub(crate) fn of(certificate: &X509Ref) -> Result<Self, FactsError> {
        let name = CertificateName::of(certificate)?;
        let unreadable = || FactsError::NotACertificate;
        let serial = certificate.serial_number().to_bn().and_then(|number| number.to_hex_str());
        Ok(Self {
            party: name.party().clone(),
            role: name.role(),
            name: name.name().to_owned(),
            not_before: dates::from_asn1(certificate.not_before()).ok_or_else(unreadable)?,
            not_after: dates::from_asn1(certificate.not_after()).ok_or_else(unreadable)?,
            serial: serial.map_err(|_| unreadable())?.to_lowercase(),
            fingerprint: Sha256::of(&certificate.to_der().map_err(|_| unreadable())?),
        })
    }

    /// Whether less than a third of its life is left: time to run `sumac certificate renew`. Also true once
    /// it has expired.
    pub fn expires_soon(&self, now: Timestamp) -> bool {
        let life = self.not_after.duration_since(self.not_before);
        let left = self.not_after.duration_since(now);
        left.saturating_mul(3) < life
    }

    /// What is left of its life; nothing once it has expired.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.not_after.duration_since(now).try_into().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::testing::{self, NOON, days_later};

    #[test]
    fn issues_what_it_was_asked_for() {
        let root = testing::root("lakeshore-cc");
        for (role, name, days) in [
            (PeerRole::Node, "main", 90),
            (PeerRole::Analyst, "ana.ruiz", 30),
            (PeerRole::Steward, "sam", 30),
        ] {
            let issued = root.issue(role, name, *NOON).unwrap();
            let facts = CertificateFacts::read(issued.certificate_pem.as_bytes()).unwrap();
            assert_eq!((&facts.party, facts.role, facts.name.as_str()), (root.party(), role, name));
            assert_eq!(facts.not_after, days_later(days));
            assert!(facts.not_before < *NOON && days_later(-1) < facts.not_before);
            assert!(issued.key_pem.starts_with("-----BEGIN PRIVATE KEY-----"));
            assert!(!facts.expires_soon(days_later(days / 3)));
            assert!(facts.expires_soon(days_later(days * 3 / 4)));
            assert!(facts.expires_soon(days_later(days + 1)));
            assert_eq!(facts.left(days_later(days - 1)), Duration::from_secs(86_400));
            assert_eq!(facts.left(days_later(days + 1)), Duration::ZERO);
        }
    }

    #[test]
    fn gives_every_certificate_its_own_serial() {
        let root = testing::root("lakeshore-cc");
        let serial = || {
            let issued = root.issue(PeerRole::Node, "main", *NOON).unwrap();
            CertificateFacts::read(issued.certificate_pem.as_bytes()).unwrap().serial
        };
        let (first, second) = (serial(), serial());
        assert_ne!(first, second);
        assert!(first.len() <= 40 && first.len() > 20, "{first}");
    }

    #[test]
    fn refuses_to_issue_outside_the_roots_life() {
        let root = testing::root("lakeshore-cc");
        for day in [-1, 3_653] {
            let refused = root.issue(PeerRole::Node, "main", days_later(day));
            assert!(matches!(refused, Err(IssueError::RootNotValid { .. })), "{day}");
        }
        let last = root.issue(PeerRole::Node, "main", days_later(3_650)).unwrap();
        let facts = CertificateFacts::read(last.certificate_pem.as_bytes()).unwrap();
        assert_eq!(facts.not_after, days_later(3_652));
    }

    #[test]
    fn refuses_unsound_names_and_files_that_are_no_certificate() {
        let root = testing::root("lakeshore-cc");
        for name in ["", "A", "a/b", "a b", "é", ".", &"a".repeat(65)] {
            let refused = root.issue(PeerRole::Node, name, *NOON);
            assert!(matches!(refused, Err(IssueError::Name(_))), "{name}");
        }
        assert_eq!(CertificateFacts::read(b"hello"), Err(FactsError::NotACertificate));
        let nameless = CertificateFacts::read(root.certificate_pem().as_bytes());
        assert_eq!(nameless, Err(FactsError::Name(CertificateNameError::None)));
    }
}
