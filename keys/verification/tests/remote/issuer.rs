//! An issuer that answers what it is told to, counts how often it is asked, and can keep its answers back.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    response::Response,
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch};
use url::Url;
use verification_keys::{
    Clock,
    http::{self, ClientOptions},
    install_crypto_providers,
    jwk_set::{JwkSetSource, RemoteJwkSet, RemoteOptions},
    testing::{ManualClock, TestKey, jwk_set},
};

pub(crate) const JWKS: &str = "/jwks";

/// What the issuer answers at one path.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Content,
}

#[derive(Clone, Debug)]
enum Content {
    Bytes(Vec<u8>),
    /// So many bytes of white space, then the end.
    Blank(usize),
    /// These bytes, then the connection breaks.
    BrokenOff(Vec<u8>),
    /// One byte, and then neither another nor the end.
    FirstByteOnly,
    Nothing,
}

impl Reply {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: Content::Bytes(body.into()) }
    }

    pub(crate) fn json(document: &Value) -> Self {
        Self::new(200, document.to_string()).with("content-type", "application/json")
    }

    pub(crate) fn keys<'k>(keys: impl IntoIterator<Item = &'k TestKey>) -> Self {
        Self::json(&jwk_set(keys))
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::new(302, "").with("location", to)
    }

    pub(crate) fn blank(length: usize) -> Self {
        Self { body: Content::Blank(length), ..Self::new(200, "") }
    }

    pub(crate) fn broken_off(body: impl Into<Vec<u8>>) -> Self {
        Self { body: Content::BrokenOff(body.into()), ..Self::new(200, "") }
    }

    pub(crate) fn dripping() -> Self {
        Self { body: Content::FirstByteOnly, ..Self::new(200, "") }
    }

    pub(crate) fn hanging() -> Self {
        Self { body: Content::Nothing, ..Self::new(200, "") }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// The issuer; its server ends with the test's runtime.
#[derive(Clone, Debug)]
pub(crate) struct ScriptedIssuer {
    origin: String,
    script: Arc<Mutex<Script>>,
    open: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Script {
    replies: HashMap<String, Reply>,
    asked: Vec<String>,
}

impl ScriptedIssuer {
    pub(crate) async fn start() -> Self {
        install_crypto_providers();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let issuer = Self { origin, script: Arc::default(), open: watch::Sender::new(true) };
        let router = Router::new().fallback(answer).with_state(issuer.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        issuer
    }

    /// One that serves these keys.
    pub(crate) async fn with_keys<'k>(keys: impl IntoIterator<Item = &'k TestKey>) -> Self {
        let issuer = Self::start().await;
        issuer.answers(JWKS, Reply::keys(keys));
        issuer
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        format!("{}{path}", self.origin).parse().unwrap()
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    pub(crate) fn answers(&self, path: &str, reply: Reply) {
        self.script.lock().unwrap().replies.insert(path.to_owned(), reply);
    }

    /// How often `path` was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.asked().iter().filter(|asked| *asked == path).count()
    }

    /// Every path asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.script.lock().unwrap().asked.clone()
    }

    /// Keeps every answer back until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        self.open.send_replace(false);
    }

    pub(crate) fn release(&self) {
        self.open.send_replace(true);
    }
}

async fn answer(State(issuer): State<ScriptedIssuer>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let reply = {
        let mut script = issuer.script.lock().unwrap();
        script.asked.push(path.clone());
        script.replies.get(&path).cloned().unwrap_or_else(|| Reply::new(404, "not here"))
    };
    issuer.open.subscribe().wait_for(|open| *open).await.unwrap();
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(body(reply.body).await).unwrap()
}

async fn body(content: Content) -> Body {
    match content {
        Content::Bytes(bytes) => Body::from(bytes),
        Content::Blank(length) => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let chunks = std::iter::repeat_n(chunk.clone(), length / chunk.len());
            Body::from_stream(futures_util::stream::iter(chunks.map(Ok::<_, std::io::Error>)))
        }
        Content::BrokenOff(bytes) => {
            let parts = [Ok(Bytes::from(bytes)), Err(std::io::Error::other("broken off"))];
            Body::from_stream(futures_util::stream::iter(parts))
        }
        Content::FirstByteOnly => {
            let first = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b" "))]);
            Body::from_stream(first.chain(futures_util::stream::pending()))
        }
        Content::Nothing => std::future::pending().await,
    }
}

/// A remote set over a scripted issuer, and the clock that it goes by.
#[derive(Debug)]
pub(crate) struct Setting {
    pub(crate) issuer: ScriptedIssuer,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) keys: RemoteJwkSet,
}

impl Setting {
    /// Nothing fetched yet.
    pub(crate) fn cold(issuer: ScriptedIssuer) -> Self {
        let source = JwkSetSource::Url(issuer.url(JWKS));
        Self::with_source(issuer, source)
    }

    pub(crate) fn with_source(issuer: ScriptedIssuer, source: JwkSetSource) -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap()));
        let options = RemoteOptions { patience: Duration::from_millis(1), ..RemoteOptions::default() };
        let keys = RemoteJwkSet::new(source, client(), Arc::clone(&clock) as Arc<dyn Clock>, options);
        Self { issuer, clock, keys }
    }

    /// The keys fetched once, now.
    pub(crate) async fn warm<'k>(keys: impl IntoIterator<Item = &'k TestKey>) -> Self {
        let setting = Self::cold(ScriptedIssuer::with_keys(keys).await);
        setting.keys.refresh().await.unwrap();
        assert_eq!(setting.fetches(), 1);
        setting
    }

    pub(crate) fn fetches(&self) -> usize {
        self.issuer.count(JWKS)
    }

    /// Waits until the keys were asked for so often; for fetches that nobody waits for.
    pub(crate) async fn until_fetched(&self, times: usize) {
        let asked = async {
            while self.fetches() < times {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.unwrap();
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Looks `key` up for a token that arrives now.
    pub(crate) async fn look_up(&self, key: &TestKey) -> verification_keys::jwk_set::KeyLookup {
        self.keys.key(key.kid(), key.algorithm(), self.clock.now()).await
    }

    /// Looks `key` up without waiting.
    pub(crate) fn has(&self, key: &TestKey) -> bool {
        self.keys.cached_key(key.kid(), key.algorithm()).is_some()
    }
}

pub(crate) fn client() -> http::Client {
    client_with_timeout(http::DEFAULT_TIMEOUT)
}

pub(crate) fn client_with_timeout(timeout: Duration) -> http::Client {
    install_crypto_providers();
    http::client(&ClientOptions { timeout, ..ClientOptions::default() }).unwrap()
}

/// A JWK Set of `count` keys.
pub(crate) fn many_keys(count: usize) -> Value {
    let keys: Vec<_> = (0..count).map(|number| json!({"kty": "oct", "kid": number.to_string()})).collect();
    json!({ "keys": keys })
}
