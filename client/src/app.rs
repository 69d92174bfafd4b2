//! A server and the person: sessions are opened when needed, and a 401 leads to one new sign-in, never to a loop.

use reqwest::Client;
use rmcp::model::{CallToolResult, JsonObject, Tool};

use crate::{
    mcp::{McpError, Session},
    oauth::{
        challenge::BearerChallenge,
        discovery::{self, Probe},
        exchange::ExchangeError,
        sign_in::{Reuse, SignIn, SignInError},
    },
};

/// One MCP server, with a session once there is one.
#[derive(Debug)]
pub struct App {
    /// For MCP requests: follows no redirect, and waits longer than for sign-ins.
    http: Client,
    sign_in: SignIn,
    session: Option<Session>,
}

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
    StillUnauthorized(BearerChallenge),
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
            Self::Mcp(McpError::Refused { .. } | McpError::Protocol(_)) => Exit::Tool,
        }
    }
}

fn described(challenge: &BearerChallenge) -> String {
    challenge.error_description.as_ref().map(|words| format!(": {words}")).unwrap_or_default()
}

impl App {
    /// Nothing is sent before the first command. `http` must not follow redirects.
    #[must_use]
    pub const fn new(http: Client, sign_in: SignIn) -> Self {
        Self { http, sign_in, session: None }
    }

    /// Signs in, if that is needed, and opens a session.
    ///
    /// # Errors
    /// See [`AppError`].
    pub async fn connect(&mut self) -> Result<(), AppError> {
        self.run(async |_session| Ok(())).await
    }

    /// The URL of the server.
    #[must_use]
    pub fn server(&self) -> &str {
        self.sign_in.settings.server.as_str()
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

    /// Forgets the token for this server and the registration made for it.
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

    /// Ends the session, if there is one.
    pub async fn close(&mut self) {
        if let Some(session) = self.session.take() {
            session.close().await;
        }
    }

    async fn run<T>(&mut self, action: impl AsyncFn(&Session) -> Result<T, McpError>) -> Result<T, AppError> {
        match self.attempt(None, &action).await {
            Err(AppError::Mcp(McpError::Unauthorized(challenge))) => self.attempt(Some(&challenge), &action).await,
            outcome => outcome,
        }
    }

    /// Runs `action` in the open session or in a new one; after a refusal with a new sign-in.
    async fn attempt<T>(
        &mut self,
        refused: Option<&BearerChallenge>,
        action: &impl AsyncFn(&Session) -> Result<T, McpError>,
    ) -> Result<T, AppError> {
        let (session, token) = match self.session.take() {
            Some(session) if refused.is_none() => (session, Token::Older),
            _ => self.new_session(refused).await?,
        };
        let outcome = action(&session).await;
        match outcome {
            Err(McpError::Unauthorized(challenge)) if token == Token::Fresh => {
                Err(AppError::StillUnauthorized(challenge))
            }
            Err(error @ (McpError::Unauthorized(_) | McpError::Unreachable(_) | McpError::Protocol(_))) => {
                Err(error.into())
            }
            outcome => {
                self.session = Some(session);
                Ok(outcome?)
            }
        }
    }

    async fn new_session(&self, refused: Option<&BearerChallenge>) -> Result<(Session, Token), AppError> {
        let (challenge, reuse) = match refused {
            Some(challenge) => (challenge.clone(), Reuse::Never),
            None => match self.probe().await? {
                Probe::Challenged(challenge) => (challenge, Reuse::Kept),
                Probe::Open => return Ok((self.open(None).await?, Token::Fresh)),
            },
        };
        let held = self.sign_in.access_token(&challenge, reuse).await?;
        let token = if held.kept { Token::Older } else { Token::Fresh };
        match self.open(Some(&held.token)).await {
            Err(McpError::Unauthorized(challenge)) if token == Token::Fresh => {
                Err(AppError::StillUnauthorized(challenge))
            }
            opened => Ok((opened?, token)),
        }
    }

    async fn open(&self, token: Option<&crate::oauth::token::AccessToken>) -> Result<Session, McpError> {
        Session::open(&self.http, &self.sign_in.settings.server, token).await
    }

    async fn probe(&self) -> Result<Probe, ExchangeError> {
        discovery::probe(&self.sign_in.http, &self.sign_in.settings.server).await
    }
}

/// How old the token of a session is; a fresh one that is refused is not worth another sign-in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Fresh,
    Older,
}

#[cfg(test)]
mod tests;
