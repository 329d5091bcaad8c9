//! Settings and agreements with a mistake in them.

use std::fs;

use sumac_keys::Root;

use crate::command::{CHAMBER, COLLEGE, Site};

/// Marks the line on which an error is expected.
const HERE: &str = "# here";

#[test]
fn settings_are_refused_by_line_before_anything_is_opened() {
    let site = Site::new();
    for (settings, line, words) in [
        ("lisen = \"127.0.0.1:1\"", 3, "did you mean `listen`"),
        ("listen = \"localhost\"", 3, "is not an address of this machine and a port"),
        ("reply_tick_ms = 0", 3, "reply_tick_ms"),
        ("reply_tick_ms = 60000", 3, "reply_tick_ms"),
        ("\nreply_tick_ms = \"soon\"", 4, "reply_tick_ms"),
        ("party = \"harbor-tech\"", 3, "duplicate key"),
        ("listen = ", 3, ""),
        ("narrow = \"narrow.toml\"", 3, "narrow"),
    ] {
        site.settings(settings);
        let said = site.run(COLLEGE, &["serve"]);
        said.badly(1, &[&format!("sumac.toml:{line}"), words, "hint: "]);
    }
    assert!(!site.ledger().exists(), "nothing was opened");
    site.settings("");
    fs::remove_file(site.home(COLLEGE).join("sumac.toml")).unwrap();
    site.run(COLLEGE, &["serve"]).badly(1, &["it has no sumac.toml", "--home"]);
}

#[test]
fn an_mou_with_a_mistake_is_named_by_line_and_neither_signed_nor_served() {
    for (from, to, words) in [
        ("title     =", "titel = \"x\" # here\n#", "did you mean `title`"),
        ("[calendar]", "[calender] # here", "did you mean `calendar`"),
        ("floor       = 10", "floor = 3 # here", "floor"),
        ("margin      = 100", "margin = 0 # here", "margin"),
        ("\"race_ethnicity\"]]", "\"race\"]] # here", "race_ethnicity"),
        ("during = \"term_start\" }", "during = \"term_begin\" } # here", "term_start"),
        ("measure = \"count\"", "measure = \"mean\"", "`clip` is missing"),
        ("expires   = 2099-12-31", "expires = 2000-12-31 # here", "is before `effective`"),
        ("{ rho = 0.5 }", "{ rho = 0.0005 }", "yearly `privacy.budget`"),
        ("{ party = \"chamber\",", "{ party = \"chambre\",", "is not a party"),
        ("min_parties = { college = 1 }", "min_parties = { college = 4 } # here", "4 parties"),
        ("[roles]", "[amend] # here\n[roles]", "amend"),
        ("wait_days    = 0", "wait_days = ", ""),
    ] {
        let site = Site::unsigned(|mou| {
            assert!(mou.contains(from), "{from}");
            mou.replacen(from, to, 1)
        });
        let line = site.mou_text().lines().position(|line| line.contains(HERE));
        let line = line.map_or("mou.toml:".to_owned(), |line| format!("mou.toml:{}: ", line + 1));
        let folder = site.home(COLLEGE).join("mou");
        let folder = folder.to_str().unwrap();
        site.run(COLLEGE, &["mou", "check", folder]).badly(1, &[&line, words, "error"]);
        let signed = site.run(COLLEGE, &["mou", "sign", "--yes", folder]);
        signed.badly(1, &[&line, words, "hint: "]);
        assert!(!site.home(COLLEGE).join(format!("mou/signatures/{COLLEGE}.p7s")).exists());
        site.sign(&[COLLEGE, CHAMBER]);
        if !words.contains("budget") {
            site.run(COLLEGE, &["serve"]).badly(1, &[&line, words, "hint: "]);
            site.run(CHAMBER, &["ask", "enrolment"]).badly(1, &[&line, words, "hint: "]);
            assert!(!site.ledger().exists(), "nothing was opened");
        }
    }
}

#[test]
fn a_warning_is_no_error() {
    let site = Site::under(|mou| mou.replace("floor       = 10", "floor       = 5"));
    let folder = site.home(COLLEGE).join("mou");
    let said = site.run(COLLEGE, &["mou", "check", folder.to_str().unwrap()]).well();
    assert!(said.out.contains("warning: ") && said.out.contains("mou.toml:"), "{said:?}");
}

#[test]
fn an_mou_that_is_not_signed_by_all_is_acted_on_by_nobody() {
    let both = |site: &Site, words: &[&str]| {
        for (party, verb) in [(COLLEGE, &["serve"][..]), (CHAMBER, &["ask", "enrolment"])] {
            site.run(party, verb).badly(1, words);
        }
        assert!(!site.ledger().exists(), "nothing was opened");
    };
    let signed_by = |parties: &[&str]| {
        let site = Site::unsigned(str::to_owned);
        site.sign(parties);
        site
    };
    both(&signed_by(&[]), &["not signed by `lakeshore-cc`, `chamber`", "hint: "]);
    both(&signed_by(&[COLLEGE]), &["not signed by `chamber`", "sumac mou sign"]);

    // One byte more than what was signed.
    let site = Site::new();
    for home in [COLLEGE, CHAMBER] {
        fs::write(site.home(home).join("mou/mou.toml"), format!("{}\n", site.mou_text())).unwrap();
    }
    both(&site, &["not signed by `lakeshore-cc`, `chamber`", "sumac mou verify"]);
    let folder = site.home(CHAMBER).join("mou");
    let said = site.run(CHAMBER, &["mou", "verify", folder.to_str().unwrap()]);
    said.badly(1, &["0 of 2 parties have signed", COLLEGE, CHAMBER]);

    // Another's root in the file of one.
    let site = Site::new();
    for home in [COLLEGE, CHAMBER] {
        let other = Root::create(&CHAMBER.parse().unwrap(), "Chamber", jiff::Timestamp::now());
        let file = site.home(home).join("mou/parties/chamber.pem");
        fs::write(file, other.unwrap().certificate_pem()).unwrap();
    }
    both(&site, &["the root certificate of `chamber`", "but the MOU pins", "hint: "]);

    let site = Site::new();
    for home in [COLLEGE, CHAMBER] {
        fs::remove_file(site.home(home).join("mou/parties/chamber.pem")).unwrap();
    }
    both(&site, &["parties/chamber.pem", "ask `chamber` for its root.pem"]);

    let site = Site::new();
    for home in [COLLEGE, CHAMBER] {
        fs::remove_dir_all(site.home(home).join("mou")).unwrap();
    }
    both(&site, &["mou/mou.toml", "hint: "]);
}

#[test]
fn an_mou_that_is_over_or_without_this_party_is_not_served() {
    let over = Site::under(|mou| mou.replace("2099-12-31", "2004-12-31"));
    over.run(COLLEGE, &["serve"]).badly(1, &["the MOU expired on 2004-12-31", "hint: "]);
    let stranger = Site::new();
    let settings = stranger.home(COLLEGE).join("sumac.toml");
    let text = fs::read_to_string(&settings).unwrap().replace(COLLEGE, "harbor-tech");
    fs::write(settings, text).unwrap();
    stranger.run(COLLEGE, &["serve"]).badly(1, &["`harbor-tech` is not a party", "hint: "]);
    let asker = Site::new();
    asker.run(CHAMBER, &["serve"]).badly(1, &["asks nothing of a backbone", "hint: "]);
}
