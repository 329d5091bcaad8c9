#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::*;

fn facts() -> ReleaseFacts {
    ReleaseFacts {
        party: "harbor-tech".parse().unwrap(),
        mou: Sha256::from([1; 32]),
        table: TableKey::from([2; 32]),
        definition: Sha256::from([3; 32]),
        revision: 0,
        kpi: "credential_attainment".parse().unwrap(),
        period: "2025-26".parse().unwrap(),
        breakdown: Breakdown::by(["sex".parse().unwrap()]),
        outcomes: vec!["attained".into(), "not_attained".into()],
        cells: vec![120, 340, 0, 0, -3, 7, 12, -1],
        margin: Margin::new(10).unwrap(),
        mechanism: Mechanism::DiscreteGaussian,
        price_nano_rho: 19_208_000,
        snapshot_commitment: [4; 32],
        measured_at: "2026-07-22T09:30:00.5Z".parse().unwrap(),
        accounting_year: "2026-27".parse().unwrap(),
        withheld: Some(Withheld { below: 10, groups: vec![1] }),
        left_nano_rho: Some(480_792_000),
        derived_from: None,
    }
}

#[test]
fn a_body_of_version_1_is_still_these_bytes() {
    let golden = "0801\
        120b686172626f722d74656368\
        1a200101010101010101010101010101010101010101010101010101010101010101\
        22200202020202020202020202020202020202020202020202020202020202020202\
        2a200303030303030303030303030303030303030303030303030303030303030303\
        3a1563726564656e7469616c5f61747461696e6d656e74\
        4207323032352d3236\
        4a03736578\
        520861747461696e6564520c6e6f745f61747461696e6564\
        5a0af001a8050000050e1801\
        600a\
        6801\
        70c0ae9409\
        7a200404040404040404040404040404040404040404040404040404040404040404\
        82010c08989b82d3061080cab5ee01\
        8a0107323032362d3237\
        90010a\
        9a010101\
        b001c09ba1e501";
    let encoded = Release::new(facts()).unwrap().encode();
    let hex: String = encoded.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden);
    assert_eq!(*Release::decode(&encoded).unwrap().facts(), facts());
}

#[test]
fn comes_back_as_encoded_without_a_nodes_own_floor() {
    let release = Release::new(ReleaseFacts {
        withheld: None,
        breakdown: Breakdown::total(),
        cells: vec![i64::MIN, i64::MAX],
        measured_at: "1969-12-31T23:59:59.25Z".parse().unwrap(),
        ..facts()
    })
    .unwrap();
    assert_eq!(Release::decode(&release.encode()), Ok(release.clone()));
    assert_eq!(release.groups(), 1);
}

#[test]
fn a_derived_table_names_its_source_and_costs_nothing() {
    let from = DerivedFrom { table: TableKey::from([9; 32]), revision: 2 };
    let derived = ReleaseFacts {
        derived_from: Some(from),
        price_nano_rho: 0,
        left_nano_rho: None,
        ..facts()
    };
    let release = Release::new(derived.clone()).unwrap();
    assert_eq!(Release::decode(&release.encode()), Ok(release));
    let paid = ReleaseFacts { price_nano_rho: 1, ..derived };
    assert!(Release::new(paid).unwrap_err().to_string().starts_with("`price_nano_rho`"));
}

#[test]
fn refuses_a_body_whose_statements_do_not_fit_together() {
    type Change = fn(&mut wire::ReleaseBody);
    let cases: [(&str, Change); 29] = [
        ("format", |body| body.format = 0),
        ("format", |body| body.format = 2),
        ("party", |body| body.party.clear()),
        ("mou_sha256", |body| body.mou_sha256.truncate(31)),
        ("table_key", |body| body.table_key.clear()),
        ("definition_sha256", |body| body.definition_sha256.push(0)),
        ("kpi", |body| body.kpi = "A KPI".into()),
        ("period", |body| body.period = "2025-27".into()),
        ("breakdown", |body| body.breakdown = vec!["sex".into(); MAX_BREAKDOWN + 1]),
        ("outcomes", |body| body.outcomes = vec!["attained".into(); 2]),
        ("outcomes", |body| body.outcomes = vec![String::new(), "attained".into()]),
        ("cells", |body| body.outcomes.clear()),
        ("cells", |body| body.cells.truncate(7)),
        ("cells", |body| body.cells.clear()),
        ("cells", |body| body.cells = vec![0; MAX_CELLS + 2]),
        ("margin", |body| body.margin = 0),
        ("mechanism", |body| body.mechanism = 0),
        ("mechanism", |body| body.mechanism = 2),
        ("price_nano_rho", |body| body.price_nano_rho = 0),
        ("snapshot_commitment", |body| body.snapshot_commitment.clear()),
        ("measured_at", |body| body.measured_at = None),
        ("accounting_year", |body| body.accounting_year.clear()),
        ("withheld_below", |body| body.withheld_below = None),
        ("withheld_below", |body| body.withheld_below = Some(0)),
        ("withheld_groups", |body| body.withheld_groups = vec![0]),
        ("withheld_groups", |body| body.withheld_groups = vec![1, 1]),
        ("derived_from", |body| body.derived_from = Some(vec![1; 31])),
        ("derived_from", |body| body.derived_from_revision = 1),
        ("left_nano_rho", |body| body.left_nano_rho = None),
    ];
    for (field, change) in cases {
        let mut body = wire::ReleaseBody::from(&facts());
        change(&mut body);
        let error = Release::decode(&body.encode_to_vec()).unwrap_err();
        assert!(error.to_string().starts_with(&format!("`{field}`")), "{field}: {error}");
    }
}

#[test]
fn refuses_times_that_do_not_exist() {
    for (seconds, nanos) in [(0, -1), (0, 1_000_000_000), (i64::MAX, 0)] {
        let mut body = wire::ReleaseBody::from(&facts());
        body.measured_at = Some(prost_types::Timestamp { seconds, nanos });
        assert!(Release::decode(&body.encode_to_vec()).is_err(), "{seconds} {nanos}");
    }
}

#[test]
fn refuses_bytes_that_are_no_body() {
    for bytes in [&b""[..], b"\xff", b"hello"] {
        assert!(Release::decode(bytes).is_err(), "{bytes:?}");
    }
}
