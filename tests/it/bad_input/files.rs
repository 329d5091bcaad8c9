//! Partners' exports, good and bad.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::command::{COLLEGE, LEARNER, Said, Site};

const HEADER: &str = "ID,SEX,RACE,START\n";
const GOOD: &str = "L1,F,1,2025-09-01\n";

fn import(site: &Site, csv: &[u8]) -> Said {
    import_with(site, csv, "mapping.toml", &[])
}

fn import_with(site: &Site, csv: &[u8], mapping: &str, more: &[&str]) -> Said {
    fs::write(site.dir().join("export.csv"), csv).unwrap();
    let mut words = vec!["import", "export.csv", "--mapping", mapping, "--as-of", "2026-01-15"];
    words.extend(["--covers", "2025"]);
    words.extend(more);
    site.run(COLLEGE, &words)
}

/// Every file of the college's data.
fn held(site: &Site) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut held = BTreeMap::new();
    let mut folders = vec![site.home(COLLEGE).join("snapshots")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                held.insert(path.clone(), fs::read(path).unwrap());
            }
        }
    }
    held
}

#[test]
fn what_partners_systems_write_is_read() {
    let site = Site::new();
    for csv in [
        format!("\u{feff}{HEADER}{GOOD}"),
        format!("{HEADER}{GOOD}").replace(',', ";"),
        format!("{HEADER}{GOOD}").replace('\n', "\r\n"),
        format!("{HEADER}\"L\n1\",\"F\",1,2025-09-01\n{GOOD}"),
        format!("{HEADER}{GOOD}").trim_end().to_owned(),
    ] {
        let before = held(&site);
        import(&site, csv.as_bytes()).well();
        assert_ne!(held(&site), before, "{csv}");
    }
}

#[test]
fn a_bad_file_is_refused_by_line_and_the_old_snapshot_stays() {
    let site = Site::new();
    let before = held(&site);
    let rows = |rows: &str| format!("{HEADER}{GOOD}{rows}").into_bytes();
    let mut latin = rows(&format!("{LEARNER},F,1,2025-09-01"));
    latin.push(0xe9);
    for (csv, words) in [
        (b"".to_vec(), "`export.csv`: is empty"),
        (HEADER.into(), "`export.csv`: has a header and no rows"),
        (
            b"ID,SEX,START\nMARKER-8841,F,2025-09-01\n".to_vec(),
            "`export.csv`, line 1, column `RACE`: the header has no such column",
        ),
        (
            rows(&format!("{LEARNER},Q,1,2025-09-01\n")),
            "`export.csv`, line 3, column `SEX`: `Q` is not",
        ),
        (
            rows(&format!("{LEARNER},F,1,09/01/2025\n")),
            "`export.csv`, line 3, column `START`: `09/01/2025` is not a date",
        ),
        (
            rows(&format!("{LEARNER},F,1,2025-09-01\n{LEARNER},M,1,2025-10-01\n")),
            "`export.csv`, line 4: says another `sex` of the same learner than line 3",
        ),
        (rows(&format!("{LEARNER},F,1")), "`export.csv`, line 3: the file is cut short"),
        (
            rows(&format!("{LEARNER},F,1\n{GOOD}")),
            "`export.csv`, line 3: this row has 3 values, and the header has 4",
        ),
        (
            rows(&format!("\"{LEARNER},F,1,2025-09-01\n{GOOD}")),
            "`export.csv`, line 3: a quotation mark opens a value on this line and is never closed",
        ),
        (rows(",F,1,2025-09-01\n"), "`export.csv`, line 3, column `ID`"),
        (latin, "`export.csv`, line 3: is not UTF-8 text"),
        (b"PAR1\0\0\xff".to_vec(), "`export.csv`"),
    ] {
        import(&site, &csv).badly(1, &["nothing was imported", words, "hint: "]);
        assert!(held(&site) == before, "{words}: the data changed");
    }
    // A repeated row is the same row.
    import(&site, &rows(GOOD)).well();
}

#[test]
fn a_mapping_or_a_statement_that_cannot_be_true_is_refused() {
    let site = Site::new();
    let before = held(&site);
    let good = format!("{HEADER}{GOOD}").into_bytes();
    let mapping = fs::read_to_string(site.dir().join("mapping.toml")).unwrap();
    for (from, to, words) in [
        ("sex            =", "sexx =", "bad.toml"),
        ("person = \"ID\"", "persn = \"ID\"", "did you mean `person`"),
        ("\"sumac-mapping/1\"", "\"sumac-mapping/9\"", "sumac-mapping/1"),
        ("= \"START\"", "= \"BEGIN\"", "column `BEGIN`: the header has no such column"),
    ] {
        assert!(mapping.contains(from), "{from}");
        fs::write(site.dir().join("bad.toml"), mapping.replacen(from, to, 1)).unwrap();
        import_with(&site, &good, "bad.toml", &[]).badly(1, &[words, "hint: "]);
    }
    for (more, words) in [
        (&["--covers", "2025-26"][..], "years of this MOU start on"),
        (&["--covers", "2025-Q1"], "no KPI of the MOU is reported by such a period"),
        (&["--covers", "2026"], "cannot be complete for it"),
        (&["--only", "SEX=X"], "no row is left"),
    ] {
        import_with(&site, &good, "mapping.toml", more).badly(1, &[words, "hint: "]);
    }
    import_with(&site, &good, "nowhere.toml", &[]).badly(1, &["nowhere.toml", "hint: "]);
    let words = ["import", "nowhere.csv", "--mapping", "mapping.toml"];
    let stated = ["--as-of", "2026-01-15", "--covers", "2025"];
    site.run(COLLEGE, &[&words[..], &stated].concat()).badly(1, &["`nowhere.csv`", "hint: "]);
    let future = ["--as-of", "2098-01-15", "--covers", "2025"];
    site.run(COLLEGE, &[&words[..], &future].concat()).badly(1, &["lies in the future", "hint: "]);
    site.run(COLLEGE, &[&words[..], &stated[2..]].concat()).badly(2, &["--as-of"]);
    site.run(COLLEGE, &[&words[..], &["--as-of", "15/01/2026"]].concat()).badly(2, &["--as-of"]);
    assert!(held(&site) == before, "the data changed");
}
