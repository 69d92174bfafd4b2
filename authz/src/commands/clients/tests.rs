//! The commands on the database of a running server.

use super::*;
use crate::{
    protocol::ErrorCode,
    routes,
    services::Registration,
    testing::{self, *},
};
use http::{StatusCode, header};
use serde_json::json;

async fn run(server: &Server, command: ClientsCommand) -> Result<String, CommandError> {
    super::run(command, &server.means()).await
}

fn refused(result: Result<String, CommandError>) -> ClientsError {
    match result {
        Err(CommandError::Clients(error)) => error,
        other => panic!("{other:?}"),
    }
}

fn new(id: &str) -> NewClient {
    NewClient { id: id.to_owned(), redirect_uris: vec![REDIRECT_URI.to_owned()], ..NewClient::default() }
}

fn add(new: NewClient) -> ClientsCommand {
    ClientsCommand::Add(Box::new(new))
}

#[tokio::test]
async fn lists_every_client_and_shows_one_without_its_secret() {
    let server = Server::start().await;
    let list = run(&server, ClientsCommand::List).await.unwrap();
    assert!(list.contains("simple-mcp-client\tactive\tdemo\tSimple MCP Client\n"), "{list}");
    let shown = run(&server, ClientsCommand::Show { id: CLIENT.to_owned() }).await.unwrap();
    for expected in ["client_id: simple-mcp-client\n", "redirect_uris: http://localhost:3030/callback\n"] {
        assert!(shown.contains(expected), "{shown}");
    }
    assert!(!shown.contains("secret-123"), "{shown}");
}

#[tokio::test]
async fn an_unknown_client_is_an_error_that_says_where_to_look() {
    let server = Server::start().await;
    for id in ["nobody", "no body", ""].map(str::to_owned) {
        for command in [
            ClientsCommand::Show { id: id.clone() },
            ClientsCommand::Approve { id: id.clone() },
            ClientsCommand::Disable { id: id.clone() },
            ClientsCommand::Delete { id: id.clone() },
        ] {
            let error = refused(run(&server, command).await);
            assert!(matches!(error, ClientsError::Unknown(_)), "{error:?}");
            assert!(error.to_string().contains("authz clients list"), "{error}");
        }
    }
}

#[tokio::test]
async fn an_added_client_gets_a_secret_that_works_at_once() {
    let server = Server::start().await;
    let shown = run(&server, add(new("batch"))).await.unwrap();
    let secret = shown.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap();
    assert_eq!(server.post_as(("batch", secret), routes::TOKEN, &exchange("x")).await.error().1, "invalid_grant");
    let public = NewClient { method: Some("none".to_owned()), ..new("public") };
    assert!(!run(&server, add(public)).await.unwrap().contains("client_secret:"));
}

#[tokio::test]
async fn an_added_client_keeps_the_rules_of_every_registration() {
    let server = Server::start().await;
    let wrong = NewClient { redirect_uris: vec!["http://app.example/cb".to_owned()], ..new("c") };
    assert!(matches!(refused(run(&server, add(wrong)).await), ClientsError::Metadata(_)));
    let wrong = NewClient { scope: Some("mcp:read mcp:other".to_owned()), ..new("c") };
    assert!(matches!(refused(run(&server, add(wrong)).await), ClientsError::Metadata(InvalidMetadata::Scope)));
    for id in ["", "a b", "https://app.example/c"] {
        assert!(matches!(refused(run(&server, add(new(id))).await), ClientsError::Id(_)), "{id}");
    }
    assert!(matches!(refused(run(&server, add(new(CLIENT))).await), ClientsError::IdTaken(_)));
}

#[tokio::test]
async fn an_added_resource_server_may_introspect_for_a_known_resource() {
    let server = Server::start().await;
    let rs = |resource: &str| {
        let introspects = Some(resource.to_owned());
        add(NewClient { introspects, redirect_uris: vec![], ..new("rs") })
    };
    assert!(matches!(refused(run(&server, rs("http://other.example/mcp")).await), ClientsError::Resource(_)));
    let shown = run(&server, rs(RESOURCE)).await.unwrap();
    let secret = shown.lines().find_map(|line| line.strip_prefix("client_secret: ")).unwrap();
    let token = server.token(RESOURCE).await;
    let answer = server.post_as(("rs", secret), routes::INTROSPECT, &[("token", &token)]).await;
    assert_eq!(answer.json()["active"], true);
}

#[tokio::test]
async fn a_disabled_client_is_cut_off_at_once_and_approving_lets_it_back_in() {
    let server = Server::start().await;
    let (token, code) = (server.token(RESOURCE).await, server.code(&AUTHORIZATION_REQUEST).await);
    let shown = run(&server, ClientsCommand::Disable { id: CLIENT.to_owned() }).await.unwrap();
    assert_eq!(shown, "simple-mcp-client is disabled\n");
    let answer = server.post_as((CLIENT, SECRET), routes::TOKEN, &exchange(&code)).await;
    assert_eq!(answer.error(), (401, ErrorCode::InvalidClient.as_str().to_owned()));
    let rs = RESOURCE_SERVER;
    assert_eq!(server.post_as(rs, routes::INTROSPECT, &[("token", &token)]).await.body, r#"{"active":false}"#);
    let (cookie, _) = server.signed_in().await;
    let page = server.authorize(&cookie, &AUTHORIZATION_REQUEST).await;
    assert_eq!((page.status, page.header(header::LOCATION)), (StatusCode::FORBIDDEN, None));
    assert!(page.body.contains("switched off"), "{}", page.body);
    run(&server, ClientsCommand::Approve { id: CLIENT.to_owned() }).await.unwrap();
    server.token(RESOURCE).await;
    assert_eq!(server.post_as(rs, routes::INTROSPECT, &[("token", &token)]).await.body, r#"{"active":false}"#);
}

#[tokio::test]
async fn a_request_that_waits_for_a_decision_is_over_when_its_client_is_disabled() {
    let server = Server::start().await;
    let pending = server.pending(&AUTHORIZATION_REQUEST).await;
    run(&server, ClientsCommand::Disable { id: CLIENT.to_owned() }).await.unwrap();
    let found = server.services.store.pending_authorization(&pending.hash, &pending.session, NOW).await.unwrap();
    assert_eq!(found, None);
}

#[tokio::test]
async fn a_deleted_client_is_gone_and_one_that_would_come_back_is_told() {
    let server = Server::start().await;
    run(&server, add(new("batch"))).await.unwrap();
    assert_eq!(run(&server, ClientsCommand::Delete { id: "batch".to_owned() }).await.unwrap(), "batch is gone\n");
    assert!(matches!(
        refused(run(&server, ClientsCommand::Show { id: "batch".to_owned() }).await),
        ClientsError::Unknown(_)
    ));
    let error = refused(run(&server, ClientsCommand::Delete { id: CLIENT.to_owned() }).await);
    assert!(matches!(error, ClientsError::FromElsewhere(..)), "{error}");
}

#[tokio::test]
async fn a_registration_token_is_made_listed_used_and_removed() {
    let options = testing::Options { registration: Registration::Token, ..testing::Options::default() };
    let server = Server::with(options).await;
    let command = |command| ClientsCommand::RegistrationToken(command);
    let add = || command(RegistrationTokenCommand::Add { name: "ci".to_owned(), days: 1 });
    let shown = run(&server, add()).await.unwrap();
    let token = shown.lines().next().unwrap();
    assert!(matches!(refused(run(&server, add()).await), ClientsError::TokenNameTaken(_)));
    let list = run(&server, command(RegistrationTokenCommand::List)).await.unwrap();
    assert!(list.starts_with("ci\t") && !list.contains(token), "{list}");
    let metadata = json!({ "redirect_uris": [REDIRECT_URI] });
    let register = || server.send_json("POST", routes::REGISTER, Some(token), &metadata);
    assert_eq!(register().await.status, StatusCode::CREATED);
    let remove = || command(RegistrationTokenCommand::Remove { name: "ci".to_owned() });
    run(&server, remove()).await.unwrap();
    assert_eq!(register().await.error(), (401, "invalid_token".to_owned()));
    assert!(matches!(refused(run(&server, remove()).await), ClientsError::UnknownToken(_)));
    let wrong = command(RegistrationTokenCommand::Add { name: "c i".to_owned(), days: 1 });
    assert!(matches!(refused(run(&server, wrong).await), ClientsError::TokenName(_)));
}
