#![expect(clippy::unwrap_used, reason = "a test may panic")]

use sumac_policy::{Margin, Sha256, TableKey};
use sumac_protocol::{ReleaseFacts, Withheld};

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
    let cases: [(&str, Change); 11] = [
        ("party", |facts| facts.party = "harbor-tech".parse().unwrap()),
        ("table", |facts| facts.table = TableKey::from([9; 32])),
        ("definition", |facts| facts.definition = Sha256::from([9; 32])),
        ("KPI", |facts| facts.kpi = "other".parse().unwrap()),
        ("period", |facts| facts.period = "2024-25".parse().unwrap()),
        ("breakdown", |facts| facts.breakdown = sumac_policy::Breakdown::total()),
        ("outcomes", |facts| facts.outcomes = vec!["other".into()]),
        ("number of cells", |facts| facts.cells.truncate(3)),
        ("margin", |facts| facts.margin = Margin::new(11).unwrap()),
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
fn where_each_node_judges_the_floor_one_that_did_not_is_unsound() {
    let coalition = Coalition::new("node");
    let table = coalition.table("completers", &[]);
    let facts = coalition.facts(&table, PARTY, vec![100]);
    let silent = coalition.check(&table, PARTY, sealed(PARTY, facts));
    assert_eq!(silent.unwrap_err(), Unsound::FloorNotJudged);
}
