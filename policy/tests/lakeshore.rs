//! The shipped example agreement, decided question by question.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]

use sumac_policy::{
    Breakdown, Mou, PartyId, Peer, PeerRole, Permit, Question, Reason, Refusal, Severity, decide,
    standard,
};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

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
        &lakeshore(),
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
        (Asked { peer: ("harbor-tech", PeerRole::Analyst), ..ANNUAL }, Reason::PartyMayNotAsk),
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
    // Both orders of one breakdown are one table.
    let crossed =
        |by: &str| read(LAKESHORE.replace("[\"age_band\"]]     #", &format!("[{by}]]     #")));
    let (one, two) = (crossed("\"sex\", \"age_band\""), crossed("\"age_band\", \"sex\""));
    for order in [["sex", "age_band"], ["age_band", "sex"]] {
        let same = key(&one, "enrolment", "2025-26", &["sex", "age_band"]);
        assert_eq!(same, key(&one, "enrolment", "2025-26", &order));
        assert!(two.kpis().len() == 6);
    }
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
