//! `sumac mou test`: the examples mean what their cases say, and an amendment that undoes a case is named.

use std::fs;

use crate::command::sumac;

const EXAMPLES: [&str; 4] = ["lakeshore", "oulad", "pilot", "statewide"];

#[test]
fn every_example_means_what_its_cases_say() {
    for example in EXAMPLES {
        let said = sumac(&["mou", "test", &format!("examples/mou/{example}")]).well();
        assert!(said.out.contains("cases hold."), "{said:?}");
        assert!(!said.out.contains("FAILED"), "{said:?}");
    }
}

#[test]
fn an_amendment_that_undoes_an_intention_fails_with_what_happens_instead() {
    let dir = tempfile::tempdir().unwrap();
    let example = "examples/mou/lakeshore";
    let mou = fs::read_to_string(format!("{example}/mou.toml")).unwrap();
    let tests = fs::read_to_string(format!("{example}/tests.toml")).unwrap();
    let (before, after) = mou.split_once("[[restrict]]").unwrap();
    assert!(!after.contains("[["));
    fs::write(dir.path().join("mou.toml"), before).unwrap();
    fs::write(dir.path().join("tests.toml"), &tests).unwrap();
    let folder = dir.path().to_str().unwrap();
    let line = 1 + tests.lines().position(|line| line.contains("nobody sees who")).unwrap() - 1;
    sumac(&["mou", "test", folder]).badly(
        1,
        &[
            "FAILED  nobody sees who receives Pell",
            &format!("tests.toml:{line}: expected: refused, RESTRICTED, by restrict[1]"),
            "but `lakeshore-cc` refuses, BREAKDOWN_NOT_LISTED, by kpi.credential_attainment.by",
            "1 of 13 cases fail.",
        ],
    );
    let said = sumac(&["mou", "test", folder, "--format", "json"]);
    assert_eq!(said.code, Some(1));
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json["failed"], 1);
    let failed = json["cases"].as_array().unwrap().iter().find(|case| case["holds"] == false);
    assert_eq!(failed.unwrap()["otherwise"][1]["reason"], "BREAKDOWN_NOT_LISTED");
}

#[test]
fn cases_that_cannot_be_read_are_named_by_line() {
    let example = "examples/mou/lakeshore";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("cases.toml");
    let path = file.to_str().unwrap();
    let test = || sumac(&["mou", "test", example, "--cases", path]);
    test().badly(1, &["read the cases", "hint: "]);
    fs::write(&file, "format = \"sumac-mou-tests/1\"\n[[test]]\nnmae = \"x\"\n").unwrap();
    test().badly(1, &["cases.toml:3:", "did you mean `name`?", "hint: "]);
}
