//! The same tables, counted learner by learner and row by row, with no column, mask or block in sight.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use sumac_keys::NodeSecret;
use sumac_policy::{
    Anchor, ColumnRef, DimensionSource, Measure, Op, Period, Predicate, Quantity, Schema, Table,
    TableName, Value, When,
};

use crate::records::canonical::{Canonical, PersonKey, Values};

/// One value, absent or not, as something that can be compared.
type Cell = Option<i64>;

/// A row of one of the tables.
type Row = (TableName, Source);

#[derive(Clone, Copy)]
enum Source {
    Row(usize),
    /// A learner without a row of their own.
    Nobody,
}

struct Node<'a> {
    canonical: &'a Canonical,
    schema: &'a Schema,
}

pub(super) fn count(
    canonical: &Canonical,
    schema: &Schema,
    table: &Table,
    secret: &NodeSecret,
) -> Vec<i64> {
    let node = Node { canonical, schema };
    let definition = &table.kpi().definition;
    let everybody: BTreeSet<PersonKey> =
        canonical.tables.values().flat_map(|rows| rows.person.iter().copied()).collect();
    let mut cells = vec![0; table.cells()];
    for person in everybody {
        let learner = *node.rows(TableName::Learner, person).last().unwrap();
        let mut counting = Vec::new();
        for row in node.rows(definition.of, person) {
            let at =
                ColumnRef { table: definition.of, column: definition.anchor.column().to_owned() };
            let anchor = node.value(&[row], &at);
            if in_period(table, anchor) && node.holds(&definition.population, &[row, learner]) {
                counting.push(row);
            }
        }
        let Some(last) = counting.last().copied() else { continue };

        let group = node.group(table, last, learner);
        // Of sorted groups so many, round the circle from where this learner's begins.
        let chosen = |groups: &[usize], cap: usize| -> Vec<usize> {
            let drawn = secret.tag(&person) ^ secret.circles().word(table.key().as_bytes());
            let share = u128::from(drawn) * groups.len() as u128 / 2_147_483_648;
            let round = groups.iter().cycle().skip(usize::try_from(share).unwrap());
            round.take(cap.min(groups.len())).copied().collect()
        };
        match &definition.measure {
            Measure::Count { cap: None } | Measure::Rate => {}
            Measure::Count { cap: Some(cap) } => {
                let groups = counting.iter().map(|row| node.group(table, *row, learner));
                let groups: BTreeSet<_> = groups.collect();
                let groups: Vec<_> = groups.into_iter().collect();
                chosen(&groups, *cap as usize).iter().for_each(|group| cells[*group] += 1);
                continue;
            }
            Measure::Awards { cap, level } => {
                let height = |row: Row| {
                    let Some(level) = level else { return 0 };
                    let code = node.value(&[row], &level.column).unwrap();
                    let code = usize::try_from(code).unwrap();
                    if level.codes[code] == "unknown" { 0 } else { 1 + code }
                };
                let mut levels: BTreeMap<_, Vec<usize>> = BTreeMap::new();
                for row in &counting {
                    let groups = levels.entry(Reverse(height(*row))).or_default();
                    groups.push(node.group(table, *row, learner));
                }
                let mut left = *cap as usize;
                for groups in levels.values_mut() {
                    groups.sort_unstable();
                    chosen(groups, left).iter().for_each(|group| cells[*group] += 1);
                    left -= left.min(groups.len());
                }
                continue;
            }
            Measure::Mean { value, clip, .. } => {
                if let Some(value) = node.quantity(value, &counting) {
                    let value = value.max(clip.lo().into()).min(clip.hi().into());
                    cells[2 * group] += 1;
                    cells[2 * group + 1] +=
                        i64::try_from(2 * value).unwrap() - clip.lo() - clip.hi();
                }
                continue;
            }
            Measure::Distribution { value, bins, .. } => {
                let bin = match node.quantity(value, &counting) {
                    None => bins.count(),
                    Some(value) => {
                        let above = |edge: &&i64| i128::from(**edge) > value;
                        let last = bins.count() - 1;
                        match bins.edges().iter().position(|edge| above(&edge)) {
                            Some(edge) => edge.saturating_sub(1),
                            None => last,
                        }
                    }
                };
                cells[group * (bins.count() + 1) + bin] += 1;
                continue;
            }
        }
        let outcome = definition.outcomes.iter().position(|outcome| match &outcome.when {
            When::Otherwise | When::Measured => true,
            When::AnyRow(when) => counting.iter().any(|row| node.holds(when, &[*row, learner])),
            When::Exists { in_table, when } => {
                let rows = node.rows(*in_table, person);
                rows.iter().any(|row| node.holds(when, &[*row, last, learner]))
            }
        });
        cells[group * definition.outcomes.len() + outcome.unwrap()] += 1;
    }
    cells
}

fn in_period(table: &Table, anchor: Cell) -> bool {
    let Some(anchor) = anchor else { return false };
    let anchor = i32::try_from(anchor).unwrap();
    let starts = table.year_starts();
    let lag = i16::from(table.kpi().definition.anchor.lag_years());
    let day = match table.kpi().definition.anchor {
        Anchor::Within { .. } => {
            Some(Date::constant(1970, 1, 1).checked_add(anchor.days()).unwrap())
        }
        Anchor::Cohort { .. } => None,
    };
    let year = match day {
        Some(day) => starts.year_of(day).first(),
        None => i16::try_from(anchor).unwrap(),
    } + lag;
    match (table.period(), day) {
        (Period::Year(only), _) => year == only.first(),
        (Period::Years { first, last }, _) => (first.first()..=last.first()).contains(&year),
        (Period::Quarter { year, quarter }, Some(day)) => {
            (day.year() + lag, (day.month() - 1) / 3) == (year, quarter - 1)
        }
        // The term's own days, moved by the lag; it begins on no 29 February.
        (Period::Term(_), Some(day)) => {
            let begins = |day: Date| day.checked_sub(i32::from(lag).years()).unwrap();
            let span = table.span();
            begins(span.first) <= day && day < begins(span.last.tomorrow().unwrap())
        }
        (Period::Quarter { .. } | Period::Term(_), None) => panic!("a cohort is of a year"),
    }
}

impl Node<'_> {
    /// The combination of dimension codes of a row and its learner.
    fn group(&self, table: &Table, row: Row, learner: Row) -> usize {
        let mut group = 0;
        for (dimension, column) in table.axes() {
            let value = self.value(&[row, learner], &column);
            let code = match &dimension.source {
                DimensionSource::Column(_) => usize::try_from(value.unwrap()).unwrap(),
                DimensionSource::Years { first, last, .. } => {
                    let listed =
                        value.filter(|year| (*first..=*last).any(|one| i64::from(one) == *year));
                    let place =
                        listed.map(|year| usize::try_from(year - i64::from(*first)).unwrap());
                    place.unwrap_or(dimension.codes.len() - 1)
                }
                DimensionSource::Age(cuts) => match value {
                    None => dimension.codes.len() - 1,
                    Some(birth) => {
                        let age = i64::from(table.span().first.year()) - birth;
                        cuts.iter().take_while(|cut| age >= i64::from(**cut)).count()
                    }
                },
            };
            group = group * dimension.codes.len() + code;
        }
        group
    }

    /// What a learner has, by the rows that count.
    fn quantity(&self, quantity: &Quantity, counting: &[Row]) -> Option<i128> {
        let sum = |column: &ColumnRef| {
            let said = counting.iter().filter_map(|row| self.value(&[*row], column));
            said.map(i128::from).reduce(|one, other| one + other)
        };
        match quantity {
            Quantity::Sum(column) => sum(column),
            Quantity::Ratio { of, to } => {
                let (above, below) = (sum(of)? * 10_000, sum(to)?);
                let truncated = above.checked_div(below)?;
                let rest = above - truncated * below;
                let away = if (above < 0) == (below < 0) { 1 } else { -1 };
                Some(if 2 * rest.abs() >= below.abs() { truncated + away } else { truncated })
            }
            Quantity::Days { until, from } => {
                let days = counting.iter().filter_map(|row| {
                    Some(self.value(&[*row], until)? - self.value(&[*row], from)?)
                });
                days.min().map(i128::from)
            }
        }
    }

    /// A learner's rows, in the order given; of the learner table one, whatever was given.
    fn rows(&self, table: TableName, person: PersonKey) -> Vec<Row> {
        let given = self.canonical.tables.get(&table).map_or(&[][..], |rows| &rows.person);
        let theirs = given.iter().enumerate().filter(|(_, key)| **key == person);
        let theirs: Vec<Row> = theirs.map(|(row, _)| (table, Source::Row(row))).collect();
        match (table, theirs.last()) {
            (TableName::Learner, None) => vec![(table, Source::Nobody)],
            (TableName::Learner, Some(last)) => vec![*last],
            _ => theirs,
        }
    }

    fn value(&self, rows: &[Row], column: &ColumnRef) -> Cell {
        let (table, source) = rows.iter().find(|(table, _)| *table == column.table).unwrap();
        let Source::Row(row) = *source else {
            let kind = &self.schema.column(*table, &column.column).unwrap().kind;
            let unknown = kind.codes()?.iter().position(|code| code.id == "unknown").unwrap();
            return Some(i64::try_from(unknown).unwrap());
        };
        let columns = &self.canonical.tables[table].columns;
        match &columns.iter().find(|(name, _)| *name == column.column).unwrap().1 {
            Values::Code(codes) => Some(codes[row].into()),
            Values::Date(days) => days[row].map(i64::from),
            Values::Year(years) => years[row].map(i64::from),
            Values::Integer(numbers) => numbers[row],
        }
    }

    fn holds(&self, predicate: &Predicate, rows: &[Row]) -> bool {
        self.truth(predicate, rows) == Some(true)
    }

    /// True, false or unknown.
    fn truth(&self, predicate: &Predicate, rows: &[Row]) -> Option<bool> {
        let value = |column| self.value(rows, column);
        match predicate {
            Predicate::True => Some(true),
            Predicate::Compare { column, op, value: constant } => {
                Some(compare(*op, value(column)?.cmp(&literal(constant))))
            }
            Predicate::CompareDates { column, op, other, plus } => {
                let (left, right) = (value(column)?, value(other)?);
                let right = Date::constant(1970, 1, 1).checked_add(right.days()).unwrap();
                let right = right.checked_add(plus.months.months()).unwrap();
                let right = right.checked_add(plus.days.days()).unwrap();
                Some(compare(*op, left.cmp(&literal(&Value::Date(right)))))
            }
            Predicate::In { column, values } => {
                let found = value(column)?;
                Some(values.iter().any(|value| literal(value) == found))
            }
            Predicate::IsNull(column) => Some(value(column).is_none()),
            Predicate::And(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.truth(part, rows)).collect();
                if parts.contains(&Some(false)) {
                    return Some(false);
                }
                (!parts.contains(&None)).then_some(true)
            }
            Predicate::Or(parts) => {
                let parts: Vec<_> = parts.iter().map(|part| self.truth(part, rows)).collect();
                if parts.contains(&Some(true)) {
                    return Some(true);
                }
                (!parts.contains(&None)).then_some(false)
            }
            Predicate::Not(inner) => self.truth(inner, rows).map(|truth| !truth),
        }
    }
}

fn compare(op: Op, order: Ordering) -> bool {
    match op {
        Op::Equal => order.is_eq(),
        Op::NotEqual => order.is_ne(),
        Op::Less => order.is_lt(),
        Op::LessOrEqual => order.is_le(),
        Op::Greater => order.is_gt(),
        Op::GreaterOrEqual => order.is_ge(),
    }
}

fn literal(value: &Value) -> i64 {
    match value {
        Value::Code { index, .. } => (*index).into(),
        Value::Date(date) => {
            let since = Date::constant(1970, 1, 1).until(*date).unwrap();
            since.get_days().into()
        }
        Value::Year(year) => (*year).into(),
        Value::Integer(number) => *number,
    }
}
