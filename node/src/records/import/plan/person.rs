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
    name: String,
}

impl<'m> Person<'m> {
    pub(super) fn new(at: Vec<usize>, names: Vec<&'m str>) -> Self {
        Self { at, names, last: None, name: String::new() }
    }

    pub(super) fn is_at(&self, fields: &[usize]) -> bool {
        self.at == fields
    }

    /// Finds what the row calls its person. False, and a problem, where it does not say.
    pub(in crate::records::import) fn find(
        &mut self,
        path: &Path,
        row: Row<'_>,
        problems: &mut FileProblems,
    ) -> bool {
        self.name.clear();
        for (at, name) in self.at.iter().zip(&self.names) {
            let part = row.get(*at);
            if part.is_blank() {
                let place = Place { path, spot: Some(row.spot), column: Some(name) };
                problems.note(
                    place,
                    "the row does not say whose it is",
                    "fill it in, or remove the row",
                );
                return false;
            }
            if !self.name.is_empty() {
                self.name.push(BETWEEN);
            }
            match part {
                Field::Text(text) => self.name.push_str(text),
                other => self.name.push_str(&other.to_string()),
            }
        }
        true
    }

    /// What the person found last is called.
    pub(in crate::records::import) fn name(&self) -> &str {
        &self.name
    }

    /// Their key.
    pub(in crate::records::import) fn key(&mut self, secret: &NodeSecret) -> PersonKey {
        match &self.last {
            Some((last, key)) if *last == self.name => *key,
            _ => {
                let key = secret.person_key(&self.name);
                let last = self.last.get_or_insert_default();
                last.0.clone_from(&self.name);
                last.1 = key;
                key
            }
        }
    }
}
