//! `sumac mou explain`: the shipped example in words, kept word for word, and what it says to questions.
//!
//! `SUMAC_WRITE_GOLDEN=1 cargo test --test it mou_explain` writes the words anew: read the difference aloud.

use std::process::{Command, Output};

const LAKESHORE: &str = "examples/mou/lakeshore";
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/mou_explain/lakeshore.txt");

fn explain(words: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
    command.args(["mou", "explain"]).args(words).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.env_remove("RUST_LOG").output().unwrap()
}

fn said(words: &[&str]) -> (Option<i32>, String) {
    let output = explain(words);
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn the_example_in_words_is_as_it_was_read_aloud() {
    let (code, text) = said(&[LAKESHORE]);
    assert_eq!(code, Some(0));
    if std::env::var_os("SUMAC_WRITE_GOLDEN").is_some() {
        std::fs::write(GOLDEN, &text).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap();
    for (n, (found, kept)) in text.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, kept, "line {} of {GOLDEN}", n + 1);
    }
    assert_eq!(text, golden, "one is longer than the other");
    let widest = text.lines().map(|line| line.chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} characters in a line");
}

#[test]
fn programs_get_the_same_sentences_with_clauses_and_keepers() {
    let (code, text) = said(&[LAKESHORE, "--format", "json"]);
    assert_eq!(code, Some(0));
    let sentences: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
    let (_, words) = said(&[LAKESHORE]);
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in &sentences {
        assert!(words.contains(sentence["sentence"].as_str().unwrap()), "{sentence}");
        assert!(!sentence["clauses"].as_array().unwrap().is_empty());
        for keeper in sentence["enforced_by"].as_array().unwrap() {
            let keeper = keeper.as_str().unwrap();
            assert!(["reading", "node", "backbone", "people"].contains(&keeper), "{keeper}");
        }
    }
    assert!(sentences.len() > 100);
    let floor =
        sentences.iter().find(|sentence| sentence["clauses"][0] == "privacy.floor").unwrap();
    assert_eq!(floor["enforced_by"][0], "backbone");
}

fn answers(words: &[&str], code: i32, says: &[&str]) {
    let (found, text) = said(words);
    assert_eq!(found, Some(code), "{text}");
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for word in says {
        assert!(text.contains(word), "`{word}` is not said:\n{text}");
    }
}

#[test]
fn a_question_is_answered_party_by_party() {
    let retention = [LAKESHORE, "retention", "--on", "2026-08-01"];
    answers(
        &[&retention[..], &["--by", "race_ethnicity"]].concat(),
        0,
        &[
            "2025-26, by race_ethnicity, for `annual-report`, asked by `lakeshore-chamber` on 2026-08-01",
            "harbor-tech: would answer [kpi.retention.by]: each count within 10 learners, 95 % of the time; \
             costs 3.9 % of its budget of the year, ρ = 0.019208, and nothing once it is released.",
            "bay-fabrication: would refuse (KPI_NOT_ANSWERED_HERE) [kpi.retention.answered_by]",
            "nobody was asked",
        ],
    );
    answers(
        &[&retention[..], &["--as", "harbor-tech"]].concat(),
        0,
        &["and else refuse (NOT_RELEASED_YET) [kpi.retention.by, roles]"],
    );
    answers(
        &[&retention[..], &["--by", "pell"]].concat(),
        3,
        &[
            "(RESTRICTED) [restrict[1]]: `pell` is restricted: Pell status comes from FAFSA records. Hint: ask without it.",
        ],
    );
    answers(
        &[&retention[..], &["--purpose", "marketing"]].concat(),
        3,
        &["(PURPOSE_NOT_LISTED) [agreement.purposes]"],
    );
    answers(
        &[&retention[..], &["--period", "2026-27"]].concat(),
        3,
        &["(PERIOD_NOT_CLOSED) [calendar.wait_days]", "Hint: ask from 2027-07-22."],
    );
    answers(&[LAKESHORE, "hires", "--on", "2026-08-01"], 3, &["(KPI_NOT_LISTED) [kpi]"]);
}

#[test]
fn a_question_is_answered_for_programs_too() {
    let words = [LAKESHORE, "retention", "--on", "2026-08-01", "--format", "json"];
    let (code, text) = said(&words);
    let said: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(
        (said["period"].as_str(), said["as"].as_str()),
        (Some("2025-26"), Some("lakeshore-chamber"))
    );
    let college = &said["parties"][0];
    assert_eq!(
        (college["would"].as_str(), college["price_nano_rho"].as_u64()),
        (Some("answer"), Some(19_208_000))
    );
    assert_eq!(college["clause"], "kpi.retention.by");
    assert_eq!(said["parties"][2]["reason"], "KPI_NOT_ANSWERED_HERE");
}

#[test]
fn a_party_that_is_not_listed_is_an_error_with_those_that_are() {
    let output = explain(&[LAKESHORE, "retention", "--as", "nobody"]);
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("lists no party `nobody`") && error.contains("harbor-tech"), "{error}");
}
