//! Who gets through the door. Real sockets and real TLS; what the operator's log says is read, too.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use openssl::ssl::{SslConnector, SslMethod, SslVerifyMode, SslVersion};
use sumac_backbone::{Absence, Asker};
use sumac_keys::{Clock, Issued, Root, TlsIdentity};
use sumac_node::store::read_only;
use sumac_policy::{PartyId, PeerRole, Reason};
use tokio::sync::watch;
use tonic::Code;
use tracing_subscriber::fmt::MakeWriter;

use crate::coalition::{Coalition, Parties, Serving, wanted};
use crate::raw;

const LAKESHORE: &str = include_str!("../../examples/mou/lakeshore/mou.toml");
const NOW: &str = "2026-08-01T12:00:00Z";
const COLLEGE: &str = "lakeshore-cc";
/// Nothing here takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

static PARTIES: LazyLock<Arc<Parties>> = LazyLock::new(|| Parties::of(LAKESHORE, NOW));

/// The log of everything that runs on this thread.
#[derive(Clone)]
struct Log {
    text: Arc<Mutex<String>>,
    grown: watch::Sender<usize>,
}

impl Log {
    /// Kept until the guard is dropped.
    fn keep() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self { text: Arc::default(), grown: watch::channel(0).0 };
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter("info")
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    fn text(&self) -> String {
        self.text.lock().unwrap().clone()
    }

    /// Waits until a line logged after `from` says this, and returns the place behind it.
    async fn says(&self, from: usize, words: &str) -> usize {
        let mut grown = self.grown.subscribe();
        let said = grown.wait_for(|_| self.text()[from..].contains(words));
        let waited = tokio::time::timeout(PATIENCE, said).await;
        assert!(waited.is_ok(), "`{words}` is not in the log:\n{}", &self.text()[from..]);
        self.text().len()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut text = self.text.lock().unwrap();
        text.push_str(&String::from_utf8_lossy(bytes));
        self.grown.send_replace(text.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A college's node without data: whoever gets through learns that it has none.
async fn node(coalition: &Coalition) -> Serving {
    let snapshots = coalition.home(COLLEGE).join("snapshots");
    let node = coalition.node(COLLEGE, 1, &snapshots).await;
    coalition.serve(COLLEGE, node).await
}

async fn lakeshore() -> Coalition {
    Coalition::under(LAKESHORE, PARTIES.clone(), &[COLLEGE]).await
}

/// How often the ledger was written to.
fn records(coalition: &Coalition) -> u64 {
    read_only(&coalition.ledger(COLLEGE, 1)).unwrap().records
}

fn identity(issued: &Issued) -> TlsIdentity {
    TlsIdentity::read(issued.certificate_pem.as_bytes(), issued.key_pem.as_bytes()).unwrap()
}

/// What an asker with this certificate gets from the college.
async fn answer(
    coalition: &Coalition,
    identity: &TlsIdentity,
    clock: &Clock,
) -> Result<(), Absence> {
    let asker =
        Asker::new(coalition.mou.clone(), coalition.trust.clone(), identity, clock).unwrap();
    let tables = wanted(&coalition.mou, "enrolment", "2025-26", &[&[]]);
    let mut answers = asker.ask(&"t.1".parse().unwrap(), &tables).await;
    let college: PartyId = COLLEGE.parse().unwrap();
    let from = answers.remove(0).from;
    from.into_iter().find(|(party, _)| *party == college).unwrap().1.map(|_| ())
}

/// The seconds of a moment, so many days after now.
fn days(later: i64) -> jiff::Timestamp {
    let now: jiff::Timestamp = NOW.parse().unwrap();
    jiff::Timestamp::from_second(now.as_second() + later * 86_400).unwrap()
}

#[tokio::test]
async fn a_stranger_is_refused_before_any_handler_and_the_log_says_why() {
    let (log, _guard) = Log::keep();
    // The root that the MOU pins for `harbor-tech` writes another party's name into what it issues.
    let chamber: PartyId = "lakeshore-chamber".parse().unwrap();
    let minting = Root::create(&chamber, "Harbor", NOW.parse().unwrap()).unwrap();
    let minted = minting.issue(PeerRole::Analyst, "maria", days(0)).unwrap();
    let parties = Parties::of(LAKESHORE, NOW);
    let parties = Arc::new(Arc::into_inner(parties).unwrap().replacing("harbor-tech", minting));
    let coalition = Coalition::under(LAKESHORE, parties.clone(), &[COLLEGE]).await;
    let serving = node(&coalition).await;
    let before = records(&coalition);

    let unlisted = Root::create(&chamber, "Chamber", days(0)).unwrap();
    let other = Root::create(&"riverbend".parse().unwrap(), "Riverbend", days(0)).unwrap();
    let issue = |root: &Root, role, day| root.issue(role, "maria", days(day)).unwrap();
    let ours = parties.root("lakeshore-chamber");
    let name = "sumac://lakeshore-chamber/analyst/maria";
    let mut place = 0;
    for (issued, why) in [
        (
            issue(&unlisted, PeerRole::Analyst, 0),
            format!("`{name}` is not signed by the root that the MOU pins for `lakeshore-chamber`"),
        ),
        (
            minted,
            format!("`{name}` is not signed by the root that the MOU pins for `lakeshore-chamber`"),
        ),
        (issue(&other, PeerRole::Analyst, 0), "lists no party `riverbend`".to_owned()),
        (issue(ours, PeerRole::Analyst, 1), format!("`{name}` is not yet valid (from 2026-08-02T")),
    ] {
        let Err(Absence::Unreachable(absence)) =
            answer(&coalition, &identity(&issued), &coalition.clock()).await
        else {
            panic!("{why}: it got through")
        };
        assert!(!absence.hint().is_empty());
        place = log.says(place, &why).await;
    }
    // A certificate that has run out, at a node whose clock says so.
    let expiring = identity(&issue(ours, PeerRole::Analyst, 0));
    coalition.step_to(days(31));
    let expired = answer(&coalition, &expiring, &coalition.clock()).await;
    assert!(matches!(expired, Err(Absence::Unreachable(_))), "{expired:?}");
    place = log.says(place, "expired on 2026-08-31: renew with `sumac certificate renew`").await;
    assert_eq!(records(&coalition), before, "a handler ran");
    // Everyone whom the MOU knows gets through.
    let good = identity(&issue(ours, PeerRole::Analyst, 31));
    let known = answer(&coalition, &good, &coalition.clock()).await;
    assert!(
        matches!(&known, Err(Absence::Refused(refusal)) if refusal.reason == Reason::NoSnapshot),
        "{known:?}"
    );
    log.says(place, "outcome=\"NO_SNAPSHOT\"").await;
    assert_eq!(records(&coalition), before + 1);
    serving.stop().await;
}

#[tokio::test]
async fn what_is_no_client_of_ours_is_refused_and_the_log_says_why() {
    let (log, _guard) = Log::keep();
    let coalition = lakeshore().await;
    let serving = node(&coalition).await;
    let before = records(&coalition);
    let address = coalition.address(COLLEGE);
    let mut place = 0;
    for (client, why) in [
        (Client::NoCertificate, "it showed no certificate"),
        (Client::Tls12, "it does not speak TLS 1.3"),
        (Client::Says(b"GET / HTTP/1.1\r\nHost: node\r\n\r\n"), "it does not speak TLS"),
        (Client::Says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "it does not speak TLS"),
        (Client::Says(&[0xa5; 600]), "it does not speak TLS"),
        (Client::Says(b"\x16\x03\x01\xff\xff\x01"), "it does not speak TLS"),
        (Client::Says(b""), "eof"),
    ] {
        tokio::task::spawn_blocking(move || client.call(address)).await.unwrap();
        let end = log.says(place, "refused a connection").await;
        let said = log.text()[place..].to_owned();
        assert!(said.contains(why) && said.contains("reason="), "{why}:\n{said}");
        place = end;
    }
    assert_eq!(records(&coalition), before, "a handler ran");
    assert!(log.text().matches("refused a connection").count() == 7, "{}", log.text());
    serving.stop().await;
}

/// Someone who is no client of ours.
#[derive(Clone, Copy)]
enum Client {
    NoCertificate,
    Tls12,
    /// Says this and hangs up.
    Says(&'static [u8]),
}

impl Client {
    /// Calls, and returns once the connection is over.
    fn call(self, address: std::net::SocketAddr) {
        let mut tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(PATIENCE)).unwrap();
        let version = match self {
            Self::NoCertificate => SslVersion::TLS1_3,
            Self::Tls12 => SslVersion::TLS1_2,
            Self::Says(bytes) => {
                // The node may hang up before it has heard all.
                let _ = tcp.write_all(bytes);
                let _ = tcp.shutdown(std::net::Shutdown::Write);
                let _ = tcp.read_to_end(&mut Vec::new());
                return;
            }
        };
        let mut tls = SslConnector::builder(SslMethod::tls_client()).unwrap();
        tls.set_verify(SslVerifyMode::NONE);
        tls.set_max_proto_version(Some(version)).unwrap();
        tls.set_alpn_protos(b"\x02h2").unwrap();
        let tls = tls
            .build()
            .configure()
            .unwrap()
            .verify_hostname(false)
            .use_server_name_indication(false);
        // In TLS 1.3 the client is done before the server has judged it.
        match tls.connect("node", tcp) {
            Ok(mut stream) => assert!(stream.read(&mut [0; 64]).map_or(true, |read| read < 64)),
            Err(_) => assert!(matches!(self, Self::Tls12)),
        }
    }
}

#[tokio::test]
async fn a_client_that_says_nothing_holds_its_place_for_ten_seconds() {
    let (log, _guard) = Log::keep();
    let coalition = lakeshore().await;
    let serving = node(&coalition).await;
    // From here time passes when nothing else happens.
    tokio::time::pause();
    let begun = tokio::time::Instant::now();
    let mut silent = tokio::net::TcpStream::connect(coalition.address(COLLEGE)).await.unwrap();
    let read = tokio::io::AsyncReadExt::read(&mut silent, &mut [0; 8]).await;
    assert!(read.map_or(true, |bytes| bytes == 0), "the node hangs up");
    assert!(begun.elapsed() >= Duration::from_secs(10));
    tokio::time::resume();
    log.says(0, "no handshake within 10 s").await;
    serving.stop().await;
}

#[tokio::test]
async fn a_certificate_that_expires_on_an_open_connection_is_refused_at_the_next_call() {
    let (log, _guard) = Log::keep();
    let coalition = lakeshore().await;
    let serving = node(&coalition).await;
    let before = records(&coalition);
    let mut client = raw::client(&coalition, COLLEGE, "lakeshore-chamber", PeerRole::Analyst).await;
    client.describe(sumac_protocol::wire::DescribeRequest {}).await.unwrap();
    coalition.step_to(days(31));
    let status = client.describe(sumac_protocol::wire::DescribeRequest {}).await.unwrap_err();
    assert_eq!(status.code(), Code::Unauthenticated);
    let place = log.says(0, "refused a call on an open connection").await;
    assert!(log.text().contains("expired on 2026-08-31"), "{}", log.text());
    let ask = raw::ask(&coalition, &[raw::question("enrolment", "2025-26", &[])]);
    let status = client.ask(ask).await.unwrap_err();
    raw::one_reason(&status, "CERTIFICATE_NOT_ACCEPTED");
    log.says(place, "refused a call on an open connection").await;
    assert_eq!(records(&coalition), before, "a handler ran");
    serving.stop().await;
}

#[tokio::test]
async fn whoever_answers_with_a_persons_or_another_partys_certificate_is_not_the_node() {
    for (party, role, why) in [
        (
            COLLEGE,
            PeerRole::Analyst,
            "`sumac://lakeshore-cc/analyst/node` is not a node's certificate",
        ),
        (
            COLLEGE,
            PeerRole::Steward,
            "`sumac://lakeshore-cc/steward/node` is not a node's certificate",
        ),
        ("harbor-tech", PeerRole::Node, "but `lakeshore-cc` was to be reached"),
    ] {
        let coalition = lakeshore().await;
        let shown = PARTIES.identity(party, role, "node");
        let snapshots = coalition.home(COLLEGE).join("snapshots");
        let node = coalition.node_as(COLLEGE, shown, 1, &snapshots).await;
        let serving = coalition.serve(COLLEGE, node).await;
        let asker = PARTIES.identity("lakeshore-chamber", PeerRole::Analyst, "maria");
        let refused = answer(&coalition, &asker, &coalition.clock()).await;
        let Err(Absence::Unreachable(absence)) = refused else { panic!("{why}: {refused:?}") };
        assert!(absence.to_string().contains(why), "{absence}");
        // That it started, its MOU, and its certificate.
        assert_eq!(records(&coalition), 3, "a handler ran");
        serving.stop().await;
    }
}
