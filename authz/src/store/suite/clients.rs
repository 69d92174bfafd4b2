//! Clients.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{ClientAuthentication, Origin, RegisteredClient},
    protocol::{ApplicationType, ClientId, Scope},
};

rules! {
    clients_survive_a_restart_with_every_member,
    putting_a_client_replaces_its_own_origin_only,
    a_confidential_client_without_its_secret_is_an_error_and_not_a_public_client,
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
