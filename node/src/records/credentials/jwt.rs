//! Credentials signed as a whole: compact JWS (RFC 7515) with the credential as its claims (VC 2.0, VC-JOSE-COSE)
//! or in the claim `vc` (VC 1.1, §6.3.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::document::one_object;
use super::fault::{Doubt, Fault, ProofFault};
use super::key::{Algorithm, Key, KeyFault};
use super::trust::{Issuers, Pointer, pointer};

type Object = Map<String, Value>;

/// A JWT taken apart. Nothing in it is to be believed before [`Jwt::verify`].
pub(super) struct Jwt {
    header: Object,
    /// The credential, completed from the registered claims.
    pub(super) credential: Object,
    claims: Object,
    signed: String,
    signature: Vec<u8>,
}

impl Jwt {
    /// Takes a JWT apart.
    pub(super) fn read(text: &str) -> Result<Self, Fault> {
        let damaged = Fault::Proof(ProofFault::Jwt);
        let (signed, signature) = text.rsplit_once('.').ok_or(damaged.clone())?;
        let (header, payload) = signed.split_once('.').ok_or(damaged.clone())?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| damaged.clone());
        let object = |part: &str| -> Result<Object, Fault> {
            serde_json::from_slice(&bytes(part)?).map_err(|_| damaged.clone())
        };
        let (header, mut claims) = (object(header)?, object(payload)?);
        let credential = match claims.remove("vc") {
            Some(Value::Object(credential)) => credential,
            Some(_) => return Err(damaged),
            None => claims.clone(),
        };
        let mut jwt = Self {
            header,
            credential,
            claims,
            signed: signed.to_owned(),
            signature: bytes(signature)?,
        };
        jwt.complete();
        Ok(jwt)
    }

    /// Takes from the registered claims what the credential leaves to them (VC 1.1, §6.3.1).
    fn complete(&mut self) {
        let text = |name: &str| self.claims.get(name).filter(|value| value.is_string()).cloned();
        let moment = |name: &str| {
            let moment = Timestamp::from_second(seconds(self.claims.get(name)?)?).ok()?;
            Some(Value::String(moment.to_string()))
        };
        let (issuer, id, subject) = (text("iss"), text("jti"), text("sub"));
        let (starts, ends) = (moment("nbf"), moment("exp"));
        let has = |credential: &Object, names: [&str; 2]| {
            names.into_iter().any(|name| credential.contains_key(name))
        };
        let credential = &mut self.credential;
        if let Some(issuer) = issuer.filter(|_| !credential.contains_key("issuer")) {
            credential.insert("issuer".to_owned(), issuer);
        }
        if let Some(id) = id.filter(|_| !credential.contains_key("id")) {
            credential.insert("id".to_owned(), id);
        }
        if let Some(starts) = starts.filter(|_| !has(credential, ["validFrom", "issuanceDate"])) {
            credential.insert("issuanceDate".to_owned(), starts);
        }
        if let Some(ends) = ends.filter(|_| !has(credential, ["validUntil", "expirationDate"])) {
            credential.insert("expirationDate".to_owned(), ends);
        }
        if let (Some(id), Some(Value::Object(subject))) =
            (subject, credential.get_mut("credentialSubject"))
        {
            subject.entry("id").or_insert(id);
        }
    }

    /// Whether the signature is the issuer's, by a key that the operator trusts.
    pub(super) fn verify(
        &self,
        issuer: &str,
        issuers: &Issuers,
        now: Timestamp,
    ) -> Result<Result<(), Doubt>, Fault> {
        self.is_consistent(issuer)?;
        self.is_in_force(now)?;
        // An extension that must be understood, and is not.
        if self.header.contains_key("crit") || self.header.contains_key("b64") {
            return Err(ProofFault::Jwt.into());
        }
        let name = self.header.get("alg").and_then(Value::as_str).ok_or(ProofFault::Jwt)?;
        if name.eq_ignore_ascii_case("none") || name.starts_with("HS") {
            return Err(ProofFault::Unsigned.into());
        }
        let pointer = match self.pointer(issuer)? {
            Ok(pointer) => pointer,
            Err(doubt) => return Ok(Err(doubt)),
        };
        let Some(algorithm) = Algorithm::of_name(name) else {
            return Ok(Err(Doubt::Suite(name.to_owned())));
        };
        let key = match pointer.trusted(issuers, issuer) {
            Ok(key) => key,
            Err(doubt) => return Ok(Err(doubt)),
        };
        if key.verifies(algorithm, self.signed.as_bytes(), &self.signature) {
            Ok(Ok(()))
        } else {
            Err(ProofFault::Signature.into())
        }
    }

    /// The key that the header points to.
    fn pointer(&self, issuer: &str) -> Result<Result<Pointer, Doubt>, Fault> {
        if let Some(jwk) = self.header.get("jwk") {
            let jwk = jwk.as_object().ok_or(ProofFault::Key)?;
            return match Key::of_jwk(jwk) {
                Ok(key) => Ok(Ok(Pointer::Carried(key))),
                Err(KeyFault::Kind) => Ok(Err(Doubt::Suite("jwk".to_owned()))),
                Err(_) => Err(ProofFault::Key.into()),
            };
        }
        let Some(kid) = self.header.get("kid").and_then(Value::as_str) else {
            return Ok(Err(Doubt::NoKey));
        };
        // A `kid` may be any name that issuer and verifier have agreed on.
        if kid.contains('#') || kid.starts_with("did:") {
            return Ok(Ok(pointer(kid, issuer)?));
        }
        Ok(Ok(Pointer::Named(kid.to_owned())))
    }

    /// Whether the registered claims say what the credential says.
    fn is_consistent(&self, issuer: &str) -> Result<(), Fault> {
        let claim = |name: &str| self.claims.get(name).and_then(Value::as_str);
        let subject = one_object(self.credential.get("credentialSubject"));
        let subject = subject.and_then(|subject| subject.get("id"));
        let agree = |claim: Option<&str>, said: Option<&str>| match (claim, said) {
            (Some(claim), Some(said)) => claim == said,
            _ => true,
        };
        let id = self.credential.get("id").and_then(Value::as_str);
        let consistent = agree(claim("iss"), Some(issuer))
            && agree(claim("jti"), id)
            && agree(claim("sub"), subject.and_then(Value::as_str));
        if consistent { Ok(()) } else { Err(ProofFault::Claims.into()) }
    }

    fn is_in_force(&self, now: Timestamp) -> Result<(), Fault> {
        let claim = |name: &str| self.claims.get(name).and_then(seconds);
        if claim("nbf").is_some_and(|starts| starts > now.as_second()) {
            return Err(Fault::NotYetValid);
        }
        if claim("exp").is_some_and(|ends| ends <= now.as_second()) {
            return Err(Fault::Expired);
        }
        Ok(())
    }
}

/// A NumericDate, whose fraction does not matter here.
fn seconds(value: &Value) -> Option<i64> {
    let text = value.as_number()?.to_string();
    text.split('.').next().unwrap_or_default().parse().ok()
}
