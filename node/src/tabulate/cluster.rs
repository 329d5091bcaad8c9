//! Counting a table on a DataFusion cluster (Ballista): one SQL statement over the snapshot's own files, which its
//! executors read from storage that they share with the node.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use ballista::prelude::SessionContextExt;
use datafusion::error::DataFusionError;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use sumac_policy::{ColumnRef, Kind, Table, TableName};

use super::TabulateError;
use super::engine::gathered;
use super::sql::{Dialect, listed, statement};
use crate::records::snapshot::{Dates, PLACE, Snapshot, TAG, code_bytes};

/// Where the cluster's scheduler listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduler(String);

/// Why a scheduler's address is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no scheduler's address: write host:port")]
pub struct SchedulerError(String);

impl std::str::FromStr for Scheduler {
    type Err = SchedulerError;

    fn from_str(text: &str) -> Result<Self, SchedulerError> {
        let port = text.rsplit_once(':').and_then(|(host, port)| {
            let sound = !host.is_empty() && !host.contains(['/', ' ']);
            port.parse::<u16>().ok().filter(|_| sound)
        });
        port.map(|_| Self(text.to_owned())).ok_or_else(|| SchedulerError(text.to_owned()))
    }
}

/// With plans that adapt to what was counted so far, Ballista 55 never ends a query of which a part turns out empty: an
/// asker would wait for ever, and learn from it that there is nobody.
const STATIC_PLANS: &str = "SET ballista.planner.adaptive.enabled = false";

/// Counts a table's cells on the cluster.
pub(super) async fn count(
    scheduler: &Scheduler,
    snapshot: &Snapshot,
    table: &Table,
) -> Result<Vec<i64>, TabulateError> {
    let failed = |error: DataFusionError| failed(&error);
    let session = SessionContext::remote(&format!("df://{}", scheduler.0)).await.map_err(failed)?;
    session.sql(STATIC_PLANS).await.map_err(failed)?.collect().await.map_err(failed)?;
    count_in(&session, snapshot, table).await
}

/// Counts a table's cells in a session, wherever it runs.
async fn count_in(
    session: &SessionContext,
    snapshot: &Snapshot,
    table: &Table,
) -> Result<Vec<i64>, TabulateError> {
    let failed = |error: DataFusionError| failed(&error);
    for (name, path) in snapshot.files() {
        let path = path.to_str().ok_or(TabulateError::Damaged(name))?;
        let options = ParquetReadOptions::default();
        session.register_parquet(held(name), path, options).await.map_err(failed)?;
    }
    let word = snapshot.circles().word(table.key().as_bytes());
    let text = statement(table, word, &|column| snapshot.kind(column), &Files(snapshot))?;
    let batches = session.sql(&text).await.map_err(failed)?.collect().await.map_err(failed)?;

    let mut found = Vec::new();
    for batch in &batches {
        let column = |at: usize| {
            let column = batch.columns().get(at).and_then(|c| c.as_primitive_opt::<Int64Type>());
            column
                .map(|column| column.values().iter().copied())
                .ok_or(TabulateError::Engine("no numbers"))
        };
        found.extend(column(0)?.zip(column(1)?));
    }
    gathered(table, found)
}

/// What kind of error it was. Its text may show values of records.
fn failed(error: &DataFusionError) -> TabulateError {
    TabulateError::Engine(match error.find_root() {
        DataFusionError::Plan(_) | DataFusionError::SQL(..) | DataFusionError::SchemaError(..) => {
            "it does not understand the statement"
        }
        DataFusionError::ResourcesExhausted(_) => "it has too little memory",
        DataFusionError::IoError(_) | DataFusionError::ObjectStore(_) => {
            "it cannot read the snapshot's files"
        }
        DataFusionError::ParquetError(_) => "the snapshot's files are damaged",
        DataFusionError::NotImplemented(_) => "it cannot do something that the statement needs",
        _ => "it stopped half way, or cannot be reached",
    })
}

/// What a table is called in a session.
fn held(table: TableName) -> String {
    format!("held_{table}")
}

/// A snapshot's own files.
struct Files<'a>(&'a Snapshot);

impl Dialect for Files<'_> {
    fn rows(&self, table: TableName, columns: &[(String, String)]) -> String {
        let order = match table {
            TableName::Learner => "0".to_owned(),
            _ => format!("CAST(\"{PLACE}\" AS BIGINT)"),
        };
        format!("SELECT person, {order} AS place{} FROM {}", listed(columns), held(table))
    }

    fn number(&self, column: &ColumnRef, kind: &Kind) -> String {
        let name = format!("\"{}\"", column.column);
        match kind {
            Kind::Code(codes) => {
                let wide = code_bytes(codes.len()) == 2;
                let cases = (0..codes.len()).map(|code| {
                    let [low, high] = u16::try_from(code).unwrap_or(u16::MAX).to_le_bytes();
                    let high = if wide { format!("{high:02x}") } else { String::new() };
                    format!(" WHEN '{low:02x}{high}' THEN {code}")
                });
                format!("CASE encode({name}, 'hex'){} END", cases.collect::<String>())
            }
            Kind::Date => {
                let hex = format!("encode({name}, 'hex')");
                // The place of a digit among those that are not zero is what it stands for; the smaller byte is first.
                let digits = [(1, 1 << 4), (2, 1), (3, 1 << 12), (4, 1 << 8)].map(|(at, worth)| {
                    format!("strpos('123456789abcdef', substr({hex}, {at}, 1)) * {worth}")
                });
                let (days, first) = (digits.join(" + "), Dates::FIRST);
                format!(
                    "CASE WHEN {hex} = 'ffff' THEN NULL ELSE CAST({days} AS BIGINT) + ({first}) END"
                )
            }
            Kind::Year | Kind::Integer => {
                // The least number of the column's width stands where the source was silent.
                let said = self.0.least(column).saturating_add(1);
                format!("CASE WHEN {name} < {said} THEN NULL ELSE CAST({name} AS BIGINT) END")
            }
        }
    }

    fn plus_months(&self, days: &str, months: i32) -> String {
        let day = format!("CAST(CAST({days} AS INT) AS DATE)");
        format!("CAST(CAST({day} + INTERVAL '{months} months' AS DATE) AS INT)")
    }

    /// Wide enough for what an import lets in.
    fn sum(&self, column: &str) -> String {
        format!("sum({column})")
    }

    fn quotient(&self, above: &str, below: &str) -> String {
        format!("({above} / {below})")
    }

    fn tags(&self, _of: &str) -> String {
        let learners = held(TableName::Learner);
        format!("SELECT person, CAST(\"{TAG}\" AS BIGINT) AS tag FROM {learners}")
    }
}

#[cfg(test)]
pub(super) fn count_here(snapshot: &Snapshot, table: &Table) -> Result<Vec<i64>, TabulateError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|_| TabulateError::Stopped)?;
    runtime.block_on(count_in(&SessionContext::new(), snapshot, table))
}
