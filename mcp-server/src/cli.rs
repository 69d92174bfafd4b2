//! The raw settings: flags over environment over defaults. `--help` is their reference.

use clap::{ArgAction, Args, Parser, Subcommand};
use serving::ServingArgs;

/// MCP resource server: tools behind OAuth 2.1 access tokens that are verified on the spot.
#[derive(Clone, Parser)]
#[command(name = "mcp-server", version)]
pub struct Cli {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Port to listen on
    #[arg(long, env = "MCP_RESOURCE_PORT", default_value_t = 8001, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,

    /// Host to listen on; localhost is both loopback addresses
    #[arg(long, env = "MCP_RESOURCE_HOST", default_value = "localhost")]
    pub host: String,

    /// Public URL of the MCP endpoint, which is the resource identifier [default: `http://localhost:PORT/mcp`]
    #[arg(long, env = "MCP_RESOURCE_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Plain http is served to a proxy that speaks https to the world
    #[arg(long, env = "MCP_RESOURCE_BEHIND_TLS_PROXY", value_parser = clap::builder::BoolishValueParser::new(), action = ArgAction::SetTrue)]
    pub behind_tls_proxy: bool,

    /// MCP transport: streamable-http, or stdio for one person with the token of `MCP_ACCESS_TOKEN`
    #[arg(long, env = "MCP_RESOURCE_TRANSPORT", default_value = "streamable-http")]
    pub transport: String,

    /// With stdio: the access token of the person. Set it in the environment, not on the command line
    #[arg(long, env = "MCP_ACCESS_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub access_token: Option<String>,

    /// Other Host values to answer to, comma-separated: host or host:port
    #[arg(
        long,
        env = "MCP_RESOURCE_ALLOWED_HOSTS",
        value_name = "HOSTS",
        default_value = "",
        hide_default_value = true
    )]
    pub allowed_hosts: String,

    /// Other web origins that may call, comma-separated, as in `https://app.example`
    #[arg(
        long,
        env = "MCP_RESOURCE_ALLOWED_ORIGINS",
        value_name = "ORIGINS",
        default_value = "",
        hide_default_value = true
    )]
    pub allowed_origins: String,

    /// A TOML file with the settings of single issuers, and what single tools need
    #[arg(long, env = "MCP_RESOURCE_CONFIG", value_name = "FILE")]
    pub config: Option<String>,

    /// Whose tokens are taken
    #[command(flatten)]
    pub trust: TrustArgs,

    /// What scopes allow
    #[command(flatten)]
    pub scopes: ScopeArgs,

    /// Asking the issuer
    #[command(flatten)]
    pub introspect: IntrospectArgs,

    /// Watching it
    #[command(flatten)]
    pub operations: OperationsArgs,

    /// What the tools keep
    #[command(flatten)]
    pub storage: StorageArgs,

    /// Standing in front of the issuer
    #[command(flatten)]
    pub shim: ShimArgs,

    /// Settings of every process
    #[command(flatten)]
    pub serving: ServingArgs,
}

/// What to do instead of serving, with the same settings.
#[derive(Clone, Subcommand)]
pub enum Command {
    /// Say, check by check, what the configuration in force thinks of a token: exit code 0 accepted, 1 refused
    Explain(ExplainArgs),
    /// Check the configuration from the outside in, the running server included: exit code 1 warnings, 2 errors
    Doctor(DoctorArgs),
}

/// How to tell what is found.
#[derive(Clone, Debug, Args)]
pub struct DoctorArgs {
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// The token to explain. Not printed: it is a credential.
#[derive(Clone, Args)]
pub struct ExplainArgs {
    /// The token; - or nothing reads it from standard input, which keeps it out of the shell's history
    pub token: Option<String>,

    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// Whose tokens are taken, and by which rules.
#[derive(Clone, Debug, Args)]
pub struct TrustArgs {
    /// The authorization servers, comma-separated, each exactly as in `iss`
    #[arg(
        long = "auth-server",
        env = "MCP_RESOURCE_AUTH_SERVER_URL",
        value_name = "URLS",
        default_value = "http://localhost:9000"
    )]
    pub auth_server: String,

    /// Where clients are sent for a token, comma-separated, if not to the authorization servers themselves
    #[arg(
        long,
        env = "MCP_RESOURCE_ADVERTISED_AUTH_SERVERS",
        value_name = "URLS",
        default_value = "",
        hide_default_value = true
    )]
    pub advertised_auth_servers: String,

    /// The tenants whose tokens are taken, comma-separated, when the authorization server has `{tenantid}` in it
    #[arg(long, env = "MCP_RESOURCE_TENANTS", value_name = "IDS", default_value = "", hide_default_value = true)]
    pub tenants: String,

    /// How tokens look: authz, cognito, okta, auth0, entra, keycloak, hydra, zitadel, authentik, authkit, google,
    /// descope or generic
    #[arg(long, env = "MCP_RESOURCE_PRESET", default_value = "authz")]
    pub preset: String,

    /// Whether `aud` must name this server: true, observe (would-be refusals are logged) or false
    #[arg(long, env = "MCP_RESOURCE_OAUTH_STRICT", num_args = 0..=1, default_value = "true", default_missing_value = "true")]
    pub oauth_strict: String,

    /// Other values of `aud` to accept, comma-separated, byte for byte
    #[arg(long, env = "MCP_RESOURCE_AUDIENCES", value_name = "VALUES", default_value = "", hide_default_value = true)]
    pub audiences: String,

    /// The only clients whose tokens are taken, comma-separated
    #[arg(
        long,
        env = "MCP_RESOURCE_ALLOWED_CLIENTS",
        value_name = "IDS",
        default_value = "",
        hide_default_value = true
    )]
    pub allowed_clients: String,

    /// The algorithms that tokens may be signed with, comma-separated
    #[arg(long, env = "MCP_RESOURCE_ALGORITHMS", value_name = "NAMES", default_value = "RS256,PS256,ES256,EdDSA")]
    pub algorithms: String,

    /// What stands before our scopes when the issuer is asked for them
    #[arg(long, env = "MCP_RESOURCE_SCOPE_PREFIX", value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub scope_prefix: String,

    /// What the issuer calls our scopes, comma-separated: ours=theirs
    #[arg(long, env = "MCP_RESOURCE_SCOPE_MAP", value_name = "PAIRS", default_value = "", hide_default_value = true)]
    pub scope_map: String,

    /// Other places of scopes in tokens, comma-separated: claims, or paths such as `realm_access.roles`
    #[arg(
        long,
        env = "MCP_RESOURCE_SCOPE_CLAIMS",
        value_name = "PATHS",
        default_value = "",
        hide_default_value = true
    )]
    pub scope_claims: String,

    /// The longest lifetime of a token [default: that of the preset]
    #[arg(long, env = "MCP_RESOURCE_MAX_TOKEN_LIFETIME_SECONDS", value_name = "SECONDS")]
    pub max_token_lifetime_seconds: Option<String>,

    /// Where the issuer's metadata is, instead of the well-known places
    #[arg(long, env = "MCP_RESOURCE_METADATA_URL", value_name = "URL")]
    pub metadata_url: Option<String>,

    /// Where the issuer's keys are, instead of what its metadata says
    #[arg(long, env = "MCP_RESOURCE_JWKS_URL", value_name = "URL")]
    pub jwks_url: Option<String>,

    /// Whether a token without `kid` is taken, if exactly one key of the issuer fits: on or off [default: as the preset
    /// says]
    #[arg(long, env = "MCP_RESOURCE_ALLOW_MISSING_KID")]
    pub allow_missing_kid: Option<String>,

    /// Hosts besides loopback that may be used without TLS, comma-separated: host or host:port
    #[arg(
        long,
        env = "MCP_RESOURCE_ALLOW_HTTP_HOSTS",
        value_name = "HOSTS",
        default_value = "",
        hide_default_value = true
    )]
    pub allow_http_hosts: String,
}

/// What scopes allow, and who sees what they do not allow.
#[derive(Clone, Debug, Args)]
pub struct ScopeArgs {
    /// Which scope implies which: chains from broad to narrow, comma-separated
    #[arg(
        long = "scope-hierarchy",
        env = "MCP_RESOURCE_SCOPE_HIERARCHY",
        value_name = "CHAINS",
        default_value = "mcp:admin>mcp:write>mcp:read,user>mcp:read"
    )]
    pub hierarchy: String,

    /// Whether tools/list leaves out what the token may not call: on or off
    #[arg(long, env = "MCP_RESOURCE_HIDE_TOOLS", default_value = "off")]
    pub hide_tools: String,
}

/// When and how the issuer is asked about a token (RFC 7662). Holds a secret, so it cannot be printed.
#[derive(Clone, Args)]
pub struct IntrospectArgs {
    /// fallback, never or always [default: fallback, or never with --oauth-strict false]
    #[arg(long = "introspect", env = "MCP_RESOURCE_INTROSPECT")]
    pub mode: Option<String>,

    /// Where to ask, instead of where the issuer's metadata says
    #[arg(long = "introspect-url", env = "MCP_RESOURCE_INTROSPECT_URL", value_name = "URL")]
    pub url: Option<String>,

    /// The client id to ask with [default: mcp-server, if the issuer is on this machine]
    #[arg(long = "introspect-client-id", env = "MCP_RESOURCE_INTROSPECT_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,

    /// The client secret to ask with
    #[arg(
        long = "introspect-client-secret",
        env = "MCP_RESOURCE_INTROSPECT_CLIENT_SECRET",
        value_name = "SECRET",
        hide_env_values = true
    )]
    pub client_secret: Option<String>,

    /// The file with the private key to ask with, in PEM, for the method `private_key_jwt`
    #[arg(long = "introspect-client-key", env = "MCP_RESOURCE_INTROSPECT_CLIENT_KEY", value_name = "FILE")]
    pub client_key: Option<String>,

    /// The `kid` that the issuer knows that key by
    #[arg(long = "introspect-client-key-id", env = "MCP_RESOURCE_INTROSPECT_CLIENT_KEY_ID", value_name = "KID")]
    pub client_key_id: Option<String>,

    /// How to present them: basic, post, `private_key_jwt` or none
    #[arg(
        long = "introspect-client-method",
        env = "MCP_RESOURCE_INTROSPECT_CLIENT_METHOD",
        value_name = "METHOD",
        default_value = "basic"
    )]
    pub method: String,

    /// Whether the issuer is asked who the person is, where its metadata names a userinfo endpoint: on or off
    #[arg(long, env = "MCP_RESOURCE_USERINFO", default_value = "on")]
    pub userinfo: String,

    /// How long an answer is believed
    #[arg(
        long = "introspect-cache-seconds",
        env = "MCP_RESOURCE_INTROSPECT_CACHE_SECONDS",
        value_name = "SECONDS",
        default_value = "30"
    )]
    pub cache_seconds: String,

    /// Whether the issuer has tokens that are no JWT, which it is asked about: on or off [default: as the preset says]
    #[arg(long, env = "MCP_RESOURCE_OPAQUE_TOKENS")]
    pub opaque_tokens: Option<String>,
}

/// What can be seen of a running server.
#[derive(Clone, Debug, Default, Args)]
pub struct OperationsArgs {
    /// Port of `GET /metrics`, on the same host; not for the public [default: none]
    #[arg(long, env = "MCP_RESOURCE_METRICS_PORT", value_name = "PORT")]
    pub metrics_port: Option<String>,

    /// Where it is written who called what: off, - (the log, target `audit`) or a file
    #[arg(long, env = "MCP_RESOURCE_AUDIT_LOG", value_name = "FILE", default_value = "off")]
    pub audit_log: String,
}

/// What the tools keep. Can hold a password, so it cannot be printed.
#[derive(Clone, Args)]
pub struct StorageArgs {
    /// Where notes and usage are kept: `sqlite:` and a file name, or `postgres://`
    #[arg(
        long,
        env = "MCP_RESOURCE_DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite:data/notes.db",
        hide_env_values = true
    )]
    pub database_url: String,

    /// The requests that each person has in a month, or off; without one left, tools say so and do nothing
    #[arg(long, env = "MCP_RESOURCE_MONTHLY_QUOTA", value_name = "REQUESTS", default_value = "100000")]
    pub monthly_quota: String,
}

/// The metadata shim, for an issuer that MCP clients cannot use as it is.
#[derive(Clone, Debug, Default, Args)]
pub struct ShimArgs {
    /// Whether clients find the issuer's metadata here, with S256 in it: on or off. For issuers that take S256
    /// without saying so
    #[arg(
        id = "metadata_shim",
        long = "metadata-shim",
        env = "MCP_RESOURCE_METADATA_SHIM",
        value_name = "METADATA_SHIM",
        default_value = "off"
    )]
    pub on: String,

    /// The public client, registered at the issuer, that every client gets that registers here
    #[arg(
        id = "metadata_shim_client_id",
        long = "metadata-shim-client-id",
        env = "MCP_RESOURCE_METADATA_SHIM_CLIENT_ID",
        value_name = "ID",
        default_value = "",
        hide_default_value = true
    )]
    pub client_id: String,

    /// The redirect URIs that this client has at the issuer, comma-separated; others are refused
    #[arg(
        id = "metadata_shim_redirect_uris",
        long = "metadata-shim-redirect-uris",
        env = "MCP_RESOURCE_METADATA_SHIM_REDIRECT_URIS",
        value_name = "URIS",
        default_value = "",
        hide_default_value = true
    )]
    pub redirect_uris: String,

    /// Whether `resource` is taken out of requests, token requests included: on or off [default: as the preset says]
    #[arg(long = "metadata-shim-drop-resource", env = "MCP_RESOURCE_METADATA_SHIM_DROP_RESOURCE")]
    pub drop_resource: Option<String>,

    /// The `audience` that is put into authorization requests, or off [default: the public URL, if the preset says so]
    #[arg(long = "metadata-shim-add-audience", env = "MCP_RESOURCE_METADATA_SHIM_ADD_AUDIENCE", value_name = "VALUE")]
    pub add_audience: Option<String>,
}
