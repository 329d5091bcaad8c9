//! What a KPI means, from its resolved definition.

use super::condition::Names;
use super::words::{and, counted};
use crate::definition::{Anchor, Definition, Outcome, When};
use crate::measure::Measure;
use crate::mou::{Kpi, Mou};
use crate::period::PeriodKind;
use crate::predicate::Predicate;
use crate::quantity::Quantity;
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
        PeriodKind::Term => "the term".to_owned(),
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
    let names = Names { schema: mou.schema(), of: definition.of };
    match &definition.measure {
        Measure::Count { cap: None } => vec![
            "It is a count: the number of such learners, each counted once however many records they have."
                .to_owned(),
        ],
        Measure::Count { cap: Some(cap) } => vec![
            format!(
                "It is a count with a cap: a learner is counted once in each group that one of their records that \
                 count is in, and in {} at most; whoever is in more is counted in some of them, which a secret of \
                 the node picks for each learner by itself.",
                counted(u64::from(*cap), "group", "groups")
            ),
            "The groups of one table therefore add up to more than there are learners, and leave out what is over \
             the cap."
                .to_owned(),
            format!("One learner may change so many counts, so that a table costs {}.", times(*cap)),
        ],
        Measure::Rate => rate(mou, definition),
        Measure::Awards { cap, level } => {
            let kept = match level {
                Some(level) => format!("those of the highest {}", names.column(&level.column)),
                None => "some".to_owned(),
            };
            vec![
                format!(
                    "It is a count of records and not of learners, {} of one learner at most; of more, {kept} are \
                     counted, and where that decides nothing, a secret of the node does.",
                    counted(u64::from(*cap), "record", "records")
                ),
                format!(
                    "One learner may change one count by {cap}, so that a table costs {}, and a group is shown \
                     only where so many records are sure to be those of enough learners.",
                    times(cap.saturating_mul(*cap))
                ),
            ]
        }
        Measure::Mean { value, clip, unit } => vec![
            format!(
                "It is a mean over learners of {}; what a learner has is taken for {} if it is less, and for {} if \
                 it is more.",
                quantity(&names, value),
                unit.whole(clip.lo()),
                unit.whole(clip.hi())
            ),
            "A learner of whom the records do not say it is not in the mean.".to_owned(),
            format!(
                "Two numbers of each group leave the node, with noise: how many learners there are, and the sum of \
                 what they have; one learner may change both, so that a table costs {}.",
                times(2)
            ),
        ],
        Measure::Distribution { value, bins, unit } => {
            let ends = [bins.edges().first(), bins.edges().last()];
            let ends = ends.map(|end| end.map_or_else(String::new, |end| unit.whole(*end)));
            vec![
                format!(
                    "It is a distribution over learners of {}: each learner is in one of {} bins from {} to {}, those \
                     beyond in the first or last, or, where the records do not say it, in “Unknown”.",
                    quantity(&names, value),
                    bins.count(),
                    ends[0],
                    ends[1]
                ),
                "Medians and percentiles are read off the bins, after the noise.".to_owned(),
            ]
        }
    }
}

/// `twice`, `4 times what …`.
fn times(price: u32) -> String {
    let what = "what one learner in one count costs";
    match price {
        1 => what.to_owned(),
        2 => format!("twice {what}"),
        more => format!("{more} times {what}"),
    }
}

/// What is taken of each learner, as a noun.
fn quantity(names: &Names<'_>, value: &Quantity) -> String {
    let sum = |column| {
        format!("the sum of {} over the learner’s records that count", names.column(column))
    };
    match value {
        Quantity::Sum(column) => sum(column),
        Quantity::Ratio { of, to } => {
            format!("{}, divided by {}", sum(of), sum(to))
        }
        Quantity::Days { until, from } => format!(
            "the days from {} to {}, the fewest in any of the learner’s records that count",
            names.column(from),
            names.column(until)
        ),
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
            When::Otherwise | When::Measured => format!("“{title}” is everybody else."),
        });
    }
    sentences
}
