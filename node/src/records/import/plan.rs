//! A mapping laid over one file: which field is what, and what was made of each value so far.

use std::collections::HashMap;
use std::path::Path;

use sumac_keys::NodeSecret;

use super::super::canonical::PersonKey;
use super::super::mapping::{
    Cell, ColumnMapping, Fill, Mapping, Misread, Names, Order, Reading, Seen, TableMapping,
};
use super::super::source::{Export, Field, Row, Spot};
use super::Only;
use super::header::find;
use super::memo::Memo;
use super::problem::{FileProblems, Place, shown};

/// Words listed apart among those a mapping does not know.
const MAX_OTHERS: usize = 1_000;

/// Stands between the parts of an identifier, so that `1` and `23` is not `12` and `3`.
const BETWEEN: char = '\u{1f}';

/// A mapping laid over one file.
pub(super) struct Plan<'m> {
    pub(super) only: Vec<Filter<'m>>,
    pub(super) persons: Vec<Person<'m>>,
    pub(super) tables: Vec<TablePlan<'m>>,
}

/// A mapping's table laid over one file.
pub(super) struct TablePlan<'m> {
    pub(super) mapping: &'m TableMapping,
    pub(super) keep: Vec<Filter<'m>>,
    /// Position in [`Plan::persons`]: tables of one file mostly identify people alike.
    pub(super) person: usize,
    pub(super) order: Option<Source<'m>>,
    pub(super) fillers: Vec<Filler<'m>>,
    /// For each column of the draft, the position of what fills it.
    pub(super) places: Vec<usize>,
}

/// Keeps rows with one of these values.
pub(super) struct Filter<'m> {
    at: usize,
    values: Vec<&'m str>,
}

/// The fields that identify a person, and the last person met.
pub(super) struct Person<'m> {
    at: Vec<usize>,
    names: Vec<&'m str>,
    last: Option<(String, PersonKey)>,
    next: String,
}

/// Fills one canonical column.
pub(super) struct Filler<'m> {
    pub(super) column: &'m str,
    pub(super) from: From<'m>,
}

pub(super) enum From<'m> {
    Constant(Cell),
    Source(Box<Source<'m>>),
}

/// A source column, with what its values were found to be.
pub(super) struct Source<'m> {
    name: &'m str,
    at: usize,
    reading: &'m Reading,
    /// Whether its values identify a person, and so are never shown.
    private: bool,
    memo: Memo<Option<Known>>,
    pub(super) others: Others,
}

#[derive(Clone, Copy)]
struct Known {
    cell: Cell,
    /// Position in [`Others`], for a word that the mapping does not know.
    other: Option<usize>,
}

/// Words that became a mapping's `other`, and in how many rows.
#[derive(Default)]
pub(super) struct Others {
    pub(super) words: Vec<(String, u64)>,
    pub(super) rest: u64,
}

impl<'m> Plan<'m> {
    /// Finds the columns in the header, or notes every one that is not there.
    pub(super) fn new(
        path: &Path,
        mapping: &'m Mapping,
        only: &'m [Only],
        export: &dyn Export,
        problems: &mut FileProblems,
    ) -> Option<Self> {
        let mut wanted: Vec<&Names> = only.iter().map(|only| &only.column).collect();
        wanted.extend(mapping.tables.iter().flat_map(TableMapping::sources));
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = HashMap::new();
        for names in wanted.iter().copied() {
            if let Some(place) = find(path, names, export, problems) {
                found.insert(names, place);
            }
        }
        if found.len() < wanted.len() {
            return None;
        }
        let at = |names: &Names| found.get(names).copied();

        let mut filters: Vec<Filter<'m>> = Vec::new();
        for Only { column, value } in only {
            let (at, _) = at(column)?;
            // Named twice, a column may have either value.
            match filters.iter_mut().find(|filter| filter.at == at) {
                Some(filter) => filter.values.push(value),
                None => filters.push(Filter { at, values: vec![value] }),
            }
        }
        let mut persons: Vec<Person<'m>> = Vec::new();
        let mut tables = Vec::new();
        for mapping in &mapping.tables {
            let (fields, names): (Vec<usize>, Vec<&str>) =
                mapping.person.iter().map(&at).collect::<Option<_>>()?;
            let known = persons.iter().position(|person| person.at == fields);
            let person = known.unwrap_or(persons.len());
            if known.is_none() {
                persons.push(Person { at: fields, names, last: None, next: String::new() });
            }
            tables.push(TablePlan::new(mapping, person, &at)?);
        }
        Some(Self { only: filters, persons, tables })
    }
}

impl<'m> TablePlan<'m> {
    fn new(
        mapping: &'m TableMapping,
        person: usize,
        at: &impl Fn(&'m Names) -> Option<(usize, &'m str)>,
    ) -> Option<Self> {
        let source = |names: &'m Names, reading| {
            let private = mapping.person.contains(names);
            let (at, name) = at(names)?;
            let (memo, others) = (Memo::new(), Others::default());
            Some(Source { name, at, reading, private, memo, others })
        };
        let filler = |ColumnMapping { column, fill }: &'m ColumnMapping| {
            let from = match fill {
                Fill::Constant(cell) => From::Constant(*cell),
                Fill::Source(name, reading) => From::Source(Box::new(source(name, reading)?)),
            };
            Some(Filler { column, from })
        };
        let keep = mapping.keep.iter().map(|(name, values)| {
            Some(Filter { at: at(name)?.0, values: values.iter().map(String::as_str).collect() })
        });
        let order = match &mapping.order {
            Order::Source(name, reading) => Some(source(name, reading)?),
            Order::Column(_) | Order::File => None,
        };
        Some(Self {
            mapping,
            keep: keep.collect::<Option<_>>()?,
            person,
            order,
            fillers: mapping.columns.iter().map(filler).collect::<Option<_>>()?,
            places: Vec::new(),
        })
    }

    /// The position of what fills a canonical column.
    pub(super) fn place(&self, column: &str) -> Option<usize> {
        self.fillers.iter().position(|filler| filler.column == column)
    }
}

impl Filter<'_> {
    pub(super) fn keeps(&self, row: Row<'_>) -> bool {
        match row.get(self.at) {
            Field::Text(text) => self.values.contains(&text),
            other => self.values.contains(&other.to_string().as_str()),
        }
    }
}

impl Person<'_> {
    /// The row's person. None, and a problem, where the row does not say.
    pub(super) fn key(
        &mut self,
        path: &Path,
        row: Row<'_>,
        secret: &NodeSecret,
        problems: &mut FileProblems,
    ) -> Option<PersonKey> {
        self.next.clear();
        for (at, name) in self.at.iter().zip(&self.names) {
            let part = row.get(*at);
            if part.is_blank() {
                let place = Place { path, spot: Some(row.spot), column: Some(name) };
                problems.note(
                    place,
                    "the row does not say whose it is",
                    "fill it in, or remove the row",
                );
                return None;
            }
            if !self.next.is_empty() {
                self.next.push(BETWEEN);
            }
            match part {
                Field::Text(text) => self.next.push_str(text),
                other => self.next.push_str(&other.to_string()),
            }
        }
        match &self.last {
            Some((last, key)) if *last == self.next => Some(*key),
            _ => {
                let key = secret.person_key(&self.next);
                let last = self.last.get_or_insert_default();
                last.0.clone_from(&self.next);
                last.1 = key;
                Some(key)
            }
        }
    }
}

impl Filler<'_> {
    pub(super) fn cell(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> Option<Cell> {
        match &mut self.from {
            From::Constant(cell) => Some(*cell),
            From::Source(source) => source.cell(path, row, problems),
        }
    }
}

impl Source<'_> {
    /// The row's value. None, and a problem, where it cannot be read; the same text is told once.
    pub(super) fn cell(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> Option<Cell> {
        let known = match row.get(self.at) {
            Field::Text(text) => self.known(path, row.spot, text, problems),
            typed => match self.reading.read_typed(typed) {
                Some(read) => read
                    .map(|cell| Known { cell, other: None })
                    .map_err(|misread| {
                        self.tell(path, row.spot, &typed.to_string(), misread, problems);
                    })
                    .ok(),
                None if self.reading.needs_leading_zeros() => {
                    self.tell(path, row.spot, &typed.to_string(), Misread::LeadingZeros, problems);
                    None
                }
                None => self.known(path, row.spot, &typed.to_string(), problems),
            },
        };
        let Known { cell, other } = known?;
        if let Some(other) = other {
            match self.others.words.get_mut(other) {
                Some((_, count)) => *count += 1,
                None => self.others.rest += 1,
            }
        }
        Some(cell)
    }

    /// The row's place in time.
    pub(super) fn order(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> Option<i64> {
        let order = self.cell(path, row, problems)?.order();
        if order.is_none() {
            let place = Place { path, spot: Some(row.spot), column: Some(self.name) };
            problems.note(
                place,
                "is blank, so that nothing says when this row was true (latest_by)",
                "fill it in, or remove the row",
            );
        }
        order
    }

    fn known(
        &mut self,
        path: &Path,
        spot: Spot,
        text: &str,
        problems: &mut FileProblems,
    ) -> Option<Known> {
        match self.memo.known(text.as_bytes()) {
            Some(known) => known,
            None => self.look(path, spot, text, problems),
        }
    }

    fn look(
        &mut self,
        path: &Path,
        spot: Spot,
        text: &str,
        problems: &mut FileProblems,
    ) -> Option<Known> {
        let known = match self.reading.read(text) {
            Ok(Seen::Value(cell)) => Some(Known { cell, other: None }),
            Ok(Seen::Other(cell)) => {
                let other = self.others.words.len();
                if other < MAX_OTHERS {
                    let word = if self.private { "(not shown)".to_owned() } else { shown(text) };
                    self.others.words.push((word, 0));
                }
                Some(Known { cell, other: Some(other) })
            }
            Err(misread) => {
                self.tell(path, spot, text, misread, problems);
                None
            }
        };
        self.memo.remember(text.as_bytes(), known);
        known
    }

    fn tell(
        &self,
        path: &Path,
        spot: Spot,
        text: &str,
        misread: Misread,
        problems: &mut FileProblems,
    ) {
        let place = Place { path, spot: Some(spot), column: Some(self.name) };
        let hint = misread.hint();
        match misread {
            Misread::Blank => problems.note(place, misread, hint),
            _ if self.private => problems.note(place, format_args!("its value {misread}"), hint),
            _ => problems.note(place, format_args!("{} {misread}", shown(text)), hint),
        }
    }
}
