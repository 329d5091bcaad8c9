//! Proofs embedded in a credential (W3C Data Integrity): `eddsa-rdfc-2022`, its draft name `eddsa-2022`, and the
//! older `Ed25519Signature2020`. All three sign the hash of the proof's options followed by that of the
//! credential, each as canonical RDF.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::document::{Document, context_urls, each, has_plain_names, moment, one_object};
use super::fault::{ContextFault, Doubt, Fault, ProofFault};
use super::key::Algorithm;
use super::linked::{Contexts, Linked, LinkedFault};
use super::trust::{Issuers, pointer};

type Object = Map<String, Value>;

/// The properties that decide what award is made, and whether. Each must be among what was signed: a property
/// that the contexts do not define is in nobody's signature.
const USED: [&str; 12] = [
    "validFrom",
    "issuanceDate",
    "validUntil",
    "expirationDate",
    "awardedDate",
    "credentialSubject",
    "achievement",
    "achievementType",
    "issuer",
    "identifier",
    "alignment",
    "verifiableCredential",
];

/// Whether a credential's embedded proof is its issuer's, by a key that the operator trusts.
pub(super) fn verify(
    document: &Document<'_>,
    issuers: &Issuers,
    contexts: &Arc<Contexts>,
    now: Timestamp,
) -> Result<Result<(), Doubt>, Fault> {
    let proofs: Vec<&Object> = document
        .json
        .get("proof")
        .into_iter()
        .flat_map(each)
        .filter_map(Value::as_object)
        .collect();
    let Some(first) = proofs.first() else { return Ok(Err(Doubt::NoProof)) };
    let Some(proof) = proofs.iter().find(|proof| is_of_known_kind(proof)) else {
        return Ok(Err(Doubt::Suite(kind(first))));
    };
    let method = match proof.get("verificationMethod") {
        Some(Value::String(method)) => method.as_str(),
        Some(Value::Object(method)) => {
            method.get("id").and_then(Value::as_str).ok_or(ProofFault::Method)?
        }
        _ => return Err(ProofFault::Method.into()),
    };
    let pointer = pointer(method, document.issuer)?;
    if !is_verified_here(proof) {
        return Ok(Err(Doubt::Suite(kind(proof))));
    }
    let value = proof.get("proofValue").and_then(Value::as_str).ok_or(ProofFault::Value)?;
    let signature = signature(value).ok_or(ProofFault::Value)?;
    is_dated_well(proof, now)?;
    let key = match pointer.trusted(issuers, document.issuer) {
        Ok(key) => key,
        Err(doubt) => return Ok(Err(doubt)),
    };
    let signed = match signed(document.json, proof, contexts)? {
        Ok(signed) => signed,
        Err(doubt) => return Ok(Err(doubt)),
    };
    if key.verifies(Algorithm::EdDsa, &signed, &signature) {
        Ok(Ok(()))
    } else {
        Err(ProofFault::Signature.into())
    }
}

/// What was signed.
pub(super) fn signed(
    json: &Object,
    proof: &Object,
    contexts: &Arc<Contexts>,
) -> Result<Result<Vec<u8>, Doubt>, Fault> {
    let mut unsigned = json.clone();
    unsigned.remove("proof");
    // A document that defines terms itself could make its plain names mean anything.
    let Some(urls) = context_urls(&unsigned) else { return Ok(Err(Doubt::OwnContext)) };
    if let Some(absent) = urls.iter().find(|url| !contexts.has(url)) {
        return Ok(Err(Doubt::Context((*absent).to_owned())));
    }
    for url in urls {
        contexts.is_whole(url).map_err(|fault| match fault {
            LinkedFault::Absent => Fault::Context(ContextFault::Absent),
            _ => Fault::Context(ContextFault::Circle),
        })?;
    }
    if !has_plain_names(&unsigned) || !has_plain_names(proof) {
        return Ok(Err(Doubt::Names));
    }
    let mut options = proof.clone();
    options.remove("proofValue");
    let context = unsigned.get("@context").cloned().unwrap_or_default();
    options.insert("@context".to_owned(), context);

    let uncovered = USED.into_iter().filter(|name| mentions(&unsigned, name));
    let uncovered: Vec<_> = uncovered.collect();
    let both = || -> Result<Result<Vec<u8>, Doubt>, LinkedFault> {
        let options = Linked::read(&Value::Object(options), contexts)?;
        let credential = Linked::read(&Value::Object(unsigned), contexts)?;
        let says = credential.says();
        if let Some(name) =
            uncovered.into_iter().find(|name| !says.contains(&name.to_ascii_lowercase()))
        {
            return Ok(Err(Doubt::Uncovered(name)));
        }
        Ok(Ok([options.hash()?, credential.hash()?].concat()))
    };
    match both() {
        Ok(signed) => Ok(signed),
        Err(LinkedFault::Circle) => Err(Fault::Context(ContextFault::Circle)),
        Err(LinkedFault::Absent) => Err(Fault::Context(ContextFault::Absent)),
        Err(LinkedFault::NotJsonLd) => Ok(Err(Doubt::NotJsonLd)),
        Err(LinkedFault::TooAlike) => Ok(Err(Doubt::TooAlike)),
    }
}

/// Whether a credential, or one that it holds, has a property where an award is made of it.
fn mentions(json: &Object, name: &str) -> bool {
    let subject = one_object(json.get("credentialSubject"));
    let achievement = subject.and_then(|subject| one_object(subject.get("achievement")));
    let within = subject.and_then(|subject| subject.get("verifiableCredential"));
    let has = |object: Option<&Object>| object.is_some_and(|object| object.contains_key(name));
    has(Some(json))
        || has(subject)
        || has(achievement)
        || within
            .into_iter()
            .flat_map(each)
            .any(|inner| inner.as_object().is_some_and(|inner| mentions(inner, name)))
}

fn is_of_known_kind(proof: &Object) -> bool {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let known = matches!(text("type"), Some("DataIntegrityProof" | "Ed25519Signature2020"));
    known && text("proofPurpose") == Some("assertionMethod")
}

/// Of the known kinds, those whose signatures this version can check. A proof that builds on another is none.
fn is_verified_here(proof: &Object) -> bool {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    let suite = matches!(
        (text("type"), text("cryptosuite")),
        (Some("Ed25519Signature2020"), None)
            | (Some("DataIntegrityProof"), Some("eddsa-rdfc-2022" | "eddsa-2022"))
    );
    suite && !proof.contains_key("previousProof")
}

/// A kind of proof as the operator sees it.
fn kind(proof: &Object) -> String {
    let text = |name: &str| proof.get(name).and_then(Value::as_str);
    text("cryptosuite").or(text("type")).unwrap_or("unnamed").chars().take(60).collect()
}

/// An Ed25519 signature in base 58.
fn signature(value: &str) -> Option<Vec<u8>> {
    let digits = value.strip_prefix('z').filter(|digits| digits.len() < 100)?;
    bs58::decode(digits).into_vec().ok().filter(|bytes| bytes.len() == 64)
}

fn is_dated_well(proof: &Object, now: Timestamp) -> Result<(), ProofFault> {
    let date = |name: &str| match proof.get(name) {
        None => Ok(None),
        Some(value) => value.as_str().and_then(moment).map(Some).ok_or(ProofFault::Dated),
    };
    let created = date("created")?.is_none_or(|created| created <= now);
    let lasts = date("expires")?.is_none_or(|expires| expires > now);
    if created && lasts { Ok(()) } else { Err(ProofFault::Dated) }
}
