//! The end of the browser's way: one answer, taken on this computer only (RFC 8252 §7.3), then the port is closed.

use axum::{
    Router,
    extract::{RawQuery, State},
    http::{HeaderName, Method, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::any,
};
use serving::{BindError, Listener, ServeOptions, serve};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::oneshot, task::JoinHandle, time};
use url::Url;

use super::endpoint::Endpoint;

/// The redirect URI of clients that cannot be redirected to: the issuer shows the code, and the person carries it.
pub const OUT_OF_BAND: &str = "urn:ietf:wg:oauth:2.0:oob";

/// A redirect URI whose answer reaches this client: one that it can listen on (`http://`, a loopback host, a port, a path), or
/// [`OUT_OF_BAND`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedirectUri {
    published: String,
    /// `None` for [`OUT_OF_BAND`].
    place: Option<Place>,
}

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    host: String,
    port: u16,
    path: String,
}

/// The rule a redirect URI breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRedirectUri {
    /// Relative, or not a URL at all.
    #[error("it is not an absolute URL")]
    NotAbsolute,
    /// Not plain http on a loopback host.
    #[error(
        "it must be http on localhost, 127.0.0.1 or [::1], because this client waits there for the browser; or {OUT_OF_BAND}"
    )]
    NotLoopback,
    /// No port, or port 0.
    #[error("it must name a port")]
    NoPort,
    /// User name, query or fragment.
    #[error("it must have neither user name, query nor fragment")]
    Superfluous,
}

impl RedirectUri {
    /// Parses and checks in one step.
    ///
    /// # Errors
    /// The first rule that `raw` breaks.
    pub fn parse(raw: &str) -> Result<Self, InvalidRedirectUri> {
        if raw == OUT_OF_BAND {
            return Ok(Self { published: raw.to_owned(), place: None });
        }
        let url = Url::parse(raw).map_err(|_| InvalidRedirectUri::NotAbsolute)?;
        let host = url.host_str().unwrap_or_default();
        if url.scheme() != "http" || !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(InvalidRedirectUri::NotLoopback);
        }
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidRedirectUri::Superfluous);
        }
        // Compared byte for byte at the server, so what the URL parser would tidy up is refused.
        if url.as_str() != raw && url.as_str().strip_suffix('/') != Some(raw) {
            return Err(InvalidRedirectUri::NotAbsolute);
        }
        let port = url.port().filter(|port| *port != 0).ok_or(InvalidRedirectUri::NoPort)?;
        let place = Place { host: host.to_owned(), port, path: url.path().to_owned() };
        Ok(Self { published: raw.to_owned(), place: Some(place) })
    }

    /// `http://localhost:<port>/callback`, the form that is registered everywhere.
    #[must_use]
    pub fn on_port(port: u16) -> Self {
        Self {
            published: format!("http://localhost:{port}/callback"),
            place: Some(Place { host: "localhost".to_owned(), port, path: "/callback".to_owned() }),
        }
    }

    /// `/callback` of a page that is served at `origin`, by this program and behind whatever stands in front of it.
    #[must_use]
    pub fn of_page(origin: &Endpoint) -> Self {
        let at = origin.with_path("/callback");
        let place = Place {
            host: at.url().host_str().unwrap_or_default().to_owned(),
            port: at.url().port_or_known_default().unwrap_or_default(),
            path: at.url().path().to_owned(),
        };
        Self { published: at.as_str().to_owned(), place: Some(place) }
    }

    /// The text, byte for byte.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.published
    }

    /// What a client is that is reached there (OpenID Connect Registration §2).
    #[must_use]
    pub fn application_type(&self) -> &'static str {
        if self.published.starts_with("https:") { "web" } else { "native" }
    }

    /// The port to listen on, if there is one.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.place.as_ref().map(|place| place.port)
    }

    /// Whether the person carries the code.
    #[must_use]
    pub const fn is_out_of_band(&self) -> bool {
        self.place.is_none()
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LoopbackError {
    /// The port cannot be listened on.
    #[error("cannot wait for the browser: {0}. Stop what listens there, or set MCP_CALLBACK_PORT to a free port")]
    Bind(#[from] BindError),
    /// There is no port in the redirect URI.
    #[error("{OUT_OF_BAND} names no port to wait at")]
    OutOfBand,
    /// Nobody came.
    #[error(
        "the browser did not come back within {} minutes. Please try again; if its page says that the client is \
         unknown, run `client logout` first",
        .0.as_secs() / 60
    )]
    TimedOut(Duration),
    /// Whoever asked for the sign-in does not wait for it any more.
    #[error("the sign-in was given up")]
    GivenUp,
}

/// What the browser shows at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The sign-in is complete.
    SignedIn,
    /// It is not, and the terminal says why.
    Failed,
}

/// An open port, waiting.
#[derive(Debug)]
pub struct CallbackListener {
    listener: Listener,
    path: String,
}

/// The answer: the raw query, and the browser still waiting for its page.
pub struct Callback {
    /// Unchecked.
    pub query: String,
    shown: Option<(oneshot::Sender<Page>, Server)>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback(***)")
    }
}

impl CallbackListener {
    /// Opens the port of `redirect_uri`; on both loopbacks for `localhost`.
    ///
    /// # Errors
    /// When the port is taken or not allowed.
    pub async fn bind(redirect_uri: &RedirectUri) -> Result<Self, LoopbackError> {
        let place = redirect_uri.place.as_ref().ok_or(LoopbackError::OutOfBand)?;
        let listener = Listener::bind(&place.host, place.port).await?;
        Ok(Self { listener, path: place.path.clone() })
    }

    /// Waits for the one GET of the redirect path; whatever else arrives gets an error page and changes nothing.
    ///
    /// # Errors
    /// When nobody comes within `patience`.
    pub async fn wait(self, patience: Duration) -> Result<Callback, LoopbackError> {
        let (sender, receiver) = oneshot::channel();
        let router = Router::new().route(&self.path, any(receive)).with_state(Slot(Arc::new(Mutex::new(Some(sender)))));
        let server = Server::start(self.listener, router);
        if let Ok(Ok(Arrival { query, page })) = time::timeout(patience, receiver).await {
            return Ok(Callback { query, shown: Some((page, server)) });
        }
        server.stop().await;
        Err(LoopbackError::TimedOut(patience))
    }
}

impl Callback {
    /// Of a visitor, whom somebody else shows a page.
    pub(super) const fn of_visitor(query: String) -> Self {
        Self { query, shown: None }
    }

    /// Shows the browser its page, and closes the port.
    pub async fn finish(self, page: Page) {
        let Some((shown, server)) = self.shown else { return };
        // The browser may have gone away; then nobody misses the page.
        let _gone = shown.send(page);
        server.stop().await;
    }
}

struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    fn start(listener: Listener, router: Router) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let options = ServeOptions {
            request_timeout: Duration::from_mins(1),
            idle_timeout: Duration::from_secs(30),
            max_connections: 16,
            max_body_bytes: 1024,
            shutdown_grace: Duration::from_secs(2),
            ..ServeOptions::default()
        };
        // Both "stop" and a dropped handle end it.
        let task = tokio::spawn(serve(listener, router, options, async { drop(stopped.await) }));
        Self { stop, task }
    }

    async fn stop(self) {
        let _already_ended = self.stop.send(());
        let _ended = self.task.await;
    }
}

struct Arrival {
    query: String,
    page: oneshot::Sender<Page>,
}

/// Holds the sender until the first answer takes it.
#[derive(Clone)]
struct Slot(Arc<Mutex<Option<oneshot::Sender<Arrival>>>>);

async fn receive(State(slot): State<Slot>, method: Method, RawQuery(query): RawQuery) -> Response {
    if method != Method::GET {
        return page(StatusCode::METHOD_NOT_ALLOWED, "This page is opened by the sign-in only.");
    }
    let sender = slot.0.lock().ok().and_then(|mut slot| slot.take());
    let (page_sender, shown) = oneshot::channel();
    let arrival = Arrival { query: query.unwrap_or_default(), page: page_sender };
    let delivered = sender.is_some_and(|sender| sender.send(arrival).is_ok());
    if !delivered {
        return page(StatusCode::GONE, "This sign-in has had its answer already.");
    }
    match shown.await {
        Ok(Page::SignedIn) => page(StatusCode::OK, "You are signed in. Close this page and go back to the terminal."),
        Ok(Page::Failed) | Err(_) => page(StatusCode::BAD_REQUEST, "You are not signed in. The terminal says why."),
    }
}

/// A page of constant text: nothing of the request is ever shown.
fn page(status: StatusCode, sentence: &'static str) -> Response {
    const HEADERS: [(HeaderName, &str); 5] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CONNECTION, "close"),
    ];
    (status, HEADERS, Html(PAGE.replace("{sentence}", sentence))).into_response()
}

const PAGE: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Portcullis</title>
<style>
:root { --paper: #f7f6f2; --card: #ffffff; --ink: #18222b; --line: #dcd8cf; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --paper: #12171b; --card: #1a2127; --ink: #e9e7e2; --line: #2d3740 } }
body { background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui; margin: 0; padding: 16px }
main { background: var(--card); border: 1px solid var(--line); border-radius: 10px; max-width: 26rem;
       margin: 15vh auto 0; padding: 24px }
</style></head><body><main><h1>Portcullis</h1><p>{sentence}</p></main></body></html>
"#;

#[cfg(test)]
mod tests;
