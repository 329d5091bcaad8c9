//! `define = { … }`: what a KPI means, checked against the canonical tables.

use std::collections::BTreeSet;

use super::measure::{Known, measure};
use crate::definition::{Anchor, Definition, Outcome, When};
use crate::measure::Measure;
use crate::predicate::{Predicate, Scope};
use crate::schema::{Kind, Schema, TableName};
use crate::section::Section;

/// No standard splits learners into more outcomes.
const MAX_OUTCOMES: usize = 16;
/// No standard looks further back.
const MAX_LAG: i64 = 20;

/// Reads a definition, noting every problem; none if it cannot be used.
pub(crate) fn definition(section: Section<'_>, known: Known<'_>) -> Option<Definition> {
    let schema = known.schema;
    let of = section.word::<TableName>("of").map(|found| found.value);
    let measure = measure(&section, of, known);
    let lag_years = section.number_if_any("lag_years", 0..=MAX_LAG).map_or(0, |found| found.value);
    let during = section.text_if_any("during");
    let cohort = section.text_if_any("cohort");
    let population = section.text_if_any("where");
    let outcomes = section.sections("outcomes");
    let (Some(of), Ok(lag_years)) = (of, u8::try_from(lag_years)) else {
        section.end(&[]);
        return None;
    };

    let anchored = |column: &str, key: &str, kind: Kind, holds: &str, other: &str| match schema
        .column(of, column)
    {
        Some(known) if known.kind == kind => true,
        _ => {
            let columns = schema.table(of).into_iter().flat_map(|table| &table.columns);
            let fitting: Vec<_> = columns
                .filter(|known| known.kind == kind)
                .map(|known| known.name.as_str())
                .collect();
            let hint = if fitting.is_empty() {
                format!("it has none; use {other}")
            } else {
                format!("it has {}", fitting.join(", "))
            };
            section.problem_at(key, format_args!("`{of}` has no {holds} column `{column}`"), hint);
            false
        }
    };
    let anchor = match (during, cohort) {
        (Some(during), None) => anchored(during.value, "during", Kind::Date, "date", "`cohort`")
            .then(|| Anchor::Within { column: during.value.to_owned(), lag_years }),
        (None, Some(cohort)) => anchored(cohort.value, "cohort", Kind::Year, "year", "`during`")
            .then(|| Anchor::Cohort { column: cohort.value.to_owned(), lag_years }),
        _ => {
            section.problem(
                "exactly one of `during` and `cohort` says how a period picks rows",
                "during = a date column, or cohort = a year column",
            );
            None
        }
    };
    let scope = Scope { schema, tables: &[of, TableName::Learner] };
    let population = match population {
        None => Some(Predicate::True),
        Some(text) => predicate(&section, "where", text.value, scope),
    };
    let outcomes = match &measure {
        Some(Measure::Rate) => rate_outcomes(&section, outcomes, of, schema),
        Some(other) => {
            if !outcomes.is_empty() {
                section.problem_at(
                    "outcomes",
                    "only a rate has outcomes of its own",
                    "use measure = \"rate\"",
                );
            }
            other.own_outcomes()
        }
        None => None,
    };
    section.end(&[]);
    Some(Definition {
        measure: measure?,
        of,
        anchor: anchor?,
        population: population?,
        outcomes: outcomes?,
    })
}

fn rate_outcomes(
    section: &Section<'_>,
    sections: Vec<Section<'_>>,
    of: TableName,
    schema: &Schema,
) -> Option<Vec<Outcome>> {
    let count = sections.len();
    if !(2..=MAX_OUTCOMES).contains(&count) {
        section.problem(
            format_args!("a rate has 2 to {MAX_OUTCOMES} outcomes, not {count}"),
            "list them in `outcomes`, the last with otherwise = true",
        );
        return None;
    }
    let outcomes: Vec<_> = sections
        .into_iter()
        .enumerate()
        .filter_map(|(n, section)| outcome(section, n + 1 == count, of, schema))
        .collect();
    let ids: BTreeSet<_> = outcomes.iter().map(|outcome| &outcome.id).collect();
    if ids.len() < outcomes.len() {
        section.problem_at("outcomes", "two outcomes have the same id", "give each its own");
        return None;
    }
    (outcomes.len() == count).then_some(outcomes)
}

fn outcome(section: Section<'_>, last: bool, of: TableName, schema: &Schema) -> Option<Outcome> {
    let id = section
        .word::<crate::names::DimensionId>("id")
        .map(|found| found.value.as_str().to_owned());
    let title = section.text("title").map(|found| found.value.to_owned());
    let otherwise = section.flag_if_any("otherwise").is_some_and(|found| found.value);
    let in_table = section.word_if_any::<TableName>("in").map(|found| found.value);
    let text = section.text_if_any("when");
    let when = match (otherwise, in_table, text) {
        (true, None, None) if last => Some(When::Otherwise),
        (false, None, Some(text)) if !last => {
            let scope = Scope { schema, tables: &[of, TableName::Learner] };
            predicate(&section, "when", text.value, scope).map(When::AnyRow)
        }
        (false, Some(in_table), Some(text))
            if !last && in_table != of && in_table != TableName::Learner =>
        {
            let scope = Scope { schema, tables: &[in_table, of, TableName::Learner] };
            let when = predicate(&section, "when", text.value, scope);
            // Otherwise a node without that table would be asked, and charged, for what it cannot count.
            let reads_it =
                |when: &Predicate| when.columns().iter().any(|read| read.table == in_table);
            if when.as_ref().is_some_and(|when| !reads_it(when)) {
                section.problem_at(
                    "when",
                    format_args!("reads no column of `{in_table}`"),
                    "say what a row there must fulfil, or leave `in` out",
                );
            }
            when.map(|when| When::Exists { in_table, when })
        }
        _ => {
            section.problem(
                "an outcome has `when`, perhaps with `in` another table; the last one has otherwise = true",
                "each learner is in the first outcome that holds, and the last takes the rest",
            );
            None
        }
    };
    section.end(&[]);
    Some(Outcome { id: id?, title: title?, when: when? })
}

fn predicate(section: &Section<'_>, key: &str, text: &str, scope: Scope<'_>) -> Option<Predicate> {
    Predicate::read(text, scope).map_err(|error| section.problem_at(key, error, "")).ok()
}
