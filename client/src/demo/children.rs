//! authz and mcp-server as child processes: on free ports in a folder of their own, or as a newcomer would start them.

use std::path::Path;
use url::Url;

use super::{
    binaries::Binaries,
    ports,
    process::{Process, Program},
    servers::{Addresses, ServerError, Servers, Strictness},
};

/// What the MCP server logs each time it has fetched keys, and the filter that lets it.
const KEYS_FETCHED: &str = "fetched the key set";
const LOG_FILTER: &str = "info,verification_keys=debug";

/// Both servers, running.
#[derive(Debug)]
pub struct Children {
    authz: Running,
    mcp_server: Running,
    addresses: Addresses,
    http: reqwest::Client,
}

/// A program with the process that runs it, if any.
#[derive(Debug)]
struct Running {
    program: Program,
    base: Url,
    process: Option<Process>,
}

/// How to start both.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The authorization server.
    pub authz: Program,
    /// Where it answers, which is the issuer.
    pub issuer: Url,
    /// The MCP server.
    pub mcp_server: Program,
    /// Where it answers and what else the issuer knows.
    pub addresses: Addresses,
}

impl Plan {
    /// On free ports, with database, keys and logs in `folder`, and with no setting from outside.
    ///
    /// # Errors
    /// When no port is free.
    pub fn isolated(binaries: &Binaries, folder: &Path) -> Result<Self, ServerError> {
        let (auth_port, resource_port, other_port) = (ports::free()?, ports::free()?, ports::free()?);
        let issuer = url(&format!("http://localhost:{auth_port}"))?;
        let server = url(&format!("http://localhost:{resource_port}/mcp"))?;
        let other_resource = url(&format!("http://localhost:{other_port}/mcp"))?;
        let program = |name, path: &Path, settings| Program {
            name,
            path: path.to_owned(),
            folder: folder.to_owned(),
            logs: folder.join("logs"),
            settings,
            inherits: false,
        };
        let authz = vec![
            ("MCP_AUTH_PORT", auth_port.to_string()),
            ("MCP_AUTH_RESOURCES", format!("{server},{other_resource}")),
            ("MCP_AUTH_DATABASE_URL", "sqlite:authz.db".to_owned()),
            ("MCP_AUTH_KEY_DIR", "keys".to_owned()),
        ];
        let mcp_server = vec![
            ("RUST_LOG", LOG_FILTER.to_owned()),
            ("MCP_RESOURCE_PORT", resource_port.to_string()),
            ("MCP_RESOURCE_AUTH_SERVER_URL", format!("http://localhost:{auth_port}")),
        ];
        Ok(Self {
            authz: program("authz", &binaries.authz, authz),
            issuer,
            mcp_server: program("mcp-server", &binaries.mcp_server, mcp_server),
            addresses: Addresses { server, other_resource },
        })
    }

    /// Starts authz, then mcp-server, and returns when both are ready.
    ///
    /// # Errors
    /// When one of them does not get there; then neither is left behind.
    pub async fn start(self, http: &reqwest::Client) -> Result<Children, ServerError> {
        let mut children = Children {
            authz: Running { program: self.authz, base: self.issuer, process: None },
            mcp_server: Running { program: self.mcp_server, base: self.addresses.server.clone(), process: None },
            addresses: self.addresses,
            http: http.clone(),
        };
        children.authz.start(http).await?;
        children.mcp_server.start(http).await?;
        Ok(children)
    }
}

impl Children {
    /// Ends authz and starts it again at the same address with what it has on disk.
    ///
    /// # Errors
    /// When it does not get ready.
    pub async fn restart_authz(&mut self) -> Result<(), ServerError> {
        self.authz.stop();
        self.authz.start(&self.http).await
    }
}

impl Servers for Children {
    fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    fn key_fetches(&self) -> Result<usize, ServerError> {
        let log = self.mcp_server.logged()?;
        Ok(log.lines().filter(|line| line.contains(KEYS_FETCHED)).count())
    }

    fn mcp_server_warnings(&self) -> Result<Vec<String>, ServerError> {
        let log = self.mcp_server.logged()?;
        let warnings = log.lines().filter_map(|line| line.split_once(" WARN "));
        // Whether a value stands in quotation marks is the log format's business.
        Ok(warnings.map(|(_, warning)| warning.replace('"', "")).collect())
    }

    async fn restart_mcp_server(&mut self, strictness: Strictness) -> Result<(), ServerError> {
        self.mcp_server.stop();
        self.mcp_server.program.set("MCP_RESOURCE_OAUTH_STRICT", strictness.as_str());
        self.mcp_server.start(&self.http).await
    }

    async fn stop_authz(&mut self) -> Result<(), ServerError> {
        self.authz.stop();
        Ok(())
    }
}

impl Running {
    async fn start(&mut self, http: &reqwest::Client) -> Result<(), ServerError> {
        let process = self.process.insert(self.program.start()?);
        process.ready(http, &self.base).await
    }

    fn stop(&mut self) {
        self.process = None;
    }

    fn logged(&self) -> Result<String, ServerError> {
        self.process.as_ref().map_or_else(|| Ok(String::new()), Process::logged)
    }
}

fn url(raw: &str) -> Result<Url, ServerError> {
    raw.parse().map_err(|_| ServerError::Url(raw.to_owned()))
}
