//! What may be asked: KPIs, their tables, what these count, how precisely, and who approves.

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
            self.margin(&id);
            self.needs(&id);
        }
    }

    /// KPIs that only one version lists.
    fn kpis(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut found = Vec::new();
        for (id, kpi) in answers.kpis.iter().filter(|(id, _)| !refuses.kpis.contains_key(*id)) {
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

    /// Tables of a KPI that both list and only one answers.
    fn tables(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut found = Vec::new();
        for (id, kpi) in &answers.kpis {
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
            let sentence = match side {
                Side::New => {
                    let who = words::audience(answers);
                    format!("newly lets {who} see `{id}` {by}")
                }
                Side::Old => format!("withdraws `{id}` {by}"),
            };
            let paths = paths::of_tables(answers.mou, refuses.mou, kpi, &gained);
            let region = Region::Tables(id.clone(), gained);
            found.push((sentence, paths, Self::one_answers(side, region, witness)));
        }
        for (sentence, paths, claim) in found {
            self.note(side.direction(), Topic::Breakdown, sentence, paths, vec![claim]);
        }
    }

    /// Nodes that answer a KPI which both list, in one version only.
    fn nodes(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut gained = Vec::new();
        for (id, kpi) in &answers.kpis {
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

    fn margin(&mut self, id: &KpiId) {
        let Some((old, new)) = self.listed_by_both(id) else { return };
        let (old, new) = (old.kpi.margin, new.kpi.margin);
        let (direction, how) = match new.cmp(&old) {
            std::cmp::Ordering::Less => (Direction::Widens, "more precisely"),
            std::cmp::Ordering::Greater => (Direction::Narrows, "less precisely"),
            std::cmp::Ordering::Equal => return,
        };
        let sentence = format!("answers `{id}` {how}: {new} instead of {old}");
        let paths = vec![format!("kpi.{id}.margin"), format!("restrict.margin.{id}")];
        let claims = self.of_kpi(Term::Margin, id);
        self.note(direction, Topic::Margin, sentence, paths, claims.into_iter().collect());
    }

    fn needs(&mut self, id: &KpiId) {
        let Some((old, new)) = self.listed_by_both(id) else { return };
        let (old, new) = (old.kpi.needs, new.kpi.needs);
        let rank =
            |needs: Option<Approval>| needs.map_or(0, |needs| 1 + u8::from(needs == Approval::Two));
        let direction = match rank(new).cmp(&rank(old)) {
            std::cmp::Ordering::Less => Direction::Widens,
            std::cmp::Ordering::Greater => Direction::Narrows,
            std::cmp::Ordering::Equal => return,
        };
        let words = |needs: Option<Approval>| match needs {
            None => "nobody's approval",
            Some(Approval::One) => "the approval of one of its stewards",
            Some(Approval::Two) => "the approval of two of its stewards",
        };
        let sentence = format!(
            "has each node measure `{id}` with {}, where it took {}",
            words(new),
            words(old)
        );
        let claims = self.of_kpi(Term::Needs, id);
        let paths = vec![format!("kpi.{id}.needs")];
        self.note(direction, Topic::Approval, sentence, paths, claims.into_iter().collect());
    }

    fn listed_by_both(&self, id: &KpiId) -> Option<(&KpiView, &KpiView)> {
        self.old.kpis.get(id).zip(self.new.kpis.get(id))
    }

    fn of_kpi(&self, term: Term, id: &KpiId) -> Option<Claim> {
        let within = Within { kpi: Some(id), ..Within::default() };
        self.term(term, Region::Kpis(BTreeSet::from([id.clone()])), within)
    }

    fn of_tables(&self, term: Term, id: &KpiId, tables: BTreeSet<Breakdown>) -> Option<Claim> {
        let first = tables.first().cloned()?;
        let within = Within { kpi: Some(id), breakdown: Some(&first), ..Within::default() };
        self.term(term, Region::Tables(id.clone(), tables), within)
    }
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
