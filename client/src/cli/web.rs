//! Settings of `client web`.

use clap::Args;
use serving::TlsArgs;

/// Where the page is served and what it may call; [`crate::config`] checks all of it.
#[derive(Args, Clone, Debug, Default)]
pub struct WebSettings {
    /// For web: the port to serve on [default: 3000].
    #[arg(long, global = true, env = "MCP_CLIENT_WEB_PORT", value_name = "PORT")]
    pub web_port: Option<String>,
    /// For web: the address to serve on [default: localhost].
    #[arg(long, global = true, env = "MCP_CLIENT_WEB_HOST", value_name = "HOST")]
    pub web_host: Option<String>,
    /// For web: where browsers find it, if not on this computer [default: this computer].
    #[arg(long, global = true, env = "MCP_CLIENT_WEB_URL", value_name = "URL")]
    pub web_url: Option<String>,
    /// For web: hosts of your own network that it may call, besides that of the MCP server [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_WEB_ALLOWED_HOSTS", value_name = "HOSTS", value_delimiter = ',')]
    pub web_allowed_hosts: Vec<String>,
    /// For web: https.
    #[command(flatten)]
    pub tls: TlsArgs,
}
