//! `sumac.v1.NodeService`: wire in, wire out, nothing else.
//!
//! Here are the calls that ask for tables, and what every call begins with. `looks`: what is said without measuring;
//! `amendments`: how the agreement changes; `held`: what stewards decide.

mod amendments;
mod held;
mod looks;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sumac_keys::{Stranger, Usage, peer_of};
use sumac_policy::{Clause, Peer, Question, Reason, Refusal, Resolved, Sha256, TableKey};
use sumac_protocol::status::CallError;
use sumac_protocol::wire;
use sumac_protocol::wire::node_service_server::NodeService;
use sumac_protocol::{
    Answer, Ask, PreviewAsk, Recover, RestoredLog, SupportId, ask_response, preview_response,
};
use tokio::time::Instant;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tonic::{Request, Response, Status};

use crate::agreement::Agreement;
use crate::history::{Accepted, InLog};
use crate::node::{Node, NodeError};
use crate::records::snapshot::Data;
use crate::release::NotReleased;
use crate::store::{Asked, Evidence, Note, RestoredRecord};
use crate::world::day_of;

/// The certificates a peer showed in its handshake. Who that is, is judged anew for every call.
#[derive(Clone)]
pub(crate) struct Shown(pub(crate) Arc<Vec<CertificateDer<'static>>>);

/// The service of one node.
pub(crate) struct Service {
    node: Arc<Node>,
    tick: Duration,
}

type Snapshots = Option<Arc<Data>>;

impl Service {
    /// Replies leave at multiples of `tick` after their call came in, so that how long a table took says
    /// nothing about it.
    pub(crate) fn new(node: Arc<Node>, tick: Duration) -> Self {
        Self { node, tick }
    }

    /// What this call goes by, from its beginning to its end.
    async fn goes_by(&self, now: Timestamp) -> Result<Arc<Agreement>, Status> {
        self.node.goes_by(now).await.map_err(|error| {
            let id = self.support_id();
            tracing::error!(support_id = %id, error = chain(&error), "failed");
            CallError::Fault(id).into()
        })
    }

    fn peer(
        &self,
        agreement: &Agreement,
        shown: Option<&Shown>,
        now: Timestamp,
    ) -> Result<Peer, Status> {
        let certificates = shown.map(|shown| shown.0.as_slice());
        let peer = peer_of(certificates, agreement.trust(), now, Usage::Client);
        let peer = peer.and_then(|peer| {
            let mut left = agreement.chain().left(day_of(now));
            match left.any(|exit| exit.party() == peer.party()) {
                true => Err(Stranger::Left(peer.party().clone())),
                false => Ok(peer),
            }
        });
        peer.map_err(|stranger| {
            tracing::warn!(%stranger, "refused a call on an open connection");
            CallError::CertificateNotAccepted.into()
        })
    }

    async fn on_the_tick(&self, came_in: Instant) {
        if !self.tick.is_zero() {
            let ticks = came_in.elapsed().as_nanos() / self.tick.as_nanos() + 1;
            let wait = self.tick.saturating_mul(u32::try_from(ticks).unwrap_or(u32::MAX));
            tokio::time::sleep_until(came_in + wait).await;
        }
    }

    /// Both sides go by the same version. During a change some are ahead of others; nobody guesses.
    fn same_agreement(&self, agreement: &Agreement, theirs: Sha256) -> Result<(), CallError> {
        let mou = agreement.mou();
        if theirs == mou.hash() {
            return Ok(());
        }
        let (ours, number) = (mou.hash(), mou.version());
        let hint = match (agreement.chain().version(theirs), self.node.waiting()) {
            (Some(old), _) => format!(
                "you ask by version {}, which version {number} has replaced: `sumac mou activate` version {number}",
                old.mou().version()
            ),
            (None, Some(next)) if next.mou().hash() == theirs => format!(
                "you ask by version {}, which this node takes up on {}: ask again then",
                next.mou().version(),
                next.mou().effective()
            ),
            _ => "this node knows no such version: its operator may have to `sumac mou activate` it; else compare \
                 the two mou.toml files"
                .to_owned(),
        };
        Err(CallError::Refused(Refusal {
            reason: Reason::MouDiffers,
            clause: Clause::at("version"),
            message: format!(
                "this node goes by version {number} of the MOU, {ours}, and was asked under {theirs}"
            ),
            hint,
        }))
    }

    /// Whether the node may answer at all.
    async fn may_answer(&self, peer: &Peer) -> Result<(), Status> {
        let may = self.node.may_answer().await.map_err(|error| self.failed(peer, &error))?;
        Ok(may?)
    }

    /// Whether the log continues what the asker saw of it: asked before anything is charged.
    async fn continues(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        ask: &Ask,
        now: Timestamp,
    ) -> Result<Option<Accepted>, Status> {
        let Some(seen) = &ask.last_head else { return Ok(None) };
        let accepted = self.node.continues(agreement, peer, seen, now).await;
        let accepted = accepted.map_err(|error| self.failed(peer, &error))?;
        Ok(Some(accepted?))
    }

    async fn answers(
        &self,
        agreement: &Arc<Agreement>,
        peer: &Peer,
        ask: Ask,
        seen: Option<Accepted>,
        now: Timestamp,
    ) -> wire::AskResponse {
        let snapshot = self.node.snapshot(agreement, now).await;
        let mut answers = Vec::with_capacity(ask.questions.len());
        for question in &ask.questions {
            let outcome = self.outcome(agreement, peer, &ask, question, &snapshot, now).await;
            let (code, answer) = self.said(agreement, &ask, peer, question, outcome);
            let noted = self.note(agreement, peer, &ask, question, code, now).await;
            // No answer leaves without its record.
            answers.push(match noted {
                Ok(()) => answer,
                Err(error) => Err(Answer::Fault(self.fault(&ask, peer, &error))),
            });
        }
        self.shown(peer, &ask, seen, answers).await
    }

    /// Puts each release's place in the log beside it. What the log cannot show does not leave.
    async fn shown(
        &self,
        peer: &Peer,
        ask: &Ask,
        seen: Option<Accepted>,
        answers: Vec<Result<InLog, Answer>>,
    ) -> wire::AskResponse {
        let releases = answers.iter().filter_map(|answer| answer.as_ref().ok());
        let evidence = self.node.evidence(seen, releases).await;
        let fault = |error: &NodeError| Answer::Fault(self.fault(ask, peer, error));
        match evidence {
            Ok(Evidence { head, consistency, restored, releases }) => {
                let mut records = releases.into_iter();
                let answers = answers.into_iter().map(|answer| match answer {
                    Ok(InLog { release, .. }) => match records.next().flatten() {
                        Some(recorded) => Answer::Released { release, recorded },
                        None => fault(&NodeError::NotShown),
                    },
                    Err(answer) => answer,
                });
                let restored = restored.map(|restored| {
                    let RestoredRecord { record, inclusion, consistency } = restored;
                    RestoredLog { record, inclusion, consistency }
                });
                ask_response(answers, Some(head), consistency, restored)
            }
            Err(error) => {
                let answers = answers.into_iter().map(|answer| match answer {
                    Ok(_) => fault(&error),
                    Err(answer) => answer,
                });
                ask_response(answers, None, None, None)
            }
        }
    }

    async fn outcome(
        &self,
        agreement: &Arc<Agreement>,
        peer: &Peer,
        ask: &Ask,
        question: &Result<Question, Refusal>,
        snapshot: &Result<Snapshots, NodeError>,
        now: Timestamp,
    ) -> Result<crate::release::Released, NotReleased> {
        self.node.has_not_left()?;
        let question = question.as_ref().map_err(Clone::clone)?;
        match snapshot {
            Ok(snapshot) => {
                self.node
                    .answer(agreement, peer, &ask.roster, question, snapshot.as_ref(), now)
                    .await
            }
            Err(error) => {
                tracing::error!(error = chain(error), "the snapshot in use cannot be opened");
                Err(NodeError::Stopped.into())
            }
        }
    }

    /// One line in the log for each question, and its answer on the wire.
    fn said(
        &self,
        agreement: &Agreement,
        ask: &Ask,
        peer: &Peer,
        question: &Result<Question, Refusal>,
        outcome: Result<crate::release::Released, NotReleased>,
    ) -> (&'static str, Result<InLog, Answer>) {
        let (code, answer) = match outcome {
            Ok(released) => match self.in_log(agreement, question, &released) {
                Ok(in_log) => (released.outcome(), Ok(in_log)),
                Err(error) => ("FAULT", Err(Answer::Fault(self.fault(ask, peer, &error)))),
            },
            Err(NotReleased::Refused(refusal)) => {
                (refusal.reason.code(), Err(Answer::Refused(refusal)))
            }
            Err(NotReleased::Failed(error)) => {
                ("FAULT", Err(Answer::Fault(self.fault(ask, peer, &error))))
            }
        };
        let table = question.as_ref().map_or_else(
            |_| String::new(),
            |question| {
                let Question { kpi, period, breakdown, .. } = question;
                format!("{kpi} {period} by {breakdown}")
            },
        );
        tracing::info!(request_id = %ask.request_id, %peer, table, outcome = code, "asked");
        (code, answer)
    }

    fn in_log(
        &self,
        agreement: &Agreement,
        question: &Result<Question, Refusal>,
        released: &crate::release::Released,
    ) -> Result<InLog, NodeError> {
        let table = question.as_ref().ok().and_then(|question| table(agreement, question));
        Ok(InLog::of(table.ok_or(NodeError::NotShown)?, released.bytes())?)
    }

    async fn note(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        ask: &Ask,
        question: &Result<Question, Refusal>,
        outcome: &str,
        now: Timestamp,
    ) -> Result<(), NodeError> {
        let mut asked = Asked {
            request_id: ask.request_id.to_string(),
            peer: peer.to_string(),
            table: None,
            kpi: String::new(),
            period: String::new(),
            breakdown: Vec::new(),
            purpose: String::new(),
            outcome: outcome.to_owned(),
        };
        if let Ok(question) = question {
            let Question { kpi, period, breakdown, purpose } = question;
            asked.table = table(agreement, question);
            asked.kpi = kpi.to_string();
            asked.period = period.to_string();
            asked.breakdown = breakdown.dimensions().iter().map(ToString::to_string).collect();
            asked.purpose = purpose.to_string();
        }
        Ok(self.node.store.note(Note::Asked(asked), now).await?)
    }

    /// Logs a fault once, in full, and gives the peer nothing but an id to quote.
    fn fault(&self, ask: &Ask, peer: &Peer, error: &dyn std::error::Error) -> SupportId {
        let id = self.support_id();
        tracing::error!(support_id = %id, request_id = %ask.request_id, %peer, error = chain(error), "failed");
        id
    }

    fn support_id(&self) -> SupportId {
        let random = self.node.world.random();
        let digits: String = random.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        digits.parse().expect("sixteen hexadecimal digits are a support id")
    }

    fn failed(&self, peer: &Peer, error: &NodeError) -> Status {
        let id = self.support_id();
        tracing::error!(support_id = %id, %peer, error = chain(error), "failed");
        CallError::Fault(id).into()
    }
}

#[tonic::async_trait]
impl NodeService for Service {
    async fn describe(
        &self,
        request: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        self.may_answer(&peer).await?;
        let described = self.description(&agreement, now).await;
        described
            .map(|description| Response::new(description.into()))
            .map_err(|error| self.failed(&peer, &error))
    }

    async fn preview(
        &self,
        request: Request<wire::PreviewRequest>,
    ) -> Result<Response<wire::PreviewResponse>, Status> {
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        self.may_answer(&peer).await?;
        let ask = PreviewAsk::try_from(request.into_inner())?;
        self.same_agreement(&agreement, ask.mou)?;
        let previews = self.previews(&agreement, &peer, ask, now).await;
        previews
            .map(|previews| Response::new(preview_response(previews)))
            .map_err(|error| self.failed(&peer, &error))
    }

    async fn propose(
        &self,
        request: Request<wire::ProposeRequest>,
    ) -> Result<Response<wire::ProposeResponse>, Status> {
        self.take_proposal(request).await
    }

    async fn proposals(
        &self,
        request: Request<wire::ProposalsRequest>,
    ) -> Result<Response<wire::ProposalsResponse>, Status> {
        self.show_proposals(request).await
    }

    async fn leave(
        &self,
        request: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        self.take_exit(request).await
    }

    async fn ask(
        &self,
        request: Request<wire::AskRequest>,
    ) -> Result<Response<wire::AskResponse>, Status> {
        let came_in = Instant::now();
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        self.may_answer(&peer).await?;
        let ask = Ask::try_from(request.into_inner())?;
        self.same_agreement(&agreement, ask.mou)?;
        let seen = self.continues(&agreement, &peer, &ask, now).await?;
        let response = self.answers(&agreement, &peer, ask, seen, now).await;
        self.on_the_tick(came_in).await;
        Ok(Response::new(response))
    }

    async fn list_held(
        &self,
        request: Request<wire::ListHeldRequest>,
    ) -> Result<Response<wire::ListHeldResponse>, Status> {
        self.show_queue(request).await
    }

    async fn decide_held(
        &self,
        request: Request<wire::DecideHeldRequest>,
    ) -> Result<Response<wire::DecideHeldResponse>, Status> {
        self.take_decision(request).await
    }

    async fn recover(
        &self,
        request: Request<wire::RecoverRequest>,
    ) -> Result<Response<wire::RecoverResponse>, Status> {
        let now = self.node.world.now();
        let agreement = self.goes_by(now).await?;
        let peer = self.peer(&agreement, request.extensions().get(), now)?;
        let shown = Recover::try_from(request.into_inner()).map_err(CallError::from)?;
        self.same_agreement(&agreement, shown.mou)?;
        let recovered = self.node.recover(&agreement, &peer, shown, now).await;
        let recovered = recovered.map_err(|error| self.failed(&peer, &error))?;
        Ok(Response::new(recovered?.into()))
    }
}

/// Names the table that a question asks for, whatever its revision.
fn table(agreement: &Agreement, question: &Question) -> Option<TableKey> {
    let Question { kpi, period, breakdown, purpose: _ } = question;
    let resolved = Resolved::of(agreement.mou(), kpi, *period, breakdown);
    resolved.ok().map(|resolved| resolved.table().key())
}

/// An error and its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
