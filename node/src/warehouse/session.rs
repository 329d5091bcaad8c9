//! One connection, and the one transaction on it.

use std::fmt;
use std::io::{self, Read};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::types::{FromSql, ToSql};
use tokio_postgres::{Client, CopyOutStream, NoTls, Row, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_stream::StreamExt;

use super::error::WarehouseError;
use super::view::{ViewName, quoted};
use super::{CONNECT, Warehouse};

/// What the server's own limit comes before.
const GRACE: Duration = Duration::from_secs(30);

/// Bytes of a copy taken at once.
const CHUNK: usize = 1 << 16;

/// Names listed where a view is not found.
const NEAREST: usize = 3;

/// More names than anybody looks through.
const MAX_NAMES: i64 = 10_000;

/// A connection in one transaction: read-only, of one moment of the database. Ends when it is dropped.
#[derive(Clone)]
pub struct Session {
    warehouse: Warehouse,
    open: Arc<Mutex<Open>>,
}

struct Open {
    client: Client,
    // Drives the connection, and only while somebody waits for it.
    runtime: Runtime,
}

impl Session {
    pub(super) fn begin(warehouse: &Warehouse) -> Result<Self, WarehouseError> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(WarehouseError::Runtime)?;
        let client = match &warehouse.tls {
            Some(tls) => connect(&runtime, warehouse, MakeRustlsConnect::new(tls.clone())),
            None => connect(&runtime, warehouse, NoTls),
        }?;
        let session = Self {
            warehouse: warehouse.clone(),
            open: Arc::new(Mutex::new(Open { client, runtime })),
        };
        // No view's notice may quote a row to our log, and no schema of anybody's stands before PostgreSQL's own.
        let begin = format!(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; \
             SET LOCAL statement_timeout = '{}s'; SET LOCAL idle_in_transaction_session_timeout = '1h'; \
             SET LOCAL client_min_messages = error; SET LOCAL search_path = pg_catalog; \
             SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL client_encoding = 'UTF8'",
            warehouse.timeout.as_secs()
        );
        session.wait(async |client| client.batch_execute(&begin).await)?;
        Ok(session)
    }

    /// The columns of a view, in their order, with PostgreSQL's names of their types.
    pub(crate) fn columns(&self, name: &ViewName) -> Result<Vec<(String, String)>, WarehouseError> {
        let sql = "SELECT a.attname::text, pg_catalog.format_type(a.atttypid, NULL) \
                   FROM pg_catalog.pg_attribute a \
                   JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
                   AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";
        let rows = self.query(sql, &[&name.schema, &name.view])?;
        if rows.is_empty() {
            let nearest = self.nearest(name)?;
            return Err(WarehouseError::NoView { name: name.clone(), nearest });
        }
        rows.iter().map(|row| Ok((self.get(row, 0)?, self.get(row, 1)?))).collect()
    }

    /// The columns of those of a schema's views that have one of these names: view, column, PostgreSQL's name of its
    /// type.
    pub(crate) fn columns_of(
        &self,
        schema: &str,
        views: &[&str],
    ) -> Result<Vec<(String, String, String)>, WarehouseError> {
        let sql = "SELECT c.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, NULL) \
                   FROM pg_catalog.pg_attribute a \
                   JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]) \
                   AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
                   AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum";
        let rows = self.query(sql, &[&schema, &views])?;
        rows.iter()
            .map(|row| Ok((self.get(row, 0)?, self.get(row, 1)?, self.get(row, 2)?)))
            .collect()
    }

    /// Those of a schema's views with one of these names that the user may not read.
    pub(crate) fn unreadable(
        &self,
        schema: &str,
        views: &[&str],
    ) -> Result<Vec<String>, WarehouseError> {
        let sql = "SELECT c.relname::text FROM pg_catalog.pg_class c \
                   JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                   WHERE n.nspname = $1::text AND c.relname = ANY ($2::text[]) \
                   AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
                   AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
                   AND pg_catalog.has_table_privilege(c.oid, 'SELECT')) ORDER BY 1";
        self.query(sql, &[&schema, &views])?.iter().map(|row| self.get(row, 0)).collect()
    }

    /// Schemas that have a view with one of these names.
    pub(crate) fn schemas_with(&self, views: &[&str]) -> Result<Vec<String>, WarehouseError> {
        let sql = format!(
            "SELECT DISTINCT n.nspname::text FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relname = ANY ($1::text[]) AND c.relkind IN ('r', 'v', 'm', 'f', 'p') \
             ORDER BY 1 LIMIT {NEAREST}"
        );
        self.query(&sql, &[&views])?.iter().map(|row| self.get(row, 0)).collect()
    }

    /// An answer that is none to what was asked.
    pub(crate) fn unclear(&self) -> WarehouseError {
        WarehouseError::Unclear(self.warehouse.place.to_string())
    }

    /// The user may not do what is needed.
    pub(crate) fn denied(&self) -> WarehouseError {
        WarehouseError::Denied { user: self.warehouse.user.clone() }
    }

    fn nearest(&self, name: &ViewName) -> Result<Vec<String>, WarehouseError> {
        let sql = format!(
            "SELECT n.nspname::text || '.' || c.relname::text FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.relkind IN ('r', 'v', 'm', 'f', 'p') AND n.nspname <> 'information_schema' \
             AND n.nspname NOT LIKE 'pg\\_%' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
             ORDER BY 1 LIMIT {MAX_NAMES}"
        );
        let wanted = name.to_string().to_lowercase();
        let mut names = Vec::new();
        for row in self.query(&sql, &[])? {
            let known: String = self.get(&row, 0)?;
            names.push((strsim::damerau_levenshtein(&known.to_lowercase(), &wanted), known));
        }
        names.sort();
        let alike = 1 + wanted.chars().count() / 4;
        let alike = names.into_iter().filter(|(distance, _)| *distance <= alike);
        Ok(alike.take(NEAREST).map(|(_, name)| name).collect())
    }

    /// Copies rows of a view out as CSV with a header: of each column what it says, or nothing where it is not
    /// wanted.
    pub(crate) fn copy(
        &self,
        name: &ViewName,
        columns: &[(String, bool)],
    ) -> Result<Copy, WarehouseError> {
        let columns = columns.iter().map(|(column, wanted)| match (quoted(column), wanted) {
            (column, true) => column,
            (column, false) => format!("NULL AS {column}"),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let sql = format!(
            "COPY (SELECT {columns} FROM {}) TO STDOUT (FORMAT csv, HEADER)",
            name.quoted()
        );
        let stream = self.wait(async |client| client.copy_out(&sql).await)?;
        Ok(Copy {
            session: self.clone(),
            stream: Box::pin(stream),
            bytes: Vec::new(),
            passed: 0,
            ended: false,
        })
    }

    /// Runs one statement. Values go as parameters.
    pub(crate) fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, WarehouseError> {
        self.wait(async |client| client.query(sql, parameters).await)
    }

    /// A field of an answer.
    pub(crate) fn get<'a, T: FromSql<'a>>(
        &self,
        row: &'a Row,
        at: usize,
    ) -> Result<T, WarehouseError> {
        row.try_get(at).map_err(|error| WarehouseError::asking(&self.warehouse, &error))
    }

    /// Waits for what is asked of the server; not for ever, even if the network swallows the answer.
    fn wait<T>(
        &self,
        ask: impl AsyncFnOnce(&Client) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, WarehouseError> {
        let Self { warehouse, open } = self;
        let Open { client, runtime } = &*open.lock().unwrap_or_else(PoisonError::into_inner);
        let answer =
            runtime.block_on(async { timeout(warehouse.timeout + GRACE, ask(client)).await });
        match answer {
            Ok(answer) => answer.map_err(|error| WarehouseError::asking(warehouse, &error)),
            Err(_) => Err(warehouse.timed_out()),
        }
    }
}

fn connect<T>(runtime: &Runtime, warehouse: &Warehouse, tls: T) -> Result<Client, WarehouseError>
where
    T: MakeTlsConnect<Socket>,
    T::Stream: Send + 'static,
    T::TlsConnect: TlsConnect<Socket>,
{
    let config = warehouse.config();
    let connected = runtime.block_on(async { timeout(CONNECT + GRACE, config.connect(tls)).await });
    let (client, connection) = match connected {
        Ok(connected) => {
            connected.map_err(|error| WarehouseError::connecting(warehouse, &error))?
        }
        Err(_) => return Err(warehouse.timed_out()),
    };
    // What ends a connection is told to whoever waits for an answer.
    runtime.spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Rows of a view as a text, as they come.
pub(crate) struct Copy {
    session: Session,
    stream: Pin<Box<CopyOutStream>>,
    bytes: Vec<u8>,
    passed: usize,
    ended: bool,
}

impl Copy {
    fn take_in(&mut self) -> Result<(), WarehouseError> {
        let Self { session, stream, bytes, passed, ended } = self;
        bytes.clear();
        *passed = 0;
        *ended = session.wait(async |_| {
            while bytes.len() < CHUNK {
                match stream.next().await {
                    Some(row) => bytes.extend_from_slice(&row?),
                    None => return Ok(true),
                }
            }
            Ok(false)
        })?;
        Ok(())
    }
}

impl Read for Copy {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.passed == self.bytes.len() && !self.ended {
            self.take_in().map_err(io::Error::other)?;
        }
        let mut rest = self.bytes.get(self.passed..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.passed += count;
        Ok(count)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Session({:?})", self.warehouse)
    }
}
