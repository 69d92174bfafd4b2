//! The proof that a request was authorized. Made only by the verifier; handlers take it as an axum
//! extractor, rmcp tools and prompts as an argument (feature `rmcp`).

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
#[cfg(feature = "rmcp")]
use rmcp::ErrorData;
#[cfg(feature = "rmcp")]
use rmcp::handler::server::common::{AsRequestContext, FromContextPart};
use serde_json::Value;

use super::scope::Scopes;

/// A verified access token. Cheap to clone; holds the claims, never the token itself.
#[derive(Clone, Debug)]
pub struct AccessToken(Arc<Verified>);

/// The claims of a verified token.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) issuer: Arc<str>,
    pub(super) subject: Option<String>,
    pub(super) client_id: Option<String>,
    pub(super) scopes: Scopes,
    pub(super) audience: Vec<String>,
    pub(super) expires_at: Option<Timestamp>,
    pub(super) token_id: Option<String>,
    pub(super) authenticated_at: Option<Timestamp>,
    /// A list: a map would cost half a kilobyte for each token that is kept.
    pub(super) others: Box<[(Box<str>, Value)]>,
}

impl AccessToken {
    pub(super) fn new(verified: Verified) -> Self {
        Self(Arc::new(verified))
    }

    /// `iss`: who issued it.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// `sub`: for whom; always there in a JWT, may be absent in an introspected opaque token.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The client that uses it, from the claim that the issuer's preset names.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.client_id.as_deref()
    }

    /// What it allows.
    #[must_use]
    pub fn scopes(&self) -> &Scopes {
        &self.0.scopes
    }

    /// `aud`: the resources that it was issued for; may be empty when `aud` is not checked.
    #[must_use]
    pub fn audience(&self) -> &[String] {
        &self.0.audience
    }

    /// `exp`: always there in a JWT.
    #[must_use]
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.0.expires_at
    }

    /// `jti`, if any.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.0.token_id.as_deref()
    }

    /// `auth_time`: when the person signed in, if the issuer says so.
    #[must_use]
    pub fn authenticated_at(&self) -> Option<Timestamp> {
        self.0.authenticated_at
    }

    /// Any claim that has no method of its own, as the issuer wrote it: `email`, `auth_time`, `groups` ...
    #[must_use]
    pub fn claim(&self, name: &str) -> Option<&Value> {
        self.0.others.iter().find(|(claim, _)| **claim == *name).map(|(_, value)| value)
    }
}

impl<S: Sync> FromRequestParts<S> for AccessToken {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        // Only a route outside the layer gets here without a token: closed, never open.
        let token = parts.extensions.get::<Self>().cloned();
        token.ok_or((StatusCode::INTERNAL_SERVER_ERROR, "route is not protected"))
    }
}

/// Tools and prompts take it as an argument: `async fn whoami(&self, token: AccessToken) -> String`.
#[cfg(feature = "rmcp")]
impl<C: AsRequestContext> FromContextPart<C> for AccessToken {
    fn from_context_part(context: &mut C) -> Result<Self, ErrorData> {
        let extensions = &context.as_request_context().extensions;
        let token = extensions.get::<Self>().or_else(|| extensions.get::<Parts>()?.extensions.get());
        token.cloned().ok_or_else(|| ErrorData::internal_error("the MCP endpoint is not protected", None))
    }
}
