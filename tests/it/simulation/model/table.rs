//! What can be asked for, and what the MOU makes of it.

use super::super::auditor::Charge;
use super::super::operation::{By, Counted, For, Kpi, Q, year_label};
use super::versions::Agreed;

/// What a question asks for, however it asks and under whatever version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Table(Kpi, By, i16, Counted);

impl Table {
    /// Under a version that has enrolment count these.
    pub(in crate::simulation) fn of(question: Q, counted: Counted) -> Self {
        let Q(kpi, by, year, _) = question;
        let counted = if kpi == Kpi::Enrolment { counted } else { Counted::AllYear };
        Self(kpi, if by == By::RaceSex { By::SexRace } else { by }, year, counted)
    }

    /// Another way to ask for it.
    pub(in crate::simulation) fn question(self) -> Q {
        Q(self.0, self.1, self.2, For::Report)
    }

    pub(super) fn kpi(self) -> Kpi {
        self.0
    }

    pub(super) fn by(self) -> By {
        self.1
    }

    /// Whether a version that has enrolment count these asks for it by [`Table::question`].
    pub(in crate::simulation) fn is_of(self, counted: Counted) -> bool {
        Self::of(self.question(), counted) == self
    }

    /// A rate has two outcomes; there are 4 codes of sex, 9 of race, and 4 bands of age and those unknown.
    pub(super) fn cells(self) -> usize {
        let groups = match self.1 {
            By::Sex => 4,
            By::SexRace | By::RaceSex => 4 * 9,
            By::Age => 5,
            By::Total | By::Pell => 1,
        };
        groups * if self.0 == Kpi::Enrolment { 1 } else { 2 }
    }

    /// The table of a charge, if it is one that was ever asked for, and the version that allowed it.
    pub(super) fn charged(charge: &Charge, versions: &[Agreed]) -> Option<(Self, usize)> {
        let version = versions.iter().position(|version| version.mou == charge.mou)?;
        let kpi = [Kpi::Enrolment, Kpi::Retention].into_iter().find(|k| k.word() == charge.kpi)?;
        let by = [By::Total, By::Sex, By::RaceSex, By::Age].into_iter();
        let by = by.into_iter().find(|by| by.words() == charge.breakdown)?;
        let year = (2021..=2030).find(|year| year_label(*year) == charge.period)?;
        let question = Q(kpi, by, year, For::Report);
        Some((versions[version].terms.table(question), version))
    }
}
