//! Clauses that nobody could keep, or that do not hold together.

use sumac_policy::Mou;

use super::{HERE, LAKESHORE, check, check_all, errors, own_kpi, with};

#[test]
fn clauses_that_this_version_cannot_enforce() {
    check_all(&[
        ("[agreement]", "[publish] # here\nneeds = \"x\"\n[agreement]", "enforce `publish`"),
        (
            "floor       = 10",
            "complementary = true # here\nfloor = 10",
            "complementary suppression",
        ),
        ("floor       = 10", "tails = \"slds\" # here\nfloor = 10", "enforce `tails`"),
        ("margin      = 10", "cap = 3 # here\nmargin = 10", "enforce `cap`"),
        ("margin      = 10", "embargo = 30 # here\nmargin = 10", "enforce `embargo`"),
        (
            "catalogue = \"sha256:",
            "catalogue = \"sha256:3f4e\"  # here\n# \"",
            "not a SHA-256 digest",
        ),
    ]);
    let pinned = LAKESHORE.split('"').find(|text| text.len() == 71).unwrap();
    let other = format!("sha256:{}", "4".repeat(64));
    check(&LAKESHORE.replace(pinned, &other), "catalogue =", &format!("it ships \"{pinned}\""));
}

#[test]
fn restrictions_that_restrict_nothing_or_too_much() {
    let at = "[[restrict]]";
    check(&with("refuse    = true", "refuse = false # here"), HERE, "a restriction refuses");
    check(&with("refuse    = true", ""), at, "a restriction refuses one thing");
    check(&with("refuse    = true", "refuse = true\nfloor = 20"), at, "refuses one thing");
    let instead = |limit: &str| with("dimension = \"pell\"", limit);
    check(&instead("column = \"pel_first_year\" # here"), HERE, "`pell_first_year`?");
    check(&instead("kpi = \"nothing\" # here"), HERE, "lists no KPI `nothing`");
    let no_flag = |limit: &str| instead(limit).replace("refuse    = true", "");
    check(&no_flag("margin = 20"), at, "refuses one thing");
    check(&no_flag("kpi = \"retention\"\nmargin = 0 # here"), HERE, "0 is not from 1");
    check(&with("\"pell\"", "\"pel\" # here"), HERE, "did you mean `pell`?");
    check(&with("\"pell\"", "\"wages\" # here"), HERE, "there are race_ethnicity");
    let reads = own_kpi(
        "define = { measure = \"count\", of = \"enrolment\", cohort = \"cohort_year\", \
         where = \"pell_first_year = 'Y'\" }\n",
    )
    .replace("[[kpi]]\nid          = \"retention\"", "[[kpi]] # here\nid = \"retention\"");
    check(&reads, HERE, "reads `pell`, which is restricted");
}

#[test]
fn amendments_pilots_and_ends_that_do_not_hold_together() {
    check_all(&[
        ("version   = 1", "version   = 2 # here", "does not say which version it replaces"),
        ("version   = 1", "version = 1\nreplaces = \"sha256:00\" # here", "not a SHA-256 digest"),
        (
            "version   = 1",
            &format!("version = 1\nreplaces = \"sha256:{}\" # here", "0".repeat(64)),
            "version 1 replaces nothing",
        ),
    ]);
    // Without the example's own amendment, for there can be one.
    let (example, _) = LAKESHORE.split_once("[amendment]").unwrap();
    let before =
        |section: &str| example.replacen("[agreement]", &format!("{section}\n[agreement]"), 1);
    let pilot = |until: &str, party: &str, kpi: &str| {
        before(&format!("[pilot]\nuntil = {until}\nparties = [{party}]\nkpis = [{kpi}]"))
    };
    assert!(Mou::read(pilot("2026-12-31", "\"harbor-tech\"", "\"retention\"").as_bytes()).is_ok());
    for (text, at, part) in [
        (pilot("2026-12-31", "\"nobody\"", "\"retention\""), "parties = [", "is not a party"),
        (pilot("2026-12-31", "\"harbor-tech\"", "\"x\""), "kpis = [", "lists no KPI `x`"),
        (pilot("2026-12-31", "", "\"retention\""), "parties = [", "nobody takes part"),
        (pilot("2026-12-31", "\"harbor-tech\"", ""), "kpis = [", "nothing may be asked"),
        (pilot("2029-01-01", "\"harbor-tech\"", "\"retention\""), "until =", "not between"),
        (
            before(
                "[pilot]\nuntil = 2026-12-31\nparty = []\nparties = [\"harbor-tech\"]\nkpis = [\"retention\"]",
            ),
            "party = []",
            "unknown key `party`",
        ),
        (before("[after]\nkeep_releases_days = 0 # here"), HERE, "0 is not from 1"),
        (before("[after]\non_exit = \"burn it\" # here"), HERE, "not a duty that a node can keep"),
        (
            before("[after]\nbreach_notice = { hours = 72, to = [\"nobody\"] } # here"),
            HERE,
            "`nobody` is not a party",
        ),
        (
            before("[after]\nkeep_release_days = 9 # here"),
            HERE,
            "did you mean `keep_releases_days`?",
        ),
        (before("[amendment]\nrule = \"majority\" # here"), HERE, "not a rule that nodes can keep"),
        (before("[amendment] # here\ncomment_days = 9"), HERE, "`rule` is missing"),
        (
            before("[amendment]\nrule = \"consensus\"\ncomment_days = -1 # here"),
            HERE,
            "-1 is not from 0",
        ),
    ] {
        check(&text, at, part);
    }
}

#[test]
fn data_targets_and_approvals_that_cannot_be_kept() {
    let before = |section: &str| with("[agreement]", &format!("{section}\n[agreement]"));
    for (section, part) in [
        ("[data.colleges] # here\nfreshness_days = 9", "not a kind of party"),
        ("[data.college]\nfreshness_days = 0 # here", "0 is not from 1"),
        ("[data.college]\nwithheld = [\"learner.hat\"] # here", "a column `learner.hat`"),
        ("[data.college]\nfreshnes_days = 9 # here", "did you mean `freshness_days`?"),
    ] {
        check(&before(section), HERE, part);
    }
    let kpi = "[[kpi]]\nid          = \"retention\"";
    let withheld = before("[data.college]\nwithheld = [\"learner.race_ethnicity\"]");
    let withheld = withheld.replace(kpi, "[[kpi]] # here\nid = \"retention\"");
    let problems = errors(withheld.as_bytes());
    assert!(problems.iter().all(|problem| problem.message.contains("withholds")), "{problems:?}");
    let needing = |words: &str| with("margin      = 10", &format!("{words}\nmargin = 10"));
    for (words, part) in [
        ("needs = \"a nod\" # here", "not a kind of approval"),
        ("target = { from = 0.3 , by = 2027-01-01 } # here", "`to` is missing"),
        ("target = { to = 0.4 } # here", "`by` is missing"),
        ("target = { to = 42, by = 2027-01-01 } # here", "a rate is from 0 to 1"),
        ("target = { to = -0.1, by = 2027-01-01 } # here", "not a number"),
        ("target = { to = 0.4, by = 2027-01-01, max_gap_point = 5 } # here", "`max_gap_points`?"),
    ] {
        check(&needing(words), HERE, part);
    }
    let nobody = needing("needs = \"approval\"");
    let problems = errors(nobody.as_bytes());
    assert!(problems.iter().any(|found| found.message.contains("may approve")), "{problems:?}");
    let somebody = nobody.replace("\"propose\"]", "\"propose\", \"approve\"]");
    assert!(Mou::read(somebody.as_bytes()).is_ok());
}
