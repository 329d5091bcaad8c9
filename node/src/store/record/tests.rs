//! Records as they are spelled, and what is refused.

#![expect(clippy::unwrap_used, reason = "a test may panic")]
use proptest::prelude::*;
use sumac_policy::{Margin, Sha256, TableKey};

use super::*;
use crate::store::restoration::testing;

const TABLE: [u8; 32] = [7; 32];

fn record(event: Event) -> Record {
    let at = "2026-08-01T09:30:00.25Z".parse().unwrap();
    Record { seq: 3, at, salt: [0xab; 32], event }
}

fn asked(purpose: &str, table: Option<TableKey>) -> Event {
    Event::Asked(Asked {
        request_id: "r1".into(),
        peer: "sumac://chamber/analyst/mira".into(),
        table,
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        purpose: purpose.into(),
        outcome: "RELEASED".into(),
    })
}

#[test]
fn format_1_spells_a_charge_like_this() {
    let mou = Sha256::from([1; 32]);
    let charged = Event::Charged(Charged {
        table: TableKey::from(TABLE),
        revision: 0,
        year: "2026-27".into(),
        year_first: "2026-07-01".parse().unwrap(),
        year_last: "2027-06-30".parse().unwrap(),
        margin: Margin::new(21).unwrap(),
        price_nano_rho: 4_500_000,
        budget_nano_rho: 9_000_000,
        snapshot: "2026-08-01".into(),
        mou,
        kpi: "completers".into(),
        period: "2025-26".into(),
        breakdown: vec!["sex".into()],
        approved: None,
    });
    let expected = format!(
        r#"{{"seq":3,"at":"2026-08-01T09:30:00.25Z","salt":"{}","event":{{"charged":{{"table":"{}","revision":0,"year":"2026-27","year_first":"2026-07-01","year_last":"2027-06-30","margin":21,"price_nano_rho":4500000,"budget_nano_rho":9000000,"snapshot":"2026-08-01","mou":"sha256:{}","kpi":"completers","period":"2025-26","breakdown":["sex"]}}}}}}"#,
        "ab".repeat(32),
        "07".repeat(32),
        "01".repeat(32),
    );
    assert_eq!(String::from_utf8(record(charged).encode()).unwrap(), expected);
}

#[test]
fn reads_back_every_event_as_it_was_written() {
    let table = TableKey::from(TABLE);
    let events = [
        Event::Started(Started { software: "sumac 0.1.0".into() }),
        Event::Mou(MouInForce {
            mou: Sha256::from([1; 32]),
            agreement: "lakeshore".into(),
            version: 1,
        }),
        Event::Exit(Exit {
            party: "harbor-tc".into(),
            on: "2026-11-24".into(),
            mou: Sha256::from([1; 32]),
        }),
        Event::Left(Left {
            on: "2026-11-24".into(),
            because: "a merger".into(),
            mou: Sha256::from([1; 32]),
        }),
        Event::Import(Import {
            snapshot: "s".into(),
            commitment: [2; 32],
            as_of: "2026-08-01".into(),
            covers: vec!["2025-26".into()],
        }),
        asked("annual-report", Some(table)),
        asked("annual-report", None),
        Event::Released(Released { table, revision: 0, commitment: Sha256::from([4; 32]) }),
        Event::Remeasure(Remeasure {
            table,
            revision: 1,
            because: "a file was missing".into(),
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
        }),
        Event::Derived(Derived {
            table,
            revision: 0,
            from: TableKey::from([8; 32]),
            from_revision: 1,
            commitment: Sha256::from([4; 32]),
        }),
        Event::Signer(Signer { chain: vec![vec![0x30, 1], vec![]] }),
        Event::Stopped(testing::stopped()),
        Event::Restored(testing::restored(3, 100, &["chamber"])),
        Event::Recovered(testing::recovered(7, 0, 100)),
        Event::RecoveredDerived(testing::recovered_derived(8, 0, 7)),
        Event::Heard(testing::heard("chamber", 5, 100)),
        Event::Resumed(testing::resumed(100, &[(7, 0)])),
        Event::Purged(Purged {
            before: "2025-08-01T00:00:00Z".parse().unwrap(),
            releases: vec![ReleaseName { table, revision: 2, derived: true }],
        }),
        Event::Narrow(NarrowInForce {
            narrow: Some(Sha256::from([3; 32])),
            words: vec!["nothing is answered".into()],
        }),
        Event::Narrow(NarrowInForce::default()),
        Event::Paused(Paused {
            because: "an audit".into(),
            until: Some("2026-09-30".parse().unwrap()),
        }),
        Event::Paused(Paused { because: "an audit".into(), until: None }),
        Event::PauseEnded(PauseEnded {}),
        Event::Held(HeldQuestion {
            number: 1,
            table,
            revision: 0,
            commitment: [2; 32],
            mou: Sha256::from([1; 32]),
            margin: Margin::new(10).unwrap(),
            price_nano_rho: 5,
            approvals: 2,
            peer: "sumac://chamber/analyst/mira".into(),
            purpose: "annual-report".into(),
            kpi: "completers".into(),
            period: "2025-26".into(),
            breakdown: vec!["sex".into()],
        }),
        Event::Approved(Approved { number: 1, peer: "sumac://cc/steward/ana".into() }),
        Event::Rejected(Rejected {
            number: 1,
            peer: "sumac://cc/steward/ana".into(),
            because: "no".into(),
        }),
        Event::Exported(Exported { party: "chamber".into(), mou: Sha256::from([1; 32]) }),
    ];
    for event in events {
        let record = record(event);
        assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }
}

#[test]
fn refuses_another_spelling_of_the_same_record() {
    let text = String::from_utf8(record(asked("a", Some(TableKey::from(TABLE)))).encode()).unwrap();
    let respelled = [
        text.replace("\"seq\":3", "\"seq\": 3"),
        text.replace("abab", "ABAB"),
        text.replace("30:00.25Z", "30:00.250Z"),
        text.replace("chamber", "ch\\u0061mber"),
        format!("{text} "),
    ];
    for other in respelled {
        assert_ne!(other, text);
        assert_eq!(Record::decode(other.as_bytes()), Err(RecordError::NotCanonical), "{other}");
    }
}

#[test]
fn refuses_what_this_version_does_not_know() {
    let text = String::from_utf8(record(asked("a", None)).encode()).unwrap();
    for other in [
        text.replace("\"asked\"", "\"paused\""),
        text.replace("\"seq\":3", "\"seq\":3,\"head\":1"),
        text.replace("\"kpi\"", "\"measure\""),
        text.replace("abab", "ab"),
        String::new(),
    ] {
        let refused = Record::decode(other.as_bytes());
        assert!(matches!(refused, Err(RecordError::Malformed(_))), "{other}");
    }
}

proptest! {
    #[test]
    fn any_text_survives_the_round_trip(purpose in ".*", seq: u64, salt: [u8; 32]) {
        let record = Record { seq, salt, ..record(asked(&purpose, None)) };
        prop_assert_eq!(Record::decode(&record.encode()).unwrap(), record);
    }
}
