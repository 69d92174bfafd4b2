//! `private_key_jwt` (RFC 7523 §2.2, §3; rfc7523bis; OIDC Core §9): a JWT that only the client can sign, for us alone,
//! used once.

use super::{Cause, KeysUnavailable};
use crate::{
    domain::{ClientKeys, SingleUse, SingleUseHash},
    operations::{CallerAddress, rate_limits::Limited},
    protocol::ClientId,
    services::Services,
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;
use verification_keys::{
    AllowedAlgorithms, Claims,
    claims::ClaimsError,
    jws::{CompactJws, JwsError},
};

/// The value of `client_assertion_type` (RFC 7523 §2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// How far the clock of a client may be from ours.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(60);
/// An assertion is made for one request: so long may it be good for at the most.
const LONGEST_LIFETIME: SignedDuration = SignedDuration::from_hours(1);

/// An assertion that was taken apart; nothing in it is to be believed before [`Self::prove`] said so.
#[derive(Debug)]
pub(super) struct Assertion<'f> {
    jws: CompactJws<'f>,
    claims: Claims,
}

/// Why an assertion proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidAssertion {
    /// Not a JWS with an algorithm that is allowed, or its signature is wrong.
    #[error(transparent)]
    Jws(#[from] JwsError),
    /// The claims cannot be read.
    #[error(transparent)]
    Claims(#[from] ClaimsError),
    /// A token of another kind (RFC 8725 §3.11).
    #[error("typ is that of another kind of token")]
    TokenType,
    /// RFC 7523 §3: `iss` and `sub` are the client.
    #[error("iss and sub are not both the client")]
    Party,
    /// rfc7523bis: our issuer identifier, and nothing else; not the address of an endpoint.
    #[error("aud is not our issuer identifier alone")]
    Audience,
    /// `exp` is missing or over, or further away than anybody needs.
    #[error("exp is missing, over or too far away")]
    Expiry,
    /// `nbf` or `iat` is in the future.
    #[error("nbf or iat is in the future")]
    NotYet,
    /// `jti` is missing or too long.
    #[error("jti is missing or too long")]
    TokenId,
    /// The client has no such key, or its keys are where nothing is called.
    #[error("the client has no such key")]
    UnknownKey,
    /// RFC 7523 §3: the same `jti` was here before.
    #[error("jti was used before")]
    Replayed,
}

impl<'f> Assertion<'f> {
    pub(super) fn read(raw: &'f str) -> Result<Self, InvalidAssertion> {
        let jws = CompactJws::parse(raw, &AllowedAlgorithms::default())?;
        let header = jws.header();
        // RFC 7523 did not say; rfc7523bis has a type of its own, and does not require it.
        let of_this_kind = ["JWT", "client-authentication+jwt"].iter().any(|kind| header.is_of_type(kind));
        if header.token_type.is_some() && !of_this_kind {
            return Err(InvalidAssertion::TokenType);
        }
        let claims = Claims::parse(jws.payload())?;
        Ok(Self { jws, claims })
    }

    /// Who it says that it is from.
    pub(super) fn client_id(&self) -> Result<ClientId, InvalidAssertion> {
        let subject = self.claims.subject.as_deref().and_then(|subject| ClientId::parse(subject).ok());
        subject.ok_or(InvalidAssertion::Party)
    }

    /// Checks that the client with `keys` made it, for us, now and for the first time. The signature comes before the
    /// use: nobody else uses up a `jti`.
    pub(super) async fn prove(
        &self,
        (id, keys): (&ClientId, &ClientKeys),
        services: &Services,
        caller: Option<CallerAddress>,
    ) -> Result<(), Cause> {
        let now = services.now();
        let (token_id, expires_at) = check(&self.claims, id, services.public_url.issuer(), now)?;
        check_rate(services, keys, caller)?;
        let header = self.jws.header();
        let key = services.client_keys.key(keys, header.key_id.as_deref(), header.algorithm, now).await?;
        self.jws.verify(&*key.ok_or(InvalidAssertion::UnknownKey)?).map_err(InvalidAssertion::from)?;
        let used = SingleUseHash::of(id.as_str(), token_id);
        if services.store.use_once(SingleUse::ClientAssertion, &used, expires_at + TOLERANCE, now).await? {
            Ok(())
        } else {
            Err(InvalidAssertion::Replayed.into())
        }
    }
}

/// What `caller` has us call for the first time counts as its registrations do; after that the key set has a pace of
/// its own.
fn check_rate(services: &Services, keys: &ClientKeys, caller: Option<CallerAddress>) -> Result<(), KeysUnavailable> {
    match (&services.operations.rate_limits, caller) {
        (Some(limits), Some(caller)) if !services.client_keys.are_at_hand(keys) => {
            limits.request(Limited::Registration, caller).map_err(|_| KeysUnavailable)
        }
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

/// The rules for the claims (RFC 7523 §3). Pure. Returns `jti` and `exp`.
fn check<'c>(
    claims: &'c Claims,
    client: &ClientId,
    issuer: &str,
    now: Timestamp,
) -> Result<(&'c str, Timestamp), InvalidAssertion> {
    let is_client = |party: &Option<String>| party.as_deref() == Some(client.as_str());
    if !is_client(&claims.issuer) || !is_client(&claims.subject) {
        return Err(InvalidAssertion::Party);
    }
    if claims.audience.iter().collect::<BTreeSet<_>>() != BTreeSet::from([issuer]) {
        return Err(InvalidAssertion::Audience);
    }
    let expires_at = claims.expires_at.ok_or(InvalidAssertion::Expiry)?;
    if expires_at + TOLERANCE <= now || expires_at > now + LONGEST_LIFETIME + TOLERANCE {
        return Err(InvalidAssertion::Expiry);
    }
    if [claims.not_before, claims.issued_at].into_iter().flatten().any(|from| from > now + TOLERANCE) {
        return Err(InvalidAssertion::NotYet);
    }
    let token_id = claims.token_id.as_deref().filter(|id| (1..=512).contains(&id.len()));
    Ok((token_id.ok_or(InvalidAssertion::TokenId)?, expires_at))
}
