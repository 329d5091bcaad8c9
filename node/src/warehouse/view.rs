//! The names of views, and how a name is put into a statement.

use std::fmt;
use std::str::FromStr;

/// Longer than any name that PostgreSQL keeps: it cuts them at 63 bytes.
const MAX_NAME: usize = 63;

/// A view or a table, and the schema that it is in. Written as it is, case and all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ViewName {
    pub(crate) schema: String,
    pub(crate) view: String,
}

/// A schema. Written as it is, case and all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaName(String);

/// A text that names no schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no schema of a database: write its name alone, as in `sumac`")]
pub struct SchemaNameError(String);

/// A text that names no view.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no view: write SCHEMA.VIEW, as in postgres:sumac.enrolment")]
pub struct ViewNameError(String);

impl ViewName {
    /// For a statement.
    pub(crate) fn quoted(&self) -> String {
        format!("{}.{}", quoted(&self.schema), quoted(&self.view))
    }
}

/// A name for a statement, whatever is in it (PostgreSQL's manual, 4.1.1).
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Whether PostgreSQL could keep a name, and ours can be told apart.
fn sound(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains(['.', '\0'])
}

impl SchemaName {
    /// As PostgreSQL keeps it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SchemaName {
    type Err = SchemaNameError;
    fn from_str(text: &str) -> Result<Self, SchemaNameError> {
        if sound(text) { Ok(Self(text.to_owned())) } else { Err(SchemaNameError(text.to_owned())) }
    }
}

impl FromStr for ViewName {
    type Err = ViewNameError;
    fn from_str(text: &str) -> Result<Self, ViewNameError> {
        match text.split_once('.') {
            Some((schema, view)) if sound(schema) && sound(view) => {
                Ok(Self { schema: schema.to_owned(), view: view.to_owned() })
            }
            _ => Err(ViewNameError(text.to_owned())),
        }
    }
}

impl fmt::Display for ViewName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.schema, self.view)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_name_is_quoted_whatever_is_in_it() {
        let name: ViewName = "su\"mac.x\"; DROP TABLE y; --".parse().unwrap();
        assert_eq!(name.quoted(), "\"su\"\"mac\".\"x\"\"; DROP TABLE y; --\"");
        assert_eq!(name.to_string().parse(), Ok(name));
    }

    #[test]
    fn a_name_has_two_parts() {
        for text in ["", "enrolment", ".enrolment", "sumac.", "a.b.c", "a.b\0"] {
            assert!(text.parse::<ViewName>().is_err(), "{text}");
        }
    }
}
