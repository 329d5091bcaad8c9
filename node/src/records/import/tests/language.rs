//! What mappings can say beyond one column at a time, each rule with rows worked out by hand.

use sumac_policy::TableName::{Award, Enrolment, Learner};

use super::*;

const HEAD: &str = "format = \"sumac-mapping/1\"\ntitle = \"Test\"\n[file]\nabsent = [\"UK\"]\n";

fn mapping(text: &str) -> String {
    format!("{HEAD}{text}")
}

/// A column's words, by the order of the rows' persons: `a`, `b`, …
fn by_person(files: &Files, table: TableName, column: &str) -> Vec<String> {
    let (canonical, _) = files.read().unwrap_or_else(|error| panic!("{error}"));
    let rows = &canonical.tables[&table];
    let said: Vec<String> = match values(rows, column) {
        Values::Code(_) => words(rows, schema(), table, column),
        Values::Date(days) => days
            .iter()
            .map(|days| days.map_or("-".to_owned(), |days| source::day(days).unwrap().to_string()))
            .collect(),
        Values::Year(years) => years.iter().map(|year| format!("{year:?}")).collect(),
        Values::Integer(numbers) => numbers.iter().map(|number| format!("{number:?}")).collect(),
    };
    let mut found = Vec::new();
    for id in ('a'..='z').map(String::from) {
        let key = secret().person_key(&id);
        let theirs = rows.person.iter().zip(&said).filter(|(person, _)| **person == key);
        found.extend(theirs.map(|(_, word)| format!("{id}={word}")));
    }
    found
}

fn check(text: &str, csv: &str, table: TableName, column: &str, expected: &str) {
    let files = Files::one(&mapping(text), csv);
    assert_eq!(by_person(&files, table, column).join(" "), expected);
}

#[test]
fn combines_columns_by_the_first_case_that_applies() {
    check(
        r#"
        [[table]]
        table = "learner"
        person = "ID"
        [table.columns]
        race_ethnicity = [
            { when = { VISA = ["F1", "J1"] }, value = "1" },
            { when = { HISP = "h" }, value = "2" },
            { when = { RACE = { blank = false } }, from = "RACE", codes = { White = "7", Asian = "4" } },
        ]
        "#,
        "ID,RACE,HISP,VISA\na,White,H,F1\nb,White,H,\nc,white,N,\nd,UK,N,\ne,Asian,UK,x\n",
        Learner,
        "race_ethnicity",
        "a=1 b=2 c=7 d=unknown e=4",
    );
}

#[test]
fn tests_numbers_blanks_and_several_columns_at_once() {
    check(
        r#"
        [[table]]
        table = "enrolment"
        person = "ID"
        [table.columns]
        status = [
            { when = { N = { from = 1, to = 8 } }, value = "completed" },
            { any = ["X", "Y"], when = { N = { not = ["skip"] } }, value = "transferred" },
            { when = { X = "", N = { blank = true } }, value = "left" },
        ]
        "#,
        "ID,N,X,Y\na,1.0,,\nb,8,x,\nc,9,,y\nd,0,UK,uk\ne,,,\nf,skip,x,\ng,8.01,,\n",
        Enrolment,
        "status",
        "a=completed b=completed c=transferred d=unknown e=left f=unknown g=unknown",
    );
}

#[test]
fn makes_several_rows_of_one_and_days_of_years() {
    let text = r#"
        [[table]]
        table = "award"
        person = "ID"
        when = { FIRST = { from = 1, to = 8 } }
        may_be_empty = true
        [table.columns]
        awarded_on = { year = "COHORT", plus = "FIRST", on = "06-30" }
        award_level = { value = "3" }

        [[table]]
        table = "award"
        person = "ID"
        when = { LATEST = { from = 1, to = 8, unlike = "FIRST" } }
        may_be_empty = true
        [table.columns]
        awarded_on = { year = "COHORT", plus = "LATEST", on = "06-30" }
        award_level = { value = "5" }
        "#;
    let csv =
        "ID,COHORT,FIRST,LATEST\na,2016-17,2,4.0\nb,2016-17,3,3.0\nc,2016-17,0,0\nd,2016-17,,1\n";
    check(text, csv, Award, "awarded_on", "a=2018-06-30 a=2020-06-30 b=2019-06-30 d=2017-06-30");
    check(text, csv, Award, "award_level", "a=3 a=5 b=3 d=5");
    // No award in the whole file is a fact here.
    check(text, "ID,COHORT,FIRST,LATEST\nc,2016-17,0,0\n", Award, "award_level", "");
    let problems =
        Files::one(&mapping(text), "ID,COHORT,FIRST,LATEST\na,1930-31,1.5,\nb,1930-31,2,2\n");
    let problems = problems.problems();
    assert!(problems.contains("line 2, column `FIRST`: `1.5` is not a number"), "{problems}");
    assert!(
        problems
            .contains("line 3, column `COHORT`: `1930-31` is not from 1940-01-01 to 2099-12-31"),
        "{problems}"
    );
}

#[test]
fn rounds_and_minds_lengths_only_where_it_is_told_to() {
    let text = r#"
        [[table]]
        table = "enrolment"
        person = "ID"
        [table.columns]
        time_to_credential = { from = "YEARS", hundredths = true, rounded = true }
        cip2 = { from = "CIP", first = 2, length = 6, other = "unknown" }
        "#;
    let csv = "ID,YEARS,CIP\na,3.335,110101\nb,2,999999\nc,UK,\n";
    check(text, csv, Enrolment, "time_to_credential", "a=Some(334) b=Some(200) c=None");
    check(text, csv, Enrolment, "cip2", "a=11 b=unknown c=unknown");
    let problems = Files::one(&mapping(text), "ID,YEARS,CIP\na,1,10101\n").problems();
    assert!(problems.contains("`10101` has not 6 characters"), "{problems}");
}

#[test]
fn reads_a_piece_only_of_files_whose_header_fits() {
    let text = r#"
        [[table]]
        table = "award"
        person = "ID"
        header_has = "DEGREE"
        [table.columns]
        award_level = { from = "DEGREE", codes = { AA = "3" } }

        [[table]]
        table = "award"
        person = "ID"
        header_lacks = "degree"
        [table.columns]
        award_level = { value = "unknown" }
        "#;
    check(text, "ID,Degree\na,AA\n", Award, "award_level", "a=3");
    check(text, "ID\na\n", Award, "award_level", "a=unknown");
}

const OPTIONAL: &str = r#"
    [[table]]
    table = "learner"
    person = "ID"
    same = ["SEX", "RACE"]
    latest_by = { from = "TERM", number = true }
    on_conflict = "latest"
    [table.columns]
    sex = { from = "SEX" }
    disability = { from = "DIS", optional = true }
    first_gen = [
        { when = { A = { blank = false } }, from = "A", optional = true },
        { from = "B", optional = true },
    ]
    "#;

#[test]
fn does_not_hold_what_no_file_has_and_refuses_what_some_have() {
    let with = "ID,SEX,RACE,TERM,DIS,B\na,F,7,1,Y,N\n";
    let files = Files::one(&mapping(OPTIONAL), with);
    assert_eq!(by_person(&files, Learner, "disability"), ["a=Y"]);
    assert_eq!(by_person(&files, Learner, "first_gen"), ["a=N"]);
    let without = "ID,SEX,RACE,TERM,A\na,F,7,1,Y\n";
    let files = Files::one(&mapping(OPTIONAL), without);
    let (canonical, summary) = files.read().unwrap();
    let columns = canonical.tables[&Learner].columns.iter().map(|(name, _)| name.as_str());
    assert_eq!(columns.collect::<Vec<_>>(), ["sex", "first_gen"]);
    let told = summary.for_terminal().to_string();
    assert!(told.contains("not in the files, not held: learner.disability"), "{told}");
    let both = Files::one(&mapping(OPTIONAL), with).and("b.csv", &mapping(OPTIONAL), without);
    let problems = both.problems();
    assert!(
        problems.starts_with(
            "`b.csv`: lacks what fills `learner.disability`, and `students.csv` has it"
        ),
        "{problems}"
    );
}

#[test]
fn refuses_a_learner_of_whom_a_constant_column_says_two_things() {
    let csv = "ID,SEX,RACE,TERM,A\na,F,7,1,Y\nb,M,7,1,Y\na,f,7,2,Y\n";
    Files::one(&mapping(OPTIONAL), csv).read().unwrap();
    let files = Files::one(&mapping(OPTIONAL), csv).and(
        "b.csv",
        &mapping(OPTIONAL),
        "ID,SEX,RACE,TERM,A\na,F,9,3,Y\n",
    );
    let problems = files.problems();
    assert_eq!(
        problems.lines().collect::<Vec<_>>(),
        [
            "`b.csv`, line 2, column `RACE`: is another one than in line 2 of `students.csv`, of the same learner (the column cannot change between a learner's rows: correct the file)"
        ]
    );
}

#[test]
fn tells_columns_that_a_kind_of_export_is_not_known_to_have() {
    let text = mapping(OPTIONAL).replace("[file]", "[file]\npassed_over = [\"NOTE\"]");
    let csv = "ID,SEX,RACE,TERM,A,Note,SSN\na,F,7,1,Y,x,078-05-1120\n";
    let (_, summary) = Files::one(&text, csv).read().unwrap();
    let told = summary.for_terminal().to_string();
    assert!(told.contains("columns that the mapping does not know, not read: `SSN`"), "{told}");
    assert!(!told.contains("078-05"), "{told}");
}

#[test]
fn tells_values_that_cannot_be_and_values_that_hardly_are() {
    let csv = |row: &str| rows(&format!("s1,F,7,09/01/2025,12.5,2025-26\n{row}"));
    for (row, expected) in [
        ("s2,F,7,01/01/1900,1,2025\n", "column `START`: `01/01/1900` is not from 1940-01-01"),
        ("s2,F,7,12/31/2150,1,2025\n", "column `START`: `12/31/2150` is not from 1940-01-01"),
        ("s2,F,7,12/31/9999,1,2025\n", "column `START`: `12/31/9999` is outside the years"),
        ("s2,F,7,09/01/2025,1000000000,2025\n", "column `CREDITS`: `1000000000` is not from 0"),
        ("s2,F,7,09/01/2025,-3,2025\n", "column `CREDITS`: `-3` is not from 0"),
        ("s2,F,7,09/01/2025,1,1901\n", "column `COHORT`: `1901` is not a year from 1940 to 2099"),
    ] {
        let problems = Files::one(MAPPING, csv(row)).problems();
        assert!(problems.starts_with("`students.csv`, line 3, "), "{problems}");
        assert!(problems.contains(expected), "{problems}");
    }
    let hardly = csv("s2,F,7,09/01/2035,99,2025\ns3,F,7,09/01/2035,98,2025\n");
    let files = Files::one(MAPPING, hardly);
    let (_, summary) = files.read().unwrap();
    let told = summary.for_terminal().to_string();
    assert!(told.contains("unlikely in 2 rows; the first is line 3 of"), "{told}");
    assert!(told.contains("`09/01/2035`") && told.contains("`99`"), "{told}");
}
