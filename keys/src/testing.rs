//! Roots, good certificates and bad ones, for this crate's tests.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use openssl::hash::MessageDigest;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::rsa::Rsa;
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Ref};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::draft::{draft, new_key, subject};
use crate::{Issued, Root, TlsIdentity, Trust};

/// The day of every test.
pub(crate) static NOON: LazyLock<Timestamp> =
    LazyLock::new(|| "2026-11-24T12:00:00Z".parse().unwrap());

pub(crate) fn days_later(days: i64) -> Timestamp {
    NOON.checked_add(SignedDuration::from_hours(24 * days)).unwrap()
}

pub(crate) fn root(party: &str) -> Root {
    Root::create(&party.parse().unwrap(), &format!("Organisation of {party}"), *NOON).unwrap()
}

pub(crate) fn trust<'a>(roots: impl IntoIterator<Item = &'a Root>) -> Trust {
    let entry = |root: &Root| (root.party().clone(), root.fingerprint(), root.certificate_pem());
    Trust::new(roots.into_iter().map(entry)).unwrap()
}

/// `lakeshore-cc`, and a trust that also lists `harbor-tc`.
pub(crate) fn coalition() -> (Root, Trust) {
    let lakeshore = root("lakeshore-cc");
    let trust = trust([&lakeshore, &root("harbor-tc")]);
    (lakeshore, trust)
}

pub(crate) fn identity(issued: &Issued) -> TlsIdentity {
    TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

pub(crate) fn der(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

/// A certificate that `Root::issue` would not make.
#[derive(Clone)]
pub(crate) struct Forged {
    /// URIs, or host names after `dns:`.
    pub(crate) names: Vec<&'static str>,
    pub(crate) is_ca: bool,
    pub(crate) limits_its_path: bool,
    pub(crate) signs_certificates: bool,
    pub(crate) asks: bool,
    pub(crate) answers: bool,
    pub(crate) rsa: bool,
    /// Days from [`NOON`].
    pub(crate) until: i64,
}

impl Forged {
    pub(crate) fn root() -> Self {
        Self {
            names: vec![],
            is_ca: true,
            limits_its_path: true,
            signs_certificates: true,
            asks: false,
            answers: false,
            rsa: false,
            until: 3_650,
        }
    }

    pub(crate) fn node(names: &[&'static str]) -> Self {
        Self {
            names: names.to_vec(),
            is_ca: false,
            signs_certificates: false,
            asks: true,
            answers: true,
            until: 90,
            ..Self::root()
        }
    }

    pub(crate) fn self_signed(&self) -> String {
        let key = self.key();
        text(self.sign(&key, None, &key).to_pem().unwrap())
    }

    pub(crate) fn issued_by(&self, root: &Root) -> Issued {
        self.issue(root.certificate().x509(), root.key())
    }

    pub(crate) fn issued_under(&self, issuer: &Issued) -> Issued {
        let certificate = X509::from_pem(issuer.certificate_pem.as_bytes()).unwrap();
        let key = PKey::private_key_from_pem(issuer.key_pem.as_bytes()).unwrap();
        self.issue(&certificate, &key)
    }

    fn issue(&self, issuer: &X509Ref, signer: &PKeyRef<Private>) -> Issued {
        let key = self.key();
        let certificate = self.sign(&key, Some(issuer), signer);
        Issued {
            certificate_pem: text(certificate.to_pem().unwrap()),
            key_pem: Zeroizing::new(text(key.private_key_to_pem_pkcs8().unwrap())),
        }
    }

    fn key(&self) -> PKey<Private> {
        if self.rsa {
            return PKey::from_rsa(Rsa::generate(3072).unwrap()).unwrap();
        }
        new_key().unwrap()
    }

    fn sign(
        &self,
        key: &PKeyRef<Private>,
        issuer: Option<&X509Ref>,
        signer: &PKeyRef<Private>,
    ) -> X509 {
        let subject = subject("Forger", "forged").unwrap();
        let issuer_name = issuer.map_or(&*subject, |issuer| issuer.subject_name());
        let (from, until) = (NOON.as_second() - 60, days_later(self.until).as_second());
        let mut builder = draft(&subject, issuer_name, key, from, until).unwrap();
        let mut constraints = BasicConstraints::new();
        constraints.critical();
        if self.is_ca {
            constraints.ca();
        }
        if self.is_ca && self.limits_its_path {
            constraints.pathlen(0);
        }
        builder.append_extension(constraints.build().unwrap()).unwrap();
        let mut usage = KeyUsage::new();
        usage.critical().digital_signature();
        if self.signs_certificates {
            usage.key_cert_sign();
        }
        builder.append_extension(usage.build().unwrap()).unwrap();
        if self.asks || self.answers {
            let mut ends = ExtendedKeyUsage::new();
            if self.asks {
                ends.client_auth();
            }
            if self.answers {
                ends.server_auth();
            }
            builder.append_extension(ends.build().unwrap()).unwrap();
        }
        let mut names = SubjectAlternativeName::new();
        for name in &self.names {
            match name.strip_prefix("dns:") {
                Some(host) => names.dns(host),
                None => names.uri(name),
            };
        }
        let context = builder.x509v3_context(issuer, None);
        let key_id = SubjectKeyIdentifier::new().build(&context).unwrap();
        let names = names.build(&context).unwrap();
        let authority =
            issuer.map(|_| AuthorityKeyIdentifier::new().keyid(true).build(&context).unwrap());
        let names = (!self.names.is_empty()).then_some(names);
        for extension in [Some(key_id), authority, names].into_iter().flatten() {
            builder.append_extension(extension).unwrap();
        }
        builder.sign(signer, MessageDigest::sha256()).unwrap();
        builder.build()
    }
}

fn text(pem: Vec<u8>) -> String {
    String::from_utf8(pem).unwrap()
}
