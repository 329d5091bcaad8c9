//! The year as a calendar: which tables may be asked, and from which day.

use jiff::civil::Date;

use crate::mou::{Kpi, Mou};
use crate::names::PartyId;
use crate::period::Period;
use crate::permit::Table;

/// A table of the calendar and the first day on which it may be asked.
#[derive(Debug, Clone)]
pub struct Due {
    /// The table.
    pub table: Table,
    /// First day: its period has closed and waited, and the MOU is in force.
    pub from: Date,
}

impl Mou {
    /// Every table that may be asked while this MOU is in force, in the order of its KPIs, their periods
    /// and their breakdowns. Tables that a restriction refuses are not listed.
    pub fn calendar_tables(&self) -> Vec<Due> {
        let periods = |kpi: &Kpi| {
            let calendar = self.calendar();
            let first = Period::first_of(kpi.period, calendar.first_period, calendar.year_starts);
            let begins = self.begins(kpi);
            let from = |period| self.asked_from(period).map(|day| (period, day.max(begins)));
            std::iter::successors(Some(first), |period| Some(period.next()))
                .map_while(from)
                .take_while(|(_, day)| *day <= self.expires())
                .collect::<Vec<_>>()
        };
        let mut due = Vec::new();
        for kpi in self.kpis() {
            for (period, from) in periods(kpi) {
                let tables =
                    kpi.by.iter().filter_map(|by| Table::resolve(self, &kpi.id, period, by).ok());
                due.extend(tables.map(|table| Due { table, from }));
            }
        }
        due
    }

    /// The first day on which a KPI may be asked: when the MOU takes effect, or after a pilot without it.
    fn begins(&self, kpi: &Kpi) -> Date {
        let after = self.pilot().filter(|pilot| !pilot.kpis.contains(&kpi.id));
        let after = after.and_then(|pilot| pilot.until.tomorrow().ok());
        after.map_or(self.effective(), |day| day.max(self.effective()))
    }

    /// Whether this party's node answers the KPI.
    pub fn is_answered_by(&self, kpi: &Kpi, party: &PartyId) -> bool {
        self.answering(kpi).any(|answering| answering.id == *party)
    }
}
