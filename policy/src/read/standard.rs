//! The standard catalogue that ships with this version: canonical tables, dimensions, KPIs. An MOU pins
//! its hash, so that what was signed keeps its meaning.

use std::sync::{Arc, OnceLock};

use crate::definition::Definition;
use crate::digest::Sha256;
use crate::dimension::Dimension;
use crate::names::StandardId;
use crate::read::bins::{BinList, bin_lists};
use crate::read::definition::definition;
use crate::read::dimension::standard_dimension;
use crate::read::measure::Known;
use crate::schema::{Code, Column, Kind, Schema, TABLES, TableSchema};
use crate::section::{Section, Sheet};

const SCHEMA: &str = include_str!("../../data/schema.toml");
const DIMENSIONS: &str = include_str!("../../data/dimensions.toml");
const BINS: &str = include_str!("../../data/bins.toml");
const CATALOGUE: &str = include_str!("../../data/catalogue.toml");

/// The standard catalogue.
#[derive(Debug)]
pub struct Standard {
    /// SHA-256 over the four data files, each preceded by its length as 8 bytes big-endian.
    pub hash: Sha256,
    /// The canonical tables.
    pub schema: Schema,
    /// The standard dimensions.
    pub dimensions: Vec<Arc<Dimension>>,
    /// The standard lists of bins.
    pub bins: Vec<BinList>,
    /// The standard KPIs.
    pub kpis: Vec<StandardKpi>,
}

/// A KPI of the standard catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StandardKpi {
    /// Its id, such as `wioa/credential_attainment`.
    pub id: StandardId,
    /// For people.
    pub title: String,
    /// The standard it restates.
    pub source: String,
    /// Its meaning.
    pub definition: Definition,
}

/// The catalogue of this version.
pub fn standard() -> &'static Standard {
    static STANDARD: OnceLock<Standard> = OnceLock::new();
    STANDARD.get_or_init(|| load().expect("the shipped catalogue is sound: a test reads it"))
}

fn load() -> Option<Standard> {
    let mut bytes = Vec::new();
    for file in [SCHEMA, DIMENSIONS, BINS, CATALOGUE] {
        bytes.extend_from_slice(&(file.len() as u64).to_be_bytes());
        bytes.extend_from_slice(file.as_bytes());
    }
    let schema = schema()?;
    let sheet = Sheet::parse(DIMENSIONS.as_bytes()).ok()?;
    let named = sheet.root().section("dimension")?.named_sections();
    let dimensions: Option<Vec<_>> = named
        .into_iter()
        .map(|(id, section)| standard_dimension(id, section, &schema).map(Arc::new))
        .collect();
    let sheet_problems = sheet.problems();
    let bins = bin_lists(BINS)?;
    let known = Known { schema: &schema, bins: &bins };
    let sheet = Sheet::parse(CATALOGUE.as_bytes()).ok()?;
    let kpis: Option<Vec<_>> =
        sheet.root().sections("kpi").into_iter().map(|section| kpi(section, known)).collect();
    let problems: Vec<_> = sheet_problems.into_iter().chain(sheet.problems()).collect();
    if !problems.is_empty() {
        return None;
    }
    let (dimensions, kpis) = (dimensions?, kpis?);
    Some(Standard { hash: Sha256::of(&bytes), schema, dimensions, bins, kpis })
}

fn kpi(section: Section<'_>, known: Known<'_>) -> Option<StandardKpi> {
    let id = section.word("id")?.value;
    let title = section.text("title")?.value.to_owned();
    let source = section.text("source")?.value.to_owned();
    let definition = definition(section.section("define")?, known)?;
    section.end(&[]);
    Some(StandardKpi { id, title, source, definition })
}

fn schema() -> Option<Schema> {
    let sheet = Sheet::parse(SCHEMA.as_bytes()).ok()?;
    let root = sheet.root();
    let lists = root.section("codes")?;
    let tables = root.section("table")?;
    let tables: Option<Vec<_>> = TABLES
        .into_iter()
        .map(|name| {
            let columns = tables.section(name.as_str())?.named_sections();
            let columns: Option<Vec<_>> =
                columns.into_iter().map(|(name, section)| column(name, section, &lists)).collect();
            Some(TableSchema { name, columns: columns? })
        })
        .collect();
    let tables = tables?;
    sheet.problems().is_empty().then(|| Schema::new(tables))
}

fn column(name: &str, section: Section<'_>, lists: &Section<'_>) -> Option<Column> {
    let typed = [("year", Kind::Year), ("date", Kind::Date), ("integer", Kind::Integer)];
    for (key, kind) in typed {
        if let Some(doc) = section.text_if_any(key) {
            return Some(Column { name: name.to_owned(), doc: doc.value.to_owned(), kind });
        }
    }
    let list = section.text("codes")?.value;
    let codes = lists.named(list)?.entries().into_iter().map(|(id, label)| {
        Some(Code { id: id.to_owned(), label: label.value.as_str()?.to_owned() })
    });
    let kind = Kind::Code(codes.collect::<Option<_>>()?);
    Some(Column { name: name.to_owned(), doc: section.text("doc")?.value.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_is_sound() {
        for text in [SCHEMA, DIMENSIONS, BINS, CATALOGUE] {
            assert!(Sheet::parse(text.as_bytes()).is_ok());
        }
        let standard = standard();
        assert!(standard.kpis.len() >= 6 && standard.dimensions.len() >= 17);
    }

    #[test]
    fn every_code_list_has_a_code_for_unknown() {
        for column in standard().schema.tables().iter().flat_map(|table| &table.columns) {
            let known = column
                .kind
                .codes()
                .is_none_or(|codes| codes.iter().any(|code| code.id == "unknown"));
            assert!(known, "{}", column.name);
        }
    }
}
