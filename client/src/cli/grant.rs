//! Settings about the way to a token.

use clap::Args;
use std::path::PathBuf;

/// Which way leads to a token, and what it needs; [`crate::config`] checks all of it.
#[derive(Args, Clone, Debug, Default)]
pub struct GrantSettings {
    /// The way to a token: authorization-code (you sign in with a browser), device-code (you do so on another device),
    /// client-credentials (the client asks for itself), workload-identity (a platform vouches for it) or enterprise (an
    /// identity provider vouches for you)
    /// [default: authorization-code].
    #[arg(long, global = true, env = "MCP_CLIENT_GRANT", value_name = "GRANT")]
    pub grant: Option<String>,
    /// The file with the private key that the registered client proves itself with (`private_key_jwt`), in PEM: an RSA key
    /// of at least 2048 bits or a P-256 key [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_PRIVATE_KEY", value_name = "FILE")]
    pub client_private_key: Option<PathBuf>,
    /// The `kid` that the issuer knows that key by [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_PRIVATE_KEY_ID", value_name = "ID")]
    pub client_private_key_id: Option<String>,
    /// For workload-identity: the file with the platform's JWT about this workload, read for each token [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_ASSERTION_FILE", value_name = "FILE")]
    pub assertion_file: Option<PathBuf>,
    /// For enterprise: the issuer of your organisation's identity provider [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_IDP_ISSUER", value_name = "URL")]
    pub idp_issuer: Option<String>,
    /// For enterprise: this client there [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_IDP_ID", value_name = "ID")]
    pub idp_id: Option<String>,
    /// For enterprise: its secret there [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_IDP_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub idp_secret: Option<String>,
    /// For enterprise: the file with your ID token from there, read for each token [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_IDP_TOKEN_FILE", value_name = "FILE")]
    pub idp_token_file: Option<PathBuf>,
}
