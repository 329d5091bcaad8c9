//! Real sockets and real TLS on this machine; the node is a stand-in that says what each test wants.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use sumac_policy::{Clause, PartyId, Purpose, Reason, Refusal, TableKey};
use sumac_protocol::wire::node_service_server::{NodeService, NodeServiceServer};
use sumac_protocol::{
    Answer, Ask, Description, Preview, PreviewAsk, SignedRelease, ask_response, preview_response,
    wire,
};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpSocket};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server;
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Request, Response};

use super::*;
use crate::ask::Wanted;
use crate::asker::Asker;
use crate::testing::{Coalition, NOON, clock, identity, logged, sealed};

/// What a stand-in node does with an ask.
#[derive(Clone, Copy)]
enum Behaviour {
    Answers,
    Refuses,
    Fails,
    IsBusy,
    AcceptsNoLonger,
    Sleeps,
    AnswersTooFew,
    AnswersForAnother,
    SaysTooMuch,
}

/// A stand-in for a party's node. It keeps the asks that it got.
struct StandIn {
    party: &'static str,
    behaviour: Behaviour,
    coalition: Arc<Coalition>,
    asked: Arc<Mutex<Vec<Ask>>>,
}

impl StandIn {
    /// A release and the table that it is of, or another answer.
    fn answer(
        &self,
        ask: &Ask,
        place: usize,
    ) -> Result<(TableKey, u32, SignedRelease), Box<Answer>> {
        let question = ask.questions[place].clone().unwrap();
        let by: Vec<_> =
            question.breakdown.dimensions().iter().map(|dimension| dimension.as_str()).collect();
        let table = self.coalition.table(question.kpi.as_str(), &by);
        let party = match self.behaviour {
            Behaviour::AnswersForAnother => "harbor-tech",
            _ => self.party,
        };
        match self.behaviour {
            Behaviour::Refuses => Err(Box::new(Answer::Refused(Refusal {
                reason: Reason::NoSnapshot,
                clause: Clause::at("calendar"),
                message: "no data yet".into(),
                hint: "import".into(),
            }))),
            Behaviour::Fails => Err(Box::new(Answer::Fault("7f3a".parse().unwrap()))),
            _ => {
                let facts = self.coalition.facts(&table, party, vec![700; table.cells()]);
                Ok((table.key(), 0, sealed(party, facts)))
            }
        }
    }

    /// The answers, with the log of all that is released in them.
    fn response(
        &self,
        answers: Vec<Result<(TableKey, u32, SignedRelease), Box<Answer>>>,
    ) -> wire::AskResponse {
        let releases: Vec<_> =
            answers.iter().filter_map(|answer| answer.as_ref().ok().cloned()).collect();
        let (head, recorded) = logged(self.party, &releases, 1);
        let mut recorded = recorded.into_iter();
        let answers = answers.into_iter().map(|answer| match answer {
            Ok((_, _, release)) => Answer::Released { release, recorded: recorded.next().unwrap() },
            Err(answer) => *answer,
        });
        // A log of nothing has no head.
        ask_response(answers, (!releases.is_empty()).then_some(head), None, None)
    }
}

#[tonic::async_trait]
impl NodeService for StandIn {
    async fn list_held(
        &self,
        _: Request<wire::ListHeldRequest>,
    ) -> Result<Response<wire::ListHeldResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn decide_held(
        &self,
        _: Request<wire::DecideHeldRequest>,
    ) -> Result<Response<wire::DecideHeldResponse>, Status> {
        Err(Status::unimplemented("not asked here"))
    }

    async fn describe(
        &self,
        _: Request<wire::DescribeRequest>,
    ) -> Result<Response<wire::DescribeResponse>, Status> {
        Ok(Response::new(
            Description {
                party: self.party.parse().unwrap(),
                software_version: "0.1.0".into(),
                mou: self.coalition.mou.hash(),
                mou_version: 1,
                snapshot: None,
                accounting_year: "2026-27".parse().unwrap(),
                budget_nano_rho: 5,
                spent_nano_rho: 2,
                targets: Vec::new(),
            }
            .into(),
        ))
    }

    async fn propose(
        &self,
        _: Request<wire::ProposeRequest>,
    ) -> Result<Response<wire::ProposeResponse>, Status> {
        Err(CallError::Busy.into())
    }

    async fn proposals(
        &self,
        _: Request<wire::ProposalsRequest>,
    ) -> Result<Response<wire::ProposalsResponse>, Status> {
        Err(CallError::Busy.into())
    }

    async fn leave(
        &self,
        _: Request<wire::LeaveRequest>,
    ) -> Result<Response<wire::LeaveResponse>, Status> {
        Err(CallError::Busy.into())
    }

    async fn preview(
        &self,
        request: Request<wire::PreviewRequest>,
    ) -> Result<Response<wire::PreviewResponse>, Status> {
        let ask = PreviewAsk::try_from(request.into_inner())?;
        let would = Preview::WouldAnswer {
            price_nano_rho: 19_208_000,
            already_released: false,
            derived: false,
            margin: sumac_policy::Margin::new(10).unwrap(),
            clause: Clause::at("kpi"),
        };
        Ok(Response::new(preview_response(vec![would; ask.questions.len()])))
    }

    async fn recover(
        &self,
        _: Request<wire::RecoverRequest>,
    ) -> Result<Response<wire::RecoverResponse>, Status> {
        Err(CallError::Malformed("this node was not restored from a backup".into()).into())
    }

    async fn ask(
        &self,
        request: Request<wire::AskRequest>,
    ) -> Result<Response<wire::AskResponse>, Status> {
        let ask = Ask::try_from(request.into_inner())?;
        self.asked.lock().unwrap().push(ask.clone());
        let answers = match self.behaviour {
            Behaviour::IsBusy => return Err(CallError::Busy.into()),
            Behaviour::AcceptsNoLonger => return Err(CallError::CertificateNotAccepted.into()),
            Behaviour::Sleeps => std::future::pending().await,
            Behaviour::AnswersTooFew => 0,
            _ => ask.questions.len(),
        };
        let mut response =
            self.response((0..answers).map(|place| self.answer(&ask, place)).collect());
        if matches!(self.behaviour, Behaviour::SaysTooMuch) {
            response.answers.push(wire::Answer {
                outcome: Some(wire::answer::Outcome::Fault(wire::Fault {
                    support_id: "x".repeat(MAX_ANSWER_BYTES),
                })),
                recorded: None,
            });
        }
        Ok(Response::new(response))
    }
}

/// A TLS stream that tonic's server takes.
struct Stream(server::TlsStream<TcpStream>);

impl Connected for Stream {
    type ConnectInfo = ();
    fn connect_info(&self) {}
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// Nodes of some parties on ports of their own; every other party's port is closed.
struct Nodes {
    coalition: Arc<Coalition>,
    asked: BTreeMap<&'static str, Arc<Mutex<Vec<Ask>>>>,
    _closed: [TcpSocket; 3],
}

const COLLEGES: [&str; 2] = ["lakeshore-cc", "harbor-tech"];

/// Starts `lakeshore-cc` with this behaviour, and `harbor-tech`, which always answers. `shows` is whose
/// certificate `lakeshore-cc` shows.
async fn start(behaviour: Behaviour, shows: &str) -> Nodes {
    let mut listeners = BTreeMap::new();
    for party in COLLEGES {
        listeners.insert(party, TcpListener::bind("127.0.0.1:0").await.unwrap());
    }
    let closed = [closed_port(), closed_port(), closed_port()];
    let mut addresses = closed.iter().map(|port| port.local_addr().unwrap());
    let employers = ["northside-health", "county-transit", "bay-fabrication"];
    let mut address: BTreeMap<&str, SocketAddr> =
        employers.into_iter().map(|party| (party, addresses.next().unwrap())).collect();
    for (party, listener) in &listeners {
        address.insert(party, listener.local_addr().unwrap());
    }
    let coalition =
        Arc::new(Coalition::at("coalition", |party| address.get(party).unwrap().to_string()));
    let mut asked = BTreeMap::new();
    for (party, listener) in listeners {
        let (behaviour, shows) = match party {
            "lakeshore-cc" => (behaviour, shows),
            party => (Behaviour::Answers, party),
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        asked.insert(party, seen.clone());
        let node = StandIn { party, behaviour, coalition: coalition.clone(), asked: seen };
        serve(listener, node, shows);
    }
    Nodes { coalition, asked, _closed: closed }
}

/// A port that is ours, so that nobody else opens it, and closed as long as this lives.
fn closed_port() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    socket
}

fn serve(listener: TcpListener, node: StandIn, shows: &str) {
    let config =
        sumac_keys::server_config(identity(shows), node.coalition.trust.clone(), clock()).unwrap();
    let (streams, incoming) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            if let Ok(stream) = TlsAcceptor::from(config.clone()).accept(tcp).await {
                streams.send(Ok::<_, io::Error>(Stream(stream))).await.unwrap();
            }
        }
    });
    let incoming = tokio_stream::wrappers::ReceiverStream::new(incoming);
    let service = NodeServiceServer::new(node);
    tokio::spawn(Server::builder().add_service(service).serve_with_incoming(incoming));
}

impl Nodes {
    fn asker(&self) -> Asker {
        let Coalition { mou, trust } = self.coalition.as_ref();
        Asker::new(mou.clone(), trust.clone(), identity("chamber"), &clock()).unwrap()
    }

    fn wanted(&self, kpi: &str, by: &[&str]) -> Wanted {
        let purpose: Purpose = "annual-report".parse().unwrap();
        Wanted { table: self.coalition.table(kpi, by), purpose }
    }
}

/// What came of asking `lakeshore-cc`, while `harbor-tech` answered.
async fn absence(nodes: &Nodes, asker: Asker) -> Absence {
    let wanted = [nodes.wanted("completers", &[])];
    let mut answers = asker.ask(&"ask-1".parse().unwrap(), &wanted).await.remove(0).from;
    assert!(answers[1].1.is_ok(), "{:?}", answers[1]);
    answers.remove(0).1.unwrap_err()
}

#[tokio::test]
async fn asks_every_node_at_once_and_puts_the_answers_where_they_belong() {
    let nodes = start(Behaviour::Answers, "lakeshore-cc").await;
    let wanted = [
        nodes.wanted("completers", &["sex"]),
        nodes.wanted("hires", &[]),
        nodes.wanted("attainment", &[]),
    ];
    let answers = nodes.asker().ask(&"ask-1".parse().unwrap(), &wanted).await;
    for (answers, wanted) in answers.iter().zip(&wanted) {
        assert_eq!(answers.table.key(), wanted.table.key());
        let parties = nodes.coalition.mou.answering(wanted.table.kpi()).map(|party| &party.id);
        assert!(answers.from.iter().map(|(party, _)| party).eq(parties));
        for (party, outcome) in &answers.from {
            match COLLEGES.contains(&party.as_str()) {
                true => assert_eq!(outcome.as_ref().unwrap().signer().party(), party),
                false => assert!(matches!(
                    outcome,
                    Err(Absence::Unreachable(Unreachable::NothingListens { .. }))
                )),
            }
        }
    }
    // One call for both tables of the colleges, which name each other and nobody else.
    let colleges: Vec<PartyId> = COLLEGES.map(|party| party.parse().unwrap()).into();
    for asked in nodes.asked.values() {
        let asked = asked.lock().unwrap();
        assert_eq!((asked.len(), asked[0].questions.len()), (1, 2));
        assert_eq!(asked[0].roster, colleges);
    }
}

#[tokio::test]
async fn more_tables_than_one_call_takes_go_in_several() {
    let nodes = start(Behaviour::Answers, "lakeshore-cc").await;
    let wanted = vec![nodes.wanted("completers", &[]); sumac_protocol::MAX_TABLES_PER_CALL + 1];
    let answers = nodes.asker().ask(&"ask-1".parse().unwrap(), &wanted).await;
    assert_eq!(answers.len(), wanted.len());
    assert!(answers.iter().flat_map(|answers| &answers.from).all(|(_, outcome)| outcome.is_ok()));
    let asked = nodes.asked["harbor-tech"].lock().unwrap();
    let calls: Vec<_> =
        asked.iter().map(|ask| (ask.request_id.as_str(), ask.questions.len())).collect();
    assert_eq!(calls, [("ask-1.0", sumac_protocol::MAX_TABLES_PER_CALL), ("ask-1.1", 1)]);
}

#[tokio::test]
async fn says_in_words_why_a_node_did_not_answer() {
    for (behaviour, shows, word, expected) in [
        (Behaviour::Refuses, "lakeshore-cc", "refused", "refused (NO_SNAPSHOT): no data yet"),
        (Behaviour::Fails, "lakeshore-cc", "fault", "its node failed"),
        (Behaviour::IsBusy, "lakeshore-cc", "unreachable", "busy or stopping"),
        (Behaviour::AnswersTooFew, "lakeshore-cc", "unsound", "0 for 1 questions"),
        (Behaviour::AnswersForAnother, "lakeshore-cc", "unsound", "the signer `harbor-tech`"),
        (Behaviour::AcceptsNoLonger, "lakeshore-cc", "unreachable", "not accept this certificate"),
        (Behaviour::SaysTooMuch, "lakeshore-cc", "unreachable", "a message was too large"),
        (Behaviour::Answers, "harbor-tech", "unreachable", "did not prove to be this party's node"),
        (Behaviour::Answers, "chamber", "unreachable", "only a node may answer"),
    ] {
        let nodes = start(behaviour, shows).await;
        let absence = absence(&nodes, nodes.asker()).await;
        let said = absence.to_string();
        assert!(absence.word() == word && said.contains(expected), "{expected}: {said}");
        assert!(!absence.hint().is_empty(), "{said}");
    }
}

#[tokio::test]
async fn a_node_that_does_not_answer_in_time_is_given_up() {
    let nodes = start(Behaviour::Sleeps, "lakeshore-cc").await;
    let asker = nodes.asker().with_call_deadline(Duration::from_millis(100));
    let wanted = [nodes.wanted("completers", &[])];
    let answers = asker.ask(&"ask-1".parse().unwrap(), &wanted).await;
    let late = Absence::Unreachable(Unreachable::NoAnswerInTime { seconds: 0 });
    assert_eq!(answers[0].from[0].1.as_ref().unwrap_err(), &late);
}

#[tokio::test]
async fn a_refused_certificate_is_said_to_be_one() {
    let nodes = start(Behaviour::Answers, "lakeshore-cc").await;
    let Coalition { mou, trust } = nodes.coalition.as_ref();
    // A root that the MOU does not pin.
    let stranger = sumac_keys::Root::create(&"chamber".parse().unwrap(), "Another", *NOON).unwrap();
    let issued = stranger.issue(sumac_policy::PeerRole::Analyst, "eve", *NOON).unwrap();
    let identity =
        sumac_keys::TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes());
    let asker = Asker::new(mou.clone(), trust.clone(), &identity.unwrap(), &clock()).unwrap();
    for (party, outcome) in asker.describe().await {
        let Err(Absence::Unreachable(unreachable)) = outcome else {
            unreachable!("{party} answered a stranger")
        };
        if COLLEGES.contains(&party.as_str()) {
            let said = unreachable.to_string();
            assert!(said.contains("it refused this certificate"), "{party}: {said}");
            assert!(unreachable.hint().contains("log line"));
        }
    }
}

#[tokio::test]
async fn what_is_no_node_is_said_to_be_none() {
    let config = |coalition: &Coalition| {
        sumac_keys::client_config(
            identity("chamber"),
            coalition.trust.clone(),
            "lakeshore-cc".parse().unwrap(),
            clock(),
        )
        .unwrap()
    };
    let coalition = Coalition::new("coalition");
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = web.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = web.accept().await {
            tcp.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    let closed = closed_port();
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let short = Duration::from_millis(200);
    for (address, deadline, expected) in [
        (address, CONNECT, "it does not speak TLS"),
        (closed.local_addr().unwrap().to_string(), CONNECT, "nothing listens at"),
        // No name at all, so that nobody is asked about it.
        ("node..example:7443".to_owned(), CONNECT, "cannot be found"),
        (deaf.local_addr().unwrap().to_string(), short, "did not take the connection within"),
    ] {
        let said = connect(&address, config(&coalition), deadline).await.err().unwrap().to_string();
        assert!(said.contains(expected) && said.contains(&address), "{expected}: {said}");
    }
}

const CONNECT: Duration = crate::asker::CONNECT_DEADLINE;

#[tokio::test]
async fn previews_and_descriptions_come_from_every_node() {
    let nodes = start(Behaviour::Answers, "lakeshore-cc").await;
    let wanted = [nodes.wanted("completers", &[]), nodes.wanted("attainment", &["sex"])];
    for (previews, wanted) in nodes.asker().preview(&wanted).await.iter().zip(&wanted) {
        assert_eq!(previews.table.key(), wanted.table.key());
        assert_eq!(previews.from.len(), 2);
        assert!(previews.from.iter().all(|(_, preview)| {
            matches!(preview, Ok(Preview::WouldAnswer { already_released: false, .. }))
        }));
    }
    let descriptions = nodes.asker().describe().await;
    let spent: Vec<_> = descriptions
        .iter()
        .map(|(party, said)| (party.as_str(), said.as_ref().ok().map(|said| said.spent_nano_rho)))
        .collect();
    assert_eq!(
        spent,
        [
            ("lakeshore-cc", Some(2)),
            ("harbor-tech", Some(2)),
            ("northside-health", None),
            ("county-transit", None),
            ("bay-fabrication", None),
        ]
    );
}
