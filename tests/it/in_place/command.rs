//! `sumac import --in-place`, `serve` and `ask`, as a college's people use them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::thread;

use serde_json::Value;
use sumac_keys::NodeSecret;

use crate::command::{CHAMBER, COLLEGE, Environment, LEARNER, LEARNERS, Said, Site};
use crate::postgres_server::{Server, server};

/// In a file and in the server; and in no text.
const PASSWORD: &str = "correct-horse-battery";

/// A KPI whose statement takes the keys of learners' tags.
const SEVERAL: &str = r#"
[[kpi]]
id          = "terms"
title       = "Learners in one of their programmes"
answered_by = ["college"]
define      = { measure = "count", cap = 1, of = "enrolment", during = "term_start" }
by          = [["cip2"]]
period      = "year"
margin      = 100
"#;

/// What the template's export says, as views.
fn views(role: &str) -> String {
    format!(
        "CREATE SCHEMA sumac; GRANT USAGE ON SCHEMA sumac TO {role};
         CREATE TABLE public.students AS SELECT CASE i WHEN 0 THEN '{LEARNER}' ELSE 'L' || lpad(i::text, 5, '0') END AS id,
             (ARRAY['F', 'M'])[1 + i % 2] AS sex, (1 + i % 8)::text AS race, i FROM generate_series(0, {LEARNERS} - 1) i;
         CREATE VIEW sumac.learner AS SELECT id AS person, sex, race AS race_ethnicity FROM public.students;
         CREATE VIEW sumac.enrolment AS SELECT id AS person, year - 2000::bigint AS row_order,
             make_date(year, 9, 1) AS term_start, (ARRAY['11', '51'])[1 + year % 2] AS cip2
             FROM public.students, (VALUES (2023), (2025)) years (year) WHERE year = 2025 OR i % 3 = 0;
         GRANT SELECT ON ALL TABLES IN SCHEMA sumac TO {role};"
    )
}

/// A college whose records stay in a database of its own.
struct College<'a> {
    site: Site,
    server: &'a Server,
    database: &'static str,
}

impl<'a> College<'a> {
    fn new(server: &'a Server, database: &'static str) -> Self {
        server.database(database, PASSWORD);
        server.sql(database, &views(database));
        let site = Site::under(|mou| format!("{mou}{SEVERAL}"));
        let college = Self { site, server, database };
        let path = college.site.home(COLLEGE).join("postgres.password");
        fs::write(&path, format!("{PASSWORD}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
        college.settings("password_file = \"postgres.password\"");
        college
    }

    fn settings(&self, more: &str) {
        let (port, name, authority) = (self.server.port(), self.database, self.server.authority());
        self.site.settings(&format!(
            "listen = \"{}\"\nreply_tick_ms = 1\n[postgres]\nhost = \"127.0.0.1\"\nport = {port}\n\
             dbname = \"{name}\"\nuser = \"{name}\"\nroot_cert = {authority:?}\n{more}\n",
            self.site.address()
        ));
    }

    /// With everything logged that can be.
    fn import(&self, more: &[&str]) -> Said {
        let loud: Environment = [("RUST_LOG", "trace".into())].into();
        let words = ["import", "--in-place", "sumac", "--as-of", "2026-01-15", "--covers", "2025"];
        // Its summary is the one text that may count; not even that may identify.
        let mut said = self.site.summary_of(&loud, &[&words[..], more].concat());
        said.err = said.err.replace(&LEARNERS.to_string(), "all");
        for secret in secrets(&self.site.home(COLLEGE)) {
            assert!(!said.out.contains(&secret) && !said.err.contains(&secret), "{said:?}");
        }
        said
    }

    fn ask(&self, kpi: &str, by: &[&str]) -> Said {
        let words = ["ask", kpi, "--period", "2025", "--format", "json"];
        self.site.run(CHAMBER, &[&words[..], by].concat())
    }
}

fn size(said: &Said) -> i64 {
    let report: Value = serde_json::from_str(&said.out).unwrap();
    report["tables"][0]["groups"][0]["size"]["value"].as_i64().unwrap()
}

/// Everything that no text may hold: the password, a learner, and the keys in any spelling.
fn secrets(home: &Path) -> Vec<String> {
    let secret = fs::read(home.join("node.secret")).unwrap();
    let secret = NodeSecret::new(secret.try_into().unwrap());
    let mut secrets = vec![PASSWORD.to_owned(), LEARNER.to_owned()];
    for pad in secret.purposes().iter().flat_map(|key| key.pads()) {
        let hex: String = pad[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let list: Vec<_> = pad[..8].iter().map(u8::to_string).collect();
        secrets.extend([hex.to_uppercase(), hex, list.join(", "), list.join(",\n")]);
    }
    secrets
}

#[test]
fn a_college_answers_from_its_warehouse_and_no_text_holds_a_secret() {
    let Some(server) = server() else { return };
    let college = College::new(server, "in_place_command");
    let before = fs::read(college.site.home(COLLEGE).join("snapshots/current")).unwrap();
    let rehearsed = college.import(&["--dry-run"]).well();
    for line in ["KPIs of the MOU, from this data", "terms", "Nothing was changed"] {
        assert!(rehearsed.err.contains(line), "{line}: {}", rehearsed.err);
    }
    assert_eq!(fs::read(college.site.home(COLLEGE).join("snapshots/current")).unwrap(), before);
    let said = college.import(&[]).well();
    for line in [
        "schema `sumac` of PostgreSQL, counted in place: no row was taken",
        "learner: all rows, all learners",
        "terms 2025 by cip2: 0 with more than 1 groups",
        "answers its next question from these views",
    ] {
        assert!(said.err.contains(line), "{line}: {}", said.err);
    }
    let status = college.site.run(COLLEGE, &["status"]).well();
    assert!(
        status.out.contains("in place: views of schema `sumac` in PostgreSQL"),
        "{}",
        status.out
    );

    let loud: Environment = [("RUST_LOG", "trace".into())].into();
    let serving = college.site.serve_in(&loud).unwrap();
    let said = college.ask("enrolment", &[]).well();
    let (total, truth) = (size(&said), i64::try_from(LEARNERS).unwrap());
    // Six times the deviation of a margin of 100.
    assert!((total - truth).abs() < 306, "{total} of {truth}");
    let terms = college.ask("terms", &["--by", "cip2"]).well();
    assert_eq!(size(&college.ask("enrolment", &[]).well()), total);
    let listed = college.site.run(CHAMBER, &["receipt", "list"]).well();

    let (code, log) = serving.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("outcome=\"RELEASED\""), "{log}");
    let texts = [log, said.out, terms.out, terms.err, listed.out];
    for secret in secrets(&college.site.home(COLLEGE)) {
        assert!(texts.iter().all(|text| !text.contains(&secret)), "{secret}: {texts:?}");
    }
    let summary = college.site.summary();
    assert_eq!((summary.charged_tables, summary.released_tables), (2, 2));
    college.site.run(COLLEGE, &["ledger", "check"]).well();
}

#[test]
fn a_server_that_is_gone_while_it_counts_costs_one_charge_and_no_word_of_its_own_gets_out() {
    let Some(server) = Server::of_its_own() else { return };
    let college = College::new(&server, "in_place_gone");
    college.import(&[]).well();
    // Whoever reads the view waits for ever.
    server.sql(
        "in_place_gone",
        "CREATE VIEW public.kept AS SELECT * FROM sumac.enrolment; ALTER VIEW sumac.enrolment RENAME TO quick;
         CREATE VIEW sumac.enrolment AS SELECT * FROM sumac.quick WHERE pg_sleep(100000) IS NOT NULL;
         GRANT SELECT ON sumac.enrolment TO in_place_gone",
    );
    let serving = college.site.serve();
    let failed = thread::scope(|scope| {
        let asking = scope.spawn(|| college.ask("enrolment", &[]));
        let counts = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sumac' AND query LIKE '/* sumac: enrolment 2025 %' AND state = 'active'";
        while server.sql("in_place_gone", counts).trim() != "1" {
            assert!(!asking.is_finished(), "it does not count");
        }
        server.stop();
        asking.join().unwrap()
    });
    assert_ne!(failed.code, Some(0), "{failed:?}");
    for word in ["postgres", "PostgreSQL", "warehouse", "127.0.0.1:"] {
        assert!(!failed.out.contains(word), "{word}: {failed:?}");
    }
    let charged = college.site.summary();
    assert_eq!((charged.charged_tables, charged.released_tables), (1, 0));

    // Asked while it is down, another table is not even charged.
    let down = college.ask("enrolment", &["--by", "sex"]);
    assert_ne!(down.code, Some(0), "{down:?}");
    assert_eq!(college.site.summary().charged_tables, 1);

    server.start_again();
    server.sql(
        "in_place_gone",
        "CREATE OR REPLACE VIEW sumac.enrolment AS SELECT * FROM sumac.quick",
    );
    college.ask("enrolment", &[]).well();
    let after = college.site.summary();
    assert_eq!((after.charged_tables, after.released_tables), (1, 1));
    assert_eq!(after.lifetime_nano_rho, charged.lifetime_nano_rho);
    let (_, log) = serving.stop();
    for line in
        ["the connection to PostgreSQL at 127.0.0.1", "was lost", "cannot connect to PostgreSQL"]
    {
        assert!(log.contains(line), "{line}: {log}");
    }
    assert!(!log.contains("terminating connection"), "the server's own words: {log}");

    // A node may start while it is down, and gives what was released.
    server.stop();
    let serving = college.site.serve();
    college.ask("enrolment", &[]).well();
    let (_, log) = serving.stop();
    assert!(log.contains("until it answers, the node gives released tables alone"), "{log}");
    college.site.run(COLLEGE, &["ledger", "check"]).well();
}

#[test]
fn what_cannot_be_served_in_place_is_told_before_a_port_is_bound() {
    let Some(server) = server() else { return };
    let college = College::new(server, "in_place_start");
    let words = ["--as-of", "2026-01-15", "--covers", "2025", "--in-place", "sumac"];
    for more in
        [&["export.csv"][..], &["--mapping", "mapping.toml"], &["--only", "A=b"], &["--recursive"]]
    {
        let said = college.site.run(COLLEGE, &[&["import"], &words[..], more].concat());
        said.badly(2, &["cannot be used with", "--in-place"]);
    }
    server.sql(college.database, "CREATE TABLE sumac.support (person bigint)");
    college.import(&[]).badly(1, &["`postgres:sumac.support`", "correct the views"]);
    server.sql(college.database, "DROP TABLE sumac.support");
    college.import(&[]).well();
    let refused = |words: &[&str]| {
        let Err((code, log)) = college.site.serve_in(&Environment::new()) else {
            panic!("it serves")
        };
        assert_eq!(code, Some(1), "{log}");
        for word in words {
            assert!(log.contains(word), "{word}: {log}");
        }
    };
    college.settings("");
    refused(&[
        "lies in PostgreSQL",
        "asks for a password, and none is set",
        "SUMAC_POSTGRES_PASSWORD",
    ]);
    college.settings("password_file = \"nowhere\"");
    refused(&["lies in PostgreSQL", "read `password_file`"]);
    college.settings("password_file = \"postgres.password\"\n[engine]\nkind = \"cluster\"\nscheduler = \"127.0.0.1:1\"");
    refused(&["are counted there", "leave [engine] out"]);
    college.import(&[]).badly(1, &["are counted there", "leave [engine] out"]);
    college.site.settings(&format!("listen = \"{}\"\n", college.site.address()));
    refused(&["lies in PostgreSQL", "names no PostgreSQL server"]);
    college.import(&[]).badly(1, &["names no PostgreSQL server"]);

    // In the environment it is as good as in a file.
    college.settings("");
    let known: Environment = [("SUMAC_POSTGRES_PASSWORD", PASSWORD.into())].into();
    let serving = college.site.serve_in(&known).unwrap();
    college.ask("enrolment", &[]).well();
    drop(serving);
}
