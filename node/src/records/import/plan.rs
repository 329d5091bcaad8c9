//! A mapping laid over one file: which field is what, and what was made of each value so far.

use std::collections::HashMap;
use std::path::Path;

use csv::ByteRecord;
use sumac_keys::NodeSecret;

use super::super::canonical::PersonKey;
use super::super::mapping::{
    Cell, ColumnMapping, Fill, Mapping, Misread, Order, Reading, Seen, TableMapping,
};
use super::super::source::Row;
use super::Only;
use super::problem::{FileProblems, Place, shown};

/// Values remembered for each column. Codes and dates repeat; a column with more values is not made of them.
const MAX_REMEMBERED: usize = 1 << 16;

/// Words listed apart among those a mapping does not know.
const MAX_OTHERS: usize = 1_000;

/// Stands between the parts of an identifier, so that `1` and `23` is not `12` and `3`.
const BETWEEN: char = '\u{1f}';

/// A mapping laid over one file.
pub(super) struct Plan<'m> {
    pub(super) only: Vec<Filter<'m>>,
    pub(super) persons: Vec<Person>,
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
}

/// Keeps rows with one of these values.
pub(super) struct Filter<'m> {
    at: usize,
    values: Vec<&'m str>,
}

/// The fields that identify a person, and the last person met.
pub(super) struct Person {
    at: Vec<usize>,
    names: Vec<String>,
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
    remembered: HashMap<Box<[u8]>, Option<Known>>,
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
        header: &[String],
        problems: &mut FileProblems,
    ) -> Option<Self> {
        let mut wanted: Vec<&str> = only.iter().map(|only| only.column.as_str()).collect();
        wanted.extend(mapping.tables.iter().flat_map(TableMapping::sources));
        wanted.sort_unstable();
        wanted.dedup();
        let mut position = HashMap::new();
        for name in wanted.iter().copied() {
            if let Some(at) = find(path, name, header, problems) {
                position.insert(name, at);
            }
        }
        if position.len() < wanted.len() {
            return None;
        }
        let at = |name: &str| position.get(name).copied();

        let mut filters: Vec<Filter<'m>> = Vec::new();
        for Only { column, value } in only {
            let at = at(column)?;
            // Named twice, a column may have either value.
            match filters.iter_mut().find(|filter| filter.at == at) {
                Some(filter) => filter.values.push(value),
                None => filters.push(Filter { at, values: vec![value] }),
            }
        }
        let mut persons: Vec<Person> = Vec::new();
        let mut tables = Vec::new();
        for mapping in &mapping.tables {
            let fields: Vec<usize> =
                mapping.person.iter().map(|name| at(name)).collect::<Option<_>>()?;
            let known = persons.iter().position(|person| person.at == fields);
            let person = known.unwrap_or(persons.len());
            if known.is_none() {
                let (names, next) = (mapping.person.clone(), String::new());
                persons.push(Person { at: fields, names, last: None, next });
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
        at: &impl Fn(&str) -> Option<usize>,
    ) -> Option<Self> {
        let source = |name: &'m String, reading| {
            let private = mapping.person.contains(name);
            let (remembered, others) = (HashMap::new(), Others::default());
            Some(Source { name, at: at(name)?, reading, private, remembered, others })
        };
        let filler = |ColumnMapping { column, fill }: &'m ColumnMapping| {
            let from = match fill {
                Fill::Constant(cell) => From::Constant(*cell),
                Fill::Source(name, reading) => From::Source(Box::new(source(name, reading)?)),
            };
            Some(Filler { column, from })
        };
        let keep = mapping.keep.iter().map(|(name, values)| {
            Some(Filter { at: at(name)?, values: values.iter().map(String::as_str).collect() })
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
        })
    }
}

/// A column's place in the header.
fn find(path: &Path, name: &str, header: &[String], problems: &mut FileProblems) -> Option<usize> {
    let place = Place { path, line: Some(1), column: Some(name) };
    let mut places = header.iter().zip(0..).filter(|(known, _)| *known == name).map(|(_, at)| at);
    match (places.next(), places.next()) {
        (Some(at), None) => Some(at),
        (Some(_), Some(_)) => {
            problems.note(place, "the header has this column twice", "rename one of them");
            None
        }
        (None, _) => {
            let distance = |known: &String| {
                strsim::damerau_levenshtein(&known.to_lowercase(), &name.to_lowercase())
            };
            let nearest = header.iter().min_by_key(|known| distance(known));
            let near = nearest.filter(|known| distance(known) <= 1 + name.chars().count() / 3);
            let hint = match near {
                Some(near) => {
                    format!("the file has {}: correct the mapping or the file", shown(near))
                }
                None => "correct the mapping, or export the file with this column".to_owned(),
            };
            problems.note(place, "the header has no such column", hint);
            None
        }
    }
}

fn field(fields: &ByteRecord, at: usize) -> &[u8] {
    fields.get(at).unwrap_or_default().trim_ascii()
}

/// A field's text, without blanks of any kind around it. The row has been found to be UTF-8.
fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap_or_default().trim()
}

impl Filter<'_> {
    pub(super) fn keeps(&self, fields: &ByteRecord) -> bool {
        let found = text(field(fields, self.at));
        self.values.contains(&found)
    }
}

impl Person {
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
            let part = text(field(row.fields, *at));
            if part.is_empty() {
                let place = Place { path, line: Some(row.line), column: Some(name) };
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
            self.next.push_str(part);
        }
        match &self.last {
            Some((last, key)) if *last == self.next => Some(*key),
            _ => {
                let key = secret.person_key(&self.next);
                self.last = Some((self.next.clone(), key));
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
        let bytes = field(row.fields, self.at);
        let known = match self.remembered.get(bytes) {
            Some(known) => *known,
            None => self.look(path, row.line, bytes, problems),
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
            let place = Place { path, line: Some(row.line), column: Some(self.name) };
            problems.note(
                place,
                "is blank, so that nothing says when this row was true (latest_by)",
                "fill it in, or remove the row",
            );
        }
        order
    }

    fn look(
        &mut self,
        path: &Path,
        line: u64,
        bytes: &[u8],
        problems: &mut FileProblems,
    ) -> Option<Known> {
        let text = text(bytes);
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
                let place = Place { path, line: Some(line), column: Some(self.name) };
                let hint = misread.hint();
                match misread {
                    Misread::Blank => problems.note(place, misread, hint),
                    _ if self.private => {
                        problems.note(place, format_args!("its value {misread}"), hint);
                    }
                    _ => problems.note(place, format_args!("{} {misread}", shown(text)), hint),
                }
                None
            }
        };
        if self.remembered.len() < MAX_REMEMBERED {
            self.remembered.insert(bytes.into(), known);
        }
        known
    }
}
