//! Public keys as issuers publish them: JWK (RFC 7517, 8037), multibase Multikey (W3C Controlled Identifiers)
//! or PEM (RFC 7468); and the signatures that they verify.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};

/// What comes before an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410).
const ED25519_INFO: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];

/// What comes before an uncompressed point of P-256 in its SubjectPublicKeyInfo (RFC 5480).
const P256_INFO: &[u8] = &[
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// The algorithm identifier of RSA keys: rsaEncryption, NULL (RFC 3279).
const RSA_ALGORITHM: &[u8] =
    &[0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A public key, and what its owner calls it.
#[derive(Debug, Clone)]
pub(super) struct Key {
    material: Material,
    /// The `kid` of a JWK.
    pub(super) id: Option<String>,
}

/// Each kind of key in one form, however it was written, so that equal keys compare equal.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Ed25519(Vec<u8>),
    /// A compressed point.
    P256(Vec<u8>),
    /// Modulus and exponent without leading zeros.
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// A signature algorithm, by its name in a JWT (RFC 7518, 8037).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    EdDsa,
    Es256,
    Rs256,
}

/// Why a text is no key that signatures can be verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum KeyFault {
    #[error("is not a JWK, a multibase key or a PEM public key")]
    Form,
    #[error("is a key of a kind that is not supported: use Ed25519, P-256 or RSA")]
    Kind,
    #[error("is damaged")]
    Damaged,
    #[error("is a private key: only public keys belong here")]
    Private,
}

impl Key {
    /// Reads a key in whichever form it is written.
    pub(super) fn read(text: &str) -> Result<Self, KeyFault> {
        let text = text.trim();
        if text.starts_with('{') {
            let jwk: Map<_, _> = serde_json::from_str(text).map_err(|_| KeyFault::Form)?;
            return Self::of_jwk(&jwk);
        }
        if text.starts_with("-----BEGIN") {
            return Self::of_pem(text);
        }
        Self::of_multibase(text)
    }

    /// A key as a JSON object.
    pub(super) fn of_jwk(jwk: &Map<String, Value>) -> Result<Self, KeyFault> {
        let text = |name: &str| jwk.get(name).and_then(Value::as_str);
        let bytes = |name: &str| {
            let bytes = URL_SAFE_NO_PAD.decode(text(name).ok_or(KeyFault::Damaged)?);
            bytes.map_err(|_| KeyFault::Damaged)
        };
        if jwk.contains_key("d") {
            return Err(KeyFault::Private);
        }
        let material = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => Material::ed25519(&bytes("x")?)?,
            (Some("EC"), Some("P-256")) => {
                Material::p256(&[&[4], &*bytes("x")?, &*bytes("y")?].concat())?
            }
            (Some("RSA"), _) => Material::rsa(&bytes("n")?, &bytes("e")?)?,
            (Some(_), _) => return Err(KeyFault::Kind),
            (None, _) => return Err(KeyFault::Form),
        };
        Ok(Self { material, id: text("kid").map(str::to_owned) })
    }

    /// A key in base 58 with its multicodec in front: `z6Mk…`, `zDn…`.
    pub(super) fn of_multibase(text: &str) -> Result<Self, KeyFault> {
        let digits = text.strip_prefix('z').ok_or(KeyFault::Form)?;
        // Longer than any key of these kinds; base 58 takes a time that grows with the square of the length.
        if digits.len() > 100 {
            return Err(KeyFault::Form);
        }
        let bytes = bs58::decode(digits).into_vec().map_err(|_| KeyFault::Form)?;
        let material = match bytes.as_slice() {
            [0xed, 0x01, key @ ..] => Material::ed25519(key)?,
            [0x80, 0x24, point @ ..] => Material::p256(point)?,
            _ => return Err(KeyFault::Kind),
        };
        Ok(Self { material, id: None })
    }

    fn of_pem(text: &str) -> Result<Self, KeyFault> {
        let body = text.strip_prefix("-----BEGIN PUBLIC KEY-----");
        let body = body.and_then(|text| text.split_once("-----END PUBLIC KEY-----"));
        let Some((body, _)) = body else {
            let private = text.contains("PRIVATE KEY");
            return Err(if private { KeyFault::Private } else { KeyFault::Form });
        };
        let body: String = body.split_whitespace().collect();
        let der = STANDARD.decode(body).map_err(|_| KeyFault::Damaged)?;
        let material = if let Some(key) = der.strip_prefix(ED25519_INFO) {
            Material::ed25519(key)?
        } else if let Some(point) = der.strip_prefix(P256_INFO) {
            Material::p256(point)?
        } else {
            rsa_of_info(&der).ok_or(KeyFault::Kind)??
        };
        Ok(Self { material, id: None })
    }

    /// Whether it is the same key, whatever it is called.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.material == other.material
    }

    /// Whether this key made this signature.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let verified =
            match (&self.material, algorithm) {
                (Material::Ed25519(key), Algorithm::EdDsa) => {
                    UnparsedPublicKey::new(&ED25519, key).verify(message, signature)
                }
                (Material::P256(point), Algorithm::Es256) => {
                    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
                        .verify(message, signature)
                }
                (Material::Rsa { n, e }, Algorithm::Rs256) => RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature),
                _ => return false,
            };
        verified.is_ok()
    }
}

impl Material {
    fn ed25519(key: &[u8]) -> Result<Self, KeyFault> {
        if key.len() == 32 { Ok(Self::Ed25519(key.to_vec())) } else { Err(KeyFault::Damaged) }
    }

    fn p256(point: &[u8]) -> Result<Self, KeyFault> {
        let compressed = match (point, point.len()) {
            ([2 | 3, ..], 33) => point.to_vec(),
            ([4, rest @ ..], 65) => {
                let (x, y) = rest.split_at_checked(32).ok_or(KeyFault::Damaged)?;
                let odd = y.last().is_some_and(|last| last & 1 == 1);
                [&[2 + u8::from(odd)], x].concat()
            }
            _ => return Err(KeyFault::Damaged),
        };
        Ok(Self::P256(compressed))
    }

    fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyFault> {
        let plain = |number: &[u8]| {
            let start = number.iter().position(|byte| *byte != 0)?;
            number.get(start..).map(<[u8]>::to_vec)
        };
        let (n, e) = (plain(n), plain(e));
        Ok(Self::Rsa { n: n.ok_or(KeyFault::Damaged)?, e: e.ok_or(KeyFault::Damaged)? })
    }
}

/// The RSA key in a SubjectPublicKeyInfo; none where it holds another kind.
fn rsa_of_info(info: &[u8]) -> Option<Result<Material, KeyFault>> {
    const SEQUENCE: u8 = 0x30;
    const BITS: u8 = 0x03;
    const INTEGER: u8 = 0x02;
    let (info, _) = der(SEQUENCE, info)?;
    let (algorithm, info) = der(SEQUENCE, info)?;
    if algorithm != RSA_ALGORITHM {
        return None;
    }
    let numbers = || {
        let (bits, _) = der(BITS, info)?;
        let (key, _) = der(SEQUENCE, bits.strip_prefix(&[0])?)?;
        let (n, key) = der(INTEGER, key)?;
        let (e, _) = der(INTEGER, key)?;
        Some((n, e))
    };
    let found = numbers().ok_or(KeyFault::Damaged);
    Some(found.and_then(|(n, e)| Material::rsa(n, e)))
}

/// The content of a DER value with this tag, and what follows it.
fn der(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let rest = bytes.strip_prefix(&[tag])?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0x00..=0x7f => (usize::from(*first), rest),
        0x81 | 0x82 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

impl Algorithm {
    /// The algorithm of a JWT's header, if this version verifies it.
    pub(super) fn of_name(name: &str) -> Option<Self> {
        match name {
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "ES256" => Some(Self::Es256),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}
