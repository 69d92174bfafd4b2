//! What authz says of somebody who signed in is no key to the MCP server.

use client::{
    demo::{
        DEMO_REDIRECT_URI,
        check::{mcp, sign_in::Application, token},
        demo_client, demo_person,
    },
    oauth::exchange::Answer,
};
use http::{StatusCode, header};
use url::Url;

use crate::realm::{Realm, random};

#[tokio::test]
async fn an_id_token_is_refused_where_its_access_token_is_taken() {
    let realm = Realm::start().await;
    let (challenge, endpoints) = realm.discover().await.unwrap();
    let (resource, redirect_uri): (Url, Url) = (realm.server(), DEMO_REDIRECT_URI.parse().unwrap());
    let scope = format!("openid {}", challenge.scope);
    let credentials = demo_client();
    let application = Application {
        endpoints: &endpoints,
        credentials: &credentials,
        redirect_uri: &redirect_uri,
        resource: &resource,
        scope: &scope,
    };
    let mut browser = realm.browser(Some(&redirect_uri));
    let code = application.authorize(&mut browser, &demo_person(), &random()).await.unwrap();
    let answer = application.redeem(&realm.http, &code, None).await.unwrap();
    let access_token = token::issued(&answer).unwrap();
    let taken = call(&realm, access_token.reveal()).await;
    assert!(mcp::result_text(&taken).is_some(), "{} {}", taken.status, mcp::reason(&taken));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    let refused = call(&realm, body["id_token"].as_str().unwrap()).await;
    assert_eq!((refused.status, mcp::reason(&refused).as_str()), (StatusCode::UNAUTHORIZED, "token_type_mismatch"));
    let challenge = refused.headers[header::WWW_AUTHENTICATE].to_str().unwrap();
    assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
}

async fn call(realm: &Realm, token: &str) -> Answer {
    mcp::call(&realm.http, &realm.server(), Some(token), "get_time").await.unwrap()
}
