//! What a line of the prompt may go on with: commands and flags as they are defined, and what the server has: tools,
//! the arguments of their schemas, resources, prompts. What a server calls by a name that a terminal would act on, or that
//! is no word, is not offered.

use clap::{Command, CommandFactory as _};
use rmcp::model::{JsonObject, Prompt, Tool};

use crate::{commands::schema::Schema, line::split, terminal::sanitize_line, verbs::Line};

/// What is known about the server in use, and which other servers there are.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// Its tools.
    pub tools: Vec<Tool>,
    /// Its prompts.
    pub prompts: Vec<Prompt>,
    /// The URIs of its resources.
    pub resources: Vec<String>,
    /// All servers.
    pub servers: Vec<String>,
}

/// Where the last word of `line` begins, and what it may become; with a space where there is no other way to go on.
#[must_use]
pub fn complete(line: &str, known: &Known) -> (usize, Vec<String>) {
    let start = line.rfind(char::is_whitespace).map_or(0, |at| at + line.get(at..).map_or(1, first_length));
    let (before, word) = line.split_at_checked(start).unwrap_or((line, ""));
    let Some(before) = split(before) else { return (start, Vec::new()) };
    let (skipped, candidates) = candidates(&before, word, known);
    let begun = word.get(skipped..).unwrap_or_default();
    let fits = |candidate: &String| candidate.starts_with(begun) && is_word(candidate);
    let mut fitting: Vec<String> = candidates.into_iter().filter(fits).collect();
    if let [only] = fitting.as_mut_slice()
        && !only.ends_with('=')
    {
        only.push(' ');
    }
    (start.saturating_add(skipped), fitting)
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(1, char::len_utf8)
}

/// All candidates, whatever has been typed of the word; how much of the word stays before them.
fn candidates(before: &[String], word: &str, known: &Known) -> (usize, Vec<String>) {
    let line = Line::command();
    let Some((name, arguments)) = before.split_first() else { return (0, commands(&line)) };
    let Some(command) = line.find_subcommand(name) else { return (0, Vec::new()) };
    if word.starts_with("--") {
        let flags = line.get_arguments().chain(command.get_arguments()).filter_map(|flag| flag.get_long());
        return (0, flags.map(|flag| format!("--{flag}")).collect());
    }
    let given: Vec<&str> = arguments.iter().map(String::as_str).filter(|word| !word.starts_with("--")).collect();
    let positional = command.get_positionals().nth(given.len()).or_else(|| command.get_positionals().last());
    match positional.map(|argument| argument.get_id().as_str()) {
        Some("tool") => (0, known.tools.iter().map(|tool| tool.name.to_string()).collect()),
        Some("prompt") => (0, known.prompts.iter().map(|prompt| prompt.name.clone()).collect()),
        Some("uri") => (0, known.resources.clone()),
        Some("server") => (0, known.servers.clone()),
        Some("command") => (0, commands(&line)),
        Some("switch") => (0, vec!["on".to_owned(), "off".to_owned()]),
        Some("arguments") => arguments_of(&given, word, &properties(name, given.first().copied(), known)),
        _ => (0, Vec::new()),
    }
}

fn commands(line: &Command) -> Vec<String> {
    line.get_subcommands().map(|command| command.get_name().to_owned()).collect()
}

/// Names that are not given yet, or the values of the one that is being typed.
fn arguments_of(given: &[&str], word: &str, schema: &JsonObject) -> (usize, Vec<String>) {
    let schema = Schema::new(schema);
    if let Some((name, _)) = word.split_once('=') {
        let choices = schema.names().any(|known| known == name).then(|| schema.property(name)).flatten();
        return (name.len().saturating_add(1), choices.map(|expected| expected.choices()).unwrap_or_default());
    }
    let is_given = |name: &str| given.iter().any(|word| word.split_once('=').is_some_and(|(known, _)| known == name));
    (0, schema.names().filter(|name| !is_given(name)).map(|name| format!("{name}=")).collect())
}

/// The input schema of a tool, or one made of the arguments of a prompt.
fn properties(command: &str, name: Option<&str>, known: &Known) -> JsonObject {
    if command == "call" {
        let tool = known.tools.iter().find(|tool| Some(tool.name.as_ref()) == name);
        return tool.map(|tool| tool.input_schema.as_ref().clone()).unwrap_or_default();
    }
    let prompt = known.prompts.iter().find(|prompt| Some(prompt.name.as_str()) == name);
    let arguments = prompt.and_then(|prompt| prompt.arguments.as_deref()).unwrap_or_default();
    let names: JsonObject = arguments.iter().map(|argument| (argument.name.clone(), true.into())).collect();
    JsonObject::from_iter([("properties".to_owned(), names.into())])
}

/// Whether `candidate` is one word of the prompt as it stands, and shown as it is.
fn is_word(candidate: &str) -> bool {
    let plain = |letter: char| !letter.is_whitespace() && !"'\"\\".contains(letter);
    candidate.chars().all(plain) && sanitize_line(candidate) == candidate
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn known() -> Known {
        let schema = json!({"properties": {
            "timezone": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "utc": {"type": "boolean"},
        }});
        let tool = |name: &'static str| Tool::new(name, "", Arc::new(schema.as_object().unwrap().clone()));
        let prompt = serde_json::from_value(json!({"name": "sum", "arguments": [{"name": "topic"}]})).unwrap();
        Known {
            tools: vec![tool("get_time"), tool("get_user"), tool("get_\u{1b}[2J"), tool("get it")],
            prompts: vec![prompt],
            resources: vec!["user://profile".into(), "user://notes".into()],
            servers: vec!["default".into(), "notes".into()],
        }
    }

    #[test]
    fn a_line_goes_on_with_what_can_come_there() {
        for (line, start, candidates) in [
            ("pro", 0, &["prompts", "prompt"][..]),
            ("call ", 5, &["get_time", "get_user"]),
            ("call get_t", 5, &["get_time "]),
            ("call get_time t", 14, &["timezone="]),
            ("call get_time timezone=x ut", 25, &["utc="]),
            ("call get_time timezone=x unit=C u", 32, &["utc="]),
            ("call get_time utc=t", 18, &["true "]),
            ("call get_time unit=", 19, &["C", "F"]),
            ("call get_time timezone=", 23, &[]),
            ("call get_time --j", 14, &["--json "]),
            ("token --re", 6, &["--reveal "]),
            ("read user://n", 5, &["user://notes "]),
            ("prompt sum ", 11, &["topic="]),
            ("connect n", 8, &["notes "]),
            ("trace o", 6, &["on", "off"]),
            ("help conn", 5, &["connect "]),
            ("list x", 5, &[]),
            ("frob x", 5, &[]),
            ("call 'get t", 10, &[]),
        ] {
            let (at, mut found) = complete(line, &known());
            found.sort();
            let mut expected: Vec<_> = candidates.iter().map(ToString::to_string).collect();
            expected.sort();
            assert_eq!((at, found), (start, expected), "{line}");
        }
        assert_eq!(complete("", &known()).1.len(), Line::command().get_subcommands().count());
    }
}
