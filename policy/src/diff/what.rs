//! What may be asked: KPIs, their tables, what these count, how precisely, and who approves.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::diff::change::{Direction, Topic};
use crate::diff::find::Within;
use crate::diff::meaning::Route;
use crate::diff::pair::{Pair, Side, grouped};
use crate::diff::region::{Claim, Region, Term};
use crate::diff::view::KpiView;
use crate::diff::{paths, words};
use crate::dimension::Breakdown;
use crate::mou::Approval;
use crate::names::KpiId;

impl Pair<'_> {
    pub(super) fn what(&mut self) {
        for side in Side::BOTH {
            self.kpis(side);
            self.tables(side);
            self.nodes(side);
        }
        let both: Vec<KpiId> = self.common().map(|(id, ..)| id.clone()).collect();
        for id in both {
            self.definition(&id);
            self.routes(&id);
        }
        self.margins();
        self.needs();
    }

    /// KPIs that only one version lists.
    fn kpis(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut found = Vec::new();
        for (id, kpi) in answers.listed().filter(|(id, _)| !refuses.kpis.contains_key(*id)) {
            let within = Within { kpi: Some(id), ..Within::default() };
            let Some(witness) = self.answered(side, within) else { continue };
            let (what, by) = (words::introduced(kpi), tables(kpi, kpi.tables.keys()));
            let from = words::parties(answers.mou, &kpi.nodes);
            let sentence = match side {
                Side::New => {
                    let who = words::audience(answers);
                    format!(
                        "newly lets {who} see {what} {by}, each {}, from {from}",
                        kpi.kpi.period
                    )
                }
                Side::Old => format!("withdraws {what}, {by}, from {from}"),
            };
            let region = Region::Kpis(BTreeSet::from([id.clone()]));
            let paths = paths::of_kpi(answers.mou, refuses.mou, kpi);
            found.push((sentence, paths, Self::one_answers(side, region, witness)));
        }
        for (sentence, paths, claim) in found {
            self.note(side.direction(), Topic::Kpi, sentence, paths, vec![claim]);
        }
    }

    /// Tables of KPIs that both list and only one answers; KPIs of which the same is said, together.
    fn tables(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut found: Vec<Alike> = Vec::new();
        for (id, kpi) in answers.listed() {
            let Some(other) = refuses.kpis.get(id) else { continue };
            let gained: BTreeSet<Breakdown> =
                kpi.tables.keys().filter(|by| !other.tables.contains_key(*by)).cloned().collect();
            let listed = |by: &&Breakdown| {
                kpi.tables.get(*by).is_some_and(|table| table.route == Route::Listed)
            };
            let shown = gained.iter().find(listed).or(gained.first());
            let within = Within { kpi: Some(id), breakdown: shown, ..Within::default() };
            let Some(witness) = shown.and_then(|_| self.answered(side, within)) else { continue };
            let by = tables(kpi, &gained);
            let paths = paths::of_tables(answers.mou, refuses.mou, kpi, &gained);
            let claim = Self::one_answers(side, Region::Tables(id.clone(), gained), witness);
            match found.iter_mut().find(|alike| alike.by == by) {
                Some(alike) => {
                    alike.kpis.insert(id.clone());
                    alike.paths.extend(paths);
                    alike.claims.push(claim);
                }
                None => {
                    let kpis = BTreeSet::from([id.clone()]);
                    found.push(Alike { by, kpis, paths, claims: vec![claim] });
                }
            }
        }
        let (who, mou) = (words::audience(answers), answers.mou);
        for Alike { by, kpis, paths, claims } in found {
            let what = words::kpis(mou, &kpis);
            let sentence = match side {
                Side::New => format!("newly lets {who} see {what} {by}"),
                Side::Old => format!("withdraws {what} {by}"),
            };
            self.note(side.direction(), Topic::Breakdown, sentence, paths, claims);
        }
    }

    /// Nodes that answer a KPI which both list, in one version only.
    fn nodes(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut gained = Vec::new();
        for (id, kpi) in answers.listed() {
            let Some(other) = refuses.kpis.get(id) else { continue };
            let nodes = kpi.nodes.difference(&other.nodes).filter(|node| {
                let within = Within { kpi: Some(id), node: Some(node), ..Within::default() };
                self.answered(side, within).is_some()
            });
            let nodes: BTreeSet<_> = nodes.cloned().collect();
            if !nodes.is_empty() {
                gained.push((id.clone(), nodes));
            }
        }
        let mut found = Vec::new();
        for (kpis, nodes) in grouped(gained) {
            let within = Within { kpi: kpis.first(), node: nodes.first(), ..Within::default() };
            let Some(witness) = self.answered(side, within) else { continue };
            let (who, what) =
                (words::parties(answers.mou, &nodes), words::kpis(answers.mou, &kpis));
            let has = side.word("newly has", "no longer has");
            let sentence = format!("{has} {who} answer {what}");
            let mut paths: Vec<_> = nodes.iter().map(|id| format!("party.{id}")).collect();
            paths.extend(kpis.iter().map(|id| format!("kpi.{id}.answered_by")));
            let region = Region::At(kpis, nodes, crate::diff::view::Days::ALL);
            found.push((sentence, paths, Self::one_answers(side, region, witness)));
        }
        for (sentence, paths, claim) in found {
            self.note(side.direction(), Topic::Node, sentence, paths, vec![claim]);
        }
    }

    /// The same words, counting something else.
    fn definition(&mut self, id: &KpiId) {
        let Some((old, new)) = self.listed_by_both(id) else { return };
        let common = |by: &&Breakdown| new.tables.contains_key(*by);
        let all: BTreeSet<_> = old.tables.keys().filter(common).cloned().collect();
        let meaning = |kpi: &KpiView, by| kpi.tables.get(by).map(|table| table.definition);
        let other: BTreeSet<_> =
            all.iter().filter(|by| meaning(old, by) != meaning(new, by)).cloned().collect();
        let by = words::breakdowns(&other);
        let sentence = match other.len() == all.len() {
            true => format!(
                "gives `{id}` another meaning: withdraws it as it was counted, and newly lets {} see it as \
                 it is counted now",
                words::audience(&self.new)
            ),
            false => format!(
                "counts `{id}` {by} in other cells: withdraws these tables as they were, and newly lets {} \
                 see them as they are now",
                words::audience(&self.new)
            ),
        };
        let paths = paths::of_definition(self.old.mou, self.new.mou, id, &other);
        let Some(claim) = self.of_tables(Term::Definition, id, other) else { return };
        self.note(Direction::Both, Topic::Definition, sentence, paths, vec![claim]);
    }

    /// Tables that are measured and were added up, or the reverse, or are added up from others.
    fn routes(&mut self, id: &KpiId) {
        let Some((old, new)) = self.listed_by_both(id) else { return };
        let moved = old.tables.iter().filter_map(|(by, old)| {
            let new = new.tables.get(by)?;
            (old.route != new.route).then(|| (by.clone(), moved(&old.route, &new.route)))
        });
        let margin = new.kpi.margin;
        let restricted = paths::restrictions_apart(self.old.mou, self.new.mou, id);
        for (tables, (direction, how)) in grouped(moved) {
            let by = words::breakdowns(&tables);
            let sentence = match how {
                Moved::Measured => format!(
                    "has `{id}` {by} measured at {margin}, and not only added up from larger tables"
                ),
                Moved::AddedUp => format!(
                    "no longer measures `{id}` {by}, and only adds it up from larger tables once they are released"
                ),
                Moved::Sources => {
                    format!("adds `{id}` {by} up from other tables than before")
                }
            };
            let mut paths = vec![format!("kpi.{id}.by")];
            paths.extend(restricted.iter().cloned());
            paths.extend(paths::dimensions_apart(self.old.mou, self.new.mou));
            let Some(claim) = self.of_tables(Term::Route, id, tables) else { continue };
            self.note(direction, Topic::Route, sentence, paths, vec![claim]);
        }
    }

    fn margins(&mut self) {
        let both = self.common().filter(|(id, ..)| self.of_kpi(Term::Margin, id).is_some());
        // A mean and a count of one margin have different prices.
        let margins = both.map(|(id, old, new)| {
            (id.clone(), (old.kpi.margin, new.kpi.margin, new.kpi.definition.measure.bound()))
        });
        for (kpis, (old, new, _)) in grouped(margins.collect::<Vec<_>>()) {
            let (direction, how) = match new.cmp(&old) {
                Ordering::Less => (Direction::Widens, "more precisely"),
                Ordering::Greater => (Direction::Narrows, "less precisely"),
                Ordering::Equal => continue,
            };
            let what = words::kpis(self.new.mou, &kpis);
            let sentence = format!("answers {what} {how}: {new} instead of {old}");
            let paths = kpis
                .iter()
                .flat_map(|id| [format!("kpi.{id}.margin"), format!("restrict.margin.{id}")]);
            let (paths, claims) = (paths.collect(), self.of_kpis(Term::Margin, &kpis));
            self.note(direction, Topic::Margin, sentence, paths, claims);
        }
    }

    fn needs(&mut self) {
        let rank = |needs: Option<Approval>| {
            needs.map_or(0, |needs| if needs == Approval::Two { 2 } else { 1 })
        };
        let words = |needs: Option<Approval>| match needs {
            None => "nobody's approval",
            Some(Approval::One) => "the approval of one of its stewards",
            Some(Approval::Two) => "the approval of two of its stewards",
        };
        let both = self.common().filter(|(id, ..)| self.of_kpi(Term::Needs, id).is_some());
        let needs = both.map(|(id, old, new)| (id.clone(), (old.kpi.needs, new.kpi.needs)));
        for (kpis, (old, new)) in grouped(needs.collect::<Vec<_>>()) {
            let direction = match rank(new).cmp(&rank(old)) {
                Ordering::Less => Direction::Widens,
                Ordering::Greater => Direction::Narrows,
                Ordering::Equal => continue,
            };
            let sentence = format!(
                "has each node measure {} with {}, where it took {}",
                words::kpis(self.new.mou, &kpis),
                words(new),
                words(old)
            );
            let paths = kpis.iter().map(|id| format!("kpi.{id}.needs")).collect();
            let claims = self.of_kpis(Term::Needs, &kpis);
            self.note(direction, Topic::Approval, sentence, paths, claims);
        }
    }

    fn listed_by_both(&self, id: &KpiId) -> Option<(&KpiView, &KpiView)> {
        self.old.kpis.get(id).zip(self.new.kpis.get(id))
    }

    fn of_kpi(&self, term: Term, id: &KpiId) -> Option<Claim> {
        let within = Within { kpi: Some(id), ..Within::default() };
        self.term(term, Region::Kpis(BTreeSet::from([id.clone()])), within)
    }

    /// One claim about all of these, of which each was found to be answered by both.
    fn of_kpis(&self, term: Term, kpis: &BTreeSet<KpiId>) -> Vec<Claim> {
        let first = kpis.first().and_then(|id| self.of_kpi(term, id));
        first
            .map(|claim| Claim { region: Region::Kpis(kpis.clone()), ..claim })
            .into_iter()
            .collect()
    }

    fn of_tables(&self, term: Term, id: &KpiId, tables: BTreeSet<Breakdown>) -> Option<Claim> {
        let first = tables.first().cloned()?;
        let within = Within { kpi: Some(id), breakdown: Some(&first), ..Within::default() };
        self.term(term, Region::Tables(id.clone(), tables), within)
    }
}

/// KPIs of whose tables the same is said.
struct Alike {
    by: String,
    kpis: BTreeSet<KpiId>,
    paths: Vec<String>,
    claims: Vec<Claim>,
}

/// How a table comes about in another way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moved {
    Measured,
    AddedUp,
    Sources,
}

fn moved(old: &Route, new: &Route) -> (Direction, Moved) {
    match (old, new) {
        (_, Route::Listed) => (Direction::Widens, Moved::Measured),
        (Route::Listed, _) => (Direction::Narrows, Moved::AddedUp),
        (Route::AddedUp(old), Route::AddedUp(new)) => {
            let holds = |all: &[(Breakdown, u32)], some: &[(Breakdown, u32)]| {
                some.iter().all(|source| all.contains(source))
            };
            let direction = match (holds(new, old), holds(old, new)) {
                (true, false) => Direction::Widens,
                (false, true) => Direction::Narrows,
                _ => Direction::Both,
            };
            (direction, Moved::Sources)
        }
    }
}

/// "by sex and by age_band at ±10, and in all, added up from these" for some tables of a KPI.
fn tables<'a>(kpi: &KpiView, some: impl IntoIterator<Item = &'a Breakdown>) -> String {
    let is_listed =
        |by: &&Breakdown| kpi.tables.get(*by).is_some_and(|table| table.route == Route::Listed);
    let (listed, added): (Vec<_>, Vec<_>) = some.into_iter().partition(is_listed);
    let margin = kpi.kpi.margin;
    match (listed.is_empty(), added.is_empty()) {
        (false, true) => format!("{} at {margin}", words::breakdowns(listed)),
        (true, _) => {
            format!(
                "{}, added up from larger tables once they are released",
                words::breakdowns(added)
            )
        }
        (false, false) => format!(
            "{} at {margin}, and {}, added up from larger tables once they are released",
            words::breakdowns(listed),
            words::breakdowns(added)
        ),
    }
}
