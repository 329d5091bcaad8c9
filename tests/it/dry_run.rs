//! `sumac import --dry-run`, and `sumac mapping`: what an operator learns before anything is kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{COLLEGE, Environment, Said, Site, sumac};

const STATED: [&str; 4] = ["--as-of", "2026-01-15", "--covers", "2025"];

/// Every file under a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => drop(found.insert(path.clone(), fs::read(&path).unwrap_or_default())),
            }
        }
    }
    found
}

/// A site with an export of so many learners, one of whom starts long after the data was taken.
fn site(learners: usize) -> Site {
    let site = Site::new();
    let mut text = "ID,SEX,RACE,START\nL0,F,1,2031-09-01\n".to_owned();
    for learner in 1..learners {
        text += &format!("L{learner},F,1,2025-09-01\n");
    }
    fs::write(site.dir().join("export.csv"), text).unwrap();
    site
}

fn dry(site: &Site, mapping: &str, more: &Environment) -> Said {
    let words = ["import", "export.csv", "--mapping", mapping, "--dry-run"];
    site.run_in(more, COLLEGE, &[&words[..], &STATED].concat())
}

#[test]
fn a_dry_run_says_what_the_data_would_come_to_and_changes_nothing() {
    let site = site(137);
    let before = files(&site.home(COLLEGE));
    let said = dry(&site, "mapping.toml", &Environment::new()).well();
    for words in [
        "137 rows read",
        "learner: 137 rows, 137 learners",
        "unlikely in 1 rows; the first is line 2 of export.csv: `2031-09-01`",
        "KPIs of the MOU, from this data:",
        "enrolment  yes, of 2025: ",
        "KPIs of the standard catalogue, from these columns:",
        "no:  ipeds/completers: no `award.award_level`, `award.awarded_on`",
        "Nothing was changed.",
    ] {
        assert!(said.err.contains(words), "{words}\n{}", said.err);
    }
    assert!(said.out.is_empty(), "{}", said.out);
    assert_eq!(files(&site.home(COLLEGE)), before);
}

#[test]
fn a_kpi_that_lacks_a_column_is_named_with_it() {
    let site = site(5);
    let mapping = fs::read_to_string(site.dir().join("mapping.toml")).unwrap();
    let without: Vec<_> =
        mapping.lines().filter(|line| !line.starts_with("race_ethnicity")).collect();
    assert!(without.len() < mapping.lines().count(), "{mapping}");
    fs::write(site.dir().join("fewer.toml"), without.join("\n")).unwrap();
    let said = dry(&site, "fewer.toml", &Environment::new()).well();
    let expected = "not race_ethnicity: no `learner.race_ethnicity`";
    assert!(said.err.contains(expected), "{}", said.err);
}

#[test]
fn true_numbers_are_for_the_terminal_and_never_for_a_log() {
    let site = site(137);
    let loud: Environment = [("RUST_LOG", "trace".into())].into();
    let said = dry(&site, "mapping.toml", &loud).well();
    assert!(said.err.contains("137 rows"), "{}", said.err);
    let logged = |line: &&str| {
        ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"].iter().any(|level| line.contains(level))
    };
    for line in said.err.lines().filter(logged) {
        // Its time may hold any digits.
        let said = line.split_once(' ').map_or(line, |(_, said)| said);
        assert!(!said.contains("137"), "{line}");
    }
    for (path, bytes) in files(&site.home(COLLEGE)) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("137 rows") && !text.contains("137 learners"), "{}", path.display());
    }
}

#[test]
fn a_mapping_that_comes_with_sumac_is_listed_shown_and_refuses_another_file_by_name() {
    assert!(sumac(&["mapping", "list"]).well().out.starts_with("pdp  "));
    let shown = sumac(&["mapping", "show", "pdp"]).well().out;
    assert!(shown.contains("title  = \"PDP analysis-ready cohort file\""), "{shown}");
    sumac(&["mapping", "show", "ipeds"]).badly(1, &["`ipeds`", "hint: there is pdp"]);
    let site = site(3);
    dry(&site, "pdp", &Environment::new())
        .badly(1, &["`export.csv`, line 1, column `Cohort`: the header has no such column"]);
}

#[test]
fn a_proposed_mapping_imports_once_every_todo_is_decided() {
    let site = site(30);
    let export = site.dir().join("export.csv");
    let text = fs::read_to_string(&export)
        .unwrap()
        .replace("ID,SEX,RACE,START", "Student ID,Sex,Race,Term Start");
    fs::write(&export, text.replace(",F,", ",Q,")).unwrap();
    let proposed = site.run(COLLEGE, &["mapping", "new", "export.csv"]).well().out;
    fs::write(site.dir().join("new.toml"), &proposed).unwrap();
    dry(&site, "new.toml", &Environment::new()).badly(1, &["`new.toml`", "`TODO` stands here"]);
    assert!(proposed.contains("\"Q\" = \"TODO\""), "{proposed}");
    fs::write(site.dir().join("new.toml"), proposed.replace("\"TODO\"", "\"unknown\"")).unwrap();
    let said = dry(&site, "new.toml", &Environment::new()).well();
    assert!(said.err.contains("30 rows, 30 learners"), "{}", said.err);
}
