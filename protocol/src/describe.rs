//! What a node says about itself; nothing in it is derived from records.

use jiff::civil::Date;
use sumac_policy::{KpiId, PartyId, Period, Sha256, Target, Year};

use crate::field::{WireError, all_parsed, at_most, digest, parsed, words};
use crate::limits::{MAX_COVERS, MAX_TARGETS};
use crate::wire;

/// What a node says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The party.
    pub party: PartyId,
    /// Version of its software.
    pub software_version: String,
    /// The MOU version in force at the node.
    pub mou: Sha256,
    /// That version's number.
    pub mou_version: u32,
    /// What the operator stated about the data; none, if the node holds none.
    pub snapshot: Option<SnapshotFacts>,
    /// The accounting year of the two amounts below.
    pub accounting_year: Year,
    /// What the node may spend in that year, in nano-ρ.
    pub budget_nano_rho: u64,
    /// What it has spent, in nano-ρ.
    pub spent_nano_rho: u64,
    /// What the MOU means its KPIs to reach, for those that have a target.
    pub targets: Vec<(KpiId, Target)>,
}

/// What the operator stated about the data when it was frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnapshotFacts {
    /// The day on which it was taken from its source.
    pub as_of: Date,
    /// The periods it covers.
    pub covers: Vec<Period>,
}

impl From<Description> for wire::DescribeResponse {
    fn from(description: Description) -> Self {
        let Description {
            party,
            software_version,
            mou,
            mou_version,
            snapshot,
            accounting_year,
            budget_nano_rho,
            spent_nano_rho,
            targets,
        } = description;
        Self {
            party: party.to_string(),
            software_version,
            mou_sha256: mou.as_bytes().to_vec(),
            mou_version,
            snapshot: snapshot.map(|SnapshotFacts { as_of, covers }| wire::Snapshot {
                as_of: as_of.to_string(),
                covers: covers.iter().map(ToString::to_string).collect(),
            }),
            accounting_year: accounting_year.to_string(),
            budget_nano_rho,
            spent_nano_rho,
            targets: targets.into_iter().map(target_to_wire).collect(),
        }
    }
}

fn target_to_wire((kpi, target): (KpiId, Target)) -> wire::Target {
    let Target { from_millionths, to_millionths, by, max_gap_points_millionths } = target;
    let (kpi, by) = (kpi.to_string(), by.to_string());
    wire::Target { kpi, from_millionths, to_millionths, by, max_gap_points_millionths }
}

impl TryFrom<wire::DescribeResponse> for Description {
    type Error = WireError;
    fn try_from(message: wire::DescribeResponse) -> Result<Self, WireError> {
        let wire::DescribeResponse {
            party,
            software_version,
            mou_sha256,
            mou_version,
            snapshot,
            accounting_year,
            budget_nano_rho,
            spent_nano_rho,
            targets,
        } = message;
        at_most("targets", targets.len(), MAX_TARGETS)?;
        Ok(Self {
            party: parsed("party", &party)?,
            software_version: words(&software_version),
            mou: digest("mou_sha256", &mou_sha256)?,
            mou_version,
            snapshot: snapshot.map(SnapshotFacts::try_from).transpose()?,
            accounting_year: parsed("accounting_year", &accounting_year)?,
            budget_nano_rho,
            spent_nano_rho,
            targets: targets.into_iter().map(read_target).collect::<Result<_, _>>()?,
        })
    }
}

fn read_target(message: wire::Target) -> Result<(KpiId, Target), WireError> {
    let wire::Target { kpi, from_millionths, to_millionths, by, max_gap_points_millionths } =
        message;
    let (kpi, by) = (parsed("targets.kpi", &kpi)?, parsed("targets.by", &by)?);
    Ok((kpi, Target { from_millionths, to_millionths, by, max_gap_points_millionths }))
}

impl TryFrom<wire::Snapshot> for SnapshotFacts {
    type Error = WireError;
    fn try_from(message: wire::Snapshot) -> Result<Self, WireError> {
        let wire::Snapshot { as_of, covers } = message;
        Ok(Self {
            as_of: parsed("snapshot.as_of", &as_of)?,
            covers: all_parsed("snapshot.covers", &covers, MAX_COVERS)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn target(from_millionths: Option<u64>, max_gap_points_millionths: Option<u64>) -> Target {
        let by = "2027-06-30".parse().unwrap();
        Target { from_millionths, to_millionths: 420_000, by, max_gap_points_millionths }
    }

    #[test]
    fn a_description_comes_back_as_sent_with_and_without_data() {
        let mut description = Description {
            party: "harbor-tech".parse().unwrap(),
            software_version: "0.1.0".into(),
            mou: Sha256::of(b"mou"),
            mou_version: 1,
            snapshot: Some(SnapshotFacts {
                as_of: "2026-07-20".parse().unwrap(),
                covers: vec!["2025-26".parse().unwrap(), "2026-Q1".parse().unwrap()],
            }),
            accounting_year: "2026-27".parse().unwrap(),
            budget_nano_rho: 500_000_000,
            spent_nano_rho: 19_208_000,
            targets: vec![
                ("retention".parse().unwrap(), target(Some(340_000), Some(5_000_000))),
                ("completers".parse().unwrap(), target(None, None)),
            ],
        };
        for _ in 0..2 {
            let sent = wire::DescribeResponse::from(description.clone());
            assert_eq!(Description::try_from(sent), Ok(description.clone()));
            description.snapshot = None;
            description.targets.clear();
        }
    }

    #[test]
    fn an_empty_description_is_an_error() {
        assert!(Description::try_from(wire::DescribeResponse::default()).is_err());
    }
}
