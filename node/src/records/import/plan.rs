//! A mapping laid over one file: which field is what, and what was made of each value so far.

mod column;
mod condition;
mod filler;
mod person;

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::Date;
use sumac_policy::Schema;

use self::column::Source;
pub(in crate::records) use self::column::Unlikely;
use self::condition::When;
pub(super) use self::filler::Filler;
pub(super) use self::person::Person;
use super::super::mapping::{Mapping, Names, Order, TableMapping};
use super::super::plausible::Bounds;
use super::super::source::{Export, Field, Row};
use super::Only;
use super::header::{find, has};
use super::problem::FileProblems;

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
    pub(super) when: When<'m>,
    /// Places and names of the columns that say the same in all rows of a person.
    pub(super) same: Vec<(usize, &'m str)>,
    /// Position in [`Plan::persons`]: tables of one file mostly identify people alike.
    pub(super) person: usize,
    pub(super) order: Ordered<'m>,
    pub(super) fillers: Vec<Filler<'m>>,
    /// For each column of the draft, the position of what fills it.
    pub(super) places: Vec<usize>,
    /// What tells its rows' marks from those of rows that become rows of the table in another way.
    pub(super) seed: u64,
}

/// What puts a table's rows in order of time.
pub(super) enum Ordered<'m> {
    /// A source column.
    By(Box<Source<'m>>),
    /// What the filler at this position made.
    ByCell(usize),
    /// The order of the file.
    AsTheyCome,
}

/// Keeps rows with one of these values.
pub(super) struct Filter<'m> {
    at: usize,
    values: Vec<&'m str>,
}

/// What is known before a file is looked at.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    pub(super) only: &'a [Only],
    pub(super) schema: &'a Schema,
    pub(super) as_of: Date,
}

/// Finds a source column: its place, and the name by which it was found.
trait Find<'m>: Fn(&'m Names) -> Option<(usize, &'m str)> {}
impl<'m, F: Fn(&'m Names) -> Option<(usize, &'m str)>> Find<'m> for F {}

impl<'m> Plan<'m> {
    /// Finds the columns in the header, or notes every one that is not there.
    pub(super) fn new(
        path: &Path,
        mapping: &'m Mapping,
        given: Given<'m>,
        export: &dyn Export,
        problems: &mut FileProblems,
    ) -> Option<Self> {
        let has = |names: &Names| has(names, export.header());
        let mut wanted: Vec<&Names> = given.only.iter().map(|only| &only.column).collect();
        let tables: Vec<_> = mapping.tables.iter().filter(|table| table.is_for(&has)).collect();
        wanted.extend(tables.iter().flat_map(|table| table.sources(&has)));
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
        for Only { column, value } in given.only {
            let (at, _) = at(column)?;
            // Named twice, a column may have either value.
            match filters.iter_mut().find(|filter| filter.at == at) {
                Some(filter) => filter.values.push(value),
                None => filters.push(Filter { at, values: vec![value] }),
            }
        }
        let mut persons: Vec<Person<'m>> = Vec::new();
        let mut plans = Vec::new();
        for mapping in tables {
            let (fields, names): (Vec<usize>, Vec<&str>) =
                mapping.person.iter().map(&at).collect::<Option<_>>()?;
            let known = persons.iter().position(|person| person.is_at(&fields));
            let person = known.unwrap_or(persons.len());
            if known.is_none() {
                persons.push(Person::new(fields, names));
            }
            plans.push(TablePlan::new(mapping, person, given, &has, &at)?);
        }
        Some(Self { only: filters, persons, tables: plans })
    }
}

impl<'m> TablePlan<'m> {
    fn new(
        mapping: &'m TableMapping,
        person: usize,
        given: Given<'m>,
        has: &impl Fn(&Names) -> bool,
        at: &impl Find<'m>,
    ) -> Option<Self> {
        let columns = mapping.columns.iter().filter(|column| column.is_there(has));
        let fillers = columns.map(|column| {
            let known = given.schema.column(mapping.table, &column.column);
            let bounds = known.and_then(|known| Bounds::of(known, given.as_of));
            Filler::new(column, bounds, &mapping.person, has, at)
        });
        let fillers: Vec<Filler<'_>> = fillers.collect::<Option<_>>()?;
        let keep = mapping.keep.iter().map(|(name, values)| {
            Some(Filter { at: at(name)?.0, values: values.iter().map(String::as_str).collect() })
        });
        let order = match &mapping.order {
            Order::Source(name, reading) => {
                Ordered::By(Box::new(Source::new(name, reading, None, &mapping.person, at)?))
            }
            Order::Column(position) => {
                let column = mapping.columns.get(*position).map(|column| column.column.as_str());
                let filler = fillers.iter().position(|filler| Some(filler.column) == column);
                filler.map_or(Ordered::AsTheyCome, Ordered::ByCell)
            }
            Order::File => Ordered::AsTheyCome,
        };
        Some(Self {
            mapping,
            keep: keep.collect::<Option<_>>()?,
            when: When::new(&mapping.when, at)?,
            same: mapping.same.iter().map(at).collect::<Option<_>>()?,
            person,
            order,
            fillers,
            places: Vec::new(),
            seed: 0,
        })
    }

    /// Whether a row is one of this table's.
    pub(super) fn takes(&self, row: Row<'_>) -> bool {
        self.keep.iter().all(|filter| filter.keeps(row)) && self.when.holds(row)
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
