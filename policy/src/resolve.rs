//! From the words of a question to the table they mean under one MOU.

use std::sync::Arc;

use sha2::{Digest, Sha256 as Hasher};

use crate::clause::Clause;
use crate::derive::{RollUp, Source};
use crate::digest::Sha256;
use crate::dimension::{Breakdown, table_of};
use crate::mou::{Kpi, Limit, Mou, Restriction};
use crate::names::{DimensionId, KpiId};
use crate::nearest::nearest;
use crate::period::{Period, PeriodKind, Span};
use crate::permit::Table;
use crate::refusal::{Reason, Refusal};
use crate::table::TableKey;

/// A table's key names its first measurement; [`TableKey::at`] names the later ones.
const REVISION: u32 = 0;

/// What a question's words mean under one MOU.
#[derive(Debug, Clone)]
pub enum Resolved {
    /// A table that the MOU lists: always measured itself.
    Listed(Table),
    /// One that it does not list, and that a listed table holds every cell of.
    RollUp(RollUp),
}

impl Resolved {
    /// What these words mean under `mou`, whoever asks and whenever.
    ///
    /// # Errors
    /// `KPI_NOT_LISTED`, `BREAKDOWN_NOT_LISTED`, `RESTRICTED`, `PERIOD_NOT_OF_KPI`.
    pub fn of(
        mou: &Mou,
        kpi: &KpiId,
        period: Period,
        breakdown: &Breakdown,
    ) -> Result<Self, Refusal> {
        let kpi = mou.kpi(kpi).ok_or_else(|| not_listed(mou, kpi))?;
        unrestricted(mou.restrictions(), mou, kpi, breakdown, "restrict")?;
        let mut ids = breakdown.dimensions().to_vec();
        ids.sort();
        let larger: Vec<_> = kpi.by.iter().filter(|listed| holds(listed, &ids)).collect();
        let listed = kpi.by.iter().any(|listed| listed.is_same(breakdown));
        if !listed && larger.is_empty() {
            return Err(breakdown_not_listed(kpi, breakdown));
        }
        let span = aligned(mou, kpi, period)?;
        let table = build(mou, kpi, (period, span), ids)?;
        if listed {
            return Ok(Self::Listed(table));
        }
        let resolved = larger.iter().filter_map(|by| Table::resolve(mou, &kpi.id, period, by).ok());
        let sources: Vec<_> = resolved.filter_map(|source| Source::of(&table, source)).collect();
        if sources.is_empty() {
            return Err(breakdown_not_listed(kpi, breakdown));
        }
        Ok(Self::RollUp(RollUp::from(table, sources)))
    }

    /// The table asked for, measured or derived.
    pub fn table(&self) -> &Table {
        match self {
            Self::Listed(table) => table,
            Self::RollUp(roll_up) => roll_up.table(),
        }
    }
}

impl Table {
    /// The listed table that these words name under `mou`, whoever asks and whenever.
    ///
    /// # Errors
    /// `KPI_NOT_LISTED`, `BREAKDOWN_NOT_LISTED`, `RESTRICTED`, `PERIOD_NOT_OF_KPI`.
    pub fn resolve(
        mou: &Mou,
        kpi: &KpiId,
        period: Period,
        breakdown: &Breakdown,
    ) -> Result<Self, Refusal> {
        match Resolved::of(mou, kpi, period, breakdown)? {
            Resolved::Listed(table) => Ok(table),
            Resolved::RollUp(roll_up) => {
                Err(breakdown_not_listed(roll_up.table().kpi(), breakdown))
            }
        }
    }
}

/// Whether a listed breakdown has every one of these dimensions, each once, and others besides.
fn holds(listed: &Breakdown, sorted: &[DimensionId]) -> bool {
    let distinct = sorted.windows(2).all(|pair| pair.first() != pair.last());
    distinct
        && listed.dimensions().len() > sorted.len()
        && sorted.iter().all(|id| listed.dimensions().contains(id))
}

fn breakdown_not_listed(kpi: &Kpi, breakdown: &Breakdown) -> Refusal {
    let listed: Vec<_> = kpi.by.iter().map(ToString::to_string).collect();
    Refusal {
        reason: Reason::BreakdownNotListed,
        clause: Clause::at(format!("kpi.{}.by", kpi.id)),
        message: format!("`{}` is not broken down by {breakdown}", kpi.id),
        hint: format!("the MOU lists: {}", listed.join("; ")),
    }
}

/// First and last day of the period, if the KPI is reported by such a one.
pub(crate) fn aligned(mou: &Mou, kpi: &Kpi, period: Period) -> Result<Span, Refusal> {
    let is_of_kpi = period.kind() == kpi.period && is_aligned(mou, period);
    is_of_kpi
        .then(|| mou.calendar().span(period))
        .flatten()
        .ok_or_else(|| not_of_kpi(mou, kpi, period))
}

fn not_of_kpi(mou: &Mou, kpi: &Kpi, period: Period) -> Refusal {
    // A sound MOU has a first period of every kind that its KPIs are reported by.
    let first = mou.calendar().periods(kpi.period).next();
    let mut hint = first.map_or_else(String::new, |first| format!("such as {first}"));
    if kpi.period == PeriodKind::Term {
        let names: Vec<_> = mou.calendar().terms.iter().map(|(name, _)| name.as_str()).collect();
        hint += &format!("; the MOU's terms are {}", names.join(", "));
    }
    Refusal {
        reason: Reason::PeriodNotOfKpi,
        clause: Clause::at(format!("kpi.{}.period", kpi.id)),
        message: format!(
            "`{}` is reported by {}, and {period} is no such period",
            kpi.id, kpi.period
        ),
        hint,
    }
}

/// The table of dimensions in one order, however the MOU lists them, so that two versions cannot name one
/// table twice.
fn build(
    mou: &Mou,
    kpi: &Arc<Kpi>,
    (period, span): (Period, Span),
    sorted: Vec<DimensionId>,
) -> Result<Table, Refusal> {
    let mut dimensions = Vec::new();
    let mut axis_tables = Vec::new();
    for id in &sorted {
        // A sound MOU lists only dimensions that exist and that the KPI can read.
        let dimension = mou.dimension(id).ok_or_else(|| not_listed(mou, &kpi.id))?;
        let table = table_of(mou.schema(), kpi.definition.of, dimension.source.column());
        dimensions.push(dimension.clone());
        axis_tables.push(table.ok_or_else(|| not_listed(mou, &kpi.id))?);
    }
    let axes: Vec<_> =
        dimensions.iter().map(AsRef::as_ref).zip(axis_tables.iter().copied()).collect();
    let definition_hash = Sha256::of(kpi.definition.canonical(&axes).as_bytes());
    let earlier = period.earlier(kpi.definition.anchor.lag_years());
    let rows_span = mou.calendar().span(earlier).ok_or_else(|| not_of_kpi(mou, kpi, period))?;
    Ok(Table {
        key: key(definition_hash, period, span),
        definition_hash,
        kpi: kpi.clone(),
        period,
        span,
        rows_span,
        year_starts: mou.calendar().year_starts,
        breakdown: Breakdown::by(sorted),
        dimensions,
        axis_tables,
    })
}

/// Spans of years are laid end to end from the first period; all other periods always are.
fn is_aligned(mou: &Mou, period: Period) -> bool {
    let Period::Years { first, last } = period else { return true };
    let count = last.first() - first.first() + 1;
    (first.first() - mou.calendar().first_period.first()).rem_euclid(count) == 0
}

/// The days are part of the name: where an amendment moves a term or the start of years, the same label names
/// another table.
fn key(definition: Sha256, period: Period, span: Span) -> TableKey {
    let mut hasher = Hasher::new();
    hasher.update(b"sumac-table/1\0");
    hasher.update(definition.as_bytes());
    hasher.update(format!("{}\0{}\0{}\0{REVISION}", period, span.first, span.last));
    TableKey::from(<[u8; 32]>::from(hasher.finalize()))
}

fn not_listed(mou: &Mou, kpi: &KpiId) -> Refusal {
    let ids = || mou.kpis().iter().map(|kpi| kpi.id.as_str());
    let hint = match nearest(kpi.as_str(), ids()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("the MOU lists: {}", ids().collect::<Vec<_>>().join(", ")),
    };
    Refusal {
        reason: Reason::KpiNotListed,
        clause: Clause::at("kpi"),
        message: format!("the MOU lists no KPI `{kpi}`"),
        hint,
    }
}

/// A restriction covers a column wherever it is used: as a breakdown and in the KPI's own conditions. `place` names
/// the list of restrictions in clauses.
pub(crate) fn unrestricted(
    restrictions: &[Restriction],
    mou: &Mou,
    kpi: &Kpi,
    breakdown: &Breakdown,
    place: &str,
) -> Result<(), Refusal> {
    for (n, restriction) in restrictions.iter().enumerate() {
        if let Some(what) = restriction.refuses(mou, kpi, breakdown) {
            return Err(Refusal {
                reason: Reason::Restricted,
                clause: Clause::at(format!("{place}[{}]", n + 1)),
                message: format!("`{what}` is restricted: {}", restriction.because),
                hint: match restriction.limit {
                    Limit::Kpi => "ask for another KPI".to_owned(),
                    _ => "ask without it".to_owned(),
                },
            });
        }
    }
    Ok(())
}
