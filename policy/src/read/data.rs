//! `[data.<kind>]`: how fresh the data of a kind of party is, and what of it stays out.

use crate::mou::{DataRules, PartyKind};
use crate::predicate::ColumnRef;
use crate::schema::{Schema, TableName};
use crate::section::{Found, Section};

pub(super) fn data(section: Section<'_>, schema: &Schema) -> Option<Vec<DataRules>> {
    let rules = section.named_sections().into_iter().map(|(kind, inner)| {
        let kind = kind.parse::<PartyKind>();
        if let Err(error) = &kind {
            inner.problem(error, "write [data.college]");
        }
        let freshness = inner.number_if_any("freshness_days", 1..=36_525);
        let withheld = inner.words_if_any::<String>("withheld").unwrap_or_default();
        let withheld = withheld.iter().map(|found| column(&inner, found, schema));
        let withheld: Vec<_> = withheld.collect();
        inner.end(&[]);
        Some(DataRules {
            kind: kind.ok()?,
            freshness_days: freshness.and_then(|found| u32::try_from(found.value).ok()),
            withheld: withheld.into_iter().collect::<Option<_>>()?,
        })
    });
    // Every kind is read before the section is given up, so that every problem is noted.
    rules.collect::<Vec<_>>().into_iter().collect()
}

/// `learner.veteran`
fn column(section: &Section<'_>, found: &Found<String>, schema: &Schema) -> Option<ColumnRef> {
    let column = found.value.split_once('.').and_then(|(table, column)| {
        let table: TableName = table.parse().ok()?;
        schema.column(table, column)?;
        Some(ColumnRef { table, column: column.to_owned() })
    });
    if column.is_none() {
        section.problem_at(
            "withheld",
            format_args!("no canonical table has a column `{}`", found.value),
            "write table.column, such as \"learner.veteran\"",
        );
    }
    column
}
