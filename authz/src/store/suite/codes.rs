//! Authorization codes.

use super::super::*;
use super::scene::*;
use crate::domain::{
    AuthorizationCode, CodeSecret, CodeState, Consent, GrantState, PendingAuthorization, RefreshFamily, RefreshToken,
};
use jiff::{SignedDuration, ToSpan as _};
use std::sync::Arc;

rules! {
    a_code_is_redeemed_once_and_a_replay_revokes_the_grant,
    of_sixteen_parallel_redemptions_one_is_first,
    a_sealed_code_is_redeemed_once_and_a_replay_revokes_the_grant,
    a_sealed_code_is_worth_what_the_consent_behind_it_is,
    of_sixteen_parallel_redemptions_of_a_sealed_code_one_is_first,
    replays_and_disconnections_at_once_do_not_wait_for_each_other,
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
        Redemption::Revoked
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

/// A code that is not stored, and the consent that it hangs on.
async fn sealed(store: &SqlStore) -> (AuthorizationCode, Consent, PendingAuthorization) {
    let Scene { person, pending, .. } = scene(store).await;
    let first = code(&pending, &person.subject);
    assert_eq!(store.approve(&pending, &first, Memory::Kept, NOW).await.unwrap(), Decision::First);
    let consent = store.consent(&person.subject, &pending.client_id, &pending.resource).await.unwrap().unwrap();
    (code(&pending, &person.subject), consent, pending)
}

async fn a_sealed_code_is_redeemed_once_and_a_replay_revokes_the_grant(database: Database) {
    let store = database.open().await;
    let (code, consent, _) = sealed(&store).await;
    let redeem = async |store: &SqlStore, now| store.redeem_sealed(&code, consent.given_at, None, now).await.unwrap();
    assert_eq!(store.code(&code.hash).await.unwrap(), None);
    assert_eq!(redeem(&store, NOW).await, Redemption::First);
    assert_eq!(store.grant(&code.grant.id).await.unwrap(), Some(code.grant.clone()));
    let store = database.reopen(store).await;
    let redeemed = AuthorizationCode { state: CodeState::Redeemed { at: NOW }, ..code.clone() };
    assert_eq!(store.code(&code.hash).await.unwrap(), Some(redeemed), "from now on as every other");
    let later = NOW + 5.seconds();
    assert_eq!(redeem(&store, later).await, Redemption::Replayed);
    assert_eq!(store.redeem(&code.hash, None, later + 5.seconds()).await.unwrap(), Redemption::Replayed);
    let grant = store.grant(&code.grant.id).await.unwrap().unwrap();
    assert_eq!(grant.state, GrantState::Revoked { at: later }, "the first replay counts");
}

async fn a_sealed_code_is_worth_what_the_consent_behind_it_is(database: Database) {
    let store = database.open().await;
    let (code, consent, pending) = sealed(&store).await;
    let redeem = async |code| store.redeem_sealed(code, consent.given_at, None, NOW).await.unwrap();
    store.disconnect(&consent.subject, &consent.client_id, NOW).await.unwrap();
    assert_eq!(redeem(&code).await, Redemption::Revoked);
    assert_eq!(store.grant(&code.grant.id).await.unwrap(), None);
    let again = PendingAuthorization { hash: secret::<_>().hash(), ..pending };
    store.begin_authorization(&again).await.unwrap();
    let later = self::code(&again, &consent.subject);
    store.approve(&again, &later, Memory::Kept, NOW + 1.second()).await.unwrap();
    assert_eq!(redeem(&code).await, Redemption::Revoked, "the person was asked again, after the code was given");
}

async fn of_sixteen_parallel_redemptions_of_a_sealed_code_one_is_first(database: Database) {
    let store = Arc::new(database.open().await);
    let (code, consent, _) = sealed(&store).await;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (store, code) = (store.clone(), code.clone());
            let family = RefreshFamily::begin(
                &RefreshToken::generate(&random()).unwrap(),
                code.grant.clone(),
                NOW + SignedDuration::from_hours(1),
            );
            tokio::spawn(async move { store.redeem_sealed(&code, consent.given_at, Some(&family), NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for attempt in attempts {
        match attempt.await.unwrap() {
            Redemption::First => first += 1,
            Redemption::Replayed => {}
            Redemption::Revoked => panic!("a replay is known for what it is"),
        }
    }
    assert_eq!(first, 1);
    assert!(matches!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Revoked { .. }));
}

async fn replays_and_disconnections_at_once_do_not_wait_for_each_other(database: Database) {
    let store = Arc::new(database.open().await);
    let Scene { person, pending, .. } = scene(&store).await;
    for _ in 0..20 {
        let pending = PendingAuthorization { hash: secret::<_>().hash(), ..pending.clone() };
        store.begin_authorization(&pending).await.unwrap();
        let code = code(&pending, &person.subject);
        store.approve(&pending, &code, Memory::Kept, NOW).await.unwrap();
        assert_eq!(store.redeem(&code.hash, None, NOW).await.unwrap(), Redemption::First);
        let turns: Vec<_> = (0..8)
            .map(|turn| {
                let (store, code) = (store.clone(), code.clone());
                tokio::spawn(async move {
                    match turn % 2 {
                        0 => store.disconnect(&code.grant.subject, &code.grant.client_id, NOW).await,
                        _ => store.redeem(&code.hash, None, NOW).await.map(drop),
                    }
                })
            })
            .collect();
        for turn in turns {
            turn.await.unwrap().unwrap();
        }
        assert!(matches!(store.grant(&code.grant.id).await.unwrap().unwrap().state, GrantState::Revoked { .. }));
    }
}
