//! `sumac-mapping/1`: the whole file.

use std::path::Path;

use sumac_policy::section::{Found, Section, Sheet};
use sumac_policy::{Schema, TableName, TableSchema};
use toml_edit::Item;

use super::super::credentials;
use super::super::source::Shape;
use super::reading::Way;
use super::{ColumnMapping, Fill, Mapping, Names, OnConflict, Order, Reading, TableMapping};

mod column;
mod condition;
mod file;
mod names;

use self::names::{names_of, texts};

/// Far more tables than there are, because one file may fill a table in several ways.
const MAX_TABLES: usize = 20;

/// Larger than any term code or sequence number that orders rows.
const MAX_ORDER: i64 = 1_000_000_000_000_000;

pub(super) fn mapping(sheet: &Sheet, path: &Path, schema: &Schema) -> Option<Mapping> {
    let root = sheet.root();
    if root.text("format").is_some_and(|format| format.value != "sumac-mapping/1") {
        root.problem_at(
            "format",
            "this version reads mappings of the format `sumac-mapping/1`",
            "write format = \"sumac-mapping/1\"",
        );
    }
    let title = root.text("title");
    if let Some(section) = root.section_if_any("credentials") {
        let read = credentials::form(section, path, schema);
        root.end(&[]);
        let (form, table) = read?;
        return Some(Mapping {
            path: path.to_owned(),
            title: title?.value.to_owned(),
            shape: Shape::default(),
            passed_over: None,
            tables: vec![table],
            credentials: Some(form),
        });
    }
    let layout = root.section_if_any("file").map(file::layout).unwrap_or_default();
    let sections = root.sections("table");
    if sections.is_empty() || sections.len() > MAX_TABLES {
        root.problem_at(
            "table",
            format_args!("1 to {MAX_TABLES} [[table]] are needed"),
            "begin each canonical table that the file fills with [[table]]",
        );
    }
    let tables: Vec<_> =
        sections.into_iter().map(|section| table(section, schema, &layout.absent)).collect();
    root.end(&[]);
    Some(Mapping {
        path: path.to_owned(),
        title: title?.value.to_owned(),
        shape: layout.shape,
        passed_over: layout.passed_over,
        tables: tables.into_iter().collect::<Option<_>>()?,
        credentials: None,
    })
}

fn table(section: Section<'_>, schema: &Schema, absent: &[String]) -> Option<TableMapping> {
    let name = section.word::<TableName>("table");
    let person = names::person(&section);
    if person.is_none() {
        section.problem_at(
            "person",
            "`person` must name the column or columns that identify a person",
            "write person = \"STUDENT_ID\", or person = [\"A\", \"B\"] for two columns that do together",
        );
    }
    let on_conflict = section.text_if_any("on_conflict");
    let latest_by = section.item("latest_by").map(|found| latest_by(&section, &found));
    let keep = section.section_if_any("keep").map(keep);
    let when = condition::condition(&section, absent);
    let listed = |key| names::listed(&section, key);
    let (header_has, header_lacks) = (listed("header_has"), listed("header_lacks"));
    let same = listed("same");
    let may_be_empty = section.flag_if_any("may_be_empty").is_some_and(|flag| flag.value);
    let columns = section.section("columns");
    let (Some(name), Some(columns)) = (name, columns) else {
        section.end(&[]);
        return None;
    };
    let table = name.value;
    let columns = columns_of(columns, schema.table(table)?, absent);
    let on_conflict = match on_conflict.as_ref().map(|found| found.value) {
        None | Some("refuse") => OnConflict::Refuse,
        Some("latest") => OnConflict::Latest,
        Some(_) => {
            section.problem_at("on_conflict", "is neither \"refuse\" nor \"latest\"", "");
            OnConflict::Refuse
        }
    };
    if on_conflict == OnConflict::Latest && latest_by.is_none() {
        section.problem_at(
            "on_conflict",
            "\"latest\" needs `latest_by`: nothing says which row is the latest",
            "write latest_by = \"TERM_START\", or as docs/mapping.md shows",
        );
    }
    if on_conflict == OnConflict::Latest && table != TableName::Learner {
        section.problem_at(
            "on_conflict",
            format_args!("only the learner table has one row per learner, not `{table}`"),
            "leave it out",
        );
    }
    section.end(&[]);
    let columns = columns?;
    let order = match latest_by {
        Some(order) => order?,
        None => columns
            .iter()
            .position(|column| Some(column.column.as_str()) == time_column(table))
            .map_or(Order::File, Order::Column),
    };
    let keep = keep.unwrap_or_else(|| Some(Vec::new()))?;
    Some(TableMapping {
        table,
        person: person?,
        order,
        on_conflict,
        keep,
        when: when?,
        header_has: header_has?,
        header_lacks: header_lacks?,
        same: same?,
        may_be_empty,
        columns,
    })
}

/// The date that puts a table's rows in order where the mapping names none.
fn time_column(table: TableName) -> Option<&'static str> {
    match table {
        TableName::Learner => None,
        TableName::Enrolment => Some("term_start"),
        TableName::Award => Some("awarded_on"),
        TableName::Employment => Some("hired_on"),
        TableName::Outcome => Some("exit_on"),
        TableName::Support => Some("started_on"),
    }
}

/// `latest_by = "TERM_START"`, or `{ from = "TERM_CODE", number = true }`.
fn latest_by(section: &Section<'_>, found: &Found<&Item>) -> Option<Order> {
    if let Some(source) = found.value.as_str() {
        let way = Way::Date { format: None };
        let reading = Reading { absent: Vec::new(), crosswalk: None, way };
        return Some(Order::Source(Names::new([source])?, reading));
    }
    let entry = section.section_if_any("latest_by")?;
    let source = names_of(&entry, "from");
    let number = entry.flag_if_any("number").is_some_and(|flag| flag.value);
    let year = entry.flag_if_any("year").is_some_and(|flag| flag.value);
    let way = match (number, year) {
        (true, true) => {
            entry.problem_at("year", "a column is either a number or a year", "keep one");
            None
        }
        (true, false) => {
            Some(Way::Integer { hundredths: false, rounded: false, low: 0, high: MAX_ORDER })
        }
        (false, true) => Some(Way::Year { from_date: None }),
        (false, false) => column::date_format(&entry).map(|format| Way::Date { format }),
    };
    let crosswalk = way.as_ref().map(|way| column::values(&entry, way));
    entry.end(&[]);
    let reading = Reading { absent: Vec::new(), crosswalk: crosswalk??, way: way? };
    Some(Order::Source(source?, reading))
}

/// `keep = { CAMPUS = ["MAIN", "NORTH"] }`
fn keep(section: Section<'_>) -> Option<Vec<(Names, Vec<String>)>> {
    let entries = section.entries().into_iter().map(|(source, found)| {
        let values = names::texts_of(found.value);
        if values.is_none() {
            section.problem_at(source, "the values to keep must be texts", "write [\"MAIN\"]");
        }
        Some((Names::new([source])?, values?))
    });
    // Collected in two steps, so that each wrong entry is told.
    let entries: Vec<_> = entries.collect();
    entries.into_iter().collect()
}

fn columns_of(
    section: Section<'_>,
    schema: &TableSchema,
    absent: &[String],
) -> Option<Vec<ColumnMapping>> {
    let mut columns = Vec::new();
    for known in &schema.columns {
        // Kept for the rest of the run: a mapping is read once, and the names are few.
        let name: &'static str = known.name.clone().leak();
        let Some(found) = section.item(name) else { continue };
        let fill = match found.value.as_str() {
            Some(source) => column::plain(source, known, absent).map(|fill| (fill, false)),
            None if found.value.is_array() || found.value.is_array_of_tables() => {
                column::cases(section.sections(name), known, absent).map(|fill| (fill, false))
            }
            None => section.section_if_any(name).and_then(|entry| {
                let optional = entry.flag_if_any("optional").is_some_and(|flag| flag.value);
                column::fill(entry, known, absent).map(|fill| (fill, optional))
            }),
        };
        columns.push(fill.map(|(fill, optional)| {
            let optional = optional || fill.is_optional();
            ColumnMapping { column: known.name.clone(), fill, optional }
        }));
    }
    if section.entries().is_empty() {
        section.problem("no column is filled", "fill at least one: sex = \"GENDER\"");
    }
    section.end(&[]);
    columns.into_iter().collect()
}
