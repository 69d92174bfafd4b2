//! ID tokens (OIDC Core §2): for the client, about the sign-in. Never accepted as an access token: the type is `JWT`, the
//! audience the client.

use super::{OPENID, has};
use crate::{
    domain::Grant,
    protocol::{Nonce, Scope},
    services::Services,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::digest;
use serde::Serialize;
use signing_keys::SignError;

/// The `typ` of ID tokens (RFC 7519 §5.1).
const ID_TOKEN_TYPE: &str = "JWT";

/// A client asked, with the code of a browser or of a device, who signs in.
#[derive(Clone, Debug)]
pub struct SignIn {
    nonce: Option<Nonce>,
}

impl SignIn {
    /// What the scope of a code asks for: an ID token if `openid` is in it (OIDC Core §3.1.2.1).
    #[must_use]
    pub fn asked_for(scope: &Scope, nonce: Option<Nonce>) -> Option<Self> {
        has(scope, OPENID).then_some(Self { nonce })
    }

    /// Signs the ID token that goes with `access_token`.
    ///
    /// # Errors
    /// Signing failed.
    pub fn id_token(
        &self,
        services: &Services,
        grant: &Grant,
        access_token: &str,
        now: Timestamp,
    ) -> Result<String, SignError> {
        let claims = Claims {
            iss: services.public_url.issuer(),
            sub: grant.subject.as_str(),
            aud: grant.client_id.as_str(),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(services.settings.access_token_ttl.as_secs()),
            auth_time: grant.authentication.map(|authentication| authentication.at.as_second()),
            acr: grant.authentication.map(|authentication| authentication.context.as_str()),
            nonce: self.nonce.as_ref().map(Nonce::as_str),
            at_hash: at_hash(access_token),
        };
        services.keys.sign(ID_TOKEN_TYPE, &claims, now)
    }
}

/// OIDC Core §2, §3.1.3.6.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    at_hash: String,
}

/// OIDC Core §3.1.3.6: the left half of the hash of the access token, with the hash of the signature algorithm.
fn at_hash(access_token: &str) -> String {
    let hash = digest::digest(&digest::SHA256, access_token.as_bytes());
    let (left, _) = hash.as_ref().split_at(hash.as_ref().len() / 2);
    URL_SAFE_NO_PAD.encode(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oidc_core_appendix_a_4() {
        assert_eq!(at_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y"), "77QmUPtjPfzWtF2AnpK9RQ");
    }
}
