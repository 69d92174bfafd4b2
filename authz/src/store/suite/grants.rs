//! Grants.

use super::super::*;
use super::scene::*;
use crate::domain::{GrantId, GrantState};
use jiff::ToSpan as _;

rules! {
    a_revoked_grant_stays_revoked,
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
