//! Device authorizations.

use super::super::*;
use super::scene::*;
use crate::{
    domain::{
        DEVICE_LIFETIME, DEVICE_PAUSE, DeviceAuthorization, DeviceState, Grant, GrantId, GrantState, Origin,
        RefreshFamily, RefreshToken, UserCode,
    },
    protocol::{Resource, Scope},
};
use jiff::{SignedDuration, ToSpan as _};
use std::sync::Arc;

rules! {
    a_device_is_found_by_its_user_code_until_it_is_decided_or_late,
    a_user_code_that_is_taken_is_not_given_out_twice,
    of_two_decisions_on_a_device_the_first_counts,
    only_whoever_decided_on_a_device_learns_how_in_time_and_while_it_stands,
    a_device_code_is_redeemed_once_and_a_replay_revokes_the_grant,
    an_undecided_or_denied_device_is_not_redeemed,
    of_sixteen_parallel_polls_one_redeems,
    a_poll_is_remembered,
    the_sweep_takes_late_devices_and_keeps_those_with_a_grant,
}

fn device() -> DeviceAuthorization {
    DeviceAuthorization {
        hash: secret::<_>().hash(),
        user_code: UserCode::generate(&random()).unwrap().hash(),
        client_id: crate::protocol::ClientId::parse("c_1").unwrap(),
        scope: Scope::parse("mcp:read").unwrap(),
        resource: Resource::parse("http://localhost:8001/mcp").unwrap(),
        created_at: NOW,
        expires_at: NOW + DEVICE_LIFETIME,
        pause: DEVICE_PAUSE,
        polled_at: None,
        state: DeviceState::Pending,
    }
}

/// A device that waits, and the grant that a person would give it.
async fn begun(store: &SqlStore) -> (DeviceAuthorization, Grant) {
    let ann = person("ann");
    store.put_client(&client("c_1", Origin::SelfRegistered)).await.unwrap();
    store.put_person(&ann).await.unwrap();
    let device = device();
    assert!(store.begin_device_authorization(&device).await.unwrap());
    let grant = Grant {
        id: GrantId::generate(&random()).unwrap(),
        subject: ann.subject,
        client_id: device.client_id.clone(),
        scope: device.scope.clone(),
        resource: device.resource.clone(),
        authentication: None,
        created_at: NOW,
        state: GrantState::Alive,
    };
    (device, grant)
}

async fn a_device_is_found_by_its_user_code_until_it_is_decided_or_late(database: Database) {
    let store = database.open().await;
    let (device, grant) = begun(&store).await;
    let store = database.reopen(store).await;
    let find = async |now| store.device_authorization(&device.user_code, now).await.unwrap();
    assert_eq!(find(NOW).await, Some(device.clone()));
    assert_eq!(find(device.expires_at).await, None);
    let other = UserCode::generate(&random()).unwrap().hash();
    assert_eq!(store.device_authorization(&other, NOW).await.unwrap(), None);
    assert_eq!(store.approve_device(&device.hash, &grant, NOW).await.unwrap(), Decision::First);
    assert_eq!(find(NOW).await, None);
    let approved = DeviceAuthorization { state: DeviceState::Approved(grant), ..device.clone() };
    assert_eq!(store.device(&device.hash).await.unwrap(), Some(approved));
}

async fn a_user_code_that_is_taken_is_not_given_out_twice(database: Database) {
    let store = database.open().await;
    let (taken, _) = begun(&store).await;
    let other = DeviceAuthorization { user_code: taken.user_code.clone(), ..device() };
    assert!(!store.begin_device_authorization(&other).await.unwrap());
    assert_eq!(store.device(&other.hash).await.unwrap(), None);
    assert_eq!(store.device(&taken.hash).await.unwrap(), Some(taken));
}

async fn of_two_decisions_on_a_device_the_first_counts(database: Database) {
    let store = database.open().await;
    let (device, grant) = begun(&store).await;
    let late = Grant { id: GrantId::generate(&random()).unwrap(), ..grant.clone() };
    assert_eq!(store.approve_device(&device.hash, &late, device.expires_at).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.deny_device(&device.hash, &grant.subject, NOW).await.unwrap(), Decision::First);
    assert_eq!(store.approve_device(&device.hash, &grant, NOW).await.unwrap(), Decision::AlreadyDecided);
    assert_eq!(store.deny_device(&device.hash, &grant.subject, NOW).await.unwrap(), Decision::AlreadyDecided);
    for nothing in [&grant, &late] {
        assert_eq!(store.grant(&nothing.id).await.unwrap(), None);
    }
    assert_eq!(store.device(&device.hash).await.unwrap().unwrap().state, DeviceState::Denied);
}

async fn only_whoever_decided_on_a_device_learns_how_in_time_and_while_it_stands(database: Database) {
    let store = database.open().await;
    let (allowed, grant) = begun(&store).await;
    let denied = device();
    assert!(store.begin_device_authorization(&denied).await.unwrap());
    let (ann, bob) = (&grant.subject, &person("bob").subject);
    let verdict =
        async |device: &DeviceAuthorization, who, now| store.decided_device(&device.user_code, who, now).await.unwrap();
    assert_eq!(verdict(&allowed, ann, NOW).await, None, "not yet");
    store.approve_device(&allowed.hash, &grant, NOW).await.unwrap();
    store.deny_device(&denied.hash, ann, NOW).await.unwrap();
    for (device, expected) in [(&allowed, Verdict::Approved), (&denied, Verdict::Denied)] {
        assert_eq!(verdict(device, ann, NOW).await, Some(expected));
        assert_eq!(verdict(device, bob, NOW).await, None);
        assert_eq!(verdict(device, ann, device.expires_at).await, None);
    }
    store.revoke_grant(&grant.id, NOW).await.unwrap();
    assert_eq!(verdict(&allowed, ann, NOW).await, None);
}

async fn a_device_code_is_redeemed_once_and_a_replay_revokes_the_grant(database: Database) {
    let store = database.open().await;
    let (device, grant) = begun(&store).await;
    store.approve_device(&device.hash, &grant, NOW).await.unwrap();
    let first = RefreshToken::generate(&random()).unwrap();
    let family = RefreshFamily::begin(&first, grant.clone(), NOW + 1.hour());
    assert_eq!(store.redeem_device(&device.hash, Some(&family), NOW).await.unwrap(), Redemption::First);
    let store = database.reopen(store).await;
    assert_eq!(store.refresh_family(&first.family()).await.unwrap(), Some(family));
    assert_eq!(store.device(&device.hash).await.unwrap().unwrap().state, DeviceState::Redeemed(grant.clone()));
    assert_eq!(store.redeem_device(&device.hash, None, NOW).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.grant(&grant.id).await.unwrap().unwrap().state, GrantState::Revoked { at: NOW });
}

async fn an_undecided_or_denied_device_is_not_redeemed(database: Database) {
    let store = database.open().await;
    let (device, grant) = begun(&store).await;
    assert_eq!(store.redeem_device(&device.hash, None, NOW).await.unwrap(), Redemption::Replayed);
    assert_eq!(store.device(&device.hash).await.unwrap().unwrap().state, DeviceState::Pending);
    store.approve_device(&device.hash, &grant, NOW).await.unwrap();
    store.revoke_grant(&grant.id, NOW).await.unwrap();
    assert_eq!(store.redeem_device(&device.hash, None, NOW).await.unwrap(), Redemption::Revoked);
}

async fn of_sixteen_parallel_polls_one_redeems(database: Database) {
    let store = Arc::new(database.open().await);
    let (device, grant) = begun(&store).await;
    store.approve_device(&device.hash, &grant, NOW).await.unwrap();
    let attempts: Vec<_> = (0..16)
        .map(|_| {
            let (store, hash) = (store.clone(), device.hash.clone());
            tokio::spawn(async move { store.redeem_device(&hash, None, NOW).await.unwrap() })
        })
        .collect();
    let mut first = 0;
    for attempt in attempts {
        first += usize::from(attempt.await.unwrap() == Redemption::First);
    }
    assert_eq!(first, 1);
}

async fn a_poll_is_remembered(database: Database) {
    let store = database.open().await;
    let (device, _) = begun(&store).await;
    let pause = device.longer_pause();
    store.device_polled(&device.hash, pause, NOW).await.unwrap();
    let store = database.reopen(store).await;
    let polled = DeviceAuthorization { pause, polled_at: Some(NOW), ..device.clone() };
    assert_eq!(store.device(&device.hash).await.unwrap(), Some(polled));
}

async fn the_sweep_takes_late_devices_and_keeps_those_with_a_grant(database: Database) {
    let store = database.open().await;
    let (decided, grant) = begun(&store).await;
    store.approve_device(&decided.hash, &grant, NOW).await.unwrap();
    let waiting = device();
    store.begin_device_authorization(&waiting).await.unwrap();
    assert_eq!(store.sweep(waiting.expires_at - 1.second(), 10).await.unwrap(), 0);
    assert_eq!(store.sweep(waiting.expires_at, 10).await.unwrap(), 1);
    assert_eq!(store.device(&waiting.hash).await.unwrap(), None);
    assert!(store.device(&decided.hash).await.unwrap().is_some());
    store.sweep(decided.expires_at + SignedDuration::from_hours(48), 10).await.unwrap();
    assert_eq!(store.device(&decided.hash).await.unwrap(), None);
}
