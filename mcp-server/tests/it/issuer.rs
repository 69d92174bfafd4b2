//! An issuer on loopback that says what the test tells it to, and counts what it is asked.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
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

/// What is wrong with the place of the keys.
#[derive(Clone)]
pub(crate) enum Fault {
    /// No answer, ever.
    Hang,
    /// The head and one byte, and then nothing.
    Drip,
    /// A body without end in sight: so many bytes of white space.
    Blank(usize),
    /// This answer, whatever it is.
    Says(u16, &'static [(&'static str, &'static str)], Vec<u8>),
}

pub(crate) struct Script {
    metadata: Mutex<Value>,
    fault: Mutex<Option<Fault>>,
    pub(crate) elsewhere: AtomicUsize,
    jwks: Mutex<(u16, String)>,
    answer: Mutex<(u16, String)>,
    retry_after: Mutex<Option<String>>,
    user_info: Mutex<(u16, String)>,
    pub(crate) user_infos: Mutex<Vec<Option<String>>>,
    pub(crate) fetches: AtomicUsize,
    pub(crate) introspections: AtomicUsize,
    pub(crate) in_flight: AtomicUsize,
    pub(crate) most_in_flight: AtomicUsize,
    pub(crate) asked: Mutex<Vec<(Option<String>, String)>>,
    pub(crate) gate: tokio::sync::RwLock<()>,
}

impl ScriptedIssuer {
    pub(crate) async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    pub(crate) fn on(listener: TcpListener) -> Self {
        let key = TestKey::rsa_one();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let metadata = json!({
            "issuer": url,
            "jwks_uri": format!("{url}/jwks"),
            "introspection_endpoint": format!("{url}/introspect"),
            "userinfo_endpoint": format!("{url}/userinfo"),
        });
        let script = Arc::new(Script {
            metadata: Mutex::new(metadata),
            fault: Mutex::default(),
            elsewhere: AtomicUsize::new(0),
            jwks: Mutex::new((200, jwk_set([&key]).to_string())),
            answer: Mutex::new((200, json!({"active": false}).to_string())),
            retry_after: Mutex::default(),
            user_info: Mutex::new((404, String::new())),
            user_infos: Mutex::default(),
            fetches: AtomicUsize::new(0),
            introspections: AtomicUsize::new(0),
            in_flight: AtomicUsize::new(0),
            most_in_flight: AtomicUsize::new(0),
            asked: Mutex::default(),
            gate: tokio::sync::RwLock::default(),
        });
        let router = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata_document))
            .route("/jwks", get(jwks))
            .route("/elsewhere", get(elsewhere))
            .route("/introspect", post(introspect))
            .route("/userinfo", get(user_info))
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

    /// The keys are not to be had in the ordinary way until [`Self::recovers`].
    pub(crate) fn fails(&self, fault: Fault) {
        *self.script.fault.lock().unwrap() = Some(fault);
    }

    pub(crate) fn recovers(&self) {
        *self.script.fault.lock().unwrap() = None;
    }

    /// Changes the metadata; `null` removes a member.
    pub(crate) fn says_of_itself(&self, name: &str, value: Value) {
        let mut metadata = self.script.metadata.lock().unwrap();
        if value.is_null() {
            metadata.as_object_mut().unwrap().remove(name);
        } else {
            metadata[name] = value;
        }
    }

    pub(crate) fn publishes_keys<'k>(&self, keys: impl IntoIterator<Item = &'k TestKey>) {
        self.publishes(200, &jwk_set(keys));
    }

    pub(crate) fn answers(&self, status: u16, answer: &Value) {
        *self.script.answer.lock().unwrap() = (status, answer.to_string());
    }

    pub(crate) fn tells(&self, status: u16, claims: &Value) {
        *self.script.user_info.lock().unwrap() = (status, claims.to_string());
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

async fn metadata_document(State(script): State<Arc<Script>>) -> axum::Json<Value> {
    axum::Json(script.metadata.lock().unwrap().clone())
}

async fn jwks(State(script): State<Arc<Script>>) -> Response {
    script.fetches.fetch_add(1, Ordering::SeqCst);
    let fault = script.fault.lock().unwrap().clone();
    match fault {
        None => reply(&script.jwks.lock().unwrap()).into_response(),
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Drip) => {
            let mut first = Some(Bytes::from_static(b" "));
            let drops = futures_util::stream::poll_fn(move |_| match first.take() {
                Some(byte) => std::task::Poll::Ready(Some(Ok::<_, std::io::Error>(byte))),
                None => std::task::Poll::Pending,
            });
            Body::from_stream(drops).into_response()
        }
        Some(Fault::Blank(length)) => {
            let chunk = Bytes::from(vec![b' '; 64 * 1024]);
            let chunks = std::iter::repeat_n(chunk.clone(), length / chunk.len());
            Body::from_stream(futures_util::stream::iter(chunks.map(Ok::<_, std::io::Error>))).into_response()
        }
        Some(Fault::Says(status, headers, body)) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(*name, *value);
            }
            response.body(Body::from(body)).unwrap()
        }
    }
}

/// Where nobody is sent: the keys of somebody else.
async fn elsewhere(State(script): State<Arc<Script>>) -> axum::Json<Value> {
    script.elsewhere.fetch_add(1, Ordering::SeqCst);
    axum::Json(jwk_set([&TestKey::rsa_two()]))
}

async fn user_info(State(script): State<Arc<Script>>, headers: HeaderMap) -> Answer {
    let authorization = headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    script.user_infos.lock().unwrap().push(authorization);
    reply(&script.user_info.lock().unwrap())
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
