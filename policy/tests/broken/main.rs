//! Agreements with a mistake in them: each mistake is found, on its line, in words that say what to do.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

mod calendar;
mod clauses;
mod file;
mod kpis;
mod parties;
mod unwise;
mod values;

use sumac_policy::{Mou, Problem, Severity};

const LAKESHORE: &str = include_str!("../../../examples/mou/lakeshore/mou.toml");

/// Marks the line on which a problem is expected.
const HERE: &str = "# here";

/// The example with one replacement, which must change it.
fn with(from: &str, to: &str) -> String {
    assert!(LAKESHORE.contains(from), "the example has no {from:?}");
    LAKESHORE.replacen(from, to, 1)
}

/// Every error, none of which may leave its reader alone.
fn errors(bytes: &[u8]) -> Vec<Problem> {
    let problems = Mou::read(bytes).unwrap_err().0;
    assert!(!problems.is_empty());
    for problem in &problems {
        let message = problem.message.trim();
        assert!(message.len() > 5 && message.to_lowercase() != "error", "{problem:?}");
        assert!(problem.line >= 1 && !problem.place.is_empty(), "{problem:?}");
        assert_eq!(problem.severity, Severity::Error);
    }
    problems
}

/// The broken text has an error on the line of `at` that says `part`, and at most one more beside it.
#[track_caller]
fn check(text: &str, at: &str, part: &str) {
    let line = 1 + text.lines().position(|line| line.contains(at)).unwrap();
    let problems = errors(text.as_bytes());
    let found =
        problems.iter().any(|problem| problem.line == line && problem.to_string().contains(part));
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(found, "line {line} with {part:?}, not\n{}", shown.join("\n"));
    assert!(problems.len() <= 2, "one mistake, many problems:\n{}", shown.join("\n"));
}

#[track_caller]
fn check_all(cases: &[(&str, &str, &str)]) {
    for (from, to, part) in cases {
        check(&with(from, to), HERE, part);
    }
}

/// The example with its retention KPI defined by the MOU itself; `define` ends its own lines.
fn own_kpi(define: &str) -> String {
    with("uses        = \"ipeds/retention_fall\"\n", &format!("title = \"Own\"\n{define}"))
}
