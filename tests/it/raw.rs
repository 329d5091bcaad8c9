//! An asker that bypasses the backbone: it sends whatever a test wants over a connection that is trusted.

use std::sync::{Arc, Mutex};

use hyper_util::rt::TokioIo;
use sumac_keys::client_config;
use sumac_policy::PeerRole;
use sumac_protocol::wire;
use sumac_protocol::wire::node_service_client::NodeServiceClient;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use tonic_types::{ErrorDetail, StatusExt};

use crate::coalition::Coalition;

/// Connects to a party's node with a certificate of this party and role.
pub(crate) async fn client(
    coalition: &Coalition,
    node: &str,
    party: &str,
    role: PeerRole,
) -> NodeServiceClient<Channel> {
    let identity = coalition.identity(party, role);
    let trust = coalition.trust.clone();
    let config = client_config(&identity, trust, node.parse().unwrap(), coalition.clock()).unwrap();
    let tcp = TcpStream::connect(coalition.address(node)).await.unwrap();
    let name = ServerName::try_from("node.sumac.invalid").unwrap();
    let stream = TlsConnector::from(config).connect(name, tcp).await.unwrap();
    let stream = Arc::new(Mutex::new(Some(stream)));
    let once = tower::service_fn(move |_| {
        let taken = stream.lock().unwrap().take();
        async { taken.map(TokioIo::new).ok_or(std::io::Error::other("connected once")) }
    });
    let channel = Endpoint::from_static("http://node.sumac.invalid")
        .connect_with_connector(once)
        .await
        .unwrap();
    NodeServiceClient::new(channel).max_encoding_message_size(64 << 20)
}

/// A question by words alone.
pub(crate) fn question(kpi: &str, period: &str, breakdown: &[&str]) -> wire::Question {
    wire::Question {
        kpi: kpi.to_owned(),
        period: period.to_owned(),
        breakdown: breakdown.iter().map(|dimension| (*dimension).to_owned()).collect(),
        purpose: "annual-report".to_owned(),
    }
}

/// A sound call for these, of both colleges.
pub(crate) fn ask(coalition: &Coalition, questions: &[wire::Question]) -> wire::AskRequest {
    wire::AskRequest {
        request_id: "raw.1".to_owned(),
        mou_sha256: coalition.mou.hash().as_bytes().to_vec(),
        roster: vec!["lakeshore-cc".to_owned(), "harbor-tech".to_owned()],
        questions: questions.to_vec(),
        last_head: None,
    }
}

/// A failed call carries exactly one `ErrorInfo`, of our domain and with this reason.
#[track_caller]
pub(crate) fn one_reason(status: &Status, reason: &str) {
    let details = status.get_error_details_vec();
    match details.as_slice() {
        [ErrorDetail::ErrorInfo(info)] => {
            assert_eq!((info.domain.as_str(), info.reason.as_str()), ("sumac", reason), "{status}");
        }
        details => panic!("{status}: {details:?}"),
    }
    assert!(!status.message().is_empty());
}
