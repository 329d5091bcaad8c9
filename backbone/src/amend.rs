//! Passes on what changes the agreement: proposals and their signatures, and that a party leaves. Every node verifies
//! for itself; this only carries.

use sumac_keys::{Papers, SignedExit};
use sumac_policy::PartyId;
use sumac_protocol::wire;
use sumac_protocol::{mou_papers, read_proposal, read_proposals};

use crate::absence::Absence;
use crate::asker::Asker;
use crate::connect::{Client, answer_of, unreadable};

/// What one node keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    /// Each version proposed, with the signatures that the node knows.
    pub proposals: Vec<Papers>,
    /// Papers of nothing but notices of exit.
    pub exits: Papers,
}

impl Asker {
    /// Passes a proposal to every node that has an address, all at once, and returns what each keeps of it; in the
    /// MOU's order.
    pub async fn propose(&self, papers: &Papers) -> Vec<(PartyId, Result<Papers, Absence>)> {
        let (deadline, papers) = (self.call_deadline(), papers.clone());
        self.of_everyone(move |mut client: Client| {
            let proposal = Some(mou_papers(papers.files()));
            async move {
                let request = wire::ProposeRequest { proposal };
                let kept = answer_of(client.propose(request), deadline).await?.proposal;
                Ok(Papers::from_files(read_proposal(kept).map_err(unreadable)?))
            }
        })
        .await
    }

    /// Asks every node that has an address what it keeps; in the MOU's order.
    pub async fn proposals(&self) -> Vec<(PartyId, Result<Proposed, Absence>)> {
        let deadline = self.call_deadline();
        self.of_everyone(move |mut client: Client| async move {
            let said = answer_of(client.proposals(wire::ProposalsRequest {}), deadline).await?;
            let (proposals, exits) = read_proposals(said).map_err(unreadable)?;
            let proposals = proposals.into_iter().map(Papers::from_files).collect();
            Ok(Proposed { proposals, exits: Papers::from_files(exits) })
        })
        .await
    }

    /// Tells every node that has an address that a party leaves; in the MOU's order.
    pub async fn tell_exit(&self, exit: &SignedExit) -> Vec<(PartyId, Result<(), Absence>)> {
        let (deadline, exit) = (self.call_deadline(), exit.clone());
        self.of_everyone(move |mut client: Client| {
            let SignedExit { notice, signature } = exit.clone();
            async move {
                answer_of(client.leave(wire::LeaveRequest { notice, signature }), deadline).await?;
                Ok(())
            }
        })
        .await
    }

    async fn of_everyone<T, Call, Done>(&self, call: Call) -> Vec<(PartyId, Result<T, Absence>)>
    where
        T: Send + 'static,
        Call: Fn(Client) -> Done + Clone + Send + 'static,
        Done: Future<Output = Result<T, Absence>> + Send,
    {
        let nodes: Vec<_> = self.reachable().cloned().collect();
        let mut said = self.of_each(nodes.clone(), move |_, client| call(client)).await;
        nodes.into_iter().filter_map(|party| said.remove_entry(&party)).collect()
    }
}
