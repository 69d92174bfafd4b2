//! Giving tokens back (RFC 7009). The server answers 200 also for a token that it does not know.

use super::{
    client::ClientProof,
    endpoint::Endpoint,
    exchange::{Answer, ExchangeError, Request},
    registration::ErrorDocument,
    token::{Form, form_request},
    token_store::StoredToken,
};
use crate::flow::{StepKind, Wire};

/// Why a token could not be given back.
#[derive(Debug, thiserror::Error)]
pub enum RevocationError {
    /// No answer.
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    /// The server refused.
    #[error("the revocation endpoint refused: {0}")]
    Refused(String),
}

/// Builds the request for the refresh token if there is one, because its access tokens go with it (RFC 7009 §2.1);
/// else for the access token.
#[must_use]
pub fn revocation_request(endpoint: &Endpoint, client: &ClientProof<'_>, token: &StoredToken) -> Request {
    let (value, hint) = match &token.refresh_token {
        Some(refresh_token) => (refresh_token.reveal(), "refresh_token"),
        None => (token.access_token.reveal(), "access_token"),
    };
    let mut form = Form::new(String::new());
    form.append_pair("token", value).append_pair("token_type_hint", hint);
    form_request(endpoint, form, client)
}

/// Checks the answer to [`revocation_request`].
///
/// # Errors
/// When it is anything but 200.
pub fn process(answer: &Answer) -> Result<(), RevocationError> {
    if answer.status == http::StatusCode::OK {
        return Ok(());
    }
    let refusal = serde_json::from_slice::<ErrorDocument>(&answer.body);
    Err(RevocationError::Refused(refusal.map_or_else(|_| format!("status {}", answer.status), |said| said.error)))
}

/// Gives a token back.
///
/// # Errors
/// When the issuer does not answer, or refuses.
pub async fn revoke(
    wire: &Wire,
    endpoint: &Endpoint,
    client: &ClientProof<'_>,
    token: &StoredToken,
) -> Result<(), RevocationError> {
    process(&wire.send(StepKind::Revocation, revocation_request(endpoint, client, token)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{
        client::{ClientAuthentication, ClientCredentials, ClientSecret},
        testing::{endpoint, json_answer, stored_token},
        token::RefreshToken,
    };
    use std::collections::HashMap;
    use url::form_urlencoded;

    fn form(refresh_token: Option<&str>) -> HashMap<String, String> {
        let token = StoredToken { refresh_token: refresh_token.and_then(RefreshToken::parse), ..stored_token() };
        let client = ClientCredentials { id: "c".into(), secret: ClientSecret::new("s") };
        let at = endpoint("https://auth.example/revoke");
        let request = revocation_request(&at, &ClientProof::Credentials(&client, ClientAuthentication::Basic), &token);
        assert!(request.headers().contains_key("authorization"));
        form_urlencoded::parse(request.body()).into_owned().collect()
    }

    #[test]
    fn the_refresh_token_goes_back_and_only_without_one_the_access_token() {
        let both = form(Some("the-refresh-token"));
        assert_eq!((both["token"].as_str(), both["token_type_hint"].as_str()), ("the-refresh-token", "refresh_token"));
        let one = form(None);
        assert_eq!((one["token"].as_str(), one["token_type_hint"].as_str()), ("the-access-token", "access_token"));
    }

    #[test]
    fn only_a_200_counts_as_given_back() {
        assert!(process(&json_answer(200, "")).is_ok());
        let refused = process(&json_answer(401, r#"{"error":"invalid_client"}"#)).unwrap_err();
        assert_eq!(refused.to_string(), "the revocation endpoint refused: invalid_client");
        assert!(process(&json_answer(503, "<html>")).is_err());
    }
}
