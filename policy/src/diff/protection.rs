//! What protects learners in an answer: floors, rosters, budgets, fresh data, retention.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::diff::change::{Direction, Topic};
use crate::diff::find::{Within, short_roster};
use crate::diff::meaning::Asked;
use crate::diff::pair::{Pair, Side, grouped};
use crate::diff::region::{Region, Term};
use crate::diff::view::{KpiView, View};
use crate::diff::words;
use crate::mou::{FloorAt, PartyKind};
use crate::names::{KpiId, PartyId};

/// The KPIs whose rosters are judged alike: the least of each kind in the old version and in the new.
type Together = (Vec<(PartyKind, u32)>, Vec<(PartyKind, u32)>);

impl Pair<'_> {
    pub(super) fn protection(&mut self) {
        self.floor();
        self.floor_at();
        self.rosters();
        self.budget();
        self.freshness();
        self.retention();
    }

    fn floor(&mut self) {
        let (old, new) = (self.old.mou.privacy().floor, self.new.mou.privacy().floor);
        let direction = lower_widens(old.cmp(&new));
        let sentence = match direction {
            Some(Direction::Widens) => {
                format!("shows groups of {new} learners or more, where it took {old}")
            }
            _ => format!("withholds groups under {new} learners, where {old} were enough"),
        };
        let paths = ["privacy.floor", "restrict.floor"].map(str::to_owned).to_vec();
        self.everywhere(direction, Term::Floor, Topic::Floor, sentence, paths);
    }

    fn floor_at(&mut self) {
        let (old, new) = (self.old.mou.privacy().floor_at, self.new.mou.privacy().floor_at);
        let (direction, sentence) = match (old, new) {
            (FloorAt::Node, FloorAt::Coalition) => (
                Some(Direction::Widens),
                "judges the floor on the coalition's sum alone: nodes no longer withhold their own small \
                 groups",
            ),
            (FloorAt::Coalition, FloorAt::Node) => (
                Some(Direction::Narrows),
                "has each node withhold its own small groups, where only the coalition's sum was judged",
            ),
            _ => (None, ""),
        };
        let paths = vec!["privacy.floor_at".to_owned()];
        self.everywhere(direction, Term::FloorAt, Topic::FloorAt, sentence.to_owned(), paths);
    }

    fn budget(&mut self) {
        let rho = |view: &View<'_>| view.mou.privacy().budget_nano_rho;
        let (old, new) = (rho(&self.old), rho(&self.new));
        let direction = lower_widens(new.cmp(&old));
        let only = if direction == Some(Direction::Widens) { "" } else { "only " };
        let sentence = format!(
            "lets each node spend {only}{} a year, where it was {}",
            words::rho(new),
            words::rho(old)
        );
        let paths = vec!["privacy.budget".to_owned()];
        self.everywhere(direction, Term::Budget, Topic::Budget, sentence, paths);
    }

    fn retention(&mut self) {
        let days = |view: &View<'_>| view.mou.after().keep_releases_days;
        let (old, new) = (days(&self.old), days(&self.new));
        let direction = lower_widens(longest(new).cmp(&longest(old)));
        let words = |days: Option<u32>| {
            days.map_or_else(|| "for ever".to_owned(), |days| format!("for {}", words::days(days)))
        };
        let sentence = format!("keeps releases {}, where it kept them {}", words(new), words(old));
        let paths = vec!["after.keep_releases_days".to_owned()];
        self.everywhere(direction, Term::KeepDays, Topic::Retention, sentence, paths);
    }

    /// A term that is the same for every question.
    fn everywhere(
        &mut self,
        direction: Option<Direction>,
        term: Term,
        topic: Topic,
        sentence: String,
        paths: Vec<String>,
    ) {
        let Some(direction) = direction else { return };
        let claim = self.term(term, Region::Everything, Within::default());
        self.note(direction, topic, sentence, paths, claim.into_iter().collect());
    }

    /// How old the data of a node may be.
    fn freshness(&mut self) {
        let days = |view: &View<'_>, node: &PartyId| {
            view.mou.data(view.mou.party(node)?.kind)?.freshness_days
        };
        let reaches = |node: &&PartyId| {
            let within = Within { node: Some(*node), measured: true, ..Within::default() };
            self.answered_by_both(within).is_some()
        };
        let nodes = self.everyone.iter().filter(reaches);
        let limits = nodes.map(|id| (id.clone(), (days(&self.old, id), days(&self.new, id))));
        let limits = limits.filter(|(_, (old, new))| old != new);
        for (nodes, (old, new)) in grouped(limits.collect::<Vec<_>>()) {
            let within = Within { node: nodes.first(), ..Within::default() };
            let Some(claim) = self.term(Term::Freshness, Region::Nodes(nodes.clone()), within)
            else {
                continue;
            };
            let who = words::parties(self.new.mou, &nodes);
            let words = |days: Option<u32>| {
                days.map_or_else(
                    || "of any age".to_owned(),
                    |days| format!("up to {} old", words::days(days)),
                )
            };
            let sentence =
                format!("measures on data {} at {who}, where it was {}", words(new), words(old));
            let Some(direction) = lower_widens(longest(new).cmp(&longest(old))) else { continue };
            let paths = PartyKind::ALL.iter().map(|kind| format!("data.{kind}.freshness_days"));
            let paths = paths.chain(nodes.iter().map(|id| format!("party.{id}.kind"))).collect();
            self.note(direction, Topic::Freshness, sentence, paths, vec![claim]);
        }
    }

    /// How many parties are asked together, and stand behind one published number.
    fn rosters(&mut self) {
        let judged = self
            .common()
            .map(|(id, old, new)| (id.clone(), (old.together.clone(), new.together.clone())));
        for (kpis, together) in grouped(judged.collect::<Vec<(KpiId, Together)>>()) {
            let (mut claims, mut direction) = (Vec::new(), None::<Direction>);
            for side in Side::BOTH {
                if let Some(claim) = self.short_rosters(side, &kpis) {
                    let this = side.direction();
                    direction = Some(direction.map_or(this, |before| before.and(this)));
                    claims.push(claim);
                }
            }
            let (old, new) = &together;
            if old != new {
                let reaches = |id: &&KpiId| {
                    let within = Within { kpi: Some(*id), ..Within::default() };
                    self.answered_by_both(within).is_some()
                };
                let answered: BTreeSet<KpiId> = kpis.iter().filter(reaches).cloned().collect();
                if let Some(first) = answered.first().cloned() {
                    let within = Within { kpi: Some(&first), ..Within::default() };
                    claims.extend(self.term(Term::MinParties, Region::Kpis(answered), within));
                    let this = fewer_widens(old, new);
                    direction = Some(direction.map_or(this, |before| before.and(this)));
                }
            }
            let Some(direction) = direction else { continue };
            let what = words::kpis(self.new.mou, &kpis);
            let counted = |least: &[(PartyKind, u32)]| match least.is_empty() {
                true => "one party alone".to_owned(),
                false => {
                    words::listed(least.iter().map(|(kind, least)| words::of_kind(*least, *kind)))
                }
            };
            let sentence = match old == new {
                false => format!(
                    "needs {} asked together for {what}, where it needed {}",
                    counted(new),
                    counted(old)
                ),
                true => format!(
                    "counts other parties among the {} that must be asked together for {what}",
                    counted(new)
                ),
            };
            let mut paths = vec!["privacy.min_parties".to_owned()];
            paths.extend(kpis.iter().map(|id| format!("kpi.{id}.answered_by")));
            if old == new {
                paths.extend(self.everyone.iter().map(|id| format!("party.{id}")));
            }
            self.note(direction, Topic::MinParties, sentence, paths, claims);
        }
    }

    /// The claim that rosters too short for one version are accepted by the other.
    fn short_rosters(&self, side: Side, kpis: &BTreeSet<KpiId>) -> Option<super::region::Claim> {
        let (answers, refuses) = self.sides(side);
        let mut witness: Option<Asked> = None;
        let mut reached = BTreeSet::new();
        for id in kpis {
            let views: Option<(&KpiView, &KpiView)> =
                answers.kpis.get(id).zip(refuses.kpis.get(id));
            let Some((kpi, other)) = views else { continue };
            let Some(roster) = short_roster((answers, kpi), (refuses, other), &self.everyone)
            else {
                continue;
            };
            let asked = self.answered(side, Within { kpi: Some(id), ..Within::default() });
            if let Some(asked) = asked {
                witness.get_or_insert(Asked { roster, ..asked });
                reached.insert(id.clone());
            }
        }
        Some(Self::one_answers(side, Region::TooFew(reached), witness?))
    }
}

/// The direction of a number of which less discloses more, from how the old one compares with the new one.
fn lower_widens(old_to_new: Ordering) -> Option<Direction> {
    match old_to_new {
        Ordering::Greater => Some(Direction::Widens),
        Ordering::Less => Some(Direction::Narrows),
        Ordering::Equal => None,
    }
}

/// No limit is longer than any.
fn longest(days: Option<u32>) -> u64 {
    days.map_or(u64::MAX, u64::from)
}

fn fewer_widens(old: &[(PartyKind, u32)], new: &[(PartyKind, u32)]) -> Direction {
    let least = |all: &[(PartyKind, u32)], kind| {
        all.iter().find(|(known, _)| *known == kind).map_or(0, |(_, least)| *least)
    };
    let fewer = PartyKind::ALL.iter().any(|kind| least(new, *kind) < least(old, *kind));
    let more = PartyKind::ALL.iter().any(|kind| least(new, *kind) > least(old, *kind));
    match (fewer, more) {
        (true, true) => Direction::Both,
        (true, false) => Direction::Widens,
        _ => Direction::Narrows,
    }
}
