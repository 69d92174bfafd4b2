//! Client metadata (RFC 7591 §2, OIDC Dynamic Client Registration §2): JSON to values that keep every rule. Pure.
//! Members that are not understood are ignored; nothing that a client says here makes it trusted.

mod name;
mod raw;

use crate::{
    domain::ClientKeys,
    protocol::{
        ApplicationType, AuthenticationMethod, ErrorCode, GrantType, InvalidRedirectUri, RedirectRules, RedirectUri,
        Scope,
    },
};
use raw::Raw;
use serde_json::{Map, Value};
use verification_keys::json;

/// What a client says about itself, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientMetadata {
    /// `client_name`
    pub name: Option<String>,
    /// `client_uri`
    pub uri: Option<String>,
    /// `redirect_uris`: at least one with `authorization_code`.
    pub redirect_uris: Vec<RedirectUri>,
    /// `grant_types`
    pub grant_types: Vec<GrantType>,
    /// `token_endpoint_auth_method`
    pub authentication_method: AuthenticationMethod,
    /// `jwks` or `jwks_uri`: for `private_key_jwt`, and only for it.
    pub keys: Option<ClientKeys>,
    /// `scope`: what there is of what was asked for; everything if nothing was.
    pub scope: Scope,
    /// `application_type`
    pub application_type: ApplicationType,
}

/// What the metadata is held to.
#[derive(Clone, Copy, Debug)]
pub struct MetadataRules<'a> {
    /// Who says it.
    pub registrant: Registrant,
    /// What the client gets when it asks for nothing; also the most that a client gets that registers itself.
    pub scopes: &'a Scope,
    /// Which redirect URIs it may have.
    pub redirects: &'a RedirectRules,
}

/// Who describes a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registrant {
    /// The client itself, whom nobody knows.
    Itself,
    /// The operator.
    Operator,
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
    #[error("a web client has a redirect URI that stays on the person's own machine")]
    NativeForWeb,
    /// A name that is too long, or could show as something else than it is.
    #[error("client_name is too long or has control or bidirectional characters")]
    Name,
    /// A URI about the client that is not http or https.
    #[error("a URI about the client is not an http or https URL")]
    Uri,
    /// A method that does not exist here.
    #[error("token_endpoint_auth_method is not supported")]
    AuthenticationMethod,
    /// A grant type that does not exist here, or that a client cannot give itself, or none at all.
    #[error("grant_types names one that is not for this client")]
    GrantTypes,
    /// A response type that does not exist here, or that does not go with the grant types.
    #[error("response_types does not go with grant_types")]
    ResponseTypes,
    /// RFC 6749 §4.4: confidential clients only.
    #[error("a public client has a grant type for confidential clients")]
    PublicWithCredentials,
    /// Nothing of the scope exists here.
    #[error("no such scope")]
    Scope,
    /// An application type that does not exist.
    #[error("application_type has to be native or web")]
    ApplicationType,
    /// `private_key_jwt` needs public keys, and only public ones.
    #[error("jwks or jwks_uri has no usable public key")]
    Keys,
    /// RFC 7591 §2: `jwks_uri` and `jwks` MUST NOT both be there.
    #[error("jwks and jwks_uri exclude each other")]
    TwoKeySets,
    /// RFC 7592 §2.2: the client has to name itself, and cannot choose what the server chose.
    #[error("the request does not fit the registration that it would replace")]
    NotItsOwn,
}

impl ClientMetadata {
    const MAX_BYTES: usize = 256 * 1024;

    /// Checks a request body.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn parse(body: &[u8], rules: &MetadataRules<'_>) -> Result<Self, InvalidMetadata> {
        Self::from_object(Self::object(body)?, rules)
    }

    /// The one strict reading of a request body.
    ///
    /// # Errors
    /// It is too long, or not one JSON object.
    pub fn object(body: &[u8]) -> Result<Map<String, Value>, InvalidMetadata> {
        if body.len() > Self::MAX_BYTES {
            return Err(InvalidMetadata::Malformed);
        }
        json::parse_object(body).map_err(|_| InvalidMetadata::Malformed)
    }

    /// Checks the members of an object.
    ///
    /// # Errors
    /// The first rule that they break.
    pub fn from_object(object: Map<String, Value>, rules: &MetadataRules<'_>) -> Result<Self, InvalidMetadata> {
        let raw: Raw = serde_json::from_value(Value::Object(object)).map_err(|_| InvalidMetadata::Malformed)?;
        let grant_types = raw.grant_types(rules)?;
        raw.check_response_types(&grant_types)?;
        raw.check_uris()?;
        let redirect_uris = raw.redirect_uris(&grant_types, rules.redirects)?;
        let authentication_method = raw.authentication_method()?;
        let keys = raw.keys(authentication_method)?;
        let by_itself = |grant_type: &GrantType| grant_type.as_str() == "client_credentials";
        if authentication_method == AuthenticationMethod::None && grant_types.iter().any(by_itself) {
            return Err(InvalidMetadata::PublicWithCredentials);
        }
        Ok(Self {
            application_type: raw.application_type(&redirect_uris)?,
            scope: raw.scope(rules)?,
            name: raw.client_name.map(name::checked).transpose()?,
            uri: raw.client_uri.filter(|uri| !uri.is_empty()),
            authentication_method,
            keys,
            grant_types,
            redirect_uris,
        })
    }
}

impl InvalidMetadata {
    /// The code on the wire (RFC 7591 §3.2.2).
    #[must_use]
    pub const fn code(self) -> ErrorCode {
        match self {
            Self::RedirectUriCount | Self::RedirectUri(_) | Self::NativeForWeb => ErrorCode::InvalidRedirectUri,
            Self::Malformed
            | Self::Name
            | Self::Uri
            | Self::AuthenticationMethod
            | Self::GrantTypes
            | Self::ResponseTypes
            | Self::PublicWithCredentials
            | Self::Scope
            | Self::ApplicationType
            | Self::Keys
            | Self::TwoKeySets
            | Self::NotItsOwn => ErrorCode::InvalidClientMetadata,
        }
    }

    /// What the client is told: a constant.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Malformed => "the body is not a JSON object of client metadata",
            Self::RedirectUriCount => "redirect_uris has to name 1 to 20 URIs",
            Self::RedirectUri(_) => {
                "a redirect URI is not https, http to loopback or of a scheme that is allowed here, or not in normal form"
            }
            Self::NativeForWeb => "a web client has https redirect URIs",
            Self::Name => "client_name is too long or has characters that do not show",
            Self::Uri => "a URI about the client is not an http or https URL",
            Self::AuthenticationMethod => {
                "token_endpoint_auth_method is not one of token_endpoint_auth_methods_supported of the metadata"
            }
            Self::GrantTypes => {
                "grant_types is one or more of grant_types_supported of the metadata; a client that registers itself \
                 cannot have client_credentials or jwt-bearer"
            }
            Self::ResponseTypes => "response_types is code with authorization_code, and empty without",
            Self::PublicWithCredentials => "client_credentials is for confidential clients",
            Self::Scope => "no such scope",
            Self::ApplicationType => "application_type is native or web",
            Self::Keys => "private_key_jwt needs jwks with a usable public key and nothing private, or jwks_uri",
            Self::TwoKeySets => "jwks and jwks_uri exclude each other",
            Self::NotItsOwn => {
                "client_id has to be the client's own, client_secret too if it is there, and \
                 registration_access_token, registration_client_uri, client_secret_expires_at and client_id_issued_at \
                 have to be left out"
            }
        }
    }
}
