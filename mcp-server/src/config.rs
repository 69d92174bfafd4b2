//! Raw settings → one typed configuration, all problems reported together.

mod file;
mod introspection;
mod print;
mod scopes;
mod shim;
#[cfg(test)]
mod tests;
mod transport;
mod trust;

pub use scopes::ScopeSettings;
pub use transport::Transport;

use serving::settings::{InvalidSetting, Problems};
use serving::{AuditTarget, ServeOptions, ServingArgs, Tls};
use url::Url;
use verification_keys::http::ClientOptions;
use verification_keys::{HttpHosts, Issuer};

use crate::cli::{Cli, StorageArgs, TrustArgs};
use crate::resource_server::{
    AllowedHosts, AllowedOrigins, AudienceKind, InvalidOptions, IssuerOptions, ResourceIdentifier, ResourceServer,
    ResourceServerOptions, ScopePolicy, Strictness, metadata,
};
use crate::storage::DatabaseUrl;
use crate::tools;

/// The configuration of the process.
#[derive(Clone, Debug)]
pub struct Config {
    /// Host to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
    /// Port of the metrics, if they are served.
    pub metrics_port: Option<u16>,
    /// Where the audit log goes.
    pub audit: AuditTarget,
    /// How it is spoken to.
    pub transport: Transport,
    /// The protected resource.
    pub options: ResourceServerOptions,
    /// What is set about scopes.
    pub scopes: ScopeSettings,
    /// The file of settings, and what it says of operations, as `--print-config` shows it.
    file: String,
    /// What the tools keep.
    pub storage: StorageConfig,
    /// Outgoing calls.
    pub outgoing: ClientOptions,
    /// Limits and TLS of the listener.
    pub serve_options: ServeOptions,
    /// Whether a proxy in front does TLS.
    pub behind_tls_proxy: bool,
    /// Settings of every process.
    pub serving: ServingArgs,
}

/// What the tools keep.
#[derive(Clone, Debug)]
pub struct StorageConfig {
    /// Where notes and usage are kept.
    pub database_url: DatabaseUrl,
    /// The requests that each person has in a month, if they are limited.
    pub monthly_quota: Option<u64>,
}

impl TryFrom<Cli> for Config {
    type Error = Vec<InvalidSetting>;

    fn try_from(cli: Cli) -> Result<Self, Vec<InvalidSetting>> {
        let mut problems = Problems::new();
        let transport = transport::read(&cli.transport, cli.access_token.as_ref(), &mut problems);
        check_http_hosts(&cli.trust, &mut problems);
        let resource = resource(&cli, &mut problems);
        let metrics_port = cli.operations.metrics_port.as_deref();
        let metrics_port = serving::metrics::port("MCP_RESOURCE_METRICS_PORT", metrics_port, cli.port, &mut problems);
        let audit = AuditTarget::parse(&cli.operations.audit_log);
        let tls = resource.as_ref().and_then(|resource| tls(&cli, resource, &mut problems));
        let outgoing = outgoing(&cli.serving, &mut problems);
        let scopes = scopes::settings(&cli.scopes, &mut problems);
        let file = file::read(&cli, &mut problems);
        let policy = scopes::policy(tools::scopes(), &scopes, &mut problems);
        let policy = file.iter().fold(policy, |policy, file| file.policy(policy, &mut problems));
        let options = resource.and_then(|resource| options(&cli, file.as_ref(), (resource, policy), &mut problems));
        let storage = storage(&cli.storage, &mut problems);
        let needed = options.zip(outgoing).zip(storage).zip(transport);
        let config = needed.map(|(((options, outgoing), storage), transport)| {
            // The layer answers first, with its reason.
            let max_body_bytes = options.max_body_bytes.saturating_mul(2);
            let serve_options = ServeOptions { tls, max_body_bytes, ..ServeOptions::default() };
            Self {
                host: cli.host,
                port: cli.port,
                metrics_port,
                audit,
                transport,
                options,
                scopes,
                file: file.as_ref().map_or_else(|| file::ABSENT.to_owned(), ToString::to_string),
                storage,
                outgoing,
                serve_options,
                behind_tls_proxy: cli.behind_tls_proxy,
                serving: cli.serving,
            }
        });
        problems.into_result(config)
    }
}

impl Config {
    /// What deserves a loud word at start-up.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for issuer in &self.options.issuers {
            if issuer.audience.checks_nothing() {
                warnings.push(format!(
                    "EVERY token of {} is accepted, whoever it was issued for: the audience is not enforced \
                     (MCP_RESOURCE_OAUTH_STRICT={}) and MCP_RESOURCE_ALLOWED_CLIENTS is not set",
                    issuer.issuer,
                    issuer.audience.strictness.as_str()
                ));
            } else if issuer.audience.strictness != Strictness::True {
                let strictness = issuer.audience.strictness.as_str();
                warnings
                    .push(format!("the audience of tokens is not enforced (MCP_RESOURCE_OAUTH_STRICT={strictness})"));
            } else if let AudienceKind::Own(what) = issuer.preset.audience
                && issuer.audience.also_accepted.is_empty()
            {
                warnings.push(format!(
                    "tokens of {} hold {what} as their audience, not our URL, and MCP_RESOURCE_AUDIENCES does not name it: \
                     they will be refused",
                    issuer.issuer
                ));
            }
        }
        warnings
    }
}

/// The public URL, and whether it can be what is served.
fn resource(cli: &Cli, problems: &mut Problems) -> Option<ResourceIdentifier> {
    const NAME: &str = "MCP_RESOURCE_PUBLIC_URL";
    let scheme = if cli.serving.tls.wants_tls() { "https" } else { "http" };
    let raw = filled(cli.public_url.as_ref()).unwrap_or_else(|| format!("{scheme}://localhost:{}/mcp", cli.port));
    let fix = "use an absolute URL such as https://mcp.example.com/mcp";
    let resource = problems.check(NAME, fix, ResourceIdentifier::parse(&raw))?;
    let path = resource.url().path();
    if path.starts_with(metadata::WELL_KNOWN) || [serving::health::HEALTHZ, serving::health::READYZ].contains(&path) {
        problems.add(NAME, "its path is that of another route", "use another path, such as /mcp");
    }
    if path.contains(['{', '}']) {
        problems.add(NAME, "its path has braces", "use another path, such as /mcp");
    }
    check_scheme(cli, resource.url(), problems);
    Some(resource)
}

fn check_scheme(cli: &Cli, url: &Url, problems: &mut Problems) {
    const NAME: &str = "MCP_RESOURCE_PUBLIC_URL";
    let https = url.scheme() == "https";
    if cli.serving.tls.wants_tls() && !https {
        problems.add(NAME, "says http, but https is served", "start it with https://");
    } else if https && !cli.serving.tls.wants_tls() && !cli.behind_tls_proxy {
        let fix = "set --tls-cert and --tls-key, or --behind-tls-proxy if a proxy in front speaks https";
        problems.add(NAME, "says https, but plain http is served", fix);
    } else if !http_hosts(&cli.trust).allows(url) {
        let fix = "use https, or list its host in MCP_RESOURCE_ALLOW_HTTP_HOSTS";
        problems.add(NAME, "is plain http on a host that is not loopback", fix);
    } else if !https && !cli.behind_tls_proxy && is_loopback(url) && !serving::is_loopback_host(&cli.host) {
        let fix = "set --tls-cert and --tls-key, or --behind-tls-proxy if a proxy in front speaks https";
        problems.add("MCP_RESOURCE_HOST", "plain http on an address that is not loopback", fix);
    }
}

fn is_loopback(url: &Url) -> bool {
    HttpHosts::default().allows(url)
}

/// None for plain http, and after a problem.
fn tls(cli: &Cli, resource: &ResourceIdentifier, problems: &mut Problems) -> Option<Tls> {
    if cli.serving.print_config || cli.command.is_some() {
        // Nothing is served, so no certificate is made.
        return None;
    }
    problems.take(cli.serving.tls.certificate(resource.url().host_str().unwrap_or("localhost"))).flatten()
}

fn outgoing(args: &ServingArgs, problems: &mut Problems) -> Option<ClientOptions> {
    let extra_ca_pem = match &args.ca_cert {
        Some(path) => Some(problems.check("MCP_CA_CERT", "name a readable PEM file", std::fs::read(path))?),
        None => None,
    };
    Some(ClientOptions { extra_ca_pem, ..ClientOptions::default() })
}

fn storage(args: &StorageArgs, problems: &mut Problems) -> Option<StorageConfig> {
    let fix = "write sqlite: and a file name, or a postgres:// URL";
    let database_url = problems.check("MCP_RESOURCE_DATABASE_URL", fix, args.database_url.parse());
    let fix = "use a whole number of requests above 0, such as 100000, or off";
    let monthly_quota = match args.monthly_quota.as_str() {
        "off" | "false" => None,
        number => {
            Some(problems.check("MCP_RESOURCE_MONTHLY_QUOTA", fix, number.parse::<std::num::NonZeroU64>())?.get())
        }
    };
    Some(StorageConfig { database_url: database_url?, monthly_quota })
}

fn options(
    cli: &Cli,
    file: Option<&file::File>,
    (resource, scopes): (ResourceIdentifier, ScopePolicy),
    problems: &mut Problems,
) -> Option<ResourceServerOptions> {
    let (hosts, origins) = (list(&cli.allowed_hosts), list(&cli.allowed_origins));
    let fix = "use host or host:port, comma-separated";
    problems.check("MCP_RESOURCE_ALLOWED_HOSTS", fix, AllowedHosts::new(&resource, &hosts));
    let fix = "use origins such as https://app.example.com, comma-separated";
    problems.check("MCP_RESOURCE_ALLOWED_ORIGINS", fix, AllowedOrigins::new(&resource, &origins));
    let raw = trust::Raw { trust: &cli.trust, introspect: &cli.introspect, shim: &cli.shim };
    let issuers = match file.filter(|file| !file.sections.is_empty()) {
        Some(file) => file.issuers(cli, &resource, problems)?,
        None => trust::issuers(raw, &resource, problems)?,
    };
    check_issuers(&issuers, problems);
    let mut options = ResourceServerOptions::of(resource, issuers, scopes);
    options.advertised_issuers = advertised(cli, problems);
    if options.advertised_issuers.is_some() && options.issuers.iter().any(|issuer| issuer.shim.is_some()) {
        let fix = "remove it: with MCP_RESOURCE_METADATA_SHIM=on clients are sent to this server";
        problems.add("MCP_RESOURCE_ADVERTISED_AUTH_SERVERS", "names another place than the metadata shim", fix);
    }
    options.name = Some("Portcullis MCP server".to_owned());
    options.user_info = switch("MCP_RESOURCE_USERINFO", Some(&cli.introspect.userinfo), problems) == Some(true);
    options.request_id = |parts| parts.extensions.get::<serving::RequestId>().map(ToString::to_string);
    options.allowed_hosts = hosts;
    options.allowed_origins = origins;
    Some(options)
}

/// What the layer would refuse as a whole.
fn check_issuers(issuers: &[IssuerOptions], problems: &mut Problems) {
    let name = "MCP_RESOURCE_AUTH_SERVER_URL";
    match ResourceServer::check_issuers(issuers) {
        Err(error @ InvalidOptions::SeveralOpaqueIssuers) => {
            let fix = "say MCP_RESOURCE_OPAQUE_TOKENS=off for all of them but one";
            problems.add("MCP_RESOURCE_OPAQUE_TOKENS", error.to_string(), fix);
        }
        Err(error @ InvalidOptions::SameIssuer(_)) => problems.add(name, error.to_string(), "name each issuer once"),
        Err(error @ InvalidOptions::SeveralShims) => {
            let fix = "say metadata_shim = \"on\" for one [[issuer]] of the file MCP_RESOURCE_CONFIG";
            problems.add("MCP_RESOURCE_METADATA_SHIM", error.to_string(), fix);
        }
        // Said already, with the setting that it is about.
        Ok(()) | Err(_) => {}
    }
}

fn advertised(cli: &Cli, problems: &mut Problems) -> Option<Vec<String>> {
    let urls = list(&cli.trust.advertised_auth_servers);
    let fix = "use the issuers' URLs as in their metadata, comma-separated";
    for url in &urls {
        problems.check("MCP_RESOURCE_ADVERTISED_AUTH_SERVERS", fix, Issuer::parse(url, &http_hosts(&cli.trust)));
    }
    (!urls.is_empty()).then_some(urls)
}

/// On or off; none when it is left out, and after a problem.
fn switch(name: &'static str, raw: Option<&str>, problems: &mut Problems) -> Option<bool> {
    match raw.unwrap_or_default() {
        "" => None,
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => {
            problems.add(name, "not one of on, off", "use on or off");
            None
        }
    }
}

fn check_http_hosts(trust: &TrustArgs, problems: &mut Problems) {
    let fix = "use host or host:port as in the URL, comma-separated, without a scheme or a pattern";
    problems.check("MCP_RESOURCE_ALLOW_HTTP_HOSTS", fix, HttpHosts::parse(list(&trust.allow_http_hosts)));
}

/// None besides loopback after a problem.
fn http_hosts(trust: &TrustArgs) -> HttpHosts {
    HttpHosts::parse(list(&trust.allow_http_hosts)).unwrap_or_default()
}

/// A setting that is there and not empty, as in a template of `.env`.
fn filled(value: Option<&String>) -> Option<String> {
    value.filter(|value| !value.is_empty()).cloned()
}

fn list(raw: &str) -> Vec<String> {
    raw.split(',').map(str::trim).filter(|entry| !entry.is_empty()).map(ToOwned::to_owned).collect()
}
