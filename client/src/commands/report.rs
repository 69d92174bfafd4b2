//! What a verb leads to: a text for stdout or a sentence for stderr, and an exit code.

use serde::Serialize;

use super::show::to_json;
use crate::{app::Exit, terminal::sanitize_line, verbs::Format};

/// What a verb leads to: safe to print, each part with its line end, or empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the process ends with, if this was its only command.
    pub exit: Exit,
    /// The result; may hold styles of our own, which [`crate::terminal::print`] takes out where they do not belong.
    pub stdout: String,
    /// What went wrong, as sentences.
    pub stderr: String,
}

impl Report {
    /// All went well. `text` holds nothing of a stranger that could steer a terminal.
    #[must_use]
    pub fn success(text: String) -> Self {
        Self { exit: Exit::Success, stdout: ended(text), stderr: String::new() }
    }

    /// `value` as JSON, or as `text` makes of it.
    pub(super) fn shown<T: Serialize>(format: Format, value: &T, text: impl FnOnce(&T) -> String) -> Self {
        Self::success(match format {
            Format::Text => text(value),
            Format::Json => to_json(value),
        })
    }

    /// Something went wrong; `sentence` may hold words of strangers.
    #[must_use]
    pub fn failure(exit: Exit, sentence: &str) -> Self {
        Self { exit, stdout: String::new(), stderr: ended(sentence_of(sentence)) }
    }

    /// A tool's own words about what went wrong, fit for a terminal.
    pub(super) fn tool_error(text: &str) -> Self {
        let stderr = ended(format!("The tool reported an error:\n{text}"));
        Self { exit: Exit::Tool, stdout: String::new(), stderr }
    }
}

/// Begins with a capital letter and ends with a full stop, on one line.
pub(super) fn sentence_of(text: &str) -> String {
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

    #[test]
    fn errors_are_sentences() {
        assert_eq!(sentence_of("the server refused: no"), "The server refused: no.");
        assert_eq!(sentence_of("Try again."), "Try again.");
    }
}
