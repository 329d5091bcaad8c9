//! Which clauses stand in the file, by the names that decisions and explanations give them.

use toml_edit::{Item, TableLike};

use crate::clause::Clause;
use crate::problem::Problems;
use crate::section::Sheet;

/// Lists whose entries are known by their `id`.
const BY_ID: [&str; 3] = ["party", "dimension", "kpi"];
/// Sections whose keys are the clauses.
const SECTIONS: [&str; 8] =
    ["agreement", "calendar", "roles", "privacy", "pilot", "after", "amendment", "audit"];

/// The clauses of one file, in its order.
///
/// A clause is one key of a section: `privacy.floor`, `party.harbor-tech.root`, `kpi.retention.margin`,
/// `kpi.retention.define.where`, `data.college.withheld`; or a whole restriction, `restrict[1]`. What a key holds
/// (an inline table, a list) belongs to its clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paper {
    clauses: Vec<Clause>,
}

impl Paper {
    /// Reads which clauses a file has.
    ///
    /// # Errors
    /// Where the bytes are not TOML.
    pub fn read(bytes: &[u8]) -> Result<Self, Problems> {
        let sheet = Sheet::parse(bytes)?;
        let mut clauses = Vec::new();
        for (key, item) in sheet.document().iter() {
            match (key, item.as_table_like()) {
                (key, _) if BY_ID.contains(&key) => by_id(key, item, &mut clauses),
                ("restrict", _) => clauses
                    .extend((1..=tables(item).len()).map(|n| Clause::at(format!("restrict[{n}]")))),
                ("data", Some(kinds)) => {
                    for (kind, rules) in kinds.iter() {
                        keys(&format!("data.{kind}"), rules, &mut clauses);
                    }
                }
                (key, Some(_)) if SECTIONS.contains(&key) => keys(key, item, &mut clauses),
                _ => clauses.push(Clause::at(key)),
            }
        }
        Ok(Self { clauses })
    }

    /// Every clause.
    pub fn clauses(&self) -> &[Clause] {
        &self.clauses
    }

    /// Whether the file has it.
    pub fn has(&self, clause: &str) -> bool {
        self.clauses.iter().any(|known| known.as_str() == clause)
    }
}

fn keys(place: &str, item: &Item, clauses: &mut Vec<Clause>) {
    let table = item.as_table_like();
    clauses.extend(
        table
            .into_iter()
            .flat_map(TableLike::iter)
            .map(|(key, _)| Clause::at(format!("{place}.{key}"))),
    );
}

fn by_id(list: &str, item: &Item, clauses: &mut Vec<Clause>) {
    for table in tables(item) {
        let Some(id) = table.get("id").and_then(Item::as_str) else { continue };
        for (key, value) in table.iter() {
            let place = format!("{list}.{id}.{key}");
            match key {
                "define" => keys(&place, value, clauses),
                _ => clauses.push(Clause::at(place)),
            }
        }
    }
}

/// `[[kpi]]`, or inline tables in `[ ]`.
fn tables(item: &Item) -> Vec<&dyn TableLike> {
    let inline = item.as_array().into_iter().flat_map(|array| array.iter());
    let inline = inline.filter_map(|value| Some(value.as_inline_table()? as &dyn TableLike));
    let listed = item.as_array_of_tables().into_iter().flat_map(|tables| tables.iter());
    listed.map(|table| table as &dyn TableLike).chain(inline).collect()
}
