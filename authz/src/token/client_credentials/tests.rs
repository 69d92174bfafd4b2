//! Clients that act for themselves.

use crate::{
    domain::{ClientAuthentication, ClientStanding, GrantId, GrantState, ResourceScopes, ServedResource},
    protocol::{ClientId, GrantType, Resource, Scope},
    routes,
    testing::*,
};
use http::{StatusCode, header};
use serde_json::{Value, json};

const ROBOT: &str = "robot";
async fn server() -> Server {
    let server = Server::start().await;
    server.add_client(ROBOT, &[GrantType::ClientCredentials, GrantType::RefreshToken]).await;
    server
}

async fn ask(server: &Server, changes: &[(&str, &str)]) -> Answer {
    let form = with(&[("grant_type", "client_credentials"), ("resource", RESOURCE)], changes);
    server.post_as((ROBOT, SECRET), routes::TOKEN, &form).await
}

async fn introspect(server: &Server, response: &Value) -> Value {
    let form = [("token", response["access_token"].as_str().unwrap())];
    server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &form).await.json()
}

#[tokio::test]
async fn a_confidential_client_gets_a_token_for_itself_and_no_refresh_token() {
    let server = server().await;
    let answer = ask(&server, &[]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(answer.header(header::CACHE_CONTROL), Some("no-store"));
    let response = answer.json();
    assert_eq!((response.get("refresh_token"), &response["scope"]), (None, &json!("mcp:read mcp:write")));
    let claims = claims(&response);
    assert_eq!(
        (&claims["sub"], &claims["client_id"], &claims["aud"]),
        (&json!(ROBOT), &json!(ROBOT), &json!(RESOURCE))
    );
    assert_eq!((claims.get("auth_time"), claims.get("acr")), (None, None));
    let active = introspect(&server, &response).await;
    assert_eq!((&active["active"], &active["sub"]), (&json!(true), &json!(ROBOT)));
}

#[tokio::test]
async fn all_tokens_for_one_resource_share_one_grant_and_end_with_it() {
    let server = server().await;
    let (one, two) = (ask(&server, &[]).await.json(), ask(&server, &[("scope", "mcp:read")]).await.json());
    let other = ask(&server, &[("resource", OTHER_RESOURCE)]).await.json();
    assert_eq!(claims(&one)["grant_id"], claims(&two)["grant_id"]);
    assert_ne!(claims(&one)["jti"], claims(&two)["jti"]);
    assert_ne!(claims(&one)["grant_id"], claims(&other)["grant_id"]);
    let grant = GrantId::parse(claims(&one)["grant_id"].as_str().unwrap()).unwrap();
    server.services.store.revoke_grant(&grant, NOW).await.unwrap();
    for dead in [&one, &two] {
        assert_eq!(introspect(&server, dead).await, json!({ "active": false }));
    }
    let next = ask(&server, &[]).await.json();
    assert_eq!(introspect(&server, &next).await["active"], true);
}

#[tokio::test]
async fn one_of_its_tokens_is_revoked_alone() {
    let server = server().await;
    let (one, two) = (ask(&server, &[]).await.json(), ask(&server, &[]).await.json());
    let form = [("token", one["access_token"].as_str().unwrap())];
    assert_eq!(server.post_as((ROBOT, SECRET), routes::REVOKE, &form).await.status, StatusCode::OK);
    assert_eq!(introspect(&server, &one).await, json!({ "active": false }));
    assert_eq!(introspect(&server, &two).await["active"], true);
}

#[tokio::test]
async fn a_public_client_cannot_act_for_itself() {
    let server = Server::start().await;
    let client = server.add_client("public-robot", &[GrantType::ClientCredentials]).await;
    let public = crate::domain::RegisteredClient { authentication: ClientAuthentication::Public, ..client };
    server.services.store.put_client(&public).await.unwrap();
    let form = [("grant_type", "client_credentials"), ("resource", RESOURCE), ("client_id", "public-robot")];
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (400, "unauthorized_client".to_owned()));
}

#[tokio::test]
async fn only_a_client_that_may_acts_for_itself() {
    let server = Server::start().await;
    let form = [("grant_type", "client_credentials"), ("resource", RESOURCE)];
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &form).await;
    assert_eq!(answer.error(), (400, "unauthorized_client".to_owned()));
    let unknown = server.post_as((ROBOT, SECRET), routes::TOKEN, &form).await;
    assert_eq!(unknown.error(), (401, "invalid_client".to_owned()));
    assert_eq!(server.post(routes::TOKEN, &form).await.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn the_resource_has_to_be_one_of_ours() {
    let server = server().await;
    for resource in ["", "http://localhost:8001/mcp/", "http://localhost:9999/mcp", "mcp"] {
        let answer = ask(&server, &[("resource", resource)]).await;
        assert_eq!(answer.error(), (400, "invalid_target".to_owned()), "{resource}");
    }
    let two = ask(&server, &[("resource", RESOURCE), ("resource", OTHER_RESOURCE)]).await;
    assert_eq!(two.error(), (400, "invalid_target".to_owned()), "one token, one audience");
    let options = Options { resources: vec![RESOURCE], ..Options::default() };
    let server = Server::with(options).await;
    server.add_client(ROBOT, &[GrantType::ClientCredentials]).await;
    assert_eq!(claims(&ask(&server, &[("resource", "")]).await.json())["aud"], RESOURCE);
}

#[tokio::test]
async fn the_scope_is_no_more_than_the_clients() {
    let server = server().await;
    for scope in ["mcp:admin", "mcp:read mcp:admin", "openid", "offline_access", "a\"b"] {
        assert_eq!(ask(&server, &[("scope", scope)]).await.error(), (400, "invalid_scope".to_owned()), "{scope}");
    }
    assert_eq!(ask(&server, &[("scope", "mcp:read")]).await.json()["scope"], "mcp:read");
}

#[tokio::test]
async fn nobody_can_register_as_a_client_that_acts_for_itself() {
    let server = Server::start().await;
    for grant_types in [json!(["client_credentials"]), json!(["authorization_code", "client_credentials"])] {
        let metadata = json!({ "redirect_uris": [REDIRECT_URI], "grant_types": grant_types });
        let answer = server.post_json(routes::REGISTER, &metadata).await;
        assert_eq!(answer.error(), (400, "invalid_client_metadata".to_owned()));
    }
}

#[tokio::test]
async fn disabling_the_client_ends_its_tokens() {
    let server = server().await;
    let token = ask(&server, &[]).await.json();
    let id = ClientId::parse(ROBOT).unwrap();
    server.services.store.set_client_standing(&id, ClientStanding::Disabled, NOW).await.unwrap();
    assert_eq!(introspect(&server, &token).await, json!({ "active": false }));
    assert_eq!(ask(&server, &[]).await.error(), (401, "invalid_client".to_owned()));
}

#[tokio::test]
async fn removing_a_resource_ends_the_tokens_for_it() {
    let server = server().await;
    let token = ask(&server, &[]).await.json();
    let id = GrantId::parse(claims(&token)["grant_id"].as_str().unwrap()).unwrap();
    let resource = Resource::parse(RESOURCE).unwrap();
    let scopes = ResourceScopes::flat(Scope::parse("mcp:read mcp:write").unwrap());
    let listed = ServedResource { id: resource.clone(), name: None, scopes };
    server.services.store.put_resource(&listed, None).await.unwrap();
    assert_eq!(server.services.store.grant(&id).await.unwrap().unwrap().state, GrantState::Alive);
    server.services.store.remove_resource(&resource, NOW).await.unwrap();
    assert_eq!(server.services.store.grant(&id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
}
