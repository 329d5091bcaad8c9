//! A party's own addendum at its own node, taken up while it serves.

use std::collections::BTreeSet;
use std::fs;

use sumac_backbone::combine;
use sumac_node::store::{What, history, read_only};
use sumac_policy::{PeerRole, Reason};

use crate::coalition::{Coalition, wanted};
use crate::promises::{
    LAKESHORE, PARTIES, answer, ask, college, enrolled, lakeshore, refusal, signed, start,
};

const COLLEGE: &str = "lakeshore-cc";
const SEX: &[&[&str]] = &[&["sex"]];

#[tokio::test]
async fn a_floor_of_its_own_is_judged_at_the_node_and_stated_by_the_backbone() {
    let parties = ["lakeshore-cc", "harbor-tech"];
    let coalition = Coalition::under(LAKESHORE, PARTIES.clone(), &parties).await;
    let mut serving = Vec::new();
    for (seed, party) in (1..).zip(parties) {
        serving.push(college(&coalition, party, seed, &enrolled(0..200, 1)).await);
    }
    coalition.write_narrow(COLLEGE, "[privacy]\nfloor = 60");
    let sex = ask(&coalition, SEX).await.remove(0);
    let withheld = |party: &str| {
        let facts = answer(&sex, party).as_ref().unwrap().release().facts();
        facts.withheld.as_ref().map(|withheld| (withheld.below, withheld.groups.clone()))
    };
    // A hundred women and a hundred men; nobody is of the other two groups.
    assert_eq!(withheld("lakeshore-cc"), Some((60, vec![2, 3])));
    assert_eq!(withheld("harbor-tech"), None);
    let combined = combine(&coalition.mou, sex);
    let [(party, stricter)] = &combined.stricter[..] else { panic!("{:?}", combined.stricter) };
    assert_eq!((party.as_str(), stricter.floor, stricter.margin), ("lakeshore-cc", Some(60), None));
    for serving in serving {
        serving.stop().await;
    }
}

#[tokio::test]
async fn no_cell_that_is_withheld_without_an_addendum_is_shown_with_one() {
    let node = LAKESHORE.replacen("floor_at    = \"coalition\"", "floor_at    = \"node\"", 1);
    let mut differ = 0;
    for seed in 1..=12 {
        let learners = 0..u8::try_from(10 * seed).unwrap();
        let mut shown = Vec::new();
        for addendum in ["", "[privacy]\nfloor = 12", "[privacy]\nfloor = 40"] {
            let coalition = Coalition::under(&node, PARTIES.clone(), &[COLLEGE]).await;
            fs::create_dir_all(coalition.home(COLLEGE)).unwrap();
            coalition.write_narrow(COLLEGE, addendum);
            let serving = college(&coalition, COLLEGE, seed, &enrolled(learners.clone(), 1)).await;
            let sex = ask(&coalition, SEX).await.remove(0);
            let facts = answer(&sex, COLLEGE).as_ref().unwrap().release().facts().clone();
            let withheld: BTreeSet<_> = facts.withheld.unwrap().groups.into_iter().collect();
            shown.push((0..4).filter(|group| !withheld.contains(group)).collect::<BTreeSet<u32>>());
            serving.stop().await;
        }
        let [without, twelve, forty] = &shown[..] else { panic!("{shown:?}") };
        assert!(twelve.is_subset(without) && forty.is_subset(twelve), "{seed}: {shown:?}");
        differ += usize::from(forty != without);
    }
    assert!(differ > 2, "the floor was never between: {differ}");
}

#[tokio::test]
async fn what_was_released_before_stays_as_it_was_under_a_greater_floor_and_a_wider_margin() {
    let coalition = lakeshore().await;
    let serving = college(&coalition, COLLEGE, 1, &enrolled(0..40, 1)).await;
    let first = signed(&ask(&coalition, SEX).await[0], COLLEGE);
    let wider = "[[restrict]]\nbecause = \"ours\"\nkpi = \"enrolment\"\nmargin = 30\n[privacy]\nfloor = 500";
    coalition.write_narrow(COLLEGE, wider);
    assert_eq!(signed(&ask(&coalition, SEX).await[0], COLLEGE), first);
    // The next table is measured at the party's own margin, for less, and the backbone takes it.
    let before = read_only(&coalition.ledger(COLLEGE, 1)).unwrap().lifetime_nano_rho;
    let total = ask(&coalition, &[&[]]).await.remove(0);
    let verified = answer(&total, COLLEGE).as_ref().unwrap();
    let facts = verified.release().facts();
    assert_eq!(facts.margin.learners(), 30);
    assert_eq!(facts.withheld.as_ref().unwrap().groups, [0]);
    assert_eq!(verified.stricter().margin, Some(facts.margin));
    assert!(facts.price_nano_rho < before, "{} {before}", facts.price_nano_rho);
    // Without the addendum, what was measured at the wider margin is not precise enough for the MOU.
    fs::remove_file(coalition.narrow(COLLEGE)).unwrap();
    let again = ask(&coalition, &[&[]]).await.remove(0);
    assert_eq!(refusal(&again, COLLEGE), Reason::MarginTighter);
    serving.stop().await;
}

#[tokio::test]
async fn a_smaller_budget_is_the_one_that_is_charged_against_and_stated() {
    let coalition = lakeshore().await;
    let serving = college(&coalition, COLLEGE, 1, &enrolled(0..40, 1)).await;
    coalition.write_narrow(COLLEGE, "[privacy]\nbudget = { rho = 0.000001 }");
    assert_eq!(refusal(&ask(&coalition, SEX).await[0], COLLEGE), Reason::BudgetSpent);
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    assert_eq!(asker.describe().await.remove(0).1.unwrap().budget_nano_rho, 1_000);
    serving.stop().await;
    assert_eq!(read_only(&coalition.ledger(COLLEGE, 1)).unwrap().charged_tables, 0);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_refuses_even_what_was_released_until_it_is_corrected() {
    let coalition = lakeshore().await;
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    let serving = college(&coalition, COLLEGE, 1, &enrolled(0..40, 1)).await;
    let first = signed(&ask(&coalition, SEX).await[0], COLLEGE);
    fs::write(coalition.narrow(COLLEGE), "flor = 20").unwrap();
    assert_eq!(refusal(&ask(&coalition, SEX).await[0], COLLEGE), Reason::Paused);
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", SEX);
    let preview = format!("{:?}", asker.preview(&tables).await[0].from[0]);
    assert!(preview.contains("Paused") && preview.contains("narrow.toml"), "{preview}");
    // A restart does not forget it.
    serving.stop().await;
    let serving = start(&coalition, COLLEGE, 1, &snapshots).await;
    assert_eq!(refusal(&ask(&coalition, SEX).await[0], COLLEGE), Reason::Paused);
    coalition.write_narrow(COLLEGE, "[privacy]\nfloor = 20");
    assert_eq!(signed(&ask(&coalition, SEX).await[0], COLLEGE), first);
    serving.stop().await;
    // Each change is in the log once, however often the node started and was asked.
    let log = history(&coalition.ledger(COLLEGE, 1)).unwrap();
    let said: Vec<_> = log
        .into_iter()
        .filter_map(|entry| match entry.what {
            What::Narrow(narrow) => Some((narrow.narrow.is_some(), narrow.words.join(" "))),
            _ => None,
        })
        .collect();
    let [(true, unusable), (true, floor)] = &said[..] else { panic!("{said:?}") };
    assert!(unusable.starts_with("nothing is answered"), "{unusable}");
    assert!(floor.contains("fewer than 20 learners"), "{floor}");
}

#[tokio::test]
async fn a_suspension_is_stated_with_its_reason_and_ends_by_itself() {
    let coalition = lakeshore().await;
    let serving = college(&coalition, COLLEGE, 1, &enrolled(0..40, 1)).await;
    coalition.write_narrow(COLLEGE, "[suspend]\nbecause = \"an audit\"\nuntil = 2026-08-02");
    let answers = ask(&coalition, SEX).await;
    let said = answer(&answers[0], COLLEGE).as_ref().unwrap_err();
    assert!(said.to_string().contains("until 2026-08-02, that day included: an audit"), "{said}");
    coalition.step_to("2026-08-03T00:00:00Z".parse().unwrap());
    assert!(answer(&ask(&coalition, SEX).await[0], COLLEGE).is_ok());
    serving.stop().await;
}
