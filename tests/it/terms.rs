//! Periods by term: two real nodes asked for fall and spring, whose learners are counted by hand; a term that an
//! amendment moves; and all of it through the shipped command.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;
use sumac_backbone::report::{Format, report};
use sumac_backbone::{Absence, Answers, combine};
use sumac_node::records::canonical::{Canonical, PersonKey, Rows, Values};
use sumac_node::store::read_only;
use sumac_policy::{PeerRole, Reason, TableKey, TableName};

use crate::coalition::{Coalition, Serving, freeze, wanted};
use crate::command::{CHAMBER, COLLEGE, Site};
use crate::promises::{LAKESHORE, PARTIES, answer, cells, refusal, start};

const COLLEGES: [&str; 2] = ["lakeshore-cc", "harbor-tech"];
const TERMS: &str = "terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }";
/// At a margin of one learner, a table costs 1.9208 ρ, and no cell is far from what it is.
const PRICE: u64 = 1_920_800_000;
const NEAR: i64 = 4;

/// The example with terms, by which its enrolment is reported, at a margin of one learner.
fn agreement() -> String {
    let changes = [
        ("wait_days ", format!("{TERMS}\nwait_days ")),
        ("\"year\"\nmargin      = 15", "\"term\"\nmargin = 1".to_owned()),
        ("rho = 0.5 ", "rho = 50.0 ".to_owned()),
    ];
    changes.iter().fold(LAKESHORE.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the example has no {from:?}");
        text.replacen(from, to, 1)
    })
}

/// Learners, numbered from 0, with the first days of the terms in which each is enrolled.
fn records(learners: &[(usize, &[&str])]) -> Canonical {
    let key = |n: usize| -> PersonKey { [u8::try_from(n).unwrap(); 16] };
    let epoch = Date::constant(1970, 1, 1);
    let day = |text: &str| text.parse::<Date>().unwrap().since(epoch).unwrap().get_days();
    let each = learners.iter().flat_map(|(count, days)| std::iter::repeat_n(*days, *count));
    let each: Vec<&[&str]> = each.collect();
    let of_learner = |n: usize| std::iter::repeat_n(key(n), each[n].len());
    let rows = Rows {
        person: (0..each.len()).flat_map(of_learner).collect(),
        columns: vec![(
            "term_start".into(),
            Values::Date(each.iter().copied().flatten().map(|text| Some(day(text))).collect()),
        )],
    };
    Canonical { tables: BTreeMap::from([(TableName::Enrolment, rows)]) }
}

/// 90 learners: 50 of fall alone, two of whose rows count once; 30 of fall and spring; 10 of spring alone.
fn lakeshore() -> Canonical {
    records(&[
        (48, &["2025-08-18"]),
        (2, &["2025-08-18", "2025-10-20"]),
        (30, &["2025-08-18", "2026-01-12"]),
        (10, &["2026-01-12"]),
    ])
}

/// 60 learners: 15 who begin on 15 August, 25 in winter, which is fall here, 20 on the last day of spring.
fn harbor() -> Canonical {
    records(&[(15, &["2025-08-15"]), (25, &["2026-01-09"]), (20, &["2026-05-19"])])
}

/// Starts both colleges' nodes. Lakeshore states its terms; Harbor's year covers them.
async fn both(coalition: &Coalition) -> Vec<Serving> {
    let mut serving = Vec::new();
    let stated: [(Canonical, &[&str]); 2] =
        [(lakeshore(), &["2025-FALL", "2026-SPRING"]), (harbor(), &["2025-26"])];
    for ((party, (data, covers)), seed) in COLLEGES.into_iter().zip(stated).zip(1..) {
        let snapshots = coalition.home(party).join("snapshots");
        freeze(coalition, &snapshots, &data, covers);
        serving.push(start(coalition, party, seed, &snapshots).await);
    }
    serving
}

async fn ask(coalition: &Coalition, period: &str) -> (TableKey, Answers) {
    let asker = coalition.asker("lakeshore-chamber", PeerRole::Analyst);
    let tables = wanted(&coalition.mou, "enrolment", period, &[&[]]);
    let key = tables[0].table.key();
    let id = format!("maria.{period}").parse().unwrap();
    (key, asker.ask(&id, &tables).await.remove(0))
}

#[track_caller]
fn near(answers: &Answers, expected: [i64; 2]) {
    for (party, expected) in COLLEGES.into_iter().zip(expected) {
        let cells = cells(answers, party);
        assert!(cells.len() == 1 && (cells[0] - expected).abs() <= NEAR, "{party}: {cells:?}");
    }
}

fn spent(coalition: &Coalition) -> [(u64, u64); 2] {
    [(COLLEGES[0], 1), (COLLEGES[1], 2)].map(|(party, seed)| {
        let summary = read_only(&coalition.ledger(party, seed)).unwrap();
        (summary.charged_tables, summary.lifetime_nano_rho)
    })
}

#[tokio::test]
async fn two_nodes_are_asked_for_fall_and_for_spring() {
    let coalition = Coalition::under(&agreement(), PARTIES.clone(), &COLLEGES).await;
    let serving = both(&coalition).await;

    let (fall, answers) = ask(&coalition, "2025-FALL").await;
    near(&answers, [80, 40]);
    let combined = combine(&coalition.mou, answers);
    let (spring, answers) = ask(&coalition, "2026-SPRING").await;
    near(&answers, [40, 20]);
    assert_ne!(fall, spring);
    // A learner may be in both, so both are paid for in full.
    assert_eq!(spent(&coalition), [(2, 2 * PRICE); 2]);

    let both = [combined, combine(&coalition.mou, answers)];
    let json: Value = serde_json::from_str(&report(Format::Json, &both)).unwrap();
    for (table, (period, learners)) in [("2025-FALL", 120), ("2026-SPRING", 60)].iter().enumerate()
    {
        let table = &json["tables"][table];
        assert_eq!(table["period"], *period);
        let size = table["groups"][0]["size"]["value"].as_i64().unwrap();
        assert!((size - learners).abs() <= 2 * NEAR, "{period}: {size}");
    }
    let table = report(Format::Table, &both);
    assert!(table.contains("2025-FALL") && table.contains("2026-SPRING"), "{table}");

    let (_, early) = ask(&coalition, "2026-SUMMER").await;
    assert_eq!(refusal(&early, COLLEGES[0]), Reason::PeriodNotClosed);
    assert_eq!(spent(&coalition), [(2, 2 * PRICE); 2]);
    for node in serving {
        node.stop().await;
    }
}

#[tokio::test]
async fn a_term_that_an_amendment_moves_is_another_table() {
    let mut coalition = Coalition::under(&agreement(), PARTIES.clone(), &COLLEGES).await;
    let serving = both(&coalition).await;
    let (before, answers) = ask(&coalition, "2025-FALL").await;
    near(&answers, [80, 40]);
    let (spring, answers) = ask(&coalition, "2026-SPRING").await;
    let released = COLLEGES.map(|party| cells(&answers, party));
    for node in serving {
        node.stop().await;
    }

    // From 16 August on, without those of the 15th.
    coalition.amend("FALL = \"08-15\"", "FALL = \"08-16\"");
    let mut serving = Vec::new();
    for (party, seed) in COLLEGES.into_iter().zip(1..) {
        serving
            .push(start(&coalition, party, seed, &coalition.home(party).join("snapshots")).await);
    }
    // Lakeshore stated a fall that began a day earlier; the year that Harbor stated has the days it had.
    let (after, answers) = ask(&coalition, "2025-FALL").await;
    assert_ne!(before, after);
    match answer(&answers, COLLEGES[0]) {
        Err(Absence::Refused(refusal)) => {
            assert_eq!(refusal.reason, Reason::PeriodNotHeld);
            assert!(refusal.message.contains("calendar has moved since"), "{refusal}");
            assert!(refusal.hint.contains("import again"), "{refusal}");
        }
        other => panic!("not refused: {other:?}"),
    }
    assert!((cells(&answers, COLLEGES[1])[0] - 25).abs() <= NEAR, "{answers:?}");
    assert_eq!(spent(&coalition), [(2, 2 * PRICE), (3, 3 * PRICE)]);
    let snapshots = coalition.home(COLLEGES[0]).join("snapshots");
    freeze(&coalition, &snapshots, &lakeshore(), &["2025-FALL", "2026-SPRING"]);
    let (again, answers) = ask(&coalition, "2025-FALL").await;
    assert_eq!(again, after);
    near(&answers, [80, 25]);
    assert_eq!(spent(&coalition), [(3, 3 * PRICE); 2]);
    // Spring has the days it had: what is released of it is answered, free.
    let (same, answers) = ask(&coalition, "2026-SPRING").await;
    assert_eq!((same, COLLEGES.map(|party| cells(&answers, party))), (spring, released));
    assert_eq!(spent(&coalition), [(3, 3 * PRICE); 2]);
    for node in serving {
        node.stop().await;
    }
}

#[test]
fn the_command_imports_asks_explains_and_verifies_terms() {
    let site = Site::under(|mou| {
        mou.replace("wait_days ", &format!("{TERMS}\nwait_days "))
            .replace("period      = \"year\"", "period      = \"term\"")
    });
    let import = |covers: &[&str]| {
        let words = ["import", "export.csv", "--mapping", "mapping.toml", "--as-of"];
        let stated = covers.iter().flat_map(|period| ["--covers", period]);
        let words: Vec<_> = words.into_iter().chain(["2026-02-01"]).chain(stated).collect();
        site.run(COLLEGE, &words)
    };
    // All enrol on 1 September 2025, a third on that day of 2023 as well.
    let export = (0..900).map(|n| {
        let before = if n % 3 == 0 { format!("L{n},F,1,2023-09-01\n") } else { String::new() };
        format!("{before}L{n},F,1,2025-09-01\n")
    });
    let export = "ID,SEX,RACE,START\n".to_owned() + &export.collect::<String>();
    std::fs::write(site.dir().join("export.csv"), export).unwrap();
    for (covers, said) in [
        ("2025-WINTER", "--covers 2025-WINTER: this MOU has no such term"),
        ("2026-SPRING", "2026-SPRING ends on 2026-05-19: take the data after that day"),
        ("2025-Q4", "no KPI of the MOU is reported by such a period"),
    ] {
        import(&[covers]).badly(1, &[said]);
    }
    import(&["2025-FALL", "2025-SPRING"]).well();

    let serving = site.serve();
    let ask = |period: &str, more: &[&str]| {
        site.run(CHAMBER, &[&["ask", "enrolment", "--period", period], more].concat())
    };
    let fall = ask("2025-FALL", &["--format", "json"]).well();
    let fall: Value = serde_json::from_str(&fall.out).unwrap();
    let size = fall["tables"][0]["groups"][0]["size"]["value"].as_i64().unwrap();
    assert!((size - 900).abs() <= 400, "{size}");
    assert_eq!(fall["tables"][0]["period"], "2025-FALL");
    // Spring has nobody, and looks like few; of 2023 nothing is stated.
    let spring = ask("2025-SPRING", &[]).well().out;
    assert!(spring.contains("below floor"), "{spring}");
    ask("2023-FALL", &[]).badly(3, &["PERIOD_NOT_HELD"]);
    let refused = ask("2025", &[]);
    refused.badly(3, &["reported by term, and 2025 is no such period"]);
    let status = site.run(COLLEGE, &["status"]).well().out;
    assert!(status.contains("covers 2025-FALL, 2025-SPRING"), "{status}");
    serving.stop();

    let shown = site.run(COLLEGE, &["ledger", "show"]).well().out;
    assert!(shown.contains("2025-FALL") && shown.contains("2025-SPRING"), "{shown}");
    let listed = site.run(CHAMBER, &["receipt", "list"]).well().out;
    let receipt = listed.lines().find(|line| line.contains("2025-FALL")).unwrap();
    let file = site.home(CHAMBER).join(receipt.split_whitespace().last().unwrap());
    let mou = site.home(CHAMBER).join("mou");
    let (file, mou) = (file.to_str().unwrap(), mou.to_str().unwrap());
    let verified = site.run("nobody", &["receipt", "verify", file, "--mou", mou]).well().out;
    assert!(verified.contains("2025-FALL"), "{verified}");

    let explained = site.run(CHAMBER, &["mou", "explain", mou]).well().out;
    let words = explained.split_whitespace().collect::<Vec<_>>().join(" ");
    for sentence in [
        "Academic terms begin on 10 January (SPRING), 20 May (SUMMER) and 15 August (FALL), and each lasts until the \
         day before the next begins",
        "Each table is measured once for each term; the first is 2000-SPRING",
        "whose first day of the term lies in the term.",
    ] {
        assert!(words.contains(sentence), "{sentence}: {words}");
    }
}
