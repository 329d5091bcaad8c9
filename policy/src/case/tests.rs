#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use super::*;
use crate::problem::Problems;

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

const CASE: &str = r#"format = "sumac-mou-tests/1"

[[test]]
name     = "attainment by sex"
asker    = "lakeshore-chamber"
kpi      = "credential_attainment"
period   = "2025-26"
by       = ["sex"]
purpose  = "annual-report"
on       = 2026-08-01
answered = true
"#;

fn mou(from: &str, to: &str) -> Mou {
    assert!(LAKESHORE.contains(from), "{from}");
    Mou::read(LAKESHORE.replacen(from, to, 1).as_bytes()).unwrap_or_else(|found| panic!("{found}"))
}

fn read(text: &str) -> Case {
    let cases = Case::read_all(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(cases.len(), 1);
    cases.into_iter().next().unwrap()
}

/// The case with one replacement, which must change it.
fn with(from: &str, to: &str) -> String {
    assert!(CASE.contains(from), "{from}");
    CASE.replacen(from, to, 1)
}

/// What fails, under the shipped example.
fn fails(text: &str) -> Vec<String> {
    let otherwise = read(text).run(&mou("", ""));
    otherwise.iter().map(|Otherwise { node, instead }| format!("{node} {instead}")).collect()
}

#[test]
fn a_case_that_holds_names_nobody() {
    for (from, to) in [
        ("answered = true", "answered = true"),
        ("answered = true", "answered = true\nmargin = 10\nderived = false"),
        ("answered = true", "answered = true\nclause = \"kpi.credential_attainment.by\""),
        ("by       = [\"sex\"]\n", ""),
        (
            "on       = 2026-08-01\nanswered = true",
            "on = 2026-07-20\nrefused = \"PERIOD_NOT_CLOSED\"",
        ),
        (
            "[\"sex\"]\npurpose  = \"annual-report\"\non       = 2026-08-01\nanswered = true",
            "[\"pell\"]\npurpose = \"annual-report\"\non = 2026-08-01\nrefused = \"RESTRICTED\"\nclause = \"restrict[1]\"",
        ),
    ] {
        assert_eq!(fails(&with(from, to)), [""; 0], "{to}");
    }
    let reads = with("\"lakeshore-chamber\"", "\"harbor-tech\"")
        .replace("answered = true", "refused = \"NOT_RELEASED_YET\"");
    assert_eq!(fails(&reads), [""; 0]);
    let steward = with("kpi ", "role = \"steward\"\nkpi ")
        .replace("answered = true", "refused = \"ROLE_MAY_NOT_ASK\"");
    assert_eq!(fails(&steward), [""; 0]);
}

#[test]
fn a_case_that_fails_says_what_happens_instead_at_each_node() {
    let both = ["lakeshore-cc", "harbor-tech"];
    for (from, to, instead) in [
        (
            "answered = true",
            "answered = true\nmargin = 20",
            "answers, at ±10, by kpi.credential_attainment.by",
        ),
        ("answered = true", "answered = true\nderived = true", "answers, at ±10"),
        ("answered = true", "answered = true\nclause = \"kpi\"", "answers, at ±10"),
        ("answered = true", "refused = \"RESTRICTED\"", "answers, at ±10"),
        (
            "\"sex\"",
            "\"veteran\"",
            "refuses, BREAKDOWN_NOT_LISTED, by kpi.credential_attainment.by: `credential",
        ),
        (
            "2026-08-01\nanswered = true",
            "2026-07-20\nrefused = \"MOU_EXPIRED\"",
            "refuses, PERIOD_NOT_CLOSED, by calendar.wait_days",
        ),
    ] {
        let failed = fails(&with(from, to));
        assert_eq!(failed.len(), 2, "{failed:?}");
        for (said, node) in failed.iter().zip(both) {
            assert!(said.starts_with(&format!("{node} {instead}")), "{said}");
        }
    }
    // A KPI that nobody answers is asked of everybody: no case holds for want of somebody to ask.
    assert_eq!(fails(&with("credential_attainment", "wages")).len(), 6);
    let alone = with(
        "kpi      = \"credential_attainment\"\nperiod   = \"2025-26\"\nby       = [\"sex\"]",
        "nodes = [\"bay-fabrication\"]\nkpi = \"hires_of_completers\"\nperiod = \"2026-Q1\"",
    );
    assert!(fails(&alone).concat().contains("ROSTER_TOO_SMALL"));
}

#[test]
fn an_amendment_that_undoes_an_intention_is_noticed() {
    let case = read(&with("answered = true", "answered = true\nmargin = 10"));
    assert!(case.run(&mou("", "")).is_empty());
    let shorter = mou(
        "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]\nperiod      = \"year\"\nmargin      = 10",
        "[[]]\nperiod = \"year\"\nmargin = 10",
    );
    let reasons: Vec<_> = case
        .run(&shorter)
        .into_iter()
        .map(|failed| match failed.instead {
            Decided::Refused(refusal) => refusal.reason,
            decided => panic!("{decided}"),
        })
        .collect();
    assert_eq!(reasons, [Reason::BreakdownNotListed; 2]);
    let crossed = mou(
        "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]\nperiod      = \"year\"\nmargin      = 10",
        "[[\"sex\", \"age_band\"]]\nperiod = \"year\"\nmargin = 10",
    );
    // A derived table has no margin of its own before one is released.
    assert!(
        case.run(&crossed).iter().all(|failed| matches!(failed.instead, Decided::Derived { .. }))
    );
    let either = read(CASE);
    assert!(either.run(&crossed).is_empty());
}

#[test]
fn mistakes_are_found_on_their_lines() {
    for (from, to, line, part) in [
        ("sumac-mou-tests/1", "sumac-mou/1", 1, "use \"sumac-mou-tests/1\""),
        ("asker  ", "askr  ", 5, "did you mean `asker`?"),
        ("name     = \"attainment by sex\"\n", "", 3, "`name` is missing"),
        ("answered = true\n", "", 3, "exactly one of"),
        ("answered = true", "answered = true\nrefused = \"RESTRICTED\"", 3, "exactly one of"),
        ("answered = true", "answered = false", 11, "a case says what happens"),
        ("answered = true", "answered = \"yes\"", 11, "true or false is needed"),
        ("answered = true", "refused = \"RESTRICTD\"", 11, "did you mean `RESTRICTED`?"),
        ("answered = true", "refused = \"BUDGET_SPENT\"", 11, "no MOU decides `BUDGET_SPENT`"),
        ("answered = true", "refused = \"HELD\"\nmargin = 10", 12, "a refusal brings no table"),
        (
            "answered = true",
            "answered = true\nderived = true\nmargin = 10",
            13,
            "leave `margin` out",
        ),
        ("answered = true", "answered = true\nmargin = 0", 12, "0 is not from 1"),
        ("kpi ", "nodes = []\nkpi ", 6, "nobody is asked"),
        ("kpi ", "role = \"manager\"\nkpi ", 6, "is not a role"),
        ("\"2025-26\"", "\"2025-27\"", 7, "is not a period"),
        ("2026-08-01", "\"2026-08-01\"", 10, "without quotes"),
    ] {
        let Problems(problems) = Case::read_all(with(from, to).as_bytes()).unwrap_err();
        let found =
            problems.iter().any(|found| found.line == line && found.to_string().contains(part));
        assert!(found, "line {line}, {part:?}: {problems:#?}");
    }
    let twice = format!("{CASE}{}", CASE.replace("format = \"sumac-mou-tests/1\"", ""));
    let problems = Case::read_all(twice.as_bytes()).unwrap_err();
    assert!(problems.to_string().contains("the name of another case"), "{problems}");
    for empty in ["", "format = \"sumac-mou-tests/1\"", "format = \"sumac-mou-tests/1\"\ntest = []"]
    {
        assert!(Case::read_all(empty.as_bytes()).is_err(), "{empty:?}");
    }
}

#[test]
fn only_reasons_that_an_mou_decides_can_be_expected() {
    for reason in Reason::ALL {
        let text = with("answered = true", &format!("refused = \"{reason}\""));
        let read = Case::read_all(text.as_bytes());
        assert_eq!(read.is_ok(), DECIDED_BY_THE_MOU.contains(&reason), "{reason}");
    }
}
