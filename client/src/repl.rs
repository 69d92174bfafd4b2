//! The prompt: reads lines, with history and completion, and does what they say until `quit` or the end of input.

use rustyline::{Config, DefaultEditor};
use std::path::{Path, PathBuf};

use crate::{
    app::{App, Exit},
    commands::{Report, perform},
    connections::{ConnectError, Connections},
    line::{self, Input},
    run::StartError,
    status,
    terminal::{print, sanitize_line, say},
    trace::Trace,
    verbs::{Format, Line, PromptCommand, Switch, help},
};

const PROMPT: &str = "mcp> ";
const HISTORY_LINES: usize = 1000;

/// Connects, then reads commands until `quit` or the end of input. `history` is a file that only its owner can read.
///
/// # Errors
/// When the client of the server in use cannot be made.
pub async fn repl(connections: &mut Connections, trace: &Trace, history: Option<PathBuf>) -> Result<Exit, StartError> {
    let app = connections.app()?;
    let waiting = status::waiting(&format!("Connecting to {} …", app.server()));
    let connected = app.connect().await;
    drop(waiting);
    if let Err(error) = connected {
        let report = Report::from(error);
        print(&report);
        return Ok(report.exit);
    }
    say(&format!("Connected to {}. Type help for the commands.\n", sanitize_line(&app.server())));
    let Ok(mut editor) = editor(history.as_deref()) else {
        print(&Report::failure(Exit::Usage, "the prompt cannot be opened"));
        return Ok(Exit::Usage);
    };
    loop {
        // Reading blocks, so it has a thread of its own, to which the editor goes and from which it comes back.
        let read = tokio::task::spawn_blocking(move || {
            let line = editor.readline(PROMPT);
            (editor, line)
        });
        let Ok((returned, line)) = read.await else { break };
        editor = returned;
        match line {
            Ok(line) => {
                remember(&mut editor, &line, history.as_deref());
                match line::parse(&line) {
                    Input::Run(Line { command: PromptCommand::Quit, .. }) => break,
                    input => print(&answer(connections, trace, input).await),
                }
            }
            // Ctrl-C as well as Ctrl-D: whoever started something around the prompt ends it then.
            Err(_end_of_input) => break,
        }
    }
    connections.close().await;
    Ok(Exit::Success)
}

/// Does what the line asks for.
async fn answer(connections: &mut Connections, trace: &Trace, input: Input) -> Report {
    let Line { command, json } = match input {
        Input::Nothing => return Report::success(String::new()),
        Input::Say(words) => return Report::success(words),
        Input::Unclear(sentence) => return Report::failure(Exit::Usage, &sentence),
        Input::Run(line) => line,
    };
    match command {
        PromptCommand::Quit => Report::success(String::new()),
        PromptCommand::Help { command } => match help(command.as_deref()) {
            Some(words) => Report::success(words),
            None => Report::failure(Exit::Usage, "there is no such command; type help"),
        },
        PromptCommand::Trace { switch } => {
            trace.show(switch == Switch::On);
            Report::success(String::new())
        }
        PromptCommand::Servers => Report::success(connections.table()),
        PromptCommand::Connect { server } => match connect(connections, &server).await {
            Ok(app) => Report::success(format!("Connected to {}.", sanitize_line(&app.server()))),
            Err(ConnectError::App(error)) => error.into(),
            Err(error) => Report::failure(Exit::Usage, &error.to_string()),
        },
        PromptCommand::Verb(verb) => match connections.app() {
            Ok(app) => perform(app, &verb, Format::json_if(json)).await,
            Err(error) => Report::failure(Exit::Usage, &error.to_string()),
        },
    }
}

async fn connect<'a>(connections: &'a mut Connections, server: &str) -> Result<&'a mut App, ConnectError> {
    let _waiting = status::waiting(&format!("Connecting to {server} …"));
    connections.connect(server).await
}

fn editor(history: Option<&Path>) -> rustyline::Result<DefaultEditor> {
    let config = Config::builder().max_history_size(HISTORY_LINES)?.history_ignore_space(true).build();
    let mut editor = DefaultEditor::with_config(config)?;
    if let Some(file) = history {
        // No history yet, or one that cannot be read: the prompt works without.
        let _missing = editor.load_history(file);
    }
    Ok(editor)
}

fn remember(editor: &mut DefaultEditor, line: &str, history: Option<&Path>) {
    let added = editor.add_history_entry(line).unwrap_or(false);
    if let (true, Some(file)) = (added, history) {
        // At once, so that it survives Ctrl-C in a long call; not being able to is no reason to stop.
        let _unsaved = editor.append_history(file);
    }
}
