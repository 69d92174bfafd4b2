//! The prompt: `list`, `call <tool> [json]`, `whoami`, `logout`, `help`, `quit`, with history.

use rustyline::{Config, DefaultEditor};
use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::{
    app::{App, Exit},
    cli::Command,
    commands::{Report, perform},
    terminal::sanitize_line,
};

const PROMPT: &str = "mcp> ";
const HISTORY_LINES: usize = 1000;

const HELP: &str = "\
list                list the tools
call <tool> [json]  call a tool, as in: call get_time {\"timezone\":\"Asia/Tokyo\"}
whoami              ask the server who you are to it
logout              give the token for this server back, and forget it
help                show this
quit                end
";

/// What a line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Input {
    Nothing,
    Help,
    Quit,
    Run(Command),
    /// A sentence saying what is wrong with the line.
    Unclear(String),
}

/// Connects, then reads commands until `quit` or the end of input. `history` is a file that only its owner can read.
pub async fn repl(app: &mut App, history: Option<PathBuf>) -> Exit {
    if let Err(error) = app.connect().await {
        let report = Report::from(&error);
        print(&report);
        return report.exit;
    }
    say(&format!("Connected to {}. Type help for the commands.\n", sanitize_line(app.server())));
    let Ok(mut editor) = editor(history.as_deref()) else {
        print(&Report {
            exit: Exit::Usage,
            stdout: String::new(),
            stderr: "The prompt cannot be opened.\n".to_owned(),
        });
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
                if !handle(app, parse(&line)).await {
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
        Input::Help => say(HELP),
        Input::Quit => return false,
        Input::Unclear(sentence) => {
            print(&Report { exit: Exit::Usage, stdout: String::new(), stderr: sentence + "\n" });
        }
        Input::Run(command) => print(&perform(app, &command).await),
    }
    true
}

fn parse(line: &str) -> Input {
    let (word, rest) = first_word(line.trim());
    let command = match word {
        "" => return Input::Nothing,
        "help" | "?" => return Input::Help,
        "quit" | "exit" => return Input::Quit,
        "list" => Command::List { json: false },
        "whoami" => Command::Whoami { json: false },
        "logout" => Command::Logout,
        "call" => {
            let (tool, arguments) = first_word(rest);
            if tool.is_empty() {
                return Input::Unclear("Say which tool to call: call <tool> [json].".to_owned());
            }
            let arguments = (!arguments.is_empty()).then(|| arguments.to_owned());
            return Input::Run(Command::Call { tool: tool.to_owned(), arguments, json: false });
        }
        other => return Input::Unclear(format!("There is no command {}. Type help.", sanitize_line(other))),
    };
    if rest.is_empty() {
        Input::Run(command)
    } else {
        Input::Unclear(format!("The command {word} takes nothing after it."))
    }
}

fn first_word(text: &str) -> (&str, &str) {
    text.split_once(char::is_whitespace).map_or((text, ""), |(word, rest)| (word, rest.trim_start()))
}

/// Prints a report; a closed pipe is not worth a word.
pub(crate) fn print(report: &Report) {
    say(&report.stdout);
    let _closed = io::stderr().lock().write_all(report.stderr.as_bytes());
}

fn say(text: &str) {
    let mut stdout = io::stdout().lock();
    let _closed = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, arguments: Option<&str>) -> Input {
        Input::Run(Command::Call { tool: tool.into(), arguments: arguments.map(Into::into), json: false })
    }

    #[test]
    fn the_rest_of_a_call_is_its_json() {
        assert_eq!(parse("call get_time"), call("get_time", None));
        assert_eq!(parse("  call  get_time  {\"a\": \"b c\"} "), call("get_time", Some("{\"a\": \"b c\"}")));
        assert!(matches!(parse("call"), Input::Unclear(_)));
    }

    #[test]
    fn every_word_of_the_help_is_a_command() {
        for line in HELP.lines() {
            let word = line.split_whitespace().next().unwrap();
            let line = if word == "call" { "call x".to_owned() } else { word.to_owned() };
            assert!(!matches!(parse(&line), Input::Unclear(_) | Input::Nothing), "{word}");
        }
    }

    #[test]
    fn what_is_not_a_command_is_answered_with_a_sentence() {
        assert_eq!(parse(""), Input::Nothing);
        assert_eq!(parse("lst"), Input::Unclear("There is no command lst. Type help.".into()));
        assert_eq!(parse("list all"), Input::Unclear("The command list takes nothing after it.".into()));
    }
}
