//! All tables at once, learner by learner: which rows stay, and in what order.

use std::io;

use sumac_policy::TableName;

use super::layout::{Digest, Layout, Origin, Row};
use super::sort::Sorted;
use crate::records::canonical::{PersonKey, Values};

/// Told at most: enough to correct in one sitting.
const MAX_CONFLICTS: usize = 20;

/// The tables' rows, sorted by learner.
pub(in crate::records) struct Merge {
    tables: Vec<Table>,
    conflicts: Vec<Conflict>,
}

/// What became of one table's rows. True numbers, for the operator alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::records) struct Tally {
    pub(in crate::records) rows: u64,
    pub(in crate::records) learners: u64,
    /// Rows that say nothing new.
    pub(in crate::records) merged: u64,
}

/// The learner whose rows were just added to the columns, and how many of each table, in the tables' order.
pub(in crate::records) struct Learner<'a> {
    pub(in crate::records) person: PersonKey,
    pub(in crate::records) rows: &'a [u32],
}

/// Two rows of one person that say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) struct Conflict {
    pub(in crate::records) table: TableName,
    /// The one that came first.
    pub(in crate::records) with: Origin,
    pub(in crate::records) at: Origin,
    pub(in crate::records) differs: Differs,
}

/// In what two rows of one person differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) enum Differs {
    /// A canonical column.
    Column(String),
    /// One of the things in which all rows of a person must agree, by its place among them.
    Agreed(usize),
}

/// Why rows could not be merged.
#[derive(Debug)]
pub(in crate::records) enum MergeError<E> {
    /// Rows of one learner contradict each other.
    Conflicts(Vec<Conflict>),
    /// The disk refused.
    Disk(io::Error),
    /// Whoever takes the rows refused.
    Taker(E),
}

struct Table {
    name: TableName,
    layout: Layout,
    sorted: Sorted,
    tally: Tally,
    /// Marks of the rows at one time.
    marks: Vec<u64>,
    /// What a learner's rows said first of each thing in which they must agree, and which said it.
    agreed: Vec<(Digest, Origin)>,
    /// The latest row of a learner so far.
    latest: Vec<u8>,
}

impl Merge {
    pub(super) fn new(tables: Vec<(TableName, Layout, Sorted)>) -> io::Result<Self> {
        let table = |(name, layout, sorted)| {
            let (marks, agreed, latest) = (Vec::new(), Vec::new(), Vec::new());
            Table { name, layout, sorted, tally: Tally::default(), marks, agreed, latest }
        };
        Ok(Self { tables: tables.into_iter().map(table).collect(), conflicts: Vec::new() })
    }

    /// The tables, in the order of all that follows, with their columns.
    pub(in crate::records) fn tables(&self) -> impl Iterator<Item = (TableName, &Layout)> {
        self.tables.iter().map(|table| (table.name, &table.layout))
    }

    /// Takes every learner in turn, in the order of their keys: adds their rows to `columns`, a list for each
    /// table begun by [`Layout::empty`], and calls `take`. The learner table gives each learner one row at most,
    /// the latest; the other tables every row that is not another one over again, in order of time.
    ///
    /// # Errors
    /// Where rows of the learner table contradict each other, the disk refuses, or `take` does.
    pub(in crate::records) fn each<E>(
        mut self,
        columns: &mut [Vec<Values>],
        mut take: impl FnMut(Learner<'_>, &mut [Vec<Values>]) -> Result<(), E>,
    ) -> Result<Vec<Tally>, MergeError<E>> {
        let mut rows = vec![0; self.tables.len()];
        while let Some(person) = self.tables.iter().filter_map(Table::next).min() {
            for ((table, columns), rows) in self.tables.iter_mut().zip(&mut *columns).zip(&mut rows)
            {
                *rows = table.take(person, columns, &mut self.conflicts)?;
            }
            // What contradicts itself is looked through to the end, and written nowhere.
            if self.conflicts.is_empty() {
                take(Learner { person, rows: &rows }, columns).map_err(MergeError::Taker)?;
            } else {
                columns.iter_mut().flatten().for_each(Values::clear);
            }
        }
        if !self.conflicts.is_empty() {
            self.conflicts.sort_by_key(|conflict| conflict.at);
            self.conflicts.truncate(MAX_CONFLICTS);
            return Err(MergeError::Conflicts(self.conflicts));
        }
        Ok(self.tables.iter().map(|table| table.tally).collect())
    }
}

impl Table {
    fn next(&self) -> Option<PersonKey> {
        self.sorted.peek().map(|row| Row(row).person())
    }

    /// Takes this person's rows, and says how many stay.
    fn take(
        &mut self,
        person: PersonKey,
        columns: &mut [Values],
        conflicts: &mut Vec<Conflict>,
    ) -> io::Result<u32> {
        let before = self.tally.rows;
        let one = self.name == TableName::Learner;
        let mut order = None;
        self.latest.clear();
        self.agreed.clear();
        while let Some(row) = self.sorted.peek().map(Row).filter(|row| row.person() == person) {
            for (at, said) in self.layout.digests(row).enumerate() {
                match self.agreed.get_mut(at) {
                    None => self.agreed.push((said, row.origin())),
                    Some(first) if first.0 == 0 => *first = (said, row.origin()),
                    Some((first, origin)) if said != 0 && said != *first => {
                        note(conflicts, self.name, [*origin, row.origin()], Differs::Agreed(at));
                    }
                    Some(_) => {}
                }
            }
            if one {
                if !self.latest.is_empty() {
                    self.tally.merged += 1;
                    let latest = Row(&self.latest);
                    if row.strict()
                        && let Some(column) = self.layout.difference(latest, row)
                    {
                        let differs = Differs::Column(column.to_owned());
                        note(conflicts, self.name, [latest.origin(), row.origin()], differs);
                    }
                }
                self.latest.clear();
                self.latest.extend_from_slice(row.0);
            } else {
                if order.replace(row.order()) != Some(row.order()) {
                    self.marks.clear();
                }
                if self.marks.contains(&row.mark()) {
                    self.tally.merged += 1;
                } else {
                    self.marks.push(row.mark());
                    self.layout.unpack(row, columns);
                    self.tally.rows += 1;
                }
            }
            self.sorted.pass()?;
        }
        if !self.latest.is_empty() {
            self.layout.unpack(Row(&self.latest), columns);
            self.tally.rows += 1;
        }
        let rows = self.tally.rows - before;
        self.tally.learners += u64::from(rows > 0);
        u32::try_from(rows).map_err(|_| io::Error::other("one learner has more than 2^32 rows"))
    }
}

fn note(
    conflicts: &mut Vec<Conflict>,
    table: TableName,
    [one, other]: [Origin; 2],
    differs: Differs,
) {
    conflicts.push(Conflict { table, with: one.min(other), at: one.max(other), differs });
    // Bounded, and the earliest are kept.
    if conflicts.len() > 64 * MAX_CONFLICTS {
        conflicts.sort_by_key(|conflict| conflict.at);
        conflicts.truncate(MAX_CONFLICTS);
    }
}

impl<E> From<io::Error> for MergeError<E> {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}
