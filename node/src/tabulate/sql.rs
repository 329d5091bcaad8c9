//! A table as one SQL statement, for an engine that holds the records itself: it bounds each learner and adds up
//! beside them, and gives back numbers of cells and what is in them, and nothing else.
//!
//! The statement says what the dense pass does, in the same order. Codes are turned into their positions first, and a
//! code that is in no list, or none, into `unknown`; so are the codes of a learner without a row of their own. Values
//! are printed as integers and dates from types that hold nothing else; ids of codes are quoted. Keys are parameters.

mod dialect;

use std::fmt::Write;

use sumac_policy::{
    Bins, Clip, ColumnRef, DimensionSource, Kind, Op, Predicate, Quantity, RATIO_PER, Schema,
    Table, TableName, Value, When,
};

use super::TabulateError;
use super::plan::{Plan, Work};

/// A statement whose rows are (cell, what is added to it), both whole numbers of 64 bits.
pub(super) struct Statement {
    pub(super) text: String,
    /// Whether it takes the four pads of learners' tags as parameters: inner and outer of the person's key, inner and
    /// outer of the tag.
    pub(super) keyed: bool,
}

/// Prints a table for views in `views`, given the table's two words of the ranking.
pub(super) fn print(
    table: &Table,
    schema: &Schema,
    views: &str,
    words: [u32; 2],
) -> Result<Statement, TabulateError> {
    let plan = Plan::of(table)?;
    let printer = Printer { table, plan: &plan, schema, views, words };
    let keyed = matches!(plan.work, Work::Groups { .. } | Work::Rows { .. });
    Ok(Statement { text: printer.statement()?, keyed })
}

struct Printer<'a> {
    table: &'a Table,
    plan: &'a Plan<'a>,
    schema: &'a Schema,
    views: &'a str,
    words: [u32; 2],
}

impl Printer<'_> {
    fn statement(&self) -> Result<String, TabulateError> {
        let counting = self.counting()?;
        let outcomes = self.plan.outcomes;
        let (more, cells) = match &self.plan.work {
            Work::Once => (
                self.outcomes()?,
                format!(
                    "SELECT CAST(last_row.grp * {outcomes} + found.outcome AS bigint), COUNT(*) FROM last_row \
                 JOIN found ON found.person = last_row.person WHERE found.outcome < {outcomes} GROUP BY 1"
                ),
            ),
            Work::Groups { cap, .. } => (
                self.ranked("SELECT DISTINCT person, grp, 0 AS below FROM counting"),
                format!(
                    "SELECT CAST(grp AS bigint), COUNT(*) FROM kept WHERE place <= {cap} GROUP BY 1"
                ),
            ),
            Work::Rows { cap, level, .. } => {
                let below = match level {
                    None => "0".to_owned(),
                    Some((column, below)) => {
                        let mut text = format!("CASE {}", name(column));
                        for (code, below) in below.iter().enumerate() {
                            let _ = write!(text, " WHEN {code} THEN {below}");
                        }
                        text + " END"
                    }
                };
                (
                    self.ranked(&format!("SELECT person, grp, {below} AS below FROM counting")),
                    format!(
                        "SELECT CAST(grp AS bigint), COUNT(*) FROM kept WHERE place <= {cap} GROUP BY 1"
                    ),
                )
            }
            Work::Mean { value, clip } => (valued(value), mean(*clip)),
            Work::Distribution { value, bins } => (valued(value), distribution(bins)),
        };
        Ok(format!("WITH {counting}{more}\n{cells}"))
    }

    /// The rows that count, each with its group, and with its place from the learner's last.
    fn counting(&self) -> Result<String, TabulateError> {
        let of = self.plan.definition.of;
        let (anchor, first, last) = &self.plan.anchor;
        let anchor = name(anchor);
        let rows = self.rows(of, of != TableName::Learner)?;
        let population = predicate(&self.plan.definition.population);
        Ok(format!(
            "every_row AS ({rows}),\n\
             counting AS (SELECT every_row.*, {} AS grp, \
             row_number() OVER (PARTITION BY person ORDER BY row_order DESC) AS nth FROM every_row \
             WHERE {anchor} >= {} AND {anchor} <= {} AND {population}),\n\
             last_row AS (SELECT * FROM counting WHERE nth = 1)",
            self.group(),
            literal(first),
            literal(last),
        ))
    }

    /// A view's rows, codes as their positions, with their learners' own if that is wanted.
    fn rows(&self, of: TableName, with_learner: bool) -> Result<String, TabulateError> {
        let order = if of == TableName::Learner { "0" } else { "t.row_order" };
        let mut text = format!("SELECT t.person AS person, {order} AS row_order");
        let learner = self.plan.columns.get(&TableName::Learner).filter(|_| with_learner);
        let own = self.plan.columns.get(&of).into_iter().flatten();
        let own = own.map(|column| ("t", of, column));
        let theirs = learner.into_iter().flatten().map(|column| ("l", TableName::Learner, column));
        for (from, table, column) in own.chain(theirs) {
            let column = ColumnRef { table, column: column.clone() };
            let _ = write!(text, ", {} AS {}", self.value(from, &column)?, name(&column));
        }
        let view = |table: TableName| format!("{}.{}", quoted(self.views), quoted(table.as_str()));
        let _ = write!(text, " FROM {} t", view(of));
        if learner.is_some() {
            let _ =
                write!(text, " LEFT JOIN {} l ON l.person = t.person", view(TableName::Learner));
        }
        Ok(text)
    }

    /// What a column of a view says.
    fn value(&self, from: &str, column: &ColumnRef) -> Result<String, TabulateError> {
        let unfit = || TabulateError::Unfit { table: column.table, column: column.column.clone() };
        let known = self.schema.column(column.table, &column.column).ok_or_else(unfit)?;
        let field = format!("{from}.{}", quoted(&column.column));
        Ok(match &known.kind {
            Kind::Date => field,
            Kind::Year | Kind::Integer => format!("CAST({field} AS bigint)"),
            Kind::Code(codes) => {
                let unknown =
                    codes.iter().position(|code| code.id == "unknown").ok_or_else(unfit)?;
                let mut text = format!("CASE {field}");
                for (place, code) in codes.iter().enumerate() {
                    let _ = write!(text, " WHEN {} THEN {place}", string(&code.id));
                }
                format!("{text} ELSE {unknown} END")
            }
        })
    }

    /// The combination of a row's codes.
    fn group(&self) -> String {
        let begins = self.table.span().first.year();
        let mut text = "0".to_owned();
        for (dimension, column) in self.table.axes() {
            let (field, codes) = (name(&column), dimension.codes.len());
            let unknown = codes.saturating_sub(1);
            let code = match &dimension.source {
                DimensionSource::Column(_) => field,
                DimensionSource::Age(cuts) => {
                    let mut text = format!("CASE WHEN {field} IS NULL THEN {unknown}");
                    for (band, cut) in cuts.iter().enumerate() {
                        let _ = write!(text, " WHEN {begins} - {field} < {cut} THEN {band}");
                    }
                    format!("{text} ELSE {} END", cuts.len())
                }
                DimensionSource::Years { first, last, .. } => format!(
                    "CASE WHEN {field} >= {first} AND {field} <= {last} THEN {field} - {first} ELSE {unknown} END"
                ),
            };
            text = format!("({text}) * {codes} + ({code})");
        }
        format!("CAST({text} AS bigint)")
    }

    /// The first outcome that holds of each learner.
    fn outcomes(&self) -> Result<String, TabulateError> {
        let mut any = "CASE".to_owned();
        let mut exists = String::new();
        for (place, outcome) in self.plan.definition.outcomes.iter().enumerate() {
            match &outcome.when {
                When::AnyRow(when) => {
                    let _ = write!(any, " WHEN {} THEN {place}", predicate(when));
                }
                When::Exists { in_table, when } => {
                    let others = self.rows(*in_table, false)?;
                    let _ = write!(
                        exists,
                        " UNION ALL SELECT o.person, {place} FROM ({others}) o \
                         JOIN last_row ON last_row.person = o.person WHERE {}",
                        predicate(when)
                    );
                }
                When::Otherwise | When::Measured => {}
            }
        }
        let any = if any == "CASE" {
            self.plan.otherwise.to_string()
        } else {
            format!("{any} ELSE {} END", self.plan.otherwise)
        };
        Ok(format!(
            ",\nclaims AS (SELECT person, {any} AS outcome FROM counting{exists}),\n\
             found AS (SELECT person, MIN(outcome) AS outcome FROM claims GROUP BY person)"
        ))
    }

    /// What a learner may be counted for, in the order in which it is kept.
    fn ranked(&self, candidates: &str) -> String {
        let [low, high] = dialect::tag_words("tag").map(|word| format!("({word})"));
        let [one, two] = self.words;
        format!(
            ",\ncandidates AS ({candidates}),\n\
             tagged AS (SELECT person, {} AS tag FROM (SELECT DISTINCT person FROM counting) p),\n\
             ranked AS (SELECT c.person, c.grp, c.below, \
             ({} * (c.grp + 1) + {}) % 2147483647 AS rank FROM candidates c JOIN tagged ON tagged.person = c.person),\n\
             kept AS (SELECT grp, row_number() OVER (PARTITION BY person ORDER BY below, rank, grp) AS place FROM ranked)",
            dialect::tag("person"),
            dialect::xor(&low, one),
            dialect::xor(&high, two),
        )
    }
}

/// What each learner has, and the group of their last row.
fn valued(value: &Quantity) -> String {
    let value = match value {
        Quantity::Sum(column) => dialect::exact_sum(&name(column)),
        Quantity::Ratio { of, to } => {
            let (above, below) = (dialect::exact_sum(&name(of)), dialect::exact_sum(&name(to)));
            // Twice the quotient and one, halved toward zero: half away from zero.
            format!(
                "CASE WHEN {below} = 0 THEN NULL ELSE SIGN({above}) * SIGN({below}) * {} END",
                dialect::whole_quotient(
                    &format!("2 * ABS({above}) * {RATIO_PER} + ABS({below})"),
                    &format!("2 * ABS({below})")
                )
            )
        }
        Quantity::Days { until, from } => {
            format!("MIN({})", dialect::days(&name(until), &name(from)))
        }
    };
    format!(
        ",\nvalued AS (SELECT person, MAX(CASE WHEN nth = 1 THEN grp END) AS grp, {value} AS v \
         FROM counting GROUP BY person)"
    )
}

fn mean(clip: Clip) -> String {
    let (lo, hi, ends) = (clip.lo(), clip.hi(), clip.ends());
    let clipped =
        format!("CASE WHEN v < ({lo}) THEN ({lo}) WHEN v > ({hi}) THEN ({hi}) ELSE v END");
    format!(
        "SELECT grp * 2, COUNT(*) FROM valued WHERE v IS NOT NULL GROUP BY grp \
         UNION ALL SELECT grp * 2 + 1, CAST(SUM(2 * ({clipped}) - ({ends})) AS bigint) \
         FROM valued WHERE v IS NOT NULL GROUP BY grp"
    )
}

fn distribution(bins: &Bins) -> String {
    let count = bins.count();
    let mut bin = format!("CASE WHEN v IS NULL THEN {count}");
    for (place, edge) in bins.edges().iter().skip(1).enumerate().take(count.saturating_sub(1)) {
        let _ = write!(bin, " WHEN v < ({edge}) THEN {place}");
    }
    let last = count.saturating_sub(1);
    format!("SELECT grp * {} + {bin} ELSE {last} END, COUNT(*) FROM valued GROUP BY 1", count + 1)
}

/// A condition, in SQL's own three-valued logic.
fn predicate(condition: &Predicate) -> String {
    let all = |parts: &[Predicate], between: &str| {
        let parts: Vec<_> = parts.iter().map(predicate).collect();
        format!("({})", parts.join(between))
    };
    match condition {
        Predicate::True => "TRUE".to_owned(),
        Predicate::Compare { column, op, value } => {
            format!("{} {} {}", name(column), operator(*op), literal(value))
        }
        Predicate::CompareDates { column, op, other, plus } => {
            let other = dialect::later(&name(other), *plus);
            format!("{} {} {other}", name(column), operator(*op))
        }
        Predicate::In { column, values } => {
            let values: Vec<_> = values.iter().map(literal).collect();
            format!("{} IN ({})", name(column), values.join(", "))
        }
        Predicate::IsNull(column) => format!("{} IS NULL", name(column)),
        Predicate::And(parts) => all(parts, " AND "),
        Predicate::Or(parts) => all(parts, " OR "),
        Predicate::Not(inner) => format!("NOT ({})", predicate(inner)),
    }
}

fn operator(op: Op) -> &'static str {
    match op {
        Op::Equal => "=",
        Op::NotEqual => "<>",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
    }
}

fn literal(value: &Value) -> String {
    match value {
        Value::Code { index, .. } => index.to_string(),
        Value::Date(date) => format!("DATE '{date}'"),
        Value::Year(year) => format!("({year})"),
        Value::Integer(number) => format!("({number})"),
    }
}

/// A column within the statement, whichever view it is of.
fn name(column: &ColumnRef) -> String {
    quoted(&column.to_string())
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
