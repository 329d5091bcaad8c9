//! Two versions side by side, and the changes found between them so far.

use std::collections::BTreeSet;

use crate::diff::change::{Change, Direction, Topic, Witness};
use crate::diff::find::{Within, find};
use crate::diff::meaning::{Asked, answer};
use crate::diff::region::{Claim, Region, Says, Term};
use crate::diff::view::{Days, KpiView, View};
use crate::mou::Mou;
use crate::names::{KpiId, PartyId};

/// Two versions side by side.
pub(super) struct Pair<'a> {
    pub(super) old: View<'a>,
    pub(super) new: View<'a>,
    /// Every party of either: the longest roster there is.
    pub(super) everyone: Vec<PartyId>,
    pub(super) changes: Vec<Change>,
}

/// Which version answers what the other refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// The new one: it widens.
    New,
    /// The old one: the new one narrows.
    Old,
}

impl Side {
    pub(super) const BOTH: [Self; 2] = [Self::New, Self::Old];

    pub(super) fn direction(self) -> Direction {
        match self {
            Self::New => Direction::Widens,
            Self::Old => Direction::Narrows,
        }
    }

    fn says(self) -> Says {
        match self {
            Self::New => Says::Allows,
            Self::Old => Says::Withdraws,
        }
    }

    /// One of two words: for what is newly so, or for what no longer is.
    pub(super) fn word<'a>(self, newly: &'a str, no_longer: &'a str) -> &'a str {
        match self {
            Self::New => newly,
            Self::Old => no_longer,
        }
    }
}

impl<'a> Pair<'a> {
    pub(super) fn of(old: &'a Mou, new: &'a Mou, compared: Days) -> Self {
        let mut everyone: Vec<_> = old.parties().iter().map(|party| party.id.clone()).collect();
        let joined = new.parties().iter().filter(|party| old.party(&party.id).is_none());
        everyone.extend(joined.map(|party| party.id.clone()));
        let (old, new) = (View::of(old, compared), View::of(new, compared));
        Self { old, new, everyone, changes: Vec::new() }
    }

    /// The version that answers and the one that refuses.
    pub(super) fn sides(&self, side: Side) -> (&View<'a>, &View<'a>) {
        match side {
            Side::New => (&self.new, &self.old),
            Side::Old => (&self.old, &self.new),
        }
    }

    /// KPIs that both versions list.
    pub(super) fn common(&self) -> impl Iterator<Item = (&KpiId, &KpiView, &KpiView)> {
        self.new.listed().filter_map(|(id, new)| Some((id, self.old.kpis.get(id)?, new)))
    }

    /// A question that one side answers.
    pub(super) fn answered(&self, side: Side, within: Within<'_>) -> Option<Asked> {
        find(&[self.sides(side).0], within, &self.everyone)
    }

    /// A question that both versions answer.
    pub(super) fn answered_by_both(&self, within: Within<'_>) -> Option<Asked> {
        find(&[&self.old, &self.new], within, &self.everyone)
    }

    /// The claim that what `side` answers of this region is refused by the other.
    pub(super) fn one_answers(side: Side, region: Region, witness: Asked) -> Claim {
        Claim { says: side.says(), region, witness }
    }

    /// The claim that a term differs in this region, if any question there is answered by both.
    pub(super) fn term(&self, term: Term, region: Region, within: Within<'_>) -> Option<Claim> {
        let within = Within { measured: within.measured || term.is_of_measurements(), ..within };
        let witness = self.answered_by_both(within)?;
        Some(Claim { says: Says::Alters(term), region, witness })
    }

    /// Notes a change; one without a claim is none.
    pub(super) fn note(
        &mut self,
        direction: Direction,
        topic: Topic,
        sentence: String,
        paths: Vec<String>,
        claims: Vec<Claim>,
    ) {
        let mut witnesses: Vec<Witness> = Vec::new();
        let mut shown = Vec::new();
        for claim in &claims {
            let known = shown.contains(&claim.says)
                || witnesses.iter().any(|witness| witness.asked == claim.witness);
            if !known {
                shown.push(claim.says);
                witnesses.push(self.witness(&claim.witness));
            }
        }
        if !claims.is_empty() {
            self.changes.push(Change { direction, topic, sentence, witnesses, claims, paths });
        }
    }

    fn witness(&self, asked: &Asked) -> Witness {
        let (old, new) = (answer(self.old.mou, asked), answer(self.new.mou, asked));
        Witness { asked: asked.clone(), old, new }
    }
}

/// Puts together what has the same second part: the KPIs that gain the same nodes, say.
pub(super) fn grouped<K: Ord + Clone, V: PartialEq>(
    items: impl IntoIterator<Item = (K, V)>,
) -> Vec<(BTreeSet<K>, V)> {
    let mut groups: Vec<(BTreeSet<K>, V)> = Vec::new();
    for (key, value) in items {
        match groups.iter_mut().find(|(_, known)| *known == value) {
            Some((keys, _)) => {
                keys.insert(key);
            }
            None => groups.push((BTreeSet::from([key]), value)),
        }
    }
    groups
}
