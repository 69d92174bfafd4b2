//! Grants.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{Grant, GrantId, GrantState, Origin, Subject, TokenId},
    protocol::{ClientId, Resource, Scope},
};
use jiff::ToSpan as _;
use std::sync::Arc;

rules! {
    a_revoked_grant_stays_revoked,
    a_direct_grant_is_used_again_until_it_is_revoked,
    a_direct_grant_that_another_process_revoked_is_not_used_again,
    of_sixteen_parallel_askers_all_get_the_same_direct_grant,
    a_revoked_token_has_no_grant_behind_it_until_it_is_over,
}

async fn a_revoked_grant_stays_revoked(database: Database) {
    let store = database.open().await;
    let id = approved(&store).await.grant.id;
    store.revoke_grant(&id, NOW).await.unwrap();
    store.revoke_grant(&id, NOW + 1.hour()).await.unwrap();
    store.revoke_grant(&GrantId::generate(&random()).unwrap(), NOW).await.unwrap();
    let store = database.reopen(store).await;
    assert_eq!(store.grant(&id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
}

async fn a_revoked_token_has_no_grant_behind_it_until_it_is_over(database: Database) {
    let store = database.open().await;
    let grant = approved(&store).await.grant;
    let (revoked, other) = (TokenId::generate(&random()).unwrap(), TokenId::generate(&random()).unwrap());
    let end = NOW + 1.hour();
    for _ in 0..2 {
        store.revoke_token(&revoked, end).await.unwrap();
    }
    let store = database.reopen(store).await;
    assert_eq!(store.grant_behind(&grant.id, &revoked).await.unwrap(), None);
    assert_eq!(store.grant_behind(&grant.id, &other).await.unwrap(), Some(grant.clone()));
    store.sweep(end - 1.second(), 10).await.unwrap();
    assert_eq!(store.grant_behind(&grant.id, &revoked).await.unwrap(), None);
    store.sweep(end, 10).await.unwrap();
    assert_eq!(store.grant_behind(&grant.id, &revoked).await.unwrap(), Some(grant.clone()), "the token is forgotten");
    store.revoke_grant(&grant.id, NOW).await.unwrap();
    assert_eq!(store.grant_behind(&grant.id, &other).await.unwrap(), None);
}

async fn a_direct_grant_that_another_process_revoked_is_not_used_again(database: Database) {
    let (store, other) = (database.open().await, database.open().await);
    store.put_client(&client("c_1", Origin::Operator)).await.unwrap();
    let ask = async || store.direct_grant(&direct("c_1", "https://one.example/mcp")).await.unwrap().id;
    for _ in 0..3 {
        let id = ask().await;
        assert_eq!([ask().await, ask().await], [id.clone(), id.clone()]);
        other.revoke_grant(&id, NOW).await.unwrap();
        assert_ne!(ask().await, id);
    }
}

fn direct(client: &str, resource: &str) -> Grant {
    let client_id = ClientId::parse(client).unwrap();
    Grant {
        id: GrantId::generate(&random()).unwrap(),
        subject: Subject::of_client(&client_id),
        client_id,
        scope: Scope::parse("mcp:read").unwrap(),
        resource: Resource::parse(resource).unwrap(),
        authentication: None,
        created_at: NOW,
        state: GrantState::Alive,
    }
}

async fn a_direct_grant_is_used_again_until_it_is_revoked(database: Database) {
    let store = database.open().await;
    for id in ["c_1", "c_2"] {
        store.put_client(&client(id, Origin::Operator)).await.unwrap();
    }
    let first = direct("c_1", "http://a/mcp");
    assert_eq!(store.direct_grant(&first).await.unwrap(), first);
    let store = database.reopen(store).await;
    assert_eq!(store.direct_grant(&direct("c_1", "http://a/mcp")).await.unwrap(), first);
    for other in [direct("c_2", "http://a/mcp"), direct("c_1", "http://b/mcp")] {
        assert_eq!(store.direct_grant(&other).await.unwrap(), other);
    }
    let token = TokenId::generate(&random()).unwrap();
    assert_eq!(store.grant_behind(&first.id, &token).await.unwrap(), Some(first.clone()));
    store.revoke_grant(&first.id, NOW).await.unwrap();
    assert_eq!(store.grant_behind(&first.id, &token).await.unwrap(), None);
    assert_eq!(store.grant(&first.id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
    let second = direct("c_1", "http://a/mcp");
    assert_eq!(store.direct_grant(&second).await.unwrap(), second);
}

async fn of_sixteen_parallel_askers_all_get_the_same_direct_grant(database: Database) {
    let store = Arc::new(database.open().await);
    store.put_client(&client("c_1", Origin::Operator)).await.unwrap();
    let askers: Vec<_> = (0..16)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.direct_grant(&direct("c_1", "http://a/mcp")).await.unwrap().id })
        })
        .collect();
    let mut ids = std::collections::HashSet::new();
    for asker in askers {
        ids.insert(asker.await.unwrap());
    }
    assert_eq!(ids.len(), 1);
}
