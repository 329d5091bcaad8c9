//! The calls by which versions of the MOU, their signatures and notices of exit travel.

use std::sync::Arc;

use jiff::Timestamp;
use sumac_keys::{Papers, ShelfError, SignedExit};
use sumac_policy::{Capability, Clause, Peer, Reason, Refusal};
use sumac_protocol::status::CallError;
use sumac_protocol::wire;
use sumac_protocol::{mou_papers, read_leave, read_proposal};
use tonic::{Request, Response, Status};

use super::{Service, Shown, chain};
use crate::agreement::Agreement;
use crate::amend::AmendError;

impl Service {
    pub(super) async fn take_proposal(
        &self,
        request: Request<wire::ProposeRequest>,
    ) -> Result<Response<wire::ProposeResponse>, Status> {
        let (now, (peer, agreement)) = self.member(&request).await?;
        self.may_propose(&agreement, &peer)?;
        let files = read_proposal(request.into_inner().proposal).map_err(CallError::from)?;
        let kept = self.node.propose(&agreement, Papers::from_files(files), now).await;
        let kept = kept.map_err(|error| self.not_amended(&peer, &error))?;
        Ok(Response::new(wire::ProposeResponse { proposal: Some(mou_papers(kept.files())) }))
    }

    pub(super) async fn show_proposals(
        &self,
        request: Request<wire::ProposalsRequest>,
    ) -> Result<Response<wire::ProposalsResponse>, Status> {
        let (now, (peer, agreement)) = self.member(&request).await?;
        let proposals = self.node.proposals(&agreement, now).await;
        let (proposals, exits) = proposals.map_err(|error| self.not_amended(&peer, &error))?;
        let proposals = proposals.iter().map(|papers| mou_papers(papers.files())).collect();
        let exits = Some(mou_papers(exits.files()));
        Ok(Response::new(wire::ProposalsResponse { proposals, exits }))
    }

    pub(super) async fn take_exit(
        &self,
        request: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        let (now, (peer, _)) = self.member(&request).await?;
        let (notice, signature) = read_leave(request.into_inner()).map_err(CallError::from)?;
        let exit = self.node.exit(SignedExit { notice, signature }, now).await;
        exit.map_err(|error| self.not_amended(&peer, &error))?;
        Ok(Response::new(wire::LeaveResponse {}))
    }

    /// Who calls, and by which agreement that is judged.
    async fn member<T: Send>(
        &self,
        request: &Request<T>,
    ) -> Result<(Timestamp, (Peer, Arc<Agreement>)), Status> {
        let now = self.node.world.now();
        let shown = request.extensions().get::<Shown>().cloned();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, shown.as_ref(), now)?;
        self.may_answer(&peer).await?;
        Ok((now, (peer, agreement)))
    }

    fn may_propose(&self, agreement: &Agreement, peer: &Peer) -> Result<(), CallError> {
        let party = peer.party();
        if agreement.mou().may(party, Capability::Propose) {
            return Ok(());
        }
        Err(CallError::Refused(Refusal {
            reason: Reason::PartyMayNotPropose,
            clause: Clause::at("roles"),
            message: format!("`{party}` holds no role that may propose"),
            hint: "see the MOU's [roles]; a signature may always be sent as a file".to_owned(),
        }))
    }

    /// A change of the agreement that was not made: what is wrong with the papers is said, what is wrong here is not.
    fn not_amended(&self, peer: &Peer, error: &AmendError) -> Status {
        match error {
            AmendError::Shelf(ShelfError::TooMany { .. }) => {
                CallError::Malformed("this node keeps too many proposals already".to_owned()).into()
            }
            AmendError::Shelf(_)
            | AmendError::Papers(_)
            | AmendError::Store(_)
            | AmendError::Stopped => {
                let id = self.support_id();
                tracing::error!(support_id = %id, %peer, error = chain(error), "failed");
                CallError::Fault(id).into()
            }
            error => {
                tracing::warn!(%peer, error = chain(error), "did not take what was brought");
                CallError::Malformed(format!("{} ({})", chain(error), error.hint())).into()
            }
        }
    }
}
