//! A condition laid over one file.

use std::borrow::Cow;

use super::Find;
use crate::records::mapping::{Condition, Test, number};
use crate::records::source::{Field, Row};

/// A condition with the places of its columns.
pub(in crate::records::import) struct When<'m> {
    condition: &'m Condition,
    tests: Vec<(usize, &'m Test, Option<usize>)>,
    any: Vec<usize>,
}

impl<'m> When<'m> {
    pub(super) fn new(condition: &'m Condition, at: &impl Find<'m>) -> Option<Self> {
        let tests = condition.tests.iter().map(|(source, test)| {
            let unlike = match test {
                Test::Between { unlike: Some(other), .. } => Some(at(other)?.0),
                _ => None,
            };
            Some((at(source)?.0, test, unlike))
        });
        let tests = tests.collect::<Option<_>>()?;
        let any = condition.any.iter().map(|source| Some(at(source)?.0)).collect::<Option<_>>()?;
        Some(Self { condition, tests, any })
    }

    pub(in crate::records::import) fn holds(&self, row: Row<'_>) -> bool {
        let blank = |at: &usize| self.condition.is_blank(row.get(*at));
        let passes = |(at, test, unlike): &(usize, &Test, Option<usize>)| {
            if blank(at) {
                return test.passes_blank();
            }
            let text = text(row.get(*at));
            let differs = |other: usize| number(&text) != number(&self::text(row.get(other)));
            test.passes(&text) && unlike.is_none_or(differs)
        };
        self.tests.iter().all(passes) && (self.any.is_empty() || !self.any.iter().all(blank))
    }
}

/// What a field says, as text.
fn text<'a>(field: Field<'a>) -> Cow<'a, str> {
    match field {
        Field::Text(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}
