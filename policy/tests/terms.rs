//! The shipped example with terms, and its enrolment reported by them: what may be asked, when, and what names it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![expect(clippy::disallowed_methods, reason = "no chain is verified here: the peer is given")]

use std::collections::BTreeSet;

use sumac_policy::diff::{Diff, Version};
use sumac_policy::{
    Breakdown, Holdings, Mou, Narrow, Peer, PeerRole, Question, Reason, Refusal, Resolved, Table,
    decide, needed,
};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
const TERMS: &str = "FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\"";

/// The example's text with these terms.
fn text(terms: &str) -> String {
    LAKESHORE.replacen("wait_days ", &format!("terms = {{ {terms} }}\nwait_days "), 1).replacen(
        "\"year\"\nmargin      = 15",
        "\"term\"\nmargin = 15",
        1,
    )
}

fn mou(terms: &str) -> Mou {
    Mou::read(text(terms).as_bytes()).unwrap()
}

fn resolve(mou: &Mou, period: &str) -> Result<Table, Refusal> {
    Table::resolve(mou, &"enrolment".parse().unwrap(), period.parse().unwrap(), &Breakdown::by([]))
}

fn table(mou: &Mou, period: &str) -> Table {
    resolve(mou, period).unwrap()
}

/// What a college's node says to the chamber on a day.
fn asked(mou: &Mou, period: &str, today: &str) -> Result<(), Refusal> {
    let chamber = "lakeshore-chamber".parse().unwrap();
    let peer = Peer::verified_by_keys(chamber, PeerRole::Analyst, "ada".to_owned());
    let colleges = ["lakeshore-cc", "harbor-tech"].map(|id| id.parse().unwrap());
    let question = Question {
        kpi: "enrolment".parse().unwrap(),
        period: period.parse().unwrap(),
        breakdown: Breakdown::by([]),
        purpose: "annual-report".parse().unwrap(),
    };
    let today = today.parse().unwrap();
    let permitted = decide(mou, &Narrow::none(), &colleges[0], &peer, &question, &colleges, today);
    permitted.map(|_| ())
}

#[test]
fn a_term_is_asked_from_the_day_after_its_waiting_time() {
    let mou = mou(TERMS);
    for (period, last, from) in [
        ("2025-FALL", "2026-01-09", "2026-07-15"),
        ("2026-SUMMER", "2026-08-14", "2026-09-05"),
        ("2026-FALL", "2027-01-09", "2027-01-31"),
        ("2027-SPRING", "2027-05-19", "2027-06-10"),
    ] {
        assert_eq!(table(&mou, period).span().last.to_string(), last);
        let from: jiff::civil::Date = from.parse().unwrap();
        assert_eq!(asked(&mou, period, &from.to_string()), Ok(()), "{period}");
        let before = asked(&mou, period, &from.yesterday().unwrap().to_string()).unwrap_err();
        // The first is past its time when the agreement takes effect.
        let reasons = [Reason::PeriodNotClosed, Reason::MouNotYetEffective];
        assert!(reasons.contains(&before.reason), "{period}: {before}");
        let due = mou.calendar_tables().into_iter().find(|due| {
            due.table.kpi().id.as_str() == "enrolment" && due.table.period().to_string() == period
        });
        assert_eq!(due.unwrap().from, from, "{period}");
    }
}

#[test]
fn what_is_no_term_of_the_agreement_is_refused() {
    let mou = mou(TERMS);
    for (period, reason, said) in [
        ("2025-26", Reason::PeriodNotOfKpi, "reported by term, and 2025-26 is no such period"),
        ("2026-Q1", Reason::PeriodNotOfKpi, "the MOU's terms are SPRING, SUMMER, FALL"),
        ("2026-WINTER", Reason::PeriodNotOfKpi, "such as 2025-FALL; the MOU's terms are"),
        // It began in May, in the reporting year before the first.
        ("2025-SUMMER", Reason::PeriodBeforeFirst, "2025-SUMMER begins before 2025-26"),
        ("2028-SPRING", Reason::PeriodNotClosed, "2028-SPRING closes on 2028-05-19"),
    ] {
        let refusal = asked(&mou, period, "2027-08-01").unwrap_err();
        assert_eq!(refusal.reason, reason, "{refusal}");
        assert!(refusal.to_string().contains(said) || refusal.hint.contains(said), "{refusal:?}");
    }
}

#[test]
fn the_terms_of_a_year_are_tables_of_their_own() {
    let mou = mou(TERMS);
    let tables = mou.calendar_tables();
    let of_enrolment = tables.iter().filter(|due| due.table.kpi().id.as_str() == "enrolment");
    let periods: BTreeSet<String> =
        of_enrolment.clone().map(|due| due.table.period().to_string()).collect();
    let expected = ["2025-FALL", "2026-FALL", "2026-SPRING", "2026-SUMMER", "2027-FALL"];
    let expected = expected.into_iter().chain(["2027-SPRING", "2027-SUMMER", "2028-SPRING"]);
    assert_eq!(periods, expected.map(str::to_owned).collect());
    let keys: BTreeSet<_> = of_enrolment.clone().map(|due| due.table.key()).collect();
    assert_eq!(keys.len(), of_enrolment.count());
}

#[test]
fn a_table_is_named_by_the_days_of_its_term() {
    let names = |terms: &str| {
        let mou = mou(terms);
        ["2025-FALL", "2026-SPRING", "2026-SUMMER"].map(|period| table(&mou, period).key())
    };
    let [fall, spring, summer] = names(TERMS);
    assert_eq!(
        names("SUMMER = \"05-20\", SPRING = \"01-10\", FALL = \"08-15\""),
        [fall, spring, summer]
    );
    // Moving a term's first day moves the last day of the one before, and nothing else.
    let moved = names("FALL = \"08-20\", SPRING = \"01-10\", SUMMER = \"05-20\"");
    assert!(moved[0] != fall && moved[1] == spring && moved[2] != summer);
    // A term that comes between is the end of the one before it.
    let with_winter = names(&format!("{TERMS}, WINTER = \"12-15\""));
    assert!(with_winter[0] != fall && with_winter[1..] == [spring, summer]);
    // Under another start of years, the same term is the same table.
    let august = text(TERMS).replacen("\"07-01\"", "\"08-01\"", 1);
    let august = Mou::read(august.as_bytes()).unwrap();
    assert_eq!(table(&august, "2025-FALL").key(), fall);
    // A change of this name would make nodes measure what they have released already.
    assert_eq!(
        fall.to_string(),
        "b7316d6c6f0af9b31630794b633e4ddd95777b59db55cfddd784ad5f7d53d342"
    );
}

#[test]
fn a_term_some_years_earlier_is_the_same_term() {
    let lagged = text(TERMS).replacen(
        "uses        = \"ipeds/enrolment_headcount\"",
        "title = \"Two years ago\"\ndefine = { measure = \"count\", of = \"enrolment\", during = \"term_start\", lag_years = 2 }",
        1,
    );
    let mou = Mou::read(lagged.as_bytes()).unwrap();
    for (period, first, last) in
        [("2025-FALL", "2023-08-15", "2024-01-09"), ("2027-SPRING", "2025-01-10", "2025-05-19")]
    {
        let rows = table(&mou, period).rows_span();
        assert_eq!((rows.first.to_string(), rows.last.to_string()), (first.into(), last.into()));
    }
}

#[test]
fn a_term_is_held_if_it_is_stated_or_made_of_stated_years() {
    let mou = mou(TERMS);
    let reason = |period: &str, covers: &[&str]| {
        let table = table(&mou, period);
        let covers = covers.iter().map(|period| period.parse().unwrap());
        let covers = covers.map(|period| mou.calendar().covered(period).unwrap()).collect();
        let as_of = "2030-01-01".parse().unwrap();
        let held = Holdings { as_of, covers, columns: needed(&table) }.hold(&table);
        held.err().map(|refusal| refusal.reason)
    };
    let not_held = Some(Reason::PeriodNotHeld);
    for (period, covers, expected) in [
        ("2025-FALL", &["2025-FALL"][..], None),
        ("2025-FALL", &["2025-26"], None),
        ("2026-SPRING", &["2025-26"], None),
        ("2025-FALL", &["2026-SPRING", "2024-FALL"], not_held),
        ("2025-FALL", &["2026-27"], not_held),
        ("2025-FALL", &[], not_held),
        // From 20 May to 14 August: in two reporting years.
        ("2026-SUMMER", &["2025-26"], not_held),
        ("2026-SUMMER", &["2026-27"], not_held),
        ("2026-SUMMER", &["2025-26", "2026-27"], None),
        ("2026-SUMMER", &["2026-SUMMER"], None),
    ] {
        assert_eq!(reason(period, covers), expected, "{period} of {covers:?}");
    }
    // Data of a term's last day may lack what that day still brought.
    let fall = table(&mou, "2025-FALL");
    for (as_of, expected) in [("2026-01-09", Some(Reason::SnapshotTooEarly)), ("2026-01-10", None)]
    {
        let covers = vec![mou.calendar().covered(fall.period()).unwrap()];
        let holdings = Holdings { as_of: as_of.parse().unwrap(), covers, columns: needed(&fall) };
        assert_eq!(holdings.hold(&fall).err().map(|refusal| refusal.reason), expected, "{as_of}");
    }
}

#[test]
fn a_roll_up_is_of_the_same_term() {
    let mou = mou(TERMS);
    let by = Breakdown::by(["age_band".parse().unwrap()]);
    let (kpi, period) = ("enrolment".parse().unwrap(), "2025-FALL".parse().unwrap());
    match Resolved::of(&mou, &kpi, period, &by) {
        Ok(Resolved::RollUp(roll_up)) => {
            let spans = roll_up.sources().iter().map(|source| source.table().span());
            assert!(spans.clone().count() > 0);
            assert!(spans.into_iter().all(|span| span == roll_up.table().span()));
        }
        other => {
            assert!(mou.kpi(&kpi).unwrap().by.iter().any(|listed| listed.is_same(&by)), "{other:?}")
        }
    }
}

#[test]
fn a_moved_term_is_a_change_with_a_question_that_shows_it() {
    let read = |terms: &str| Version::read(text(terms).as_bytes()).unwrap();
    let (old, new) =
        (read(TERMS), read("FALL = \"08-20\", SPRING = \"01-10\", SUMMER = \"05-20\""));
    let diff = Diff::between(&old, &new);
    let said: Vec<_> = diff
        .changes
        .iter()
        .map(|found| format!("{}: {}", found.change.direction, found.change.sentence))
        .collect();
    assert_eq!(
        said,
        [
            "both: begins FALL on 08-20 instead of 08-15: other days are meant by 2025-FALL, 2026-SUMMER, 2026-FALL, \
             2027-SUMMER and 2027-FALL of `enrolment`",
            "narrows: lets periods be asked about later, because its terms end on other days",
        ]
    );
    for found in &diff.changes {
        let references: Vec<_> = found.clauses.iter().map(|clause| &clause.reference).collect();
        assert_eq!(references, ["calendar.terms.FALL"]);
        assert!(!found.change.witnesses.is_empty());
        for witness in &found.change.witnesses {
            assert_ne!(witness.old.as_ref().ok(), witness.new.as_ref().ok());
        }
    }
    // A term that comes between takes the end of another, and is newly answered.
    let winter = read(&format!("{TERMS}, WINTER = \"12-15\""));
    let diff = Diff::between(&old, &winter);
    let said: Vec<_> = diff.changes.iter().map(|found| found.change.sentence.as_str()).collect();
    assert_eq!(
        said,
        [
            "newly answers `enrolment` for 2025-WINTER, 2026-WINTER and 2027-WINTER",
            "lets periods be asked about sooner, because its terms end on other days",
            "adds WINTER, from 12-15 on: other days are meant by 2025-FALL, 2026-FALL and 2027-FALL of `enrolment`",
        ]
    );
    // Written in another order it is no change.
    let reordered = read("SUMMER = \"05-20\", SPRING = \"01-10\", FALL = \"08-15\"");
    let same = Diff::between(&old, &reordered);
    assert!(same.is_same());
}
