//! For the tests of this crate: the whole router in process, with a clock and randomness of the test's own, and short
//! ways to speak to it. Nothing listens on a port.

mod keys;
mod requests;
mod tokens;

pub(crate) use requests::*;
pub(crate) use tokens::*;

use crate::{
    assertion_issuers::AssertionIssuers,
    authorize::{Approval, DecisionError},
    cli::Cli,
    client_authentication::ClientKeySets,
    client_metadata_documents::ClientMetadataDocuments,
    commands::Means,
    config::Config,
    demo::DemoPerson,
    domain::{
        AuthenticatedPerson, BrowserSession, CodeSecret, Origin, PendingAuthorization, RegisteredClient, RequestSecret,
        ResourceScopes, ServedResource, SessionSecret, Subject,
    },
    login::{
        Attempts,
        passwords::{PasswordLimits, PasswordPool},
    },
    operations::{Operations, OperationsConfig},
    outgoing::{self, AllowedAddresses, Outgoing},
    protocol::{ClientId, GrantType, RedirectRules, Resource, Scope},
    public_url::PublicUrl,
    resources::ServedResources,
    routes,
    services::{Registration, Services, Settings},
    store::{Memory, SqlStore},
};
use axum::{Router, body::Body};
use clap::Parser as _;
use http::{Request, Response, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use ring::rand::SystemRandom;
use serde_json::Value;
use serving::DatabaseUrl;
use std::{path::Path, sync::Arc};
use tempfile::TempDir;
use tower::ServiceExt as _;
use url::Url;
use verification_keys::{
    Clock,
    issuer::{HttpHosts, Issuer},
    testing::ManualClock,
};

pub(crate) const NOW: Timestamp = Timestamp::constant(1_800_000_000, 0);
pub(crate) const ISSUER: &str = "http://localhost:9000";
pub(crate) const RESOURCE: &str = "http://localhost:8001/mcp";
pub(crate) const OTHER_RESOURCE: &str = "http://localhost:8002/mcp";
pub(crate) const CLIENT: &str = "simple-mcp-client";
pub(crate) const SECRET: &str = "simple-mcp-secret-123";
pub(crate) const REDIRECT_URI: &str = "http://localhost:3030/callback";
/// RFC 7636 appendix B.
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A server with the demo set, two resources, and a folder of its own.
pub(crate) struct Server {
    pub(crate) services: Arc<Services>,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    /// The store of `services`.
    pub(crate) sql: SqlStore,
    folder: TempDir,
}

/// What a test may choose.
#[derive(Clone)]
pub(crate) struct Options {
    pub(crate) public_url: &'static str,
    pub(crate) resources: Vec<&'static str>,
    pub(crate) registration: Registration,
    pub(crate) registration_scopes: Option<Scope>,
    pub(crate) redirects: RedirectRules,
    pub(crate) signup: bool,
    pub(crate) demonstrations: bool,
    pub(crate) operations: OperationsConfig,
    pub(crate) assertion_issuers: Vec<String>,
    pub(crate) outgoing: Option<Outgoing>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            public_url: ISSUER,
            resources: vec![RESOURCE, OTHER_RESOURCE],
            registration: Registration::Open,
            registration_scopes: None,
            redirects: RedirectRules::default(),
            signup: false,
            demonstrations: false,
            operations: OperationsConfig::default(),
            assertion_issuers: Vec::new(),
            outgoing: None,
        }
    }
}

/// A response, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Options::default()).await
    }

    pub(crate) async fn with(options: Options) -> Self {
        Self::open(tempfile::tempdir().unwrap(), Arc::new(ManualClock::at(NOW)), options).await
    }

    /// The same server after its process was ended and started again.
    pub(crate) async fn restart(self) -> Self {
        self.restart_with(Options::default()).await
    }

    /// The same with other settings.
    pub(crate) async fn restart_with(self, options: Options) -> Self {
        let Self { services, clock, router, folder, sql } = self;
        drop((services, router, sql));
        Self::open(folder, clock, options).await
    }

    async fn open(folder: TempDir, clock: Arc<ManualClock>, options: Options) -> Self {
        let random = Arc::new(random());
        let sql = SqlStore::open(&database_url(folder.path())).await.unwrap();
        let at: Arc<dyn Clock> = clock.clone();
        let outgoing = options.outgoing.unwrap_or_else(nowhere);
        let services = Arc::new(Services {
            public_url: PublicUrl::parse(options.public_url).unwrap(),
            settings: Settings {
                scopes: Scope::parse("mcp:read mcp:write").unwrap(),
                access_token_ttl: SignedDuration::from_secs(3600),
                refresh_token_ttl: SignedDuration::from_hours(30 * 24),
                refresh_grace: SignedDuration::from_secs(10),
                registration: options.registration,
                registration_scopes: options.registration_scopes,
                unused_client_lifetime: SignedDuration::from_hours(90 * 24),
                redirects: options.redirects,
                signup: options.signup,
                demonstrations: options.demonstrations,
            },
            resources: ServedResources::new(options.resources.iter().map(|raw| resource(raw)).collect()),
            store: Arc::new(sql.clone()),
            assertion_issuers: assertion_issuers(&options.assertion_issuers, &at),
            keys: keys::of_a_test(folder.path()),
            passwords: PasswordPool::new(PasswordLimits { at_once: 2, waiting: 32 }, random.as_ref()).unwrap(),
            attempts: Attempts::default(),
            operations: Operations::open(&options.operations, &at).unwrap(),
            client_keys: ClientKeySets::new(outgoing.clone(), at.clone()),
            documents: ClientMetadataDocuments::default(),
            outgoing,
            clock: at,
            random,
        });
        let person = DemoPerson {
            username: DemoPerson::check_name("demo_user").unwrap(),
            password: DemoPerson::check_password("demo_password").unwrap(),
        };
        crate::demo::install(&services, Some(&person), false).await.unwrap();
        Self { router: routes::router(services.clone()), services, clock, sql, folder }
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        Answer::read(self.router.clone().oneshot(request).await.unwrap()).await
    }

    /// A GET with the right `Host`.
    pub(crate) async fn get(&self, uri: &str) -> Answer {
        self.send(Request::get(uri).header(header::HOST, "localhost:9000").body(Body::empty()).unwrap()).await
    }

    pub(crate) async fn post(&self, uri: &str, form: &[(&str, &str)]) -> Answer {
        self.send(post(uri, form)).await
    }

    /// A form with client credentials in the header.
    pub(crate) async fn post_as(&self, (id, secret): (&str, &str), uri: &str, form: &[(&str, &str)]) -> Answer {
        let mut request = post(uri, form);
        request.headers_mut().insert(header::AUTHORIZATION, basic(id, secret).parse().unwrap());
        self.send(request).await
    }

    pub(crate) async fn post_json(&self, uri: &str, json: &Value) -> Answer {
        let request = Request::post(uri).header(header::HOST, "localhost:9000");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(json.to_string())).unwrap()).await
    }

    /// A JSON request of any method, with a bearer token if there is one.
    pub(crate) async fn send_json(&self, method: &str, uri: &str, token: Option<&str>, json: &Value) -> Answer {
        let request = Request::builder().method(method).uri(uri).header(header::HOST, "localhost:9000");
        let request = request.header(header::CONTENT_TYPE, "application/json");
        let request = match token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        };
        self.send(request.body(Body::from(json.to_string())).unwrap()).await
    }

    /// What a command beside this server works with.
    pub(crate) fn means(&self) -> Means {
        let config = Config::try_from(Cli::try_parse_from(["authz"]).unwrap()).unwrap();
        let (database_url, key_dir) = (database_url(self.folder.path()), self.folder.path().join("keys"));
        let config = Config { database_url, key_dir, ..config };
        Means {
            config,
            clock: self.clock.clone(),
            random: self.services.random.clone(),
            ask_password: |_| Ok("a password of ann".to_owned()),
        }
    }

    /// The database that the server uses.
    pub(crate) fn database_url(&self) -> DatabaseUrl {
        database_url(self.folder.path())
    }

    /// Changes the database behind the server's back, so that it does not answer any more.
    pub(crate) async fn change_database(&self, statement: &'static str) {
        let store = SqlStore::open(&database_url(self.folder.path())).await.unwrap();
        store.execute_for_test(statement).await;
        store.close().await;
    }

    /// A client of the operator's, with the demo client's secret.
    pub(crate) async fn add_client(&self, id: &str, grant_types: &[GrantType]) -> RegisteredClient {
        let demo = self.services.store.client(&ClientId::parse(CLIENT).unwrap()).await.unwrap().unwrap();
        let client = RegisteredClient {
            id: ClientId::parse(id).unwrap(),
            grant_types: grant_types.to_vec(),
            origin: Origin::Operator,
            ..demo
        };
        self.services.store.put_client(&client).await.unwrap();
        client
    }

    /// The subject of the demo person.
    pub(crate) async fn subject(&self) -> Subject {
        let username = DemoPerson::check_name("demo_user").unwrap();
        self.services.store.person_by_username(&username).await.unwrap().unwrap().subject
    }

    /// The demo person, who types the password now.
    pub(crate) async fn person(&self) -> AuthenticatedPerson {
        AuthenticatedPerson::by_password(self.subject().await, self.services.now())
    }

    /// The cookie of a browser in which the demo person is signed in.
    pub(crate) async fn signed_in(&self) -> (String, BrowserSession) {
        let secret = SessionSecret::generate(&random()).unwrap();
        let session = BrowserSession::signed_in(secret.hash(), self.subject().await, self.services.now());
        self.services.store.begin_session(&session).await.unwrap();
        (format!("portcullis_authz={}", secret.reveal()), session)
    }

    /// A request to the authorization endpoint in that browser.
    pub(crate) async fn authorize(&self, cookie: &str, parameters: &[(&str, &str)]) -> Answer {
        let uri = format!("/oauth2/authorize?{}", encode(parameters));
        let request = Request::get(uri).header(header::HOST, "localhost:9000").header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Begins an authorization and returns the request that waits for a decision.
    pub(crate) async fn pending(&self, parameters: &[(&str, &str)]) -> PendingAuthorization {
        let (cookie, session) = self.signed_in().await;
        let answer = self.authorize(&cookie, parameters).await;
        let secret = RequestSecret::parse(&answer.location().parameter("request").unwrap()).unwrap();
        let found = self.services.store.pending_authorization(&secret.hash(), &session.hash, self.services.now()).await;
        found.unwrap().unwrap()
    }

    /// The whole way to a code, with the consent page left out.
    pub(crate) async fn code(&self, parameters: &[(&str, &str)]) -> String {
        let pending = self.pending(parameters).await;
        self.approve(&pending).await.unwrap().parameter("code").unwrap()
    }

    /// The demo person allows a request: where the browser is sent.
    pub(crate) async fn approve(&self, pending: &PendingAuthorization) -> Result<Url, DecisionError> {
        let code = CodeSecret::generate(&random()).unwrap();
        let approval = Approval { person: self.person().await, code, memory: Memory::None };
        let target = crate::authorize::approve(&self.services, pending, &approval).await?;
        Ok(Url::parse(&target.location()).unwrap())
    }

    /// The whole way to an access token of the demo client.
    pub(crate) async fn token(&self, resource: &str) -> String {
        let code = self.code(&request_with(&[("resource", resource)])).await;
        let answer =
            self.post_as((CLIENT, SECRET), routes::TOKEN, &with(&exchange(&code), &[("resource", resource)])).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

impl Answer {
    async fn read(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Self { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Where the answer sends the browser.
    pub(crate) fn location(&self) -> Url {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.body);
        Url::parse(ISSUER).unwrap().join(self.header(header::LOCATION).unwrap()).unwrap()
    }

    /// A JSON error: status, code, that it is not to be kept, and that its description has legal characters only.
    pub(crate) fn error(&self) -> (u16, String) {
        assert_eq!(self.header(header::CACHE_CONTROL), Some("no-store"));
        assert_description(self.json()["error_description"].as_str().unwrap());
        (self.status.as_u16(), self.json()["error"].as_str().unwrap().to_owned())
    }
}

/// RFC 6749 §4.1.2.1, §5.2: MUST NOT have characters outside of %x20-21 / %x23-5B / %x5D-7E.
pub(crate) fn assert_description(description: &str) {
    let legal = description.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'"' && byte != b'\\');
    assert!(legal && !description.is_empty(), "{description}");
}

/// A query parameter that has to be there at most once.
pub(crate) trait Parameter {
    fn parameter(&self, name: &str) -> Option<String>;
}

impl Parameter for Url {
    fn parameter(&self, name: &str) -> Option<String> {
        let values: Vec<_> = self.query_pairs().filter(|(other, _)| other == name).collect();
        assert!(values.len() <= 1, "{name} is repeated in {self}");
        values.first().map(|(_, value)| value.clone().into_owned())
    }
}

#[expect(clippy::disallowed_methods, reason = "the edge of these tests")]
pub(crate) fn random() -> SystemRandom {
    SystemRandom::new()
}

fn resource(id: &str) -> ServedResource {
    let scopes = ResourceScopes::flat(Scope::parse("mcp:read mcp:write").unwrap());
    ServedResource { id: Resource::parse(id).unwrap(), name: None, scopes }
}

fn assertion_issuers(issuers: &[String], clock: &Arc<dyn Clock>) -> AssertionIssuers {
    verification_keys::install_crypto_providers();
    let client = verification_keys::http::client(&verification_keys::http::ClientOptions::default()).unwrap();
    let parse = |raw: &String| Issuer::parse(raw, &HttpHosts::default()).unwrap();
    AssertionIssuers::new(&issuers.iter().map(parse).collect::<Vec<_>>(), &client, clock)
}

fn database_url(folder: &Path) -> DatabaseUrl {
    format!("sqlite:{}", folder.join("authz.db").display()).parse().unwrap()
}

/// Every name is unknown.
fn nowhere() -> Outgoing {
    verification_keys::install_crypto_providers();
    let options = verification_keys::http::ClientOptions::default();
    Outgoing::new(&options, outgoing::testing::Names::of([]), AllowedAddresses::Public).unwrap()
}
