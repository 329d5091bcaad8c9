//! What a node's operator states about its data, and whether a table can be answered from it.

use jiff::civil::Date;

use crate::clause::Clause;
use crate::period::{Period, PeriodKind};
use crate::permit::Table;
use crate::predicate::ColumnRef;
use crate::refusal::{Reason, Refusal};

/// What the operator stated when the data was frozen; never derived from rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holdings {
    /// The day the data was taken from its source.
    pub as_of: Date,
    /// The periods it covers.
    pub covers: Vec<Period>,
    /// The columns it fills.
    pub columns: Vec<ColumnRef>,
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
        if !self.cover(table) {
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

    /// A stated period covers itself; stated years cover the quarters in them and the spans made of them.
    /// A stated span of years does not cover each of its years: a partner that opened in the second year
    /// may state the span, and has no first year to answer for.
    fn cover(&self, table: &Table) -> bool {
        let start = table.year_starts();
        let stated = |period: Period| self.covers.contains(&period);
        let years = || self.covers.iter().filter(|period| period.kind() == PeriodKind::Year);
        match table.period() {
            period if stated(period) => true,
            Period::Year(_) => false,
            period @ Period::Quarter { .. } => {
                years().any(|year| year.span(start).holds(period.span(start)))
            }
            Period::Years { first, last } => {
                let mut year = Period::Year(first);
                loop {
                    if !stated(year) {
                        return false;
                    }
                    if year == Period::Year(last) {
                        return true;
                    }
                    year = year.next();
                }
            }
        }
    }
}

/// The columns a table reads: its definition's and its dimensions'.
pub fn needed(table: &Table) -> Vec<ColumnRef> {
    let mut columns = table.kpi().definition.columns();
    columns.extend(table.axes().map(|(_, column)| column));
    columns.sort();
    columns.dedup();
    columns
}
