//! A node killed at the worst moments, as a process of its own: SIGKILL, and whatever the kernel has not been
//! told is gone. What was paid stays paid, once; what was released comes back to the byte.

use std::collections::BTreeMap;
use std::fs;
use std::time::{Duration, Instant};

use sumac_backbone::{Absence, Answers, Asker, Wanted};
use sumac_node::store::{Summary, check, read_only};
use sumac_policy::{Breakdown, Mou, Sha256, Table};
use tokio::task::JoinSet;

use crate::bodies::bodies;
use crate::command::{COLLEGE, NOT_HELD, PRICE_NANO_RHO, Serving, Site};

/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Random kills.
const ROUNDS: u64 = 20;
/// Askers at once in each round, and tables that each asks for.
const ASKERS: u64 = 3;
const TABLES: u64 = 3;

/// Releases as they lie in the ledger and leave the node, by their table.
type Seen = BTreeMap<String, Vec<u8>>;

fn wanted(mou: &Mou, period: &str, by: &[&str]) -> Wanted {
    let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
    let kpi = "enrolment".parse().unwrap();
    let table = Table::resolve(mou, &kpi, period.parse().unwrap(), &by).unwrap();
    Wanted { table, purpose: mou.terms().purposes[0].clone() }
}

async fn ask(asker: &Asker, id: &str, wanted: &[Wanted]) -> Vec<Answers> {
    asker.ask(&id.parse().unwrap(), wanted).await
}

fn key(answers: &Answers) -> String {
    format!("{} {}", answers.table.period(), answers.table.breakdown())
}

/// The college's release, as it left the node.
fn release(answers: &Answers) -> Result<Vec<u8>, &Absence> {
    answers.from[0].1.as_ref().map(|verified| verified.signed().to_bytes())
}

/// Holds these answers against all that was ever seen: a table has one release.
fn same_as_ever(seen: &mut Seen, answers: &[Answers]) {
    for answers in answers {
        if let Ok(bytes) = release(answers) {
            let known = seen.entry(key(answers)).or_insert_with(|| bytes.clone());
            assert!(*known == bytes, "{} was released twice", key(answers));
        }
    }
}

/// Looks at the ledger until it shows this, while its node writes to it.
fn until(site: &Site, shows: impl Fn(&Summary) -> bool) -> Summary {
    let begun = Instant::now();
    loop {
        let summary = read_only(&site.ledger());
        if let Some(summary) = summary.ok().filter(&shows) {
            return summary;
        }
        assert!(begun.elapsed() < PATIENCE, "it never came to that");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// What holds at every moment, whenever a node was killed.
fn consistent(site: &Site) -> Summary {
    let summary = site.summary();
    assert!(summary.charged_tables >= summary.released_tables, "{summary:?}");
    assert_eq!(summary.lifetime_nano_rho, summary.charged_tables * PRICE_NANO_RHO, "{summary:?}");
    assert_eq!(summary.spent_nano_rho.values().sum::<u64>(), summary.lifetime_nano_rho);
    check(&site.ledger(), Some(&site.trust())).unwrap();
    summary
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_was_released_and_never_left_comes_back_the_same() {
    let site = Site::new();
    // Replies wait here for so long that the kill comes first.
    site.tick(10_000);
    let serving = site.serve();
    let (asker, tables) = (site.asker(), [wanted(&site.mou(), "2025", &["sex"])]);
    let asking = tokio::spawn({
        let (asker, tables) = (asker.clone(), tables.clone());
        async move { ask(&asker, "crash.1", &tables).await }
    });
    until(&site, |summary| summary.released_tables == 1);
    serving.kill();
    let lost = asking.await.unwrap();
    assert!(matches!(release(&lost[0]), Err(Absence::Unreachable(_))), "{lost:?}");
    let ledger = bodies(&site.ledger()).unwrap();
    let before = consistent(&site);
    assert_eq!((before.charged_tables, before.released_tables), (1, 1));

    site.tick(1);
    let serving = site.serve();
    let answers = ask(&asker, "crash.1", &tables).await;
    let body = release(&answers[0]).unwrap();
    assert_eq!(ledger.into_values().collect::<Vec<_>>(), [body], "it is not what was released");
    assert_eq!(release(&ask(&asker, "crash.2", &tables).await[0]), release(&answers[0]));
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0));
    assert_eq!(log.matches("outcome=\"REPEATED\"").count(), 2, "{log}");
    let after = consistent(&site);
    assert_eq!(after.lifetime_nano_rho, before.lifetime_nano_rho);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_was_charged_and_never_released_is_charged_once() {
    let site = Site::new();
    // Its records cannot be read, so that it is certain where the node stops: behind the charge.
    let snapshots = site.home(COLLEGE).join("snapshots");
    let current = fs::read_to_string(snapshots.join("current")).unwrap();
    let records = snapshots.join(current.trim()).join("enrolment.parquet");
    let serving = site.serve();
    let good = fs::read(&records).unwrap();
    // All but the footer, which a Parquet file ends with: its length, and four letters.
    let end = good.len() - 8;
    let footer = u32::from_le_bytes(*good[end..].first_chunk().unwrap());
    let mut damaged = good.clone();
    damaged[4..end - usize::try_from(footer).unwrap()].fill(0);
    fs::write(&records, damaged).unwrap();
    let (asker, tables) = (site.asker(), [wanted(&site.mou(), "2025", &["sex"])]);
    let failed = ask(&asker, "crash.1", &tables).await;
    assert!(matches!(release(&failed[0]), Err(Absence::Fault(_))), "{failed:?}");
    serving.kill();
    let before = consistent(&site);
    assert_eq!((before.charged_tables, before.released_tables), (1, 0));

    fs::write(&records, good).unwrap();
    let serving = site.serve();
    let answers = ask(&asker, "crash.2", &tables).await;
    assert!(release(&answers[0]).is_ok(), "{answers:?}");
    serving.stop();
    let after = consistent(&site);
    assert_eq!((after.charged_tables, after.released_tables), (1, 1));
    assert_eq!(after.lifetime_nano_rho, before.lifetime_nano_rho);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kills_at_any_moment_lose_no_charge_and_no_release() {
    let site = Site::new();
    let asker = site.asker();
    let mou = site.mou();
    let mut seen = Seen::new();
    let mut killed_in_the_middle = 0;
    // What the first start writes beside that: the MOU, and the import.
    let mut records = 2;
    for round in 0..ROUNDS {
        let serving = site.serve();
        let asking = askers(&asker, &mou, round);
        // At a place in the ledger, so that the moment does not depend on how fast the machine is. A node
        // writes one record when it starts, and one at least for each question.
        let least = records + 1 + number(&[round, 99]) % (ASKERS * TABLES);
        until(&site, |summary| summary.records >= least);
        serving.kill();
        for answers in asking.join_all().await {
            killed_in_the_middle += u64::from(answers.iter().any(|from| release(from).is_err()));
            same_as_ever(&mut seen, &answers);
        }
        let summary = consistent(&site);
        assert!(summary.records >= records, "records were lost");
        records = summary.records;
    }
    assert!(killed_in_the_middle > 0, "no kill came in the middle");
    all_of_it_again(&site, &asker, &mut seen).await;
}

/// Everyone asks at once for tables of this round, some of them the same, some asked in earlier rounds.
fn askers(asker: &Asker, mou: &Mou, round: u64) -> JoinSet<Vec<Answers>> {
    let mut asking = JoinSet::new();
    for one in 0..ASKERS {
        let tables: Vec<_> = (0..TABLES).map(|n| a_table(mou, number(&[round, one, n]))).collect();
        let asker = asker.clone();
        let id = format!("crash.{round}.{one}");
        asking.spawn(async move { ask(&asker, &id, &tables).await });
    }
    asking
}

/// One of the tables that the college can answer.
fn a_table(mou: &Mou, number: u64) -> Wanted {
    let years: Vec<_> =
        (2000..=2025).map(|year| year.to_string()).filter(|year| year != NOT_HELD).collect();
    let year = &years[usize::try_from(number % 25).unwrap()];
    let by = [&[][..], &["sex"], &["race_ethnicity"]];
    wanted(mou, year, by[usize::try_from(number / 25 % 3).unwrap()])
}

/// A number that looks random and is the same on every run.
fn number(of: &[u64]) -> u64 {
    let digest = Sha256::of(format!("{of:?}").as_bytes());
    u64::from_be_bytes(*digest.as_bytes().first_chunk().unwrap())
}

/// A last node repeats every answer that anyone got, and every release and charge of the ledger.
async fn all_of_it_again(site: &Site, asker: &Asker, seen: &mut Seen) {
    let before = consistent(site);
    let mou = site.mou();
    let serving: Serving = site.serve();
    let tables: Vec<_> = (0..75).map(|number| a_table(&mou, number)).collect();
    let first = ask(asker, "crash.last", &tables).await;
    assert!(first.iter().all(|answers| release(answers).is_ok()), "{first:?}");
    same_as_ever(seen, &first);
    let again = ask(asker, "crash.again", &tables).await;
    same_as_ever(seen, &again);
    assert_eq!(seen.len(), 75);
    serving.stop();
    let after = consistent(site);
    assert_eq!((after.charged_tables, after.released_tables), (75, 75));
    assert!((5..75).contains(&before.charged_tables), "{before:?}");
}
