//! Bounded, seeded noise: whatever the reader is given, it answers.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::signed::Signer;
use super::*;

/// The same cases in every run.
fn runner(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &[5; 32]))
}

/// Values of every kind, a few levels deep, under names that the reader looks for.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        prop::sample::select(vec![
            "Profile",
            "Achievement",
            "z6Mk",
            "did:key:z",
            "2026-05-20T00:00:00Z",
            "_:b0",
            "@id",
            "",
            "https://www.w3.org/ns/credentials/v2",
            "urn:x#z6Mk",
            "\u{202e}",
            "u",
            "eddsa-rdfc-2022",
        ])
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = prop::sample::select(vec![
            "@context",
            "id",
            "type",
            "issuer",
            "proof",
            "credentialSubject",
            "achievement",
            "alignment",
            "credentialStatus",
            "verifiableCredential",
            "validFrom",
            "@graph",
            "@reverse",
            "@list",
            "result",
            "identifier",
            "proofValue",
            "verificationMethod",
            "achievementType",
            "@value",
            "@included",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(|pairs| pairs
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

/// Every place in a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(object) => {
            for (name, inner) in object {
                places(
                    inner,
                    &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")),
                    found,
                );
            }
        }
        Value::Array(values) => {
            for (n, inner) in values.iter().enumerate() {
                places(inner, &format!("{at}/{n}"), found);
            }
        }
        _ => {}
    }
}

fn bench() -> Bench {
    Bench::new().trusting(ISSUER, &[&Signer::ed(7).jwk().to_string()]).trusting_headers(ISSUER)
}

/// A badge whose proof leads all the way to its canonical form.
fn proved() -> Value {
    let key = [&[0xed, 0x01][..], &Signer::ed(7).public()].concat();
    let mut badge = badge();
    badge["proof"] = json!({
        "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "proofPurpose": "assertionMethod",
        "created": "2026-05-20T00:00:00Z",
        "verificationMethod": format!("{ISSUER}#z{}", bs58::encode(key).into_string()),
        "proofValue": format!("z{}", bs58::encode([7; 64]).into_string()),
    });
    badge
}

#[test]
fn a_badge_with_anything_in_any_place_is_judged() {
    let bench = bench();
    let badge = proved();
    assert_eq!(word(&bench.one(badge.to_string())), "proof");
    let mut all = Vec::new();
    places(&badge, "", &mut all);
    let changes = prop::collection::vec((prop::sample::select(all), value()), 1..4);
    let judged = runner(2_000).run(&changes, |changes| {
        let mut badge = badge.clone();
        for (place, value) in changes {
            if let Some(at) = badge.pointer_mut(&place) {
                *at = value;
            }
        }
        // It may be anything but verified: nobody signed it.
        for verdict in bench.judge("badge.json", badge.to_string().as_bytes()) {
            prop_assert_ne!(word(&verdict), "verified");
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn anything_in_any_place_of_a_document_is_canonicalised_or_refused() {
    let bench = bench();
    let badge = proved();
    let mut all = Vec::new();
    places(&badge, "", &mut all);
    all.retain(|place| !place.is_empty() && !place.starts_with("/@context"));
    let changes = prop::collection::vec((prop::sample::select(all), value()), 1..3);
    let judged = runner(2_000).run(&changes, |changes| {
        let mut badge = badge.clone();
        for (place, value) in changes {
            if let Some(at) = badge.pointer_mut(&place) {
                *at = value;
            }
        }
        if let (Some(json), Some(options)) = (badge.as_object(), badge["proof"].as_object()) {
            let _ = proof::signed(json, options, &bench.desk.contexts);
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn files_with_bytes_changed_or_cut_are_judged() {
    let bench = bench();
    let json = proved().to_string().into_bytes();
    let signer = Signer::ed(7);
    let jwt = signer.jwt(json!({ "jwk": signer.jwk() }), &badge()).into_bytes();
    let svg = format!(
        r#"<svg xmlns:ob="https://purl.imsglobal.org/ob/v3p0"><ob:credential><![CDATA[{}]]></ob:credential></svg>"#,
        badge()
    );
    let files = prop::sample::select(vec![json, jwt, svg.into_bytes()]);
    let changes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6);
    let judged = runner(2_000).run(
        &(files, changes, any::<prop::sample::Index>()),
        |(file, changes, end)| {
            let mut changed = file.clone();
            for (at, byte) in changes {
                let at = at.index(changed.len());
                changed[at] = byte;
            }
            for bytes in [&changed[..], &changed[..end.index(changed.len())]] {
                prop_assert!(!bench.judge("badge", bytes).is_empty());
            }
            Ok(())
        },
    );
    judged.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn status_lists_taxonomies_and_keys_of_noise_are_refused_in_words() {
    let lists = || Lists::of(&standard().schema).unwrap();
    let judged = runner(1_000).run(&prop::collection::vec(any::<u8>(), 0..200), |bytes| {
        let _ = status::List::read(&bytes);
        let _ = Taxonomy::read(&bytes, lists());
        let text = String::from_utf8_lossy(&bytes);
        for text in [text.to_string(), format!("z{text}")] {
            prop_assert!(Key::read(&text).is_err());
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}
