//! One connection: HTTP/1.1 over any byte stream, with its time limits, until it ends or has to.

mod head_timer;
mod unread;
mod watched;

use crate::{ServeOptions, places::Place};
use axum::{Router, body::Body, extract::ConnectInfo, response::Response};
use head_timer::HeadTimer;
use http::{HeaderValue, Request, header};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::pin,
    sync::{Arc, atomic::AtomicBool},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
};
use tower::ServiceExt as _;
use watched::Watched;

/// What every connection of a server shares.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) router: Router,
    pub(crate) options: Arc<ServeOptions>,
    /// Changes once, when the server shuts down.
    pub(crate) closing: watch::Receiver<bool>,
}

/// Serves the requests of one connection.
pub(crate) async fn serve<Io>(io: Io, peer: SocketAddr, place: Arc<Place>, mut shared: Shared)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let arrived = Arc::new(AtomicBool::new(false));
    let io = Watched::new(io, arrived.clone(), shared.options.idle_timeout);
    let timer = HeadTimer::new(&shared.options, place.clone(), arrived);
    let router = shared.router;
    let service = service_fn(move |request| answer(router.clone(), peer, request));
    let mut connection = pin!(protocol(&shared.options, timer).serve_connection(TokioIo::new(io), service));
    let evicted = place.evicted();
    tokio::select! {
        ended = &mut connection => return log_end(peer, ended),
        () = evicted.notified() => return tracing::debug!(%peer, "evicted, every place was taken"),
        _ = shared.closing.wait_for(|closing| *closing) => connection.as_mut().graceful_shutdown(),
    }
    log_end(peer, connection.await);
}

fn protocol(options: &ServeOptions, timer: HeadTimer) -> http1::Builder {
    const SMALLEST_BUFFER: usize = 8192;
    let mut protocol = http1::Builder::new();
    protocol
        .timer(timer)
        .header_read_timeout(options.idle_timeout)
        .max_header_size(options.max_header_bytes)
        .max_buf_size(options.max_header_bytes.max(SMALLEST_BUFFER));
    protocol
}

async fn answer(router: Router, peer: SocketAddr, request: Request<Incoming>) -> Result<Response, Infallible> {
    let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
    // Who waits to be told to send the body is not told so only to have it forgotten.
    let expects = request.headers().contains_key(header::EXPECT);
    let (mut request, kept) = if chunked || expects || request.body().is_end_stream() {
        (request.map(Body::new), None)
    } else {
        let (parts, body) = request.into_parts();
        let (lent, kept) = unread::lend(body);
        (Request::from_parts(parts, Body::new(lent)), Some(kept))
    };
    request.extensions_mut().insert(ConnectInfo(peer));
    let mut response = router.oneshot(request).await?;
    let finished = match kept {
        Some(kept) => kept.finish().await,
        None => true,
    };
    // hyper goes by Transfer-Encoding where both lengths are given; RFC 9112 §6.1 then wants the
    // connection closed, so that a smuggled request has nothing to arrive on.
    if chunked || !finished {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

fn log_end(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "connection ended");
    }
}
