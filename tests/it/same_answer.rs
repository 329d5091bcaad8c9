//! Same question, same answer: a released table comes back as it was, however it is asked for; what is not listed
//! is added up from it; and only an order of the operator measures it anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use sumac_backbone::report::{Format, report};
use sumac_backbone::{Absence, Answers, Asker, Wanted, combine};
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::remeasure::{self, Correction, RemeasureError};
use sumac_node::signer;
use sumac_node::store::{Store, read_only};
use sumac_policy::{Breakdown, Mou, PeerRole, Question, Reason, Resolved, TableName};
use sumac_protocol::{Preview, ReleaseFacts, SignedRelease};
use tokio::sync::watch;

use crate::coalition::{Coalition, Parties, Serving, freeze};
use crate::command::{CHAMBER, COLLEGE, PRICE_NANO_RHO, Site};
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

/// The operator's order, while no node serves.
async fn order(
    coalition: &Coalition,
    seed: u64,
    by: &[&str],
) -> Result<remeasure::Plan, RemeasureError> {
    let identity = coalition.identity(PARTY, PeerRole::Node);
    let identity = watch::channel(Arc::new(identity)).1;
    let ledger = coalition.ledger(PARTY, seed);
    let (store, _) = Store::open(&ledger, Box::new(|| [5; 32]), signer(identity)).unwrap();
    let correction = Correction {
        kpi: KPI.to_owned(),
        period: "2025-26".to_owned(),
        by: by.iter().map(|id| (*id).to_owned()).collect(),
        because: "a file was missing".to_owned(),
    };
    remeasure::order(&store, &coalition.mou, &correction, coalition.clock()()).await
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
async fn a_tighter_margin_is_refused_until_remeasured_and_a_looser_one_is_not() {
    let mut coalition = under("[[\"sex\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    let first = signed(&ask(&coalition, &["sex"]).await);
    serving.stop().await;

    coalition.amend("margin      = 15 ", "margin      = 20 ");
    let serving = start(&coalition, 1).await;
    let looser = ask(&coalition, &["sex"]).await;
    assert_eq!((signed(&looser), facts(&looser).margin.learners()), (first, 15));
    serving.stop().await;

    coalition.amend("margin      = 20 ", "margin      = 12 ");
    let serving = start(&coalition, 1).await;
    let tighter = ask(&coalition, &["sex"]).await;
    assert_eq!(refused(&tighter), Reason::MarginTighter);
    let Err(absence) = of_party(&tighter) else { panic!("refused") };
    assert!(absence.hint().contains("sumac remeasure"), "{}", absence.hint());
    serving.stop().await;
    assert_eq!(spent(&coalition, 1), PRICE);

    order(&coalition, 1, &["sex"]).await.unwrap();
    let serving = start(&coalition, 1).await;
    let anew = ask(&coalition, &["sex"]).await;
    assert_eq!((facts(&anew).margin.learners(), facts(&anew).revision), (12, 1));
    serving.stop().await;
}

#[tokio::test]
async fn a_charge_is_completed_at_the_margin_that_it_paid_for() {
    let mut coalition = under("[[\"sex\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    // Paid for, and then the records cannot be read.
    let current = std::fs::read_to_string(snapshots(&coalition).join("current")).unwrap();
    let records = snapshots(&coalition).join(current.trim()).join("enrolment.parquet");
    let kept = std::fs::read(&records).unwrap();
    let mut damaged = kept.clone();
    damaged[4..64].fill(0);
    std::fs::write(&records, damaged).unwrap();
    let failed = ask(&coalition, &["sex"]).await;
    assert!(matches!(of_party(&failed), Err(Absence::Fault(_))), "{failed:?}");
    serving.stop().await;
    std::fs::write(&records, kept).unwrap();

    coalition.amend("margin      = 15 ", "margin      = 40 ");
    let serving = start(&coalition, 1).await;
    let completed = facts(&ask(&coalition, &["sex"]).await);
    assert_eq!((completed.margin.learners(), completed.price_nano_rho), (15, PRICE));
    serving.stop().await;
    assert_eq!(spent(&coalition, 1), PRICE);
}

#[tokio::test]
async fn an_unlisted_table_is_added_up_from_a_released_one_for_nothing() {
    let coalition = under("[[\"sex\", \"age_band\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let preview = async |by: &[&str]| {
        let previews = asker.preview(&[wanted(&coalition.mou, by)]).await.remove(0);
        previews.from.into_iter().find(|(party, _)| party.as_str() == PARTY).unwrap().1.unwrap()
    };
    // Nothing is released that it could follow from.
    let early = ask(&coalition, &["sex"]).await;
    assert_eq!(refused(&early), Reason::BreakdownNotListed);
    let Err(absence) = of_party(&early) else { panic!("refused") };
    assert!(absence.hint().contains("age_band × sex first"), "{}", absence.hint());
    assert!(matches!(preview(&["sex"]).await, Preview::Refused(_)));

    let source = facts(&ask(&coalition, &["sex", "age_band"]).await);
    let would = preview(&["sex"]).await;
    let Preview::WouldAnswer {
        price_nano_rho: 0,
        already_released: false,
        derived: true,
        margin,
        ..
    } = would
    else {
        panic!("{would:?}")
    };
    // Five age bands are added up: ±15·√5, rounded up.
    assert_eq!(margin.learners(), 34);
    let answers = ask(&coalition, &["sex"]).await;
    let derived = facts(&answers);
    let sums: Vec<i64> = (0..4).map(|sex| source.cells.iter().skip(sex).step_by(4).sum()).collect();
    assert_eq!((&derived.cells, derived.margin), (&sums, margin));
    assert_eq!(derived.derived_from.map(|from| from.table), Some(source.table));
    assert_eq!((derived.price_nano_rho, derived.revision), (0, 0));
    let total = facts(&ask(&coalition, &[]).await);
    assert_eq!(total.cells, [source.cells.iter().sum::<i64>()]);
    // The same bytes for whoever asks again.
    assert_eq!(signed(&ask(&coalition, &["sex"]).await), signed(&answers));
    assert!(matches!(
        preview(&["sex"]).await,
        Preview::WouldAnswer { already_released: true, derived: true, .. }
    ));
    let printed = report(Format::Table, &[combine(&coalition.mou, answers)]);
    assert!(printed.contains("derived: added up from a released table"), "{printed}");
    serving.stop().await;
    let summary = read_only(&coalition.ledger(PARTY, 1)).unwrap();
    assert_eq!((summary.charged_tables, summary.lifetime_nano_rho), (1, PRICE));
}

#[tokio::test]
async fn what_a_node_withheld_is_not_added_up() {
    let mut coalition = under("[[\"sex\", \"age_band\"]]").await;
    coalition.amend("\"coalition\"     ", "\"node\" ");
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    let source = facts(&ask(&coalition, &["sex", "age_band"]).await);
    // Nobody is of the codes X and unknown.
    assert!(!source.withheld.unwrap().groups.is_empty());
    assert_eq!(refused(&ask(&coalition, &["sex"]).await), Reason::BreakdownNotListed);
    serving.stop().await;
}

#[tokio::test]
async fn a_derived_table_outlives_a_restart_and_two_askers_get_one() {
    let mut coalition = under("[[\"sex\", \"age_band\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    ask(&coalition, &["sex", "age_band"]).await;
    let (one, other) = tokio::join!(ask(&coalition, &["sex"]), ask(&coalition, &["sex"]));
    let first = signed(&one);
    assert_eq!(signed(&other), first);
    serving.stop().await;
    // A better source changes nothing: this one still stands.
    coalition
        .amend("[[\"sex\", \"age_band\"]]", "[[\"sex\", \"age_band\"], [\"sex\", \"first_gen\"]]");
    let serving = start(&coalition, 1).await;
    assert_eq!(signed(&ask(&coalition, &["sex"]).await), first);
    serving.stop().await;
    // Once it is listed, it is measured.
    coalition.amend("[[\"sex\", \"age_band\"], ", "[[\"sex\"], [\"sex\", \"age_band\"], ");
    let serving = start(&coalition, 1).await;
    assert_eq!(facts(&ask(&coalition, &["sex"]).await).price_nano_rho, PRICE);
    serving.stop().await;
}

#[tokio::test]
async fn a_listed_table_is_measured_although_it_could_be_added_up() {
    let coalition = under("[[\"sex\", \"age_band\"], [\"sex\"]]").await;
    import(&coalition, &learners(90));
    let serving = start(&coalition, 1).await;
    ask(&coalition, &["sex", "age_band"]).await;
    let measured = facts(&ask(&coalition, &["sex"]).await);
    assert_eq!((measured.derived_from, measured.price_nano_rho), (None, PRICE));
    serving.stop().await;
    assert_eq!(spent(&coalition, 1), 2 * PRICE);
}

#[tokio::test]
async fn a_remeasured_table_is_paid_for_again_and_says_its_revision() {
    let coalition = under("[[\"sex\", \"age_band\"]]").await;
    import(&coalition, &learners(30));
    let serving = start(&coalition, 1).await;
    let both = ["sex", "age_band"];
    let (old, old_sum) = (facts(&ask(&coalition, &both).await), ask(&coalition, &["sex"]).await);
    serving.stop().await;
    // The data was wrong. An import alone changes nothing.
    import(&coalition, &learners(250));
    let plan = order(&coalition, 1, &both).await.unwrap();
    assert_eq!((plan.revision, plan.price_nano_rho, plan.spent_nano_rho), (1, PRICE, PRICE));
    let again = order(&coalition, 1, &both).await.unwrap_err();
    assert!(matches!(again, RemeasureError::AlreadyOrdered { revision: 1 }), "{again}");
    assert_eq!(spent(&coalition, 1), PRICE);

    let serving = start(&coalition, 1).await;
    // What was wrong is added up no more.
    assert_eq!(refused(&ask(&coalition, &["sex"]).await), Reason::BreakdownNotListed);
    let answers = ask(&coalition, &both).await;
    let new = facts(&answers);
    assert_eq!((new.revision, new.price_nano_rho), (1, PRICE));
    assert_ne!(new.table, old.table);
    // 250 learners instead of 30: no noise hides that.
    let sum = |facts: &ReleaseFacts| facts.cells.iter().sum::<i64>();
    assert!(sum(&new) - sum(&old) > 100);
    assert_eq!(signed(&ask(&coalition, &both).await), signed(&answers));
    let printed = report(Format::Table, &[combine(&coalition.mou, answers)]);
    assert!(printed.contains("revision 2: lakeshore-cc"), "{printed}");
    let sums = ask(&coalition, &["sex"]).await;
    assert_ne!(signed(&sums), signed(&old_sum));
    assert_eq!(facts(&sums).derived_from.map(|from| from.revision), Some(1));
    serving.stop().await;
    assert_eq!(spent(&coalition, 1), 2 * PRICE);
}

#[tokio::test]
async fn only_what_was_released_is_remeasured_and_only_within_the_budget() {
    let mut coalition = under("[[\"sex\"]]").await;
    import(&coalition, &learners(90));
    start(&coalition, 1).await.stop().await;
    let never = order(&coalition, 1, &["sex"]).await.unwrap_err();
    assert!(matches!(never, RemeasureError::NeverReleased), "{never}");
    let unlisted = order(&coalition, 1, &["age_band"]).await.unwrap_err();
    assert!(matches!(unlisted, RemeasureError::NotListed(_)), "{unlisted}");
    let serving = start(&coalition, 1).await;
    let first = signed(&ask(&coalition, &["sex"]).await);
    serving.stop().await;
    coalition.amend("rho = 0.5 ", "rho = 0.01 ");
    let dear = order(&coalition, 1, &["sex"]).await.unwrap_err();
    assert!(matches!(dear, RemeasureError::Spent { .. }), "{dear}");
    let serving = start(&coalition, 1).await;
    assert_eq!(signed(&ask(&coalition, &["sex"]).await), first);
    serving.stop().await;
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

/// One year, as the two-party site's MOU has them.
const YEAR: &str = "2025";

fn asked(site: &Site) -> serde_json::Value {
    let words = ["ask", "enrolment", "--period", YEAR, "--by", "sex", "--format", "json"];
    let said = site.run(CHAMBER, &words).well();
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    json["tables"][0].clone()
}

fn remeasure_words(by: &'static str) -> Vec<&'static str> {
    vec!["remeasure", "enrolment", "--period", YEAR, "--by", by, "--because", "a file was missing"]
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_operator_corrects_a_table_while_the_node_serves_and_while_it_does_not() {
    let site = Site::new();
    let serving = site.serve();
    let socket = site.home(COLLEGE).join("control.sock");
    assert_eq!(mode(&socket), 0o600);
    let first = asked(&site);
    assert!(first.get("revised").is_none(), "{first}");

    // Nobody is there to confirm, so nothing happens; but what it would cost is said.
    let unconfirmed = site.run(COLLEGE, &remeasure_words("sex"));
    assert_eq!(unconfirmed.code, Some(1), "{unconfirmed:?}");
    for words in ["revision 2", "costs  ρ 0.00019208", "keeps  revision 1", "--yes"] {
        assert!(unconfirmed.err.contains(words), "{words}: {}", unconfirmed.err);
    }
    assert_eq!(asked(&site)["groups"], first["groups"]);

    let mut confirmed = remeasure_words("sex");
    confirmed.push("--yes");
    let ordered = site.run(COLLEGE, &confirmed).well();
    assert!(ordered.err.contains("ordered: the next ask measures revision 2"), "{}", ordered.err);
    assert_eq!(site.summary().lifetime_nano_rho, PRICE_NANO_RHO);
    let second = asked(&site);
    assert_eq!(second["revised"][COLLEGE], 2);
    assert_eq!(site.summary().lifetime_nano_rho, 2 * PRICE_NANO_RHO);
    let never = site.run(COLLEGE, &[&remeasure_words("race_ethnicity")[..], &["--yes"]].concat());
    assert_eq!(never.code, Some(1), "{never:?}");
    assert!(never.err.contains("never released"), "{}", never.err);
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("a new measurement is ordered"), "{log}");
    assert!(!socket.exists());

    // While nothing serves, the command opens the ledger itself.
    site.run(COLLEGE, &confirmed).well();
    let serving = site.serve();
    assert_eq!(asked(&site)["revised"][COLLEGE], 3);
    drop(serving.kill());
    // A killed node leaves its socket behind; nobody listens there.
    assert!(socket.exists());
    site.run(COLLEGE, &confirmed).well();
    site.serve().stop();
}

#[test]
fn the_command_says_what_is_derived_and_that_it_is_free() {
    let listed = "[[], [\"sex\"], [\"race_ethnicity\"]]";
    let site = Site::under(|mou| {
        assert!(mou.contains(listed));
        mou.replace(listed, "[[\"sex\", \"race_ethnicity\"]]")
    });
    let serving = site.serve();
    let words = |by: &'static str, more: &[&'static str]| {
        let words = ["ask", "enrolment", "--period", YEAR, "--by", by];
        [&words[..], more].concat()
    };
    let early = site.run(CHAMBER, &words("sex", &[]));
    assert_eq!(early.code, Some(3), "{early:?}");
    assert!(early.out.contains("hint: ask for race_ethnicity × sex first"), "{}", early.out);
    site.run(CHAMBER, &words("race_ethnicity,sex", &[])).well();
    let preview = site.run(CHAMBER, &words("sex", &["--preview"])).well();
    assert!(
        preview.out.contains("would be derived from a released table: free"),
        "{}",
        preview.out
    );
    let derived = site.run(CHAMBER, &words("sex", &[])).well();
    assert!(derived.out.contains("derived: added up from a released table"), "{}", derived.out);
    assert_eq!(site.summary().lifetime_nano_rho, PRICE_NANO_RHO);
    serving.stop();
}

#[test]
fn a_correction_that_the_budget_does_not_hold_is_refused_with_its_own_exit_code() {
    let site = Site::under(|mou| mou.replace("rho = 0.5 ", "rho = 0.0003 "));
    let serving = site.serve();
    asked(&site);
    let dear = site.run(COLLEGE, &[&remeasure_words("sex")[..], &["--yes"]].concat());
    assert_eq!(dear.code, Some(4), "{dear:?}");
    assert!(dear.err.contains("costs 0.00019208"), "{}", dear.err);
    serving.stop();
    assert_eq!(site.summary().charged_tables, 1);
}
