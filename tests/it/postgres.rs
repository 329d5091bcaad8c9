//! Import from views of a real PostgreSQL server, through the shipped command.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::command::{COLLEGE, Environment, LEARNER, Said, Site};
use crate::postgres_server::{Server, server};

/// In the environment, in files, in the server; and in no text.
const PASSWORD: &str = "correct-horse-battery";

const MAPPING: &str = r#"format = "sumac-mapping/1"
title  = "Warehouse"

[[table]]
table  = "learner"
person = "id"

[table.columns]
sex            = "sex"
race_ethnicity = "race"

[[table]]
table  = "enrolment"
person = "id"

[table.columns]
term_start = "start"
"#;

/// A college whose data lies in a database of its own, as a role that may read it.
struct College {
    site: Site,
    server: &'static Server,
    database: &'static str,
}

impl College {
    fn new(database: &'static str) -> Option<Self> {
        let server = server()?;
        server.database(database, PASSWORD);
        let college = Self { site: Site::new(), server, database };
        fs::write(college.site.dir().join("warehouse.toml"), MAPPING).unwrap();
        college.password_file(PASSWORD, 0o600);
        college.settings(&format!("root_cert = {:?}", server.authority()));
        college.sql(&format!(
            // What the mapping does not read fails where it is read.
            "CREATE SCHEMA sumac; GRANT USAGE ON SCHEMA sumac TO {database};
             ALTER DEFAULT PRIVILEGES IN SCHEMA sumac GRANT SELECT ON TABLES TO {database};
             CREATE VIEW sumac.enrolment AS SELECT 'L' || i AS id, 'F' AS sex, '1' AS race,
                 DATE '2025-09-01' + i AS start, (1 / (i - i))::text AS \"family name\"
                 FROM generate_series(1, 2000) i;",
        ));
        Some(college)
    }

    fn sql(&self, statements: &str) {
        self.server.sql(self.database, statements);
    }

    fn password_file(&self, password: &str, mode: u32) {
        let path = self.site.home(COLLEGE).join("postgres.password");
        fs::write(&path, format!("{password}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Over TLS, with the password in a file, unless `more` says otherwise.
    fn settings(&self, more: &str) {
        let (port, name) = (self.server.port(), self.database);
        let file = if more.contains("password_file") {
            ""
        } else {
            "password_file = \"postgres.password\""
        };
        self.site.settings(&format!(
            "listen = \"127.0.0.1:1\"\n[postgres]\nhost = \"127.0.0.1\"\nport = {port}\ndbname = \"{name}\"\n\
             user = \"{name}\"\n{file}\n{}\n",
            more.replace("password_file = none", "")
        ));
    }

    fn import(&self, sources: &[&str]) -> Said {
        self.import_in(&Environment::new(), sources)
    }

    /// With everything logged that can be.
    fn import_in(&self, more: &Environment, sources: &[&str]) -> Said {
        let mut environment = BTreeMap::from([("RUST_LOG", OsString::from("trace"))]);
        environment.extend(more.clone());
        let mut words = vec!["import"];
        words.extend(sources);
        words.extend(["--mapping", "warehouse.toml", "--as-of", "2026-01-15", "--covers", "2025"]);
        let said = self.site.run_in(&environment, COLLEGE, &words);
        for secret in [PASSWORD, "battery"] {
            assert!(!format!("{}{}", said.out, said.err).contains(secret), "{said:?}");
        }
        said
    }

    /// The name of the snapshot in use.
    fn current(&self) -> String {
        fs::read_to_string(self.site.home(COLLEGE).join("snapshots/current")).unwrap()
    }
}

#[test]
fn views_and_files_become_one_snapshot_and_unread_columns_stay_in_the_database() {
    let Some(college) = College::new("views") else { return };
    let before = college.current();
    college.sql("CREATE VIEW sumac.\"Odd one\" AS SELECT 'M1' AS \"ID\", 'M' AS \"Sex\", '2' AS race, NULL::date AS start;");
    fs::write(college.site.dir().join("more.csv"), "id,sex,race,start\nL1,F,1,2025-10-01\n")
        .unwrap();
    let said =
        college.import(&["postgres:sumac.enrolment", "more.csv", "postgres:sumac.Odd one"]).well();
    for line in [
        "postgres:sumac.enrolment (Warehouse)\n  2000 rows read",
        "more.csv",
        "learner: 2001 rows",
        "enrolment: 2002 rows",
    ] {
        assert!(said.err.contains(line), "{line}: {}", said.err);
    }
    assert_ne!(college.current(), before);

    // A socket of this machine needs neither TLS nor, here, a password.
    let (sockets, port) = (college.server.sockets(), college.server.port());
    college.site.settings(&format!(
        "listen = \"127.0.0.1:1\"\n[postgres]\nhost = {sockets:?}\nport = {port}\ndbname = \"views\"\nuser = \"views\"\n"
    ));
    let said = college.import(&["postgres:sumac.enrolment"]).well();
    assert!(!said.err.contains("warning: no TLS"), "{}", said.err);
}

#[test]
fn a_password_comes_from_a_private_file_or_the_environment_and_is_never_shown() {
    let Some(college) = College::new("passwords") else { return };
    let authority = format!("root_cert = {:?}", college.server.authority());
    let sources = ["postgres:sumac.enrolment"];
    college.password_file(PASSWORD, 0o640);
    college.import(&sources).badly(1, &["may be read by others", "chmod 600"]);
    college.password_file("wrong", 0o600);
    college.import(&sources).badly(1, &["does not let `passwords` in", "password_file"]);
    college.settings(&format!("{authority}\npassword_file = none"));
    college.import(&sources).badly(1, &["asks for a password", "SUMAC_POSTGRES_PASSWORD"]);
    for variable in ["PGPASSWORD", "SUMAC_POSTGRES_PASSWORD"] {
        college.import_in(&Environment::from([(variable, PASSWORD.into())]), &sources).well();
    }
    let said = college.site.run(COLLEGE, &["status"]);
    assert!(!format!("{said:?}").contains(PASSWORD));
}

#[test]
fn what_goes_wrong_is_named_and_the_old_snapshot_stays() {
    let Some(college) = College::new("wrong") else { return };
    let before = college.current();
    college.sql(&format!(
        "CREATE VIEW sumac.a AS SELECT 'L1' AS id, 'F' AS sx, '1' AS race, DATE '2025-09-01' AS start;
         CREATE VIEW sumac.b AS SELECT * FROM (VALUES ('L1', 'F', '1', DATE '2025-09-01'),
             ('{LEARNER}', 'Q', '1', DATE '2025-09-01')) rows (id, sex, race, start);
         CREATE VIEW sumac.dropped AS SELECT 'L' || i AS id, 'F' AS sex, '1' AS race,
             CASE WHEN i = 40000 AND pg_terminate_backend(pg_backend_pid()) THEN NULL ELSE DATE '2025-09-01' END AS start
             FROM generate_series(1, 60000) i;
         CREATE VIEW sumac.slow AS SELECT 'L' || i AS id, 'F' AS sex, '1' AS race,
             CASE WHEN i = 40000 AND pg_sleep(600) IS NOT NULL THEN DATE '2025-09-01' END AS start
             FROM generate_series(1, 60000) i;
         CREATE VIEW sumac.failing AS SELECT 'L1' AS id, 'F' AS sex, '1' AS race,
             CAST('{LEARNER}' || repeat('', i) AS date) AS start FROM generate_series(1, 2) i;
         CREATE VIEW sumac.empty AS SELECT * FROM sumac.b WHERE false;
         CREATE VIEW sumac.hidden AS SELECT * FROM sumac.b; REVOKE ALL ON sumac.hidden FROM wrong;"
    ));
    let authority = format!("root_cert = {:?}", college.server.authority());
    college.settings(&format!("{authority}\ntimeout_seconds = 2"));
    for (view, words) in [
        ("sumac.enrollment", &["no view or table `sumac.enrollment`", "sumac.enrolment"][..]),
        (
            "sumac.a",
            &["`postgres:sumac.a`, column `sex`: the view has no such column", "the view has `sx`"],
        ),
        ("sumac.b", &["`postgres:sumac.b`, row 2, column `sex`: `Q` is not"]),
        ("sumac.dropped", &["the connection to PostgreSQL at 127.0.0.1", "was lost"]),
        ("sumac.slow", &["did not finish within 2 s", "timeout_seconds"]),
        ("sumac.failing", &["SQLSTATE 22007"]),
        ("sumac.empty", &["has a header and no rows"]),
        ("sumac.hidden", &["`wrong` may not read", "GRANT"]),
    ] {
        college.import(&[&format!("postgres:{view}")]).badly(1, words);
        assert_eq!(college.current(), before, "{view}");
    }
    let stranger = college.server.authority().with_file_name("stranger.pem");
    college.settings(&format!("root_cert = {stranger:?}"));
    college.import(&["postgres:sumac.b"]).badly(1, &["is not trusted", "root_cert"]);
    college.settings("sslmode = \"disable\"");
    college.import(&["postgres:sumac.nothing"]).badly(1, &["warning: no TLS", "no view or table"]);
    assert_eq!(college.current(), before);
}
