//! `narrow.toml`: what one party's own node leaves out of the agreement. It can only narrow.
//!
//! Two things see to that. [`crate::decide()`] asks the MOU first, as if there were no addendum, and only then the
//! narrowed MOU: both must permit. And the narrowed MOU is made here alone, by adding restrictions and by taking
//! the wider margin, the greater floor and the smaller budget.

mod words;

use std::sync::Arc;

use jiff::civil::Date;

use crate::clause::Clause;
use crate::digest::Sha256;
use crate::margin::Margin;
use crate::mou::{FloorAt, Kpi, Limit, Mou, Restriction};
use crate::problem::Problem;
use crate::question::Question;
use crate::refusal::{Reason, Refusal};
use crate::resolve::unrestricted;

/// The file's name, in clauses and in a node's home.
const FILE: &str = "narrow.toml";

/// A party's addendum to one version of the MOU, or none.
#[derive(Debug, Clone, Default)]
pub struct Narrow {
    hash: Option<Sha256>,
    restrictions: Vec<Restriction>,
    suspension: Option<Suspension>,
    warnings: Vec<Problem>,
    /// The MOU as it holds at this node; none if the addendum leaves its limits as they are.
    narrowed: Option<Arc<Mou>>,
    /// Whether this node withholds its own small groups, wherever else the MOU has the floor judged.
    judges_floor: bool,
}

/// A party that answers nothing for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suspension {
    /// Why, in the party's words; told to whoever asks.
    pub because: String,
    /// Its last day, in UTC; none: until it is taken back.
    pub until: Option<Date>,
}

/// What an addendum says, as read; parts without effect are left out already.
pub(crate) struct Addendum {
    pub(crate) hash: Sha256,
    pub(crate) restrictions: Vec<Restriction>,
    pub(crate) floor: Option<u32>,
    pub(crate) budget_nano_rho: Option<u64>,
    pub(crate) suspension: Option<Suspension>,
    pub(crate) warnings: Vec<Problem>,
}

impl Narrow {
    /// No addendum: the MOU as it is.
    pub fn none() -> Self {
        Self::default()
    }

    /// An addendum that cannot be used. It refuses everything: a party's wish to narrow is never ignored.
    pub fn unusable(bytes: &[u8]) -> Self {
        Self {
            hash: Some(Sha256::of(bytes)),
            suspension: Some(Suspension::to_be_corrected()),
            ..Self::default()
        }
    }

    pub(crate) fn of(addendum: Addendum, mou: &Mou) -> Self {
        let Addendum { hash, restrictions, floor, budget_nano_rho, suspension, warnings } =
            addendum;
        let floors = restrictions.iter().filter_map(|restriction| match restriction.limit {
            Limit::Floor(floor) => Some(floor),
            _ => None,
        });
        let floor = floors.chain(floor).max();
        let narrowed = narrowed(mou, &restrictions, floor, budget_nano_rho);
        let judges_floor = floor.is_some_and(|floor| floor >= mou.privacy().floor);
        Self {
            hash: Some(hash),
            restrictions,
            suspension,
            warnings,
            narrowed: Some(Arc::new(narrowed)),
            judges_floor,
        }
    }

    /// SHA-256 of the file; none if there is no addendum.
    pub fn hash(&self) -> Option<Sha256> {
        self.hash
    }

    /// What was written to no effect, each with its line.
    pub fn warnings(&self) -> &[Problem] {
        &self.warnings
    }

    /// The suspension, whether it has ended or not.
    pub fn suspension(&self) -> Option<&Suspension> {
        self.suspension.as_ref()
    }

    /// The MOU as it holds at this node: the same version, with the addendum's margins, floor, budget and
    /// restrictions where they are stricter.
    pub fn over<'a>(&'a self, mou: &'a Mou) -> &'a Mou {
        self.narrowed.as_deref().filter(|narrowed| narrowed.hash() == mou.hash()).unwrap_or(mou)
    }

    /// The floor below which this node withholds its own groups, judged on noisy values. None where the MOU
    /// leaves that to the coalition's sum, and this party does not want it otherwise.
    pub fn own_floor(&self, mou: &Mou) -> Option<u32> {
        let here = self.judges_floor || mou.privacy().floor_at == FloorAt::Node;
        here.then_some(self.over(mou).privacy().floor)
    }

    /// Whether an addendum was read beside this version of the MOU. One of another version says nothing about it.
    pub(crate) fn speaks_of(&self, mou: &Mou) -> bool {
        self.narrowed.as_ref().is_none_or(|narrowed| narrowed.hash() == mou.hash())
    }

    /// What the addendum says of a question that the MOU permits.
    ///
    /// # Errors
    /// `PAUSED`, `RESTRICTED`.
    pub(crate) fn allows(
        &self,
        mou: &Mou,
        question: &Question,
        today: Date,
    ) -> Result<(), Refusal> {
        if !self.speaks_of(mou) {
            return Err(Suspension::to_be_corrected().refusal(Clause::at(FILE)));
        }
        if let Some(suspension) = self.suspension.as_ref().filter(|it| it.holds_on(today)) {
            return Err(suspension.refusal(Clause::at(format!("{FILE} suspend"))));
        }
        let Some(kpi) = mou.kpi(&question.kpi) else { return Ok(()) };
        unrestricted(&self.restrictions, mou, kpi, &question.breakdown, &format!("{FILE} restrict"))
    }
}

impl Suspension {
    fn to_be_corrected() -> Self {
        Self { because: format!("its operator has to correct its {FILE}"), until: None }
    }

    /// Whether nothing is answered on this day.
    pub fn holds_on(&self, today: Date) -> bool {
        self.until.is_none_or(|last| today <= last)
    }

    /// What an asker is told.
    pub fn refusal(&self, clause: Clause) -> Refusal {
        let Self { because, until } = self;
        let until =
            until.map(|last| format!(" until {last}, that day included")).unwrap_or_default();
        Refusal {
            reason: Reason::Paused,
            clause,
            message: format!("this node answers nothing{until}: {because}"),
            hint: "ask again when it answers; nothing is charged meanwhile".to_owned(),
        }
    }
}

/// The MOU with what is stricter in an addendum. Each part is a maximum or a minimum of both.
fn narrowed(
    mou: &Mou,
    restrictions: &[Restriction],
    floor: Option<u32>,
    budget_nano_rho: Option<u64>,
) -> Mou {
    let mut narrowed = mou.clone();
    for kpi in &mut narrowed.kpis {
        if let Some(margin) = widest(restrictions, kpi).filter(|margin| *margin > kpi.margin) {
            Arc::make_mut(kpi).margin = margin;
        }
    }
    let privacy = &mut narrowed.privacy;
    privacy.floor = floor.map_or(privacy.floor, |floor| floor.max(privacy.floor));
    privacy.budget_nano_rho =
        budget_nano_rho.map_or(privacy.budget_nano_rho, |own| own.min(privacy.budget_nano_rho));
    narrowed.restrictions.extend(restrictions.iter().cloned());
    narrowed
}

fn widest(restrictions: &[Restriction], kpi: &Kpi) -> Option<Margin> {
    let margins = restrictions.iter().filter(|restriction| restriction.covers(kpi));
    let margins = margins.filter_map(|restriction| match restriction.limit {
        Limit::Margin(margin) => Some(margin),
        _ => None,
    });
    margins.max()
}
