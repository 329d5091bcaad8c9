//! `sumac mou check`: for people and for machines.

use serde_json::Value;

use crate::command::sumac;

#[test]
fn machines_get_every_problem_with_its_line_and_what_to_do() {
    let said = sumac(&["mou", "check", "examples/mou/lakeshore", "--format", "json"]).well();
    let facts: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&facts["errors"], &facts["withholding_looked_at"]), (&0.into(), &false.into()));
    let broken = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string("examples/mou/lakeshore/mou.toml").unwrap();
    let text = text.replace("floor_at    =", "floorat     =").replace("rho = 0.5", "rho = 0");
    std::fs::write(broken.path().join("mou.toml"), text).unwrap();
    let said = sumac(&["mou", "check", broken.path().to_str().unwrap(), "--format", "json"]);
    assert_eq!(said.code, Some(1));
    let facts: Value = serde_json::from_str(&said.out).unwrap();
    let problems = facts["problems"].as_array().unwrap();
    assert_eq!((problems.len(), &facts["errors"], &facts["mou"]), (3, &3.into(), &Value::Null));
    for problem in problems {
        assert_eq!(problem["severity"], "error");
        assert!(problem["line"].as_u64().unwrap() > 70, "{problem}");
    }
    assert!(problems.iter().any(|problem| problem["hint"] == "did you mean `floor_at`?"));
}

#[test]
fn what_is_not_looked_at_is_said() {
    let said = sumac(&["mou", "check", "examples/mou/lakeshore"]).well();
    assert!(said.out.contains("Not looked at: whether most of a breakdown"), "{said:?}");
    let said = sumac(&["mou", "check", "examples/mou/lakeshore", "--learners", "150"]).well();
    assert!(!said.out.contains("Not looked at"), "{said:?}");
    assert!(said.out.contains("groups by award_level will be shown"), "{said:?}");
}

#[test]
fn the_largest_example_is_warned_of_nothing_but_small_groups() {
    let example = "examples/mou/statewide";
    let said = sumac(&["mou", "check", example]).well();
    assert!(!said.out.contains("warning"), "{said:?}");
    let sizes = format!("{example}/sizes.csv");
    let words = ["mou", "check", example, "--sizes", &sizes, "--learners", "5000"];
    let said = sumac(&words).well();
    let warned: Vec<_> = said.out.lines().filter(|line| line.starts_with("warning")).collect();
    assert!(!warned.is_empty(), "{said:?}");
    assert!(warned.iter().all(|line| line.contains("will be shown")), "{warned:?}");
}
