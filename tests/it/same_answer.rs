//! Same question, same answer: a released table comes back as it was, however it is asked for; what is not listed
//! is added up from it; and only an order of the operator measures it anew.

mod by_hand;
mod corrected;
mod derived;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use sumac_backbone::{Absence, Answers, Asker, Wanted};
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::store::read_only;
use sumac_policy::{Breakdown, Mou, PeerRole, Question, Reason, Resolved, TableName};
use sumac_protocol::{ReleaseFacts, SignedRelease};

use crate::coalition::{Coalition, Parties, Serving, freeze};
use crate::raw;

const NOW: &str = "2026-08-01T12:00:00Z";
const PARTY: &str = "lakeshore-cc";
const KPI: &str = "enrolment";
/// What one of its tables costs at ±15, in nano-ρ.
const PRICE: u64 = 8_536_889;

/// The shipped example with enrolment by these breakdowns.
fn by(breakdowns: &str) -> String {
    const LISTED: &str = "[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]     #";
    let example = include_str!("../../examples/mou/lakeshore/mou.toml");
    assert!(example.contains(LISTED));
    example.replacen(LISTED, &format!("{breakdowns}     #"), 1)
}

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(&by("[[]]"), NOW));

async fn under(breakdowns: &str) -> Coalition {
    Coalition::under(&by(breakdowns), PARTIES.clone(), &[PARTY]).await
}

/// So many learners, each enrolled once in 2025-26; sex and age go by their number.
pub(crate) fn learners(count: u8) -> Canonical {
    let people: Vec<PersonKey> = (0..count).map(|n| [n; 16]).collect();
    let of = |n: u8| i16::from(n);
    let learner = Rows {
        person: people.clone(),
        columns: vec![
            ("sex".into(), Values::Code((0..count).map(|n| u16::from(n % 2)).collect())),
            (
                "birth_year".into(),
                Values::Year((0..count).map(|n| Some(1970 + of(n) % 40)).collect()),
            ),
        ],
    };
    // 1 September 2025.
    let starts = vec![Some(20_332); people.len()];
    let enrolment =
        Rows { person: people, columns: vec![("term_start".into(), Values::Date(starts))] };
    let tables = [(TableName::Learner, learner), (TableName::Enrolment, enrolment)];
    Canonical { tables: BTreeMap::from(tables) }
}

fn snapshots(coalition: &Coalition) -> PathBuf {
    coalition.home(PARTY).join("snapshots")
}

fn import(coalition: &Coalition, data: &Canonical) {
    freeze(coalition, &snapshots(coalition), data, &["2025-26"]);
}

async fn start(coalition: &Coalition, seed: u64) -> Serving {
    let node = coalition.node(PARTY, seed, &snapshots(coalition)).await;
    coalition.serve(PARTY, node).await
}

/// A table by these dimensions, listed or not.
fn wanted(mou: &Mou, by: &[&str]) -> Wanted {
    let question = Question {
        kpi: KPI.parse().unwrap(),
        period: "2025-26".parse().unwrap(),
        breakdown: Breakdown::by(by.iter().map(|id| id.parse().unwrap())),
        purpose: "annual-report".parse().unwrap(),
    };
    let resolved = Resolved::of(mou, &question.kpi, question.period, &question.breakdown).unwrap();
    Wanted { table: resolved.table().clone(), purpose: question.purpose }
}

async fn ask_by(coalition: &Coalition, asker: &Asker, by: &[&str]) -> Answers {
    let wanted = [wanted(&coalition.mou, by)];
    asker.ask(&"maria.1".parse().unwrap(), &wanted).await.remove(0)
}

async fn ask(coalition: &Coalition, by: &[&str]) -> Answers {
    ask_by(coalition, &coalition.asker("lakeshore-chamber", PeerRole::Analyst), by).await
}

fn signed(answers: &Answers) -> SignedRelease {
    of_party(answers).as_ref().unwrap_or_else(|absence| panic!("{absence}")).signed().clone()
}

fn facts(answers: &Answers) -> ReleaseFacts {
    let verified = of_party(answers).as_ref().unwrap_or_else(|absence| panic!("{absence}"));
    verified.release().facts().clone()
}

fn refused(answers: &Answers) -> Reason {
    match of_party(answers) {
        Err(Absence::Refused(refusal)) => refusal.reason,
        other => panic!("not refused: {other:?}"),
    }
}

fn of_party(answers: &Answers) -> &Result<sumac_backbone::Verified, Absence> {
    &answers.from.iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1
}

fn spent(coalition: &Coalition, seed: u64) -> u64 {
    read_only(&coalition.ledger(PARTY, seed)).unwrap().lifetime_nano_rho
}

#[tokio::test]
async fn a_released_table_comes_back_however_it_is_asked_for() {
    let mut coalition = under("[[\"sex\", \"age_band\"], [\"sex\"]]").await;
    import(&coalition, &learners(90));
    let mut serving = start(&coalition, 1).await;
    let first = signed(&ask(&coalition, &["sex", "age_band"]).await);
    let paid = spent(&coalition, 1);
    assert_eq!(paid, PRICE);

    // Reordered, on the wire itself.
    let mut client = raw::client(&coalition, PARTY, "lakeshore-chamber", PeerRole::Analyst).await;
    for order in [["sex", "age_band"], ["age_band", "sex"]] {
        let request = raw::ask(&coalition, &[raw::question(KPI, "2025-26", &order)]);
        let answers = client.ask(request).await.unwrap().into_inner();
        let answers = sumac_protocol::read_ask_response(answers, 1).unwrap().answers;
        let same = |answer: &sumac_protocol::Answer| matches!(answer, sumac_protocol::Answer::Released { release, .. } if *release == first);
        assert!(answers[0].as_ref().is_ok_and(same), "{order:?}: {answers:?}");
    }

    // Another analyst.
    let other = PARTIES.identity("lakeshore-chamber", PeerRole::Analyst, "joao");
    let (mou, trust) = (coalition.mou.clone(), coalition.trust.clone());
    let other = Asker::new(mou, trust, &other, &coalition.clock()).unwrap();
    let again = ask_by(&coalition, &other, &["age_band", "sex"]).await;
    assert_eq!(signed(&again), first, "another analyst");

    // An import in between, and a restart under an MOU that changed elsewhere.
    import(&coalition, &learners(200));
    assert_eq!(signed(&ask(&coalition, &["sex", "age_band"]).await), first, "after an import");
    serving.stop().await;
    for (from, to) in [
        ("[[\"sex\", \"age_band\"], [\"sex\"]]", "[[\"sex\"], [\"age_band\", \"sex\"]]"),
        ("Lakeshore Credential Coalition\"", "Lakeshore Coalition\""),
        (
            "uses        = \"ipeds/completers\"",
            "title = \"Completed\"\nuses = \"ipeds/completers\"",
        ),
    ] {
        coalition.amend(from, to);
        serving = start(&coalition, 1).await;
        assert_eq!(signed(&ask(&coalition, &["sex", "age_band"]).await), first, "{to}");
        serving.stop().await;
    }
    assert_eq!(spent(&coalition, 1), paid);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_charged_is_finished_when_the_asker_hangs_up() {
    let coalition = Arc::new(under("[[\"sex\"]]").await);
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    // One asker leaves as soon as the table is paid for; its reply is lost.
    let asking = {
        let coalition = coalition.clone();
        tokio::spawn(async move { ask(&coalition, &["sex"]).await })
    };
    let charged = || read_only(&coalition.ledger(PARTY, 1)).unwrap().charged_tables > 0;
    while !charged() && !asking.is_finished() {
        tokio::task::yield_now().await;
    }
    asking.abort();
    let _ = asking.await;
    // Two come back at once.
    let (one, other) = tokio::join!(ask(&coalition, &["sex"]), ask(&coalition, &["sex"]));
    assert_eq!(signed(&one), signed(&other));
    serving.stop().await;
    let summary = read_only(&coalition.ledger(PARTY, 1)).unwrap();
    assert_eq!((summary.charged_tables, summary.released_tables), (1, 1));
    assert_eq!(summary.lifetime_nano_rho, PRICE);
}

#[tokio::test]
async fn no_change_of_the_mou_lowers_what_was_spent() {
    let mut coalition = under("[[], [\"sex\"], [\"age_band\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    for by in [&[][..], &["sex"]] {
        facts(&ask(&coalition, by).await);
    }
    serving.stop().await;
    // Ids, margins, the budget and the days on which years begin; what was spent counts under all of them.
    for (from, to) in [
        ("rho = 0.5 ", "rho = 0.02 "),
        ("id          = \"completers\"", "id          = \"awarded\""),
        ("margin      = 15 ", "margin      = 16 "),
        ("\"07-01\"", "\"08-01\""),
        ("\"08-01\"", "\"09-15\""),
        ("\"09-15\"", "\"02-01\""),
    ] {
        coalition.amend(from, to);
        // Where years begin on another day, data that was said to cover them covers other days.
        import(&coalition, &learners(90));
        let serving = start(&coalition, 1).await;
        let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
        let described = asker.describe().await;
        let ours = described.iter().find(|(party, _)| party.as_str() == PARTY).unwrap();
        let described = ours.1.as_ref().unwrap();
        assert_eq!(described.spent_nano_rho, 2 * PRICE, "{to}");
        // A third table does not fit any more.
        let third = refused(&ask(&coalition, &["age_band"]).await);
        // 2025-26 of years that begin in August or later has not closed yet.
        let closed = !["\"08-01\"", "\"09-15\""].contains(&to);
        let expected = if closed { Reason::BudgetSpent } else { Reason::PeriodNotClosed };
        assert_eq!(third, expected, "{to}");
        serving.stop().await;
    }
    assert_eq!(spent(&coalition, 1), 2 * PRICE);
}

#[tokio::test]
async fn the_order_of_asking_does_not_change_the_total() {
    let coalition = under("[[], [\"sex\"], [\"sex\", \"age_band\"]]").await;
    import(&coalition, &learners(40));
    // The last is not listed: free once the third is there, refused before.
    let tables: [&[&str]; 4] = [&[], &["sex"], &["sex", "age_band"], &["age_band"]];
    let mut totals = Vec::new();
    for seed in 0..24_u64 {
        // The permutation of this number, by Lehmer's code.
        let (mut rest, mut code) = (tables.to_vec(), seed);
        let mut order = Vec::new();
        for left in (1..=4_u64).rev() {
            order.push(rest.remove(usize::try_from(code % left).unwrap()));
            code /= left;
        }
        let serving = start(&coalition, seed).await;
        for by in order {
            ask(&coalition, by).await;
        }
        serving.stop().await;
        totals.push(spent(&coalition, seed));
    }
    assert_eq!(totals, [3 * PRICE; 24]);
}
