//! The prompt: reads lines, with history and completion, and does what they say until `quit` or the end of input.

use rustyline::{Config, DefaultEditor};
use std::path::{Path, PathBuf};

use crate::{
    app::{App, Exit},
    commands::{Report, perform},
    line::{self, Input},
    terminal::{print, sanitize_line, say},
    verbs::{Format, Line, PromptCommand, help},
};

const PROMPT: &str = "mcp> ";
const HISTORY_LINES: usize = 1000;

/// Connects, then reads commands until `quit` or the end of input. `history` is a file that only its owner can read.
pub async fn repl(app: &mut App, history: Option<PathBuf>) -> Exit {
    if let Err(error) = app.connect().await {
        let report = Report::from(error);
        print(&report);
        return report.exit;
    }
    say(&format!("Connected to {}. Type help for the commands.\n", sanitize_line(app.server())));
    let Ok(mut editor) = editor(history.as_deref()) else {
        print(&Report::failure(Exit::Usage, "the prompt cannot be opened"));
        return Exit::Usage;
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
                if !handle(app, line::parse(&line)).await {
                    break;
                }
            }
            // Ctrl-C as well as Ctrl-D: whoever started something around the prompt ends it then.
            Err(_end_of_input) => break,
        }
    }
    app.close().await;
    Exit::Success
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

/// Does what the line asks for; false to end.
async fn handle(app: &mut App, input: Input) -> bool {
    match input {
        Input::Nothing => {}
        Input::Say(words) => say(&words),
        Input::Unclear(sentence) => print(&Report::failure(Exit::Usage, &sentence)),
        Input::Run(Line { command: PromptCommand::Quit, .. }) => return false,
        Input::Run(Line { command: PromptCommand::Help { command }, .. }) => match help(command.as_deref()) {
            Some(words) => say(&words),
            None => print(&Report::failure(Exit::Usage, "there is no such command; type help")),
        },
        Input::Run(Line { command: PromptCommand::Verb(verb), json }) => {
            print(&perform(app, &verb, Format::json_if(json)).await);
        }
    }
    true
}
