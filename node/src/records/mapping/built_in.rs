//! Mappings that come with Sumac, for files that are the same everywhere.

use std::path::Path;

use sumac_policy::Schema;

use super::{Mapping, MappingError};

/// A mapping that comes with Sumac.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuiltIn {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// The mapping itself, to read and to change.
    pub text: &'static str,
}

/// Every one of them.
pub const BUILT_IN: [BuiltIn; 1] = [BuiltIn {
    name: "pdp",
    about: "the analysis-ready cohort file of the Postsecondary Data Partnership",
    text: include_str!("pdp.toml"),
}];

impl BuiltIn {
    /// The one of this name.
    pub fn named(name: &str) -> Option<Self> {
        BUILT_IN.into_iter().find(|known| known.name == name)
    }

    /// Reads it for an agreement's tables.
    ///
    /// # Errors
    /// Where the agreement pins tables that it does not fit.
    pub fn mapping(&self, schema: &Schema) -> Result<Mapping, MappingError> {
        Mapping::read(self.text.as_bytes(), Path::new(self.name), schema)
    }
}
