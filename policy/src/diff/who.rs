//! Who asks, and what for: askers, their roots, purposes.

use std::collections::BTreeSet;

use crate::diff::change::{Direction, Topic};
use crate::diff::find::Within;
use crate::diff::meaning::Asker;
use crate::diff::pair::{Pair, Side, grouped};
use crate::diff::region::{Region, Term};
use crate::diff::words;
use crate::names::PartyId;

impl Pair<'_> {
    pub(super) fn who(&mut self) {
        for side in Side::BOTH {
            self.askers(side);
            self.purposes(side);
        }
        self.measuring();
        self.roots();
    }

    fn askers(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let knows = |asker: &Asker| refuses.askers.keys().any(|known| known.party == asker.party);
        let gained = answers.askers.iter().filter(|(asker, _)| !knows(asker));
        let gained = grouped(gained.map(|(asker, measures)| (asker.clone(), *measures)));
        let mut found = Vec::new();
        for (askers, measures) in gained {
            let first = askers.first();
            let Some(witness) = self.answered(side, Within { asker: first, ..Within::default() })
            else {
                continue;
            };
            let ids: BTreeSet<PartyId> = askers.iter().map(|asker| asker.party.clone()).collect();
            let who = words::parties(answers.mou, &ids);
            let what = match measures {
                true => "have any table measured",
                false => "read any table that is released",
            };
            let lets = side.word("newly lets", "no longer lets");
            let mut paths = vec!["roles".to_owned()];
            paths.extend(ids.iter().map(|id| format!("party.{id}")));
            let claim = Self::one_answers(side, Region::Askers(askers), witness);
            found.push((format!("{lets} {who} {what}"), paths, claim));
        }
        for (sentence, paths, claim) in found {
            self.note(side.direction(), Topic::Asker, sentence, paths, vec![claim]);
        }
    }

    /// Parties that may have tables measured and could only read, or the reverse.
    fn measuring(&mut self) {
        let moved = self.old.askers.iter().filter_map(|(asker, old)| {
            let new = self.new.askers.get(asker)?;
            (old != new).then(|| (asker.clone(), *new))
        });
        for (askers, measures) in grouped(moved) {
            let within = Within { asker: askers.first(), ..Within::default() };
            let region = Region::Askers(askers.clone());
            let Some(claim) = self.term(Term::MayMeasure, region, within) else { continue };
            let ids = askers.iter().map(|asker| asker.party.clone()).collect();
            let who = words::parties(self.new.mou, &ids);
            let (direction, sentence) = match measures {
                true => (
                    Direction::Widens,
                    format!(
                        "lets {who} have any table measured, and not only read what is released"
                    ),
                ),
                false => (
                    Direction::Narrows,
                    format!("lets {who} only read what is released, and have no table measured"),
                ),
            };
            self.note(direction, Topic::Asker, sentence, vec!["roles".to_owned()], vec![claim]);
        }
    }

    fn purposes(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let gained: BTreeSet<_> = answers.purposes.difference(&refuses.purposes).cloned().collect();
        let within = Within { purpose: gained.first(), ..Within::default() };
        let Some(witness) = gained.first().and_then(|_| self.answered(side, within)) else {
            return;
        };
        let accepts = side.word("newly accepts", "no longer accepts");
        let sentence = format!("{accepts} questions for the purpose {}", words::named(&gained));
        let claim = Self::one_answers(side, Region::Purposes(gained), witness);
        let paths = vec!["agreement.purposes".to_owned()];
        self.note(side.direction(), Topic::Purpose, sentence, paths, vec![claim]);
    }

    /// A party with another root: its key's holder asks as the party and answers for it.
    fn roots(&mut self) {
        let parties = self.old.mou.parties().iter().filter_map(|old| {
            let new = self.new.mou.party(&old.id)?;
            (old.root != new.root).then(|| (old.id.clone(), old.root, new.root))
        });
        for (id, old, new) in parties.collect::<Vec<_>>() {
            let mut claims = Vec::new();
            for (side, root) in [(Side::New, new), (Side::Old, old)] {
                let asker = Asker { party: id.clone(), root };
                let knows =
                    self.sides(side).1.askers.keys().any(|known| known.party == asker.party);
                let within = Within { asker: Some(&asker), ..Within::default() };
                if let Some(witness) = self.answered(side, within).filter(|_| knows) {
                    let region = Region::Askers(BTreeSet::from([asker]));
                    claims.push(Self::one_answers(side, region, witness));
                }
            }
            let within = Within { node: Some(&id), ..Within::default() };
            let region = Region::Nodes(BTreeSet::from([id.clone()]));
            let answers = self.term(Term::NodeRoot, region, within);
            let what = match (claims.is_empty(), answers.is_some()) {
                (false, true) => "asks and answers",
                (true, _) => "answers",
                (false, false) => "asks",
            };
            claims.extend(answers);
            let sentence = format!(
                "knows `{id}` by another root certificate: whoever holds its key {what} as `{id}`, and the \
                 old one's holder is a stranger"
            );
            let paths = vec![format!("party.{id}.root")];
            self.note(Direction::Both, Topic::Root, sentence, paths, claims);
        }
    }
}
