//! Answers, held against what was expected and what lies in the ledgers.

use std::collections::BTreeMap;

use sumac_backbone::{Absence, Answers, HistoryDiffers, combine};
use sumac_policy::{Mou, Reason};

use super::super::keeps::Held;
use super::super::model::{Broken, Expected, broken};
use super::super::operation::{Place, Q, Who};
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
    /// Holds answers against what was expected and what the ledgers say now. What `unheard` answered came too
    /// late for anyone to hear.
    pub(super) fn judge(
        &mut self,
        asks: &[(Who, Vec<Q>)],
        expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
        answers: Vec<Vec<Answers>>,
        unheard: Option<Place>,
    ) -> Result<(), Broken> {
        for (n, ((who, questions), answers)) in asks.iter().zip(answers).enumerate() {
            let held = self.places().into_iter().map(|place| (place, self.keeps.held(*who, place)));
            let held: BTreeMap<_, _> = held.collect();
            for (m, (question, answers)) in questions.iter().zip(answers).enumerate() {
                for place in Place::ALL.into_iter().filter(|place| Some(*place) != unheard) {
                    let expected = expected.get(&place).map(|expected| expected[n][m]);
                    self.judge_one(place, *question, expected, held.get(&place), &answers)?;
                }
                let mou = self.signed[self.model.asked_by()].version.mou();
                states_who_is_missing(mou, answers)?;
            }
        }
        Ok(())
    }

    /// `held` is what the asker keeps of the node now.
    fn judge_one(
        &mut self,
        place: Place,
        question: Q,
        expected: Option<Expected>,
        held: Option<&Held>,
        answers: &Answers,
    ) -> Result<(), Broken> {
        let found = answers.from.iter().find(|(from, _)| from.as_str() == place.party());
        let Some((_, answer)) = found else {
            return broken("who is missing is stated", format!("{place:?} is not mentioned"));
        };
        let said = || format!("{place:?}, {question:?}: expected {expected:?}, got {answer:?}");
        let table = self.model.terms().table(question);
        let is_answer = matches!(
            expected,
            Some(Expected::Answer | Expected::Either(_) | Expected::Open | Expected::Any)
        );
        match (expected, answer) {
            (None, Err(Absence::Unreachable(_))) => Ok(()),
            (_, Ok(verified)) if is_answer => {
                let body = verified.signed().to_bytes();
                let released = self.model.node(place).and_then(|node| node.released(table));
                if released != Some(&body) {
                    return broken("a table is answered with what was released first", said());
                }
                let revision = u64::from(verified.release().facts().revision);
                if self.model.receipt(place, table, held) != Some(&body) {
                    return broken("an asker keeps what it was told first", said());
                }
                if revision > 0 && self.model.was_lost(place, table, revision - 1) {
                    self.count("measured after a loss");
                }
                self.count("answered");
                let (version, facts) = (self.model.asked_by(), verified.release().facts());
                if facts.mou != self.signed[version].version.mou().hash() {
                    self.count("same bytes under another version");
                } else if version > 0 {
                    self.count("under another version");
                }
                if revision > 0 {
                    self.count("measured anew");
                }
                self.model.show(place, table, revision, body)
            }
            (_, Err(Absence::HistoryDiffers(HistoryDiffers::OtherRelease { .. }))) if is_answer => {
                let released = self.model.node(place).and_then(|node| node.released(table));
                let kept = self.model.receipt(place, table, held);
                if released.is_none() || kept.is_none() || released == kept {
                    return broken("who sees two histories is told so", said());
                }
                if !self.model.may_differ(place) {
                    return broken("nobody is shown two histories", said());
                }
                self.count("told of two histories");
                Ok(())
            }
            (Some(Expected::Any), Err(Absence::Refused(_))) => Ok(()),
            (
                Some(Expected::Refusal(reason) | Expected::Either(reason)),
                Err(Absence::Refused(refusal)),
            ) if refusal.reason == reason => {
                self.count(match reason {
                    Reason::BudgetSpent => "budget spent",
                    Reason::Paused => "refused in a pause",
                    Reason::Restored => "refused as restored",
                    Reason::ReleaseLost => "lost for ever",
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
