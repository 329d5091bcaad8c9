//! A party's root: the key that issues its certificates and signs its MOUs, kept offline.

use jiff::Timestamp;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkcs12::Pkcs12;
use openssl::pkey::{PKey, PKeyRef, Private};
use openssl::x509::X509NameRef;
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectKeyIdentifier};
use sumac_policy::{PartyId, Sha256};

use crate::dates::{DAY, just_before};
use crate::draft::{draft, new_key, subject};
use crate::passphrase::Passphrase;
use crate::root_certificate::{RootCertificate, RootCertificateError};

/// Ten years: replacing a root takes every party's signature on a new MOU.
const ROOT_LIFE: i64 = 3_652 * DAY;

/// Rounds of key stretching. OpenSSL's default of 2,048 dates from the last century; this is OWASP's
/// number for PBKDF2 with HMAC-SHA-256, and costs the owner a fraction of a second.
const ITERATIONS: u32 = 600_000;

/// What the common name of a root ends with.
const SUFFIX: &str = " root";

/// `ERR_LIB_PKCS12` and `PKCS12_R_MAC_VERIFY_FAILURE`, of which the openssl crate has no names.
const MAC_VERIFY_FAILURE: (i32, i32) = (35, 113);

/// A party's private root. It has no `Debug`, and leaves memory only encrypted.
pub struct Root {
    party: PartyId,
    key: PKey<Private>,
    certificate: RootCertificate,
}

/// Why a root could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    /// The MAC does not fit the passphrase.
    #[error("wrong passphrase for this root, or the file is damaged")]
    WrongPassphrase,
    /// Not PKCS#12, or without a key or a certificate.
    #[error("not a Sumac root: give the `root.p12` that `sumac init` made")]
    NotARoot,
    /// The certificate in the file is for another key.
    #[error(
        "the key and the certificate in this root do not belong together: restore it from a backup"
    )]
    KeyMismatch,
    /// The certificate's subject is not one that we write.
    #[error("the root's subject names no party: its common name must be `<party id> root`")]
    NoParty,
    /// The certificate does not qualify as a root.
    #[error("the root's certificate is unusable")]
    Certificate(#[from] RootCertificateError),
    /// An empty organisation's name.
    #[error("the party's name is empty: give the organisation's name")]
    EmptyName,
    /// Longer than X.509 allows.
    #[error("the party id `{0}` is too long for a certificate: use at most 59 characters")]
    LongParty(PartyId),
    /// OpenSSL failed for a reason of its own.
    #[error("make or open the root")]
    Openssl(#[from] ErrorStack),
}

impl Root {
    /// A new root for a party, valid for ten years from `now`. `name` is the organisation's name, for people
    /// to read.
    pub fn create(party: &PartyId, name: &str, now: Timestamp) -> Result<Self, RootError> {
        if name.trim().is_empty() {
            return Err(RootError::EmptyName);
        }
        if party.as_str().len() + SUFFIX.len() > 64 {
            return Err(RootError::LongParty(party.clone()));
        }
        let key = new_key()?;
        let subject = subject(name, &format!("{party}{SUFFIX}"))?;
        let expiry = now.as_second() + ROOT_LIFE;
        let mut builder = draft(&subject, &subject, &key, just_before(now), expiry)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        // Signing certificates and revocations is a root's work; digitalSignature is for the MOU.
        let usage =
            KeyUsage::new().critical().key_cert_sign().crl_sign().digital_signature().build()?;
        builder.append_extension(usage)?;
        let key_id = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(key_id)?;
        builder.sign(&key, MessageDigest::sha256())?;
        let certificate = RootCertificate::checked(builder.build())?;
        Ok(Self { party: party.clone(), key, certificate })
    }

    /// The root as an encrypted PKCS#12 file: AES-256-CBC under PBKDF2, with a SHA-256 MAC. Stock
    /// `openssl pkcs12` opens it. Slow on purpose: a third of a second.
    pub fn to_pkcs12(&self, passphrase: &Passphrase) -> Result<Vec<u8>, RootError> {
        let archive = Pkcs12::builder()
            .name(&format!("{}{SUFFIX}", self.party))
            .pkey(&self.key)
            .cert(self.certificate.x509())
            .key_algorithm(Nid::AES_256_CBC)
            .cert_algorithm(Nid::AES_256_CBC)
            .key_iter(ITERATIONS)
            .mac_iter(ITERATIONS)
            .mac_md(MessageDigest::sha256())
            .build2(passphrase.as_str())?;
        Ok(archive.to_der()?)
    }

    /// Opens what [`Root::to_pkcs12`] wrote. Slow on purpose: a third of a second.
    pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Self, RootError> {
        let archive = Pkcs12::from_der(bytes).map_err(|_| RootError::NotARoot)?;
        let parts = archive.parse2(passphrase.as_str()).map_err(|stack| {
            let cause = |error: &openssl::error::Error| (error.library_code(), error.reason_code());
            match stack.errors().iter().any(|error| cause(error) == MAC_VERIFY_FAILURE) {
                true => RootError::WrongPassphrase,
                false => RootError::NotARoot,
            }
        })?;
        let (Some(key), Some(certificate)) = (parts.pkey, parts.cert) else {
            return Err(RootError::NotARoot);
        };
        if !certificate.public_key()?.public_eq(&key) {
            return Err(RootError::KeyMismatch);
        }
        let certificate = RootCertificate::checked(certificate)?;
        let party = subject_part(certificate.x509().subject_name(), Nid::COMMONNAME)
            .and_then(|common| common.strip_suffix(SUFFIX)?.parse().ok())
            .ok_or(RootError::NoParty)?;
        Ok(Self { party, key, certificate })
    }

    /// Whose root it is.
    pub fn party(&self) -> &PartyId {
        &self.party
    }

    /// The public half.
    pub fn certificate(&self) -> &RootCertificate {
        &self.certificate
    }

    /// The public half as PEM, for `parties/<party>.pem`.
    pub fn certificate_pem(&self) -> String {
        let pem =
            self.certificate.x509().to_pem().expect("a certificate that was read can be written");
        String::from_utf8(pem).expect("PEM is ASCII")
    }

    /// SHA-256 of the certificate's DER, which the MOU pins.
    pub fn fingerprint(&self) -> Sha256 {
        self.certificate.fingerprint()
    }

    /// The organisation's name in the certificate.
    pub(crate) fn organisation(&self) -> String {
        subject_part(self.certificate.x509().subject_name(), Nid::ORGANIZATIONNAME)
            .unwrap_or_else(|| self.party.to_string())
    }

    pub(crate) fn key(&self) -> &PKeyRef<Private> {
        &self.key
    }
}

fn subject_part(subject: &X509NameRef, part: Nid) -> Option<String> {
    subject.entries_by_nid(part).next()?.data().to_string().ok()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use std::process::Command;

    use zeroize::Zeroizing;

    use super::*;
    use crate::testing::{self, NOON};

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn opens_with_its_passphrase_and_with_no_other() {
        let root = testing::root("lakeshore-cc");
        let bytes = root.to_pkcs12(&passphrase("elf grape sty moon")).unwrap();

        let opened = Root::open(&bytes, &passphrase("elf grape sty moon")).unwrap();
        assert_eq!(opened.party(), root.party());
        assert_eq!(opened.fingerprint(), root.fingerprint());
        assert_eq!(opened.organisation(), "Organisation of lakeshore-cc");

        let wrong = Root::open(&bytes, &passphrase("elf grape sty noon"));
        assert!(matches!(wrong, Err(RootError::WrongPassphrase)), "{:?}", wrong.err());
        let not_one = Root::open(b"-----BEGIN", &passphrase("elf grape sty moon"));
        assert!(matches!(not_one, Err(RootError::NotARoot)), "{:?}", not_one.err());
    }

    #[test]
    fn stretches_the_passphrase_and_opens_with_stock_openssl() {
        let root = testing::root("lakeshore-cc");
        let bytes = root.to_pkcs12(&passphrase("elf grape sty moon")).unwrap();
        // DER of the integer 600,000: once for the key, once for the certificate, once for the MAC.
        let count = bytes.windows(5).filter(|window| *window == [2, 3, 0x09, 0x27, 0xc0]).count();
        assert_eq!(count, 3);

        if Command::new("openssl").arg("version").output().is_err() {
            println!("skipped: no `openssl` on PATH to open the root with");
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("root.p12");
        std::fs::write(&file, &bytes).unwrap();
        let output = Command::new("openssl")
            .args(["pkcs12", "-nokeys", "-passin", "pass:elf grape sty moon", "-in"])
            .arg(&file)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let pem = root.certificate_pem();
        let body = pem.lines().nth(3).unwrap();
        assert!(text.contains(body), "{text}");
    }

    #[test]
    fn refuses_names_that_x509_cannot_hold() {
        let long: PartyId = "a".repeat(60).parse().unwrap();
        assert!(matches!(Root::create(&long, "A", *NOON), Err(RootError::LongParty(_))));
        let party: PartyId = "a".repeat(59).parse().unwrap();
        assert!(matches!(Root::create(&party, " ", *NOON), Err(RootError::EmptyName)));
        let cut = Root::create(&party, &"é".repeat(100), *NOON).unwrap();
        assert_eq!(cut.organisation(), "é".repeat(64));
    }
}
