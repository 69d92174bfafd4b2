//! An issuer on loopback that says what the test tells it to, and counts what it is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use verification_keys::testing::{TestKey, jwk_set};

/// The resource that its tokens are for, unless a test says otherwise.
pub(crate) const RESOURCE: &str = "http://localhost:8001/mcp";

pub(crate) struct ScriptedIssuer {
    url: String,
    pub(crate) script: Arc<Script>,
    key: TestKey,
    server: JoinHandle<()>,
}

pub(crate) struct Script {
    jwks: Mutex<(u16, String)>,
    answer: Mutex<(u16, String)>,
    retry_after: Mutex<Option<String>>,
    pub(crate) fetches: AtomicUsize,
    pub(crate) introspections: AtomicUsize,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) most_in_flight: AtomicUsize,
    pub(crate) asked: Mutex<Vec<(Option<String>, String)>>,
    pub(crate) gate: tokio::sync::RwLock<()>,
}

impl ScriptedIssuer {
    pub(crate) async fn start() -> Self {
        let key = TestKey::rsa_one();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let script = Arc::new(Script {
            jwks: Mutex::new((200, jwk_set([&key]).to_string())),
            answer: Mutex::new((200, json!({"active": false}).to_string())),
            retry_after: Mutex::default(),
            fetches: AtomicUsize::new(0),
            introspections: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            asked: Mutex::default(),
            gate: tokio::sync::RwLock::default(),
        });
        let metadata = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/jwks"),
            "introspection_endpoint": format!("{url}/introspect"),
        });
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(move || async move { axum::Json(metadata) }))
            .route("/jwks", get(jwks))
            .route("/introspect", post(introspect))
            .with_state(Arc::clone(&script));
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, script, key, server }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn claims(&self, now: i64) -> Value {
        json!({
            "iss": self.url, "sub": "user-1", "aud": RESOURCE, "client_id": "client-1", "scope": "mcp:read",
            "iat": now, "exp": now + 3600, "jti": "token-1", "grant_id": "grant-1",
        })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        self.key.access_token(claims)
    }

    pub(crate) fn key(&self) -> &TestKey {
        &self.key
    }

    pub(crate) fn publishes(&self, status: u16, jwks: &Value) {
        *self.script.jwks.lock().unwrap() = (status, jwks.to_string());
    }

    pub(crate) fn publishes_keys<'k>(&self, keys: impl IntoIterator<Item = &'k TestKey>) {
        self.publishes(200, &jwk_set(keys));
    }

    pub(crate) fn answers(&self, status: u16, answer: &Value) {
        *self.script.answer.lock().unwrap() = (status, answer.to_string());
    }

    pub(crate) fn wants_a_pause_of(&self, seconds: &str) {
        *self.script.retry_after.lock().unwrap() = Some(seconds.to_owned());
    }

    pub(crate) fn fetches(&self) -> usize {
        self.script.fetches.load(Ordering::SeqCst)
    }

    pub(crate) fn introspections(&self) -> usize {
        self.script.introspections.load(Ordering::SeqCst)
    }

    pub(crate) fn stop(&self) {
        self.server.abort();
    }
}

impl Drop for ScriptedIssuer {
    fn drop(&mut self) {
        self.server.abort();
    }
}

type Answer = (StatusCode, HeaderMap, String);

async fn jwks(State(script): State<Arc<Script>>) -> Answer {
    script.fetches.fetch_add(1, Ordering::SeqCst);
    reply(&script.jwks.lock().unwrap())
}

async fn introspect(State(script): State<Arc<Script>>, headers: HeaderMap, form: String) -> Answer {
    script.introspections.fetch_add(1, Ordering::SeqCst);
    let under_way = script.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
    script.most_in_flight.fetch_max(under_way, Ordering::SeqCst);
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    script.asked.lock().unwrap().push((authorization, form));
    drop(script.gate.read().await);
    script.in_flight.fetch_sub(1, Ordering::SeqCst);
    let mut answer = reply(&script.answer.lock().unwrap());
    if let Some(seconds) = &*script.retry_after.lock().unwrap() {
        answer.1.insert("retry-after", seconds.parse().unwrap());
    }
    answer
}

fn reply((status, body): &(u16, String)) -> Answer {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    (StatusCode::from_u16(*status).unwrap(), headers, body.clone())
}
