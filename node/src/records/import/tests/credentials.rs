//! Credentials beside other files.

use super::*;

const ENROLMENT: &str = "ID,GENDER,RACE,START,CREDITS,COHORT\nA001,F,7,09/01/2025,12.5,2025-26\n";

const CREDENTIALS: &str = r#"
format = "sumac-mapping/1"
title  = "Badges"

[credentials]
person     = { subject_after = "urn:student:" }
unverified = "import"
"#;

/// A badge of this learner.
fn badge(n: u32, learner: &str, kind: &str) -> String {
    format!(
        r#"{{
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],
  "id": "urn:badge:{n}", "type": ["VerifiableCredential", "OpenBadgeCredential"],
  "issuer": {{ "id": "https://college.example", "type": "Profile" }}, "validFrom": "1969-05-20T00:00:00Z",
  "credentialSubject": {{
    "id": "urn:student:{learner}", "type": "AchievementSubject",
    "identifier": [{{
      "type": "IdentityObject", "identityType": "emailAddress", "identityHash": "ada@mail.example", "hashed": false
    }}],
    "achievement": {{ "id": "urn:a", "type": "Achievement", "name": "A", "achievementType": "{kind}" }}
  }}
}}"#
    )
}

fn folder(badges: &[(&str, String)], mapping: &str) -> Files {
    let files = Files::one(MAPPING, ENROLMENT);
    let folder = files.directory.path().join("badges");
    fs::create_dir(&folder).unwrap();
    for (name, text) in badges {
        fs::write(folder.join(name), text).unwrap();
    }
    let mut files = files;
    let mapping =
        Mapping::read(mapping.as_bytes(), &files.directory.path().join("m.toml"), schema());
    let mapping = mapping.unwrap_or_else(|error| panic!("{error}"));
    files.sources.push(Source::file(folder, mapping));
    files
}

#[test]
fn badges_are_awards_of_the_same_learners() {
    let files = folder(
        &[
            ("1.json", badge(1, "A001", "Certificate")),
            ("1-again.json", badge(1, "A001", "Certificate")),
            ("2.json", badge(2, "A001", "ext:Odd")),
            ("3.json", badge(3, "A002", "Badge")),
            ("4.json", badge(4, "A002", "Badge").replace("1969-05-20", "2069-05-20")),
            ("notes.txt", String::new()),
        ],
        CREDENTIALS,
    );
    let (canonical, summary) = files.read().unwrap();
    let awards = &canonical.tables[&TableName::Award];
    let enrolment = &canonical.tables[&TableName::Enrolment];
    let shared = awards.person.iter().filter(|person| enrolment.person.contains(person)).count();
    assert_eq!((awards.person.len(), shared), (3, 2));
    let of = |column| {
        let mut words = words(awards, schema(), TableName::Award, column);
        words.sort();
        words
    };
    assert_eq!(of("credential_type"), ["Badge", "Certificate", "other"]);
    assert_eq!(of("source"), ["ob3"; 3]);
    assert_eq!(of("award_level"), ["unknown"; 3]);
    assert_eq!(values(awards, "awarded_on"), &Values::Date(vec![Some(-226); 3]));
    assert_eq!(values(awards, "revoked_on"), &Values::Date(vec![None; 3]));
    let told = summary.for_terminal().to_string();
    for line in [
        "5 files read, 1 others passed over",
        "5 credentials: 0 imported as verified, 3 as unverified, 1 copies not counted again",
        "4 unverified, imported as the mapping says:",
        "1.json: has no proof",
        "1 rejected (1 not yet valid):",
        "4.json: is not valid yet",
        "not in the mapping: ext:Odd in 1 rows",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    // What identifies a learner is neither told nor kept.
    for secret in ["ada@mail.example", "urn:student"] {
        assert!(!told.contains(secret), "{told}");
    }
    for entry in walk(&files.directory.path().join("snapshots")) {
        let bytes = fs::read(&entry).unwrap();
        for secret in ["ada@mail.example", "A001", "urn:badge"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{}: {secret}", entry.display());
        }
    }
}

#[test]
fn a_badge_in_two_sources_counts_once() {
    let mut files = folder(
        &[("1.json", badge(1, "A001", "Badge")), ("2.json", badge(2, "A001", "Badge"))],
        CREDENTIALS,
    );
    files.sources.extend(files.sources.last().cloned());
    let (canonical, _) = files.read().unwrap();
    assert_eq!(canonical.tables[&TableName::Award].person.len(), 2);
}

/// Every file below a directory.
fn walk(path: &std::path::Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[test]
fn an_import_without_a_single_credential_changes_nothing() {
    let left_out = CREDENTIALS.replace("\"import\"", "\"leave_out\"");
    let problems = folder(&[("1.json", badge(1, "A001", "Badge"))], &left_out).problems();
    let expected = "`badges`: no credential could be imported\n  1 files read";
    assert!(problems.starts_with(expected), "{problems}");
    assert!(problems.contains("1.json: has no proof"), "{problems}");
    let problems = folder(&[], CREDENTIALS).problems();
    assert!(problems.starts_with("`badges`: no credential could be imported"), "{problems}");
}

#[test]
fn the_operators_own_files_must_be_sound() {
    let judged = |more: &str| {
        let mapping = CREDENTIALS.replace("unverified =", &format!("{more}\nunverified ="));
        folder(&[("1.json", badge(1, "A001", "Badge"))], &mapping).problems()
    };
    let missing = judged("taxonomy = \"none.toml\"");
    assert!(missing.starts_with("`none.toml`: No such file"), "{missing}");
    let context = judged("contexts = { \"https://x.example/\" = \"students.csv\" }");
    assert!(context.starts_with("`students.csv`: is no JSON-LD context"), "{context}");
    let list = judged("status_lists = { \"https://x.example/\" = \"students.csv\" }");
    assert!(list.starts_with("`students.csv`: is neither a bitstring status list"), "{list}");
    let key = judged("issuer = [{ id = \"https://x.example/\", key_files = [\"students.csv\"] }]");
    assert!(key.starts_with("`students.csv`: is not a JWK"), "{key}");
    let only =
        folder(&[("1.json", badge(1, "A001", "Badge"))], CREDENTIALS).only("GENDER=F").problems();
    assert!(only.contains("credentials have no columns that --only could look at"), "{only}");
}

#[test]
fn credentials_fill_the_columns_that_other_award_files_fill() {
    let awards = r#"
format = "sumac-mapping/1"
title  = "Awards"

[[table]]
table  = "award"
person = "ID"

[table.columns]
awarded_on      = "DAY"
credential_type = { value = "Certificate" }
major           = { value = "first" }
"#;
    let files = folder(&[("1.json", badge(1, "A001", "Badge"))], CREDENTIALS);
    let files = files.and("awards.csv", awards, "ID,DAY\nA001,2026-05-20\n");
    assert!(matches!(files.read(), Err(ImportError::Uneven { .. })));
    let named =
        CREDENTIALS.to_owned() + "columns = [\"awarded_on\", \"credential_type\", \"major\"]\n";
    let files = folder(&[("1.json", badge(1, "A001", "Badge"))], &named);
    let files = files.and("awards.csv", awards, "ID,DAY\nA001,2026-05-20\n");
    let (canonical, _) = files.read().unwrap();
    let awards = &canonical.tables[&TableName::Award];
    let kinds = words(awards, schema(), TableName::Award, "credential_type");
    assert_eq!(kinds, ["Badge", "Certificate"]);
    let majors = words(awards, schema(), TableName::Award, "major");
    assert_eq!(majors, ["unknown", "first"]);
}

#[test]
fn a_mapping_for_credentials_tells_all_its_problems_with_their_lines() {
    let text = r#"format = "sumac-mapping/1"
title  = "Badges"
[credentials]
person     = "name"
unverified = "maybe"
columns    = ["awarded_on", "name"]
contexts   = { "https://x.example/" = 7 }
[[credentials.issuer]]
id   = "https://x.example/"
keys = ["secret"]
[[credentials.issuer]]
id   = "https://y.example/"
"#;
    let error = Mapping::read(text.as_bytes(), &PathBuf::from("m.toml"), schema()).unwrap_err();
    let lines: Vec<_> = error.to_string().lines().skip(1).map(str::to_owned).collect();
    let expected = [
        "line 4: credentials.person: does not say what tells whose",
        "line 5: credentials.unverified: is neither",
        "line 6: credentials.columns: `name` is not a column of `award`",
        "line 6: credentials.columns: `credential_type` and `awarded_on` are needed",
        "line 7: credentials.contexts.https://x.example/: the name of a file",
        "line 8: credentials.issuer[1]: the issuer has no key",
        "line 10: credentials.issuer[1].keys: key 1 is not a JWK",
        "line 11: credentials.issuer[2]: the issuer has no key",
    ];
    assert_eq!(lines.len(), expected.len(), "{error}");
    for (line, expected) in lines.iter().zip(expected) {
        assert!(line.starts_with(expected), "{error}\nexpected: {expected}");
    }
}
