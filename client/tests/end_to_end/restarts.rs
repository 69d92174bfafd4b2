//! Nothing that authz has promised is forgotten when it is ended without a warning and started again.

use client::{
    demo::{
        DEMO_REDIRECT_URI,
        browser::{Arrival, Decision, Page},
        check::{
            mcp,
            sign_in::{Application, Code},
            token,
        },
        demo_person,
    },
    oauth::{
        client::{ClientCredentials, ClientSecret},
        exchange,
        pkce::CodeVerifier,
    },
};
use http::StatusCode;
use serde_json::{Value, json};
use url::Url;

use crate::realm::{Realm, random};

/// When authz is restarted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moment {
    Registered,
    LoginPageShown,
    SignedIn,
    Consented,
    TokenIssued,
}

const ALL: [Moment; 5] =
    [Moment::Registered, Moment::LoginPageShown, Moment::SignedIn, Moment::Consented, Moment::TokenIssued];

/// A whole flow with a client that has just registered itself, with restarts in between.
async fn flow_with_restarts(at: &[Moment]) {
    let mut realm = Realm::start().await;
    let (challenge, endpoints) = realm.discover().await.unwrap();
    let redirect_uri: Url = DEMO_REDIRECT_URI.parse().unwrap();
    let credentials = register(&realm, &endpoints.issuer, &redirect_uri).await;
    realm.restart(Moment::Registered, at).await;

    let resource = realm.server();
    let application = Application {
        endpoints: &endpoints,
        credentials: &credentials,
        redirect_uri: &redirect_uri,
        resource: &resource,
        scope: &challenge.scope,
    };
    let verifier = CodeVerifier::generate(&random()).unwrap();
    let mut browser = realm.browser(Some(&redirect_uri));
    let login = page(browser.open(&application.request_with("s", &verifier)).await.unwrap());
    realm.restart(Moment::LoginPageShown, at).await;
    let consent = page(browser.sign_in(&login, &demo_person()).await.unwrap());
    realm.restart(Moment::SignedIn, at).await;
    let Arrival::Client(answer) = browser.decide(&consent, Decision::Allow).await.unwrap() else {
        panic!("no answer for the client")
    };
    realm.restart(Moment::Consented, at).await;
    let code = Code::from_answer(&answer, "s", verifier).unwrap();
    let token = token::issued(&application.redeem(&realm.http, &code, None).await.unwrap()).unwrap();
    realm.restart(Moment::TokenIssued, at).await;
    let answer = mcp::call(&realm.http, &resource, Some(token.reveal()), "get_time").await.unwrap();
    assert!(mcp::result_text(&answer).is_some(), "{} {}", answer.status, mcp::reason(&answer));

    realm.servers.restart_authz().await.unwrap();
    let replayed = application.redeem(&realm.http, &code, None).await.unwrap();
    assert_eq!(replayed.status, StatusCode::BAD_REQUEST, "a code stays redeemed across a restart");
}

async fn register(realm: &Realm, issuer: &str, redirect_uri: &Url) -> ClientCredentials {
    let wanted = json!({
        "client_name": "A test",
        "redirect_uris": [redirect_uri.as_str()],
        "application_type": "native",
        "token_endpoint_auth_method": "client_secret_basic",
    });
    let url = format!("{issuer}/register").parse().unwrap();
    let request = exchange::post(&url, "application/json", wanted.to_string().into_bytes());
    let answer = exchange::send(&realm.http, request).await.unwrap();
    let client: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(answer.status, StatusCode::CREATED, "{client}");
    let member = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
    ClientCredentials { id: member("client_id"), secret: ClientSecret::new(&member("client_secret")) }
}

fn page(arrival: Arrival) -> Page {
    match arrival {
        Arrival::Page(page) => page,
        Arrival::Client(_) => panic!("an answer for the client instead of a page"),
    }
}

impl Realm {
    async fn restart(&mut self, now: Moment, at: &[Moment]) {
        if at.contains(&now) {
            self.servers.restart_authz().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_registered_client_survives_a_restart() {
    flow_with_restarts(&[Moment::Registered]).await;
}

#[tokio::test]
async fn a_session_survives_a_restart_between_login_and_consent() {
    flow_with_restarts(&[Moment::SignedIn]).await;
}

#[tokio::test]
async fn a_code_survives_a_restart_between_consent_and_token() {
    flow_with_restarts(&[Moment::Consented]).await;
}

#[tokio::test]
async fn a_token_survives_a_restart_between_login_and_call() {
    flow_with_restarts(&[Moment::TokenIssued]).await;
}

#[tokio::test]
async fn a_restart_at_every_moment_changes_nothing() {
    flow_with_restarts(&ALL).await;
}
