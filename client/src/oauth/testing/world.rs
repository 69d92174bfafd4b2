//! A scripted world on loopback: one server that plays resource server and authorization server, and a browser that
//! goes where it is sent. Every reply can be replaced, and every request is remembered.

use axum::{
    Router,
    body::Bytes,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use url::{Url, form_urlencoded};
use verification_keys::testing::ManualClock;

use super::{endpoint, http_client, random, wire};
use crate::oauth::{
    browser::Browser,
    client::{ClientCredentials, ClientSecret},
    client_store::ClientStore,
    grant::Grant,
    loopback::RedirectUri,
    sign_in::{ClientChoice, SignIn, SignInSettings, Stated},
    token_store::TokenStore,
    waits::Waits,
};

/// The only token that the resource server accepts.
pub(crate) const TOKEN: &str = "good.access.token";
pub(crate) const SECRET: &str = "s3cr3t-of-the-client";

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: Option<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn form(&self) -> HashMap<String, String> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The claims of the proof of possession.
    fn proof(&self) -> Option<Value> {
        Some(super::jwt_parts(self.headers.get("dpop")?.to_str().ok()?).1)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(HeaderName, String)>,
    body: Vec<u8>,
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::raw(status, body.to_string())
    }

    pub(crate) fn raw(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![(header::CONTENT_TYPE, "application/json".into())], body: body.into() }
    }

    /// Server-sent events, after which the stream ends.
    pub(crate) fn stream(events: impl Into<Vec<u8>>) -> Self {
        let headers = vec![(header::CONTENT_TYPE, "text/event-stream".into())];
        Self { status: 200, headers, body: events.into() }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = (StatusCode::from_u16(self.status).unwrap(), self.body).into_response();
        response.headers_mut().remove(header::CONTENT_TYPE);
        for (name, value) in self.headers {
            response.headers_mut().append(name, HeaderValue::from_str(&value).unwrap());
        }
        response
    }
}

type Replies = HashMap<String, Reply>;

#[derive(Clone)]
pub(crate) struct World {
    pub(crate) origin: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    replies: Arc<Mutex<Replies>>,
    /// Shared by all clients of this world.
    pub(crate) clock: Arc<ManualClock>,
    /// Whether tokens are bound to a key.
    bound: Arc<AtomicBool>,
    /// What proofs have to hold, by path.
    nonces: Arc<Mutex<HashMap<String, String>>>,
    /// What the person was told.
    pub(crate) notices: Arc<Mutex<Vec<String>>>,
    folder: Arc<tempfile::TempDir>,
}

impl World {
    pub(crate) async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let world = Self {
            replies: Arc::new(Mutex::new(good_replies(&origin))),
            origin,
            seen: Arc::default(),
            clock: Arc::new(ManualClock::at(Timestamp::from_second(1_800_000_000).unwrap())),
            bound: Arc::default(),
            nonces: Arc::default(),
            notices: Arc::default(),
            folder: Arc::new(tempfile::tempdir().unwrap()),
        };
        let router = Router::new().fallback(answer).with_state(world.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        world
    }

    /// Replaces one reply.
    pub(crate) fn reply(&self, path: &str, reply: Reply) -> &Self {
        lock(&self.replies).insert(path.to_owned(), reply);
        self
    }

    /// Replaces one member of a JSON reply.
    pub(crate) fn change(&self, path: &str, member: &str, value: Value) -> &Self {
        let mut replies = lock(&self.replies);
        let reply = replies.get_mut(path).unwrap();
        let mut body: Value = serde_json::from_slice(&reply.body).unwrap();
        body[member] = value;
        reply.body = body.to_string().into_bytes();
        drop(replies);
        self
    }

    /// Both servers want tokens that are bound to a key (RFC 9449).
    pub(crate) fn bind_tokens(&self) -> &Self {
        self.bound.store(true, Ordering::Relaxed);
        self.change(ISSUER_METADATA, "dpop_signing_alg_values_supported", json!(["PS256", "ES256"]));
        self.change("/token", "token_type", json!("DPoP"))
    }

    /// From now on, proofs at `path` have to hold `nonce`.
    pub(crate) fn demand_nonce(&self, path: &str, nonce: &str) {
        lock(&self.nonces).insert(path.to_owned(), nonce.to_owned());
    }

    /// The claims of all proofs that were shown at `path`.
    pub(crate) fn proofs(&self, path: &str) -> Vec<Value> {
        self.seen(path).iter().filter_map(Seen::proof).collect()
    }

    pub(crate) fn seen(&self, path: &str) -> Vec<Seen> {
        lock(&self.seen).iter().filter(|seen| seen.path == path).cloned().collect()
    }

    pub(crate) fn paths(&self) -> Vec<String> {
        lock(&self.seen).iter().map(|seen| seen.path.clone()).collect()
    }

    /// What the page that was opened last asked for.
    pub(crate) fn last_asked(&self) -> HashMap<String, String> {
        let notices = lock(&self.notices);
        let page =
            notices.iter().rev().find_map(|notice| notice.split_whitespace().find(|word| word.contains("/authorize?")));
        Url::parse(page.unwrap()).unwrap().query_pairs().into_owned().collect()
    }

    /// How often a page was to be opened.
    pub(crate) fn sign_ins(&self) -> usize {
        lock(&self.notices).iter().filter(|notice| notice.contains("/authorize?")).count()
    }

    /// The refusal of a proof that lacks the nonce of its path.
    fn missing_nonce(&self, seen: &Seen) -> Option<Reply> {
        let wanted = lock(&self.nonces).get(&seen.path).cloned()?;
        let proof = seen.proof()?;
        let metadata = format!("{}{RESOURCE_METADATA}", self.origin);
        let challenge = format!("DPoP error=\"use_dpop_nonce\", resource_metadata=\"{metadata}\"");
        (proof["nonce"] != json!(wanted)).then(|| {
            Reply::json(if seen.path == "/token" { 400 } else { 401 }, &json!({"error": "use_dpop_nonce"}))
                .header(header::WWW_AUTHENTICATE, challenge)
                .header(HeaderName::from_static("dpop-nonce"), wanted)
        })
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn server(&self) -> String {
        format!("{}/mcp", self.origin)
    }

    /// A client of this world whose browser comes back with the query that `browser` makes.
    pub(crate) async fn client(&self, browser: impl Fn(&Asked) -> String + Send + Sync + 'static) -> SignIn {
        let port = serving::Listener::bind("localhost", 0).await.unwrap().port();
        let notices = Arc::clone(&self.notices);
        let notice = move |text: &str| {
            lock(&notices).push(text.to_owned());
            if let Some(asked) = Asked::from_notice(text) {
                let url = format!("{}?{}", asked.redirect_uri, browser(&asked));
                tokio::spawn(async move { http_client().get(url).send().await });
            }
        };
        SignIn {
            http: wire(),
            clock: self.clock.clone(),
            random: Arc::new(random()),
            tokens: TokenStore::open(self.folder.path()).unwrap(),
            clients: ClientStore::open(self.folder.path()).unwrap(),
            settings: SignInSettings {
                server: endpoint(&self.server()),
                stated: Stated::default(),
                grant: Grant::AuthorizationCode,
                client: pre_registered(),
                private_key: None,
                metadata_url: None,
                assume_s256: Vec::new(),
                scope: None,
                redirect_uri: RedirectUri::on_port(port),
                browser: Browser::Disabled,
                patience: Duration::from_secs(20),
            },
            notice: Arc::new(notice),
            waits: Waits::without_a_person(),
        }
    }
}

pub(crate) fn pre_registered() -> ClientChoice {
    let credentials = ClientCredentials { id: "mine".into(), secret: ClientSecret::new(SECRET) };
    ClientChoice::PreRegistered { credentials, issuer: None }
}

/// What the authorization URL asked for.
pub(crate) struct Asked {
    pub(crate) issuer: String,
    pub(crate) state: String,
    redirect_uri: String,
}

impl Asked {
    pub(crate) fn from_notice(text: &str) -> Option<Self> {
        let url = Url::parse(text.split_whitespace().find(|word| word.starts_with("http"))?).ok()?;
        let parameters: HashMap<_, _> = url.query_pairs().into_owned().collect();
        Some(Self {
            issuer: url.origin().ascii_serialization(),
            state: parameters.get("state")?.clone(),
            redirect_uri: parameters.get("redirect_uri")?.clone(),
        })
    }
}

/// The answer of a person who allows, at a server that does everything right.
pub(crate) fn allows(asked: &Asked) -> String {
    query(&[("code", "the-code"), ("state", &asked.state), ("iss", &asked.issuer)])
}

pub(crate) fn query(parameters: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish()
}

pub(crate) const ROOT_RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource";
pub(crate) const RESOURCE_METADATA: &str = "/.well-known/oauth-protected-resource/mcp";
pub(crate) const ISSUER_METADATA: &str = "/.well-known/oauth-authorization-server";

fn good_replies(origin: &str) -> Replies {
    let resource = json!({
        "resource": format!("{origin}/mcp"),
        "authorization_servers": [origin],
        "scopes_supported": ["mcp:read"],
    });
    let issuer = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
        "registration_endpoint": format!("{origin}/register"),
        "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    });
    let token = json!({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600});
    HashMap::from([
        (RESOURCE_METADATA.into(), Reply::json(200, &resource)),
        (ISSUER_METADATA.into(), Reply::json(200, &issuer)),
        ("/register".into(), Reply::json(201, &json!({"client_id": "registered"}))),
        ("/token".into(), Reply::json(200, &token)),
    ])
}

async fn answer(State(world): State<World>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1024 * 1024).await.unwrap();
    let seen = Seen {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: body.to_vec(),
    };
    lock(&world.seen).push(seen.clone());
    if let Some(nonce) = world.missing_nonce(&seen) {
        return nonce.into_response();
    }
    let scripted = lock(&world.replies).get(&seen.path).cloned();
    match scripted {
        Some(reply) => reply.into_response(),
        None if seen.path == "/mcp" => mcp(&world, &seen).into_response(),
        None => Reply::raw(404, "{}").into_response(),
    }
}

/// A resource server with one tool. Replies to `mcp:<method>` can be replaced like all others.
fn mcp(world: &World, seen: &Seen) -> Reply {
    let presented = seen.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let scheme = if world.bound.load(Ordering::Relaxed) { "DPoP" } else { "Bearer" };
    let proved = scheme == "Bearer" || seen.proof().is_some();
    if presented != Some(&format!("{scheme} {TOKEN}")) || !proved {
        let challenge =
            format!("{scheme} resource_metadata=\"{}{RESOURCE_METADATA}\", scope=\"mcp:read\"", world.origin);
        return Reply::raw(401, "{}").header(header::WWW_AUTHENTICATE, challenge);
    }
    let request = seen.json();
    let method = request["method"].as_str().unwrap_or_default();
    if let Some(mut reply) = lock(&world.replies).get(&format!("mcp:{method}")).cloned() {
        reply.body = String::from_utf8(reply.body).unwrap().replace("\"ID\"", &request["id"].to_string()).into_bytes();
        return reply;
    }
    let tool = json!({"name": "get_time", "description": "The time.", "inputSchema": {"type": "object"}});
    let result = match method {
        "server/discover" => json!({"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}}),
        "tools/list" => json!({"tools": [tool]}),
        _ => json!({"content": [{"type": "text", "text": "noon"}]}),
    };
    Reply::json(200, &complete(&request["id"], result))
}

/// A JSON-RPC result of the newest version.
pub(crate) fn complete(id: &Value, mut result: Value) -> Value {
    result["resultType"] = json!("complete");
    result["ttlMs"] = json!(0);
    result["cacheScope"] = json!("private");
    json!({"jsonrpc": "2.0", "id": id, "result": result})
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
