//! Data Integrity proofs made here, and what people might do to them.

use serde_json::Map;

use super::super::fault::{ContextFault, ProofFault};
use super::super::linked::Linked;
use super::signed::Signer;
use super::*;

const V2: &str = "https://www.w3.org/ns/credentials/v2";
const V3: &str = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json";

/// Signs a credential with this key of [`ISSUER`]'s, under any contexts.
fn sign(mut credential: Value, signer: &Signer, kind: &Value, contexts: &Arc<Contexts>) -> Value {
    let key = multibase(signer);
    let mut options = json!({
        "created": "2026-05-20T10:00:00Z",
        "verificationMethod": format!("{ISSUER}#{key}"),
        "proofPurpose": "assertionMethod",
    });
    options.as_object_mut().unwrap().extend(kind.as_object().unwrap().clone());
    options["@context"] = credential["@context"].clone();
    let hash = |document: &Value| Linked::read(document, contexts).unwrap().hash().unwrap();
    let signature = signer.sign(&[hash(&options), hash(&credential)].concat());
    let mut proof = options;
    proof.as_object_mut().unwrap().remove("@context");
    proof["proofValue"] = json!(format!("z{}", bs58::encode(signature).into_string()));
    credential["proof"] = proof;
    credential
}

fn multibase(signer: &Signer) -> String {
    let key = [&[0xed, 0x01][..], &signer.public()].concat();
    format!("z{}", bs58::encode(key).into_string())
}

fn rdfc() -> Value {
    json!({ "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022" })
}

fn bench() -> (Bench, Signer) {
    let signer = Signer::ed(7);
    (Bench::new().trusting(ISSUER, &[&multibase(&signer)]), signer)
}

fn signed(change: impl FnOnce(&mut Value)) -> Value {
    let (bench, signer) = bench();
    let mut badge = badge();
    change(&mut badge);
    sign(badge, &signer, &rdfc(), &bench.desk.contexts)
}

fn judge(credential: &Value) -> Verdict {
    bench().0.one(credential.to_string())
}

fn object(value: &mut Value) -> &mut Map<String, Value> {
    value.as_object_mut().unwrap()
}

#[test]
fn verifies_the_current_suite_its_draft_and_the_older_one() {
    let (bench, signer) = bench();
    for (kind, context) in [
        (rdfc(), V2),
        (json!({ "type": "DataIntegrityProof", "cryptosuite": "eddsa-2022" }), V2),
        (
            json!({ "type": "Ed25519Signature2020" }),
            "https://w3id.org/security/suites/ed25519-2020/v1",
        ),
    ] {
        let mut badge = badge();
        badge["@context"] = json!([V2, V3, context]);
        let good = sign(badge, &signer, &kind, &bench.desk.contexts);
        assert_eq!(word(&bench.one(good.to_string())), "verified", "{kind}");
        // One proof among several, the first of a known kind.
        let mut several = good.clone();
        several["proof"] =
            json!([{ "type": "Other", "proofPurpose": "assertionMethod" }, good["proof"]]);
        assert_eq!(word(&bench.one(several.to_string())), "verified", "{kind}");
        let mut altered = good.clone();
        altered["credentialSubject"]["achievement"]["achievementType"] = json!("DoctoralDegree");
        assert_eq!(fault(bench.one(altered.to_string())), Fault::Proof(ProofFault::Signature));
        let mut shortened = good;
        object(&mut shortened["credentialSubject"]["achievement"]).remove("achievementType");
        assert_eq!(fault(bench.one(shortened.to_string())), Fault::Proof(ProofFault::Signature));
    }
}

#[test]
fn a_key_that_the_operator_does_not_trust_proves_nothing() {
    let (bench, _) = bench();
    let other = sign(badge(), &Signer::ed(8), &rdfc(), &bench.desk.contexts);
    assert_eq!(doubt(bench.one(other.to_string())), Doubt::Key);
    assert_eq!(word(&bench.trusting_headers(ISSUER).one(other.to_string())), "verified");
}

#[test]
fn a_property_under_its_whole_name_does_not_hide_an_expiry() {
    let mut credential = signed(|badge| badge["validUntil"] = json!("2026-06-01T00:00:00Z"));
    assert_eq!(fault(judge(&credential)), Fault::Expired);
    // The same RDF, so that the signature still fits.
    let ends = object(&mut credential).remove("validUntil").unwrap();
    credential["https://www.w3.org/2018/credentials#validUntil"] = ends;
    assert_eq!(doubt(judge(&credential)), Doubt::Names);
}

#[test]
fn a_property_that_no_context_defines_is_in_nobodys_signature() {
    // This context does not know `awardedDate`.
    let mut credential = signed(|badge| {
        badge["@context"][1] = json!("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json");
    });
    credential["awardedDate"] = json!("2020-01-01T00:00:00Z");
    assert_eq!(doubt(judge(&credential)), Doubt::Uncovered("awardedDate"));
}

#[test]
fn a_document_that_defines_its_own_terms_could_mean_anything() {
    let mut credential = signed(|_| {});
    let contexts = credential["@context"].as_array_mut().unwrap();
    contexts.push(json!({ "validUntil": "https://nowhere.example/#nothing" }));
    assert_eq!(doubt(judge(&credential)), Doubt::OwnContext);
    let mut credential = signed(|_| {});
    credential["credentialSubject"]["@context"] =
        json!({ "achievementType": "https://nowhere.example/#x" });
    assert_eq!(doubt(judge(&credential)), Doubt::OwnContext);
}

#[test]
fn contexts_in_a_circle_or_out_of_reach_are_told() {
    let signer = Signer::ed(7);
    let credential = signed(|_| {});
    let bench = |body: &str| {
        let mut bench = Bench::new().trusting(ISSUER, &[&multibase(&signer)]);
        let mut contexts = (*bench.desk.contexts).clone();
        for (url, body) in [
            (V3, body),
            ("https://a.example/", r#"{ "@context": "https://b.example/" }"#),
            ("https://b.example/", r#"{ "@context": "https://a.example/" }"#),
        ] {
            assert!(contexts.insert(url, body.as_bytes()));
        }
        bench.desk.contexts = Arc::new(contexts);
        bench
    };
    let circle = bench(r#"{ "@context": "https://a.example/" }"#);
    assert_eq!(fault(circle.one(credential.to_string())), Fault::Context(ContextFault::Circle));
    let absent = bench(r#"{ "@context": "https://elsewhere.example/" }"#);
    assert_eq!(fault(absent.one(credential.to_string())), Fault::Context(ContextFault::Absent));
    let broken = bench(r#"{ "@context": 7 }"#);
    assert_eq!(doubt(broken.one(credential.to_string())), Doubt::NotJsonLd);
}

#[test]
fn a_document_made_to_be_canonicalised_for_ever_is_given_up_at_once() {
    let signed = signed(|_| {});
    let results = |alike: usize| {
        let same = json!({ "type": ["Alignment"] });
        let result = json!({ "type": ["Result"], "alignment": vec![same; alike] });
        let mut poisoned = signed.clone();
        poisoned["credentialSubject"]["result"] = json!([result, result]);
        judge(&poisoned)
    };
    // A few that look alike can be tried out: the signature does not fit.
    assert_eq!(fault(results(3)), Fault::Proof(ProofFault::Signature));
    assert_eq!(doubt(results(12)), Doubt::TooAlike);
}

#[test]
fn a_proof_that_names_no_usable_key_is_rejected() {
    let good = signed(|_| {});
    for (method, expected) in [
        ("z6MkrvfzkMnvCroEUP2DVc9SHPE48CRsvHiVSusHioxTYu1x", ProofFault::Method),
        ("xxx:z6MkrvfzkMnvCroEUP2DVc9SHPE48CRsvHiVSusHioxTYu1x", ProofFault::Method),
        ("did:velocity:1#key", ProofFault::Method),
        ("did:key:key-1", ProofFault::Key),
        ("https://college.example/registrar#z6Mkbroken", ProofFault::Key),
        (
            "https://other.example#z6MkrvfzkMnvCroEUP2DVc9SHPE48CRsvHiVSusHioxTYu1x",
            ProofFault::Controller,
        ),
    ] {
        let mut bad = good.clone();
        bad["proof"]["verificationMethod"] = json!(method);
        assert_eq!(fault(judge(&bad)), Fault::Proof(expected), "{method}");
    }
    for (name, value, expected) in [
        ("proofValue", json!("z6Mk"), ProofFault::Value),
        ("proofValue", json!(7), ProofFault::Value),
        ("created", json!("2027-01-01T00:00:00Z"), ProofFault::Dated),
        ("expires", json!("2026-06-01T00:00:00Z"), ProofFault::Dated),
        ("verificationMethod", json!(null), ProofFault::Method),
    ] {
        let mut bad = good.clone();
        bad["proof"][name] = value;
        assert_eq!(fault(judge(&bad)), Fault::Proof(expected), "{name}");
    }
    let mut bad = good.clone();
    bad["proof"]["verificationMethod"] = json!(format!("{ISSUER}#key-1"));
    assert!(matches!(doubt(judge(&bad)), Doubt::FarKey(_)));
    let mut bad = good.clone();
    bad["proof"]["cryptosuite"] = json!("ecdsa-sd-2023");
    assert!(matches!(doubt(judge(&bad)), Doubt::Suite(_)));
    let mut bad = good;
    bad["proof"]["proofPurpose"] = json!("authentication");
    assert!(matches!(doubt(judge(&bad)), Doubt::Suite(_)));
}

#[test]
fn what_a_record_holds_without_a_proof_is_its_issuers_word_alone() {
    let (bench, signer) = bench();
    let clr = |inner: Value| {
        let clr = json!({
            "@context": [
                V2,
                "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json",
                V3
            ],
            "id": "urn:uuid:5", "type": ["VerifiableCredential", "ClrCredential"],
            "issuer": { "id": ISSUER, "type": ["Profile"] }, "validFrom": "2026-06-01T00:00:00Z",
            "credentialSubject": {
                "id": "urn:student:A001", "type": ["ClrSubject"], "verifiableCredential": [inner]
            }
        });
        sign(clr, &signer, &rdfc(), &bench.desk.contexts)
    };
    let own = clr(badge());
    assert_eq!(word(&bench.one(own.to_string())), "verified");
    let mut altered = own;
    altered["credentialSubject"]["verifiableCredential"][0]["credentialSubject"]["achievement"]["achievementType"] =
        json!("DoctoralDegree");
    assert_eq!(fault(bench.one(altered.to_string())), Fault::Proof(ProofFault::Signature));
    // Neither context of this record knows `awardedDate`, which somebody adds to what it holds.
    let mut added = clr(badge());
    added["@context"][2] = json!("https://purl.imsglobal.org/spec/ob/v3p0/extensions.json");
    let inner = &mut added["credentialSubject"]["verifiableCredential"][0];
    object(inner).remove("@context");
    object(&mut added).remove("proof");
    let mut added = sign(added, &signer, &rdfc(), &bench.desk.contexts);
    added["credentialSubject"]["verifiableCredential"][0]["awardedDate"] =
        json!("2020-01-01T00:00:00Z");
    assert_ne!(word(&bench.one(added.to_string())), "verified");
    let mut others = badge();
    others["issuer"]["id"] = json!("https://other.example");
    assert_eq!(doubt(bench.one(clr(others).to_string())), Doubt::Within);
    // Whoever it belongs to on the record, it is this learner's.
    let mut renamed = badge();
    renamed["credentialSubject"]["id"] = json!("did:example:wallet");
    assert_eq!(award(bench.one(clr(renamed).to_string())).person, "urn:student:A001");
    // A token inside, as a text or wrapped as VC 2.0 does it.
    let token = signer.jwt(json!({ "jwk": signer.jwk() }), &badge());
    let wrapped = format!("data:application/vc+jwt,{token}");
    for inner in [json!(token), json!({ "id": wrapped, "type": "EnvelopedVerifiableCredential" })] {
        assert_eq!(word(&bench.one(clr(inner).to_string())), "verified");
    }
    let elsewhere = json!({ "id": "https://x.example", "type": "EnvelopedVerifiableCredential" });
    assert_eq!(fault(bench.one(clr(elsewhere).to_string())), Fault::OtherType);
    let mut nested = clr(badge());
    object(&mut nested).remove("proof");
    assert_eq!(fault(bench.one(clr(nested).to_string())), Fault::OtherType);
}
