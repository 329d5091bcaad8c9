//! What holds for every text and every question, not only for those that somebody thought of.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]

use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use sumac_policy::{
    Breakdown, Due, Mou, Narrow, PartyId, Peer, PeerRole, Period, Question, Reason, Table, decide,
};

const EXAMPLE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The example with a table of three dimensions, so that their order has room to vary.
static LAKESHORE: LazyLock<Mou> = LazyLock::new(|| {
    let crossed = EXAMPLE.replacen(
        "[\"age_band\"]]",
        "[\"age_band\"], [\"race_ethnicity\", \"sex\", \"age_band\"]]",
        1,
    );
    Mou::read(crossed.as_bytes()).unwrap()
});

/// Every table of the calendar, resolved once.
static DUE: LazyLock<Vec<Due>> = LazyLock::new(|| LAKESHORE.calendar_tables());

fn word(words: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop_oneof![9 => select(words).prop_map(str::to_owned), 1 => "[a-z][a-z_-]{0,10}"]
}

fn party() -> impl Strategy<Value = PartyId> {
    word(&[
        "lakeshore-cc",
        "harbor-tech",
        "northside-health",
        "county-transit",
        "bay-fabrication",
        "lakeshore-chamber",
    ])
    .prop_map(|id| id.parse().unwrap())
}

fn peer() -> impl Strategy<Value = Peer> {
    let role = select(&[PeerRole::Analyst, PeerRole::Node, PeerRole::Steward][..]);
    (party(), role, "\\PC{0,8}")
        .prop_map(|(party, role, name)| Peer::verified_by_keys(party, role, name))
}

fn period() -> impl Strategy<Value = Period> {
    let text = (1900..2190_i32, 0..9_u8).prop_map(|(year, shape)| match shape {
        0 => year.to_string(),
        1..=3 => format!("{year}-{:02}", (year + 1) % 100),
        4 => format!("{year}-{:02}/{}-{:02}", (year + 1) % 100, year + 2, (year + 3) % 100),
        5 => format!("{year}-FALL"),
        quarter => format!("{year}-Q{}", quarter - 5),
    });
    let near = select(&["2025-26", "2026-27", "2027-28", "2025-Q3", "2026-Q4", "2027-Q1"][..]);
    prop_oneof![text, near.prop_map(str::to_owned)].prop_map(|text| text.parse().unwrap())
}

fn question() -> impl Strategy<Value = Question> {
    let kpi = word(&[
        "enrolment",
        "retention",
        "graduation",
        "credential_attainment",
        "completers",
        "hires_of_completers",
    ]);
    let dimension = word(&["race_ethnicity", "sex", "age_band", "pell", "award_level", "cip2"]);
    let breakdown = prop::collection::vec(dimension, 0..4);
    (kpi, period(), breakdown, word(&["annual-report", "equity-review"])).prop_map(
        |(kpi, period, breakdown, purpose)| Question {
            kpi: kpi.parse().unwrap(),
            period,
            breakdown: Breakdown::by(breakdown.iter().map(|id| id.parse().unwrap())),
            purpose: purpose.parse().unwrap(),
        },
    )
}

fn day() -> impl Strategy<Value = Date> {
    let around = (-800..800_i32).prop_map(|days| LAKESHORE.effective() + days.days());
    prop_oneof![8 => around, 1 => Just(Date::MIN), 1 => Just(Date::MAX)]
}

/// The backbone asking, of a party that answers, together with all that do.
fn asked_of_everyone(due: &Due, today: Date) -> Result<(), Reason> {
    let kpi = due.table.kpi();
    let roster: Vec<_> = LAKESHORE.answering(kpi).map(|party| party.id.clone()).collect();
    let question = Question {
        kpi: kpi.id.clone(),
        period: due.table.period(),
        breakdown: due.table.breakdown().clone(),
        purpose: "annual-report".parse().unwrap(),
    };
    let peer = Peer::verified_by_keys(
        "lakeshore-chamber".parse().unwrap(),
        PeerRole::Analyst,
        "maria".to_owned(),
    );
    let permit = decide(
        &LAKESHORE,
        &Narrow::none(),
        roster.first().unwrap(),
        &peer,
        &question,
        &roster,
        today,
    );
    permit.map(|permit| assert_eq!(permit.table().key(), due.table.key())).map_err(|no| no.reason)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Mou::examine(&bytes);
    }

    #[test]
    fn no_slip_makes_reading_panic(
        edits in prop::collection::vec((any::<Index>(), 0..40_usize, select(&[
            "", "\"", "[", "]", "{", "}", "=", "\n", "#", "0", "-1", "9999-12-31", "[]", "[[]]", "é",
            "'", "1e9", "true", ".", "[kpi]", "[[kpi]]\n", "\u{0}", "99999999999999999999", "0001-01-01",
            "2199-00", "\"10 years\"", "02-28", "3650",
        ][..])), 1..6),
    ) {
        let mut text = EXAMPLE.as_bytes().to_vec();
        for (at, drop, put) in edits {
            let at = at.index(text.len() + 1);
            let end = (at + drop).min(text.len());
            text.splice(at..end, put.bytes());
        }
        if let Ok((mou, problems)) = Mou::examine(&text) {
            prop_assert!(mou.is_some() || !problems.is_empty());
            prop_assert!(problems.iter().all(|problem| problem.line > 0 && !problem.message.is_empty()));
            // Whatever could be read can also be worked with.
            if let Some(mou) = mou {
                mou.calendar_tables();
            }
        }
    }

    #[test]
    fn every_question_is_permitted_or_refused_with_what_to_do(
        node in party(), peer in peer(), question in question(),
        roster in prop::collection::vec(party(), 0..8), today in day(),
    ) {
        match decide(&LAKESHORE, &Narrow::none(), &node, &peer, &question, &roster, today) {
            Ok(permit) => {
                prop_assert_eq!(permit.question(), &question);
                prop_assert_eq!(permit.table().period(), question.period);
                prop_assert!(permit.table().breakdown().is_same(&question.breakdown));
            }
            Err(refusal) => {
                prop_assert!(!refusal.hint.trim().is_empty(), "{refusal:?}");
                prop_assert!(!refusal.message.trim().is_empty(), "{refusal:?}");
                prop_assert!(!refusal.clause.as_str().is_empty(), "{refusal:?}");
            }
        }
    }

    #[test]
    fn the_order_of_dimensions_names_no_other_table(
        order in Just(vec!["race_ethnicity", "sex", "age_band"]).prop_shuffle(),
    ) {
        let resolve = |ids: &[&str]| {
            let by = Breakdown::by(ids.iter().map(|id| id.parse().unwrap()));
            Table::resolve(&LAKESHORE, &"enrolment".parse().unwrap(), "2025-26".parse().unwrap(), &by)
        };
        let (listed, asked) = (resolve(&["race_ethnicity", "sex", "age_band"]).unwrap(), resolve(&order).unwrap());
        prop_assert_eq!(listed.key(), asked.key());
        prop_assert_eq!(listed.breakdown(), asked.breakdown());
    }

    #[test]
    fn a_due_table_is_refused_the_day_before_and_permitted_from_its_day(n in any::<Index>(), later in 0..1000_i32) {
        let due = n.get(&DUE);
        let before = asked_of_everyone(due, due.from.yesterday().unwrap()).unwrap_err();
        let expected = if due.from == LAKESHORE.effective() { Reason::MouNotYetEffective } else { Reason::PeriodNotClosed };
        prop_assert_eq!(before, expected);
        prop_assert_eq!(asked_of_everyone(due, due.from), Ok(()));
        let later = due.from + later.days();
        let expected = if later <= LAKESHORE.expires() { Ok(()) } else { Err(Reason::MouExpired) };
        prop_assert_eq!(asked_of_everyone(due, later), expected);
    }
}

#[test]
fn the_calendar_holds_only_tables_that_can_be_asked_in_their_order() {
    assert!(DUE.len() > 40, "{}", DUE.len());
    for due in DUE.iter() {
        assert!(LAKESHORE.effective() <= due.from && due.from <= LAKESHORE.expires());
        let table = &due.table;
        let again =
            Table::resolve(&LAKESHORE, &table.kpi().id, table.period(), table.breakdown()).unwrap();
        assert_eq!(again.key(), table.key());
    }
    for kpi in LAKESHORE.kpis() {
        for by in &kpi.by {
            let of_one =
                |due: &&Due| due.table.kpi().id == kpi.id && due.table.breakdown().is_same(by);
            let spans: Vec<_> = DUE.iter().filter(of_one).map(|due| due.table.span()).collect();
            assert!(spans.len() >= 2, "{}", kpi.id);
            for pair in spans.windows(2) {
                assert!(matches!(pair, [one, two] if one.last.tomorrow().unwrap() == two.first));
            }
        }
    }
    let mut keys: Vec<_> = DUE.iter().map(|due| due.table.key()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), DUE.len(), "each table is listed once");
}
