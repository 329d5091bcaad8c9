//! What a node's operator states about its data, and whether a table can be answered from it.

use jiff::ToSpan;
use jiff::civil::Date;

use crate::clause::Clause;
use crate::mou::DataRules;
use crate::period::{Period, Span};
use crate::permit::Table;
use crate::predicate::ColumnRef;
use crate::refusal::{Reason, Refusal};

/// What the operator stated when the data was frozen; never derived from rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// The day the data was taken from its source.
    pub as_of: Date,
    /// The periods it covers.
    pub covers: Vec<Covered>,
    /// The columns it fills.
    pub columns: Vec<ColumnRef>,
}

/// A period that the data covers, and what was meant by it: an amendment may give the label other days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// The period.
    pub period: Period,
    /// The days that the agreement's calendar gave it when this was stated.
    pub days: Span,
}

impl Holdings {
    /// Whether the table can be answered, before anything is charged: an absent period is never a zero, and
    /// a stale file never spends a table.
    ///
    /// # Errors
    /// `PERIOD_NOT_HELD`, `SNAPSHOT_TOO_EARLY`, `COLUMN_NOT_HELD`.
    pub fn hold(&self, table: &Table) -> Result<(), Refusal> {
        let period = table.period();
        let refuse = |reason, message, hint: &str| {
            Err(Refusal { reason, clause: Clause::at("calendar"), message, hint: hint.to_owned() })
        };
        let is_stated = |needed| self.covers.contains(&needed);
        if !cover(table, is_stated) {
            let is_named =
                |needed: Covered| self.covers.iter().any(|it| it.period == needed.period);
            if cover(table, is_named) {
                return refuse(
                    Reason::PeriodNotHeld,
                    format!(
                        "this node's data was said to cover {period}, and the agreement's calendar has moved since"
                    ),
                    "ask the partner to import again, with --covers meant of the days that periods have now",
                );
            }
            return refuse(
                Reason::PeriodNotHeld,
                format!("this node's data does not cover {period}"),
                "ask the partner to import data that covers it, and to say so with --covers",
            );
        }
        if self.as_of <= table.span().last {
            return refuse(
                Reason::SnapshotTooEarly,
                format!("this node's data was taken before {period} had closed"),
                "ask the partner to import data taken after the period's last day",
            );
        }
        let lacking = needed(table).into_iter().find(|column| !self.columns.contains(column));
        if let Some(ColumnRef { table, column }) = lacking {
            return refuse(
                Reason::ColumnNotHeld,
                format!("this node's data has no `{table}.{column}`"),
                "ask the partner to map that column and import again",
            );
        }
        Ok(())
    }

    /// Whether the data is as fresh as the MOU demands of a party of this kind.
    ///
    /// # Errors
    /// `SNAPSHOT_STALE`.
    pub fn fresh(&self, rules: Option<&DataRules>, today: Date) -> Result<(), Refusal> {
        let Some((kind, days)) = rules.and_then(|rules| Some((rules.kind, rules.freshness_days?)))
        else {
            return Ok(());
        };
        let last = self.as_of.checked_add(i64::from(days).days());
        if last.is_ok_and(|last| last < today) {
            return Err(Refusal {
                reason: Reason::SnapshotStale,
                clause: Clause::at(format!("data.{kind}.freshness_days")),
                message: format!("this node's data is of {}, older than {days} days", self.as_of),
                hint: "ask the partner to import fresh data".to_owned(),
            });
        }
        Ok(())
    }
}

/// A stated period covers itself; stated years cover the spans made of them, and every term and quarter each of
/// whose days lies in one of them, also where it begins in one and ends in the next.
/// A stated span of years does not cover each of its years: a partner that opened in the second year
/// may state the span, and has no first year to answer for.
fn cover(table: &Table, stated: impl Fn(Covered) -> bool) -> bool {
    if stated(Covered { period: table.period(), days: table.span() }) {
        return true;
    }
    let start = table.year_starts();
    let Span { first, last } = table.span();
    let last = start.year_of(last);
    std::iter::successors(Some(start.year_of(first)), |year| Some(year.next()))
        .take_while(|year| *year <= last)
        .all(|year| stated(Covered { period: Period::Year(year), days: year.span(start) }))
}

/// The columns a table reads: its definition's and its dimensions'.
pub fn needed(table: &Table) -> Vec<ColumnRef> {
    let mut columns = table.kpi().definition.columns();
    columns.extend(table.axes().map(|(_, column)| column));
    columns.sort();
    columns.dedup();
    columns
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;
    use crate::dimension::Breakdown;
    use crate::mou::Mou;

    const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

    const TERMS: &str =
        "terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }\nwait_days ";

    /// The example with some of its text changed.
    fn mou(changes: &[(&str, &str)]) -> Mou {
        let text = changes.iter().fold(LAKESHORE.to_owned(), |text, (from, to)| {
            assert!(text.contains(from), "the example has no {from:?}");
            text.replacen(from, to, 1)
        });
        Mou::read(text.as_bytes()).unwrap()
    }

    fn table_of(mou: &Mou, kpi: &str, period: &str, by: &[&str]) -> Table {
        let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        Table::resolve(mou, &kpi.parse().unwrap(), period.parse().unwrap(), &by).unwrap()
    }

    /// A table of the example, in which enrolment is reported by two years together.
    fn table(kpi: &str, period: &str, by: &[&str]) -> Table {
        let spans = mou(&[("\"year\"\nmargin      = 15", "\"2 years\"\nmargin = 15")]);
        table_of(&spans, kpi, period, by)
    }

    /// What was stated under this agreement, lacking nothing for the table but what the test takes away.
    fn stated(mou: &Mou, table: &Table, as_of: &str, covers: &[&str]) -> Holdings {
        let covers = covers.iter().map(|period| period.parse().unwrap());
        let covers = covers.map(|period| mou.calendar().covered(period).unwrap()).collect();
        Holdings { as_of: as_of.parse().unwrap(), covers, columns: needed(table) }
    }

    fn holdings(table: &Table, as_of: &str, covers: &[&str]) -> Holdings {
        stated(&mou(&[]), table, as_of, covers)
    }

    #[test]
    fn a_period_is_held_if_it_is_stated_or_made_of_stated_years() {
        const HIRES: &str = "hires_of_completers";
        for (kpi, period, covers, held) in [
            ("retention", "2025-26", &["2025-26"][..], true),
            ("retention", "2025-26", &["2024-25", "2026-27"], false),
            ("retention", "2025-26", &["2025-26/2026-27"], false),
            ("retention", "2025-26", &[], false),
            (HIRES, "2026-Q1", &["2026-Q1"], true),
            (HIRES, "2026-Q1", &["2025-26"], true),
            (HIRES, "2026-Q3", &["2025-26"], false),
            (HIRES, "2026-Q1", &["2025-Q4", "2026-Q2"], false),
            (HIRES, "2026-Q1", &["2025-26/2026-27"], false),
            ("enrolment", "2025-26/2026-27", &["2025-26/2026-27"], true),
            ("enrolment", "2025-26/2026-27", &["2026-27", "2025-26"], true),
            ("enrolment", "2025-26/2026-27", &["2025-26"], false),
            ("enrolment", "2025-26/2026-27", &["2026-27"], false),
        ] {
            let table = table(kpi, period, &[]);
            let refused = holdings(&table, "2030-01-01", covers).hold(&table).err();
            let expected = (!held).then_some(Reason::PeriodNotHeld);
            assert_eq!(refused.map(|no| no.reason), expected, "{period} of {covers:?}");
        }
    }

    #[test]
    fn a_quarter_in_two_years_is_held_if_both_are_stated() {
        let mou = mou(&[("\"07-01\"", "\"08-15\"")]);
        let table = table_of(&mou, "hires_of_completers", "2026-Q3", &[]);
        for (covers, held) in [
            (&["2025-26", "2026-27"][..], true),
            (&["2025-26"], false),
            (&["2026-27"], false),
            (&["2025-26", "2027-28"], false),
        ] {
            let found = stated(&mou, &table, "2030-01-01", covers).hold(&table);
            assert_eq!(found.is_ok(), held, "{covers:?}");
        }
    }

    #[test]
    fn a_stated_period_counts_where_the_calendar_gives_it_the_days_it_had() {
        const TERM: (&str, &str) = ("\"year\"\nmargin      = 15", "\"term\"\nmargin = 15");
        const YEAR: (&str, &str) = ("\"07-01\"", "\"08-01\"");
        let before = mou(&[("wait_days ", TERMS), TERM]);
        let later_fall = TERMS.replace("08-15", "08-16");
        let fall_moved = mou(&[("wait_days ", &later_fall), TERM]);
        let year_moved = mou(&[("wait_days ", TERMS), TERM, YEAR]);
        for (after, kpi, period, covers, expected) in [
            (&fall_moved, "enrolment", "2025-FALL", &["2025-FALL"][..], Some(true)),
            // The summer before it has another last day; the spring has the days it had.
            (&fall_moved, "enrolment", "2026-SUMMER", &["2026-SUMMER"], Some(true)),
            (&fall_moved, "enrolment", "2026-SPRING", &["2026-SPRING"], None),
            // The year is as it was, and holds the term wherever it begins.
            (&fall_moved, "enrolment", "2025-FALL", &["2025-26"], None),
            (&fall_moved, "enrolment", "2025-FALL", &["2025-FALL", "2025-26"], None),
            (&fall_moved, "enrolment", "2025-FALL", &["2026-27"], Some(false)),
            (&year_moved, "retention", "2025-26", &["2025-26"], Some(true)),
            (&year_moved, "retention", "2025-26", &["2026-27"], Some(false)),
            (&year_moved, "enrolment", "2025-FALL", &["2025-FALL"], None),
            (&year_moved, "enrolment", "2025-FALL", &["2025-26"], Some(true)),
            // From 20 May to 14 August, in two years; July 2026 was in the second, and is in the first.
            (&year_moved, "enrolment", "2026-SUMMER", &["2025-26", "2026-27"], Some(true)),
            (&year_moved, "enrolment", "2026-SUMMER", &["2025-26"], Some(false)),
            (&year_moved, "hires_of_completers", "2026-Q1", &["2026-Q1"], None),
            (&year_moved, "hires_of_completers", "2026-Q1", &["2025-26"], Some(true)),
        ] {
            let table = table_of(after, kpi, period, &[]);
            let refused = stated(&before, &table, "2030-01-01", covers).hold(&table).err();
            let told = refused.map(|no| (no.reason, no.message.contains("calendar has moved")));
            let expected = expected.map(|moved| (Reason::PeriodNotHeld, moved));
            assert_eq!(told, expected, "{period} of {covers:?}");
            let again = stated(after, &table, "2030-01-01", covers).hold(&table);
            assert_eq!(again.is_ok(), expected.is_none_or(|(_, moved)| moved), "{period} again");
        }
    }

    #[test]
    fn data_is_taken_after_the_periods_last_day() {
        let table = table("retention", "2025-26", &[]);
        for (as_of, early) in [
            ("2026-06-29", true),
            ("2026-06-30", true),
            ("2026-07-01", false),
            ("2027-01-01", false),
        ] {
            let refused = holdings(&table, as_of, &["2025-26"]).hold(&table).err();
            let expected = early.then_some(Reason::SnapshotTooEarly);
            assert_eq!(refused.map(|no| no.reason), expected, "{as_of}");
        }
    }

    #[test]
    fn every_column_that_a_table_reads_is_held() {
        let table = table("credential_attainment", "2025-26", &["race_ethnicity"]);
        let all = needed(&table);
        let named: Vec<_> = all.iter().map(ToString::to_string).collect();
        for column in ["outcome.exit_on", "award.revoked_on", "learner.race_ethnicity"] {
            assert!(named.iter().any(|name| name == column), "{column}: {named:?}");
        }
        for lacking in &all {
            let mut holdings = holdings(&table, "2026-08-01", &["2025-26"]);
            assert_eq!(holdings.hold(&table), Ok(()));
            holdings.columns.retain(|column| column != lacking);
            let refusal = holdings.hold(&table).unwrap_err();
            assert_eq!(refusal.reason, Reason::ColumnNotHeld);
            assert!(refusal.message.contains(&lacking.to_string()), "{refusal}");
            assert!(!refusal.hint.is_empty());
        }
    }
}
