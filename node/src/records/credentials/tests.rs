//! What becomes of credentials: real ones, ones made here, and bad ones.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

mod baked;
mod embedded;
mod fixtures;
mod folders;
mod fuzz;
mod signed;
mod standing;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};
use sumac_policy::standard;

use super::desk::Desk;
use super::fault::{Doubt, Fault};
use super::form::PersonFrom;
use super::judge::{Award, Judge, Verdict};
use super::key::Key;
use super::linked::Contexts;
use super::status;
use super::taxonomy::{Lists, Taxonomy};
use super::trust::{Issuer, Issuers};
use super::*;

const NOW: &str = "2026-10-15T12:00:00Z";
const ISSUER: &str = "https://college.example/registrar";

/// Where each context is published, and the file here that says as much of it as the tests need. They are
/// written for the tests: which term stands for which IRI, and nothing else.
const CONTEXTS: [(&str, &[u8]); 14] = [
    ("https://www.w3.org/ns/credentials/v2", include_bytes!("tests/contexts/credentials-v2.json")),
    (
        "https://www.w3.org/2018/credentials/v1",
        include_bytes!("tests/contexts/credentials-v1.json"),
    ),
    (
        "https://w3id.org/security/data-integrity/v1",
        include_bytes!("tests/contexts/data-integrity-v1.json"),
    ),
    (
        "https://w3id.org/security/suites/ed25519-2020/v1",
        include_bytes!("tests/contexts/ed25519-2020.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/extensions.json",
        include_bytes!("tests/contexts/extensions.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context.json",
        include_bytes!("tests/contexts/badges-3.0.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.json",
        include_bytes!("tests/contexts/badges-3.0.json"),
    ),
    (
        "https://imsglobal.github.io/openbadges-specification/context.json",
        include_bytes!("tests/contexts/badges-3.0.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json",
        include_bytes!("tests/contexts/badges-3.0.1.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json",
        include_bytes!("tests/contexts/badges-3.0.2.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
        include_bytes!("tests/contexts/badges-3.0.3.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/clr/v2p0/context.json",
        include_bytes!("tests/contexts/clr-2.0.json"),
    ),
    (
        "https://purl.imsglobal.org/spec/clr/v2p0/context-2.0.1.json",
        include_bytes!("tests/contexts/clr-2.0.1.json"),
    ),
    (
        "https://dc.imsglobal.org/draft/clr/v2p0/context",
        include_bytes!("tests/contexts/clr-2.0.json"),
    ),
];

/// What credentials are judged by in these tests.
struct Bench {
    desk: Desk,
    person: PersonFrom,
    now: Timestamp,
}

impl Bench {
    fn new() -> Self {
        let mut contexts = Contexts::default();
        for (url, bytes) in CONTEXTS {
            assert!(contexts.insert(url, bytes), "{url}");
        }
        let lists = Lists::of(&standard().schema).unwrap();
        let desk = Desk {
            issuers: Issuers::new(),
            contexts: Arc::new(contexts),
            lists: status::Lists::new(),
            taxonomy: Taxonomy::standard(lists),
        };
        let person = PersonFrom::Subject { after: String::new() };
        Self { desk, person, now: NOW.parse().unwrap() }
    }

    fn trusting(mut self, issuer: &str, keys: &[&str]) -> Self {
        let keys = keys.iter().map(|key| Key::read(key).unwrap());
        let issuer = self.desk.issuers.entry(issuer.to_owned()).or_default();
        issuer.keys.extend(keys);
        self
    }

    fn trusting_headers(mut self, issuer: &str) -> Self {
        let issuer: &mut Issuer = self.desk.issuers.entry(issuer.to_owned()).or_default();
        issuer.header_keys = true;
        self
    }

    fn list(mut self, url: &str, bytes: &[u8]) -> Self {
        self.desk.lists.insert(url.to_owned(), status::List::read(bytes).unwrap());
        self
    }

    fn judge(&self, name: &str, bytes: &[u8]) -> Vec<Verdict> {
        let Self { desk, person, now } = self;
        Judge { desk, person, now: *now }.file(name, Ok(bytes.to_vec()))
    }

    /// The verdict on a file with one credential.
    fn one(&self, bytes: impl AsRef<[u8]>) -> Verdict {
        let mut verdicts = self.judge("badge.json", bytes.as_ref());
        assert_eq!(verdicts.len(), 1, "{verdicts:?}");
        verdicts.remove(0)
    }
}

/// A verdict in one word: `verified`, `unverified`, `nothing`, `endorsement` or the reason of a rejection.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Award(_, None) => "verified",
        Verdict::Award(_, Some(_)) => "unverified",
        Verdict::Nothing => "nothing",
        Verdict::Endorsement => "endorsement",
        Verdict::Rejected(fault) => fault.reason(),
    }
}

fn doubt(verdict: Verdict) -> Doubt {
    match verdict {
        Verdict::Award(_, Some(doubt)) => doubt,
        other => panic!("{other:?}"),
    }
}

fn fault(verdict: Verdict) -> Fault {
    match verdict {
        Verdict::Rejected(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn award(verdict: Verdict) -> Award {
    match verdict {
        Verdict::Award(award, _) => award,
        other => panic!("{other:?}"),
    }
}

/// An award's credential type as a word.
fn kind(award: &Award) -> String {
    let schema = &standard().schema;
    let codes = schema.column(sumac_policy::TableName::Award, "credential_type").unwrap();
    let [kind, ..] = award.placed.codes;
    kind.map_or("unknown".to_owned(), |at| codes.kind.codes().unwrap()[usize::from(at)].id.clone())
}

/// A badge of VC 2.0 without a proof.
fn badge() -> Value {
    json!({
        "@context": [
            "https://www.w3.org/ns/credentials/v2",
            "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
        ],
        "id": "https://college.example/credentials/1",
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "issuer": { "id": ISSUER, "type": ["Profile"], "name": "College" },
        "validFrom": "2026-05-20T00:00:00Z",
        "credentialSubject": {
            "id": "urn:student:A001",
            "type": ["AchievementSubject"],
            "achievement": {
                "id": "https://college.example/achievements/welding",
                "type": ["Achievement"],
                "achievementType": "Certificate",
                "name": "Welding",
                "description": "Can weld",
                "criteria": { "narrative": "Welded" }
            }
        }
    })
}

/// A folder of the test data, or none with a clear line where it is absent.
fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SUMAC_TEST_DATA").map(|data| PathBuf::from(data).join(name));
    let found = folder.filter(|folder| folder.is_dir());
    if found.is_none() {
        let why = format!("skipped: SUMAC_TEST_DATA does not name a directory that holds `{name}`");
        assert!(std::env::var_os("SUMAC_TEST_DATA_REQUIRED").is_none(), "{why}");
        eprintln!("{why}");
    }
    found
}
