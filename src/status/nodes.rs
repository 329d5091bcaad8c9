//! What each node says of itself, when the backbone asks.

use anyhow::Context;
use sumac_backbone::Asker;
use sumac_node::day_of;
use sumac_policy::{PartyId, PeerRole};
use sumac_protocol::Description;

use crate::agreement::Agreement;
use crate::certificate::read_facts;
use crate::home::Home;
use crate::outcome::hinted;
use crate::world;

/// Asks every node at once, with the first analyst's certificate in this home.
pub(super) fn describe(
    home: &Home,
    agreement: &Agreement,
) -> anyhow::Result<Vec<(PartyId, Result<Description, String>)>> {
    let facts = home.certificate_files()?.into_iter().map(|path| read_facts(&path));
    let facts = facts.collect::<anyhow::Result<Vec<_>>>()?;
    let analyst = facts.into_iter().find(|facts| facts.role == PeerRole::Analyst);
    let analyst = analyst.ok_or_else(|| {
        hinted(
            "no analyst's certificate in this home, so no node can be asked",
            "`sumac certificate issue analyst --name maria` makes one",
        )
    })?;
    let identity = home.identity(PeerRole::Analyst, &analyst.name)?;
    let asker =
        Asker::by_chain(&agreement.chain, day_of(world::now()), &identity, &world::clock())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.context("start to ask")?;
    let said = runtime.block_on(asker.describe());
    let in_words = |absence: sumac_backbone::Absence| match absence.hint() {
        hint if hint.is_empty() => absence.to_string(),
        hint => format!("{absence} ({hint})"),
    };
    Ok(said.into_iter().map(|(party, said)| (party, said.map_err(in_words))).collect())
}
