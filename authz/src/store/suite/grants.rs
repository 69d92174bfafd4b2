//! Grants.

use super::super::*;
use super::scene::*;
use crate::domain::{GrantId, GrantState, TokenId};
use jiff::ToSpan as _;

rules! {
    a_revoked_grant_stays_revoked,
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
