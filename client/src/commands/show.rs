//! Lists and results as text for people. Words of a server never reach the terminal as they are.

use rmcp::model::{
    CallToolResult, ContentBlock, GetPromptResult, Prompt, PromptArgument, PromptMessage, ReadResourceResult, Resource,
    ResourceContents, ResourceTemplate, Role, Tool,
};
use serde::Serialize;

use crate::terminal::{BOLD, sanitize, sanitize_json, sanitize_line, styled};

/// Widest column of names, in characters.
const MAX_NAME: usize = 48;

/// One line a tool: name, then the first line of its description.
pub(super) fn tools(tools: &[Tool]) -> String {
    let rows = tools.iter().map(|tool| (tool.name.to_string(), first_line(tool.description.as_deref())));
    table(rows, "The server has no tools.")
}

/// One line a resource, then one a template.
pub(super) fn resources(resources: &[Resource], templates: &[ResourceTemplate]) -> String {
    let words = |title: Option<&String>, name: &str, description: Option<&String>| {
        let title = title.map_or(name, String::as_str);
        let description = first_line(description.map(String::as_str));
        if description.is_empty() { title.to_owned() } else { format!("{title}: {description}") }
    };
    let fixed =
        resources.iter().map(|one| (one.uri.clone(), words(one.title.as_ref(), &one.name, one.description.as_ref())));
    let open = templates
        .iter()
        .map(|one| (one.uri_template.clone(), words(one.title.as_ref(), &one.name, one.description.as_ref())));
    table(fixed.chain(open), "The server has no resources.")
}

/// One line a prompt: its name with its arguments, then its description.
pub(super) fn prompts(prompts: &[Prompt]) -> String {
    let argument = |argument: &PromptArgument| match argument.required {
        Some(true) => format!(" {}=…", argument.name),
        _ => format!(" [{}=…]", argument.name),
    };
    let call =
        |prompt: &Prompt| prompt.name.clone() + &prompt.arguments.iter().flatten().map(argument).collect::<String>();
    let rows = prompts.iter().map(|prompt| (call(prompt), first_line(prompt.description.as_deref())));
    table(rows, "The server has no prompts.")
}

/// The texts of a result; its structure when it has no text.
pub(crate) fn result(result: &CallToolResult) -> String {
    let mut parts: Vec<String> = result.content.iter().map(block).collect();
    if parts.is_empty() {
        parts.extend(result.structured_content.as_ref().map(to_json));
    }
    parts.join("\n")
}

/// The texts of a resource.
pub(crate) fn contents(read: &ReadResourceResult) -> String {
    let part = |contents: &ResourceContents| match contents {
        ResourceContents::TextResourceContents { text, .. } => sanitize(text),
        ResourceContents::BlobResourceContents { mime_type, .. } => {
            let kind = mime_type.as_deref().unwrap_or("of an unknown type");
            format!("[data, {}; --json shows it]", sanitize_line(kind))
        }
        _ => UNKNOWN.to_owned(),
    };
    read.contents.iter().map(part).collect::<Vec<_>>().join("\n")
}

/// What a prompt puts before a model, with who says it.
pub(super) fn messages(prompt: &GetPromptResult) -> String {
    let message = |message: &PromptMessage| {
        let who = match message.role {
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        format!("{}\n{}", styled(BOLD, &format!("{who}:")), block(&message.content))
    };
    prompt.messages.iter().map(message).collect::<Vec<_>>().join("\n\n")
}

/// Pretty JSON that stays the same JSON and holds nothing that a terminal acts on.
pub(crate) fn to_json(value: &(impl Serialize + ?Sized)) -> String {
    sanitize_json(&serde_json::to_string_pretty(value).unwrap_or_default())
}

const UNKNOWN: &str = "[something this client does not know; --json shows it]";

fn block(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => sanitize(&text.text),
        ContentBlock::Image(image) => format!("[an image, {}]", sanitize_line(&image.mime_type)),
        ContentBlock::Audio(audio) => format!("[a sound, {}]", sanitize_line(&audio.mime_type)),
        ContentBlock::Resource(_) => "[a resource; --json shows it]".to_owned(),
        ContentBlock::ResourceLink(link) => format!("[a resource at {}]", sanitize_line(&link.uri)),
        _ => UNKNOWN.to_owned(),
    }
}

fn table(rows: impl Iterator<Item = (String, String)>, nothing: &str) -> String {
    let rows: Vec<_> = rows.map(|(name, about)| (sanitize_line(&name), sanitize_line(&about))).collect();
    if rows.is_empty() {
        return nothing.to_owned();
    }
    let width = rows.iter().map(|(name, _)| name.chars().count()).filter(|width| *width <= MAX_NAME).max().unwrap_or(0);
    let line = |(name, about): &(String, String)| {
        let gap = " ".repeat(width.saturating_sub(name.chars().count()));
        format!("{}{gap}  {about}", styled(BOLD, name)).trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn first_line(text: Option<&str>) -> String {
    text.and_then(|text| text.lines().next()).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_server_cannot_steer_the_terminal() {
        let hostile = "ok\u{1b}]0;owned\u{7}\u{9b}2J";
        let tool = Tool::new(hostile, hostile, serde_json::Map::new());
        let called = CallToolResult::success(vec![ContentBlock::text(hostile)]);
        let read = ReadResourceResult::new(vec![ResourceContents::text(hostile, hostile)]);
        let listed = crate::terminal::plain(&tools(&[tool]));
        let resources = crate::terminal::plain(&resources(&[Resource::new(hostile, hostile)], &[]));
        for shown in [result(&called), to_json(&called), contents(&read), listed, resources] {
            assert!(shown.contains("ok") && !shown.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{shown:?}");
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
    fn an_empty_list_is_a_sentence() {
        assert_eq!(tools(&[]), "The server has no tools.");
        assert_eq!(resources(&[], &[]), "The server has no resources.");
        assert_eq!(prompts(&[]), "The server has no prompts.");
    }
}
