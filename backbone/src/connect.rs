//! One connection to a party's node, and words for everything that can go wrong with it.

use std::error::Error;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hyper_util::rt::TokioIo;
use sumac_protocol::wire::node_service_client::NodeServiceClient;
use sumac_protocol::{CallError, MAX_ANSWER_BYTES, MAX_MESSAGE_BYTES, WireError, status};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::service_fn;

use crate::absence::Absence;
use crate::history::HistoryDiffers;

/// A node that has proved to be the party's.
pub(crate) type Client = NodeServiceClient<Channel>;

/// Why a node could not be asked. Every text is for the asker's own terminal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// The MOU says nowhere to go.
    #[error("the MOU gives no address for its node")]
    NoAddress,
    /// The host name is unknown.
    #[error("`{address}` cannot be found: {cause}")]
    Lookup {
        /// As the MOU has it.
        address: String,
        /// What the resolver says.
        cause: String,
    },
    /// The port is closed.
    #[error("nothing listens at `{address}`")]
    NothingListens {
        /// As the MOU has it.
        address: String,
    },
    /// The network is in the way.
    #[error("connect to `{address}`: {cause}")]
    Network {
        /// As the MOU has it.
        address: String,
        /// What the system says.
        cause: String,
    },
    /// No connection in time.
    #[error("`{address}` did not take the connection within {seconds} s")]
    NotInTime {
        /// As the MOU has it.
        address: String,
        /// The time given.
        seconds: u64,
    },
    /// Whatever is at the address, it is not the party's node.
    #[error("`{address}` did not prove to be this party's node: {cause}")]
    NotTheNode {
        /// As the MOU has it.
        address: String,
        /// What its certificate or its first bytes say.
        cause: String,
    },
    /// The connection ended under us. In TLS 1.3 a server judges our certificate only after we believe that
    /// all is well, so that a refused certificate looks like this.
    #[error(
        "the node closed the connection: it refused this certificate, or is no Sumac node ({cause})"
    )]
    Closed {
        /// The last thing heard.
        cause: String,
    },
    /// The certificate ran out, or the MOU changed, while the connection was open.
    #[error("the node does not accept this certificate any more")]
    CertificateNotAccepted,
    /// No answer in time.
    #[error("no answer within {seconds} s")]
    NoAnswerInTime {
        /// The time given.
        seconds: u64,
    },
    /// A message larger than one side accepts.
    #[error(
        "a message was too large: a node accepts {} MiB, and answers of {} MiB are accepted here",
        MAX_MESSAGE_BYTES >> 20,
        MAX_ANSWER_BYTES >> 20
    )]
    TooLarge,
    /// The node has all the work that it can take, or is stopping.
    #[error("the node is busy or stopping")]
    Busy,
    /// The node does not know the call.
    #[error("the node does not know this call: its software is older or newer than this one")]
    NotSpoken,
    /// The node could not read what was sent.
    #[error("the node could not read the call: {0}")]
    Misread(String),
    /// Something else than a node of ours answered.
    #[error("an unexpected status came back: {0}")]
    Unexpected(String),
}

impl Unreachable {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::NoAddress => "amend the MOU to give the party an address",
            Self::Lookup { .. } => "check the address in the MOU, and this machine's DNS",
            Self::NothingListens { .. } => "ask the partner whether its node runs (`sumac serve`)",
            Self::Network { .. } | Self::NotInTime { .. } => {
                "check this machine's network, and ask the partner about its firewall"
            }
            Self::NotTheNode { .. } => {
                "check the address in the MOU, and ask the partner which certificate its node shows"
            }
            Self::Closed { .. } => {
                "ask the node's operator for the log line of this moment: it says why"
            }
            Self::CertificateNotAccepted => {
                "see `sumac certificate list`, and ask the node's operator what the log says"
            }
            Self::NoAnswerInTime { .. } => {
                "ask again: what it has measured by then comes at once and free"
            }
            Self::TooLarge => "ask for fewer tables at a time",
            Self::Busy => "ask again in a few minutes: nothing is charged twice",
            Self::NotSpoken | Self::Misread(_) => {
                "compare versions: `sumac --version` on both sides"
            }
            Self::Unexpected(_) => "check what answers at the address that the MOU gives",
        }
    }
}

/// Connects, and returns only if the other end proved to be the node that `config` expects. The connection
/// is never made again behind our back: a broken one is an error, and asking again is free.
pub(crate) async fn connect(
    address: &str,
    config: Arc<ClientConfig>,
    deadline: Duration,
) -> Result<Client, Unreachable> {
    let late =
        || Unreachable::NotInTime { address: address.to_owned(), seconds: deadline.as_secs() };
    let stream = timeout(deadline, handshake(address, config)).await.map_err(|_| late())??;
    let stream = Arc::new(Mutex::new(Some(stream)));
    let once = service_fn(move |_| {
        let taken = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        async { taken.map(TokioIo::new).ok_or(io::Error::from(io::ErrorKind::ConnectionAborted)) }
    });
    // The name is never looked up, nor looked at: the certificate says who answers.
    let channel = Endpoint::from_static("http://node.sumac.invalid")
        .connect_with_connector(once)
        .await
        .map_err(|error| Unreachable::Closed { cause: innermost(&error) })?;
    Ok(NodeServiceClient::new(channel).max_decoding_message_size(MAX_ANSWER_BYTES))
}

async fn handshake(
    address: &str,
    config: Arc<ClientConfig>,
) -> Result<TlsStream<TcpStream>, Unreachable> {
    let tcp = dial(address).await?;
    let name = ServerName::try_from("node.sumac.invalid")
        .map_err(|error| Unreachable::Closed { cause: error.to_string() })?;
    TlsConnector::from(config).connect(name, tcp).await.map_err(|error| {
        match sumac_keys::why_refused(&error) {
            Some(cause) => Unreachable::NotTheNode { address: address.to_owned(), cause },
            None => Unreachable::Closed { cause: error.to_string() },
        }
    })
}

async fn dial(address: &str) -> Result<TcpStream, Unreachable> {
    let lookup = |cause: String| Unreachable::Lookup { address: address.to_owned(), cause };
    let found: Vec<_> =
        lookup_host(address).await.map_err(|error| lookup(error.to_string()))?.collect();
    if found.is_empty() {
        return Err(lookup("no address".to_owned()));
    }
    let tcp = TcpStream::connect(found.as_slice()).await.map_err(|error| {
        let address = address.to_owned();
        match error.kind() {
            io::ErrorKind::ConnectionRefused => Unreachable::NothingListens { address },
            _ => Unreachable::Network { address, cause: error.to_string() },
        }
    })?;
    // Small messages, both ways: waiting to fill a packet only adds delay. No harm if it stays on.
    let _ = tcp.set_nodelay(true);
    Ok(tcp)
}

/// Waits for a call, and puts its failure into words.
pub(crate) async fn answer_of<T>(
    call: impl Future<Output = Result<tonic::Response<T>, Status>>,
    deadline: Duration,
) -> Result<T, Absence> {
    match timeout(deadline, call).await {
        Ok(Ok(response)) => Ok(response.into_inner()),
        Ok(Err(status)) => Err(failed(&status)),
        Err(_) => {
            Err(Absence::Unreachable(Unreachable::NoAnswerInTime { seconds: deadline.as_secs() }))
        }
    }
}

fn failed(status: &Status) -> Absence {
    if let Some(error) = status::read(status) {
        return match error {
            CallError::Refused(refusal) => Absence::Refused(refusal),
            CallError::Fault(id) => Absence::Fault(id),
            CallError::LogDiffers => Absence::HistoryDiffers(HistoryDiffers::SaidByNode),
            CallError::Busy => Absence::Unreachable(Unreachable::Busy),
            CallError::TooLarge => Absence::Unreachable(Unreachable::TooLarge),
            CallError::CertificateNotAccepted => {
                Absence::Unreachable(Unreachable::CertificateNotAccepted)
            }
            CallError::Malformed(what) => Absence::Unreachable(Unreachable::Misread(what)),
        };
    }
    Absence::Unreachable(match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => Unreachable::TooLarge,
        Code::Unimplemented => Unreachable::NotSpoken,
        // Only a status made on this side has a cause.
        _ if status.source().is_some() => Unreachable::Closed {
            cause: sumac_keys::why_refused(status).unwrap_or_else(|| innermost(status)),
        },
        code => Unreachable::Unexpected(code.description().to_owned()),
    })
}

/// An answer that cannot be read.
pub(crate) fn unreadable(error: WireError) -> Absence {
    Absence::Unsound(crate::verify::Unsound::Unreadable(error))
}

fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests;
