//! What can be asked for, and what the MOU makes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use super::super::agreement::key;
use super::super::auditor::{Charge, Name};
use super::super::operation::{Budget, By, Counted, For, Kpi, Q, year_label};
use super::versions::{Agreed, Terms};

/// What a question asks for, however it asks and under whatever version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulation) struct Table(Kpi, By, i16, Counted);

/// Every table that any version lists, and what names it in every ledger.
static KEYS: LazyLock<BTreeMap<Table, String>> = LazyLock::new(|| {
    let mut keys = BTreeMap::new();
    for counted in [Counted::AllYear, Counted::Fall] {
        let changes = Terms::widest(counted).into_iter();
        let widest = changes.fold(Terms::first(Budget::Ample), Terms::changed);
        for kpi in [Kpi::Enrolment, Kpi::Retention, Kpi::Completers] {
            for by in [By::Total, By::Sex, By::SexRace, By::Race, By::Age] {
                let questions = (2021..=2030).map(|year| Q(kpi, by, year, For::Report));
                let listed = questions.filter(|question| widest.lists(widest.table(*question)));
                keys.extend(listed.map(|asked| (widest.table(asked), key(asked, counted))));
            }
        }
    }
    assert_eq!(keys.values().collect::<BTreeSet<_>>().len(), keys.len(), "a key names one table");
    keys
});

impl Table {
    /// Under a version that has enrolment count these.
    pub(in crate::simulation) fn of(question: Q, counted: Counted) -> Self {
        let Q(kpi, by, year, _) = question;
        let counted = if kpi == Kpi::Enrolment { counted } else { Counted::AllYear };
        Self(kpi, if by == By::RaceSex { By::SexRace } else { by }, year, counted)
    }

    /// All that any version lists.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        KEYS.keys().copied()
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

    /// The first year of its period.
    pub(super) fn year(self) -> i16 {
        self.2
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
            By::Race => 9,
            By::Age => 5,
            By::Total | By::Pell => 1,
        };
        groups * if self.0 == Kpi::Enrolment { 1 } else { 2 }
    }

    /// What names it in every ledger, in hexadecimal, by whatever version; empty if no version lists it.
    pub(super) fn key(self) -> &'static str {
        KEYS.get(&self).map_or("", String::as_str)
    }

    /// The table of this key.
    pub(super) fn keyed(key: &str) -> Option<Self> {
        KEYS.iter().find(|(_, known)| *known == key).map(|(table, _)| *table)
    }

    /// How records call it: by the same words whomever it counts.
    pub(super) fn name(self) -> Name {
        let Self(kpi, by, year, _) = self;
        let mut breakdown: Vec<_> = by.words().iter().map(|word| (*word).to_owned()).collect();
        breakdown.sort();
        (kpi.word().to_owned(), year_label(year), breakdown)
    }

    /// The table of a charge, and the version that allowed it; none if that version has no such table.
    pub(super) fn charged(charge: &Charge, versions: &[Agreed]) -> Option<(Self, usize)> {
        let version = versions.iter().position(|version| version.mou == charge.mou)?;
        let table = Self::keyed(&charge.table)?;
        let is_it = table.name() == charge.name() && versions[version].terms.lists(table);
        is_it.then_some((table, version))
    }
}
