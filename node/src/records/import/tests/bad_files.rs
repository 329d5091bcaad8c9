use super::*;

/// Each line the operator sees, one for each problem.
fn check(files: &Files, expected: &[&str]) {
    let problems = files.problems();
    assert_eq!(problems.lines().collect::<Vec<_>>(), expected, "\n{problems}");
}

#[test]
fn tells_file_line_column_and_what_to_do() {
    let good = "s1,F,7,09/01/2025,12.5,2025-26\n";
    for (text, expected) in [
        (String::new(), "`students.csv`: is empty (export it again)"),
        (rows(""), "`students.csv`: has a header and no rows (export it again)"),
        (
            rows(&format!("{good}s2,F,7,09/01/2025,12.5\n{good}")),
            "`students.csv`, line 3: this row has 5 values, and the header has 6 (a value that holds the delimiter must be in quotation marks; correct the row, or export the file again)",
        ),
        (
            rows(&format!("{good}s2,F,7,09/0")),
            "`students.csv`, line 3: the file is cut short: its last row has 4 of 6 values and no line end (export or copy it again, whole)",
        ),
        (
            rows(&format!("{good}s2,\"F,7,09/01/2025,12.5,2025-26\n{good}")),
            "`students.csv`, line 3: a quotation mark opens a value on this line and is never closed (correct the quotation marks on that line, or export the file again)",
        ),
        (
            rows(&format!(
                "\"s\n1\",F,7,09/01/2025,12.5,2025-26\n\ns2,Q,7,09/01/2025,12.5,2025-26\n{good}"
            )),
            "`students.csv`, line 5, column `GENDER`: `Q` is not in the mapping's codes (add it to the mapping's codes, or say what all the rest become: other = \"…\")",
        ),
        (
            rows("s1,F,9,09/01/2025,12.5,2025-26\n"),
            "`students.csv`, line 2, column `RACE`: `9` is not in the mapping's codes (add it to the mapping's codes, or say what all the rest become: other = \"…\")",
        ),
        (
            rows("s1,F,7,31/12/2025,12.5,2025-26\n"),
            "`students.csv`, line 2, column `START`: `31/12/2025` is not a date written as %m/%d/%Y (say in the mapping how dates are written: date = \"%m/%d/%Y\")",
        ),
        (
            rows("s1,F,7,12/31/9999,12.5,2025-26\n"),
            "`students.csv`, line 2, column `START`: `12/31/9999` is outside the years 1900 to 2199 (correct the row, or list the value in the mapping's absent)",
        ),
        (
            rows("s1,F,7,09/01/2025,\"1,200\",2025-26\n"),
            "`students.csv`, line 2, column `CREDITS`: `1,200` has a comma in a number (export plain numbers, such as 12500.50)",
        ),
        (
            rows("s1,F,7,09/01/2025,12000,2025-26\n"),
            "`students.csv`, line 2, column `CREDITS`: `12000` is not from 0 to 100000 (correct the row, or map another column)",
        ),
        (
            rows("s1,F,7,09/01/2025,12.5,FALL\n"),
            "`students.csv`, line 2, column `COHORT`: `FALL` is not a year, such as 2025 or 2025-26 (correct the row, or list the value in the mapping's absent)",
        ),
        (
            rows(&format!("{good},F,7,09/01/2025,12.5,2025-26\n")),
            "`students.csv`, line 3, column `ID`: the row does not say whose it is (fill it in, or remove the row)",
        ),
        (
            rows(&format!("{good}s1,M,7,01/10/2026,12.5,2025-26\n")),
            "`students.csv`, line 3: says another `sex` of the same learner than line 2 (correct the file, or let the latest row win: on_conflict = \"latest\")",
        ),
        (
            "ID,GENDER,RACE,START,CREDIT,COHORT\n".to_owned(),
            "`students.csv`, line 1, column `CREDITS`: the header has no such column (the file has `CREDIT`: correct the mapping or the file)",
        ),
        (
            "ID,GENDER,RACE,START,CREDITS,COHORT,ID\n".to_owned(),
            "`students.csv`, line 1, column `ID`: the header has this column twice (rename one of them)",
        ),
    ] {
        check(&Files::one(MAPPING, text), &[expected]);
    }
    let mut latin = rows(good).into_bytes();
    latin.extend(b"s2,F,7,09/01/2025,12.5,2025-26\xe9\n");
    check(
        &Files::one(MAPPING, latin),
        &[
            "`students.csv`, line 3: is not UTF-8 text (save it as `CSV UTF-8`, or say in the mapping what it is written in: encoding = \"windows-1252\" under [file])",
        ],
    );
}

#[test]
fn tells_every_problem_of_every_file_at_once_and_each_code_once() {
    let files = Files::one(
        MAPPING,
        rows("s1,Q,7,09/01/2025,12.5,2025-26\ns2,Q,7,x,12.5,2025-26\n"),
    )
    .and("more.csv", MAPPING, "ID,GENDER\n");
    let problems = files.problems();
    assert_eq!(problems.lines().count(), 2 + 4, "{problems}");
    assert_eq!(problems.matches("`Q`").count(), 1, "{problems}");
}

#[test]
fn stops_after_twenty_problems() {
    let many: String = (0..500).map(|n| format!("s{n},Q{n},7,09/01/2025,1,2025\n")).collect();
    let problems = Files::one(MAPPING, rows(&many)).problems();
    assert_eq!(problems.lines().count(), 21, "{problems}");
    assert!(problems.contains("there may be more"), "{problems}");
}

#[test]
fn never_shows_what_identifies_a_person() {
    let mapping = MAPPING.replace("from = \"GENDER\"", "from = \"ID\"");
    let text = rows("secret-1,F,7,09/01/2025,12.5,2025-26\nsecret-2,F\n,F,7,x,1,2025\n");
    let problems = Files::one(&mapping, text).problems();
    assert!(
        problems.contains("column `ID`: its value is not in the mapping's codes"),
        "{problems}"
    );
    assert!(!problems.contains("secret"), "{problems}");
}

#[test]
fn names_both_lines_and_files_of_learners_that_differ() {
    let text = rows("s1,F,7,09/01/2025,12.5,2025-26\n");
    let other = rows("s2,F,7,09/01/2025,12.5,2025-26\ns1,F,5,09/01/2025,12.5,2025-26\n");
    let files = Files::one(MAPPING, text).and("more.csv", MAPPING, other);
    let problems = files.problems();
    assert!(
        problems.starts_with("`more.csv`, line 3: says another `race_ethnicity` of the same learner than line 2 of `students.csv`"),
        "{problems}"
    );
}

#[test]
fn refuses_filters_that_leave_nothing() {
    let text = rows("s1,F,7,09/01/2025,12.5,2025-26\n");
    let files = Files::one(MAPPING, &text).only("GENDER=X");
    check(
        &files,
        &[
            "`students.csv`: no row is left after filtering (check the mapping's keep and --only: values are compared exactly)",
        ],
    );
    let none = MAPPING.replace("\"enrolment\"", "\"enrolment\"\nkeep = { COHORT = \"2025\" }");
    check(
        &Files::one(&none, &text),
        &[
            "`students.csv`: no row is left for the table `enrolment` (check that table's keep in the mapping: values are compared exactly)",
        ],
    );
    let files = Files::one(MAPPING, &text).only("CAMPUS=MAIN");
    assert!(files.problems().contains("column `CAMPUS`: the header has no such column"));
    assert!("CAMPUS".parse::<Only>().is_err() && "=x".parse::<Only>().is_err());
}

#[test]
fn refuses_mappings_that_fill_different_columns_of_one_table() {
    let text = rows("s1,F,7,09/01/2025,12.5,2025-26\n");
    let fewer = MAPPING.replace("race_ethnicity = \"RACE\"", "");
    let files = Files::one(MAPPING, &text).and("more.csv", &fewer, &text);
    let error = files.read().unwrap_err().to_string();
    assert!(error.contains("`learner` is filled with `race_ethnicity`"), "{error}");
}

#[test]
fn leaves_everything_as_it_was_when_a_file_is_bad() {
    let good = Files::one(MAPPING, rows("s1,F,7,09/01/2025,12.5,2025-26\n"));
    let bad = Files::one(MAPPING, rows("s1,F,7,09/01/2025,12.5,2025-26\ns2,Q"));
    let snapshots = good.directory.path().join("snapshots");
    let statement = Statement { as_of: "2026-10-01".parse().unwrap(), covers: Vec::new() };
    let secret = secret();
    let freezing = Freezing {
        withheld: &[],
        statement: &statement,
        schema: schema(),
        secret: &secret,
        into: &snapshots,
        now: "2026-10-02T08:00:00Z".parse().unwrap(),
        id_seed: [1; 8],
    };
    let mut told = Vec::new();
    let summary = import(&good.sources, &[], &freezing, &mut |progress: Progress<'_>| {
        told.push((progress.bytes, progress.of));
    });
    let frozen = summary.unwrap().snapshot().unwrap().clone();
    let length = fs::metadata(&good.sources[0].path).unwrap().len();
    assert_eq!(told.last(), Some(&(length, length)));

    let current = || {
        let mut names: Vec<_> =
            fs::read_dir(&snapshots).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        (names, fs::read_to_string(snapshots.join("current")).unwrap())
    };
    let before = current();
    assert!(before.1.contains(&frozen.id));
    let again = Freezing { id_seed: [2; 8], ..freezing };
    assert!(import(&bad.sources, &[], &again, &mut |_| ()).is_err());
    assert_eq!(current(), before);
}

#[test]
fn finds_one_of_several_names_and_tells_where_there_are_two_or_none() {
    let mapping = MAPPING.replace("\"RACE\"", "{ from = [\"RACE\", \"Race/Ethnicity\"] }");
    let row = "s1,F,7,09/01/2025,12.5,2025-26\n";
    let header = |race: &str| HEADER.replace("RACE", race);
    for race in ["RACE", "Race/Ethnicity", "race/ethnicity", " Race/Ethnicity\t", "R_A.C E"] {
        Files::one(&mapping, header(race) + row).read().unwrap();
    }
    check(
        &Files::one(&mapping, header("RACE,Race/Ethnicity") + "s1,F,7,7,09/01/2025,12.5,2025-26\n"),
        &[
            "`students.csv`, line 1, column `RACE`: the header has `Race/Ethnicity` as well, and the mapping takes either (name the one that is meant in the mapping)",
        ],
    );
    check(
        &Files::one(&mapping, header("RACE+ETHNICITY") + row),
        &[
            "`students.csv`, line 1, column `RACE`: the header has no such column (the file has `RACE+ETHNICITY`: correct the mapping or the file)",
        ],
    );
    // Two columns that differ by capitals alone are two columns.
    let two = header("RACE,Race") + "s1,F,7,x,09/01/2025,12.5,2025-26\n";
    Files::one(&mapping, two).read().unwrap();
}

#[test]
fn refuses_a_file_that_changes_while_it_is_read() {
    let row = "s1,F,7,09/01/2025,12.5,2025-26\n";
    type Change = fn(&Path);
    let changes: [Change; 3] = [
        |path| fs::write(path, "longer than it was before, as an export that goes on").unwrap(),
        |path| fs::remove_file(path).unwrap(),
        // As a job does that writes beside the file and puts the new one in its place.
        |path| {
            fs::write(path.with_extension("new"), fs::read(path).unwrap()).unwrap();
            fs::rename(path.with_extension("new"), path).unwrap();
        },
    ];
    for change in changes {
        let files = Files::one(MAPPING, rows(row));
        let path = &files.sources[0].path;
        let mut changed = false;
        let mut once = |_: Progress<'_>| {
            if !changed {
                change(path);
            }
            changed = true;
        };
        let result = as_stated(files.directory.path(), schema(), |freezing| {
            import(&files.sources, &[], freezing, &mut once)
        });
        let error = result.unwrap_err().to_string();
        assert!(error.contains("was changed or replaced while it was read"), "{error}");
    }
}

#[test]
fn says_what_a_file_is_that_is_no_text() {
    for (bytes, expected) in [
        (&b"PK\x03\x04..."[..], "is a workbook or a zip archive"),
        (b"\x1f\x8b\x08...", "is compressed"),
    ] {
        let problems = Files::one(MAPPING, bytes).problems();
        assert!(problems.contains(expected), "{problems}");
    }
}
