//! From SQL text to a typed predicate. Everything outside the subset is an error that names it.

use jiff::civil::Date;
use sqlparser::ast::{
    BinaryOperator, DataType, DateTimeField, Expr, Ident, UnaryOperator, Value as Literal,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::{ColumnRef, Interval, Op, Predicate, Value};
use crate::nearest::nearest;
use crate::schema::{Kind, Schema, TableName};

/// Longest predicate read, in bytes; the standards' longest is a tenth of this.
const MAX_TEXT: usize = 4_096;
/// Most words and signs in one predicate, not counting literals: the parser builds chains of operators as deep
/// trees, whatever the depth of brackets.
const MAX_WORDS: usize = 300;
/// Deepest nesting of brackets and `not`. A level takes the parser up to 60 kB of stack without optimisation.
const MAX_DEPTH: usize = 12;
/// Longest interval in days: a hundred years.
const MAX_DAYS: i32 = 36_500;
/// SQL's own words in the subset.
const WORDS: [Keyword; 15] = [
    Keyword::AND,
    Keyword::OR,
    Keyword::NOT,
    Keyword::IN,
    Keyword::BETWEEN,
    Keyword::IS,
    Keyword::NULL,
    Keyword::TRUE,
    Keyword::DATE,
    Keyword::YEAR,
    Keyword::YEARS,
    Keyword::MONTH,
    Keyword::MONTHS,
    Keyword::DAY,
    Keyword::DAYS,
];
/// Most values in one list.
const MAX_LIST: usize = 1_000;

/// Where a predicate's columns are looked up: the first table that has a name wins, and a qualified name
/// must be one of these tables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) tables: &'a [TableName],
}

/// Why a text is no predicate of the subset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PredicateError {
    #[error("a condition of more than {MAX_TEXT} characters or {MAX_WORDS} words")]
    TooLong,
    #[error("this is not an SQL condition: {0}")]
    Syntax(String),
    #[error(
        "`{0}` is outside the subset: use comparisons, `in`, `between`, `is null`, `and`, `or`, `not`"
    )]
    Outside(String),
    #[error("no column `{name}` here{}", suggestion(.nearest))]
    UnknownColumn { name: String, nearest: Option<String> },
    #[error("`{code}` is not a code of `{column}`{}", suggestion(.nearest))]
    UnknownCode { code: String, column: String, nearest: Option<String> },
    #[error("`{column}` holds {holds}: `{found}` cannot be compared with it")]
    Type { column: String, holds: &'static str, found: String },
    #[error("codes have no order: compare `{0}` with `=`, `<>` or `in`")]
    Unordered(String),
}

fn suggestion(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

impl Predicate {
    /// Reads a condition whose columns lie in `scope`.
    pub(crate) fn read(text: &str, scope: Scope<'_>) -> Result<Self, PredicateError> {
        if text.len() > MAX_TEXT {
            return Err(PredicateError::TooLong);
        }
        let syntax = |error: sqlparser::parser::ParserError| {
            PredicateError::Syntax(
                error.to_string().trim_start_matches("sql parser error: ").to_owned(),
            )
        };
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, text)
            .tokenize()
            .map_err(|error| PredicateError::Syntax(error.to_string()))?;
        if tokens.iter().filter(|token| is_word(token)).count() > MAX_WORDS {
            return Err(PredicateError::TooLong);
        }
        if let Some(foreign) = scope.foreign(&tokens) {
            return Err(PredicateError::Outside(foreign));
        }
        let mut parser =
            Parser::new(&PostgreSqlDialect {}).with_recursion_limit(MAX_DEPTH).with_tokens(tokens);
        let expression = parser.parse_expr().map_err(syntax)?;
        match parser.peek_token().token {
            Token::EOF => scope.predicate(&expression),
            rest => Err(PredicateError::Syntax(format!("`{rest}` after the condition"))),
        }
    }
}

impl<'a> Scope<'a> {
    /// The first sign or word that no condition of the subset has. Refused before parsing, so that the
    /// parser's ways through the rest of SQL, and the stack they take, need not concern anyone.
    fn foreign(self, tokens: &[Token]) -> Option<String> {
        let tokens: Vec<_> =
            tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_))).collect();
        let next = |n: usize| tokens.get(n + 1).copied();
        let fits = |(n, token): &(usize, &&Token)| match token {
            Token::Word(word)
                if self.is_name(&word.value) || word.keyword == Keyword::NoKeyword =>
            {
                next(*n) != Some(&Token::LParen)
            }
            Token::Word(word) if word.keyword == Keyword::INTERVAL => {
                matches!(next(*n), Some(Token::SingleQuotedString(_)))
            }
            Token::Word(word) => WORDS.contains(&word.keyword),
            Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::Comma
            | Token::Period
            | Token::LParen
            | Token::RParen
            | Token::Plus
            | Token::Minus
            | Token::Eq
            | Token::Neq
            | Token::Lt
            | Token::LtEq
            | Token::Gt
            | Token::GtEq => true,
            _ => false,
        };
        let (_, foreign) = tokens.iter().enumerate().find(|token| !fits(token))?;
        Some(foreign.to_string())
    }

    /// Whether a word names a column or a table here, keyword of SQL or not.
    fn is_name(self, word: &str) -> bool {
        let is_column = |table: &TableName| self.schema.column(*table, word).is_some();
        self.tables.iter().any(|table| table.as_str() == word || is_column(table))
    }

    fn predicate(self, expression: &Expr) -> Result<Predicate, PredicateError> {
        match expression {
            Expr::Nested(inner) => self.predicate(inner),
            Expr::Value(value) if value.value == Literal::Boolean(true) => Ok(Predicate::True),
            Expr::UnaryOp { op: UnaryOperator::Not, expr } => {
                Ok(Predicate::Not(Box::new(self.predicate(expr)?)))
            }
            Expr::BinaryOp { op: BinaryOperator::And, .. } => Ok(Predicate::And(self.flat(
                expression,
                &BinaryOperator::And,
                |part| match part {
                    Predicate::And(parts) => Ok(parts),
                    other => Err(other),
                },
            )?)),
            Expr::BinaryOp { op: BinaryOperator::Or, .. } => Ok(Predicate::Or(self.flat(
                expression,
                &BinaryOperator::Or,
                |part| match part {
                    Predicate::Or(parts) => Ok(parts),
                    other => Err(other),
                },
            )?)),
            Expr::BinaryOp { left, op, right } => self.comparison(left, op, right),
            Expr::IsNull(inner) => Ok(Predicate::IsNull(self.column(inner)?.0)),
            Expr::IsNotNull(inner) => {
                Ok(Predicate::Not(Box::new(Predicate::IsNull(self.column(inner)?.0))))
            }
            Expr::InList { expr, list, negated } => self.list(expr, list, *negated),
            Expr::Between { expr, negated, low, high } => {
                let bounds = Predicate::And(vec![
                    self.comparison(expr, &BinaryOperator::GtEq, low)?,
                    self.comparison(expr, &BinaryOperator::LtEq, high)?,
                ]);
                Ok(negate(bounds, *negated))
            }
            other => Err(PredicateError::Outside(shortened(other))),
        }
    }

    /// `a and (b and c)` and `(a and b) and c` are one list.
    fn flat(
        self,
        chain: &Expr,
        joint: &BinaryOperator,
        open: fn(Predicate) -> Result<Vec<Predicate>, Predicate>,
    ) -> Result<Vec<Predicate>, PredicateError> {
        let mut operands = Vec::new();
        let mut rest = chain;
        while let Expr::BinaryOp { left, op, right } = rest
            && op == joint
        {
            operands.push(right.as_ref());
            rest = left;
        }
        operands.push(rest);
        let mut parts = Vec::new();
        for operand in operands.into_iter().rev() {
            match open(self.predicate(operand)?) {
                Ok(inner) => parts.extend(inner),
                Err(part) => parts.push(part),
            }
        }
        Ok(parts)
    }

    fn comparison(
        self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
    ) -> Result<Predicate, PredicateError> {
        let op = match op {
            BinaryOperator::Eq => Op::Equal,
            BinaryOperator::NotEq => Op::NotEqual,
            BinaryOperator::Lt => Op::Less,
            BinaryOperator::LtEq => Op::LessOrEqual,
            BinaryOperator::Gt => Op::Greater,
            BinaryOperator::GtEq => Op::GreaterOrEqual,
            other => return Err(PredicateError::Outside(other.to_string())),
        };
        let (column, kind) = self.column(left)?;
        if let (Kind::Code(_), false) = (kind, matches!(op, Op::Equal | Op::NotEqual)) {
            return Err(PredicateError::Unordered(column.column));
        }
        if *kind == Kind::Date
            && let Some((other, plus)) = self.shifted_date(right)?
        {
            return Ok(Predicate::CompareDates { column, op, other, plus });
        }
        Ok(Predicate::Compare { value: value(&column, kind, right)?, column, op })
    }

    fn list(self, expr: &Expr, list: &[Expr], negated: bool) -> Result<Predicate, PredicateError> {
        if list.is_empty() || list.len() > MAX_LIST {
            return Err(PredicateError::Outside(format!("a list of {} values", list.len())));
        }
        let (column, kind) = self.column(expr)?;
        let mut values =
            list.iter().map(|item| value(&column, kind, item)).collect::<Result<Vec<_>, _>>()?;
        values.sort();
        values.dedup();
        Ok(negate(Predicate::In { column, values }, negated))
    }

    /// `column`, `column + interval '1 year'`, `column - interval '30 days'`; none for anything else.
    fn shifted_date(self, expr: &Expr) -> Result<Option<(ColumnRef, Interval)>, PredicateError> {
        let (base, plus) = match expr {
            Expr::Nested(inner) => return self.shifted_date(inner),
            Expr::Identifier(_) | Expr::CompoundIdentifier(_) => {
                (expr, Interval { months: 0, days: 0 })
            }
            Expr::BinaryOp { left, op: BinaryOperator::Plus, right } => {
                (left.as_ref(), interval(right, 1)?)
            }
            Expr::BinaryOp { left, op: BinaryOperator::Minus, right } => {
                (left.as_ref(), interval(right, -1)?)
            }
            _ => return Ok(None),
        };
        let (column, kind) = self.column(base)?;
        if *kind != Kind::Date {
            return Err(type_error(&column, kind, expr));
        }
        Ok(Some((column, plus)))
    }

    fn column(self, expr: &Expr) -> Result<(ColumnRef, &'a Kind), PredicateError> {
        let (table, name) = match expr {
            Expr::Nested(inner) => return self.column(inner),
            Expr::Identifier(name) => (None, name),
            Expr::CompoundIdentifier(parts) => match parts.as_slice() {
                [table, name] => (Some(table), name),
                _ => return Err(PredicateError::Outside(shortened(expr))),
            },
            other => return Err(PredicateError::Outside(shortened(other))),
        };
        self.named(table, name)
    }

    fn named(
        self,
        table: Option<&Ident>,
        name: &Ident,
    ) -> Result<(ColumnRef, &'a Kind), PredicateError> {
        let tables = self
            .tables
            .iter()
            .filter(|known| table.is_none_or(|table| table.value == known.as_str()));
        for known in tables {
            if let Some(column) = self.schema.column(*known, &name.value) {
                let found = ColumnRef { table: *known, column: column.name.clone() };
                return Ok((found, &column.kind));
            }
        }
        let names = self.tables.iter().filter_map(|table| self.schema.table(*table));
        let names = names.flat_map(|table| table.columns.iter().map(|column| column.name.as_str()));
        Err(PredicateError::UnknownColumn {
            name: table.map_or_else(|| name.value.clone(), |table| format!("{table}.{name}")),
            nearest: nearest(&name.value, names).map(str::to_owned),
        })
    }
}

fn is_word(token: &Token) -> bool {
    let counts_not = matches!(
        token,
        Token::Whitespace(_) | Token::Comma | Token::Number(..) | Token::SingleQuotedString(_)
    );
    !counts_not
}

fn negate(predicate: Predicate, negated: bool) -> Predicate {
    if negated { Predicate::Not(Box::new(predicate)) } else { predicate }
}

fn value(column: &ColumnRef, kind: &Kind, expr: &Expr) -> Result<Value, PredicateError> {
    let wrong = || type_error(column, kind, expr);
    match (kind, expr) {
        (_, Expr::Nested(inner)) => value(column, kind, inner),
        (Kind::Code(codes), Expr::Value(literal)) => {
            let Literal::SingleQuotedString(id) = &literal.value else { return Err(wrong()) };
            let index = codes.iter().position(|code| code.id == *id).ok_or_else(|| {
                PredicateError::UnknownCode {
                    code: id.clone(),
                    column: column.column.clone(),
                    nearest: nearest(id, codes.iter().map(|code| code.id.as_str()))
                        .map(str::to_owned),
                }
            })?;
            let index = u16::try_from(index).map_err(|_| wrong())?;
            Ok(Value::Code { index, id: id.clone() })
        }
        (Kind::Date, Expr::TypedString(text)) if text.data_type == DataType::Date => {
            match &text.value.value {
                Literal::SingleQuotedString(day) => {
                    day.parse::<Date>().map(Value::Date).map_err(|_| wrong())
                }
                _ => Err(wrong()),
            }
        }
        (Kind::Year, _) => integer(expr)
            .and_then(|year| i16::try_from(year).ok())
            .map(Value::Year)
            .ok_or_else(wrong),
        (Kind::Integer, _) => integer(expr).map(Value::Integer).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

fn integer(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::UnaryOp { op: UnaryOperator::Minus, expr } => integer(expr)?.checked_neg(),
        Expr::Value(literal) => match &literal.value {
            Literal::Number(digits, false) => digits.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// `interval '1 year'`, `interval '30' day`.
fn interval(expr: &Expr, sign: i32) -> Result<Interval, PredicateError> {
    let outside = || PredicateError::Outside(shortened(expr));
    let Expr::Interval(interval) = expr else { return Err(outside()) };
    let Expr::Value(literal) = interval.value.as_ref() else { return Err(outside()) };
    let Literal::SingleQuotedString(text) = &literal.value else { return Err(outside()) };
    let mut words = text.split_whitespace();
    let number: i32 = words.next().and_then(|word| word.parse().ok()).ok_or_else(outside)?;
    if interval.last_field.is_some()
        || interval.leading_precision.is_some()
        || interval.fractional_seconds_precision.is_some()
        || !(-MAX_DAYS..=MAX_DAYS).contains(&number)
    {
        return Err(outside());
    }
    let unit = match (&interval.leading_field, words.next(), words.next()) {
        (Some(DateTimeField::Year | DateTimeField::Years), None, None) => "year",
        (Some(DateTimeField::Month | DateTimeField::Months), None, None) => "month",
        (Some(DateTimeField::Day | DateTimeField::Days), None, None) => "day",
        (None, Some(unit), None) => unit.trim_end_matches('s'),
        _ => return Err(outside()),
    };
    let number = sign * number;
    match unit {
        "year" if number.abs() <= 100 => Ok(Interval { months: 12 * number, days: 0 }),
        "month" if number.abs() <= 1_200 => Ok(Interval { months: number, days: 0 }),
        "day" => Ok(Interval { months: 0, days: number }),
        _ => Err(outside()),
    }
}

fn type_error(column: &ColumnRef, kind: &Kind, found: &Expr) -> PredicateError {
    let holds = match kind {
        Kind::Code(_) => "codes, written 'like this'",
        Kind::Date => "dates, written date '2025-07-01'",
        Kind::Year => "reporting years, written by their first calendar year",
        Kind::Integer => "whole numbers",
    };
    PredicateError::Type { column: column.column.clone(), holds, found: shortened(found) }
}

/// What an expression is, in few words. Never prints a tree: a chain of operators is as deep as it is long.
fn shortened(expr: &Expr) -> String {
    match expr {
        Expr::Identifier(_)
        | Expr::CompoundIdentifier(_)
        | Expr::Value(_)
        | Expr::TypedString(_)
        | Expr::Interval(_) => expr.to_string().chars().take(60).collect(),
        Expr::Nested(inner) => shortened(inner),
        Expr::BinaryOp { op, .. } => format!("… {op} …"),
        Expr::UnaryOp { op, .. } => format!("{op} …"),
        Expr::IsNull(_) | Expr::IsNotNull(_) => "… is null".to_owned(),
        Expr::IsTrue(_) | Expr::IsNotTrue(_) => "… is true".to_owned(),
        Expr::InList { .. } => "… in (…)".to_owned(),
        Expr::Between { .. } => "… between …".to_owned(),
        _ => "…".to_owned(),
    }
}
