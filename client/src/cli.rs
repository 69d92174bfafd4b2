//! Flags and environment, raw: [`crate::config`] checks them all together.

use clap::{Args, Parser};
use serving::logging::LogFormat;
use std::path::PathBuf;

use crate::verbs::Command;

mod grant;
mod web;

pub use grant::GrantSettings;
pub use web::WebSettings;

/// Sign in to an MCP server and call its tools.
#[derive(Clone, Debug, Parser)]
#[command(name = "client", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    /// The server and who you are to it.
    #[command(flatten)]
    pub settings: Settings,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Without a command, a prompt is opened.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const EXIT_CODES: &str = "Exit codes: 0 success, 2 wrong use, 3 not authorized, 4 the server or the tool reported an error, \
5 a server cannot be reached.";

/// All settings; every one is also an environment variable, and may stand in `.env`.
#[derive(Args, Clone, Debug, Default)]
pub struct Settings {
    /// A file with MCP servers [default: `mcp_config.json`, if it is in this folder].
    #[arg(long, global = true, env = "MCP_CLIENT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The server to use, by its name in that file [default: the one of --url, else the first one].
    #[arg(long, global = true, env = "MCP_CLIENT_SERVER", value_name = "NAME")]
    pub server: Option<String>,
    /// The MCP server [default: /mcp on this computer].
    #[arg(long, global = true, env = "MCP_SERVER_URL", value_name = "URL")]
    pub url: Option<String>,
    /// Its port, when it runs on this computer and no URL is given [default: 8001].
    #[arg(long, global = true, env = "MCP_SERVER_PORT", value_name = "PORT")]
    pub server_port: Option<String>,
    /// `streamable-http`, the only one [default: streamable-http].
    #[arg(long, global = true, env = "MCP_TRANSPORT_TYPE", value_name = "TYPE")]
    pub transport: Option<String>,
    /// Register at the authorization server instead of using a registered client [default: false].
    #[arg(long, global = true, env = "MCP_USE_DCR", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub use_dcr: Option<String>,
    /// The registered client [default: simple-mcp-client].
    #[arg(long, global = true, env = "MCP_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Its secret [default: that of simple-mcp-client; none for another client].
    #[arg(long, global = true, env = "MCP_CLIENT_SECRET", value_name = "SECRET", hide_env_values = true)]
    pub client_secret: Option<String>,
    /// The issuer it is registered at [default: the first one that it is used with].
    #[arg(long, global = true, env = "MCP_CLIENT_ISSUER", value_name = "URL")]
    pub client_issuer: Option<String>,
    /// Scopes to ask for besides those that the server asks for, separated by spaces [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_SCOPE", value_name = "SCOPES")]
    pub client_scope: Option<String>,
    /// Where the browser comes back to, on this computer; or `urn:ietf:wg:oauth:2.0:oob`, to paste the code [default: /callback on localhost].
    #[arg(long, global = true, env = "MCP_CLIENT_REDIRECT_URI", value_name = "URL")]
    pub redirect_uri: Option<String>,
    /// The port of that address [default: 3030].
    #[arg(long, global = true, env = "MCP_CALLBACK_PORT", value_name = "PORT")]
    pub callback_port: Option<String>,
    /// Which way leads to a token.
    #[command(flatten)]
    pub grant: GrantSettings,
    /// The page.
    #[command(flatten)]
    pub web: WebSettings,
    /// Where this client's metadata document is hosted, for authorization servers that take it [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_METADATA_URL", value_name = "URL")]
    pub client_metadata_url: Option<String>,
    /// Sign in at this issuer although it does not publish that it checks PKCE with S256; know that it does [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_ASSUME_S256", value_name = "ISSUER", value_delimiter = ',')]
    pub assume_s256: Vec<String>,
    /// Answer forms that a server asks to have filled in with the defaults that it gave them; it may take that for your
    /// consent. Without this, servers are told that there is nobody to fill in forms [default: false].
    #[arg(long, global = true, env = "MCP_CLIENT_FORM_DEFAULTS", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub form_defaults: Option<String>,
    /// Where tokens, registrations and history are kept [default: portcullis in your state directory].
    #[arg(long, global = true, env = "MCP_CLIENT_STATE_DIR", value_name = "FOLDER")]
    pub state_dir: Option<PathBuf>,
    /// What keeps tokens and registrations: files there, or the keyring of the system, if this program was built with it
    /// [default: files].
    #[arg(long, global = true, env = "MCP_CLIENT_STORE", value_name = "STORE")]
    pub store: Option<String>,
    /// The command that opens a page [default: what the system has].
    #[arg(long, global = true, env = "BROWSER", value_name = "COMMAND")]
    pub browser: Option<String>,
    /// Only print the page to open.
    #[arg(long, global = true)]
    pub no_browser: bool,
    /// Extra trusted certificates, as a PEM file.
    #[arg(long, global = true, env = "MCP_CA_CERT", value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// Show each HTTP step as it happens, with secrets cut [default: false].
    #[arg(long, global = true, env = "MCP_CLIENT_TRACE", value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub trace: Option<String>,
    /// Append these steps to this file, as JSON lines; it is made so that only you can read it [default: none].
    #[arg(long, global = true, env = "MCP_CLIENT_TRACE_FILE", value_name = "FILE")]
    pub trace_file: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, global = true, env = "MCP_LOG_FORMAT", value_enum, default_value_t)]
    pub log_format: LogFormat,
    /// Print the settings in effect, and end.
    #[arg(long, global = true)]
    pub print_config: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verbs::Verb;
    use clap::CommandFactory as _;

    fn parse(arguments: &[&str]) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("client").chain(arguments.iter().copied()))
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_stand_before_or_after_the_command() {
        for line in [["--use-dcr", "--json", "list"], ["list", "--json", "--use-dcr"]] {
            let cli = parse(&line).unwrap();
            assert_eq!((cli.command, cli.json), (Some(Command::Verb(Verb::List)), true));
            assert_eq!(cli.settings.use_dcr.as_deref(), Some("true"));
        }
        assert_eq!(parse(&["--use-dcr=false"]).unwrap().settings.use_dcr.as_deref(), Some("false"));
    }

    #[test]
    fn a_call_takes_a_tool_and_its_arguments() {
        for (line, words) in
            [(&["call", "t", "{}", "--json"][..], &["{}"][..]), (&["call", "t", "a=1", "b=2"], &["a=1", "b=2"])]
        {
            let arguments = words.iter().map(ToString::to_string).collect();
            let call = Command::Verb(Verb::Call { tool: "t".into(), arguments });
            assert_eq!(parse(line).unwrap().command, Some(call));
        }
        for wrong in [&["call"][..], &["frob"], &["list", "x"], &["read"], &["connect", "x"], &["quit"]] {
            assert_eq!(parse(wrong).unwrap_err().exit_code(), 2, "{wrong:?}");
        }
    }

    #[test]
    fn the_secrets_of_the_environment_are_not_in_the_help() {
        let command = Cli::command();
        let secret = command.get_arguments().find(|argument| argument.get_id() == "client_secret").unwrap();
        assert!(secret.is_hide_env_values_set());
    }
}
