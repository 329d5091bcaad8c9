//! `[postgres]` in `sumac.toml`: the party's own PostgreSQL server. It names a password's file and never a password.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sumac_node::warehouse::Place;
use sumac_policy::section::Section;

/// PostgreSQL's own.
const PORT: u16 = 5432;

/// Long enough to sort a state's enrolments on a slow machine.
const TIMEOUT_SECONDS: u64 = 600;

/// A day: whatever takes longer has failed.
const MAX_TIMEOUT_SECONDS: i64 = 86_400;

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Postgres {
    /// Where it is.
    pub(crate) place: Place,
    /// The database.
    pub(crate) dbname: String,
    /// As whom.
    pub(crate) user: String,
    /// The authorities one of which issued the server's certificate; none where there is no TLS.
    pub(crate) root_cert: Option<PathBuf>,
    /// The file that holds the password alone.
    pub(crate) password_file: Option<PathBuf>,
    /// The most that a statement may take.
    pub(crate) timeout: Duration,
}

impl Postgres {
    /// Reads the section; paths in it are relative to `home`.
    pub(super) fn from_section(section: &Section<'_>, home: &Path) -> Option<Self> {
        let host = section.text("host");
        let port = section.number_if_any("port", 1..=65_535);
        let dbname = section.text("dbname");
        let user = section.text("user");
        let sslmode = section.text_if_any("sslmode");
        let root_cert = section.text_if_any("root_cert").map(|found| home.join(found.value));
        let password_file = section.text_if_any("password_file");
        let password_file = password_file.map(|found| home.join(found.value));
        let timeout = section.number_if_any("timeout_seconds", 1..=MAX_TIMEOUT_SECONDS);
        if section.item("password").is_some() {
            section.problem_at(
                "password",
                "a password does not belong into settings",
                "put it into a file that only its owner may read, and name that: password_file",
            );
        }
        section.end(&[]);

        let port = port.map_or(Some(PORT), |found| found.value.try_into().ok())?;
        let host = host?.value;
        let place = match host.starts_with('/') {
            true => Place::Socket(host.into(), port),
            false => Place::Host(host.to_owned(), port),
        };
        let socket = matches!(place, Place::Socket(..));
        let tls = match sslmode.as_ref().map(|found| found.value) {
            None => !socket,
            Some("verify-full") => true,
            Some("disable") => false,
            Some(_) => {
                section.problem_at(
                    "sslmode",
                    "is neither \"verify-full\" nor \"disable\"",
                    "TLS without a look at who answers protects nobody",
                );
                return None;
            }
        };
        match (tls, &root_cert) {
            (true, _) if socket => {
                section.problem_at("sslmode", "TLS does not go over a socket", "leave it out");
            }
            (true, None) => section.problem(
                "`root_cert` is missing: the authority that issued the server's certificate",
                "root_cert = \"/etc/ssl/certs/ca-certificates.crt\" where it is a public one",
            ),
            (false, _) if !place.is_here() => section.problem_at(
                "sslmode",
                "\"disable\" would send records and the password over the network in the clear",
                "leave it out, and name a root_cert",
            ),
            (false, Some(_)) => {
                section.problem_at("root_cert", "is of no use without TLS", "leave it out");
            }
            _ => {}
        }
        let seconds = timeout.map_or(Some(TIMEOUT_SECONDS), |found| found.value.try_into().ok())?;
        Some(Self {
            place,
            dbname: dbname?.value.to_owned(),
            user: user?.value.to_owned(),
            root_cert: root_cert.filter(|_| tls),
            password_file,
            timeout: Duration::from_secs(seconds),
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::super::Settings;
    use super::*;

    fn read(lines: &str) -> Result<Postgres, String> {
        let text = format!("party = \"a\"\nmou = \"mou\"\n[postgres]\n{lines}");
        let settings = Settings::read(text.as_bytes(), Path::new("/srv/sumac"));
        settings.map(|settings| settings.postgres.unwrap()).map_err(|problems| problems.to_string())
    }

    const WHO: &str = "dbname = \"warehouse\"\nuser = \"sumac\"\n";

    #[test]
    fn another_machine_is_reached_by_tls_and_this_one_without() {
        let remote = format!("host = \"db.example\"\nroot_cert = \"ca.pem\"\n{WHO}");
        let remote = read(&remote).unwrap();
        assert_eq!(remote.place, Place::Host("db.example".to_owned(), 5432));
        assert_eq!(remote.root_cert, Some("/srv/sumac/ca.pem".into()));
        let socket = read(&format!("host = \"/run/postgresql\"\nport = 5433\n{WHO}")).unwrap();
        assert_eq!(socket.place, Place::Socket("/run/postgresql".into(), 5433));
        assert_eq!(socket.root_cert, None);
        for host in ["localhost", "127.0.0.1", "::1"] {
            read(&format!("host = \"{host}\"\nsslmode = \"disable\"\n{WHO}")).unwrap();
        }
    }

    #[test]
    fn what_would_be_unsafe_is_named_with_its_line() {
        for (lines, expected) in [
            ("host = \"db.example\"\n", "`root_cert` is missing"),
            (
                "host = \"db.example\"\nsslmode = \"disable\"\n",
                "line 5: postgres.sslmode: \"disable\" would send",
            ),
            ("host = \"10.0.0.7\"\nsslmode = \"disable\"\n", "in the clear"),
            ("host = \"db.example\"\nsslmode = \"require\"\n", "is neither"),
            ("host = \"/run\"\nsslmode = \"verify-full\"\n", "does not go over a socket"),
            (
                "host = \"db.example\"\npassword = \"x\"\n",
                "line 5: postgres.password: a password does not belong",
            ),
            ("host = \"db.example\"\npasword_file = \"x\"\n", "did you mean `password_file`?"),
            (
                "host = \"localhost\"\nsslmode = \"disable\"\ntimeout_seconds = 0\n",
                "0 is not from 1",
            ),
        ] {
            let problems = read(&format!("{lines}{WHO}")).unwrap_err();
            assert!(problems.contains(expected), "{lines}: {problems}");
        }
        assert!(read("host = \"localhost\"\nsslmode = \"disable\"\n").is_err(), "whose database?");
    }
}
