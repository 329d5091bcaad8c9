//! Where in the MOU a decision rests.

use std::fmt;

/// A clause as a person finds it: `kpi.credential_attainment.by`, `restrict[1]`, `privacy.budget`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Clause(String);

impl Clause {
    /// The clause at this path of the MOU. Also reads one back from the wire: it is words for people, and
    /// nothing is decided by it.
    pub fn at(path: impl Into<String>) -> Self {
        Self(path.into())
    }

    /// The path.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
