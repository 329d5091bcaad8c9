//! Records that stay in the party's warehouse: which views of a schema are the agreement's tables, and whether they hold
//! what a snapshot would. They are looked through once, in one transaction, and no row of theirs is taken along.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sumac_policy::{Column, ColumnRef, Kind, Table, TableName};

use super::problem::{FileProblems, Place};
use super::{Freezing, ImportError};
use crate::records::snapshot::{Aside, InPlace, write_in_place};
use crate::records::summary::{Summary, TableSummary};
use crate::warehouse::{SchemaName, Session, WarehouseError, fit};

mod rows;

/// Takes the views of a schema into use in place of a snapshot.
///
/// # Errors
/// Where there are no such views, or anything is wrong with them, told at once; or where the manifest cannot be written.
/// What is in use stays in use.
pub fn import_in_place(
    schema: &SchemaName,
    session: &Session,
    freezing: &Freezing<'_>,
    tables: &[Table],
) -> Result<Summary, ImportError> {
    let (aside, mut summary) = look(schema, session, freezing, tables)?;
    summary.snapshot = Some(aside.publish()?);
    Ok(summary)
}

/// Looks through views as [`import_in_place`] does and keeps nothing.
///
/// # Errors
/// As [`import_in_place`].
pub fn rehearse_in_place(
    schema: &SchemaName,
    session: &Session,
    freezing: &Freezing<'_>,
    tables: &[Table],
) -> Result<Summary, ImportError> {
    look(schema, session, freezing, tables).map(|(_, summary)| summary)
}

fn look(
    schema: &SchemaName,
    session: &Session,
    freezing: &Freezing<'_>,
    tables: &[Table],
) -> Result<(Aside, Summary), ImportError> {
    let Freezing { statement, secret, into, now, id_seed, .. } = *freezing;
    let views = Views::find(schema.as_str(), session, freezing)?;
    let held = views.tables.iter().map(|view| {
        let columns = view.columns.iter();
        let columns = columns.map(|column| (column.name.clone(), column.kind.clone()));
        (view.table, columns.collect())
    });
    let held: BTreeMap<_, Vec<_>> = held.collect();
    let mut summary = views.summary(session, freezing)?;
    let aside = write_in_place(&held, schema.as_str(), statement, secret, into, now, id_seed)?;
    let written = InPlace::read(aside.directory(), secret, freezing.schema)?;
    summary.hold_in_place(tables, session, &written)?;
    Ok((aside, summary))
}

/// The views of a schema that are canonical tables, and fit.
struct Views<'a> {
    schema: &'a str,
    tables: Vec<View<'a>>,
    /// Columns that the agreement keeps out.
    withheld: Vec<ColumnRef>,
    /// Columns that the agreement does not have.
    ignored: Vec<ColumnRef>,
}

/// A canonical table and those of its columns that its view has.
struct View<'a> {
    table: TableName,
    columns: Vec<&'a Column>,
}

impl<'a> Views<'a> {
    /// Finds them by the catalogue alone.
    fn find(
        schema: &'a str,
        session: &Session,
        freezing: &Freezing<'a>,
    ) -> Result<Self, ImportError> {
        let found = fit::found(session, schema)?;
        if found.is_empty() {
            let having = session.schemas_with(&fit::names())?;
            return Err(WarehouseError::NoTables { schema: schema.to_owned(), having }.into());
        }
        let mut views =
            Self { schema, tables: Vec::new(), withheld: Vec::new(), ignored: Vec::new() };
        let mut problems = FileProblems::default();
        for table in session.unreadable(schema, &fit::names())? {
            let path = PathBuf::from(format!("postgres:{schema}.{table}"));
            problems.note(
                Place { path: &path, spot: None, column: None },
                "this user may not read it",
                "GRANT USAGE on the schema and SELECT on the view",
            );
        }
        for (table, there) in found {
            let path = path(schema, table);
            let mut note = |misfit: fit::Misfit| {
                let place = Place { path: &path, spot: None, column: Some(&misfit.column) };
                problems.note(place, misfit.words(), cast(&misfit));
            };
            fit::around(schema, table, &there).for_each(&mut note);
            for (name, _) in &there {
                if name == fit::PERSON || name == fit::ROW_ORDER {
                    continue;
                }
                let column = ColumnRef { table, column: name.clone() };
                match freezing.schema.column(table, name) {
                    None => views.ignored.push(column),
                    Some(_) if freezing.withheld.contains(&column) => views.withheld.push(column),
                    Some(known) => {
                        fit::column(schema, &column, &known.kind, &there)
                            .into_iter()
                            .for_each(&mut note);
                    }
                }
            }
            // In the schema's order, whatever the view's.
            let known = freezing.schema.table(table).map_or(&[][..], |table| &table.columns);
            let columns = known.iter().filter(|known| {
                let column = ColumnRef { table, column: known.name.clone() };
                there.iter().any(|(name, _)| *name == known.name)
                    && !freezing.withheld.contains(&column)
            });
            views.tables.push(View { table, columns: columns.collect() });
        }
        if problems.is_empty() { Ok(views) } else { Err(ImportError::Files(problems)) }
    }

    /// Looks through all rows: what a snapshot never holds is a problem, and the rest is told to the operator.
    fn summary(self, session: &Session, freezing: &Freezing<'_>) -> Result<Summary, ImportError> {
        let Self { schema, tables, withheld, ignored } = self;
        let mut problems = FileProblems::default();
        let mut told: Vec<TableSummary> = Vec::new();
        for view in &tables {
            let look = rows::Look { schema, view, session, as_of: freezing.statement.as_of };
            told.push(look.through(&mut problems)?);
        }
        if !problems.is_empty() {
            return Err(ImportError::Files(problems));
        }
        Ok(Summary::in_place(schema, told, withheld, ignored))
    }
}

/// What messages call the view of a table.
fn path(schema: &str, table: TableName) -> PathBuf {
    Path::new(&format!("postgres:{}", fit::view(schema, table))).to_owned()
}

/// What to do about a column.
fn cast(misfit: &fit::Misfit) -> String {
    let fit::Misfit { column, wanted, found, .. } = misfit;
    match found {
        Some(_) => format!("CAST({column} AS {wanted}) in the view"),
        None if column == fit::ROW_ORDER => {
            "row_number() OVER (PARTITION BY person ORDER BY …) AS row_order makes it".to_owned()
        }
        None => "add it to the view: whose the row is, as a text".to_owned(),
    }
}

/// The ids of a code list.
fn ids(kind: &Kind) -> Vec<&str> {
    kind.codes().unwrap_or_default().iter().map(|code| code.id.as_str()).collect()
}
