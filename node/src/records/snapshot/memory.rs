//! Freezing rows that lie in memory: for tests, benchmarks, and whoever has rows that no mapping makes.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use sumac_keys::NodeSecret;
use sumac_policy::{Kind, Schema, TableName};

use super::disk::make_private;
use super::error::SnapshotError;
use super::manifest::Manifest;
use super::write::{
    Aside, Frozen, NotWritten, Statement, TableCounts, manifest_of, write_error, write_in_blocks,
};
use super::{BLOCK, unknown};
use crate::records::canonical::{Canonical, Values};
use crate::records::mapping::Cell;
use crate::records::rows::{Column, Draft, Head, Origin, SORT_BYTES, Whose};
use crate::records::source::Spot;

/// Freezes canonical rows under `into`, a node's directory of snapshots, and makes them current. A crash
/// at any moment leaves either the old snapshot current or the new one, whole and synced.
///
/// `id_seed` makes the id unique among snapshots frozen in the same second.
///
/// # Errors
/// Where a column does not fit the agreement's schema, or the disk refuses.
pub fn freeze(
    canonical: &Canonical,
    statement: &Statement,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
) -> Result<Frozen, SnapshotError> {
    freeze_in_blocks(canonical, statement, schema, secret, into, now, id_seed, BLOCK)
}

/// [`freeze`] with blocks of another size.
#[expect(clippy::too_many_arguments, reason = "all of them are the caller's to choose")]
pub(crate) fn freeze_in_blocks(
    canonical: &Canonical,
    statement: &Statement,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
    block: u32,
) -> Result<Frozen, SnapshotError> {
    let manifest = manifest_of(statement, now, id_seed);
    let (aside, _) = aside_of(canonical, manifest, schema, secret, into, block)?;
    aside.publish()
}

/// [`write_in_blocks`] of rows in memory, the last of each learner's own standing.
pub(super) fn aside_of(
    canonical: &Canonical,
    manifest: Manifest,
    schema: &Schema,
    secret: &NodeSecret,
    into: &Path,
    block: u32,
) -> Result<(Aside, Vec<TableCounts>), SnapshotError> {
    check(canonical, schema)?;
    make_private(into).map_err(write_error(into))?;
    let mut drafts = BTreeMap::new();
    for (table, rows) in &canonical.tables {
        let columns = columns_of(&rows.columns, schema, *table);
        let mut draft = Draft::new(
            columns.iter().map(|(column, _)| column.clone()).collect(),
            0,
            SORT_BYTES,
            into,
            secret.person_keys(),
        );
        for (at, person) in rows.person.iter().enumerate() {
            let place = at as u64;
            let order = i64::try_from(at).unwrap_or(i64::MAX);
            let origin = Origin { source: 0, spot: Spot::Line(place) };
            let head = Head { order, origin, mark: place, strict: false };
            let cells = columns.iter().filter_map(|(_, values)| cell(values, at));
            draft.add(Whose::Key(person), head, &[], cells).map_err(write_error(into))?;
        }
        drafts.insert(*table, draft);
    }
    write_in_blocks(drafts, manifest, secret, into, block).map_err(|error| match error {
        NotWritten::Snapshot(error) => error,
        NotWritten::Conflicts(_) => unreachable!("no row of these is strict"),
    })
}

/// The columns that the source fills, in the schema's order.
fn columns_of<'a>(
    filled: &'a [(String, Values)],
    schema: &Schema,
    table: TableName,
) -> Vec<(Column, &'a Values)> {
    let known = schema.table(table).map_or(&[][..], |table| &table.columns);
    let columns = known.iter().filter_map(|known| {
        let (name, values) = filled.iter().find(|(name, _)| *name == known.name)?;
        let wide = match values {
            Values::Integer(values) => {
                values.iter().flatten().any(|number| i32::try_from(*number).is_err())
            }
            _ => false,
        };
        Some((Column { name: name.clone(), kind: known.kind.clone(), wide }, values))
    });
    columns.collect()
}

fn cell(values: &Values, at: usize) -> Option<Cell> {
    match values {
        Values::Code(values) => values.get(at).copied().map(Cell::Code),
        Values::Date(values) => values.get(at).copied().map(Cell::Date),
        Values::Year(values) => values.get(at).copied().map(Cell::Year),
        Values::Integer(values) => values.get(at).copied().map(Cell::Integer),
    }
}

/// Refuses what does not fit the schema, before anything is written.
fn check(canonical: &Canonical, schema: &Schema) -> Result<(), SnapshotError> {
    for (table, rows) in &canonical.tables {
        let mut seen = Vec::new();
        for (name, values) in &rows.columns {
            let unfit = |what| SnapshotError::Unfit { table: *table, column: name.clone(), what };
            let column = schema.column(*table, name).ok_or_else(|| {
                SnapshotError::UnknownColumn { table: *table, column: name.clone() }
            })?;
            if seen.contains(&name) {
                return Err(unfit("is filled twice"));
            }
            seen.push(name);
            if values.len() != rows.person.len() {
                return Err(unfit("has not one value for each row"));
            }
            match (&column.kind, values) {
                (Kind::Code(codes), Values::Code(values)) => {
                    if unknown(&column.kind).is_none() {
                        return Err(unfit("has a code list without `unknown`"));
                    }
                    if values.iter().any(|code| usize::from(*code) >= codes.len()) {
                        return Err(unfit("has a code outside its list"));
                    }
                }
                (Kind::Date, Values::Date(_))
                | (Kind::Year, Values::Year(_))
                | (Kind::Integer, Values::Integer(_)) => {}
                _ => return Err(unfit("has values of another kind")),
            }
        }
    }
    Ok(())
}
