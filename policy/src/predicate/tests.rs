//! What a condition may say, how it is spelt, and what is refused.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use super::read::PredicateError;
use super::*;
use crate::read::standard;
use crate::schema::TableName;

fn read(text: &str) -> Result<Predicate, PredicateError> {
    let tables = [TableName::Award, TableName::Outcome, TableName::Enrolment, TableName::Learner];
    Predicate::read(text, Scope { schema: &standard().schema, tables: &tables })
}

#[track_caller]
fn spelt(text: &str, canonical: &str) {
    let predicate = read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    assert_eq!(predicate.to_string(), canonical, "{text}");
    assert_eq!(read(canonical).unwrap(), predicate, "reads back as itself: {canonical}");
}

#[track_caller]
fn refused(text: &str, part: &str) {
    let message = read(text).unwrap_err().to_string();
    assert!(message.contains(part), "{text}: {message}");
}

#[test]
fn every_form_has_one_spelling_that_reads_back_as_itself() {
    for (text, canonical) in [
        ("true", "true"),
        ("sex = 'F'", "learner.sex = 'F'"),
        ("learner.sex = 'F'", "learner.sex = 'F'"),
        ("( ( sex='F' ) )", "learner.sex = 'F'"),
        ("sex != 'F'", "learner.sex <> 'F'"),
        ("sex <> 'F'", "learner.sex <> 'F'"),
        ("birth_year >= 1990", "learner.birth_year >= 1990"),
        ("credits_earned < -5", "enrolment.credits_earned < -5"),
        ("credits_earned > 3000", "enrolment.credits_earned > 3000"),
        ("awarded_on <= DATE '2025-06-30'", "award.awarded_on <= date '2025-06-30'"),
        ("revoked_on IS NULL", "award.revoked_on is null"),
        ("revoked_on is not null", "not (award.revoked_on is null)"),
        ("sex in ('X', 'F', 'F')", "learner.sex in ('F', 'X')"),
        ("sex not in ('F')", "not (learner.sex in ('F'))"),
        (
            "birth_year between 1980 and 1990",
            "(learner.birth_year >= 1980 and learner.birth_year <= 1990)",
        ),
        (
            "birth_year not between 1980 and 1990",
            "not ((learner.birth_year >= 1980 and learner.birth_year <= 1990))",
        ),
    ] {
        spelt(text, canonical);
    }
}

#[test]
fn dates_may_be_shifted_by_the_calendar() {
    for (text, canonical) in [
        ("awarded_on >= entered_on", "award.awarded_on >= outcome.entered_on"),
        (
            "awarded_on <= outcome.exit_on + interval '1 year'",
            "award.awarded_on <= outcome.exit_on + interval '12' months",
        ),
        (
            "awarded_on <= exit_on + interval '2' year",
            "award.awarded_on <= outcome.exit_on + interval '24' months",
        ),
        (
            "awarded_on <= exit_on - interval '3 months'",
            "award.awarded_on <= outcome.exit_on - interval '3' months",
        ),
        (
            "awarded_on <= exit_on - interval '-30 days'",
            "award.awarded_on <= outcome.exit_on + interval '30' days",
        ),
        (
            "awarded_on <= (exit_on + interval '1' day)",
            "award.awarded_on <= outcome.exit_on + interval '1' days",
        ),
        ("awarded_on < exit_on + interval '0 days'", "award.awarded_on < outcome.exit_on"),
    ] {
        spelt(text, canonical);
    }
}

#[test]
fn not_binds_tighter_than_and_and_and_tighter_than_or() {
    let (a, b, c) = ("learner.sex = 'F'", "learner.pell_first_year = 'Y'", "learner.veteran = 'N'");
    for (text, canonical) in [
        (format!("{a} or {b} and {c}"), format!("({a} or ({b} and {c}))")),
        (format!("({a} or {b}) and {c}"), format!("(({a} or {b}) and {c})")),
        (format!("not {a} and {b}"), format!("(not ({a}) and {b})")),
        (format!("not ({a} and {b})"), format!("not (({a} and {b}))")),
        (format!("{a} and ({b} and {c})"), format!("({a} and {b} and {c})")),
        (format!("{a} or {b} or {c}"), format!("({a} or {b} or {c})")),
        (format!("not not {a}"), format!("not (not ({a}))")),
    ] {
        spelt(&text, &canonical);
    }
}

#[test]
fn an_unqualified_column_is_the_first_tables() {
    // award and enrolment both have cip2, award and outcome both have source.
    spelt("cip2 = '51'", "award.cip2 = '51'");
    spelt("enrolment.cip2 = '51'", "enrolment.cip2 = '51'");
    spelt("source = 'ob3'", "award.source = 'ob3'");
    refused("source = 'wage_record'", "not a code of `source`");
}

#[test]
fn what_lies_outside_the_subset_is_named() {
    for text in [
        "sex like 'F%'",
        "sex ilike 'F'",
        "sex similar to 'F'",
        "lower(sex) = 'f'",
        "lower (sex) = 'f'",
        "awarded_on < now()",
        "awarded_on < current_date",
        "awarded_on = timestamp '2025-07-01'",
        "sex = (select 'F')",
        "sex = 'F'; drop table x",
        "sex = $1",
        "sex[1] = 'F'",
        "sex in (select sex from learner)",
        "exists (select 1)",
        "credits_earned + 1 > 3",
        "credits_earned",
        "false",
        "'F' = sex",
        "1 = 1",
        "sex is true",
        "case when true then true end",
        "cast(sex as text) = 'F'",
        "sex::text = 'F'",
        "a.b.sex = 'F'",
        "credits_earned is distinct from 3",
        "sex = any(array['F'])",
        "sex ~ 'F'",
        "sex || 'x' = 'Fx'",
        "awarded_on < exit_on + interval '1 week'",
        "awarded_on < exit_on + interval '1 hour'",
        "awarded_on < exit_on + interval '101 years'",
        "awarded_on < exit_on + interval '36501 days'",
        "awarded_on < exit_on + interval '-2147483648 days'",
        "awarded_on < exit_on - interval '-2147483648 days'",
        "awarded_on < exit_on + interval '9999999999 days'",
        "awarded_on < exit_on + interval '1' year to month",
        "awarded_on < exit_on + interval '1 year 2 months'",
        "awarded_on < exit_on + interval 'year'",
        "awarded_on < exit_on + 1",
        "awarded_on + interval '1 day' < exit_on",
    ] {
        refused(text, "outside the subset");
    }
}

#[test]
fn values_have_their_columns_type() {
    for text in [
        "sex = race_ethnicity",
        "sex = 1",
        "sex = null",
        "birth_year = '1990'",
        "birth_year = 1990.5",
        "birth_year = 99999",
        "credits_earned > 1 + 2",
        "credits_earned > 99999999999999999999",
        "credits_earned > credits_attempted",
        "awarded_on = '2025-07-01'",
        "awarded_on = 2025",
        "awarded_on = date '2025-02-29'",
        "awarded_on = date 'yesterday'",
        "awarded_on < birth_year",
    ] {
        refused(text, "cannot be compared with it");
    }
    for text in ["sex < 'M'", "sex >= 'M'", "sex between 'F' and 'M'"] {
        refused(text, "codes have no order");
    }
}

#[test]
fn unknown_words_come_with_the_nearest_known_one() {
    refused("race_ethnicty = '2'", "did you mean `race_ethnicity`?");
    refused("SEX = 'F'", "did you mean `sex`?");
    refused("credential_type = 'Certificat'", "did you mean `Certificate`?");
    refused("sex = 'f'", "did you mean `F`?");
    refused("employment.hired_on is null", "no column `employment.hired_on` here");
    refused("award.award_levl is null", "did you mean `award_level`?");
    refused("income > 3", "no column `income` here");
}

#[test]
fn broken_syntax_is_said_to_be_no_condition() {
    for text in ["", "   ", "sex =", "sex = 'F", "(sex = 'F'", "sex = 'F')"] {
        refused(text, "not an SQL condition");
    }
}

#[test]
fn absurd_texts_are_refused_before_they_cost_anything() {
    refused(&format!("sex = '{}'", "F".repeat(1 << 20)), "more than");
    for depth in [10_000, 1_000, 200] {
        refused(&format!("{}sex = 'F'{}", "(".repeat(depth), ")".repeat(depth)), "more than");
        refused(&format!("{}sex = 'F'", "not ".repeat(2 * depth)), "more than");
        refused(&format!("1{} = 2", "+1".repeat(2 * depth)), "more than");
        refused(&format!("true{}", " and true".repeat(depth)), "more than");
    }
    let many: Vec<_> = (0..800).map(|n| n.to_string()).collect();
    assert!(read(&format!("credits_earned in ({})", many.join(","))).is_ok());
}

/// A text of 300 words in every shape that nests, read by a thread with half of the usual stack.
#[test]
fn no_nesting_overflows_the_stack() {
    let deep = |open: &str, close: &str, times: usize| {
        format!("{}sex = 'F'{}", open.repeat(times), close.repeat(times))
    };
    let texts = [
        deep("(", ")", 140),
        deep("not ", "", 290),
        deep("not (", ")", 90),
        deep("- ", "", 290),
        deep("f(", ")", 90),
        deep("(select ", ")", 90),
        deep("exists (select ", ")", 70),
        deep("case when ", " then true end", 50),
        deep("cast(", " as text)", 50),
        deep("array[", "]", 90),
        deep("interval ", "", 250),
        deep("date ", "", 250),
        deep("array<", "", 140),
        deep("x in (", "", 90),
        deep("sex between ", "", 140),
        deep("sex = ", "", 140),
        deep("sex.", "", 140),
        deep("prior ", "", 250),
        deep("", " and true", 140),
        deep("", " is null", 140),
        deep("", "::text", 140),
        deep("", "[1]", 90),
        deep("", "+1", 280),
        deep("", " = 1", 280),
        deep("true or ", "", 140),
        deep("sex in (", ")", 70),
    ];
    let reader = move || {
        for text in texts {
            match read(&text) {
                Ok(_) => assert!(text.contains("and true") || text.starts_with("true or")),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
        }
    };
    let thread = std::thread::Builder::new().stack_size(1 << 20);
    thread.spawn(reader).unwrap().join().unwrap();
}

#[test]
fn columns_are_all_that_is_read() {
    let text =
        "not (sex = 'F') and awarded_on < exit_on or birth_year in (1990) and revoked_on is null";
    let predicate = read(text).unwrap();
    let columns: Vec<_> = predicate.columns().into_iter().map(ToString::to_string).collect();
    let expected = [
        "learner.sex",
        "award.awarded_on",
        "outcome.exit_on",
        "learner.birth_year",
        "award.revoked_on",
    ];
    assert_eq!(columns, expected);
}

#[test]
fn every_shipped_condition_reads_back_as_itself() {
    for kpi in &standard().kpis {
        let definition = &kpi.definition;
        let outcomes = definition.outcomes.iter().filter_map(|outcome| outcome.when.predicate());
        for predicate in outcomes.chain([&definition.population]) {
            let text = predicate.to_string();
            let others = [TableName::Award, TableName::Support, TableName::Learner];
            let tables = [&[definition.of], &others[..]].concat();
            let scope = Scope { schema: &standard().schema, tables: &tables };
            assert_eq!(Predicate::read(&text, scope).as_ref(), Ok(predicate), "{text}");
        }
    }
}
