//! The one list of verbs: the prompt and the program read them with it, and help and completion are made from it.

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::hosts::Host;

/// What can be done with a server, at the prompt and as a command of the program.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Verb {
    /// List the server's tools.
    List,
    /// Call a tool, as in: call `get_time` timezone=Asia/Tokyo.
    #[command(about = "Call a tool, as in: call get_time timezone=Asia/Tokyo")]
    Call {
        /// Its name.
        tool: String,
        /// Its arguments: one JSON object, or key=value, typed as the tool's schema says.
        #[arg(value_name = "JSON | KEY=VALUE")]
        arguments: Vec<String>,
    },
    /// List the server's resources.
    Resources,
    /// Read a resource.
    Read {
        /// Its URI.
        uri: String,
    },
    /// List the server's prompts.
    Prompts,
    /// Fill in a prompt.
    Prompt {
        /// Its name.
        prompt: String,
        /// Its arguments.
        #[arg(value_name = "KEY=VALUE")]
        arguments: Vec<String>,
    },
    /// Ask the server who you are to it (its tool `whoami`).
    Whoami,
    /// Show what the access token says, and how long it lives.
    Token {
        /// Print the token itself, which is a secret.
        #[arg(long)]
        reveal: bool,
    },
    /// Sign in, unless a good token is kept.
    Login {
        /// Sign in although a good token is kept.
        #[arg(long)]
        again: bool,
    },
    /// Give the token for this server back, and forget it and the registration made for it.
    Logout,
}

/// One thing to do for the program.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// What the prompt can do as well.
    #[command(flatten)]
    Verb(Verb),
    /// Print this client's metadata document, to be hosted at `MCP_CLIENT_METADATA_URL`.
    MetadataDocument,
    /// Print the entry that makes another MCP client use this server.
    PrintConfig {
        /// Which client.
        #[arg(long = "for", value_enum, value_name = "CLIENT")]
        host: Host,
    },
    /// Serve a page that signs in, calls tools, and draws each step as it happens.
    Web,
}

/// One thing to do at the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PromptCommand {
    /// What the program can do as well.
    #[command(flatten)]
    Verb(Verb),
    /// List the servers; the one in use has a star.
    Servers,
    /// Use another server, by its name or its URL.
    Connect {
        /// Its name or URL.
        server: String,
    },
    /// Show each HTTP step as it happens, with secrets cut.
    Trace {
        /// From now on, or no more.
        #[arg(value_enum, value_name = "ON | OFF")]
        switch: Switch,
    },
    /// Show this, or more about one command.
    Help {
        /// The command.
        command: Option<String>,
    },
    /// End.
    #[command(visible_alias = "exit")]
    Quit,
}

/// A line of the prompt.
#[derive(Clone, Debug, PartialEq, Eq, Parser)]
#[command(name = "", no_binary_name = true, disable_help_subcommand = true, disable_help_flag = true)]
#[command(subcommand_value_name = "COMMAND", subcommand_help_heading = "Commands")]
pub struct Line {
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: PromptCommand,
}

/// `on` or `off`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// From now on.
    On,
    /// No more.
    Off,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: the whole result.
    Json,
}

impl Format {
    /// JSON if the flag is there.
    #[must_use]
    pub const fn json_if(json: bool) -> Self {
        if json { Self::Json } else { Self::Text }
    }
}

/// What the prompt says about its commands, or about one of them; `None` when there is no such command.
#[must_use]
pub fn help(about: Option<&str>) -> Option<String> {
    let mut commands = Line::command();
    commands.build();
    let Some(name) = about else { return Some(table(&commands)) };
    let command = commands.find_subcommand_mut(name)?;
    Some(format!("{}\n", command.render_long_help().to_string().replace("Usage:  ", "Usage: ").trim_end()))
}

fn table(commands: &clap::Command) -> String {
    let rows: Vec<(String, String)> =
        commands.get_subcommands().map(|command| (usage(command), about(command))).collect();
    let width = rows.iter().map(|(usage, _)| usage.chars().count()).max().unwrap_or(0);
    let lines: Vec<String> = rows.iter().map(|(usage, about)| format!("{usage:width$}  {about}")).collect();
    lines.join("\n") + "\n"
}

/// `call <tool> [json | key=value]…`
fn usage(command: &clap::Command) -> String {
    let words = command.get_arguments().filter_map(|argument| match argument.get_long() {
        Some("json") => None,
        Some(flag) => Some(format!("[--{flag}]")),
        None => {
            let name = argument.get_value_names()?.first()?.to_lowercase();
            let several = argument.get_num_args().is_some_and(|count| count.max_values() > 1);
            let shown = if argument.is_required_set() { format!("<{name}>") } else { format!("[{name}]") };
            Some(if several { shown + "…" } else { shown })
        }
    });
    std::iter::once(command.get_name().to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

fn about(command: &clap::Command) -> String {
    command.get_about().map(ToString::to_string).unwrap_or_default().trim_end_matches('.').to_owned()
}
