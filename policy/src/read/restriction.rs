//! `[[restrict]]`: what may not be asked after all.

use crate::margin::Margin;
use crate::mou::{Limit, Restriction};
use crate::names::{DimensionId, KpiId};
use crate::nearest::nearest;
use crate::read::kpi::Known;
use crate::schema::TABLES;
use crate::section::Section;

/// Reads one; it says exactly one thing.
pub(super) fn restriction(section: Section<'_>, known: &Known<'_>) -> Option<Restriction> {
    let because = section.text("because");
    let kpi = section.word_if_any::<KpiId>("kpi").map(|found| found.value);
    let dimension = section.word_if_any::<DimensionId>("dimension");
    let column = section.text_if_any("column");
    let refuse = section.flag_if_any("refuse");
    let margin = section.number_if_any("margin", 1..=i64::from(Margin::MAX));
    let floor = section.number_if_any("floor", 1..=1_000_000);
    section.end(&[]);
    if refuse.as_ref().is_some_and(|refuse| !refuse.value) {
        section.problem_at(
            "refuse",
            "a restriction refuses",
            "write refuse = true, or leave the restriction out",
        );
        return None;
    }
    let limit = match (dimension, column, refuse.is_some(), margin, floor) {
        (Some(dimension), None, true, None, None) => {
            let column = column_of(&section, &dimension.value, known);
            Limit::Column { dimension: Some(dimension.value), column: column? }
        }
        (None, Some(column), true, None, None) => {
            Limit::Column { dimension: None, column: a_column(&section, column.value, known)? }
        }
        (None, None, true, None, None) if kpi.is_some() => Limit::Kpi,
        (None, None, false, Some(margin), None) if kpi.is_some() => {
            Limit::Margin(Margin::new(u32::try_from(margin.value).ok()?)?)
        }
        (None, None, false, None, Some(floor)) if kpi.is_none() => {
            Limit::Floor(u32::try_from(floor.value).ok()?)
        }
        _ => {
            section.problem(
                "a restriction refuses one thing",
                "write `dimension`, `column` or `kpi` with refuse = true; `kpi` with `margin`; \
                 or `floor` alone",
            );
            return None;
        }
    };
    Some(Restriction { because: because?.value.to_owned(), kpi, limit })
}

fn column_of(section: &Section<'_>, dimension: &DimensionId, known: &Known<'_>) -> Option<String> {
    let found = known.dimensions.iter().find(|resolved| resolved.id == *dimension);
    if found.is_none() {
        let ids = || known.dimensions.iter().map(|dimension| dimension.id.as_str());
        let hint = match nearest(dimension.as_str(), ids()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", ids().collect::<Vec<_>>().join(", ")),
        };
        section.problem_at("dimension", format_args!("no dimension `{dimension}`"), hint);
    }
    found.map(|resolved| resolved.source.column().to_owned())
}

fn a_column(section: &Section<'_>, name: &str, known: &Known<'_>) -> Option<String> {
    let tables = TABLES.iter().filter_map(|table| known.schema.table(*table));
    let names: Vec<_> =
        tables.flat_map(|table| &table.columns).map(|column| column.name.as_str()).collect();
    if names.contains(&name) {
        return Some(name.to_owned());
    }
    let hint = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a column of a canonical table, such as \"birth_year\"".to_owned(),
    };
    section.problem_at("column", format_args!("no canonical table has a column `{name}`"), hint);
    None
}
