//! Flags and environment variables, as written. [`crate::config`] judges them.

use crate::commands::Command;
use crate::operations::OperationsArgs;
use clap::{Args, Parser};
use serving::ServingArgs;
use std::path::PathBuf;

/// OAuth 2.1 authorization server for MCP.
#[derive(Clone, Debug, Parser)]
#[command(name = "authz", version)]
pub struct Cli {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Port to listen on
    #[arg(long, env = "MCP_AUTH_PORT", default_value_t = 9000)]
    pub port: u16,

    /// Address to listen on; localhost means both loopback addresses
    #[arg(long, env = "MCP_AUTH_HOST", default_value = "localhost")]
    pub host: String,

    /// The issuer: the address under which browsers and clients reach this server
    /// [default: localhost at its port]
    #[arg(long, env = "MCP_AUTH_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Where clients, people, sessions, codes and grants are kept: sqlite: and a file name, or postgres://
    #[arg(
        long,
        env = "MCP_AUTH_DATABASE_URL",
        value_name = "URL",
        default_value = "sqlite:data/authz.db",
        hide_env_values = true
    )]
    pub database_url: String,

    /// Folder of the signing keys; made at the first start
    #[arg(long, env = "MCP_AUTH_KEY_DIR", value_name = "FOLDER", default_value = "keys/pem")]
    pub key_dir: PathBuf,

    /// Size of new RSA keys: 2048, 3072 or 4096
    #[arg(long, env = "MCP_AUTH_KEY_BITS", value_name = "BITS", default_value = "2048")]
    pub key_bits: String,

    /// Days after which a new signing key is made
    #[arg(long, env = "MCP_AUTH_KEY_ROTATION_DAYS", value_name = "DAYS", default_value_t = 90)]
    pub key_rotation_days: u64,

    /// Resource servers that tokens can be for, beside those of `authz resources`; the first one is the demo's
    #[arg(
        long,
        env = "MCP_AUTH_RESOURCES",
        value_name = "URLS",
        value_delimiter = ',',
        default_value = "http://localhost:8001/mcp"
    )]
    pub resources: Vec<String>,

    /// Scopes of these resource servers
    #[arg(
        long,
        env = "MCP_AUTH_SCOPES",
        value_name = "SCOPES",
        value_delimiter = ',',
        default_value = "mcp:read,mcp:write"
    )]
    pub scopes: Vec<String>,

    /// How long an access token lives, 60 to 86400 seconds
    #[arg(long, env = "MCP_AUTH_ACCESS_TOKEN_TTL_SECONDS", value_name = "SECONDS", default_value_t = 3600)]
    pub access_token_ttl_seconds: u32,

    /// How long a refresh token lives, 1 to 365 days; every use replaces it by a new one
    #[arg(long, env = "MCP_AUTH_REFRESH_TOKEN_TTL_DAYS", value_name = "DAYS", default_value_t = 30)]
    pub refresh_token_ttl_days: u32,

    /// For how long a refresh token that was just replaced is refused without ending the grant, 0 to 60 seconds
    #[arg(long, env = "MCP_AUTH_REFRESH_GRACE_SECONDS", value_name = "SECONDS", default_value_t = 10)]
    pub refresh_grace_seconds: u32,

    /// Identity providers whose word about a person is taken for a token, each exactly as in `iss`
    #[arg(long, env = "MCP_AUTH_TRUSTED_ASSERTION_ISSUERS", value_name = "URLS", value_delimiter = ',')]
    pub trusted_assertion_issuers: Vec<String>,

    /// Clients, and which may come by themselves.
    #[command(flatten)]
    pub clients: ClientArgs,

    /// Whether people may make accounts for themselves: on or off
    #[arg(long, env = "MCP_AUTH_SIGNUP", value_parser = clap::builder::BoolishValueParser::new())]
    pub signup: bool,

    /// Whether the demo person and clients exist: on, off, or auto (on if everything is on loopback)
    #[arg(long, env = "MCP_AUTH_DEMO", value_name = "ON|OFF|AUTO", default_value = "auto")]
    pub demo: String,

    /// Login name of the demo person [default: `demo_user`]
    #[arg(long, env = "MCP_DEMO_USERNAME", value_name = "NAME")]
    pub demo_username: Option<String>,

    /// Password of the demo person [default: `demo_password`]
    #[arg(long, env = "MCP_DEMO_PASSWORD", value_name = "PASSWORD", hide_env_values = true)]
    pub demo_password: Option<String>,

    /// Serve plain http on an address that is not loopback, because a proxy in front does TLS
    #[arg(long, env = "MCP_AUTH_BEHIND_TLS_PROXY", value_parser = clap::builder::BoolishValueParser::new())]
    pub behind_tls_proxy: bool,

    /// Rate limits, metrics, the audit log.
    #[command(flatten)]
    pub operations: OperationsArgs,

    /// What every process has.
    #[command(flatten)]
    pub serving: ServingArgs,
}

/// Which clients there are, and which may come by themselves.
#[derive(Clone, Debug, Args)]
pub struct ClientArgs {
    /// Who may register a client: open (anybody), approval (anybody; the client waits for `authz clients approve`),
    /// token (with an initial access token) or off [default: open on loopback, else approval]
    #[arg(long, env = "MCP_AUTH_REGISTRATION", value_name = "POLICY")]
    pub registration: Option<String>,

    /// The scopes that clients may have that register themselves [default: all]
    #[arg(long, env = "MCP_AUTH_REGISTRATION_SCOPES", value_name = "SCOPES", value_delimiter = ',')]
    pub registration_scopes: Vec<String>,

    /// Days after which a client is removed that registered itself and that nobody let in since, 1 to 3650
    #[arg(long, env = "MCP_AUTH_UNUSED_CLIENT_DAYS", value_name = "DAYS", default_value_t = 90)]
    pub unused_client_days: u32,

    /// Private-use schemes, such as com.example.app, that redirect URIs of applications may have; never javascript, data,
    /// file, vbscript or blob
    #[arg(long, env = "MCP_AUTH_REDIRECT_SCHEMES", value_name = "SCHEMES", value_delimiter = ',')]
    pub redirect_schemes: Vec<String>,

    /// Whether codes are shown to be copied for clients that cannot be redirected to (`urn:ietf:wg:oauth:2.0:oob`): on, off,
    /// or auto (on if everything is on loopback)
    #[arg(long, env = "MCP_AUTH_OUT_OF_BAND", value_name = "ON|OFF|AUTO", default_value = "auto")]
    pub out_of_band: String,

    /// A JSON file of clients that are there from the start
    #[arg(long, env = "MCP_AUTH_CLIENTS_FILE", value_name = "FILE")]
    pub clients_file: Option<PathBuf>,
}
