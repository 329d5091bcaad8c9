//! Dimensions: standard ones, and those that the MOU declares.

use crate::dimension::{Dimension, DimensionSource};
use crate::names::DimensionId;
use crate::schema::{Code, Column, Kind, Schema, TABLES, TableName};
use crate::section::{Section, Sheet};

/// More codes than any standard list; a longer one is a mistake.
const MAX_CODES: usize = 200;

/// A dimension of the standard catalogue.
pub(super) fn standard_dimension(
    id: &str,
    section: Section<'_>,
    schema: &Schema,
) -> Option<Dimension> {
    let title = section.text("title")?.value.to_owned();
    let numbers = |key| -> Option<Option<Vec<i16>>> {
        let list = section.list_if_any(key)?;
        Some(list.iter().map(|number| i16::try_from(number.value.as_integer()?).ok()).collect())
    };
    let (source, codes) = match (numbers("ages"), numbers("years")) {
        (Some(cuts), _) => {
            let cuts = cuts?;
            let codes = bands(&cuts)?;
            (DimensionSource::Age(cuts), codes)
        }
        (None, Some(ends)) => {
            let column = section.text("column")?.value.to_owned();
            let kind =
                TABLES.into_iter().find_map(|table| Some(&schema.column(table, &column)?.kind));
            let [first, last] = ends?.try_into().ok()?;
            let codes = (kind? == &Kind::Year && first < last).then(|| years(first, last))?;
            (DimensionSource::Years { column, first, last }, codes)
        }
        (None, None) => {
            let column = section.text("column")?.value.to_owned();
            let codes =
                TABLES.into_iter().find_map(|table| schema.column(table, &column)?.kind.codes())?;
            (DimensionSource::Column(column), codes.to_vec())
        }
    };
    Some(Dimension { id: id.parse().ok()?, title, source, codes })
}

/// `[18, 25, 40]`: under 18, 18 to 24, 25 to 39, 40 and over, unknown.
fn bands(cuts: &[i16]) -> Option<Vec<Code>> {
    let (first, last) = (cuts.first()?, cuts.last()?);
    let mut codes = vec![(format!("under-{first}"), format!("Under {first}"))];
    for pair in cuts.windows(2) {
        if let [from, to] = pair {
            codes.push((format!("{from}-{}", to - 1), format!("{from} to {}", to - 1)));
        }
    }
    codes.push((format!("{last}-plus"), format!("{last} and over")));
    codes.push(("unknown".to_owned(), "Unknown".to_owned()));
    Some(codes.into_iter().map(|(id, label)| Code { id, label }).collect())
}

/// Each year, unknown.
fn years(first: i16, last: i16) -> Vec<Code> {
    let years = (first..=last).map(|year| Code { id: year.to_string(), label: year.to_string() });
    years.chain([Code { id: "unknown".to_owned(), label: "Unknown".to_owned() }]).collect()
}

/// `[[dimension]]` of an MOU: a closed code list on one canonical table, which gains a column of that name.
pub(super) fn declared_dimension(
    section: Section<'_>,
    schema: &mut Schema,
    sheet: &Sheet,
) -> Option<Dimension> {
    let id = section.word::<DimensionId>("id");
    let title = section.text("title");
    let of = section.word::<TableName>("of");
    let codes = codes(&section, sheet);
    section.end(&[]);
    let (id, title, of, codes) = (id?.value, title?.value.to_owned(), of?.value, codes?);
    let column = id.as_str().to_owned();
    let declared =
        Column { name: column.clone(), doc: title.clone(), kind: Kind::Code(codes.clone()) };
    if !schema.declare(of, declared) {
        section.problem_at(
            "id",
            format_args!("`{of}` has a column `{id}` already"),
            "choose another id",
        );
        return None;
    }
    Some(Dimension { id, title, source: DimensionSource::Column(column), codes })
}

/// `codes = { "0-10" = "Most deprived", unknown = "Unknown" }`
fn codes(section: &Section<'_>, sheet: &Sheet) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    for (id, label) in section.section("codes")?.entries() {
        let Some(text) = label.value.as_str() else {
            sheet.problem(
                label.line,
                &label.place,
                "a label in quotes is needed",
                "write code = \"label\"",
            );
            continue;
        };
        if id.is_empty() || id.len() > 64 || id.chars().any(char::is_control) {
            sheet.problem(label.line, &label.place, "a code is 1 to 64 characters", "shorten it");
            continue;
        }
        codes.push(Code { id: id.to_owned(), label: text.to_owned() });
    }
    if !codes.iter().any(|code| code.id == "unknown") {
        section.problem_at(
            "codes",
            "no code for unknown",
            "add unknown = \"Unknown\": every learner has a cell",
        );
        return None;
    }
    if codes.len() > MAX_CODES {
        section.problem_at(
            "codes",
            format_args!("more than {MAX_CODES} codes"),
            "use broader ones",
        );
        return None;
    }
    Some(codes)
}
