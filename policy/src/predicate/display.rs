//! A predicate's one canonical spelling.

use std::fmt;

use super::{ColumnRef, Interval, Op, Predicate, Value};

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::True => f.write_str("true"),
            Self::Compare { column, op, value } => write!(f, "{column} {op} {value}"),
            Self::CompareDates { column, op, other, plus } => {
                write!(f, "{column} {op} {other}{plus}")
            }
            Self::In { column, values } => {
                write!(f, "{column} in (")?;
                for (n, value) in values.iter().enumerate() {
                    write!(f, "{}{value}", if n == 0 { "" } else { ", " })?;
                }
                f.write_str(")")
            }
            Self::IsNull(column) => write!(f, "{column} is null"),
            Self::And(parts) => joined(f, parts, " and "),
            Self::Or(parts) => joined(f, parts, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Predicate], word: &str) -> fmt::Result {
    f.write_str("(")?;
    for (n, part) in parts.iter().enumerate() {
        write!(f, "{}{part}", if n == 0 { "" } else { word })?;
    }
    f.write_str(")")
}

impl fmt::Display for ColumnRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.table, self.column)
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Equal => "=",
            Self::NotEqual => "<>",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code { id, .. } => write!(f, "'{}'", id.replace('\'', "''")),
            Self::Date(day) => write!(f, "date '{day}'"),
            Self::Year(year) => write!(f, "{year}"),
            Self::Integer(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, unit) in [(self.months, "months"), (self.days, "days")] {
            if number != 0 {
                let sign = if number < 0 { '-' } else { '+' };
                write!(f, " {sign} interval '{}' {unit}", number.unsigned_abs())?;
            }
        }
        Ok(())
    }
}
