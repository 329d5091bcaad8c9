//! A table that the MOU does not list, added up from a released one that it does: free, because what is computed
//! from noisy cells tells nothing new.

use std::sync::Arc;

use jiff::Timestamp;
use sumac_policy::{DerivePermit, Margin, Refusal, RollUp, Source, TableKey};
use sumac_privacy::margin_of_cells;
use sumac_protocol::{DerivedFrom, Release, ReleaseFacts, SignedRelease};

use super::{How, NotReleased, Released};
use crate::agreement::Agreement;
use crate::node::{Node, NodeError};
use crate::store::{Derivation, DeriveRequest};

/// What an unlisted table follows from.
pub(crate) enum Derivable {
    /// It was added up before, and what it came from still stands.
    Kept {
        /// The sealed release.
        bytes: Vec<u8>,
        /// Its margin.
        margin: Margin,
    },
    /// It can be added up.
    AddUp(Box<Sum>),
}

/// A table added up and not kept yet.
pub(crate) struct Sum {
    /// Names the source, whatever its revision.
    from: TableKey,
    cells: Vec<i64>,
    margin: Margin,
    /// What the source's release states.
    source: ReleaseFacts,
    /// How often the table was added up before.
    revision: u32,
}

impl Derivable {
    /// The margin of the table's cells.
    pub(crate) fn margin(&self) -> Margin {
        match self {
            Self::Kept { margin, .. } => *margin,
            Self::AddUp(sum) => sum.margin,
        }
    }

    /// Whether it was added up before.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(self, Self::Kept { .. })
    }
}

impl Node {
    /// Answers a question by adding up a released table's cells.
    pub(super) async fn derive(
        self: &Arc<Self>,
        agreement: &Agreement,
        permit: &DerivePermit,
        now: Timestamp,
    ) -> Result<Released, NotReleased> {
        let table = permit.roll_up().table();
        let _flight = self.flight(table.key()).await;
        let sum = match self.derivable(permit.roll_up()).await? {
            Derivable::Kept { bytes, .. } => return Ok(Released { bytes, how: How::Repeated }),
            Derivable::AddUp(sum) => *sum,
        };
        let Sum { from: source_key, mut cells, margin, source, revision } = sum;
        let withheld = self.withhold(agreement, &mut cells, table, margin);
        let from = DerivedFrom { table: source.table, revision: source.revision };
        let facts = ReleaseFacts {
            mou: permit.mou(),
            table: table.key().at(revision),
            definition: table.definition_hash(),
            revision,
            breakdown: table.breakdown().clone(),
            kpi: table.kpi().id.clone(),
            cells,
            margin,
            price_nano_rho: 0,
            left_nano_rho: None,
            measured_at: now,
            withheld,
            derived_from: Some(from),
            ..source
        };
        let body = self.seal(facts)?;
        let request = DeriveRequest {
            table: table.key(),
            revision,
            from: source_key,
            from_revision: from.revision,
            body,
            at: now,
        };
        let bytes = self.store.keep_derived(request).await.map_err(NodeError::from)?;
        Ok(Released { bytes, how: How::Derived })
    }

    /// What an unlisted table follows from today: the same as before, as long as that stands; else the first of
    /// its sources that is released, whole, and as precise as the MOU asks.
    pub(crate) async fn derivable(&self, roll_up: &RollUp) -> Result<Derivable, NotReleased> {
        let key = roll_up.table().key();
        let kept = self.store.derivation(&key).await.map_err(NodeError::from)?;
        let mut revision = 0;
        if let Some(Derivation { revision: last, from, from_revision, body }) = kept {
            revision = last.saturating_add(1);
            let source = roll_up.sources().iter().find(|source| source.table().key() == from);
            if let (Some(source), Some(body)) = (source, body)
                && let Ok(Some(facts)) = self.source(source).await?
                && facts.revision == from_revision
            {
                let margin = facts_of(&body)?.margin;
                return Ok(Derivable::Kept { bytes: body, margin });
            }
        }
        let mut too_wide = None;
        for source in roll_up.sources() {
            let facts = match self.source(source).await? {
                Ok(Some(facts)) => facts,
                Ok(None) => continue,
                Err(refusal) => {
                    too_wide.get_or_insert(refusal);
                    continue;
                }
            };
            let margin = margin_of_cells(facts.margin, source.cells_added());
            if let (Some(margin), Some(cells)) = (margin, source.add_up(&facts.cells)) {
                let from = source.table().key();
                let sum = Sum { from, cells, margin, source: facts, revision };
                return Ok(Derivable::AddUp(Box::new(sum)));
            }
        }
        Err(too_wide.unwrap_or_else(|| roll_up.not_released()).into())
    }

    /// The standing release of a source, if it has one that holds every cell; the refusal, if it is not precise
    /// enough.
    async fn source(
        &self,
        source: &Source,
    ) -> Result<Result<Option<ReleaseFacts>, Refusal>, NodeError> {
        let bytes = match self.released(source.table()).await {
            Ok(released) => released.map(|(bytes, _)| bytes),
            Err(NotReleased::Refused(refusal)) => return Ok(Err(refusal)),
            Err(NotReleased::Failed(error)) => return Err(error),
        };
        let Some(bytes) = bytes else { return Ok(Ok(None)) };
        let facts = facts_of(&bytes)?;
        let whole = facts.withheld.as_ref().is_none_or(|withheld| withheld.groups.is_empty());
        Ok(Ok(whole.then_some(facts)))
    }
}

fn facts_of(bytes: &[u8]) -> Result<ReleaseFacts, NodeError> {
    let signed = SignedRelease::from_bytes(bytes)?;
    Ok(Release::decode(&signed.body)?.facts().clone())
}
