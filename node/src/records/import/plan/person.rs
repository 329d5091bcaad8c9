//! Whose row it is.

use std::path::Path;

use sumac_keys::NodeSecret;

use crate::records::canonical::PersonKey;
use crate::records::import::problem::{FileProblems, Place};
use crate::records::source::{Field, Row};

/// Stands between the parts of an identifier, so that `1` and `23` is not `12` and `3`.
const BETWEEN: char = '\u{1f}';

/// The fields that identify a person, and the last person met.
pub(in crate::records::import) struct Person<'m> {
    at: Vec<usize>,
    names: Vec<&'m str>,
    last: Option<(String, PersonKey)>,
    next: String,
}

impl<'m> Person<'m> {
    pub(super) fn new(at: Vec<usize>, names: Vec<&'m str>) -> Self {
        Self { at, names, last: None, next: String::new() }
    }

    pub(super) fn is_at(&self, fields: &[usize]) -> bool {
        self.at == fields
    }

    /// The row's person. None, and a problem, where the row does not say.
    pub(in crate::records::import) fn key(
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
