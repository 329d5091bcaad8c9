//! What a node states by releasing a table, and the bytes it signs.

use jiff::Timestamp;
use prost::Message;
use sumac_policy::{
    Breakdown, DimensionId, KpiId, Margin, PartyId, Period, Sha256, TableKey, Year,
};

use crate::field::{WireError, all_parsed, at_most, bytes32, digest, margin, parsed};
use crate::limits::{MAX_BREAKDOWN, MAX_CELLS, MAX_OUTCOMES, MAX_TEXT};
use crate::wire;

/// The version of the body that this software writes and reads.
const FORMAT: u32 = 1;

/// A release whose statements agree with each other. Whether they agree with the MOU, and who signed them, is
/// for its reader to check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    facts: ReleaseFacts,
}

/// What a release states. Read through [`Release::facts`], which only hands out facts that fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFacts {
    /// The party whose node measured.
    pub party: PartyId,
    /// The MOU version that permitted it.
    pub mou: Sha256,
    /// Names the table at its revision: [`TableKey::at`].
    pub table: TableKey,
    /// The resolved definition.
    pub definition: Sha256,
    /// How often the table was measured or added up anew; 0 for the first time.
    pub revision: u32,
    /// The KPI.
    pub kpi: KpiId,
    /// The period.
    pub period: Period,
    /// The dimensions, in the order in which `cells` runs through them.
    pub breakdown: Breakdown,
    /// The ids of every group's outcomes, in order.
    pub outcomes: Vec<String>,
    /// Noisy counts: groups in row-major order of the dimensions' codes, the outcome running fastest.
    pub cells: Vec<i64>,
    /// Each cell's margin.
    pub margin: Margin,
    /// Where the noise came from; of a derived table, that of each cell added.
    pub mechanism: Mechanism,
    /// What the table cost, in nano-ρ; 0 exactly where it is derived.
    pub price_nano_rho: u64,
    /// Binds the release to its snapshot, by a key that the node keeps.
    pub snapshot_commitment: [u8; 32],
    /// When.
    pub measured_at: Timestamp,
    /// The accounting year that paid.
    pub accounting_year: Year,
    /// What was left of that year's budget once the table was charged, in nano-ρ; none exactly where it is derived.
    pub left_nano_rho: Option<u64>,
    /// Set where the MOU lets each node judge the floor.
    pub withheld: Option<Withheld>,
    /// Set where the table was not measured, but added up from a released one.
    pub derived_from: Option<DerivedFrom>,
}

/// The released table whose cells were added up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DerivedFrom {
    /// Names it at its revision.
    pub table: TableKey,
    /// That revision.
    pub revision: u32,
}

/// Where noise comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Discrete Gaussian with the rational deviation 25/49 of the margin.
    DiscreteGaussian,
}

/// What a node withheld by its own floor, judged on noisy values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The floor, in learners; never 0.
    pub below: u32,
    /// Which groups, ascending from 0 in the order of the cells; their cells are 0.
    pub groups: Vec<u32>,
}

impl Release {
    /// Holds the facts against each other.
    ///
    /// # Errors
    /// The first one that does not fit the others.
    pub fn new(facts: ReleaseFacts) -> Result<Self, WireError> {
        let outcomes = facts.outcomes.len();
        at_most("outcomes", outcomes, MAX_OUTCOMES)?;
        at_most("cells", facts.cells.len(), MAX_CELLS)?;
        at_most("breakdown", facts.breakdown.dimensions().len(), MAX_BREAKDOWN)?;
        for (position, outcome) in facts.outcomes.iter().enumerate() {
            at_most("outcomes", outcome.len(), MAX_TEXT)?;
            if outcome.is_empty() || facts.outcomes.iter().take(position).any(|o| o == outcome) {
                return Err(WireError::unsound("outcomes", "empty or twice the same"));
            }
        }
        if outcomes == 0 || facts.cells.is_empty() || !facts.cells.len().is_multiple_of(outcomes) {
            let what = format!("{} cells for {outcomes} outcomes", facts.cells.len());
            return Err(WireError::unsound("cells", what));
        }
        match (facts.price_nano_rho, &facts.derived_from) {
            (0, None) => return Err(WireError::Missing("price_nano_rho")),
            (1.., Some(_)) => {
                return Err(WireError::unsound("price_nano_rho", "a derived table costs nothing"));
            }
            _ => {}
        }
        match (facts.left_nano_rho, &facts.derived_from) {
            (None, None) => return Err(WireError::Missing("left_nano_rho")),
            (Some(_), Some(_)) => {
                return Err(WireError::unsound("left_nano_rho", "a derived table is not charged"));
            }
            _ => {}
        }
        if let Some(withheld) = &facts.withheld {
            check_withheld(withheld, &facts.cells, outcomes)?;
        }
        Ok(Self { facts })
    }

    /// What it states.
    pub fn facts(&self) -> &ReleaseFacts {
        &self.facts
    }

    /// Groups: combinations of dimension codes, 1 for the total.
    pub fn groups(&self) -> usize {
        self.facts.cells.len() / self.facts.outcomes.len().max(1)
    }

    /// The body to sign. Called once per release, by its node; everybody else carries the bytes.
    pub fn encode(&self) -> Vec<u8> {
        wire::ReleaseBody::from(&self.facts).encode_to_vec()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// Bytes that are no body of a format this version reads, or statements that do not fit together.
    pub fn decode(body: &[u8]) -> Result<Self, WireError> {
        let message = wire::ReleaseBody::decode(body)
            .map_err(|source| WireError::Undecodable { message: "release body", source })?;
        Self::new(ReleaseFacts::try_from(message)?)
    }
}

/// A withheld group must exist, once, and must not show its cells.
fn check_withheld(withheld: &Withheld, cells: &[i64], outcomes: usize) -> Result<(), WireError> {
    if withheld.below == 0 {
        return Err(WireError::unsound("withheld_below", "a floor of 0 withholds nothing"));
    }
    if !withheld.groups.is_sorted_by(|one, next| one < next) {
        return Err(WireError::unsound("withheld_groups", "not ascending"));
    }
    let shown: Vec<_> = cells.chunks(outcomes).collect();
    for group in &withheld.groups {
        let hidden = usize::try_from(*group).ok().and_then(|group| shown.get(group));
        if hidden.is_none_or(|cells| cells.iter().any(|cell| *cell != 0)) {
            let what = format!("group {group} does not exist or shows its cells");
            return Err(WireError::unsound("withheld_groups", what));
        }
    }
    Ok(())
}

impl From<&ReleaseFacts> for wire::ReleaseBody {
    fn from(facts: &ReleaseFacts) -> Self {
        let ReleaseFacts {
            party,
            mou,
            table,
            definition,
            revision,
            kpi,
            period,
            breakdown,
            outcomes,
            cells,
            margin,
            mechanism,
            price_nano_rho,
            snapshot_commitment,
            measured_at,
            accounting_year,
            left_nano_rho,
            withheld,
            derived_from,
        } = facts;
        Self {
            format: FORMAT,
            party: party.to_string(),
            mou_sha256: mou.as_bytes().to_vec(),
            table_key: table.as_bytes().to_vec(),
            definition_sha256: definition.as_bytes().to_vec(),
            revision: *revision,
            kpi: kpi.to_string(),
            period: period.to_string(),
            breakdown: breakdown.dimensions().iter().map(ToString::to_string).collect(),
            outcomes: outcomes.clone(),
            cells: cells.clone(),
            margin: margin.learners(),
            mechanism: match mechanism {
                Mechanism::DiscreteGaussian => wire::Mechanism::DiscreteGaussian.into(),
            },
            price_nano_rho: *price_nano_rho,
            snapshot_commitment: snapshot_commitment.to_vec(),
            measured_at: Some(timestamp(*measured_at)),
            accounting_year: accounting_year.to_string(),
            withheld_below: withheld.as_ref().map(|withheld| withheld.below),
            withheld_groups: withheld.as_ref().map_or_else(Vec::new, |w| w.groups.clone()),
            derived_from: derived_from.map(|from| from.table.as_bytes().to_vec()),
            derived_from_revision: derived_from.map_or(0, |from| from.revision),
            left_nano_rho: *left_nano_rho,
        }
    }
}

impl TryFrom<wire::ReleaseBody> for ReleaseFacts {
    type Error = WireError;
    fn try_from(message: wire::ReleaseBody) -> Result<Self, WireError> {
        let wire::ReleaseBody {
            format,
            party,
            mou_sha256,
            table_key,
            definition_sha256,
            revision,
            kpi,
            period,
            breakdown,
            outcomes,
            cells,
            margin: learners,
            mechanism,
            price_nano_rho,
            snapshot_commitment,
            measured_at,
            accounting_year,
            withheld_below,
            withheld_groups,
            derived_from,
            derived_from_revision: revision_from,
            left_nano_rho,
        } = message;
        if format != FORMAT {
            return Err(WireError::Unknown { field: "format", value: format.into() });
        }
        let dimensions: Vec<DimensionId> = all_parsed("breakdown", &breakdown, MAX_BREAKDOWN)?;
        let withheld = match withheld_below {
            Some(below) => Some(Withheld { below, groups: withheld_groups }),
            None if withheld_groups.is_empty() => None,
            None => return Err(WireError::Missing("withheld_below")),
        };
        let derived_from = match derived_from {
            Some(key) => Some(DerivedFrom {
                table: bytes32("derived_from", &key)?.into(),
                revision: revision_from,
            }),
            None if revision_from == 0 => None,
            None => return Err(WireError::Missing("derived_from")),
        };
        Ok(Self {
            party: parsed("party", &party)?,
            mou: digest("mou_sha256", &mou_sha256)?,
            table: bytes32("table_key", &table_key)?.into(),
            definition: digest("definition_sha256", &definition_sha256)?,
            revision,
            kpi: parsed("kpi", &kpi)?,
            period: parsed("period", &period)?,
            breakdown: Breakdown::by(dimensions),
            outcomes,
            cells,
            margin: margin("margin", learners)?,
            mechanism: read_mechanism(mechanism)?,
            price_nano_rho,
            snapshot_commitment: bytes32("snapshot_commitment", &snapshot_commitment)?,
            measured_at: read_timestamp(measured_at.ok_or(WireError::Missing("measured_at"))?)?,
            accounting_year: parsed("accounting_year", &accounting_year)?,
            left_nano_rho,
            withheld,
            derived_from,
        })
    }
}

fn read_mechanism(mechanism: i32) -> Result<Mechanism, WireError> {
    match wire::Mechanism::try_from(mechanism) {
        Ok(wire::Mechanism::DiscreteGaussian) => Ok(Mechanism::DiscreteGaussian),
        Ok(wire::Mechanism::Unspecified) | Err(_) => {
            Err(WireError::Unknown { field: "mechanism", value: mechanism.into() })
        }
    }
}

/// On the wire, nanoseconds count forward from the second, before 1970 too.
fn timestamp(time: Timestamp) -> prost_types::Timestamp {
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    let (seconds, nanos) =
        if nanos < 0 { (seconds - 1, nanos + 1_000_000_000) } else { (seconds, nanos) };
    prost_types::Timestamp { seconds, nanos }
}

fn read_timestamp(time: prost_types::Timestamp) -> Result<Timestamp, WireError> {
    let prost_types::Timestamp { seconds, nanos } = time;
    if !(0..1_000_000_000).contains(&nanos) {
        return Err(WireError::unsound("measured_at", "nanoseconds outside a second"));
    }
    Timestamp::new(seconds, nanos).map_err(|error| WireError::unsound("measured_at", error))
}

#[cfg(test)]
mod tests;
