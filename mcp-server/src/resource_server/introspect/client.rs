//! One introspection call (RFC 7662 §2): the request, and what its answer means.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use reqwest::RequestBuilder;
use serde::Deserialize;
use tokio::sync::OnceCell;
use url::{Url, form_urlencoded};
use verification_keys::Issuer;
use verification_keys::claims::{Claims, ClaimsError};
use verification_keys::http::{Answer, Client, read_limited};
use verification_keys::jwk_set::RemoteJwkSet;
use verification_keys::metadata::{Overrides, discover};

use super::super::challenge::Reason;
use super::super::metrics::Outcome;
use super::super::presets::Introspection;
use super::assertion::{ASSERTION_TYPE, AssertionKey, NotSigned};
use super::token_information;

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A secret: never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// How this server authenticates itself (RFC 6749 §2.3.1, RFC 7523 §2.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthenticationMethod {
    /// `client_secret_basic`
    #[default]
    Basic,
    /// `client_secret_post`
    Post,
    /// `private_key_jwt`
    PrivateKeyJwt,
    /// `none`: the endpoint is for whoever reaches it.
    Nobody,
}

impl AuthenticationMethod {
    /// The word of the setting.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Post => "post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::Nobody => "none",
        }
    }
}

/// The method is not one that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not one of basic, post, private_key_jwt, none")]
pub struct InvalidMethod;

impl FromStr for AuthenticationMethod {
    type Err = InvalidMethod;

    fn from_str(word: &str) -> Result<Self, InvalidMethod> {
        match word {
            "basic" | "client_secret_basic" => Ok(Self::Basic),
            "post" | "client_secret_post" => Ok(Self::Post),
            "none" => Ok(Self::Nobody),
            "private_key_jwt" => Ok(Self::PrivateKeyJwt),
            _ => Err(InvalidMethod),
        }
    }
}

/// Who this server is to the issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The client id.
    pub client_id: String,
    /// What proves it.
    pub proof: Proof,
}

/// What proves who this server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof {
    /// A secret in the `Authorization` header (`client_secret_basic`).
    Basic(Secret),
    /// A secret in the form (`client_secret_post`).
    Post(Secret),
    /// A signed assertion (`private_key_jwt`).
    PrivateKeyJwt(AssertionKey),
    /// Nothing (`none`).
    Nobody,
}

impl Proof {
    /// Its method.
    #[must_use]
    pub const fn method(&self) -> AuthenticationMethod {
        match self {
            Self::Basic(_) => AuthenticationMethod::Basic,
            Self::Post(_) => AuthenticationMethod::Post,
            Self::PrivateKeyJwt(_) => AuthenticationMethod::PrivateKeyJwt,
            Self::Nobody => AuthenticationMethod::Nobody,
        }
    }
}

impl Credentials {
    /// None at all, for an endpoint that asks for none.
    #[must_use]
    pub fn nobody() -> Self {
        Self { client_id: String::new(), proof: Proof::Nobody }
    }

    /// Adds them and the question about `token` to a request to `issuer`.
    pub(crate) fn present(
        &self,
        request: RequestBuilder,
        token: &str,
        (issuer, now): (&Issuer, Timestamp),
    ) -> Result<RequestBuilder, NotSigned> {
        let mut form = vec![("token", token), ("token_type_hint", "access_token")];
        let assertion;
        Ok(match &self.proof {
            Proof::Basic(secret) => {
                request.basic_auth(encoded(&self.client_id), Some(encoded(secret.reveal()))).form(&form)
            }
            Proof::Post(secret) => {
                form.extend([("client_id", self.client_id.as_str()), ("client_secret", secret.reveal())]);
                request.form(&form)
            }
            Proof::PrivateKeyJwt(key) => {
                assertion = key.assertion(&self.client_id, issuer.as_str(), now)?;
                form.extend([
                    ("client_id", self.client_id.as_str()),
                    ("client_assertion_type", ASSERTION_TYPE),
                    ("client_assertion", &assertion),
                ]);
                request.form(&form)
            }
            Proof::Nobody => request.form(&form),
        })
    }
}

/// RFC 6749 §2.3.1: id and secret are form-encoded before they are joined.
fn encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Where an issuer answers; found in its metadata at the first question, unless configured.
#[derive(Debug)]
pub(in super::super) struct IntrospectionEndpoint {
    client: Client,
    issuer: Issuer,
    kind: Introspection,
    overrides: Overrides,
    keys: RemoteJwkSet,
    found: OnceCell<Option<Url>>,
}

/// What came of a call.
pub(super) enum Reply {
    /// Active, with these claims.
    Active(Box<Claims>),
    /// A final no.
    Refused(Reason),
    /// The issuer is well but does not answer this question.
    Declined,
    /// No answer, and perhaps a wish when to come back, in seconds.
    Failed { retry_after: Option<u32> },
}

impl Reply {
    pub(super) const fn outcome(&self) -> Outcome {
        match self {
            Self::Active(_) => Outcome::Active,
            Self::Refused(_) => Outcome::Refused,
            Self::Declined => Outcome::Declined,
            Self::Failed { .. } => Outcome::Failed,
        }
    }
}

pub(super) const FAILED: Reply = Reply::Failed { retry_after: None };

impl IntrospectionEndpoint {
    /// The endpoint of `issuer`: the override, else the one in its metadata, which `keys` may know already.
    pub(in super::super) fn new(
        client: Client,
        (issuer, kind): (Issuer, Introspection),
        overrides: Overrides,
        keys: RemoteJwkSet,
    ) -> Self {
        Self { client, issuer, kind, overrides, keys, found: OnceCell::new() }
    }

    pub(super) async fn introspect(&self, credentials: &Credentials, token: &str, now: Timestamp) -> Reply {
        let url = match self.url().await {
            Ok(Some(url)) => url,
            Ok(None) => {
                tracing::warn!(issuer = %self.issuer, "the issuer has no introspection endpoint: \
                    set MCP_RESOURCE_INTROSPECT_URL or MCP_RESOURCE_INTROSPECT=never");
                return Reply::Declined;
            }
            Err(reply) => return reply,
        };
        let google = matches!(self.kind, Introspection::TokenInformation(_));
        let request = if google {
            token_information::request(&self.client, url, token)
        } else {
            match credentials.present(self.client.post(url), token, (&self.issuer, now)) {
                Ok(request) => request,
                Err(error) => {
                    tracing::error!(issuer = %self.issuer, %error, "introspection was not asked");
                    return FAILED;
                }
            }
        };
        let answer = match request.header(header::ACCEPT, "application/json").send().await {
            Ok(response) => read_limited(response, MAX_ANSWER_BYTES).await.map_err(|error| error.to_string()),
            Err(error) => Err(error.without_url().to_string()),
        };
        match answer {
            Ok(answer) if google => token_information::read(&answer),
            Ok(answer) => read(&answer),
            Err(error) => {
                tracing::warn!(issuer = %self.issuer, error, "no answer to introspection");
                FAILED
            }
        }
    }

    async fn url(&self) -> Result<Option<Url>, Reply> {
        if let Some(url) = &self.overrides.introspection_endpoint {
            return Ok(Some(url.clone()));
        }
        if let Some(metadata) = self.keys.metadata() {
            return Ok(metadata.introspection_endpoint.clone());
        }
        let found = self.found.get_or_try_init(|| async {
            let metadata = discover(&self.client, &self.issuer, &self.overrides).await;
            metadata.map(|metadata| metadata.introspection_endpoint)
        });
        found.await.cloned().map_err(|error| {
            tracing::warn!(issuer = %self.issuer, %error, "no metadata to find the introspection endpoint");
            FAILED
        })
    }
}

/// What an answer means. Pure.
fn read(answer: &Answer) -> Reply {
    match answer.status {
        StatusCode::OK => read_body(&answer.body),
        // Some issuers do not introspect their own JWTs: that says nothing about the token.
        StatusCode::BAD_REQUEST if error_code(&answer.body).as_deref() == Some("unsupported_token_type") => {
            Reply::Declined
        }
        status => {
            tracing::warn!(%status, "introspection failed: are MCP_RESOURCE_INTROSPECT_CLIENT_ID and _SECRET right?");
            Reply::Failed { retry_after: retry_after(&answer.headers) }
        }
    }
}

/// Whether an answer says that a token is active, for the fuzz target.
#[cfg(any(test, fuzzing))]
pub(in super::super) fn fuzz_is_active(status: u16, body: &[u8]) -> bool {
    let Ok(status) = StatusCode::from_u16(status) else { return false };
    matches!(read(&Answer { status, headers: HeaderMap::new(), body: body.to_vec() }), Reply::Active(_))
}

fn read_body(body: &[u8]) -> Reply {
    match Claims::parse(body) {
        Ok(claims) => match claims.extra.get("active").and_then(serde_json::Value::as_bool) {
            Some(true) => Reply::Active(Box::new(claims)),
            Some(false) => Reply::Refused(Reason::TokenInactive),
            None => FAILED,
        },
        Err(ClaimsError::Json(_)) => FAILED,
        Err(ClaimsError::WrongType(_) | ClaimsError::OutOfRange(_)) => Reply::Refused(Reason::ClaimsMalformed),
    }
}

fn error_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct ErrorBody {
        error: String,
    }
    serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error)
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<u32> {
    let seconds: u32 = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(seconds.clamp(1, 300))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: u16, body: &str) -> &'static str {
        let answer = Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        };
        match read(&answer) {
            Reply::Active(_) => "active",
            Reply::Refused(reason) => reason.code(),
            Reply::Declined => "declined",
            Reply::Failed { .. } => "failed",
        }
    }

    #[test]
    fn only_a_clear_answer_is_an_answer() {
        assert_eq!(outcome(200, r#"{"active":true,"sub":"u"}"#), "active");
        assert_eq!(outcome(200, r#"{"active":false}"#), "token_inactive");
        assert_eq!(outcome(200, r#"{"active":true,"aud":42}"#), "claims_malformed");
        for body in
            [r#"{"active":"true"}"#, r#"{"active":1}"#, "{}", "[]", "", "<html>", r#"{"active":true,"active":false}"#]
        {
            assert_eq!(outcome(200, body), "failed", "{body}");
        }
    }

    #[test]
    fn an_issuer_that_does_not_introspect_its_jwts_has_not_answered() {
        assert_eq!(outcome(400, r#"{"error":"unsupported_token_type"}"#), "declined");
        assert_eq!(outcome(400, r#"{"error":"invalid_request"}"#), "failed");
        for status in [201, 204, 302, 401, 403, 404, 429, 500, 503] {
            assert_eq!(outcome(status, r#"{"active":true}"#), "failed", "{status}");
        }
    }

    #[test]
    fn a_wish_when_to_come_back_is_bounded() {
        let wish = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, value.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!([wish("7"), wish("0"), wish("999999"), wish("soon")], [Some(7), Some(1), Some(300), None]);
    }

    #[test]
    fn credentials_are_form_encoded_and_never_printed() {
        assert_eq!(encoded("a b:c%"), "a+b%3Ac%25");
        assert_eq!(format!("{:?}", Secret::new("hush")), "***");
        for method in ["basic", "post", "private_key_jwt", "none"] {
            assert_eq!(method.parse::<AuthenticationMethod>().unwrap().as_str(), method);
        }
        assert_eq!("mtls".parse::<AuthenticationMethod>(), Err(InvalidMethod));
    }
}
