//! `POST /demo/flawed-token`: an access token with one flaw, for showing what a resource server does with it. It exists
//! only with the demo set and on loopback. What it signs is good for nothing: it is over, or for a server that nobody
//! serves, and it belongs to no grant, so that introspection calls it inactive.

use crate::{domain::TokenId, services::Services, token::ACCESS_TOKEN_TYPE};
use axum::{
    Form, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::{Deserialize, Serialize};
use std::{error::Error, sync::Arc};

/// How long the expired token lived, and how long ago that ended, in seconds: more than any clock tolerance.
const LIVED: i64 = 600;
const OVER_FOR: i64 = 120;

/// What is asked for.
#[derive(Debug, Deserialize)]
pub struct Asked {
    flaw: Flaw,
    resource: String,
}

/// The one thing that is wrong.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Flaw {
    /// It ended two minutes ago.
    Expired,
    /// It is for another server.
    Audience,
}

#[derive(Serialize)]
struct Flawed {
    access_token: String,
}

/// A well-signed access token (RFC 9068 §2.2), but for its flaw.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    client_id: &'a str,
    scope: String,
    iat: i64,
    exp: i64,
    jti: &'a str,
}

/// Makes one.
pub async fn post(State(services): State<Arc<Services>>, Form(asked): Form<Asked>) -> Response {
    let resources = services.resources.current();
    let Some(resource) = resources.find(&asked.resource) else {
        let refusal = serde_json::json!({
            "error": "invalid_target",
            "error_description": "This resource is not served here",
        });
        return (StatusCode::BAD_REQUEST, Json(refusal)).into_response();
    };
    match flawed(&services, asked.flaw, (&asked.resource, resource.scopes.all().to_string())) {
        Ok(access_token) => ([(header::CACHE_CONTROL, "no-store")], Json(Flawed { access_token })).into_response(),
        Err(error) => {
            tracing::error!(%error, "no flawed token");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn flawed(services: &Services, flaw: Flaw, (resource, scope): (&str, String)) -> Result<String, Box<dyn Error>> {
    let now = services.now();
    let nowhere = services.public_url.join("/demo/nowhere");
    let (aud, exp) = match flaw {
        Flaw::Expired => (resource, now.as_second().saturating_sub(OVER_FOR)),
        Flaw::Audience => (nowhere.as_str(), now.as_second().saturating_add(LIVED)),
    };
    let token_id = TokenId::generate(services.random.as_ref())?;
    let claims = Claims {
        iss: services.public_url.issuer(),
        sub: "nobody",
        aud,
        client_id: "demonstration",
        scope,
        iat: exp.saturating_sub(LIVED),
        exp,
        jti: token_id.as_str(),
    };
    Ok(services.keys.sign(ACCESS_TOKEN_TYPE, &claims, now)?)
}

#[cfg(test)]
mod tests {
    use crate::{routes, testing::*};
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde_json::{Value, json};

    async fn server() -> Server {
        Server::with(Options { demonstrations: true, ..Options::default() }).await
    }

    async fn token(server: &Server, flaw: &str) -> (String, Value) {
        let form = [("flaw", flaw), ("resource", RESOURCE)];
        let token = server.post(routes::FLAWED_TOKEN, &form).await.json()["access_token"].as_str().unwrap().to_owned();
        let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1).unwrap()).unwrap();
        (token, serde_json::from_slice(&payload).unwrap())
    }

    #[tokio::test]
    async fn each_token_has_its_one_flaw_and_is_inactive() {
        let server = server().await;
        let now = server.services.now().as_second();
        let (expired, claims) = token(&server, "expired").await;
        assert_eq!(claims["aud"], RESOURCE);
        assert!(claims["exp"].as_i64().unwrap() <= now - 120, "{claims}");
        let (foreign, claims) = token(&server, "audience").await;
        assert!(server.services.resources.current().find(claims["aud"].as_str().unwrap()).is_none(), "{claims}");
        assert!(claims["exp"].as_i64().unwrap() > now);
        for token in [&expired, &foreign] {
            let introspecting = ("mcp-server", "mcp-server-secret-123");
            let answer = server.post_as(introspecting, routes::INTROSPECT, &[("token", token)]).await;
            assert_eq!(answer.json(), json!({ "active": false }));
        }
    }

    #[tokio::test]
    async fn a_resource_that_is_not_served_gets_none() {
        let form = [("flaw", "expired"), ("resource", "https://other.example/mcp")];
        assert_eq!(server().await.post(routes::FLAWED_TOKEN, &form).await.error(), (400, "invalid_target".to_owned()));
    }

    #[tokio::test]
    async fn without_the_demo_there_is_no_such_endpoint_and_nobody_is_told_of_one() {
        for (demonstrations, status) in [(true, 422), (false, 404)] {
            let server = Server::with(Options { demonstrations, ..Options::default() }).await;
            assert_eq!(server.post(routes::FLAWED_TOKEN, &[]).await.status.as_u16(), status);
            let metadata = server.get(routes::METADATA).await.json();
            assert_eq!(metadata.get("portcullis_flawed_token_endpoint").is_some(), demonstrations);
        }
    }
}
