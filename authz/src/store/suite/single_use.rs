//! Identifiers that may be used once only.

use super::super::*;
use super::scene::*;
use crate::domain::{SingleUse, SingleUseHash};
use jiff::ToSpan as _;

rules! {
    an_identifier_is_used_once_also_after_a_restart,
    of_sixteen_uses_at_once_one_is_the_first,
    what_nobody_would_take_any_more_is_swept,
}

async fn an_identifier_is_used_once_also_after_a_restart(database: Database) {
    let store = database.open().await;
    let (id, until) = (SingleUseHash::of("client", "jti"), NOW + 60.seconds());
    assert!(store.use_once(SingleUse::ClientAssertion, &id, until, NOW).await.unwrap());
    assert!(!store.use_once(SingleUse::ClientAssertion, &id, until, NOW).await.unwrap());
    assert!(store.use_once(SingleUse::AuthorizationGrant, &id, until, NOW).await.unwrap(), "another kind");
    let store = database.reopen(store).await;
    assert!(!store.use_once(SingleUse::ClientAssertion, &id, until, until - 1.second()).await.unwrap());
    assert!(store.use_once(SingleUse::ClientAssertion, &id, until + 60.seconds(), until).await.unwrap(), "it is over");
    assert!(!store.use_once(SingleUse::ClientAssertion, &id, until + 60.seconds(), until).await.unwrap());
}

async fn of_sixteen_uses_at_once_one_is_the_first(database: Database) {
    let store = database.open().await;
    let uses = (0..16).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let id = SingleUseHash::of("client", "jti");
            store.use_once(SingleUse::ClientAssertion, &id, NOW + 60.seconds(), NOW).await.unwrap()
        })
    });
    let mut first = 0;
    for used in uses.collect::<Vec<_>>() {
        first += u32::from(used.await.unwrap());
    }
    assert_eq!(first, 1);
}

async fn what_nobody_would_take_any_more_is_swept(database: Database) {
    let store = database.open().await;
    for id in ["1", "2", "3"] {
        let id = SingleUseHash::of("client", id);
        store.use_once(SingleUse::ClientAssertion, &id, NOW + 60.seconds(), NOW).await.unwrap();
    }
    assert_eq!(store.sweep(NOW, 10).await.unwrap(), 0);
    assert_eq!(store.sweep(NOW + 60.seconds(), 2).await.unwrap(), 2);
    assert_eq!(store.sweep(NOW + 60.seconds(), 2).await.unwrap(), 1);
}
