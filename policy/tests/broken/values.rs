//! Values that cannot be.

use sumac_policy::Problem;

use super::{HERE, check, check_all, errors, with};

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
        ("period      = \"quarter\"", "period = \"week\" # here", "cannot report by `week`"),
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
