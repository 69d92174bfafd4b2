//! `POST /oauth2/token` (RFC 6749 §3.2, OAuth 2.1 §3.2): one pipeline for every grant, so that none can leave out a
//! step: authenticate the client, parse the grant, load, decide, commit, respond.

mod authorization_code;
mod issue;
mod own_access_token;
mod refresh_token;
#[cfg(test)]
mod tests;

pub use authorization_code::CodeRejected;
pub use issue::{ACCESS_TOKEN_TYPE, TokenResponse};
pub use own_access_token::OwnAccessToken;
pub use refresh_token::RefreshRejected;

use crate::{
    client_authentication::{AuthenticatedClient, AuthenticationFailed, authenticate},
    domain::Grant,
    form::{self, Form, NotAForm},
    protocol::{ErrorCode, GrantType, MalformedParameters, Parameters},
    services::Services,
    store::StoreError,
};
use authorization_code::CodeExchange;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use issue::Issuance;
use refresh_token::RefreshRequest;
use ring::error::Unspecified;
use std::sync::Arc;

/// Handles a token request.
///
/// # Errors
/// The request is refused, or something broke; nothing was issued.
pub async fn post(
    State(services): State<Arc<Services>>,
    form: Result<Form, NotAForm>,
) -> Result<TokenResponse, TokenError> {
    let form = form?;
    let client = authenticate(services.store.as_ref(), &form).await?;
    let grant_type = allowed_grant_type(&client, &form.parameters)?;
    let issuance = match grant_type {
        GrantType::AuthorizationCode => {
            let exchange = CodeExchange::parse(&form.parameters)?;
            authorization_code::redeem(&services, &client, &exchange).await?
        }
        GrantType::RefreshToken => {
            let request = RefreshRequest::parse(&form.parameters)?;
            refresh_token::refresh(&services, &client, &request).await?
        }
    };
    form.notes.subject(&issuance.grant.subject);
    form.notes.target(&issuance.grant.resource, &issuance.scope);
    let response = issue::issue(&services, &issuance, services.now())?;
    let Issuance { grant: Grant { subject, id, .. }, .. } = &issuance;
    let (client_id, grant_id, grant_type) = (client.id(), id.as_str(), grant_type.as_str());
    tracing::info!(%client_id, %subject, grant_id, grant_type, "token issued");
    Ok(response)
}

fn allowed_grant_type(client: &AuthenticatedClient, parameters: &Parameters) -> Result<GrantType, TokenError> {
    let word = parameters.once("grant_type")?.ok_or(TokenError::Missing("grant_type"))?;
    let grant_type = GrantType::parse(word).map_err(|_| TokenError::UnsupportedGrantType)?;
    let allowed = client.registration().grant_types.contains(&grant_type);
    if allowed { Ok(grant_type) } else { Err(TokenError::GrantTypeNotAllowed) }
}

/// Why there is no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// The request is not a form.
    #[error(transparent)]
    NotAForm(#[from] NotAForm),
    /// The client did not prove who it is.
    #[error(transparent)]
    Client(#[from] AuthenticationFailed),
    /// A parameter is repeated.
    #[error(transparent)]
    Malformed(#[from] MalformedParameters),
    /// A parameter is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The verifier is outside of RFC 7636 §4.1.
    #[error("code_verifier is malformed")]
    MalformedVerifier,
    /// Nobody can use this grant type here.
    #[error("unsupported grant type")]
    UnsupportedGrantType,
    /// This client may not use it.
    #[error("the client may not use this grant type")]
    GrantTypeNotAllowed,
    /// The code cannot be redeemed.
    #[error(transparent)]
    Code(#[from] CodeRejected),
    /// The refresh token is not taken.
    #[error(transparent)]
    Refresh(#[from] RefreshRejected),
    /// No randomness.
    #[error("the source of randomness failed")]
    Randomness(#[from] Unspecified),
    /// The token could not be made.
    #[error("the token could not be made")]
    Issue(#[from] issue::IssueError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl TokenError {
    const fn code(&self) -> ErrorCode {
        match self {
            Self::NotAForm(_) | Self::Malformed(_) | Self::Missing(_) | Self::MalformedVerifier => {
                ErrorCode::InvalidRequest
            }
            Self::Client(_) => ErrorCode::InvalidClient,
            Self::UnsupportedGrantType => ErrorCode::UnsupportedGrantType,
            Self::GrantTypeNotAllowed => ErrorCode::UnauthorizedClient,
            Self::Code(CodeRejected::ResourceMismatch) | Self::Refresh(RefreshRejected::ResourceMismatch) => {
                ErrorCode::InvalidTarget
            }
            Self::Refresh(RefreshRejected::ScopeWidened) => ErrorCode::InvalidScope,
            Self::Code(
                CodeRejected::Unknown
                | CodeRejected::ClientMismatch
                | CodeRejected::Expired
                | CodeRejected::Revoked
                | CodeRejected::RedirectUriMismatch
                | CodeRejected::VerifierMismatch
                | CodeRejected::Replayed,
            )
            | Self::Refresh(
                RefreshRejected::Unknown | RefreshRejected::Dead | RefreshRejected::Replaced | RefreshRejected::Reused,
            ) => ErrorCode::InvalidGrant,
            Self::Randomness(_) | Self::Issue(_) => ErrorCode::ServerError,
            Self::Store(_) => ErrorCode::TemporarilyUnavailable,
        }
    }

    /// What the client is told: a constant; the log gets the cause.
    const fn description(&self) -> &'static str {
        match self.code() {
            ErrorCode::InvalidRequest => "a parameter is missing, malformed or repeated",
            ErrorCode::InvalidGrant => "what was sent is unknown, expired or used, or was issued for something else",
            ErrorCode::InvalidScope => "the scope is more than was granted",
            ErrorCode::InvalidTarget => "the resource is not the one that was granted",
            ErrorCode::UnsupportedGrantType => "the grant type is not supported",
            ErrorCode::UnauthorizedClient => "the client may not use this grant type",
            _ => "try again later",
        }
    }
}

impl IntoResponse for TokenError {
    fn into_response(self) -> Response {
        let code = self.code();
        match self {
            Self::NotAForm(error) => return error.into_response(),
            Self::Client(failed) => return failed.into_response(),
            Self::Randomness(_) | Self::Issue(_) | Self::Store(_) => {
                tracing::error!(error = ?self, "token request failed");
            }
            _ => tracing::info!(cause = %self, error = code.as_str(), "token request refused"),
        }
        form::error(code, self.description())
    }
}
