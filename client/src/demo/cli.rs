//! Flags and environment of `cargo demo`: those of the client, and the few of both servers that say where they are.

use clap::{Args, Parser};
use std::path::PathBuf;

use crate::cli::Settings;

/// Start authz, mcp-server and a client, and see all of MCP authorization on this computer.
#[derive(Clone, Debug, Parser)]
#[command(name = "cargo demo --", version, about)]
pub struct Cli {
    /// Do it without a person, on free ports and in a temporary folder, print what each step saw, try some attacks.
    #[arg(long)]
    pub check: bool,
    /// Where the two servers are.
    #[command(flatten)]
    pub places: Places,
    /// The client's settings.
    #[command(flatten)]
    pub client: Settings,
}

/// Settings of the servers that the demo has to know; it passes on all others as they are.
#[derive(Args, Clone, Debug)]
pub struct Places {
    /// Port of authz.
    #[arg(long, env = "MCP_AUTH_PORT", value_name = "PORT", default_value_t = 9000)]
    pub auth_port: u16,
    /// Port of mcp-server.
    #[arg(long, env = "MCP_RESOURCE_PORT", value_name = "PORT", default_value_t = 8001)]
    pub resource_port: u16,
    /// Build the servers beside the tests that are built already, as `cargo test` does.
    #[arg(long, hide = true)]
    pub beside_tests: bool,
    /// Where both servers log [default: data/logs].
    #[arg(long, value_name = "FOLDER")]
    pub logs: Option<PathBuf>,
    /// Resources that authz issues tokens for [default: the mcp-server of this demo].
    #[arg(long, env = "MCP_AUTH_RESOURCES", value_name = "URLS", hide = true)]
    pub auth_resources: Option<String>,
    /// Issuer that mcp-server trusts [default: the authz of this demo].
    #[arg(long, env = "MCP_RESOURCE_AUTH_SERVER_URL", value_name = "URL", hide = true)]
    pub auth_server: Option<String>,
    /// Who signs in.
    #[arg(long, env = "MCP_DEMO_USERNAME", value_name = "NAME", hide = true)]
    pub demo_username: Option<String>,
    /// The password; never shown when it was set.
    #[arg(long, env = "MCP_DEMO_PASSWORD", value_name = "PASSWORD", hide = true, hide_env_values = true)]
    pub demo_password: Option<String>,
}

impl Places {
    /// The URL of the MCP server.
    #[must_use]
    pub fn server(&self) -> String {
        format!("http://localhost:{}/mcp", self.resource_port)
    }
}
