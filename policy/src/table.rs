//! The unit of everything: one KPI × one period × one breakdown, named by what it means.

use std::fmt;

use sha2::{Digest, Sha256};

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

    /// What names this table's measurement number `revision`: itself for 0, the first.
    #[must_use]
    pub fn at(&self, revision: u32) -> Self {
        if revision == 0 {
            return *self;
        }
        let mut hasher = Sha256::new();
        hasher.update(b"sumac-table-revision/1\0");
        hasher.update(self.0);
        hasher.update(revision.to_be_bytes());
        Self(hasher.finalize().into())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_revision_has_a_name_of_its_own() {
        let table = TableKey::from([7; 32]);
        assert_eq!(table.at(0), table);
        let names: std::collections::BTreeSet<_> = (0..10).map(|n| table.at(n)).collect();
        assert_eq!(names.len(), 10);
        assert_ne!(TableKey::from([8; 32]).at(1), table.at(1));
        // A change of this name would make every asker refuse what was remeasured.
        assert_eq!(
            table.at(1).to_string(),
            "6dcde5d80f56314de5f5d1b8582b6c86a7efd05c3c769605723eca2f0ea3579d"
        );
    }
}
