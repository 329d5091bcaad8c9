//! When a question is answered: days in force, periods, waiting, the pilot, where years start.

use std::collections::BTreeSet;

use jiff::civil::Date;

use crate::diff::change::{Direction, Topic};
use crate::diff::find::Within;
use crate::diff::pair::{Pair, Side, grouped};
use crate::diff::region::{Region, Term};
use crate::diff::view::{Days, View};
use crate::diff::words;
use crate::names::{KpiId, PartyId};
use crate::period::{Period, PeriodKind, TermName};

/// The clauses that say which periods there are.
const CALENDAR: [&str; 3] = ["calendar.first_period", "calendar.year_starts", "calendar.terms"];

impl Pair<'_> {
    pub(super) fn when(&mut self) {
        for side in Side::BOTH {
            self.force(side);
            self.periods(side);
            self.waiting(side);
            self.pilot(side);
        }
        self.year_starts();
        self.terms();
    }

    /// Days on which only one version is in force.
    fn force(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let earlier = answers.force.and(Days::before(refuses.mou.effective()));
        let later = answers.force.and(Days::after(refuses.mou.expires()));
        for (days, path) in [(earlier, "effective"), (later, "expires")] {
            let within = Within { days: Some(days), ..Within::default() };
            let Some(witness) = self.answered(side, within) else { continue };
            let Days { first, last } = days;
            let sentence = match side {
                Side::New => format!("newly answers questions from {first} to {last}"),
                Side::Old => format!("answers no question any more from {first} to {last}"),
            };
            let claim = Self::one_answers(side, Region::Days(days), witness);
            self.note(side.direction(), Topic::Force, sentence, vec![path.to_owned()], vec![claim]);
        }
    }

    /// Periods that only one version reports.
    fn periods(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let mut gained = Vec::new();
        for (id, kpi) in answers.listed() {
            let Some(other) = refuses.kpis.get(id) else { continue };
            let periods = kpi.periods.keys().filter(|period| {
                let within = Within { kpi: Some(id), period: Some(**period), ..Within::default() };
                !refuses.reports(&other.kpi, **period) && self.answered(side, within).is_some()
            });
            let periods: BTreeSet<Period> = periods.copied().collect();
            if !periods.is_empty() {
                gained.push((id.clone(), periods));
            }
        }
        let mut found = Vec::new();
        for (kpis, periods) in grouped(gained) {
            let within =
                Within { kpi: kpis.first(), period: periods.first().copied(), ..Within::default() };
            let Some(witness) = self.answered(side, within) else { continue };
            let what = words::kpis(answers.mou, &kpis);
            let which = words::periods(answers.mou.calendar(), &periods);
            let sentence = match side {
                Side::New => format!("newly answers {what} for {which}"),
                Side::Old => format!("no longer answers {what} for {which}"),
            };
            let mut paths: Vec<_> = kpis.iter().map(|id| format!("kpi.{id}.period")).collect();
            paths.extend(CALENDAR.map(str::to_owned));
            found.push((
                sentence,
                paths,
                Self::one_answers(side, Region::Periods(kpis, periods), witness),
            ));
        }
        for (sentence, paths, claim) in found {
            self.note(side.direction(), Topic::Period, sentence, paths, vec![claim]);
        }
    }

    /// Days on which only one version still waits for a period.
    fn waiting(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let force = Days { first: refuses.mou.effective(), last: refuses.mou.expires() };
        let (mut tables, mut witness) = (BTreeSet::new(), None);
        for (id, kpi) in answers.listed() {
            let Some(other) = refuses.kpis.get(id) else { continue };
            for period in kpi.periods.keys() {
                if !refuses.reports(&other.kpi, *period) {
                    continue;
                }
                let waits = refuses.mou.asked_from(*period);
                let days = waits.map_or(Days::ALL, Days::before).and(force);
                let within = Within {
                    kpi: Some(id),
                    period: Some(*period),
                    days: Some(days),
                    ..Within::default()
                };
                if let Some(found) = self.answered(side, within) {
                    witness.get_or_insert(found);
                    tables.insert((id.clone(), *period));
                }
            }
        }
        let Some(witness) = witness else { return };
        let wait = |view: &View<'_>| words::days(view.mou.calendar().wait_days);
        let (old, new) = (wait(&self.old), wait(&self.new));
        let when = side.word("sooner", "later");
        let sentence = match (old == new, self.moved(&tables)) {
            (_, None) => {
                format!("lets a period be asked about {new} after it closes, where it was {old}")
            }
            (true, Some(moved)) => {
                format!("lets periods be asked about {when}, because its {moved} end on other days")
            }
            (false, Some(moved)) => format!(
                "lets some periods be asked about {when}: it waits {new} after they close, where it was {old}, \
                 and its {moved} end on other days"
            ),
        };
        let paths = ["calendar.wait_days", "calendar.year_starts", "calendar.terms"];
        let paths = paths.map(str::to_owned).to_vec();
        let claim = Self::one_answers(side, Region::Waiting(tables, force), witness);
        self.note(side.direction(), Topic::Wait, sentence, paths, vec![claim]);
    }

    /// Which of these periods mean other days in the one version than in the other.
    fn moved(&self, tables: &BTreeSet<(KpiId, Period)>) -> Option<&'static str> {
        let moved = |kinds: fn(PeriodKind) -> bool| {
            tables.iter().any(|(_, period)| kinds(period.kind()) && self.means_other_days(*period))
        };
        match (moved(is_of_years), moved(|kind| kind == PeriodKind::Term)) {
            (true, true) => Some("years and terms"),
            (true, false) => Some("years"),
            (false, true) => Some("terms"),
            (false, false) => None,
        }
    }

    /// What becomes of each term that the versions do not begin on the same day.
    fn moves(&self) -> String {
        let begins = |view: &View<'_>, name| view.mou.calendar().terms.begins(name);
        let moves = TermName::ALL.iter().filter_map(|name| {
            match (begins(&self.old, *name), begins(&self.new, *name)) {
                (Some(old), Some(new)) if old != new => {
                    Some(format!("begins {name} on {new} instead of {old}"))
                }
                (None, Some(new)) => Some(format!("adds {name}, from {new} on")),
                (Some(_), None) => Some(format!("drops {name}")),
                _ => None,
            }
        });
        words::listed(moves)
    }

    fn means_other_days(&self, period: Period) -> bool {
        let [old, new] = [&self.old, &self.new].map(|view| view.mou.calendar().span(period));
        old != new
    }

    /// What a pilot of the other version holds back.
    fn pilot(&mut self, side: Side) {
        let (answers, refuses) = self.sides(side);
        let Some(until) = refuses.mou.pilot().map(|pilot| pilot.until) else { return };
        let days = Days { first: refuses.mou.effective(), last: until };
        let mut held: Vec<(KpiId, BTreeSet<PartyId>)> = Vec::new();
        for (id, kpi) in answers.listed() {
            let Some(other) = refuses.kpis.get(id) else { continue };
            let nodes = kpi.nodes.intersection(&other.nodes).filter(|node| {
                let within = Within {
                    kpi: Some(id),
                    node: Some(node),
                    days: Some(days),
                    ..Within::default()
                };
                refuses.held_back_until(&other.kpi, node).is_some()
                    && self.answered(side, within).is_some()
            });
            let nodes: BTreeSet<_> = nodes.cloned().collect();
            if !nodes.is_empty() {
                held.push((id.clone(), nodes));
            }
        }
        let (mut claims, mut parts, mut last) = (Vec::new(), Vec::new(), Date::MIN);
        for (kpis, nodes) in grouped(held) {
            let within = Within {
                kpi: kpis.first(),
                node: nodes.first(),
                days: Some(days),
                ..Within::default()
            };
            let Some(witness) = self.answered(side, within) else { continue };
            let (what, at) = (words::kpis(answers.mou, &kpis), words::parties(answers.mou, &nodes));
            parts.push(format!("{what} at {at}"));
            last = last.max(until);
            claims.push(Self::one_answers(side, Region::At(kpis, nodes, days), witness));
        }
        let what = parts.join("; ");
        let sentence = match side {
            Side::New => format!("no longer holds back until {last}, for a pilot: {what}"),
            Side::Old => format!("holds back until {last}, for a pilot: {what}"),
        };
        self.note(side.direction(), Topic::Pilot, sentence, vec!["pilot".to_owned()], claims);
    }

    fn year_starts(&mut self) {
        let starts = |view: &View<'_>| view.mou.calendar().year_starts;
        let (old, new) = (starts(&self.old), starts(&self.new));
        if old == new {
            return;
        }
        let mut claims: Vec<_> = self
            .term(Term::Accounting, Region::Everything, Within::default())
            .into_iter()
            .collect();
        let years = self.common().filter(|(_, old, new)| {
            is_of_years(old.kpi.period) && old.kpi.period == new.kpi.period
        });
        let reaches = |id: &&KpiId| {
            let within = Within { kpi: Some(*id), ..Within::default() };
            self.answered_by_both(within).is_some()
        };
        let years: BTreeSet<KpiId> = years.map(|(id, ..)| id).filter(reaches).cloned().collect();
        let mut means = "";
        if let Some(first) = years.first().cloned() {
            means = "a year means other days, and ";
            let within = Within { kpi: Some(&first), ..Within::default() };
            claims.extend(self.term(Term::Span, Region::Kpis(years), within));
        }
        let sentence = format!(
            "starts its years on {new} instead of {old}: {means}budgets are counted by other years"
        );
        let paths = vec!["calendar.year_starts".to_owned()];
        self.note(Direction::Both, Topic::YearStart, sentence, paths, claims);
    }

    /// Terms that both versions report, and that mean other days.
    fn terms(&mut self) {
        let mut moved = Vec::new();
        for (id, old, new) in self.common() {
            let both = old.periods.keys().filter(|period| new.periods.contains_key(period));
            let terms = both.filter(|period| {
                let within = Within { kpi: Some(id), period: Some(**period), ..Within::default() };
                period.kind() == PeriodKind::Term
                    && self.means_other_days(**period)
                    && self.answered_by_both(within).is_some()
            });
            let terms: BTreeSet<Period> = terms.copied().collect();
            if !terms.is_empty() {
                moved.push((id.clone(), terms));
            }
        }
        let (mut claims, mut parts) = (Vec::new(), Vec::new());
        for (kpis, terms) in grouped(moved) {
            let (kpi, period) = (kpis.first().cloned(), terms.first().copied());
            let within = Within { kpi: kpi.as_ref(), period, ..Within::default() };
            let which = words::periods(self.new.mou.calendar(), &terms);
            parts.push(format!("{which} of {}", words::kpis(self.new.mou, &kpis)));
            claims.extend(self.term(Term::Span, Region::Periods(kpis, terms), within));
        }
        let sentence = format!("{}: other days are meant by {}", self.moves(), parts.join("; "));
        let paths = vec!["calendar.terms".to_owned()];
        self.note(Direction::Both, Topic::Terms, sentence, paths, claims);
    }
}

/// Whether periods of this kind are made of reporting years.
fn is_of_years(kind: PeriodKind) -> bool {
    matches!(kind, PeriodKind::Year | PeriodKind::Years(_))
}
