//! From a checked configuration to an exit code.

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
    flow::Wire,
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
    terminal::{print, sanitize, sanitize_json},
    verbs::{Command, Format},
};

/// How long a tool may take.
const TOOL_TIMEOUT: Duration = Duration::from_mins(2);

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
    /// The settings lead to no server.
    #[error("there is no server to connect to. Set MCP_SERVER_URL")]
    NoServer,
    /// No private files.
    #[error("the client's own files cannot be used: {0}")]
    Store(#[from] PrivateFileError),
}

/// Puts the parts together for the server in use; nothing is sent yet.
///
/// # Errors
/// When there can be no HTTP client, or no private files.
pub fn app(config: &Config, edge: &Edge) -> Result<App, StartError> {
    app_for(config.servers.in_use().ok_or(StartError::NoServer)?, config, edge)
}

/// Puts the parts together for `server`; nothing is sent yet.
///
/// # Errors
/// When there can be no HTTP client, or no private files.
pub fn app_for(server: &Server, config: &Config, edge: &Edge) -> Result<App, StartError> {
    let options = ClientOptions { extra_ca_pem: config.extra_ca_pem.clone(), ..ClientOptions::default() };
    let patient = ClientOptions { timeout: TOOL_TIMEOUT, ..options.clone() };
    let vault = Vault::open(config.store).map_err(PrivateFileError::from)?;
    let sign_in = SignIn {
        http: Wire::new(client(&options)?),
        clock: Arc::clone(&edge.clock),
        random: Arc::clone(&edge.random),
        tokens: TokenStore::open_in(&config.state_dir, &vault)?,
        clients: ClientStore::open_in(&config.state_dir, &vault)?,
        settings: server.sign_in.clone(),
        notice: Arc::clone(&edge.notice),
        waits: edge.waits.clone(),
    };
    Ok(App::new(Wire::new(client(&patient)?), sign_in).over(server.program.clone()).with_forms(config.forms))
}

/// Does `command`, or opens the prompt.
///
/// # Errors
/// When the client cannot start; whatever happens later is told to the person and becomes the exit code.
pub async fn run(config: &Config, command: Option<&Command>, format: Format, edge: &Edge) -> Result<Exit, StartError> {
    let Some(command) = command else {
        let (for_later, edge) = (config.clone(), edge.clone());
        let make = move |server: &Server| app_for(server, &for_later, &edge);
        let mut connections = Connections::new(&config.servers, Box::new(make))?;
        return repl::repl(&mut connections, Some(config.state_dir.join("history"))).await;
    };
    let mut app = app(config, edge)?;
    let report = match command {
        Command::Verb(verb) => perform(&mut app, verb, format).await,
        Command::MetadataDocument => metadata_document(&app),
        Command::PrintConfig { host } => host_entry(*host, config)?,
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
    use std::io::Write as _;
    Arc::new(|text| {
        // A closed terminal is not worth a word.
        let _closed = writeln!(std::io::stderr().lock(), "{}", sanitize(text));
    })
}
