//! The promises of the plan, each by its name. Those that one room keeps alone are tested there, too.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use sumac_backbone::{Absence, Answers, combine};
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::store::read_only;
use sumac_policy::{PeerRole, Reason, TableName};
use sumac_protocol::{RequestId, SignedRelease};

use crate::coalition::{Coalition, Parties, Serving, damage, freeze, wanted};

pub(crate) const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
pub(crate) const NOW: &str = "2026-08-01T12:00:00Z";
const COLLEGES: [&str; 2] = ["lakeshore-cc", "harbor-tech"];
const SEX: &[&[&str]] = &[&["sex"]];

pub(crate) static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

pub(crate) async fn lakeshore() -> Coalition {
    Coalition::under(LAKESHORE, PARTIES.clone(), &COLLEGES[..1]).await
}

/// `rows` enrolments of 2025-26 for each of these learners, whose sex is their number modulo 2.
pub(crate) fn enrolled(learners: impl IntoIterator<Item = u8>, rows: usize) -> Canonical {
    let learners: Vec<_> = learners.into_iter().collect();
    let key = |learner: u8| -> PersonKey { [learner; 16] };
    let learner = Rows {
        person: learners.iter().map(|n| key(*n)).collect(),
        columns: vec![(
            "sex".into(),
            Values::Code(learners.iter().map(|n| u16::from(n % 2)).collect()),
        )],
    };
    let people: Vec<_> = learners.iter().flat_map(|n| std::iter::repeat_n(key(*n), rows)).collect();
    // 1 September 2025.
    let starts = vec![Some(20_332); people.len()];
    let enrolment =
        Rows { person: people, columns: vec![("term_start".into(), Values::Date(starts))] };
    let tables = [(TableName::Learner, learner), (TableName::Enrolment, enrolment)];
    Canonical { tables: BTreeMap::from(tables) }
}

/// Starts one college's node over this data.
pub(crate) async fn college(
    coalition: &Coalition,
    party: &str,
    seed: u64,
    data: &Canonical,
) -> Serving {
    let snapshots = coalition.home(party).join("snapshots");
    freeze(coalition, &snapshots, data, &["2025-26"]);
    start(coalition, party, seed, &snapshots).await
}

pub(crate) async fn start(
    coalition: &Coalition,
    party: &str,
    seed: u64,
    snapshots: &Path,
) -> Serving {
    let node = coalition.node(party, seed, snapshots).await;
    coalition.serve(party, node).await
}

pub(crate) async fn ask(coalition: &Coalition, breakdowns: &[&[&str]]) -> Vec<Answers> {
    ask_as(coalition, "maria.1", breakdowns).await
}

async fn ask_as(coalition: &Coalition, request: &str, breakdowns: &[&[&str]]) -> Vec<Answers> {
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let id: RequestId = request.parse().unwrap();
    asker.ask(&id, &wanted(&coalition.mou, "enrolment", "2025-26", breakdowns)).await
}

pub(crate) fn signed(answers: &Answers, party: &str) -> SignedRelease {
    answer(answers, party).as_ref().unwrap_or_else(|absence| panic!("{absence}")).signed().clone()
}

pub(crate) fn cells(answers: &Answers, party: &str) -> Vec<i64> {
    let verified = answer(answers, party).as_ref().unwrap_or_else(|absence| panic!("{absence}"));
    verified.release().facts().cells.clone()
}

pub(crate) fn answer<'a>(
    answers: &'a Answers,
    party: &str,
) -> &'a Result<sumac_backbone::Verified, Absence> {
    &answers.from.iter().find(|(from, _)| from.as_str() == party).unwrap().1
}

pub(crate) fn refusal(answers: &Answers, party: &str) -> Reason {
    match answer(answers, party) {
        Err(Absence::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn promise_1_only_a_released_leaves_the_node() {
    // Two nodes that differ in their records alone say the same about themselves, their prices and refusals.
    let mut said = Vec::new();
    for data in [enrolled(0..40, 1), enrolled(0..7, 3)] {
        let coalition = lakeshore().await;
        let serving = college(&coalition, "lakeshore-cc", 1, &data).await;
        let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
        let tables = wanted(&coalition.mou, "enrolment", "2025-26", &[&[], &["sex"]]);
        let described = format!("{:?}", asker.describe().await[0]);
        let previewed: Vec<_> =
            asker.preview(&tables).await.into_iter().map(|p| format!("{p:?}")).collect();
        let refused = wanted(&coalition.mou, "completers", "2025-26", &[&[]]);
        let id = "maria.2".parse().unwrap();
        let refused = format!("{:?}", asker.ask(&id, &refused).await[0].from[0]);
        assert!(refused.contains("ColumnNotHeld"), "{refused}");
        let hash = coalition.mou.hash().to_string();
        said.push(format!("{described}{previewed:?}{refused}").replace(&hash, "MOU"));
        serving.stop().await;
    }
    let port = |text: &str| text.split("127.0.0.1").map(str::to_owned).collect::<Vec<_>>();
    // Addresses differ from run to run; nothing else may.
    let without_ports = |text: &str| -> Vec<String> {
        port(text)
            .iter()
            .map(|part| {
                part.trim_start_matches(|c: char| c == ':' || c.is_ascii_digit()).to_owned()
            })
            .collect()
    };
    assert_eq!(without_ports(&said[0]), without_ports(&said[1]));
}

#[tokio::test]
async fn promise_2_the_charge_is_durable_before_any_record_is_read() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home("lakeshore-cc").join("snapshots");
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    // The records cannot be read, and yet the table is paid for.
    let current = fs::read_to_string(snapshots.join("current")).unwrap();
    let records = snapshots.join(current.trim()).join("enrolment.parquet");
    let kept = damage(&records);
    let answers = ask(&coalition, SEX).await;
    assert!(matches!(answer(&answers[0], "lakeshore-cc"), Err(Absence::Fault(_))), "{answers:?}");
    let ledger = coalition.ledger("lakeshore-cc", 1);
    let summary = read_only(&ledger).unwrap();
    assert_eq!((summary.charged_tables, summary.released_tables), (1, 0));
    // Once they can, the next ask completes with the same charge.
    fs::write(&records, kept).unwrap();
    let answers = ask(&coalition, SEX).await;
    assert_eq!(cells(&answers[0], "lakeshore-cc").len(), 4);
    let after = read_only(&ledger).unwrap();
    assert_eq!((after.charged_tables, after.released_tables), (1, 1));
    assert_eq!(after.lifetime_nano_rho, summary.lifetime_nano_rho);
    serving.stop().await;
}

#[tokio::test]
async fn a_damaged_snapshot_is_not_taken_up_and_costs_nothing() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home("lakeshore-cc").join("snapshots");
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    freeze(&coalition, &snapshots, &enrolled(0..50, 1), &["2025-26"]);
    let current = fs::read_to_string(snapshots.join("current")).unwrap();
    let records = snapshots.join(current.trim()).join("enrolment.parquet");
    let mut damaged = fs::read(&records).unwrap();
    damaged[20] ^= 1;
    fs::write(&records, damaged).unwrap();
    let answers = ask(&coalition, SEX).await;
    assert!(matches!(answer(&answers[0], "lakeshore-cc"), Err(Absence::Fault(_))), "{answers:?}");
    serving.stop().await;
    let summary = read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap();
    assert_eq!((summary.charged_tables, summary.released_tables), (0, 0));
}

#[tokio::test]
async fn promise_3_the_price_depends_on_public_parameters_only() {
    let mut prices = Vec::new();
    for data in [enrolled(0..40, 1), enrolled([3], 50), enrolled([], 0)] {
        let coalition = lakeshore().await;
        let serving = college(&coalition, "lakeshore-cc", 1, &data).await;
        let answers = ask(&coalition, SEX).await;
        let verified = answer(&answers[0], "lakeshore-cc").as_ref().unwrap();
        prices.push(verified.release().facts().price_nano_rho);
        serving.stop().await;
    }
    assert_eq!(prices, [8_536_889; 3]);
}

#[tokio::test]
async fn promise_4_a_table_is_released_once() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home("lakeshore-cc").join("snapshots");
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    let first = signed(&ask(&coalition, SEX).await[0], "lakeshore-cc");
    let spent = read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().lifetime_nano_rho;
    let again = async |what: &str| {
        let answers = ask_as(&coalition, "other.7", SEX).await;
        assert_eq!(signed(&answers[0], "lakeshore-cc"), first, "{what}");
        let now = read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().lifetime_nano_rho;
        assert_eq!(now, spent, "{what}");
    };
    again("a repeat").await;
    freeze(&coalition, &snapshots, &enrolled(0..90, 2), &["2025-26"]);
    again("after another import").await;
    serving.stop().await;
    let serving = start(&coalition, "lakeshore-cc", 1, &snapshots).await;
    again("after a restart").await;
    let two = tokio::join!(
        ask(&coalition, &[&["age_band"]]),
        ask_as(&coalition, "b.1", &[&["age_band"]])
    );
    assert_eq!(refusal(&two.0[0], "lakeshore-cc"), Reason::ColumnNotHeld);
    let (one, other) = tokio::join!(ask(&coalition, &[&[]]), ask_as(&coalition, "b.2", &[&[]]));
    assert_eq!(
        signed(&one[0], "lakeshore-cc"),
        signed(&other[0], "lakeshore-cc"),
        "two askers at once"
    );
    assert_eq!(read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().charged_tables, 2);
    serving.stop().await;
}

#[tokio::test]
async fn promise_5_no_by_default() {
    let coalition = lakeshore().await;
    let empty = coalition.home("lakeshore-cc").join("snapshots");
    let serving = start(&coalition, "lakeshore-cc", 1, &empty).await;
    assert_eq!(refusal(&ask(&coalition, SEX).await[0], "lakeshore-cc"), Reason::NoSnapshot);
    // A steward's and another node's certificates are of the coalition, and still may not ask.
    for role in [PeerRole::Steward, PeerRole::Node] {
        let asker = coalition.asker("lakeshore-chamber", role);
        let tables = wanted(&coalition.mou, "enrolment", "2025-26", SEX);
        let answers = asker.ask(&"x.1".parse().unwrap(), &tables).await;
        assert_eq!(refusal(&answers[0], "lakeshore-cc"), Reason::RoleMayNotAsk);
    }
    let asker = coalition.asker("harbor-tech", PeerRole::Analyst);
    let answers = asker
        .ask(&"x.2".parse().unwrap(), &wanted(&coalition.mou, "enrolment", "2025-26", SEX))
        .await;
    // Its party may read what is released, and nothing is measured for it.
    assert_eq!(refusal(&answers[0], "lakeshore-cc"), Reason::NotReleasedYet);
    serving.stop().await;
    assert_eq!(read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().charged_tables, 0);
}

#[tokio::test]
async fn promise_6_every_cell_of_the_public_list_is_answered() {
    let coalition = lakeshore().await;
    // Nobody is of the codes X and unknown, and their cells come all the same.
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    let answers = ask(&coalition, SEX).await;
    assert_eq!(cells(&answers[0], "lakeshore-cc").len(), 4);
    serving.stop().await;
    let combined = combine(&coalition.mou, answers.into_iter().next().unwrap());
    assert_eq!(combined.groups.len(), 4);
}

#[tokio::test]
async fn promise_7_integers_until_the_noise_is_in() {
    // The wire knows only whole cells; that no float touches one before is a fence over the sources.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seen = 0;
    let mut folders = vec![root.join("node/src/tabulate"), root.join("node/src/records")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                // Property tests may weigh their choices in floats.
                let code = text.split("#[cfg(test)]").next().unwrap();
                let is_test = path.file_name().is_some_and(|name| name == "tests.rs")
                    || path.components().any(|part| part.as_os_str() == "tests");
                assert!(
                    is_test || !(code.contains("f64") || code.contains("f32")),
                    "{}",
                    path.display()
                );
                seen += 1;
            }
        }
    }
    assert!(seen > 10, "only {seen} files were read");
}

#[tokio::test]
async fn promise_8_a_learner_moves_an_answer_by_at_most_what_the_mou_says() {
    // The same chance and one learner less, who has fifty rows: one cell moves, by one.
    let mut released = Vec::new();
    for learners in [0..40, 0..39] {
        let coalition = lakeshore().await;
        let mut data = enrolled(learners, 50);
        let rows = data.tables.get_mut(&TableName::Enrolment).unwrap();
        assert!(rows.person.len() >= 39 * 50);
        let serving = college(&coalition, "lakeshore-cc", 1, &data).await;
        released.push(cells(&ask(&coalition, SEX).await[0], "lakeshore-cc"));
        serving.stop().await;
    }
    let moved: Vec<_> = released[0].iter().zip(&released[1]).map(|(a, b)| a - b).collect();
    assert_eq!(moved.iter().map(|by| by * by).sum::<i64>(), 1, "{moved:?}");
}

#[tokio::test]
async fn promise_9_a_party_may_narrow_its_own_node_at_once_and_never_widen_it_alone() {
    let coalition = lakeshore().await;
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    let first = signed(&ask(&coalition, SEX).await[0], "lakeshore-cc");
    // At once: the next question is refused, and what was released is answered as it was.
    coalition.write_narrow(
        "lakeshore-cc",
        "[[restrict]]\nbecause = \"ours\"\nkpi = \"enrolment\"\ndimension = \"age_band\"\nrefuse = true",
    );
    let ages = ask(&coalition, &[&["age_band"]]).await;
    assert_eq!(refusal(&ages[0], "lakeshore-cc"), Reason::Restricted);
    assert_eq!(signed(&ask(&coalition, SEX).await[0], "lakeshore-cc"), first);
    // What would widen changes nothing: the margin, the budget and the floor stay those of the MOU.
    coalition.write_narrow(
        "lakeshore-cc",
        "[[restrict]]\nbecause = \"ours\"\nkpi = \"enrolment\"\nmargin = 1\n\
         [privacy]\nfloor = 1\nbudget = { rho = 9 }",
    );
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let described = asker.describe().await.remove(0).1.unwrap();
    assert_eq!(described.budget_nano_rho, coalition.mou.privacy().budget_nano_rho);
    let total = ask(&coalition, &[&[]]).await.remove(0);
    let facts = answer(&total, "lakeshore-cc").as_ref().unwrap().release().facts().clone();
    assert_eq!((facts.margin.learners(), facts.withheld), (15, None));
    // And nothing in it makes the node answer what the MOU refuses.
    for widening in ["[[kpi]]\nid = \"wages\"", "[roles]", "[privacy]\nfloor_at = \"coalition\""] {
        coalition.write_narrow("lakeshore-cc", widening);
        assert_eq!(refusal(&ask(&coalition, SEX).await[0], "lakeshore-cc"), Reason::Paused);
    }
    serving.stop().await;
}

#[tokio::test]
async fn promise_10_peers_are_who_the_mou_says() {
    let coalition = lakeshore().await;
    let serving = college(&coalition, "lakeshore-cc", 1, &enrolled(0..40, 1)).await;
    // The same ids, and other roots: nothing they sign counts here.
    let impostors = Parties::of(LAKESHORE, NOW);
    let identity = impostors.identity("lakeshore-chamber", PeerRole::Analyst, "maria");
    let asker = sumac_backbone::Asker::new(
        coalition.mou.clone(),
        coalition.trust.clone(),
        &identity,
        &coalition.clock(),
    )
    .unwrap();
    let answers = asker
        .ask(&"x.3".parse().unwrap(), &wanted(&coalition.mou, "enrolment", "2025-26", SEX))
        .await;
    let Err(Absence::Unreachable(why)) = answer(&answers[0], "lakeshore-cc") else {
        panic!("{answers:?}")
    };
    assert!(!why.hint().is_empty());
    serving.stop().await;
    assert_eq!(read_only(&coalition.ledger("lakeshore-cc", 1)).unwrap().charged_tables, 0);
}

#[tokio::test]
async fn promise_11_time_and_randomness_are_arguments() {
    // The same clock, chance and data give the same body, on another day and in another process.
    let mut bodies = Vec::new();
    for _ in 0..2 {
        let coalition = lakeshore().await;
        let serving = college(&coalition, "lakeshore-cc", 5, &enrolled(0..40, 1)).await;
        let answers = ask(&coalition, SEX).await;
        bodies.push(cells(&answers[0], "lakeshore-cc"));
        serving.stop().await;
    }
    assert_eq!(bodies[0], bodies[1]);
}

#[tokio::test]
async fn promise_12_a_missing_partner_is_stated() {
    let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &COLLEGES).await;
    let mut serving = Vec::new();
    for (seed, party) in (1..).zip(COLLEGES) {
        serving.push(college(&coalition, party, seed, &enrolled(0..40, 1)).await);
    }
    let both = combine(&coalition.mou, ask(&coalition, SEX).await.remove(0));
    assert_eq!((both.coverage.answered.len(), both.coverage.missing.len()), (2, 0));
    serving.pop().unwrap().stop().await;
    let one = combine(&coalition.mou, ask(&coalition, SEX).await.remove(0));
    assert_eq!(one.coverage.answered.len(), 1);
    let (party, absence) = &one.coverage.missing[0];
    assert_eq!((party.as_str(), absence.word()), ("harbor-tech", "unreachable"));
    let printed = sumac_backbone::report::report(sumac_backbone::report::Format::Table, &[one]);
    assert!(printed.contains("harbor-tech"), "{printed}");
    serving.pop().unwrap().stop().await;
}
