//! A server that is a program on this computer (MCP "stdio"): what to start, and with what environment.

use std::{collections::BTreeMap, fmt};

/// Where a program finds its token (MCP authorization: "retrieve credentials from the environment").
pub(super) const TOKEN_VARIABLE: &str = "MCP_ACCESS_TOKEN";

/// What to start; its `Debug` shows no value of the environment, which may be a secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Program {
    /// The file, or a name to look for in `PATH`. Never a line for a shell.
    pub command: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Variables on top of those of this process.
    pub environment: BTreeMap<String, String>,
    /// Whether it gets a token, for which the person signs in before.
    pub takes_token: bool,
}

impl Program {
    /// Command and arguments, for people.
    #[must_use]
    pub fn command_line(&self) -> String {
        let words = std::iter::once(&self.command).chain(&self.arguments);
        words.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// Ready to be started, with `token` if it takes one. This client's own secrets stay here.
    #[must_use]
    pub fn process(&self, token: Option<&str>) -> tokio::process::Command {
        let mut process = tokio::process::Command::new(&self.command);
        process.args(&self.arguments);
        let ours = |name: &str| name.starts_with("MCP_CLIENT_") || name == TOKEN_VARIABLE;
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            process.env_remove(name);
        }
        process.envs(&self.environment);
        if let Some(token) = token.filter(|_| self.takes_token) {
            process.env(TOKEN_VARIABLE, token);
        }
        process
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.environment.keys().collect();
        f.debug_struct("Program")
            .field("command", &self.command)
            .field("arguments", &self.arguments)
            .field("environment", &names)
            .field("takes_token", &self.takes_token)
            .finish()
    }
}
