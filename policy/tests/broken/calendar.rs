//! Terms that are none, and what is reported by them.

use sumac_policy::Mou;

use super::{HERE, check, with};

/// The example with these terms, and its hires reported by them.
fn terms(terms: &str) -> String {
    with("wait_days ", &format!("terms = {terms} # here\nwait_days ")).replacen(
        "period      = \"quarter\"",
        "period      = \"term\"",
        1,
    )
}

#[test]
fn terms_that_cannot_be() {
    let sound =
        terms("{ FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\", WINTER = \"12-15\" }");
    assert!(Mou::read(sound.as_bytes()).is_ok());
    let such = "such as terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }";
    for (written, part) in [
        ("{}", format!("calendar.terms: no term is listed ({such})")),
        (
            "{ AUTUMN = \"09-01\" }",
            "calendar.terms.AUTUMN: unknown key `AUTUMN` (known here: WINTER, SPRING, SUMMER, FALL)"
                .to_owned(),
        ),
        (
            "{ FAL = \"09-01\", SPRING = \"01-10\" }",
            "unknown key `FAL` (did you mean `FALL`?)".to_owned(),
        ),
        (
            "{ FALL = \"02-29\" }",
            "calendar.terms.FALL: `02-29` is not a day that every year has: write month and day, such as 08-15"
                .to_owned(),
        ),
        ("{ FALL = \"8-15\" }", "`8-15` is not a day that every year has".to_owned()),
        ("{ FALL = 2025-08-15 }", "a text in quotes is needed".to_owned()),
        (
            "{ FALL = \"08-15\", SUMMER = \"08-15\" }",
            "FALL begins on 08-15, as SUMMER does (give each term a day of its own)".to_owned(),
        ),
        ("[\"FALL\"]", "a table is needed".to_owned()),
    ] {
        check(&terms(written), HERE, &part);
    }
}

#[test]
fn a_kpi_by_term_needs_terms_and_no_cohort() {
    check(
        &with("period      = \"quarter\"", "period = \"term\" # here"),
        HERE,
        "the calendar lists no terms (say in [calendar] when they begin, such as terms = { FALL = \"08-15\"",
    );
    let cohort = terms("{ FALL = \"08-15\" }").replace(HERE, "").replacen(
        "[[], [\"race_ethnicity\"]]\nperiod      = \"year\"",
        "[[], [\"race_ethnicity\"]]\nperiod = \"term\" # here",
        1,
    );
    check(
        &cohort,
        HERE,
        "`cohort_year` names a cohort by its year, which has no terms (report it by year; the breakdown \
         `cohort_term` tells terms of entry apart)",
    );
}

#[test]
fn terms_by_which_nothing_is_reported_are_warned_of() {
    let warned = |text: &str| {
        let (mou, problems) = Mou::examine(text.as_bytes()).unwrap();
        assert!(mou.is_some());
        problems
            .iter()
            .any(|found| found.message == "terms are listed, and no KPI is reported by term")
    };
    let used = terms("{ FALL = \"08-15\" }");
    assert!(!warned(&used));
    assert!(warned(&used.replace("\"term\"", "\"quarter\"")));
}
