//! One source column, with what its values were found to be.

use std::path::{Path, PathBuf};

use super::Find;
use crate::records::import::memo::Memo;
use crate::records::import::problem::{FileProblems, Place, shown};
use crate::records::mapping::{Cell, Misread, Names, Reading, Seen};
use crate::records::plausible::{Bounds, Verdict};
use crate::records::source::{Field, Row, Spot};

/// Words listed apart among those a mapping does not know.
const MAX_OTHERS: usize = 1_000;

/// A source column, with what its values were found to be.
pub(in crate::records::import) struct Source<'m> {
    name: &'m str,
    at: usize,
    reading: &'m Reading,
    bounds: Option<Bounds>,
    /// Whether its values identify a person, and so are never shown.
    private: bool,
    memo: Memo<Option<Known>>,
    pub(in crate::records::import) others: Others,
    pub(in crate::records::import) unlikely: Option<Unlikely>,
}

#[derive(Clone, Copy)]
struct Known {
    cell: Cell,
    /// Position in [`Others`], for a word that the mapping does not know.
    other: Option<usize>,
    unlikely: bool,
}

/// Words that became a mapping's `other`, and in how many rows.
#[derive(Default)]
pub(in crate::records::import) struct Others {
    pub(in crate::records::import) words: Vec<(String, u64)>,
    pub(in crate::records::import) rest: u64,
}

/// Values that can be and hardly are, and the first of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) struct Unlikely {
    pub(in crate::records) count: u64,
    /// Where the first of them is; none where rows have no places, and the value is the least.
    pub(in crate::records) first: Option<(PathBuf, Spot)>,
    pub(in crate::records) value: String,
}

impl<'m> Source<'m> {
    pub(super) fn new(
        names: &'m Names,
        reading: &'m Reading,
        bounds: Option<Bounds>,
        person: &[Names],
        at: &impl Find<'m>,
    ) -> Option<Self> {
        let private = person.contains(names);
        let (at, name) = at(names)?;
        Some(Self {
            name,
            at,
            reading,
            bounds,
            private,
            // What is no value of the column is told once, and a word that is none of its codes counted.
            memo: Memo::new(|known| known.is_none_or(|known| known.other.is_some())),
            others: Others::default(),
            unlikely: None,
        })
    }

    /// The row's value. None, and a problem, where it cannot be read; the same text is told once.
    pub(in crate::records::import) fn cell(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> Option<Cell> {
        let known = match row.get(self.at) {
            Field::Text(text) => self.known(path, row.spot, text, problems),
            typed => match self.reading.read_typed(typed) {
                Some(read) => {
                    let read = read.and_then(|cell| self.judged(cell));
                    read.map_err(|misread| {
                        self.tell(path, row.spot, &typed.to_string(), misread, problems);
                    })
                    .ok()
                }
                None if self.reading.needs_leading_zeros() => {
                    self.tell(path, row.spot, &typed.to_string(), Misread::LeadingZeros, problems);
                    None
                }
                None => self.known(path, row.spot, &typed.to_string(), problems),
            },
        };
        let Known { cell, other, unlikely } = known?;
        if unlikely {
            let field = row.get(self.at);
            let unlikely = self.unlikely.get_or_insert_with(|| {
                let value = if self.private { String::new() } else { shown(&field.to_string()) };
                Unlikely { count: 0, first: Some((path.to_owned(), row.spot)), value }
            });
            unlikely.count += 1;
        }
        if let Some(other) = other {
            match self.others.words.get_mut(other) {
                Some((_, count)) => *count += 1,
                None => self.others.rest += 1,
            }
        }
        Some(cell)
    }

    /// The row's place in time.
    pub(in crate::records::import) fn order(
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

    /// A value that can be; whether it is likely is only noted.
    fn judged(&self, cell: Cell) -> Result<Known, Misread> {
        let known = |unlikely| Known { cell, other: None, unlikely };
        match self.bounds.map(|bounds| bounds.judge(cell)) {
            None | Some(Verdict::Likely) => Ok(known(false)),
            Some(Verdict::Unlikely) => Ok(known(true)),
            Some(Verdict::Impossible(misread)) => Err(misread),
        }
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
        let read = match self.reading.read(text) {
            Ok(Seen::Value(cell)) => self.judged(cell),
            Ok(Seen::Other(cell)) => {
                let other = self.others.words.len();
                if other < MAX_OTHERS {
                    let word = if self.private { "(not shown)".to_owned() } else { shown(text) };
                    self.others.words.push((word, 0));
                }
                Ok(Known { cell, other: Some(other), unlikely: false })
            }
            Err(misread) => Err(misread),
        };
        let known = match read {
            Ok(known) => Some(known),
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
