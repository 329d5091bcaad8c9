//! Whether the views of a schema are what statements over canonical tables take them for.

use std::collections::BTreeMap;
use std::fmt;

use sumac_policy::{ColumnRef, Kind, TABLES, TableName};

use super::error::WarehouseError;
use super::session::Session;
use super::view::ViewName;

/// The column that says whose a row is.
pub(crate) const PERSON: &str = "person";

/// The column that puts rows of one learner in order, in every table but the learner's own.
pub(crate) const ROW_ORDER: &str = "row_order";

/// What PostgreSQL calls the types that are read as text, as a whole number, as a date.
const TEXT: &[&str] = &["text", "character varying"];
const WHOLE: &[&str] = &["bigint", "integer", "smallint"];
const DATE: &[&str] = &["date"];

/// The canonical tables that a schema of a database has views of: their columns, with the types, in their order.
pub(crate) type Found = BTreeMap<TableName, Vec<(String, String)>>;

/// How a column is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The view.
    pub view: ViewName,
    /// The column.
    pub column: String,
    /// The type that it has; none where it is not there.
    pub found: Option<String>,
    /// What it should be.
    pub wanted: &'static str,
}

/// The names of canonical tables, which their views have too.
pub(crate) fn names() -> [&'static str; TABLES.len()] {
    TABLES.map(TableName::as_str)
}

/// Looks which canonical tables a schema has views of.
pub(crate) fn found(session: &Session, schema: &str) -> Result<Found, WarehouseError> {
    let mut found = Found::new();
    for (view, column, kind) in session.columns_of(schema, &names())? {
        if let Ok(table) = view.parse() {
            found.entry(table).or_default().push((column, kind));
        }
    }
    Ok(found)
}

/// What a table's rows need beside the columns that hold something: a learner, and their order.
pub(crate) fn around(
    schema: &str,
    table: TableName,
    columns: &[(String, String)],
) -> impl Iterator<Item = Misfit> {
    let order = (table != TableName::Learner).then_some((ROW_ORDER, WHOLE));
    let needed = [(PERSON, TEXT)].into_iter().chain(order);
    needed.filter_map(move |(column, types)| misfit(schema, table, column, types, columns))
}

/// Whether a column is what a canonical one of this kind should be.
pub(crate) fn column(
    schema: &str,
    column: &ColumnRef,
    kind: &Kind,
    columns: &[(String, String)],
) -> Option<Misfit> {
    let types = match kind {
        Kind::Code(_) => TEXT,
        Kind::Date => DATE,
        Kind::Year | Kind::Integer => WHOLE,
    };
    misfit(schema, column.table, &column.column, types, columns)
}

fn misfit(
    schema: &str,
    table: TableName,
    column: &str,
    types: &'static [&'static str],
    columns: &[(String, String)],
) -> Option<Misfit> {
    let found = columns.iter().find(|(name, _)| name == column).map(|(_, kind)| kind.clone());
    if found.as_deref().is_some_and(|found| types.contains(&found)) {
        return None;
    }
    let wanted = types.first().copied().unwrap_or_default();
    Some(Misfit { view: view(schema, table), column: column.to_owned(), found, wanted })
}

/// The view that holds a canonical table.
pub(crate) fn view(schema: &str, table: TableName) -> ViewName {
    ViewName { schema: schema.to_owned(), view: table.to_string() }
}

impl Misfit {
    /// What is wrong with the column.
    pub fn words(&self) -> String {
        let wanted = self.wanted;
        match &self.found {
            None => format!("there is no such column: it should be a `{wanted}`"),
            Some(found) => format!("is a `{found}`, and should be a `{wanted}`"),
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`, column `{}`: {}", self.view, self.column, self.words())
    }
}
