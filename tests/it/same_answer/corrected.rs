//! Only an order of the operator measures a released table anew.

use std::sync::Arc;

use sumac_backbone::report::{Format, report};
use sumac_backbone::{Absence, combine};
use sumac_node::remeasure::{self, Correction, RemeasureError};
use sumac_node::signer;
use sumac_node::store::Store;
use sumac_policy::{PeerRole, Reason};
use sumac_protocol::ReleaseFacts;
use tokio::sync::watch;

use super::{
    KPI, PARTY, PRICE, ask, facts, import, learners, of_party, refused, signed, snapshots, spent,
    start, under,
};
use crate::coalition::{Coalition, damage};

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
    let kept = damage(&records);
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
