//! Tables are asked for, by one or by two at once, heard or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sumac_policy::Reason;
use tokio::sync::Notify;

use super::super::model::{Broken, Expected, Foreseen, Loose, Table, Terms, broken};
use super::super::operation::{Left, List, Moment, Place, Q, Who, year_of};
use super::Run;

impl Run {
    /// What comes of these asks at nodes that were restored, as far as they are not like any others.
    pub(super) fn foresee(&self, asks: &[(Who, Vec<Q>)]) -> BTreeMap<Place, Vec<Foreseen>> {
        let up = self.places().into_iter().filter(|place| self.model.is_up(*place));
        let of_place = |place| {
            let asked = asks.iter().filter(|(_, questions)| !questions.is_empty());
            let each = asked.filter_map(|(who, _)| {
                self.model.foresee(place, *who, &self.keeps.held(*who, place))
            });
            (place, each.collect::<Vec<_>>())
        };
        up.map(of_place).filter(|(_, foreseen)| !foreseen.is_empty()).collect()
    }

    /// What each node that runs says to these asks.
    fn expect(
        &mut self,
        asks: &[(Who, Vec<Q>)],
        foreseen: &BTreeMap<Place, Vec<Foreseen>>,
    ) -> BTreeMap<Place, Vec<Vec<Expected>>> {
        let all = |expected| {
            let of_ask = |(_, questions): &(Who, Vec<Q>)| vec![expected; questions.len()];
            asks.iter().map(of_ask).collect()
        };
        let mut expected = BTreeMap::new();
        for place in self.places() {
            if !self.model.is_up(place) {
                continue;
            }
            let of_place = match foreseen.get(&place).map_or(&[][..], |foreseen| foreseen) {
                [] => self.model.expect(place, asks),
                _ if asks.len() > 1 => all(Expected::Any),
                [Foreseen { refusal: Some(reason), .. }, ..] => all(Expected::Refusal(*reason)),
                [Foreseen { ledger, .. }, ..] => self.model.expect_on(place, ledger, asks),
            };
            expected.insert(place, of_place);
        }
        expected
    }

    pub(super) async fn ask(
        &mut self,
        who: Who,
        of: &List<Q>,
        id: &str,
        kill: Option<(Place, Left)>,
    ) -> Result<(), Broken> {
        let asks = [(who, of.0.clone())];
        let foreseen = self.foresee(&asks);
        let expected = self.expect(&asks, &foreseen);
        if kill.is_some() {
            self.keeps.put_aside(who).unwrap();
        }
        let answers = if of.0.is_empty() {
            Vec::new()
        } else {
            self.asker(who).ask(&id.parse().unwrap(), &self.wanted(of)).await
        };
        if let Some((place, left)) = kill {
            let n = self.partner(place);
            match self.partners[n].revive(&self.coalition, left).await {
                Ok(true) => {
                    self.keeps.take_back(who, place).unwrap();
                    self.count("killed in the middle");
                }
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
        if let Some(place) = unheard {
            let terms = *self.model.terms();
            let node = self.model.node_mut(place);
            node.loose.clear();
            let halfway = of.0.iter().map(|question| terms.table(*question));
            let halfway = halfway.filter(|t| node.is_charged(*t) && node.released(*t).is_none());
            if halfway.count() > 0 {
                self.count("charged and not released");
            }
        }
        self.came_true(&foreseen, unheard)?;
        self.judge(&asks, &expected, vec![answers], unheard)
    }

    pub(super) fn came_true(
        &mut self,
        foreseen: &BTreeMap<Place, Vec<Foreseen>>,
        unheard: Option<Place>,
    ) -> Result<(), Broken> {
        for (place, foreseen) in foreseen.iter().filter(|(place, _)| Some(**place) != unheard) {
            for foreseen in foreseen {
                self.model.came_true(*place, foreseen)?;
                if foreseen.gives_back {
                    self.count("given back");
                }
            }
        }
        Ok(())
    }

    pub(super) async fn two_at_once(
        &mut self,
        one: Who,
        other: Who,
        of: &List<Q>,
    ) -> Result<(), Broken> {
        let reversed = List(of.0.iter().rev().copied().collect());
        let asks = [(one, of.0.clone()), (other, reversed.0.clone())];
        let foreseen = self.foresee(&asks);
        let expected = self.expect(&asks, &foreseen);
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
        let foreseen = self.foresee(&asks);
        let expected = self.expect(&asks, &foreseen);
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
            for (place, tables) in of_those(self.model.terms(), &expected, &asks, may_change) {
                let node = self.model.node_mut(place);
                for table in tables {
                    if node.released(table).is_none() {
                        let new = || Loose { year, versions: BTreeSet::new() };
                        node.loose.entry(table).or_insert_with(new).versions.insert(version);
                    }
                }
            }
            self.audit_all(&BTreeMap::new())?;
            // How far a node has come with what was given back shows once it is done.
            for place in foreseen.into_keys() {
                self.stop(place).await?;
                self.start(self.partner(place)).await?;
            }
            return Ok(());
        };
        self.audit_all(&payers(self.model.terms(), &expected, &asks))?;
        self.came_true(&foreseen, None)?;
        self.judge(&asks, &expected, vec![answers], None)
    }
}

/// Whether a question may be answered yet that was on its way when its asker hung up: data comes in, a pause ends, a year
/// begins, a version is taken up, another measurement is ordered.
fn may_change(expected: Expected) -> bool {
    match expected {
        Expected::Refusal(reason) => matches!(
            reason,
            Reason::PeriodNotHeld
                | Reason::SnapshotTooEarly
                | Reason::Paused
                | Reason::BudgetSpent
                | Reason::MouDiffers
                | Reason::MarginTighter
                | Reason::ReleaseLost
        ),
        Expected::Answer | Expected::Either(_) | Expected::Open | Expected::Any => true,
    }
}

/// The tables that each node may be paid for in answering these asks.
fn payers(
    terms: &Terms,
    expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
    asks: &[(Who, Vec<Q>)],
) -> BTreeMap<Place, BTreeSet<Table>> {
    of_those(terms, expected, asks, |expected| !matches!(expected, Expected::Refusal(_)))
}

/// The tables of which this is expected at each node.
fn of_those(
    terms: &Terms,
    expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
    asks: &[(Who, Vec<Q>)],
    is_so: fn(Expected) -> bool,
) -> BTreeMap<Place, BTreeSet<Table>> {
    let of_place = |expected: &[Vec<Expected>]| {
        let pairs = asks.iter().zip(expected);
        let pairs = pairs.flat_map(|((_, questions), expected)| questions.iter().zip(expected));
        let those = pairs.filter(|(_, expected)| is_so(**expected));
        those.map(|(question, _)| terms.table(*question)).collect()
    };
    expected.iter().map(|(place, expected)| (*place, of_place(expected))).collect()
}
