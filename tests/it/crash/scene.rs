//! A site, all that its askers ever got, and all that its ledger ever said.

use std::collections::BTreeMap;
use std::fs;

use sumac_backbone::{Absence, Answers, Asker, Keep, Wanted};
use sumac_policy::{Breakdown, Mou, Sha256, Table};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::shim::Watch;
use crate::command::{COLLEGE, LEARNERS, PRICE_NANO_RHO, Site};

/// The tables of a scene: these years, by these.
const YEARS: [&str; 3] = ["2025", "2023", "2022"];
const BREAKDOWNS: [&[&str]; 3] = [&["sex"], &[], &["race_ethnicity"]];
pub(super) const TABLES: usize = YEARS.len() * BREAKDOWNS.len();
/// The table that is corrected: the first.
const CORRECTED: usize = 0;
/// Tables that each asker asks for in one call.
const TOGETHER: u64 = 3;
/// Learners of the second import, and the days on which the data was taken.
const FEW: usize = 40;
const AS_OF: [&str; 2] = ["2026-01-15", "2026-02-15"];

/// The passphrase is that of the roots here, which no one should do.
const BACKUP: [&str; 4] = ["backup", "backup.age", "--passphrase-file", "passphrase"];
const RESTORE: [&str; 4] = ["restore", BACKUP[1], BACKUP[2], BACKUP[3]];

/// A table and its revision.
type Measured = (String, u64);

/// A site, and what is known of it.
pub(super) struct Scene {
    site: Site,
    runtime: Runtime,
    /// Two of them keep the heads that they see, and notice if a node goes behind one.
    askers: [Asker; 3],
    calls: u32,
    /// What any asker got.
    seen: BTreeMap<Measured, Vec<u8>>,
    /// What was paid for when last looked, and whether it was released.
    paid: BTreeMap<Measured, bool>,
    /// New measurements that may have been ordered.
    orders: u64,
    /// Whether a node listened here, which it does only on a ledger.
    has_ledger: bool,
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Killed,
    /// By itself: it never came to the step.
    Well,
}

/// What a kill left.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Left {
    pub(super) uncharged: u64,
    pub(super) charged: u64,
    pub(super) answered: u64,
}

impl Scene {
    pub(super) fn new() -> Self {
        let site = Site::new();
        let keeping = |asker: Asker, name: &str| {
            asker.with_keep(Keep::new(site.dir().join(format!("kept-{name}")), name.to_owned()))
        };
        let askers = [
            keeping(site.asker(), "maria"),
            keeping(site.other_asker("joao"), "joao"),
            site.other_asker("ana"),
        ];
        fs::write(site.dir().join("few.csv"), few()).unwrap();
        // The askers go on while a verb is run.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (calls, orders, has_ledger) = (0, 0, false);
        let (seen, paid) = Default::default();
        Self { site, runtime, askers, calls, seen, paid, orders, has_ledger }
    }

    /// A node's whole life: it starts, three ask at once, data comes in and a correction is ordered while two
    /// more ask, three ask again, it stops.
    pub(super) fn node_lives(&mut self, seed: u64, watch: &Watch) -> End {
        let environment = watch.environment(&self.site.home(COLLEGE));
        let mut serving = match self.site.serve_in(&environment) {
            Ok(serving) => serving,
            Err((code, log)) => return ended(code, &log, watch),
        };
        self.has_ledger = true;
        self.ask_at_once(&choices(seed, 0, 3));
        if !serving.has_ended() {
            let asking = self.asking(&choices(seed, 1, 2));
            self.import().well();
            if !serving.has_ended() {
                self.order_if_it_can_be();
            }
            self.hear(asking);
        }
        if !serving.has_ended() {
            self.ask_at_once(&choices(seed, 2, 3));
        }
        let (code, log) = serving.stop();
        ended(code, &log, watch)
    }

    /// Some tables are asked for and answered, so that the ledger has something to lose.
    pub(super) fn answers_some(&mut self) {
        let serving = self.site.serve();
        self.has_ledger = true;
        self.ask_at_once(&[vec![CORRECTED, 1], vec![4, CORRECTED]]);
        // Who asked last has a head over all of it, which a restored node waits for.
        self.ask_at_once(&[vec![1]]);
        let (code, log) = serving.stop();
        assert_eq!(code, Some(0), "{log}");
        assert!(!self.seen.is_empty());
        self.look();
    }

    /// `sumac backup`, which writes beside the home.
    pub(super) fn backs_up(&mut self, watch: &Watch) -> End {
        let environment = watch.environment(self.site.dir());
        let said = self.site.run_in(&environment, COLLEGE, &BACKUP);
        ended(said.code, &said.err, watch)
    }

    /// The home is lost but for the records about learners, which would be imported again.
    pub(super) fn loses_its_disk(&mut self) {
        assert_eq!(self.backs_up_unless_it_is(), End::Well);
        fs::rename(self.site.home(COLLEGE), self.site.dir().join("lost")).unwrap();
    }

    /// A backup that was killed left nothing, or is whole: what is restored shows it.
    fn backs_up_unless_it_is(&mut self) -> End {
        match self.site.dir().join(BACKUP[1]).exists() {
            true => End::Well,
            false => self.backs_up(&Watch::new(None)),
        }
    }

    /// `sumac restore`, which makes the home.
    pub(super) fn restores(&mut self, watch: &Watch) -> End {
        let environment = watch.environment(self.site.dir());
        let said = self.site.run_in(&environment, COLLEGE, &RESTORE);
        ended(said.code, &said.err, watch)
    }

    /// The home is there as a whole, or is restored now.
    pub(super) fn has_its_home_again(&mut self) {
        let home = self.site.home(COLLEGE);
        if !home.exists() {
            assert_eq!(self.restores(&Watch::new(None)), End::Well);
        }
        fs::rename(self.site.dir().join("lost/snapshots"), home.join("snapshots")).unwrap();
    }

    /// A verb is run to its end.
    pub(super) fn runs(&mut self, words: &[&str], watch: &Watch) -> End {
        let environment = watch.environment(&self.site.home(COLLEGE));
        let said = self.site.run_in(&environment, COLLEGE, words);
        ended(said.code, &said.err, watch)
    }

    /// The operator orders the correction.
    pub(super) fn order(&mut self, watch: &Watch) -> End {
        self.orders += 1;
        self.runs(&order_words(), watch)
    }

    /// The same while the node may be killed, or may have been: then this is refused, or not.
    fn order_if_it_can_be(&mut self) {
        self.orders += 1;
        let said = self.site.run(COLLEGE, &order_words());
        assert!(matches!(said.code, Some(0 | 1)) && !said.err.contains("panicked"), "{said:?}");
    }

    /// Other data takes the place of the first.
    fn import(&self) -> crate::command::Said {
        self.site.run(COLLEGE, &import_words())
    }

    /// Looks at what a kill left, then at a node that starts on it: it answers everything, each table once paid
    /// for, whatever was answered before to the byte. How many bytes it cut off the ledger.
    pub(super) fn goes_on(&mut self) -> u64 {
        let before = self.paid.clone();
        let serving = self.site.serve();
        self.has_ledger = true;
        let all: Vec<_> = (0..TABLES).collect();
        let heard = self.ask_at_once(std::slice::from_ref(&all));
        assert_eq!(heard, TABLES, "not everything is answered");
        let reversed: Vec<_> = all.iter().rev().copied().collect();
        assert_eq!(self.ask_at_once(&[vec![], reversed.clone(), reversed]), 2 * TABLES);
        let (code, log) = serving.stop();
        assert_eq!(code, Some(0), "{log}");
        self.look();
        for table in all {
            let name = self.name(table);
            let last = |paid: &BTreeMap<Measured, bool>| {
                let of_table = paid.iter().filter(|((of, _), _)| *of == name);
                of_table.map(|((_, revision), released)| (*revision, *released)).max()
            };
            let (found, now) = (last(&before), last(&self.paid));
            let orders = if table == CORRECTED { self.orders } else { 0 };
            let right = match (found, now) {
                (_, None | Some((_, false))) => false,
                (None, Some((revision, _))) => revision == 0,
                // Completed for the same charge.
                (Some((charged, false)), Some((revision, _))) => revision == charged,
                (Some((released, true)), Some((revision, _))) => {
                    revision == released || revision == released + 1 && revision <= orders
                }
            };
            assert!(right, "{name}: {found:?} became {now:?}");
        }
        cut(&log)
    }

    /// The data is the old or the new, whole, and can be replaced.
    pub(super) fn data_is_whole(&mut self) {
        let old = self.whole_data() == AS_OF[0];
        self.import().well();
        assert_eq!(self.whole_data(), AS_OF[1], "the data was {old}");
        let home = self.site.home(COLLEGE).join("snapshots");
        let names = fs::read_dir(home).unwrap().map(|entry| entry.unwrap().file_name());
        let left: Vec<_> =
            names.filter(|name| name.to_string_lossy().contains("partial")).collect();
        assert!(left.is_empty(), "what a killed import left is still there: {left:?}");
    }

    /// When the data that a node answers from was taken. Measures a table that nobody has measured.
    fn whole_data(&mut self) -> String {
        let serving = self.site.serve();
        self.has_ledger = true;
        let described = self.runtime.block_on(self.askers[0].describe());
        let as_of = described[0].1.as_ref().unwrap().snapshot.as_ref().unwrap().as_of.to_string();
        let learners = if as_of == AS_OF[0] { LEARNERS } else { FEW };
        let table = (0..TABLES).find(|n| !self.paid.contains_key(&(self.name(*n), 0))).unwrap();
        let asking = self.asking(&[vec![table]]);
        let answers = self.runtime.block_on(asking.join_all()).remove(0);
        let cells = &answers[0].from[0].1.as_ref().unwrap().release().facts().cells;
        let of_year = match YEARS[table / BREAKDOWNS.len()] {
            "2025" => learners,
            "2023" => learners / 3,
            _ => 0,
        };
        // Each of at most nine counts is within 100 learners 95 times in 100.
        let off = cells.iter().sum::<i64>().abs_diff(i64::try_from(of_year).unwrap());
        assert!(off < 2_000, "{as_of}: {table} has {cells:?}");
        self.take(answers);
        let (code, log) = serving.stop();
        assert_eq!(code, Some(0), "{log}");
        self.look();
        as_of
    }

    /// `sumac ledger check` and `sumac ledger show`, held against all that is known.
    pub(super) fn look(&mut self) {
        let checked = self.site.run(COLLEGE, &["ledger", "check"]);
        if checked.code != Some(0) {
            // Killed before there was one.
            assert!(!self.has_ledger && checked.err.contains("No such file"), "{checked:?}");
            return;
        }
        let said = self.site.run(COLLEGE, &["ledger", "show", "--format", "json"]).well();
        let shown: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let mut paid = BTreeMap::new();
        for row in shown["tables"].as_array().unwrap() {
            let by = row["breakdown"].as_array().unwrap().iter().map(|id| id.as_str().unwrap());
            let by = by.collect::<Vec<_>>().join(",");
            let name = format!("{} by {by}", row["period"].as_str().unwrap());
            let measured = (name, row["revision"].as_u64().unwrap());
            assert_eq!(row["price_nano_rho"], PRICE_NANO_RHO);
            let first = paid.insert(measured.clone(), row["released"].as_bool().unwrap());
            assert!(first.is_none(), "{measured:?} is charged twice");
        }
        let spent = shown["spent_nano_rho"].as_object().unwrap().values();
        let spent: u64 = spent.map(|spent| spent.as_u64().unwrap()).sum();
        assert_eq!(spent, paid.len() as u64 * PRICE_NANO_RHO, "{shown}");
        for (measured, released) in &self.paid {
            let now = paid.get(measured);
            assert!(now.is_some_and(|now| now >= released), "{measured:?} was lost: {now:?}");
        }
        for (name, revision) in paid.keys() {
            let orders = if *name == self.name(CORRECTED) { self.orders } else { 0 };
            assert!(*revision <= orders, "{name}: nobody ordered revision {revision}");
            let before = revision.checked_sub(1).map(|before| (name.clone(), before));
            assert!(before.is_none_or(|before| paid.get(&before) == Some(&true)), "{name}");
        }
        for measured in self.seen.keys() {
            assert_eq!(paid.get(measured), Some(&true), "{measured:?} was answered for nothing");
        }
        self.paid = paid;
    }

    /// What was left of the tables of a scene.
    pub(super) fn left(&self) -> Left {
        let mut left = Left::default();
        for table in 0..TABLES {
            let name = self.name(table);
            match self.paid.iter().rfind(|((of, _), _)| *of == name) {
                None => left.uncharged += 1,
                Some((_, false)) => left.charged += 1,
                Some((_, true)) => left.answered += 1,
            }
        }
        left
    }

    /// Each of the askers asks for their tables, all at once. How many answers came.
    fn ask_at_once(&mut self, lists: &[Vec<usize>]) -> usize {
        let asking = self.asking(lists);
        self.hear(asking)
    }

    fn asking(&mut self, lists: &[Vec<usize>]) -> JoinSet<Vec<Answers>> {
        let mou = self.site.mou();
        let mut asking = JoinSet::new();
        for (asker, list) in self.askers.iter().zip(lists).filter(|(_, list)| !list.is_empty()) {
            self.calls += 1;
            let id = format!("crash.{}", self.calls).parse().unwrap();
            let wanted: Vec<_> = list.iter().map(|table| wanted(&mou, *table)).collect();
            let asker = asker.clone();
            asking.spawn_on(async move { asker.ask(&id, &wanted).await }, self.runtime.handle());
        }
        asking
    }

    fn hear(&mut self, asking: JoinSet<Vec<Answers>>) -> usize {
        let all = self.runtime.block_on(asking.join_all());
        all.into_iter().map(|answers| self.take(answers)).sum()
    }

    /// A measurement has one release, whoever asks and whenever.
    fn take(&mut self, answers: Vec<Answers>) -> usize {
        let mut heard = 0;
        for answers in answers {
            let by: Vec<_> = answers.table.breakdown().dimensions().iter().collect();
            let by = by.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            let name = format!("{} by {by}", answers.table.period());
            match &answers.from[0].1 {
                Ok(verified) => {
                    heard += 1;
                    let revision = u64::from(verified.release().facts().revision);
                    let bytes = verified.signed().to_bytes();
                    let known = self.seen.entry((name.clone(), revision));
                    let known = known.or_insert_with(|| bytes.clone());
                    assert!(*known == bytes, "revision {revision} of {name} was released twice");
                }
                Err(Absence::Unreachable(_)) => {}
                Err(other) => panic!("{name}: {other:?}"),
            }
        }
        heard
    }

    fn name(&self, table: usize) -> String {
        let mut by = BREAKDOWNS[table % BREAKDOWNS.len()].to_vec();
        by.sort_unstable();
        format!("{} by {}", YEARS[table / BREAKDOWNS.len()], by.join(","))
    }
}

/// How a process ended that was killed or was not; nothing else may have happened to it.
fn ended(code: Option<i32>, log: &str, watch: &Watch) -> End {
    assert!(!log.contains("panicked"), "{log}");
    match code {
        None if watch.killed_at().is_some() => End::Killed,
        Some(0) => End::Well,
        _ => panic!("it ended with {code:?}: {log}"),
    }
}

/// The bytes of an unfinished write that a node says it cut off.
fn cut(log: &str) -> u64 {
    let line = log.lines().find(|line| line.contains("of an unfinished write were cut"));
    line.map_or(0, |line| line.split(' ').find_map(|word| word.parse().ok()).unwrap())
}

/// `sumac import` of the second data.
pub(super) fn import_words() -> Vec<&'static str> {
    let mut words = vec!["import", "few.csv", "--mapping", "mapping.toml", "--as-of", AS_OF[1]];
    words.extend(YEARS.iter().flat_map(|year| ["--covers", year]));
    words
}

fn order_words() -> Vec<&'static str> {
    let words = ["remeasure", "enrolment", "--period", YEARS[0], "--by", "sex"];
    [&words[..], &["--because", "a file was missing", "--yes"]].concat()
}

fn few() -> String {
    let rows = (0..FEW).map(|n| format!("F{n},{},{},2025-09-01\n", ["F", "M"][n % 2], 1 + n % 8));
    format!("ID,SEX,RACE,START\n{}", rows.collect::<String>())
}

fn wanted(mou: &Mou, table: usize) -> Wanted {
    let by = BREAKDOWNS[table % BREAKDOWNS.len()].iter().map(|id| id.parse().unwrap());
    let period = YEARS[table / BREAKDOWNS.len()].parse().unwrap();
    let table = Table::resolve(mou, &"enrolment".parse().unwrap(), period, &Breakdown::by(by));
    Wanted { table: table.unwrap(), purpose: mou.terms().purposes[0].clone() }
}

/// What so many askers ask for in this act. Some of it is the same; the table to be corrected comes first.
fn choices(seed: u64, act: u64, askers: u64) -> Vec<Vec<usize>> {
    let one = |asker, n| match n {
        0 if asker == 0 => CORRECTED,
        _ => below(&[seed, act, asker, n], TABLES),
    };
    (0..askers).map(|asker| (0..TOGETHER).map(|n| one(asker, n)).collect()).collect()
}

/// A number below `end` that looks random and is the same on every run.
pub(super) fn below(of: &[u64], end: usize) -> usize {
    let digest = Sha256::of(format!("{of:?}").as_bytes());
    let number = u64::from_be_bytes(*digest.as_bytes().first_chunk().unwrap());
    usize::try_from(number % u64::try_from(end).unwrap()).unwrap()
}
