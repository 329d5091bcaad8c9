//! What a table reads and how, worked out once for all blocks.

use std::collections::BTreeMap;

use sumac_policy::{
    Anchor, Bins, Clip, ColumnRef, Definition, Measure, Quantity, Table, TableKey, TableName,
    Value, When, needed,
};

use super::axis::Axis;
use super::bits::WORD;
use super::condition::reads;
use super::{MAX_CELLS, TabulateError};

/// A table, ready to be counted.
pub(super) struct Plan<'a> {
    pub(super) definition: &'a Definition,
    /// Names the table, whatever its revision.
    pub(super) key: TableKey,
    /// The anchor's column, and the first and last of its values that lie in the period.
    pub(super) anchor: (ColumnRef, Value, Value),
    pub(super) axes: Vec<Axis>,
    /// What becomes of a learner's rows that count.
    pub(super) work: Work<'a>,
    /// The columns to read of each table.
    pub(super) columns: BTreeMap<TableName, Vec<String>>,
    /// Whether an outcome is found in another table's rows beside those that are counted.
    pub(super) keeps_rows: bool,
    /// Whether conditions on the rows that are counted read their learner's own row too.
    pub(super) own_reads_learner: bool,
    pub(super) outcomes: u32,
    /// The outcome of everybody left; one past the last if there is none.
    pub(super) otherwise: u32,
    pub(super) cells: usize,
}

/// What becomes of a learner's rows that count.
pub(super) enum Work<'a> {
    /// One is added to the cell of their last row's group and their outcome.
    Once,
    /// One is added to each of so many groups of their rows, where a word has a bit for each place.
    Bits { cap: usize, places: Places },
    /// The same where there are more places.
    Groups { cap: usize, places: Places },
    /// One is added to the group of each of so many of their rows, the highest first.
    Rows { cap: usize, places: Places, level: Option<(ColumnRef, Vec<u16>)> },
    /// One, and what they have, is added to the two cells of their last row's group.
    Mean { value: &'a Quantity, clip: Clip },
    /// One is added to the cell of their last row's group and of what they have.
    Distribution { value: &'a Quantity, bins: &'a Bins },
}

/// The combinations of codes that a row alone decides, whatever the learner's own row says.
pub(super) struct Places {
    /// How far one code moves a row among them, for each axis of the counted table in turn.
    pub(super) strides: Vec<u32>,
    /// The group of each, where the learner's own codes are the first of their lists. Ascends.
    pub(super) groups: Vec<u32>,
}

impl Places {
    fn of(axes: &[Axis], of: TableName) -> Result<Self, TabulateError> {
        // The last axis runs fastest, as it does among the groups; so both have the same order.
        let own = axes.iter().filter(|axis| axis.column().table == of);
        let (mut strides, mut groups) = (Vec::new(), vec![0]);
        let mut stride = 1_u32;
        for axis in own {
            strides.push(stride);
            let codes = axis.length();
            let next = u32::try_from(codes).ok().and_then(|codes| stride.checked_mul(codes));
            stride = next.ok_or(TabulateError::TooManyCells)?;
            let moved = |code: u32| groups.iter().map(move |group| group + code * axis.stride());
            groups = (0..).take(codes).flat_map(moved).collect();
        }
        Ok(Self { strides, groups })
    }
}

impl<'a> Plan<'a> {
    pub(super) fn of(table: &'a Table) -> Result<Self, TabulateError> {
        if table.cells() > MAX_CELLS {
            return Err(TabulateError::TooManyCells);
        }
        let definition = &table.kpi().definition;
        let mut columns: BTreeMap<TableName, Vec<String>> = BTreeMap::new();
        columns.entry(definition.of).or_default();
        let mut keeps_rows = false;
        let mut own_reads_learner = reads(&definition.population, TableName::Learner);
        for outcome in &definition.outcomes {
            match &outcome.when {
                When::AnyRow(when) => own_reads_learner |= reads(when, TableName::Learner),
                When::Exists { in_table, when } => {
                    columns.entry(*in_table).or_default();
                    keeps_rows |= reads(when, definition.of);
                }
                When::Otherwise | When::Measured => {}
            }
        }
        for ColumnRef { table, column } in needed(table) {
            columns.entry(table).or_default().push(column);
        }
        let number =
            |outcomes: usize| u32::try_from(outcomes).map_err(|_| TabulateError::TooManyCells);
        let outcomes = definition.outcomes.len();
        let otherwise =
            definition.outcomes.iter().position(|outcome| outcome.when == When::Otherwise);
        let axes = axes(table)?;
        let work = match &definition.measure {
            Measure::Count { cap: None } | Measure::Rate => Work::Once,
            Measure::Count { cap: Some(cap) } => {
                let (cap, places) = (*cap as usize, Places::of(&axes, definition.of)?);
                if places.groups.len() <= WORD {
                    Work::Bits { cap, places }
                } else {
                    Work::Groups { cap, places }
                }
            }
            Measure::Awards { cap, level } => Work::Rows {
                cap: *cap as usize,
                places: Places::of(&axes, definition.of)?,
                level: level.as_ref().map(|level| (level.column.clone(), level.below_highest())),
            },
            Measure::Mean { value, clip, .. } => Work::Mean { value, clip: *clip },
            Measure::Distribution { value, bins, .. } => Work::Distribution { value, bins },
        };
        Ok(Self {
            definition,
            key: table.key(),
            anchor: anchor(table),
            axes,
            work,
            columns,
            keeps_rows,
            own_reads_learner,
            outcomes: number(outcomes)?,
            otherwise: number(otherwise.unwrap_or(outcomes))?,
            cells: table.cells(),
        })
    }
}

/// The axes, the last of which runs fastest.
fn axes(table: &Table) -> Result<Vec<Axis>, TabulateError> {
    let begins = table.span().first.year();
    let mut stride = 1;
    let mut axes = Vec::new();
    for (dimension, column) in table.axes().collect::<Vec<_>>().into_iter().rev() {
        axes.push(Axis::new(dimension, column, begins, stride));
        let codes = u32::try_from(dimension.codes.len()).ok();
        let next = codes.and_then(|codes| stride.checked_mul(codes));
        stride = next.ok_or(TabulateError::TooManyCells)?;
    }
    Ok(axes)
}

fn anchor(table: &Table) -> (ColumnRef, Value, Value) {
    let definition = &table.kpi().definition;
    let anchor = &definition.anchor;
    let column = ColumnRef { table: definition.of, column: anchor.column().to_owned() };
    let span = table.rows_span();
    match anchor {
        Anchor::Within { .. } => (column, Value::Date(span.first), Value::Date(span.last)),
        // A cohort is reported by year: those days are whole years, from the first to the last.
        Anchor::Cohort { .. } => {
            let year = |day| Value::Year(table.year_starts().year_of(day).first());
            (column, year(span.first), year(span.last))
        }
    }
}
