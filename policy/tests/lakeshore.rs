//! The shipped example agreement, decided question by question.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]

use sumac_policy::{
    Breakdown, Mou, Narrow, PartyId, Peer, PeerRole, Permit, Permitted, Question, Reason, Refusal,
    Severity, decide, standard,
};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// The example with one replacement, which must change it.
fn with(from: &str, to: &str) -> Mou {
    assert!(LAKESHORE.contains(from), "the example has no {from:?}");
    Mou::read(LAKESHORE.replacen(from, to, 1).as_bytes()).unwrap()
}

fn lakeshore() -> Mou {
    Mou::read(LAKESHORE.as_bytes())
        .unwrap_or_else(|problems| panic!("{problems}\n\ncatalogue = \"{}\"", standard().hash))
}

struct Asked {
    peer: (&'static str, PeerRole),
    node: &'static str,
    today: &'static str,
    roster: &'static [&'static str],
    kpi: &'static str,
    period: &'static str,
    by: &'static [&'static str],
    purpose: &'static str,
}

const COLLEGES: &[&str] = &["lakeshore-cc", "harbor-tech"];
const EMPLOYERS: &[&str] = &["northside-health", "county-transit", "bay-fabrication"];

const ANNUAL: Asked = Asked {
    peer: ("lakeshore-chamber", PeerRole::Analyst),
    node: "lakeshore-cc",
    today: "2026-08-01",
    roster: COLLEGES,
    kpi: "credential_attainment",
    period: "2025-26",
    by: &["race_ethnicity"],
    purpose: "annual-report",
};

const HIRES: Asked = Asked {
    node: "bay-fabrication",
    roster: EMPLOYERS,
    kpi: "hires_of_completers",
    period: "2026-Q1",
    by: &[],
    ..ANNUAL
};

fn ask(asked: &Asked) -> Result<Permit, Refusal> {
    ask_under(&lakeshore(), asked)
}

fn ask_under(mou: &Mou, asked: &Asked) -> Result<Permit, Refusal> {
    match permitted(mou, asked)? {
        Permitted::Measure(permit) => Ok(permit),
        Permitted::Derive(permit) => panic!("{} is derived", permit.roll_up().table().breakdown()),
    }
}

fn permitted(mou: &Mou, asked: &Asked) -> Result<Permitted, Refusal> {
    let party = |id: &str| id.parse::<PartyId>().unwrap();
    let (asker, role) = asked.peer;
    let question = Question {
        kpi: asked.kpi.parse().unwrap(),
        period: asked.period.parse().unwrap(),
        breakdown: Breakdown::by(asked.by.iter().map(|id| id.parse().unwrap())),
        purpose: asked.purpose.parse().unwrap(),
    };
    let peer = Peer::verified_by_keys(party(asker), role, "maria".to_owned());
    let roster: Vec<_> = asked.roster.iter().map(|id| party(id)).collect();
    decide(
        mou,
        &Narrow::none(),
        &party(asked.node),
        &peer,
        &question,
        &roster,
        asked.today.parse().unwrap(),
    )
}

#[test]
fn the_example_is_enforced_whole() {
    let (mou, problems) = Mou::examine(LAKESHORE.as_bytes()).unwrap();
    assert!(mou.is_some());
    let errors: Vec<_> = problems.iter().filter(|p| p.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

#[test]
fn what_is_listed_is_permitted() {
    let permit = ask(&ANNUAL).unwrap();
    assert_eq!(permit.table().cells(), 9 * 2);
    assert_eq!(permit.accounting_year().to_string(), "2026-27");
    assert_eq!(permit.clause().to_string(), "kpi.credential_attainment.by");
    assert_eq!(ask(&HIRES).unwrap().table().cells(), 1);
}

#[test]
fn every_refusal_names_its_reason() {
    let cases = [
        (Asked { today: "2026-07-14", ..ANNUAL }, Reason::MouNotYetEffective),
        (Asked { today: "2028-07-01", ..ANNUAL }, Reason::MouExpired),
        (Asked { peer: ("lakeshore-chamber", PeerRole::Node), ..ANNUAL }, Reason::RoleMayNotAsk),
        (Asked { peer: ("lakeshore-chamber", PeerRole::Steward), ..ANNUAL }, Reason::RoleMayNotAsk),
        (Asked { peer: ("stranger", PeerRole::Analyst), ..ANNUAL }, Reason::PartyMayNotAsk),
        (Asked { purpose: "marketing", ..ANNUAL }, Reason::PurposeNotListed),
        (Asked { kpi: "wages", ..ANNUAL }, Reason::KpiNotListed),
        (Asked { node: "bay-fabrication", ..ANNUAL }, Reason::KpiNotAnsweredHere),
        (Asked { by: &["intensity"], ..ANNUAL }, Reason::BreakdownNotListed),
        (Asked { by: &["sex", "race_ethnicity"], ..ANNUAL }, Reason::BreakdownNotListed),
        (Asked { by: &["pell"], ..ANNUAL }, Reason::Restricted),
        (Asked { period: "2026-Q1", ..ANNUAL }, Reason::PeriodNotOfKpi),
        (Asked { period: "2025", ..ANNUAL }, Reason::PeriodNotOfKpi),
        (Asked { period: "2024-25", ..ANNUAL }, Reason::PeriodBeforeFirst),
        (Asked { period: "2026-27", ..ANNUAL }, Reason::PeriodNotClosed),
        (Asked { period: "2026-Q3", today: "2026-10-21", ..HIRES }, Reason::PeriodNotClosed),
        (Asked { roster: &["bay-fabrication", "county-transit"], ..HIRES }, Reason::RosterTooSmall),
        (
            Asked { roster: &["bay-fabrication", "bay-fabrication", "bay-fabrication"], ..HIRES },
            Reason::RosterTooSmall,
        ),
    ];
    for (asked, reason) in cases {
        let refusal = ask(&asked).unwrap_err();
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(!refusal.hint.is_empty() && !refusal.clause.as_str().is_empty(), "{refusal}");
    }
    assert!(ask(&Asked { period: "2026-Q3", today: "2026-10-22", ..HIRES }).is_ok());
}

#[test]
fn a_table_is_named_by_what_it_means() {
    let mou = lakeshore();
    let key = |mou: &Mou, kpi: &str, period: &str, by: &[&str]| {
        let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        sumac_policy::Table::resolve(mou, &kpi.parse().unwrap(), period.parse().unwrap(), &by)
            .unwrap()
            .key()
    };
    let read = |text: String| Mou::read(text.as_bytes()).unwrap();
    let enrolment = key(&mou, "enrolment", "2025-26", &["sex"]);
    assert_ne!(enrolment, key(&mou, "enrolment", "2026-27", &["sex"]));
    assert_ne!(enrolment, key(&mou, "enrolment", "2025-26", &[]));
    assert_ne!(enrolment, key(&mou, "completers", "2025-26", &[]));
    // Neither the KPI's id, its margin, nor other words of the MOU change what the table means.
    let renamed = LAKESHORE.replace("\"enrolment\"", "\"headcount\"").replace("= 15", "= 25");
    assert_eq!(enrolment, key(&read(renamed), "headcount", "2025-26", &["sex"]));
    // Both orders of one breakdown are one table, in the question as in the MOU.
    let crossed =
        |by: &str| read(LAKESHORE.replace("[\"age_band\"]]     #", &format!("[{by}]]     #")));
    let (one, two) = (crossed("\"sex\", \"age_band\""), crossed("\"age_band\", \"sex\""));
    for order in [["sex", "age_band"], ["age_band", "sex"]] {
        let same = key(&one, "enrolment", "2025-26", &["sex", "age_band"]);
        assert_eq!(same, key(&one, "enrolment", "2025-26", &order));
        assert_eq!(same, key(&two, "enrolment", "2025-26", &order));
    }
}

/// A change of these names would make every node measure, and pay for, what it has released before.
#[test]
fn the_names_of_tables_stay_what_they_are() {
    let mou = lakeshore();
    let name = |kpi: &str, period: &str, by: &[&str]| {
        let by = Breakdown::by(by.iter().map(|id| id.parse().unwrap()));
        let (kpi, period) = (kpi.parse().unwrap(), period.parse().unwrap());
        sumac_policy::Table::resolve(&mou, &kpi, period, &by).unwrap().key().to_string()
    };
    assert_eq!(
        [
            name("credential_attainment", "2025-26", &["race_ethnicity"]),
            name("enrolment", "2025-26", &["age_band"]),
            name("hires_of_completers", "2026-Q1", &[]),
        ],
        [
            "c9e8d5a72ea836b1ee1c2f007f8be0a150e53aaf82974a2ff7fa66e106621a3a",
            "55e65c8810393dc8db3fb1f5c1c5e6d0adb94a56a92c9439985ea91168550651",
            "293accf63c595a0d6d1eb0cc7540b386625bfda2a8ebf146a59975ba00843e69",
        ]
    );
}

#[test]
fn the_calendar_lists_what_may_be_asked_and_when() {
    let mou = lakeshore();
    let due = mou.calendar_tables();
    let hires: Vec<_> = due
        .iter()
        .filter(|due| due.table.kpi().id.as_str() == "hires_of_completers")
        .map(|due| (due.table.period().to_string(), due.from.to_string()))
        .collect();
    let has = |period: &str, from: &str| hires.contains(&(period.to_owned(), from.to_owned()));
    assert!(
        has("2025-Q3", "2026-07-15"),
        "a period closed before the MOU waits for the MOU: {hires:?}"
    );
    assert!(has("2026-Q3", "2026-10-22"));
    assert!(hires.iter().all(|(_, from)| from.as_str() <= "2028-06-30"));
}

/// Refused on the day before `day`, permitted on it.
fn from_day(mou: &Mou, day: &'static str, asked: &Asked) {
    let first: jiff::civil::Date = day.parse().unwrap();
    let before: &'static str = first.yesterday().unwrap().to_string().leak();
    let refusal = ask_under(mou, &Asked { today: before, ..*asked }).unwrap_err();
    assert_eq!(refusal.reason, Reason::PeriodNotClosed);
    assert!(refusal.hint.contains(day), "{}", refusal.hint);
    assert!(ask_under(mou, &Asked { today: day, ..*asked }).is_ok(), "{day}");
}

#[test]
fn is_in_force_from_its_first_day_to_its_last() {
    for (today, reason) in [
        ("2026-07-14", Some(Reason::MouNotYetEffective)),
        ("2026-07-15", None),
        ("2028-06-30", None),
        ("2028-07-01", Some(Reason::MouExpired)),
    ] {
        let refused = ask(&Asked { today, ..HIRES }).err().map(|refusal| refusal.reason);
        assert_eq!(refused, reason, "{today}");
    }
}

#[test]
fn the_day_of_the_question_pays() {
    for (today, year) in [("2027-06-30", "2026-27"), ("2027-07-01", "2027-28")] {
        let permit = ask(&Asked { today, ..ANNUAL }).unwrap();
        assert_eq!(permit.accounting_year().to_string(), year, "{today}");
    }
}

#[test]
fn a_period_is_asked_from_the_day_after_its_waiting_time() {
    from_day(&lakeshore(), "2026-07-22", &ANNUAL);
    from_day(&lakeshore(), "2027-07-22", &Asked { period: "2026-27", ..ANNUAL });
    let at_once = with("wait_days    = 21", "wait_days = 0");
    from_day(&at_once, "2026-10-01", &Asked { period: "2026-Q3", ..HIRES });
}

#[test]
fn leap_years_move_the_day_by_one() {
    let wait = with("wait_days    = 21", "wait_days = 60");
    from_day(&wait, "2027-03-02", &Asked { period: "2026-Q4", ..HIRES });
    from_day(&wait, "2028-03-01", &Asked { period: "2027-Q4", ..HIRES });
    // A year that ends with February.
    let march = with("year_starts  = \"07-01\"", "year_starts = \"03-01\"");
    from_day(&march, "2027-03-22", &Asked { period: "2026-27", ..ANNUAL });
    from_day(&march, "2028-03-22", &Asked { period: "2027-28", ..ANNUAL });
    let last = |period| {
        let asked = Asked { period, today: "2028-06-30", ..ANNUAL };
        ask_under(&march, &asked).unwrap().table().span().last.to_string()
    };
    assert_eq!(last("2026-27"), "2027-02-28");
    assert_eq!(last("2027-28"), "2028-02-29");
}

#[test]
fn spans_of_years_are_laid_end_to_end() {
    let mou = with("period      = \"year\"\nmargin      = 15", "period = \"2 years\"\nmargin = 15");
    let enrolled = |period| Asked { kpi: "enrolment", period, today: "2027-08-01", ..ANNUAL };
    from_day(&mou, "2027-07-22", &enrolled("2025-26/2026-27"));
    for period in ["2025-26", "2026-27/2027-28", "2025-26/2027-28", "2025/2026"] {
        let refusal = ask_under(&mou, &enrolled(period)).unwrap_err();
        assert_eq!(refusal.reason, Reason::PeriodNotOfKpi, "{period}");
        assert_eq!(refusal.hint, "such as 2025-26/2026-27");
    }
    let earlier = ask_under(&mou, &enrolled("2023-24/2024-25")).unwrap_err();
    assert_eq!(earlier.reason, Reason::PeriodBeforeFirst);
}

#[test]
fn every_reason_has_its_own_code() {
    for reason in Reason::ALL {
        assert_eq!(Reason::from_code(reason.code()), Some(reason));
        assert!(reason.code().chars().all(|c| c.is_ascii_uppercase() || c == '_'));
    }
    assert_eq!(Reason::from_code(""), None);
    assert_eq!(Reason::from_code("ALLOWED"), None);
}

#[test]
fn promise_5_no_by_default() {
    // No MOU, an unknown word in it, a clause that this version cannot enforce: there is nothing to decide by.
    let changed = |from, to| LAKESHORE.replacen(from, to, 1);
    for text in [
        String::new(),
        changed("[privacy]", "[privcy]"),
        changed("floor       =", "ceiling = 3\nfloor ="),
        changed("\"coalition\"", "\"somewhere\""),
        changed("floor_at    =", "tails = \"slds-brief-3\"\nfloor_at ="),
        changed("version   = 1", "version   = 2"),
    ] {
        let problems = Mou::read(text.as_bytes()).unwrap_err();
        assert!(!problems.0.is_empty());
    }
    // A word that the MOU does not list, or a day outside it: refused, with what to do.
    for (asked, reason) in [
        (Asked { kpi: "anything", ..ANNUAL }, Reason::KpiNotListed),
        (Asked { purpose: "curiosity", ..ANNUAL }, Reason::PurposeNotListed),
        (Asked { by: &["anything"], ..ANNUAL }, Reason::BreakdownNotListed),
        (Asked { node: "anybody", ..ANNUAL }, Reason::KpiNotAnsweredHere),
        (Asked { roster: &[], ..HIRES }, Reason::RosterTooSmall),
        (Asked { today: "2026-07-14", ..ANNUAL }, Reason::MouNotYetEffective),
        (Asked { today: "2028-07-01", ..ANNUAL }, Reason::MouExpired),
    ] {
        let refusal = ask(&asked).unwrap_err();
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(!refusal.hint.is_empty(), "{refusal}");
    }
    // The total is a table like any other: where it is not listed, it is never measured.
    let without_total =
        with("[[], [\"race_ethnicity\"], [\"sex\"], [\"age_band\"]]\n", "[[\"sex\"]]\n");
    let total = Asked { by: &[], ..ANNUAL };
    assert!(matches!(permitted(&without_total, &total), Ok(Permitted::Derive(_))));
    let unheld = Asked { by: &["age_band"], ..ANNUAL };
    assert_eq!(ask_under(&without_total, &unheld).unwrap_err().reason, Reason::BreakdownNotListed);
    // A role that may nothing permits nothing.
    let silent =
        with("\"every-party\", may = [\"read\", \"propose\"]", "\"every-party\", may = []");
    let member = Asked { peer: ("harbor-tech", PeerRole::Analyst), ..ANNUAL };
    assert_eq!(ask_under(&silent, &member).unwrap_err().reason, Reason::PartyMayNotAsk);
}

#[test]
fn promise_10_peers_are_who_the_mou_says() {
    let open =
        with("\"every-party\", may = [\"read\", \"propose\"]", "\"every-party\", may = [\"ask\"]");
    let asked = |party, role| ask_under(&open, &Asked { peer: (party, role), ..ANNUAL });
    // Every party is every party that the MOU lists, and nobody else.
    assert!(asked("harbor-tech", PeerRole::Analyst).is_ok());
    assert_eq!(asked("stranger", PeerRole::Analyst).unwrap_err().reason, Reason::PartyMayNotAsk);
    for role in [PeerRole::Node, PeerRole::Steward] {
        assert_eq!(asked("harbor-tech", role).unwrap_err().reason, Reason::RoleMayNotAsk);
    }
    // A root stands for one party alone.
    let mou = lakeshore();
    let root = |id: &str| mou.party(&id.parse().unwrap()).unwrap().root.to_string();
    let shared = LAKESHORE.replace(&root("harbor-tech"), &root("lakeshore-cc"));
    let problems = Mou::read(shared.as_bytes()).unwrap_err();
    assert!(problems.to_string().contains("another party's root"), "{problems}");
}

#[test]
fn who_may_only_read_gets_what_is_released_and_nothing_measured() {
    let measured = |peer| match permitted(&lakeshore(), &Asked { peer, ..ANNUAL }) {
        Ok(Permitted::Measure(permit)) => permit.measure().err().map(|refusal| refusal.reason),
        other => panic!("{other:?}"),
    };
    assert_eq!(measured(("lakeshore-chamber", PeerRole::Analyst)), None);
    assert_eq!(measured(("harbor-tech", PeerRole::Analyst)), Some(Reason::NotReleasedYet));
}

#[test]
fn a_pilot_is_asked_of_its_parties_about_its_kpis_until_it_ends() {
    let pilot =
        "[pilot]\nuntil = 2026-12-31\nparties = [\"lakeshore-cc\"]\nkpis = [\"retention\"]\n\n";
    let mou = with("[agreement]", &format!("{pilot}[agreement]"));
    let reason = |asked: Asked| ask_under(&mou, &asked).err().map(|refusal| refusal.reason);
    let retention = Asked { kpi: "retention", by: &[], ..ANNUAL };
    let last = "2026-12-31";
    assert_eq!(reason(Asked { today: last, ..retention }), None);
    assert_eq!(
        reason(Asked { today: last, node: "harbor-tech", ..retention }),
        Some(Reason::NotInPilot)
    );
    assert_eq!(reason(Asked { today: last, ..ANNUAL }), Some(Reason::NotInPilot));
    assert_eq!(reason(Asked { today: "2027-01-01", node: "harbor-tech", ..retention }), None);
    assert_eq!(reason(Asked { today: "2027-01-01", ..ANNUAL }), None);
    // The calendar knows: what the pilot leaves out falls due after it.
    let first = |kpi: &str| {
        let due = mou.calendar_tables();
        due.iter().find(|due| due.table.kpi().id.as_str() == kpi).unwrap().from.to_string()
    };
    assert_eq!(first("retention"), "2026-07-22");
    assert_eq!(first("enrolment"), "2027-01-01");
}

#[test]
fn restrictions_take_the_strictest_of_what_they_say() {
    let text = LAKESHORE.to_owned()
        + "\n[[restrict]]\nbecause = \"few\"\nfloor = 25\n\
           \n[[restrict]]\nbecause = \"few\"\nkpi = \"retention\"\nmargin = 40\n\
           \n[[restrict]]\nbecause = \"few\"\nkpi = \"retention\"\nmargin = 3\n\
           \n[[restrict]]\nbecause = \"not now\"\nkpi = \"hires_of_completers\"\nrefuse = true\n\
           \n[[restrict]]\nbecause = \"law\"\nkpi = \"enrolment\"\ncolumn = \"sex\"\nrefuse = true\n";
    let mou = Mou::read(text.as_bytes()).unwrap();
    assert_eq!(mou.privacy().floor, 25);
    assert_eq!(mou.kpi(&"retention".parse().unwrap()).unwrap().margin.learners(), 40);
    assert_eq!(ask_under(&mou, &HIRES).unwrap_err().reason, Reason::Restricted);
    let by_sex = |kpi| ask_under(&mou, &Asked { kpi, by: &["sex"], ..ANNUAL });
    assert_eq!(by_sex("enrolment").unwrap_err().reason, Reason::Restricted);
    assert!(by_sex("credential_attainment").is_ok());
}
