//! PostgreSQL's way, over views of canonical columns: codes as their ids in text, `person` a text, and `row_order`,
//! which grows from a learner's first row of a table to the last.
//!
//! Rows change after an import looked at them, and no row that comes may make the statement fail or let a learner
//! count for more: one without a person is left out, of two of one learner's own rows one is taken, and a value that
//! cannot be is absent.

use std::collections::BTreeMap;
use std::fmt::Write;

use sumac_policy::{ColumnRef, Kind, TableName};

use super::{Dialect, listed, unknown};
use crate::warehouse::quoted;

/// Views in a schema of the party's own server. Tags take four parameters: the pads of the person's key, inner and
/// outer, and those of the tag.
pub(in crate::tabulate) struct Postgres<'a> {
    /// The schema.
    pub(in crate::tabulate) views: &'a str,
    /// The least and the greatest that a column's values can be, where it has such.
    pub(in crate::tabulate) possible: &'a BTreeMap<ColumnRef, (i64, i64)>,
}

impl Dialect for Postgres<'_> {
    fn rows(&self, table: TableName, columns: &[(String, String)]) -> String {
        let from = format!("{}.\"{table}\" WHERE person <> ''", quoted(self.views));
        let values = listed(columns);
        if table != TableName::Learner {
            return format!("SELECT person, row_order AS place{values} FROM {from}");
        }
        let names = columns.iter().map(|(_, name)| format!(", {name}")).collect::<String>();
        format!(
            "SELECT DISTINCT ON (person) person, 0 AS place{values} FROM {from} ORDER BY person{names}"
        )
    }

    fn number(&self, column: &ColumnRef, kind: &Kind) -> String {
        let name = quoted(&column.column);
        let possible = |number: String, day: &dyn Fn(i64) -> String| match self.possible.get(column)
        {
            Some((low, high)) => {
                format!(
                    "CASE WHEN {name} BETWEEN {} AND {} THEN {number} END",
                    day(*low),
                    day(*high)
                )
            }
            None => number,
        };
        match kind {
            Kind::Code(codes) => {
                let cases =
                    codes.iter().enumerate().fold(String::new(), |mut text, (code, known)| {
                        let _ =
                            write!(text, " WHEN '{}' THEN {code}", known.id.replace('\'', "''"));
                        text
                    });
                // What is in no list, and what is not there, is unknown.
                format!("CASE {name}{cases} ELSE {} END", unknown(kind).unwrap_or(0))
            }
            Kind::Date => {
                let number = format!("({name} - DATE '1970-01-01')");
                possible(number, &|day| format!("DATE '1970-01-01' + ({day})"))
            }
            Kind::Year | Kind::Integer => {
                possible(format!("CAST({name} AS bigint)"), &|number| number.to_string())
            }
        }
    }

    fn plus_months(&self, days: &str, months: i32) -> String {
        let day = format!("(DATE '1970-01-01' + CAST({days} AS integer))");
        format!("(CAST({day} + INTERVAL '{months} months' AS date) - DATE '1970-01-01')")
    }

    fn sum(&self, column: &str) -> String {
        format!("SUM(CAST({column} AS numeric))")
    }

    fn quotient(&self, above: &str, below: &str) -> String {
        format!("DIV({above}, {below})")
    }

    fn tags(&self, of: &str) -> String {
        // HMAC twice, as the node's secret does it.
        let code = |inner: u8, outer: u8, message: &str| {
            format!("sha256(${outer}::bytea || sha256(${inner}::bytea || {message}))")
        };
        let key = code(1, 2, "convert_to(person, 'UTF8')");
        let tag = code(3, 4, &format!("substring({key} FROM 1 FOR 16)"));
        let byte = |place: u8| format!("CAST(get_byte(tag, {place}) AS bigint)");
        let top = format!("({} & 127)", byte(0));
        let word =
            format!("{top} * 16777216 + {} * 65536 + {} * 256 + {}", byte(1), byte(2), byte(3));
        // With OFFSET a query is not merged into the one around it: else each code is computed wherever it is named.
        format!(
            "SELECT person, {word} AS tag FROM (SELECT person, {tag} AS tag FROM (SELECT DISTINCT person FROM {of}) AS persons OFFSET 0) AS tagged OFFSET 0"
        )
    }
}
