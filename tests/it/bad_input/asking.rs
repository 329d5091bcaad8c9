//! Questions that get no number, and the exit code of each.

use std::fs;
use std::path::Path;

use crate::command::{CHAMBER, COLLEGE, LEARNER, NOT_HELD, PRICE_NANO_RHO, Site};

fn ask<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["ask"], words].concat()
}

#[test]
fn a_question_outside_the_mou_is_refused_with_its_clause_before_anyone_is_asked() {
    let site = Site::new();
    for (words, code, said) in [
        (&["enrolmnt"][..], 3, &["KPI_NOT_LISTED", "did you mean `enrolment`"][..]),
        (&["enrolment", "--by", "age_band"], 3, &["BREAKDOWN_NOT_LISTED", "kpi.enrolment.by"]),
        (&["enrolment", "--by", "sex,race_ethnicity"], 3, &["BREAKDOWN_NOT_LISTED"]),
        (&["enrolment", "--by", "shoe_size"], 3, &["BREAKDOWN_NOT_LISTED"]),
        (&["enrolment", "--period", "2025-26"], 3, &["PERIOD_NOT_OF_KPI", "such as 2000"]),
        (&["enrolment", "--period", "2025-Q1"], 3, &["PERIOD_NOT_OF_KPI"]),
        (&["enrolment", "--period", "twenty"], 2, &["--period"]),
        (&["Enrolment!"], 2, &["Enrolment!"]),
        (&["enrolment", "--format", "xml"], 2, &["--format"]),
        (&[], 2, &["KPI"]),
        (&["enrolment", "--due"], 2, &["--due"]),
    ] {
        // No node runs: nobody was asked.
        let answer = site.run(CHAMBER, &ask(words));
        answer.badly(code, said);
        assert_eq!(answer.out, "", "nothing is answered");
    }
    let nobody = site.run(CHAMBER, &ask(&["enrolment", "--period", "2025"]));
    nobody.badly(1, &["nothing listens at", &site.address()]);
}

#[test]
fn the_exit_code_says_what_came_of_it() {
    // A year's budget holds one year's tables: here three of them.
    let budget = format!("{{ rho = {:.9} }}", (3 * PRICE_NANO_RHO) as f64 / 1e9);
    let site = Site::under(|mou| mou.replace("{ rho = 0.5 }", &budget));
    let serving = site.serve();
    let refused = |words: &[&str], reasons: &[&str]| {
        let before = site.summary();
        site.run(CHAMBER, &ask(words)).badly(3, reasons);
        let after = site.summary();
        assert_eq!(after.lifetime_nano_rho, before.lifetime_nano_rho, "{words:?} cost something");
    };
    refused(&["enrolment", "--period", NOT_HELD], &["PERIOD_NOT_HELD"]);
    refused(&["enrolment", "--period", "2098"], &["PERIOD_NOT_CLOSED"]);
    refused(&["enrolment", "--period", "1999"], &["PERIOD_BEFORE_FIRST"]);
    refused(&["enrolment", "--purpose", "marketing", "--period", "2025"], &["PURPOSE_NOT_LISTED"]);

    for by in [&[][..], &["--by", "sex"], &["--by", "race_ethnicity"]] {
        let words = [&["ask", "enrolment", "--period", "2025"], by].concat();
        let first = site.run(CHAMBER, &words).well();
        // Free, and the same to the last byte, for programs and for people.
        assert_eq!(site.run(CHAMBER, &words).well().out, first.out);
    }
    let spent = site.summary();
    assert_eq!(spent.lifetime_nano_rho, 3 * PRICE_NANO_RHO);
    let words = ask(&["enrolment", "--period", "2023"]);
    site.run(CHAMBER, &words).badly(4, &["BUDGET_SPENT"]);
    assert_eq!(site.summary().lifetime_nano_rho, spent.lifetime_nano_rho);
    // What was released stays free, and one answer is an answer: the rest is stated.
    site.run(CHAMBER, &ask(&["enrolment", "--period", "2025"])).well();
    let due = site.run(CHAMBER, &ask(&["--due"])).well();
    assert!(due.out.contains("BUDGET_SPENT") || due.out.contains("budget"), "{due:?}");
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert!(log.contains("PERIOD_NOT_HELD") && log.contains("BUDGET_SPENT"), "{log}");
    nothing_kept_names_a_learner(&site.home(COLLEGE));
    // The node is gone, and its ledger stays readable.
    site.run(COLLEGE, &["status"]).well();
    site.run(CHAMBER, &words).badly(1, &["nothing listens at"]);
}

/// Not even in the node's own files: ledger, index and snapshot.
fn nothing_kept_names_a_learner(home: &Path) {
    for entry in fs::read_dir(home).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            nothing_kept_names_a_learner(&path);
        } else {
            let bytes = fs::read(&path).unwrap();
            let named = bytes.windows(LEARNER.len()).any(|part| part == LEARNER.as_bytes());
            assert!(!named, "{} names a learner", path.display());
        }
    }
}
