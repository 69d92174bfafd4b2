//! From an ID token to an identity assertion authorization grant (ID-JAG) for one resource, at the organisation's identity
//! provider (RFC 8693; draft-ietf-oauth-identity-assertion-authz-grant; MCP Enterprise-managed authorization).

use serde::Deserialize;

use super::{
    client::ClientProof,
    endpoint::Endpoint,
    exchange::{Answer, Request},
    scope::Scope,
    token::{Assertion, Form, TokenError, add_scope, form_request, refused},
};
use crate::flow::{StepKind, Wire};

const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
const ID_JAG: &str = "urn:ietf:params:oauth:token-type:id-jag";

/// All that goes into one token exchange.
#[derive(Clone, Copy, Debug)]
pub struct TokenExchange<'a> {
    /// The token endpoint of the identity provider.
    pub endpoint: &'a Endpoint,
    /// Who asks, and what it shows for that.
    pub client: &'a ClientProof<'a>,
    /// The person's ID token.
    pub id_token: &'a Assertion,
    /// The issuer that the grant is for.
    pub audience: &'a str,
    /// The resource that the grant is for.
    pub resource: &'a str,
    /// The scope that the grant is for.
    pub scope: Option<&'a Scope>,
}

#[derive(Deserialize)]
struct Document {
    access_token: String,
    issued_token_type: String,
    token_type: String,
}

/// Builds the request.
#[must_use]
pub fn exchange_request(about: &TokenExchange<'_>) -> Request {
    let mut form = Form::new(String::new());
    form.append_pair("grant_type", TOKEN_EXCHANGE)
        .append_pair("requested_token_type", ID_JAG)
        .append_pair("subject_token", about.id_token.reveal())
        .append_pair("subject_token_type", ID_TOKEN)
        .append_pair("audience", about.audience)
        .append_pair("resource", about.resource);
    add_scope(&mut form, about.scope);
    form_request(about.endpoint, form, about.client)
}

/// Checks the answer to [`exchange_request`].
///
/// # Errors
/// When the identity provider refused, or gave something else than was asked for.
pub fn process(answer: &Answer) -> Result<Assertion, TokenError> {
    refused(answer)?;
    let document: Document = serde_json::from_slice(&answer.body)
        .map_err(|_| TokenError::Malformed("it is not a token exchange response in JSON".into()))?;
    // RFC 8693 §2.2.1: a token of another type, or one that is usable as an access token, is not what was asked for.
    if document.issued_token_type != ID_JAG {
        return Err(TokenError::Malformed("issued_token_type is not id-jag".into()));
    }
    if !document.token_type.eq_ignore_ascii_case("N_A") {
        return Err(TokenError::Malformed("token_type is not N_A".into()));
    }
    Assertion::parse(&document.access_token).ok_or(TokenError::Malformed("access_token is not a JWT".into()))
}

/// Asks for the grant.
///
/// # Errors
/// When the identity provider does not answer, or refuses.
pub async fn request(wire: &Wire, about: &TokenExchange<'_>) -> Result<Assertion, TokenError> {
    process(&wire.send(StepKind::TokenExchange, exchange_request(about)).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oauth::{
        client::{ClientAuthentication, ClientCredentials},
        testing::{endpoint, json_answer},
    };
    use serde_json::{Value, json};
    use std::collections::HashMap;
    use url::form_urlencoded;

    #[test]
    fn the_exchange_names_issuer_resource_and_both_types_of_token() {
        let client = ClientCredentials { id: "at-the-idp".into(), secret: None };
        let scope = Scope::parse("mcp:read").unwrap();
        let request = exchange_request(&TokenExchange {
            endpoint: &endpoint("https://idp.example/token"),
            client: &ClientProof::Credentials(&client, ClientAuthentication::None),
            id_token: &Assertion::parse("a.b.c").unwrap(),
            audience: "https://auth.example",
            resource: "https://mcp.example/mcp",
            scope: Some(&scope),
        });
        let form: HashMap<String, String> = form_urlencoded::parse(request.body()).into_owned().collect();
        let expected = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("requested_token_type", "urn:ietf:params:oauth:token-type:id-jag"),
            ("subject_token", "a.b.c"),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:id_token"),
            ("audience", "https://auth.example"),
            ("resource", "https://mcp.example/mcp"),
            ("scope", "mcp:read"),
            ("client_id", "at-the-idp"),
        ];
        assert_eq!(form, expected.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    }

    #[test]
    fn an_answer_of_another_type_is_not_shown_to_anybody() {
        let good = json!({"access_token": "a.b.c", "issued_token_type": ID_JAG, "token_type": "N_A"});
        let processed = |document: &Value| process(&json_answer(200, document.to_string()));
        assert_eq!(processed(&good).unwrap().reveal(), "a.b.c");
        for (member, value) in [
            ("issued_token_type", "urn:ietf:params:oauth:token-type:access_token"),
            ("token_type", "Bearer"),
            ("access_token", "opaque"),
        ] {
            let mut bad = good.clone();
            bad[member] = json!(value);
            assert!(matches!(processed(&bad), Err(TokenError::Malformed(_))), "{member}");
        }
        let refused = process(&json_answer(400, r#"{"error":"invalid_grant"}"#));
        assert!(matches!(refused, Err(TokenError::Refused { error, .. }) if error == "invalid_grant"));
    }
}
