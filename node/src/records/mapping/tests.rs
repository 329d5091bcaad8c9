//! What a mapping may say, and what it is told when it says something else.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;

use sumac_policy::standard;

use super::*;

const GOOD: &str = r#"format = "sumac-mapping/1"
title  = "Extract"

[[table]]
table  = "learner"
person = "ID"

[table.columns]
sex = "GENDER"
"#;

fn read(text: &str) -> Result<Mapping, MappingError> {
    Mapping::read(text.as_bytes(), Path::new("m.toml"), &standard().schema)
}

/// Replaces a piece of a good mapping, and expects these lines to begin the problems told.
fn check(piece: &str, instead: &str, expected: &[&str]) {
    let text = GOOD.replace(piece, instead);
    assert_ne!(text, GOOD, "{piece}");
    let error = read(&text).unwrap_err().to_string();
    let problems: Vec<_> = error.lines().skip(1).collect();
    assert_eq!(problems.len(), expected.len(), "{error}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.starts_with(expected), "{error}\nexpected: {expected}");
    }
}

#[test]
fn refuses_what_it_does_not_know_with_line_and_nearest_word() {
    let column = "sex = \"GENDER\"";
    for (piece, instead, expected) in [
        ("mapping/1", "mapping/2", "line 1: format: this version reads mappings of the format"),
        ("title  =", "titel =", "line 1: file: `title` is missing"),
        ("person =", "persn =", "line 4: table[1].person: `person` must name the column"),
        (
            "\"learner\"",
            "\"student\"",
            "line 5: table[1].table: `student` is not a canonical table",
        ),
        (
            column,
            "sexx = \"GENDER\"",
            "line 9: table[1].columns.sexx: unknown key `sexx` (did you mean `sex`?)",
        ),
        (
            column,
            "sex = { from = \"G\", code = {} }",
            "line 9: table[1].columns.sex.code: unknown key `code` (did you mean `codes`?)",
        ),
        (
            column,
            "sex = { codes = { M = \"M\" } }",
            "line 9: table[1].columns.sex: `from` is missing",
        ),
        (
            column,
            "sex = { from = \"G\", codes = { M = \"male\" } }",
            "line 9: table[1].columns.sex.codes.M: `male` is not a code of this column (its codes are F, M, X, unknown)",
        ),
        (
            column,
            "sex = { from = \"G\", other = \"N\" }",
            "line 9: table[1].columns.sex.other: `N` is not a code of this column",
        ),
        (
            column,
            "sex = { value = \"N\" }",
            "line 9: table[1].columns.sex.value: `N` is not a code of this column",
        ),
        (
            column,
            "birth_year = { value = \"1901\" }",
            "line 9: table[1].columns.birth_year.value: `1901` is not a year from 1905 to",
        ),
        (
            column,
            "sex = { from = \"G\", hundredths = true }",
            "line 9: table[1].columns.sex.hundredths: unknown key `hundredths`",
        ),
        (
            column,
            "birth_year = { from = \"B\", date = \"mm/dd/yyyy\" }",
            "line 9: table[1].columns.birth_year.date: `mm/dd/yyyy` is no way to write a day",
        ),
        (
            column,
            "birth_year = { from = \"B\", date = \"%m/%d/%Y\" }",
            "line 9: table[1].columns.birth_year.date: `date` makes a year of a date only with `year_starts`",
        ),
        (
            column,
            "birth_year = { from = \"B\", values = { A = \"x\" } }",
            "line 9: table[1].columns.birth_year.values.A: `x` is not a year",
        ),
        (
            "person = \"ID\"",
            "person = \"ID\"\non_conflict = \"latest\"",
            "line 7: table[1].on_conflict: \"latest\" needs `latest_by`",
        ),
        (
            "person = \"ID\"",
            "person = \"ID\"\non_conflict = \"last\"",
            "line 7: table[1].on_conflict: is neither",
        ),
        (
            "person = \"ID\"",
            "person = \"ID\"\nkeep = { CAMPUS = 1 }",
            "line 7: table[1].keep.CAMPUS: the values to keep must be texts",
        ),
        (
            "title  =",
            "file.delimiter = \":\"\ntitle =",
            "line 2: file.delimiter: is not a delimiter",
        ),
        (
            "title  =",
            "file.encoding = \"ebcdic\"\ntitle =",
            "line 2: file.encoding: `ebcdic` is not an encoding that is known here (use \"windows-1252\"",
        ),
        ("title  =", "file.quote = \"`\"\ntitle =", "line 2: file.quote: is not a way to quote"),
        (
            column,
            "sex = { from = [] }",
            "line 9: table[1].columns.sex.from: the name of a column is needed",
        ),
        (column, "", "line 8: table[1].columns: no column is filled"),
        ("title  = \"Extract\"", "title = \"Extract", "line 2: file: "),
    ] {
        let (expected, also) = match piece {
            "title  =" if instead.contains("titel") => {
                (expected, Some("line 2: titel: unknown key `titel` (did you mean `title`?)"))
            }
            "person =" => (
                expected,
                Some("line 6: table[1].persn: unknown key `persn` (did you mean `person`?)"),
            ),
            _ => (expected, None),
        };
        let expected: Vec<_> = [Some(expected), also].into_iter().flatten().collect();
        check(piece, instead, &expected);
    }
}

#[test]
fn tells_every_problem_at_once() {
    let text = GOOD.replace("\"Extract\"", "7").replace("sex = ", "sexx = ");
    let error = read(&format!("{text}race_ethnicity = {{ value = \"10\" }}\n")).unwrap_err();
    let MappingError::Unsound { problems, .. } = error else { unreachable!("it was read") };
    let lines: Vec<_> = problems.0.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 9, 10]);
}

#[test]
fn names_the_file_that_cannot_be_read() {
    let error = Mapping::open(Path::new("no/such.toml"), &standard().schema).unwrap_err();
    assert_eq!(error.to_string(), "read mapping `no/such.toml`");
}

#[test]
fn lists_a_tables_source_columns() {
    let text = GOOD.replace(
        "person = \"ID\"",
        "person = [\"ID\", \"SITE\"]\nlatest_by = \"TERM\"\nkeep = { CAMPUS = \"MAIN\" }",
    );
    let mapping = read(&text).unwrap();
    let sources: Vec<_> = mapping.every_source().into_iter().map(Names::first).collect();
    assert_eq!(sources, ["ID", "SITE", "CAMPUS", "TERM", "GENDER"]);
}
