//! `[calendar]`: when years and terms begin, and when they may be asked about.

use crate::calendar::Calendar;
use crate::period::{DayOfYear, TermName, TermStarts, Year, YearStart};
use crate::section::Section;

/// Terms as colleges have them, for hints.
pub(crate) const USUAL_TERMS: &str =
    "terms = { FALL = \"08-15\", SPRING = \"01-10\", SUMMER = \"05-20\" }";

pub(super) fn calendar(section: Section<'_>) -> Option<Calendar> {
    let year_starts = section.word::<YearStart>("year_starts");
    let first_period = section.word::<Year>("first_period");
    let wait_days = section.number("wait_days", 0..=3_650);
    let terms = section.section_if_any("terms").map(terms);
    section.end(&[]);
    // There, and sound; or not there.
    let there = section.item("terms").is_some();
    let terms = if there { terms.flatten()? } else { TermStarts::default() };
    let (year_starts, first_period) = (year_starts?.value, first_period?.value);
    if !first_period.fits(year_starts) {
        let written = if year_starts.is_new_year() { "2025" } else { "2025-26" };
        section.problem_at(
            "first_period",
            format_args!("years that start on {year_starts} are written like {written}"),
            "write the first year that may be asked about",
        );
        return None;
    }
    let wait_days = u16::try_from(wait_days?.value).ok()?;
    Some(Calendar { year_starts, terms, first_period, wait_days })
}

/// `terms = { FALL = "08-15", SPRING = "01-10" }`
fn terms(section: Section<'_>) -> Option<TermStarts> {
    let mut terms: Vec<(DayOfYear, TermName)> = Vec::new();
    let mut sound = true;
    for name in TermName::ALL {
        let Some(begins) = section.word_if_any::<DayOfYear>(name.as_str()) else {
            sound &= section.item(name.as_str()).is_none();
            continue;
        };
        match terms.iter().find(|(known, _)| *known == begins.value) {
            Some((day, known)) => {
                let same = format_args!("{name} begins on {day}, as {known} does");
                section.problem_at(name.as_str(), same, "give each term a day of its own");
                sound = false;
            }
            None => terms.push((begins.value, *name)),
        }
    }
    section.end(&[]);
    if section.entries().is_empty() {
        section.problem("no term is listed", format_args!("such as {USUAL_TERMS}"));
    }
    (sound && !terms.is_empty()).then(|| TermStarts::new(terms))
}
