//! Our own access tokens, presented to us again: at introspection, and at revocation.

use super::ACCESS_TOKEN_TYPE;
use crate::{
    domain::{Grant, GrantId, TokenId},
    services::Services,
};
use jiff::Timestamp;
use verification_keys::{
    AllowedAlgorithms,
    claims::{Audience, Claims},
    jwk_set::JwkSet,
    jws::CompactJws,
};

/// A token that we signed and that is in time. Whether its grant is alive is for the store to say.
#[derive(Debug)]
pub struct OwnAccessToken {
    /// What it says.
    pub claims: Claims,
    /// Its id.
    pub id: TokenId,
    /// The grant that it names.
    pub grant_id: GrantId,
    /// When it is over.
    pub expires_at: Timestamp,
}

impl OwnAccessToken {
    /// Reads a token. `None` if it is not ours, of another type, or not in time.
    #[must_use]
    pub fn verify(services: &Services, raw: &str) -> Option<Self> {
        let now = services.now();
        let jws = CompactJws::parse(raw, &AllowedAlgorithms::default()).ok()?;
        let header = jws.header();
        if !header.is_of_type(ACCESS_TOKEN_TYPE) {
            return None;
        }
        let keys = JwkSet::parse(&services.keys.jwk_set(now).to_json()).ok()?;
        jws.verify(keys.key(header.key_id.as_deref(), header.algorithm)?.as_ref()).ok()?;
        let claims = Claims::parse(jws.payload()).ok()?;
        let ours = claims.issuer.as_deref() == Some(services.public_url.issuer());
        let begun = claims.not_before.is_none_or(|not_before| not_before <= now);
        let expires_at = claims.expires_at.filter(|expires_at| now < *expires_at)?;
        let id = claims.token_id.as_deref().and_then(TokenId::parse)?;
        let grant_id = claims.extra.get("grant_id").and_then(|id| id.as_str()).and_then(GrantId::parse)?;
        (ours && begun).then_some(Self { claims, id, grant_id, expires_at })
    }

    /// Whether it is for this resource and no other.
    #[must_use]
    pub fn is_for(&self, resource: &str) -> bool {
        matches!(&self.claims.audience, Audience::One(audience) if audience == resource)
    }

    /// Whether `grant` says the same: a well-signed token that was never issued can name any grant.
    #[must_use]
    pub fn is_under(&self, grant: &Grant) -> bool {
        grant.id == self.grant_id
            && self.claims.subject.as_deref() == Some(grant.subject.as_str())
            && self.claims.client_id.as_deref() == Some(grant.client_id.as_str())
            && self.is_for(grant.resource.as_str())
    }
}
