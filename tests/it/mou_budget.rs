//! `sumac mou budget`: the calendar, what passes it, what to drop, how precise it is, what would fit.

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::command::{Said, sumac};

const LAKESHORE: &str = "examples/mou/lakeshore";

/// The example with one replacement, in a folder of its own.
fn with(from: &str, to: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(Path::new(LAKESHORE).join("mou.toml")).unwrap();
    assert!(text.contains(from), "{from}");
    fs::write(dir.path().join("mou.toml"), text.replace(from, to)).unwrap();
    dir
}

fn budget(folder: &Path, words: &[&str]) -> Said {
    sumac(&[&["mou", "budget", folder.to_str().unwrap()], words].concat())
}

fn json(folder: &Path, words: &[&str]) -> Value {
    let said = budget(folder, &[words, &["--format", "json"]].concat());
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn the_day_and_the_table_that_pass_a_budget_are_named_with_what_to_drop() {
    let tight = with("{ rho = 0.5 }", "{ rho = 0.1 }");
    budget(tight.path(), &[]).badly(
        1,
        &[
            "2026-27: each college's budget is passed on 2026-07-22, by `graduation` by sex, 2025-26",
            "`credential_attainment` frees ρ = 0.076832 for 4 breakdowns",
            "Not looked at: what will be withheld",
        ],
    );
    let fits = budget(Path::new(LAKESHORE), &[]).well();
    for words in ["Every year fits its budget.", "For a learner known to all 5 parties"] {
        assert!(fits.out.contains(words), "{fits:?}");
    }
    let facts = json(tight.path(), &[]);
    assert_eq!((&facts["fits"], &facts["forecast"]), (&Value::Bool(false), &Value::Null));
    assert_eq!(facts["passed"][0]["spent_nano_rho"], 110_979_556);
    assert_eq!(facts["calendar"].as_array().unwrap().len(), 52);
}

#[test]
fn a_proposal_that_is_followed_passes_the_check() {
    let tight = with("{ rho = 0.5 }", "{ rho = 0.02 }");
    for sizes in [&[][..], &["--learners", "900"]] {
        let facts = json(tight.path(), &[sizes, &["--fit"]].concat());
        let expected = if sizes.is_empty() { "equal-shares" } else { "least-relative" };
        assert_eq!(facts["fit"]["how"], expected);
        let text = fs::read_to_string(tight.path().join("mou.toml")).unwrap();
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        for edit in facts["fit"]["edits"].as_array().unwrap() {
            let line = usize::try_from(edit["line"].as_u64().unwrap()).unwrap() - 1;
            assert!(lines[line].starts_with(&format!("margin      = {}", edit["from"])), "{edit}");
            lines[line] = format!("margin = {}", edit["to"]);
        }
        let followed = tempfile::tempdir().unwrap();
        fs::write(followed.path().join("mou.toml"), lines.join("\n")).unwrap();
        sumac(&["mou", "check", followed.path().to_str().unwrap()]).well();
        let again = budget(followed.path(), &[sizes, &["--fit"]].concat()).well();
        assert!(again.out.contains("The margins are those that fit."), "{again:?}");
    }
    let hopeless = with("{ rho = 0.5 }", "{ rho = 0.000000014 }");
    budget(hopeless.path(), &["--fit"]).badly(1, &["No margin makes the calendar fit"]);
}

#[test]
fn sizes_say_what_will_be_withheld_and_how_wide_rates_will_be() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = dir.path().join("sizes.csv");
    let path = sizes.to_str().unwrap();
    let text = "kpi,dimension,code,learners,outcome_share\n,,,2000,0.4\n,race_ethnicity,3,11,\n,race_ethnicity,7,60 %,\n,race_ethnicity,6,0,\n";
    fs::write(&sizes, text).unwrap();
    let facts = json(Path::new(LAKESHORE), &["--sizes", path]);
    let table = facts["forecast"]
        .as_array()
        .unwrap()
        .iter()
        .find(|table| table["kpi"] == "retention" && table["by"][0] == "race_ethnicity");
    let groups = table.unwrap()["groups"].as_array().unwrap();
    let of = |code: &str| groups.iter().find(|group| group["codes"][0] == code).unwrap();
    assert_eq!(groups.len(), 3, "only of those that are stated");
    assert_eq!(
        (of("7")["learners"].as_f64(), of("3")["learners"].as_f64()),
        (Some(1200.0), Some(11.0))
    );
    assert!(of("3")["withheld"].as_f64().unwrap() > 0.95);
    assert!(of("7")["withheld"].as_f64().unwrap() < 1e-9);
    let points = of("7")["margin_points"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&points), "{points}");
    let said = budget(Path::new(LAKESHORE), &["--sizes", path]).well();
    assert!(said.out.contains("WITHHELD") && said.out.contains("retention"), "{said:?}");
    let checked = sumac(&["mou", "check", LAKESHORE, "--sizes", path]).well();
    assert!(
        checked.out.contains("about 1 of its 3 groups by race_ethnicity will be shown"),
        "{checked:?}"
    );

    for (text, words) in [
        ("dimension,code\n", "has no column `learners`"),
        ("dimension,code,learner\n", "has a column `learner`"),
        ("dimension,code,learners\nsex,F,many\n", "line 2: read `many` as a number of learners"),
        (
            "dimension,code,learners\nsex,Q,5\n",
            "line 2: `sex` has no code `Q`: it has F, M, X, unknown",
        ),
        ("dimension,code,learners\nwage,F,5\n", "the MOU has no dimension `wage`"),
        ("dimension,code,learners\nsex,,5\n", "a group has both"),
        ("dimension,code,learners\n,,5 %\n", "a total is a number of learners"),
        ("dimension,code,learners\nsex,F,500 %\n", "a share lies between 0 and 1"),
        ("kpi,learners,outcome_share\nretention,5,1.5\n", "a share lies between 0 and 1"),
        ("kpi,learners\nwages,5\n", "the MOU lists no KPI `wages`"),
    ] {
        fs::write(&sizes, text).unwrap();
        budget(Path::new(LAKESHORE), &["--sizes", path]).badly(1, &[words, "hint: "]);
    }
}
