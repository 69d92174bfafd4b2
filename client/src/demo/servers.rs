//! What the check needs of the two servers besides their addresses: to be restarted, to be stopped, and what they logged.

use std::{io, path::PathBuf, process::ExitStatus};
use url::Url;

/// The servers under check: real processes, or stand-ins.
pub trait Servers: Send {
    /// Where they are.
    fn addresses(&self) -> &Addresses;

    /// How often the MCP server has fetched the issuer's keys since it was started.
    ///
    /// # Errors
    /// When that cannot be observed.
    fn key_fetches(&self) -> Result<usize, ServerError>;

    /// The warnings that the MCP server has logged since it was started.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn mcp_server_warnings(&self) -> Result<Vec<String>, ServerError>;

    /// Starts the MCP server again at the same address, and returns when it is ready.
    fn restart_mcp_server(&mut self, strictness: Strictness) -> impl Future<Output = Result<(), ServerError>> + Send;

    /// Ends the authorization server, and returns when it is gone.
    fn stop_authz(&mut self) -> impl Future<Output = Result<(), ServerError>> + Send;
}

/// Base URLs.
#[derive(Clone, Debug)]
pub struct Addresses {
    /// The MCP server's URL, which is its resource identifier.
    pub server: Url,
    /// Another resource registered with the same issuer; nobody listens there.
    pub other_resource: Url,
}

/// A value of `MCP_RESOURCE_OAUTH_STRICT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strictness {
    /// The audience decides.
    True,
    /// The audience is looked at and logged.
    Observe,
    /// The audience is not looked at.
    False,
}

impl Strictness {
    /// As the setting is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "true",
            Self::Observe => "observe",
            Self::False => "false",
        }
    }
}

/// Why the servers are not there as they should be.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// cargo could not be run.
    #[error("cannot run cargo to build authz and mcp-server: {0}")]
    Cargo(#[source] io::Error),
    /// The build failed; cargo has said why.
    #[error("building authz and mcp-server failed, see above")]
    Build,
    /// The build left no such program.
    #[error("the build made no program called {0}")]
    NoProgram(&'static str),
    /// A port is taken.
    #[error("port {port} is taken; stop what listens there, or set {setting} to another port")]
    PortTaken {
        /// Which one.
        port: u16,
        /// The setting that chooses it.
        setting: &'static str,
    },
    /// No port is free.
    #[error("no free port between 20000 and 32000")]
    NoFreePort,
    /// A folder or a log file cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Which one.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// A program cannot be run.
    #[error("cannot run {name}: {source}")]
    Run {
        /// Which one.
        name: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// A process ended before it was ready.
    #[error("{name} ended with {status} before it was ready; {} ends with:\n{tail}", log.display())]
    Ended {
        /// Which one.
        name: &'static str,
        /// How.
        status: ExitStatus,
        /// Its log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// A process is not ready in time.
    #[error("{name} was not ready in time; its log is {}", log.display())]
    NotReady {
        /// Which one.
        name: &'static str,
        /// Its log.
        log: PathBuf,
    },
    /// A setting makes no URL.
    #[error("{0} is no URL")]
    Url(String),
}
