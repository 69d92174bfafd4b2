//! The authorization request and the answer that the browser brings back (OAuth 2.1 §4.1, RFC 7636, 8707, 9207).
//! Everything about the answer is checked before the code in it goes anywhere.

use ring::rand::SecureRandom;
use std::{borrow::Cow, fmt};
use subtle::ConstantTimeEq as _;
use url::{Url, form_urlencoded};

use super::{
    discovery::IssuerMetadata,
    loopback::RedirectUri,
    pkce::{CodeVerifier, RandomnessFailed, random_string},
    scope::Scope,
};

/// Longest callback query and code accepted, in bytes.
const MAX_QUERY_BYTES: usize = 8 * 1024;

/// What an authorization request is about.
#[derive(Clone, Copy, Debug)]
pub struct AuthorizationParameters<'a> {
    /// The validated metadata of the issuer.
    pub issuer: &'a IssuerMetadata,
    /// This client's identifier at that issuer.
    pub client_id: &'a str,
    /// Where the answer is to go.
    pub redirect_uri: &'a RedirectUri,
    /// The resource, byte for byte as published.
    pub resource: &'a str,
    /// The scope to ask for.
    pub scope: Option<&'a Scope>,
    /// Oldest sign-in that will do, in seconds (OpenID Connect Core §3.1.2.1).
    pub max_age: Option<u64>,
    /// Ways of signing in that will do (OpenID Connect Core §3.1.2.1).
    pub acr_values: Option<&'a str>,
    /// The thumbprint of the key that the token is to be bound to, and the code already (RFC 9449 §10).
    pub dpop_jkt: Option<&'a str>,
}

/// A request that was made, and all that its answer will be held against.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    issuer: String,
    iss_parameter_supported: bool,
    state: String,
    verifier: CodeVerifier,
    url: Url,
}

impl AuthorizationRequest {
    /// Makes a request with a fresh `state` and a fresh code verifier.
    ///
    /// # Errors
    /// When there is no randomness, or the endpoint's own query already holds one of our parameters.
    pub fn new(about: &AuthorizationParameters<'_>, random: &dyn SecureRandom) -> Result<Self, AuthorizationError> {
        let (state, verifier) = (random_string(random)?, CodeVerifier::generate(random)?);
        let challenge = verifier.challenge();
        let scope = about.scope.map(ToString::to_string);
        let mut parameters = vec![
            ("response_type", "code"),
            ("client_id", about.client_id),
            ("redirect_uri", about.redirect_uri.as_str()),
            ("state", &state),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
            ("resource", about.resource),
        ];
        let max_age = about.max_age.map(|seconds| seconds.to_string());
        parameters.extend(scope.as_deref().map(|scope| ("scope", scope)));
        parameters.extend(max_age.as_deref().map(|seconds| ("max_age", seconds)));
        parameters.extend(about.dpop_jkt.map(|thumbprint| ("dpop_jkt", thumbprint)));
        parameters.extend(about.acr_values.map(|values| ("acr_values", values)));
        let endpoint = about.issuer.authorization_endpoint.as_ref().ok_or(AuthorizationError::NoEndpoint)?;
        let mut url = endpoint.url().clone();
        // RFC 6749 §3.1: the endpoint's own query is kept; a parameter must not come twice.
        if url.query_pairs().any(|(name, _)| parameters.iter().any(|(ours, _)| *ours == name)) {
            return Err(AuthorizationError::EndpointQuery);
        }
        url.query_pairs_mut().extend_pairs(parameters);
        let (issuer, iss_parameter_supported) = (about.issuer.issuer.clone(), about.issuer.iss_parameter_supported);
        Ok(Self { issuer, iss_parameter_supported, state, verifier, url })
    }

    /// What the browser is to open.
    #[must_use]
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// What the answer has to bring back.
    #[must_use]
    pub(super) fn state(&self) -> &str {
        &self.state
    }

    /// The verifier for the token request.
    #[must_use]
    pub const fn verifier(&self) -> &CodeVerifier {
        &self.verifier
    }

    /// Checks the query of the callback: nothing twice, our `state`, the right `iss`, then an error or a code.
    ///
    /// # Errors
    /// The first rule that the answer breaks. An error of the issuer is reported only when the answer is its own.
    pub fn process_callback(&self, query: &str) -> Result<AuthorizationCode, CallbackRejected> {
        let answer = CallbackParameters::parse(query)?;
        let state = answer.state.ok_or(CallbackRejected::StateMissing)?;
        if !bool::from(state.as_bytes().ct_eq(self.state.as_bytes())) {
            return Err(CallbackRejected::StateMismatch);
        }
        // RFC 9207 §2.4: simple string comparison, no normalisation; MUST come before acting on code or error.
        match answer.iss {
            Some(iss) if iss == self.issuer => {}
            Some(_) => return Err(CallbackRejected::IssuerMismatch { expected: self.issuer.clone() }),
            None if self.iss_parameter_supported => {
                return Err(CallbackRejected::IssuerMissing { expected: self.issuer.clone() });
            }
            None => {}
        }
        if let Some(error) = answer.error {
            let description = answer.error_description.map(Cow::into_owned);
            return Err(CallbackRejected::Refused { error: error.into_owned(), description });
        }
        AuthorizationCode::parse(&answer.code.unwrap_or_default())
    }
}

impl AuthorizationRequest {
    /// Reads what the person pasted: the address that the browser ended at, checked as [`Self::process_callback`] does, or the
    /// bare code, which says neither `state` nor `iss`. That it is redeemed only with our verifier stands in for the one, and
    /// that the person was told whose page has to show it for the other.
    ///
    /// # Errors
    /// As [`Self::process_callback`].
    pub fn process_pasted(&self, line: &str) -> Result<AuthorizationCode, CallbackRejected> {
        let line = line.trim();
        match line.split_once('?') {
            Some((_, query)) => self.process_callback(query),
            None if line.len() > MAX_QUERY_BYTES => Err(CallbackRejected::TooLong),
            None => AuthorizationCode::parse(line),
        }
    }
}

/// Why no authorization request was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// No random numbers.
    #[error(transparent)]
    Randomness(#[from] RandomnessFailed),
    /// The issuer signs nobody in.
    #[error("the authorization server has no authorization_endpoint, so nobody can sign in there with a browser")]
    NoEndpoint,
    /// The endpoint's query would make a parameter come twice.
    #[error("the authorization_endpoint already holds parameters that this client must set; it is not used")]
    EndpointQuery,
}

/// Why the answer of the browser is not acted upon.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallbackRejected {
    /// Too long to be an answer.
    #[error("the answer of the authorization server is too long; it was dropped")]
    TooLong,
    /// A parameter came twice.
    #[error("the answer holds {0} more than once; it was dropped and no code was sent anywhere")]
    Repeated(&'static str),
    /// No `state`.
    #[error("the answer holds no state, so it may not be the answer to this sign-in; it was dropped")]
    StateMissing,
    /// Another `state`.
    #[error("the answer belongs to another sign-in (its state differs); it was dropped. Please sign in again")]
    StateMismatch,
    /// `iss` is announced and absent.
    #[error(
        "the answer does not say that it comes from {expected} (no iss), though that server always does; it was dropped"
    )]
    IssuerMissing {
        /// The issuer asked.
        expected: String,
    },
    /// Another `iss`.
    #[error(
        "the answer comes from another authorization server than {expected}; it was dropped and no code was sent anywhere"
    )]
    IssuerMismatch {
        /// The issuer asked.
        expected: String,
    },
    /// The issuer says no.
    #[error("the authorization server refused: {}", refusal(.error, .description.as_deref()))]
    Refused {
        /// `access_denied`, `invalid_scope` …
        error: String,
        /// `error_description`.
        description: Option<String>,
    },
    /// Neither code nor error, or a code no issuer would make.
    #[error("the answer holds no usable code")]
    CodeMissing,
}

/// A code, once everything around it was checked; never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct AuthorizationCode(String);

impl AuthorizationCode {
    fn parse(raw: &str) -> Result<Self, CallbackRejected> {
        let printable = raw.bytes().all(|byte| matches!(byte, 0x20..=0x7e));
        if raw.is_empty() || !printable { Err(CallbackRejected::CodeMissing) } else { Ok(Self(raw.to_owned())) }
    }

    /// The code itself, for the token request only.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for AuthorizationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorizationCode(***)")
    }
}

#[derive(Default)]
struct CallbackParameters<'a> {
    code: Option<Cow<'a, str>>,
    state: Option<Cow<'a, str>>,
    iss: Option<Cow<'a, str>>,
    error: Option<Cow<'a, str>>,
    error_description: Option<Cow<'a, str>>,
}

impl<'a> CallbackParameters<'a> {
    /// Known parameters, each at most once (OAuth 2.1 §4.1.2); unknown ones are ignored.
    fn parse(query: &'a str) -> Result<Self, CallbackRejected> {
        if query.len() > MAX_QUERY_BYTES {
            return Err(CallbackRejected::TooLong);
        }
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (name, slot) = match name.as_ref() {
                "code" => ("code", &mut found.code),
                "state" => ("state", &mut found.state),
                "iss" => ("iss", &mut found.iss),
                "error" => ("error", &mut found.error),
                "error_description" => ("error_description", &mut found.error_description),
                _ => continue,
            };
            if slot.replace(value).is_some() {
                return Err(CallbackRejected::Repeated(name));
            }
        }
        Ok(found)
    }
}

/// One sentence part for an OAuth error: what it means, its code, and the server's own words.
pub(crate) fn refusal(error: &str, description: Option<&str>) -> String {
    let meaning = match error {
        "access_denied" => "access was denied",
        "invalid_scope" => "the scope asked for is not allowed",
        "invalid_target" => "it does not issue tokens for this resource",
        "unauthorized_client" | "unsupported_grant_type" => "this client may not do that",
        "invalid_client" => "it does not know this client, or the secret is wrong",
        "invalid_grant" => "what it was shown is not good, or not any more",
        "temporarily_unavailable" | "server_error" => "it has a problem of its own",
        _ => "",
    };
    let words = description.map(|words| format!(": {words}")).unwrap_or_default();
    if meaning.is_empty() { format!("{error}{words}") } else { format!("{meaning} ({error}{words})") }
}

#[cfg(test)]
mod tests;
