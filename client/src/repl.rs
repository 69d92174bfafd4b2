//! The prompt: reads lines, with history and completion, and does what they say until `quit` or the end of input.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError},
};

mod editor;

use crate::{
    app::{App, Exit},
    commands::{Report, perform},
    completion::Known,
    connections::{ConnectError, Connections},
    line::{self, Input},
    run::StartError,
    status,
    terminal::{print, sanitize_line, say},
    trace::Trace,
    verbs::{Format, Line, PromptCommand, Switch, help},
};

use editor::{LineEditor, Shared};

const PROMPT: &str = "mcp> ";

/// How the prompt begins.
#[derive(Clone, Debug)]
pub struct Start {
    /// Whether it says where it is connected to.
    pub greets: bool,
    /// Where lines are kept: a file that only its owner can read.
    pub history: Option<PathBuf>,
}

/// Connects, then reads commands until `quit` or the end of input.
///
/// # Errors
/// When the client of the server in use cannot be made.
pub async fn repl(connections: &mut Connections, trace: &Trace, start: Start) -> Result<Exit, StartError> {
    if let Err(failed) = begin(connections, start.greets).await? {
        print(&failed);
        return Ok(failed.exit);
    }
    let known = Shared::default();
    learn(connections, &known).await;
    let Ok(mut editor) = editor::open(start.history.as_deref(), Arc::clone(&known)) else {
        print(&Report::failure(Exit::Usage, "the prompt cannot be opened"));
        return Ok(Exit::Usage);
    };
    while let Some((returned, line)) = read_line(editor).await {
        editor = returned;
        editor::remember(&mut editor, &line, start.history.as_deref());
        let input = line::parse(&line);
        let connects = matches!(&input, Input::Run(Line { command: PromptCommand::Connect { .. }, .. }));
        if matches!(&input, Input::Run(Line { command: PromptCommand::Quit, .. })) {
            break;
        }
        print(&answer(connections, trace, input).await);
        if connects {
            learn(connections, &known).await;
        }
    }
    connections.close().await;
    Ok(Exit::Success)
}

/// Connects to the server in use, and greets.
async fn begin(connections: &mut Connections, greets: bool) -> Result<Result<(), Report>, StartError> {
    let app = connections.app()?;
    let waiting = status::waiting(&format!("Connecting to {} …", app.server()));
    let connected = app.connect().await;
    drop(waiting);
    if connected.is_ok() && greets {
        say(&format!("Connected to {}. Type help for the commands.\n", sanitize_line(&app.server())));
    }
    Ok(connected.map_err(Report::from))
}

/// The next line, with the editor; `None` at the end of input. Ctrl-C ends it as well as Ctrl-D: whoever started something
/// around the prompt ends it then.
async fn read_line(mut editor: LineEditor) -> Option<(LineEditor, String)> {
    // Reading blocks, so it has a thread of its own, to which the editor goes and from which it comes back.
    let read = tokio::task::spawn_blocking(move || {
        let line = editor.readline(PROMPT);
        line.map(|line| (editor, line))
    });
    read.await.ok()?.ok()
}

/// What the server in use has, for completion.
async fn learn(connections: &mut Connections, known: &Shared) {
    let servers = connections.names().map(ToOwned::to_owned).collect();
    let Ok(app) = connections.app() else { return };
    let learnt = Known { servers, ..app.known().await };
    *known.lock().unwrap_or_else(PoisonError::into_inner) = learnt;
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
