//! How the texts of a source column become values of a canonical column.

use std::collections::HashMap;

use sumac_policy::YearStart;

use super::super::source::Field;
use super::condition::alike;
use super::text::{self, Misread};

/// One value of a canonical column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::records) enum Cell {
    /// Position in the code list.
    Code(u16),
    /// Days since 1970-01-01.
    Date(Option<i32>),
    /// First calendar year.
    Year(Option<i16>),
    /// In the column's unit.
    Integer(Option<i64>),
}

/// A source column and how to read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) struct Reading {
    /// Texts that stand for blank, besides blank itself, in small letters.
    pub(super) absent: Vec<String>,
    /// A crosswalk, where there is one: nothing outside it is read.
    pub(super) crosswalk: Option<Crosswalk>,
    /// What to make of the rest.
    pub(super) way: Way,
}

/// How a text that is neither blank nor in a crosswalk is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Way {
    /// A code: always through a crosswalk, if only from the list to itself.
    Code {
        /// Only this many characters from the front are looked at.
        first: Option<usize>,
        /// The text has this many characters: fewer have lost zeros.
        length: Option<usize>,
        blank: Option<u16>,
        other: Option<u16>,
    },
    Date {
        format: Option<String>,
    },
    Year {
        /// From dates written so, for years that start on this day.
        from_date: Option<(String, YearStart)>,
    },
    Integer {
        hundredths: bool,
        rounded: bool,
        low: i64,
        high: i64,
    },
}

/// What a text turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::records) enum Seen {
    /// A value.
    Value(Cell),
    /// A code the mapping does not list, turned into its `other`.
    Other(Cell),
}

/// From the words of the source to values. Compared trimmed, and without regard to capitals where no two
/// words differ by them alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) struct Crosswalk {
    exact: HashMap<String, Cell>,
    folded: HashMap<String, Option<Cell>>,
}

impl Reading {
    /// Reads a value that is no text as what it is; none where only its text says what it means.
    pub(in crate::records) fn read_typed(&self, field: Field<'_>) -> Option<Result<Cell, Misread>> {
        if self.crosswalk.is_some() || !self.absent.is_empty() {
            return None;
        }
        match (&self.way, field) {
            (Way::Date { .. }, Field::Day(days)) => {
                Some(text::within_years(days).map(|()| Cell::Date(Some(days))))
            }
            (Way::Year { from_date: Some((_, starts)) }, Field::Day(days)) => {
                Some(text::year_with(days, *starts).map(|year| Cell::Year(Some(year))))
            }
            (Way::Integer { hundredths, rounded, low, high }, Field::Number { digits, scale }) => {
                let number = text::scaled(digits, scale, *hundredths, *rounded, *low, *high);
                Some(number.map(|number| Cell::Integer(Some(number))))
            }
            _ => None,
        }
    }

    /// Whether a number has lost what this reads: its leading zeros.
    pub(in crate::records) fn needs_leading_zeros(&self) -> bool {
        matches!(self.way, Way::Code { first: Some(_), .. })
    }

    /// Reads a trimmed text.
    pub(in crate::records) fn read(&self, text: &str) -> Result<Seen, Misread> {
        if text.is_empty() || self.absent.iter().any(|absent| alike(text, absent)) {
            return self.way.blank().map(Seen::Value).ok_or(Misread::Blank);
        }
        let Some(crosswalk) = &self.crosswalk else {
            return self.way.read(text).map(Seen::Value);
        };
        let Way::Code { first, length, other, .. } = &self.way else {
            return crosswalk.find(text).map(Seen::Value).ok_or(Misread::Value);
        };
        if let Some(length) = length.filter(|length| text.chars().count() != *length) {
            return Err(Misread::Length(length));
        }
        let code = match first {
            Some(count) => text
                .char_indices()
                .nth(*count)
                .map_or(text, |(end, _)| text.get(..end).unwrap_or(text)),
            None => text,
        };
        match (crosswalk.find(code), other) {
            (Some(cell), _) => Ok(Seen::Value(cell)),
            (None, Some(other)) => Ok(Seen::Other(Cell::Code(*other))),
            (None, None) => Err(Misread::Code),
        }
    }
}

impl Way {
    /// What blank stands for.
    pub(super) fn blank(&self) -> Option<Cell> {
        match self {
            Self::Code { blank, .. } => blank.map(Cell::Code),
            Self::Date { .. } => Some(Cell::Date(None)),
            Self::Year { .. } => Some(Cell::Year(None)),
            Self::Integer { .. } => Some(Cell::Integer(None)),
        }
    }

    /// Reads a text that is not blank, as it stands.
    pub(super) fn read(&self, text: &str) -> Result<Cell, Misread> {
        match self {
            Self::Code { .. } => Err(Misread::Code),
            Self::Date { format } => {
                text::days(text, format.as_deref()).map(|days| Cell::Date(Some(days)))
            }
            Self::Year { from_date: None } => text::year(text).map(|year| Cell::Year(Some(year))),
            Self::Year { from_date: Some((format, starts)) } => {
                text::year_of(text, format, *starts).map(|year| Cell::Year(Some(year)))
            }
            Self::Integer { hundredths, rounded, low, high } => {
                text::integer(text, *hundredths, *rounded, *low, *high)
                    .map(|number| Cell::Integer(Some(number)))
            }
        }
    }
}

impl Crosswalk {
    pub(super) fn new(entries: impl IntoIterator<Item = (String, Cell)>) -> Self {
        let exact: HashMap<String, Cell> =
            entries.into_iter().map(|(word, cell)| (word.trim().to_owned(), cell)).collect();
        let mut folded: HashMap<String, Option<Cell>> = HashMap::new();
        for (word, cell) in &exact {
            folded
                .entry(word.to_lowercase())
                .and_modify(|known| *known = known.filter(|known| known == cell))
                .or_insert(Some(*cell));
        }
        Self { exact, folded }
    }

    fn find(&self, word: &str) -> Option<Cell> {
        let word = word.trim();
        self.exact
            .get(word)
            .copied()
            .or_else(|| self.folded.get(&word.to_lowercase()).copied().flatten())
    }
}

impl Cell {
    /// As a number that orders rows in time; none where absent.
    pub(in crate::records) fn order(self) -> Option<i64> {
        match self {
            Self::Code(code) => Some(i64::from(code)),
            Self::Date(days) => days.map(i64::from),
            Self::Year(year) => year.map(i64::from),
            Self::Integer(number) => number,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(words: &[(&str, u16)], other: Option<u16>) -> Reading {
        let entries = words.iter().map(|(word, code)| ((*word).to_owned(), Cell::Code(*code)));
        Reading {
            absent: vec!["null".to_owned()],
            crosswalk: Some(Crosswalk::new(entries)),
            way: Way::Code { first: None, length: None, blank: Some(9), other },
        }
    }

    #[test]
    fn tells_capitals_apart_only_where_they_matter() {
        let reading = codes(&[("Male", 0), ("f", 1), ("F", 2), ("x", 3), ("X", 3)], None);
        for (text, code) in [
            ("MALE", 0),
            ("male", 0),
            ("f", 1),
            ("F", 2),
            ("X", 3),
            ("", 9),
            ("NULL", 9),
            ("Null", 9),
        ] {
            assert_eq!(reading.read(text), Ok(Seen::Value(Cell::Code(code))), "{text}");
        }
        let ambiguous = codes(&[("ab", 0), ("AB", 1)], None);
        assert_eq!(ambiguous.read("Ab"), Err(Misread::Code));
    }

    #[test]
    fn turns_an_unknown_code_into_other_only_where_the_mapping_says_so() {
        assert_eq!(codes(&[("M", 0)], None).read("Q"), Err(Misread::Code));
        assert_eq!(codes(&[("M", 0)], Some(9)).read("Q"), Ok(Seen::Other(Cell::Code(9))));
    }

    #[test]
    fn looks_at_the_first_characters_alone_where_the_mapping_says_so() {
        let mut reading = codes(&[("11", 0), ("ér", 1)], None);
        reading.way = Way::Code { first: Some(2), length: None, blank: None, other: None };
        for (text, seen) in [
            ("11.0101", Ok(0)),
            ("érable", Ok(1)),
            ("1", Err(Misread::Code)),
            ("", Err(Misread::Blank)),
        ] {
            assert_eq!(
                reading.read(text),
                seen.map(|code| Seen::Value(Cell::Code(code))),
                "{text}"
            );
        }
    }
}
