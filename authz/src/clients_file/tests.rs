//! The file of clients: what is read, what is refused, what is there after a start.

use super::*;
use crate::{
    cli::Cli,
    config::Config,
    protocol::{InvalidRedirectUri, PrivateUseScheme, RedirectRules},
    routes,
    testing::*,
};
use clap::Parser as _;
use serde_json::json;

fn settings() -> Settings {
    let schemes = vec![PrivateUseScheme::parse("com.example.app").unwrap()];
    let config = Config::try_from(Cli::try_parse_from(["authz"]).unwrap()).unwrap();
    Settings { redirects: RedirectRules { schemes, out_of_band: false }, ..config.settings }
}

fn read(content: &str) -> Result<ClientsFile, InvalidClientsFile> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clients.json");
    std::fs::write(&path, content).unwrap();
    ClientsFile::read(&path, &settings())
}

fn app() -> Value {
    json!({ "client_id": "app", "client_secret": "app-secret", "redirect_uris": ["https://app.example/cb"] })
}

fn problem(content: &Value) -> InvalidClient {
    match read(&content.to_string()) {
        Err(InvalidClientsFile::Client { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

fn changed(member: &str, value: Value) -> Value {
    let mut app = app();
    app[member] = value;
    json!([app])
}

#[tokio::test]
async fn a_client_of_the_file_works_until_it_leaves_the_file() {
    let server = Server::start().await;
    let rs = json!({ "client_id": "rs", "client_secret": "rs-secret", "introspects": RESOURCE, "grant_types": [] });
    let file = read(&json!([app(), rs]).to_string()).unwrap();
    for _ in 0..2 {
        install(&server.services, Some(&file)).await.unwrap();
    }
    let attempt = async || server.post_as(("app", "app-secret"), routes::TOKEN, &exchange("x")).await;
    assert_eq!(attempt().await.error().1, "invalid_grant");
    let token = server.token(RESOURCE).await;
    let answer = server.post_as(("rs", "rs-secret"), routes::INTROSPECT, &[("token", &token)]).await;
    assert_eq!(answer.json()["active"], true);
    install(&server.services, None).await.unwrap();
    assert_eq!(attempt().await.error().1, "invalid_client");
}

#[tokio::test]
async fn an_id_of_another_origin_is_not_taken_over() {
    let server = Server::start().await;
    let file = read(&changed("client_id", json!(CLIENT)).to_string()).unwrap();
    let error = install(&server.services, Some(&file)).await.unwrap_err();
    assert!(matches!(&error, InstallError::IdTaken(id) if id.as_str() == CLIENT), "{error}");
}

#[test]
fn every_client_keeps_the_rules_of_a_registration() {
    for (content, expected) in [
        (changed("client_id", json!(null)), InvalidClient::Id),
        (changed("client_id", json!("a b")), InvalidClient::Id),
        (changed("client_id", json!("https://app.example/client")), InvalidClient::UrlAsId),
        (json!([app(), app()]), InvalidClient::DuplicateId),
        (changed("client_secret", json!(null)), InvalidClient::Secret),
        (changed("client_secret", json!("x".repeat(257))), InvalidClient::Secret),
        (changed("token_endpoint_auth_method", json!("none")), InvalidClient::Secret),
        (changed("introspects", json!("/mcp")), InvalidClient::Introspects),
        (changed("redirect_uris", json!([])), InvalidClient::Metadata(InvalidMetadata::RedirectUriCount)),
        (changed("grant_types", json!(["password"])), InvalidClient::Metadata(InvalidMetadata::GrantTypes)),
    ] {
        assert_eq!(problem(&content), expected, "{content}");
    }
}

#[test]
fn what_is_not_a_list_of_objects_is_refused_and_no_secret_is_shown() {
    for content in ["", "{}", "[1]", "[{\"client_id\":\"a\",\"client_id\":\"b\"}]", "[hunter2]"] {
        let error = read(content).unwrap_err();
        assert!(matches!(error, InvalidClientsFile::NotAList), "{content}");
        assert!(!error.to_string().contains("hunter2"));
    }
    let error = read(&changed("client_secret", json!("hunter2".repeat(50))).to_string()).unwrap_err();
    assert!(error.to_string().starts_with("client 1: client_secret") && !error.to_string().contains("hunter2"));
    assert!(!format!("{:?}", read(&json!([app()]).to_string()).unwrap()).contains("app-secret"));
}

#[test]
fn a_redirect_uri_has_a_scheme_that_the_settings_name() {
    assert!(read(&changed("redirect_uris", json!(["com.example.app:/cb"])).to_string()).is_ok());
    let other = changed("redirect_uris", json!(["com.example.other:/cb"]));
    let expected = InvalidMetadata::RedirectUri(InvalidRedirectUri::SchemeNotAllowed);
    assert_eq!(problem(&other), InvalidClient::Metadata(expected));
}
