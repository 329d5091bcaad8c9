//! An addendum can only narrow: for every addendum and every question, not only for those that somebody thought of.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]

use std::sync::LazyLock;

use jiff::civil::Date;
use proptest::prelude::*;
use proptest::sample::select;
use sumac_policy::{
    Breakdown, DimensionId, Mou, Narrow, PartyId, Peer, PeerRole, Permitted, Question, Reason,
    Refusal, decide,
};

const EXAMPLE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
const MARGINS: [u32; 5] = [1, 10, 15, 20, 1_000];
const FLOORS: [u32; 4] = [1, 10, 11, 500];
const BUDGETS: [&str; 4] = ["0.000000001", "0.4", "0.5", "7"];

/// The example, and the same with a crossed table, so that there is something to derive, and nodes that judge
/// the floor.
static MOUS: LazyLock<[Mou; 2]> = LazyLock::new(|| {
    let crossed = EXAMPLE
        .replacen("[\"age_band\"]]", "[\"age_band\"], [\"race_ethnicity\", \"sex\"]]", 1)
        .replacen(
            "by          = [[], [\"sex\"]]",
            "by          = [[\"sex\", \"race_ethnicity\"]]",
            1,
        )
        .replacen("floor_at    = \"coalition\"", "floor_at    = \"node\"", 1);
    [EXAMPLE.to_owned(), crossed].map(|text| Mou::read(text.as_bytes()).unwrap())
});

fn narrow(text: &str, mou: &Mou) -> Narrow {
    let text = format!("format = \"sumac-narrow/1\"\n{text}");
    Narrow::read(text.as_bytes(), mou).unwrap_or_else(|problems| panic!("{text}\n{problems}"))
}

/// One restriction, or a part of `[privacy]` and `[suspend]`, as text.
fn restriction() -> impl Strategy<Value = String> {
    let kpis = ["enrolment", "retention", "graduation", "completers", "hires_of_completers"];
    let dimensions = ["sex", "race_ethnicity", "age_band", "pell", "credential_type"];
    let columns = ["birth_year", "sex", "term_start", "retained", "revoked_on", "hired_on"];
    let kpi = select(kpis.map(|kpi| format!("kpi = \"{kpi}\"\n")).to_vec());
    let any_kpi = prop_oneof![Just(String::new()), kpi.clone()];
    let limit = prop_oneof![
        (any_kpi.clone(), select(dimensions.to_vec()))
            .prop_map(|(kpi, id)| format!("{kpi}dimension = \"{id}\"\nrefuse = true")),
        (any_kpi, select(columns.to_vec()))
            .prop_map(|(kpi, column)| format!("{kpi}column = \"{column}\"\nrefuse = true")),
        kpi.clone().prop_map(|kpi| format!("{kpi}refuse = true")),
        (kpi, select(&MARGINS[..])).prop_map(|(kpi, margin)| format!("{kpi}margin = {margin}")),
        select(&FLOORS[..]).prop_map(|floor| format!("floor = {floor}")),
    ];
    limit.prop_map(|limit| format!("[[restrict]]\nbecause = \"we say so\"\n{limit}\n"))
}

fn addendum() -> impl Strategy<Value = String> {
    let floor = prop_oneof![
        Just(String::new()),
        select(&FLOORS[..]).prop_map(|floor| format!("floor = {floor}\n"))
    ];
    let budget = prop_oneof![
        Just(String::new()),
        select(&BUDGETS[..]).prop_map(|rho| format!("budget = {{ rho = {rho} }}\n"))
    ];
    let suspend = prop_oneof![
        6 => Just(""),
        1 => Just("[suspend]\nbecause = \"an incident\"\n"),
        1 => Just("[suspend]\nbecause = \"an incident\"\nuntil = 2026-08-03\n"),
    ];
    (prop::collection::vec(restriction(), 0..4), floor, budget, suspend).prop_map(
        |(restrictions, floor, budget, suspend)| {
            format!("{}[privacy]\n{floor}{budget}{suspend}", restrictions.concat())
        },
    )
}

/// Every table of up to two dimensions that anybody could think of asking for.
fn questions(mou: &Mou) -> Vec<Question> {
    let dimensions =
        ["sex", "race_ethnicity", "age_band", "pell", "award_level", "credential_type"];
    let mut breakdowns = vec![Vec::new()];
    for (n, one) in dimensions.iter().enumerate() {
        breakdowns.push(vec![*one]);
        breakdowns.extend(dimensions.iter().skip(n + 1).map(|other| vec![*one, *other]));
    }
    let mut questions = Vec::new();
    for kpi in mou.kpis() {
        for period in ["2025-26", "2026-27", "2026-Q1"] {
            for by in &breakdowns {
                let by = by.iter().map(|id| id.parse::<DimensionId>().unwrap());
                questions.push(Question {
                    kpi: kpi.id.clone(),
                    period: period.parse().unwrap(),
                    breakdown: Breakdown::by(by),
                    purpose: "annual-report".parse().unwrap(),
                });
            }
        }
    }
    questions
}

fn ask(mou: &Mou, narrow: &Narrow, question: &Question, today: Date) -> Result<Permitted, Refusal> {
    let kpi = mou.kpi(&question.kpi).unwrap();
    let roster: Vec<PartyId> = mou.answering(kpi).map(|party| party.id.clone()).collect();
    let chamber = "lakeshore-chamber".parse().unwrap();
    let peer = Peer::verified_by_keys(chamber, PeerRole::Analyst, "maria".to_owned());
    decide(mou, narrow, roster.first().unwrap(), &peer, question, &roster, today)
}

/// Holds each answer under the addendum against the one without.
fn only_narrows(mou: &Mou, narrow: &Narrow, today: Date) {
    for question in questions(mou) {
        let without = ask(mou, &Narrow::none(), &question, today);
        let with = ask(mou, narrow, &question, today);
        match (without, with) {
            (Err(theirs), with) => assert_eq!(with.unwrap_err(), theirs, "{question:?}"),
            (Ok(_), Err(refusal)) => assert!(
                matches!(
                    refusal.reason,
                    Reason::Restricted | Reason::Paused | Reason::BreakdownNotListed
                ),
                "{refusal:?}"
            ),
            (Ok(theirs), Ok(own)) => {
                assert_eq!(own.table().key(), theirs.table().key());
                assert!(own.table().kpi().margin >= theirs.table().kpi().margin);
                match (own, theirs) {
                    (Permitted::Measure(own), Permitted::Measure(theirs)) => {
                        assert!(own.budget_nano_rho() <= theirs.budget_nano_rho());
                        assert_eq!(own.mou(), theirs.mou());
                    }
                    (Permitted::Derive(own), Permitted::Derive(theirs)) => {
                        let theirs = theirs.roll_up().sources();
                        for source in own.roll_up().sources() {
                            let key = source.table().key();
                            assert!(theirs.iter().any(|source| source.table().key() == key));
                        }
                    }
                    (own, theirs) => panic!("{own:?} where there is {theirs:?}"),
                }
            }
        }
    }
    let (own, theirs) = (narrow.over(mou), mou);
    assert_eq!(own.hash(), theirs.hash());
    assert!(own.privacy().floor >= theirs.privacy().floor);
    assert!(own.privacy().budget_nano_rho <= theirs.privacy().budget_nano_rho);
    let without = Narrow::none().own_floor(mou);
    assert!(narrow.own_floor(mou) >= without, "{:?} {without:?}", narrow.own_floor(mou));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_addendum_permits_what_the_mou_refuses_or_loosens_what_it_permits(
        text in addendum(), day in select(&["2026-08-01", "2026-08-04", "2026-07-01", "2027-09-01"][..]),
    ) {
        for mou in MOUS.iter() {
            only_narrows(mou, &narrow(&text, mou), day.parse().unwrap());
        }
    }

    #[test]
    fn no_bytes_make_reading_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Narrow::read(&bytes, &MOUS[0]);
    }
}

fn today() -> Date {
    "2026-08-01".parse().unwrap()
}

fn question(kpi: &str, by: &[&str]) -> Question {
    Question {
        kpi: kpi.parse().unwrap(),
        period: "2025-26".parse().unwrap(),
        breakdown: Breakdown::by(by.iter().map(|id| id.parse().unwrap())),
        purpose: "annual-report".parse().unwrap(),
    }
}

fn reason(mou: &Mou, text: &str, kpi: &str, by: &[&str]) -> Option<(Reason, String)> {
    let refusal = ask(mou, &narrow(text, mou), &question(kpi, by), today()).err()?;
    Some((refusal.reason, refusal.clause.to_string()))
}

#[test]
fn a_restriction_covers_a_column_as_breakdown_in_a_condition_and_where_it_is_derived() {
    let [plain, crossed] = &*MOUS;
    let restricted = Some((Reason::Restricted, "narrow.toml restrict[1]".to_owned()));
    let refuse = |what: &str| format!("[[restrict]]\nbecause = \"ours\"\n{what}\nrefuse = true\n");
    let sex = refuse("dimension = \"sex\"");
    assert_eq!(reason(plain, &sex, "enrolment", &["sex"]), restricted);
    assert_eq!(reason(plain, &sex, "enrolment", &["age_band"]), None);
    // An age comes from the year of birth.
    let born = refuse("column = \"birth_year\"");
    assert_eq!(reason(plain, &born, "enrolment", &["age_band"]), restricted);
    // Read by the definition itself.
    let starts = refuse("column = \"term_start\"");
    assert_eq!(reason(plain, &starts, "enrolment", &[]), restricted);
    assert_eq!(reason(plain, &starts, "completers", &[]), None);
    // Its only source has the column, too.
    assert_eq!(reason(crossed, "", "graduation", &["race_ethnicity"]), None);
    let through = reason(crossed, &sex, "graduation", &["race_ethnicity"]).unwrap();
    assert_eq!(through.0, Reason::BreakdownNotListed);
}

#[test]
fn a_suspension_refuses_everything_until_its_last_day_is_over() {
    let mou = &MOUS[0];
    let text = "[suspend]\nbecause = \"an incident\"\nuntil = 2026-08-01\n";
    let narrow = narrow(text, mou);
    let refusal = ask(mou, &narrow, &question("enrolment", &[]), today()).unwrap_err();
    assert_eq!(refusal.reason, Reason::Paused);
    assert!(refusal.message.contains("2026-08-01") && refusal.message.contains("an incident"));
    let tomorrow = today().tomorrow().unwrap();
    assert!(ask(mou, &narrow, &question("enrolment", &[]), tomorrow).is_ok());
}

#[test]
fn what_cannot_be_used_refuses_everything() {
    let mou = &MOUS[0];
    let unusable = Narrow::unusable(b"floor = ");
    let refusal = ask(mou, &unusable, &question("enrolment", &[]), today()).unwrap_err();
    assert_eq!((refusal.reason, refusal.clause.as_str()), (Reason::Paused, "narrow.toml suspend"));
    // One that was read beside another version says nothing about this one.
    let of_another = narrow("[privacy]\nfloor = 20\n", &MOUS[1]);
    let refusal = ask(mou, &of_another, &question("enrolment", &[]), today()).unwrap_err();
    assert_eq!((refusal.reason, refusal.clause.as_str()), (Reason::Paused, "narrow.toml"));
}

#[test]
fn what_would_widen_has_no_effect_and_is_said() {
    let restrict = |limit: &str| format!("[[restrict]]\nbecause = \"ours\"\n{limit}\n");
    for (text, line, expected) in [
        ("[privacy]\nfloor = 9\n".to_owned(), 3, "9 is lower than the MOU's floor of 10"),
        ("[privacy]\nbudget = { rho = 0.5 }\n".to_owned(), 3, "not smaller than the MOU's budget"),
        (restrict("floor = 5"), 2, "5 is lower than the MOU's floor of 10"),
        (restrict("kpi = \"retention\"\nmargin = 10"), 2, "already answers `retention` within ±10"),
        (
            restrict("dimension = \"soc2\"\nrefuse = true"),
            2,
            "no table of the MOU is refused by it",
        ),
    ] {
        let mou = &MOUS[0];
        let narrow = narrow(&text, mou);
        let warnings: Vec<_> = narrow.warnings().iter().map(ToString::to_string).collect();
        assert_eq!(warnings.len(), 1, "{text} {warnings:?}");
        assert!(warnings.concat().contains(expected), "{warnings:?}");
        assert!(warnings.concat().starts_with(&format!("line {line}:")), "{warnings:?}");
        assert!(narrow.in_words(mou).is_empty(), "{:?}", narrow.in_words(mou));
        assert_eq!(narrow.own_floor(mou), None);
    }
}

#[test]
fn a_floor_of_its_own_is_judged_at_the_node_wherever_the_mou_has_it_judged() {
    let [coalition, node] = &*MOUS;
    assert_eq!(Narrow::none().own_floor(coalition), None);
    assert_eq!(Narrow::none().own_floor(node), Some(10));
    for mou in [coalition, node] {
        for (text, floor) in [
            ("[privacy]\nfloor = 10\n", 10),
            ("[privacy]\nfloor = 25\n", 25),
            ("[[restrict]]\nbecause = \"ours\"\nfloor = 30\n[privacy]\nfloor = 25\n", 30),
        ] {
            assert_eq!(narrow(text, mou).own_floor(mou), Some(floor));
        }
    }
}

#[test]
fn every_problem_is_named_with_its_line() {
    let head = "format = \"sumac-narrow/1\"\n";
    for (text, expected) in [
        (String::new(), "`format` is missing"),
        ("format = \"sumac-mou/1\"\n".to_owned(), "line 1: format: unknown format"),
        (format!("{head}flor = 3\n"), "line 2: flor: unknown key `flor`"),
        (
            format!("{head}[privacy]\nfloor_at = \"node\"\n"),
            "line 3: privacy.floor_at: unknown key",
        ),
        (format!("{head}[privacy]\nbudget = {{ rho = 0 }}\n"), "not a positive ρ"),
        (format!("{head}[suspend]\nuntil = 2026-09-01\n"), "`because` is missing"),
        (format!("{head}[suspend]\nbecause = \"x\"\nuntil = \"2026\"\n"), "line 4: suspend.until"),
        (
            format!("{head}[[restrict]]\nbecause = \"x\"\nkpi = \"wages\"\nrefuse = true\n"),
            "the MOU lists no KPI `wages`",
        ),
        (
            format!("{head}[[restrict]]\nkpi = \"retention\"\nrefuse = true\n"),
            "`because` is missing",
        ),
        (
            format!("{head}[[restrict]]\nbecause = \"x\"\nkpi = \"retention\"\nrefuse = false\n"),
            "a restriction refuses",
        ),
        (format!("{head}[[kpi]]\nid = \"wages\"\n"), "unknown key `kpi`"),
        (format!("{head}[roles]\n"), "unknown key `roles`"),
    ] {
        let problems = Narrow::read(text.as_bytes(), &MOUS[0]).unwrap_err().to_string();
        assert!(problems.contains(expected), "{text:?}: {problems}");
    }
}

#[test]
fn says_in_words_what_it_takes_away() {
    let mou = &MOUS[0];
    let text = "[[restrict]]\nbecause = \"FERPA office\"\ndimension = \"sex\"\nrefuse = true\n\
                [[restrict]]\nbecause = \"too few\"\nkpi = \"completers\"\nmargin = 20\n\
                [[restrict]]\nbecause = \"audit\"\nkpi = \"retention\"\nrefuse = true\n\
                [privacy]\nfloor = 25\nbudget = { rho = 0.1 }\n\
                [suspend]\nbecause = \"an incident\"\nuntil = 2026-09-01\n";
    let expected = [
        "nothing is answered until 2026-09-01 (an incident)",
        "`sex` is refused, and with it `enrolment` by sex, `graduation` by sex, `credential_attainment` by sex \
         (FERPA office)",
        "`completers` is answered within ±20 instead of ±10 (too few)",
        "`retention` is refused, and with it `retention` whole (audit)",
        "this node withholds its own groups of fewer than 25 learners; the MOU's floor is 10, judged at the coalition",
        "ρ 0.1 may be spent a year instead of 0.5",
    ];
    assert_eq!(narrow(text, mou).in_words(mou), expected);
}
