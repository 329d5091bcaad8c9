//! Canonical rows in memory: what a mapping makes of a partner's export, before it is frozen.

use std::collections::BTreeMap;

use sumac_policy::{Kind, TableName};

/// A learner within one node: a keyed hash of whatever the source calls them. Never leaves the node.
pub type PersonKey = [u8; 16];

/// Rows of one canonical table, column by column; every column is as long as `person`. Rows of one learner
/// stand in order of time: the last is the latest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// Whose row it is.
    pub person: Vec<PersonKey>,
    /// The columns that the source fills, by the schema's name.
    pub columns: Vec<(String, Values)>,
}

/// The values of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// Positions in the column's public code list.
    Code(Vec<u16>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
    /// First calendar years of reporting years, or years of birth.
    Year(Vec<Option<i16>>),
    /// Whole numbers in the column's unit.
    Integer(Vec<Option<i64>>),
}

/// Everything that one node knows, in the coalition's own terms.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Canonical {
    /// The tables that the source fills.
    pub tables: BTreeMap<TableName, Rows>,
}

impl Values {
    /// No rows of a column of this kind.
    pub(super) fn empty(kind: &Kind) -> Self {
        match kind {
            Kind::Code(_) => Self::Code(Vec::new()),
            Kind::Date => Self::Date(Vec::new()),
            Kind::Year => Self::Year(Vec::new()),
            Kind::Integer => Self::Integer(Vec::new()),
        }
    }

    /// Forgets the rows.
    pub(super) fn clear(&mut self) {
        match self {
            Self::Code(values) => values.clear(),
            Self::Date(values) => values.clear(),
            Self::Year(values) => values.clear(),
            Self::Integer(values) => values.clear(),
        }
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Code(values) => values.len(),
            Self::Date(values) => values.len(),
            Self::Year(values) => values.len(),
            Self::Integer(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
