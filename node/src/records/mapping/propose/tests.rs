//! What is proposed, what never is, and that it is refused until somebody has looked at it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;

use sumac_policy::standard;

use super::*;
use crate::records::mapping::Mapping;

const REGISTRAR: &str = "Student ID,Last Name,E-Mail,Gender,Ethnicity,Birth Date,Cohort,FT/PT,Term Start Date,Hours Attempted,CIP Code,Comments\n";

fn rows() -> String {
    let mut text = REGISTRAR.to_owned();
    for n in 0..60 {
        let sex = ["F", "M", "N"].get(n % 3).unwrap();
        let race = ["White", "Asian", "Black or African American", "Purple"].get(n % 4).unwrap();
        let load = ["Full-time", "P"].get(n % 2).unwrap();
        text += &format!(
            "id-{n},Secret{n},who{n}@example.org,{sex},{race},11/2{}/1999,2025-26,{load},2025-09-01,12.5,11.0101,\"told us about {n}\"\n",
            n % 9
        );
    }
    text
}

fn proposed(text: impl AsRef<[u8]>) -> String {
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    fs::write(file.path(), text).unwrap();
    propose(file.path(), &standard().schema).unwrap()
}

fn read(text: &str) -> Result<Mapping, String> {
    Mapping::read(text.as_bytes(), Path::new("m.toml"), &standard().schema)
        .map_err(|error| error.to_string())
}

#[test]
fn guesses_columns_by_name_and_codes_by_value() {
    let text = proposed(rows());
    for line in [
        "person = \"Student ID\"",
        "table  = \"learner\"",
        "table  = \"enrolment\"",
        "sex = { from = \"Gender\", codes = { \"F\" = \"F\", \"M\" = \"M\", \"N\" = \"TODO\" } }",
        "race_ethnicity = { from = \"Ethnicity\", codes = { \"Asian\" = \"4\", \"Black or African American\" = \"5\", \"Purple\" = \"TODO\", \"White\" = \"7\" } }",
        "birth_year = { from = \"Birth Date\", date = \"%m/%d/%Y\", year_starts = \"01-01\" }",
        "cohort_year = \"Cohort\"",
        "intensity = { from = \"FT/PT\", codes = { \"Full-time\" = \"FT\", \"P\" = \"PT\" } }",
        "term_start = \"Term Start Date\"",
        "credits_attempted = { from = \"Hours Attempted\", hundredths = true }",
        "cip2 = { from = \"CIP Code\", first = 2, other = \"unknown\" }",
        "#   Last Name",
    ] {
        assert!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
}

#[test]
fn copies_no_value_of_a_person_and_no_free_text() {
    let text = proposed(rows());
    for value in ["id-1", "Secret", "example.org", "told us", "1999"] {
        assert!(!text.contains(value), "{value}\n{text}");
    }
    // Not even where a column is called like codes and holds sentences, or where everybody is called alike.
    let notes: String = (0..50).map(|n| format!("{n},went to see about {n},Ann\n")).collect();
    let text = proposed(format!("ID,Gender,First Name\n{notes}"));
    assert!(!text.contains("went to see") && !text.contains("Ann"), "{text}");
}

#[test]
fn is_refused_while_a_todo_is_in_it_and_read_when_none_is() {
    let text = proposed(rows());
    let refused = read(&text).unwrap_err();
    let line = 1 + text.lines().position(|line| line.contains("\"N\" = \"TODO\"")).unwrap();
    assert!(refused.contains(&format!("line {line}: ")), "{refused}");
    assert!(refused.contains("`TODO` stands here"), "{refused}");
    assert!(!refused.contains("is not a code"), "{refused}");
    let done = text.replace("= \"TODO\"", "= \"unknown\"");
    read(&done).unwrap();
}

#[test]
fn proposes_something_that_parses_for_any_header() {
    for text in [
        "A,B\n1,2\n",
        "\"we \"\"quote\"\"\",\"a\\b\"\n1,2\n",
        "Employee ID,Hire Date,Annual Pay\n7,01/02/2025,41600\n",
        "ID,Award Date\n1,01/02/2025\n2,03/04/2025\n",
        "Sex\n\n",
        "ID;Race\n1;x\n2;\"a \"\"b\"\"\"\n",
    ] {
        let text = proposed(text);
        let todo = text.contains("\"TODO\"");
        match read(&text) {
            Ok(_) => assert!(!todo, "{text}"),
            Err(refused) => assert!(todo && refused.contains("`TODO` stands"), "{refused}\n{text}"),
        }
    }
    let latin = [b"ID,Gender\n1,F\n".as_slice(), b"2,\xe9\n"].concat();
    assert!(proposed(latin).contains("encoding = \"windows-1252\""));
}
