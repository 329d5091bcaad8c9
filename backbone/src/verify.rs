//! A release is added up only if it is sealed by the party's own node and means what our MOU means.

use std::fmt::Display;

use sumac_keys::{Seal, Trust};
use sumac_policy::{FloorAt, Margin, Mou, PartyId, Peer, Resolved, Sha256, Source, Table};
use sumac_privacy::margin_of_cells;
use sumac_protocol::{DerivedFrom, Release, ReleaseFacts, SignedRelease, WireError};

use crate::in_log::NotShown;

/// A count beyond any population. With it, sums over a thousand nodes stay exact in 64 bits and as floats.
const MAX_COUNT: u64 = 1 << 40;
/// A sum beyond what any population has, likewise.
const MAX_SUM: u64 = 1 << 53;

/// Proof that a release is sealed by the party's node and is the table we asked for. Made only in this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    release: Release,
    signed: SignedRelease,
    signer: Peer,
    stricter: Stricter,
}

/// Where a node holds itself to more than the MOU demands of it, which each party may. Its numbers count all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stricter {
    /// Its margin, if that is wider than the MOU's.
    pub margin: Option<Margin>,
    /// The floor by which it withheld its own small groups, if the MOU's is lower or judged at the coalition.
    pub floor: Option<u32>,
}

/// Why a release must not be added up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsound {
    /// It cannot be read.
    #[error("its answer cannot be read: {0}")]
    Unreadable(WireError),
    /// The seal does not hold.
    #[error("its release is not sealed by its node: {0}")]
    Seal(String),
    /// It was released under a version of the MOU that is not among those in force so far.
    #[error("its release names the MOU {0}, which is none of the versions here")]
    UnknownMou(Sha256),
    /// It states something else than was asked for.
    #[error("its release states the {what} `{found}` where the MOU here has `{ours}`")]
    Differs {
        /// What differs.
        what: &'static str,
        /// What the release states.
        found: String,
        /// What our own MOU says.
        ours: String,
    },
    /// The MOU lets each node judge the floor, and this one did not, or by a lower floor.
    #[error("its node did not withhold small groups as the MOU says")]
    FloorNotJudged,
    /// The MOU lists the table, so that it is measured and never added up from another.
    #[error(
        "its release is added up from another table, and the MOU lists this one to be measured"
    )]
    DerivedThoughListed,
    /// The MOU does not list the table, and the release does not come from one that it lists.
    #[error("its release does not come from a table that the MOU lists and that holds every cell")]
    NotDerived,
    /// What it shows of its log does not show the release.
    #[error("{0}")]
    NotShown(NotShown),
    /// A count beyond any population.
    #[error("its release holds a count beyond any population")]
    BeyondAnyPopulation,
}

impl Unsound {
    pub(crate) fn differs(what: &'static str, found: impl Display, ours: impl Display) -> Self {
        Self::Differs { what, found: found.to_string(), ours: ours.to_string() }
    }

    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "compare versions: `sumac --version` on both sides",
            Self::UnknownMou(_) => {
                "the folder of the MOU keeps every version before in `earlier`: copy it from a partner's"
            }
            Self::Differs { .. } => {
                "compare the MOU on both sides: `sumac mou verify` shows its hash"
            }
            Self::Seal(_)
            | Self::FloorNotJudged
            | Self::DerivedThoughListed
            | Self::NotDerived
            | Self::NotShown(_)
            | Self::BeyondAnyPopulation => {
                "do not use this answer; ask the partner's contacts in the MOU"
            }
        }
    }
}

impl Verified {
    /// What it states.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// The bytes as sealed, to keep: a repeat brings the same.
    pub fn signed(&self) -> &SignedRelease {
        &self.signed
    }

    /// Where its node narrowed what the MOU allows.
    pub fn stricter(&self) -> Stricter {
        self.stricter
    }

    /// The node that sealed it.
    pub fn signer(&self) -> &Peer {
        &self.signer
    }
}

/// Holds a release against the table asked for. A table released under an earlier version of the MOU is still
/// that table: what counts is its resolved definition, not the version. Its seal and its floor are judged by the
/// version that it `names`. A narrower margin than ours is as good, and so is a later revision: the node alone says
/// which one stands. A wider margin and a higher floor are a party's own to choose; whoever adds them up says so.
pub(crate) fn verify<'a>(
    mou: &Mou,
    names: impl FnOnce(Sha256) -> Option<(&'a Mou, &'a Trust)>,
    table: &Table,
    party: &PartyId,
    signed: SignedRelease,
) -> Result<Verified, Unsound> {
    let release = Release::decode(&signed.body).map_err(Unsound::Unreadable)?;
    let facts = release.facts();
    let (named, trust) = names(facts.mou).ok_or(Unsound::UnknownMou(facts.mou))?;
    let seal = Seal { signature: signed.signature.clone(), chain: signed.chain.clone() };
    let signer = sumac_keys::seal::verify(&seal, &signed.body, trust, facts.measured_at)
        .map_err(|error| Unsound::Seal(in_words(&error)))?;
    same("signer", signer.party(), party)?;
    same("party", &facts.party, party)?;
    same("table", &facts.table, &table.key().at(facts.revision))?;
    same("definition", &facts.definition, &table.definition_hash())?;
    same("KPI", &facts.kpi, &table.kpi().id)?;
    same("period", &facts.period, &table.period())?;
    same("breakdown", &facts.breakdown, table.breakdown())?;
    let outcomes = table.kpi().definition.outcomes.iter().map(|outcome| outcome.id.as_str());
    same("outcomes", &facts.outcomes.join(", "), &outcomes.collect::<Vec<_>>().join(", "))?;
    same("number of cells", &facts.cells.len(), &table.cells())?;
    let agreed = agreed_margin(mou, table, facts)?;
    let scales = table.kpi().definition.scales();
    let most = scales.iter().map(|scale| MAX_COUNT.saturating_mul(*scale).min(MAX_SUM)).cycle();
    if facts.cells.iter().zip(most).any(|(cell, most)| cell.unsigned_abs() > most) {
        return Err(Unsound::BeyondAnyPopulation);
    }
    let privacy = named.privacy();
    let judged = match &facts.withheld {
        Some(withheld) => withheld.below >= privacy.floor,
        None => privacy.floor_at != FloorAt::Node,
    };
    if !judged {
        return Err(Unsound::FloorNotJudged);
    }
    let floor = facts.withheld.as_ref().map(|withheld| withheld.below);
    let stricter = Stricter {
        margin: Some(facts.margin).filter(|margin| *margin > agreed),
        floor: floor
            .filter(|floor| privacy.floor_at == FloorAt::Coalition || *floor > privacy.floor),
    };
    Ok(Verified { release, signed, signer, stricter })
}

/// The margin that the MOU agrees on. A listed table is measured at the KPI's; an unlisted one is added up from a
/// listed table that holds every cell of it, which makes it wider.
fn agreed_margin(mou: &Mou, table: &Table, facts: &ReleaseFacts) -> Result<Margin, Unsound> {
    let kpi = table.kpi();
    let resolved = Resolved::of(mou, &kpi.id, table.period(), table.breakdown());
    match (resolved, facts.derived_from) {
        (Ok(Resolved::Listed(_)), None) => Ok(kpi.margin),
        (Ok(Resolved::Listed(_)), Some(_)) => Err(Unsound::DerivedThoughListed),
        (Ok(Resolved::RollUp(roll_up)), Some(DerivedFrom { table: key, revision })) => {
            let is_source = |source: &&Source| source.table().key().at(revision) == key;
            let source = roll_up.sources().iter().find(is_source).ok_or(Unsound::NotDerived)?;
            margin_of_cells(kpi.margin, source.cells_added()).ok_or(Unsound::NotDerived)
        }
        (Ok(Resolved::RollUp(_)), None) | (Err(_), _) => Err(Unsound::NotDerived),
    }
}

fn same<T: PartialEq + Display>(what: &'static str, found: &T, ours: &T) -> Result<(), Unsound> {
    if found == ours { Ok(()) } else { Err(Unsound::differs(what, found, ours)) }
}

/// An error with its causes, on one line.
pub(crate) fn in_words(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[cfg(test)]
mod tests;
