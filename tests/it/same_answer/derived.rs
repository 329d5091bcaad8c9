//! What is not listed is added up, free, from what is released.

use sumac_backbone::combine;
use sumac_backbone::report::{Format, report};
use sumac_node::store::read_only;
use sumac_policy::{PeerRole, Reason};
use sumac_protocol::Preview;

use super::{
    PARTY, PRICE, ask, facts, import, learners, of_party, refused, signed, spent, start, under,
    wanted,
};

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
