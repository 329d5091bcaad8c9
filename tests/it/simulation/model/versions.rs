//! The versions of the agreement: what each says, which one is in force where.

use jiff::civil::{Date, date};
use sumac_policy::Reason;

use super::super::operation::{Budget, By, Change, Counted, Kpi, Place, Q};
use super::{Model, Table};

/// The last day of every version.
pub(in crate::simulation) const LAST_DAY: Date = date(2031, 6, 30);

/// What differs between versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::simulation) struct Terms {
    pub(in crate::simulation) budget: Budget,
    enrolment: Listed,
    retention: Listed,
    pub(in crate::simulation) counted: Counted,
    pub(in crate::simulation) by_sex_and_race: bool,
    pub(in crate::simulation) by_age: bool,
}

/// How a KPI is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listed {
    is: bool,
    /// In learners.
    margin: u32,
}

/// A version that everybody signed.
#[derive(Debug, Clone)]
pub(in crate::simulation) struct Agreed {
    /// As the ledger writes it.
    pub(in crate::simulation) mou: String,
    pub(in crate::simulation) terms: Terms,
    pub(in crate::simulation) effective: Date,
}

impl Terms {
    /// Of the first version.
    pub(in crate::simulation) fn first(budget: Budget) -> Self {
        Self {
            budget,
            enrolment: Listed { is: true, margin: 15 },
            retention: Listed { is: true, margin: 10 },
            counted: Counted::AllYear,
            by_sex_and_race: true,
            by_age: false,
        }
    }

    /// Those by which all that any version ever listed is answered, with this meaning.
    pub(in crate::simulation) fn widest(counted: Counted) -> Vec<Change> {
        vec![
            Change::With(Kpi::Enrolment),
            Change::With(Kpi::Retention),
            Change::Margin(Kpi::Enrolment, 1_000),
            Change::Margin(Kpi::Retention, 1_000),
            Change::AlsoBy(By::SexRace),
            Change::AlsoBy(By::Age),
            Change::Budget(Budget::Ample),
            Change::Counts(counted),
        ]
    }

    #[must_use]
    pub(in crate::simulation) fn changed(mut self, change: Change) -> Self {
        match change {
            Change::Margin(kpi, margin) => self.listed_mut(kpi).margin = margin,
            Change::Budget(budget) => self.budget = budget,
            Change::Without(kpi) => self.listed_mut(kpi).is = false,
            Change::With(kpi) => self.listed_mut(kpi).is = true,
            Change::NotBy(By::Age) => self.by_age = false,
            Change::AlsoBy(By::Age) => self.by_age = true,
            Change::NotBy(_) => self.by_sex_and_race = false,
            Change::AlsoBy(_) => self.by_sex_and_race = true,
            Change::Counts(counted) => self.counted = counted,
        }
        self
    }

    fn listed_mut(&mut self, kpi: Kpi) -> &mut Listed {
        if kpi == Kpi::Enrolment { &mut self.enrolment } else { &mut self.retention }
    }

    /// Whether it has this KPI.
    pub(in crate::simulation) fn has(&self, kpi: Kpi) -> bool {
        match kpi {
            Kpi::Enrolment => self.enrolment.is,
            Kpi::Retention => self.retention.is,
            Kpi::Completers => true,
            Kpi::Unheard => false,
        }
    }

    /// Whether it has this breakdown of the KPI, with this meaning.
    pub(super) fn lists(&self, table: Table) -> bool {
        let of_kpi = match (table.kpi(), table.by()) {
            (_, By::Total)
            | (Kpi::Enrolment | Kpi::Retention, By::Sex)
            | (Kpi::Enrolment, By::Race) => true,
            (Kpi::Enrolment, By::SexRace | By::RaceSex) => self.by_sex_and_race,
            (Kpi::Enrolment, By::Age) => self.by_age,
            _ => false,
        };
        of_kpi && self.has(table.kpi()) && table.is_of(self.counted)
    }

    /// What a question asks for.
    pub(in crate::simulation) fn table(&self, question: Q) -> Table {
        Table::of(question, self.counted)
    }

    /// In learners.
    pub(in crate::simulation) fn margin(&self, kpi: Kpi) -> u32 {
        match kpi {
            Kpi::Enrolment => self.enrolment.margin,
            Kpi::Retention => self.retention.margin,
            Kpi::Completers | Kpi::Unheard => 10,
        }
    }

    /// From the table in `docs/mou.md`: 1.9208 / margin² ρ, rounded up to a billionth.
    pub(in crate::simulation) fn price_nano_rho(&self, table: Table) -> u64 {
        1_920_800_000_u64.div_ceil(u64::from(self.margin(table.kpi())).pow(2))
    }

    /// What each node may spend in a year.
    pub(in crate::simulation) fn budget_nano_rho(&self) -> u64 {
        match self.budget {
            Budget::Tight => 60_000_000,
            Budget::Ample => 900_000_000,
        }
    }
}

impl Model {
    /// The version by which everybody asks today: the newest whose day has come.
    pub(in crate::simulation) fn asked_by(&self) -> usize {
        self.versions.iter().rposition(|version| version.effective <= self.today).unwrap()
    }

    /// What that one says.
    pub(in crate::simulation) fn terms(&self) -> &Terms {
        &self.versions[self.asked_by()].terms
    }

    /// The version by which a node goes today, once it is asked or told anything: one that it accepted is taken up on
    /// its first day, unless it lapsed before anybody came.
    pub(in crate::simulation) fn in_force(&self, place: Place) -> usize {
        let Some(node) = self.node(place) else { return 0 };
        let is_due = self.versions[node.accepted].effective <= self.today && self.today <= LAST_DAY;
        if is_due { node.accepted } else { node.by }
    }

    /// What that one says.
    pub(in crate::simulation) fn terms_at(&self, place: Place) -> &Terms {
        &self.versions[self.in_force(place)].terms
    }

    /// The next version that a node's operator has to accept, if there is one.
    pub(in crate::simulation) fn lacks(&self, place: Place) -> Option<usize> {
        let next = self.node(place)?.accepted + 1;
        (next < self.versions.len()).then_some(next)
    }

    /// Why a node refuses to accept a version today, in words of its answer; nothing where it accepts it.
    pub(in crate::simulation) fn not_accepted(
        &self,
        place: Place,
        version: usize,
    ) -> Option<&'static str> {
        let in_force = self.in_force(place);
        if version == in_force {
            Some("is the one in force")
        } else if version > in_force + 1 {
            Some("activate those between first")
        } else if self.today > LAST_DAY {
            Some("it lapsed")
        } else {
            None
        }
    }

    /// Why a node that was paid for a table refuses it, or may: fresh noise takes an order.
    pub(super) fn too_wide(&self, place: Place, table: Table) -> Option<super::Expected> {
        let node = self.node(place)?;
        let margin = self.terms_at(place).margin(table.kpi());
        let stands = node.ledger.stands(table);
        if stands.is_some_and(|charge| charge.margin > u64::from(margin)) {
            return Some(super::Expected::Refusal(Reason::MarginTighter));
        }
        let loose = node.loose.get(&table).filter(|_| stands.is_none())?;
        let wider = |version: &usize| self.versions[*version].terms.margin(table.kpi()) > margin;
        loose.versions.iter().any(wider).then_some(super::Expected::Open)
    }
}
