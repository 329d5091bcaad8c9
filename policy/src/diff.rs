//! What changes between two versions of an agreement: not in its words, but in what they mean.
//!
//! **Meaning.** An MOU means a function: from a question with everything that its answer depends on ([`Asked`]:
//! the asker's party and root, the node, the KPI, period, breakdown and purpose, the parties asked together, the
//! day) to a refusal, or to the terms of an answer ([`Terms`]). [`answer`] is that function, and it is
//! [`crate::decide()`]. Two refusals are equal whatever their reasons: nothing is disclosed either way.
//!
//! **Days compared.** An amendment leaves the version that it replaces in force until its own first day. So a
//! later version of the same agreement is compared from that day on, and any other from the first day there is.
//!
//! **Exact.** A question is answered if each of its parts is allowed: the days in force, the asker, the purpose,
//! the table, the node, the pilot, the period, its wait, the roster. So a question that one version answers and
//! the other refuses lies in the region of some part that only one allows; a question that both answer on other
//! terms, in the region of some term. Each [`Change`] states such a region. It is reported only with a witness,
//! a question of the region for which it is true. `tests` compares all changes of random small agreements with
//! all their questions, each put to `decide`.

mod beside;
mod change;
mod clauses;
mod find;
mod meaning;
mod pair;
mod paths;
mod protection;
mod region;
mod view;
mod what;
mod when;
mod who;
mod words;

#[cfg(test)]
mod tests;

use jiff::civil::Date;

use crate::diff::clauses::{Clauses, Told};
use crate::diff::pair::Pair;
use crate::diff::view::Days;
use crate::mou::Mou;
use crate::problem::Problems;

pub use beside::Keeper;
pub use change::{Change, Direction, Topic, Witness};
pub use clauses::Clause as ChangedClause;
pub use meaning::{Asked, Asker, Measured, Route, Terms, answer};
pub use region::Term;

/// Clauses that tell versions apart, and say nothing else.
const LABELS: [&str; 3] = ["version", "replaces", "id"];

/// An agreement with the exact text it was read from.
#[derive(Debug, Clone)]
pub struct Version {
    mou: Mou,
    text: Vec<u8>,
}

/// What changes from one version to another.
#[derive(Debug)]
pub struct Diff<'a> {
    old: &'a Mou,
    new: &'a Mou,
    compared: Days,
    /// Changes of meaning, those that widen first.
    pub changes: Vec<Reported>,
    /// Changes that no question notices, and that are no mere wording.
    pub beside: Vec<Beside>,
    /// Clauses that are written differently and change nothing of their own.
    pub wording: Vec<ChangedClause>,
}

/// A change of meaning with the clauses that make it.
#[derive(Debug, Clone)]
pub struct Reported {
    /// The change.
    pub change: Change,
    /// Its clauses.
    pub clauses: Vec<ChangedClause>,
}

/// A change that no question notices: of a rule that software acts by elsewhere, or of words that people keep.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Who keeps it.
    pub keeper: Keeper,
    /// Whether more or less is disclosed, where that can be said.
    pub direction: Option<Direction>,
    /// The change in words, of the new version.
    pub sentence: String,
    /// Its clauses.
    pub clauses: Vec<ChangedClause>,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// Every problem of the text, as [`Mou::read`] finds them.
    pub fn read(text: &[u8]) -> Result<Self, Problems> {
        Ok(Self { mou: Mou::read(text)?, text: text.to_vec() })
    }

    /// The agreement.
    pub fn mou(&self) -> &Mou {
        &self.mou
    }
}

impl<'a> Diff<'a> {
    /// Compares two versions.
    pub fn between(old: &'a Version, new: &'a Version) -> Self {
        let amends = old.mou.id() == new.mou.id()
            && old.mou.version() < new.mou.version()
            && old.mou.effective() < new.mou.effective();
        let compared = if amends { Days::from(new.mou.effective()) } else { Days::ALL };
        let mut pair = Pair::of(&old.mou, &new.mou, compared);
        pair.who();
        pair.what();
        pair.when();
        pair.protection();
        let mut found = pair.changes;
        found.sort_by_key(|change| order(change.direction));

        let mut told =
            Told::new(Clauses::of(&old.text, &old.mou), Clauses::of(&new.text, &new.mou));
        let changes = found.into_iter().map(|change| {
            let clauses = told.tell(&change.paths);
            Reported { change, clauses }
        });
        let changes = changes.collect();
        let mut asides = beside::beside(&old.mou, &new.mou);
        asides.retain(|aside| !(aside.unless_told && told.knows(&aside.paths)));
        let beside = asides.into_iter().map(|aside| Beside {
            keeper: aside.keeper,
            direction: aside.direction,
            sentence: aside.sentence,
            clauses: told.tell(&aside.paths),
        });
        let beside = beside.collect();
        let is_label = |key: &str| LABELS.contains(&key) || (amends && key == "effective");
        let wording = told.untold(is_label);
        Self { old: &old.mou, new: &new.mou, compared, changes, beside, wording }
    }

    /// Whether they are versions of one agreement.
    pub fn is_one_agreement(&self) -> bool {
        self.old.id() == self.new.id()
    }

    /// The day from which they are compared: until then the old version stands. None if all days are.
    pub fn compared_from(&self) -> Option<Date> {
        (self.compared != Days::ALL).then_some(self.compared.first)
    }

    /// Whether anything is disclosed that was not, as far as software can tell.
    pub fn widens(&self) -> bool {
        self.changes.iter().any(|reported| reported.change.direction.widens())
            || self.beside.iter().any(|aside| aside.direction.is_some_and(Direction::widens))
    }

    /// Whether nothing changes but wording.
    pub fn is_same(&self) -> bool {
        self.changes.is_empty() && self.beside.is_empty()
    }

    /// Whether a change says that the versions treat this question differently.
    pub fn covers(&self, change: &Change, asked: &Asked) -> bool {
        let (old, new) = (answer(self.old, asked), answer(self.new, asked));
        self.compared.hold(asked.day)
            && change
                .claims
                .iter()
                .any(|claim| claim.covers(asked, (self.old, &old), (self.new, &new)))
    }
}

/// What widens first, then what goes both ways, then what narrows.
fn order(direction: Direction) -> u8 {
    match direction {
        Direction::Widens => 0,
        Direction::Both => 1,
        Direction::Narrows => 2,
    }
}
