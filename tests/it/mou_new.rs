//! `sumac mou new`: from flags or from typed answers to a small agreement that `sumac mou check` passes.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use sumac_keys::Root;
use sumac_policy::{Mou, Problem, Severity};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mou/pilot");
const COLLEGE: &str = "lakeshore-cc:college:Lakeshore Community College:node.lakeshore.example:7443:\
                       registrar@lakeshore.example,it@lakeshore.example";
const CHAMBER: &str = "lakeshore-chamber:backbone:Lakeshore Chamber of Commerce::\
                       data@chamber.example,director@chamber.example";

fn sumac(dir: &Path, words: &[&str], typed: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sumac"));
    command.arg("mou").args(words).current_dir(dir).env_remove("RUST_LOG");
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A verb that asks nothing may have ended before it could read.
    let _ = child.stdin.take().unwrap().write_all(typed.as_bytes());
    child.wait_with_output().unwrap()
}

/// The flags that make the example.
fn pilot() -> Vec<String> {
    let root = |party: &str, digit: &str| format!("{party}=sha256:{}", digit.repeat(64));
    let (college, chamber) = (root("lakeshore-cc", "1"), root("lakeshore-chamber", "6"));
    let words = [
        "new",
        "mou",
        "--yes",
        "--title",
        "Lakeshore pilot",
        "--effective",
        "2026-09-01",
        "--party",
        COLLEGE,
        "--party",
        CHAMBER,
        "--root",
        &college,
        "--root",
        &chamber,
    ];
    words.map(str::to_owned).to_vec()
}

fn run(words: &[String]) -> (tempfile::TempDir, Output) {
    let dir = tempfile::tempdir().unwrap();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let output = sumac(dir.path(), &words, "");
    (dir, output)
}

fn written(words: &[String]) -> String {
    let (dir, output) = run(words);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(dir.path().join("mou/mou.toml")).unwrap()
}

/// One clear error, and nothing written.
fn refused(words: &[String], says: &[&str]) {
    let (dir, output) = run(words);
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{error}");
    assert_eq!(error.matches("error: ").count(), 1, "{error}");
    for word in says {
        assert!(error.contains(word), "`{word}` is not said:\n{error}");
    }
    assert!(!dir.path().join("mou").exists(), "nothing is written");
}

fn with(words: &[&str]) -> Vec<String> {
    pilot().into_iter().chain(words.iter().map(|word| (*word).to_owned())).collect()
}

fn instead(of: &str, word: &str) -> Vec<String> {
    let words: Vec<_> = pilot()
        .into_iter()
        .map(|known| if known == of { word.to_owned() } else { known })
        .collect();
    assert!(words.iter().any(|known| known == word));
    words
}

fn problems(text: &str) -> Vec<Problem> {
    Mou::examine(text.as_bytes()).unwrap().1
}

#[test]
fn the_example_pilot_is_what_is_written() {
    let text = written(&pilot());
    if std::env::var_os("SUMAC_WRITE_GOLDEN").is_some() {
        fs::write(Path::new(EXAMPLE).join("mou.toml"), &text).unwrap();
    }
    assert_eq!(text, fs::read_to_string(Path::new(EXAMPLE).join("mou.toml")).unwrap());
}

#[test]
fn what_is_written_passes_the_check_without_a_word() {
    assert_eq!(problems(&written(&pilot())), []);
    let said = sumac(Path::new(EXAMPLE), &["check", "."], "");
    let text = String::from_utf8(said.stdout).unwrap();
    assert!(
        said.status.success() && !text.contains("error:") && !text.contains("warning:"),
        "{text}"
    );
}

#[test]
fn every_answer_is_used() {
    let employer = "bay-fab:employer:Bay \"Fab\" Ltd:sumac.bayfab.example:7000:hr@bay.example,boss@bay.example";
    let text = written(&with(&[
        "--id",
        "lake-7",
        "--party",
        employer,
        "--asks",
        "lakeshore-cc",
        "--asks",
        "lakeshore-chamber",
        "--kpi",
        "ipeds/retention_fall",
        "--kpi",
        "coalition/hires_of_completers",
        "--purpose",
        "first-look",
        "--year-starts",
        "01-01",
        "--first-period",
        "2024",
        "--group-size",
        "400",
        "--root",
        &format!("bay-fab=sha256:{}", "3".repeat(64)),
    ]));
    let mou = Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((mou.id(), mou.title(), mou.version()), ("lake-7", "Lakeshore pilot", 1));
    assert_eq!(mou.effective().to_string(), "2026-09-01");
    assert_eq!(mou.calendar().year_starts.to_string(), "01-01");
    assert_eq!(mou.calendar().first_period.to_string(), "2024");
    assert_eq!(mou.terms().purposes.first().map(|purpose| purpose.as_str()), Some("first-look"));
    let party = &mou.parties()[2];
    assert_eq!((party.name.as_str(), party.kind.as_str()), ("Bay \"Fab\" Ltd", "employer"));
    assert_eq!(party.address.as_deref(), Some("sumac.bayfab.example:7000"));
    assert_eq!(party.contacts, ["hr@bay.example", "boss@bay.example"]);
    assert_eq!(party.root.to_string(), format!("sha256:{}", "3".repeat(64)));
    let may_ask: Vec<_> = mou
        .parties()
        .iter()
        .filter(|party| mou.may(&party.id, sumac_policy::Capability::Ask))
        .map(|party| party.id.as_str())
        .collect();
    assert_eq!(may_ask, ["lakeshore-cc", "lakeshore-chamber"]);
    let kpis: Vec<_> = mou
        .kpis()
        .iter()
        .map(|kpi| (kpi.id.as_str(), kpi.by[1].to_string(), kpi.margin.learners()))
        .collect();
    assert_eq!(
        kpis,
        [
            ("retention_fall", "sex".to_owned(), 25),
            ("hires_of_completers", "credential_type".to_owned(), 40)
        ]
    );
    let by = written(&with(&["--by", "age_band"]));
    assert!(by.contains("by          = [[], [\"age_band\"]]"), "{by}");
}

#[test]
fn margins_are_widened_until_the_budget_holds_the_year_and_that_is_said() {
    let (dir, output) = run(&with(&[
        "--group-size",
        "15",
        "--kpi",
        "ipeds/completers",
        "--kpi",
        "ipeds/retention_fall",
    ]));
    let text = fs::read_to_string(dir.path().join("mou/mou.toml")).unwrap();
    assert_eq!(problems(&text), []);
    let mou = Mou::read(text.as_bytes()).unwrap();
    assert!(sumac_privacy::budget::lint(&mou).is_empty());
    assert!(mou.kpis().iter().all(|kpi| kpi.margin.learners() == 10), "±5 would cost 0.307 a year");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("groups of 15 are small: at ±10"), "{said}");
}

#[test]
fn a_root_from_a_file_is_pinned_and_put_where_signing_looks_for_it() {
    let root =
        Root::create(&"lakeshore-cc".parse().unwrap(), "Lakeshore", jiff::Timestamp::UNIX_EPOCH)
            .unwrap();
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("lcc.pem"), root.certificate_pem()).unwrap();
    let college = format!("lakeshore-cc=sha256:{}", "1".repeat(64));
    let words = instead(&college, "lakeshore-cc=lcc.pem");
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let output = sumac(dir.path(), &words, "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(dir.path().join("mou/mou.toml")).unwrap();
    assert!(text.contains(&root.fingerprint().to_string()));
    let copied = fs::read_to_string(dir.path().join("mou/parties/lakeshore-cc.pem")).unwrap();
    assert_eq!(copied, root.certificate_pem());
}

#[test]
fn a_root_not_yet_known_is_obvious_and_caught_by_the_check() {
    let words: Vec<_> = pilot().into_iter().take(11).collect();
    let text = written(&words);
    assert_eq!(text.matches("root     = \"TODO\"").count(), 2, "{text}");
    let found = problems(&text);
    assert_eq!(found.len(), 2, "{found:?}");
    for problem in found {
        assert_eq!(problem.severity, Severity::Error);
        assert!(problem.hint.contains("`sumac init` prints it"), "{problem}");
    }
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("mou")).unwrap();
    fs::write(dir.path().join("mou/mou.toml"), "signed by everybody").unwrap();
    let words = pilot();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let output = sumac(dir.path(), &words, "");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not overwritten"));
    assert_eq!(fs::read_to_string(dir.path().join("mou/mou.toml")).unwrap(), "signed by everybody");
}

#[test]
fn a_bad_answer_is_one_clear_error() {
    refused(
        &instead(COLLEGE, "lakeshore-cc:school:L:h:1:a,b"),
        &["`school` is not a kind of party"],
    );
    refused(&instead(COLLEGE, "lakeshore-cc:college:L:h:1:a"), &["fewer than two people"]);
    refused(&instead(COLLEGE, "lakeshore-cc:college:L::a,b"), &["has no address"]);
    refused(&instead(CHAMBER, COLLEGE), &["`lakeshore-cc` is named twice"]);
    refused(&with(&["--asks", "nobody"]), &["`nobody` is to ask, and is not a party"]);
    refused(&with(&["--kpi", "ipeds/graduation"]), &["`ipeds/graduation`", "ipeds/graduation_150"]);
    refused(&with(&["--kpi", "coalition/hires_of_completers"]), &["no party here can answer"]);
    refused(&with(&["--by", "credential"]), &["no dimension `credential`"]);
    refused(&with(&["--by", "soc2"]), &["`soc2`", "leave it out of this KPI"]);
    refused(&with(&["--first-period", "2025"]), &["are written like 2025-26"]);
    refused(&with(&["--root", "lakeshore-cc=sha256:12"]), &["64 hexadecimal digits"]);
    refused(&with(&["--root", "nobody=a.pem"]), &["`nobody`, which is not a party"]);
    let words: Vec<_> =
        pilot().into_iter().filter(|word| word != "--title" && word != "Lakeshore pilot").collect();
    refused(&words, &["no flag answers: The coalition's name", "--title"]);
}

const TYPED: &[&str] = &[
    "Lakeshore pilot",
    "",
    "lakeshore-cc",
    "Lakeshore Community College",
    "college",
    "node.lakeshore.example:7443",
    "registrar@lakeshore.example, it@lakeshore.example",
    "",
    "lakeshore-chamber",
    "Lakeshore Chamber of Commerce",
    "backbone",
    "data@chamber.example,director@chamber.example",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
    "",
];

#[test]
fn typed_answers_make_the_same_file_as_flags() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        sumac(dir.path(), &["new", "mou", "--effective", "2026-09-01"], &(TYPED.join("\n") + "\n"));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{said}");
    let text = fs::read_to_string(dir.path().join("mou/mou.toml")).unwrap();
    let words: Vec<_> = pilot().into_iter().take(11).collect();
    assert_eq!(text, written(&words));
    assert!(said.contains("Which party asks [lakeshore-chamber]: "), "{said}");
}

#[test]
fn a_bad_or_missing_typed_answer_names_its_question() {
    let dir = tempfile::tempdir().unwrap();
    for (typed, says) in [
        ("A pilot\n\nNot An Id\n", "`Not An Id`"),
        ("A pilot\n\n", "the answers end before: Party 1"),
    ] {
        let output = sumac(dir.path(), &["new", "mou"], typed);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains(says) && error.contains("hint: "), "{error}");
        assert!(!dir.path().join("mou").exists());
    }
}
