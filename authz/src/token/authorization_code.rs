//! The authorization code grant (OAuth 2.1 §4.1.3, RFC 7636 §4.6, RFC 8707 §2.2).

use super::{Issuance, TokenError, refresh_token};
use crate::{
    client_authentication::AuthenticatedClient,
    domain::{AuthorizationCode, CodeState, GrantState},
    openid::id_token::SignIn,
    protocol::{CodeVerifier, ErrorCode, Parameters},
    sealed_code::PresentedCode,
    services::Services,
    store::Redemption,
};
use jiff::Timestamp;

/// Redeems a code: load, decide, commit.
///
/// # Errors
/// The first rule that the exchange breaks. Only a redemption that keeps all of them uses up the code.
pub(super) async fn redeem(
    services: &Services,
    client: &AuthenticatedClient,
    exchange: &CodeExchange,
) -> Result<Issuance, TokenError> {
    let now = services.now();
    let (code, consent_given_at) = load(services, exchange.code.as_ref().ok_or(CodeRejected::Unknown)?, now).await?;
    check_exchange(client, &code, exchange, now)?;
    let (refresh_token, family) = refresh_token::begin(services, client, &code.grant, now)?.unzip();
    let redemption = match consent_given_at {
        Some(given_at) => services.store.redeem_sealed(&code, given_at, family.as_ref(), now).await?,
        None => services.store.redeem(&code.hash, family.as_ref(), now).await?,
    };
    match redemption {
        Redemption::First => {
            let scope = code.grant.scope.clone();
            let sign_in = SignIn::asked_for(&scope, code.nonce);
            Ok(Issuance { grant: code.grant, scope, refresh_token, sign_in })
        }
        Redemption::Revoked => Err(CodeRejected::Revoked.into()),
        Redemption::Replayed => {
            tracing::warn!(client_id = %client.id(), grant_id = code.grant.id.as_str(), "code replayed, grant revoked");
            Err(CodeRejected::Replayed.into())
        }
    }
}

/// The code; and of one that is not stored yet, when the consent behind it was given.
async fn load(
    services: &Services,
    presented: &PresentedCode,
    now: Timestamp,
) -> Result<(AuthorizationCode, Option<Timestamp>), TokenError> {
    match presented.open(services) {
        Some(sealed) if sealed.code.expires_at > now => Ok((sealed.code, Some(sealed.consent_given_at))),
        // A sealed code that was redeemed is stored, and its replay is known for what it is, however old.
        sealed => {
            let stored = services.store.code(&presented.hash()).await?;
            let code = stored.or_else(|| sealed.map(|sealed| sealed.code)).ok_or(CodeRejected::Unknown)?;
            Ok((code, None))
        }
    }
}

/// The parameters of the grant.
#[derive(Debug)]
pub(super) struct CodeExchange {
    /// `None` if what was sent cannot be a code of ours.
    code: Option<PresentedCode>,
    verifier: CodeVerifier,
    redirect_uri: Option<String>,
    resources: Vec<String>,
}

/// Why a code cannot be redeemed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeRejected {
    /// No such code.
    #[error("unknown code")]
    Unknown,
    /// It was issued to another client.
    #[error("the code was issued to another client")]
    ClientMismatch,
    /// It is too old.
    #[error("the code expired")]
    Expired,
    /// Its grant was revoked.
    #[error("the grant behind the code was revoked")]
    Revoked,
    /// It was sent to another redirect URI.
    #[error("redirect_uri differs from the authorization request")]
    RedirectUriMismatch,
    /// The verifier does not match the challenge.
    #[error("code_verifier does not match the challenge")]
    VerifierMismatch,
    /// It was granted for another resource.
    #[error("resource differs from what was granted")]
    ResourceMismatch,
    /// It was redeemed before.
    #[error("the code was redeemed twice")]
    Replayed,
}

impl CodeRejected {
    pub(super) const fn code(self) -> ErrorCode {
        match self {
            Self::ResourceMismatch => ErrorCode::InvalidTarget,
            Self::Unknown
            | Self::ClientMismatch
            | Self::Expired
            | Self::Revoked
            | Self::RedirectUriMismatch
            | Self::VerifierMismatch
            | Self::Replayed => ErrorCode::InvalidGrant,
        }
    }
}

impl CodeExchange {
    pub(super) fn parse(parameters: &Parameters) -> Result<Self, TokenError> {
        let code = parameters.once("code")?.ok_or(TokenError::Missing("code"))?;
        let verifier = parameters.once("code_verifier")?.ok_or(TokenError::Missing("code_verifier"))?;
        Ok(Self {
            code: PresentedCode::parse(code),
            verifier: CodeVerifier::parse(verifier).map_err(|_| TokenError::MalformedVerifier)?,
            redirect_uri: parameters.once("redirect_uri")?.map(str::to_owned),
            resources: parameters.all("resource").map(str::to_owned).collect(),
        })
    }
}

/// Decides whether `client` may redeem `code`. Pure.
fn check_exchange(
    client: &AuthenticatedClient,
    code: &AuthorizationCode,
    exchange: &CodeExchange,
    now: Timestamp,
) -> Result<(), CodeRejected> {
    if code.grant.client_id != *client.id() {
        return Err(CodeRejected::ClientMismatch);
    }
    // OAuth 2.1 dropped the parameter from the token request; where it is sent, it has to be right (RFC 6749 §4.1.3).
    if exchange.redirect_uri.as_deref().is_some_and(|sent| sent != code.redirect_uri.as_str()) {
        return Err(CodeRejected::RedirectUriMismatch);
    }
    if !code.challenge.matches(&exchange.verifier) {
        return Err(CodeRejected::VerifierMismatch);
    }
    if exchange.resources.iter().any(|sent| sent != code.grant.resource.as_str()) {
        return Err(CodeRejected::ResourceMismatch);
    }
    // A code that was redeemed goes on to the store however old it is: the replay has to revoke the grant.
    if code.state == CodeState::Issued && code.expires_at <= now {
        return Err(CodeRejected::Expired);
    }
    if code.state == CodeState::Issued && code.grant.state != GrantState::Alive {
        return Err(CodeRejected::Revoked);
    }
    Ok(())
}
