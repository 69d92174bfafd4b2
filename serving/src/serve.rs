//! The loop that accepts connections until it is told to stop, then lets the open ones finish.

#[cfg(test)]
mod tests;

use crate::{
    Listener, Tls,
    connection::{self, Shared},
    layers,
    places::{Place, Places},
};
use axum::Router;
use std::{io, net::SocketAddr, pin::pin, sync::Arc, time::Duration};
use tokio::{net::TcpStream, sync::watch, task::JoinSet, time};

/// The limits of a server. The defaults suit a service on the open internet.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// From the first byte of a request (or from the connection) to the end of its headers; also the time
    /// for a TLS handshake. Default 10 s.
    pub header_read_timeout: Duration,
    /// From the end of the headers to the start of the answer, reading the body included. Default 30 s.
    pub request_timeout: Duration,
    /// How long a connection may lie without a request, and how long a peer may take nothing of an answer.
    /// Default 75 s.
    pub idle_timeout: Duration,
    /// Connections at once. At the limit, the one waiting longest for a request is closed for a new one.
    /// Default 512.
    pub max_connections: usize,
    /// Bytes of request line and headers together, over it 431. (More than 100 headers are 431 too.)
    /// Default 32 KiB.
    pub max_header_bytes: usize,
    /// Bytes of a request body, over it 413. Default 1 MiB.
    pub max_body_bytes: usize,
    /// How long open requests may go on after the shutdown signal. Default 10 s.
    pub shutdown_grace: Duration,
    /// Serve https instead of http. Default none.
    pub tls: Option<Tls>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            header_read_timeout: Duration::from_secs(10),
            request_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(75),
            max_connections: 512,
            max_header_bytes: 32 * 1024,
            max_body_bytes: 1024 * 1024,
            shutdown_grace: Duration::from_secs(10),
            tls: None,
        }
    }
}

/// Serves `router`, wrapped by [`layers::apply`], until `shutdown` ends; then stops accepting and returns
/// when the open requests are answered, at the latest after the grace time.
///
/// Requests carry `axum::extract::ConnectInfo<SocketAddr>` and [`crate::RequestId`] as extensions.
///
/// ```no_run
/// # async fn run() -> Result<(), serving::BindError> {
/// use serving::{Listener, ServeOptions, health, serve, shutdown_signal};
///
/// let router = axum::Router::new().merge(health::routes(|| std::future::ready(true)));
/// let listener = Listener::bind("localhost", 9000).await?;
/// serve(listener, router, ServeOptions::default(), shutdown_signal()).await;
/// # Ok(())
/// # }
/// ```
pub async fn serve(listener: Listener, router: Router, options: ServeOptions, shutdown: impl Future<Output = ()>) {
    let (close, closing) = watch::channel(false);
    let places = Places::new(options.max_connections);
    let grace = options.shutdown_grace;
    let shared = Shared { router: layers::apply(router, &options), options: Arc::new(options), closing };
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(_ended) = connections.join_next() => continue,
            () = &mut shutdown => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                pause_after(&error).await;
                continue;
            }
        };
        let place = tokio::select! {
            place = places.clone().take() => place,
            () = &mut shutdown => break,
        };
        if let Some(place) = place {
            connections.spawn(connect(stream, peer, place, shared.clone()));
        }
    }
    drop(listener);
    close.send_replace(true);
    if time::timeout(grace, async { while connections.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(open = connections.len(), "closing the connections that are still open");
    }
    connections.shutdown().await;
}

/// A connection that died in the queue is nothing; anything else (no more file handles) needs time to pass.
async fn pause_after(error: &io::Error) {
    const PAUSE: Duration = Duration::from_millis(200);
    let harmless = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::ConnectionRefused];
    if !harmless.contains(&error.kind()) {
        tracing::error!(%error, "cannot accept connections");
        time::sleep(PAUSE).await;
    }
}

async fn connect(stream: TcpStream, peer: SocketAddr, place: Place, shared: Shared) {
    // Small answers must not wait for the peer's acknowledgement of the one before.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "cannot set TCP_NODELAY");
    }
    let place = Arc::new(place);
    let Some(tls) = shared.options.tls.clone() else {
        return connection::serve(stream, peer, place, shared).await;
    };
    let waiting = place.mark_waiting();
    let evicted = place.evicted();
    let handshake = time::timeout(shared.options.header_read_timeout, tls.accept(stream));
    let handshake = tokio::select! {
        handshake = handshake => handshake,
        () = evicted.notified() => return,
    };
    drop(waiting);
    match handshake {
        Ok(Ok(stream)) => connection::serve(stream, peer, place, shared).await,
        Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
        Err(_elapsed) => tracing::debug!(%peer, "TLS handshake took too long"),
    }
}
