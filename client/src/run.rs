//! From a checked configuration to an exit code.

use anstyle::Style;
use ring::rand::SecureRandom;
use std::{sync::Arc, time::Duration};
use verification_keys::{
    Clock,
    http::{ClientError, ClientOptions, client},
};

use crate::{
    app::{App, Exit},
    commands::{Report, perform},
    config::Config,
    connections::Connections,
    flow::{Flow, Wire},
    hosts::Host,
    oauth::{
        client_store::ClientStore,
        private_files::PrivateFileError,
        sign_in::{Notice, SignIn},
        token_store::TokenStore,
        vault::Vault,
        waits::Waits,
    },
    repl,
    servers::Server,
    status,
    terminal::{print, sanitize, sanitize_json},
    trace::Trace,
    verbs::{Command, Format},
    web::{self, WebError},
};

/// How long a tool may take.
pub(crate) const TOOL_TIMEOUT: Duration = Duration::from_mins(2);

/// What is read or made at the edge of the process only.
#[derive(Clone)]
pub struct Edge {
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub random: Arc<dyn SecureRandom + Send + Sync>,
    /// Where to say "open this page".
    pub notice: Notice,
    /// What a sign-in without a callback waits with.
    pub waits: Waits,
}

/// Why the client could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No HTTP client.
    #[error("MCP_CA_CERT cannot be used: {0}")]
    Http(#[from] ClientError),
    /// No file for the steps.
    #[error("MCP_CLIENT_TRACE_FILE cannot be used: {0}")]
    Trace(#[source] PrivateFileError),
    /// The settings lead to no server.
    #[error("there is no server to connect to. Set MCP_SERVER_URL")]
    NoServer,
    /// No private files.
    #[error("the client's own files cannot be used: {0}")]
    Store(#[from] PrivateFileError),
    /// No page.
    #[error(transparent)]
    Web(#[from] WebError),
}

/// Puts the parts together for `server`; nothing is sent yet. Its steps are told to `flow`.
///
/// # Errors
/// When there can be no HTTP client, or no private files.
pub fn app(server: &Server, config: &Config, edge: &Edge, flow: &Arc<Flow>) -> Result<App, StartError> {
    let options = ClientOptions { extra_ca_pem: config.extra_ca_pem.clone(), ..ClientOptions::default() };
    let patient = ClientOptions { timeout: TOOL_TIMEOUT, headers: server.headers.clone(), ..options.clone() };
    let vault = Vault::open(config.store).map_err(PrivateFileError::from)?;
    let wire = |options| client(options).map(|http| Wire::reporting_to(http, Arc::clone(flow)));
    let sign_in = SignIn {
        http: wire(&options)?,
        clock: Arc::clone(&edge.clock),
        random: Arc::clone(&edge.random),
        tokens: TokenStore::open_in(&config.state_dir, &vault)?,
        clients: ClientStore::open_in(&config.state_dir, &vault)?,
        settings: server.sign_in.clone(),
        notice: Arc::clone(&edge.notice),
        waits: edge.waits.clone(),
    };
    let app = App::new(wire(&patient)?, sign_in).over(server.program.clone()).with_forms(config.forms);
    if server.headers.is_empty() {
        return Ok(app);
    }
    let prober = ClientOptions { headers: server.headers.clone(), ..options.clone() };
    Ok(app.probing_with(wire(&prober)?))
}

/// Does `command`, or opens the prompt.
///
/// # Errors
/// When the client cannot start; whatever happens later is told to the person and becomes the exit code.
pub async fn run(config: &Config, command: Option<&Command>, format: Format, edge: &Edge) -> Result<Exit, StartError> {
    let trace = Trace::new(config.trace, config.trace_file.as_deref()).map_err(StartError::Trace)?;
    let flow = trace.flow(Arc::clone(&edge.clock));
    let Some(command) = command else {
        let (for_later, edge) = (config.clone(), edge.clone());
        let make = move |server: &Server| app(server, &for_later, &edge, &flow);
        let mut connections = Connections::new(&config.servers, Box::new(make))?;
        let start = repl::Start { greets: config.greets, history: Some(config.state_dir.join("history")) };
        return Box::pin(repl::repl(&mut connections, &trace, start)).await;
    };
    let mut app = app(config.servers.in_use().ok_or(StartError::NoServer)?, config, edge, &flow)?;
    let report = match command {
        Command::Verb(verb) => perform(&mut app, verb, format).await,
        Command::MetadataDocument => metadata_document(&app),
        Command::PrintConfig { host } => host_entry(*host, config)?,
        Command::Web => {
            web::run(config, edge).await?;
            return Ok(Exit::Success);
        }
    };
    app.close().await;
    print(&report);
    Ok(report.exit)
}

fn host_entry(host: Host, config: &Config) -> Result<Report, StartError> {
    let entry = host.entry(config.servers.in_use().ok_or(StartError::NoServer)?);
    let text = serde_json::to_string_pretty(&entry).unwrap_or_default();
    Ok(Report { stderr: format!("{}\n", host.place()), ..Report::success(sanitize_json(&text)) })
}

fn metadata_document(app: &App) -> Report {
    let fix = "set MCP_CLIENT_METADATA_URL to the https URL where the document will be hosted";
    app.metadata_document().map_or_else(|| Report::failure(Exit::Usage, fix), Report::success)
}

/// Notices go to stderr, so that stdout holds results only.
#[must_use]
pub fn notice_on_stderr() -> Notice {
    Arc::new(|text| status::aside(Style::new(), &sanitize(text)))
}
