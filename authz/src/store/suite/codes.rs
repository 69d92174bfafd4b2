//! Authorization codes.

use super::super::*;
use super::scene::*;
use crate::domain::{CodeSecret, CodeState, GrantState};
use jiff::ToSpan as _;
use std::sync::Arc;

rules! {
    a_code_is_redeemed_once_and_a_replay_revokes_the_grant,
    of_sixteen_parallel_redemptions_one_is_first,
}

async fn a_code_is_redeemed_once_and_a_replay_revokes_the_grant(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    assert_eq!(store.redeem(&code.hash, None, NOW).await.unwrap(), Redemption::First);
    assert_eq!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Alive);
    // A restart forgets nothing.
    let store = database.reopen(store).await;
    let used = store.code(&code.hash).await.unwrap().unwrap();
    assert_eq!(used.state, CodeState::Redeemed { at: NOW });
    let later = NOW + 5.seconds();
    assert_eq!(store.redeem(&code.hash, None, later).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.redeem(&code.hash, None, later + 5.seconds()).await.unwrap(), Redemption::Replayed);
    let grant = store.grant(&code.grant.id).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Revoked { at: later }, "the first replay counts");
    assert_eq!(
        store.redeem(&CodeSecret::generate(&random()).unwrap().hash(), None, NOW).await.unwrap(),
        Redemption::Replayed
    );
}

async fn of_sixteen_parallel_redemptions_one_is_first(database: Database) {
    let store = Arc::new(database.open().await);
    let hash = approved(&store).await.hash;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (store, hash) = (store.clone(), hash.clone());
            tokio::spawn(async move { store.redeem(&hash, None, NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for attempt in attempts {
        first += usize::from(attempt.await.unwrap() == Redemption::First);
    }
    assert_eq!(first, 1);
}
