//! `sumac.v1.NodeService`: wire in, wire out, nothing else.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sumac_keys::{Papers, ShelfError, SignedExit, Stranger, Usage, peer_of};
use sumac_policy::{
    Capability, Clause, Peer, Period, Permitted, Question, Reason, Refusal, Resolved, Sha256,
    TableKey, approver,
};
use sumac_protocol::status::CallError;
use sumac_protocol::wire;
use sumac_protocol::wire::node_service_server::NodeService;
use sumac_protocol::{
    Answer, Ask, DecideHeld, Description, Preview, PreviewAsk, Recover, RestoredLog, SnapshotFacts,
    SupportId, ask_response, decide_held_response, list_held_response, mou_papers,
    preview_response, read_leave, read_list_held_request, read_proposal,
};
use tokio::time::Instant;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tonic::{Request, Response, Status};

use crate::agreement::Agreement;
use crate::amend::AmendError;
use crate::approval;
use crate::history::{Accepted, InLog};
use crate::node::{Node, NodeError};
use crate::records::snapshot::Snapshot;
use crate::release::{NotReleased, price_of};
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

type Snapshots = Option<Arc<Snapshot>>;

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

    async fn previews(
        &self,
        agreement: &Arc<Agreement>,
        peer: &Peer,
        ask: PreviewAsk,
        now: Timestamp,
    ) -> Result<Vec<Preview>, NodeError> {
        let snapshot = self.node.snapshot(agreement, now).await?;
        let mut previews = Vec::with_capacity(ask.questions.len());
        for question in ask.questions {
            let preview = match question {
                Ok(question) => {
                    self.preview(agreement, peer, &ask.roster, &question, snapshot.as_ref(), now)
                        .await
                }
                Err(refusal) => Err(refusal.into()),
            };
            previews.push(match preview {
                Ok(preview) => preview,
                Err(NotReleased::Refused(refusal)) => Preview::Refused(refusal),
                Err(NotReleased::Failed(error)) => return Err(error),
            });
        }
        Ok(previews)
    }

    async fn preview(
        &self,
        agreement: &Agreement,
        peer: &Peer,
        roster: &[sumac_policy::PartyId],
        question: &Question,
        snapshot: Option<&Arc<Snapshot>>,
        now: Timestamp,
    ) -> Result<Preview, NotReleased> {
        self.node.has_not_left()?;
        let permitted = self.node.permit(agreement, peer, roster, question, now)?;
        self.node.is_not_paused(now).await?;
        let permit = match permitted {
            Permitted::Measure(permit) => permit,
            Permitted::Derive(permit) => {
                let derivable = self.node.derivable(permit.roll_up()).await?;
                return Ok(Preview::WouldAnswer {
                    price_nano_rho: 0,
                    already_released: derivable.is_kept(),
                    derived: true,
                    margin: derivable.margin(),
                    clause: permit.clause().clone(),
                });
            }
        };
        let (table, clause) = (permit.table(), permit.clause().clone());
        Ok(match self.node.released(table).await? {
            Some((_, margin)) => Preview::WouldAnswer {
                price_nano_rho: 0,
                already_released: true,
                derived: false,
                margin,
                clause,
            },
            None => {
                permit.needs()?;
                let snapshot = self.node.held(agreement, snapshot, table, now)?;
                self.node.would_be_approved(&permit, snapshot, peer, now).await?;
                Preview::WouldAnswer {
                    price_nano_rho: price_of(table).get(),
                    already_released: false,
                    derived: false,
                    margin: table.kpi().margin,
                    clause,
                }
            }
        })
    }

    async fn description(
        &self,
        agreement: &Arc<Agreement>,
        now: Timestamp,
    ) -> Result<Description, NodeError> {
        let snapshot = self.node.snapshot(agreement, now).await?;
        let mou = agreement.mou();
        let year = mou.calendar().year_starts.year_of(day_of(now));
        let span = Period::Year(year).span(mou.calendar().year_starts);
        let balance = self.node.store.balance(span).await?;
        Ok(Description {
            party: self.node.party.clone(),
            software_version: env!("CARGO_PKG_VERSION").to_owned(),
            mou: mou.hash(),
            mou_version: mou.version(),
            snapshot: snapshot.map(|snapshot| SnapshotFacts {
                as_of: snapshot.holdings().as_of,
                covers: snapshot.holdings().covers.clone(),
            }),
            accounting_year: year,
            budget_nano_rho: agreement.terms().privacy().budget_nano_rho,
            spent_nano_rho: balance.spent_nano_rho,
        })
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
        let (now, (peer, agreement)) = self.member(&request).await?;
        self.may_propose(&agreement, &peer)?;
        let files = read_proposal(request.into_inner().proposal).map_err(CallError::from)?;
        let kept = self.node.propose(&agreement, Papers::from_files(files), now).await;
        let kept = kept.map_err(|error| self.not_amended(&peer, &error))?;
        Ok(Response::new(wire::ProposeResponse { proposal: Some(mou_papers(kept.files())) }))
    }

    async fn proposals(
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

    async fn leave(
        &self,
        request: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        let (now, (peer, _)) = self.member(&request).await?;
        let (notice, signature) = read_leave(request.into_inner()).map_err(CallError::from)?;
        let exit = self.node.exit(SignedExit { notice, signature }, now).await;
        exit.map_err(|error| self.not_amended(&peer, &error))?;
        Ok(Response::new(wire::LeaveResponse {}))
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

    async fn decide_held(
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
