//! `print-config --for …`: the entry that makes another MCP client use the server in use, as that client wants it.

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::servers::{DEFAULT_NAME, Server};

/// A program that uses MCP servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Host {
    /// Claude Code.
    ClaudeCode,
    /// Claude Desktop.
    ClaudeDesktop,
    /// Cursor.
    Cursor,
    /// Visual Studio Code.
    Vscode,
    /// The MCP inspector.
    Inspector,
}

impl Host {
    /// Where the entry goes, as a sentence.
    #[must_use]
    pub const fn place(self) -> &'static str {
        match self {
            Self::ClaudeCode => {
                "Put it into .mcp.json of the project, or give the inner object to `claude mcp add-json`."
            }
            Self::ClaudeDesktop => {
                "Put it into claude_desktop_config.json (Settings, Developer, Edit Config). It needs Node; where custom \
                 connectors can be added, the URL alone does as well."
            }
            Self::Cursor => "Put it into ~/.cursor/mcp.json, or .cursor/mcp.json of the project.",
            Self::Vscode => "Put it into .vscode/mcp.json of the workspace.",
            Self::Inspector => "Save it as mcp.json and run `npx @modelcontextprotocol/inspector --config mcp.json`.",
        }
    }

    /// The file's content with this one server. It holds no secret: each client registers or is configured by itself.
    #[must_use]
    pub fn entry(self, server: &Server) -> Value {
        let name = if server.name == DEFAULT_NAME { "portcullis" } else { &server.name };
        let url = server.sign_in.server.as_str();
        let entry = match (&server.program, self) {
            (Some(program), _) => {
                let unset = |name: &String| (name.clone(), Value::from(""));
                let mut environment: Map<String, Value> = program.environment.keys().map(unset).collect();
                if program.takes_token {
                    environment.insert("MCP_ACCESS_TOKEN".to_owned(), "".into());
                }
                json!({"command": program.command, "args": program.arguments, "env": environment})
            }
            (None, Self::ClaudeCode | Self::Vscode) => json!({"type": "http", "url": url}),
            (None, Self::ClaudeDesktop) => json!({"command": "npx", "args": ["-y", "mcp-remote@latest", url]}),
            (None, Self::Cursor) => json!({"url": url}),
            (None, Self::Inspector) => json!({"type": "streamable-http", "url": url}),
        };
        let list = if self == Self::Vscode { "servers" } else { "mcpServers" };
        json!({list: {name: entry}})
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cli::Settings, config::Config, servers::file};

    fn server(url: &str) -> Server {
        let settings =
            Settings { url: Some(url.into()), state_dir: Some("/nonexistent".into()), ..Settings::default() };
        Config::try_from(&settings).unwrap().servers.all.remove(0)
    }

    #[test]
    fn each_client_gets_the_server_in_its_own_shape() {
        let server = server("https://mcp.example/mcp");
        let url = json!("https://mcp.example/mcp");
        for (host, entry) in [
            (Host::ClaudeCode, json!({"mcpServers": {"portcullis": {"type": "http", "url": url}}})),
            (Host::Cursor, json!({"mcpServers": {"portcullis": {"url": url}}})),
            (Host::Vscode, json!({"servers": {"portcullis": {"type": "http", "url": url}}})),
            (Host::Inspector, json!({"mcpServers": {"portcullis": {"type": "streamable-http", "url": url}}})),
            (
                Host::ClaudeDesktop,
                json!({"mcpServers": {"portcullis": {"command": "npx", "args": ["-y", "mcp-remote@latest", url]}}}),
            ),
        ] {
            assert_eq!(host.entry(&server), entry);
        }
    }

    #[test]
    fn what_is_printed_can_be_read_here_too_and_holds_no_secret() {
        let base = server("https://mcp.example/mcp").sign_in;
        let text = r#"{"mcpServers": {"n": {"command": "notes", "args": ["-x"], "env": {"KEY": "hush"}}}}"#;
        let program = Server::new(file::parse(text).unwrap().remove(0), &base);
        for server in [server("https://mcp.example/mcp"), program] {
            for host in Host::value_variants() {
                let printed = host.entry(&server).to_string();
                assert_eq!(file::parse(&printed).unwrap().len(), 1, "{printed}");
                assert!(!printed.contains("hush"), "{printed}");
            }
        }
    }
}
