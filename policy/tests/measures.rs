//! What each measure means: its canonical text's bound, its cells, and what follows from them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]

use sumac_policy::{Breakdown, Kpi, Mou, Reason, Resolved, Table};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The example whose first KPI is defined so, and broken down so.
fn mou(define: &str, by: &str) -> Mou {
    let text = LAKESHORE.replacen(
        "uses        = \"ipeds/enrolment_headcount\"\n",
        &format!("title = \"Own\"\ndefine = {{ {define} }}\n"),
        1,
    );
    let all = "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]     #";
    assert!(text.contains(all) && text.contains("Own"));
    let text = text.replacen(all, &format!("[{by}]     #"), 1);
    Mou::read(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems}"))
}

const TERMS: &str = "of = \"enrolment\", during = \"term_start\"";
const AWARDS: &str = "of = \"award\", during = \"awarded_on\"";

fn own(mou: &Mou) -> &Kpi {
    mou.kpi(&"enrolment".parse().unwrap()).unwrap()
}

fn resolved(mou: &Mou, by: &[&str]) -> Result<Resolved, Reason> {
    let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
    let (kpi, period) = ("enrolment".parse().unwrap(), "2025-26".parse().unwrap());
    Resolved::of(mou, &kpi, period, &by).map_err(|refusal| refusal.reason)
}

fn listed(define: &str) -> Table {
    match resolved(&mou(define, "[]"), &[]).unwrap() {
        Resolved::Listed(table) => table,
        Resolved::RollUp(_) => panic!("listed"),
    }
}

#[test]
fn one_learner_changes_so_many_cells_by_so_much() {
    for (define, bound, scales) in [
        (format!("measure = \"count\", {TERMS}"), (1, 1), vec![1]),
        (format!("measure = \"count\", cap = 4, {TERMS}"), (4, 1), vec![1]),
        (format!("measure = \"awards\", cap = 3, {AWARDS}"), (1, 3), vec![1]),
        (
            format!("measure = \"mean\", value = \"credits_earned\", clip = [-100, 3000], {TERMS}"),
            (2, 1),
            vec![1, 3100],
        ),
        (
            format!(
                "measure = \"distribution\", value = \"credits_earned\", bins = [0, 600, 1200], {TERMS}"
            ),
            (1, 1),
            vec![1, 1, 1],
        ),
    ] {
        let mou = mou(&define, "[]");
        let definition = &own(&mou).definition;
        let found = definition.measure.bound();
        assert_eq!((found.cells, found.per_cell), bound, "{define}");
        assert_eq!(definition.scales(), scales, "{define}");
        assert_eq!(definition.outcomes.len(), scales.len(), "{define}");
    }
}

#[test]
fn whatever_changes_the_numbers_changes_the_tables_name() {
    let mean = |value: &str, clip: &str| {
        format!("measure = \"mean\", value = \"{value}\", clip = {clip}, {TERMS}")
    };
    let bins = |bins: &str| {
        format!("measure = \"distribution\", value = \"credits_earned\", bins = {bins}, {TERMS}")
    };
    let defines = [
        format!("measure = \"count\", {TERMS}"),
        format!("measure = \"count\", cap = 1, {TERMS}"),
        format!("measure = \"count\", cap = 2, {TERMS}"),
        format!("measure = \"awards\", cap = 2, {TERMS}"),
        mean("credits_earned", "[0, 3000]"),
        mean("credits_earned", "[0, 3001]"),
        mean("credits_attempted", "[0, 3000]"),
        mean("credits_earned / credits_attempted", "[0, 10000]"),
        bins("[0, 600, 1200]"),
        bins("[0, 600, 1201]"),
        bins("\"annual_pay\""),
    ];
    let keys: std::collections::BTreeSet<_> =
        defines.iter().map(|define| listed(define).key()).collect();
    assert_eq!(keys.len(), defines.len());
    // What it is shown in is for people alone.
    let credits = format!("{}, unit = \"credits\", per = 100", mean("credits_earned", "[0, 3000]"));
    assert_eq!(listed(&credits).key(), listed(&defines[4]).key());
}

#[test]
fn a_capped_count_is_added_up_only_over_what_the_learners_own_row_says() {
    let capped = format!("measure = \"count\", cap = 2, {TERMS}");
    let by = "[\"cip2\", \"sex\"]";
    let asked = |define: &str, by_asked: &[&str]| resolved(&mou(define, by), by_asked).map(|_| ());
    assert_eq!(asked(&capped, &["cip2"]), Ok(()));
    assert_eq!(asked(&capped, &["sex"]), Err(Reason::BreakdownNotListed));
    assert_eq!(asked(&capped, &[]), Err(Reason::BreakdownNotListed));
    for define in [
        format!("measure = \"count\", {TERMS}"),
        format!("measure = \"mean\", value = \"credits_earned\", clip = [0, 3000], {TERMS}"),
        format!(
            "measure = \"distribution\", value = \"credits_earned\", bins = [0, 600, 1200], {TERMS}"
        ),
        format!("measure = \"awards\", cap = 2, {TERMS}"),
    ] {
        for by in [&["cip2"][..], &["sex"], &[]] {
            assert_eq!(asked(&define, by), Ok(()), "{define} {by:?}");
        }
    }
}

#[test]
fn a_group_of_awards_is_as_large_as_the_learners_that_it_must_be_of() {
    let awards = mou(&format!("measure = \"awards\", cap = 3, {AWARDS}"), "[]");
    assert_eq!(own(&awards).definition.floor_of(10), 30);
    let mean = mou(
        &format!("measure = \"mean\", value = \"credits_earned\", clip = [0, 3000], {TERMS}"),
        "[]",
    );
    let definition = &own(&mean).definition;
    assert_eq!((definition.floor_of(10), definition.size_of(&[12, -90_000])), (10, (12, 1)));
    let distribution = mou(
        &format!(
            "measure = \"distribution\", value = \"credits_earned\", bins = [0, 600, 1200], {TERMS}"
        ),
        "[]",
    );
    // Of whom nothing is known does not make a median's group larger.
    assert_eq!(own(&distribution).definition.size_of(&[5, 6, 700]), (11, 2));
}

#[test]
fn a_restriction_of_a_column_covers_it_as_a_value() {
    let text = LAKESHORE
        .replacen(
            "uses        = \"ipeds/enrolment_headcount\"\n",
            &format!("title = \"Own\"\ndefine = {{ measure = \"mean\", value = \"credits_earned\", clip = [0, 3000], {TERMS} }}\n"),
            1,
        )
        .replacen(
            "[[restrict]]  ",
            "[[restrict]]\nbecause = \"not agreed\"\ncolumn = \"credits_earned\"\nrefuse = true\n\n[[restrict]]  ",
            1,
        );
    let problems = Mou::read(text.as_bytes()).unwrap_err().to_string();
    assert!(problems.contains("reads `credits_earned`, which is restricted"), "{problems}");
}
