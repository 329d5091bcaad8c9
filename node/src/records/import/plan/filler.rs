//! What fills one canonical column.

use std::path::Path;

use jiff::civil::Date;

use super::Find;
use super::column::Source;
use super::condition::When;
use crate::records::import::problem::{FileProblems, Place, shown};
use crate::records::mapping::{
    Case, Cell, ColumnMapping, Fill, Misread, Names, Plus, YearDay, day_cell, number, year_of_text,
};
use crate::records::plausible::{Bounds, Verdict};
use crate::records::source::{Field, Row};

/// Fills one canonical column.
pub(in crate::records::import) struct Filler<'m> {
    pub(in crate::records::import) column: &'m str,
    from: From<'m>,
}

enum From<'m> {
    Constant(Cell),
    Source(Box<Source<'m>>),
    Cases(Vec<(When<'m>, From<'m>)>, Cell),
    Day(Day<'m>),
}

/// A day of a year that the row names.
struct Day<'m> {
    year: (usize, &'m str),
    plus: Years<'m>,
    of: &'m YearDay,
    bounds: Option<Bounds>,
}

enum Years<'m> {
    Constant(i64),
    Column(usize, &'m str),
}

impl<'m> Filler<'m> {
    pub(super) fn new(
        mapping: &'m ColumnMapping,
        bounds: Option<Bounds>,
        person: &'m [Names],
        has: &impl Fn(&Names) -> bool,
        at: &impl Find<'m>,
    ) -> Option<Self> {
        let from = From::new(&mapping.fill, bounds, person, has, at)?;
        Some(Self { column: &mapping.column, from })
    }

    pub(in crate::records::import) fn cell(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> Option<Cell> {
        self.from.cell(path, row, problems)
    }

    /// The source columns it read.
    pub(in crate::records::import) fn sources(self) -> Vec<Source<'m>> {
        let mut sources = Vec::new();
        self.from.gather(&mut sources);
        sources
    }
}

impl<'m> From<'m> {
    fn new(
        fill: &'m Fill,
        bounds: Option<Bounds>,
        person: &'m [Names],
        has: &impl Fn(&Names) -> bool,
        at: &impl Find<'m>,
    ) -> Option<Self> {
        Some(match fill {
            Fill::Constant(cell) => Self::Constant(*cell),
            Fill::Source(name, reading) => {
                Self::Source(Box::new(Source::new(name, reading, bounds, person, at)?))
            }
            Fill::Cases(cases, otherwise) => {
                let there = cases.iter().filter(|case| case.is_there(has));
                let case = |Case { when, fill, .. }: &'m Case| {
                    let from = Self::new(fill, bounds, person, has, at)?;
                    Some((When::new(when, at)?, from))
                };
                Self::Cases(there.map(case).collect::<Option<_>>()?, *otherwise)
            }
            Fill::Day(of) => {
                let plus = match &of.plus {
                    Plus::Years(years) => Years::Constant(*years),
                    Plus::Source(source) => {
                        let (at, name) = at(source)?;
                        Years::Column(at, name)
                    }
                };
                Self::Day(Day { year: at(&of.year)?, plus, of, bounds })
            }
        })
    }

    fn cell(&mut self, path: &Path, row: Row<'_>, problems: &mut FileProblems) -> Option<Cell> {
        match self {
            Self::Constant(cell) => Some(*cell),
            Self::Source(source) => source.cell(path, row, problems),
            Self::Cases(cases, otherwise) => {
                match cases.iter_mut().find(|(when, _)| when.holds(row)) {
                    Some((_, from)) => from.cell(path, row, problems),
                    None => Some(*otherwise),
                }
            }
            Self::Day(day) => day.cell(path, row, problems),
        }
    }

    fn gather(self, into: &mut Vec<Source<'m>>) {
        match self {
            Self::Constant(_) | Self::Day(_) => {}
            Self::Source(source) => into.push(*source),
            Self::Cases(cases, _) => cases.into_iter().for_each(|(_, from)| from.gather(into)),
        }
    }
}

impl Day<'_> {
    fn cell(&self, path: &Path, row: Row<'_>, problems: &mut FileProblems) -> Option<Cell> {
        let mut tell = |name: &str, field: Field<'_>, misread: Misread| {
            let place = Place { path, spot: Some(row.spot), column: Some(name) };
            let hint = misread.hint();
            problems.note(place, format_args!("{} {misread}", shown(&field.to_string())), hint);
        };
        let (at, name) = self.year;
        let field = row.get(at);
        if field.is_blank() {
            return Some(Cell::Date(None));
        }
        let year = match year_of_text(&field.to_string()) {
            Ok(year) => year,
            Err(misread) => {
                tell(name, field, misread);
                return None;
            }
        };
        let years = match self.plus {
            Years::Constant(years) => years,
            Years::Column(at, name) => {
                let field = row.get(at);
                if field.is_blank() {
                    return Some(Cell::Date(None));
                }
                match number(&field.to_string()).filter(|hundredths| hundredths % 100 == 0) {
                    Some(hundredths) => hundredths / 100,
                    None => {
                        tell(name, field, Misread::Number);
                        return None;
                    }
                }
            }
        };
        let day = i16::try_from(i64::from(year) + years)
            .ok()
            .and_then(|year| Date::new(year, self.of.month, self.of.day).ok());
        let Some(cell) = day.and_then(day_cell) else {
            tell(name, field, Misread::OutsideYears);
            return None;
        };
        if let Some(Verdict::Impossible(misread)) = self.bounds.map(|bounds| bounds.judge(cell)) {
            tell(name, field, misread);
            return None;
        }
        Some(cell)
    }
}
