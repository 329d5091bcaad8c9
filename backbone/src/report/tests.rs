#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use sumac_policy::{Clause, Reason, Refusal};

use super::*;
use crate::absence::Absence;
use crate::testing::Coalition;

fn attainment() -> Combined {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["sex"]);
    coalition.combined(
        &table,
        [
            Ok(coalition.verified(
                &table,
                "lakeshore-cc",
                vec![1204, 1400, 990, 1810, 0, 4, -2, 7],
            )),
            Ok(coalition.verified(&table, "harbor-tech", vec![400, 600, 300, 700, 2, 1, 0, -5])),
        ],
    )
}

fn completers() -> Combined {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let refusal = Refusal {
        reason: Reason::PeriodNotHeld,
        clause: Clause::at("calendar"),
        message: "this node's data does not cover 2025-26".into(),
        hint: "ask the partner to import data that covers it".into(),
    };
    let good = Ok(coalition.verified(&table, "harbor-tech", vec![12_345]));
    coalition.combined(&table, [Err(Absence::Refused(refusal)), good])
}

fn nobody() -> Combined {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let fault = || Err(Absence::Fault("7f3a".parse().unwrap()));
    coalition.combined(&table, [fault(), fault()])
}

#[test]
fn the_table_reads_like_this() {
    let expected = "\
Credential attainment, 2025-26, by Sex  (attainment)
 Sex                     Rate   95 % interval     Learners   Attained a credential      Did not
────────────────────────────────────────────────────────────────────────────────────────────────
 Women                 44.5 %     44.2–44.8 %   3,604 ± 20              1,604 ± 15   2,000 ± 15
 Men                   33.9 %     33.7–34.2 %   3,800 ± 20              1,290 ± 15   2,510 ± 15
 Another gender   below floor
 Unknown          below floor
behind everyone else: Men, by 10.6 points (flagged from 2.0)
answered by 2 of 2: lakeshore-cc, harbor-tech (not deduplicated)
privacy: guessing that a learner is in it goes right 54 times in 100 (56 if known to all 2), not 50

Completers, 2025-26, everybody  (completers)
    Learners
─────────────
 12,345 ± 10
answered by 1 of 2: harbor-tech
missing: lakeshore-cc, refused (PERIOD_NOT_HELD): this node's data does not cover 2025-26
  clause: calendar
  hint: ask the partner to import data that covers it
privacy: guessing that a learner is in it goes right 54 times in 100, not 50

Completers, 2025-26, everybody  (completers)
answered by 0 of 2
missing: lakeshore-cc, its node failed
  hint: quote 7f3a to its operator, who finds the cause in the log
missing: harbor-tech, its node failed
  hint: quote 7f3a to its operator, who finds the cause in the log

±, interval: for the noise alone, 95 % of the time
not deduplicated: a learner known to several parties counts at each
";
    let text = report(Format::Table, &[attainment(), completers(), nobody()]);
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn the_table_fits_a_hundred_columns_and_has_no_colour() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["sex", "age_band"]);
    let cells = vec![1_000_000; table.cells()];
    let release = Ok(coalition.verified(&table, "lakeshore-cc", cells));
    let text = report(Format::Table, &[coalition.combined(&table, [release])]);
    let numbers: Vec<_> = text.lines().filter(|line| line.contains('±')).collect();
    assert!(numbers.len() >= 4 * 5, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    assert!(!text.contains('\u{1b}'), "{text}");
}

/// By age band alone, which is not listed: each node adds it up from sex and age band. One of them anew.
fn derived() -> Combined {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("attainment", &["age_band"]);
    let source = coalition.table("attainment", &["sex", "age_band"]).key();
    let release = |party: &str, revision: u32| {
        let facts = sumac_protocol::ReleaseFacts {
            price_nano_rho: 0,
            left_nano_rho: None,
            margin: sumac_policy::Margin::new(20).unwrap(),
            revision,
            table: table.key().at(revision),
            derived_from: Some(sumac_protocol::DerivedFrom { table: source, revision: 0 }),
            ..coalition.facts(&table, party, vec![1000; 10])
        };
        coalition.check(&table, party, crate::testing::sealed(party, facts)).unwrap()
    };
    let releases = [Ok(release("lakeshore-cc", 0)), Ok(release("harbor-tech", 1))];
    coalition.combined(&table, releases)
}

#[test]
fn a_derived_table_and_a_correction_are_said_in_every_format() {
    let text = |format| report(format, &[derived()]);
    let table = text(Format::Table);
    assert!(table.contains("derived: added up from a released table"), "{table}");
    assert!(table.contains("revision 2: harbor-tech"), "{table}");
    assert!(!table.contains("privacy:"), "{table}");
    let csv = text(Format::Csv);
    assert!(csv.lines().skip(1).all(|row| row.ends_with(",derived,harbor-tech:2,")), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&text(Format::Json)).unwrap();
    assert_eq!(json["tables"][0]["derived"], true);
    assert_eq!(json["tables"][0]["revised"]["harbor-tech"], 2);
    assert_eq!(json["tables"][0]["price_nano_rho"], 0);
}

#[test]
fn a_node_that_is_stricter_than_the_mou_is_named_in_every_format() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &[]);
    let facts = sumac_protocol::ReleaseFacts {
        margin: sumac_policy::Margin::new(20).unwrap(),
        withheld: Some(sumac_protocol::Withheld { below: 25, groups: Vec::new() }),
        ..coalition.facts(&table, "harbor-tech", vec![500])
    };
    let sealed = crate::testing::sealed("harbor-tech", facts);
    let stricter = coalition.check(&table, "harbor-tech", sealed).unwrap();
    let plain = coalition.verified(&table, "lakeshore-cc", vec![400]);
    let combined = coalition.combined(&table, [Ok(plain), Ok(stricter)]);
    let text = |format| report(format, std::slice::from_ref(&combined));
    let table = text(Format::Table);
    let said = "stricter than the MOU: harbor-tech answers within ±20 only and withholds its own groups below 25";
    assert!(table.contains(said), "{table}");
    let csv = text(Format::Csv);
    assert!(csv.lines().nth(1).unwrap().ends_with(",harbor-tech:margin=20:floor=25"), "{csv}");
    let json: serde_json::Value = serde_json::from_str(&text(Format::Json)).unwrap();
    let stricter = &json["tables"][0]["stricter"];
    assert_eq!(stricter, &serde_json::json!({"harbor-tech": {"margin": 20, "floor": 25}}));
}

#[test]
fn csv_has_one_row_per_number() {
    let expected = "\
kpi,period,dimension_1,code_1,label_1,dimension_2,code_2,label_2,dimension_3,code_3,label_3,quantity,outcome,value,margin,low,high,status,withheld_by,answered,missing,derived,revised,stricter
attainment,2025-26,sex,F,Women,,,,,,,rate,attained,0.4451,,0.4423,0.4479,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,F,Women,,,,,,,size,,3604,20,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,F,Women,,,,,,,count,attained,1604,15,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,F,Women,,,,,,,count,not_attained,2000,15,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,M,Men,,,,,,,rate,attained,0.3395,,0.3367,0.3422,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,M,Men,,,,,,,size,,3800,20,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,M,Men,,,,,,,count,attained,1290,15,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,M,Men,,,,,,,count,not_attained,2510,15,,,shown,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,X,Another gender,,,,,,,,,,,,,below_floor,,lakeshore-cc harbor-tech,,,,
attainment,2025-26,sex,unknown,Unknown,,,,,,,,,,,,,below_floor,,lakeshore-cc harbor-tech,,,,
completers,2025-26,,,,,,,,,,count,count,12345,10,,,shown,,harbor-tech,lakeshore-cc:PERIOD_NOT_HELD,,,
completers,2025-26,,,,,,,,,,,,,,,,missing,,,lakeshore-cc:fault harbor-tech:fault,,,
";
    let text = report(Format::Csv, &[attainment(), completers(), nobody()]);
    assert_eq!(text, expected, "\n{text}");
}

#[test]
fn json_says_the_same() {
    let text = report(Format::Json, &[attainment(), completers(), nobody()]);
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(json["format"], "sumac-report/1");
    let [attainment, completers, nobody] = [0, 1, 2].map(|place| &json["tables"][place]);
    assert_eq!(attainment["rate_of"], "attained");
    assert_eq!(attainment["deduplicated"], false);
    assert_eq!(attainment["groups"].as_array().unwrap().len(), 4);
    let men = &attainment["groups"][0];
    assert_eq!((&men["codes"]["sex"], &men["status"]), (&"F".into(), &"shown".into()));
    assert_eq!(men["size"]["value"], 3604);
    assert_eq!(men["outcomes"][0]["outcome"], "attained");
    assert_eq!(men["gap"]["flagged"], false);
    let other = &attainment["groups"][1]["gap"];
    assert_eq!((&other["flagged"], &other["flagged_from"]), (&true.into(), &0.02.into()));
    let unknown = &attainment["groups"][3];
    assert_eq!(unknown["status"], "below_floor");
    assert!(unknown.get("rate").is_none() && unknown.get("size").is_none());
    assert_eq!(completers["groups"][0]["size"]["value"], 12_345);
    assert_eq!(completers["coverage"]["answered"][0], "harbor-tech");
    assert_eq!(completers["coverage"]["missing"][0]["reason"], "PERIOD_NOT_HELD");
    assert_eq!(nobody["groups"], serde_json::json!([]));
    assert_eq!(nobody["coverage"]["missing"][0]["support_id"], "7f3a");
}

#[test]
fn a_table_over_another_reads_like_this() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    let counts = |cells| {
        let away = Err(Absence::Fault("1".parse().unwrap()));
        coalition.combined(&table, [Ok(coalition.verified(&table, "lakeshore-cc", cells)), away])
    };
    let tables = [counts(vec![450, 800, 2, -6]), counts(vec![900, 500, 300, 0])];
    let over = Over::of(&tables[0], &tables[1]).unwrap();
    let written = |format| report_over(format, &tables, &over);

    let text = written(Format::Table);
    let expected = "
Completers over Completers, 2025-26, by Sex  (completers/completers)
 Sex                 Ratio   95 % interval
───────────────────────────────────────────
 Women                0.50       0.49–0.51
 Men                  1.60       1.56–1.64
 Another gender   withheld
 Unknown          withheld
nobody is matched: who is counted above need not be counted below, so a ratio may exceed what is true, and 1
who is at no party that answered is in neither
";
    assert!(text.contains(expected), "{text}");
    let csv = written(Format::Csv);
    assert!(csv.contains(",ratio,completers,1.6,,1.5629,1.6384,shown,"), "{csv}");
    assert_eq!(csv.matches(",ratio,completers,,,,,withheld,").count(), 2, "{csv}");
    let json: serde_json::Value = serde_json::from_str(&written(Format::Json)).unwrap();
    assert_eq!(json["over"]["groups"][1]["ratio"]["value"], 1.6);
    assert!(json["over"]["groups"][2].get("ratio").is_none());
}

#[test]
fn no_format_shows_what_is_withheld() {
    let coalition = Coalition::new("coalition");
    let table = coalition.table("completers", &["sex"]);
    let release = |cells| {
        [
            Ok(coalition.verified(&table, "lakeshore-cc", cells)),
            Err(Absence::Fault("1".parse().unwrap())),
        ]
    };
    let small = coalition.combined(&table, release(vec![900, 800, 17, -6]));
    let empty = coalition.combined(&table, release(vec![900, 800, 0, 0]));
    for format in Format::ALL {
        let both = [&small, &empty].map(|combined| report(format, std::slice::from_ref(combined)));
        assert_eq!(both[0], both[1], "{format}");
    }
}

#[test]
fn formats_are_read_as_they_are_written() {
    for format in Format::ALL {
        assert_eq!(format.to_string().parse(), Ok(format));
    }
    assert!("xml".parse::<Format>().is_err());
}
