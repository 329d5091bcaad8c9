//! `sumac mou diff`, as people and programs read it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The example as a folder, and an edit of it as a bare file.
struct Drafts {
    dir: tempfile::TempDir,
}

impl Drafts {
    fn new(edits: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let edited = edits.iter().fold(LAKESHORE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "the example has no {from:?}");
            text.replacen(from, to, 1)
        });
        fs::create_dir(dir.path().join("mou")).unwrap();
        fs::write(dir.path().join("mou/mou.toml"), LAKESHORE).unwrap();
        fs::write(dir.path().join("new.toml"), edited).unwrap();
        Self { dir }
    }

    fn old(&self) -> PathBuf {
        self.dir.path().join("mou")
    }

    fn new_file(&self) -> PathBuf {
        self.dir.path().join("new.toml")
    }
}

fn diff(old: &Path, new: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
    command.args(["mou", "diff"]).args([old, new]).args(more).output().unwrap()
}

/// Where this stands in the example, from line 1.
fn line_of(text: &str) -> usize {
    1 + LAKESHORE.lines().position(|line| line.contains(text)).unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn an_amendment_reads_as_a_form_with_a_question_that_shows_it() {
    let replaces = format!("version   = 2\nreplaces = \"sha256:{}\"", "a".repeat(64));
    let drafts = Drafts::new(&[
        ("version   = 1", &replaces),
        ("effective = 2026-07-15", "effective = 2027-01-15"),
        ("[[], [\"credential_type\"]]", "[[], [\"credential_type\"], [\"cip2\"]]"),
        ("floor       = 10", "floor       = 12"),
    ]);
    let output = diff(&drafts.old(), &drafts.new_file(), &["--assert", "narrower"]);
    assert_eq!(output.status.code(), Some(3));
    let text = stdout(&output);
    // `replaces` is one line more.
    let formerly = line_of("[[], [\"credential_type\"]]");
    let clause = format!(
        "   clause       kpi.hires_of_completers.by, line {}, formerly {formerly}\n",
        formerly + 1
    );
    for expected in [
        clause.as_str(),
        "Until 2027-01-15, version 1 stands; compared from that day on, on which version 2 takes effect.",
        "1 change discloses what was not disclosed.",
        "\
1. It newly lets the backbone (`lakeshore-chamber`), and once released every other party, see
   `hires_of_completers` by cip2 at ±15.
   witness      On 2027-01-15 an analyst of `lakeshore-chamber` asks `bay-fabrication` for
                `hires_of_completers`, 2025-Q3, by cip2, for `annual-report`.
   version 1    refuses: BREAKDOWN_NOT_LISTED (kpi.hires_of_completers.by: `hires_of_completers` is
                not broken down by cip2)
   version 2    answers, at ±15
",
        "\
   original     [[], [\"credential_type\"]]
   replacement  [[], [\"credential_type\"], [\"cip2\"]]
",
        "\
2. It withholds groups under 12 learners, where 10 were enough.
",
        "   version 1    answers, with a floor of 10\n   version 2    answers, with a floor of 12\n",
    ] {
        assert!(text.contains(expected), "{expected}\n--- is not in\n{text}");
    }
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("is not narrower:\n  it newly lets the backbone"), "{told}");
    assert!(!told.contains("withholds"), "{told}");
    // The way back narrows that, and widens the floor.
    let output = diff(&drafts.new_file(), &drafts.old(), &["--assert", "narrower"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(stdout(&output).contains("shows groups of 10 learners or more, where it took 12"));
}

#[test]
fn what_only_narrows_passes_and_is_not_the_same() {
    let drafts = Drafts::new(&[("floor       = 10", "floor       = 12")]);
    for (assertion, code) in [("narrower", 0), ("same", 3)] {
        let output = diff(&drafts.old(), &drafts.new_file(), &["--assert", assertion]);
        assert_eq!(output.status.code(), Some(code), "{assertion}");
    }
    let drafts = Drafts::new(&[("[agreement]", "[agreement]   # what for")]);
    let output = diff(&drafts.old(), &drafts.new_file(), &["--assert", "same"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stdout(&output).contains("Nothing differs but comments, spaces and order"));
}

#[test]
fn programs_read_the_same_changes() {
    let drafts =
        Drafts::new(&[("wait_days    = 21", "wait_days    = 30"), ("\"marketing\", ", "")]);
    let output = diff(&drafts.old(), &drafts.new_file(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&json["widens"], &json["same"]), (&Value::from(false), &Value::from(false)));
    let change = &json["changes"][0];
    assert_eq!(change["direction"], "narrows");
    assert_eq!(change["topic"], "wait");
    let witness = &change["witnesses"][0];
    assert_eq!(witness["old"]["answered"], true);
    assert_eq!(witness["new"]["reason"], "PERIOD_NOT_CLOSED");
    assert_eq!(change["clauses"][0]["reference"], "calendar.wait_days");
    assert_eq!(json["beside"][0]["kept_by"], "people");
    assert_eq!(json["beside"][0]["clauses"][0]["reference"], "agreement.prohibited");
}

#[test]
fn another_agreement_is_said_to_be_one_first() {
    let drafts = Drafts::new(&[("\"lakeshore\"", "\"lakeside\"")]);
    let output = diff(&drafts.old(), &drafts.new_file(), &[]);
    assert_eq!(output.status.code(), Some(0));
    let first =
        "These are two agreements, `lakeshore` and `lakeside`, and not two versions of one.";
    assert!(stdout(&output).starts_with(first), "{}", stdout(&output));
}

#[test]
fn an_agreement_with_errors_is_not_compared() {
    let drafts =
        Drafts::new(&[("floor       = 10", "floor       = 2"), ("wait_days ", "wait_dais ")]);
    let output = diff(&drafts.old(), &drafts.new_file(), &[]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).unwrap();
    let floor = format!("new.toml:{}: privacy.floor", line_of("floor       = 10"));
    for expected in [floor.as_str(), "unknown key `wait_dais`", "hint: `sumac mou check"] {
        assert!(told.contains(expected), "{expected}\n--- is not in\n{told}");
    }
    assert!(output.stdout.is_empty());
}
