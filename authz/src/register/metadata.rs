//! Client metadata (RFC 7591 §2, OIDC Dynamic Client Registration §2): JSON to values that keep every rule. Pure.
//! Members that are not understood are ignored; nothing that a client says here makes it trusted.

use crate::{
    openid,
    protocol::{
        ApplicationType, AuthenticationMethod, ErrorCode, GrantType, InvalidRedirectUri, RedirectUri, ResponseType,
        Scope,
    },
};
use serde::Deserialize;
use serde_json::Value;
use url::Url;
use verification_keys::json;

/// What a client says about itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// `client_name`
    pub name: Option<String>,
    /// `client_uri`
    pub uri: Option<String>,
    /// `redirect_uris`: at least one.
    pub redirect_uris: Vec<RedirectUri>,
    /// `grant_types`: what a person takes part in; `authorization_code` always.
    pub grant_types: Vec<GrantType>,
    /// `token_endpoint_auth_method`
    pub authentication_method: AuthenticationMethod,
    /// `scope`: what there is of what was asked for; everything if nothing was.
    pub scope: Scope,
    /// `application_type`
    pub application_type: ApplicationType,
}

/// Which rule the metadata breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMetadata {
    /// Not one JSON object, a name twice, or a member of the wrong type.
    #[error("the body is not client metadata")]
    Malformed,
    /// None, or more than 20.
    #[error("redirect_uris has to name 1 to 20 URIs")]
    RedirectUriCount,
    /// One of them breaks a rule.
    #[error("a redirect URI {0}")]
    RedirectUri(#[from] InvalidRedirectUri),
    /// A web client has to be sent back to a server (OIDC Dynamic Client Registration §2).
    #[error("a web client has a redirect URI to the person's own machine")]
    LoopbackForWeb,
    /// A name that is too long, or could show as something else than it is.
    #[error("client_name is too long or has control or bidirectional characters")]
    Name,
    /// A URI about the client that is not http or https.
    #[error("a URI about the client is not an http or https URL")]
    Uri,
    /// A method that does not exist here.
    #[error("token_endpoint_auth_method is not supported")]
    AuthenticationMethod,
    /// A grant type that a client cannot give itself, or not the one that it needs.
    #[error("grant_types has to be authorization_code, and refresh_token if it is used")]
    GrantTypes,
    /// A response type that does not exist here, or not the one there is.
    #[error("response_types has to be code")]
    ResponseTypes,
    /// Nothing of the scope exists here.
    #[error("no such scope")]
    Scope,
    /// An application type that does not exist.
    #[error("application_type has to be native or web")]
    ApplicationType,
    /// RFC 7591 §2: `jwks_uri` and `jwks` MUST NOT both be there.
    #[error("jwks and jwks_uri exclude each other")]
    TwoKeySets,
}

impl ClientMetadata {
    const MAX_BYTES: usize = 256 * 1024;

    /// Checks a request body; `scopes` are the ones that there are.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(body: &[u8], scopes: &Scope) -> Result<Self, InvalidMetadata> {
        if body.len() > Self::MAX_BYTES {
            return Err(InvalidMetadata::Malformed);
        }
        let object = json::parse_object(body).map_err(|_| InvalidMetadata::Malformed)?;
        let raw: Raw = serde_json::from_value(Value::Object(object)).map_err(|_| InvalidMetadata::Malformed)?;
        raw.check_words()?;
        raw.check_uris()?;
        let redirect_uris = raw.redirect_uris()?;
        Ok(Self {
            application_type: raw.application_type(&redirect_uris)?,
            authentication_method: raw.authentication_method()?,
            grant_types: raw.grant_types()?,
            scope: raw.scope(scopes)?,
            name: raw.client_name.map(checked_name).transpose()?,
            uri: raw.client_uri.filter(|uri| !uri.is_empty()),
            redirect_uris,
        })
    }
}

/// The members that are understood, typed.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Raw {
    redirect_uris: Option<Vec<String>>,
    token_endpoint_auth_method: Option<String>,
    grant_types: Option<Vec<String>>,
    response_types: Option<Vec<String>>,
    application_type: Option<String>,
    client_name: Option<String>,
    client_uri: Option<String>,
    logo_uri: Option<String>,
    tos_uri: Option<String>,
    policy_uri: Option<String>,
    jwks_uri: Option<String>,
    jwks: Option<Value>,
    scope: Option<String>,
}

impl Raw {
    fn check_words(&self) -> Result<(), InvalidMetadata> {
        let response_types = self.response_types.as_deref();
        let code = |word: &String| ResponseType::parse(word).is_ok();
        if response_types.is_some_and(|words| words.is_empty() || !words.iter().all(code)) {
            return Err(InvalidMetadata::ResponseTypes);
        }
        if self.jwks.is_some() && self.jwks_uri.is_some() {
            return Err(InvalidMetadata::TwoKeySets);
        }
        Ok(())
    }

    /// Default: `authorization_code` (RFC 7591 §2). A client that registers itself gets nothing that works without a
    /// person.
    fn grant_types(&self) -> Result<Vec<GrantType>, InvalidMetadata> {
        let Some(words) = self.grant_types.as_deref() else { return Ok(vec![GrantType::AuthorizationCode]) };
        let parsed: Vec<_> = words
            .iter()
            .map(|word| GrantType::parse(word))
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidMetadata::GrantTypes)?;
        let with_person = |word: &GrantType| matches!(word, GrantType::AuthorizationCode | GrantType::RefreshToken);
        let fits = parsed.contains(&GrantType::AuthorizationCode) && parsed.iter().all(with_person);
        let each_once = GrantType::ALL.iter().copied().filter(|word| parsed.contains(word)).collect();
        if fits { Ok(each_once) } else { Err(InvalidMetadata::GrantTypes) }
    }

    fn redirect_uris(&self) -> Result<Vec<RedirectUri>, InvalidMetadata> {
        let raw = self.redirect_uris.as_deref().unwrap_or_default();
        if !(1..=20).contains(&raw.len()) {
            return Err(InvalidMetadata::RedirectUriCount);
        }
        Ok(raw.iter().map(|uri| RedirectUri::parse(uri)).collect::<Result<_, _>>()?)
    }

    /// These are shown or kept, never fetched. Some clients write an empty string for one that they do not have.
    fn check_uris(&self) -> Result<(), InvalidMetadata> {
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
    fn authentication_method(&self) -> Result<AuthenticationMethod, InvalidMetadata> {
        let word = self.token_endpoint_auth_method.as_deref();
        word.map_or(Ok(AuthenticationMethod::ClientSecretBasic), AuthenticationMethod::parse)
            .map_err(|_| InvalidMetadata::AuthenticationMethod)
    }

    /// Unknown tokens are dropped, and the response shows what is left (RFC 7591 §3.2.1: MAY replace).
    fn scope(&self, scopes: &Scope) -> Result<Scope, InvalidMetadata> {
        let Some(raw) = self.scope.as_deref().filter(|raw| !raw.is_empty()) else { return Ok(scopes.clone()) };
        let asked = Scope::parse(raw).map_err(|_| InvalidMetadata::Scope)?;
        let known = asked.tokens().filter(|token| scopes.contains(token) || openid::SCOPES.contains(&token.as_str()));
        Some(known.cloned().collect()).filter(|scope: &Scope| !scope.is_empty()).ok_or(InvalidMetadata::Scope)
    }

    /// Without the member, the redirect URIs say it.
    fn application_type(&self, redirect_uris: &[RedirectUri]) -> Result<ApplicationType, InvalidMetadata> {
        let loopback = redirect_uris.iter().any(RedirectUri::is_loopback);
        match self.application_type.as_deref().map(ApplicationType::parse) {
            Some(Err(_)) => Err(InvalidMetadata::ApplicationType),
            Some(Ok(ApplicationType::Web)) if loopback => Err(InvalidMetadata::LoopbackForWeb),
            Some(Ok(given)) => Ok(given),
            None if loopback => Ok(ApplicationType::Native),
            None => Ok(ApplicationType::Web),
        }
    }
}

/// The name is shown where a person decides whom to trust: nothing in it may be invisible or turn the text around.
fn checked_name(name: String) -> Result<String, InvalidMetadata> {
    let length = name.chars().take(101).count();
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
            || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
            || matches!(c, '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let legal = (1..=100).contains(&length) && !name.trim().is_empty() && !name.chars().any(hidden);
    if legal { Ok(name) } else { Err(InvalidMetadata::Name) }
}

impl InvalidMetadata {
    /// The code on the wire (RFC 7591 §3.2.2).
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::RedirectUriCount | Self::RedirectUri(_) | Self::LoopbackForWeb => ErrorCode::InvalidRedirectUri,
            Self::Malformed
            | Self::Name
            | Self::Uri
            | Self::AuthenticationMethod
            | Self::GrantTypes
            | Self::ResponseTypes
            | Self::Scope
            | Self::ApplicationType
            | Self::TwoKeySets => ErrorCode::InvalidClientMetadata,
        }
    }

    /// What the client is told: a constant.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Malformed => "the body is not a JSON object of client metadata",
            Self::RedirectUriCount => "redirect_uris has to name 1 to 20 URIs",
            Self::RedirectUri(_) => "a redirect URI is not https or http to loopback, or not in normal form",
            Self::LoopbackForWeb => "a web client cannot have a loopback redirect URI",
            Self::Name => "client_name is too long or has characters that do not show",
            Self::Uri => "a URI about the client is not an http or https URL",
            Self::AuthenticationMethod => {
                "token_endpoint_auth_method is none, client_secret_basic or client_secret_post"
            }
            Self::GrantTypes => "grant_types has to be authorization_code, and refresh_token if it is used",
            Self::ResponseTypes => "response_types has to be code",
            Self::Scope => "no such scope",
            Self::ApplicationType => "application_type is native or web",
            Self::TwoKeySets => "jwks and jwks_uri exclude each other",
        }
    }
}
