//! Counting a table in the partner's PostgreSQL server: one statement over views, so that no record leaves it.

use sumac_policy::{ColumnRef, Kind, Measure, Table};
use tokio_postgres::types::ToSql;

use super::TabulateError;
use super::engine::gathered;
use super::plan::Plan;
use super::sql::postgres::Postgres;
use super::sql::{over, statement};
use crate::records::snapshot::InPlace;
use crate::warehouse::{Session, Warehouse, WarehouseError, fit};

/// Counts a table's cells in the warehouse.
pub(super) fn count(
    warehouse: &Warehouse,
    views: &InPlace,
    table: &Table,
) -> Result<Vec<i64>, TabulateError> {
    let session = warehouse.connect()?;
    fits(&session, views, table)?;
    let word = views.circles().word(table.key().as_bytes());
    let text = statement(table, word, &kind(views), &dialect(views))?;
    let pads: Vec<_> = views.pads().iter().map(|pad| pad as &(dyn ToSql + Sync)).collect();
    let capped = matches!(
        table.kpi().definition.measure,
        Measure::Count { cap: Some(_) } | Measure::Awards { .. }
    );
    let rows = session.query(&told(table, &text), if capped { &pads } else { &[] })?;
    let found = rows.iter().map(|row| Ok((session.get(row, 0)?, session.get(row, 1)?)));
    gathered(table, found.collect::<Result<_, WarehouseError>>()?)
}

/// Whether the warehouse can be reached, and has the views that the table reads as they were imported. Reads the
/// catalogue, and no record.
pub(super) fn check(
    warehouse: &Warehouse,
    views: &InPlace,
    table: &Table,
) -> Result<(), TabulateError> {
    fits(&warehouse.connect()?, views, table)
}

/// How many learners have more than the table's bound lets count: [`super::over_bound`] in the warehouse.
pub(crate) fn over_bound(
    session: &Session,
    views: &InPlace,
    table: &Table,
) -> Result<u64, TabulateError> {
    let Some(text) = over(table, &kind(views), &dialect(views))? else { return Ok(0) };
    let rows = session.query(&told(table, &text), &[])?;
    let row = rows.first().ok_or(TabulateError::Engine("no number"))?;
    let learners: i64 = session.get(row, 0)?;
    u64::try_from(learners).map_err(|_| TabulateError::Engine("a number that cannot be"))
}

fn fits(session: &Session, views: &InPlace, table: &Table) -> Result<(), TabulateError> {
    let (schema, found) = (views.schema(), fit::found(session, views.schema())?);
    let columns = Plan::of(table)?.columns;
    let names: Vec<_> = columns.keys().map(|name| name.as_str()).collect();
    if !session.unreadable(schema, &names)?.is_empty() {
        return Err(session.denied().into());
    }
    for (name, columns) in columns {
        let there =
            found.get(&name).ok_or_else(|| WarehouseError::Gone(fit::view(schema, name)))?;
        if let Some(misfit) = fit::around(schema, name, there).next() {
            return Err(WarehouseError::Changed(misfit).into());
        }
        for column in columns {
            let column = ColumnRef { table: name, column };
            let unfit = || TabulateError::Unfit { table: name, column: column.column.clone() };
            let kind = views.kind(&column).ok_or_else(unfit)?;
            if let Some(misfit) = fit::column(schema, &column, kind, there) {
                return Err(WarehouseError::Changed(misfit).into());
            }
        }
    }
    Ok(())
}

fn kind(views: &InPlace) -> impl Fn(&ColumnRef) -> Option<Kind> {
    |column| views.kind(column).cloned()
}

fn dialect(views: &InPlace) -> Postgres<'_> {
    Postgres { views: views.schema(), possible: views.possible() }
}

/// A statement that tells whoever watches the server what it is for.
fn told(table: &Table, statement: &str) -> String {
    let (kpi, period, by) = (&table.kpi().id, table.period(), table.breakdown());
    format!("/* sumac: {kpi} {period} by {by} */\n{statement}")
}
