//! What each operation needs, and whether a token grants it. Decided before the MCP service runs, because
//! a JSON-RPC error cannot become an HTTP 403 (MCP authorization, "Runtime Insufficient Scope Errors").

mod hierarchy;
mod operation;
mod requirement;
#[cfg(test)]
mod tests;
mod uri_template;

use std::collections::HashMap;

use jiff::Timestamp;

pub(super) use operation::Operation;
pub use requirement::{Requirement, Scopes};

use super::access_token::AccessToken;
use super::challenge::Refusal;
use hierarchy::Hierarchy;
use uri_template::UriTemplate;

/// What each tool, prompt and resource needs, and which broad scope implies which narrow ones.
///
/// ```
/// use std::time::Duration;
/// use mcp_server::resource_server::{Requirement, ScopePolicy};
///
/// let scopes = ScopePolicy::new("mcp:read")
///     .tool("get_time", "mcp:read")
///     .tool("delete_all", Requirement::scopes("mcp:write").max_age(Duration::from_mins(5)))
///     .prompt("summarize", "mcp:read")
///     .resource("user://profile", "mcp:read")
///     .template("user://notes/{note_id}", "mcp:read notes")
///     .otherwise("mcp:read")
///     .implies("mcp:admin", "mcp:write")
///     .implies("mcp:write", "mcp:read");
/// # let _ = scopes;
/// ```
#[derive(Clone, Debug, Default)]
pub struct ScopePolicy {
    challenge: Scopes,
    every_request: Requirement,
    tools: HashMap<String, Requirement>,
    prompts: HashMap<String, Requirement>,
    resources: Vec<(UriTemplate, Requirement)>,
    otherwise: Requirement,
    hierarchy: Hierarchy,
    everything: Requirement,
}

impl ScopePolicy {
    /// `challenge` is what a 401 asks for and what the metadata lists: the least that is useful.
    #[must_use]
    pub fn new(challenge: &str) -> Self {
        Self { challenge: Scopes::parse(challenge), ..Self::default() }
    }

    /// `tools/call` of `tool` needs this.
    #[must_use]
    pub fn tool(mut self, tool: &str, needs: impl Into<Requirement>) -> Self {
        let needs = self.noted(needs);
        self.tools.insert(tool.to_owned(), needs);
        self
    }

    /// `prompts/get` of `prompt` needs this.
    #[must_use]
    pub fn prompt(mut self, prompt: &str, needs: impl Into<Requirement>) -> Self {
        let needs = self.noted(needs);
        self.prompts.insert(prompt.to_owned(), needs);
        self
    }

    /// Reading the resource with exactly this URI, and subscribing to it, needs this.
    ///
    /// Once any resource or template is named, a URI that fits none of them needs what all of them need
    /// together: another spelling of a URI never needs less than the one that was meant.
    #[must_use]
    pub fn resource(mut self, uri: &str, needs: impl Into<Requirement>) -> Self {
        let needs = self.noted(needs);
        self.resources.push((UriTemplate::exact(uri), needs));
        self
    }

    /// The same for all URIs of a template, as in `user://notes/{note_id}`; `{…}` is any text without a
    /// slash. Where several fit, all of them count.
    #[must_use]
    pub fn template(mut self, template: &str, needs: impl Into<Requirement>) -> Self {
        let needs = self.noted(needs);
        self.resources.push((UriTemplate::parse(template), needs));
        self
    }

    /// What tools, prompts and resources need that are not named; nothing unless it is said.
    #[must_use]
    pub fn otherwise(mut self, needs: impl Into<Requirement>) -> Self {
        self.otherwise = self.noted(needs);
        self
    }

    /// Each request needs this, whatever it asks for.
    #[must_use]
    pub fn every_request(mut self, needs: impl Into<Requirement>) -> Self {
        self.every_request = self.noted(needs);
        self
    }

    /// Whoever has `broad` has `narrow` as well, and what `narrow` implies in turn.
    #[must_use]
    pub fn implies(mut self, broad: &str, narrow: &str) -> Self {
        self.hierarchy.add(broad, narrow);
        self
    }

    /// Whether something is said about `tool`.
    #[must_use]
    pub fn has_tool(&self, tool: &str) -> bool {
        self.tools.contains_key(tool)
    }

    /// Whether something is said about `prompt`.
    #[must_use]
    pub fn has_prompt(&self, prompt: &str) -> bool {
        self.prompts.contains_key(prompt)
    }

    /// What a 401 asks for.
    #[must_use]
    pub const fn challenge(&self) -> &Scopes {
        &self.challenge
    }

    /// Whether `token` has the scopes to call `tool`, for a `tools/list` that hides the others. A list made
    /// with it is for this token only: its `cacheScope` is `private`.
    #[must_use]
    pub fn allows_tool(&self, token: &AccessToken, tool: &str) -> bool {
        let needs = [&self.every_request, self.tools.get(tool).unwrap_or(&self.otherwise)];
        needs.into_iter().all(|needs| self.has_scopes(token, needs))
    }

    /// Whether no operation at all could be refused, so that the body need not be read.
    pub(super) fn grants_everything(&self, token: &AccessToken) -> bool {
        self.everything.max_age.is_none() && self.has_scopes(token, &self.everything)
    }

    /// Checks what is needed whatever the request asks for.
    pub(super) fn check_request(&self, token: &AccessToken, now: Timestamp) -> Result<(), Refusal> {
        self.check(token, &self.every_request, now)
    }

    /// Checks what a request asks for. A refusal names all scopes of it, those for every request included.
    pub(super) fn check_operations(
        &self,
        token: &AccessToken,
        operations: &[Operation<'_>],
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let all = operations.iter().fold(self.every_request.clone(), |all, operation| self.needs(all, operation));
        self.check(token, &all, now)
    }

    /// Scopes first: a new sign-in would not help a token that lacks one.
    pub(super) fn check(&self, token: &AccessToken, needs: &Requirement, now: Timestamp) -> Result<(), Refusal> {
        if !self.has_scopes(token, needs) {
            return Err(Refusal::insufficient_scope(needs.scopes.clone()));
        }
        match needs.exceeded_age(token, now) {
            Some(age) => Err(Refusal::insufficient_user_authentication(age, needs.scopes.clone())),
            None => Ok(()),
        }
    }

    fn has_scopes(&self, token: &AccessToken, needs: &Requirement) -> bool {
        needs.scopes.iter().all(|scope| self.hierarchy.grants(token.scopes(), scope))
    }

    fn needs(&self, all: Requirement, operation: &Operation<'_>) -> Requirement {
        let named = |rules: &HashMap<String, Requirement>, name: &str| {
            all.clone().and(rules.get(name).unwrap_or(&self.otherwise))
        };
        match operation {
            Operation::Tool(name) => named(&self.tools, name),
            Operation::Prompt(name) => named(&self.prompts, name),
            Operation::Resource(uri) => self.needs_of_resource(all, uri),
        }
    }

    fn needs_of_resource(&self, all: Requirement, uri: &str) -> Requirement {
        let mut fitting = self.resources.iter().filter(|(template, _)| template.matches(uri)).peekable();
        if fitting.peek().is_some() {
            return fitting.fold(all, |all, (_, needs)| all.and(needs));
        }
        self.resources.iter().fold(all.and(&self.otherwise), |all, (_, needs)| all.and(needs))
    }

    fn noted(&mut self, needs: impl Into<Requirement>) -> Requirement {
        let needs = needs.into();
        self.everything = std::mem::take(&mut self.everything).and(&needs);
        needs
    }
}
