//! What engines write differently.

use sumac_policy::{ColumnRef, Kind, TableName};

/// How one engine reads a canonical table, and the little that it writes in its own way.
pub(crate) trait Dialect {
    /// A query for a table's rows: `person`, `place`, which grows from a learner's first row to the last, and these
    /// columns, each a value and its name. Of the learner table one row for each learner; no row without one.
    fn rows(&self, table: TableName, columns: &[(String, String)]) -> String;

    /// A column of the table as a whole number: a code its position in the list, a date its days since 1970-01-01;
    /// absent where the column is, and a code never.
    fn number(&self, column: &ColumnRef, kind: &Kind) -> String;

    /// Days since 1970-01-01 moved by months: where a month is too short, its last day.
    fn plus_months(&self, days: &str, months: i32) -> String;

    /// The sum of a column of whole numbers, as wide as its dividing needs.
    fn sum(&self, column: &str) -> String;

    /// A quotient of two such sums that are not negative, without what is behind the point.
    fn quotient(&self, above: &str, below: &str) -> String;

    /// A query for `person` and `tag`, each learner's tag, of at least the persons in this part of the statement.
    fn tags(&self, of: &str) -> String;
}
