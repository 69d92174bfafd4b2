//! RFC 7592: a client reads, replaces and deletes its own registration.

use super::*;
use crate::{domain::ClientStanding, protocol::ErrorCode};

/// A client that manages itself: its address under the server, its registration access token, what it was told.
struct Managed {
    uri: String,
    token: String,
    told: Value,
}

async fn managed(server: &Server, metadata: &Value) -> Managed {
    let told = register(server, metadata).await.json();
    let address = told["registration_client_uri"].as_str().unwrap();
    let uri = address.strip_prefix(ISSUER).unwrap().to_owned();
    let token = told["registration_access_token"].as_str().unwrap().to_owned();
    Managed { uri, token, told }
}

/// What a client sends to replace its registration: what it was told, without what the server chose.
fn replacement(told: &Value, changes: &Value) -> Value {
    let mut metadata = told.clone();
    let members = metadata.as_object_mut().unwrap();
    for chosen in
        ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"]
    {
        members.remove(chosen);
    }
    members.extend(changes.as_object().unwrap().clone());
    metadata
}

fn named(name: &str) -> Value {
    changed("client_name", json!(name))
}

#[tokio::test]
async fn a_client_reads_what_it_is_registered_as_but_for_its_secret() {
    let server = Server::start().await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    let answer = server.send_json("GET", &uri, Some(&token), &json!({})).await;
    assert_eq!((answer.status, answer.header(header::CACHE_CONTROL)), (StatusCode::OK, Some("no-store")));
    let mut expected = told;
    expected.as_object_mut().unwrap().remove("client_secret").unwrap();
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn a_replacement_replaces_everything() {
    let server = Server::start().await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    let changes =
        json!({ "redirect_uris": ["https://app.example/new"], "client_name": null, "application_type": null });
    let answer = server.send_json("PUT", &uri, Some(&token), &replacement(&told, &changes)).await;
    assert_eq!((answer.status, answer.header(header::CACHE_CONTROL)), (StatusCode::OK, Some("no-store")));
    let body = answer.json();
    assert_eq!(body["redirect_uris"], json!(["https://app.example/new"]));
    assert_eq!((body.get("client_name"), &body["application_type"]), (None, &json!("web")));
    assert!(body.get("client_secret").is_none(), "it is still the one that the client has");
    let (id, secret) = (told["client_id"].as_str().unwrap(), told["client_secret"].as_str().unwrap());
    assert_eq!(server.post_as((id, secret), routes::TOKEN, &exchange("x")).await.error().1, "invalid_grant");
    let (cookie, _) = server.signed_in().await;
    let page = server.authorize(&cookie, &request_with(&[("client_id", id)])).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST, "the old redirect URI is gone");
}

#[tokio::test]
async fn a_new_method_brings_a_new_secret_and_a_public_client_loses_it() {
    let server = Server::start().await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    let public = json!({ "token_endpoint_auth_method": "none" });
    let body = server.send_json("PUT", &uri, Some(&token), &replacement(&told, &public)).await.json();
    assert!(body.get("client_secret").is_none() && body.get("client_secret_expires_at").is_none());
    let confidential = json!({ "token_endpoint_auth_method": "client_secret_post" });
    let body = server.send_json("PUT", &uri, Some(&token), &replacement(&body, &confidential)).await.json();
    let secret = body["client_secret"].as_str().unwrap();
    assert_ne!(Some(secret), told["client_secret"].as_str());
    let form = with(&exchange("x"), &[("client_id", told["client_id"].as_str().unwrap()), ("client_secret", secret)]);
    assert_eq!(server.post(routes::TOKEN, &form).await.error().1, "invalid_grant");
}

#[tokio::test]
async fn a_replacement_has_to_name_the_client_and_cannot_choose_what_the_server_chose() {
    let server = Server::start().await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    for changes in [
        json!({ "client_id": "c_other" }),
        json!({ "client_id": null }),
        json!({ "client_secret": "my own secret" }),
        json!({ "client_secret": 1 }),
        json!({ "registration_access_token": token }),
        json!({ "client_secret_expires_at": 0 }),
        json!({ "redirect_uris": ["javascript:alert(1)"] }),
        json!({ "grant_types": ["client_credentials"] }),
    ] {
        let answer = server.send_json("PUT", &uri, Some(&token), &replacement(&told, &changes)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{changes}");
    }
    let answer = server.send_json("GET", &uri, Some(&token), &json!({})).await;
    assert_eq!(answer.json()["redirect_uris"], told["redirect_uris"], "nothing changed");
}

#[tokio::test]
async fn a_deleted_client_is_gone_with_its_tokens() {
    let server = Server::start().await;
    let public = changed("token_endpoint_auth_method", json!("none"));
    let Managed { uri, token, told } = managed(&server, &public).await;
    let id = told["client_id"].as_str().unwrap();
    let code = server.code(&request_with(&[("client_id", id)])).await;
    let issued = server.post(routes::TOKEN, &with(&exchange(&code), &[("client_id", id)])).await.json();
    let answer = server.send_json("DELETE", &uri, Some(&token), &json!({})).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NO_CONTENT, ""));
    let form = [("token", issued["access_token"].as_str().unwrap())];
    assert_eq!(server.post_as(RESOURCE_SERVER, routes::INTROSPECT, &form).await.body, r#"{"active":false}"#);
    let again = server.send_json("GET", &uri, Some(&token), &json!({})).await;
    assert_eq!(again.error(), (401, ErrorCode::InvalidToken.as_str().to_owned()));
}

#[tokio::test]
async fn nobody_else_s_token_opens_a_registration() {
    let server = Server::start().await;
    let one = managed(&server, &named("One")).await;
    let two = managed(&server, &named("Two")).await;
    let access_token = server.token(RESOURCE).await;
    for method in ["GET", "PUT", "DELETE"] {
        for token in [Some(two.token.as_str()), Some(&access_token), Some(&"x".repeat(43)), None] {
            let answer = server.send_json(method, &one.uri, token, &replacement(&one.told, &json!({}))).await;
            assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{method} {token:?}");
            assert!(answer.header(header::WWW_AUTHENTICATE).unwrap().starts_with("Bearer"));
        }
        for uri in ["/register/c_unknown", "/register/simple-mcp-client"] {
            let answer = server.send_json(method, uri, Some(&one.token), &json!({})).await;
            assert_eq!(answer.error(), (401, "invalid_token".to_owned()), "{method} {uri}");
        }
    }
    assert!(server.send_json("GET", &one.uri, Some(&one.token), &json!({})).await.status.is_success());
}

#[tokio::test]
async fn changed_metadata_has_to_be_approved_again_and_the_same_does_not() {
    let server = Server::with(Options { registration: Registration::Approval, ..Options::default() }).await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    let id = ClientId::parse(told["client_id"].as_str().unwrap()).unwrap();
    let standing = async || server.services.store.client(&id).await.unwrap().unwrap().standing;
    server.services.store.set_client_standing(&id, ClientStanding::Active, NOW).await.unwrap();
    let put = async |changes: Value| {
        let answer = server.send_json("PUT", &uri, Some(&token), &replacement(&told, &changes)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    };
    put(json!({})).await;
    assert_eq!(standing().await, ClientStanding::Active);
    put(json!({ "redirect_uris": ["https://other.example/cb"], "application_type": "web" })).await;
    assert_eq!(standing().await, ClientStanding::AwaitingApproval);
}

#[tokio::test]
async fn a_disabled_client_cannot_touch_its_registration() {
    let server = Server::start().await;
    let Managed { uri, token, told } = managed(&server, &named("A client")).await;
    let id = ClientId::parse(told["client_id"].as_str().unwrap()).unwrap();
    server.services.store.set_client_standing(&id, ClientStanding::Disabled, NOW).await.unwrap();
    for method in ["GET", "PUT", "DELETE"] {
        let answer = server.send_json(method, &uri, Some(&token), &replacement(&told, &json!({}))).await;
        assert_eq!(answer.error(), (403, "access_denied".to_owned()), "{method}");
    }
}
