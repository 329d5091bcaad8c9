//! Runs a case on real nodes over real TLS, and holds all that comes back against the model.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sumac_backbone::Asker;
use sumac_node::day_of;

use self::amend::Signed;
use super::agreement::{mou_text, parties, wanted};
use super::keeps::Keeps;
use super::model::{Broken, Model, Table, Terms, broken};
use super::operation::{Case, Covers, List, Moment, Op, Place, Q, Who};
use super::partner::{Partner, days_between, identity};
use crate::coalition::Coalition;

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

mod amend;
mod asks;
mod end;
mod judge;
mod looks;
mod operator;
mod restore;

struct Run {
    coalition: Coalition,
    partners: Vec<Partner>,
    model: Model,
    /// What everybody signed, as the model's versions.
    signed: Vec<Signed>,
    /// Each by a version, with a certificate of that time.
    askers: BTreeMap<Who, (usize, Timestamp, Asker)>,
    keeps: Keeps,
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
        let first = Signed::by_all(&coalition, 1, coalition.text());
        let terms = Terms::first(case.budget);
        let model = Model::new(places, first.agreed(terms), day_of(coalition.clock()()));
        let partners: Vec<_> = places.iter().map(|place| Partner::new(*place)).collect();
        for partner in &partners {
            partner.agree(&coalition, &first.papers);
        }
        let (askers, asked, tally) = Default::default();
        let signed = vec![first];
        let keeps = Keeps::new(coalition.dir.path().join("askers"));
        let mut run = Self { coalition, partners, model, signed, askers, keeps, asked, tally };
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
            Op::Remeasure(place, question) => self.remeasure(*place, *question).await,
            Op::Pause(place, pause) => self.pause(*place, *pause).await,
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
            Op::Amend(change, days, to) => self.amend(&[*change], *days, *to).await,
            Op::StepClock(days) => self.step_clock(*days).await,
            Op::Backup(place) => self.back_up(*place).await,
            Op::Restore(place, said) => self.restore(*place, *said).await,
            Op::Lose(who, kept) => {
                self.lose(*who, *kept);
                Ok(())
            }
            Op::Resume(place, of) => self.resume(*place, of).await,
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
        self.all_accept(None).await?;
        self.audit_all(&BTreeMap::new())
    }

    /// The places of this case.
    fn places(&self) -> Vec<Place> {
        self.partners.iter().map(|partner| partner.place).collect()
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

    /// Starts a node, whose operator first accepts what was signed meanwhile.
    async fn start(&mut self, n: usize) -> Result<(), Broken> {
        let place = self.partners[n].place;
        self.accept(place).await?;
        if let Err(error) = self.partners[n].start(&self.coalition).await {
            return broken("a node starts", format!("{place:?}: {error}"));
        }
        self.model.node_mut(place).up = true;
        self.goes_by_one(place)
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
        let version = self.model.asked_by();
        if let Some((by, issued, asker)) = self.askers.get(&who)
            && *by == version
            && days_between(*issued, now) <= RENEWED_DAYS
        {
            return asker.clone();
        }
        let shown = identity(who.party(), who.role(), who.name(), now);
        let (chain, clock) = (self.chain(version), self.coalition.clock());
        let asker = Asker::by_chain(&chain, self.model.today, &shown, &clock).unwrap();
        let asker = asker.with_keep(self.keeps.keep(who));
        self.askers.insert(who, (version, now, asker.clone()));
        asker
    }

    fn wanted(&self, of: &List<Q>) -> Vec<sumac_backbone::Wanted> {
        let mou = self.signed[self.model.asked_by()].version.mou();
        of.0.iter().map(|question| wanted(mou, *question)).collect()
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
}
