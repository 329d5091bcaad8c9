//! Every measure through the shipped command, over mutual TLS: a capped count, awards, a mean, a distribution, against
//! what they come to by hand. Chance is the machine's here, so that numbers are held to four times their margins.

use std::fmt::Write;
use std::fs;

use serde_json::Value;

use crate::command::{CHAMBER, COLLEGE, Site};

/// What a count costs at ±10.
const PRICE: u64 = 19_208_000;

const KPIS: &str = r#"
[[kpi]]
id          = "programmes"
title       = "Learners in each of their programmes"
answered_by = ["college"]
define      = { measure = "count", cap = 2, of = "enrolment", during = "term_start" }
by          = [["cip2"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "learners"
title       = "Learners, each in their last programme"
answered_by = ["college"]
define      = { measure = "count", of = "enrolment", during = "term_start" }
by          = [["cip2"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "conferred"
title       = "Awards conferred"
answered_by = ["college"]
define      = { measure = "awards", cap = 2, of = "award", during = "awarded_on" }
by          = [["award_level"]]
period      = "year"
margin      = 10

[[kpi]]
id          = "credits"
title       = "Credits earned"
answered_by = ["college"]
define      = { measure = "mean", of = "enrolment", during = "term_start", value = "credits_earned", clip = [0, 1700], unit = "credits", per = 100 }
by          = [[]]
period      = "year"
margin      = 10

[[kpi]]
id          = "credits_spread"
title       = "Credits earned"
answered_by = ["college"]
define      = { measure = "distribution", of = "enrolment", during = "term_start", value = "credits_earned", bins = [0, 1000, 1600, 2000, 2400], unit = "credits", per = 100 }
by          = [[]]
period      = "year"
margin      = 10
"#;

const MAPPING: &str = r#"format = "sumac-mapping/1"
title  = "Terms"

[[table]]
table  = "enrolment"
person = "ID"

[table.columns]
cip2           = "PROGRAMME"
term_start     = "DAY"
credits_earned = { from = "CREDITS", hundredths = true }
"#;

const AWARDS: &str = r#"format = "sumac-mapping/1"
title  = "Awards"

[[table]]
table  = "award"
person = "ID"

[table.columns]
award_level = "LEVEL"
awarded_on  = "DAY"
"#;

/// 900 learners in programmes 11 and 51, a third of them in 52 as well, where they earn 3 credits more. All have an
/// associate's degree, those of 52 two certificates besides.
fn import(site: &Site) {
    let mut terms = "ID,PROGRAMME,DAY,CREDITS\n".to_owned();
    let mut awards = "ID,LEVEL,DAY\n".to_owned();
    for n in 0..900 {
        let more = ["9", "12"][n % 2];
        let _ = writeln!(terms, "L{n},11,2025-01-15,6\nL{n},51,2025-09-01,{more}");
        let _ = writeln!(awards, "L{n},3,2025-05-20");
        if n % 3 == 0 {
            let _ = writeln!(terms, "L{n},52,2025-06-01,3");
            let _ = writeln!(awards, "L{n},1b,2025-05-21\nL{n},1b,2025-06-21");
        }
    }
    for (name, text) in [
        ("terms.csv", &*terms),
        ("awards.csv", &*awards),
        ("terms.toml", MAPPING),
        ("awards.toml", AWARDS),
    ] {
        fs::write(site.dir().join(name), text).unwrap();
    }
    let files = ["terms.csv", "awards.csv", "--mapping", "terms.toml", "--mapping", "awards.toml"];
    let stated = ["--as-of", "2026-01-15", "--covers", "2025"];
    site.run(COLLEGE, &[&["import"], &files[..], &stated].concat()).well();
}

fn ask(site: &Site, kpi: &str, by: &[&str]) -> Value {
    let words = [&["ask", kpi, "--period", "2025", "--format", "json"], by].concat();
    let said = site.run(CHAMBER, &words).well();
    let report: Value = serde_json::from_str(&said.out).unwrap();
    report["tables"][0].clone()
}

/// What `sumac receipt verify` says of the receipt of a KPI's table.
fn verified(site: &Site, kpi: &str) -> String {
    let listed = site.run(CHAMBER, &["receipt", "list"]).well().out;
    let line = listed.lines().find(|line| line.split_whitespace().any(|word| word == kpi)).unwrap();
    let file = site.home(CHAMBER).join(line.split_whitespace().last().unwrap());
    let mou = site.home(CHAMBER).join("mou");
    let words = ["receipt", "verify", file.to_str().unwrap(), "--mou", mou.to_str().unwrap()];
    site.run("nobody", &words).well().out
}

/// The size of the group with this code; zero where it is withheld.
fn size(table: &Value, dimension: &str, code: &str) -> i64 {
    let groups = table["groups"].as_array().unwrap();
    let group = groups.iter().find(|group| group["codes"][dimension] == code).unwrap();
    group["size"]["value"].as_i64().unwrap_or(0)
}

#[track_caller]
fn near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found}, not {expected} ± {tolerance}");
}

#[test]
fn each_measure_is_asked_paid_for_and_near_what_it_comes_to_by_hand() {
    let site = Site::under(|mou| format!("{mou}{KPIS}"));
    import(&site);
    let serving = site.serve();

    // Each in two programmes at most: a third of the learners in two of their three.
    let programmes = ask(&site, "programmes", &["--by", "cip2"]);
    assert_eq!(
        (programmes["measure"].as_str(), programmes["cap"].as_u64()),
        (Some("count"), Some(2))
    );
    assert_eq!(programmes["price_nano_rho"], 2 * PRICE);
    let [one, two, three] = ["11", "51", "52"].map(|code| size(&programmes, "cip2", code));
    near((one + two + three) as f64, 1800.0, 70.0);
    // Each of the three is left out by about a hundred of the 300: which ones, the node's secret says.
    assert!((540..=940).contains(&one) && (540..=940).contains(&two), "{one} {two}");
    assert!(three < 300 + 40, "{three}");

    // The highest are kept: the degree of everybody, and one of two certificates.
    let conferred = ask(&site, "conferred", &["--by", "award_level"]);
    assert_eq!(conferred["price_nano_rho"], 4 * PRICE);
    near(size(&conferred, "award_level", "3") as f64, 900.0, 40.0);
    near(size(&conferred, "award_level", "1b") as f64, 300.0, 40.0);

    // 15 credits of 300 learners; of the other 600, 18 and 21, clipped to 17.
    let mean = ask(&site, "credits", &[]);
    assert_eq!(
        (mean["price_nano_rho"].as_u64(), mean["unit"].as_str()),
        (Some(2 * PRICE), Some("credits"))
    );
    let found = &mean["groups"][0]["mean"];
    near(found["value"].as_f64().unwrap(), 16.333, 0.6);
    assert!(found["low"].as_f64() < found["value"].as_f64());

    // 300 below 16, 450 from 16 to 20, 150 above: a third of the way from 16 to 20.
    let spread = ask(&site, "credits_spread", &[]);
    assert_eq!(spread["price_nano_rho"], PRICE);
    let group = &spread["groups"][0];
    near(group["percentiles"]["median"]["value"].as_f64().unwrap(), 17.333, 1.0);
    for (bin, expected) in [(0, 0.0), (1, 300.0), (2, 450.0), (3, 150.0), (4, 0.0)] {
        near(group["outcomes"][bin]["value"].as_f64().unwrap(), expected, 40.0);
    }

    // One table over another: the rest of 300 learners' programme 51, and all of 600's, over the last one of all 900.
    let words = ["ask", "programmes", "--over", "learners", "--period", "2025", "--by", "cip2"];
    let said = site.run(CHAMBER, &[&words[..], &["--format", "json"]].concat()).well();
    let report: Value = serde_json::from_str(&said.out).unwrap();
    let over = &report["over"];
    assert_eq!(
        (over["above"].as_str(), over["below"].as_str()),
        (Some("programmes"), Some("learners"))
    );
    let groups = over["groups"].as_array().unwrap();
    let ratio =
        |code| &groups.iter().find(|group| group["codes"]["cip2"] == code).unwrap()["ratio"];
    near(ratio("51")["value"].as_f64().unwrap(), two as f64 / 900.0, 0.05);
    assert!(ratio("11").is_null() && ratio("52").is_null(), "{over}");
    let table = site.run(CHAMBER, &words).well().out;
    assert!(
        table.contains("(programmes/learners)") && table.contains("nobody is matched"),
        "{table}"
    );
    let refused = site.run(CHAMBER, &["ask", "credits", "--over", "learners", "--period", "2025"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("`credits` is no count"), "{refused:?}");

    // The same again is the same, and people read it, too.
    assert_eq!(ask(&site, "credits", &[]), mean);
    let table = site.run(CHAMBER, &["ask", "credits", "--period", "2025"]).well().out;
    assert!(table.contains(" credits") && table.contains("Mean"), "{table}");
    serving.stop();
    let summary = site.summary();
    assert_eq!((summary.charged_tables, summary.lifetime_nano_rho), (5, 10 * PRICE));
    site.run(COLLEGE, &["ledger", "check"]).well();

    // What was kept of each holds on its own, and says what noise its cells have.
    for (kpi, expected) in [
        ("programmes", "95 % of the time\n"),
        ("conferred", "95 % of the time\n"),
        ("credits", "`sum` has 1700 times as much, for the width of the clip: σ = 425000/49\n"),
        ("credits_spread", "95 % of the time\n"),
    ] {
        let said = verified(&site, kpi);
        assert!(said.contains("σ = 250/49 learners") && said.contains(expected), "{said}");
    }
}
