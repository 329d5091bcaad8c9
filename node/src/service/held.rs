//! The calls of stewards: what waits for a person, and what they decide.

use sumac_policy::approver;
use sumac_protocol::status::CallError;
use sumac_protocol::wire;
use sumac_protocol::{
    DecideHeld, decide_held_response, list_held_response, read_list_held_request,
};
use tonic::{Request, Response, Status};

use super::Service;
use crate::approval;
use crate::node::NodeError;
use crate::release::NotReleased;

impl Service {
    pub(super) async fn show_queue(
        &self,
        request: Request<wire::ListHeldRequest>,
    ) -> Result<Response<wire::ListHeldResponse>, Status> {
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        approver(agreement.mou(), &self.node.party, &peer).map_err(CallError::Refused)?;
        self.may_answer(&peer).await?;
        let mou = read_list_held_request(request.get_ref()).map_err(CallError::from)?;
        self.same_agreement(&agreement, mou)?;
        let failed = |error: NodeError| self.failed(&peer, &error);
        let snapshot = self.node.snapshot(&agreement, now).await.map_err(failed)?;
        let queue = self.node.queue(&agreement, snapshot.as_ref()).await.map_err(failed)?;
        Ok(Response::new(list_held_response(queue.into_iter().map(approval::facts))))
    }

    pub(super) async fn take_decision(
        &self,
        request: Request<wire::DecideHeldRequest>,
    ) -> Result<Response<wire::DecideHeldResponse>, Status> {
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        let approver =
            approver(agreement.mou(), &self.node.party, &peer).map_err(CallError::Refused)?;
        self.may_answer(&peer).await?;
        let decide = DecideHeld::try_from(request.into_inner()).map_err(CallError::from)?;
        self.same_agreement(&agreement, decide.mou)?;
        let failed = |error: NodeError| self.failed(&peer, &error);
        let snapshot = self.node.snapshot(&agreement, now).await.map_err(failed)?;
        let (number, decision) = (decide.number, decide.decision);
        let decided = self
            .node
            .decide_held(&agreement, &approver, (number, decision), snapshot.as_ref(), now)
            .await;
        match decided {
            Ok(judged) => {
                let state = judged.judgement();
                tracing::info!(%peer, number, ?state, "a held question was decided");
                Ok(Response::new(decide_held_response(approval::facts(judged))))
            }
            Err(NotReleased::Refused(refusal)) => Err(CallError::Refused(refusal).into()),
            Err(NotReleased::Failed(error)) => Err(failed(error)),
        }
    }
}
