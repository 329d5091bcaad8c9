//! The rules that decide whether a credential is an award, whose, of what, and whether it stands.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::super::fault::ContextFault;
use super::*;

fn judged(change: impl FnOnce(&mut Value)) -> Verdict {
    let mut badge = badge();
    change(&mut badge);
    Bench::new().one(badge.to_string())
}

fn without(path: &str, name: &str) -> Verdict {
    judged(|badge| {
        badge.pointer_mut(path).unwrap().as_object_mut().unwrap().remove(name);
    })
}

#[test]
fn a_good_badge_without_a_proof_is_an_unverified_award() {
    assert_eq!(doubt(judged(|_| {})), Doubt::NoProof);
    let award = award(judged(|_| {}));
    assert_eq!((kind(&award).as_str(), award.awarded_on), ("Certificate", 20_593));
    assert!(!award.from_clr);
}

#[test]
fn each_rule_is_kept_or_the_credential_is_rejected() {
    type Change = fn(&mut Value);
    let cases: [(Change, &str); 23] = [
        (
            |b| b["@context"] = json!("https://purl.imsglobal.org/spec/ob/v3p0/context.json"),
            "context",
        ),
        (|b| b["@context"] = json!(["https://www.w3.org/ns/credentials/v2"]), "context"),
        (|b| b["@context"].as_array_mut().unwrap().push(json!("https://x.example/")), "context"),
        (|b| b["@context"].as_array_mut().unwrap().reverse(), "context"),
        (|b| b["issuer"] = json!(null), "issuer"),
        (|b| b["issuer"] = json!({ "type": "Profile" }), "issuer"),
        (|b| b["issuer"]["type"] = json!("Organization"), "type"),
        (|b| b["issuer"]["parentOrg"] = json!({ "id": "x" }), "type"),
        (|b| b["type"] = json!("VerifiableCredential"), "type"),
        (|b| b["type"] = json!(["OpenBadgeCredential"]), "type"),
        (|b| b["credentialSubject"]["type"] = json!(["Person"]), "type"),
        (|b| b["credentialSubject"]["source"] = json!({ "id": "x" }), "type"),
        (|b| b["credentialSubject"]["identifier"] = json!([{ "identityHash": "x" }]), "type"),
        (
            |b| {
                b["credentialSubject"]["result"] =
                    json!([{ "type": "Result" }, { "type": "Other" }])
            },
            "type",
        ),
        (|b| b["credentialSubject"]["achievement"]["type"] = json!([]), "type"),
        (|b| b["credentialSubject"]["achievement"]["alignment"] = json!({ "type": "X" }), "type"),
        (|b| b["credentialSubject"] = json!([{}, {}]), "type"),
        (|b| b["validFrom"] = json!("May 2026"), "date"),
        (|b| b["validFrom"] = json!("9999-12-31T00:00:00Z"), "date"),
        (|b| b["validFrom"] = json!("1939-12-31T00:00:00Z"), "date"),
        (|b| b["awardedDate"] = json!("2100-01-01T00:00:00Z"), "date"),
        (|b| b["validFrom"] = json!("2026-10-15T12:00:01Z"), "not yet valid"),
        (|b| b["validUntil"] = json!("2026-10-15T12:00:00Z"), "expired"),
    ];
    for (at, (change, reason)) in cases.into_iter().enumerate() {
        let fault = fault(judged(change));
        assert_eq!(fault.reason(), reason, "case {at}: {fault}");
    }
    assert_eq!(fault(without("", "validFrom")), Fault::Date("validFrom"));
    assert_eq!(fault(without("", "credentialSubject")), Fault::NoSubject);
    assert_eq!(fault(without("", "@context")), Fault::Context(ContextFault::First));
    assert_eq!(word(&without("/credentialSubject", "achievement")), "nothing");
    assert_eq!(fault(without("/credentialSubject", "id")), Fault::NoPerson);
    let endorsed = judged(|b| b["type"] = json!(["VerifiableCredential", "EndorsementCredential"]));
    assert_eq!(word(&endorsed), "endorsement");
}

#[test]
fn a_bare_issuer_and_the_older_model_are_read_too() {
    assert_eq!(word(&judged(|b| b["issuer"] = json!(ISSUER))), "unverified");
    let older = judged(|b| {
        b["@context"][0] = json!("https://www.w3.org/2018/credentials/v1");
        let from = b.as_object_mut().unwrap().remove("validFrom").unwrap();
        b["issuanceDate"] = from;
        b["expirationDate"] = json!("2027-01-01T00:00:00Z");
    });
    assert_eq!(word(&older), "unverified");
    let over = judged(|b| b["expirationDate"] = json!("2026-01-01T00:00:00Z"));
    assert_eq!(fault(over), Fault::Expired);
}

#[test]
fn the_day_conferred_is_the_issuers_own() {
    let late = judged(|b| b["validFrom"] = json!("2026-05-19T23:30:00-08:00"));
    assert_eq!(award(late).awarded_on, 20_592);
    let awarded = judged(|b| b["awardedDate"] = json!("2025-12-31T10:00:00Z"));
    assert_eq!(award(awarded).awarded_on, 20_453);
}

fn bitstring(set: u64, purpose: &str) -> Vec<u8> {
    let mut bits = vec![0_u8; 16_384];
    bits[usize::try_from(set / 8).unwrap()] |= 0x80 >> (set % 8);
    packed(&bits, purpose)
}

fn packed(bits: &[u8], purpose: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bits).unwrap();
    let list = format!("u{}", URL_SAFE_NO_PAD.encode(gzip.finish().unwrap()));
    let subject =
        json!({ "type": "BitstringStatusList", "statusPurpose": purpose, "encodedList": list });
    json!({ "credentialSubject": subject }).to_string().into_bytes()
}

#[test]
fn a_set_bit_or_a_listed_id_revokes() {
    const LIST: &str = "https://college.example/status/1";
    let entry = |purpose: &str, index: Value| {
        json!({
            "type": "BitstringStatusListEntry", "statusPurpose": purpose,
            "statusListIndex": index, "statusListCredential": LIST
        })
    };
    let judged = |status: Value, list: Option<Vec<u8>>| {
        let mut badge = badge();
        badge["credentialStatus"] = status;
        let bench = Bench::new();
        let bench = if let Some(list) = list { bench.list(LIST, &list) } else { bench };
        bench.one(badge.to_string())
    };
    let revocations = || Some(bitstring(23, "revocation"));
    for index in [json!(23), json!("23")] {
        assert_eq!(fault(judged(entry("revocation", index), revocations())), Fault::Revoked);
    }
    let suspended = judged(entry("suspension", json!(9)), Some(bitstring(9, "suspension")));
    assert_eq!(fault(suspended), Fault::Revoked);
    // Neighbours stand, whichever way somebody counts.
    for index in [16, 22, 24] {
        let stands = judged(entry("revocation", json!(index)), revocations());
        assert_eq!(doubt(stands), Doubt::NoProof, "{index}");
    }
    assert_eq!(doubt(judged(entry("message", json!(23)), revocations())), Doubt::NoProof);
    for strange in [
        judged(entry("revocation", json!(131_072)), revocations()),
        judged(entry("revocation", json!("first")), revocations()),
        judged(entry("suspension", json!(23)), revocations()),
        judged(json!({ "type": "VelocityRevocationListJan2021", "id": LIST }), None),
    ] {
        assert!(matches!(doubt(strange), Doubt::Status(_)));
    }
    let absent = judged(entry("revocation", json!(23)), None);
    assert_eq!(doubt(absent), Doubt::StatusList(LIST.to_owned()));
    // One list that says no is enough.
    let both =
        json!([entry("revocation", json!(1)), { "type": "1EdTechRevocationList", "id": LIST }]);
    let ids = json!({ "revokedCredential": ["https://college.example/credentials/1"] }).to_string();
    assert_eq!(fault(judged(both, Some(ids.into_bytes()))), Fault::Revoked);
    let others =
        json!({ "revokedCredential": [{ "id": "https://college.example/credentials/2" }] });
    let entry = json!({ "type": "1EdTechRevocationList", "id": LIST });
    assert_eq!(doubt(judged(entry, Some(others.to_string().into_bytes()))), Doubt::NoProof);
}

#[test]
fn a_status_list_that_explodes_is_refused() {
    let bomb = packed(&vec![0; (16 << 20) + 1], "revocation");
    assert!(status::List::read(&bomb).unwrap_err().contains("unpacks to more than"));
    assert!(status::List::read(b"{}").is_err());
    assert!(status::List::read(b"hello").is_err());
}

#[test]
fn the_learner_is_called_what_the_mapping_says() {
    let mut badge = badge();
    badge["credentialSubject"]["identifier"] = json!([
        { "type": "IdentityObject", "identityType": "studentId", "hashed": true, "identityHash": "sha256$1" },
        { "type": "IdentityObject", "identityType": "emailAddress", "hashed": false, "identityHash": "a@b.example" },
        { "type": "IdentityObject", "identityType": "studentId", "hashed": false, "identityHash": "A001" }
    ]);
    let bytes = badge.to_string();
    let named = |person: PersonFrom, file: &str| {
        let mut bench = Bench::new();
        bench.person = person;
        let mut verdicts = bench.judge(file, bytes.as_bytes());
        match verdicts.remove(0) {
            Verdict::Award(award, _) => Some(award.person),
            other => {
                assert_eq!(fault(other), Fault::NoPerson);
                None
            }
        }
    };
    let subject = |after: &str| PersonFrom::Subject { after: after.to_owned() };
    let identifier = |kind: &str| PersonFrom::Identifier(kind.to_owned());
    for (person, file, expected) in [
        (subject(""), "x.json", Some("urn:student:A001")),
        (subject("urn:student:"), "x.json", Some("A001")),
        (subject("did:"), "x.json", None),
        (identifier("studentId"), "x.json", Some("A001")),
        (identifier("sourcedId"), "x.json", None),
        (PersonFrom::File, "2026/A002.badge.json", Some("A002.badge")),
        (PersonFrom::Folder, "2026/A003/welding.json", Some("A003")),
        (PersonFrom::Folder, "welding.json", None),
    ] {
        assert_eq!(named(person.clone(), file).as_deref(), expected, "{person:?} {file}");
    }
}

#[test]
fn the_taxonomy_places_an_achievement_the_most_particular_rule_first() {
    let text = r#"
format = "sumac-taxonomy/1"
[type."ext:Micro"]
credential_type = "MicroCredential"
recognised_postsecondary = "N"
[type.Degree]
credential_type = "BachelorDegree"
award_level = "5"
[ctid.ce-98cb027b]
cip2 = "11"
[achievement."https://college.example/achievements/welding"]
cip2 = "48"
"#;
    let lists = || Lists::of(&standard().schema).unwrap();
    let taxonomy = Taxonomy::read(text.as_bytes(), lists()).unwrap();
    let codes = |achievement: Value| {
        let placed = taxonomy.place(achievement.as_object().unwrap());
        let table = sumac_policy::TableName::Award;
        let words = taxonomy::COLUMNS.iter().zip(placed.codes).map(|(column, code)| {
            let list = standard().schema.column(table, column).unwrap().kind.codes().unwrap();
            code.map(|code| list[usize::from(code)].id.as_str())
        });
        (words.collect::<Vec<_>>(), placed.strange)
    };
    let welding = "https://college.example/achievements/welding";
    let ctdl = json!({ "targetType": "CTDL", "targetUrl": "https://registry.example/resources/ce-98cb027b" });
    for (achievement, expected, strange) in [
        (
            json!({ "achievementType": "ext:Micro" }),
            vec![Some("MicroCredential"), None, None, Some("N")],
            None,
        ),
        (
            json!({ "achievementType": "Certificate" }),
            vec![Some("Certificate"), None, None, None],
            None,
        ),
        (json!({}), vec![None; 4], None),
        (
            json!({ "achievementType": "ext:Odd" }),
            vec![Some("other"), None, None, None],
            Some("ext:Odd"),
        ),
        (
            json!({ "achievementType": "Degree", "alignment": [ctdl] }),
            vec![Some("BachelorDegree"), Some("5"), Some("11"), None],
            None,
        ),
        (
            json!({ "id": welding, "achievementType": "Degree", "alignment": [ctdl] }),
            vec![Some("BachelorDegree"), Some("5"), Some("48"), None],
            None,
        ),
    ] {
        let (found, odd) = codes(achievement.clone());
        assert_eq!((found, odd.as_deref()), (expected, strange), "{achievement}");
    }
    let bad = text.replace("\"48\"", "\"4800\"").replace("award_level", "awardlevel");
    let problems = Taxonomy::read(bad.as_bytes(), lists()).unwrap_err();
    let lines: Vec<_> = problems.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [8, 12]);
}
