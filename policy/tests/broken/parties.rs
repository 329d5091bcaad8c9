//! Parties, roles and auditors.

use sumac_policy::Mou;

use super::{HERE, check, check_all, with};

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
