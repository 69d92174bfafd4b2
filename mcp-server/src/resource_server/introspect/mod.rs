//! Token introspection (RFC 7662) for what cannot be judged locally: when the issuer is asked, how often,
//! and what is remembered of its answers.

mod assertion;
mod breaker;
mod budget;
mod client;
pub(crate) mod token_information;

use std::str::FromStr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use moka::sync::Cache;
use tokio::sync::{Mutex, OwnedMutexGuard};
use verification_keys::claims::Claims;

pub use assertion::{AssertionKey, InvalidAssertionKey};
pub use client::{AuthenticationMethod, Credentials, InvalidMethod, Proof, Secret};

pub(super) use client::IntrospectionEndpoint;
#[cfg(any(test, fuzzing))]
pub(super) use client::fuzz_is_active;

use breaker::Breaker;
use budget::{Budget, Permit};
use client::Reply;

use super::challenge::{Reason, Refusal};
use super::metrics::{IntrospectionMeter, Outcome};
use super::verdicts::TokenHash;

/// How many tokens are remembered as refused.
const REFUSED_TOKENS: u64 = 10_000;
/// How many tokens can have callers waiting for one answer.
const WAITED_FOR: u64 = 1_024;
/// When a caller may come back after an answer that never came, in seconds.
const RETRY_AFTER: u32 = 5;

/// `MCP_RESOURCE_INTROSPECT`: when the issuer is asked about a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntrospectionMode {
    /// Never.
    Never,
    /// Where local verification cannot reach a verdict; a local *no* is final.
    Fallback,
    /// There, and to confirm each locally good token, so that a revocation is seen.
    Always,
}

impl IntrospectionMode {
    /// The word of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Fallback => "fallback",
            Self::Always => "always",
        }
    }
}

impl FromStr for IntrospectionMode {
    type Err = InvalidMode;

    fn from_str(word: &str) -> Result<Self, InvalidMode> {
        [Self::Never, Self::Fallback, Self::Always].into_iter().find(|mode| mode.as_str() == word).ok_or(InvalidMode)
    }
}

/// The word is none of `never`, `fallback` and `always`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of fallback, never, always")]
pub struct InvalidMode;

/// Whom to ask, as whom, and how long to believe it.
#[derive(Clone, Debug)]
pub struct IntrospectionOptions {
    /// When to ask.
    pub mode: IntrospectionMode,
    /// As whom; without credentials nobody is asked.
    pub credentials: Option<Credentials>,
    /// How long an answer is believed.
    pub cache: SignedDuration,
}

/// Why the issuer is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// To confirm a token that is good by its signature: no budget, a stranger cannot make such tokens.
    Confirm,
    /// A JWT whose key is not known here.
    Jwt,
    /// A token that is no JWT.
    Opaque,
}

/// Asks one issuer about tokens.
#[derive(Debug)]
pub(super) struct Introspector {
    endpoint: IntrospectionEndpoint,
    credentials: Credentials,
    budget: Budget,
    breaker: Breaker,
    refused: Cache<TokenHash, (Timestamp, Refusal)>,
    turns: Cache<TokenHash, Arc<Mutex<()>>>,
    cache: SignedDuration,
    meter: IntrospectionMeter,
}

impl Introspector {
    pub(super) fn new(
        endpoint: IntrospectionEndpoint,
        credentials: Credentials,
        cache: SignedDuration,
        meter: IntrospectionMeter,
    ) -> Self {
        Self {
            endpoint,
            credentials,
            budget: Budget::default(),
            breaker: Breaker::default(),
            refused: Cache::new(REFUSED_TOKENS),
            turns: Cache::new(WAITED_FOR),
            cache,
            meter,
        }
    }

    /// Waits until nobody else is asking about this token.
    pub(super) async fn turn(&self, hash: TokenHash) -> OwnedMutexGuard<()> {
        self.turns.get_with(hash, Arc::default).lock_owned().await
    }

    /// Until when an answer of `now` is believed.
    pub(super) fn believed_until(&self, now: Timestamp) -> Timestamp {
        now.saturating_add(self.cache).unwrap_or(now)
    }

    /// The claims of an active token.
    ///
    /// # Errors
    /// [`Reason::TokenInactive`], or that no answer could be had.
    pub(super) async fn ask(
        &self,
        (token, hash): (&str, TokenHash),
        question: Question,
        now: Timestamp,
    ) -> Result<Claims, Refusal> {
        if let Some((until, refusal)) = self.refused.get(&hash)
            && now < until
        {
            self.meter.count(Outcome::Remembered);
            return Err(refusal);
        }
        let closed = |seconds| Refusal::retry_after(Reason::IntrospectionUnavailable, seconds);
        self.breaker.check(now).map_err(|seconds| {
            self.meter.count(Outcome::BreakerOpen);
            closed(seconds)
        })?;
        let _permit = self.permit(question, now)?;
        let reply = self.endpoint.introspect(&self.credentials, token, now).await;
        self.meter.count(reply.outcome());
        match reply {
            Reply::Active(claims) => {
                self.breaker.succeeded();
                Ok(*claims)
            }
            Reply::Refused(reason) => {
                self.breaker.succeeded();
                Err(self.remember(hash, reason.into(), now))
            }
            Reply::Declined => {
                self.breaker.succeeded();
                Err(closed(RETRY_AFTER))
            }
            Reply::Failed { retry_after } => {
                self.breaker.failed(now);
                Err(closed(retry_after.unwrap_or(RETRY_AFTER)))
            }
        }
    }

    /// Keeps a final *no*, so that the same token is not asked about again.
    pub(super) fn remember(&self, hash: TokenHash, refusal: Refusal, now: Timestamp) -> Refusal {
        self.refused.insert(hash, (self.believed_until(now), refusal.clone()));
        refusal
    }

    fn permit(&self, question: Question, now: Timestamp) -> Result<Option<Permit<'_>>, Refusal> {
        let over = match question {
            Question::Confirm => return Ok(None),
            // 401: a token under an unknown key is most likely not of this issuer.
            Question::Jwt => Refusal::new(Reason::IntrospectionBudget),
            Question::Opaque => Refusal::retry_after(Reason::IntrospectionBusy, 1),
        };
        let permit = self.budget.take(now);
        if permit.is_none() {
            self.meter.count(Outcome::OverBudget);
        }
        permit.map(Some).ok_or(over)
    }
}
