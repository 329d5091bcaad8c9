//! The year as a calendar: which days a period has, which tables may be asked, and from which day.

use jiff::civil::Date;

use crate::holdings::Covered;
use crate::mou::{Kpi, Mou};
use crate::names::PartyId;
use crate::period::{Period, PeriodKind, Span, TermStarts, Year, YearStart};
use crate::permit::Table;

/// When periods start, which may be asked, and how long after they close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// Start of the accounting and reporting year.
    pub year_starts: YearStart,
    /// The academic terms.
    pub terms: TermStarts,
    /// Nothing earlier may be asked.
    pub first_period: Year,
    /// Days from a period's last day until it may be asked.
    pub wait_days: u16,
}

impl Calendar {
    /// First and last day of a period. None for one that this calendar does not have: a year that it writes
    /// otherwise, or a term that it does not list.
    pub fn span(&self, period: Period) -> Option<Span> {
        let start = self.year_starts;
        let days = |year: Year| year.fits(start).then(|| year.span(start));
        match period {
            Period::Year(year) => days(year),
            Period::Years { first, last } => {
                Some(Span { first: days(first)?.first, last: days(last)?.last })
            }
            Period::Term(term) => self.terms.span(term),
            Period::Quarter { year, quarter } => {
                let first = Date::constant(year, quarter * 3 - 2, 1);
                let next = match quarter {
                    4 => Date::constant(year + 1, 1, 1),
                    _ => Date::constant(year, quarter * 3 + 1, 1),
                };
                Some(Span::until(first, next))
            }
        }
    }

    /// The period with its days, for who states that data covers it. None where [`Self::span`] is.
    pub fn covered(&self, period: Period) -> Option<Covered> {
        self.span(period).map(|days| Covered { period, days })
    }

    /// The periods of a kind, one after another without end, from the first that begins in `first_period` or
    /// later. By term there are none where the calendar lists no terms.
    pub fn periods(&self, kind: PeriodKind) -> impl Iterator<Item = Period> + '_ {
        std::iter::successors(self.first(kind), |period| self.after(*period))
    }

    fn first(&self, kind: PeriodKind) -> Option<Period> {
        let year = self.first_period;
        let day = year.span(self.year_starts).first;
        match kind {
            PeriodKind::Year => Some(Period::Year(year)),
            PeriodKind::Years(count) => {
                Some(Period::Years { first: year, last: year.plus(count - 1) })
            }
            PeriodKind::Term => self.terms.first_from(day).map(Period::Term),
            PeriodKind::Quarter => {
                let this = Period::Quarter { year: day.year(), quarter: (day.month() - 1) / 3 + 1 };
                if self.span(this)?.first < day { self.after(this) } else { Some(this) }
            }
        }
    }

    /// The period after this one, as far as the calendar has it. Spans of years do not overlap.
    pub fn after(&self, period: Period) -> Option<Period> {
        Some(match period {
            Period::Year(year) => Period::Year(year.next()),
            Period::Years { first, last } => {
                let count = last.first() - first.first() + 1;
                Period::Years { first: first.plus(count), last: last.plus(count) }
            }
            Period::Term(term) => Period::Term(self.terms.after(term)?),
            Period::Quarter { year, quarter: 4 } => Period::Quarter { year: year + 1, quarter: 1 },
            Period::Quarter { year, quarter } => Period::Quarter { year, quarter: quarter + 1 },
        })
    }
}

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
            let begins = self.begins(kpi);
            let from = |period| self.asked_from(period).map(|day| (period, day.max(begins)));
            self.calendar()
                .periods(kpi.period)
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::period::TermName;

    /// A calendar whose fall begins on 15 August, its spring on 10 January, its summer on 20 May.
    fn calendar(year_starts: &str, first_period: &str) -> Calendar {
        let term = |(name, day): (TermName, &str)| (day.parse().unwrap(), name);
        let terms =
            [(TermName::Fall, "08-15"), (TermName::Spring, "01-10"), (TermName::Summer, "05-20")];
        Calendar {
            year_starts: year_starts.parse().unwrap(),
            terms: TermStarts::new(terms.map(term).to_vec()),
            first_period: first_period.parse().unwrap(),
            wait_days: 21,
        }
    }

    #[test]
    fn spans_first_to_last_day() {
        let (july, january) = (calendar("07-01", "2025-26"), calendar("01-01", "2025"));
        for (text, calendar, days) in [
            ("2025-26", &july, Some(("2025-07-01", "2026-06-30"))),
            ("2024", &january, Some(("2024-01-01", "2024-12-31"))),
            ("2013/2014", &january, Some(("2013-01-01", "2014-12-31"))),
            ("2025-FALL", &july, Some(("2025-08-15", "2026-01-09"))),
            ("2025-FALL", &january, Some(("2025-08-15", "2026-01-09"))),
            ("2026-Q1", &july, Some(("2026-01-01", "2026-03-31"))),
            ("2026-Q4", &july, Some(("2026-10-01", "2026-12-31"))),
            ("2025-26", &january, None),
            ("2025", &july, None),
            ("2013/2014", &july, None),
            ("2025-WINTER", &july, None),
        ] {
            let span = calendar.span(text.parse().unwrap());
            let found = span.map(|span| (span.first.to_string(), span.last.to_string()));
            assert_eq!(found, days.map(|(first, last)| (first.into(), last.into())), "{text}");
        }
    }

    #[test]
    fn walks_the_calendar_without_overlap_or_gap() {
        let calendar = calendar("07-01", "2025-26");
        for (kind, labels) in [
            (PeriodKind::Year, ["2025-26", "2026-27", "2027-28"]),
            (PeriodKind::Years(2), ["2025-26/2026-27", "2027-28/2028-29", "2029-30/2030-31"]),
            (PeriodKind::Term, ["2025-FALL", "2026-SPRING", "2026-SUMMER"]),
            (PeriodKind::Quarter, ["2025-Q3", "2025-Q4", "2026-Q1"]),
        ] {
            let periods: Vec<_> = calendar.periods(kind).take(12).collect();
            let found: Vec<_> = periods.iter().take(3).map(ToString::to_string).collect();
            assert_eq!(found, labels);
            for pair in periods.windows(2) {
                let [one, two] = [0, 1].map(|at| calendar.span(*pair.get(at).unwrap()).unwrap());
                assert_eq!(one.last.tomorrow().unwrap(), two.first, "{pair:?}");
            }
            assert!(periods.iter().all(|period| period.kind() == kind));
        }
    }

    #[test]
    fn a_term_belongs_to_the_year_in_which_it_begins() {
        for (year_starts, first_period, first) in [
            ("07-01", "2025-26", "2025-FALL"),
            ("08-15", "2025-26", "2025-FALL"),
            // Fall has begun already; whatever the year is called, the term's name stays.
            ("08-16", "2025-26", "2026-SPRING"),
            ("10-01", "2025-26", "2026-SPRING"),
            ("01-01", "2025", "2025-SPRING"),
            ("01-11", "2025-26", "2025-SUMMER"),
        ] {
            let calendar = calendar(year_starts, first_period);
            let found = calendar.periods(PeriodKind::Term).next().unwrap();
            assert_eq!(found.to_string(), first, "{year_starts}");
            let begins = calendar.span(found).unwrap().first;
            assert_eq!(calendar.year_starts.year_of(begins), calendar.first_period);
        }
        let none = Calendar { terms: TermStarts::default(), ..calendar("07-01", "2025-26") };
        assert_eq!(none.periods(PeriodKind::Term).next(), None);
    }
}
