//! Handshakes between the two configurations, in memory.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{Read, Write};

use openssl::ssl::{Ssl, SslContext, SslMethod, SslVersion};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConnection, ServerConnection};
use sumac_policy::PeerRole::{Analyst, Node, Steward};

use super::*;
use crate::testing::{self, Forged, NOON, days_later, der, identity};
use crate::{Issued, Root};

/// What a side made of a handshake: its peer, or why not.
type Outcome = Result<Peer, String>;

/// An analyst of harbor-tc asks the node of lakeshore-cc; each test spoils something.
struct Meeting {
    lakeshore: Root,
    harbor: Root,
    trust: Arc<Trust>,
}

impl Meeting {
    fn new() -> Self {
        let (lakeshore, harbor) = (testing::root("lakeshore-cc"), testing::root("harbor-tc"));
        let trust = Arc::new(testing::trust([&lakeshore, &harbor]));
        Self { lakeshore, harbor, trust }
    }

    fn node(&self) -> Issued {
        self.lakeshore.issue(Node, "main", *NOON).unwrap()
    }

    fn analyst(&self) -> Issued {
        self.harbor.issue(Analyst, "ana", *NOON).unwrap()
    }

    fn server(&self, shown: &Issued, day: i64) -> Arc<ServerConfig> {
        server_config(&identity(shown), self.trust.clone(), clock(day)).unwrap()
    }

    fn client(&self, shown: &Issued, day: i64) -> Arc<ClientConfig> {
        let expected = self.lakeshore.party().clone();
        client_config(&identity(shown), self.trust.clone(), expected, clock(day)).unwrap()
    }

    /// A client that our own reading of its certificate would have stopped, or that has none.
    fn careless_client(&self, shown: Option<&Issued>, day: i64) -> Arc<ClientConfig> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let expected = Some(self.lakeshore.party().clone());
        let judge =
            Arc::new(Judge { trust: self.trust.clone(), expected, provider: provider.clone() });
        let clock = Arc::new(GivenClock(clock(day)));
        let builder = ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(judge);
        Arc::new(match shown {
            None => builder.with_no_client_auth(),
            Some(shown) => {
                let key = PrivateKeyDer::from_pem_slice(shown.key_pem.as_bytes()).unwrap();
                builder.with_client_auth_cert(der(&shown.certificate_pem), key).unwrap()
            }
        })
    }

    /// What the client and the server say, in this order.
    fn shake(
        &self,
        client: Arc<ClientConfig>,
        server: Arc<ServerConfig>,
        day: i64,
    ) -> (Outcome, Outcome) {
        let mut client = ClientConnection::new(client, "any.example".try_into().unwrap()).unwrap();
        let mut server = ServerConnection::new(server).unwrap();
        let (mut client_said, mut server_said) = (Ok(()), Ok(()));
        // Each round carries one flight either way; a handshake takes two, an alert one more.
        for _ in 0..4 {
            let mut flight = vec![];
            while client.wants_write() {
                client.write_tls(&mut flight).unwrap();
            }
            server_said = server_said.and_then(|()| {
                server.read_tls(&mut flight.as_slice()).unwrap();
                server.process_new_packets().map(drop)
            });
            let mut flight = vec![];
            while server.wants_write() {
                server.write_tls(&mut flight).unwrap();
            }
            client_said = client_said.and_then(|()| {
                client.read_tls(&mut flight.as_slice()).unwrap();
                client.process_new_packets().map(drop)
            });
        }
        let peer = |shown, usage| {
            peer_of(shown, &self.trust, days_later(day), usage).map_err(|why| why.to_string())
        };
        (
            client_said
                .map_err(words)
                .and_then(|()| peer(client.peer_certificates(), Usage::Server)),
            server_said
                .map_err(words)
                .and_then(|()| peer(server.peer_certificates(), Usage::Client)),
        )
    }
}

fn clock(day: i64) -> Clock {
    let now = days_later(day);
    Arc::new(move || now)
}

/// As a caller meets the error: inside an `io::Error`.
fn words(error: rustls::Error) -> String {
    why_refused(&io::Error::other(error)).unwrap()
}

#[test]
fn both_sides_know_who_the_other_is() {
    let meeting = Meeting::new();
    let (server, client) =
        (meeting.server(&meeting.node(), 0), meeting.client(&meeting.analyst(), 0));
    let (met_by_client, met_by_server) = meeting.shake(client, server, 0);
    assert_eq!(met_by_client.unwrap().to_string(), "sumac://lakeshore-cc/node/main");
    assert_eq!(met_by_server.unwrap().to_string(), "sumac://harbor-tc/analyst/ana");
}

#[test]
fn every_role_may_ask_because_the_mou_decides_what_for() {
    let meeting = Meeting::new();
    for role in [Node, Analyst, Steward] {
        let shown = meeting.harbor.issue(role, "someone", *NOON).unwrap();
        let (client, server) = (meeting.client(&shown, 0), meeting.server(&meeting.node(), 0));
        assert_eq!(meeting.shake(client, server, 0).1.unwrap().role(), role);
    }
}

#[test]
fn a_server_refuses_strangers_and_says_why() {
    let meeting = Meeting::new();
    let analyst = |root: &Root| root.issue(Analyst, "ana", *NOON).unwrap();
    let ana = "sumac://harbor-tc/analyst/ana";
    let authority = Forged { is_ca: true, signs_certificates: true, ..Forged::node(&[ana]) };
    let future = meeting.harbor.issue(Analyst, "ana", days_later(3)).unwrap();
    for (what, shown, day, expected) in [
        ("no certificate", None, 0, "showed no certificate"),
        ("an unlisted root", Some(analyst(&testing::root("bay"))), 0, "no party `bay`"),
        (
            "another root of a listed name",
            Some(analyst(&testing::root("harbor-tc"))),
            0,
            "not signed by the root that the MOU pins for `harbor-tc`",
        ),
        (
            "a listed party's root minting another party's name",
            Some(Forged::node(&[ana]).issued_by(&meeting.lakeshore)),
            0,
            "not signed by the root that the MOU pins for `harbor-tc`",
        ),
        // A person's 30 days are over; the node's 90 are not.
        ("an expired certificate", Some(analyst(&meeting.harbor)), 31, "expired on 2026-12-24"),
        ("a certificate from the future", Some(future), 0, "check this machine's clock"),
        (
            "two names",
            Some(Forged::node(&[ana, "sumac://harbor-tc/steward/sam"]).issued_by(&meeting.harbor)),
            0,
            "2 names",
        ),
        ("an authority", Some(authority.issued_by(&meeting.harbor)), 0, "is an authority"),
    ] {
        let client = meeting.careless_client(shown.as_ref(), day);
        let server = meeting.server(&meeting.node(), day);
        let (told, refused) = meeting.shake(client, server, day);
        let refused = refused.unwrap_err();
        assert!(refused.contains(expected), "{what}: {refused}");
        let told = told.unwrap_err();
        assert!(told.contains("ask its operator"), "{what}: {told}");
    }
}

#[test]
fn a_client_refuses_whoever_is_not_the_node_it_meant_to_reach() {
    let meeting = Meeting::new();
    let issue = |root: &Root, role| root.issue(role, "main", *NOON).unwrap();
    for (what, shown, day, expected) in [
        ("an analyst", issue(&meeting.lakeshore, Analyst), 0, "only a node may answer"),
        ("a steward", issue(&meeting.lakeshore, Steward), 0, "only a node may answer"),
        (
            "another party",
            issue(&meeting.harbor, Node),
            0,
            "it is party `harbor-tc`, but `lakeshore-cc`",
        ),
        ("an outsider", issue(&testing::root("bay"), Node), 0, "no party `bay`"),
        ("an expired node", issue(&meeting.lakeshore, Node), 91, "expired on 2027-02-22"),
    ] {
        let later = meeting.harbor.issue(Analyst, "ana", days_later(day)).unwrap();
        let (client, server) = (meeting.client(&later, day), meeting.server(&shown, day));
        let (refused, told) = meeting.shake(client, server, day);
        let refused = refused.unwrap_err();
        assert!(refused.contains(expected), "{what}: {refused}");
        assert!(told.is_err(), "{what}");
    }
}

#[test]
fn a_server_speaks_nothing_but_tls_1_3() {
    let meeting = Meeting::new();
    for (what, hello, expected) in [
        ("TLS 1.2", tls12_hello(), "does not speak TLS 1.3"),
        (
            "plain text",
            b"GET / HTTP/1.1\r\nHost: any.example\r\n\r\n".to_vec(),
            "does not speak TLS",
        ),
    ] {
        let mut server = ServerConnection::new(meeting.server(&meeting.node(), 0)).unwrap();
        server.read_tls(&mut hello.as_slice()).unwrap();
        let said = words(server.process_new_packets().unwrap_err());
        assert!(said.contains(expected), "{what}: {said}");
    }
}

/// The first flight of an OpenSSL client that knows no newer version.
fn tls12_hello() -> Vec<u8> {
    struct Capture(Vec<u8>);
    impl Read for Capture {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::WouldBlock.into())
        }
    }
    impl Write for Capture {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut context = SslContext::builder(SslMethod::tls_client()).unwrap();
    context.set_max_proto_version(Some(SslVersion::TLS1_2)).unwrap();
    let client = Ssl::new(&context.build()).unwrap();
    match client.connect(Capture(vec![])) {
        Err(openssl::ssl::HandshakeError::WouldBlock(midway)) => midway.get_ref().0.clone(),
        other => unreachable!("a client waits for its answer: {:?}", other.map(drop).map_err(drop)),
    }
}

#[test]
fn nothing_is_resumed() {
    let meeting = Meeting::new();
    let server = meeting.server(&meeting.node(), 0);
    assert_eq!(server.send_tls13_tickets, 0);
    assert!(!server.session_storage.can_cache());
}
