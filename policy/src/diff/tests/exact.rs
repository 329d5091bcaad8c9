//! Every question of two small agreements, put to `decide` under both, against what the diff says.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use std::collections::BTreeSet;

use jiff::civil::Date;

use super::draft::{Chance, Draft};
use crate::diff::region::{Claim, Region, Says, sorted};
use crate::diff::{Asked, Asker, Diff, Direction, Terms, Version, answer};
use crate::dimension::Breakdown;
use crate::mou::{Mou, PartyKind};
use crate::names::{KpiId, PartyId};
use crate::period::Period;
use crate::question::Question;
use crate::refusal::Refusal;

/// An ordinary run compares a pair for each topic and direction of a change that there is.
/// `SUMAC_DIFF_PAIRS=1000 cargo test -p sumac-policy exact` compares a thousand.
#[test]
fn every_question_on_which_versions_differ_is_covered_and_no_other() {
    // Read when this is compiled: the room itself touches no environment.
    let wanted = option_env!("SUMAC_DIFF_PAIRS").and_then(|pairs| pairs.parse().ok());
    let mut known = BTreeSet::new();
    let mut compared = 0;
    for (seed, old, new) in
        (1..).filter_map(|seed| two_versions(seed).map(|(old, new)| (seed, old, new)))
    {
        let diff = Diff::between(&old, &new);
        let changes = diff.changes.iter().map(|reported| &reported.change);
        let said: Vec<_> =
            changes.map(|change| (change.topic.as_str(), change.direction)).collect();
        let more = said.into_iter().filter(|said| known.insert(*said)).count();
        if wanted.is_some() || more > 0 {
            compare(&old, &new, &diff, seed);
            compared += 1;
        }
        // Margins, floors, budgets and the like go two ways; a root, a meaning, a year's and a term's start one.
        if wanted.map_or(known.len() >= 40, |wanted: u32| compared >= wanted) {
            break;
        }
        assert!(wanted.is_some() || seed < 1_000, "{known:?}");
    }
}

#[test]
fn the_way_back_widens_what_the_way_there_narrows() {
    let (mut compared, mut topics) = (0, BTreeSet::new());
    for seed in 1..600 {
        let Some((old, new)) = two_versions(seed) else { continue };
        if old.mou().version() != new.mou().version() {
            continue;
        }
        compared += 1;
        let count = |diff: &Diff<'_>, direction| {
            diff.changes.iter().filter(|reported| reported.change.direction == direction).count()
        };
        let (there, back) = (Diff::between(&old, &new), Diff::between(&new, &old));
        topics.extend(there.changes.iter().map(|reported| reported.change.topic.as_str()));
        for (one, other) in [
            (Direction::Widens, Direction::Narrows),
            (Direction::Narrows, Direction::Widens),
            (Direction::Both, Direction::Both),
        ] {
            assert_eq!(count(&there, one), count(&back, other), "seed {seed}, {one}");
        }
    }
    // The pairs are no idle ones: every topic is among their changes.
    assert!(compared > 50, "{compared}");
    assert_eq!(topics.len(), 22, "{topics:?}");
}

#[test]
fn a_version_does_not_differ_from_itself() {
    for seed in 1..50 {
        let Some(version) = Draft::by(&mut Chance::new(seed)).version() else { continue };
        let diff = Diff::between(&version, &version);
        assert!(diff.is_same() && diff.wording.is_empty(), "seed {seed}");
    }
}

/// A sound version and one with a few changes; every other one amends it.
fn two_versions(seed: u64) -> Option<(Version, Version)> {
    let mut chance = Chance::new(seed);
    let old = Draft::by(&mut chance);
    let mut new = old.clone();
    for _ in 0..=chance.below(5) {
        new.change(&mut chance);
    }
    let new = if seed.is_multiple_of(2) { new.amends() } else { new };
    Some((old.version()?, new.version()?))
}

fn compare(old: &Version, new: &Version, diff: &Diff<'_>, seed: u64) {
    let (old, new) = (old.mou(), new.mou());
    let mut seen: Vec<(&Claim, Seen)> = diff
        .changes
        .iter()
        .flat_map(|reported| &reported.change.claims)
        .map(|claim| (claim, Seen::default()))
        .collect();
    let mut asked_of_all = 0_u64;
    every_question(old, new, &mut |asked| {
        if diff.compared_from().is_some_and(|from| asked.day < from) {
            return;
        }
        asked_of_all += 1;
        let (before, after) = (answer(old, asked), answer(new, asked));
        let differs = match (&before, &after) {
            (Ok(before), Ok(after)) => before != after,
            (Err(_), Err(_)) => false,
            _ => true,
        };
        let mut covered = false;
        for (claim, seen) in &mut seen {
            if claim.covers(asked, (old, &before), (new, &after)) {
                covered = true;
                assert!(is_true(claim, &before, &after), "seed {seed}: {claim:?} of {asked:?}");
                seen.note(asked);
            }
        }
        assert_eq!(covered, differs, "seed {seed}: {asked:?}\nold {before:?}\nnew {after:?}");
    });
    assert!(asked_of_all > 100, "seed {seed}");
    for (claim, seen) in seen {
        assert!(seen.is_all_of(&claim.region), "seed {seed}: {claim:?} says too much");
        let (before, after) = (answer(old, &claim.witness), answer(new, &claim.witness));
        assert!(
            claim.covers(&claim.witness, (old, &before), (new, &after)),
            "seed {seed}: {claim:?}"
        );
        assert!(is_true(claim, &before, &after), "seed {seed}: {claim:?}");
    }
    for reported in &diff.changes {
        assert!(
            !reported.change.witnesses.is_empty() && !reported.clauses.is_empty(),
            "seed {seed}: {reported:?}"
        );
    }
}

fn is_true(claim: &Claim, old: &Result<Terms, Refusal>, new: &Result<Terms, Refusal>) -> bool {
    match (claim.says, old, new) {
        (Says::Allows, Err(_), Ok(_)) | (Says::Withdraws, Ok(_), Err(_)) => true,
        (Says::Alters(term), Ok(old), Ok(new)) => term.differs(old, new),
        _ => false,
    }
}

/// What of a region some question was found for.
#[derive(Default)]
struct Seen {
    askers: BTreeSet<Asker>,
    purposes: BTreeSet<String>,
    kpis: BTreeSet<KpiId>,
    tables: BTreeSet<Breakdown>,
    nodes: BTreeSet<PartyId>,
    at: BTreeSet<(KpiId, PartyId)>,
    periods: BTreeSet<(KpiId, Period)>,
}

impl Seen {
    fn note(&mut self, asked: &Asked) {
        let question = &asked.question;
        self.askers.insert(asked.asker.clone());
        self.purposes.insert(question.purpose.to_string());
        self.kpis.insert(question.kpi.clone());
        self.tables.insert(sorted(&question.breakdown));
        self.nodes.insert(asked.node.clone());
        self.at.insert((question.kpi.clone(), asked.node.clone()));
        self.periods.insert((question.kpi.clone(), question.period));
    }

    /// Whether everything that the region names was seen.
    fn is_all_of(&self, region: &Region) -> bool {
        if self.kpis.is_empty() {
            return false;
        }
        match region {
            Region::Everything | Region::Days(_) => true,
            Region::Askers(askers) => self.askers == *askers,
            Region::Purposes(purposes) => {
                purposes.iter().all(|purpose| self.purposes.contains(purpose.as_str()))
            }
            Region::Kpis(kpis) | Region::TooFew(kpis) => self.kpis == *kpis,
            Region::Tables(_, tables) => self.tables == *tables,
            Region::Nodes(nodes) => self.nodes == *nodes,
            Region::At(kpis, nodes, _) => {
                let mut all = kpis
                    .iter()
                    .flat_map(|kpi| nodes.iter().map(|node| (kpi.clone(), node.clone())));
                all.all(|pair| self.at.contains(&pair))
            }
            Region::Periods(kpis, periods) => {
                let mut all =
                    kpis.iter().flat_map(|kpi| periods.iter().map(|period| (kpi.clone(), *period)));
                all.all(|pair| self.periods.contains(&pair))
            }
            Region::Waiting(tables, _) => self.periods == *tables,
        }
    }
}

/// Every question that either version could tell from another, and some that neither knows.
fn every_question(old: &Mou, new: &Mou, ask: &mut dyn FnMut(&Asked)) {
    let both = [old, new];
    let parties: BTreeSet<_> =
        both.iter().flat_map(|mou| mou.parties()).map(|party| party.id.clone()).collect();
    let askers: BTreeSet<_> = both
        .iter()
        .flat_map(|mou| mou.parties())
        .map(|party| Asker { party: party.id.clone(), root: party.root })
        .chain([Asker { party: "stranger".parse().unwrap(), root: old.hash() }])
        .collect();
    let kpis: BTreeSet<_> =
        both.iter().flat_map(|mou| mou.kpis()).map(|kpi| kpi.id.clone()).collect();
    let breakdowns: Vec<_> = [&[][..], &["sex"], &["region"], &["region", "sex"], &["sex", "sex"]]
        .iter()
        .map(|ids| Breakdown::by(ids.iter().map(|id| id.parse().unwrap())))
        .collect();
    for kpi in kpis.iter().cloned().chain(["three".parse().unwrap()]) {
        let rosters = rosters(both, &parties);
        for period in periods(both, &kpi) {
            let days = days(both, period);
            for (asker, node) in
                askers.iter().flat_map(|asker| parties.iter().map(move |node| (asker, node)))
            {
                for (breakdown, purpose) in breakdowns
                    .iter()
                    .flat_map(|by| ["report", "equity"].map(|purpose| (by, purpose)))
                {
                    let question = Question {
                        kpi: kpi.clone(),
                        period,
                        breakdown: breakdown.clone(),
                        purpose: purpose.parse().unwrap(),
                    };
                    for (roster, day) in
                        rosters.iter().flat_map(|roster| days.iter().map(move |day| (roster, *day)))
                    {
                        ask(&Asked {
                            asker: asker.clone(),
                            node: node.clone(),
                            question: question.clone(),
                            roster: roster.clone(),
                            day,
                        });
                    }
                }
            }
        }
    }
}

/// Every set of parties asked together, where either version looks at it; else nobody and everybody.
fn rosters(both: [&Mou; 2], parties: &BTreeSet<PartyId>) -> Vec<Vec<PartyId>> {
    let backbone = |id: &PartyId| {
        let kind = |mou: &Mou| mou.party(id).map(|party| party.kind);
        both.iter().all(|mou| kind(mou).is_none_or(|kind| kind == PartyKind::Backbone))
    };
    let everyone: Vec<_> = parties.iter().filter(|id| !backbone(id)).cloned().collect();
    if both.iter().all(|mou| mou.privacy().min_parties.is_empty()) {
        return vec![everyone];
    }
    let mut rosters = vec![Vec::new()];
    for id in everyone {
        let with: Vec<Vec<_>> = rosters
            .iter()
            .map(|roster: &Vec<_>| [roster.as_slice(), std::slice::from_ref(&id)].concat())
            .collect();
        rosters.extend(with);
    }
    rosters
}

/// Periods of every kind, from before either version's first to after its last.
fn periods(both: [&Mou; 2], kpi: &KpiId) -> BTreeSet<Period> {
    let mut periods = BTreeSet::new();
    for known in both.iter().filter_map(|mou| mou.kpi(kpi)) {
        let labels = match known.period.to_string().as_str() {
            "year" => ["2023-24", "2024", "2024-25"],
            "term" => ["2025-WINTER", "2025-SPRING", "2025-FALL"],
            "quarter" => ["2024-Q2", "2024-Q2", "2024-Q2"],
            "2 years" => ["2022-23/2023-24", "2023-24/2024-25", "2023/2024"],
            other => panic!("no period by {other}"),
        };
        for label in labels {
            let first: Period = label.parse().unwrap();
            for mou in both {
                let calendar = mou.calendar();
                let after = |period: &Period| calendar.after(*period);
                periods.extend(std::iter::successors(Some(first), after).take_while(|period| {
                    let span = calendar.span(*period);
                    period.to_string().as_str() < "2029"
                        && span.is_none_or(|span| span.first < "2028-04-01".parse().unwrap())
                }));
            }
        }
    }
    if periods.is_empty() {
        periods.insert("2025-26".parse().unwrap());
    }
    periods
}

/// The days on which anything begins, with the day before; and ends, with the day after.
fn days(both: [&Mou; 2], period: Period) -> BTreeSet<Date> {
    let begin = both.iter().flat_map(|mou| [Some(mou.effective()), mou.asked_from(period)]);
    let end =
        both.iter().flat_map(|mou| [Some(mou.expires()), mou.pilot().map(|pilot| pilot.until)]);
    let begin = begin.flatten().flat_map(|day| [day.yesterday().unwrap(), day]);
    let end = end.flatten().flat_map(|day| [day, day.tomorrow().unwrap()]);
    begin.chain(end).collect()
}
