//! What a visitor can have done: each errand is one thing that the terminal's client can do too, and leaves what came of
//! it on the page.

use rmcp::model::{JsonObject, Prompt, Resource, ResourceTemplate, Tool};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use super::{Way, flaw::Flaw};
use crate::{
    app::{App, AppError},
    commands::show,
    mcp::McpError,
    oauth::{exchange::Answer, sign_in::Held},
};

/// Something to do.
#[derive(Debug)]
pub(super) enum Errand {
    SignIn(Way),
    Fetch,
    Call { tool: String, arguments: Option<JsonObject> },
    Read { uri: String },
    Prompt { name: String, arguments: Option<JsonObject> },
    Try { flaw: Flaw, tool: String },
    SignOut,
}

/// What the page shows besides the steps.
#[derive(Default)]
pub(super) struct View {
    pub(super) way: Way,
    pub(super) held: Option<Held>,
    pub(super) catalog: Option<Catalog>,
    pub(super) shown: Option<Shown>,
    pub(super) problem: Option<String>,
    /// What was last typed into the form of a tool or prompt.
    pub(super) drafts: BTreeMap<String, BTreeMap<String, String>>,
    /// What a person is sent to the authorization server for.
    pub(super) purpose: String,
}

/// What the server offers.
#[derive(Default)]
pub(super) struct Catalog {
    pub(super) tools: Vec<Tool>,
    pub(super) resources: Vec<Resource>,
    pub(super) templates: Vec<ResourceTemplate>,
    pub(super) prompts: Vec<Prompt>,
}

/// What came of the last errand.
pub(super) enum Shown {
    /// Text of the server, with what it is.
    Text { title: String, text: String, failed: bool },
    /// The answer to a token with a flaw, unedited.
    Trial { flaw: Flaw, answer: Box<Answer> },
    /// A trial that cannot be made here, and why.
    NoTrial { flaw: Flaw },
    /// A sentence.
    Said(&'static str),
}

impl Errand {
    /// Does it, and leaves what came of it in `view`.
    pub(super) async fn run(self, app: &mut App, view: &Mutex<View>) {
        let outcome = self.outcome(app).await;
        let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(self, Self::SignOut) {
            *view = View { way: view.way, ..View::default() };
        } else if let Some(held) = app.held() {
            view.held = Some(held.clone());
        }
        match outcome {
            Ok(Outcome::Catalog(catalog)) => view.catalog = Some(catalog),
            Ok(Outcome::Shown(shown)) => view.shown = Some(shown),
            Err(error) => view.problem = Some(error.to_string()),
        }
    }

    async fn outcome(&self, app: &mut App) -> Result<Outcome, AppError> {
        Ok(match self {
            Self::SignIn(_) => {
                app.login(false).await?;
                Outcome::Shown(Shown::Said("You are signed in."))
            }
            Self::Fetch => {
                let tools = app.tools().await?;
                let (resources, templates) = offered(app.resources().await)?;
                let prompts = offered(app.prompts().await)?;
                Outcome::Catalog(Catalog { tools, resources, templates, prompts })
            }
            Self::Call { tool, arguments } => {
                let result = app.call(tool, arguments.as_ref()).await?;
                let failed = result.is_error == Some(true);
                Outcome::text(format!("Answer of {tool}"), show::result(&result), failed)
            }
            Self::Read { uri } => {
                let read = app.read(uri).await?;
                Outcome::text(format!("Content of {uri}"), show::contents(&read), false)
            }
            Self::Prompt { name, arguments } => {
                let prompt = app.prompt(name, arguments.as_ref()).await?;
                Outcome::text(format!("Prompt {name}"), show::to_json(&prompt.messages), false)
            }
            Self::Try { flaw, tool } => Outcome::Shown(match flaw.token(app).await? {
                Some(token) => Shown::Trial { flaw: *flaw, answer: Box::new(app.call_with(&token, tool).await?) },
                None => Shown::NoTrial { flaw: *flaw },
            }),
            Self::SignOut => {
                app.sign_out().await?;
                Outcome::Shown(Shown::Said("You are signed out: the token was given back and is forgotten."))
            }
        })
    }

    /// Why the visitor may be sent away meanwhile.
    fn purpose(&self) -> String {
        match self {
            Self::Call { tool, .. } => format!("The tool {tool} needs more than you allowed so far."),
            Self::Read { uri } => format!("To read {uri} needs more than you allowed so far."),
            Self::Prompt { name, .. } => format!("The prompt {name} needs more than you allowed so far."),
            Self::SignIn(_) | Self::Fetch | Self::Try { .. } | Self::SignOut => {
                "The MCP server wants to know who you are.".to_owned()
            }
        }
    }
}

impl View {
    /// Makes room for what `errand` will lead to.
    pub(super) fn begin(&mut self, errand: &Errand) {
        (self.shown, self.problem) = (None, None);
        self.purpose = errand.purpose();
        if let Errand::SignIn(way) = errand {
            *self = Self { way: *way, purpose: errand.purpose(), ..Self::default() };
        }
    }
}

enum Outcome {
    Catalog(Catalog),
    Shown(Shown),
}

impl Outcome {
    const fn text(title: String, text: String, failed: bool) -> Self {
        Self::Shown(Shown::Text { title, text, failed })
    }
}

/// What a server does not have, it answers with an error; here that is an empty list.
fn offered<T: Default>(listed: Result<T, AppError>) -> Result<T, AppError> {
    match listed {
        Err(AppError::Mcp(McpError::Refused { code: -32601, .. })) => Ok(T::default()),
        listed => listed,
    }
}
