//! The members of client metadata that are understood, typed, and the rule that each has to keep.

use super::{InvalidMetadata, MetadataRules, Registrant};
use crate::{
    domain::ClientKeys,
    openid,
    protocol::{
        ApplicationType, AuthenticationMethod, GrantType, RedirectRules, RedirectUri, ResponseType, Scope, ScopeToken,
    },
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use verification_keys::jwk_set::JwkSet;

/// Grant types that only the operator gives to a client: with them it gets tokens without a person at a page of ours.
const OF_THE_OPERATOR: [&str; 2] = ["client_credentials", "urn:ietf:params:oauth:grant-type:jwt-bearer"];

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Raw {
    pub(super) redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
    pub(super) client_name: Option<String>,
    pub(super) client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    jwks_uri: Option<String>,
    jwks: Option<Value>,
    scope: Option<String>,
}

impl Raw {
    /// Default: `authorization_code` (RFC 7591 §2). A client that registers itself gets nothing that works without a
    /// person, and needs something to begin with.
    pub(super) fn grant_types(&self, rules: &MetadataRules<'_>) -> Result<Vec<GrantType>, InvalidMetadata> {
        let Some(words) = &self.grant_types else { return Ok(vec![GrantType::AuthorizationCode]) };
        let parsed: Result<Vec<_>, _> = words.iter().map(|word| GrantType::parse(word)).collect();
        let parsed = parsed.map_err(|_| InvalidMetadata::GrantTypes)?;
        let reserved = words.iter().any(|word| OF_THE_OPERATOR.contains(&word.as_str()));
        let begins = parsed.iter().any(|grant_type| *grant_type != GrantType::RefreshToken);
        if rules.registrant == Registrant::Itself && (reserved || !begins) {
            return Err(InvalidMetadata::GrantTypes);
        }
        Ok(GrantType::ALL.iter().copied().filter(|word| parsed.contains(word)).collect())
    }

    /// RFC 7591 §2.1: `code` and `authorization_code` go together, and only together.
    pub(super) fn check_response_types(&self, grant_types: &[GrantType]) -> Result<(), InvalidMetadata> {
        let Some(words) = &self.response_types else { return Ok(()) };
        let exist = words.iter().all(|word| ResponseType::parse(word).is_ok());
        if exist && words.is_empty() != grant_types.contains(&GrantType::AuthorizationCode) {
            Ok(())
        } else {
            Err(InvalidMetadata::ResponseTypes)
        }
    }

    /// One to 20 where codes are sent to them; 20 at most everywhere.
    pub(super) fn redirect_uris(
        &self,
        grant_types: &[GrantType],
        rules: &RedirectRules,
    ) -> Result<Vec<RedirectUri>, InvalidMetadata> {
        let raw = self.redirect_uris.as_deref().unwrap_or_default();
        let needed = usize::from(grant_types.contains(&GrantType::AuthorizationCode));
        if !(needed..=20).contains(&raw.len()) {
            return Err(InvalidMetadata::RedirectUriCount);
        }
        Ok(raw.iter().map(|uri| RedirectUri::parse_by(uri, rules)).collect::<Result<_, _>>()?)
    }

    /// RFC 7591 §2: `jwks_uri` and `jwks` MUST NOT both be there. One has to be for `private_key_jwt`, with a key that
    /// can be used; for other methods there is no use for them. What is at `jwks_uri` is looked at when it is needed.
    pub(super) fn keys(&self, method: AuthenticationMethod) -> Result<Option<ClientKeys>, InvalidMetadata> {
        let uri = self.jwks_uri.as_deref().filter(|uri| !uri.is_empty());
        let keys = match (&self.jwks, uri) {
            (Some(_), Some(_)) => return Err(InvalidMetadata::TwoKeySets),
            (Some(set), None) => Some(ClientKeys::Set(checked_set(set)?)),
            (None, Some(uri)) => Some(ClientKeys::At(Url::parse(uri).map_err(|_| InvalidMetadata::Uri)?)),
            (None, None) => None,
        };
        match (method, keys) {
            (AuthenticationMethod::PrivateKeyJwt, None) => Err(InvalidMetadata::Keys),
            (AuthenticationMethod::PrivateKeyJwt, keys) => Ok(keys),
            (_, _) => Ok(None),
        }
    }

    /// These are shown or kept, never fetched. Some clients write an empty string for one that they do not have.
    pub(super) fn check_uris(&self) -> Result<(), InvalidMetadata> {
        let uris = [&self.client_uri, &self.logo_uri, &self.tos_uri, &self.policy_uri, &self.jwks_uri];
        let legal = |uri: &String| {
            let plain = uri.len() <= 2048 && uri.bytes().all(|byte| byte.is_ascii_graphic());
            plain && Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        };
        if uris.into_iter().flatten().filter(|uri| !uri.is_empty()).all(legal) {
            Ok(())
        } else {
            Err(InvalidMetadata::Uri)
        }
    }

    /// Default: `client_secret_basic` (RFC 7591 §2).
    pub(super) fn authentication_method(&self) -> Result<AuthenticationMethod, InvalidMetadata> {
        let word = self.token_endpoint_auth_method.as_deref();
        word.map_or(Ok(AuthenticationMethod::ClientSecretBasic), AuthenticationMethod::parse)
            .map_err(|_| InvalidMetadata::AuthenticationMethod)
    }

    /// For a client that registers itself, unknown tokens are dropped, and the response shows what is left (RFC 7591
    /// §3.2.1: MAY replace). The operator's word counts.
    pub(super) fn scope(&self, rules: &MetadataRules<'_>) -> Result<Scope, InvalidMetadata> {
        let Some(raw) = self.scope.as_deref().filter(|raw| !raw.is_empty()) else { return Ok(rules.scopes.clone()) };
        let asked = Scope::parse(raw).map_err(|_| InvalidMetadata::Scope)?;
        match rules.registrant {
            Registrant::Operator => Ok(asked),
            Registrant::Itself => {
                let exists =
                    |token: &&ScopeToken| rules.scopes.contains(token) || openid::SCOPES.contains(&token.as_str());
                let known: Scope = asked.tokens().filter(exists).cloned().collect();
                if known.is_empty() { Err(InvalidMetadata::Scope) } else { Ok(known) }
            }
        }
    }

    /// Without the member, the redirect URIs say it.
    pub(super) fn application_type(&self, redirect_uris: &[RedirectUri]) -> Result<ApplicationType, InvalidMetadata> {
        let native = !redirect_uris.iter().all(RedirectUri::is_https);
        match self.application_type.as_deref().map(ApplicationType::parse) {
            Some(Err(_)) => Err(InvalidMetadata::ApplicationType),
            Some(Ok(ApplicationType::Web)) if native => Err(InvalidMetadata::NativeForWeb),
            Some(Ok(given)) => Ok(given),
            None if native => Ok(ApplicationType::Native),
            None => Ok(ApplicationType::Web),
        }
    }
}

/// Nothing private may be in it: it would be kept, and shown.
fn checked_set(set: &Value) -> Result<String, InvalidMetadata> {
    const MAX_BYTES: usize = 32 * 1024;
    const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
    let document = set.to_string();
    let keys = set.get("keys").and_then(Value::as_array).ok_or(InvalidMetadata::Keys)?;
    let is_private = |key: &Value| PRIVATE.iter().any(|member| key.get(member).is_some());
    let usable = JwkSet::parse(document.as_bytes()).is_ok_and(|set| set.iter().next().is_some());
    let legal = document.len() <= MAX_BYTES && usable && !keys.iter().any(is_private);
    if legal { Ok(document) } else { Err(InvalidMetadata::Keys) }
}
