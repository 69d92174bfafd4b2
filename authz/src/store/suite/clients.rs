//! Clients.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{
        BrowserSession, ClientAuthentication, ClientStanding, GrantState, InitialAccess, InitialAccessToken, Origin,
        RegisteredClient, TokenName,
    },
    protocol::{ApplicationType, ClientId, Scope},
};
use jiff::ToSpan as _;

rules! {
    clients_survive_a_restart_with_every_member,
    putting_a_client_replaces_its_own_origin_only,
    putting_a_client_keeps_its_standing,
    only_a_client_that_registered_itself_is_replaced_and_not_once_disabled,
    a_client_that_is_not_active_is_cut_off,
    what_another_process_does_to_a_client_counts_at_once,
    a_deleted_client_takes_everything_with_it,
    clients_that_left_the_file_are_gone,
    only_unused_clients_that_nobody_here_registered_are_swept,
    initial_access_tokens_are_found_until_their_time_is_over,
    a_confidential_client_without_its_secret_is_an_error_and_not_a_public_client,
}

async fn what_another_process_does_to_a_client_counts_at_once(database: Database) {
    let (store, other) = (database.open().await, database.open().await);
    let known = client("c_1", Origin::SelfRegistered);
    other.add_client(&known).await.unwrap();
    let seen = async || store.client(&known.id).await.unwrap();
    for standing in [ClientStanding::Disabled, ClientStanding::Active, ClientStanding::AwaitingApproval] {
        for _ in 0..3 {
            assert!(seen().await.is_some());
        }
        other.set_client_standing(&known.id, standing, NOW).await.unwrap();
        assert_eq!(seen().await.unwrap().standing, standing);
    }
    other.delete_client(&known.id).await.unwrap();
    assert_eq!(seen().await, None);
}

async fn clients_survive_a_restart_with_every_member(database: Database) {
    let store = database.open().await;
    let full = client("c_1", Origin::SelfRegistered);
    let bare = RegisteredClient {
        id: ClientId::parse("c_2").unwrap(),
        name: None,
        uri: None,
        authentication: ClientAuthentication::Public,
        redirect_uris: vec![],
        grant_types: vec![],
        scope: Scope::default(),
        application_type: ApplicationType::Web,
        introspects: None,
        origin: Origin::Operator,
        standing: ClientStanding::Active,
        registration_access: None,
        registered_at: NOW,
    };
    store.add_client(&full).await.unwrap();
    store.put_client(&bare).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.client(&full.id).await.unwrap(), Some(full.clone()));
    assert_eq!(store.client(&bare.id).await.unwrap(), Some(bare));
    assert_eq!(store.client(&ClientId::parse("c_3").unwrap()).await.unwrap(), None);
    assert!(store.add_client(&full).await.is_err(), "an id is given out once");
}

async fn putting_a_client_replaces_its_own_origin_only(database: Database) {
    let store = database.open().await;
    let demo = client("simple-mcp-client", Origin::Demo);
    store.put_client(&demo).await.unwrap();
    let renamed = RegisteredClient { name: Some("New".to_owned()), ..demo.clone() };
    store.put_client(&renamed).await.unwrap();
    assert_eq!(store.client(&demo.id).await.unwrap(), Some(renamed.clone()));
    store.put_client(&RegisteredClient { name: None, origin: Origin::Operator, ..demo.clone() }).await.unwrap();
    assert_eq!(store.client(&demo.id).await.unwrap(), Some(renamed));
}

async fn a_confidential_client_without_its_secret_is_an_error_and_not_a_public_client(database: Database) {
    let store = database.open().await;
    store.add_client(&client("c_1", Origin::SelfRegistered)).await.unwrap();
    store.execute_for_test("UPDATE clients SET secret_hash = NULL").await;
    let found = store.client(&ClientId::parse("c_1").unwrap()).await;
    assert!(matches!(found, Err(StoreError::Unreadable("secret_hash"))), "{found:?}");
}

async fn putting_a_client_keeps_its_standing(database: Database) {
    let store = database.open().await;
    let configured = client("app", Origin::Configuration);
    assert!(store.put_client(&configured).await.unwrap());
    assert!(store.set_client_standing(&configured.id, ClientStanding::Disabled, NOW).await.unwrap());
    assert!(store.put_client(&configured).await.unwrap());
    let found = store.client(&configured.id).await.unwrap().unwrap();
    assert_eq!(found.standing, ClientStanding::Disabled);
    assert!(!store.put_client(&client("app", Origin::Operator)).await.unwrap(), "the id is taken");
}

async fn only_a_client_that_registered_itself_is_replaced_and_not_once_disabled(database: Database) {
    let store = database.open().await;
    let (own, other) = (client("c_1", Origin::SelfRegistered), client("app", Origin::Operator));
    store.add_client(&own).await.unwrap();
    store.put_client(&other).await.unwrap();
    let renamed = |client: &RegisteredClient| RegisteredClient { name: Some("New".to_owned()), ..client.clone() };
    assert!(store.replace_client(&renamed(&own), NOW).await.unwrap());
    assert_eq!(store.client(&own.id).await.unwrap(), Some(renamed(&own)));
    assert!(!store.replace_client(&renamed(&other), NOW).await.unwrap());
    assert_eq!(store.client(&other.id).await.unwrap(), Some(other));
    assert!(!store.replace_client(&client("c_2", Origin::SelfRegistered), NOW).await.unwrap(), "unknown");
    store.set_client_standing(&own.id, ClientStanding::Disabled, NOW).await.unwrap();
    assert!(!store.replace_client(&own, NOW).await.unwrap(), "nobody enables itself");
    assert_eq!(store.client(&own.id).await.unwrap().unwrap().standing, ClientStanding::Disabled);
}

async fn a_client_that_is_not_active_is_cut_off(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    let client = store.client(&code.grant.client_id).await.unwrap().unwrap();
    let waiting = {
        let session = BrowserSession::signed_in(secret::<_>().hash(), code.grant.subject.clone(), NOW);
        store.begin_session(&session).await.unwrap();
        let pending = pending(&session.hash, &client);
        store.begin_authorization(&pending).await.unwrap();
        pending
    };
    let replaced = RegisteredClient { standing: ClientStanding::AwaitingApproval, ..client };
    assert!(store.replace_client(&replaced, NOW).await.unwrap());
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
    let found = store.pending_authorization(&waiting.hash, &waiting.session, NOW).await.unwrap();
    assert_eq!(found, None, "nobody is asked for it any more");
    let unknown = ClientId::parse("c_9").unwrap();
    assert!(!store.set_client_standing(&unknown, ClientStanding::Disabled, NOW).await.unwrap());
}

async fn a_deleted_client_takes_everything_with_it(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    assert!(store.delete_client(&code.grant.client_id).await.unwrap());
    assert!(!store.delete_client(&code.grant.client_id).await.unwrap());
    assert_eq!(store.grant(&code.grant.id).await.unwrap(), None);
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
}

async fn clients_that_left_the_file_are_gone(database: Database) {
    let store = database.open().await;
    let [one, two] = ["one", "two"].map(|id| client(id, Origin::Configuration));
    let other = client("three", Origin::Operator);
    for client in [&one, &two, &other] {
        store.put_client(client).await.unwrap();
    }
    assert_eq!(store.forget_configured_clients(std::slice::from_ref(&one.id)).await.unwrap(), 1);
    let ids: Vec<_> = store.clients().await.unwrap().into_iter().map(|client| client.id.to_string()).collect();
    assert_eq!(ids, ["one", "three"]);
}

async fn only_unused_clients_that_nobody_here_registered_are_swept(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    for (id, origin) in [("c_2", Origin::SelfRegistered), ("c_3", Origin::SelfRegistered), ("app", Origin::Operator)] {
        store.put_client(&client(id, origin)).await.unwrap();
    }
    assert_eq!(store.sweep_clients(NOW - 1.second(), 10).await.unwrap(), 0);
    assert_eq!(store.sweep_clients(NOW, 1).await.unwrap(), 1, "in steps");
    assert_eq!(store.sweep_clients(NOW, 10).await.unwrap(), 1, "c_1 has a live grant");
    store.revoke_grant(&code.grant.id, NOW).await.unwrap();
    assert_eq!(store.sweep_clients(NOW - 1.second(), 10).await.unwrap(), 0, "it was used at NOW");
    assert_eq!(store.sweep_clients(NOW, 10).await.unwrap(), 1);
    let ids: Vec<_> = store.clients().await.unwrap().into_iter().map(|client| client.id.to_string()).collect();
    assert_eq!(ids, ["app"]);
    let document = client("https://app.example/client.json", Origin::MetadataDocument);
    store.put_client(&document).await.unwrap();
    store.client_used(&document.id, NOW + 1.minute()).await.unwrap();
    assert_eq!(store.sweep_clients(NOW, 10).await.unwrap(), 0, "it was let in without a page");
    assert_eq!(store.sweep_clients(NOW + 1.minute(), 10).await.unwrap(), 1, "its document brings it back");
}

async fn initial_access_tokens_are_found_until_their_time_is_over(database: Database) {
    let store = database.open().await;
    let secret = InitialAccessToken::generate(&random()).unwrap();
    let token = InitialAccess {
        name: TokenName::parse("ci").unwrap(),
        hash: secret.hash(),
        created_at: NOW,
        expires_at: NOW + 60.seconds(),
    };
    assert!(store.add_initial_access(&token).await.unwrap());
    assert!(!store.add_initial_access(&token).await.unwrap(), "the name is taken");
    let store = database.reopen(store).await;
    assert_eq!(store.initial_access(&secret.hash(), NOW).await.unwrap(), Some(token.clone()));
    assert_eq!(store.initial_access(&secret.hash(), token.expires_at).await.unwrap(), None);
    assert_eq!(store.initial_accesses().await.unwrap(), std::slice::from_ref(&token));
    assert!(store.remove_initial_access(&token.name).await.unwrap());
    assert!(!store.remove_initial_access(&token.name).await.unwrap());
    store.add_initial_access(&token).await.unwrap();
    assert_eq!(store.sweep(NOW, 10).await.unwrap(), 0);
    assert_eq!(store.sweep(token.expires_at, 10).await.unwrap(), 1);
}
