//! `client web`: the whole flow in a browser, with a diagram that grows as it happens. Tokens stay here: the browser has
//! a session cookie only.
//!
//! A request reads: `routes` → `session` (cookie, CSRF) → `visitor` (one errand at a time) → `errand` (the same
//! [`crate::app::App`] that the terminal uses) → a redirect to the one page, which shows what came of it.

mod claims;
mod diagram;
mod errand;
mod events;
mod fields;
mod flaw;
mod layers;
mod page;
mod routes;
mod session;
mod visitor;

use http::HeaderValue;
use ring::rand::SecureRandom;
use serving::{BindError, Listener, ServeOptions, serve, settings::InvalidSetting, shutdown_signal};
use std::{sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::task::LocalPoolHandle;
use verification_keys::{
    Clock,
    http::{ClientError, ClientOptions},
};

use crate::{
    app::App,
    config::{Config, WebConfig},
    flow::{Flow, Wire},
    guard::Guard,
    oauth::{
        browser::Browser,
        client_store::ClientStore,
        endpoint::Endpoint,
        grant::Grant,
        loopback::RedirectUri,
        private_files::PrivateFileError,
        sign_in::{ClientChoice, SignIn, SignInSettings},
        token_store::TokenStore,
        visit::{Visit, Visits},
        waits::Waits,
    },
    run::{Edge, TOOL_TIMEOUT},
    web::{session::Sessions, visitor::Told},
};

/// Why the page cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum WebError {
    /// No HTTP client.
    #[error("MCP_CA_CERT cannot be used: {0}")]
    Http(#[from] ClientError),
    /// No private files.
    #[error("the client's own files cannot be used: {0}")]
    Store(#[from] PrivateFileError),
    /// The port is taken, or not allowed.
    #[error("{0}. Stop what listens there, or set MCP_CLIENT_WEB_PORT to a free port")]
    Bind(#[from] BindError),
    /// No certificate to serve https with.
    #[error("{0}")]
    Tls(#[from] InvalidSetting),
}

/// Serves the page until the process is told to end.
///
/// # Errors
/// When it cannot start.
pub async fn run(config: &Config, edge: &Edge) -> Result<(), WebError> {
    let web = Web::new(config, edge)?;
    let tls = config.web.tls.certificate(config.web.origin.url().host_str().unwrap_or("localhost"))?;
    let listener = Listener::bind(&config.web.host, config.web.port).await?;
    let asked = format!("Open {} in your browser. Ctrl-C ends it.", config.web.origin.as_str());
    (edge.notice)(&asked);
    // A sign-in lets a request wait for three servers in a row; a stream of events is an answer that never ends.
    let options = ServeOptions {
        tls,
        request_timeout: TOOL_TIMEOUT + TOOL_TIMEOUT,
        // A page that listens would hold up the end for as long as it may.
        shutdown_grace: Duration::from_secs(1),
        ..ServeOptions::default()
    };
    serve(listener, routes::router(web), options, shutdown_signal()).await;
    Ok(())
}

/// How the client introduces itself to an authorization server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    /// As the client of the settings, registered there by hand.
    #[default]
    PreRegistered,
    /// By registering itself (RFC 7591).
    Dynamic,
    /// By the URL of its metadata document.
    Document,
}

/// What the requests share.
struct Web {
    settings: SignInSettings,
    config: WebConfig,
    document: Option<Endpoint>,
    http: Wire,
    patient: Wire,
    bindings: ClientStore,
    clock: Arc<dyn Clock>,
    random: Arc<dyn SecureRandom + Send + Sync>,
    sessions: Sessions,
    policy: HeaderValue,
    /// Where errands run: the client takes closures whose futures stay on one thread.
    workers: LocalPoolHandle,
}

/// Threads for errands, which mostly wait.
const WORKERS: usize = 2;

impl Web {
    fn new(config: &Config, edge: &Edge) -> Result<Arc<Self>, WebError> {
        let guard = Guard::new(&config.web.origin, &config.sign_in.server, &config.web.allowed_hosts);
        let options = ClientOptions { extra_ca_pem: config.extra_ca_pem.clone(), ..ClientOptions::default() };
        let patient = ClientOptions { timeout: TOOL_TIMEOUT, ..options.clone() };
        let wire = |options| guard.client(options).map(|http| Wire::new(http).guarded_by(guard.clone()));
        // A page that is on https can publish its own document; a client identifier must be an https URL.
        let own = (config.web.origin.url().scheme() == "https").then(|| config.web.origin.with_path(routes::DOCUMENT));
        let settings = SignInSettings {
            grant: Grant::AuthorizationCode,
            redirect_uri: RedirectUri::of_page(&config.web.origin),
            ..config.sign_in.clone()
        };
        Ok(Arc::new(Self {
            document: own.or_else(|| config.sign_in.metadata_url.clone()),
            settings,
            config: config.web.clone(),
            http: wire(&options)?,
            patient: wire(&patient)?,
            bindings: ClientStore::open(&config.state_dir)?,
            clock: Arc::clone(&edge.clock),
            random: Arc::clone(&edge.random),
            sessions: Sessions::default(),
            policy: layers::policy(),
            workers: LocalPoolHandle::new(WORKERS),
        }))
    }

    /// Whether browsers find the page over https.
    fn is_https(&self) -> bool {
        self.config.origin.url().scheme() == "https"
    }

    /// A client for one visitor, whose steps are told to `told`; and where the visits come out that it asks for.
    fn app(&self, way: Way, told: &Arc<Told>) -> (App, mpsc::Receiver<Visit>) {
        let (visits, receiver) = Visits::channel();
        let told = Arc::clone(told);
        let flow = Flow::new(Arc::clone(&self.clock), move |step| told.add(step));
        let client = match (way, &self.settings.client) {
            (Way::PreRegistered, configured) => configured.clone(),
            (Way::Dynamic | Way::Document, _) => ClientChoice::Dynamic,
        };
        let sign_in = SignIn {
            http: self.http.clone().reporting(Arc::clone(&flow)),
            clock: Arc::clone(&self.clock),
            random: Arc::clone(&self.random),
            tokens: TokenStore::in_memory(),
            // Whose a registered client is stays known; what registers itself is the visitor's own.
            clients: if way == Way::PreRegistered { self.bindings.clone() } else { ClientStore::in_memory() },
            settings: SignInSettings {
                client,
                metadata_url: self.document.clone().filter(|_| way == Way::Document),
                browser: Browser::Visitor(visits),
                ..self.settings.clone()
            },
            notice: Arc::new(|text| tracing::warn!("{text}")),
            waits: Waits::without_a_person(),
        };
        (App::new(self.patient.clone().reporting(flow), sign_in), receiver)
    }
}

impl Way {
    const ALL: [Self; 3] = [Self::PreRegistered, Self::Dynamic, Self::Document];

    const fn as_str(self) -> &'static str {
        match self {
            Self::PreRegistered => "pre-registered",
            Self::Dynamic => "dynamic",
            Self::Document => "document",
        }
    }

    fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.as_str() == raw)
    }
}

#[cfg(test)]
mod tests;
