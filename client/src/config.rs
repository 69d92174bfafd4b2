//! Raw settings become one typed struct, or a list of everything that is wrong with them.

use serving::{
    logging::LogFormat,
    settings::{InvalidSetting, Problems},
};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    cli::Settings,
    mcp::Forms,
    oauth::{
        browser::Browser,
        client::{ClientCredentials, ClientSecret},
        endpoint::Endpoint,
        grant::GrantName,
        loopback::RedirectUri,
        scope::Scope,
        sign_in::{ClientChoice, SignInSettings, Stated},
        vault::Store,
    },
};

mod grant;
mod servers;

pub use servers::Servers;
mod web;

pub use web::{DEFAULT_WEB_PORT, WebConfig};

/// The demo client of authz, published on purpose.
pub const DEMO_CLIENT_ID: &str = "simple-mcp-client";
/// Its secret, which is none.
pub const DEMO_CLIENT_SECRET: &str = "simple-mcp-secret-123";
/// Port of the callback, unless set otherwise.
pub const DEFAULT_CALLBACK_PORT: u16 = 3030;
/// Port of an MCP server on this computer, unless set otherwise.
pub const DEFAULT_SERVER_PORT: u16 = 8001;
/// How long a person may take to sign in.
pub const PATIENCE: Duration = Duration::from_mins(5);

/// Everything this process runs with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The server in use, and how to sign in to it.
    pub sign_in: SignInSettings,
    /// All servers that the person has, that one among them.
    pub servers: Servers,
    /// What becomes of forms that a server asks to have filled in.
    pub forms: Forms,
    /// Where `client web` is, and what it may call.
    pub web: WebConfig,
    /// Where tokens, registrations and history are kept.
    pub state_dir: PathBuf,
    /// What keeps the secret ones of them.
    pub store: Store,
    /// The file that the client's private key was read from.
    pub private_key: Option<PathBuf>,
    /// The file of certificates to trust besides the system's.
    pub ca_cert: Option<PathBuf>,
    /// What stands in it.
    pub extra_ca_pem: Option<Vec<u8>>,
    /// Whether the prompt begins with where it is connected to.
    pub greets: bool,
    /// Whether each step of the flow is shown.
    pub trace: bool,
    /// The file that they are appended to.
    pub trace_file: Option<PathBuf>,
    /// How log lines look.
    pub log_format: LogFormat,
}

impl TryFrom<&Settings> for Config {
    type Error = Vec<InvalidSetting>;

    fn try_from(raw: &Settings) -> Result<Self, Self::Error> {
        let mut problems = Problems::new();
        check_transport(raw, &mut problems);
        let base = sign_in(raw, &mut problems);
        let servers = base.and_then(|base| servers::servers(raw, &base, &mut problems));
        let forms = forms(raw, &mut problems);
        let trace = boolean("MCP_CLIENT_TRACE", raw.trace.as_ref(), &mut problems);
        let state_dir = state_dir(raw, &mut problems);
        let store = store(raw, &mut problems).unwrap_or_default();
        let extra_ca_pem = raw.ca_cert.as_deref().and_then(|file| certificates(file, &mut problems));
        let web = web::web(&raw.web, &mut problems);
        let config = servers.zip(state_dir).zip(web).and_then(|((servers, state_dir), web)| {
            Some(Self {
                sign_in: servers.in_use()?.sign_in.clone(),
                servers,
                forms,
                web,
                state_dir,
                store,
                private_key: raw.grant.client_private_key.clone(),
                ca_cert: raw.ca_cert.clone(),
                extra_ca_pem,
                greets: true,
                trace: trace?,
                trace_file: raw.trace_file.clone().filter(|file| !file.as_os_str().is_empty()),
                log_format: raw.log_format,
            })
        });
        problems.into_result(config)
    }
}

/// The server of the settings, and how to sign in to it and to every other one.
fn sign_in(raw: &Settings, problems: &mut Problems) -> Option<SignInSettings> {
    let server = server(raw, problems);
    let metadata_url = metadata_url(raw, problems);
    let grant = grant::grant(&raw.grant, problems);
    let private_key = grant::private_key(raw, problems);
    let client = client(raw, metadata_url.is_some(), problems);
    let assume_s256 = assumed(raw, problems);
    let scope = scope(raw, problems);
    let redirect_uri = redirect_uri(raw, problems);
    Some(SignInSettings {
        server: server?,
        stated: Stated::default(),
        grant: grant?,
        client: client?,
        private_key,
        metadata_url,
        assume_s256,
        scope,
        redirect_uri: redirect_uri?,
        browser: if raw.no_browser { Browser::Disabled } else { Browser::new(raw.browser.as_deref()) },
        patience: PATIENCE,
    })
}

fn forms(raw: &Settings, problems: &mut Problems) -> Forms {
    match boolean("MCP_CLIENT_FORM_DEFAULTS", raw.form_defaults.as_ref(), problems) {
        Some(true) => Forms::Defaults,
        Some(false) | None => Forms::NotOffered,
    }
}

/// An empty value is none, as in a file of settings with nothing behind the `=`.
fn given(raw: Option<&String>) -> Option<&str> {
    raw.map(String::as_str).filter(|raw| !raw.is_empty())
}

fn check_transport(raw: &Settings, problems: &mut Problems) {
    match given(raw.transport.as_ref()) {
        None | Some("streamable-http" | "streamable_http") => {}
        Some("sse") => problems.add(
            "MCP_TRANSPORT_TYPE",
            "the old HTTP+SSE transport (sse) is not supported",
            "use streamable-http, which replaced it",
        ),
        Some(other) => {
            problems.add("MCP_TRANSPORT_TYPE", format!("there is no transport {other:?}"), "use streamable-http");
        }
    }
}

fn server(raw: &Settings, problems: &mut Problems) -> Option<Endpoint> {
    let port = port("MCP_SERVER_PORT", raw.server_port.as_ref(), DEFAULT_SERVER_PORT, problems)?;
    let default = format!("http://localhost:{port}/mcp");
    let url = given(raw.url.as_ref()).unwrap_or(&default);
    problems.check(
        "MCP_SERVER_URL",
        "use a URL such as https://mcp.example/mcp or http://localhost:8001/mcp",
        Endpoint::parse(url),
    )
}

/// The demo client stands in only where nothing was said.
fn client(raw: &Settings, has_document: bool, problems: &mut Problems) -> Option<ClientChoice> {
    let home = given(raw.client_issuer.as_ref()).map(|issuer| {
        problems.check("MCP_CLIENT_ISSUER", "use the issuer's URL, exactly as it publishes it", Endpoint::parse(issuer))
    });
    if boolean("MCP_USE_DCR", raw.use_dcr.as_ref(), problems)? {
        return Some(ClientChoice::Dynamic);
    }
    if has_document && given(raw.client_id.as_ref()).is_none() {
        return Some(ClientChoice::Dynamic);
    }
    let workload = given(raw.grant.grant.as_ref()) == Some(GrantName::WorkloadIdentity.as_str());
    if workload && given(raw.client_id.as_ref()).is_none() {
        return Some(ClientChoice::Nobody {
            issuer: match home {
                None => None,
                Some(issuer) => Some(issuer?),
            },
        });
    }
    let id = given(raw.client_id.as_ref()).unwrap_or(DEMO_CLIENT_ID);
    let default_secret = if id == DEMO_CLIENT_ID { DEMO_CLIENT_SECRET } else { "" };
    let secret = given(raw.client_secret.as_ref()).unwrap_or(default_secret);
    let credentials = ClientCredentials { id: id.to_owned(), secret: ClientSecret::new(secret) };
    Some(match home {
        None if id == DEMO_CLIENT_ID && secret == DEMO_CLIENT_SECRET => ClientChoice::Demo(credentials),
        None => ClientChoice::PreRegistered { credentials, issuer: None },
        Some(issuer) => ClientChoice::PreRegistered { credentials, issuer: Some(issuer?) },
    })
}

/// An https URL with a path (Client ID Metadata Document §3).
fn metadata_url(raw: &Settings, problems: &mut Problems) -> Option<Endpoint> {
    let url = Endpoint::parse(given(raw.client_metadata_url.as_ref())?).map_err(|reason| reason.to_string());
    let url = url.and_then(|url| match (url.url().scheme(), url.url().path()) {
        ("https", "" | "/") => Err("it has no path".to_owned()),
        ("https", _) => Ok(url),
        _ => Err("it is not an https URL".to_owned()),
    });
    let fix = "host what `client metadata-document` prints, and name its https URL, path included";
    problems.check("MCP_CLIENT_METADATA_URL", fix, url)
}

fn assumed(raw: &Settings, problems: &mut Problems) -> Vec<String> {
    let issuers = raw.assume_s256.iter().filter(|issuer| !issuer.is_empty());
    let fix = "name the issuer's URL, exactly as it publishes it";
    let checked = issuers.filter_map(|issuer| problems.check("MCP_CLIENT_ASSUME_S256", fix, Endpoint::parse(issuer)));
    checked.map(|issuer| issuer.as_str().to_owned()).collect()
}

fn scope(raw: &Settings, problems: &mut Problems) -> Option<Scope> {
    let raw = given(raw.client_scope.as_ref())?;
    let scope = Scope::parse(raw).ok_or("it holds characters that no scope has");
    problems.check("MCP_CLIENT_SCOPE", "separate scopes by single spaces, as in \"mcp:read mcp:write\"", scope)
}

/// The port alone moves the default address; with an address it may only repeat its port.
fn redirect_uri(raw: &Settings, problems: &mut Problems) -> Option<RedirectUri> {
    let explicit = given(raw.callback_port.as_ref()).is_some();
    let port = port("MCP_CALLBACK_PORT", raw.callback_port.as_ref(), DEFAULT_CALLBACK_PORT, problems)?;
    let Some(uri) = given(raw.redirect_uri.as_ref()) else { return Some(RedirectUri::on_port(port)) };
    let uri = problems.check(
        "MCP_CLIENT_REDIRECT_URI",
        "use an address such as http://localhost:3030/callback, or urn:ietf:wg:oauth:2.0:oob to paste the code",
        RedirectUri::parse(uri),
    )?;
    if explicit && uri.port() != Some(port) {
        let other = uri.port().map_or_else(|| "that there is none".to_owned(), |port| port.to_string());
        let problem = format!("it says {port}, and MCP_CLIENT_REDIRECT_URI says {other}");
        problems.add("MCP_CALLBACK_PORT", problem, "leave one of them out");
    }
    Some(uri)
}

fn state_dir(raw: &Settings, problems: &mut Problems) -> Option<PathBuf> {
    if let Some(folder) = raw.state_dir.as_ref().filter(|folder| !folder.as_os_str().is_empty()) {
        return Some(folder.clone());
    }
    let home = etcetera::choose_base_strategy().map(|strategy| {
        use etcetera::BaseStrategy as _;
        strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("portcullis")
    });
    problems.check("MCP_CLIENT_STATE_DIR", "set it to a folder that only you can read", home)
}

fn store(raw: &Settings, problems: &mut Problems) -> Option<Store> {
    let name = given(raw.store.as_ref())?;
    let (setting, fix) = ("MCP_CLIENT_STORE", "use files, or keyring in a program built with it");
    let store =
        problems.check(setting, fix, Store::parse(name).ok_or_else(|| format!("there is no store {name:?}")))?;
    if store == Store::Keyring && !Store::HAS_KEYRING {
        let fix = "use files, or build the client with --features keyring";
        problems.add(setting, "this program was built without the keyring", fix);
    }
    Some(store)
}

fn certificates(file: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let content = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()));
    problems.check("MCP_CA_CERT", "name a file of PEM certificates", content)
}

fn port(name: &'static str, raw: Option<&String>, default: u16, problems: &mut Problems) -> Option<u16> {
    let Some(raw) = given(raw) else { return Some(default) };
    let port = raw.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(|| format!("{raw:?} is not a port"));
    problems.check(name, "use a number from 1 to 65535", port)
}

fn boolean(name: &'static str, raw: Option<&String>, problems: &mut Problems) -> Option<bool> {
    let value = match given(raw).unwrap_or("false").to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        other => Err(format!("{other:?} is neither true nor false")),
    };
    problems.check(name, "use true or false", value)
}

/// The settings in effect, one a line, without secrets.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.sign_in;
        let file = self.servers.file.as_deref().unwrap_or(Path::new(""));
        writeln!(f, "MCP_CLIENT_CONFIG={}", file.display())?;
        writeln!(f, "MCP_CLIENT_SERVER={}", self.servers.name())?;
        writeln!(f, "MCP_SERVER_URL={}", settings.server.as_str())?;
        let port = settings.server.url().port_or_known_default().unwrap_or_default();
        writeln!(f, "MCP_SERVER_PORT={port}")?;
        writeln!(f, "MCP_TRANSPORT_TYPE=streamable-http")?;
        writeln!(f, "MCP_USE_DCR={}", settings.client == ClientChoice::Dynamic)?;
        if let ClientChoice::PreRegistered { credentials, .. } | ClientChoice::Demo(credentials) = &settings.client {
            writeln!(f, "MCP_CLIENT_ID={}", credentials.id)?;
            writeln!(f, "MCP_CLIENT_SECRET={}", if credentials.secret.is_some() { "***" } else { "" })?;
        }
        let issuer = match &settings.client {
            ClientChoice::PreRegistered { issuer, .. } | ClientChoice::Nobody { issuer } => {
                issuer.as_ref().map_or("", Endpoint::as_str)
            }
            ClientChoice::Demo(_) | ClientChoice::Dynamic => "",
        };
        writeln!(f, "MCP_CLIENT_ISSUER={issuer}")?;
        let key_file = self.private_key.as_deref();
        grant::print(f, &settings.grant, settings.private_key.as_ref(), key_file)?;
        writeln!(f, "MCP_CLIENT_SCOPE={}", settings.scope.as_ref().map(ToString::to_string).unwrap_or_default())?;
        writeln!(f, "MCP_CLIENT_REDIRECT_URI={}", settings.redirect_uri.as_str())?;
        let port = settings.redirect_uri.port().map(|port| port.to_string()).unwrap_or_default();
        writeln!(f, "MCP_CALLBACK_PORT={port}")?;
        writeln!(f, "MCP_CLIENT_METADATA_URL={}", settings.metadata_url.as_ref().map_or("", Endpoint::as_str))?;
        writeln!(f, "MCP_CLIENT_ASSUME_S256={}", settings.assume_s256.join(","))?;
        writeln!(f, "MCP_CLIENT_FORM_DEFAULTS={}", self.forms == Forms::Defaults)?;
        write!(f, "{}", self.web)?;
        writeln!(f, "MCP_CLIENT_STATE_DIR={}", self.state_dir.display())?;
        writeln!(f, "MCP_CLIENT_STORE={}", self.store.as_str())?;
        writeln!(f, "MCP_CLIENT_TRACE={}", self.trace)?;
        writeln!(f, "MCP_CLIENT_TRACE_FILE={}", self.trace_file.as_deref().unwrap_or(Path::new("")).display())?;
        writeln!(f, "MCP_CA_CERT={}", self.ca_cert.as_deref().unwrap_or(Path::new("")).display())?;
        writeln!(f, "MCP_LOG_FORMAT={}", self.log_format)
    }
}

#[cfg(test)]
mod tests;
