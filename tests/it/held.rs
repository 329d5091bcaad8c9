//! Questions that wait for a person: stewards of the node's own party decide, each with a certificate of their own.

use std::path::Path;
use std::sync::Arc;

use sumac_backbone::{Absence, Answers, Steward, combine};
use sumac_node::store::{What, check, history, read_only};
use sumac_policy::{PeerRole, Reason, Refusal};
use sumac_protocol::{Decision, HeldFacts};

use crate::coalition::{Coalition, Serving, freeze, say, wanted};
use crate::promises::{LAKESHORE, PARTIES, answer, ask, enrolled, signed};

const COLLEGE: &str = "lakeshore-cc";
const SEX: &[&[&str]] = &[&["sex"]];

/// The example in which a question about enrolment needs this approval, and every party may approve.
fn needing(approval: &str) -> String {
    let margin = "period      = \"year\"\nmargin      = 15";
    let without = "may = [\"read\", \"propose\"]";
    assert!(LAKESHORE.contains(margin) && LAKESHORE.contains(without));
    LAKESHORE.replacen(margin, &format!("{margin}\nneeds = \"{approval}\""), 1).replacen(
        without,
        "may = [\"read\", \"propose\", \"approve\"]",
        1,
    )
}

async fn coalition(approval: &str) -> Coalition {
    Coalition::under(&needing(approval), PARTIES.clone(), &[COLLEGE]).await
}

async fn start(coalition: &Coalition) -> Serving {
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    coalition.serve(COLLEGE, node).await
}

/// Somebody at this party's node with a certificate of this party, role and name.
fn somebody(coalition: &Coalition, of: &str, role: PeerRole, name: &str) -> Steward {
    let identity = PARTIES.identity(of, role, name);
    let (mou, trust) = (&coalition.mou, coalition.trust.clone());
    let party = COLLEGE.parse().unwrap();
    Steward::new(mou, trust, &party, &identity, &coalition.clock()).unwrap()
}

fn steward(coalition: &Coalition, name: &str) -> Steward {
    somebody(coalition, COLLEGE, PeerRole::Steward, name)
}

fn refused<T: std::fmt::Debug>(said: Result<T, Absence>) -> Refusal {
    match said {
        Err(Absence::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

fn refusal(answers: &Answers) -> Refusal {
    refused(answer(answers, COLLEGE).clone())
}

async fn asked(coalition: &Coalition) -> Refusal {
    refusal(&ask(coalition, SEX).await[0])
}

async fn approve(coalition: &Coalition, number: u64, name: &str) -> Result<HeldFacts, Absence> {
    steward(coalition, name).decide(number, Decision::Approve).await
}

async fn reject(coalition: &Coalition, number: u64, name: &str) -> Result<HeldFacts, Absence> {
    let because = "under investigation".to_owned();
    steward(coalition, name).decide(number, Decision::Reject { because }).await
}

fn said(ledger: &Path) -> Vec<String> {
    let said = |what| match what {
        What::Held(held) => Some(format!("held {} {}", held.number, held.peer)),
        What::Approved(approved) => Some(format!("approved {} {}", approved.number, approved.peer)),
        What::Rejected(rejected) => Some(format!("rejected {} {}", rejected.number, rejected.peer)),
        What::Charged(payment) => Some(format!("charged {}", payment.kpi)),
        _ => None,
    };
    history(ledger).unwrap().into_iter().filter_map(|entry| said(entry.what)).collect()
}

#[tokio::test]
async fn a_held_question_is_measured_once_a_steward_has_approved_it_and_not_before() {
    let coalition = coalition("approval").await;
    let serving = start(&coalition).await;
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", SEX);
    let preview = || async { format!("{:?}", asker.preview(&tables).await[0].from[0]) };
    assert!(preview().await.contains("Held"), "{}", preview().await);
    assert_eq!(steward(&coalition, "ana").list().await.unwrap(), []);
    for _ in 0..3 {
        let refusal = asked(&coalition).await;
        assert_eq!(refusal.reason, Reason::Held);
        assert_eq!(refusal.clause.as_str(), "kpi.enrolment.needs");
        assert!(refusal.message.contains("question 1 waits"), "{refusal:?}");
    }
    // The steward sees the question, what it costs and how precise its answer would be; there is no value.
    let queue = steward(&coalition, "ana").list().await.unwrap();
    let [question] = &queue[..] else { panic!("{queue:?}") };
    assert_eq!((question.kpi.as_str(), question.period.as_str()), ("enrolment", "2025-26"));
    assert_eq!((question.purpose.as_str(), question.margin.learners()), ("annual-report", 15));
    assert_eq!(question.asked_by, "sumac://lakeshore-chamber/analyst/maria");
    assert!(question.price_nano_rho > 0 && question.breakdown == ["sex"]);
    let ledger = coalition.ledger(COLLEGE, 1);
    assert_eq!(read_only(&ledger).unwrap().charged_tables, 0);
    approve(&coalition, 1, "ana").await.unwrap();
    let preview = preview().await;
    assert!(
        preview.contains("WouldAnswer") && preview.contains("price_nano_rho: 8536889"),
        "{preview}"
    );
    let first = signed(&ask(&coalition, SEX).await[0], COLLEGE);
    assert_eq!(signed(&ask(&coalition, SEX).await[0], COLLEGE), first);
    assert_eq!(steward(&coalition, "ana").list().await.unwrap(), []);
    serving.stop().await;
    let expected = [
        "held 1 sumac://lakeshore-chamber/analyst/maria",
        "approved 1 sumac://lakeshore-cc/steward/ana",
        "charged enrolment",
    ];
    assert_eq!(said(&ledger), expected);
    check(&ledger, Some(&coalition.trust)).unwrap();
}

#[tokio::test]
async fn nobody_but_a_steward_of_the_nodes_own_party_sees_or_decides_what_waits() {
    let coalition = coalition("approval").await;
    let serving = start(&coalition).await;
    assert_eq!(asked(&coalition).await.reason, Reason::Held);
    for (party, role) in [
        (COLLEGE, PeerRole::Analyst),
        (COLLEGE, PeerRole::Node),
        ("harbor-tech", PeerRole::Steward),
        ("lakeshore-chamber", PeerRole::Steward),
        ("lakeshore-chamber", PeerRole::Analyst),
    ] {
        let somebody = somebody(&coalition, party, role, "eve");
        assert_eq!(refused(somebody.list().await).reason, Reason::MayNotApprove, "{party} {role}");
        let decided = somebody.decide(1, Decision::Approve).await;
        assert_eq!(refused(decided).reason, Reason::MayNotApprove, "{party} {role}");
    }
    assert_eq!(asked(&coalition).await.reason, Reason::Held);
    // And a steward does not ask.
    let asker = coalition.asker(COLLEGE, PeerRole::Steward);
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", SEX);
    let answers = asker.ask(&"ana.1".parse().unwrap(), &tables).await;
    assert_eq!(refusal(&answers[0]).reason, Reason::RoleMayNotAsk);
    assert_eq!(refused(approve(&coalition, 2, "ana").await).reason, Reason::NotWaiting);
    serving.stop().await;
    assert_eq!(said(&coalition.ledger(COLLEGE, 1)).len(), 1);
}

#[tokio::test]
async fn two_approvals_take_two_stewards_and_the_asker_sees_how_far_it_is() {
    let coalition = coalition("two approvals").await;
    let serving = start(&coalition).await;
    assert!(asked(&coalition).await.message.contains("by two stewards"));
    approve(&coalition, 1, "ana").await.unwrap();
    let again = refused(approve(&coalition, 1, "ana").await);
    assert!(again.hint.contains("another steward"), "{again:?}");
    let half = asked(&coalition).await;
    assert_eq!(half.reason, Reason::Held);
    assert!(half.message.contains("approved by one of two"), "{half:?}");
    // Whose approval it was is nobody's business outside.
    assert!(!half.message.contains("ana"), "{half:?}");
    approve(&coalition, 1, "bo").await.unwrap();
    assert!(answer(&ask(&coalition, SEX).await[0], COLLEGE).is_ok());
    serving.stop().await;
}

#[tokio::test]
async fn a_rejection_is_told_with_its_reason() {
    let coalition = coalition("approval").await;
    let serving = start(&coalition).await;
    asked(&coalition).await;
    approve(&coalition, 1, "ana").await.unwrap();
    reject(&coalition, 1, "bo").await.unwrap();
    let refusal = asked(&coalition).await;
    assert_eq!(refusal.reason, Reason::Rejected);
    assert!(refusal.message.contains("under investigation"), "{refusal:?}");
    let combined = combine(&coalition.mou, ask(&coalition, SEX).await.remove(0));
    let printed =
        sumac_backbone::report::report(sumac_backbone::report::Format::Table, &[combined]);
    assert!(printed.contains("REJECTED") && printed.contains("under investigation"), "{printed}");
    serving.stop().await;
}

#[tokio::test]
async fn an_approval_is_for_these_data_and_this_version_of_the_mou() {
    let mut coalition = coalition("approval").await;
    let serving = start(&coalition).await;
    asked(&coalition).await;
    approve(&coalition, 1, "ana").await.unwrap();
    // Other data: held again, and what was approved before is void.
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..41, 1), &["2025-26"]);
    assert!(asked(&coalition).await.message.contains("question 2 waits"));
    assert_eq!(refused(approve(&coalition, 1, "ana").await).reason, Reason::NotWaiting);
    approve(&coalition, 2, "ana").await.unwrap();
    // Another version of the MOU.
    serving.stop().await;
    coalition.amend("title     = \"Lakeshore Credential Coalition\"", "title     = \"Lakeshore\"");
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    let serving = coalition.serve(COLLEGE, node).await;
    assert_eq!(steward(&coalition, "ana").list().await.unwrap(), []);
    assert!(asked(&coalition).await.message.contains("question 3 waits"));
    approve(&coalition, 3, "ana").await.unwrap();
    assert!(answer(&ask(&coalition, SEX).await[0], COLLEGE).is_ok());
    serving.stop().await;
}

#[tokio::test]
async fn an_operators_order_to_measure_anew_is_no_approval() {
    let coalition = coalition("approval").await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    freeze(&coalition, &snapshots, &enrolled(0..40, 1), &["2025-26"]);
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    let serving = coalition.serve(COLLEGE, node.clone()).await;
    asked(&coalition).await;
    approve(&coalition, 1, "ana").await.unwrap();
    let first = signed(&ask(&coalition, SEX).await[0], COLLEGE);
    let correction = sumac_node::remeasure::Correction {
        kpi: "enrolment".into(),
        period: "2025-26".into(),
        by: vec!["sex".into()],
        because: "a file was missing".into(),
    };
    let order = sumac_node::console::Command::Remeasure { correction, order: true };
    let reply = say(&coalition, COLLEGE, &node, &order).await;
    assert!(matches!(reply, sumac_node::console::Reply::Ordered(_)), "{reply:?}");
    let refusal = asked(&coalition).await;
    assert_eq!(refusal.reason, Reason::Held);
    let queue = steward(&coalition, "ana").list().await.unwrap();
    assert_eq!((queue[0].number, queue[0].revision), (2, 1));
    approve(&coalition, 2, "ana").await.unwrap();
    assert_ne!(signed(&ask(&coalition, SEX).await[0], COLLEGE), first);
    drop(node);
    serving.stop().await;
}

#[tokio::test]
async fn an_approval_outlasts_a_restart() {
    let coalition = coalition("approval").await;
    let serving = start(&coalition).await;
    asked(&coalition).await;
    approve(&coalition, 1, "ana").await.unwrap();
    serving.stop().await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    let serving = coalition.serve(COLLEGE, Arc::clone(&node)).await;
    drop(node);
    assert!(answer(&ask(&coalition, SEX).await[0], COLLEGE).is_ok());
    serving.stop().await;
    assert_eq!(read_only(&coalition.ledger(COLLEGE, 1)).unwrap().charged_tables, 1);
}
