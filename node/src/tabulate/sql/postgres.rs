//! PostgreSQL's way, over views of canonical columns: codes as their ids in text, `person` a text, and `row_order`,
//! which grows from a learner's first row of a table to the last.

use std::fmt::Write;

use sumac_policy::{ColumnRef, Kind, TableName};

use super::{Dialect, unknown};

/// Views in a schema of the party's own server. Tags take four parameters: the pads of the person's key, inner and
/// outer, and those of the tag.
pub(in crate::tabulate) struct Postgres<'a> {
    /// The schema.
    pub(in crate::tabulate) views: &'a str,
}

impl Dialect for Postgres<'_> {
    fn table(&self, table: TableName) -> String {
        format!("{}.\"{table}\"", quoted(self.views))
    }

    fn order(&self, table: TableName) -> String {
        if table == TableName::Learner { "0".to_owned() } else { "row_order".to_owned() }
    }

    fn number(&self, column: &ColumnRef, kind: &Kind) -> String {
        let name = quoted(&column.column);
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
            Kind::Date => format!("({name} - DATE '1970-01-01')"),
            Kind::Year | Kind::Integer => format!("CAST({name} AS bigint)"),
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
        let [low, high] = [0, 4].map(|at| {
            let byte = |place: u8| format!("CAST(get_byte(tag, {}) AS bigint)", at + place);
            let top = format!("({} & 127)", byte(0));
            format!("{top} * 16777216 + {} * 65536 + {} * 256 + {}", byte(1), byte(2), byte(3))
        });
        format!(
            "SELECT person, {low} AS tag_low, {high} AS tag_high FROM (SELECT person, {tag} AS tag FROM (SELECT DISTINCT person FROM {of}) AS persons) AS tagged"
        )
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
