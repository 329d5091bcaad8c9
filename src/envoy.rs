//! Whoever carries a change of the agreement to the nodes, with whatever certificate this home has.

use anyhow::Context;
use sumac_backbone::{Absence, Asker, Proposed};
use sumac_keys::{Chain, Papers, SignedExit};
use sumac_node::day_of;
use sumac_policy::PartyId;

use crate::certificate::read_facts;
use crate::home::Home;
use crate::terminal::tell;
use crate::world;

/// A way to every node, for what is no question.
pub(crate) struct Envoy {
    asker: Asker,
    runtime: tokio::runtime::Runtime,
}

/// What came of telling each node.
type Told<T> = Vec<(PartyId, Result<T, Absence>)>;

impl Envoy {
    /// With the first certificate of this home that has not expired; none if there is none, which is told.
    pub(crate) fn of(home: &Home, chain: &Chain) -> anyhow::Result<Option<Self>> {
        let now = world::now();
        for path in home.certificate_files()? {
            let facts = read_facts(&path)?;
            if facts.not_after <= now {
                continue;
            }
            let identity = home.identity(facts.role, &facts.name)?;
            let asker = Asker::by_chain(chain, day_of(now), &identity, &world::clock())?;
            let runtime = tokio::runtime::Runtime::new().context("start the runtime")?;
            return Ok(Some(Self { asker, runtime }));
        }
        tell!(
            "note: this home has no certificate to show, so no node is told: send the files round"
        );
        Ok(None)
    }

    /// Passes a proposal on; what each node keeps of it comes back.
    pub(crate) fn propose(&self, papers: &Papers) -> Told<Papers> {
        self.runtime.block_on(self.asker.propose(papers))
    }

    /// What each node keeps.
    pub(crate) fn proposals(&self) -> Told<Proposed> {
        self.runtime.block_on(self.asker.proposals())
    }

    /// Says that this party leaves.
    pub(crate) fn tell_exit(&self, exit: &SignedExit) -> Told<()> {
        self.runtime.block_on(self.asker.tell_exit(exit))
    }
}

/// Says which nodes were not told, and why.
pub(crate) fn tell_absences(told: &[(PartyId, Result<(), Absence>)]) {
    for (party, outcome) in told {
        if let Err(absence) = outcome {
            tell!("note: `{party}`: {absence}");
        }
    }
}
