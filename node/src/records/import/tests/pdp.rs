//! The built-in mapping for the PDP analysis-ready cohort file: learners worked out by hand, rows from a seed, and
//! the header as the Clearinghouse writes it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sumac_policy::TableName::{Award, Enrolment, Learner};

use super::*;
use crate::records::mapping::BuiltIn;

/// Every column that the mapping names or knows, so that the test needs no copy of the header.
fn header() -> Vec<String> {
    let mapping = BuiltIn::named("pdp").unwrap().mapping(schema()).unwrap();
    let passed_over = mapping.passed_over.clone().unwrap();
    let mut names: Vec<String> = Vec::new();
    for source in mapping.every_source().into_iter().chain(&passed_over) {
        let name = source.first().to_owned();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Columns that files have since 2025 alone.
fn is_new(name: &str) -> bool {
    name.starts_with("Years to Latest")
        || ["First Year to Associates at", "First Year to Certificate at"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// What an ordinary learner's row says; a test changes what it is about.
const USUAL: &[(&str, &str)] = &[
    ("Institution ID", "00123400"),
    ("Cohort", "2016-17"),
    ("Cohort Term", "FALL"),
    ("Student Age", "20 and younger"),
    ("Enrollment Type", "First-Time"),
    ("Enrollment Intensity First Term", "Full-Time"),
    ("Race", "White"),
    ("Ethnicity", "N"),
    ("Gender", "F"),
    ("First Gen", ""),
    ("Pell Status First Year", "Y"),
    ("Credential Type Sought Year 1", "Associate's Degree"),
    ("Program of Study Term 1", "240102"),
    ("Number of Credits Attempted Year 1", "30.0"),
    ("Number of Credits Earned Year 1", "27.5"),
    ("AttemptedGatewayMathYear1", "Y"),
    ("CompletedGatewayMathYear1", "C"),
    ("AttemptedGatewayEnglishYear1", "N"),
    ("CompletedGatewayEnglishYear1", "NA"),
    ("Retention", "1"),
    ("Persistence", "0"),
    ("Time to Credential", "0"),
    ("NASPA First-Generation", "-1"),
    ("Military Status", "0"),
    ("Disability Status", "N"),
];

/// A file of learners `a`, `b`, …, each with these changes to the usual row.
fn file(new: bool, rows: &[&[(&str, &str)]]) -> String {
    let header: Vec<_> = header().into_iter().filter(|name| new || !is_new(name)).collect();
    let mut text = format!("{}\n", header.join(","));
    for (changes, id) in rows.iter().zip('a'..) {
        let fields: Vec<_> = header
            .iter()
            .map(|name| {
                let of = |pairs: &[(&str, &str)]| {
                    pairs
                        .iter()
                        .find(|(known, _)| known == name)
                        .map(|(_, value)| (*value).to_owned())
                };
                let own = (name == "Student GUID").then(|| id.to_string());
                let field = of(changes).or(own).or(of(USUAL)).unwrap_or_default();
                if field.contains(',') { format!("\"{field}\"") } else { field }
            })
            .collect();
        text += &fields.join(",");
        text.push('\n');
    }
    text
}

fn files(text: &str) -> Files {
    Files::one(BuiltIn::named("pdp").unwrap().text, text)
}

/// What a column says of each learner, all of their rows in order.
fn check(new: bool, rows: &[&[(&str, &str)]], table: TableName, column: &str, expected: &str) {
    let files = files(&file(new, rows));
    let (canonical, _) = files.read().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(said(&canonical.tables[&table], table, column).join(" "), expected, "{column}");
}

fn said(rows: &Rows, table: TableName, column: &str) -> Vec<String> {
    let words: Vec<String> = match values(rows, column) {
        Values::Code(_) => words(rows, schema(), table, column),
        Values::Date(days) => {
            let day = |days: &Option<i32>| source::day(days.unwrap()).unwrap().to_string();
            days.iter().map(day).collect()
        }
        Values::Integer(numbers) => {
            let number = |number: &Option<i64>| number.map_or("-".into(), |n| n.to_string());
            numbers.iter().map(number).collect()
        }
        Values::Year(years) => years.iter().map(|year| year.unwrap().to_string()).collect(),
    };
    let mut found = Vec::new();
    for id in 'a'..='z' {
        let key = secret().person_key(&id.to_string());
        let theirs = rows.person.iter().zip(&words).filter(|(person, _)| **person == key);
        found.extend(theirs.map(|(_, word)| format!("{id}={word}")));
    }
    found
}

#[test]
fn combines_race_and_ethnicity() {
    let rows: &[&[(&str, &str)]] = &[
        &[("Race", "Nonresident alien"), ("Ethnicity", "H")],
        &[("Race", "White"), ("Ethnicity", "h ")],
        &[("Race", "HISPANIC"), ("Ethnicity", "N")],
        &[("Race", "BLACK OR AFRICAN AMERICAN")],
        &[("Race", "Unknown"), ("Ethnicity", "UK")],
        &[("Race", ""), ("Ethnicity", "")],
        &[("Race", "Two or more races"), ("Ethnicity", "UK")],
    ];
    let expected = "a=1 b=2 c=2 d=5 e=unknown f=unknown g=8";
    check(false, rows, Learner, "race_ethnicity", expected);
    let problems = files(&file(false, &[&[("Race", "Martian")]])).problems();
    assert!(problems.contains("line 2, column `Race`: `Martian` is not in the mapping's codes"));
}

#[test]
fn reads_what_is_said_of_a_learner() {
    let rows: &[&[(&str, &str)]] = &[
        &[
            ("First Gen", "Y"),
            ("NASPA First-Generation", "0"),
            ("Gender", "P"),
            ("Student Age", "UK"),
        ],
        &[("NASPA First-Generation", "3"), ("Military Status", "2"), ("Gender", "m")],
        &[
            ("NASPA First-Generation", "0"),
            ("Military Status", "-1"),
            ("Gender", "UK"),
            ("Student Age", ">20 - 24"),
        ],
        &[
            ("Disability Status", "Y"),
            ("Pell Status First Year", "UK"),
            ("Gender", "X"),
            ("Student Age", "OLDER THAN 24"),
        ],
    ];
    check(false, rows, Learner, "first_gen", "a=Y b=Y c=N d=unknown");
    check(false, rows, Learner, "veteran", "a=N b=Y c=unknown d=N");
    check(false, rows, Learner, "sex", "a=unknown b=M c=unknown d=X");
    check(false, rows, Learner, "disability", "a=N b=N c=N d=Y");
    check(false, rows, Learner, "pell_first_year", "a=Y b=Y c=Y d=unknown");
    check(false, rows, Learner, "age_at_entry", "a=unknown b=under-21 c=21-24 d=25-plus");
}

#[test]
fn reads_what_is_said_of_the_entry() {
    let rows: &[&[(&str, &str)]] = &[
        &[],
        &[
            ("Cohort Term", "winter"),
            ("Enrollment Type", "TRANSFER-IN"),
            ("Program of Study Term 1", ""),
            ("Program of Study Year 1", "510000"),
        ],
        &[
            ("Cohort Term", "SPRING"),
            ("Enrollment Type", "Re-Admit"),
            ("Enrollment Intensity First Term", "Part-Time"),
            ("Program of Study Term 1", "010101"),
        ],
        &[
            ("Cohort Term", "SUMMER"),
            (
                "Credential Type Sought Year 1",
                "Less than 1-year certificate, less than Associates degree",
            ),
            ("Enrollment Intensity First Term", ""),
        ],
        &[("Credential Type Sought Year 1", "UK"), ("Program of Study Term 1", "UK")],
        &[
            ("Credential Type Sought Year 1", "Undergraduate Certificate or Diploma Program"),
            ("Cohort", "2020-21"),
        ],
        &[(
            "Credential Type Sought Year 1",
            "Non Credential Program (Preparatory Coursework / Teach Certification)",
        )],
    ];
    check(
        false,
        rows,
        Enrolment,
        "term_start",
        "a=2016-09-01 b=2017-01-02 c=2017-01-15 d=2017-06-01 e=2016-09-01 f=2020-09-01 g=2016-09-01",
    );
    check(
        false,
        rows,
        Enrolment,
        "cohort_year",
        "a=2016 b=2016 c=2016 d=2016 e=2016 f=2020 g=2016",
    );
    check(
        false,
        rows,
        Enrolment,
        "cohort_term",
        "a=FALL b=WINTER c=SPRING d=SUMMER e=FALL f=FALL g=FALL",
    );
    check(
        false,
        rows,
        Enrolment,
        "entry_status",
        "a=first_time b=transfer_in c=readmit d=first_time e=first_time f=first_time g=first_time",
    );
    check(false, rows, Enrolment, "intensity", "a=FT b=FT c=PT d=unknown e=FT f=FT g=FT");
    check(
        false,
        rows,
        Enrolment,
        "award_level_sought",
        "a=3 b=3 c=3 d=1b e=unknown f=unknown g=unknown",
    );
    check(false, rows, Enrolment, "degree_seeking", "a=Y b=Y c=Y d=Y e=unknown f=Y g=N");
    check(false, rows, Enrolment, "cip2", "a=24 b=51 c=01 d=24 e=unknown f=24 g=24");
    let problems = files(&file(false, &[&[("Program of Study Term 1", "10101")]])).problems();
    assert!(problems.contains("`10101` has not 6 characters"), "{problems}");
}

#[test]
fn reads_what_came_of_it() {
    let rows: &[&[(&str, &str)]] = &[
        &[
            ("Retention", "0"),
            ("Persistence", "1"),
            ("Number of Credits Earned Year 2", "12.25"),
            ("Time to Credential", "3.335"),
        ],
        &[
            ("CompletedGatewayMathYear1", "D"),
            ("AttemptedGatewayEnglishYear1", "Y"),
            ("CompletedGatewayEnglishYear1", "C"),
        ],
        &[
            ("AttemptedGatewayMathYear1", "UK"),
            ("CompletedGatewayMathYear1", "NA"),
            ("Retention", "0"),
        ],
    ];
    check(false, rows, Enrolment, "retained_year_2", "a=N b=Y c=N");
    check(false, rows, Enrolment, "persisted_year_2", "a=Y b=N c=N");
    check(false, rows, Enrolment, "gateway_math", "a=Y b=N c=unknown");
    check(false, rows, Enrolment, "gateway_english", "a=N b=Y c=N");
    check(false, rows, Enrolment, "credits_attempted_year_1", "a=3000 b=3000 c=3000");
    check(false, rows, Enrolment, "credits_earned_year_1", "a=2750 b=2750 c=2750");
    check(false, rows, Enrolment, "credits_earned_year_2", "a=1225 b=- c=-");
    check(false, rows, Enrolment, "time_to_credential", "a=334 b=- c=-");
    let status: &[&[(&str, &str)]] = &[
        &[
            ("Years to Bachelors at cohort inst.", "4"),
            ("First Bachelors at Other Institution STATE", "WI"),
        ],
        &[("First Associates or Certificate at Other Institution STATE", "WI")],
        &[
            ("Years of Last Enrollment at other institution", "2"),
            ("Years to Bachelors at cohort inst.", "0"),
        ],
        &[
            ("Years of Last Enrollment at cohort institution", "2"),
            ("Years of Last Enrollment at other institution", "0"),
        ],
        &[("Most Recent Last Enrollment at Other institution STATE", "UK")],
    ];
    check(
        false,
        status,
        Enrolment,
        "status",
        "a=completed b=transferred c=transferred d=unknown e=unknown",
    );
}

#[test]
fn makes_awards_of_the_years_to_them() {
    let bachelors = "First Year to Bachelors at cohort inst.";
    let two_years = "First Year to Associates or Certificate at cohort inst.";
    let rows: &[&[(&str, &str)]] = &[
        &[
            (bachelors, "4"),
            ("Years to Bachelors at cohort inst.", "4"),
            (two_years, "2"),
            ("Years to Associates or Certificate at cohort inst.", "5"),
        ],
        &[
            (bachelors, "0"),
            (two_years, "1"),
            ("Years to Associates or Certificate at cohort inst.", "1"),
            ("Cohort Term", "SPRING"),
        ],
        // Conferred elsewhere: not this institution's.
        &[("Years to Bachelor at other inst.", "3")],
    ];
    check(false, rows, Award, "awarded_on", "a=2018-06-30 a=2020-06-30 a=2021-06-30 b=2017-06-30");
    check(false, rows, Award, "award_level", "a=unknown a=5 a=unknown b=unknown");
    let rows: &[&[(&str, &str)]] = &[
        &[
            (two_years, "2"),
            ("First Year to Associates at cohort inst.", "3"),
            ("First Year to Certificate at cohort inst.", "2"),
            ("Years to Latest Certificate at cohort inst.", "2"),
        ],
        &[("Years to Latest Associates at cohort inst.", "6")],
    ];
    check(true, rows, Award, "awarded_on", "a=2018-06-30 a=2019-06-30 b=2022-06-30");
    check(true, rows, Award, "award_level", "a=unknown a=3 b=3");
    check(
        true,
        rows,
        Award,
        "credential_type",
        "a=Certificate a=AssociateDegree b=AssociateDegree",
    );
    // A young cohort has no award, and that is a fact.
    check(false, &[&[]], Award, "award_level", "");
}

#[test]
fn answers_the_kpis_that_the_file_is_made_for() {
    let (read, _) = files(&file(false, &[&[]])).read().unwrap();
    let held: Vec<_> = read
        .tables
        .iter()
        .flat_map(|(table, rows)| rows.columns.iter().map(|(name, _)| (*table, name.clone())))
        .collect();
    let answered = |id: &str| {
        let kpi = standard().kpis.iter().find(|kpi| kpi.id.to_string() == id);
        let columns = kpi.unwrap_or_else(|| panic!("{id}")).definition.columns();
        columns.into_iter().all(|column| held.contains(&(column.table, column.column)))
    };
    for id in ["pdp/retention", "pdp/persistence", "pdp/credit_accumulation", "ipeds/completers"] {
        assert!(answered(id), "{id}");
    }
    assert!(!answered("ipeds/graduation_150"));
}

#[test]
fn rejects_a_learner_whose_race_changes_and_takes_the_latest_of_what_may() {
    let again = |changes: &[(&str, &str)]| {
        let changes = [&[("Student GUID", "a"), ("Cohort", "2019-20")], changes].concat();
        file(false, &[&[], &changes])
    };
    let (read, _) = files(&again(&[("Military Status", "1")])).read().unwrap();
    assert_eq!(said(&read.tables[&Learner], Learner, "veteran"), ["a=Y"]);
    assert_eq!(said(&read.tables[&Enrolment], Enrolment, "cohort_year"), ["a=2016", "a=2019"]);
    for (column, value) in [
        ("Race", "Asian"),
        ("Student Age", "UK"),
        ("Ethnicity", "H"),
        ("Gender", "M"),
        ("First Gen", "Y"),
        ("Pell Status First Year", "N"),
    ] {
        let problems = files(&again(&[(column, value)])).problems();
        let expected = format!("line 3, column `{column}`: is another one than in line 2");
        assert!(problems.contains(&expected), "{problems}");
    }
}

#[test]
fn reads_the_header_as_it_is_written_and_columns_that_are_new() {
    let Some(data) = std::env::var_os("SUMAC_TEST_DATA") else {
        assert!(
            std::env::var_os("SUMAC_TEST_DATA_REQUIRED").is_none(),
            "SUMAC_TEST_DATA is not set"
        );
        eprintln!("skipped: SUMAC_TEST_DATA is not set");
        return;
    };
    let path = PathBuf::from(data).join("pdp/pdp_ar_cohort_header.csv");
    let real = fs::read_to_string(path).unwrap();
    let mut names: Vec<_> = real.trim().split(',').map(str::to_owned).collect();
    assert_eq!(names.len(), 77);
    let ours: Vec<_> = header().into_iter().filter(|name| !is_new(name)).collect();
    assert!(names.iter().all(|name| ours.contains(name)) && ours.len() == 77, "{ours:?}");

    // Ten thousand learners from a seed, with what the format allows in every column that is kept.
    let mut rng = ChaCha8Rng::seed_from_u64(77);
    let mut choose = |from: &[&str]| from[rng.next_u32() as usize % from.len()].to_owned();
    names.push("Favourite Colour".to_owned());
    names[2] = "Study ID".to_owned();
    let mut text = format!("\u{feff}{}\r\n", names.join(","));
    let mut bachelors = 0;
    for learner in 0..10_000 {
        let fields = names.iter().map(|name| match name.as_str() {
            "Study ID" => format!("P{learner}"),
            "Cohort" => choose(&["2016-17", "2017-18", "2022-23"]),
            "Cohort Term" => choose(&["FALL", "WINTER", "SPRING", "SUMMER"]),
            "Race" => choose(&["White", "Asian", "Hispanic", "Unknown", "Nonresident Alien"]),
            "Ethnicity" => choose(&["H", "N", "UK", ""]),
            "Gender" => choose(&["F", "M", "UK", "X", "P"]),
            "Student Age" => choose(&["20 and younger", ">20 - 24", "Older than 24"]),
            "First Year to Bachelors at cohort inst." => {
                let years = choose(&["0", "0", "4", "5", ""]);
                bachelors += usize::from(years.len() == 1 && years != "0");
                years
            }
            "Program of Study Term 1" => choose(&["110101", "240102", ""]),
            "Retention" | "Persistence" => choose(&["0", "1"]),
            name if name.starts_with("Number of Credits") => choose(&["0", "12", "15.5", ""]),
            name => USUAL
                .iter()
                .find(|(known, _)| *known == name)
                .map_or(String::new(), |(_, usual)| (*usual).to_owned()),
        });
        text += &fields.collect::<Vec<_>>().join(",");
        text += "\r\n";
    }
    let (read, summary) = files(&text).read().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(read.tables[&Learner].person.len(), 10_000);
    assert_eq!(read.tables[&Award].person.len(), bachelors);
    let told = summary.for_terminal().to_string();
    assert!(
        told.contains("columns that the mapping does not know, not read: `Favourite Colour`"),
        "{told}"
    );
}
