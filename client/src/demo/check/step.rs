//! The steps of the check by name, what each one reports, and how a failed one is named.

use std::{fmt, io};

use crate::{
    demo::{browser::BrowserError, servers::ServerError},
    oauth::{exchange::ExchangeError, pkce::RandomnessFailed},
};

/// One step; its name is printed before what was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The two servers answer.
    Start,
    /// A request without a token is challenged (RFC 6750 §3, RFC 9728 §5.1).
    Challenge,
    /// Protected resource metadata (RFC 9728).
    ResourceMetadata,
    /// Authorization server metadata (RFC 8414).
    IssuerMetadata,
    /// No authorization request without S256 (RFC 7636 §4.4.1).
    PkceDemanded,
    /// No code without the person's yes.
    Consent,
    /// `iss` in every authorization response (RFC 9207).
    ResponseIssuer,
    /// The wrong verifier is refused, the right one is not (RFC 7636 §4.6).
    PkceVerified,
    /// Header and claims of the token (RFC 9068).
    Token,
    /// The MCP server has the token's key.
    KeyFetched,
    /// The call itself.
    Call,
    /// One bit of the signature flipped.
    Signature,
    /// A string that is no token.
    Opaque,
    /// One more flow in the same browser.
    FurtherToken,
    /// A token for another resource, strict.
    Audience,
    /// The same with `MCP_RESOURCE_OAUTH_STRICT=false`.
    AudienceOff,
    /// The same with `MCP_RESOURCE_OAUTH_STRICT=observe`.
    AudienceObserved,
    /// The authorization server is gone.
    WithoutIssuer,
}

impl Step {
    /// The name printed and named by a failure.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Challenge => "challenge",
            Self::ResourceMetadata => "resource metadata",
            Self::IssuerMetadata => "issuer metadata",
            Self::PkceDemanded => "PKCE demanded",
            Self::Consent => "consent",
            Self::ResponseIssuer => "iss in the answer",
            Self::PkceVerified => "PKCE verified",
            Self::Token => "token",
            Self::KeyFetched => "key fetched",
            Self::Call => "call",
            Self::Signature => "signature",
            Self::Opaque => "opaque token",
            Self::FurtherToken => "further token",
            Self::Audience => "audience, strict",
            Self::AudienceOff => "audience, false",
            Self::AudienceObserved => "audience, observe",
            Self::WithoutIssuer => "authz stopped",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a step hands to the next ones, and the line a person reads.
pub struct Seen<T> {
    /// One line.
    pub line: String,
    /// For later steps.
    pub value: T,
}

impl<T> Seen<T> {
    /// Both together.
    #[must_use]
    pub fn new(line: impl Into<String>, value: T) -> Self {
        Self { line: line.into(), value }
    }
}

/// What a step returns.
pub type Outcome<T> = Result<Seen<T>, Problem>;

/// Why a step failed.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    /// A server did not answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// A page is not what a person would need.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// A process did not start or stop.
    #[error(transparent)]
    Server(#[from] ServerError),
    /// No random numbers.
    #[error(transparent)]
    Randomness(#[from] RandomnessFailed),
    /// Something else was seen than what the rule asks.
    #[error("expected {expected}, saw {seen}")]
    Unexpected {
        /// What the rule asks.
        expected: String,
        /// What there was.
        seen: String,
    },
}

impl Problem {
    /// The usual problem: a rule that was not kept.
    #[must_use]
    pub fn unexpected(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self::Unexpected { expected: expected.into(), seen: seen.into() }
    }
}

/// Goes on only when `holds`.
///
/// # Errors
/// [`Problem::Unexpected`] otherwise.
pub fn expect(holds: bool, expected: &str, seen: impl fmt::Display) -> Result<(), Problem> {
    if holds { Ok(()) } else { Err(Problem::unexpected(expected, seen.to_string())) }
}

/// The check ended here.
#[derive(Debug, thiserror::Error)]
#[error("step \"{step}\" failed: {problem}")]
pub struct StepFailed {
    /// Which step.
    pub step: Step,
    /// Why.
    #[source]
    pub problem: Problem,
}

/// Prints each step as it ends.
pub struct Narrator<W> {
    out: W,
}

impl<W: io::Write> Narrator<W> {
    /// Prints to `out`.
    pub const fn new(out: W) -> Self {
        Self { out }
    }

    /// Waits for a step, prints what it saw, and hands on its value.
    ///
    /// # Errors
    /// The step's problem, under its name.
    pub async fn step<T>(&mut self, step: Step, run: impl Future<Output = Outcome<T>>) -> Result<T, StepFailed> {
        let seen = run.await.map_err(|problem| StepFailed { step, problem })?;
        // A closed pipe must not end the check: its exit code counts.
        let _ = writeln!(self.out, "{step:<18} {}", seen.line);
        Ok(seen.value)
    }
}
