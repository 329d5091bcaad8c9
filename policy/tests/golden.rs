//! What an author reads, word for word: agreements with mistakes, and all that is said of each. A change of a
//! message shows here, and is looked at by a person.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fmt::Write;
use std::fs;
use std::path::Path;

use sumac_policy::{Mou, Problems, Severity};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
const GOLDEN: &str = include_str!("golden/messages.txt");

/// Replacements in the example, each of which must change it.
type Edits = &'static [(&'static str, &'static str)];

const RESTRICT: &str = "[[restrict]]  ";
const AGREEMENT: &str = "[agreement]";

/// What its author did, and how the text then differs from the example.
const BROKEN: &[(&str, Edits)] = &[
    ("misspelt a key", &[("title     =", "titel     =")]),
    ("misspelt a section", &[("[calendar]", "[calender]")]),
    ("left a key out", &[("wait_days    = 21", "#")]),
    ("wrote a date in quotes", &[("effective = 2026-07-15", "effective = \"2026-07-15\"")]),
    ("ended before it began", &[("expires   = 2028-06-30", "expires   = 2026-06-30")]),
    ("wrote a year as it is not written here", &[("\"2025-26\"", "\"2025\"")]),
    ("began years on a day that does not come every year", &[("\"07-01\"", "\"02-29\"")]),
    (
        "named one contact",
        &[(
            "[\"registrar@lakeshore.example\", \"it@lakeshore.example\"]",
            "[\"registrar@lakeshore.example\"]",
        )],
    ),
    ("named one contact twice", &[("\"it@lakeshore.example\"", "\"registrar@lakeshore.example\"")]),
    ("listed a party twice", &[("id       = \"harbor-tech\"", "id       = \"lakeshore-cc\"")]),
    (
        "gave two parties one root",
        &[(
            "sha256:2222222222222222222222222222222222222222222222222222222222222222",
            "sha256:1111111111111111111111111111111111111111111111111111111111111111",
        )],
    ),
    ("gave a node no address", &[("address  = \"node.harbor.example:7443\"\n", "")]),
    ("gave an address without a port", &[("node.harbor.example:7443", "node.harbor.example")]),
    ("invented a kind of party", &[("kind     = \"employer\"", "kind     = \"company\"")]),
    ("gave a role to nobody", &[("party = \"lakeshore-chamber\"", "party = \"the-chamber\"")]),
    ("let nobody ask", &[("\"ask\", ", "")]),
    ("set a floor under the platform's", &[("floor       = 10", "floor       = 3")]),
    ("set a low floor", &[("floor       = 10", "floor       = 6")]),
    ("wrote a budget of nothing", &[("rho = 0.5", "rho = 0")]),
    ("wrote a budget as epsilon", &[("{ rho = 0.5 }", "{ epsilon = 5.2, delta = 1e-6 }")]),
    ("wanted more parties than there are", &[("employer = 3", "employer = 4")]),
    ("let two employers be published", &[("employer = 3", "employer = 2")]),
    ("let one employer be published", &[("min_parties = { employer = 3 }", "#")]),
    ("used a KPI that the catalogue has not", &[("ipeds/completers", "ipeds/completer")]),
    (
        "used and defined a KPI",
        &[("uses        = \"ipeds/completers\"", "uses = \"ipeds/completers\"\ndefine = {}")],
    ),
    ("misspelt a dimension", &[("[\"award_level\"]]", "[\"award_levl\"]]")]),
    ("broke down by what the KPI cannot read", &[("[\"award_level\"]]", "[\"soc2\"]]")]),
    ("listed a breakdown twice", &[("[\"award_level\"]]", "[]]")]),
    (
        "reported a cohort by quarter",
        &[(
            "[[], [\"race_ethnicity\"]]\nperiod      = \"year\"",
            "[[], [\"race_ethnicity\"]]\nperiod      = \"quarter\"",
        )],
    ),
    (
        "reported a cohort by term",
        &[
            ("wait_days ", "terms = { FALL = \"08-15\", SPRING = \"01-10\" }\nwait_days "),
            (
                "[[], [\"race_ethnicity\"]]\nperiod      = \"year\"",
                "[[], [\"race_ethnicity\"]]\nperiod      = \"term\"",
            ),
        ],
    ),
    ("reported by term without terms", &[("period      = \"quarter\"", "period      = \"term\"")]),
    ("reported by week", &[("period      = \"quarter\"", "period      = \"week\"")]),
    (
        "named a term as the field does not",
        &[("wait_days ", "terms = { AUTUMN = \"09-01\" }\nwait_days ")],
    ),
    (
        "began a term on a day that does not come every year",
        &[("wait_days ", "terms = { FALL = \"02-29\" }\nwait_days ")],
    ),
    (
        "began two terms at once",
        &[("wait_days ", "terms = { FALL = \"08-15\", SUMMER = \"08-15\" }\nwait_days ")],
    ),
    ("listed no term", &[("wait_days ", "terms = {}\nwait_days ")]),
    (
        "listed terms and reported nothing by them",
        &[("wait_days ", "terms = { FALL = \"08-15\", SPRING = \"01-10\" }\nwait_days ")],
    ),
    (
        "asked for a margin of nothing",
        &[("margin      = 15                ", "margin      = 0                ")],
    ),
    ("wrote a restriction that restricts nothing", &[("refuse    = true", "refuse    = false")]),
    ("restricted what a KPI lists", &[("\"pell\"", "\"race_ethnicity\"")]),
    ("restricted a dimension that is not there", &[("\"pell\"", "\"pel\"")]),
    (
        "listed Pell, and removed the restriction",
        &[
            ("[\"award_level\"]]", "[\"pell\"]]"),
            ("dimension = \"pell\"\nrefuse    = true", "kpi = \"graduation\"\nrefuse = true"),
        ],
    ),
    (
        "asked for approval that nobody may give",
        &[(
            "margin      = 10\n\n[[kpi]]\nid          = \"graduation\"",
            "margin      = 10\nneeds = \"approval\"\n\n[[kpi]]\nid          = \"graduation\"",
        )],
    ),
    (
        "named a stranger for the pilot",
        &[(
            AGREEMENT,
            "[pilot]\nuntil = 2026-12-31\nparties = [\"harbour-tech\"]\nkpis = [\"retention\"]\n\n[agreement]",
        )],
    ),
    (
        "began with a pilot too small",
        &[(
            AGREEMENT,
            "[pilot]\nuntil = 2026-12-31\nparties = [\"harbor-tech\", \"bay-fabrication\"]\nkpis = [\"retention\", \"hires_of_completers\"]\n\n[agreement]",
        )],
    ),
    (
        "began with a pilot of those who do not answer",
        &[(
            AGREEMENT,
            "[pilot]\nuntil = 2026-12-31\nparties = [\"harbor-tech\"]\nkpis = [\"hires_of_completers\"]\n\n[agreement]",
        )],
    ),
    (
        "wanted a rule of amendment that nodes cannot keep",
        &[("rule             = \"consensus\"", "rule             = \"two thirds\"")],
    ),
    (
        "asked for longer notice than there is time",
        &[("exit_notice_days = 60", "exit_notice_days = 999")],
    ),
    ("signed for ten years", &[("expires   = 2028-06-30", "expires   = 2036-06-30")]),
    (
        "set a target for after the end",
        &[(
            "margin      = 10\n\n[[kpi]]\nid          = \"graduation\"",
            "margin      = 10\ntarget = { to = 0.7, by = 2030-01-01 }\n\n[[kpi]]\nid          = \"graduation\"",
        )],
    ),
    (
        "ended before anything may be asked",
        &[("first_period = \"2025-26\"", "first_period = \"2027-28\"")],
    ),
    (
        "withheld what a KPI reads",
        &[(AGREEMENT, "[data.college]\nwithheld = [\"learner.race_ethnicity\"]\n\n[agreement]")],
    ),
    (
        "used a clause that this version cannot enforce",
        &[(AGREEMENT, "[publish]\nneeds = [\"chamber\"]\n\n[agreement]")],
    ),
    (
        "capped a count where no learner is in two groups",
        &[(
            "uses        = \"ipeds/enrolment_headcount\"\n",
            "title = \"Enrolled\"\ndefine = { measure = \"count\", cap = 4, of = \"enrolment\", during = \"term_start\" }\n",
        )],
    ),
    (
        "clipped a ratio as if it were one",
        &[(
            "uses        = \"ipeds/enrolment_headcount\"\n",
            "title = \"Completion ratio\"\ndefine = { measure = \"mean\", of = \"enrolment\", during = \"term_start\", value = \"credits_earned / credits_attempted\", clip = [0, 1] }\n",
        )],
    ),
    (
        "counted a dozen awards of one learner",
        &[(
            "uses        = \"ipeds/enrolment_headcount\"\n",
            "title = \"Awards\"\ndefine = { measure = \"awards\", cap = 12, of = \"award\", during = \"awarded_on\" }\n",
        )],
    ),
    (
        "measured days over two centuries",
        &[(
            "uses        = \"ipeds/enrolment_headcount\"\n",
            "title = \"Time\"\ndefine = { measure = \"mean\", of = \"award\", during = \"awarded_on\", value = \"awarded_on - program_start_on\", clip = [0, 73000] }\n",
        )],
    ),
    ("amended without saying what", &[("version   = 1", "version   = 2")]),
    (
        "pinned another catalogue",
        &[(
            "catalogue = \"",
            "catalogue = \"sha256:4444444444444444444444444444444444444444444444444444444444444444\" # \"",
        )],
    ),
    (
        "forgot to close a bracket",
        &[(
            "purposes   = [\"annual-report\", \"equity-review\"]",
            "purposes   = [\"annual-report\"",
        )],
    ),
    (
        "added a fourth thing to do",
        &[(
            RESTRICT,
            "[[restrict]]\nbecause = \"nobody\"\nkpi = \"wages\"\nrefuse = true\n\n[[restrict]]  ",
        )],
    ),
];

/// Everything that is said of the example; and of each broken agreement, what is said of it alone.
fn said() -> String {
    let example = messages(LAKESHORE);
    let mut text = format!("# the example itself\n{}", example.concat());
    let known: Vec<_> = example.iter().map(|message| without_line(message)).collect();
    for (what, edits) in BROKEN {
        let mut broken = LAKESHORE.to_owned();
        for (from, to) in *edits {
            assert!(broken.contains(from), "{what}: the example has no {from:?}");
            broken = broken.replacen(from, to, 1);
        }
        let mut new = messages(&broken);
        new.retain(|message| !known.contains(&without_line(message)));
        let _ = write!(text, "\n# {what}\n{}", new.concat());
    }
    text
}

/// A message whatever its line: an inserted line moves all that follow.
fn without_line(message: &str) -> &str {
    message.splitn(3, ": ").nth(2).unwrap()
}

fn messages(text: &str) -> Vec<String> {
    let problems = match Mou::examine(text.as_bytes()) {
        Ok((_, problems)) | Err(Problems(problems)) => problems,
    };
    let line = |found: &sumac_policy::Problem| {
        let word = match found.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        format!("{word}: {found}\n")
    };
    problems.iter().map(line).collect()
}

#[test]
fn every_message_is_as_it_was_agreed() {
    let said = said();
    let fresh = || "look at each change, then write them: cargo test -p sumac-policy --test golden -- --ignored";
    for (found, golden) in said.split("\n\n").zip(GOLDEN.split("\n\n")) {
        assert_eq!(found, golden, "{}", fresh());
    }
    assert_eq!(said, GOLDEN, "{}", fresh());
}

#[test]
fn every_mistake_is_spoken_of_with_what_to_do() {
    let said = said();
    let blocks: Vec<_> = said.split("\n\n").skip(1).collect();
    assert!(blocks.len() == BROKEN.len() && blocks.len() >= 30);
    for block in blocks {
        let mut lines = block.lines();
        let what = lines.next().unwrap();
        assert!(lines.clone().next().is_some(), "{what}: nothing is said");
        for line in lines {
            // In brackets, or in the message itself.
            let remedy = ["(", "use ", "such as", "is needed", "is not from", "expected"];
            assert!(remedy.iter().any(|words| line.contains(words)), "{what}: {line}");
        }
    }
}

#[test]
#[ignore = "writes the golden file anew"]
fn write_the_golden_file() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/messages.txt");
    fs::write(file, said()).unwrap();
}
