//! Authorization codes that are not stored until they are redeemed: whoever consented before and is signed in gets one
//! without a page, and all that it stands for is in it, encrypted and signed for by our own keys
//! ([`SigningKeys::seal`](signing_keys::SigningKeys::seal)). Its redemption adds the grant, once, and only if the consent
//! behind it is still the same one: whatever ends a consent ends the codes on their way. And what a client presents, of
//! this kind or the other.

#[cfg(test)]
mod tests;

use crate::{
    domain::{
        Authentication, AuthenticationContext, AuthorizationCode, CODE_LIFETIME, CodeHash, CodeSecret, CodeState,
        Consent, Grant, GrantId, GrantState, PendingAuthorization, Subject,
    },
    protocol::{ClientId, CodeChallenge, Nonce, RedirectUri, Resource, Scope},
    services::Services,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signing_keys::SealError;
use std::{fmt, ops::RangeInclusive};

/// A code and the consent that it hangs on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedCode {
    /// The code; its hash is the one of what was sealed.
    pub code: AuthorizationCode,
    /// When the consent behind it was given.
    pub consent_given_at: Timestamp,
}

/// What cannot be a code of the other kind, nor too long for an address. With usual names it is half of that.
const LENGTH: RangeInclusive<usize> = 44..=1500;
const PURPOSE: &str = "authorization code";

#[derive(Serialize, Deserialize)]
struct Contents {
    grant_id: String,
    sub: String,
    client_id: String,
    scope: String,
    resource: String,
    auth_time: i64,
    acr: String,
    redirect_uri: String,
    code_challenge: String,
    nonce: Option<String>,
    iat: i64,
    consent: i64,
}

/// The code for the wire: base64url. `None` if it would be too long, or nobody signed in: then somebody is to be asked.
///
/// # Errors
/// No randomness, or no key.
pub fn seal(
    services: &Services,
    pending: &PendingAuthorization,
    grant: &Grant,
    consent: &Consent,
) -> Result<Option<String>, SealError> {
    let Some(authentication) = grant.authentication else { return Ok(None) };
    let contents = Contents {
        grant_id: grant.id.as_str().to_owned(),
        sub: grant.subject.as_str().to_owned(),
        client_id: grant.client_id.as_str().to_owned(),
        scope: grant.scope.to_string(),
        resource: grant.resource.as_str().to_owned(),
        auth_time: authentication.at.as_second(),
        acr: authentication.context.as_str().to_owned(),
        redirect_uri: pending.redirect_uri.as_str().to_owned(),
        code_challenge: pending.challenge.as_str().to_owned(),
        nonce: pending.nonce.as_ref().map(|nonce| nonce.as_str().to_owned()),
        iat: grant.created_at.as_second(),
        consent: consent.given_at.as_second(),
    };
    let Ok(contents) = serde_json::to_vec(&contents) else { return Ok(None) };
    let sealed = services.keys.seal(PURPOSE, &contents, services.random.as_ref(), services.now())?;
    Ok(Some(URL_SAFE_NO_PAD.encode(sealed)).filter(|code| LENGTH.contains(&code.len())))
}

/// A code as it was presented: what may be one of ours. Debug shows nothing of it.
pub enum PresentedCode {
    /// A random one.
    Stored(CodeSecret),
    /// What may be a sealed one.
    Sealed(Vec<u8>),
}

impl PresentedCode {
    /// `None` if it cannot be a code of ours.
    #[must_use]
    pub fn parse(raw: &str) -> Option<Self> {
        // The length first: nothing long is decoded.
        let sealed = || LENGTH.contains(&raw.len()).then(|| URL_SAFE_NO_PAD.decode(raw))?.ok();
        CodeSecret::parse(raw).map(Self::Stored).or_else(|| sealed().map(Self::Sealed))
    }

    /// By what it is found in the store.
    #[must_use]
    pub fn hash(&self) -> CodeHash {
        match self {
            Self::Stored(secret) => secret.hash(),
            Self::Sealed(sealed) => CodeHash::of_sealed(sealed),
        }
    }

    /// What is in it, if one of our keys sealed it: not redeemed, as far as it knows.
    #[must_use]
    pub fn open(&self, services: &Services) -> Option<SealedCode> {
        let Self::Sealed(sealed) = self else { return None };
        let contents = services.keys.open_sealed(PURPOSE, sealed, services.now())?;
        read(serde_json::from_slice(&contents).ok()?, self.hash())
    }
}

impl fmt::Debug for PresentedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PresentedCode(***)")
    }
}

fn read(contents: Contents, hash: CodeHash) -> Option<SealedCode> {
    let time = |second| Timestamp::from_second(second).ok();
    let created_at = time(contents.iat)?;
    let grant = Grant {
        id: GrantId::parse(&contents.grant_id)?,
        subject: Subject::from_store(contents.sub),
        client_id: ClientId::parse(&contents.client_id).ok()?,
        scope: Scope::parse(&contents.scope).ok()?,
        resource: Resource::parse(&contents.resource).ok()?,
        authentication: Some(Authentication {
            at: time(contents.auth_time)?,
            context: AuthenticationContext::parse(&contents.acr).ok()?,
        }),
        created_at,
        state: GrantState::Alive,
    };
    let code = AuthorizationCode {
        hash,
        grant,
        redirect_uri: RedirectUri::from_store(&contents.redirect_uri).ok()?,
        challenge: CodeChallenge::parse(&contents.code_challenge).ok()?,
        nonce: contents.nonce.as_deref().map(Nonce::parse).transpose().ok()?,
        expires_at: created_at + CODE_LIFETIME,
        state: CodeState::Issued,
    };
    Some(SealedCode { code, consent_given_at: time(contents.consent)? })
}
