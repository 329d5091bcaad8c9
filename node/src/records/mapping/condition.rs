//! When a row, or a piece of a mapping, applies.

use super::Names;
use super::text;
use crate::records::source::Field;

/// Tests of source columns, all of which hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::records) struct Condition {
    pub(in crate::records) tests: Vec<(Names, Test)>,
    /// At least one of these says something, if any is named.
    pub(in crate::records) any: Vec<Names>,
    /// Texts that stand for blank.
    pub(in crate::records) absent: Vec<String>,
}

/// What is asked of a source column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::records) enum Test {
    /// Whether it says one of these, without regard to capitals; or, turned round, none of them.
    OneOf { words: Vec<String>, not: bool },
    /// Whether it says nothing, or something.
    Blank(bool),
    /// Whether it is a number from `low` to `high`, in hundredths, and another than that column says.
    Between { low: i64, high: i64, unlike: Option<Names> },
}

impl Condition {
    pub(super) fn sources<'m>(&'m self, into: &mut Vec<&'m Names>) {
        for (source, test) in &self.tests {
            into.push(source);
            if let Test::Between { unlike: Some(other), .. } = test {
                into.push(other);
            }
        }
        into.extend(&self.any);
    }

    /// Whether a field says nothing.
    pub(in crate::records) fn is_blank(&self, field: Field<'_>) -> bool {
        match field {
            Field::Text(text) => {
                text.is_empty() || self.absent.iter().any(|absent| alike(text, absent))
            }
            _ => false,
        }
    }
}

impl Test {
    /// Whether a text that is not blank passes, as far as this column alone says.
    pub(in crate::records) fn passes(&self, text: &str) -> bool {
        match self {
            Self::OneOf { words, not } => words.iter().any(|word| alike(text, word)) != *not,
            Self::Blank(blank) => !blank,
            Self::Between { low, high, .. } => {
                number(text).is_some_and(|number| (*low..=*high).contains(&number))
            }
        }
    }

    /// Whether a blank passes.
    pub(in crate::records) fn passes_blank(&self) -> bool {
        match self {
            Self::OneOf { words, not } => words.iter().any(String::is_empty) != *not,
            Self::Blank(blank) => *blank,
            Self::Between { .. } => false,
        }
    }
}

/// A number in hundredths, if the text is one.
pub(in crate::records) fn number(text: &str) -> Option<i64> {
    text::integer(text, true, true, i64::MIN, i64::MAX).ok()
}

/// Whether two texts are the same but for capitals; the second one is written small.
pub(in crate::records) fn alike(text: &str, small: &str) -> bool {
    text.eq_ignore_ascii_case(small) || (!text.is_ascii() && text.to_lowercase() == small)
}
