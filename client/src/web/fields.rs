//! Forms from JSON schemas, and what was typed into them back to arguments.

use rmcp::model::{JsonObject, Prompt, Tool};
use serde_json::Value;
use std::collections::BTreeMap;

use crate::commands::schema::Schema;

/// What a person typed, by name.
pub(super) type Draft = BTreeMap<String, String>;

/// One field of a form.
#[derive(Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) input: Input,
    pub(super) required: bool,
    pub(super) value: String,
}

/// How it is typed.
#[derive(Debug, PartialEq)]
pub(super) enum Input {
    Line,
    Number,
    Choice(Vec<String>),
    /// A JSON value, or a long text.
    Area,
}

/// The fields of a tool.
pub(super) fn of_tool(tool: &Tool, draft: Option<&Draft>) -> Vec<Field> {
    let schema = Schema::new(&tool.input_schema);
    let required: Vec<_> = schema.required().collect();
    let property = |name: &str| tool.input_schema.get("properties").and_then(|properties| properties.get(name));
    let field = |name: &str| Field {
        name: name.to_owned(),
        help: property(name).and_then(|about| about.get("description")?.as_str()).unwrap_or_default().to_owned(),
        input: input(schema, name, property(name)),
        required: required.contains(&name),
        value: draft.and_then(|draft| draft.get(name).cloned()).unwrap_or_default(),
    };
    schema.names().map(field).collect()
}

/// The fields of a prompt, which are all text.
pub(super) fn of_prompt(prompt: &Prompt, draft: Option<&Draft>) -> Vec<Field> {
    let arguments = prompt.arguments.iter().flatten();
    let field = |argument: &rmcp::model::PromptArgument| Field {
        name: argument.name.clone(),
        help: argument.description.clone().unwrap_or_default(),
        input: Input::Line,
        required: argument.required == Some(true),
        value: draft.and_then(|draft| draft.get(&argument.name).cloned()).unwrap_or_default(),
    };
    arguments.map(field).collect()
}

fn input(schema: Schema<'_>, name: &str, property: Option<&Value>) -> Input {
    let choices = schema.property(name).map(|expected| expected.choices()).unwrap_or_default();
    if !choices.is_empty() {
        return Input::Choice(choices);
    }
    let about = |word: &str| property.and_then(|about| about.get(word));
    match about("type").and_then(Value::as_str) {
        Some("integer" | "number") => Input::Number,
        Some("string") if about("maxLength").and_then(Value::as_u64).is_some_and(|length| length > 200) => Input::Area,
        Some("array" | "object") => Input::Area,
        _ => Input::Line,
    }
}

/// The arguments that `draft` stands for; an empty field that may be left out is left out.
///
/// # Errors
/// A sentence that names the first field that does not fit, and what would.
pub(super) fn arguments(tool: &Tool, draft: &Draft) -> Result<Option<JsonObject>, String> {
    let schema = Schema::new(&tool.input_schema);
    let required: Vec<_> = schema.required().collect();
    let mut arguments = JsonObject::new();
    for name in schema.names() {
        let typed = draft.get(name).map_or("", String::as_str);
        if typed.is_empty() && !required.contains(&name) {
            continue;
        }
        let Some(expected) = schema.property(name) else { continue };
        let value = expected.read(typed);
        let value = value.ok_or_else(|| format!("{name} must be {expected}; {typed:?} is not"))?;
        arguments.insert(name.to_owned(), value);
    }
    Ok((!arguments.is_empty()).then_some(arguments))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::Arc;

    fn tool(properties: &Value, required: &[&str]) -> Tool {
        let schema = json!({"type": "object", "properties": properties, "required": required});
        Tool::new("t", "", Arc::new(schema.as_object().unwrap().clone()))
    }

    fn draft(pairs: &[(&str, &str)]) -> Draft {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn each_type_of_a_schema_has_its_field() {
        let properties = json!({
            "title": {"type": "string", "description": "What it is called."},
            "text": {"type": "string", "maxLength": 5000},
            "count": {"type": "integer"},
            "loud": {"type": "boolean"},
            "unit": {"enum": ["C", "F"]},
            "list": {"type": "array"},
        });
        let fields = of_tool(&tool(&properties, &["title"]), Some(&draft(&[("title", "typed")])));
        let inputs: Vec<_> = fields.iter().map(|field| (field.name.as_str(), &field.input)).collect();
        let choice = |values: [&str; 2]| Input::Choice(values.map(str::to_owned).to_vec());
        assert_eq!(
            inputs,
            [
                ("title", &Input::Line),
                ("text", &Input::Area),
                ("count", &Input::Number),
                ("loud", &choice(["true", "false"])),
                ("unit", &choice(["C", "F"])),
                ("list", &Input::Area),
            ]
        );
        let title = &fields[0];
        assert_eq!((title.required, title.value.as_str(), title.help.as_str()), (true, "typed", "What it is called."));
    }

    #[test]
    fn what_was_typed_gets_the_types_of_the_schema() {
        let properties = json!({"a": {"type": "string"}, "n": {"type": "integer"}, "b": {"type": "boolean"}, "x": {"type": "string"}});
        let tool = tool(&properties, &["a"]);
        let arguments = arguments(&tool, &draft(&[("a", "12"), ("n", "12"), ("b", "true"), ("x", "")])).unwrap();
        assert_eq!(Value::from(arguments.unwrap()), json!({"a": "12", "n": 12, "b": true}));
        let wrong = super::arguments(&tool, &draft(&[("a", ""), ("n", "twelve")])).unwrap_err();
        assert_eq!(wrong, "n must be a whole number; \"twelve\" is not");
    }

    #[test]
    fn a_tool_without_arguments_is_called_without_any() {
        assert_eq!(arguments(&tool(&json!({}), &[]), &Draft::new()), Ok(None));
    }
}
