//! Runs a case on real nodes over real TLS, and holds all that comes back against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sumac_backbone::{Absence, Answers, Asker, combine};
use sumac_node::day_of;
use sumac_policy::{PeerRole, Reason};
use sumac_protocol::Preview;
use tokio::sync::Notify;

use super::agreement::{mou_text, nano_rho, parties, rows, wanted};
use super::model::{Broken, Expected, Model, Table, broken};
use super::operation::{Case, Covers, List, Moment, Op, Place, Q, Who, year_label};
use super::partner::{Partner, days_between, identity};
use crate::coalition::{Coalition, freeze};

/// A case takes a second or two; one that takes this long has come to a stand.
const STANDSTILL: Duration = Duration::from_secs(300);
/// An analyst's certificate is renewed after so many days; it is valid for 30.
const RENEWED_DAYS: i64 = 20;
/// Behind the last day of the MOU, and before any root expires.
const LAST_DAY: &str = "2031-12-01T12:00:00Z";

/// What came of a case that broke no promise.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// How often what happened.
    pub(super) tally: BTreeMap<&'static str, u64>,
    /// What each node was paid for, in nano-ρ.
    pub(super) charged: BTreeMap<Place, BTreeMap<Table, u64>>,
}

struct Run {
    coalition: Coalition,
    partners: Vec<Partner>,
    model: Model,
    askers: BTreeMap<Who, (Timestamp, Asker)>,
    /// Every ask so far, with its request id.
    asked: Vec<(Who, List<Q>, String)>,
    tally: BTreeMap<&'static str, u64>,
}

/// Runs a case from its beginning.
pub(super) fn run(case: &Case) -> Result<Ending, Broken> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async { tokio::time::timeout(STANDSTILL, all_of(case)).await })
    }));
    runtime.shutdown_timeout(Duration::from_secs(5));
    match outcome {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => broken("nothing comes to a stand", "no end after five minutes"),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("without a word");
            broken("nothing panics", text)
        }
    }
}

async fn all_of(case: &Case) -> Result<Ending, Broken> {
    let mut run = Run::begin(case).await?;
    for (n, op) in case.ops.0.iter().enumerate() {
        run.operate(op).await.map_err(|Broken { promise, what }| Broken {
            promise,
            what: format!("at {n}: {what}"),
        })?;
    }
    run.end().await
}

impl Run {
    async fn begin(case: &Case) -> Result<Self, Broken> {
        let places = &Place::ALL[..case.nodes];
        let names: Vec<_> = places.iter().map(|place| place.party()).collect();
        let coalition = Coalition::under(&mou_text(case.budget), parties(), &names).await;
        let model = Model::new(places, nano_rho(case.budget), day_of(coalition.clock()()));
        let partners = places.iter().map(|place| Partner::new(*place)).collect();
        let (askers, asked, tally) = Default::default();
        let mut run = Self { coalition, partners, model, askers, asked, tally };
        for n in 0..case.nodes {
            let place = run.partners[n].place;
            run.import(place, Covers::All, 0);
            run.start(n).await?;
        }
        Ok(run)
    }

    async fn operate(&mut self, op: &Op) -> Result<(), Broken> {
        match op {
            Op::Ask(who, of) => {
                let id = self.write_down(*who, of);
                self.ask(*who, of, &id, None).await
            }
            Op::Retry(n) => {
                let Some(n) = n.checked_rem(self.asked.len()) else { return Ok(()) };
                let (who, of, id) = self.asked[n].clone();
                self.count("asked again");
                self.ask(who, &of, &id, None).await
            }
            Op::Preview(who, of) => self.preview(*who, of).await,
            Op::Describe(who) => self.describe(*who).await,
            Op::DropReply(who, of, moment) => self.drop_reply(*who, of, *moment).await,
            Op::TwoAtOnce(one, other, of) => self.two_at_once(*one, *other, of).await,
            Op::Import(place, covers, number) => {
                self.import(*place, *covers, *number);
                self.audit_all(&BTreeMap::new())
            }
            Op::Crash(place, who, of, moment, left) => {
                let id = self.write_down(*who, of);
                if !self.model.is_up(*place) {
                    return self.ask(*who, of, &id, None).await;
                }
                let n = self.partner(*place);
                let call = match moment {
                    Moment::Call(call) => *call,
                    Moment::Turn(_) => u8::MAX,
                };
                self.partners[n].kill_at(&self.coalition, call);
                self.ask(*who, of, &id, Some((*place, *left))).await
            }
            Op::Restart(place) => {
                if self.model.is_up(*place) {
                    self.stop(*place).await?;
                    self.start(self.partner(*place)).await?;
                    self.count("restarted");
                }
                self.audit_all(&BTreeMap::new())
            }
            Op::Down(place) => self.stop(*place).await,
            Op::Up(place) => {
                if !self.model.is_up(*place) {
                    self.start(self.partner(*place)).await?;
                }
                self.audit_all(&BTreeMap::new())
            }
            Op::StepClock(days) => self.step_clock(*days).await,
            Op::Renew(place) => {
                let n = self.partner(*place);
                self.partners[n].renew(&self.coalition);
                Ok(())
            }
        }
    }

    async fn step_clock(&mut self, days: u16) -> Result<(), Broken> {
        let now = self.coalition.clock()();
        let then = now + SignedDuration::from_hours(24 * i64::from(days));
        let then = then.min(LAST_DAY.parse().unwrap());
        let due = (0..self.partners.len()).filter(|n| self.partners[*n].is_due(then));
        let due: Vec<_> = due.collect();
        // Whatever is under way ends first, by the old clock and the old certificate.
        for n in &due {
            self.stop(self.partners[*n].place).await?;
        }
        self.coalition.step_to(then);
        self.model.today = day_of(then);
        for n in due {
            self.start(n).await?;
        }
        Ok(())
    }

    /// Every node is brought back, and answers all that it was ever paid for: free, and for the same charge.
    async fn end(mut self) -> Result<Ending, Broken> {
        for n in 0..self.partners.len() {
            let place = self.partners[n].place;
            self.import(place, Covers::All, 0);
            if self.model.is_up(place) {
                self.stop(place).await?;
            }
            self.start(n).await?;
            let node = self.model.node(place);
            let charged: Vec<_> = node.map(|node| node.charged().into_keys().collect()).unwrap();
            if charged.is_empty() {
                continue;
            }
            let of = List(charged.iter().map(|table: &Table| table.question()).collect());
            let before = self.spent(place);
            // Another node may have to pay for what this one has.
            self.ask(Who::Maria, &of, "sim.last", None).await?;
            if self.spent(place) != before {
                return broken("what is charged is paid", format!("{place:?}"));
            }
        }
        let mut charged = BTreeMap::new();
        for n in 0..self.partners.len() {
            let place = self.partners[n].place;
            self.stop(place).await?;
            charged.extend(self.model.node(place).map(|node| (place, node.charged())));
        }
        Ok(Ending { tally: self.tally, charged })
    }

    fn spent(&self, place: Place) -> u64 {
        self.model.node(place).map_or(0, |node| node.charged().values().sum())
    }

    fn partner(&self, place: Place) -> usize {
        self.partners.iter().position(|partner| partner.place == place).unwrap()
    }

    fn count(&mut self, what: &'static str) {
        *self.tally.entry(what).or_default() += 1;
    }

    fn write_down(&mut self, who: Who, of: &List<Q>) -> String {
        let id = format!("sim.{}", self.asked.len());
        if !of.0.is_empty() {
            self.asked.push((who, of.clone(), id.clone()));
        }
        id
    }

    fn import(&mut self, place: Place, covers: Covers, number: u8) {
        if self.model.node(place).is_none() {
            return;
        }
        let rows = rows(&self.coalition.mou, number);
        let years: Vec<_> = covers.years().map(year_label).collect();
        let years: Vec<_> = years.iter().map(String::as_str).collect();
        let into = self.partners[self.partner(place)].snapshots(&self.coalition);
        freeze(&self.coalition, &into, &rows, &years);
        let today = self.model.today;
        let node = self.model.node_mut(place);
        (node.as_of, node.covers) = (today, covers);
    }

    async fn start(&mut self, n: usize) -> Result<(), Broken> {
        let partner = &mut self.partners[n];
        let place = partner.place;
        if let Err(error) = partner.start(&self.coalition).await {
            return broken("a node starts", format!("{place:?}: {error}"));
        }
        self.model.node_mut(place).up = true;
        Ok(())
    }

    async fn stop(&mut self, place: Place) -> Result<(), Broken> {
        let n = self.partner(place);
        if let Err(error) = self.partners[n].stop(&self.coalition).await {
            return broken("a node stops", format!("{place:?}: {error}"));
        }
        self.audit_all(&BTreeMap::new())?;
        let node = self.model.node_mut(place);
        node.up = false;
        node.loose.clear();
        Ok(())
    }

    fn asker(&mut self, who: Who) -> Asker {
        let now = self.coalition.clock()();
        let known = self.askers.get(&who);
        if let Some((issued, asker)) = known
            && days_between(*issued, now) <= RENEWED_DAYS
        {
            return asker.clone();
        }
        let (party, role, name) = match who {
            Who::Maria => ("lakeshore-chamber", PeerRole::Analyst, "maria"),
            Who::Omar => ("lakeshore-chamber", PeerRole::Analyst, "omar"),
            Who::Steward => ("lakeshore-chamber", PeerRole::Steward, "sam"),
            Who::Rival => ("harbor-tech", PeerRole::Analyst, "rita"),
        };
        let shown = identity(party, role, name, now);
        let Coalition { mou, trust, .. } = &self.coalition;
        let asker =
            Asker::new(mou.clone(), trust.clone(), &shown, &self.coalition.clock()).unwrap();
        self.askers.insert(who, (now, asker.clone()));
        asker
    }

    fn wanted(&self, of: &List<Q>) -> Vec<sumac_backbone::Wanted> {
        of.0.iter().map(|question| wanted(&self.coalition.mou, *question)).collect()
    }

    /// What each node that runs says to these asks.
    fn expect(&self, asks: &[(Who, Vec<Q>)]) -> BTreeMap<Place, Vec<Vec<Expected>>> {
        let up = Place::ALL.into_iter().filter(|place| self.model.is_up(*place));
        up.map(|place| (place, self.model.expect(place, asks))).collect()
    }

    async fn ask(
        &mut self,
        who: Who,
        of: &List<Q>,
        id: &str,
        kill: Option<(Place, super::operation::Left)>,
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
        self.audit_all(&payers(&expected, &asks))?;
        let unheard = kill.map(|(place, _)| place);
        if let Some(place) = unheard {
            let node = self.model.node_mut(place);
            node.loose.clear();
            let halfway = of.0.iter().map(|question| Table::of(*question));
            let halfway = halfway.filter(|t| node.is_charged(*t) && node.released(*t).is_none());
            if halfway.count() > 0 {
                self.count("charged and not released");
            }
        }
        self.judge(&asks, &expected, vec![answers], unheard)
    }

    async fn two_at_once(&mut self, one: Who, other: Who, of: &List<Q>) -> Result<(), Broken> {
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
        self.audit_all(&payers(&expected, &asks))?;
        self.judge(&asks, &expected, vec![first, second], None)
    }

    async fn drop_reply(&mut self, who: Who, of: &List<Q>, moment: Moment) -> Result<(), Broken> {
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
            let year = super::operation::year_of(self.model.today);
            for (place, tables) in payers(&expected, &asks) {
                let node = self.model.node_mut(place);
                for table in tables {
                    if node.released(table).is_none() {
                        node.loose.entry(table).or_insert(year);
                    }
                }
            }
            return self.audit_all(&BTreeMap::new());
        };
        self.audit_all(&payers(&expected, &asks))?;
        self.judge(&asks, &expected, vec![answers], None)
    }

    /// Reads every ledger. Nothing but these tables, and those of askers who hung up, may be new in them.
    fn audit_all(&mut self, may_pay: &BTreeMap<Place, BTreeSet<Table>>) -> Result<(), Broken> {
        let nobody = BTreeSet::new();
        for partner in &self.partners {
            let folder = partner.ledger(&self.coalition);
            let may_pay = may_pay.get(&partner.place).unwrap_or(&nobody);
            self.model.audit(partner.place, &folder, &self.coalition.trust, may_pay)?;
        }
        Ok(())
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
                states_who_is_missing(&self.coalition, answers)?;
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
            (Some(Expected::Answer | Expected::Either(_)), Ok(verified)) => {
                let table = Table::of(question);
                let released = self.model.node(place).and_then(|node| node.released(table));
                if released != Some(&verified.signed().to_bytes()) {
                    return broken("a table is answered with what was released first", said());
                }
                self.count("answered");
                Ok(())
            }
            (
                Some(Expected::Refusal(reason) | Expected::Either(reason)),
                Err(Absence::Refused(refusal)),
            ) if refusal.reason == reason => {
                self.count(if reason == Reason::BudgetSpent { "budget spent" } else { "refused" });
                Ok(())
            }
            _ => broken("an answer is what the MOU and the budget say", said()),
        }
    }

    async fn preview(&mut self, who: Who, of: &List<Q>) -> Result<(), Broken> {
        let previews = self.asker(who).preview(&self.wanted(of)).await;
        for (question, previews) in of.0.iter().zip(previews) {
            for place in Place::ALL.into_iter().filter(|place| self.model.is_up(*place)) {
                let from = previews.from.iter().find(|(from, _)| from.as_str() == place.party());
                let said = || format!("{place:?}, {question:?}: {from:?}");
                let expected = self.model.refusal(place, who, *question);
                let Some(node) = self.model.node(place) else { continue };
                let table = Table::of(*question);
                let is_loose = node.loose.contains_key(&table);
                let is_right = match (from.map(|(_, preview)| preview), expected) {
                    (
                        Some(Ok(Preview::Refused(refusal))),
                        Some(Expected::Refusal(reason) | Expected::Either(reason)),
                    ) => refusal.reason == reason,
                    (
                        Some(Ok(Preview::WouldAnswer { price_nano_rho, already_released, .. })),
                        _,
                    ) => {
                        let is_free = *price_nano_rho == 0;
                        let is_whole = *price_nano_rho == table.price_nano_rho();
                        let is_released = node.released(table).is_some();
                        let price = is_free == *already_released || node.is_charged(table);
                        let known = is_loose || is_released == *already_released;
                        let permitted = is_loose || expected.is_none();
                        permitted && known && price && (is_free || is_whole)
                    }
                    _ => false,
                };
                if !is_right {
                    return broken("a preview says what asking would bring", said());
                }
            }
        }
        self.count("previewed");
        self.audit_all(&BTreeMap::new())
    }

    async fn describe(&mut self, who: Who) -> Result<(), Broken> {
        let described = self.asker(who).describe().await;
        for place in Place::ALL.into_iter().filter(|place| self.model.is_up(*place)) {
            let from = described.iter().find(|(from, _)| from.as_str() == place.party());
            let Some(node) = self.model.node(place) else { continue };
            let year = self.model.year();
            let least = node.ledger.spent(&year);
            let most = least + node.loose_nano_rho();
            let is_right = match from {
                Some((_, Ok(said))) => {
                    let data = said.snapshot.as_ref();
                    let periods: Vec<_> =
                        node.covers.years().map(|year| year_label(year).parse().unwrap()).collect();
                    said.accounting_year.to_string() == year
                        && (least..=most).contains(&said.spent_nano_rho)
                        && data.is_some_and(|data| data.as_of == node.as_of)
                        && data.is_some_and(|data| data.covers == periods)
                }
                _ => false,
            };
            if !is_right {
                return broken("a node says what it holds and has spent", format!("{from:?}"));
            }
        }
        self.count("described");
        self.audit_all(&BTreeMap::new())
    }
}

/// The tables that each node may be paid for in answering these asks.
fn payers(
    expected: &BTreeMap<Place, Vec<Vec<Expected>>>,
    asks: &[(Who, Vec<Q>)],
) -> BTreeMap<Place, BTreeSet<Table>> {
    let of_place = |expected: &[Vec<Expected>]| {
        let pairs = asks.iter().zip(expected);
        let pairs = pairs.flat_map(|((_, questions), expected)| questions.iter().zip(expected));
        let paying = pairs.filter(|(_, expected)| !matches!(expected, Expected::Refusal(_)));
        paying.map(|(question, _)| Table::of(*question)).collect()
    };
    expected.iter().map(|(place, expected)| (*place, of_place(expected))).collect()
}

/// The sums name everybody, are over those who answered, and hold every group.
fn states_who_is_missing(coalition: &Coalition, answers: Answers) -> Result<(), Broken> {
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
    let combined = combine(&coalition.mou, answers);
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
