//! Conditions over whole numbers, in SQL's own three-valued logic.

use sumac_policy::{Op, Predicate};

use super::{Dialect, flat, number};

/// A condition in brackets.
pub(super) fn printed(predicate: &Predicate, dialect: &dyn Dialect) -> String {
    match predicate {
        Predicate::True => "(1 = 1)".to_owned(),
        Predicate::Compare { column, op, value } => {
            format!("({} {} {})", flat(column), sign(*op), number(value))
        }
        Predicate::CompareDates { column, op, other, plus } => {
            let moved = match plus.months {
                0 => flat(other),
                months => dialect.plus_months(&flat(other), months),
            };
            format!("({} {} {moved} + {})", flat(column), sign(*op), plus.days)
        }
        Predicate::In { column, values } => {
            let values: Vec<_> = values.iter().map(|value| number(value).to_string()).collect();
            format!("({} IN ({}))", flat(column), values.join(", "))
        }
        Predicate::IsNull(column) => format!("({} IS NULL)", flat(column)),
        Predicate::And(parts) => joined(parts, " AND ", "(1 = 1)", dialect),
        Predicate::Or(parts) => joined(parts, " OR ", "(1 = 0)", dialect),
        Predicate::Not(inner) => format!("(NOT {})", printed(inner, dialect)),
    }
}

fn joined(parts: &[Predicate], by: &str, none: &str, dialect: &dyn Dialect) -> String {
    let parts: Vec<_> = parts.iter().map(|part| printed(part, dialect)).collect();
    if parts.is_empty() { none.to_owned() } else { format!("({})", parts.join(by)) }
}

fn sign(op: Op) -> &'static str {
    match op {
        Op::Equal => "=",
        Op::NotEqual => "<>",
        Op::Less => "<",
        Op::LessOrEqual => "<=",
        Op::Greater => ">",
        Op::GreaterOrEqual => ">=",
    }
}
