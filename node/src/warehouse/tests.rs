//! Against a real server: who is let in, what is said of what goes wrong, and that nothing can be changed.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may panic, and certificates are made now"
)]

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use sumac_keys::database_config;

use super::testing::{Server, server};
use super::*;

const PASSWORD: &str = "correct-horse-8841";

/// Ways into one database of the server.
struct Ways<'a> {
    server: &'a Server,
    database: &'static str,
}

impl Ways<'_> {
    fn new(database: &'static str) -> Option<Self> {
        let server = server()?;
        server.database(database, PASSWORD);
        Some(Self { server, database })
    }

    /// Over the network, as any client.
    fn over_tls(&self, host: &str, authority: &str, password: Option<&str>) -> Warehouse {
        let authority = self.server.authority().with_file_name(format!("{authority}.pem"));
        let authorities = fs::read(authority).unwrap();
        let tls = database_config(&authorities, Arc::new(Timestamp::now)).unwrap();
        let place = Place::Host(host.to_owned(), self.server.port());
        let password = password.map(|password| Zeroizing::new(password.as_bytes().to_vec()));
        Warehouse::new(place, self.database, self.database, Some(tls), password, LONG).unwrap()
    }

    fn over_socket(&self, timeout: Duration) -> Session {
        let place = Place::Socket(self.server.sockets().to_owned(), self.server.port());
        let warehouse = Warehouse::new(place, self.database, self.database, None, None, timeout);
        warehouse.unwrap().connect().unwrap()
    }

    fn sql(&self, statements: &str) -> String {
        self.server.sql(self.database, statements)
    }
}

const LONG: Duration = Duration::from_secs(600);

fn name(text: &str) -> ViewName {
    text.parse().unwrap()
}

fn refused(warehouse: &Warehouse) -> WarehouseError {
    let error = warehouse.connect().unwrap_err();
    let told = format!("{error} {} {error:?} {warehouse:?}", error.hint());
    assert!(!told.contains(PASSWORD), "{told}");
    error
}

#[test]
fn lets_in_whoever_is_trusted_and_trusts_nobody_else() {
    let Some(ways) = Ways::new("trust") else { return };
    let good = ways.over_tls("127.0.0.1", "authority", Some(PASSWORD));
    let session = good.connect().unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    assert!(session.get::<bool>(&session.query(encrypted, &[]).unwrap()[0], 0).unwrap());
    assert_eq!(
        format!("{session:?}"),
        format!("Session(Warehouse(trust@127.0.0.1:{}/trust))", ways.server.port())
    );

    let stranger = refused(&ways.over_tls("127.0.0.1", "stranger", Some(PASSWORD)));
    assert!(matches!(stranger, WarehouseError::NotTrusted { .. }), "{stranger}");
    // The certificate is for 127.0.0.1, which `localhost` may or may not be.
    let elsewhere = refused(&ways.over_tls("localhost", "authority", Some(PASSWORD)));
    assert!(matches!(elsewhere, WarehouseError::NotTrusted { .. }), "{elsewhere}");
    let wrong = refused(&ways.over_tls("127.0.0.1", "authority", Some("correct-horse")));
    assert!(matches!(wrong, WarehouseError::Login { .. }), "{wrong}");
    let none = refused(&ways.over_tls("127.0.0.1", "authority", None));
    assert!(matches!(none, WarehouseError::NoPassword(_)), "{none}");
    let nowhere = Warehouse { dbname: "elsewhere".to_owned(), ..good };
    let nowhere = refused(&nowhere);
    assert!(matches!(nowhere, WarehouseError::NoDatabase { .. }), "{nowhere}");
}

#[test]
fn a_server_that_is_not_there_or_has_no_tls_is_named() {
    let here = |port| Place::Host("127.0.0.1".to_owned(), port);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let clock: sumac_keys::Clock = Arc::new(Timestamp::now);
    let Some(server) = server() else { return };
    let tls = database_config(&fs::read(server.authority()).unwrap(), clock).unwrap();
    let warehouse =
        |port| Warehouse::new(here(port), "d", "u", Some(tls.clone()), None, LONG).unwrap();
    let answering = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        // A client asks for TLS in eight bytes, and `N` says no.
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"N").unwrap();
    });
    let plain = refused(&warehouse(port));
    assert!(matches!(plain, WarehouseError::NoTls(_)), "{plain}");
    answering.join().unwrap();
    let gone = refused(&warehouse(port));
    assert!(matches!(gone, WarehouseError::Unreachable { .. }), "{gone}");
    assert!(gone.to_string().contains(&format!("127.0.0.1:{port}")), "{gone}");

    let far = Place::Host("db.example".to_owned(), 5432);
    assert!(Warehouse::new(far, "d", "u", None, None, LONG).is_err(), "in the clear");
}

#[test]
fn names_what_cannot_be_read_and_what_is_alike() {
    let Some(ways) = Ways::new("names") else { return };
    ways.sql(
        "CREATE SCHEMA sumac; CREATE VIEW sumac.enrolment AS SELECT 'L1' AS \"ID\", DATE '2025-09-01' AS d, 7::bigint AS n;
         CREATE VIEW sumac.\"Odd \"\"name\" AS SELECT 1 AS x; GRANT USAGE ON SCHEMA sumac TO names;",
    );
    let session = ways.over_socket(LONG);
    let columns = session.columns(&name("sumac.enrolment")).unwrap();
    let expected = [("ID", "text"), ("d", "date"), ("n", "bigint")];
    assert_eq!(columns, expected.map(|(name, kind)| (name.to_owned(), kind.to_owned())));
    assert_eq!(session.columns(&name("sumac.Odd \"name")).unwrap().len(), 1);
    match session.columns(&name("sumac.enrollment")) {
        Err(WarehouseError::NoView { nearest, .. }) => assert_eq!(nearest, ["sumac.enrolment"]),
        other => panic!("{other:?}"),
    }
    let denied = session.query("SELECT * FROM sumac.enrolment", &[]).unwrap_err();
    assert!(matches!(denied, WarehouseError::Denied { .. }), "{denied}");
}

#[test]
fn a_session_changes_nothing_and_does_not_wait_for_ever() {
    let Some(ways) = Ways::new("readonly") else { return };
    ways.sql("CREATE TABLE t (x int); GRANT ALL ON t TO readonly; GRANT ALL ON SCHEMA public TO readonly;");
    let written = ways.over_socket(LONG).query("INSERT INTO public.t VALUES (1)", &[]).unwrap_err();
    assert!(
        matches!(&written, WarehouseError::Refused { state, .. } if state == "25006"),
        "{written}"
    );
    assert_eq!(ways.sql("SELECT count(*) FROM t").trim(), "0");

    let slow =
        ways.over_socket(Duration::from_secs(1)).query("SELECT pg_sleep(600)", &[]).unwrap_err();
    assert!(matches!(slow, WarehouseError::TimedOut { seconds: 1, .. }), "{slow}");
    let gone = ways.over_socket(LONG).query("SELECT pg_terminate_backend(pg_backend_pid())", &[]);
    let gone = gone.unwrap_err();
    assert!(matches!(gone, WarehouseError::Dropped(_)), "{gone}");
}

#[test]
fn what_a_servers_error_quotes_is_not_repeated() {
    let Some(ways) = Ways::new("quoted") else { return };
    let failed =
        ways.over_socket(LONG).query("SELECT CAST('MARKER-8841' AS int)", &[]).unwrap_err();
    assert!(
        matches!(&failed, WarehouseError::Refused { state, .. } if state == "22P02"),
        "{failed}"
    );
    let told = format!("{failed} {failed:?} {}", failed.hint());
    assert!(!told.contains("MARKER"), "{told}");
}

#[test]
fn a_session_sees_one_moment() {
    let Some(ways) = Ways::new("moment") else { return };
    ways.sql("CREATE TABLE t AS SELECT 1 AS x; GRANT SELECT ON t TO moment");
    let session = ways.over_socket(LONG);
    let count = || -> i64 {
        session.get(&session.query("SELECT count(*) FROM public.t", &[]).unwrap()[0], 0).unwrap()
    };
    assert_eq!(count(), 1);
    ways.sql("INSERT INTO t VALUES (2)");
    assert_eq!(count(), 1);
}
