//! Listening: TLS connections in, one service over all of them, limits on everything, a graceful stop.
//!
//! The service does not know how a connection came to be: a node that dials out will hand its connections
//! to the same channel.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sumac_keys::{server_config, why_refused};
use sumac_protocol::wire::node_service_server::NodeServiceServer;
use sumac_protocol::{MAX_ANSWER_BYTES, MAX_MESSAGE_BYTES};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Server;
use tonic::transport::server::Connected;

use crate::agreement::Agreement;
use crate::node::Node;
use crate::reasoned::Reasoned;
use crate::service::{Service, Shown, chain};

/// Connections at once; a coalition has tens of askers.
const MAX_CONNECTIONS: usize = 256;
/// Handshakes at once, so that strangers cannot keep every core busy.
const MAX_HANDSHAKES: usize = 32;
/// A handshake takes milliseconds; a slower one is a stranger holding a place.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Calls at once on one connection.
const CALLS_PER_CONNECTION: u32 = 16;
/// The longest a call may take; a table of ten million rows takes seconds.
const CALL_TIMEOUT: Duration = Duration::from_secs(600);
/// A dead connection is noticed after this.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// A connection is renewed after this, so that none outlives its certificate for long.
const MAX_CONNECTION_AGE: Duration = Duration::from_secs(3_600);
/// How long a stop waits for calls under way.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);
/// After an accept error such as too many open files, the next try waits this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How often it is looked whether a day has begun on which old releases are to be deleted.
const PURGE_TICK: Duration = Duration::from_secs(3_600);

/// Serves a node on a bound listener until `stop` is done, then finishes what is under way. `reply_tick` is
/// the step on which replies leave.
///
/// # Errors
/// Where TLS cannot be configured or the server fails.
pub async fn serve(
    node: Arc<Node>,
    listener: TcpListener,
    reply_tick: Duration,
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    // Made once before anything is accepted, so that a broken identity stops the start.
    acceptor(&node, &node.agreement())?;
    let (connections, incoming) = mpsc::channel(MAX_HANDSHAKES);
    let accepting = tokio::spawn(accept(node.clone(), listener, connections));
    let purging = tokio::spawn(purge_daily(node.clone()));
    let service = NodeServiceServer::new(Service::new(node.clone(), reply_tick))
        .max_decoding_message_size(MAX_MESSAGE_BYTES)
        .max_encoding_message_size(MAX_ANSWER_BYTES);
    let (stopping, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = Server::builder()
        .max_concurrent_streams(CALLS_PER_CONNECTION)
        .timeout(CALL_TIMEOUT)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .max_connection_age(MAX_CONNECTION_AGE)
        .add_service(Reasoned(service))
        .serve_with_incoming_shutdown(ReceiverStream::new(incoming), async {
            // A dropped sender means the same: stop.
            let _ = stopped.await;
        });
    let mut server = std::pin::pin!(server);
    tokio::select! {
        ended = &mut server => {
            accepting.abort();
            purging.abort();
            return ended.map_err(ServeError::Server);
        }
        () = stop => {}
    }
    tracing::info!("stopping: no new connections; finishing what is under way");
    accepting.abort();
    purging.abort();
    // Cancelled, as they should be; what matters is that they hold the node no more.
    let _ = tokio::join!(accepting, purging);
    drop(stopping);
    if tokio::time::timeout(STOP_TIMEOUT, server).await.is_err() {
        tracing::warn!("calls still under way were cut off");
    }
    node.finish().await;
    Ok(())
}

/// Why a node could not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// TLS.
    #[error("set up TLS with the node's certificate")]
    Tls(#[source] tokio_rustls::rustls::Error),
    /// The server.
    #[error("serve")]
    Server(#[source] tonic::transport::Error),
}

fn acceptor(node: &Node, agreement: &Agreement) -> Result<TlsAcceptor, ServeError> {
    let identity = node.identity.borrow().clone();
    server_config(&identity, agreement.trust().clone(), node.world.clock())
        .map(TlsAcceptor::from)
        .map_err(ServeError::Tls)
}

async fn purge_daily(node: Arc<Node>) {
    let mut tick = tokio::time::interval(PURGE_TICK);
    loop {
        tick.tick().await;
        if let Err(error) = node.purge().await {
            tracing::error!(error = chain(&error), "old releases could not be deleted");
        }
    }
}

/// Takes connections in until the channel closes. The acceptor follows identity and agreement: a renewed
/// certificate, or a new version's roots, are used from the next connection on.
async fn accept(
    node: Arc<Node>,
    listener: TcpListener,
    connections: mpsc::Sender<Result<Connection, io::Error>>,
) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let handshakes = Arc::new(Semaphore::new(MAX_HANDSHAKES));
    while let (Ok(place), Ok(turn)) =
        (places.clone().acquire_owned().await, handshakes.clone().acquire_owned().await)
    {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Err(error) = node.follow(node.world.now()).await {
            tracing::error!(error = chain(&error), "the next version of the MOU is not taken up");
        }
        let agreement = node.agreement();
        match acceptor(&node, &agreement) {
            Ok(acceptor) => {
                tokio::spawn(shake_hands(
                    acceptor,
                    stream,
                    address,
                    (place, turn),
                    connections.clone(),
                ));
            }
            Err(error) => tracing::error!(error = chain(&error), "no connection can be accepted"),
        }
    }
}

async fn shake_hands(
    acceptor: TlsAcceptor,
    stream: TcpStream,
    address: SocketAddr,
    (place, turn): (OwnedSemaphorePermit, OwnedSemaphorePermit),
    connections: mpsc::Sender<Result<Connection, io::Error>>,
) {
    // Small replies should not wait for more.
    let _ = stream.set_nodelay(true);
    let reason = match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => {
            drop(turn);
            let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
            let shown = shown.iter().map(|certificate| certificate.clone().into_owned()).collect();
            let connection = Connection { stream, shown: Shown(Arc::new(shown)), _place: place };
            // The server has stopped if nobody takes it.
            let _ = connections.send(Ok(connection)).await;
            return;
        }
        Ok(Err(error)) => why_refused(&error).unwrap_or_else(|| error.to_string()),
        Err(_) => format!("no handshake within {} s", HANDSHAKE_TIMEOUT.as_secs()),
    };
    tracing::warn!(%address, reason, "refused a connection");
}

/// A TLS connection whose peer has shown a certificate that is accepted.
struct Connection {
    stream: TlsStream<TcpStream>,
    shown: Shown,
    _place: OwnedSemaphorePermit,
}

impl Connected for Connection {
    type ConnectInfo = Shown;
    fn connect_info(&self) -> Shown {
        self.shown.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
