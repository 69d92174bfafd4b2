//! Families of refresh tokens.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{FamilyStage, GrantState, RefreshFamily, RefreshToken, Refreshing, Rotation},
    protocol::ClientId,
};
use jiff::{SignedDuration, ToSpan as _};
use std::sync::Arc;

rules! {
    a_family_begins_with_the_redemption_and_survives_a_restart,
    a_refused_redemption_begins_no_family,
    a_redemption_sees_that_its_grant_was_revoked_in_the_meantime,
    a_token_is_replaced_once_and_its_retry_is_spared,
    a_grandparent_ends_the_grant,
    a_parent_after_the_grace_time_ends_the_grant,
    another_client_ends_the_grant,
    a_revoked_or_late_family_is_dead,
    of_sixteen_parallel_uses_one_rotates_and_the_grant_lives,
    a_grant_is_kept_for_as_long_as_its_family,
}

struct Begun {
    first: RefreshToken,
    family: RefreshFamily,
}

async fn begun(store: &SqlStore) -> Begun {
    let code = approved(store).await;
    let first = RefreshToken::generate(&random()).unwrap();
    let family = RefreshFamily::begin(&first, code.grant, NOW + SignedDuration::from_hours(48));
    assert_eq!(store.redeem(&code.hash, Some(&family), NOW).await.unwrap(), Redemption::First);
    Begun { first, family }
}

fn using(token: &RefreshToken, family: &RefreshFamily) -> (RefreshToken, Refreshing) {
    let next = token.next(&random()).unwrap();
    let refreshing = Refreshing {
        family: token.family(),
        presented: token.hash(),
        client_id: family.grant.client_id.clone(),
        next: next.hash(),
        next_expires_at: NOW + SignedDuration::from_hours(72),
        grace: SignedDuration::from_secs(10),
    };
    (next, refreshing)
}

async fn state(store: &SqlStore, family: &RefreshFamily) -> GrantState {
    store.grant(&family.grant.id).await.unwrap().unwrap().state
}

async fn a_family_begins_with_the_redemption_and_survives_a_restart(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let store = database.reopen(store).await;
    assert_eq!(store.refresh_family(&first.family()).await.unwrap(), Some(family));
    let other = RefreshToken::generate(&random()).unwrap();
    assert_eq!(store.refresh_family(&other.family()).await.unwrap(), None);
    let (_, unknown) = using(&other, &begun_other(&other));
    assert_eq!(store.rotate(&unknown, NOW).await.unwrap(), Rotation::Dead);
}

fn begun_other(first: &RefreshToken) -> RefreshFamily {
    let pending = pending(&secret::<_>().hash(), &client("c_1", crate::domain::Origin::Operator));
    let grant = code(&pending, &person("bob").subject).grant;
    RefreshFamily::begin(first, grant, NOW)
}

async fn a_refused_redemption_begins_no_family(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    assert_eq!(store.redeem(&code.hash, None, NOW).await.unwrap(), Redemption::First);
    let late = RefreshToken::generate(&random()).unwrap();
    let family = RefreshFamily::begin(&late, code.grant, NOW + 1.hour());
    assert_eq!(store.redeem(&code.hash, Some(&family), NOW).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.refresh_family(&late.family()).await.unwrap(), None);
}

async fn a_redemption_sees_that_its_grant_was_revoked_in_the_meantime(database: Database) {
    let store = database.open().await;
    let code = approved(&store).await;
    store.revoke_grant(&code.grant.id, NOW).await.unwrap();
    let first = RefreshToken::generate(&random()).unwrap();
    let family = RefreshFamily::begin(&first, code.grant.clone(), NOW + 1.hour());
    assert_eq!(store.redeem(&code.hash, Some(&family), NOW).await.unwrap(), Redemption::Revoked);
    assert_eq!(store.refresh_family(&first.family()).await.unwrap(), None);
    assert_eq!(state(&store, &family).await, GrantState::Revoked { at: NOW });
}

async fn a_token_is_replaced_once_and_its_retry_is_spared(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let (second, use_first) = using(&first, &family);
    let later = NOW + 100.seconds();
    assert_eq!(store.rotate(&use_first, later).await.unwrap(), Rotation::Rotated);
    let store = database.reopen(store).await;
    let rotated = store.refresh_family(&first.family()).await.unwrap().unwrap();
    assert_eq!(rotated, family.clone().rotated(&use_first, later));
    assert!(matches!(&rotated.stage, FamilyStage::Rotated { current, .. } if *current == second.hash()));
    assert_eq!(store.rotate(&using(&first, &family).1, later + 9.seconds()).await.unwrap(), Rotation::Spared);
    assert_eq!(state(&store, &family).await, GrantState::Alive);
    assert_eq!(store.refresh_family(&first.family()).await.unwrap(), Some(rotated), "nothing changed");
    assert_eq!(store.rotate(&using(&second, &family).1, later + 9.seconds()).await.unwrap(), Rotation::Rotated);
}

async fn a_grandparent_ends_the_grant(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let (second, use_first) = using(&first, &family);
    let (third, use_second) = using(&second, &family);
    store.rotate(&use_first, NOW).await.unwrap();
    store.rotate(&use_second, NOW).await.unwrap();
    assert_eq!(store.rotate(&using(&first, &family).1, NOW).await.unwrap(), Rotation::Reused);
    assert_eq!(state(&store, &family).await, GrantState::Revoked { at: NOW });
    assert_eq!(store.rotate(&using(&third, &family).1, NOW).await.unwrap(), Rotation::Dead);
}

async fn a_parent_after_the_grace_time_ends_the_grant(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    store.rotate(&using(&first, &family).1, NOW).await.unwrap();
    let store = database.reopen(store).await;
    let late = NOW + 10.seconds();
    assert_eq!(store.rotate(&using(&first, &family).1, late).await.unwrap(), Rotation::Reused);
    assert_eq!(state(&store, &family).await, GrantState::Revoked { at: late });
}

async fn another_client_ends_the_grant(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let (_, own) = using(&first, &family);
    let foreign = Refreshing { client_id: ClientId::parse("c_2").unwrap(), ..own.clone() };
    assert_eq!(store.rotate(&foreign, NOW).await.unwrap(), Rotation::Reused);
    assert_eq!(state(&store, &family).await, GrantState::Revoked { at: NOW });
    assert_eq!(store.rotate(&own, NOW).await.unwrap(), Rotation::Dead);
}

async fn a_revoked_or_late_family_is_dead(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let (_, use_first) = using(&first, &family);
    assert_eq!(store.rotate(&use_first, family.expires_at).await.unwrap(), Rotation::Dead);
    assert_eq!(state(&store, &family).await, GrantState::Alive);
    store.revoke_grant(&family.grant.id, NOW).await.unwrap();
    assert_eq!(store.rotate(&use_first, NOW).await.unwrap(), Rotation::Dead);
}

async fn of_sixteen_parallel_uses_one_rotates_and_the_grant_lives(database: Database) {
    let store = Arc::new(database.open().await);
    let Begun { first, family } = begun(&store).await;
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (store, (next, refreshing)) = (store.clone(), using(&first, &family));
            tokio::spawn(async move { (next, store.rotate(&refreshing, NOW).await.unwrap()) })
        })
        .collect();
    let mut winners = Vec::new();
    for attempt in attempts {
        let (next, rotation) = attempt.await.unwrap();
        match rotation {
            Rotation::Rotated => winners.push(next),
            other => assert_eq!(other, Rotation::Spared),
        }
    }
    assert_eq!(winners.len(), 1);
    assert_eq!(state(&store, &family).await, GrantState::Alive);
    assert_eq!(store.rotate(&using(&winners[0], &family).1, NOW).await.unwrap(), Rotation::Rotated);
}

async fn a_grant_is_kept_for_as_long_as_its_family(database: Database) {
    let store = database.open().await;
    let Begun { first, family } = begun(&store).await;
    let (_, refreshing) = using(&first, &family);
    store.rotate(&refreshing, NOW).await.unwrap();
    let day = SignedDuration::from_hours(24);
    store.sweep(refreshing.next_expires_at + day, 10).await.unwrap();
    assert!(store.refresh_family(&first.family()).await.unwrap().is_some());
    store.sweep(refreshing.next_expires_at + day * 2, 10).await.unwrap();
    assert_eq!(store.grant(&family.grant.id).await.unwrap(), None);
    assert_eq!(store.refresh_family(&first.family()).await.unwrap(), None);
}
