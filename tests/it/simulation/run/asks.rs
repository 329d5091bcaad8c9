//! Tables are asked for, by one or by two at once, heard or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sumac_backbone::{Absence, Answers, combine};
use sumac_policy::{Mou, Reason};
use tokio::sync::Notify;

use super::super::model::{Broken, Expected, Loose, Table, Terms, broken};
use super::super::operation::{Left, List, Moment, Place, Q, Who, year_of};
use super::Run;

/// Why a table is refused that somebody else may have paid for.
const HAS_TO_DO_WITH_IT: [Reason; 5] = [
    Reason::MarginTighter,
    Reason::BudgetSpent,
    Reason::PeriodNotHeld,
    Reason::SnapshotTooEarly,
    Reason::ColumnNotHeld,
];

impl Run {
    /// What each node that runs says to these asks.
    fn expect(&self, asks: &[(Who, Vec<Q>)]) -> BTreeMap<Place, Vec<Vec<Expected>>> {
        let up = Place::ALL.into_iter().filter(|place| self.model.is_up(*place));
        up.map(|place| (place, self.model.expect(place, asks))).collect()
    }

    pub(super) async fn ask(
        &mut self,
        who: Who,
        of: &List<Q>,
        id: &str,
        kill: Option<(Place, Left)>,
    ) -> Result<(), Broken> {
        let asks = [(who, of.0.clone())];
        let expected = self.expect(&asks);
        let answers = if of.0.is_empty() {
            Vec::new()
        } else {
            self.asker(who).ask(&id.parse().unwrap(), &self.wanted(of)).await
        };
        if let Some((place, left)) = kill {
            let n = self.partner(place);
            match self.partners[n].revive(&self.coalition, left).await {
                Ok(true) => self.count("killed in the middle"),
                Ok(false) => self.count("killed behind an ask"),
                Err(error) => {
                    return broken(
                        "a node starts on what a kill leaves",
                        format!("{place:?}: {error}"),
                    );
                }
            }
        }
        self.audit_all(&payers(self.model.terms(), &expected, &asks))?;
        let unheard = kill.map(|(place, _)| place);
        let terms = *self.model.terms();
        if let Some(place) = unheard {
            let node = self.model.node_mut(place);
            node.loose.clear();
            let halfway = of.0.iter().map(|question| terms.table(*question));
            let halfway = halfway.filter(|t| node.is_charged(*t) && node.released(*t).is_none());
            if halfway.count() > 0 {
                self.count("charged and not released");
            }
        }
        self.judge(&asks, &expected, vec![answers], unheard)
    }

    pub(super) async fn two_at_once(
        &mut self,
        one: Who,
        other: Who,
        of: &List<Q>,
    ) -> Result<(), Broken> {
        let reversed = List(of.0.iter().rev().copied().collect());
        let asks = [(one, of.0.clone()), (other, reversed.0.clone())];
        let expected = self.expect(&asks);
        let ids = [self.write_down(one, of), self.write_down(other, &reversed)];
        let ids = ids.map(|id| id.parse().unwrap());
        let wanted = [self.wanted(of), self.wanted(&reversed)];
        let askers = [self.asker(one), self.asker(other)];
        let (first, second) =
            tokio::join!(askers[0].ask(&ids[0], &wanted[0]), askers[1].ask(&ids[1], &wanted[1]));
        self.count("two at once");
        self.audit_all(&payers(self.model.terms(), &expected, &asks))?;
        self.judge(&asks, &expected, vec![first, second], None)
    }

    pub(super) async fn drop_reply(
        &mut self,
        who: Who,
        of: &List<Q>,
        moment: Moment,
    ) -> Result<(), Broken> {
        let asks = [(who, of.0.clone())];
        let expected = self.expect(&asks);
        let id = self.write_down(who, of);
        let (asker, id, wanted) = (self.asker(who), id.parse().unwrap(), self.wanted(of));
        let now = Arc::new(Notify::new());
        if let Moment::Call(call) = moment {
            for running in self.partners.iter().filter_map(|partner| partner.running.as_ref()) {
                let now = now.clone();
                running.trap.set(call, Box::new(move || now.notify_one()));
            }
        }
        let hangs_up = async {
            match moment {
                Moment::Call(_) => now.notified().await,
                Moment::Turn(turns) => {
                    for _ in 0..turns {
                        tokio::task::yield_now().await;
                    }
                }
            }
        };
        let answers = tokio::select! {
            biased;
            () = hangs_up => None,
            answers = asker.ask(&id, &wanted) => Some(answers),
        };
        for running in self.partners.iter().filter_map(|partner| partner.running.as_ref()) {
            drop(running.trap.disarm());
        }
        let Some(answers) = answers else {
            self.count("hung up");
            let (year, version) = (year_of(self.model.today), self.model.asked_by());
            for (place, tables) in payers(self.model.terms(), &expected, &asks) {
                let node = self.model.node_mut(place);
                for table in tables {
                    if node.released(table).is_none() {
                        let new = || Loose { year, versions: BTreeSet::new() };
                        node.loose.entry(table).or_insert_with(new).versions.insert(version);
                    }
                }
            }
            return self.audit_all(&BTreeMap::new());
        };
        self.audit_all(&payers(self.model.terms(), &expected, &asks))?;
        self.judge(&asks, &expected, vec![answers], None)
    }

    /// Holds answers against what was expected and what the ledgers say now. What `unheard` answered came too
    /// late for anyone to hear.
    fn judge(
        &mut self,
        asks: &[(Who, Vec<Q>)],
        expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
        answers: Vec<Vec<Answers>>,
        unheard: Option<Place>,
    ) -> Result<(), Broken> {
        for (n, ((_, questions), answers)) in asks.iter().zip(answers).enumerate() {
            for (m, (question, answers)) in questions.iter().zip(answers).enumerate() {
                for place in Place::ALL.into_iter().filter(|place| Some(*place) != unheard) {
                    let expected = expected.get(&place).map(|expected| expected[n][m]);
                    self.judge_one(place, *question, expected, &answers)?;
                }
                let mou = self.signed[self.model.asked_by()].version.mou();
                states_who_is_missing(mou, answers)?;
            }
        }
        Ok(())
    }

    fn judge_one(
        &mut self,
        place: Place,
        question: Q,
        expected: Option<Expected>,
        answers: &Answers,
    ) -> Result<(), Broken> {
        let found = answers.from.iter().find(|(from, _)| from.as_str() == place.party());
        let Some((_, answer)) = found else {
            return broken("who is missing is stated", format!("{place:?} is not mentioned"));
        };
        let said = || format!("{place:?}, {question:?}: expected {expected:?}, got {answer:?}");
        match (expected, answer) {
            (None, Err(Absence::Unreachable(_))) => Ok(()),
            (Some(Expected::Answer | Expected::Either(_) | Expected::Open), Ok(verified)) => {
                let table = self.model.terms().table(question);
                let released = self.model.node(place).and_then(|node| node.released(table));
                if released != Some(&verified.signed().to_bytes()) {
                    return broken("a table is answered with what was released first", said());
                }
                self.count("answered");
                let (version, facts) = (self.model.asked_by(), verified.release().facts());
                if facts.mou != self.signed[version].version.mou().hash() {
                    self.count("same bytes under another version");
                } else if version > 0 {
                    self.count("under another version");
                }
                if verified.release().facts().revision > 0 {
                    self.count("measured anew");
                }
                Ok(())
            }
            (
                Some(Expected::Refusal(reason) | Expected::Either(reason)),
                Err(Absence::Refused(refusal)),
            ) if refusal.reason == reason => {
                self.count(match reason {
                    Reason::BudgetSpent => "budget spent",
                    Reason::Paused => "refused in a pause",
                    Reason::MarginTighter => "too wide by now",
                    Reason::MouDiffers => "behind",
                    _ => "refused",
                });
                Ok(())
            }
            (Some(Expected::Open), Err(Absence::Refused(refusal)))
                if HAS_TO_DO_WITH_IT.contains(&refusal.reason) =>
            {
                Ok(())
            }
            _ => broken("an answer is what the MOU and the budget say", said()),
        }
    }
}

/// The tables that each node may be paid for in answering these asks.
fn payers(
    terms: &Terms,
    expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
    asks: &[(Who, Vec<Q>)],
) -> BTreeMap<Place, BTreeSet<Table>> {
    let of_place = |expected: &[Vec<Expected>]| {
        let pairs = asks.iter().zip(expected);
        let pairs = pairs.flat_map(|((_, questions), expected)| questions.iter().zip(expected));
        let paying = pairs.filter(|(_, expected)| !matches!(expected, Expected::Refusal(_)));
        paying.map(|(question, _)| terms.table(*question)).collect()
    };
    expected.iter().map(|(place, expected)| (*place, of_place(expected))).collect()
}

/// The sums name everybody, are over those who answered, and hold every group.
fn states_who_is_missing(mou: &Mou, answers: Answers) -> Result<(), Broken> {
    let said = format!("{answers:?}");
    let everybody: Vec<_> = answers.from.iter().map(|(party, _)| party.clone()).collect();
    let mut sums: Vec<i64> = Vec::new();
    let mut answered = Vec::new();
    for (party, answer) in &answers.from {
        let Ok(verified) = answer else { continue };
        let cells = &verified.release().facts().cells;
        sums.resize(cells.len(), 0);
        sums.iter_mut().zip(cells).for_each(|(sum, cell)| *sum += cell);
        answered.push(party.clone());
    }
    let combined = combine(mou, answers);
    let missing: Vec<_> =
        combined.coverage.missing.iter().map(|(party, _)| party.clone()).collect();
    let mut named: Vec<_> = answered.iter().chain(&missing).cloned().collect();
    named.sort();
    let mut all = everybody;
    all.sort();
    let shown: Vec<_> = combined.groups.iter().flat_map(|group| group.sums.clone()).collect();
    if combined.coverage.answered != answered || named != all || shown != sums {
        return broken("who is missing is stated", format!("{:?} of {said}", combined.coverage));
    }
    Ok(())
}
