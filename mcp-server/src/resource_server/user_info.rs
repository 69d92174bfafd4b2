//! What an issuer says about the person of a token at its userinfo endpoint (`OpenID` Connect Core §5.3). The
//! token goes to the issuer that it came from and to nobody else; whoever has a [`UserInfo`] can ask, and
//! cannot see the token.

use std::fmt;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value};
use url::Url;
use verification_keys::http::{CallError, Client, read_limited};

use super::access_token::AccessToken;

/// The longest answer that is read, in bytes.
const MAX_ANSWER_BYTES: usize = 64 * 1024;

/// A question to the issuer of a token about its person. In the extensions of a request when
/// [`ResourceServerOptions::user_info`](super::ResourceServerOptions::user_info) is set and the metadata of the
/// issuer names a userinfo endpoint.
#[derive(Clone)]
pub struct UserInfo {
    client: Client,
    url: Url,
    authorization: HeaderValue,
    token: AccessToken,
}

/// Why the issuer says nothing.
#[derive(Debug, thiserror::Error)]
pub enum UserInfoError {
    /// It did not answer.
    #[error("no answer from the userinfo endpoint")]
    NoAnswer(#[source] reqwest::Error),
    /// It answered too much, or broke off.
    #[error("no whole answer from the userinfo endpoint")]
    Broken(#[from] CallError),
    /// It does not take the token there: the `openid` scope may be missing, or the audience is another.
    #[error("the userinfo endpoint answered {0}")]
    Refused(StatusCode),
    /// No JSON object, as when the answer is signed.
    #[error("the answer of the userinfo endpoint is no JSON object")]
    NotJson(#[from] serde_json::Error),
    /// It is about somebody else (`OpenID` Connect Core §5.3.2: MUST NOT be used).
    #[error("the answer of the userinfo endpoint is about somebody else")]
    SubjectMismatch,
}

impl UserInfo {
    pub(super) const fn new(client: Client, url: Url, authorization: HeaderValue, token: AccessToken) -> Self {
        Self { client, url, authorization, token }
    }

    /// Asks, every time.
    ///
    /// # Errors
    /// There is no answer about this very person.
    pub async fn ask(&self) -> Result<Map<String, Value>, UserInfoError> {
        let request = self.client.get(self.url.clone()).header(header::AUTHORIZATION, self.authorization.clone());
        let sent = request.header(header::ACCEPT, "application/json").send().await;
        let response = sent.map_err(|error| UserInfoError::NoAnswer(error.without_url()))?;
        let answer = read_limited(response, MAX_ANSWER_BYTES).await?;
        if answer.status != StatusCode::OK {
            return Err(UserInfoError::Refused(answer.status));
        }
        let claims: Map<String, Value> = serde_json::from_slice(&answer.body)?;
        let subject = claims.get("sub").and_then(Value::as_str);
        if subject.is_none() || subject != self.token.subject() {
            return Err(UserInfoError::SubjectMismatch);
        }
        Ok(claims)
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo").field("url", &self.url.as_str()).finish_non_exhaustive()
    }
}
