//! A server and the person: sessions are opened when needed, tokens renewed before they end; a 401 leads to another
//! token, a 403 about scope to a step-up (MCP authorization "Scope Challenge Handling"), and nothing to a loop.

use std::time::Duration;

use rmcp::model::{CallToolResult, JsonObject, Tool};

use crate::{
    flow::Wire,
    mcp::{Era, Forms, Greeting, McpError, Session},
    oauth::{
        challenge::BearerChallenge,
        discovery::{self, Probe},
        exchange::ExchangeError,
        registration::metadata_document,
        sign_in::{Held, Reuse, SignIn, SignInError},
        token::AccessToken,
        token_store::in_time,
    },
    servers::Program,
};

mod catalog;
mod trial;

/// One MCP server, with a session once there is one.
#[derive(Debug)]
pub struct App {
    /// For MCP requests: follows no redirect, and waits longer than for sign-ins.
    http: Wire,
    /// For asking the server whether it wants a token, where that takes other headers than signing in.
    prober: Option<Wire>,
    sign_in: SignIn,
    /// Instead of HTTP.
    program: Option<Program>,
    session: Option<Open>,
    /// The era in it is what the server was found to be; asked anew after a failure.
    greeting: Greeting,
    patience: Duration,
}

/// An open session, and the token that it sends, if the server asks for one.
#[derive(Debug)]
struct Open {
    session: Session,
    held: Option<Box<Held>>,
}

impl Open {
    /// A token that was taken once is not new any more: when it is refused later, another one is worth asking for.
    fn used(mut self) -> Self {
        if let Some(held) = &mut self.held {
            held.kept = true;
        }
        self
    }
}

/// Longest that one command waits for the server, with all its pages, streams and streams asked for again.
const PATIENCE: Duration = Duration::from_mins(5);
/// Most sign-ins for more scope that one command may lead to.
const MAX_STEP_UPS: u8 = 3;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// The server did not answer at all.
    #[error(transparent)]
    Network(#[from] ExchangeError),
    /// Nobody signed in.
    #[error("not signed in: {0}")]
    SignIn(#[from] SignInError),
    /// A fresh token is refused as well.
    #[error("the server does not accept the token that was just issued for it{}. Its operator finds the reason in its log", described(.0))]
    StillUnauthorized(Box<BearerChallenge>),
    /// The server refused, or is not there.
    #[error(transparent)]
    Mcp(#[from] McpError),
}

/// What a process ends with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// A setting or an argument cannot be used.
    Usage = 2,
    /// Not signed in, or not allowed.
    NotAuthorized = 3,
    /// The server or the tool reported an error.
    Tool = 4,
    /// A server cannot be reached.
    Network = 5,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl AppError {
    /// The exit code for this error.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Network(_) | Self::Mcp(McpError::Unreachable(_) | McpError::Status(_)) => Exit::Network,
            Self::SignIn(error) if error.is_network() => Exit::Network,
            Self::SignIn(_)
            | Self::StillUnauthorized(_)
            | Self::Mcp(McpError::Unauthorized(_) | McpError::InsufficientScope { .. } | McpError::Forbidden(_)) => {
                Exit::NotAuthorized
            }
            Self::Mcp(McpError::Refused { .. } | McpError::Protocol(_) | McpError::Program(_)) => Exit::Tool,
        }
    }
}

fn described(challenge: &BearerChallenge) -> String {
    challenge.error_description.as_ref().map(|words| format!(": {words}")).unwrap_or_default()
}

impl App {
    /// Nothing is sent before the first command.
    #[must_use]
    pub const fn new(http: Wire, sign_in: SignIn) -> Self {
        Self {
            http,
            prober: None,
            sign_in,
            program: None,
            session: None,
            greeting: Greeting { era: Era::Newest, forms: Forms::NotOffered },
            patience: PATIENCE,
        }
    }

    /// The same for a server that is asked with `prober` whether it wants a token.
    #[must_use]
    pub fn probing_with(mut self, prober: Wire) -> Self {
        self.prober = Some(prober);
        self
    }

    /// The same for a server that is a program, if it is one.
    #[must_use]
    pub fn over(mut self, program: Option<Program>) -> Self {
        self.program = program;
        self
    }

    /// What becomes of forms that the server asks to have filled in.
    #[must_use]
    pub const fn with_forms(mut self, forms: Forms) -> Self {
        self.greeting.forms = forms;
        self
    }

    /// Signs in, if that is needed, and opens a session.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn connect(&mut self) -> Result<(), AppError> {
        self.run(async |_session| Ok(())).await
    }

    /// Where the server is, for people: its URL, or the command of the program.
    #[must_use]
    pub fn server(&self) -> String {
        let url = || self.sign_in.settings.server.as_str().to_owned();
        self.program.as_ref().map_or_else(url, Program::command_line)
    }

    /// Whether there is a session.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// The server's tools.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn tools(&mut self) -> Result<Vec<Tool>, AppError> {
        self.run(async |session| session.tools().await).await
    }

    /// Calls a tool.
    ///
    /// # Errors
    /// See [`AppError`]; a tool's own failure is a result.
    pub async fn call(&mut self, tool: &str, arguments: Option<&JsonObject>) -> Result<CallToolResult, AppError> {
        self.run(async |session| session.call(tool, arguments.cloned()).await).await
    }

    /// Gives the token for this server back, and forgets it and the registration made for it.
    ///
    /// # Errors
    /// When the server does not say whose token it is, or the files cannot be changed.
    pub async fn sign_out(&mut self) -> Result<(), AppError> {
        self.close().await;
        match self.probe().await? {
            Probe::Challenged(challenge) => Ok(self.sign_in.forget(&challenge).await?),
            Probe::Open => Ok(()),
        }
    }

    /// This client's metadata document, if the settings say where it is hosted.
    #[must_use]
    pub fn metadata_document(&self) -> Option<String> {
        let settings = &self.sign_in.settings;
        Some(metadata_document(settings.metadata_url.as_ref()?, &settings.redirect_uri))
    }

    /// Ends the session, if there is one.
    pub async fn close(&mut self) {
        if let Some(open) = self.session.take() {
            open.session.close().await;
        }
    }

    /// Runs `action`, signing in as often as the refusals call for and no oftener.
    async fn run<T>(&mut self, action: impl AsyncFn(&Session) -> Result<T, McpError>) -> Result<T, AppError> {
        self.run_from(Next::Kept, action).await
    }

    /// As [`Self::run`], with the token that `next` leads to first.
    async fn run_from<T>(
        &mut self,
        mut next: Next,
        action: impl AsyncFn(&Session) -> Result<T, McpError>,
    ) -> Result<T, AppError> {
        let mut step_ups = 0;
        // Each round leads to another token, and how many there can be is bounded by `step_ups` and by their freshness.
        loop {
            let (refused, held) = match self.attempt(&next, &action).await? {
                Attempt::Done(value) => return Ok(value),
                Attempt::Refused(refused, held) => (refused, held),
            };
            next = match (refused, held) {
                (McpError::Unauthorized(challenge), Some(held)) => after_401(*challenge, *held, &next)?,
                (McpError::InsufficientScope { needed, challenge }, Some(held))
                    if step_ups < MAX_STEP_UPS && !held.was_granted(&needed) =>
                {
                    step_ups += 1;
                    let scope =
                        held.requested_scope.as_ref().map_or_else(|| needed.clone(), |held| held.union(&needed));
                    Next::SignIn(BearerChallenge { scope: Some(scope), ..*challenge })
                }
                (refused, _) => return Err(refused.into()),
            };
        }
    }

    /// Runs `action` in the open session if its token is in time, else in a new one.
    async fn attempt<T>(
        &mut self,
        next: &Next,
        action: &impl AsyncFn(&Session) -> Result<T, McpError>,
    ) -> Result<Attempt<T>, AppError> {
        let now = self.sign_in.clock.now();
        let in_time = |open: &Open| open.held.as_ref().is_none_or(|held| in_time(held.expires_at, now));
        let open = match self.session.take().filter(in_time) {
            Some(open) if matches!(next, Next::Kept) => open,
            _ => match self.open(next).await? {
                Attempt::Done(open) => open,
                Attempt::Refused(refused, held) => return Ok(Attempt::Refused(refused, held)),
            },
        };
        match within(self.patience, Box::pin(action(&open.session))).await {
            Ok(value) => {
                self.session = Some(open.used());
                Ok(Attempt::Done(value))
            }
            Err(refused @ (McpError::Unauthorized(_) | McpError::InsufficientScope { .. })) => {
                Ok(Attempt::Refused(refused, open.held))
            }
            Err(error @ (McpError::Unreachable(_) | McpError::Protocol(_))) => Err(error.into()),
            Err(error) => {
                self.session = Some(open.used());
                Err(error.into())
            }
        }
    }

    /// Opens a session, with the token that `next` leads to.
    async fn open(&mut self, next: &Next) -> Result<Attempt<Open>, AppError> {
        let held = match next {
            Next::Kept => match self.probe().await? {
                Probe::Challenged(challenge) => Some(self.sign_in.access_token(&challenge, Reuse::Kept).await?),
                Probe::Open => None,
            },
            Next::Replace(challenge, refused) => {
                Some(self.sign_in.access_token(challenge, Reuse::Except(refused)).await?)
            }
            Next::SignIn(challenge) => Some(self.sign_in.access_token(challenge, Reuse::Never).await?),
        };
        let held = held.map(Box::new);
        let opened = within(self.patience, Box::pin(self.session(held.as_deref()))).await;
        self.greeting.era = opened.as_ref().map(Session::era).unwrap_or_default();
        match opened {
            // A session that needed a token to open has used it: it may be refused later for what happened meanwhile.
            Ok(session) => Ok(Attempt::Done(Open { session, held }.used())),
            Err(refused @ (McpError::Unauthorized(_) | McpError::InsufficientScope { .. })) => {
                Ok(Attempt::Refused(refused, held))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the server wants a token; a program is not asked, its entry says so.
    async fn probe(&self) -> Result<Probe, ExchangeError> {
        match &self.program {
            None => {
                let prober = self.prober.as_ref().unwrap_or(&self.sign_in.http);
                discovery::probe(prober, &self.sign_in.settings.server).await
            }
            Some(program) if !program.takes_token => Ok(Probe::Open),
            // Without an issuer that is known, the resource is asked for it.
            Some(_) if self.sign_in.settings.stated.issuer.is_none() => {
                discovery::probe(&self.sign_in.http, &self.sign_in.settings.server).await
            }
            Some(_) => Ok(Probe::Challenged(BearerChallenge::default())),
        }
    }

    async fn session(&self, held: Option<&Held>) -> Result<Session, McpError> {
        let token = held.map(|held| &held.token);
        if let Some(program) = &self.program {
            return Session::start(program, token, self.greeting.forms).await;
        }
        let wire = self.http.proving(held.and_then(|held| held.possession.clone()));
        Session::open_in(self.greeting, &wire, &self.sign_in.settings.server, token).await
    }
}

/// Ends what a server would draw out for ever, as by streams that it closes and has asked for again.
async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, McpError>>) -> Result<T, McpError> {
    let late = |_| Err(McpError::Unreachable(format!("no answer within {} s", patience.as_secs())));
    tokio::time::timeout(patience, work).await.unwrap_or_else(late)
}

/// What the next attempt is made with.
enum Next {
    /// The open session, or a new one with what is kept.
    Kept,
    /// Another token than the one that was refused; a renewed one will do.
    Replace(BearerChallenge, AccessToken),
    /// A new sign-in in the browser.
    SignIn(BearerChallenge),
}

/// What became of an attempt.
enum Attempt<T> {
    Done(T),
    /// The server refused for a reason that another token may mend; with the token it refused.
    Refused(McpError, Option<Box<Held>>),
}

/// After a 401: a new sign-in if the server wants a younger one, else another token; neither for a token that was just
/// issued for the same reason.
fn after_401(challenge: BearerChallenge, held: Held, made_for: &Next) -> Result<Next, AppError> {
    let asked_again = matches!(made_for, Next::SignIn(before) if before.wants_another_sign_in());
    if challenge.wants_another_sign_in() && !asked_again {
        let scope = match (&held.requested_scope, &challenge.scope) {
            (Some(held), Some(challenged)) => Some(held.union(challenged)),
            (held, challenged) => held.as_ref().or(challenged.as_ref()).cloned(),
        };
        return Ok(Next::SignIn(BearerChallenge { scope, ..challenge }));
    }
    match made_for {
        Next::Kept if held.kept => Ok(Next::Replace(challenge, held.token)),
        _ => Err(AppError::StillUnauthorized(Box::new(challenge))),
    }
}

#[cfg(test)]
mod tests;
