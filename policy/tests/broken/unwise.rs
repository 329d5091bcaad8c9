//! What is legal, and warned of.

use sumac_policy::{Mou, Severity};

use super::{HERE, LAKESHORE, with};

#[test]
fn the_unwise_is_warned_of_and_still_read() {
    let text = with("floor       = 10", "floor = 7 # here\n#");
    let (mou, problems) = Mou::examine(text.as_bytes()).unwrap();
    assert!(mou.is_some() && problems.iter().all(|found| found.severity == Severity::Warning));
    let line = 1 + text.lines().position(|line| line.contains(HERE)).unwrap();
    assert!(
        problems.iter().any(|found| found.line == line && found.message.contains("floor of 7"))
    );
}

#[test]
fn what_is_justified_is_not_warned_of() {
    let warned = |text: &str, part: &str| {
        let (_, problems) = Mou::examine(text.as_bytes()).unwrap();
        problems.iter().any(|found| found.message.contains(part))
    };
    let fafsa = "comes from FAFSA records";
    let listed = with("[\"award_level\"]]", "[\"pell\"]]")
        .replace("dimension = \"pell\"\nrefuse    = true", "kpi = \"completers\"\nmargin = 20");
    assert!(!warned(&listed, fafsa), "its restriction says what was thought of");
    let silent = listed.replace("Pell status comes from FAFSA records", "small groups");
    assert!(warned(&silent, fafsa));
    let two = "two parties answer";
    assert!(warned(LAKESHORE, two));
    let nobody_else_reads =
        with("party = \"every-party\", may = [\"read\", ", "party = \"every-party\", may = [");
    assert!(!warned(&nobody_else_reads, two));
    let years = "5 years after `effective`";
    assert!(!warned(&with("2028-06-30", "2031-07-14"), years));
    assert!(warned(&with("2028-06-30", "2031-07-15"), years));
}
