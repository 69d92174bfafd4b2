//! Forms that a server asks to have filled in while a tool runs (MCP "Elicitation"). There is nobody to ask in the middle of a
//! call, so none is offered; where a person said so, forms are answered with the defaults that the server gave them.

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{
        ClientCapabilities, ClientConfig, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationCapability,
        FormElicitationCapability, Implementation, ProtocolVersion,
    },
    service::RequestContext,
};
use serde_json::{Map, Value};

/// What becomes of a form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Forms {
    /// The server is told that there are none here.
    #[default]
    NotOffered,
    /// It is sent back with its defaults; one that needs more is declined.
    Defaults,
}

/// This client's side of a session: who it is, and what it answers to the server's own requests.
#[derive(Clone, Debug)]
pub(super) struct Handler {
    forms: Forms,
}

impl Handler {
    pub(super) const fn new(forms: Forms) -> Self {
        Self { forms }
    }
}

impl ClientHandler for Handler {
    fn get_info(&self) -> ClientConfig {
        let mut capabilities = ClientCapabilities::default();
        if self.forms == Forms::Defaults {
            capabilities.elicitation =
                Some(ElicitationCapability::new().with_form(FormElicitationCapability::default()));
        }
        let implementation = Implementation::new("portcullis-client", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(capabilities, implementation).with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn create_elicitation(
        &self,
        request: ElicitRequestParams,
        _context: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        let filled_in = match (self.forms, request) {
            (Forms::Defaults, ElicitRequestParams::FormElicitationParams { requested_schema, .. }) => {
                with_defaults(&serde_json::to_value(requested_schema).unwrap_or_default())
            }
            _ => None,
        };
        Ok(filled_in.map_or_else(
            || ElicitResult::new(ElicitationAction::Decline),
            |content| ElicitResult::new(ElicitationAction::Accept).with_content(content),
        ))
    }
}

/// Every field that has a default; `None` when a required one has none.
fn with_defaults(schema: &Value) -> Option<Value> {
    let properties = schema.get("properties").and_then(Value::as_object)?;
    let default = |(name, field): (&String, &Value)| Some((name.clone(), field.get("default")?.clone()));
    let content: Map<_, _> = properties.iter().filter_map(default).collect();
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let complete = required.filter_map(Value::as_str).all(|name| content.contains_key(name));
    complete.then_some(Value::Object(content))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_is_answered_with_its_defaults_if_these_are_all_that_it_needs() {
        let schema = |required: &[&str]| {
            let properties = json!({"name": {"type": "string", "default": "a"}, "age": {"type": "integer", "default": 1},
                "sure": {"type": "boolean", "default": false}, "note": {"type": "string"}});
            json!({"type": "object", "properties": properties, "required": required})
        };
        let defaults = json!({"name": "a", "age": 1, "sure": false});
        assert_eq!(with_defaults(&schema(&[])), Some(defaults.clone()));
        assert_eq!(with_defaults(&schema(&["name", "age"])), Some(defaults));
        assert_eq!(with_defaults(&schema(&["name", "note"])), None);
        assert_eq!(with_defaults(&json!({})), None);
    }

    #[test]
    fn forms_are_offered_only_where_a_person_said_so() {
        assert!(Handler::new(Forms::NotOffered).get_info().capabilities.elicitation.is_none());
        let offered = Handler::new(Forms::Defaults).get_info().capabilities.elicitation.unwrap();
        assert!(offered.form.is_some() && offered.url.is_none());
    }
}
