//! Agreements with a mistake in them: each mistake is found, on its line, in words that say what to do.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use sumac_policy::{Mou, Problem, Severity};

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");

/// Marks the line on which a problem is expected.
const HERE: &str = "# here";

/// The example with one replacement, which must change it.
fn with(from: &str, to: &str) -> String {
    assert!(LAKESHORE.contains(from), "the example has no {from:?}");
    LAKESHORE.replacen(from, to, 1)
}

/// Every error, none of which may leave its reader alone.
fn errors(bytes: &[u8]) -> Vec<Problem> {
    let problems = Mou::read(bytes).unwrap_err().0;
    assert!(!problems.is_empty());
    for problem in &problems {
        let message = problem.message.trim();
        assert!(message.len() > 5 && message.to_lowercase() != "error", "{problem:?}");
        assert!(problem.line >= 1 && !problem.place.is_empty(), "{problem:?}");
        assert_eq!(problem.severity, Severity::Error);
    }
    problems
}

/// The broken text has an error on the line of `at` that says `part`, and at most one more beside it.
#[track_caller]
fn check(text: &str, at: &str, part: &str) {
    let line = 1 + text.lines().position(|line| line.contains(at)).unwrap();
    let problems = errors(text.as_bytes());
    let found =
        problems.iter().any(|problem| problem.line == line && problem.to_string().contains(part));
    let shown: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert!(found, "line {line} with {part:?}, not\n{}", shown.join("\n"));
    assert!(problems.len() <= 2, "one mistake, many problems:\n{}", shown.join("\n"));
}

#[track_caller]
fn check_all(cases: &[(&str, &str, &str)]) {
    for (from, to, part) in cases {
        check(&with(from, to), HERE, part);
    }
}

/// The example with its retention KPI defined by the MOU itself; `define` ends its own lines.
fn own_kpi(define: &str) -> String {
    with("uses        = \"ipeds/retention_fall\"\n", &format!("title = \"Own\"\n{define}"))
}

#[test]
fn slips_of_the_pen() {
    check_all(&[
        ("title     =", "titel = \"x\" # here\n#", "did you mean `title`?"),
        ("[calendar]", "[calender] # here", "unknown key `calender` (did you mean `calendar`?)"),
        ("wait_days    =", "wait_day = 3 # here\n#", "did you mean `wait_days`?"),
        ("year_starts  = \"07-01\"", "year_start = \"07-01\" # here\n#", "`year_starts`?"),
        ("name     = \"Harbor", "nmae = \"x\" # here\n#", "did you mean `name`?"),
        (
            "{ party = \"lakeshore-chamber\"",
            "{ parti = \"lakeshore-chamber\", may = [\"ask\"] } # here\n#",
            "unknown key `parti`",
        ),
        ("may = [\"read\", \"propose\"] }", "mai = [\"read\"] } # here", "`mai`"),
        ("floor_at    =", "floorat = \"node\" # here\n#", "did you mean `floor_at`?"),
        ("{ employer = 3 }", "{ employers = 3 } # here\n#", "did you mean `employer`?"),
        ("margin      = 15", "margn = 15 # here\n#", "did you mean `margin`?"),
        ("answered_by = [\"college\"]", "answerd_by = [\"college\"] # here", "`answered_by`?"),
        ("because   =", "becuase = \"x\" # here\n#", "did you mean `because`?"),
        ("[privacy] ", "[extra] # here\nx = 1\n[privacy] ", "unknown key `extra`"),
    ]);
}

#[test]
fn values_that_cannot_be() {
    check_all(&[
        ("version   = 1", "version   = \"1\" # here", "a whole number is needed"),
        ("version   = 1", "version   = 0 # here", "0 is not from 1 to"),
        ("effective = 2026-07-15", "effective = \"2026-07-15\" # here", "without quotes"),
        ("effective = 2026-07-15", "effective = 1999-07-15 # here", "not between 2000 and 2149"),
        ("expires   = 2028-06-30", "expires   = 9999-12-31 # here", "not between 2000 and 2149"),
        ("expires   = 2028-06-30", "expires = 2026-07-14 # here", "before `effective`, 2026-07-15"),
        ("id        = \"lakeshore\"", "id = \"Lakeshore CC\" # here", "not a party id"),
        ("title     = \"Lakeshore Credential Coalition\"", "title = \" \" # here", "is empty"),
        ("\"sumac-mou/1\"", "\"sumac-mou/2\" # here", "use \"sumac-mou/1\""),
        ("wait_days    = 21", "wait_days = -1 # here\n#", "-1 is not from 0 to 3650"),
        ("\"07-01\"", "\"02-29\" # here\n#", "not the start of a year"),
        ("\"2025-26\"", "\"2025-27\" # here\n#", "`2025-27` is not a period"),
        ("\"2025-26\"", "\"2025\" # here\n#", "written like 2025-26"),
        (
            "kind     = \"college\"",
            "kind = \"colledge\" # here",
            "not a kind of party: use college",
        ),
        ("may = [\"ask\",", "may = [\"aks\", \"ask\"] } # here\n#", "`aks` is not a capability"),
        ("floor       = 10", "floor = 3 # here\n#", "platform's own floor of 5"),
        ("floor       = 10", "floor = -1 # here\n#", "-1 is not from 0"),
        ("\"coalition\"   ", "\"backbone\" # here\n#", "not a place to judge the floor"),
        ("period      = \"quarter\"", "period = \"term\" # here", "cannot report by `term`"),
        (
            "period      = \"quarter\"",
            "period = \"11 years\" # here",
            "cannot report by `11 years`",
        ),
        ("margin      = 10", "margin = 0 # here", "0 is not from 1 to"),
        ("margin      = 10", "margin = 2.5 # here", "a whole number is needed"),
        ("\"sha256:2222", "\"sha256:22 # here\"\n# \"", "not a SHA-256 digest"),
        ("purposes   =", "purposes = [] # here\n#", "no purpose is listed"),
        ("purposes   =", "purposes = [\"annual report\"] # here\n#", "not a purpose"),
    ]);
    check(
        &with("year_starts  = \"07-01\"", "year_starts  = \"01-01\""),
        "first_period =",
        "years that start on 01-01 are written like 2025",
    );
}

#[test]
fn budgets_are_exact_or_refused() {
    for (budget, part) in [
        ("{ rho = 0 }", "not a positive ρ"),
        ("{ rho = 0.0 }", "not a positive ρ"),
        ("{ rho = -0.5 }", "not a positive ρ"),
        ("{ rho = 0.1234567891 }", "at most nine decimals"),
        ("{ rho = 1e-3 }", "not a positive ρ"),
        ("{ rho = inf }", "not a positive ρ"),
        ("{ rho = nan }", "not a positive ρ"),
        ("{ rho = 99999999999999999999.5 }", "not a positive ρ"),
        ("{ rho = \"0.5\" }", "a number is needed"),
        ("{ epsilon = 5.2, delta = 1e-6, rho = 0.5 }", "cannot enforce `epsilon`"),
        ("{}", "`rho` is missing"),
        ("0.5", "a table is needed"),
    ] {
        let text = with("{ rho = 0.5 } ", &format!("{budget} # here\n# "));
        let line = 1 + text.lines().position(|line| line.contains(HERE)).unwrap();
        let problems = errors(text.as_bytes());
        let found = |problem: &Problem| problem.line == line && problem.to_string().contains(part);
        assert!(problems.iter().any(found), "{budget}: {problems:#?}");
    }
}

#[test]
fn parties_and_roles_that_contradict_each_other() {
    check_all(&[
        ("id       = \"harbor-tech\"", "id = \"lakeshore-cc\" # here", "listed twice"),
        (
            "\"sha256:2222222222222222222222222222222222222222222222222222222222222222\"",
            "\"sha256:1111111111111111111111111111111111111111111111111111111111111111\" # here",
            "another party's root",
        ),
        ("node.harbor.example:7443\"", "node.lakeshore.example:7443\" # here", "another party's"),
        ("[\"ir@harbor.example\", \"ciso@harbor.example\"]", "[\"ir@x\"] # here", "fewer than 2"),
        (
            "[\"ir@harbor.example\", \"ciso@harbor.example\"]",
            "[\"ir@x\", \"ir@x\"] # here",
            "fewer than 2",
        ),
        ("\"node.harbor.example:7443\"", "\"dials-out\" # here", "cannot reach a node that dials"),
        ("\"node.harbor.example:7443\"", "\"node.harbor.example\" # here", "is not host:port"),
        ("\"node.harbor.example:7443\"", "\"https://node:7443\" # here", "is not host:port"),
        ("\"node.harbor.example:7443\"", "\"node harbor:7443\" # here", "is not host:port"),
        ("\"node.harbor.example:7443\"", "\"node.harbor:0\" # here", "is not host:port"),
        ("\"node.harbor.example:7443\"", "\"node.harbor:70000\" # here", "is not host:port"),
        ("\"node.harbor.example:7443\"", "\"::1:7443\" # here", "is not host:port"),
        (
            "{ party = \"every-party\", may = [\"read\", \"propose\"] }",
            "{ party = \"stranger\", may = [\"read\"] } # here",
            "`stranger` is not a party",
        ),
        ("{ employer = 3 }", "{ employer = 4 } # here\n#", "4 parties of kind employer are needed"),
    ]);
    check(&with("may = [\"ask\", ", "may = ["), "[roles]", "nobody may ask");
    check(
        &with("[[party]]\nid       = \"harbor-tech\"", "[[party]] # here\nid = \"harbor-tech\"")
            .replace("address  = \"node.harbor.example:7443\"\n", ""),
        HERE,
        "`harbor-tech` answers `enrolment`, and has no address",
    );
    assert!(Mou::read(with("node.harbor.example", "[2001:db8::1]").as_bytes()).is_ok());
}

#[test]
fn kpis_that_mean_nothing() {
    check_all(&[
        (
            "\"ipeds/retention_fall\"",
            "\"ipeds/retention_fal\" # here",
            "did you mean `ipeds/retention_fall`?",
        ),
        ("\"ipeds/retention_fall\"", "\"nsc/wages\" # here", "there are ipeds/enrolment_headcount"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"race_ethnicty\"]] # here\n", "`race_ethnicity`?"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"sex\"], [\"sex\"]] # here\n", "listed already"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"sex\", \"sex\"]] # here\n", "named twice"),
        ("[[], [\"race_ethnicity\"]]\n", "[] # here\n", "no breakdown is listed"),
        ("[[], [\"race_ethnicity\"]]\n", "[\"sex\"] # here\n", "a breakdown is a list"),
        ("[[], [\"race_ethnicity\"]]\n", "\"sex\" # here\n", "a list in [ ] is needed"),
        ("[[], [\"race_ethnicity\"]]\n", "[[\"soc2\"]] # here\n", "which neither"),
        (
            "[[], [\"race_ethnicity\"]]\n",
            "[[\"sex\", \"age_band\", \"veteran\", \"cohort_term\"]] # here\n",
            "more than 3 dimensions",
        ),
        (
            "[[], [\"race_ethnicity\"], [\"award_level\"]]",
            "[[\"cip2\", \"award_level\", \"credential_type\"]] # here",
            "cells, more than 10000",
        ),
        ("answered_by = [\"employer\"]", "answered_by = [] # here", "nobody answers it"),
        ("answered_by = [\"employer\"]", "answered_by = [\"firm\"] # here", "not a kind of party"),
        (
            "[[kpi]]\nid          = \"retention\"",
            "[[kpi]] # here\nid = \"enrolment\"",
            "`enrolment` is listed twice",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]",
            "[[kpi]] # here\nid = \"retention\"\nuses = \"ipeds/retention_fall\"\n\
             answered_by = [\"provider\"]",
            "no party is of a kind that answers it",
        ),
        (
            "by          = [[], [\"race_ethnicity\"]]\nperiod      = \"year\"\n",
            "by = [[]]\nperiod = \"quarter\" # here\n",
            "which has no quarters",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n",
            "[[kpi]] # here\nid = \"retention\"\n",
            "exactly one of `uses` and `define`",
        ),
        (
            "[[kpi]]\nid          = \"retention\"\nuses        = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]\nby          = [[], [\"race_ethnicity\"]]",
            "[[kpi]] # here\nid = \"retention\"\nuses = \"ipeds/retention_fall\"\n\
             answered_by = [\"college\"]",
            "`by` is missing",
        ),
    ]);
}

#[test]
fn definitions_that_do_not_fit_the_tables() {
    let of = "of = \"enrolment\", cohort = \"cohort_year\"";
    for (define, part) in [
        (format!("{{ measure = \"ratio\", {of} }}"), "cannot measure `ratio`"),
        (format!("{{ measure = \"count\", {of}, value = \"x\" }}"), "a count has no `value`"),
        (format!("{{ measure = \"count\", {of}, cap = 0 }}"), "0 is not from 1 to 100"),
        (
            format!(
                "{{ measure = \"rate\", {of}, cap = 2, outcomes = [{{ id = \"a\", title = \"A\", when = \"sex = 'F'\" }}, {{ id = \"b\", title = \"B\", otherwise = true }}] }}"
            ),
            "a rate has no `cap`",
        ),
        (format!("{{ measure = \"awards\", {of} }}"), "`cap` is missing (add cap = 3"),
        (format!("{{ measure = \"mean\", {of}, clip = [0, 3000] }}"), "`value` is missing"),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earned\" }}"),
            "`clip` is missing (add clip = [lo, hi]",
        ),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earned\", clip = [3000, 0] }}"),
            "the lower first",
        ),
        (
            format!("{{ measure = \"mean\", {of}, value = \"credits_earnd\", clip = [0, 3000] }}"),
            "did you mean `credits_earned`?",
        ),
        (
            format!(
                "{{ measure = \"mean\", {of}, value = \"credits_earned\", clip = [0, 1], per = 0 }}"
            ),
            "0 is not from 1 to",
        ),
        (
            format!("{{ measure = \"distribution\", {of}, value = \"credits_earned\" }}"),
            "`bins` is missing",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = [0, 10, 5] }}"
            ),
            "edges that ascend",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = \"anual_pay\" }}"
            ),
            "did you mean `annual_pay`?",
        ),
        (
            format!(
                "{{ measure = \"distribution\", {of}, value = \"credits_earned\", bins = [0, 10, 50], clip = [0, 1] }}"
            ),
            "a distribution has no `clip`",
        ),
        (format!("{{ measure = \"count\", {of}, whre = \"true\" }}"), "did you mean `where`?"),
        ("{ measure = \"count\", cohort = \"x\" }".into(), "`of` is missing"),
        ("{ measure = \"count\", of = \"wages\" }".into(), "not a canonical table"),
        ("{ measure = \"count\", of = \"enrolment\" }".into(), "`during` and `cohort`"),
        (format!("{{ measure = \"count\", {of}, during = \"term_start\" }}"), "exactly one of"),
        (
            "{ measure = \"count\", of = \"enrolment\", during = \"cohort_year\" }".into(),
            "no date column `cohort_year` (it has term_start)",
        ),
        (
            "{ measure = \"count\", of = \"award\", cohort = \"awarded_on\" }".into(),
            "no year column `awarded_on`",
        ),
        (format!("{{ measure = \"count\", {of}, lag_years = 21 }}"), "21 is not from 0 to 20"),
        (
            format!("{{ measure = \"count\", {of}, where = \"incme > 3\" }}"),
            "no column `incme` here",
        ),
        (
            format!("{{ measure = \"count\", {of}, where = \"hired_on is null\" }}"),
            "no column `hired_on` here",
        ),
        (format!("{{ measure = \"count\", {of}, where = \"sex = 'Q'\" }}"), "not a code of `sex`"),
        (
            format!("{{ measure = \"count\", {of}, where = \"sex like 'F'\" }}"),
            "outside the subset",
        ),
        (format!("{{ measure = \"rate\", {of} }}"), "a rate has 2 to 16 outcomes, not 0"),
    ] {
        check(&own_kpi(&format!("define = {define} # here\n")), HERE, part);
    }
    let title = own_kpi(&format!("define = {{ measure = \"count\", {of} }}\n"))
        .replace("title = \"Own\"\n", "")
        .replace("[[kpi]]\nid          = \"retention\"", "[[kpi]] # here\nid = \"retention\"");
    check(&title, HERE, "`title` is missing");
}

#[test]
fn outcomes_that_leave_learners_nowhere() {
    let rate = |outcomes: &str| {
        own_kpi(&format!(
            "define.measure = \"rate\"\ndefine.of = \"enrolment\"\n\
             define.cohort = \"cohort_year\"\n{outcomes}"
        ))
    };
    let kept = "{ id = \"kept\", title = \"Kept\", when = \"retained = 'Y'\" }";
    let rest = "{ id = \"rest\", title = \"Rest\", otherwise = true }";
    assert!(Mou::read(rate(&format!("define.outcomes = [{kept}, {rest}]\n")).as_bytes()).is_ok());
    for (first, last, part) in [
        (
            kept,
            "{ id = \"rest\", title = \"Rest\", when = \"true\" }",
            "the last one has otherwise",
        ),
        ("{ id = \"all\", title = \"All\", otherwise = true }", rest, "the last one has otherwise"),
        (
            "{ id = \"won\", title = \"Won\", in = \"award\", when = \"enrolment.retained = 'Y'\" }",
            rest,
            "reads no column of `award`",
        ),
        ("{ id = \"kept\", title = \"Kept\" }", rest, "an outcome has `when`"),
        (
            "{ id = \"kept\", title = \"Kept\", in = \"learner\", when = \"true\" }",
            rest,
            "an outcome has `when`",
        ),
        ("{ id = \"kept\", title = \"Kept\", when = \"retaned = 'Y'\" }", rest, "`retained`?"),
        ("{ id = \"kept\", title = \"Kept\", wen = \"true\" }", rest, "did you mean `when`?"),
    ] {
        let marked = |outcome: &str, marker: &str| format!("    {outcome}, {marker}\n");
        let (one, two) = if part == "the last one has otherwise" && first == kept {
            (marked(first, ""), marked(last, HERE))
        } else {
            (marked(first, HERE), marked(last, ""))
        };
        check(&rate(&format!("define.outcomes = [\n{one}{two}]\n")), HERE, part);
    }
    let twice = "{ id = \"kept\", title = \"Rest\", otherwise = true }";
    check(
        &rate(&format!("define.outcomes = [{kept}, {twice}] # here\n")),
        HERE,
        "two outcomes have the same id",
    );
}

#[test]
fn dimensions_of_the_mou_that_are_not_closed() {
    let declared =
        |dimension: &str| with("[[kpi]]", &format!("[[dimension]]\n{dimension}\n[[kpi]]"));
    let region = "id = \"region\"\ntitle = \"Region\"\nof = \"learner\"\n";
    let sound = declared(&format!("{region}codes = {{ n = \"North\", unknown = \"Unknown\" }}"));
    assert!(Mou::read(sound.as_bytes()).is_ok());
    for (dimension, part) in [
        (format!("{region}codes = {{ n = \"North\" }} # here"), "no code for unknown"),
        (format!("{region}codes = {{ n = 3, unknown = \"U\" }} # here"), "a label in quotes"),
        (format!("{region}codes = [\"n\"] # here"), "a table is needed"),
        (format!("{region}code = {{ unknown = \"U\" }} # here"), "did you mean `codes`?"),
        (
            "id = \"sex\" # here\ntitle = \"Sex\"\nof = \"learner\"\ncodes = { unknown = \"U\" }"
                .to_owned(),
            "`learner` has a column `sex` already",
        ),
    ] {
        check(&declared(&dimension), HERE, part);
    }
}

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
fn audits_by_nobody_or_by_strangers() {
    let audit = |by: &str, days: &str| {
        with("[agreement]", &format!("[audit]\nby = {by}\n{days}\n[agreement]"))
    };
    let thirty = "within_days = 30";
    assert!(Mou::read(audit("[\"lakeshore-chamber\"]", thirty).as_bytes()).is_ok());
    check(&audit("[] # here", thirty), HERE, "nobody may have a log");
    check(&audit("[\"state\"] # here", thirty), HERE, "`state` is not a party");
    check(&audit("\"lakeshore-chamber\" # here", thirty), HERE, "a list");
    let late = "within_days = 4000 # here";
    check(&audit("[\"lakeshore-chamber\"]", late), HERE, "4000 is not from 0");
    let other = "within_days = 30\nformat = \"paper\" # here";
    check(&audit("[\"lakeshore-chamber\"]", other), HERE, "format");
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

#[test]
fn what_is_missing_is_said_where_it_belongs() {
    let without = |start: &str| {
        let lines: Vec<_> = LAKESHORE.lines().filter(|line| !line.starts_with(start)).collect();
        assert!(lines.len() < LAKESHORE.lines().count());
        lines.join("\n")
    };
    for (key, at) in [
        ("format ", "# Lakeshore"),
        ("catalogue ", "# Lakeshore"),
        ("effective ", "# Lakeshore"),
        ("purposes ", "[agreement]"),
        ("year_starts ", "[calendar]"),
        ("wait_days ", "[calendar]"),
        ("budget ", "[privacy]"),
        ("floor ", "[privacy]"),
        ("floor_at ", "[privacy]"),
    ] {
        check(&without(key), at, &format!("`{}` is missing", key.trim()));
    }
}

#[test]
fn what_is_no_agreement_at_all() {
    for (bytes, line, part) in [
        (&b"\xff\xfe\x00"[..], 1, "not UTF-8"),
        (b"format = \"sumac-mou/1\"\nid = \"\xe9\"\n", 2, "not UTF-8"),
        (b"this is a letter\n", 1, ""),
        (b"{ \"format\": 1 }", 1, ""),
        (b"a = 1\n\n[b\n", 3, ""),
        (b"id = \"a\"\nid = \"b\"\n", 2, "duplicate"),
    ] {
        let problems = errors(bytes);
        assert_eq!((problems.len(), problems[0].line), (1, line), "{problems:?}");
        assert!(problems[0].message.contains(part), "{problems:?}");
    }
    let large = format!("{LAKESHORE}{}", "#\n".repeat(1 << 20));
    assert!(errors(large.as_bytes())[0].message.contains("larger than 1 MiB"));
}

#[test]
fn an_empty_file_lacks_everything_at_once() {
    for text in ["", "\u{feff}", "# nothing yet\n"] {
        let problems = errors(text.as_bytes());
        let missing = |key: &str| {
            let said = format!("`{key}` is missing");
            problems.iter().any(|problem| problem.line == 1 && problem.message == said)
        };
        for key in ["format", "id", "title", "version", "catalogue", "effective", "expires"] {
            assert!(missing(key), "{key}: {problems:#?}");
        }
        for key in ["agreement", "calendar", "roles", "privacy"] {
            assert!(missing(key), "{key}: {problems:#?}");
        }
    }
}

#[test]
fn every_mistake_is_reported_at_once() {
    let text = with("title     =", "titel     =")
        .replacen("kind     = \"employer\"", "kind     = \"employe\"", 1)
        .replacen("floor       = 10", "floor       = 3", 1)
        .replacen("[\"award_level\"]]", "[\"award_levl\"]]", 1);
    let lines: Vec<_> = ["titel", "\"employe\"", "floor       = 3", "award_levl"]
        .iter()
        .map(|mistake| 1 + text.lines().position(|line| line.contains(mistake)).unwrap())
        .collect();
    let mut found: Vec<_> = errors(text.as_bytes()).iter().map(|problem| problem.line).collect();
    // A misspelt key is unknown, and the one it was meant to be is missing: line 1.
    found.retain(|line| *line > 1);
    assert_eq!(found, lines);
}

#[test]
fn line_endings_and_a_byte_order_mark_change_no_line() {
    let text = with("floor       = 10", "floor = 3 # here\n#");
    let line = errors(text.as_bytes())[0].line;
    for text in [text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        assert_eq!(errors(text.as_bytes())[0].line, line);
    }
}

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
