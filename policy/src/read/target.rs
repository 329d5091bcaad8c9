//! `target = { from = 0.34, to = 0.42, by = 2027-06-30, max_gap_points = 5 }`

use crate::measure::Measure;
use crate::mou::Target;
use crate::read::number::exact;
use crate::section::Section;

/// Places kept of a target's numbers.
const PLACES: usize = 6;
/// One, in millionths.
const ONE: u64 = 1_000_000;

/// Reads a target of a KPI of this measure.
pub(super) fn target(section: Section<'_>, measure: Option<&Measure>) -> Option<Target> {
    let number = |key: &'static str| {
        let text = section.decimal_if_any(key)?;
        let value = exact(&text.value, PLACES);
        if value.is_none() {
            section.problem_at(key, "not a number of at most six decimals", "such as 0.42");
        }
        Some(value)
    };
    let from = number("from").map_or(Some(None), |from| from.map(Some));
    let to = number("to");
    if to.is_none() && section.item("to").is_none() {
        section.problem("`to` is missing", "add to = 0.42, what it means to reach");
    }
    let gap = number("max_gap_points").map_or(Some(None), |gap| gap.map(Some));
    let by = section.day("by");
    section.end(&[]);
    let (from, to, gap) = (from?, to??, gap?);
    match measure {
        Some(Measure::Rate) if from.is_some_and(|from| from > ONE) || to > ONE => {
            section.problem("a rate is from 0 to 1", "write 0.42 for 42 %");
            return None;
        }
        Some(other) if *other != Measure::Rate && gap.is_some() => {
            section.problem_at("max_gap_points", "only rates have a gap in points", "leave it out");
            return None;
        }
        _ => {}
    }
    Some(Target {
        from_millionths: from,
        to_millionths: to,
        by: by?.value,
        max_gap_points_millionths: gap,
    })
}
