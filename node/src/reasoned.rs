//! A failed call carries a reason of ours, whoever failed it.

use std::convert::Infallible;
use std::task::{Context, Poll};

use sumac_protocol::status::of_the_library;
use tonic::Status;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::NamedService;

/// A service whose every failure says why: the gRPC library refuses some messages before our code sees them.
#[derive(Clone)]
pub(crate) struct Reasoned<S>(pub(crate) S);

impl<S: NamedService> NamedService for Reasoned<S> {
    const NAME: &'static str = S::NAME;
}

impl<S> Service<http::Request<Body>> for Reasoned<S>
where
    S: Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let answered = self.0.call(request);
        Box::pin(async move { answered.await.map(with_reason) })
    }
}

/// A call that fails before its first answer says so in its headers.
fn with_reason(response: http::Response<Body>) -> http::Response<Body> {
    let status = Status::from_header_map(response.headers());
    match status.as_ref().and_then(of_the_library) {
        None => response,
        Some(error) => {
            tracing::warn!(%error, "refused a message");
            Status::from(error).into_http()
        }
    }
}
