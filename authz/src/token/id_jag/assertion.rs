//! The checks on an assertion, in the order of cost; the decision itself is pure.

use super::super::{Asked, TokenError};
use crate::{
    client_authentication::AuthenticatedClient,
    protocol::{ErrorCode, Parameters, Scope},
    services::Services,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use verification_keys::{
    AllowedAlgorithms,
    claims::{Audience, Claims},
    jws::CompactJws,
};

/// The `typ` of an ID-JAG.
const TOKEN_TYPE: &str = "oauth-id-jag+jwt";
/// How far the clocks of issuer and server may be apart.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// Nobody needs an assertion for longer, and its id has to be remembered for as long.
const LONGEST_LIFETIME: SignedDuration = SignedDuration::from_hours(24);

/// An assertion that keeps every rule but the one that it is used once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Assertion {
    pub(super) issuer: String,
    pub(super) subject: String,
    pub(super) id: String,
    /// From when on it would not be taken any more.
    pub(super) useless_at: Timestamp,
    resources: Vec<String>,
    scope: Option<String>,
}

/// Why an assertion is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdJagRejected {
    /// Not a JWT of this kind.
    #[error("the assertion is no ID-JAG")]
    Malformed,
    /// Nobody trusts who made it.
    #[error("the issuer of the assertion is not trusted")]
    UntrustedIssuer,
    /// The issuer has no such key.
    #[error("the assertion names no key of its issuer")]
    UnknownKey,
    /// The signature is wrong.
    #[error("the signature of the assertion is wrong")]
    Signature,
    /// A claim that has to be there is not, or has the wrong type.
    #[error("a claim of the assertion is missing")]
    ClaimMissing,
    /// It is for somebody else.
    #[error("the assertion is for another authorization server")]
    Audience,
    /// It was given to another client.
    #[error("the assertion was given to another client")]
    ClientMismatch,
    /// It is too old, not good yet, or good for too long.
    #[error("the assertion is not in time")]
    Lifetime,
    /// It is bound to a key, which nobody here checks.
    #[error("the assertion is sender-constrained")]
    SenderConstrained,
    /// Its resource is not one of ours.
    #[error("the assertion is for a resource that is not served here")]
    UnknownResource,
    /// The request asks for another resource.
    #[error("resource differs from that of the assertion")]
    ResourceMismatch,
    /// It was used before.
    #[error("the assertion was used before")]
    Replayed,
}

impl IdJagRejected {
    pub(in super::super) const fn code(self) -> ErrorCode {
        match self {
            Self::ResourceMismatch => ErrorCode::InvalidTarget,
            Self::Malformed
            | Self::UntrustedIssuer
            | Self::UnknownKey
            | Self::Signature
            | Self::ClaimMissing
            | Self::Audience
            | Self::ClientMismatch
            | Self::Lifetime
            | Self::SenderConstrained
            | Self::UnknownResource
            | Self::Replayed => ErrorCode::InvalidGrant,
        }
    }
}

impl Assertion {
    /// Verifies what `client` presents: type, issuer, signature, claims.
    ///
    /// # Errors
    /// The first rule that it breaks, or the keys of its issuer cannot be had.
    pub(super) async fn verify(
        services: &Services,
        client: &AuthenticatedClient,
        raw: &str,
    ) -> Result<Self, TokenError> {
        let now = services.now();
        let jws = CompactJws::parse(raw, &AllowedAlgorithms::default()).map_err(|_| IdJagRejected::Malformed)?;
        let header = jws.header();
        if !header.is_of_type(TOKEN_TYPE) {
            return Err(IdJagRejected::Malformed.into());
        }
        let claims = Claims::parse(jws.payload()).map_err(|_| IdJagRejected::Malformed)?;
        let issuer = claims.issuer.as_deref().ok_or(IdJagRejected::ClaimMissing)?;
        if !services.assertion_issuers.trusts(issuer) {
            return Err(IdJagRejected::UntrustedIssuer.into());
        }
        let key_id = header.key_id.as_deref().ok_or(IdJagRejected::UnknownKey)?;
        let key = services.assertion_issuers.key(issuer, key_id, header.algorithm, now).await?;
        jws.verify(key.ok_or(IdJagRejected::UnknownKey)?.as_ref()).map_err(|_| IdJagRejected::Signature)?;
        Ok(Self::check(&claims, services.public_url.issuer(), client.id().as_str(), now)?)
    }

    /// Decides whether the claims of a well-signed assertion are good for `client`. Pure.
    fn check(claims: &Claims, ours: &str, client: &str, now: Timestamp) -> Result<Self, IdJagRejected> {
        let text = |claim: &Option<String>| claim.clone().filter(|text| !text.is_empty());
        let for_us = match &claims.audience {
            Audience::One(audience) => audience == ours,
            Audience::Many(audiences) => matches!(audiences.as_slice(), [only] if only == ours),
            Audience::Missing => false,
        };
        if !for_us {
            return Err(IdJagRejected::Audience);
        }
        if claims.client_id.as_deref() != Some(client) {
            return Err(IdJagRejected::ClientMismatch);
        }
        let expires_at = claims.expires_at.ok_or(IdJagRejected::ClaimMissing)?;
        let issued_at = claims.issued_at.ok_or(IdJagRejected::ClaimMissing)?;
        let begun = claims.not_before.is_none_or(|begins| begins <= now + TOLERANCE) && issued_at <= now + TOLERANCE;
        let useless_at = expires_at.checked_add(TOLERANCE).map_err(|_| IdJagRejected::Lifetime)?;
        if !begun || useless_at <= now || expires_at.duration_since(issued_at) > LONGEST_LIFETIME {
            return Err(IdJagRejected::Lifetime);
        }
        if claims.extra.contains_key("cnf") {
            return Err(IdJagRejected::SenderConstrained);
        }
        Ok(Self {
            issuer: text(&claims.issuer).ok_or(IdJagRejected::ClaimMissing)?,
            subject: text(&claims.subject).ok_or(IdJagRejected::ClaimMissing)?,
            id: text(&claims.token_id).ok_or(IdJagRejected::ClaimMissing)?,
            useless_at,
            resources: resources(claims.extra.get("resource"))?,
            scope: text(&claims.scope),
        })
    }

    /// One resource, and no more scope than issuer, client and resource allow together.
    pub(super) fn narrow(
        &self,
        services: &Services,
        client: &AuthenticatedClient,
        parameters: &Parameters,
    ) -> Result<Asked, TokenError> {
        let served = services.resources.current();
        let named = parameters.all("resource").collect::<Vec<_>>();
        let resource = match (self.resources.as_slice(), named.as_slice()) {
            ([], named) => served.requested(named.iter().copied()).ok_or(TokenError::UnknownResource)?,
            ([only], []) => served.find(only).ok_or(IdJagRejected::UnknownResource)?,
            (granted, [one]) if granted.iter().any(|granted| granted == one) => {
                served.find(one).ok_or(IdJagRejected::UnknownResource)?
            }
            (_, _) => return Err(IdJagRejected::ResourceMismatch.into()),
        };
        let allowed = client.registration().scope.intersection(resource.scopes.all());
        let allowed = match &self.scope {
            None => allowed,
            Some(scope) => allowed.intersection(&Scope::parse(scope).map_err(|_| IdJagRejected::Malformed)?),
        };
        let scope = resource.grantable(&allowed, parameters.once("scope")?).ok_or(TokenError::ScopeNotAllowed)?;
        // Something was asked for, and none of it may be had.
        if scope.is_empty() && self.scope.is_some() {
            return Err(TokenError::ScopeNotAllowed);
        }
        Ok(Asked { resource: resource.id.clone(), scope })
    }
}

/// One identifier or a list of them; nothing if the claim is left out.
fn resources(claim: Option<&Value>) -> Result<Vec<String>, IdJagRejected> {
    let one = |value: &Value| value.as_str().map(str::to_owned).ok_or(IdJagRejected::Malformed);
    match claim {
        None => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(one).collect(),
        Some(value) => Ok(vec![one(value)?]),
    }
}
