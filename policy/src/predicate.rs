//! KPI predicates: a closed, typed subset of SQL's boolean expressions.
//!
//! `read` turns text into a [`Predicate`] whose columns exist and whose values have their column's type;
//! `Display` prints it back in one canonical spelling, which names the table it defines.

mod display;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use read::Scope;

use jiff::civil::Date;

use crate::schema::TableName;

/// A condition on one row, in SQL's three-valued logic: a comparison with an absent value is unknown, and
/// a row counts only where the whole is true.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Predicate {
    /// Every row.
    True,
    /// `column op value`.
    Compare {
        /// Left side.
        column: ColumnRef,
        /// Comparison; codes know only `=` and `<>`.
        op: Op,
        /// Right side, of the column's type.
        value: Value,
    },
    /// `column op other ± n days|months|years`, both dates.
    CompareDates {
        /// Left side.
        column: ColumnRef,
        /// Comparison.
        op: Op,
        /// Right side.
        other: ColumnRef,
        /// Added to the right side.
        plus: Interval,
    },
    /// `column in (values)`, not empty.
    In {
        /// Left side.
        column: ColumnRef,
        /// Sorted, each once.
        values: Vec<Value>,
    },
    /// `column is null`.
    IsNull(ColumnRef),
    /// All of these.
    And(Vec<Predicate>),
    /// Any of these.
    Or(Vec<Predicate>),
    /// Not this.
    Not(Box<Predicate>),
}

/// A column, with its table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnRef {
    /// The canonical table.
    pub table: TableName,
    /// The column's name.
    pub column: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `=`
    Equal,
    /// `<>`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// A literal of a column's type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// A code: its position in the column's list, and its id.
    Code {
        /// Position in the list.
        index: u16,
        /// As written.
        id: String,
    },
    /// A day.
    Date(Date),
    /// The first calendar year of a reporting year.
    Year(i16),
    /// A whole number.
    Integer(i64),
}

/// A length of time added to a date, by the calendar: a month after 31 January is the end of February.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Months, from −1200 to 1200.
    pub months: i32,
    /// Days, from −36500 to 36500.
    pub days: i32,
}

impl Predicate {
    /// Every column the condition reads.
    pub fn columns(&self) -> Vec<&ColumnRef> {
        match self {
            Self::True => Vec::new(),
            Self::Compare { column, .. } | Self::In { column, .. } | Self::IsNull(column) => {
                vec![column]
            }
            Self::CompareDates { column, other, .. } => vec![column, other],
            Self::And(parts) | Self::Or(parts) => parts.iter().flat_map(Self::columns).collect(),
            Self::Not(inner) => inner.columns(),
        }
    }
}
