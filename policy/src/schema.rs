//! The canonical tables every node's data is turned into, and the closed code lists of their columns.

use std::fmt;
use std::str::FromStr;

/// A canonical table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TableName {
    /// One row per learner: what does not change from term to term.
    Learner,
    /// One row per learner, institution and term.
    Enrolment,
    /// One row per credential awarded.
    Award,
    /// One row per hire.
    Employment,
    /// One row per exit from a programme, with what followed.
    Outcome,
    /// One row per service received.
    Support,
}

/// Every canonical table, in the order in which they are kept.
pub const TABLES: [TableName; 6] = [
    TableName::Learner,
    TableName::Enrolment,
    TableName::Award,
    TableName::Employment,
    TableName::Outcome,
    TableName::Support,
];

/// A code of a closed list, with what it means to people.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Code {
    /// As stored, asked and released: `F`, `2`, `unknown`.
    pub id: String,
    /// For people: `Women`.
    pub label: String,
}

/// What a column holds. No column holds text: what no KPI needs is not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// One code of this list. Never absent: the list has a code for unknown.
    Code(Vec<Code>),
    /// A day, perhaps absent.
    Date,
    /// The first calendar year of a reporting year (2025 for `2025-26`), perhaps absent.
    Year,
    /// A whole number in the unit named by the column, perhaps absent.
    Integer,
}

/// A column of a canonical table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name, the same in mappings, predicates and snapshots.
    pub name: String,
    /// What it means, with its unit and its CEDS element where there is one.
    pub doc: String,
    /// What it holds.
    pub kind: Kind,
}

/// The columns of one canonical table. `person_key` is implied and is not a column anyone can ask about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    /// Which table.
    pub name: TableName,
    /// Its columns: the standard's, then those that the MOU declares.
    pub columns: Vec<Column>,
}

/// All canonical tables, with the columns an MOU declares for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schema {
    tables: Vec<TableSchema>,
}

impl Schema {
    /// A schema of these tables.
    pub(crate) fn new(tables: Vec<TableSchema>) -> Self {
        Self { tables }
    }

    /// The tables, in the order of [`TABLES`].
    pub fn tables(&self) -> &[TableSchema] {
        &self.tables
    }

    /// One table's columns.
    pub fn table(&self, name: TableName) -> Option<&TableSchema> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// A column, if the table has it.
    pub fn column(&self, table: TableName, column: &str) -> Option<&Column> {
        self.table(table)?.columns.iter().find(|known| known.name == column)
    }

    /// Adds a column that the MOU declares; `false` if the table has one of that name.
    pub(crate) fn declare(&mut self, table: TableName, column: Column) -> bool {
        if self.column(table, &column.name).is_some() {
            return false;
        }
        if let Some(known) = self.tables.iter_mut().find(|known| known.name == table) {
            known.columns.push(column);
        }
        true
    }
}

impl Kind {
    /// The closed list, where the column holds codes.
    pub fn codes(&self) -> Option<&[Code]> {
        match self {
            Self::Code(codes) => Some(codes),
            Self::Date | Self::Year | Self::Integer => None,
        }
    }
}

impl TableName {
    /// The word in mappings, predicates and file names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learner => "learner",
            Self::Enrolment => "enrolment",
            Self::Award => "award",
            Self::Employment => "employment",
            Self::Outcome => "outcome",
            Self::Support => "support",
        }
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for TableName {
    type Err = TableNameError;
    fn from_str(text: &str) -> Result<Self, TableNameError> {
        TABLES
            .into_iter()
            .find(|table| table.as_str() == text)
            .ok_or_else(|| TableNameError(text.to_owned()))
    }
}

/// A word that names no canonical table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is not a canonical table: use learner, enrolment, award, employment, outcome or support"
)]
pub struct TableNameError(String);
