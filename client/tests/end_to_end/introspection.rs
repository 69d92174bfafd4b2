//! `MCP_RESOURCE_INTROSPECT=always` between the real programs: a grant that has ended is seen within the cache time, and
//! an authz that is away is 503 until it is back.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use client::{
    demo::{
        DEMO_REDIRECT_URI,
        check::{
            discovery::Endpoints,
            mcp,
            sign_in::{Application, Code},
            token,
        },
        demo_client, demo_person,
        servers::Servers as _,
    },
    oauth::{
        client::ClientCredentials,
        exchange::{self, Answer},
        token::AccessToken,
    },
};
use http::{StatusCode, header};
use std::time::Duration;
use tokio::time::{sleep, timeout};
use url::{Url, form_urlencoded};

use crate::realm::{Realm, random};

/// Many times the cache time.
const PATIENCE: Duration = Duration::from_secs(20);

/// A realm whose MCP server asks about each token and believes an answer for a second.
struct Asking {
    realm: Realm,
    endpoints: Endpoints,
    credentials: ClientCredentials,
    redirect_uri: Url,
    scope: String,
}

impl Asking {
    async fn start() -> Self {
        let realm = Realm::start_with(|plan| {
            plan.mcp_server.set("MCP_RESOURCE_INTROSPECT", "always");
            plan.mcp_server.set("MCP_RESOURCE_INTROSPECT_CACHE_SECONDS", "1");
        })
        .await;
        let (challenge, endpoints) = realm.discover().await.unwrap();
        let redirect_uri = DEMO_REDIRECT_URI.parse().unwrap();
        Self { realm, endpoints, credentials: demo_client(), redirect_uri, scope: challenge.scope }
    }

    /// A token that a tool has been called with, and the code that it came from.
    async fn token(&self) -> (AccessToken, Code) {
        let resource = self.realm.server();
        let application = self.application(&resource);
        let mut browser = self.realm.browser(Some(&self.redirect_uri));
        let code = application.authorize(&mut browser, &demo_person(), &random()).await.unwrap();
        let token = token::issued(&application.redeem(&self.realm.http, &code, None).await.unwrap()).unwrap();
        let answer = self.call(&token).await;
        assert!(mcp::result_text(&answer).is_some(), "{} {}", answer.status, mcp::reason(&answer));
        (token, code)
    }

    fn application<'a>(&'a self, resource: &'a Url) -> Application<'a> {
        Application {
            endpoints: &self.endpoints,
            credentials: &self.credentials,
            redirect_uri: &self.redirect_uri,
            resource,
            scope: &self.scope,
        }
    }

    async fn call(&self, token: &AccessToken) -> Answer {
        mcp::call(&self.realm.http, &self.realm.server(), Some(token.reveal()), "get_time").await.unwrap()
    }

    /// The first answer that is not the cached yes.
    async fn refusal(&self, token: &AccessToken) -> Answer {
        let poll = async {
            loop {
                let answer = self.call(token).await;
                if answer.status != StatusCode::OK {
                    return answer;
                }
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, poll).await.expect("an answer is believed for a second")
    }

    async fn revoke(&self, token: &AccessToken) -> Answer {
        let form = form_urlencoded::Serializer::new(String::new()).append_pair("token", token.reveal()).finish();
        let url = format!("{}/revoke", self.endpoints.issuer).parse().unwrap();
        let mut request = exchange::post(&url, "application/x-www-form-urlencoded", form.into_bytes());
        let secret = self.credentials.secret.as_ref().unwrap().reveal();
        let credentials = STANDARD.encode(format!("{}:{secret}", self.credentials.id));
        request.headers_mut().insert(header::AUTHORIZATION, format!("Basic {credentials}").parse().unwrap());
        exchange::send(&self.realm.http, request).await.unwrap()
    }
}

fn assert_inactive(answer: &Answer) {
    assert_eq!((answer.status, mcp::reason(answer).as_str()), (StatusCode::UNAUTHORIZED, "token_inactive"));
    let challenge = answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
}

#[tokio::test]
async fn a_grant_that_ended_with_a_replayed_code_is_refused_within_the_cache_time() {
    let asking = Asking::start().await;
    let (token, code) = asking.token().await;
    let resource = asking.realm.server();
    let replayed = asking.application(&resource).redeem(&asking.realm.http, &code, None).await.unwrap();
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST);
    assert_inactive(&asking.refusal(&token).await);
}

#[tokio::test]
async fn a_token_that_was_revoked_is_refused_within_the_cache_time_and_others_are_not() {
    let asking = Asking::start().await;
    let ((revoked, _), (other, _)) = (asking.token().await, asking.token().await);
    assert_eq!(asking.revoke(&revoked).await.status, StatusCode::OK);
    assert_inactive(&asking.refusal(&revoked).await);
    assert_eq!(asking.call(&other).await.status, StatusCode::OK);
}

#[tokio::test]
async fn while_authz_is_away_it_is_503_with_retry_after_and_then_all_is_well_again() {
    let mut asking = Asking::start().await;
    let (token, _) = asking.token().await;
    asking.realm.servers.stop_authz().await.unwrap();
    let away = asking.refusal(&token).await;
    assert_eq!(
        (away.status, mcp::reason(&away).as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "introspection_unavailable")
    );
    let seconds: u32 = away.headers[header::RETRY_AFTER].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(!away.headers.contains_key(header::WWW_AUTHENTICATE), "nobody is sent to sign in again");
    asking.realm.servers.restart_authz().await.unwrap();
    let back = asking.call(&token).await;
    assert!(mcp::result_text(&back).is_some(), "{} {}", back.status, mcp::reason(&back));
}
