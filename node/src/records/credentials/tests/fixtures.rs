//! 1EdTech's own conformance resources for Open Badges 3.0 and CLR 2.0, © 1EdTech, Apache-2.0: the good ones are
//! awards, and each that must fail fails for its own reason.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::*;

const EXAMPLE: &str = "z6MkjZRZv3aez3r18pB1RBFJR1kwUVJ5jHt92JmQwXbd5hwi";
const STATUS_LIST: &str = "https://raw.githubusercontent.com/1EdTech/digital-credentials-public-validator/refs/heads/main/inspector-vc/src/test/resources/ob30/bit-string-list/testlist";
const WELLSPRING: &str = "https://dc.1edtech.org/wellspring2022/wellspring-portal/api/revocations/da1e96e9-afcc-4eed-b9a2-2ddf7353214c";

/// Where this version says more than `expected.csv` asks of it: a file and the words of its verdicts. Files that
/// are not here are judged by `expected.csv` alone.
const KNOWN: [(&str, &[&str]); 9] = [
    // ecdsa-sd-2023 is not verified here.
    ("sd/derivedcredential.json", &["unverified"]),
    ("complete_v1.json", &["expired"]),
    // Its key is in the fragment, and the mapping trusts it.
    ("simple-did-web-method.json", &["verified"]),
    ("simple-multiple-proofs.json", &["verified"]),
    ("simple_v1.json (clr2)", &["verified"; 6]),
    ("complex.json (clr2)", &["verified"; 6]),
    // Cannot be verified here: signed with z6MkwA14… under a draft of the contexts that is published no more. So
    // that key is not trusted below, and nothing is claimed of the signatures.
    ("simple_old_safesigned.json (clr2)", &["unverified"]),
    ("simple-noproof.json (clr2)", &["unverified"]),
    ("simple.jwt (clr2)", &["verified"]),
];

fn bench(folder: &std::path::Path) -> Bench {
    let bench = Bench::new()
        .trusting(
            "https://example.com/issuers/876543",
            &[
                EXAMPLE,
                "z6MknNHHrBzPytzu6CUBP9Lg7fg4KSBjzimc2Frh693YbMiv",
                "z6MkrvfzkMnvCroEUP2DVc9SHPE48CRsvHiVSusHioxTYu1x",
                "z6MkvREVgsHx7Ppae68vCoByy73ZD4aMSJiPML2cryVL8JAx",
            ],
        )
        .trusting("https://1edtech.edu/issuers/565049", &[EXAMPLE])
        .trusting_headers("https://1edtech.edu/issuers/565049")
        .trusting("https://example.edu/issuers/565049", &[EXAMPLE, &jwk_of(&folder.join("clr2/simple.jwt"))])
        .trusting("urn:uuid:6f2e33e5-7a29-4155-840a-59483ba10164", &[EXAMPLE])
        .trusting(
            "urn:uuid:4ca4a241-fc3b-4d92-978e-f56fa96ae795",
            &[EXAMPLE, "z6Mks4vZNz8Jwyb85odUeZrissHSY7JeJcXkNTDCcXLhYAZ4"],
        )
        .trusting(
            "did:web:dc.1edtech.org:wellspring2022:wellspring-portal:org:da1e96e9-afcc-4eed-b9a2-2ddf7353214c",
            &[EXAMPLE],
        );
    let revoked = json!({
        "id": WELLSPRING,
        "issuer": "https://dc.1edtech.org",
        "revokedCredential": [{
            "id": "https://dc.1edtech.org/wellspring2022/wellspring-portal/credential/54418d3f-ec01-4652-800a-861c890a51a1",
            "revoked": true
        }]
    });
    let list = fs::read(folder.join("openbadges3/bit-string-list/testlist")).unwrap();
    bench.list(STATUS_LIST, &list).list(WELLSPRING, revoked.to_string().as_bytes())
}

/// The key in a JWT's header.
fn jwk_of(jwt: &std::path::Path) -> String {
    let Ok(text) = fs::read_to_string(jwt) else { return EXAMPLE.to_owned() };
    let header = URL_SAFE_NO_PAD.decode(text.split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    header["jwk"].to_string()
}

/// Judges every file of a folder's `expected.csv`, and gives back how many there were.
fn check(set: &str) -> usize {
    let Some(folder) = data(set) else { return 0 };
    let bench = bench(folder.parent().unwrap());
    // The badges in pictures are by keys in their headers alone.
    let badges = set == "openbadges3";
    let bench =
        if badges { bench.trusting_headers("https://example.edu/issuers/565049") } else { bench };
    let mut reader = csv::Reader::from_path(folder.join("expected.csv")).unwrap();
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    for row in &rows {
        let (file, expect, reason, notes) = (&row[0], &row[1], &row[2], &row[3]);
        let verdicts = bench.judge(file, &fs::read(folder.join(file)).unwrap());
        let words: Vec<_> = verdicts.iter().map(word).collect();
        let shown =
            format!("{set}/{file}: expected {expect} {reason} ({notes}), found {verdicts:?}");
        let name = if set == "clr2" { format!("{file} ({set})") } else { file.to_owned() };
        if let Some((_, known)) = KNOWN.iter().find(|(known, _)| *known == name) {
            assert_eq!(words, *known, "{shown}");
        }
        let fits = |word: &&str| match expect {
            "accept" if file.starts_with("sd/") => *word == "unverified",
            "accept" => *word == "verified",
            // Read as a whole; its signature is not upstream's to vouch for.
            "parse" => matches!(*word, "verified" | "unverified" | "expired" | "proof"),
            "unverified" => matches!(*word, "unverified" | "nothing"),
            "skip" => *word == "endorsement",
            "undecided" => true,
            "reject" => *word == reason,
            other => panic!("{other}"),
        };
        assert!(!words.is_empty() && words.iter().all(fits), "{shown}");
    }
    rows.len()
}

#[test]
fn open_badges_are_judged_as_upstream_judges_them() {
    let files = check("openbadges3");
    assert!(files == 0 || files == 34, "{files}");
}

#[test]
fn learner_records_are_judged_as_upstream_judges_them() {
    let files = check("clr2");
    assert!(files == 0 || files == 6, "{files}");
}

#[test]
fn each_credential_in_a_record_is_an_award_of_the_records_learner() {
    let Some(folder) = data("clr2") else { return };
    let bench = bench(folder.parent().unwrap());
    let verdicts = bench.judge("simple_v1.json", &fs::read(folder.join("simple_v1.json")).unwrap());
    let awards: Vec<_> = verdicts.into_iter().map(award).collect();
    let mut kinds = BTreeMap::new();
    for award in &awards {
        *kinds.entry(kind(award)).or_insert(0) += 1;
        // Two of the six call the learner something else within.
        assert_eq!(award.person, "urn:uuid:360a0e1e-c3f4-4fc4-9975-379889927d54");
        assert!(award.from_clr);
    }
    let expected = [("Badge", 1), ("Course", 4), ("Diploma", 1)];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)).into());
}

#[test]
fn without_trust_or_contexts_nothing_is_believed_and_nothing_fetched() {
    let Some(folder) = data("openbadges3") else { return };
    let bytes = fs::read(folder.join("simple.json")).unwrap();
    let mut bench = Bench::new();
    assert!(matches!(doubt(bench.one(&bytes)), Doubt::Issuer(_)));
    bench = bench.trusting("https://example.com/issuers/876543", &[EXAMPLE]);
    assert_eq!(word(&bench.one(&bytes)), "verified");
    bench.desk.contexts = Arc::default();
    assert!(matches!(doubt(bench.one(&bytes)), Doubt::Context(_)));
}

#[test]
fn a_badge_with_every_property_is_read_as_a_whole() {
    let Some(folder) = data("openbadges3") else { return };
    for file in ["complete.json", "complete_v1.json"] {
        let mut json: Value =
            serde_json::from_slice(&fs::read(folder.join(file)).unwrap()).unwrap();
        json.as_object_mut().unwrap().remove("proof");
        let mut bench = Bench::new();
        bench.now = "2015-01-01T00:00:00Z".parse().unwrap();
        let award = award(bench.one(json.to_string()));
        assert_eq!((kind(&award).as_str(), award.awarded_on), ("other", 14_610), "{file}");
        assert_eq!(award.placed.strange.as_deref(), Some("Degree"), "{file}");
    }
}
