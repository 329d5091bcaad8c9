#![expect(clippy::unwrap_used, reason = "a test may panic")]

use sumac_policy::{Margin, Sha256, TableKey};
use sumac_protocol::{DerivedFrom, ReleaseFacts, Withheld};

use super::*;
use crate::testing::{Coalition, sealed};

const PARTY: &str = "lakeshore-cc";

#[test]
fn a_release_that_is_what_we_asked_for_is_sound() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    let facts = coalition.facts(&table, PARTY, vec![5, -3, 0, 9]);
    let signed = sealed(PARTY, facts.clone());
    let verified = coalition.check(&table, PARTY, signed.clone()).unwrap();
    assert_eq!(verified.release().facts(), &facts);
    assert_eq!(verified.signed(), &signed);
    assert_eq!(verified.signer().to_string(), "sumac://lakeshore-cc/node/main");
    // An earlier version of the MOU that means the same, and a narrower margin, are as good.
    let older =
        ReleaseFacts { mou: Sha256::of(b"older"), margin: Margin::new(9).unwrap(), ..facts };
    assert!(coalition.check(&table, PARTY, sealed(PARTY, older)).is_ok());
}

#[test]
fn a_release_of_anything_else_is_unsound() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    type Change = fn(&mut ReleaseFacts);
    let cases: [(&str, Change); 10] = [
        ("party", |facts| facts.party = "harbor-tech".parse().unwrap()),
        ("table", |facts| facts.table = TableKey::from([9; 32])),
        ("definition", |facts| facts.definition = Sha256::from([9; 32])),
        ("KPI", |facts| facts.kpi = "other".parse().unwrap()),
        ("period", |facts| facts.period = "2024-25".parse().unwrap()),
        ("breakdown", |facts| facts.breakdown = sumac_policy::Breakdown::total()),
        ("outcomes", |facts| facts.outcomes = vec!["other".into()]),
        ("number of cells", |facts| facts.cells.truncate(3)),
        ("beyond any population", |facts| facts.cells = vec![i64::MIN, 0, 0, 0]),
        ("withhold small groups", |facts| {
            facts.withheld = Some(Withheld { below: 9, groups: vec![] });
        }),
    ];
    for (what, change) in cases {
        let mut facts = coalition.facts(&table, PARTY, vec![5, -3, 0, 9]);
        change(&mut facts);
        let unsound = coalition.check(&table, PARTY, sealed(PARTY, facts)).unwrap_err();
        assert!(unsound.to_string().contains(what), "{what}: {unsound}");
    }
}

#[test]
fn a_release_that_another_sealed_or_somebody_changed_is_unsound() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let facts = coalition.facts(&table, PARTY, vec![100]);
    let by_another = sealed("harbor-tech", facts.clone());
    let by_a_person = sealed("chamber", facts.clone());
    let raised = sealed(PARTY, coalition.facts(&table, PARTY, vec![200])).body;
    let changed = SignedRelease { body: raised, ..sealed(PARTY, facts.clone()) };
    let too_early = ReleaseFacts { measured_at: "2026-01-01T00:00:00Z".parse().unwrap(), ..facts };
    for (what, signed, expected) in [
        ("another party's seal", by_another, "states the signer `harbor-tech`"),
        ("a person's seal", by_a_person, "only a node may answer"),
        ("changed bytes", changed, "bytes were changed"),
        ("before the certificate", sealed(PARTY, too_early), "not sealed by its node"),
    ] {
        let unsound = coalition.check(&table, PARTY, signed).unwrap_err().to_string();
        assert!(unsound.contains(expected), "{what}: {unsound}");
    }
}

#[test]
fn a_later_revision_of_a_table_is_sound_under_its_own_name() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let facts = coalition.facts(&table, PARTY, vec![100]);
    let second = ReleaseFacts { revision: 1, table: table.key().at(1), ..facts.clone() };
    assert!(coalition.check(&table, PARTY, sealed(PARTY, second.clone())).is_ok());
    for wrong in
        [ReleaseFacts { table: table.key(), ..second }, ReleaseFacts { revision: 1, ..facts }]
    {
        let unsound = coalition.check(&table, PARTY, sealed(PARTY, wrong)).unwrap_err();
        assert!(matches!(unsound, Unsound::Differs { what: "table", .. }), "{unsound}");
    }
}

#[test]
fn a_derived_release_comes_from_a_listed_table_that_holds_it() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["age_band"]);
    let from = |by: &[&str], revision: u32| {
        let source = coalition.table("attainment", by).key();
        Some(DerivedFrom { table: source.at(revision), revision })
    };
    let margin = |learners| Margin::new(learners).unwrap();
    let good = ReleaseFacts {
        price_nano_rho: 0,
        left_nano_rho: None,
        // Four codes of sex are added up: ±10·√4.
        margin: margin(20),
        derived_from: from(&["sex", "age_band"], 0),
        ..coalition.facts(&table, PARTY, vec![100; 10])
    };
    let check = |facts: ReleaseFacts| coalition.check(&table, PARTY, sealed(PARTY, facts));
    assert!(check(good.clone()).is_ok());
    let later = ReleaseFacts { derived_from: from(&["sex", "age_band"], 3), ..good.clone() };
    assert!(check(later).is_ok());
    let narrower = ReleaseFacts { margin: margin(13), ..good.clone() };
    assert!(check(narrower).is_ok());
    let wider = ReleaseFacts { margin: margin(21), ..good.clone() };
    let stricter = check(wider).unwrap().stricter();
    assert_eq!(stricter, Stricter { margin: Some(margin(21)), floor: None });
    for elsewhere in [from(&["sex"], 0), from(&[], 0), from(&["age_band"], 0)] {
        let facts = ReleaseFacts { derived_from: elsewhere, ..good.clone() };
        assert_eq!(check(facts).unwrap_err(), Unsound::NotDerived);
    }
    let measured =
        ReleaseFacts { price_nano_rho: 1, left_nano_rho: Some(0), derived_from: None, ..good };
    assert_eq!(check(measured).unwrap_err(), Unsound::NotDerived);
}

#[test]
fn a_listed_table_is_never_derived() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["sex"]);
    let source = coalition.table("attainment", &["sex", "age_band"]).key();
    let derived = ReleaseFacts {
        price_nano_rho: 0,
        left_nano_rho: None,
        derived_from: Some(DerivedFrom { table: source, revision: 0 }),
        ..coalition.facts(&table, PARTY, vec![100; 8])
    };
    let unsound = coalition.check(&table, PARTY, sealed(PARTY, derived)).unwrap_err();
    assert_eq!(unsound, Unsound::DerivedThoughListed);
}

#[test]
fn a_node_may_be_stricter_than_the_mou_and_that_is_stated() {
    let margin = |learners| Margin::new(learners).unwrap();
    let below = |below| Some(Withheld { below, groups: Vec::new() });
    for (floor_at, learners, withheld, expected) in [
        ("coalition", 10, None, Stricter::default()),
        ("coalition", 11, None, Stricter { margin: Some(margin(11)), floor: None }),
        ("coalition", 10, below(10), Stricter { margin: None, floor: Some(10) }),
        ("node", 9, below(10), Stricter::default()),
        ("node", 40, below(11), Stricter { margin: Some(margin(40)), floor: Some(11) }),
    ] {
        let coalition = Coalition::new(floor_at);
        let table = coalition.table("completers", &[]);
        let margin = margin(learners);
        let facts = coalition.facts(&table, PARTY, vec![100]);
        let facts = ReleaseFacts { margin, withheld, ..facts };
        let verified = coalition.check(&table, PARTY, sealed(PARTY, facts)).unwrap();
        assert_eq!(verified.stricter(), expected, "{floor_at} {learners}");
    }
}

#[test]
fn where_each_node_judges_the_floor_one_that_did_not_is_unsound() {
    let coalition = Coalition::new("node");
    let table = coalition.table("completers", &[]);
    let facts = coalition.facts(&table, PARTY, vec![100]);
    let silent = coalition.check(&table, PARTY, sealed(PARTY, facts));
    assert_eq!(silent.unwrap_err(), Unsound::FloorNotJudged);
}
