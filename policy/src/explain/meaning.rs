//! What a KPI means, from its resolved definition.

use super::condition::Names;
use super::words::{and, counted};
use crate::definition::{Anchor, Definition, Measure, Outcome, When};
use crate::mou::{Kpi, Mou};
use crate::period::PeriodKind;
use crate::predicate::Predicate;
use crate::schema::TableName;

/// Who is counted: the population, as a whole sentence.
pub(super) fn population(mou: &Mou, kpi: &Kpi) -> String {
    let definition = &kpi.definition;
    let names = Names { schema: mou.schema(), of: definition.of };
    let rows = rows(definition.of);
    let mut text = match &definition.anchor {
        Anchor::Within { column, lag_years } => {
            let column =
                names.column(&crate::ColumnRef { table: definition.of, column: column.clone() });
            format!(
                "A learner counts who has {rows} whose {column} lies in {}",
                when(kpi, *lag_years)
            )
        }
        Anchor::Cohort { lag_years, .. } => {
            let year = match kpi.period {
                PeriodKind::Years(_) => "one of the period’s years",
                _ => "the period’s year",
            };
            let year = match *lag_years {
                0 => year.to_owned(),
                years => format!("{} before {year}", counted(u64::from(years), "year", "years")),
            };
            format!("A learner counts who has {rows} whose cohort year is {year}")
        }
    };
    if definition.population != Predicate::True {
        text += &format!(", and for which {}", names.condition(&definition.population));
    }
    text + "."
}

/// The period, or the same days so many years before.
fn when(kpi: &Kpi, lag_years: u8) -> String {
    let period = match kpi.period {
        PeriodKind::Year => "the reporting year".to_owned(),
        PeriodKind::Quarter => "the calendar quarter".to_owned(),
        PeriodKind::Years(years) => format!("the {years} reporting years taken together"),
    };
    match lag_years {
        0 => period,
        years => {
            format!(
                "the same days as {period}, {} earlier",
                counted(u64::from(years), "year", "years")
            )
        }
    }
}

fn rows(table: TableName) -> &'static str {
    match table {
        TableName::Learner => "a learner record",
        TableName::Enrolment => "an enrolment record",
        TableName::Award => "an award",
        TableName::Employment => "a record of employment",
        TableName::Outcome => "a record of an exit",
        TableName::Support => "a record of a service",
    }
}

/// What is reported of them, one sentence each.
pub(super) fn measure(mou: &Mou, definition: &Definition) -> Vec<String> {
    match definition.measure {
        Measure::Count => vec![
            "It is a count: the number of such learners, each counted once however many records they have."
                .to_owned(),
        ],
        Measure::Rate => rate(mou, definition),
    }
}

fn rate(mou: &Mou, definition: &Definition) -> Vec<String> {
    let names = Names { schema: mou.schema(), of: definition.of };
    let titles: Vec<_> =
        definition.outcomes.iter().map(|outcome| format!("“{}”", outcome.title)).collect();
    let first = titles.first().cloned().unwrap_or_default();
    let mut sentences = vec![
        format!(
            "It is a rate: its denominator is all such learners, each counted once, and its numerator those of \
             them whose outcome is {first}."
        ),
        format!(
            "Every such learner is in exactly one of {} outcomes, the first that holds of: {}.",
            titles.len(),
            and(&titles)
        ),
    ];
    for Outcome { title, when, .. } in &definition.outcomes {
        sentences.push(match when {
            When::AnyRow(when) => format!(
                "“{title}” holds if, for at least one of the learner’s records that count, {}.",
                names.condition(when)
            ),
            When::Exists { in_table, when } => format!(
                "“{title}” holds if the learner has {} for which, beside the latest record that counts, {}.",
                rows(*in_table),
                names.condition(when)
            ),
            When::Otherwise => format!("“{title}” is everybody else."),
        });
    }
    sentences
}
