//! JWTs signed here, with each of the three algorithms.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256,
    RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::super::fault::ProofFault;
use super::*;

pub(super) enum Signer {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
    Rs256(RsaKeyPair),
}

impl Signer {
    pub(super) fn ed(seed: u8) -> Self {
        Self::EdDsa(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    fn es() -> Self {
        Self::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn rs() -> Self {
        Self::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Self::EdDsa(_) => "EdDSA",
            Self::Es256(_) => "ES256",
            Self::Rs256(_) => "RS256",
        }
    }

    pub(super) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Es256(pair) => pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Self::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
        }
    }

    pub(super) fn public(&self) -> Vec<u8> {
        match self {
            Self::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
            Self::Es256(pair) => pair.public_key().as_ref().to_vec(),
            Self::Rs256(pair) => pair.public_key().as_ref().to_vec(),
        }
    }

    pub(super) fn jwk(&self) -> Value {
        let text = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let key = self.public();
        match self {
            Self::EdDsa(_) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": text(&key), "kid": "k1" })
            }
            Self::Es256(_) => json!({
                "kty": "EC", "crv": "P-256", "x": text(&key[1..33]), "y": text(&key[33..]), "kid": "k1"
            }),
            Self::Rs256(_) => {
                // A sequence of two integers: 2,048 bits with a zero in front, and 65,537.
                let (n, e) = (&key[9..265], &key[267..270]);
                json!({ "kty": "RSA", "n": text(n), "e": text(e), "kid": "k1" })
            }
        }
    }

    /// The key as `openssl` writes it.
    fn pem(&self) -> String {
        let der = match self {
            Self::EdDsa(pair) => {
                let info = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0];
                [&info[..], pair.public_key().as_ref()].concat()
            }
            Self::Es256(pair) => {
                use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                der.as_ref().to_vec()
            }
            Self::Rs256(pair) => {
                use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
                let der: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
                der.as_ref().to_vec()
            }
        };
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der))
    }

    pub(super) fn jwt(&self, header: Value, claims: &Value) -> String {
        let mut header = header;
        if header.get("alg").is_none() {
            header["alg"] = json!(self.algorithm());
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(signed.as_bytes()));
        format!("{signed}.{signature}")
    }
}

/// A badge as claims.
fn claims() -> Value {
    let mut claims = badge();
    claims["iss"] = json!(ISSUER);
    claims["sub"] = json!("urn:student:A001");
    claims["nbf"] = json!(1_779_235_200);
    claims
}

fn signers() -> [Signer; 3] {
    [Signer::ed(7), Signer::es(), Signer::rs()]
}

#[test]
fn verifies_all_three_algorithms_with_keys_in_every_form() {
    for signer in signers() {
        let jwk = signer.jwk().to_string();
        let mut forms = vec![jwk, signer.pem()];
        if let Signer::EdDsa(_) = signer {
            let key = [&[0xed, 0x01][..], &signer.public()].concat();
            forms.push(format!("z{}", bs58::encode(key).into_string()));
        }
        if let Signer::Es256(pair) = &signer {
            use aws_lc_rs::encoding::{AsBigEndian, EcPublicKeyCompressedBin};
            let point: EcPublicKeyCompressedBin<'_> = pair.public_key().as_be_bytes().unwrap();
            let key = [&[0x80, 0x24][..], point.as_ref()].concat();
            forms.push(format!("z{}", bs58::encode(key).into_string()));
        }
        let jwt = signer.jwt(json!({ "jwk": signer.jwk() }), &claims());
        for form in &forms {
            let bench = Bench::new().trusting(ISSUER, &[form]);
            assert_eq!(word(&bench.one(&jwt)), "verified", "{form}");
        }
        // By name, where the operator gave the key a name.
        let jwt = signer.jwt(json!({ "kid": "k1" }), &claims());
        assert_eq!(word(&Bench::new().trusting(ISSUER, &[&forms[0]]).one(&jwt)), "verified");
        assert!(matches!(
            doubt(Bench::new().trusting(ISSUER, &[&forms[1]]).one(&jwt)),
            Doubt::FarKey(_)
        ));
    }
}

#[test]
fn rejects_what_was_altered_or_signed_by_another() {
    for (signer, other) in signers().into_iter().zip([Signer::ed(8), Signer::es(), Signer::rs()]) {
        let bench = Bench::new().trusting(ISSUER, &[&signer.jwk().to_string()]);
        let good = signer.jwt(json!({ "kid": "k1" }), &claims());
        let mut altered = claims();
        altered["credentialSubject"]["achievement"]["achievementType"] = json!("DoctoralDegree");
        let payload = URL_SAFE_NO_PAD.encode(altered.to_string());
        let parts: Vec<_> = good.split('.').collect();
        let altered = format!("{}.{payload}.{}", parts[0], parts[2]);
        let by_other = other.jwt(json!({ "kid": "k1" }), &claims());
        for bad in [altered, by_other] {
            assert_eq!(fault(bench.one(&bad)), Fault::Proof(ProofFault::Signature));
        }
        // A stranger's key in the header is a stranger's word.
        let with_key = other.jwt(json!({ "jwk": other.jwk() }), &claims());
        assert_eq!(doubt(bench.one(&with_key)), Doubt::Key);
        let bench = bench.trusting_headers(ISSUER);
        assert_eq!(word(&bench.one(&with_key)), "verified");
    }
}

#[test]
fn a_header_key_counts_only_for_the_issuer_that_the_mapping_names() {
    let signer = Signer::ed(7);
    let jwt = signer.jwt(json!({ "jwk": signer.jwk() }), &claims());
    assert!(matches!(doubt(Bench::new().one(&jwt)), Doubt::Issuer(_)));
    let bench = Bench::new().trusting_headers("https://other.example");
    assert!(matches!(doubt(bench.one(&jwt)), Doubt::Issuer(_)));
}

#[test]
fn rejects_tokens_that_nobody_signed_or_that_contradict_themselves() {
    let signer = Signer::ed(7);
    let bench = Bench::new().trusting(ISSUER, &[&signer.jwk().to_string()]);
    let judged = |header: Value, change: &dyn Fn(&mut Value)| {
        let mut claims = claims();
        change(&mut claims);
        bench.one(signer.jwt(header, &claims))
    };
    let kid = || json!({ "kid": "k1" });
    let nothing: &dyn Fn(&mut Value) = &|_| {};
    for (header, change, expected) in [
        (json!({ "kid": "k1", "alg": "none" }), nothing, ProofFault::Unsigned),
        (json!({ "kid": "k1", "alg": "HS256" }), nothing, ProofFault::Unsigned),
        (json!({ "kid": "k1", "crit": ["exp"] }), nothing, ProofFault::Jwt),
        (json!({ "kid": "k1", "alg": "RS256" }), nothing, ProofFault::Signature),
        (json!({ "kid": "did:velocity:v2:1#key-1" }), nothing, ProofFault::Method),
        (kid(), &|claims| claims["iss"] = json!("https://other.example"), ProofFault::Claims),
        (kid(), &|claims| claims["jti"] = json!("another"), ProofFault::Claims),
        (kid(), &|claims| claims["sub"] = json!("another"), ProofFault::Claims),
    ] {
        assert_eq!(fault(judged(header, change)), Fault::Proof(expected));
    }
    assert_eq!(doubt(judged(json!({}), nothing)), Doubt::NoKey);
    assert!(matches!(
        doubt(judged(json!({ "kid": "k1", "alg": "ES512" }), nothing)),
        Doubt::Suite(_)
    ));
    let late: &dyn Fn(&mut Value) = &|claims| claims["nbf"] = json!(1_900_000_000);
    assert_eq!(fault(judged(kid(), late)), Fault::NotYetValid);
    let over: &dyn Fn(&mut Value) = &|claims| claims["exp"] = json!(1_790_000_000);
    assert_eq!(fault(judged(kid(), over)), Fault::Expired);
    assert_eq!(
        fault(bench.one("e30.e30.")),
        Fault::Context(super::super::fault::ContextFault::First)
    );
    assert_eq!(fault(bench.one("e30.!.x")).reason(), "unreadable");
}

#[test]
fn completes_an_older_credential_from_its_claims() {
    let signer = Signer::ed(7);
    let mut vc = badge();
    vc["@context"][0] = json!("https://www.w3.org/2018/credentials/v1");
    for left_out in ["id", "validFrom", "issuer"] {
        vc.as_object_mut().unwrap().remove(left_out);
    }
    vc["credentialSubject"].as_object_mut().unwrap().remove("id");
    let claims = json!({
        "vc": vc, "iss": ISSUER, "sub": "urn:student:A001", "nbf": 1_779_235_200, "jti": "urn:uuid:1"
    });
    let bench = Bench::new().trusting(ISSUER, &[&signer.jwk().to_string()]);
    let verdict = bench.one(signer.jwt(json!({ "kid": "k1" }), &claims));
    assert_eq!(word(&verdict), "verified");
    let award = award(verdict);
    assert_eq!((award.person.as_str(), award.awarded_on), ("urn:student:A001", 20_593));
}

#[test]
fn refuses_keys_that_are_damaged_private_or_of_another_kind() {
    use super::super::key::KeyFault;
    let signer = Signer::ed(7);
    let mut private = signer.jwk();
    private["d"] = json!("x");
    for (text, expected) in [
        (private.to_string(), KeyFault::Private),
        (
            "-----BEGIN PRIVATE KEY-----\nMC4=\n-----END PRIVATE KEY-----".to_owned(),
            KeyFault::Private,
        ),
        (json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" }).to_string(), KeyFault::Kind),
        (json!({ "kty": "OKP", "crv": "Ed25519", "x": "AA" }).to_string(), KeyFault::Damaged),
        ("z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hw".to_owned(), KeyFault::Kind),
        ("password".to_owned(), KeyFault::Form),
    ] {
        let found = Key::read(&text).unwrap_err();
        assert!(
            found == expected || matches!((found, expected), (KeyFault::Damaged, KeyFault::Kind)),
            "{text}: {found}"
        );
    }
}
