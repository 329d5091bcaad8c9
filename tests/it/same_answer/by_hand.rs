//! The same through the shipped command.

use std::path::Path;

use crate::command::{CHAMBER, COLLEGE, PRICE_NANO_RHO, Site};

/// One year, as the two-party site's MOU has them.
const YEAR: &str = "2025";

fn asked(site: &Site) -> serde_json::Value {
    let words = ["ask", "enrolment", "--period", YEAR, "--by", "sex", "--format", "json"];
    let said = site.run(CHAMBER, &words).well();
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    json["tables"][0].clone()
}

fn remeasure_words(by: &'static str) -> Vec<&'static str> {
    vec!["remeasure", "enrolment", "--period", YEAR, "--by", by, "--because", "a file was missing"]
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_operator_corrects_a_table_while_the_node_serves_and_while_it_does_not() {
    let site = Site::new();
    let serving = site.serve();
    let socket = site.home(COLLEGE).join("control.sock");
    assert_eq!(mode(&socket), 0o600);
    let first = asked(&site);
    assert!(first.get("revised").is_none(), "{first}");

    // Nobody is there to confirm, so nothing happens; but what it would cost is said.
    let unconfirmed = site.run(COLLEGE, &remeasure_words("sex"));
    assert_eq!(unconfirmed.code, Some(1), "{unconfirmed:?}");
    for words in ["revision 2", "costs  ρ 0.00019208", "keeps  revision 1", "--yes"] {
        assert!(unconfirmed.err.contains(words), "{words}: {}", unconfirmed.err);
    }
    assert_eq!(asked(&site)["groups"], first["groups"]);

    let mut confirmed = remeasure_words("sex");
    confirmed.push("--yes");
    let ordered = site.run(COLLEGE, &confirmed).well();
    assert!(ordered.err.contains("ordered: the next ask measures revision 2"), "{}", ordered.err);
    assert_eq!(site.summary().lifetime_nano_rho, PRICE_NANO_RHO);
    let second = asked(&site);
    assert_eq!(second["revised"][COLLEGE], 2);
    assert_eq!(site.summary().lifetime_nano_rho, 2 * PRICE_NANO_RHO);
    let never = site.run(COLLEGE, &[&remeasure_words("race_ethnicity")[..], &["--yes"]].concat());
    assert_eq!(never.code, Some(1), "{never:?}");
    assert!(never.err.contains("never released"), "{}", never.err);
    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("a new measurement is ordered"), "{log}");
    assert!(!socket.exists());

    // While nothing serves, the command opens the ledger itself.
    site.run(COLLEGE, &confirmed).well();
    let serving = site.serve();
    assert_eq!(asked(&site)["revised"][COLLEGE], 3);
    drop(serving.kill());
    // A killed node leaves its socket behind; nobody listens there.
    assert!(socket.exists());
    site.run(COLLEGE, &confirmed).well();
    site.serve().stop();
}

#[test]
fn the_command_says_what_is_derived_and_that_it_is_free() {
    let listed = "[[], [\"sex\"], [\"race_ethnicity\"]]";
    let site = Site::under(|mou| {
        assert!(mou.contains(listed));
        mou.replace(listed, "[[\"sex\", \"race_ethnicity\"]]")
    });
    let serving = site.serve();
    let words = |by: &'static str, more: &[&'static str]| {
        let words = ["ask", "enrolment", "--period", YEAR, "--by", by];
        [&words[..], more].concat()
    };
    let early = site.run(CHAMBER, &words("sex", &[]));
    assert_eq!(early.code, Some(3), "{early:?}");
    assert!(early.out.contains("hint: ask for race_ethnicity × sex first"), "{}", early.out);
    site.run(CHAMBER, &words("race_ethnicity,sex", &[])).well();
    let preview = site.run(CHAMBER, &words("sex", &["--preview"])).well();
    assert!(
        preview.out.contains("would be derived from a released table: free"),
        "{}",
        preview.out
    );
    let derived = site.run(CHAMBER, &words("sex", &[])).well();
    assert!(derived.out.contains("derived: added up from a released table"), "{}", derived.out);
    assert_eq!(site.summary().lifetime_nano_rho, PRICE_NANO_RHO);
    serving.stop();
}

#[test]
fn a_correction_that_the_budget_does_not_hold_is_refused_with_its_own_exit_code() {
    let site = Site::under(|mou| mou.replace("rho = 0.5 ", "rho = 0.0003 "));
    let serving = site.serve();
    asked(&site);
    let dear = site.run(COLLEGE, &[&remeasure_words("sex")[..], &["--yes"]].concat());
    assert_eq!(dear.code, Some(4), "{dear:?}");
    assert!(dear.err.contains("costs 0.00019208"), "{}", dear.err);
    serving.stop();
    assert_eq!(site.summary().charged_tables, 1);
}
