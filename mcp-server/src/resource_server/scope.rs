//! What each operation needs, and whether a token grants it. Decided before the MCP service runs, because
//! a JSON-RPC error cannot become an HTTP 403 (MCP authorization, "Runtime Insufficient Scope Errors").

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::challenge::{Reason, Refusal};

/// A set of scope tokens (RFC 6749 §3.3), in the order given, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<Box<str>>);

impl Scopes {
    /// Reads a space-delimited list.
    #[must_use]
    pub fn parse(list: &str) -> Self {
        list.split(' ').collect()
    }

    /// Whether `scope` is one of them, exactly.
    #[must_use]
    pub fn contains(&self, scope: &str) -> bool {
        self.0.iter().any(|held| &**held == scope)
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each scope token.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }

    fn add(&mut self, scope: &str) {
        if !scope.is_empty() && !self.contains(scope) {
            self.0.push(scope.into());
        }
    }
}

impl<'a> FromIterator<&'a str> for Scopes {
    fn from_iter<I: IntoIterator<Item = &'a str>>(scopes: I) -> Self {
        let mut set = Self::default();
        scopes.into_iter().for_each(|scope| set.add(scope));
        set
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

/// Which scope each tool needs, and which broad scope implies which narrow one.
#[derive(Clone, Debug, Default)]
pub struct ScopePolicy {
    challenge: Scopes,
    every_request: Scopes,
    tools: HashMap<String, Scopes>,
    implied_by: Vec<(Box<str>, Box<str>)>,
    everything: Scopes,
}

impl ScopePolicy {
    /// `challenge` is what a 401 asks for and what the metadata lists: the least that is useful.
    #[must_use]
    pub fn new(challenge: &str) -> Self {
        Self { challenge: Scopes::parse(challenge), ..Self::default() }
    }

    /// `tools/call` of `tool` needs `scopes`, a space-delimited list.
    #[must_use]
    pub fn tool(mut self, tool: &str, scopes: &str) -> Self {
        let scopes = Scopes::parse(scopes);
        scopes.iter().for_each(|scope| self.everything.add(scope));
        self.tools.insert(tool.to_owned(), scopes);
        self
    }

    /// Each request needs `scopes`, whatever it asks for.
    #[must_use]
    pub fn every_request(mut self, scopes: &str) -> Self {
        self.every_request = Scopes::parse(scopes);
        self.every_request.iter().for_each(|scope| self.everything.add(scope));
        self
    }

    /// Whoever has `broad` has `narrow` as well. Not transitive: say each pair.
    #[must_use]
    pub fn implies(mut self, broad: &str, narrow: &str) -> Self {
        self.implied_by.push((narrow.into(), broad.into()));
        self
    }

    /// What a 401 asks for.
    #[must_use]
    pub const fn challenge(&self) -> &Scopes {
        &self.challenge
    }

    /// Whether no operation at all could be refused, so that the body need not be read.
    pub(super) fn grants_everything(&self, granted: &Scopes) -> bool {
        self.everything.iter().all(|scope| self.granted(granted, scope))
    }

    /// Checks what is needed whatever the request asks for.
    pub(super) fn check_request(&self, granted: &Scopes) -> Result<(), Refusal> {
        self.check(granted, &self.every_request)
    }

    /// Checks the operation that a JSON-RPC body asks for.
    ///
    /// The body decides: the `Mcp-Method` and `Mcp-Name` headers only mirror it, and the MCP service
    /// refuses a request in which they differ.
    pub(super) fn check_body(&self, granted: &Scopes, body: &[u8]) -> Result<(), Refusal> {
        let Some(tool) = called_tool(body)? else {
            return Ok(());
        };
        let Some(required) = self.tools.get(tool.as_ref()) else {
            return Ok(());
        };
        let all: Scopes = self.every_request.iter().chain(required.iter()).collect();
        self.check(granted, &all)
    }

    fn check(&self, granted: &Scopes, required: &Scopes) -> Result<(), Refusal> {
        if required.iter().all(|scope| self.granted(granted, scope)) {
            Ok(())
        } else {
            Err(Refusal::insufficient_scope(required.clone()))
        }
    }

    fn granted(&self, granted: &Scopes, scope: &str) -> bool {
        let implied = |(narrow, broad): &(Box<str>, Box<str>)| &**narrow == scope && granted.contains(broad);
        granted.contains(scope) || self.implied_by.iter().any(implied)
    }
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct CallParams<'a> {
    #[serde(borrow)]
    name: Option<Cow<'a, str>>,
}

/// The tool that a `tools/call` names. A body that two parsers could read differently (a repeated member)
/// is refused, so that the tool checked is the tool run.
fn called_tool(body: &[u8]) -> Result<Option<Cow<'_, str>>, Reason> {
    let malformed = |_| Reason::BodyMalformed;
    let message: Message<'_> = serde_json::from_slice(body).map_err(malformed)?;
    match (message.method.as_deref(), message.params) {
        (Some("tools/call"), Some(params)) => {
            let params: CallParams<'_> = serde_json::from_str(params.get()).map_err(malformed)?;
            Ok(params.name)
        }
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> ScopePolicy {
        ScopePolicy::new("mcp:read")
            .tool("get_time", "mcp:read")
            .tool("write_note", "mcp:read mcp:write")
            .implies("mcp:admin", "mcp:write")
    }

    fn call(tool: &str) -> Vec<u8> {
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{"name":"x"}}}}}}"#)
            .into_bytes()
    }

    #[test]
    fn a_tool_is_called_only_with_its_scope() {
        let read = Scopes::parse("mcp:read");
        assert_eq!(policy().check_body(&read, &call("get_time")), Ok(()));
        assert_eq!(
            policy().check_body(&Scopes::parse("mcp:readonly other"), &call("get_time")),
            Err(Refusal::insufficient_scope(read))
        );
    }

    #[test]
    fn a_refusal_names_all_scopes_of_the_operation() {
        let all = Scopes::parse("mcp:read mcp:write");
        let refused = policy().check_body(&Scopes::parse("mcp:read"), &call("write_note"));
        assert_eq!(refused, Err(Refusal::insufficient_scope(all)));
    }

    #[test]
    fn a_broad_scope_implies_the_narrow_one() {
        let granted = Scopes::parse("mcp:read mcp:admin");
        assert_eq!(policy().check_body(&granted, &call("write_note")), Ok(()));
        assert!(policy().grants_everything(&granted));
        assert!(!policy().grants_everything(&Scopes::parse("mcp:read")));
    }

    #[test]
    fn what_needs_no_scope_passes() {
        for body in [
            &br#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#[..],
            br#"{"method":"tools/call","params":{"name":"unknown"}}"#,
        ] {
            assert_eq!(policy().check_body(&Scopes::default(), body), Ok(()));
        }
        let always = policy().every_request("mcp:base");
        assert!(always.check_request(&Scopes::default()).is_err());
        assert!(always.check_request(&Scopes::parse("mcp:base")).is_ok());
    }

    #[test]
    fn an_ambiguous_body_is_refused() {
        let bodies = [
            r#"{"method":"tools/list","method":"tools/call","params":{"name":"write_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"get_time","name":"write_note"}}"#,
            r#"{"method":"tools/call","params":{"name":"get_time"},"params":{"name":"write_note"}}"#,
            r#"[{"method":"tools/call","params":{"name":"write_note"}}]"#,
            "not json",
            "",
        ];
        for body in bodies {
            let refused = policy().check_body(&Scopes::parse("mcp:read"), body.as_bytes());
            assert_eq!(refused, Err(Reason::BodyMalformed.into()), "{body}");
        }
        let escaped = br#"{"meth\u006fd":"tools/call","params":{"n\u0061me":"write\u005fnote"}}"#;
        assert!(policy().check_body(&Scopes::parse("mcp:read"), escaped).is_err());
    }

    #[test]
    fn scopes_are_a_set() {
        let scopes = Scopes::parse(" b  a b ");
        assert_eq!(scopes.to_string(), "b a");
        assert!(scopes.contains("a") && !scopes.contains(""));
    }
}
