//! Proof that the MOU in force allows a question, to be measured; [`crate::DerivePermit`] is the other kind.

use std::sync::Arc;

use crate::clause::Clause;
use crate::derive::DerivePermit;
use crate::digest::Sha256;
use crate::dimension::{Breakdown, Dimension};
use crate::mou::{Approval, Kpi};
use crate::period::{Period, Span, Year, YearStart};
use crate::predicate::ColumnRef;
use crate::question::Question;
use crate::refusal::{Reason, Refusal};
use crate::schema::{Code, TableName};
use crate::table::TableKey;

/// Proof that the MOU in force allows this question from this peer, made only by [`crate::decide()`]. It
/// carries all that a table needs: nothing downstream looks the MOU up again.
#[derive(Debug, Clone)]
pub struct Permit {
    pub(crate) question: Question,
    pub(crate) clause: Clause,
    pub(crate) mou: Sha256,
    pub(crate) table: Table,
    pub(crate) accounting_year: Year,
    pub(crate) budget_nano_rho: u64,
    pub(crate) may_measure: bool,
}

/// What the MOU in force allows of a question.
#[derive(Debug, Clone)]
pub enum Permitted {
    /// A listed table: released, or to be measured and paid for.
    Measure(Permit),
    /// An unlisted one, to be added up from one that is released; free.
    Derive(DerivePermit),
}

/// A table resolved under one MOU: its meaning, its axes, its name. Says nothing about who may ask.
#[derive(Debug, Clone)]
pub struct Table {
    pub(crate) key: TableKey,
    pub(crate) definition_hash: Sha256,
    pub(crate) kpi: Arc<Kpi>,
    pub(crate) period: Period,
    pub(crate) span: Span,
    pub(crate) rows_span: Span,
    pub(crate) year_starts: YearStart,
    pub(crate) breakdown: Breakdown,
    pub(crate) dimensions: Vec<Arc<Dimension>>,
    /// The canonical table in which each dimension's column is.
    pub(crate) axis_tables: Vec<TableName>,
}

impl Permitted {
    /// The question allowed.
    pub fn question(&self) -> &Question {
        match self {
            Self::Measure(permit) => permit.question(),
            Self::Derive(permit) => permit.question(),
        }
    }

    /// The table allowed.
    pub fn table(&self) -> &Table {
        match self {
            Self::Measure(permit) => permit.table(),
            Self::Derive(permit) => permit.roll_up().table(),
        }
    }
}

impl Permit {
    /// The question allowed.
    pub fn question(&self) -> &Question {
        &self.question
    }

    /// The clause that allows it.
    pub fn clause(&self) -> &Clause {
        &self.clause
    }

    /// The MOU version that allows it.
    pub fn mou(&self) -> Sha256 {
        self.mou
    }

    /// The table allowed.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// The accounting year whose budget pays.
    pub fn accounting_year(&self) -> Year {
        self.accounting_year
    }

    /// First and last day of that year.
    pub fn accounting_span(&self) -> Span {
        self.accounting_year.span(self.table.year_starts)
    }

    /// What the node may spend in that year, in nano-ρ.
    pub fn budget_nano_rho(&self) -> u64 {
        self.budget_nano_rho
    }

    /// What it takes to have the table measured and paid for: nobody's approval, or this one at each node.
    ///
    /// # Errors
    /// `NOT_RELEASED_YET` where the asker's party may only read what is released already.
    pub fn needs(&self) -> Result<Option<Approval>, Refusal> {
        if self.may_measure {
            return Ok(self.table.kpi().needs);
        }
        Err(Refusal {
            reason: Reason::NotReleasedYet,
            clause: Clause::at("roles"),
            message: "this table is not released yet, and your party may read but not ask"
                .to_owned(),
            hint: "a party that may ask has it measured; see the MOU's [roles]".to_owned(),
        })
    }

    /// Leave to have the table measured and paid for, as far as the MOU alone gives it.
    ///
    /// # Errors
    /// `NOT_RELEASED_YET` as in [`Permit::needs`]; `HELD` where a person has to approve.
    pub fn measure(&self) -> Result<(), Refusal> {
        let kpi = self.table.kpi();
        match self.needs()? {
            None => Ok(()),
            Some(approval) => Err(Refusal {
                reason: Reason::Held,
                clause: Clause::at(format!("kpi.{}.needs", kpi.id)),
                message: format!("`{}` needs {approval} at each node", kpi.id),
                hint: "asking puts it before the node's stewards, who decide".to_owned(),
            }),
        }
    }
}

impl Table {
    /// Whether its KPI lists it: it is then always measured, and never derived.
    pub fn is_listed(&self) -> bool {
        self.kpi.by.iter().any(|listed| listed.is_same(&self.breakdown))
    }

    /// What names its first measurement; see [`TableKey::at`].
    pub fn key(&self) -> TableKey {
        self.key
    }

    /// SHA-256 of the resolved definition; answers with unequal ones are not added up.
    pub fn definition_hash(&self) -> Sha256 {
        self.definition_hash
    }

    /// The KPI.
    pub fn kpi(&self) -> &Arc<Kpi> {
        &self.kpi
    }

    /// The period.
    pub fn period(&self) -> Period {
        self.period
    }

    /// First and last day of the period.
    pub fn span(&self) -> Span {
        self.span
    }

    /// First and last day of what its rows are of: the period, or the same one of so many years earlier.
    pub fn rows_span(&self) -> Span {
        self.rows_span
    }

    /// When reporting years start.
    pub fn year_starts(&self) -> YearStart {
        self.year_starts
    }

    /// The dimensions' ids, in alphabetical order.
    pub fn breakdown(&self) -> &Breakdown {
        &self.breakdown
    }

    /// The axes, in that order.
    pub fn dimensions(&self) -> &[Arc<Dimension>] {
        &self.dimensions
    }

    /// Cells: codes of the first dimension × … × codes of the last × outcomes, row-major, the outcome
    /// running fastest.
    pub fn cells(&self) -> usize {
        let groups: usize = self.dimensions.iter().map(|dimension| dimension.codes.len()).product();
        groups * self.kpi.definition.outcomes.len()
    }

    /// The codes of the group at this place among [`Table::cells`] divided by the outcomes, one per dimension.
    pub fn codes_at(&self, group: usize) -> Vec<Code> {
        let mut rest = group;
        let axes = self.dimensions.iter().rev();
        let codes = axes.filter_map(|axis| {
            let count = axis.codes.len().max(1);
            let code = axis.codes.get(rest % count).cloned();
            rest /= count;
            code
        });
        let mut codes: Vec<_> = codes.collect();
        codes.reverse();
        codes
    }

    /// Each dimension with the column it reads.
    pub fn axes(&self) -> impl Iterator<Item = (&Arc<Dimension>, ColumnRef)> {
        self.dimensions.iter().zip(&self.axis_tables).map(|(dimension, table)| {
            let column = dimension.source.column().to_owned();
            (dimension, ColumnRef { table: *table, column })
        })
    }
}
