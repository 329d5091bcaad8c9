//! What a sample of an export's rows shows of one column.

use std::collections::BTreeMap;

use crate::records::mapping::text;

/// A column with more different values than this is no list of codes.
const MAX_CODES: usize = 40;

/// A code longer than this is a sentence.
const MAX_CODE: usize = 80;

/// Ways to write a day, the usual ones first.
const DATES: [&str; 8] = [
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%Y%m%d",
    "%d-%b-%Y",
    "%m/%d/%y",
    "%m/%d/%Y %H:%M:%S",
];

/// What was seen of one column.
#[derive(Default)]
pub(super) struct Sample {
    filled: u64,
    /// How often each value stands there, while they are few.
    values: BTreeMap<String, u64>,
    many: bool,
    long: bool,
    /// Ways to write a day that fit every value so far.
    dates: Option<Vec<&'static str>>,
    not_year: bool,
    not_number: bool,
    fractions: bool,
}

impl Sample {
    pub(super) fn see(&mut self, value: &str) {
        if value.is_empty() {
            return;
        }
        self.filled += 1;
        self.long |= value.chars().count() > MAX_CODE;
        if !self.many {
            *self.values.entry(value.to_owned()).or_default() += 1;
            if self.values.len() > MAX_CODES {
                self.many = true;
                self.values.clear();
            }
        }
        let dates = self.dates.get_or_insert_with(|| DATES.to_vec());
        dates.retain(|format| text::day(value, Some(format)).is_ok());
        self.not_year |= text::year(value).is_err();
        self.not_number |= super::number(value).is_none();
        self.fractions |= value.contains('.');
    }

    /// Its values, where they look like a list of codes: few, short, and each on average in several rows.
    pub(super) fn codes(&self) -> Option<Vec<&str>> {
        let repeated = self.values.len() as u64 * 3 <= self.filled.max(9);
        let codes = !self.many && !self.long && repeated && !self.values.is_empty();
        codes.then(|| self.values.keys().map(String::as_str).collect())
    }

    /// Ways to write a day that fit every value.
    pub(super) fn dates(&self) -> &[&'static str] {
        self.dates.as_deref().unwrap_or_default()
    }

    pub(super) fn are_years(&self) -> bool {
        self.filled > 0 && !self.not_year
    }

    pub(super) fn are_numbers(&self) -> bool {
        self.filled > 0 && !self.not_number
    }

    pub(super) fn has_fractions(&self) -> bool {
        self.fractions
    }
}
