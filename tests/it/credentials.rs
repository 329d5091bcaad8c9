//! Badges through the shipped command: signed by a college's registrar, imported from a folder and from an
//! archive, counted by type.

use std::fs;
use std::path::Path;

use openssl::base64::encode_block;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::command::{CHAMBER, COLLEGE, Site};

const REGISTRAR: &str = "https://badges.lakeshore.example/registrar";

/// A question about credentials, beside the usual one.
const KPI: &str = r#"
[[kpi]]
id          = "credentials"
title       = "Learners with a credential"
define      = { measure = "count", of = "award", during = "awarded_on", where = "revoked_on is null" }
answered_by = ["college"]
by          = [[], ["credential_type"]]
period      = "year"
margin      = 10
"#;

fn url_safe(bytes: &[u8]) -> String {
    encode_block(bytes).replace('+', "-").replace('/', "_").replace(['=', '\n'], "")
}

/// A badge of learner `n`, signed as a JWT.
fn badge(key: &PKey<Private>, n: u32, kind: &str, day: &str) -> String {
    let header = r#"{"alg":"EdDSA","kid":"2025"}"#;
    let claims = format!(
        r#"{{
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
  "id": "urn:badge:{n}", "type": ["VerifiableCredential", "OpenBadgeCredential"],
  "issuer": {{ "id": "{REGISTRAR}", "type": ["Profile"] }}, "validFrom": "{day}T00:00:00Z",
  "credentialSubject": {{
    "id": "urn:student:S{n:05}", "type": ["AchievementSubject"],
    "achievement": {{ "id": "urn:a:{kind}", "type": ["Achievement"], "name": "A", "achievementType": "{kind}" }}
  }}
}}"#
    );
    let signed = format!("{}.{}", url_safe(header.as_bytes()), url_safe(claims.as_bytes()));
    let mut signer = Signer::new_without_digest(key).unwrap();
    let signature = signer.sign_oneshot_to_vec(signed.as_bytes()).unwrap();
    format!("{signed}.{}", url_safe(&signature))
}

/// 200 certificates and 100 short courses, and what must not count.
fn badges(folder: &Path, key: &PKey<Private>) {
    fs::create_dir_all(folder.join("2025")).unwrap();
    for n in 0..300 {
        let kind = if n < 200 { "Certificate" } else { "ext:ShortCourse" };
        fs::write(folder.join(format!("2025/{n}.jwt")), badge(key, n, kind, "2025-05-20")).unwrap();
    }
    let other = PKey::generate_ed25519().unwrap();
    fs::write(folder.join("copy.jwt"), badge(key, 7, "Certificate", "2025-05-20")).unwrap();
    fs::write(folder.join("forged.jwt"), badge(&other, 900, "Certificate", "2025-05-20")).unwrap();
    fs::write(folder.join("future.jwt"), badge(key, 901, "Certificate", "2099-05-20")).unwrap();
    let unsigned = badge(key, 902, "Certificate", "2025-05-20");
    let claims = unsigned.split('.').nth(1).unwrap();
    let json = openssl::base64::decode_block(&padded(claims)).unwrap();
    fs::write(folder.join("unsigned.json"), json).unwrap();
    fs::write(folder.join("readme.txt"), "badges").unwrap();
}

/// In the alphabet that openssl reads.
fn padded(text: &str) -> String {
    let text = text.replace('-', "+").replace('_', "/");
    format!("{text}{}", "=".repeat((4 - text.len() % 4) % 4))
}

/// The shipped example, with this key in place of those it shows.
fn mapping(key: &PKey<Private>) -> String {
    let example = include_str!("../../examples/mappings/open-badges.toml");
    let x = url_safe(&key.raw_public_key().unwrap());
    let start = example.find("keys = [").unwrap();
    let end = start + example[start..].find("\n]").unwrap() + "\n]".len();
    let keys =
        format!(r#"keys = ['{{ "kty": "OKP", "crv": "Ed25519", "x": "{x}", "kid": "2025" }}']"#);
    let taxonomy = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/credentials/taxonomy.toml");
    let text = format!("{}{keys}{}", &example[..start], &example[end..]);
    text.replace("../credentials/taxonomy.toml", taxonomy)
}

#[test]
fn badges_are_imported_verified_told_and_counted_by_type() {
    let site = Site::under(|mou| format!("{mou}{KPI}"));
    let key = PKey::generate_ed25519().unwrap();
    let folder = site.dir().join("badges");
    badges(&folder, &key);
    fs::write(site.dir().join("badges.toml"), mapping(&key)).unwrap();
    let import = |source: &str| {
        site.run(
            COLLEGE,
            &[
                "import",
                source,
                "--mapping",
                "badges.toml",
                "--as-of",
                "2026-01-15",
                "--covers",
                "2025",
            ],
        )
    };
    let told = import("badges").well();
    for line in [
        "304 files read, 1 others passed over, 0 links not followed",
        "304 credentials: 300 imported as verified, 0 as unverified, 1 copies not counted again",
        "1 unverified, left out as the mapping says:\n    unsigned.json: has no proof",
        "2 rejected (1 not yet valid, 1 proof):",
        "forged.jwt: its signature does not fit",
        "future.jwt: is not valid yet",
        "award: 300 rows, 300 learners",
    ] {
        assert!(format!("{}{}", told.out, told.err).contains(line), "{line}\n{told:?}");
    }
    let serving = site.serve();
    let asked = site.run(
        CHAMBER,
        &["ask", "credentials", "--period", "2025", "--by", "credential_type", "--format", "csv"],
    );
    let asked = asked.well().out;
    for (code, exact) in [("Certificate", 200), ("MicroCredential", 100)] {
        let line = asked.lines().find(|line| line.split(',').any(|field| field == code));
        let line = line.unwrap_or_else(|| panic!("{code}\n{asked}"));
        let numbers = line.split(',').filter_map(|field| field.parse::<i64>().ok());
        // Six standard deviations of a margin of 10.
        let near = numbers.into_iter().any(|number| (number - exact).abs() <= 31);
        assert!(near, "{line}");
    }
    assert_eq!(serving.stop().0, Some(0));
}

#[test]
fn a_folder_without_a_badge_that_counts_leaves_the_snapshot_in_use() {
    let site = Site::under(|mou| format!("{mou}{KPI}"));
    let (key, other) = (PKey::generate_ed25519().unwrap(), PKey::generate_ed25519().unwrap());
    let current = || fs::read(site.home(COLLEGE).join("snapshots/current")).unwrap();
    let before = current();
    fs::write(site.dir().join("forged.jwt"), badge(&other, 1, "Certificate", "2025-05-20"))
        .unwrap();
    fs::write(site.dir().join("badges.toml"), mapping(&key)).unwrap();
    let said = site.run(
        COLLEGE,
        &[
            "import",
            "forged.jwt",
            "--mapping",
            "badges.toml",
            "--as-of",
            "2026-01-15",
            "--covers",
            "2025",
        ],
    );
    said.badly(1, &["no credential could be imported", "forged.jwt: its signature does not fit"]);
    assert_eq!(current(), before);
}
