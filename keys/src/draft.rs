//! What every certificate of ours has in common: version 3, a random serial, P-256 and SHA-256.

use openssl::asn1::Asn1Integer;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::pkey::{HasPublic, PKey, PKeyRef, Private};
use openssl::x509::{X509Builder, X509Name, X509NameRef, X509Ref};

use crate::dates;

/// The limit that X.509 sets for an organisation's and a common name (RFC 5280, appendix A.1).
const LONGEST_PART: usize = 64;

/// A fresh P-256 key.
pub(crate) fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

/// Whether a certificate's key is on the one curve that we use.
pub(crate) fn is_p256(certificate: &X509Ref) -> bool {
    certificate
        .public_key()
        .and_then(|key| key.ec_key())
        .is_ok_and(|key| key.group().curve_name() == Some(Nid::X9_62_PRIME256V1))
}

/// `O=<organisation>, CN=<common>`, for people to read; nothing is decided by it. A long organisation's
/// name is cut to what X.509 allows.
pub(crate) fn subject(organisation: &str, common: &str) -> Result<X509Name, ErrorStack> {
    let organisation: String = organisation.chars().take(LONGEST_PART).collect();
    let mut name = X509Name::builder()?;
    name.append_entry_by_nid(Nid::ORGANIZATIONNAME, &organisation)?;
    name.append_entry_by_nid(Nid::COMMONNAME, common)?;
    Ok(name.build())
}

/// A certificate without its extensions and signature. Dates are seconds since 1970.
pub(crate) fn draft<K: HasPublic>(
    subject: &X509NameRef,
    issuer: &X509NameRef,
    key: &PKeyRef<K>,
    not_before: i64,
    not_after: i64,
) -> Result<X509Builder, ErrorStack> {
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial()?.as_ref())?;
    builder.set_subject_name(subject)?;
    builder.set_issuer_name(issuer)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(dates::to_asn1(not_before)?.as_ref())?;
    builder.set_not_after(dates::to_asn1(not_after)?.as_ref())?;
    Ok(builder)
}

/// 159 random bits: unpredictable, positive, and within the 20 bytes of RFC 5280, section 4.1.2.2.
fn serial() -> Result<Asn1Integer, ErrorStack> {
    let mut number = BigNum::new()?;
    number.rand(159, MsbOption::MAYBE_ZERO, false)?;
    number.to_asn1_integer()
}
