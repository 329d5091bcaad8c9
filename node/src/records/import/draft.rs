//! A canonical table while it is being filled.

use std::collections::{HashMap, HashSet};

use sumac_policy::TableName;

use super::super::canonical::{PersonKey, Rows, Values};
use super::super::mapping::{Cell, OnConflict};
use super::super::source::Spot;

/// A table's rows so far.
pub(super) struct Draft {
    rows: Rows,
    keeping: Keeping,
    merged: u64,
}

/// Which rows a table keeps.
enum Keeping {
    /// One for each person: the learner table.
    One { row_of: HashMap<PersonKey, usize>, latest: Vec<Latest> },
    /// Every row that is not another one over again.
    Every { order: Vec<i64>, mark: Vec<u64> },
}

/// Where a person's row comes from, and its place in time.
#[derive(Clone, Copy)]
struct Latest {
    order: i64,
    origin: Origin,
}

/// A row of one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    /// Position in the list of files.
    pub(super) source: usize,
    /// Where in it.
    pub(super) spot: Spot,
}

/// A row about to be added.
pub(super) struct NewRow<'a> {
    pub(super) person: PersonKey,
    /// Later rows have larger numbers.
    pub(super) order: i64,
    /// Equal for rows of the source that are the same throughout.
    pub(super) mark: u64,
    pub(super) origin: Origin,
    pub(super) cells: &'a [Cell],
}

/// Two rows of one person that say different things.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Conflict {
    /// The first of the two.
    pub(super) with: Origin,
    /// A canonical column in which they differ.
    pub(super) column: String,
}

/// A table filled, with what the operator is told of it.
pub(super) struct Filled {
    pub(super) rows: Rows,
    pub(super) learners: u64,
    pub(super) merged: u64,
}

impl Draft {
    /// An empty table with columns of these names and kinds.
    pub(super) fn new(table: TableName, columns: Vec<(String, Values)>) -> Self {
        let keeping = match table {
            TableName::Learner => Keeping::One { row_of: HashMap::new(), latest: Vec::new() },
            _ => Keeping::Every { order: Vec::new(), mark: Vec::new() },
        };
        Self { rows: Rows { person: Vec::new(), columns }, keeping, merged: 0 }
    }

    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.rows.columns.iter().map(|(name, _)| name.as_str())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.person.is_empty()
    }

    /// Adds a row. The cells stand in the order of the columns.
    pub(super) fn add(
        &mut self,
        row: &NewRow<'_>,
        on_conflict: OnConflict,
    ) -> Result<(), Conflict> {
        match &mut self.keeping {
            Keeping::Every { order, mark } => {
                order.push(row.order);
                mark.push(row.mark);
            }
            Keeping::One { row_of, latest } => {
                let new = Latest { order: row.order, origin: row.origin };
                let at = *row_of.entry(row.person).or_insert(latest.len());
                let Some(known) = latest.get_mut(at) else {
                    latest.push(new);
                    push(&mut self.rows, row);
                    return Ok(());
                };
                let mut pairs = self.rows.columns.iter().zip(row.cells);
                let differs = pairs.find(|((_, values), cell)| at_row(values, at) != Some(**cell));
                if let Some(((column, _), _)) = differs {
                    if on_conflict == OnConflict::Refuse {
                        return Err(Conflict { with: known.origin, column: column.clone() });
                    }
                    if row.order >= known.order {
                        for ((_, values), cell) in self.rows.columns.iter_mut().zip(row.cells) {
                            replace(values, at, *cell);
                        }
                    }
                }
                if row.order >= known.order {
                    *known = new;
                }
                self.merged += 1;
                return Ok(());
            }
        }
        push(&mut self.rows, row);
        Ok(())
    }

    /// The rows, those of one person together and in order of time; a row that the source has twice once.
    pub(super) fn finish(mut self) -> Filled {
        if let Keeping::Every { order, mark } = &self.keeping {
            let kept = in_time(&self.rows.person, order, mark);
            self.merged = (self.rows.person.len() - kept.len()) as u64;
            self.rows.person = pick(&self.rows.person, &kept);
            for (_, values) in &mut self.rows.columns {
                *values = match values {
                    Values::Code(values) => Values::Code(pick(values, &kept)),
                    Values::Date(values) => Values::Date(pick(values, &kept)),
                    Values::Year(values) => Values::Year(pick(values, &kept)),
                    Values::Integer(values) => Values::Integer(pick(values, &kept)),
                };
            }
        }
        let learners = self.rows.person.chunk_by(|a, b| a == b).count() as u64;
        Filled { rows: self.rows, learners, merged: self.merged }
    }
}

/// Positions of the rows to keep, by person, then time, then as they came.
fn in_time(person: &[PersonKey], order: &[i64], mark: &[u64]) -> Vec<usize> {
    let whole = |at: usize| (person.get(at), order.get(at), at);
    // The first half of a keyed hash tells nearly all persons apart, without a look at the rest.
    let front = |key: &PersonKey| key.first_chunk().map_or(0, |half| u64::from_be_bytes(*half));
    let mut sorted: Vec<(u64, usize)> = person.iter().map(front).zip(0..).collect();
    sorted.sort_unstable_by(|(a, at), (b, bt)| a.cmp(b).then_with(|| whole(*at).cmp(&whole(*bt))));

    let mut kept = Vec::with_capacity(sorted.len());
    let mut seen = HashSet::new();
    let same_time = |(_, a): &(u64, usize), (_, b): &(u64, usize)| {
        person.get(*a) == person.get(*b) && order.get(*a) == order.get(*b)
    };
    for together in sorted.chunk_by(same_time) {
        seen.clear();
        let first = together.iter().map(|(_, at)| *at);
        kept.extend(first.filter(|at| together.len() == 1 || seen.insert(mark.get(*at))));
    }
    kept
}

fn pick<T: Copy>(values: &[T], at: &[usize]) -> Vec<T> {
    at.iter().filter_map(|at| values.get(*at).copied()).collect()
}

fn push(rows: &mut Rows, row: &NewRow<'_>) {
    rows.person.push(row.person);
    for ((_, values), cell) in rows.columns.iter_mut().zip(row.cells) {
        match (values, *cell) {
            (Values::Code(values), Cell::Code(code)) => values.push(code),
            (Values::Date(values), Cell::Date(days)) => values.push(days),
            (Values::Year(values), Cell::Year(year)) => values.push(year),
            (Values::Integer(values), Cell::Integer(number)) => values.push(number),
            _ => unreachable!("a mapping reads each column as the kind the schema gives it"),
        }
    }
}

fn replace(values: &mut Values, at: usize, cell: Cell) {
    fn put<T>(values: &mut [T], at: usize, value: T) {
        if let Some(place) = values.get_mut(at) {
            *place = value;
        }
    }
    match (values, cell) {
        (Values::Code(values), Cell::Code(code)) => put(values, at, code),
        (Values::Date(values), Cell::Date(days)) => put(values, at, days),
        (Values::Year(values), Cell::Year(year)) => put(values, at, year),
        (Values::Integer(values), Cell::Integer(number)) => put(values, at, number),
        _ => unreachable!("a mapping reads each column as the kind the schema gives it"),
    }
}

fn at_row(values: &Values, at: usize) -> Option<Cell> {
    match values {
        Values::Code(values) => values.get(at).copied().map(Cell::Code),
        Values::Date(values) => values.get(at).copied().map(Cell::Date),
        Values::Year(values) => values.get(at).copied().map(Cell::Year),
        Values::Integer(values) => values.get(at).copied().map(Cell::Integer),
    }
}
