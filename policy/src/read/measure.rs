//! `measure = "…"` of a definition, with the keys that only some measures have.

use super::bins::{BinList, bins};
use crate::measure::{Clip, Level, MAX_CLIP, Measure, Unit};
use crate::predicate::ColumnRef;
use crate::quantity::Quantity;
use crate::schema::{Schema, TableName};
use crate::section::Section;

/// No learner is in more groups of a period, or has more awards in it, for a reason that a KPI could have.
const MAX_CAP: i64 = 100;
/// A unit of more parts is a mistake.
const MAX_PER: i64 = 1_000_000;
/// A unit's name, in characters: it stands beside every number.
const MAX_UNIT: usize = 20;
/// The column by which awards are kept, where a learner has more than are counted.
const LEVEL: &str = "award_level";

/// What a definition may refer to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known<'a> {
    /// The canonical tables.
    pub(crate) schema: &'a Schema,
    /// The catalogue's lists of bins.
    pub(crate) bins: &'a [BinList],
}

/// Reads the measure of rows of this table, noting every problem.
pub(super) fn measure(
    section: &Section<'_>,
    of: Option<TableName>,
    known: Known<'_>,
) -> Option<Measure> {
    let word = section.text("measure")?;
    // Each measure takes these keys, and no other of those that only some have.
    let takes: &[&str] = match word.value {
        "count" | "awards" => &["cap"],
        "rate" => &[],
        "mean" => &["value", "clip", "unit", "per"],
        "distribution" => &["value", "bins", "unit", "per"],
        other => {
            section.problem_at(
                "measure",
                format_args!("this version of sumac cannot measure `{other}`"),
                "use \"count\", \"rate\", \"awards\", \"mean\" or \"distribution\"",
            );
            return None;
        }
    };
    for key in ["cap", "value", "clip", "bins", "unit", "per"] {
        if !takes.contains(&key) && section.item(key).is_some() {
            section.problem_at(
                key,
                format_args!("a {} has no `{key}`", word.value),
                "leave it out",
            );
        }
    }
    match word.value {
        "count" => Some(Measure::Count { cap: cap_if_any(section) }),
        "rate" => Some(Measure::Rate),
        "awards" => {
            let cap = cap_if_any(section);
            if section.item("cap").is_none() {
                section.problem(
                    "`cap` is missing",
                    "add cap = 3: the most awards of one learner that count in a period",
                );
            }
            let of = of?;
            let level = known.schema.column(of, LEVEL).and_then(|column| {
                let codes = column.kind.codes()?.iter().map(|code| code.id.clone()).collect();
                let column = ColumnRef { table: of, column: column.name.clone() };
                Some(Level { column, codes })
            });
            Some(Measure::Awards { cap: cap?, level })
        }
        _ => {
            let value = quantity(section, of, known.schema);
            let unit = unit(section, value.as_ref());
            if word.value == "mean" {
                let clip = clip(section);
                return Some(Measure::Mean { value: value?, clip: clip?, unit: unit? });
            }
            let bins = bins(section, known.bins);
            Some(Measure::Distribution { value: value?, bins: bins?, unit: unit? })
        }
    }
}

fn cap_if_any(section: &Section<'_>) -> Option<u32> {
    let cap = section.number_if_any("cap", 1..=MAX_CAP)?;
    u32::try_from(cap.value).ok()
}

fn quantity(section: &Section<'_>, of: Option<TableName>, schema: &Schema) -> Option<Quantity> {
    let text = section.text("value")?;
    let read = Quantity::read(text.value, schema, of?);
    read.map_err(|error| section.problem_at("value", error, "")).ok()
}

/// `clip = [0, 100]`
fn clip(section: &Section<'_>) -> Option<Clip> {
    let Some(ends) = section.list_if_any("clip") else {
        if section.item("clip").is_none() {
            section.problem(
                "`clip` is missing",
                "add clip = [lo, hi], in the column's unit: what is beyond counts as the end",
            );
        }
        return None;
    };
    let ends: Vec<_> = ends.iter().map(|end| end.value.as_integer()).collect();
    let clip = match ends.as_slice() {
        [Some(lo), Some(hi)] => Clip::new(*lo, *hi),
        _ => None,
    };
    if clip.is_none() {
        section.problem_at(
            "clip",
            format_args!("two whole numbers are needed, the lower first, within ±{MAX_CLIP}"),
            "such as clip = [0, 3000]",
        );
    }
    clip
}

/// `unit = "$", per = 100`
fn unit(section: &Section<'_>, value: Option<&Quantity>) -> Option<Unit> {
    let name = section.text_if_any("unit").map(|found| found.value.to_owned());
    if name.as_ref().is_some_and(|name| name.chars().count() > MAX_UNIT) {
        section.problem_at("unit", format_args!("longer than {MAX_UNIT} characters"), "shorten it");
        return None;
    }
    let per = section.number_if_any("per", 1..=MAX_PER).map(|found| u32::try_from(found.value));
    let usual = Unit::of(value?);
    let per = per.transpose().ok()?.unwrap_or(usual.per);
    Some(Unit { name: name.unwrap_or(usual.name), per })
}
