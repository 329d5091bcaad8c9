//! What can be asked for, and what the MOU makes of it.

use super::super::auditor::Charge;
use super::super::operation::{By, For, Kpi, Q, year_label};

/// What a question asks for, however it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Table(Kpi, By, i16);

impl Table {
    pub(in crate::simulation) fn of(question: Q) -> Self {
        let Q(kpi, by, year, _) = question;
        Self(kpi, if by == By::RaceSex { By::SexRace } else { by }, year)
    }

    /// Another way to ask for it.
    pub(in crate::simulation) fn question(self) -> Q {
        Q(self.0, self.1, self.2, For::Report)
    }

    /// From the table in `docs`: ±15 learners cost 0.008536889, ±10 cost 0.019208.
    pub(in crate::simulation) fn price_nano_rho(self) -> u64 {
        match self.0 {
            Kpi::Enrolment => 8_536_889,
            Kpi::Retention | Kpi::Completers | Kpi::Unheard => 19_208_000,
        }
    }

    /// Whether the MOU has its breakdown and its KPI.
    pub(super) fn is_listed(self) -> bool {
        let Self(kpi, by, _) = self;
        match kpi {
            Kpi::Enrolment => matches!(by, By::Total | By::Sex | By::SexRace | By::RaceSex),
            Kpi::Retention => matches!(by, By::Total | By::Sex),
            Kpi::Completers => by == By::Total,
            Kpi::Unheard => false,
        }
    }

    /// A rate has two outcomes; there are 4 codes of sex and 9 of race.
    pub(super) fn cells(self) -> usize {
        let groups = match self.1 {
            By::Sex => 4,
            By::SexRace | By::RaceSex => 4 * 9,
            By::Total | By::Age | By::Pell => 1,
        };
        groups * if self.0 == Kpi::Enrolment { 1 } else { 2 }
    }

    /// The table of a charge, if it is one that was ever asked for.
    pub(super) fn charged(charge: &Charge) -> Option<Self> {
        let kpi = [Kpi::Enrolment, Kpi::Retention].into_iter().find(|k| k.word() == charge.kpi)?;
        let by = [By::Total, By::Sex, By::RaceSex].into_iter();
        let by = by.into_iter().find(|by| by.words() == charge.breakdown)?;
        let year = (2021..=2030).find(|year| year_label(*year) == charge.period)?;
        Some(Self::of(Q(kpi, by, year, For::Report)))
    }
}
