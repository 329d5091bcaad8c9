use sumac_policy::TableName::{Award, Enrolment, Learner};

use super::*;

fn check_same(text: impl AsRef<[u8]>) {
    let plain = rows("s1,F,7,09/01/2025,12.5,2025-26\ns2,m,1,01/10/2026,,2025\n");
    let (expected, _) = Files::one(MAPPING, plain).read().unwrap();
    let (read, _) = Files::one(MAPPING, text).read().unwrap();
    assert_eq!(read, expected);
}

#[test]
fn reads_the_same_rows_in_whatever_shape_they_come() {
    let plain = rows("s1,F,7,09/01/2025,12.5,2025-26\ns2,m,1,01/10/2026,,2025\n");
    check_same(plain.replace('\n', "\r\n"));
    check_same(plain.replace(',', ";"));
    check_same(plain.replace(',', "\t"));
    check_same(format!("\u{feff}{plain}"));
    check_same(plain.trim_end());
    check_same(format!("{plain}\n,,,,,\n\n"));
    check_same(plain.replace("s1", " \"s1\" ").replace(" \"", "\"").replace("GENDER", " GENDER "));
    // Columns that the mapping does not name change nothing, whatever they hold.
    check_same(
        "NOTE,ID,GENDER,RACE,START,CREDITS,COHORT\n\"two\nlines, \"\"quoted\"\"\",s1,F,7,09/01/2025,12.50,2025-2026\n,s2,M,1,1/10/2026,,2025\n",
    );
}

#[test]
fn types_every_value() {
    let text = rows("s1,F,7,09/01/2025,12.5,2025-26\ns2,,,,,\n");
    let (canonical, _) = Files::one(MAPPING, text).read().unwrap();
    let learners = &canonical.tables[&Learner];
    let key = |id: &str| secret().person_key(id);
    let at =
        |rows: &Rows, id: &str| rows.person.iter().position(|person| *person == key(id)).unwrap();
    assert_eq!(words(learners, schema(), Learner, "sex")[at(learners, "s1")], "F");
    assert_eq!(words(learners, schema(), Learner, "sex")[at(learners, "s2")], "unknown");
    assert_eq!(words(learners, schema(), Learner, "race_ethnicity")[at(learners, "s1")], "7");

    let enrolments = &canonical.tables[&Enrolment];
    let (one, two) = (at(enrolments, "s1"), at(enrolments, "s2"));
    let Values::Date(starts) = values(enrolments, "term_start") else { panic!() };
    let Values::Integer(credits) = values(enrolments, "credits_earned") else { panic!() };
    let Values::Year(cohorts) = values(enrolments, "cohort_year") else { panic!() };
    assert_eq!((starts[one], credits[one], cohorts[one]), (Some(20_332), Some(1250), Some(2025)));
    assert_eq!((starts[two], credits[two], cohorts[two]), (None, None, None));
    assert_eq!(words(enrolments, schema(), Enrolment, "status"), ["enrolled", "enrolled"]);
}

#[test]
fn puts_a_learners_rows_in_order_of_time_and_merges_rows_repeated_whole() {
    let first =
        rows("s1,F,7,01/10/2026,3,2025\ns2,M,7,09/01/2025,3,2025\ns1,F,7,09/01/2025,4,2025\n");
    // The same row again, and one that differs in nothing but its credits.
    let again = rows("s1,F,7,01/10/2026,3,2025\ns1,F,7,01/10/2026,5,2025\n");
    let files = Files::one(MAPPING, first).and("again.csv", MAPPING, again);
    let (canonical, summary) = files.read().unwrap();
    let enrolments = &canonical.tables[&Enrolment];
    let Values::Integer(credits) = values(enrolments, "credits_earned") else { panic!() };
    let of = |id: &str| {
        let key = secret().person_key(id);
        let rows = enrolments.person.iter().zip(credits).filter(|(person, _)| **person == key);
        rows.map(|(_, credits)| credits.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(of("s1"), [400, 300, 500]);
    assert_eq!(of("s2"), [300]);
    assert_eq!(canonical.tables[&Learner].person.len(), 2);
    let merged: Vec<_> =
        summary.tables.iter().map(|table| (table.rows, table.learners, table.merged)).collect();
    assert_eq!(merged, [(2, 2, 3), (4, 2, 1)]);
}

#[test]
fn keeps_rows_that_differ_only_in_what_the_mapping_leaves_out() {
    // Two courses of three credits in one term, told apart by a column that is not kept.
    let header = HEADER.replace('\n', ",COURSE\n");
    let row = "s1,F,7,09/01/2025,3,2025";
    let text = format!("{header}{row},ENG 101\n{row},HIS 101\n{row},ENG 101\n");
    let (canonical, _) = Files::one(MAPPING, text).read().unwrap();
    assert_eq!(canonical.tables[&Enrolment].person.len(), 2);
}

#[test]
fn takes_the_latest_of_a_learners_rows_where_the_mapping_says_so() {
    let mapping = MAPPING.replacen(
        "person = \"ID\"",
        "person = \"ID\"\nlatest_by = { from = \"TERM\", number = true }\non_conflict = \"latest\"",
        1,
    );
    let header = HEADER.replace("ID,", "ID,TERM,");
    let body = "s1,202610,M,7,09/01/2025,1,2025\ns1,202520,F,7,09/01/2025,1,2025\ns1,202610,X,2,09/01/2025,1,2025\n";
    let mapping = mapping.replace("F = \"F\"", "F = \"F\", X = \"X\"");
    let (canonical, _) = Files::one(&mapping, format!("{header}{body}")).read().unwrap();
    let learners = &canonical.tables[&Learner];
    assert_eq!(words(learners, schema(), Learner, "sex"), ["X"]);
    assert_eq!(words(learners, schema(), Learner, "race_ethnicity"), ["2"]);
    let blank = Files::one(&mapping, format!("{header}s1,,M,7,09/01/2025,1,2025\n")).problems();
    assert!(blank.contains("line 2, column `TERM`: is blank"), "{blank}");
}

#[test]
fn keeps_only_the_rows_asked_for() {
    let mapping = MAPPING.replace(
        "table  = \"enrolment\"",
        "table  = \"enrolment\"\nkeep = { COHORT = [\"2025\", \"2024\"] }",
    );
    let text =
        rows("s1,F,7,09/01/2025,1,2025\ns2,M,7,09/01/2025,1,2023\ns3,M,1,09/01/2025,1,2024\n");
    let files = Files::one(&mapping, text).only("RACE=7");
    let (canonical, summary) = files.read().unwrap();
    assert_eq!(canonical.tables[&Learner].person.len(), 2);
    assert_eq!(canonical.tables[&Enrolment].person, [secret().person_key("s1")]);
    assert_eq!((summary.files[0].rows, summary.files[0].kept), (3, 2));
}

#[test]
fn knows_a_person_by_several_columns_together() {
    let mapping = MAPPING.replace("person = \"ID\"", "person = [\"ID\", \"RACE\"]");
    let text = rows("1,F,2,09/01/2025,1,2025\n1,M,7,09/01/2025,1,2025\n");
    let (canonical, _) = Files::one(&mapping, text).read().unwrap();
    assert_eq!(canonical.tables[&Learner].person.len(), 2);
}

#[test]
fn tells_the_operator_what_was_read() {
    let mapping = MAPPING.replace("F = \"F\" }", "F = \"F\" }, other = \"unknown\"");
    let text = rows("s1,F,7,09/01/2025,1,2025\ns2,Q,7,,1,2023\ns3,Q,,09/01/2025,1,2024");
    let (_, summary) = Files::one(&mapping, text).read().unwrap();
    let text = summary.for_terminal().to_string();
    for line in [
        "3 rows read, 3 kept, 0 filtered out or blank",
        "the last line has no line end",
        "learner: 3 rows, 3 learners",
        "  sex              33.3 % filled",
        "not in the mapping: `Q` in 2 rows",
        "  race_ethnicity   66.6 % filled",
        "  status          100.0 % filled",
        "leave this machine only if you copy them",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert!(!format!("{summary:?}").contains('3'));
}

#[test]
fn reads_every_shipped_mapping_with_a_file_that_has_its_columns() {
    for (mapping, header, row) in [
        (
            include_str!("../../../../../examples/mappings/banner-enrolment.toml"),
            "STUDENT_ID,TERM_CODE,BIRTH_DATE,GENDER,IPEDS_RACE,PELL_IND,FIRST_GEN_IND,CAMPUS,TERM_START_DATE,COHORT_YEAR,COHORT_TERM,STYP_CODE,FT_PT,DEGREE_SEEKING,CIP_CODE,CREDITS_ATTEMPTED,CREDITS_EARNED,OUTCOME,IPEDS_EXCLUSION,COMPLETION_TIME,RETAINED_NEXT_FALL,COMPLETED_BY_FALL",
            "S1,202610,03/14/2001,F,9,Y,,MAIN,08/25/2025,2025-26,10,N,F,Y,11.0101,15,12.5,ENROLLED,,,1,0",
        ),
        (
            include_str!("../../../../../examples/mappings/banner-awards.toml"),
            "STUDENT_ID,OUTCOME_STATUS,GRADUATION_DATE,PROGRAM_START,CIP_CODE,AWARD_CATEGORY,REVOKED_DATE",
            "S1,AW,05/20/2026,00/00/0000,51.3801,23,",
        ),
        (
            include_str!("../../../../../examples/mappings/workday-hires.toml"),
            "Employee ID,Worker Type,Hire Date,Termination Date,Position Type,Time Type,SOC Code,Starting Base Pay Annualized,Registered Apprenticeship,Credential Issuer,Credential Type,Credential CIP",
            "E1,Employee,2026-02-01,,Regular,Full time,29-1141,41600.00,No,Lakeshore Community College,Associate Degree,51.3801",
        ),
    ] {
        let (canonical, _) = Files::one(mapping, format!("{header}\n{row}\n"))
            .read()
            .unwrap_or_else(|error| panic!("{error}"));
        for rows in canonical.tables.values() {
            assert_eq!(rows.person.len(), 1);
        }
        if let Some(awards) = canonical.tables.get(&Award) {
            assert_eq!(words(awards, schema(), Award, "cip2"), ["51"]);
        }
    }
}

#[test]
fn reads_the_example_of_the_page_about_mappings() {
    let page = include_str!("../../../../../docs/mapping.md");
    let (_, rest) = page.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let text =
        "STUDENT_ID,TERM_START_DATE,COHORT_YEAR,FT_PT,CREDITS\nS1,08/25/2025,2025-26,F,12.5\n";
    let (canonical, _) = Files::one(example, text).read().unwrap();
    assert_eq!(words(&canonical.tables[&Enrolment], schema(), Enrolment, "intensity"), ["FT"]);
}
