//! The unit of everything: one KPI × one period × one breakdown, named by what it means.

use std::fmt;

use crate::digest::write_hex;

/// What names a released table: SHA-256 over the resolved definition, the period, the breakdown and the
/// revision. Neither the asker, nor the order in which a question names dimensions, nor the margin changes it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableKey([u8; 32]);

impl TableKey {
    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for TableKey {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, &self.0)
    }
}

impl fmt::Debug for TableKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TableKey({self})")
    }
}
