//! Settings, judged as a whole at start: every problem at once, each with a fix.

mod clients;
#[cfg(test)]
mod tests;

use crate::{
    cli::Cli,
    clients_file::ClientsFile,
    demo::DemoPerson,
    domain::{ResourceScopes, ServedResource},
    operations::OperationsConfig,
    outgoing::AllowedAddresses,
    protocol::{Resource, Scope, ScopeToken},
    public_url::PublicUrl,
    services::Settings,
};
use jiff::SignedDuration;
use serving::{
    DatabaseUrl, ServingArgs, is_loopback_host,
    settings::{InvalidSetting, Problems},
};
use signing_keys::KeyPolicy;
use std::{fmt, path::PathBuf, time::Duration};
use verification_keys::{
    http::ClientOptions,
    issuer::{HttpHosts, Issuer},
};

/// The settings of the authorization server.
#[derive(Clone, Debug)]
pub struct Config {
    /// Address to listen on.
    pub host: String,
    /// Port to listen on.
    pub port: u16,
    /// The issuer.
    pub public_url: PublicUrl,
    /// Where the state is kept.
    pub database_url: DatabaseUrl,
    /// Where the keys are kept.
    pub key_dir: PathBuf,
    /// What keys are made, and when.
    pub key_policy: KeyPolicy,
    /// The resources that tokens can be for; never empty.
    pub resources: Vec<ServedResource>,
    /// What the endpoints read.
    pub settings: Settings,
    /// Which addresses may be called that clients named.
    pub callable: AllowedAddresses,
    /// The file of clients that are there from the start, and what is in it.
    pub clients: Option<ClientsFile>,
    /// Issuers whose word about a person is taken for a token.
    pub assertion_issuers: Vec<Issuer>,
    /// How calls go out.
    pub outgoing: ClientOptions,
    /// The demo person; without one there is no demo set at all.
    pub demo: Option<DemoPerson>,
    /// Whether a proxy in front does TLS.
    pub behind_tls_proxy: bool,
    /// Rate limits, metrics, the audit log.
    pub operations: OperationsConfig,
    /// What every process has.
    pub serving: ServingArgs,
}

impl TryFrom<Cli> for Config {
    type Error = Vec<InvalidSetting>;

    /// Judges the settings.
    fn try_from(cli: Cli) -> Result<Self, Vec<InvalidSetting>> {
        let cli = without_empty(cli);
        let mut problems = Problems::new();
        check_transport(&cli, &mut problems);
        let public_url = public_url(&cli, &mut problems);
        let on_loopback = is_loopback_host(&cli.host) && public_url.as_ref().is_some_and(PublicUrl::is_loopback);
        let callable = if on_loopback { AllowedAddresses::PublicAndLoopback } else { AllowedAddresses::Public };
        let demo = demo(&cli, on_loopback, &mut problems);
        let key_policy = key_policy(&cli, &mut problems);
        let resources = resources(&cli, &mut problems);
        let demonstrations = on_loopback && demo.is_some();
        let settings = settings(&cli, on_loopback, &mut problems);
        let settings = settings.map(|settings| Settings { demonstrations, ..settings });
        let clients = settings.as_ref().and_then(|settings| clients::file(&cli.clients, settings, &mut problems));
        let fix = "write sqlite: and a file name, or postgres://user:password@host/database";
        let database_url = problems.check("MCP_AUTH_DATABASE_URL", fix, cli.database_url.parse::<DatabaseUrl>());
        let assertion_issuers = assertion_issuers(&cli, public_url.as_ref(), &mut problems);
        let outgoing = outgoing(&cli.serving, &mut problems);
        let places = public_url.zip(database_url);
        let operations = OperationsConfig::new(&cli.operations, cli.port, &mut problems);
        let config = places.zip(key_policy).zip(settings).map(|((places, key_policy), settings)| Self {
            host: cli.host,
            port: cli.port,
            public_url: places.0,
            database_url: places.1,
            key_dir: cli.key_dir,
            key_policy,
            resources: resources.into_iter().map(|id| served(id, &settings.scopes)).collect(),
            settings,
            callable,
            clients,
            assertion_issuers,
            outgoing,
            demo,
            behind_tls_proxy: cli.behind_tls_proxy,
            operations,
            serving: cli.serving,
        });
        problems.into_result(config)
    }
}

/// `NAME=` in the environment means the same as leaving it out.
fn without_empty(cli: Cli) -> Cli {
    let filled = |value: Option<String>| value.filter(|value| !value.is_empty());
    Cli {
        public_url: filled(cli.public_url),
        clients: clients::without_empty(cli.clients),
        demo_username: filled(cli.demo_username),
        demo_password: filled(cli.demo_password),
        ..cli
    }
}

fn check_transport(cli: &Cli, problems: &mut Problems) {
    if !is_loopback_host(&cli.host) && !cli.serving.tls.wants_tls() && !cli.behind_tls_proxy {
        problems.add(
            "MCP_AUTH_HOST",
            "plain http on an address that is not loopback",
            "set MCP_TLS_CERT and MCP_TLS_KEY, or MCP_AUTH_BEHIND_TLS_PROXY=true if a proxy in front does TLS",
        );
    }
}

fn public_url(cli: &Cli, problems: &mut Problems) -> Option<PublicUrl> {
    let scheme = if cli.serving.tls.wants_tls() { "https" } else { "http" };
    let default = || format!("{scheme}://localhost:{}", cli.port);
    let raw = cli.public_url.clone().unwrap_or_else(default);
    let fix = "write https://host or https://host/path, or http:// for localhost";
    let url = problems.check("MCP_AUTH_PUBLIC_URL", fix, PublicUrl::parse(&raw))?;
    if cli.public_url.is_none() && !is_loopback_host(&cli.host) {
        problems.add(
            "MCP_AUTH_PUBLIC_URL",
            "missing, and the server listens on an address that is not loopback",
            "write the address under which browsers reach this server",
        );
    }
    Some(url)
}

fn demo(cli: &Cli, on_loopback: bool, problems: &mut Problems) -> Option<DemoPerson> {
    let named = cli.demo_username.is_some() || cli.demo_password.is_some();
    let wanted = match cli.demo.as_str() {
        "on" => true,
        "off" => false,
        "auto" => {
            if named && !on_loopback {
                let problem = "the demo credentials are known to everybody, and this server is not on loopback alone";
                problems.add("MCP_AUTH_DEMO", problem, "leave MCP_DEMO_* out, or say MCP_AUTH_DEMO=on");
            }
            on_loopback
        }
        _ => {
            problems.add("MCP_AUTH_DEMO", "unknown word", "use on, off or auto");
            false
        }
    };
    if !wanted {
        return None;
    }
    let username = cli.demo_username.as_deref().unwrap_or("demo_user");
    let password = cli.demo_password.as_deref().unwrap_or("demo_password");
    let name = problems.check("MCP_DEMO_USERNAME", "use 1 to 128 characters", DemoPerson::check_name(username));
    let password = problems.check("MCP_DEMO_PASSWORD", "use 1 to 1024 bytes", DemoPerson::check_password(password));
    Some(DemoPerson { username: name?, password: password? })
}

fn key_policy(cli: &Cli, problems: &mut Problems) -> Option<KeyPolicy> {
    let size = problems.check("MCP_AUTH_KEY_BITS", "use 2048, 3072 or 4096", cli.key_bits.parse())?;
    let rotation = Duration::from_secs(cli.key_rotation_days.saturating_mul(24 * 60 * 60));
    let policy = KeyPolicy { size, rotation: Some(rotation), ..KeyPolicy::default() };
    problems.check("MCP_AUTH_KEY_ROTATION_DAYS", "use 1 or more", policy.check())?;
    if cli.key_rotation_days > 3650 {
        problems.add("MCP_AUTH_KEY_ROTATION_DAYS", "more than ten years", "use 1 to 3650");
    }
    Some(policy)
}

fn settings(cli: &Cli, on_loopback: bool, problems: &mut Problems) -> Option<Settings> {
    let ttl = cli.access_token_ttl_seconds;
    if !(60..=86_400).contains(&ttl) {
        problems.add("MCP_AUTH_ACCESS_TOKEN_TTL_SECONDS", "out of range", "use 60 to 86400");
    }
    let (refresh_token_ttl, refresh_grace) = refresh(cli, problems);
    let scopes = cli.scopes.iter().map(|raw| ScopeToken::parse(raw.trim())).collect::<Result<Scope, _>>();
    let scopes = problems.check("MCP_AUTH_SCOPES", "write scope tokens separated by commas", scopes);
    let registration = clients::registration(&cli.clients, on_loopback, problems);
    let registration_scopes = clients::scopes(&cli.clients, problems);
    let redirects = clients::redirects(&cli.clients, on_loopback, problems);
    let unused_client_lifetime = clients::unused_lifetime(&cli.clients, problems);
    Some(Settings {
        scopes: scopes?,
        access_token_ttl: SignedDuration::from_secs(ttl.into()),
        refresh_token_ttl,
        refresh_grace,
        registration: registration?,
        registration_scopes: registration_scopes.ok()?,
        unused_client_lifetime: unused_client_lifetime?,
        redirects: redirects?,
        signup: cli.signup,
        // Known once the demo set is.
        demonstrations: false,
    })
}

fn refresh(cli: &Cli, problems: &mut Problems) -> (SignedDuration, SignedDuration) {
    let (days, grace) = (cli.refresh_token_ttl_days, cli.refresh_grace_seconds);
    if !(1..=365).contains(&days) {
        problems.add("MCP_AUTH_REFRESH_TOKEN_TTL_DAYS", "out of range", "use 1 to 365");
    }
    if grace > 60 {
        problems.add("MCP_AUTH_REFRESH_GRACE_SECONDS", "more than a minute", "use 0 to 60");
    }
    (SignedDuration::from_hours(24 * i64::from(days)), SignedDuration::from_secs(grace.into()))
}

/// RFC 7523 §3: an assertion that we made ourselves says nothing about anybody.
fn assertion_issuers(cli: &Cli, ours: Option<&PublicUrl>, problems: &mut Problems) -> Vec<Issuer> {
    let named = cli.trusted_assertion_issuers.iter().map(|raw| raw.trim()).filter(|raw| !raw.is_empty());
    let (name, fix) = ("MCP_AUTH_TRUSTED_ASSERTION_ISSUERS", "write https URLs separated by commas");
    let hosts = HttpHosts::default();
    let issuers: Vec<_> = named.filter_map(|raw| problems.check(name, fix, Issuer::parse(raw, &hosts))).collect();
    if issuers.iter().any(|issuer| ours.is_some_and(|ours| ours.issuer() == issuer.as_str())) {
        problems.add(name, "this server itself", "name other issuers");
    }
    issuers
}

fn outgoing(args: &ServingArgs, problems: &mut Problems) -> ClientOptions {
    let extra_ca_pem = args.ca_cert.as_ref().and_then(|path| {
        let read = std::fs::read(path);
        // The certificate that all processes of this machine trust is made by the first of them that serves.
        if args.tls.tls_self_signed && read.as_ref().is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
            return None;
        }
        problems.check("MCP_CA_CERT", "name a readable PEM file", read)
    });
    ClientOptions { extra_ca_pem, ..ClientOptions::default() }
}

fn resources(cli: &Cli, problems: &mut Problems) -> Vec<Resource> {
    let parsed = cli.resources.iter().map(|raw| Resource::parse(raw.trim()));
    let fix = "write absolute URIs separated by commas";
    let resources: Vec<_> = parsed.filter_map(|uri| problems.check("MCP_AUTH_RESOURCES", fix, uri)).collect();
    if cli.resources.is_empty() {
        problems.add("MCP_AUTH_RESOURCES", "empty", "name at least one resource server");
    }
    resources
}

/// A resource of the settings has all the scopes of the settings.
fn served(id: Resource, scopes: &Scope) -> ServedResource {
    ServedResource { id, name: None, scopes: ResourceScopes::flat(scopes.clone()) }
}

/// The settings in effect, one `NAME=value` a line. No secret is shown.
impl fmt::Display for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let resources: Vec<_> = self.resources.iter().map(|resource| resource.id.as_str()).collect();
        let scopes: Vec<_> = self.settings.scopes.tokens().map(ScopeToken::as_str).collect();
        let rotation = self.key_policy.rotation.map_or(0, |rotation| rotation.as_secs() / (24 * 60 * 60));
        writeln!(f, "MCP_AUTH_HOST={}", self.host)?;
        writeln!(f, "MCP_AUTH_PORT={}", self.port)?;
        writeln!(f, "MCP_AUTH_PUBLIC_URL={}", self.public_url)?;
        writeln!(f, "MCP_AUTH_BEHIND_TLS_PROXY={}", self.behind_tls_proxy)?;
        writeln!(f, "MCP_AUTH_DATABASE_URL={}", self.database_url)?;
        writeln!(f, "MCP_AUTH_KEY_DIR={}", self.key_dir.display())?;
        writeln!(f, "MCP_AUTH_KEY_BITS={}", self.key_policy.size)?;
        writeln!(f, "MCP_AUTH_KEY_ROTATION_DAYS={rotation}")?;
        writeln!(f, "MCP_AUTH_RESOURCES={}", resources.join(","))?;
        writeln!(f, "MCP_AUTH_SCOPES={}", scopes.join(","))?;
        writeln!(f, "MCP_AUTH_ACCESS_TOKEN_TTL_SECONDS={}", self.settings.access_token_ttl.as_secs())?;
        let days = self.settings.refresh_token_ttl.as_hours() / 24;
        writeln!(f, "MCP_AUTH_REFRESH_TOKEN_TTL_DAYS={days}")?;
        writeln!(f, "MCP_AUTH_REFRESH_GRACE_SECONDS={}", self.settings.refresh_grace.as_secs())?;
        let trusted: Vec<_> = self.assertion_issuers.iter().map(Issuer::as_str).collect();
        writeln!(f, "MCP_AUTH_TRUSTED_ASSERTION_ISSUERS={}", trusted.join(","))?;
        clients::print(self, f)?;
        writeln!(f, "MCP_AUTH_SIGNUP={}", if self.settings.signup { "on" } else { "off" })?;
        match &self.demo {
            None => writeln!(f, "MCP_AUTH_DEMO=off")?,
            Some(demo) => {
                writeln!(f, "MCP_AUTH_DEMO=on")?;
                writeln!(f, "MCP_DEMO_USERNAME={}", demo.username.as_str())?;
                writeln!(f, "MCP_DEMO_PASSWORD=***")?;
            }
        }
        write!(f, "{}{}", self.operations, self.serving)
    }
}
