//! Records that stay in the partner's warehouse: which views of which schema the node counts, and no record.
//!
//! The commitment binds what is said here, and not the rows: those may change in the warehouse afterwards. A table's
//! first release stands all the same, so that nobody can ask again what changed in between.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sumac_keys::{Circles, NodeSecret};
use sumac_policy::{ColumnRef, Holdings, Kind, Schema, TableName};

use super::error::SnapshotError;
use super::manifest::{ColumnEntry, Committed, CoveredEntry, Text, holdings};
use super::write::{Aside, Statement, id_of};
use crate::records::plausible::Bounds;
use crate::warehouse::Hidden;

/// The format of a manifest that says where the records lie.
pub(super) const FORMAT: &str = "sumac-in-place/1";

/// What lies where. Written as JSON with the commitment as its last member.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: String,
    id: String,
    /// When it was stated, in UTC.
    stated: String,
    /// The day as of which the views are complete, as the operator stated it.
    as_of: String,
    /// The periods they cover, as the operator stated them.
    covers: Vec<CoveredEntry>,
    /// The schema of the database.
    schema: String,
    tables: BTreeMap<String, BTreeMap<String, ColumnEntry>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commitment: Option<String>,
}

impl Committed for Manifest {
    fn commitment(&mut self) -> &mut Option<String> {
        &mut self.commitment
    }
}

/// Views of a warehouse, found by an import to be what the agreement's tables are. Cheap to open; holds no record.
#[derive(Debug)]
pub struct InPlace {
    id: String,
    commitment: [u8; 32],
    holdings: Holdings,
    schema: String,
    kinds: BTreeMap<ColumnRef, Kind>,
    possible: BTreeMap<ColumnRef, (i64, i64)>,
    circles: Circles,
    // Where they are made, so that moving this leaves no copies of them.
    pads: Box<[Hidden; 4]>,
}

/// Writes down which views are counted in place of files.
pub(in crate::records) fn write_in_place(
    tables: &BTreeMap<TableName, Vec<(String, Kind)>>,
    schema: &str,
    statement: &Statement,
    secret: &NodeSecret,
    into: &Path,
    now: Timestamp,
    id_seed: [u8; 8],
) -> Result<Aside, SnapshotError> {
    let entries = tables.iter().map(|(table, columns)| {
        let columns = columns.iter().map(|(name, kind)| (name.clone(), ColumnEntry::of(kind)));
        (table.to_string(), columns.collect())
    });
    let manifest = Manifest {
        format: FORMAT.to_owned(),
        id: id_of(now, id_seed),
        stated: now.to_string(),
        as_of: statement.as_of.to_string(),
        covers: statement.covers.iter().map(CoveredEntry::of).collect(),
        schema: schema.to_owned(),
        tables: entries.collect(),
        commitment: None,
    };
    let mut aside = Aside::begin(into, &manifest.id)?;
    aside.seal(manifest, secret)?;
    Ok(aside)
}

impl InPlace {
    /// Opens what lies in `directory` by its manifest, for an agreement with this schema. A column whose code list is
    /// not the schema's is not among the holdings.
    pub(super) fn open(
        text: &Text,
        secret: &NodeSecret,
        schema: &Schema,
    ) -> Result<Self, SnapshotError> {
        let (manifest, commitment) = text.open::<Manifest>(secret)?;
        let mut holdings = holdings(&manifest.as_of, &manifest.covers, text)?;
        let (mut kinds, mut possible) = (BTreeMap::new(), BTreeMap::new());
        for (name, columns) in &manifest.tables {
            let table: TableName = name.parse().map_err(|_| text.damaged("unknown table"))?;
            for (column, entry) in columns {
                let agreed = schema.column(table, column);
                let agreed = agreed.filter(|agreed| ColumnEntry::of(&agreed.kind) == *entry);
                let Some(agreed) = agreed else { continue };
                let column = ColumnRef { table, column: column.clone() };
                if let Some(bounds) = Bounds::of(agreed, holdings.as_of) {
                    possible.insert(column.clone(), bounds.possible());
                }
                kinds.insert(column.clone(), agreed.kind.clone());
                holdings.columns.push(column);
            }
        }
        let [person, tag] = secret.purposes().map(|key| key.pads().map(Hidden::new));
        let ([one, two], [three, four]) = (person, tag);
        Ok(Self {
            id: manifest.id,
            commitment,
            holdings,
            schema: manifest.schema,
            kinds,
            possible,
            circles: secret.circles(),
            pads: Box::new([one, two, three, four]),
        })
    }

    /// Opens what was just written aside.
    pub(in crate::records) fn read(
        directory: &Path,
        secret: &NodeSecret,
        schema: &Schema,
    ) -> Result<Self, SnapshotError> {
        Self::open(&Text::read(directory)?, secret, schema)
    }

    /// Its id: the directory's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The node's commitment to what it says.
    pub fn commitment(&self) -> [u8; 32] {
        self.commitment
    }

    /// What the operator stated, and the columns held as the agreement defines them.
    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// The schema of the database that the views are in.
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// What a column that is held holds.
    pub(crate) fn kind(&self, column: &ColumnRef) -> Option<&Kind> {
        self.kinds.get(column)
    }

    /// The least and the greatest that columns' values can be; codes have none.
    pub(crate) fn possible(&self) -> &BTreeMap<ColumnRef, (i64, i64)> {
        &self.possible
    }

    /// What decides in each table, with learners' tags, where their groups are begun with.
    pub(crate) fn circles(&self) -> &Circles {
        &self.circles
    }

    /// What learners' tags are computed with: the pads of the person's key, inner and outer, and those of the tag.
    pub(crate) fn pads(&self) -> &[Hidden; 4] {
        &self.pads
    }
}
