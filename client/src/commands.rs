//! What the commands do and say; the prompt and the command line share them.

use rmcp::model::{CallToolResult, ContentBlock, JsonObject, Tool};
use serde::Serialize;

use crate::{
    app::{App, AppError, Exit},
    cli::Command,
    terminal::{sanitize, sanitize_json, sanitize_line},
};

/// What a command leads to: safe to print, each part with its line end, or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the process ends with, if this was its only command.
    pub exit: Exit,
    /// The result.
    pub stdout: String,
    /// What went wrong, as sentences.
    pub stderr: String,
}

/// Does one command.
pub async fn perform(app: &mut App, command: &Command) -> Report {
    match command {
        Command::List { json } => match app.tools().await {
            Ok(tools) if *json => Report::success(to_json(&tools)),
            Ok(tools) => Report::success(tool_lines(&tools)),
            Err(error) => Report::from(&error),
        },
        Command::Call { tool, arguments, json } => match parse_arguments(arguments.as_deref()) {
            Ok(arguments) => call(app, tool, arguments.as_ref(), *json).await,
            Err(sentence) => Report::failure(Exit::Usage, &sentence),
        },
        Command::Whoami { json } => call(app, "whoami", None, *json).await,
        Command::MetadataDocument => app.metadata_document().map_or_else(
            || {
                let fix = "set MCP_CLIENT_METADATA_URL to the https URL where the document will be hosted";
                Report::failure(Exit::Usage, fix)
            },
            Report::success,
        ),
        Command::Logout => match app.sign_out().await {
            Ok(()) => Report::success("Given back and forgotten. The next command signs in again.".to_owned()),
            Err(error) => Report::from(&error),
        },
    }
}

impl Report {
    fn success(text: String) -> Self {
        Self { exit: Exit::Success, stdout: ended(text), stderr: String::new() }
    }

    fn failure(exit: Exit, sentence: &str) -> Self {
        Self { exit, stdout: String::new(), stderr: ended(sentence_of(sentence)) }
    }
}

impl From<&AppError> for Report {
    fn from(error: &AppError) -> Self {
        Self::failure(error.exit(), &error.to_string())
    }
}

/// A JSON object, or why the text is none.
fn parse_arguments(raw: Option<&str>) -> Result<Option<JsonObject>, String> {
    let Some(raw) = raw.map(str::trim).filter(|raw| !raw.is_empty()) else { return Ok(None) };
    serde_json::from_str(raw).map(Some).map_err(|error| {
        format!("the arguments are not a JSON object ({error}), as in {{\"timezone\":\"Asia/Tokyo\"}}")
    })
}

async fn call(app: &mut App, tool: &str, arguments: Option<&JsonObject>, json: bool) -> Report {
    match app.call(tool, arguments).await {
        Ok(result) => {
            let failed = result.is_error == Some(true);
            let exit = if failed { Exit::Tool } else { Exit::Success };
            match (json, failed) {
                (true, _) => Report { exit, ..Report::success(to_json(&result)) },
                (false, false) => Report::success(result_text(&result)),
                (false, true) => {
                    let text = format!("The tool reported an error:\n{}", result_text(&result));
                    Report { exit, stdout: String::new(), stderr: ended(text) }
                }
            }
        }
        Err(error) => Report::from(&error),
    }
}

/// One line a tool: name, then the first sentence or line of its description.
fn tool_lines(tools: &[Tool]) -> String {
    if tools.is_empty() {
        return "The server has no tools.".to_owned();
    }
    let width = tools.iter().map(|tool| tool.name.chars().count()).max().unwrap_or(0).min(32);
    let line = |tool: &Tool| {
        let description = tool.description.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        let name = sanitize_line(&tool.name);
        format!("{name:width$}  {}", sanitize_line(description)).trim_end().to_owned()
    };
    tools.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The texts of a result; its structure when it has no text.
fn result_text(result: &CallToolResult) -> String {
    let mut parts: Vec<String> = result.content.iter().map(block_text).collect();
    if parts.is_empty() {
        parts.extend(result.structured_content.as_ref().map(to_json));
    }
    parts.join("\n")
}

fn block_text(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => sanitize(&text.text),
        ContentBlock::Image(image) => format!("[an image, {}]", sanitize_line(&image.mime_type)),
        ContentBlock::Audio(audio) => format!("[a sound, {}]", sanitize_line(&audio.mime_type)),
        ContentBlock::Resource(_) => "[a resource; --json shows it]".to_owned(),
        ContentBlock::ResourceLink(link) => format!("[a resource at {}]", sanitize_line(&link.uri)),
        _ => "[something this client does not know; --json shows it]".to_owned(),
    }
}

fn to_json(value: &impl Serialize) -> String {
    sanitize_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

/// Begins with a capital letter and ends with a full stop, on one line.
fn sentence_of(text: &str) -> String {
    let line = sanitize_line(text);
    let mut characters = line.chars();
    let first: String = characters.next().into_iter().flat_map(char::to_uppercase).collect();
    let stop = if line.ends_with(['.', '…', '?', '!']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}

fn ended(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rmcp::model::ContentBlock;

    #[test]
    fn arguments_are_a_json_object_or_nothing() {
        assert_eq!(parse_arguments(None), Ok(None));
        assert_eq!(parse_arguments(Some("  ")), Ok(None));
        assert_eq!(parse_arguments(Some("{\"a\":1}")).unwrap().unwrap()["a"], 1);
        for bad in ["[1]", "1", "{", "{\"a\":1} x"] {
            assert!(
                parse_arguments(Some(bad)).unwrap_err().starts_with("the arguments are not a JSON object"),
                "{bad}"
            );
        }
    }

    #[test]
    fn words_of_a_server_cannot_steer_the_terminal() {
        let hostile = "ok\u{1b}]0;owned\u{7}\u{9b}2J";
        let result = CallToolResult::success(vec![ContentBlock::text(hostile)]);
        for shown in [result_text(&result), to_json(&result), sentence_of(hostile)] {
            assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{shown:?}");
        }
    }

    #[test]
    fn json_output_stays_the_same_json() {
        let hostile = "a\u{7f}\u{9b}\u{202e}\u{e0041}\n\"";
        let result = CallToolResult::success(vec![ContentBlock::text(hostile)]);
        let back: serde_json::Value = serde_json::from_str(&to_json(&result)).unwrap();
        assert_eq!(back["content"][0]["text"], hostile);
    }

    #[test]
    fn errors_are_sentences() {
        assert_eq!(sentence_of("the server refused: no"), "The server refused: no.");
        assert_eq!(sentence_of("Try again."), "Try again.");
    }
}
