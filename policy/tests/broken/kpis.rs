//! KPIs, their definitions and dimensions.

use sumac_policy::Mou;

use super::{HERE, check, check_all, own_kpi, with};

#[test]
fn kpis_that_mean_nothing() {
    check_all(&[
        (
            "\"ipeds/retention_fall\"",
            "\"ipeds/retention_fal\" # here",
            "did you mean `ipeds/retention_fall`?",
        ),
        ("\"ipeds/retention_fall\"", "\"nsc/wages\" # here", "there are ipeds/enrolment_headcount"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"race_ethnicty\"]] # here\n", "`race_ethnicity`?"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"sex\"], [\"sex\"]] # here\n", "listed already"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"sex\", \"sex\"]] # here\n", "named twice"),
        ("[[], [\"race_ethnicity\"]]\n", "[] # here\n", "no breakdown is listed"),
        ("[[], [\"race_ethnicity\"]]\n", "[\"sex\"] # here\n", "a breakdown is a list"),
        ("[[], [\"race_ethnicity\"]]\n", "\"sex\" # here\n", "a list in [ ] is needed"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"soc2\"]] # here\n", "which neither"),
        (
            "[[], [\"race_ethnicity\"]]\n",
            "[[\"sex\", \"age_band\", \"veteran\", \"cohort_term\"]] # here\n",
            "more than 3 dimensions",
        ),
        (
            "[[], [\"race_ethnicity\"], [\"award_level\"]]",
            "[[\"cip2\", \"award_level\", \"credential_type\"]] # here",
            "cells, more than 10000",
        ),
        ("answered_by = [\"employer\"]", "answered_by = [] # here", "nobody answers it"),
        ("answered_by = [\"employer\"]", "answered_by = [\"firm\"] # here", "not a kind of party"),
        (
            "[[kpi]]\nid          = \"retention\"",
            "[[kpi]] # here\nid = \"enrolment\"",
            "`enrolment` is listed twice",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]",
            "[[kpi]] # here\nid = \"retention\"\nuses = \"ipeds/retention_fall\"\n\
             answered_by = [\"provider\"]",
            "no party is of a kind that answers it",
        ),
        (
            "by          = [[], [\"race_ethnicity\"]]\nperiod      = \"year\"\n",
            "by = [[]]\nperiod = \"quarter\" # here\n",
            "which has no quarters",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n",
            "[[kpi]] # here\nid = \"retention\"\n",
            "exactly one of `uses` and `define`",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]\nby          = [[], [\"race_ethnicity\"]]",
            "[[kpi]] # here\nid = \"retention\"\nuses = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]",
            "`by` is missing",
        ),
    ]);
}

#[test]
fn definitions_that_do_not_fit_the_tables() {
    let of = "of = \"enrolment\", cohort = \"cohort_year\"";
    for (define, part) in [
        (format!("{{ measure = \"ratio\", {of} }}"), "cannot measure `ratio`"),
        (format!("{{ measure = \"count\", {of}, value = \"x\" }}"), "a count has no `value`"),
        (format!("{{ measure = \"count\", {of}, cap = 0 }}"), "0 is not from 1 to 100"),
        (
            format!(
                "{{ measure = \"rate\", {of}, cap = 2, outcomes = [{{ id = \"a\", title = \"A\", when = \"sex = 'F'\" }}, {{ id = \"b\", title = \"B\", otherwise = true }}] }}"
            ),
            "a rate has no `cap`",
        ),
        (format!("{{ measure = \"awards\", {of} }}"), "`cap` is missing (add cap = 3"),
        (format!("{{ measure = \"mean\", {of}, clip = [0, 3000] }}"), "`value` is missing"),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earned\" }}"),
            "`clip` is missing (add clip = [lo, hi]",
        ),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earned\", clip = [3000, 0] }}"),
            "the lower first",
        ),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earnd\", clip = [0, 3000] }}"),
            "did you mean `credits_earned`?",
        ),
        (
            format!(
                "{{ measure = \"mean\", {of}, value = \"credits_earned\", clip = [0, 1], per = 0 }}"
            ),
            "0 is not from 1 to",
        ),
        (
            format!("{{ measure = \"distribution\", {of}, value = \"credits_earned\" }}"),
            "`bins` is missing",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = [0, 10, 5] }}"
            ),
            "edges that ascend",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = \"anual_pay\" }}"
            ),
            "did you mean `annual_pay`?",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = [0, 10, 50], clip = [0, 1] }}"
            ),
            "a distribution has no `clip`",
        ),
        (format!("{{ measure = \"count\", {of}, whre = \"true\" }}"), "did you mean `where`?"),
        ("{ measure = \"count\", cohort = \"x\" }".into(), "`of` is missing"),
        ("{ measure = \"count\", of = \"wages\" }".into(), "not a canonical table"),
        ("{ measure = \"count\", of = \"enrolment\" }".into(), "`during` and `cohort`"),
        (format!("{{ measure = \"count\", {of}, during = \"term_start\" }}"), "exactly one of"),
        (
            "{ measure = \"count\", of = \"enrolment\", during = \"cohort_year\" }".into(),
            "no date column `cohort_year` (it has term_start)",
        ),
        (
            "{ measure = \"count\", of = \"award\", cohort = \"awarded_on\" }".into(),
            "no year column `awarded_on`",
        ),
        (format!("{{ measure = \"count\", {of}, lag_years = 21 }}"), "21 is not from 0 to 20"),
        (
            format!("{{ measure = \"count\", {of}, where = \"incme > 3\" }}"),
            "no column `incme` here",
        ),
        (
            format!("{{ measure = \"count\", {of}, where = \"hired_on is null\" }}"),
            "no column `hired_on` here",
        ),
        (format!("{{ measure = \"count\", {of}, where = \"sex = 'Q'\" }}"), "not a code of `sex`"),
        (
            format!("{{ measure = \"count\", {of}, where = \"sex like 'F'\" }}"),
            "outside the subset",
        ),
        (format!("{{ measure = \"rate\", {of} }}"), "a rate has 2 to 16 outcomes, not 0"),
    ] {
        check(&own_kpi(&format!("define = {define} # here\n")), HERE, part);
    }
    let title = own_kpi(&format!("define = {{ measure = \"count\", {of} }}\n"))
        .replace("title = \"Own\"\n", "")
        .replace("[[kpi]]\nid          = \"retention\"", "[[kpi]] # here\nid = \"retention\"");
    check(&title, HERE, "`title` is missing");
}

#[test]
fn outcomes_that_leave_learners_nowhere() {
    let rate = |outcomes: &str| {
        own_kpi(&format!(
            "define.measure = \"rate\"\ndefine.of = \"enrolment\"\n\
             define.cohort = \"cohort_year\"\n{outcomes}"
        ))
    };
    let kept = "{ id = \"kept\", title = \"Kept\", when = \"retained = 'Y'\" }";
    let rest = "{ id = \"rest\", title = \"Rest\", otherwise = true }";
    assert!(Mou::read(rate(&format!("define.outcomes = [{kept}, {rest}]\n")).as_bytes()).is_ok());
    for (first, last, part) in [
        (
            kept,
            "{ id = \"rest\", title = \"Rest\", when = \"true\" }",
            "the last one has otherwise",
        ),
        ("{ id = \"all\", title = \"All\", otherwise = true }", rest, "the last one has otherwise"),
        (
            "{ id = \"won\", title = \"Won\", in = \"award\", when = \"enrolment.retained = 'Y'\" }",
            rest,
            "reads no column of `award`",
        ),
        ("{ id = \"kept\", title = \"Kept\" }", rest, "an outcome has `when`"),
        (
            "{ id = \"kept\", title = \"Kept\", in = \"learner\", when = \"true\" }",
            rest,
            "an outcome has `when`",
        ),
        ("{ id = \"kept\", title = \"Kept\", when = \"retaned = 'Y'\" }", rest, "`retained`?"),
        ("{ id = \"kept\", title = \"Kept\", wen = \"true\" }", rest, "did you mean `when`?"),
    ] {
        let marked = |outcome: &str, marker: &str| format!("    {outcome}, {marker}\n");
        let (one, two) = if part == "the last one has otherwise" && first == kept {
            (marked(first, ""), marked(last, HERE))
        } else {
            (marked(first, HERE), marked(last, ""))
        };
        check(&rate(&format!("define.outcomes = [\n{one}{two}]\n")), HERE, part);
    }
    let twice = "{ id = \"kept\", title = \"Rest\", otherwise = true }";
    check(
        &rate(&format!("define.outcomes = [{kept}, {twice}] # here\n")),
        HERE,
        "two outcomes have the same id",
    );
}

#[test]
fn dimensions_of_the_mou_that_are_not_closed() {
    let declared =
        |dimension: &str| with("[[kpi]]", &format!("[[dimension]]\n{dimension}\n[[kpi]]"));
    let region = "id = \"region\"\ntitle = \"Region\"\nof = \"learner\"\n";
    let sound = declared(&format!("{region}codes = {{ n = \"North\", unknown = \"Unknown\" }}"));
    assert!(Mou::read(sound.as_bytes()).is_ok());
    for (dimension, part) in [
        (format!("{region}codes = {{ n = \"North\" }} # here"), "no code for unknown"),
        (format!("{region}codes = {{ n = 3, unknown = \"U\" }} # here"), "a label in quotes"),
        (format!("{region}codes = [\"n\"] # here"), "a table is needed"),
        (format!("{region}code = {{ unknown = \"U\" }} # here"), "did you mean `codes`?"),
        (
            "id = \"sex\" # here\ntitle = \"Sex\"\nof = \"learner\"\ncodes = { unknown = \"U\" }"
                .to_owned(),
            "`learner` has a column `sex` already",
        ),
    ] {
        check(&declared(&dimension), HERE, part);
    }
}
